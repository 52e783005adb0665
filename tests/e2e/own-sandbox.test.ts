/** `signalbox start` without credentials: the sandbox it brings along, and what becomes of it. */
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ALEX } from '../../src/sandbox/people.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { testRedis } from '../support/redis.ts';

// Whole processes start and end here, beside whatever else the machine is busy with.
vi.setConfig({ testTimeout: 90_000, hookTimeout: 90_000 });

const READY = /^ready$/;

let folder: string;
let running: GatewayProcess[];

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'signalbox-own-'));
  running = [];
  await cp('config', path.join(folder, 'config'), { recursive: true });
  const settings = path.join(folder, 'config/settings.yaml');
  const prefix = `data_directory: data\n  key_prefix: t:${crypto.randomUUID()}`;
  const text = await readFile(settings, 'utf8');
  await writeFile(settings, text.replace('data_directory: data', prefix).replace('port: 4000', 'port: 0'));
});
afterEach(async () => {
  for (const each of running) await each.stop();
  await rm(folder, { recursive: true, force: true });
});

function start(): GatewayProcess {
  const gateway = GatewayProcess.start(folder, { REDIS_URL: testRedis().url, MAIL_LISTEN_PORT: '0' }, [
    '--sandbox-port',
    '0',
  ]);
  running.push(gateway);
  return gateway;
}

async function ask(url: unknown): Promise<void> {
  const question = { user: ALEX.slackUser, channel: 'C0GENERAL', text: '@signalbox what can you do?' };
  expect(await post(`${String(url)}/page/say`, question)).toBe(200);
}

/** Resolves with the status. */
async function post(url: string, body: unknown): Promise<number> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return response.status;
}

/** Resolves when the page shows the answer. */
async function answered(url: unknown): Promise<void> {
  const { body } = await fetch(`${String(url)}/page/events`);
  let shown = '';
  for await (const chunk of body!.pipeThrough(new TextDecoderStream())) {
    shown += chunk;
    if (shown.includes('Here is what I can do')) return;
  }
  throw new Error('the page ended without the answer');
}

describe('the sandbox that start brings along', () => {
  it('OM-099 is started again when it ends by itself, where it was, and the gateway says why it started over', async () => {
    const gateway = start();
    const first = await gateway.line(/^sandbox started$/);
    await gateway.line(READY);

    process.kill(Number(first.pid), 'SIGKILL');
    await gateway.line(/^starting over: the sandbox ended by itself \(SIGKILL\)/);
    const second = await gateway.line(/^sandbox started$/, 2);
    await gateway.line(READY, 2);
    await ask(second.url);
    await answered(second.url);

    expect(second.url).toBe(first.url);
    expect(gateway.child.exitCode).toBeNull();
  });

  it('OM-099 lets programs of its people in, and knows their tokens again after it ended', async () => {
    const gateway = start();
    const first = await gateway.line(/^sandbox started$/);
    await gateway.line(READY);
    const hello = { client: 'alex', conversation: 'c1', text: 'what can you do?' };
    const said = await post(`${String(first.url)}/page/web/say`, hello);
    await answered(first.url);

    process.kill(Number(first.pid), 'SIGKILL');
    const second = await gateway.line(/^sandbox started$/, 2);
    await gateway.line(READY, 2);
    await answered(second.url); // read again: the sandbox kept nothing of it

    expect(said).toBe(200);
    expect(gateway.said.join('\n')).toMatch(/Web: +played by the sandbox/);
    expect(gateway.said.join('\n')).not.toMatch(/a connection was refused/);
  });

  it('is one per folder: a second start is refused with the next step, and the first goes on', async () => {
    const first = start();
    const { url } = await first.line(/^sandbox started$/);
    await first.line(READY);

    const second = start();
    const code = await second.ended();
    await ask(url);
    await answered(url);

    expect(code).toBe(1);
    expect(second.said.join('\n')).toMatch(
      /a sandbox runs already on .*data\/sandbox; use that one, or stop it first/,
    );
    expect(second.said.join('\n')).not.toMatch(/ {4}at /);
  });
});
