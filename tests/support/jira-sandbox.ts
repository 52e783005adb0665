/** The emulated Jira, the real client library, and a listener that keeps the webhooks it is sent. */
import { fastify } from 'fastify';
import JiraApi from 'jira-client';
import { WebhookListener, type WebhookRequest } from '../../gateways/webhook-listener.ts';
import { type Clock, systemClock } from '../../src/domain/clock.ts';
import { JiraSandbox, type JiraSandboxOptions } from '../../src/sandbox/jira/jira-sandbox.ts';
import { Journal } from '../../src/sandbox/journal.ts';
import { silent } from './core.ts';

export interface JiraSandboxFixture {
  readonly jira: JiraSandbox;
  readonly client: JiraApi;
  /** Of the site. */
  readonly url: string;
  /** `Authorization` of the app's account. */
  readonly authorization: string;
  /** Oldest first. */
  readonly webhooks: WebhookRequest[];
  /** `path` is below the site. */
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Response>;
  /** Sends a small table as a file. */
  attach(issue: string, headers?: Record<string, string>): Promise<Response>;
  close(): Promise<void>;
}

export interface JiraSandboxFixtureOptions extends JiraSandboxOptions {
  /** The status of every webhook's answer. Default 200. */
  readonly answer?: () => number;
  readonly clock?: Clock;
  /** Where the journal is kept; without it nowhere. */
  readonly directory?: string;
}

export async function openJiraSandbox(options: JiraSandboxFixtureOptions = {}): Promise<JiraSandboxFixture> {
  const { answer = () => 200, clock = systemClock, directory, ...wanted } = options;
  const journal = new Journal(directory);
  await journal.start();
  const app = fastify({ forceCloseConnections: true });
  const jira = new JiraSandbox(journal, { retryDelaysMs: [0, 0], ...wanted }, clock);
  jira.register(app);
  await jira.start();
  await app.listen({ host: '127.0.0.1', port: 0 });
  const webhooks: WebhookRequest[] = [];
  const listener = new WebhookListener({ host: '127.0.0.1', port: 0 }, silent);
  listener.route('/hook', async (request) => {
    webhooks.push(request);
    return { status: answer() };
  });
  await listener.start();
  jira.deliverTo(`${listener.url}/hook`);

  const url = `${app.listeningOrigin}/jira`;
  const isServer = options.flavour === 'data-center';
  const basic = Buffer.from(`${jira.email}:${jira.apiToken}`).toString('base64');
  const authorization = isServer ? `Bearer ${jira.personalToken}` : `Basic ${basic}`;
  const { hostname, port } = new URL(url);
  return {
    jira,
    url,
    authorization,
    webhooks,
    client: new JiraApi({
      protocol: 'http',
      host: hostname,
      port,
      base: 'jira',
      apiVersion: '2',
      ...(isServer ? { bearer: jira.personalToken } : { username: jira.email, password: jira.apiToken }),
    }),
    call: (method, path, body, headers) =>
      fetch(`${url}${path}`, {
        method,
        headers: {
          authorization,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }),
    attach: (issue, headers = { 'x-atlassian-token': 'no-check' }) => {
      const form = new FormData();
      form.append('file', new Blob(['one,two'], { type: 'text/csv' }), 'a.csv');
      return fetch(`${url}/rest/api/2/issue/${issue}/attachments`, {
        method: 'POST',
        headers: { authorization, ...headers },
        body: form,
      });
    },
    close: async () => {
      await jira.stop();
      await listener.stop();
      await app.close();
      await journal.stop();
    },
  };
}
