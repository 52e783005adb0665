/**
 * What is left of a person once they are erased, after everything they did with the whole product: every key of the store
 * is looked into, so that a store that is new is found here before it is forgotten in `PersonData`.
 */
import { afterEach, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { sourcesWithout } from '../../src/agent/erased-sources.ts';
import { AuditLog } from '../../src/audit/audit-log.ts';
import { UsageLedger } from '../../src/budget/usage-ledger.ts';
import { BudgetSettings } from '../../src/config/budgets.ts';
import { RedisClientLog } from '../../src/delivery/client-log.ts';
import { escalationIdOf } from '../../src/delivery/escalation-item.ts';
import { close } from '../../src/domain/escalation/answers.ts';
import { raise } from '../../src/domain/escalation/course.ts';
import { AccountId, ConversationId, PersonId, Platform } from '../../src/domain/ids.ts';
import { guestIdOf } from '../../src/domain/person.ts';
import { Entry } from '../../src/domain/transcript.ts';
import { EscalationStore } from '../../src/escalation/escalation-store.ts';
import { OutputStore } from '../../src/memory/output-store.ts';
import { PersonData } from '../../src/memory/person-data.ts';
import { RedisMemory } from '../../src/memory/redis-memory.ts';
import { TranscriptStore } from '../../src/memory/transcript-store.ts';
import { EffectWriter } from '../../src/redis/effect-writer.ts';
import { ALEX as ALEX_, TEAM } from '../../src/sandbox/people.ts';
import { ScheduleStore, scheduleIdOf } from '../../src/scheduler/schedule-store.ts';
import { LearningStore } from '../../src/skills/learning-store.ts';
import { escalatedIn } from '../support/escalated.ts';
import { planOf } from '../support/escalation-plan.ts';
import { requestsIn } from '../support/requests.ts';
import { everything } from '../support/stored.ts';
import { ALEX, DANA, GENERAL, Story, type StoryConfig } from '../support/story.ts';

vi.setConfig({ testTimeout: 120_000 });

const ALEX_ID = PersonId.parse('alex');
const DAY_MS = 24 * 3_600_000;

/** What Alex said, sent and is called; nobody else says any of it. */
const WORDS = /kestrel|divorce|elm street|parcel of mine|quarterly/i;
const NAMES = /\balex\b|alex kim|U0ALEX|D0ALEX|900000000000000101|900000000000000201/i;
/** What a call was to be given, which people were asked about. */
const REQUESTED = /pillow/i;

/**
 * Where ids and names of Alex may stand afterwards, by the part of a key behind its partition, and why; docs/memory.md
 * says the same to people. Requests for approval, which end by themselves, are stored in a form that is not looked into.
 */
const NAMED_STILL: Readonly<Record<string, string>> = {
  audit: 'proves what was done',
  cl: 'how far a client of theirs was told, without a word of it',
  d: 'ids of what was dealt with, for a day or so',
  esc: 'from whom came what is over, by their id',
  places: 'where people are written to on Discord, and how far that was read',
  prf: 'that a profile was dropped, for a day',
  sum: 'that a summary was dropped, for a day',
  use: 'what was used, in numbers',
};

/** Of those above, what is there for a day or so, and no longer. */
const BRIEFLY = ['d', 'prf', 'sum'];

let story: Story;

afterEach(async () => {
  await story.end();
});

it('OM-193 of a person nothing is left in any key of the store, but where the documentation says so', async () => {
  story = await Story.begin({ config: remembering });
  await story.mention('/memory on');
  await story.told(ALEX.slack, /From now on I may write down/);
  const own = await story.dm(ALEX.slack, 'remember that my door code hint is kestrel');
  await story.answer(own, /noted|remember/i, ALEX_.slackDm);
  const { web } = story.sandbox;
  web.say({ client: ALEX_.webClient, conversation: 'c1', text: 'what do you know about my door code hint?' });
  await web.until(() => web.heard(ALEX_.webClient).some((heard) => /kestrel/.test(JSON.stringify(heard))));
  await story.quiet();
  await story.write(ALEX.mail, 'Elm Street', 'what can you do for 5 Elm Street?');
  await story.mail(ALEX.mail, /Here is what I can do/);
  const group = await story.mention('what can you do about that parcel of mine?');
  await story.answer(group, /Here is what I can do/);
  const { acknowledged } = await story.sandbox.slack.say({
    user: ALEX.slack,
    channel: GENERAL,
    thread: group,
    text: '<@U0SIGNALBOX> what can you do with this?',
    files: [{ name: 'MY-DIVORCE.txt', mediaType: 'text/plain', bytes: Buffer.from('quarterly figures') }],
  });
  await acknowledged;
  await story.quiet();
  await story.say(DANA.slack, group, 'what can you do for me?');
  await story.quiet();
  await story.say(ALEX.slack, group, '/new');
  await story.quiet();
  const refund = await story.mention('refund order 7 because the pillow broke');
  await story.answer(refund, /Waiting for role manager/);
  const [approval] = await story.open();
  await story.dm(DANA.slack, `/approve ${approval?.id}`);
  await story.quiet();
  await plan();
  await called();
  story.config = withBudgets(story.config, { person: { month: { tokens: 10 } } });
  const refused = await story.mention('and where is that parcel of mine now?');
  await story.answer(refused, /The budget you have for this month is used up/);
  await story.quiet();
  await expect
    .poll(familiesWithWords, { timeout: 20_000 })
    .toEqual(new Set(['cl', 'esc', 'h', 'note', 'prf', 'sch', 'sum']));

  const ids = [ALEX_ID, guestIdOf(AccountId.parse(`web:${ALEX_.webClient}`))];
  await dataOf(story).erase(ids, { actor: 'dana', correlation: 'c', names: ['Alex Kim'] }, Date.now());

  const left = await everything(story.redis, story.keys);
  const withWords = left.filter((each) => WORDS.test(each) && !isOfOthers(each, WORDS));
  const withNames = left.filter((each) => NAMES.test(each) && !isOfOthers(each, NAMES));
  expect(withWords).toEqual([]);
  const requested = left.filter((each) => REQUESTED.test(each) && !isOfOthers(each, REQUESTED));
  expect(requested).toEqual([]);
  expect(await new AuditLog(story.redis, story.keys).verify()).toMatchObject({ ok: true });
  // Whose account or id did what stands there, and nothing that anybody wrote.
  expect(left.filter((each) => familyOf(each) === 'audit' && /alex kim/i.test(each))).toEqual([]);
  expect(withNames.filter((each) => !(familyOf(each) in NAMED_STILL))).toEqual([]);
  const brief = withNames.filter((each) => BRIEFLY.includes(familyOf(each))).map(keyIn);
  const leftMs = await Promise.all(brief.map((key) => story.redis.pttl(key)));
  expect(brief.filter((_, n) => !isBrief(leftMs[n] ?? -1))).toEqual([]);
});

async function familiesWithWords(): Promise<Set<string>> {
  const stored = await everything(story.redis, story.keys);
  return new Set(stored.filter((each) => WORDS.test(each)).map(familyOf));
}

/** The shipped configuration, where little is needed for a summary or a profile. */
function remembering(config: StoryConfig): StoryConfig {
  const { memory } = config.settings;
  const summaries = { ...memory.summaries, after_entries: 4, after_messages: 1 };
  return { ...config, settings: { ...config.settings, memory: { ...memory, summaries } } };
}

function withBudgets(config: StoryConfig, written: Parameters<typeof BudgetSettings.parse>[0]): StoryConfig {
  return { ...config, settings: { ...config.settings, budgets: BudgetSettings.parse(written) } };
}

/** Alex has something planned in a thread of its own. */
async function plan(): Promise<void> {
  const { redis, keys } = story;
  const conversationId = ConversationId.parse(`slack:${TEAM.id}:${GENERAL}:1`);
  const createdMs = Date.now();
  await new ScheduleStore(redis, keys, new EffectWriter(redis, keys), () => 90 * DAY_MS).add({
    id: scheduleIdOf(conversationId, 'a'),
    conversationId,
    to: { platform: Platform.parse('slack'), route: { channel: GENERAL, thread: '1' } },
    by: { person: ALEX_ID, name: 'Alex Kim', account: AccountId.parse(`slack:${TEAM.id}/${ALEX.slack}`) },
    title: 'what became of the kestrel',
    text: 'Ask whether that parcel of mine came.',
    when: { kind: 'once', atMs: createdMs + 30 * DAY_MS, zone: 'UTC' },
    createdMs,
  });
}

/** People were called because of what Alex wrote, and it was looked after. */
async function called(): Promise<void> {
  const { redis, keys } = story;
  const escalations = new EscalationStore(redis, keys, new EffectWriter(redis, keys), () => 90 * DAY_MS);
  const conversationId = ConversationId.parse(`slack:${TEAM.id}:${GENERAL}:1`);
  const subject = { kind: 'conversation', conversationId } as const;
  const id = escalationIdOf('called', subject);
  const about = { id, key: 'called', subject, severity: 'warning', correlation: 'called' } as const;
  const said = { title: 'A human is wanted, by Alex Kim', words: 'my kestrel is at 5 Elm Street' };
  const report = { ...about, ...said, except: [ALEX_ID] };
  const steps = planOf([{ kind: 'wait', id: '1', forMs: DAY_MS }], DAY_MS);
  await escalations.apply(id, (before, nowMs) => raise(before, report, steps, nowMs));
  await escalations.apply(id, (before) => before && close(before, 'Alex Kim was rung up'));
}

/** A day, and the time by which another clock may be ahead. */
function isBrief(leftMs: number): boolean {
  return leftMs > 0 && leftMs <= DAY_MS + 60 * 60_000;
}

function keyIn(stored: string): string {
  return stored.slice(0, stored.indexOf(' '));
}

/** The store of the story, as `signalbox memory erase` opens it. */
function dataOf({ redis, keys }: Story): PersonData {
  const writer = new EffectWriter(redis, keys);
  return new PersonData({
    memory: new RedisMemory(redis, keys, writer, () => 90 * DAY_MS),
    transcripts: new TranscriptStore(redis, keys),
    outputs: new OutputStore(redis, keys),
    planned: new ScheduleStore(redis, keys, writer, () => 90 * DAY_MS),
    learned: new LearningStore(redis, keys, writer, () => 90 * DAY_MS),
    used: new UsageLedger(redis, keys),
    clients: new RedisClientLog(redis, keys),
    requests: requestsIn(redis, keys),
    escalated: escalatedIn(redis, keys),
    sourcesWithout,
  });
}

/** `h` of `test:…:{p3}:h:slack:T0:C0:1 [ … ]`. */
function familyOf(stored: string): string {
  const [, key = stored] = /^[^{]*\{p\d+\}:(\S*) /.exec(stored) ?? [];
  return key.split(':')[0] ?? '';
}

/** Of a transcript: what the agent said to others, and what calls were given and told, stays; so does what others wrote. */
function isOfOthers(stored: string, pattern: RegExp): boolean {
  const [key = ''] = stored.split(' ');
  if (familyOf(stored) !== 'h' || pattern.test(key)) return false;
  const entries = z.array(z.string()).parse(JSON.parse(stored.slice(key.length + 1)));
  return entries
    .filter((json) => pattern.test(json))
    .map((json) => Entry.parse(JSON.parse(json)))
    .every((entry) => {
      if (entry.kind === 'user') return entry.from.person !== ALEX_ID;
      return (
        entry.kind !== 'event' && !pattern.test(JSON.stringify('strangers' in entry ? entry.strangers : []))
      );
    });
}
