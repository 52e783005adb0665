/** The process that runs an approved call is killed in the middle of it, as the real process. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Keys } from '../../src/redis/keys.ts';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.ts';
import type { SlackMessage } from '../../src/sandbox/slack/workspace.ts';
import { GatewayHome, type GatewayProcess } from '../support/gateway-process.ts';
import { testRedis } from '../support/redis.ts';
import { ALEX, button, codesIn, DANA, GENERAL, textOf } from '../support/story.ts';

// Whole processes start and end here, beside whatever else the machine is busy with.
vi.setConfig({ testTimeout: 90_000, hookTimeout: 90_000 });

/** Longer than a permit lasts, and what is waited for after it. */
const LEASE_IS_OVER_MS = 70_000;

let sandbox: Sandbox;
let home: GatewayHome;
let running: GatewayProcess[];

beforeEach(async () => {
  sandbox = await startSandbox({
    port: 0,
    mail: { keyBits: 1_024, pace: { firstMs: 50, mostMs: 200 } },
    slack: { retryDelaysMs: [0, 50], retryUntilAcknowledged: true },
  });
  home = await GatewayHome.create(sandbox);
  running = [];
});
afterEach(async () => {
  for (const each of running) await each.stop();
  await sandbox.stop();
  await home.remove();
});

async function start(): Promise<GatewayProcess> {
  const gateway = home.start();
  running.push(gateway);
  await gateway.line(/^ready$/);
  return gateway;
}

function answer(thread: string, pattern: RegExp): Promise<SlackMessage> {
  return sandbox.slack.until((slack) =>
    slack
      .thread(GENERAL, thread)
      .find((message) => message.user === 'U0SIGNALBOX' && pattern.test(textOf(message))),
  );
}

/** Resolves once the shop has made a refund. */
function refunded(): Promise<void> {
  return new Promise((resolve) => {
    const stop = sandbox.shop.onChange(() => {
      if (sandbox.shop.refunds.length === 0) return;
      stop();
      resolve();
    });
  });
}

/** Moves the store's time forward; whoever sweeps sees it. */
async function pass(ms: number): Promise<void> {
  const settings = await readFile(path.join(home.folder, 'config', 'settings.yaml'), 'utf8');
  const keys = new Keys(`${/key_prefix: (\S+)/.exec(settings)?.[1]}:`);
  const redis = new Redis(testRedis().url);
  try {
    for (const partition of keys.partitions()) {
      const nowMs = Date.now() + ms;
      await redis.set(keys.watched(partition), nowMs);
      await redis.set(`${keys.partition(partition)}clock`, nowMs);
    }
  } finally {
    redis.disconnect();
  }
}

it('OM-011 OM-124 a call whose process was killed in the middle is not made again; a person finds out, and the agent is told', async () => {
  const gateway = await start();
  const { ts: thread } = await sandbox.slack.say({
    user: ALEX.slack,
    channel: GENERAL,
    text: '@signalbox refund order 7',
  });
  await answer(thread, /Waiting for role manager/);
  const request = await sandbox.mail.until(() =>
    sandbox.mail.mailbox(DANA.mail).find(({ subject }) => /refund/.test(subject)),
  );
  sandbox.shop.fault('hang-after');
  const made = refunded();
  await sandbox.mail.reply(request, { line: `approve ${codesIn(request).approve}`, quoting: 'top' });
  await made;

  gateway.signal('SIGKILL');
  await gateway.ended();
  await start();
  await pass(LEASE_IS_OVER_MS);
  const card = await answer(thread, /nobody can tell whether it happened/);
  await answer(thread, /cannot say whether it was done/);
  await sandbox.slack.press({
    user: DANA.slack,
    channel: GENERAL,
    ts: card.ts,
    actionId: button(card, /It ran/),
  });

  await answer(thread, /Done: Dana Reyes confirmed that it happened \(on Slack/);
  await sandbox.slack.until(
    () =>
      JSON.stringify(sandbox.claude.requests.at(-1)?.messages).includes('confirmed that it happened') ||
      undefined,
  );
  expect(sandbox.shop.refunds.map(({ amount }) => amount)).toEqual([120]);
});

it('C1 what was shown of an answer whose process was killed says that it was broken off, once a person takes over', async () => {
  async function* endlessly(): AsyncGenerator<string> {
    yield 'The refund rules ';
    await new Promise(() => {});
  }
  sandbox.claude.script(() => ({ text: endlessly() }));
  const gateway = await start();
  const { ts: thread } = await sandbox.slack.say({
    user: ALEX.slack,
    channel: GENERAL,
    text: '@signalbox what do the rules say?',
  });
  await answer(thread, /The refund rules +…/);

  gateway.signal('SIGKILL');
  await gateway.ended();
  await start();
  await sandbox.slack.say({ user: DANA.slack, channel: GENERAL, thread, text: '!takeover' });

  await answer(thread, /Dana Reyes has taken over/);
  await answer(thread, /I broke off here/);
  expect(sandbox.slack.thread(GENERAL, thread).map(textOf).join()).not.toContain('The refund rules');
});
