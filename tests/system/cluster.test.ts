/** The whole product on a Redis Cluster of three nodes. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { gatewaySettings } from '../../gateways/index.ts';
import { type App, startApp } from '../../src/app.ts';
import { sandboxEnvironment, targetsOf } from '../../src/cli/sandbox-plan.ts';
import { loadConfig } from '../../src/config/load-config.ts';
import { systemClock } from '../../src/domain/clock.ts';
import { createLogger } from '../../src/observability/logger.ts';
import { PARTITIONS } from '../../src/redis/keys.ts';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.ts';
import { type RedisCluster, startCluster } from '../support/redis-cluster.ts';
import { ALEX, codesIn, DANA, GENERAL, textOf } from '../support/story.ts';

const CONVERSATIONS = 48;
const BOT = 'U0SIGNALBOX';

let cluster: RedisCluster;
let sandbox: Sandbox;
let app: App;

beforeAll(async () => {
  cluster = await startCluster();
  sandbox = await startSandbox({ port: 0, mail: { keyBits: 1_024 } });
  const env = { ...sandboxEnvironment(['slack', 'email', 'claude'], sandbox.env), REDIS_URL: cluster.url };
  const config = loadConfig({ directory: 'config', env, gateways: gatewaySettings });
  const { settings } = config;
  const slack = { ...settings.gateways.slack, pace: { posts: 100_000, seconds: 1 } };
  const fast = {
    ...config,
    settings: {
      ...settings,
      http: { ...settings.http, port: 0 },
      limits: { ...settings.limits, messages_per_person_per_minute: 10_000 },
      gateways: { ...settings.gateways, slack },
    },
  };
  app = await startApp({
    config: () => fast,
    redisUrl: settings.redis.url ?? '',
    clock: systemClock,
    log: createLogger({ level: 'silent' }),
  });
  const { smtp } = targetsOf(app.gateways, app.listener, fast);
  if (smtp) sandbox.mail.connectGateway(smtp);
}, 60_000);

afterAll(async () => {
  await app?.stop();
  await sandbox?.stop();
  await cluster?.stop();
});

async function say(text: string, thread?: string): Promise<string> {
  const { ts, acknowledged } = await sandbox.slack.say({
    user: ALEX.slack,
    channel: GENERAL,
    text: `<@${BOT}> ${text}`,
    ...(thread === undefined ? {} : { thread }),
  });
  await acknowledged;
  return ts;
}

function answers(thread: string): string[] {
  return sandbox.slack
    .thread(GENERAL, thread)
    .filter(({ user }) => user === BOT)
    .map(textOf);
}

it('answers every conversation in order, from partitions on all three nodes', async () => {
  const undo = sandbox.claude.script(({ messages }) => {
    const said = JSON.stringify(messages.at(-1))
      .match(/number \d+-\d/g)
      ?.at(-1);
    return said === undefined ? undefined : { text: `You said ${said}.` };
  });

  const threads = await Promise.all(
    Array.from({ length: CONVERSATIONS }, async (_, index) => {
      const thread = await say(`number ${index}-0`);
      for (const step of [1, 2]) await say(`number ${index}-${step}`, thread);
      return thread;
    }),
  );
  await sandbox.slack.until(() => threads.every((thread) => answers(thread).length >= 3), {
    timeoutMs: 30_000,
  });
  undo();

  threads.forEach((thread, index) => {
    expect(answers(thread).map((text) => /number [\d-]+/.exec(text)?.[0])).toEqual(
      [0, 1, 2].map((step) => `number ${index}-${step}`),
    );
  });
  const partitions = await Promise.all(
    cluster.nodes.map(async (node) => {
      const keys = await node.keys('*');
      return new Set(keys.map((key) => /\{p(\d+)\}/.exec(key)?.[1]));
    }),
  );
  expect(partitions.every((held) => held.size > 0)).toBe(true);
  expect(new Set(partitions.flatMap((held) => [...held])).size).toBe(PARTITIONS);
}, 60_000);

it('holds a refund, takes the answer by mail, makes it once, and can prove it', async () => {
  const thread = await say('refund order 7');
  const mail = await sandbox.mail.until(() =>
    sandbox.mail.mailbox(DANA.mail).find(({ text }) => /refund/.test(text)),
  );

  await sandbox.mail.reply(mail, { line: `approve ${codesIn(mail).approve}`, quoting: 'top' });

  await sandbox.slack.until(() =>
    answers(thread).some((text) => /Approved by Dana Reyes by e-mail.*Done/.test(text)),
  );
  expect(sandbox.shop.refunds).toHaveLength(1);
  expect(await app.audit.verify()).toMatchObject({ ok: true });
}, 60_000);
