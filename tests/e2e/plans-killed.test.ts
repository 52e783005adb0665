/** The process that runs a plan is killed in the middle of it, as the real process. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Keys } from '../../src/redis/keys.ts';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.ts';
import type { SlackMessage } from '../../src/sandbox/slack/workspace.ts';
import { GatewayHome, type GatewayProcess } from '../support/gateway-process.ts';
import { testRedis } from '../support/redis.ts';
import { ALEX, button, DANA, GENERAL, textOf } from '../support/story.ts';

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

/** Resolves once the shop's ledger looks like this. */
function ledger(isSo: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const stop = sandbox.shop.onChange(() => {
      if (!isSo()) return;
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

const refund = (order: number) => ({
  tool: 'refund',
  arguments: { order, amount: 60, currency: 'EUR', reason: 'broken' },
});

/** Alex has the plan made, Dana agrees, and the process that runs it is killed as soon as the ledger looks like this. */
async function killedWhen(isSo: () => boolean): Promise<string> {
  sandbox.claude.script(({ messages }) => {
    const last = JSON.stringify(messages.at(-1));
    if (!last.includes('please move')) return { text: 'I see.' };
    const steps = [refund(7), refund(8), refund(9)];
    return { calls: [{ tool: 'run_plan', input: { title: 'Move the orders', steps } }] };
  });
  const gateway = await start();
  const { ts: thread } = await sandbox.slack.say({
    user: ALEX.slack,
    channel: GENERAL,
    text: '@signalbox please move the orders',
  });
  const card = await answer(thread, /Waiting for role manager/);
  const reached = ledger(isSo);
  await sandbox.slack.press({
    user: DANA.slack,
    channel: GENERAL,
    ts: card.ts,
    actionId: button(card, /Approve/),
  });
  await reached;
  gateway.signal('SIGKILL');
  await gateway.ended();
  return thread;
}

it('OM-151 a plan whose process was killed between two steps is gone on with: no step is done twice, none left out', async () => {
  sandbox.shop.fault('none', 'hang-after');

  const thread = await killedWhen(() => sandbox.shop.refunds.length === 2);
  await start();
  await pass(LEASE_IS_OVER_MS);

  await answer(thread, /Done: All 3 steps are done/);
  expect(sandbox.shop.refunds.map(({ order }) => order)).toEqual([7, 8, 9]);
  expect(sandbox.shop.charges).toEqual([]);
});

it('OM-150 a plan whose process was killed while it was taken back leaves nothing, and nothing is taken back twice', async () => {
  sandbox.shop.fault('none', 'none', 'refuse', 'hang-after');

  const thread = await killedWhen(() => sandbox.shop.charges.length === 1);
  await start();
  await pass(LEASE_IS_OVER_MS);

  await answer(thread, /Step 3 failed, so everything done before it was undone/);
  expect(sandbox.shop.charges.map(({ order }) => order)).toEqual([8, 7]);
});
