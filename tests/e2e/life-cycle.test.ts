/** Starting and ending the real process, in order and out of order. */
import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { startSandbox } from '../../src/sandbox/sandbox.ts';
import type { SlackMessage } from '../../src/sandbox/slack/workspace.ts';
import { GatewayHome, type GatewayProcess } from '../support/gateway-process.ts';
import { startRedis } from '../support/redis.ts';
import { ALEX, codesIn, DANA, GENERAL, textOf } from '../support/story.ts';
import { expectNoViolations } from '../support/violations.ts';

// Whole processes start and end here, beside whatever else the machine is busy with.
vi.setConfig({ testTimeout: 90_000, hookTimeout: 90_000 });

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
  expectNoViolations(sandbox.discord, sandbox.jira);
});

function start(env?: Record<string, string>): GatewayProcess {
  const gateway = home.start(env);
  running.push(gateway);
  return gateway;
}

const ALEX_DM = 'D0ALEX';

async function mention(text: string): Promise<string> {
  const { ts } = await sandbox.slack.say({ user: ALEX.slack, channel: GENERAL, text: `@signalbox ${text}` });
  return ts;
}

function answer(thread: string, pattern: RegExp, channel: string = GENERAL): Promise<SlackMessage> {
  return sandbox.slack.until((slack) =>
    slack
      .thread(channel, thread)
      .find((message) => message.user === 'U0SIGNALBOX' && pattern.test(textOf(message))),
  );
}

describe('starting', () => {
  it('OM-060 OM-110 goes through its five stages and six steps in order, and then answers', async () => {
    const gateway = start();
    await gateway.line(/^ready$/);

    const steps = gateway.steps();
    expect(steps.map(({ stage }) => stage).filter(Boolean)).toEqual([
      'Configuration Files',
      'Validation',
      'Agent Bootstrap',
      'Capability Registration',
      'Ready State',
    ]);
    expect(steps.map(({ step }) => step)).toEqual([1, 1, 2, 3, 4, 5, 6]);
    await answer(await mention('what can you do?'), /Here is what I can do/);
  });

  it('OM-060 OM-021 OM-024 goes no further than a configuration that is wrong, and says everything that is wrong with it', async () => {
    await home.edit('contacts.yaml', (text) => text.replace('roles: [member, engineer]', 'roles: [emperor]'));
    await home.edit('settings.yaml', (text) => text.replace('conversations: 64', 'conversations: many'));

    const gateway = start();

    expect(await gateway.ended()).not.toBe(0);
    const said = gateway.said.join('\n');
    expect(said).toMatch(/contacts\.yaml/);
    expect(said).toContain('emperor');
    expect(said).toMatch(/settings\.yaml/);
    expect(said).toContain('workers.conversations');
    expect(gateway.steps().some(({ stage }) => stage === 'Validation' || stage === 'Agent Bootstrap')).toBe(
      false,
    );
    expect(sandbox.slack.calls).toEqual([]);
  });

  it('OM-023 names the variable that is missing', async () => {
    await home.edit('settings.yaml', (text) =>
      text.replace('name: claude-sonnet-5-5', ['name: $', '{MODEL_OF_OURS}'].join('')),
    );

    const gateway = start();

    expect(await gateway.ended()).not.toBe(0);
    expect(gateway.said.join('\n')).toContain('MODEL_OF_OURS');
  });

  it('OM-110 opens no channel when the store cannot be reached', async () => {
    const gateway = start({ REDIS_URL: 'redis://127.0.0.1:1' });

    expect(await gateway.ended()).not.toBe(0);
    expect(gateway.said.join('\n')).toMatch(/Redis at redis:\/\/127\.0\.0\.1:1 does not answer.*What to do/s);
    expect(gateway.steps().map(({ step }) => step)).toEqual([1, 1]);
    expect(sandbox.slack.calls).toEqual([]);
    expect(sandbox.slack.connections).toBe(0);
  });

  it('OM-110 opens no channel when the store cannot be written', async () => {
    const redis = await startRedis();
    try {
      const admin = new Redis(redis.url);
      await admin.config('SET', 'min-replicas-to-write', '1');
      admin.disconnect();

      const gateway = start({ REDIS_URL: redis.url });

      expect(await gateway.ended()).toBe(1);
      expect(gateway.said.join('\n')).toMatch(/Redis takes no writes: NOREPLICAS.*What to do/s);
      expect(gateway.steps().map(({ step }) => step)).toEqual([1, 1, 2]);
      expect(sandbox.slack.calls).toEqual([]);
    } finally {
      await redis.stop();
    }
  });
});

describe('ending', () => {
  it('OM-010 takes nothing new on SIGTERM, finishes the turn that is under way, and exits with 0', async () => {
    const turn = heldTurn();
    const gateway = start();
    await gateway.line(/^ready$/);
    const thread = await mention('work on it');
    await turn.begun;

    gateway.signal('SIGTERM');
    await gateway.line(/stopping/);
    await sandbox.slack.until(({ connections }) => connections === 0);
    const late = await sandbox.slack.say({
      user: ALEX.slack,
      channel: GENERAL,
      text: '@signalbox what can you do?',
    });
    turn.finish('the work is done');
    await answer(thread, /the work is done/);

    expect(await gateway.ended()).toBe(0);
    expect(sandbox.slack.thread(GENERAL, late.ts)).toHaveLength(1);
    const next = start();
    await next.line(/^ready$/);
    await answer(late.ts, /Here is what I can do/);
    expect(sandbox.slack.thread(GENERAL, thread)).toHaveLength(2);
  });

  it('OM-010 ends at once on a second SIGTERM, and the turn is done anew at the next start, once', async () => {
    const turn = heldTurn();
    const gateway = start();
    await gateway.line(/^ready$/);
    const thread = await mention('work on it');
    await turn.begun;

    gateway.signal('SIGTERM');
    await gateway.line(/stopping/);
    gateway.signal('SIGTERM');

    expect(await gateway.ended()).toBe(1);
    expect(gateway.lines.map(({ msg }) => msg)).toContainEqual(expect.stringMatching(/ending before/));
    turn.finish('the work is done');
    const next = start();
    await next.line(/^ready$/);
    await answer(thread, /the work is done/);
    expect(sandbox.slack.thread(GENERAL, thread)).toHaveLength(2);
  });

  it('OM-011 OM-030 keeps the conversation, its notes and a pending approval with its deadline, also when it is killed', async () => {
    const gateway = start();
    await gateway.line(/^ready$/);
    const { ts: noted } = await sandbox.slack.dm({
      user: ALEX.slack,
      text: 'remember that the cake is for Friday',
    });
    await answer(noted, /Noted/, ALEX_DM);
    const thread = await mention('refund order 7');
    const before = await answer(thread, /Waiting for role manager until ([^.]+)/);
    const request = await sandbox.mail.until(() =>
      sandbox.mail.mailbox(DANA.mail).find(({ subject }) => /refund/.test(subject)),
    );

    gateway.signal('SIGKILL');
    await gateway.ended();
    const next = start();
    await next.line(/^ready$/);
    await sandbox.slack.say({
      user: ALEX.slack,
      channel: ALEX_DM,
      thread: noted,
      text: 'what do you know about the cake?',
    });
    await answer(noted, /the cake is for Friday/, ALEX_DM);
    await sandbox.mail.reply(request, { line: `approve ${codesIn(request).approve}`, quoting: 'top' });
    await answer(thread, /Approved by Dana Reyes by e-mail.*Done/);

    expect(sandbox.shop.refunds.map(({ amount }) => amount)).toEqual([120]);
    const deadline = (message: SlackMessage) => /until ([^.]+)\./.exec(textOf(message))?.[1];
    expect(deadline(before)).toMatch(/UTC$/);
    expect(request.text).toContain('Decide before');
  });
});

/** A turn that begins when somebody asks to "work on it", and goes on until it is told to finish. */
function heldTurn(): { readonly begun: Promise<void>; finish(text: string): void } {
  let finish: (text: string) => void = () => undefined;
  let begin: () => void = () => undefined;
  const begun = new Promise<void>((resolve) => {
    begin = resolve;
  });
  const finished = new Promise<string>((resolve) => {
    finish = resolve;
  });
  sandbox.claude.script(async ({ messages }) => {
    if (!JSON.stringify(messages).includes('work on it')) return undefined;
    begin();
    return { text: await finished };
  });
  return { begun, finish: (text) => finish(text) };
}
