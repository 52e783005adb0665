/** The door of the API, on a real port, with a desk that notes what it is asked to change. */
import { once } from 'node:events';
import { createServer, request, type Server } from 'node:http';
import { Writable } from 'node:stream';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Access } from '../../../src/api/access.ts';
import type { ApprovalDesk } from '../../../src/api/approval-desk.ts';
import { HttpDoor } from '../../../src/api/http-door.ts';
import type { ApiKeyStore } from '../../../src/api/key-store.ts';
import { API_PATH, operations } from '../../../src/api/operations.ts';
import { Problem, type ProblemCode } from '../../../src/api/problem.ts';
import { toView } from '../../../src/api/view.ts';
import { ApiSettings } from '../../../src/config/api.ts';
import { systemClock } from '../../../src/domain/clock.ts';
import { createLogger } from '../../../src/observability/logger.ts';
import { aClient, TOKEN } from '../../support/api.ts';
import { anApproval } from '../../support/approvals.ts';
import { runs } from '../../support/property-runs.ts';

const APPROVAL = anApproval();
const SETTLED = { code: 'SETTLED', approval: toView(APPROVAL), sentence: 'It is settled.' };

let server: Server;
let door: HttpDoor;
/** What the desk, or the audit, was asked to change. */
let changed: string[];
let lines: string[];
/** What the desk refuses to open. */
let refusal: ProblemCode | undefined;

beforeEach(async () => {
  [changed, lines, refusal] = [[], [], undefined];
  server = createServer();
  const settings = ApiSettings.parse({ clients: {} });
  const clients = { shop: aClient() };
  const destination = new Writable({
    write(chunk, _encoding, done) {
      lines.push(String(chunk));
      done();
    },
  });
  door = new HttpDoor({
    listener: {
      mount: (_path, handler) => {
        server.on('request', handler);
        return () => server.off('request', handler);
      },
    },
    // Of the store only what is asked about keys that the settings do not have.
    access: new Access(
      () => ({ ...settings, clients }),
      { identify: async () => undefined } as unknown as ApiKeyStore,
      systemClock,
    ),
    desk: aDesk(),
    audit: async ({ event }) => {
      changed.push(event);
    },
    log: createLogger({ level: 'warn', destination }),
  });
  await door.start();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});

afterEach(async () => {
  await door.stop();
  server.closeAllConnections();
  server.close();
});

/** Looks are answered; whatever else it is asked to do is noted. */
function aDesk(): ApprovalDesk {
  const looks: Record<string, () => Promise<unknown>> = {
    find: async () => APPROVAL,
    show: async () => toView(APPROVAL),
    list: async () => ({ approvals: [toView(APPROVAL)] }),
    wait: async () => SETTLED,
  };
  const desk = new Proxy(looks, {
    get: (known, verb) =>
      known[String(verb)] ??
      (async () => {
        changed.push(String(verb));
        if (refusal) throw new Problem({ code: refusal, detail: 'It cannot be had.', remedy: 'Ask others.' });
        return { kind: 'created', act: SETTLED };
      }),
  });
  // What of a desk the door calls is its methods.
  return desk as unknown as ApprovalDesk;
}

interface Call {
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Resolves with the status. Sent by hand: a body with a GET is what `fetch` does not send. */
async function call({ method, path, headers = {}, body = '' }: Call): Promise<number> {
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  const sent = request({
    port,
    host: '127.0.0.1',
    method,
    path,
    headers: { authorization: `Bearer ${TOKEN}`, 'content-length': Buffer.byteLength(body), ...headers },
  });
  const [answer] = await Promise.all([once(sent, 'response'), sent.end(body)]);
  const [response] = answer;
  response.resume();
  await once(response, 'end');
  return response.statusCode;
}

const CREATE = JSON.stringify({
  tool: 'refund',
  title: 'refund: order 7',
  args: { order: 7 },
  risk: 'low',
  reversible: true,
  effect: 'once',
  approvers: { role: 'manager' },
  requester: 'alex',
});

describe('whoever only looks', () => {
  it('A18 changes nothing, at any address, with whatever is sent along', async () => {
    const addresses = operations().map(([, { path }]) => path.replace(':id', APPROVAL.id));
    const path = fc
      .tuple(
        fc.constantFrom(...addresses, '', '/approvals/x', '/approvals/..%2f'),
        fc.constantFrom('', '', '/', '//', '%20', '.json'),
        fc.constantFrom('', '?timeout=0', '?choice=approve&person=dana', '?_method=POST', '?state=OPEN'),
      )
      .map(([at, end, query]) => `${API_PATH}${at}${end}${query}`);
    const look = fc.record({
      method: fc.constantFrom('GET', 'HEAD', 'OPTIONS'),
      path,
      headers: fc.constantFrom<Record<string, string>[]>(
        {},
        { 'x-http-method-override': 'POST' },
        { 'content-type': 'application/json', 'idempotency-key': 'k-12345678' },
        { accept: 'text/event-stream' },
        { authorization: 'Bearer of-nobody' },
      ),
      body: fc.constantFrom('', '{}', CREATE, '{"choice":"approve","person":"dana"}'),
    });
    const statuses = new Set<number>();

    await fc.assert(
      fc.asyncProperty(look, async (each) => {
        changed = [];
        statuses.add(await call(each));
        expect(changed).toEqual([]);
      }),
      { numRuns: runs(300) },
    );

    expect([...statuses]).toContain(200);
    // The same desk notes what does change something.
    await call({ method: 'POST', path: `${API_PATH}/approvals/${APPROVAL.id}/cancel` });
    expect(changed).toEqual(['cancel']);
  });
});

describe('a body that could never be kept', () => {
  const half = '{"args":{"a":"\\ud800"}}';
  const deep = `{"args":{"a":${'{"b":'.repeat(5_000)}1${'}'.repeat(5_000)}}}`;
  const deepest = `${'['.repeat(30_000)}${']'.repeat(30_000)}`;
  const posts = operations().filter(([, { method }]) => method === 'POST');

  it.each(posts)('is answered with 400 and what it is, and nothing is done, at %s', async (_, { path }) => {
    const address = server.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    const at = `http://127.0.0.1:${port}${API_PATH}${path.replace(':id', APPROVAL.id)}`;
    const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' };
    const told = async (body: string) => {
      const answer = await fetch(at, { method: 'POST', headers, body });
      return { status: answer.status, body: await answer.json() };
    };
    const flaw = (where: unknown, problem: string) => ({
      status: 400,
      body: { code: 'MALFORMED', errors: [{ at: where, problem: expect.stringContaining(problem) }] },
    });

    expect(await told(half)).toMatchObject(flaw('/args/a', 'half of a character'));
    expect(await told(deep)).toMatchObject(
      flaw(expect.stringMatching(/^\/args\/a\/b/), 'deeper than 32 levels'),
    );
    expect(await told(deepest)).toMatchObject(
      flaw(expect.stringMatching(/^\/0\/0/), 'deeper than 32 levels'),
    );
    expect(await told('{"args":{"a":1,"a":2}}')).toMatchObject(flaw('/args/a', 'stands twice'));
    expect(await told('{"args":{"__proto__":{"a":1}}}')).toMatchObject(
      flaw('/args/__proto__', 'not taken: "__proto__"'),
    );
    expect(await told('{"args":')).toMatchObject({ status: 400, body: { code: 'MALFORMED' } });
    expect(changed).toEqual([]);
    expect(lines).toEqual([]);
  });
});

describe('the log', () => {
  it.each([
    ['NOT_ALLOWED', 'it is not for this client'],
    ['UNKNOWN_RULE', 'it names a rule that is not there'],
    ['UNKNOWN_POLICY', 'it names a policy that is not there'],
    ['UNSATISFIABLE', 'nobody could ever say yes to it'],
  ] as const)('says of %s that %s', async (code, why) => {
    refusal = code;

    await call({
      method: 'POST',
      path: `${API_PATH}/approvals/${APPROVAL.id}/cancel`,
    });

    expect(lines.map((line) => JSON.parse(line))).toEqual([
      expect.objectContaining({ client: 'shop', rule: code, msg: `a request was refused: ${why}` }),
    ]);
    expect(changed).toContain('authorization.deny');
  });
});
