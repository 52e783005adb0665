/** The limits of Jira, each kept on the wire by the emulated one: what waits, and what goes on meanwhile. */
import { afterEach, describe, expect, it } from 'vitest';
import { RateLimitedError } from '../../src/domain/errors.ts';
import { ConversationId, PersonId } from '../../src/domain/ids.ts';
import type { JiraSandboxOptions } from '../../src/sandbox/jira/jira-sandbox.ts';
import { ALEX } from '../../src/sandbox/people.ts';
import { ManualClock } from '../support/core.ts';
import { type JiraFixture, openJira } from '../support/jira-gateway.ts';

const MINUTE_MS = 60_000;

let jira: JiraFixture;
let clock: ManualClock;

afterEach(async () => jira.close());

async function open(sandbox: JiraSandboxOptions): Promise<void> {
  clock = new ManualClock();
  jira = await openJira({ clock, sandbox });
  // What comes back of our own comments would be asked for, too.
  jira.sandbox.deliverTo(undefined);
}

/** Writes a comment of ours; resolves with how long it has to wait, in ms, when it has to. */
async function write(issue: string): Promise<number | undefined> {
  try {
    await jira.send({
      to: { platform: jira.gateway.platform, route: { issue } },
      body: { kind: 'text', markdown: 'word' },
    });
    return undefined;
  } catch (error) {
    if (!(error instanceof RateLimitedError)) throw error;
    return error.retryAfterMs;
  }
}

async function writeTimes(count: number, issue: (n: number) => string): Promise<(number | undefined)[]> {
  const waits: (number | undefined)[] = [];
  for (let n = 0; n < count; n++) waits.push(await write(issue(n)));
  return waits;
}

/** Whether the agent could read an issue. */
async function isRead(issue: string): Promise<boolean> {
  const tool = jira.gateway.tools.find(({ name }) => name === 'jira_get_issue')!;
  const { status } = await tool.execute(tool.input.parse({ issue }), {
    idempotencyKey: 'k',
    conversationId: ConversationId.parse('jira:s:1'),
    requester: PersonId.parse('alex'),
    signal: new AbortController().signal,
  });
  return status === 'ok';
}

/** Requests that arrived while something was done. */
async function requestsOf(deed: () => Promise<unknown>): Promise<string[]> {
  const before = jira.sandbox.calls.length;
  await deed();
  return jira.sandbox.calls.slice(before).map(({ operation }) => operation);
}

/** What was logged of it, once for each hold. */
function said(): [string, string][] {
  return jira.lines
    .filter(({ sentence }) => /too often|used up|too much/.test(sentence))
    .map(({ level, sentence }) => [level, sentence]);
}

describe('when one issue was written to too often', () => {
  it('waits to write there, and reads it and writes to every other one meanwhile', async () => {
    await open({ limitWrites: true });
    expect(new Set(await writeTimes(20, () => 'OPS-2'))).toEqual(new Set([undefined]));

    expect(await requestsOf(async () => expect(await write('OPS-2')).toBe(2_000))).toEqual(['addComment']);
    expect(await requestsOf(async () => expect(await write('OPS-2')).toBe(2_000))).toEqual([]);
    expect(await write('OPS-3')).toBeUndefined();
    expect(await isRead('OPS-2')).toBe(true);
    clock.advance(1_999);
    expect(await write('OPS-2')).toBe(1);
    clock.advance(1);
    expect(await write('OPS-2')).toBeUndefined();
    expect(said()).toEqual([['warn', expect.stringMatching(/^one issue of Jira was written to too often/)]]);
    expect(jira.gateway.trouble()).toBeUndefined();
  });
});

describe('when one thing was asked too often at once', () => {
  it('waits to ask that of any issue, and asks everything else meanwhile', async () => {
    await open({ limitBursts: true });
    const everywhere = ['OPS-1', 'OPS-2', 'OPS-3'];
    await writeTimes(100, (n) => everywhere[n % 3]!);
    const ref = jira.sandbox.comments('OPS-2').at(-1)!.id;

    expect(await requestsOf(() => write('OPS-2'))).toEqual(['addComment']);
    expect(await requestsOf(async () => expect(await write('OPS-3')).toBe(1_000))).toEqual([]);
    const edit = { kind: 'text' as const, markdown: 'changed', replaces: ref };
    await jira.send({ to: { platform: jira.gateway.platform, route: { issue: 'OPS-2' } }, body: edit });
    expect(jira.sandbox.comments('OPS-2').at(-1)?.body).toBe('changed');
    expect(await isRead('OPS-3')).toBe(true);
    clock.advance(1_000);
    expect(await write('OPS-3')).toBeUndefined();
    expect(said()).toEqual([['warn', expect.stringMatching(/^Jira was asked one thing too often at once/)]]);
    expect(jira.gateway.trouble()).toBeUndefined();
  });

  it('takes a refusal without a reason for one of these', async () => {
    await open({});
    jira.sandbox.fail('addComment', { kind: 'rate-limited', retryAfterSeconds: 5 });

    expect(await write('OPS-2')).toBe(5_000);
    expect(await requestsOf(() => write('OPS-3'))).toEqual([]);
    expect(await isRead('OPS-2')).toBe(true);
  });
});

describe('when Data Center asks to wait', () => {
  it.each([
    [2, undefined],
    [120, /until 00:02 UTC: it has asked too much at once/],
  ])('for %i s, asks nothing, and shows it as trouble only where it is long: %s', async (seconds, detail) => {
    await open({ flavour: 'data-center' });
    jira.sandbox.fail('addComment', { kind: 'rate-limited', retryAfterSeconds: seconds });

    expect(await write('OPS-2')).toBe(seconds * 1_000);
    expect(await isRead('OPS-3')).toBe(false);
    const trouble = jira.gateway.trouble();
    if (detail) expect(trouble?.detail).toMatch(detail);
    else expect(trouble).toBeUndefined();
  });
});

describe('when the quota of the hour is used up', () => {
  it('asks nothing at all until it is reset, says so, and then goes on', async () => {
    await open({ pointsPerHour: 10 });
    clock.advance(15 * MINUTE_MS);
    const waits = await writeTimes(10, () => 'OPS-2');
    const [wait] = waits.filter((each) => each !== undefined);

    expect(wait).toBe(45 * MINUTE_MS);
    const refused = await requestsOf(async () => {
      clock.advance(5 * MINUTE_MS);
      expect(await write('OPS-3')).toBe(40 * MINUTE_MS);
      expect(await isRead('OPS-3')).toBe(false);
      jira.sandbox.deliverTo(jira.url);
      await jira.sandbox
        .comment({ user: ALEX.jiraAccount, issue: 'OPS-2', text: '@signalbox hello' })
        .acknowledged.catch(() => undefined); // it comes again
    });
    expect(refused).toEqual([]);
    expect(jira.gateway.trouble()).toMatchObject({
      sinceMs: Date.parse('2026-01-01T00:15:00Z'),
      detail: expect.stringContaining('until 01:00 UTC'),
    });
    expect(said()).toEqual([['error', expect.stringMatching(/^the quota of Jira is used up/)]]);

    clock.advance(40 * MINUTE_MS);
    expect(await write('OPS-3')).toBeUndefined();
    expect(jira.gateway.trouble()).toBeUndefined();
  });

  it('reads when it is reset where it is not told how long to wait', async () => {
    await open({});
    const resetAt = new Date(clock.now() + 7 * MINUTE_MS).toISOString();
    jira.sandbox.fail('addComment', { kind: 'rate-limited', reason: 'jira-quota-global-based', resetAt });

    expect(await write('OPS-2')).toBe(7 * MINUTE_MS);
  });

  it('waits no longer than an hour, whatever it is told', async () => {
    await open({});
    jira.sandbox.fail('addComment', {
      kind: 'rate-limited',
      reason: 'jira-quota-global-based',
      retryAfterSeconds: 999_999,
    });
    expect(await write('OPS-2')).toBe(60 * MINUTE_MS);

    clock.advance(60 * MINUTE_MS);
    expect(await write('OPS-2')).toBeUndefined();
  });
});

describe('on Data Center, where a limit is that of the account', () => {
  it('asks nothing until it may', async () => {
    await open({ flavour: 'data-center' });
    jira.sandbox.fail('addComment', { kind: 'rate-limited', retryAfterSeconds: 3 });

    expect(await write('OPS-2')).toBe(3_000);
    expect(await requestsOf(async () => expect(await isRead('OPS-3')).toBe(false))).toEqual([]);
    clock.advance(3_000);
    expect(await isRead('OPS-3')).toBe(true);
    expect(said()).toEqual([['warn', expect.stringMatching(/^this account has asked too much of Jira/)]]);
  });
});
