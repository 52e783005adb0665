/** Programs ask a real process, which is killed before it could tell them the end. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.ts';
import { aRequest, HookReceiver, INBOX_TOKEN, SECRET, TOKEN } from '../support/api.ts';
import { GatewayHome, type GatewayProcess } from '../support/gateway-process.ts';
import { expectNoViolations } from '../support/violations.ts';

// Whole processes start and end here, beside whatever else the machine is busy with.
vi.setConfig({ testTimeout: 90_000, hookTimeout: 90_000 });

let sandbox: Sandbox;
let home: GatewayHome;
let hooks: HookReceiver;
let running: GatewayProcess[];

beforeEach(async () => {
  sandbox = await startSandbox({ port: 0, mail: { keyBits: 1_024 } });
  home = await GatewayHome.create(sandbox);
  hooks = new HookReceiver();
  const url = await hooks.open();
  const api = `api:
  clients:
    shop:
      asks: [{ role: manager }]
      keys: { main: { token: '\${SHOP_KEY}', scopes: ['approvals:create'] } }
      webhook: { url: '${url}', secret: '\${SHOP_SECRET}' }
    inbox:
      sees: all
      answers_for: [dana]
      keys: { main: { token: '\${INBOX_KEY}', scopes: ['approvals:answer'] } }
`;
  await home.edit('settings.yaml', (text) => text.replace('api:\n  clients: {}\n', api));
  running = [];
});
afterEach(async () => {
  for (const each of running) await each.stop();
  await sandbox.stop();
  await hooks.close();
  await home.remove();
  expectNoViolations(sandbox.discord, sandbox.jira);
});

/** Resolves with where it listens. */
async function start(): Promise<{ gateway: GatewayProcess; url: unknown }> {
  const gateway = home.start({ SHOP_KEY: TOKEN, INBOX_KEY: INBOX_TOKEN, SHOP_SECRET: SECRET });
  running.push(gateway);
  await gateway.line(/^ready$/);
  return { gateway, url: (await gateway.line(/^waiting for webhooks$/)).url };
}

async function post(url: string, token: string, body: object): Promise<Record<string, unknown>> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
  // An act, with the approval in it.
  return (await response.json()) as Record<string, unknown>;
}

it('a webhook outlives the process that was killed before it was taken, and no key is in the log', async () => {
  hooks.answers.push(500);
  const { gateway, url } = await start();
  const asked = await post(`${url}/api/v1/approvals`, TOKEN, aRequest());
  const { id, gen, digest } = asked.approval as Record<string, unknown>;
  const answer = { person: 'dana', choice: 'deny', gen, digest };
  const denied = await post(`${url}/api/v1/approvals/${id}/answers`, INBOX_TOKEN, answer);
  await hooks.until(1);
  gateway.signal('SIGKILL');
  await gateway.ended();
  const second = await start();
  const again = await post(`${second.url}/api/v1/approvals`, TOKEN, aRequest());

  const heard = await hooks.until(2);
  expect(denied.code).toBe('DECIDED');
  expect(again).toMatchObject({ code: 'DUPLICATE', approval: { id, state: 'DENIED' } });
  expect(heard.map((each) => each.id)).toEqual([heard[0]!.id, heard[0]!.id]);
  expect(heard.every(({ genuine }) => genuine)).toBe(true);
  const log = JSON.stringify([gateway.lines, gateway.said, second.gateway.lines, second.gateway.said]);
  expect([TOKEN, INBOX_TOKEN, SECRET].filter((secret) => log.includes(secret))).toEqual([]);
});
