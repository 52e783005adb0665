/** Programs of the sandbox's people, against the real web gateway and, for what it never does, a server of our own. */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { Platform } from '../../src/domain/ids.ts';
import type { Receipt } from '../../src/domain/message.ts';
import { Journal } from '../../src/sandbox/journal.ts';
import { startSandbox } from '../../src/sandbox/sandbox.ts';
import type { Heard } from '../../src/sandbox/web/event-log.ts';
import { WebSandbox } from '../../src/sandbox/web/web-sandbox.ts';
import { openWeb, type WebFixture } from '../support/web-gateway.ts';

const timing = { reconnectAfterMs: 5, reconnectAtMostMs: 20, sendAgainAfterMs: 5 };
const MESSAGE = { client: 'alex', conversation: 'c1', text: 'refund order 7' };
const CARD = {
  approvalId: 'apr_p7_0123456789ab',
  gen: 1,
  digest: 'd',
  title: 'refund: order 7',
  facts: [],
  requestedBy: 'Alex Kim',
  askedOf: 'role manager',
  risk: 'high',
  reversible: false,
  deadline: '2026-01-01T12:00:00.000Z',
  deadlineText: '1 Jan 2026, 12:00 UTC',
  choices: ['approve', 'deny'],
  status: { state: 'open', sentence: 'Waiting.' },
} as never; // parsed by whoever reads it

describe('what a program says', () => {
  it('is stored once under its id, and what came of it is known', async () => {
    const { web, gateway } = await openBoth();

    const id = web.say(MESSAGE);
    const outcome = await web.until(() => web.outcome(id));

    expect(outcome).toEqual({ status: 'stored' });
    expect(gateway.received).toMatchObject([
      { id: `web:alex:c1:${id}`, conversationId: 'web:alex:c1', text: 'refund order 7' },
    ]);
    expect(web.violations).toEqual([]);
  });

  it('OM-121 is sent again with the same id when the connection ended before the answer', async () => {
    const { web, gateway } = await openBoth();
    const held = holdFirst(gateway);

    const id = web.say(MESSAGE);
    await held.taken;
    web.drop('alex');
    await web.until(() => web.outcome(id));
    held.release();

    expect(gateway.received.map((inbound) => inbound.id)).toEqual([`web:alex:c1:${id}`, `web:alex:c1:${id}`]);
  });

  it('is sent again, and in order, when it could not be stored', async () => {
    const { web, gateway } = await openBoth();
    let isDown = true;
    gateway.onReceive(async () => {
      if (isDown) {
        isDown = false;
        throw new Error('the store is away');
      }
      return { kind: 'stored' };
    });

    const ids = [1, 2, 3].map((n) => web.say({ ...MESSAGE, text: `${n}` }));
    await web.until(() => ids.every((id) => web.outcome(id)));

    const texts = gateway.received.map((inbound) => inbound.kind === 'message' && inbound.text);
    expect(texts).toEqual(['1', '1', '2', '3']);
  });

  it('waits for a gateway that is not there yet', async () => {
    const { web, gateway, url } = await openBoth({ connected: false });

    const id = web.say(MESSAGE);
    const before = web.connection('alex').kind;
    web.connectTo(url);
    await web.until(() => web.outcome(id));

    expect(before).toBe('nowhere');
    expect(gateway.received).toHaveLength(1);
  });

  it('is an answer to a card, by its generation and digest', async () => {
    const { web, gateway } = await openBoth();
    gateway.onReceive(async () => ({ kind: 'answered', code: 'ALREADY', notice: 'Too late.' }));

    const id = web.answer({ client: 'dana', card: CARD, choice: 'deny', text: 'not now' });
    const outcome = await web.until(() => web.outcome(id));

    expect(outcome).toMatchObject({ status: 'answered', code: 'ALREADY', notice: 'Too late.' });
    expect(gateway.received).toMatchObject([
      { kind: 'answer', approvalId: 'apr_p7_0123456789ab', choice: 'deny', text: 'not now', gen: 1 },
    ]);
  });
});

describe('what a program hears', () => {
  it('comes in order, each thing once and as it is now, over a drop', async () => {
    const { web, gateway } = await openBoth();
    const first = await send(gateway, { kind: 'text', markdown: 'one' });
    await send(gateway, { kind: 'card', card: CARD });
    await web.until(() => web.heard('alex').length === 2);

    web.drop('alex');
    await send(gateway, { kind: 'text', markdown: 'one, changed', replaces: first });
    await send(gateway, { kind: 'notice', markdown: 'psst', onlyFor: 'web:alex' as never });
    await web.until(() => web.heard('alex').length === 3);

    expect(web.heard('alex').map(wordsOf)).toEqual(['one, changed', 'refund: order 7', 'psst']);
    expect(web.heard('alex').map(({ event }) => event.position)).toEqual([3, 2, 4]);
    expect(web.heard('dana')).toEqual([]);
    expect(web.violations).toEqual([]);
  });

  it('is forgotten when the gateway’s log began anew, and read from its beginning', async () => {
    const { web, gateway } = await openBoth();
    for (const markdown of ['old 1', 'old 2']) await send(gateway, { kind: 'text', markdown });
    await web.until(() => web.heard('alex').length === 2);
    const other = await openGateway(web);
    await send(other, { kind: 'text', markdown: 'new' });

    web.connectTo(other.url);
    await web.until(() => web.heard('alex').map(wordsOf).join() === 'new');

    expect(web.violations).toEqual([]);
  });

  it('is kept as a violation when the protocol has no such thing', async () => {
    const web = await openPrograms();
    const { url } = await openServer((socket) => {
      socket.once('message', () => {
        socket.send('{"type":"ok","id":"subscribe"}');
        socket.send('{"type":"event","position":1,"kind":"poem"}');
      });
    });

    web.connectTo(url);
    await web.until(() => web.violations.length > 0);

    expect(web.violations[0]).toContain('poem');
  });
});

describe('a token', () => {
  it('OM-185 that is nobody’s is refused in a sentence, and knocks again only when told where to go', async () => {
    const { web, gateway, url } = await openBoth();
    const ask = () => web.say({ ...MESSAGE, client: 'eve' });
    const refusals = () =>
      gateway.lines.filter(({ sentence }) => sentence === 'a connection was refused').length;

    const beforeAnything = [web.connection('eve').kind, refusals()];
    const first = ask();
    const outcome = await web.until(() => web.outcome(first));
    const second = web.outcome(ask());
    const knocked = refusals();
    web.connectTo(url);
    const third = ask();
    await web.until(() => web.outcome(third));

    expect(beforeAnything).toEqual(['silent', 0]);
    expect(second).toEqual(outcome);
    expect(outcome).toMatchObject({
      status: 'refused',
      reason: expect.stringMatching(/^The gateway refuses this program: .* \(401 Unauthorized\)\.$/),
    });
    expect([knocked, refusals()]).toEqual([1, 2]);
    expect(gateway.received).toEqual([]);
  });

  it('that is refused on an open connection is not tried again either', async () => {
    const web = await openPrograms();
    let connections = 0;
    const { url } = await openServer((socket) => {
      connections += 1;
      socket.close(4401, 'unauthorized');
    });

    const id = web.say(MESSAGE);
    web.connectTo(url);
    await web.until(() => web.outcome(id));
    await web.until(() => web.connection('dana').kind === 'refused');

    expect(web.outcome(id)).toMatchObject({ status: 'refused', reason: expect.stringContaining('4401') });
    expect(connections).toBe(2); // Alex and Dana, once each
  });
});

describe('after a start anew', () => {
  it('OM-099 tokens are the same, what was not answered is sent again, and what was said is there', async () => {
    const directory = mkdtempSync(path.join(tmpdir(), 'signalbox-web-'));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    const before = await openPrograms(directory);
    const id = before.say(MESSAGE);
    await before.stop();

    const after = await openPrograms(directory);
    const gateway = await openGateway(after);
    await send(gateway, { kind: 'text', markdown: 'said meanwhile' });
    after.connectTo(gateway.url);
    await after.until(() => after.outcome(id) && after.heard('alex').length === 1);

    expect(after.env).toEqual(before.env);
    expect(Object.keys(after.env)).toEqual(['WEB_TOKEN_ALEX', 'WEB_TOKEN_DANA']);
    expect(gateway.received).toMatchObject([{ id: `web:alex:c1:${id}` }]);
    expect(after.asked('alex')).toMatchObject([{ request: { text: 'refund order 7' } }]);
  });
});

describe('the page', () => {
  it('tells the programs where the gateway is, and hands files over as nothing but bytes', async () => {
    const sandbox = await startSandbox({ port: 0, mail: { keyBits: 1_024 }, web: { timing } });
    onTestFinished(() => sandbox.stop());
    const gateway = await openGateway(sandbox.web);
    const told = await call(sandbox.url, 'PUT', '/gateway', { webUrl: gateway.url });
    const said = await call(sandbox.url, 'POST', '/page/web/say', MESSAGE);
    const odd = await call(sandbox.url, 'POST', '/page/web/say', { ...MESSAGE, conversation: 'a:b' });
    const file = { name: 'ä.html', mediaType: 'text/html', base64: btoa('<script>alert(1)</script>') };
    await send(gateway, { kind: 'text', markdown: 'here', files: [file] });
    await sandbox.web.until((web) => web.heard('alex').length === 1);

    const got = await fetch(`${sandbox.url}/page/web/file/alex/1/0`);
    const none = await fetch(`${sandbox.url}/page/web/file/alex/1/1`);

    expect([told.status, said.status, odd.status, none.status]).toEqual([200, 200, 400, 404]);
    expect(await got.text()).toBe('<script>alert(1)</script>');
    expect(Object.fromEntries(got.headers)).toMatchObject({
      'content-type': 'application/octet-stream',
      'content-disposition': "attachment; filename*=UTF-8''%C3%A4.html",
      'x-content-type-options': 'nosniff',
    });
  });
});

async function openPrograms(directory?: string): Promise<WebSandbox> {
  const journal = new Journal(directory);
  await journal.start();
  const web = new WebSandbox(journal, { timing });
  await web.start();
  onTestFinished(async () => {
    await web.stop();
    await journal.stop();
  });
  return web;
}

/** A gateway of which Alex and Dana are clients. */
async function openGateway({ env }: WebSandbox): Promise<WebFixture> {
  return openWeb({
    settings: { clients: { alex: { token: env.WEB_TOKEN_ALEX }, dana: { token: env.WEB_TOKEN_DANA } } },
  });
}

async function openBoth({ connected = true } = {}) {
  const web = await openPrograms();
  const gateway = await openGateway(web);
  if (connected) {
    web.connectTo(gateway.url);
    await web.until(() => ['alex', 'dana'].every((client) => web.connection(client).kind === 'connected'));
  }
  return { web, gateway, url: gateway.url };
}

/** A server that says what the gateway never would. */
async function openServer(greet: (socket: WebSocket) => void): Promise<{ url: string }> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  server.on('connection', greet);
  onTestFinished(() => new Promise((resolve) => server.close(() => resolve())));
  onTestFinished(() => {
    for (const socket of server.clients) socket.terminate();
  });
  await once(server, 'listening');
  // Listening on a port, and not on a pipe.
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

/** The first thing that comes in is not answered before `release`. */
function holdFirst(gateway: WebFixture): { taken: Promise<void>; release: () => void } {
  let release = () => {};
  let take = () => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const taken = new Promise<void>((resolve) => {
    take = resolve;
  });
  let isFirst = true;
  gateway.onReceive(async (): Promise<Receipt> => {
    if (!isFirst) return { kind: 'duplicate' };
    isFirst = false;
    take();
    await released;
    return { kind: 'stored' };
  });
  return { taken, release };
}

let sent = 0;

async function send({ gateway }: WebFixture, body: object): Promise<string> {
  const { ref } = await gateway.send({
    id: `out-${++sent}`,
    conversationId: 'web:alex:c1' as never,
    to: { platform: Platform.parse('web'), route: { client: 'alex', conversation: 'c1' } },
    body: body as never,
    attempt: 1,
  });
  return ref;
}

function wordsOf({ event }: Heard): string {
  return event.kind === 'card' ? event.card.title : event.markdown;
}

async function call(url: string, method: string, route: string, body: unknown): Promise<Response> {
  return fetch(`${url}${route}`, {
    method,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
}
