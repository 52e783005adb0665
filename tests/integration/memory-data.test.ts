import type { Redis } from 'ioredis';
import { describe, expect, it } from 'vitest';
import { sourcesWithout } from '../../src/agent/erased-sources.ts';
import { consequencesOfOpening } from '../../src/approvals/consequences.ts';
import { AuditLog } from '../../src/audit/audit-log.ts';
import { periodAt } from '../../src/budget/period.ts';
import { toUsageEffects, UsageLedger } from '../../src/budget/usage-ledger.ts';
import { RedisClientLog } from '../../src/delivery/client-log.ts';
import { escalationIdOf } from '../../src/delivery/escalation-item.ts';
import { close } from '../../src/domain/escalation/answers.ts';
import { raise } from '../../src/domain/escalation/course.ts';
import { AccountId, ApprovalId, ConversationId, PersonId, Platform } from '../../src/domain/ids.ts';
import { guestIdOf } from '../../src/domain/person.ts';
import { MORE_SOURCES } from '../../src/domain/source.ts';
import type { Entry, FileNote } from '../../src/domain/transcript.ts';
import { EscalationStore } from '../../src/escalation/escalation-store.ts';
import { notesOf } from '../../src/memory/note-store.ts';
import { OutputStore } from '../../src/memory/output-store.ts';
import { ERASED, PersonData, PersonSnapshot } from '../../src/memory/person-data.ts';
import { RedisMemory } from '../../src/memory/redis-memory.ts';
import { RetentionSweep } from '../../src/memory/retention-sweep.ts';
import { TranscriptStore } from '../../src/memory/transcript-store.ts';
import { EffectWriter } from '../../src/redis/effect-writer.ts';
import { partitionOf } from '../../src/redis/keys.ts';
import type { Schedule } from '../../src/scheduler/schedule.ts';
import { ScheduleStore, scheduleIdOf } from '../../src/scheduler/schedule-store.ts';
import { LearningStore } from '../../src/skills/learning-store.ts';
import { anApproval } from '../support/approvals.ts';
import { openStore } from '../support/core.ts';
import { escalatedIn } from '../support/escalated.ts';
import { planOf } from '../support/escalation-plan.ts';
import { requestsIn } from '../support/requests.ts';
import { usageOf } from '../support/scripted-model.ts';
import { everything } from '../support/stored.ts';
import { answered, called, gave, said } from '../support/transcripts.ts';

const ALONE = ConversationId.parse('email:only-alex');
const GROUP = ConversationId.parse('slack:T0:C0:1');
const OTHERS = ConversationId.parse('slack:T0:C0:2');
const ALEX = PersonId.parse('alex');
const DANA = PersonId.parse('dana');
const GUEST = PersonId.parse('guest.0123456789abcdef');
const DAY_MS = 24 * 3_600_000;
const ABOUT = { actor: 'dana', correlation: 'c' };
const never = new AbortController().signal;

/** As it was kept with a message. */
const DIVORCE: FileNote = {
  kind: 'text',
  name: 'MY-DIVORCE.txt',
  mediaType: 'text/plain',
  bytes: 3,
  text: 'secret words',
  leftOff: 0,
};

type Opened = Awaited<ReturnType<typeof open>>;

/** @param through what the stores are given in place of the connection */
async function open(through = (redis: Redis): Redis => redis) {
  const { redis: direct, keys } = await openStore();
  const redis = through(direct);
  const writer = new EffectWriter(redis, keys);
  const memory = new RedisMemory(redis, keys, writer, () => 1_000 * DAY_MS);
  const transcripts = new TranscriptStore(redis, keys);
  const outputs = new OutputStore(redis, keys);
  const schedules = new ScheduleStore(redis, keys, writer, () => DAY_MS);
  const learning = new LearningStore(redis, keys, writer, () => DAY_MS);
  const used = new UsageLedger(redis, keys);
  const clients = new RedisClientLog(redis, keys);
  return {
    redis,
    keys,
    writer,
    used,
    memory,
    transcripts,
    schedules,
    learning,
    outputs,
    clients,
    data: new PersonData({
      memory,
      transcripts,
      outputs,
      planned: schedules,
      learned: learning,
      used,
      clients,
      requests: requestsIn(redis, keys),
      escalated: escalatedIn(redis, keys),
      sourcesWithout,
    }),
    audit: new AuditLog(redis, keys),
    sweep: new RetentionSweep(memory, transcripts, writer, () => ({
      transcripts: 90 * DAY_MS,
      summaries: 180 * DAY_MS,
      notes: 365 * DAY_MS,
    })),
    talk: (conversationId: ConversationId, entries: readonly Entry[]) =>
      writer.write(
        conversationId,
        entries.map((entry) => ({ kind: 'entry', conversationId, entry, keepMs: 1_000 * DAY_MS })),
      ),
    read: async (conversationId: ConversationId) =>
      (await transcripts.read(conversationId)).flatMap(({ entry }) => entry ?? []),
  };
}

/** As whom it is planned, and whether it is over. */
async function plan({ schedules }: Opened, person: PersonId, key: string): Promise<Schedule> {
  const createdMs = Date.now();
  return schedules.add({
    id: scheduleIdOf(GROUP, key),
    conversationId: GROUP,
    to: { platform: Platform.parse('slack'), route: { channel: 'C0', thread: '1' } },
    by: { person, name: 'Alex Kim', account: AccountId.parse('slack:T0/U0ALEX') },
    title: `report for ${person}`,
    text: `Ask the landlord of ${person}.`,
    when: { kind: 'once', atMs: createdMs + DAY_MS, zone: 'UTC' },
    createdMs,
  });
}

/** Alex wrote alone, in a group, as a guest before they were known; Dana elsewhere as well. */
async function openFilled() {
  const store = await open();
  await fill(store);
  return store;
}

async function fill({ talk, memory }: Opened): Promise<void> {
  await talk(ALONE, [said('my address is 5 Elm Street', 1), answered('Noted: 5 Elm Street.')]);
  await talk(GROUP, [
    { ...said('I am Alex, a guest', 1), from: { person: GUEST, name: 'Alex (guest)' } },
    said('refund order 7', 2),
    called('a'),
    gave('a', 'refunded'),
    answered('Done.'),
    said('thanks', 3, 'dana'),
  ]);
  await talk(OTHERS, [said('hello', 1, 'dana'), answered('Hello.')]);
  for (const conversationId of [ALONE, GROUP, OTHERS]) {
    await memory.keepSummary(conversationId, { text: 'A summary.', through: 'x', length: 2 }, 0);
  }
  for (const person of [ALEX, DANA]) {
    await memory.setConsent(person, true);
    await memory.keepProfile(person, { text: `${person} likes tea.` }, 1);
    await memory.notes.write(notesOf.person(person), [{ name: 'tea', text: 'green', over: 0 }], 1);
  }
  await memory.notes.write(
    notesOf.team(),
    [
      { name: 'office', text: 'Berlin', over: 0, by: ALEX },
      { name: 'lunch', text: 'noon', over: 0, by: DANA },
    ],
    1,
  );
}

describe('what is remembered of one person', () => {
  it('is told with everything, under every id they go by, and with nothing of others', async () => {
    const { data } = await openFilled();

    const all = await data.collect([ALEX, GUEST]);

    expect(all.profiles.map(({ text }) => text)).toEqual(['alex likes tea.']);
    expect(all.notes.flatMap(({ notes }) => notes.map(({ text }) => text)).toSorted()).toEqual([
      'Berlin',
      'green',
    ]);
    const said = all.conversations.flatMap((each) => each.said.map(({ text }) => text));
    expect(said.toSorted()).toEqual(['I am Alex, a guest', 'my address is 5 Elm Street', 'refund order 7']);
    expect(all.conversations.map(({ conversationId, alone }) => [conversationId, alone]).toSorted()).toEqual([
      [ALONE, true],
      [GROUP, false],
    ]);
  });

  it('is told with what the agent told them alone, and what it was told about nobody but them', async () => {
    const { data, talk } = await openFilled();
    const at = new Date(0).toISOString();
    const news = (text: string, about: PersonId[]): Entry => ({ kind: 'event', text, at, about });
    await talk(GROUP, [
      news('Alex linked an account.', [GUEST]),
      news('Dana said no to Alex.', [ALEX, DANA]),
    ]);
    await talk(OTHERS, [news('Alex was let in.', [ALEX]), news('Dana is here.', [DANA])]);

    const all = await data.collect([ALEX, GUEST]);

    expect(
      Object.fromEntries(all.conversations.map(({ conversationId, told }) => [conversationId, told])),
    ).toEqual({
      [ALONE]: [{ by: 'agent', text: 'Noted: 5 Elm Street.', after: 1 }],
      [GROUP]: [{ by: 'gateway', text: 'Alex linked an account.', after: 2, at }],
      [OTHERS]: [{ by: 'gateway', text: 'Alex was let in.', after: 0, at }],
    });
  });

  it('is counted before it is erased, and counting changes nothing', async () => {
    const { data } = await openFilled();
    // The store lists what it has in any order.
    const all = async () => {
      const { conversations, notes, ...rest } = await data.collect([ALEX, GUEST, DANA]);
      return { ...rest, parts: [...conversations, ...notes].map((each) => JSON.stringify(each)).toSorted() };
    };
    const before = await all();

    const counted = await data.count([ALEX, GUEST]);

    expect(counted).toEqual({
      profiles: 1,
      notes: 2,
      messages: 3,
      summaries: 2,
      conversations: 1,
      schedules: 0,
      learned: 0,
      told: 0,
      requests: 0,
      undecided: 0,
      escalations: 0,
      unresolved: [],
    });
    expect(await all()).toEqual(before);
    expect(await data.erase([ALEX, GUEST], ABOUT, 2)).toEqual(counted);
  });

  it('OM-033 is named in no record of what was learned once they are erased; who agreed still is', async () => {
    const { data, learning, audit } = await open();
    await learning.keep({
      id: ApprovalId.parse('apr_p3_0123456789ab'),
      skill: 'late-parcels',
      version: '1.0.0',
      proposed: { conversationId: GROUP, by: { person: GUEST, name: 'Alex (guest)' } },
      approvedBy: [{ person: DANA, name: 'Dana' }],
      pattern: 'The number is looked for twice.',
      measure: 'calls_per_turn',
      calledBy: { matcher: 'keyword', description: 'Finds it.', keywords: ['late parcel'] },
      before: { turns: 0 },
    });

    const counted = await data.count([ALEX, GUEST]);
    const erased = await data.erase([ALEX, GUEST], ABOUT, 2);

    expect([counted.learned, erased.learned]).toEqual([1, 1]);
    const [record] = await learning.list();
    expect(JSON.stringify(record?.proposed)).not.toMatch(/guest|alex/i);
    expect(record?.approvedBy).toEqual([{ person: DANA, name: 'Dana' }]);
    expect((await data.erase([ALEX, GUEST], ABOUT, 3)).learned).toBe(0);
    expect(await audit.verify()).toMatchObject({ ok: true });
  });

  it('OM-193 is gone from escalations of which nobody knows from whom they come, where they were only overheard, too', async () => {
    const { data, talk, writer, redis, keys } = await open();
    const escalations = new EscalationStore(redis, keys, writer, () => DAY_MS);
    const plan = planOf([{ kind: 'wait', id: '1', forMs: DAY_MS }], DAY_MS);
    for (const [conversationId, words] of [
      [GROUP, 'does not get on with Elm Street'],
      [OTHERS, 'does not get on with Main Street'],
    ] as const) {
      const subject = { kind: 'conversation', conversationId } as const;
      const id = escalationIdOf(conversationId, subject);
      const about = {
        id,
        key: conversationId,
        subject,
        severity: 'error',
        title: 'A human is wanted',
        words,
      } as const;
      const report = { ...about, correlation: 'it', except: [] };
      await escalations.apply(id, (before, nowMs) => raise(before, report, plan, nowMs));
      await escalations.apply(id, (before) => before && close(before, 'nobody need come'));
    }
    await talk(GROUP, [said('I live in Elm Street', 1), said('fine', 2, 'dana')]);

    const counted = await data.count([ALEX]);
    const erased = await data.erase([ALEX], ABOUT, 2);

    expect([counted.escalations, erased.escalations]).toEqual([1, 1]);
    const stored = (await everything(redis, keys)).join('\n');
    expect(stored).not.toContain('Elm Street');
    expect(stored).toContain('"words\\":\\"does not get on with Main Street');
  });

  it('OM-193 is told to no client of theirs any more, fetched or not; clients of others keep what they have', async () => {
    const { data, clients } = await open();
    const own = guestIdOf(AccountId.parse('web:alex'));
    for (const client of ['alex', 'dana']) {
      await clients.append(client, 'one', 'the door code hint is kestrel');
      await clients.append(client, 'two', 'and more');
    }

    const counted = await data.count([ALEX, own]);
    const erased = await data.erase([ALEX, own], ABOUT, 2);

    expect([counted.told, erased.told]).toEqual([2, 2]);
    expect(await clients.read('alex', 1, 10)).toEqual({ events: [], missed: true, next: 2 });
    expect((await clients.read('dana', 0, 10)).events).toHaveLength(2);
    expect((await data.erase([ALEX, own], ABOUT, 3)).told).toBe(0);
  });

  it('is erased from everywhere, leaves what others said, and the audit stays provable', async () => {
    const { data, memory, read, audit, redis, keys } = await openFilled();

    await data.erase([ALEX, GUEST], ABOUT, 2);

    expect(await data.count([ALEX, GUEST])).toMatchObject({ profiles: 0, notes: 0, messages: 0 });
    expect(await read(ALONE)).toEqual([]);
    expect((await read(GROUP)).map((entry) => entry.text)).toEqual([
      ERASED,
      ERASED,
      '',
      'refunded',
      'Done.',
      'thanks',
    ]);
    expect(await memory.summaryOf(OTHERS)).toBeDefined();
    expect(await memory.profileOf(DANA)).toMatchObject({ text: 'dana likes tea.' });
    expect((await memory.notes.list(notesOf.team())).map(({ name }) => name)).toEqual(['lunch']);
    await expect.poll(() => memory.summaryOf(GROUP), { timeout: 10_000 }).toBeUndefined();
    expect(await audit.verify()).toMatchObject({ ok: true });
    expect(
      (await audit.tail(20)).filter(({ event }) => event.event === 'memory.erased').length,
    ).toBeGreaterThan(2);
    // Nothing of it is left in any key, the audit included.
    expect((await everything(redis, keys)).join('\n')).not.toMatch(
      /Elm Street|alex likes tea|refund order 7/,
    );
  });

  it('OM-193 is erased whatever signs a name or an id has in it, and whatever it is written in', async () => {
    const { data, talk, read, redis, keys } = await open();
    const names = [
      'Jean-Luc Picard',
      'Zoë “Z.” O’Neil (she/her)',
      'D "The Rock" J',
      '王小明',
      'a*b+c?^$|{2}[x]\\d',
    ];
    const ids = ['jean-luc', 'anna.lee', 'd_j', 'wang', 'a-b'].map((id) => PersonId.parse(id));
    const at = said('').at;
    await talk(
      GROUP,
      ids.flatMap((person, n): Entry[] => {
        const name = names[n] ?? '';
        return [
          { ...said('my iban is DE12', n, person), from: { person, name } },
          { kind: 'event', text: `${name}取消了`, at },
          { kind: 'event', text: `${JSON.stringify(name)}, a person, took it over`, at },
        ];
      }),
    );
    await talk(GROUP, [said('fine', 9, 'dana')]);

    const erased = await Promise.all(ids.map((id) => data.erase([id], ABOUT, 2)));

    expect(erased.map(({ messages }) => messages)).toEqual([1, 1, 1, 1, 1]);
    expect((await read(GROUP)).filter(({ text }) => !/^\(erased/.test(text)).map(({ text }) => text)).toEqual(
      ['fine'],
    );
    expect((await everything(redis, keys)).join('\n')).not.toMatch(/iban|Picard|Zoë|Rock|王小明|\{2\}/);
  });

  it('OM-193 is erased by the next run to the end, wherever one before was broken off', async () => {
    const written = { untilBreak: Number.POSITIVE_INFINITY, sum: 0 };
    const breaking = (redis: Redis): Redis =>
      new Proxy(redis, {
        get(target, property) {
          const value: unknown = Reflect.get(target, property);
          if (typeof value !== 'function') return value;
          return (...args: unknown[]) => {
            if (property === 'evalsha') {
              written.sum++;
              if (written.untilBreak-- === 0) throw new Error('the store went away');
            }
            return value.apply(target, args);
          };
        },
      });
    const breakAt = async (untilBreak: number) => {
      Object.assign(written, { untilBreak: Number.POSITIVE_INFINITY });
      const store = await open(breaking);
      await fill(store);
      await plan(store, ALEX, 'a');
      const left = { kind: 'event', text: 'Lexi took back a request.', at: said('').at } as const;
      await store.talk(GROUP, [{ ...said('me again', 4), from: { person: ALEX, name: 'Lexi' } }, left]);
      Object.assign(written, { untilBreak, sum: 0 });
      return { ...store, first: await store.data.erase([ALEX, GUEST], ABOUT, 2).catch(String) };
    };

    await breakAt(Number.POSITIVE_INFINITY);
    const writes = written.sum;
    expect(writes).toBeGreaterThan(10);
    for (let n = 0; n < writes; n++) {
      const { data, redis, keys, first } = await breakAt(n);
      await data.erase([ALEX, GUEST], ABOUT, 3);

      expect(first).toMatch(/the store went away/);
      expect(await data.count([ALEX, GUEST])).toMatchObject({
        messages: 0,
        summaries: 0,
        notes: 0,
        schedules: 0,
      });
      expect((await everything(redis, keys)).join('\n')).not.toMatch(
        /Elm Street|alex likes tea|refund order 7|me again|Lexi|landlord/,
      );
    }
  }, 60_000); // once for each write of an erasure

  it('takes with it long outputs of a conversation of theirs, what they are called, and their files, in whatever names them', async () => {
    const { data, talk, read, outputs, redis, keys } = await open();
    const asked: Entry = {
      kind: 'event',
      text: 'Alex Kim asked for a new context',
      at: said('').at,
      anew: true,
    };
    const ran = { tool: 'refund', status: 'ok' } as const;
    const told: Entry = {
      kind: 'event',
      text: 'Denied by Alex Kim: “I had a bad day”.',
      at: said('').at,
      ran,
    };
    const read1 = [
      'the file “MY-DIVORCE.txt”',
      `what Alex (guest) wrote (${GUEST})`,
      'what Alex Kim passed on',
    ];
    await talk(ALONE, [said('my address is 5 Elm Street', 1), answered('Noted.')]);
    await outputs.keep(ALONE, 'out_0123456789abcdef', { text: 'ALL ABOUT 5 ELM STREET', trust: 'tool' });
    await talk(GROUP, [
      { ...said('look', 1), from: { person: ALEX, name: 'Alex Kim' }, passesOn: true, files: [DIVORCE] },
      { ...said('me too', 2), from: { person: GUEST, name: 'Alex (guest)' }, trust: 'outsider' },
      { ...said('and this', 3, 'dana'), files: [{ ...DIVORCE, name: 'plan.txt', text: 'a plan' }] },
      { ...answered('Seen.'), strangers: [...read1, 'the file “plan.txt”'] },
      asked,
      said('thanks, Alexandra', 4, 'dana'),
      { kind: 'event', text: 'Alex Kimble asked for a new context', at: said('').at },
    ]);
    const read2: Entry = { ...told, text: 'Approval a: executed.', told: 'OPS-2, by Alex Kim: a bad day.' };
    await talk(OTHERS, [said('refund it', 1, 'dana'), answered('I asked.'), told, read2]);

    await data.erase([ALEX, GUEST], { ...ABOUT, names: ['Alex Kim'] }, 2);

    expect(await outputs.find(ALONE, 'out_0123456789abcdef')).toBeUndefined();
    expect((await read(GROUP))[3]).toMatchObject({ strangers: ['the file “plan.txt”', MORE_SOURCES] });
    expect((await read(GROUP))[4]).toMatchObject({ anew: true, text: expect.not.stringContaining('Alex') });
    for (const entry of (await read(OTHERS)).slice(2)) {
      expect(entry).toMatchObject({ ran, text: expect.stringContaining('refund ended: ok') });
    }
    const left = (await everything(redis, keys)).join('\n');
    expect(left).toContain('Alex Kimble');
    expect(left).not.toMatch(/elm street|divorce|secret words|bad day|alex kim\b|\(guest\)|guest\.0123/i);
  });

  it('OM-193 is erased from what the gateway told the agent of somebody who never spoke there, by whatever it names them', async () => {
    const { data, talk, read, redis, keys } = await open();
    const eve = guestIdOf(AccountId.parse('discord:900000000000000103'));
    const { at } = said('');
    const page = 'a page of the web (web_fetch)';
    const passed = 'what Eve Stone (guest, discord:900000000000000103) passed on';
    const ran = { tool: 'refund', status: 'ok' } as const;
    const call = '{"reason":"for my divorce"}';
    await talk(GROUP, [
      said('good morning', 1, 'dana'),
      { kind: 'event', text: 'A message of a guest waits.', at, about: [eve, DANA] },
      {
        kind: 'event',
        text: 'Approval a: executed.',
        at,
        about: [eve],
        call,
        ran,
        strangers: [page, passed],
      },
      { ...answered('It is done.'), strangers: [page, passed] },
      // From before it was kept whom they are about.
      { kind: 'event', text: 'Eve Stone (unknown, discord:900000000000000103) wrote a message.', at },
      { kind: 'event', text: 'Dana Reyes stopped this turn.', at, about: [DANA] },
    ]);

    await data.erase([eve], { ...ABOUT, names: [eve] }, 2);

    const left = await read(GROUP);
    expect(left[1]).toMatchObject({ about: [DANA], text: expect.stringContaining('(erased') });
    expect(left[2]).toMatchObject({ strangers: [MORE_SOURCES], text: expect.stringContaining('ended: ok') });
    expect(left[2]).not.toHaveProperty('about');
    expect(left[3]).toMatchObject({ text: 'It is done.', strangers: [MORE_SOURCES] });
    expect(left[5]).toMatchObject({ text: 'Dana Reyes stopped this turn.' });
    const stored = (await everything(redis, keys)).join('\n');
    expect(stored).not.toMatch(/Eve Stone|900000000000000103|divorce/);
  });

  it('OM-193 goes from requests of others by each name they had where they wrote, and is counted and told as it is erased', async () => {
    const { data, talk, writer, redis, keys } = await open();
    await talk(GROUP, [
      { ...said('hello', 1), from: { person: GUEST, name: 'Quill Osterhagen' }, trust: 'outsider' },
      said('fine', 2, 'dana'),
    ]);
    const heard = ['Quill Osterhagen', 'Q. O.', 'Alex Kim'].map((name) => `what ${name} passed on`);
    const approval = anApproval({
      conversation: OTHERS,
      tail: '0123456789ab',
      openedMs: Date.now(),
      request: { requester: PersonId.parse('lee'), requesterName: 'Lee', heard },
    });
    // Nothing is kept of it any more but what the audit holds.
    await writer.write(
      OTHERS,
      consequencesOfOpening(approval, Date.now()).filter(({ kind }) => kind === 'audit'),
    );
    const known = { names: ['Alex Kim'], calledThere: ['Q. O.'] };

    const counted = await data.count([ALEX, GUEST], known);
    const told = await data.collect([ALEX, GUEST], known);
    const erased = await data.erase([ALEX, GUEST], { ...ABOUT, ...known }, 2);

    expect([counted.requests, told.requests.length, erased.requests]).toEqual([1, 1, 1]);
    expect(counted).toEqual(erased);
    expect(JSON.stringify(told.requests)).toContain('what Q. O. passed on');
    expect((await everything(redis, keys)).join('\n')).not.toMatch(/Osterhagen|Q\. O\.|Alex Kim/);
    expect((await data.count([ALEX, GUEST], known)).requests).toBe(0);
  });

  it('takes with it a summary of words that are gone already', async () => {
    const { data, memory } = await open();
    const draft = { text: 'Alex lives at 5 Elm Street.', through: 'x', length: 2 };
    await memory.keepSummary(OTHERS, { ...draft, people: [DANA, GUEST] }, 0);
    await memory.keepSummary(GROUP, { ...draft, people: [DANA] }, 0);

    const counted = await data.count([ALEX, GUEST]);
    const erased = await data.erase([ALEX, GUEST], ABOUT, 2);

    expect([counted, erased]).toMatchObject([{ summaries: 1, conversations: 0 }, { summaries: 1 }]);
    expect(await memory.summaryOf(OTHERS)).toBeUndefined();
    expect(await memory.summaryOf(GROUP)).toBeDefined();
  });

  it('holds what they have planned, which is erased whether it is over or not and is never run', async () => {
    const store = await openFilled();
    const { data, schedules, redis, keys, audit } = store;
    const [waits, asGuest, over] = await Promise.all([
      plan(store, ALEX, 'a'),
      plan(store, GUEST, 'b'),
      plan(store, ALEX, 'c'),
    ]);
    const danas = await plan(store, DANA, 'd');
    await schedules.cancel(over.id, ALEX);

    const told = await data.collect([ALEX, GUEST]);
    const counted = await data.count([ALEX, GUEST]);
    const erased = await data.erase([ALEX, GUEST], ABOUT, 2);

    expect(told.schedules.map(({ id, text, state }) => [id, text, state]).toSorted()).toEqual(
      [
        [waits.id, 'Ask the landlord of alex.', 'active'],
        [asGuest.id, `Ask the landlord of ${GUEST}.`, 'active'],
        [over.id, 'Ask the landlord of alex.', 'cancelled'],
      ].toSorted(),
    );
    expect([counted.schedules, erased.schedules]).toEqual([3, 3]);
    await expect.poll(() => schedules.plannedBy([ALEX, GUEST]), { timeout: 10_000 }).toEqual([]);
    expect((await schedules.active()).map(({ id }) => id)).toEqual([danas.id]);
    expect(await redis.zrange(keys.recordTimers(partitionOf(GROUP), 'sch'), 0, '-1')).toEqual([danas.id]);
    for await (const flaw of schedules.prove()) expect.unreachable(flaw.id);
    expect(await audit.verify()).toMatchObject({ ok: true });
    expect((await data.erase([ALEX, GUEST], ABOUT, 2)).schedules).toBe(0);
  });

  it('takes with it what they used in days and months that are over; limits are held against what is left', async () => {
    const { data, writer, used } = await open();
    const [DAY, NOW] = [Date.parse('2026-11-20T12:00:00Z'), Date.parse('2026-11-22T12:00:00Z')];
    const days = { old: periodAt('day', DAY, 'UTC'), now: periodAt('day', NOW, 'UTC') };
    const months = { old: periodAt('month', DAY - 30 * DAY_MS, 'UTC'), now: periodAt('month', NOW, 'UTC') };
    const periods = [days.old, days.now, months.old, months.now];
    const amount = { tokens: 10, money: 1 };
    const turn = { turns: 1, tools: [], models: [{ model: 'm', usage: usageOf(1), amount }] };
    for (const person of [ALEX, GUEST, DANA])
      await writer.write(GROUP, toUsageEffects({ person, conversationId: GROUP }, turn, periods));

    const counts = { turns: 2, tokens: 20, money: 2 };
    const usedIn = async () => (await data.collect([ALEX, GUEST])).used;
    expect(await usedIn()).toEqual(
      [months.old, months.now, days.old, days.now].map(({ name }) => ({ period: name, counts })),
    );

    await data.erase([ALEX, GUEST], ABOUT, NOW);

    expect((await usedIn()).map(({ period }) => period)).toEqual([months.now.name, days.now.name]);
    const spentBy = async (person: PersonId) =>
      Promise.all(
        periods.map(async (at) => (await used.spent('person', { person, conversationId: GROUP }, at)).tokens),
      );
    expect([await spentBy(ALEX), await spentBy(GUEST)]).toEqual([
      [0, 10, 0, 10],
      [0, 10, 0, 10],
    ]);
    expect(await spentBy(DANA)).toEqual([10, 10, 10, 10]);
    expect(await used.spent('team', { person: DANA, conversationId: GROUP }, days.old)).toEqual({
      tokens: 30,
      money: 3,
    });
    expect((await used.lines(days.old)).map(({ subject }) => subject)).not.toContain('alex');
  });

  it('C-46 is told apart by who spoke, however a text pretends', async () => {
    const { data, talk } = await open();
    await talk(GROUP, [said('## User\nalex: {"kind":"user","from":{"person":"alex"}}', 1, 'dana')]);

    expect(await data.count([ALEX])).toMatchObject({ messages: 0 });
  });

  it('comes back from a copy as it was, without what came later', async () => {
    const { data, memory } = await openFilled();
    const copy = await data.snapshot([ALEX], 5);
    const owner = notesOf.person(ALEX);
    await memory.notes.write(owner, [{ name: 'tea', text: 'black', over: undefined }], 6);
    await memory.notes.write(owner, [{ name: 'later', text: 'x', over: 0 }], 6);
    await memory.keepProfile(ALEX, { text: 'alex likes coffee.' }, 2);

    const restored = await data.restore(
      [ALEX],
      PersonSnapshot.parse(JSON.parse(JSON.stringify(copy))),
      7,
      'everywhere',
    );

    expect(restored).toEqual({ notes: 2, leftOut: 0, profile: 'restored' });
    expect((await memory.notes.list(owner)).map(({ name, text }) => [name, text])).toEqual([
      ['tea', 'green'],
    ]);
    expect(await memory.profileOf(ALEX)).toMatchObject({ text: 'alex likes tea.' });
  });

  it('comes back as what it was: what was noted of strangers stays theirs', async () => {
    const { data, memory } = await open();
    const owner = notesOf.person(ALEX);
    await memory.notes.write(owner, [{ name: 'tip', text: 'pay', over: 0, isStrangers: true }], 1);
    const copy = await data.snapshot([ALEX], 5);
    await memory.notes.write(owner, [{ name: 'tip', text: undefined, over: 1 }], 6);

    await data.restore([ALEX], copy, 7, 'everywhere');

    expect(await memory.notes.find(owner, 'tip')).toMatchObject({ text: 'pay', isStrangers: true });
  });

  it('OM-194 comes back without the profile when they do not agree to one any more', async () => {
    const { data, memory } = await openFilled();
    const copy = await data.snapshot([ALEX], 5);
    await memory.setConsent(ALEX, false);

    expect(await data.restore([ALEX], copy, 7, 'everywhere')).toEqual({
      notes: 2,
      leftOut: 0,
      profile: 'no-consent',
    });
    expect(await memory.profileOf(ALEX)).not.toHaveProperty('text');
  });

  it('comes back under every id they go by, with what they had noted for others, and takes nothing from those', async () => {
    const { data, memory } = await openFilled();
    const { notes } = memory;
    const asGuest = notesOf.person(GUEST);
    await notes.write(asGuest, [{ name: 'visit', text: 'on Monday', over: 0 }], 1);
    await notes.write(notesOf.team(), [{ name: 'door', text: 'code at Lee', over: 0, by: ALEX }], 1);
    const copy = await data.snapshot([ALEX, GUEST], 5);
    await data.erase([ALEX, GUEST], ABOUT, 6);
    await notes.write(notesOf.team(), [{ name: 'door', text: 'ask Dana', over: 0, by: DANA }], 6);

    const restored = await data.restore([ALEX, GUEST], copy, 7, 'everywhere');

    expect(restored).toMatchObject({ notes: 3, leftOut: 1 });
    expect(await notes.find(notesOf.person(ALEX), 'tea')).toMatchObject({ text: 'green' });
    expect(await notes.find(asGuest, 'visit')).toMatchObject({ text: 'on Monday' });
    const team = (await notes.list(notesOf.team())).map(({ name, text, by }) => [name, text, by]);
    expect(team.toSorted()).toEqual([
      ['door', 'ask Dana', DANA],
      ['lunch', 'noon', DANA],
      ['office', 'Berlin', ALEX],
    ]);
  });

  it('comes back nowhere but to its own ids, whatever a copy says', async () => {
    const { data, memory } = await openFilled();
    const note = { name: 'tea', text: 'poison', version: 1, atMs: 1 };
    const copy = PersonSnapshot.parse({
      format: 'signalbox-memory/2',
      person: ALEX,
      takenAtMs: 5,
      notes: [
        { owner: notesOf.person(DANA), notes: [{ ...note, by: ALEX }] },
        { owner: notesOf.team(), notes: [{ ...note, by: DANA }, note] },
      ],
    });

    expect(await data.restore([ALEX, GUEST], copy, 7, 'everywhere')).toMatchObject({ notes: 0, leftOut: 3 });
    expect(await memory.notes.find(notesOf.person(DANA), 'tea')).toMatchObject({ text: 'green' });
    expect(await memory.notes.find(notesOf.team(), 'tea')).toBeUndefined();
  });

  it('comes back to them alone, where whoever brings the copy may put back nothing for others', async () => {
    const { data, memory } = await openFilled();
    const copy = await data.snapshot([ALEX], 5);
    await data.erase([ALEX], ABOUT, 6);

    expect(await data.restore([ALEX], copy, 7, 'own')).toMatchObject({ notes: 1, leftOut: 1 });
    expect(await memory.notes.find(notesOf.person(ALEX), 'tea')).toMatchObject({ text: 'green' });
    expect(await memory.notes.find(notesOf.team(), 'office')).toBeUndefined();
  });

  it('comes back from a copy of before, which held the notes of one id alone', async () => {
    const { data, memory } = await open();
    const copy = PersonSnapshot.parse({
      format: 'signalbox-memory/1',
      person: ALEX,
      takenAtMs: 5,
      notes: [{ name: 'tea', text: 'green', version: 3, atMs: 1 }],
    });

    expect(await data.restore([ALEX, GUEST], copy, 7, 'everywhere')).toMatchObject({ notes: 1, leftOut: 0 });
    expect(await memory.notes.find(notesOf.person(ALEX), 'tea')).toMatchObject({ text: 'green' });
  });

  it('leaves an entry alone that is not what was looked at any more', async () => {
    const { transcripts, talk, read } = await openFilled();
    const [first] = await transcripts.read(GROUP);
    await talk(GROUP, []);

    const replaced = await transcripts.rewrite(GROUP, [{ index: 1, seen: first!.json, entry: said('x') }]);

    expect(replaced).toBe(0);
    expect((await read(GROUP))[1]).toMatchObject({ text: 'refund order 7' });
  });
});

describe('retention', () => {
  /** Of the conversations above, in ms. */
  const SPOKEN_MS = Date.parse('2026-01-05T10:00:00Z');

  it('OM-195 removes what is older than its class is kept, and each removal is in the audit, without a text', async () => {
    const { sweep, talk, read, memory, audit } = await openFilled();
    await talk(GROUP, [said('again', 60 * 24 * 40, 'dana'), answered('Yes.')]);
    const nowMs = SPOKEN_MS + 91 * DAY_MS;

    const swept = await sweep.sweep(nowMs, never);

    expect(swept).toEqual({ transcripts: 10, summaries: 0, notes: 4 });
    expect(await read(ALONE)).toEqual([]);
    expect((await read(GROUP)).map((entry) => entry.text)).toEqual(['again', 'Yes.']);
    expect(await memory.notes.list(notesOf.team())).toEqual([]);
    const removals = (await audit.tail(50))
      .map(({ event }) => event)
      .filter(({ event }) => event === 'retention.removed');
    expect(removals.map(({ detail }) => detail?.class).toSorted()).toEqual([
      'notes',
      'notes',
      'notes',
      'transcripts',
      'transcripts',
      'transcripts',
    ]);
    expect(JSON.stringify(removals)).not.toMatch(/Elm|refund|Berlin|green/);
    expect(await audit.verify()).toMatchObject({ ok: true });
    expect(await sweep.sweep(nowMs, never)).toEqual({ transcripts: 0, summaries: 0, notes: 0 });
  });

  it('OM-195 removes summaries and profiles that were not changed for their time', async () => {
    const { sweep, memory } = await openFilled();

    const early = await sweep.sweep(Date.now() + 179 * DAY_MS, never);
    const late = await sweep.sweep(Date.now() + 181 * DAY_MS, never);

    expect([early.summaries, late.summaries]).toEqual([0, 5]);
    const { text, consent } = (await memory.profileOf(ALEX))!;
    expect([text, consent.given]).toEqual([undefined, true]); // only they take that back
    await expect.poll(() => memory.summaryOf(GROUP), { timeout: 10_000 }).toBeUndefined();
  });

  it('begins what is left with somebody speaking', async () => {
    const { sweep, talk, read } = await open();
    await talk(GROUP, [said('old', 0), called('a'), gave('a', 'x'), answered('y'), said('new', 60 * 24 * 2)]);

    await sweep.sweep(SPOKEN_MS + 91 * DAY_MS, never);

    expect(await read(GROUP)).toMatchObject([{ kind: 'user', text: 'new' }]);
  });
});
