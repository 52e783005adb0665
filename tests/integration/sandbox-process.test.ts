import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ALEX } from '../../src/sandbox/people.ts';

const MAIN = fileURLToPath(new URL('../../src/sandbox/main.ts', import.meta.url));
const Ready = z.object({ url: z.url(), env: z.record(z.string(), z.string()) });
const History = z.object({ messages: z.array(z.object({ text: z.string(), user: z.string() })) });

let dataDir: string;
let children: ChildProcess[];

beforeEach(() => {
  dataDir = mkdtempSync(path.join(tmpdir(), 'sandbox-process-'));
  children = [];
});

afterEach(() => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(dataDir, { recursive: true, force: true });
});

describe('the sandbox as a process', () => {
  it('comes back from a kill where it was, on the same ports', async () => {
    const first = await launch();
    const said = { user: ALEX.slackUser, channel: 'C0GENERAL', text: '@signalbox hi' };
    await post(`${first.url}/page/say`, said);
    await post(`${first.url}/page/write`, { from: ALEX.mail, subject: 'Question', text: 'hello' });
    first.child.kill('SIGKILL');
    await once(first.child, 'exit');

    const second = await launch();

    expect(second.env).toEqual(first.env);
    expect(await history(second)).toEqual([{ text: '<@U0SIGNALBOX> hi', user: ALEX.slackUser }]);
    expect(await pageState(second.url)).toMatchObject({
      gateway: { unacknowledged: 2 },
      sent: [{ subject: 'Question', state: 'queued' }],
    });
  });

  it('ends when its parent lets go of it, and on SIGTERM', async () => {
    const abandoned = await launch();
    abandoned.child.disconnect();
    const [first] = await once(abandoned.child, 'exit');

    const stopped = await launch();
    stopped.child.kill('SIGTERM');
    const [second] = await once(stopped.child, 'exit');

    expect([first, second]).toEqual([0, 0]);
  });
});

async function launch(): Promise<z.infer<typeof Ready> & { child: ChildProcess }> {
  const child = spawn(process.execPath, ['--import', 'tsx', MAIN, '--port', '0', '--data', dataDir], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  children.push(child);
  const [line] = await once(createInterface(child.stdout!), 'line');
  return { child, ...Ready.parse(JSON.parse(line)) };
}

async function post(url: string, body: object): Promise<void> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  expect(response.status).toBe(200);
}

async function history({ env }: z.infer<typeof Ready>): Promise<unknown[]> {
  const response = await fetch(`${env.SLACK_API_URL}conversations.history?channel=C0GENERAL`, {
    headers: { authorization: `Bearer ${env.SLACK_BOT_TOKEN}` },
  });
  return History.parse(await response.json()).messages;
}

/** The first event of the page's stream. */
async function pageState(url: string): Promise<unknown> {
  const response = await fetch(`${url}/page/events`);
  let received = '';
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    received += chunk;
    const data = /^data: (.*)\n\n/m.exec(received)?.[1];
    if (data !== undefined) return JSON.parse(data);
  }
  throw new Error('the stream ended without a state');
}
