/** What escalations hold of people word for word: it goes with them once those are over, and nobody hears of it again. */
import { describe, expect, it } from 'vitest';
import { AuditLog } from '../../src/audit/audit-log.ts';
import { escalationIdOf, partitionOfEscalation } from '../../src/delivery/escalation-item.ts';
import { acknowledge, close, resolve } from '../../src/domain/escalation/answers.ts';
import { type Report, raise } from '../../src/domain/escalation/course.ts';
import { advance, type Escalation, type EscalationStep } from '../../src/domain/escalation/record.ts';
import {
  AccountId,
  ApprovalId,
  ConversationId,
  type EscalationId,
  PersonId,
  Platform,
} from '../../src/domain/ids.ts';
import type { Address } from '../../src/domain/message.ts';
import { guestIdOf } from '../../src/domain/person.ts';
import { EscalatedWords } from '../../src/escalation/escalated-words.ts';
import { EscalationStore } from '../../src/escalation/escalation-store.ts';
import { ERASED, ERASED_NAME } from '../../src/memory/person-data.ts';
import { EffectWriter } from '../../src/redis/effect-writer.ts';
import { openStore } from '../support/core.ts';
import { planOf } from '../support/escalation-plan.ts';
import { everything } from '../support/stored.ts';

const HOUR = 3_600_000;
const ALEX = PersonId.parse('alex');
const DANA = PersonId.parse('dana');
const MAIL = AccountId.parse('email:alex@corp.test');
const AS_GUEST = guestIdOf(MAIL);
const LEE = PersonId.parse('lee');
const SLACK = Platform.parse('slack');
const HERE = ConversationId.parse('slack:T0:C0:1');
const ABOUT = { actor: 'dana', correlation: 'c' };
const TRACES = { names: ['Alex Kim'], conversations: [] };
const FROM_MAIL: Address = {
  platform: Platform.parse('email'),
  route: { to: 'Alex@corp.test', subject: 'my divorce', references: '' },
};

/** What escalations are begun with here, where a test does not say otherwise. */
type Wish = Partial<Pick<Report, 'title' | 'words' | 'except' | 'origin' | 'link' | 'subject' | 'severity'>>;

async function open() {
  const { redis, keys } = await openStore();
  const writer = new EffectWriter(redis, keys);
  const store = new EscalationStore(redis, keys, writer, () => HOUR);
  const audit = new AuditLog(redis, keys);
  const keyOf = (id: EscalationId) => keys.record(partitionOfEscalation(id), 'esc', id);
  const begin = async (key: string, wish: Wish = {}): Promise<EscalationId> => {
    const subject = { kind: 'conversation', conversationId: HERE } as const;
    const about = {
      subject,
      severity: 'error',
      title: 'It',
      correlation: 'it',
      ...wish,
      except: wish.except ?? [],
    } as const;
    const id = escalationIdOf(key, about.subject);
    await store.apply(id, (before, nowMs) => raise(before, { ...about, id, key }, PLAN, nowMs));
    return id;
  };
  const end = (id: EscalationId, remark: string, by?: { person: PersonId; name: string }) =>
    store.apply<unknown>(
      id,
      (before) => before && (by ? resolve(before, { by, permitted: true }, remark) : close(before, remark)),
    );
  return {
    redis,
    keys,
    writer,
    store,
    audit,
    words: new EscalatedWords(store, audit, keys),
    keyOf,
    begin,
    end,
    over: async (key: string, wish: Wish = {}): Promise<EscalationId> => {
      const id = await begin(key, wish);
      await store.apply(id, (before) => before && called(before));
      await end(id, 'it was looked after', { person: DANA, name: 'Dana Reyes' });
      return id;
    },
    raw: (id: EscalationId) => redis.get(keyOf(id)),
    /** What is to be done, said or shown. */
    inLine: async () =>
      (await everything(redis, keys)).filter((each) => /\}:(e|o\.[a-z]+):/.test(each)).toSorted(),
  };
}

/** Lee was called, and a channel. */
function called(before: Escalation): EscalationStep<'called'> {
  const heard = { told: [LEE], calledOn: { lee: SLACK }, posted: [{ platform: SLACK, channel: 'C9' }] };
  const next = { ...advance(before, before.standing), ...heard };
  return { result: 'called', moved: { next, event: 'called', actor: 'system', acts: [], taken: [] } };
}

const PLAN = planOf([{ kind: 'wait', id: '1', forMs: HOUR }], HOUR);

describe('an escalation that is over, and comes from somebody who is erased', () => {
  it('OM-193 holds nothing they wrote any more, by whichever account, and is kept no longer; those of others do not change', async () => {
    const { redis, words, over, raw, keyOf, audit, store, inLine } = await open();
    const asked = { words: 'my kestrel flew to Elm Street', title: 'Alex Kim wants a human' };
    const theirs = await over('theirs', { ...asked, except: [ALEX], link: 'https://slack.test/C0/p1' });
    const asGuest = await over('as a guest', { ...asked, except: [AS_GUEST], origin: FROM_MAIL });
    const request = {
      kind: 'approval',
      approvalId: ApprovalId.parse('apr_p0_0123456789ab'),
      conversationId: HERE,
    } as const;
    const requested = await over('request', {
      title: 'refund, for Elm Street',
      subject: request,
      except: [ALEX],
    });
    const ofOthers = await over('of others', { words: 'Dana saw a kestrel', except: [DANA] });
    for (const id of [theirs, asGuest, requested, ofOthers]) await redis.pexpire(keyOf(id), 60_000);
    const [before, waiting] = [await raw(ofOthers), await inLine()];
    expect(waiting.join('\n')).toMatch(/Dana Reyes has closed it/);

    const found = await words.of([ALEX, AS_GUEST], TRACES);
    const erased = await words.erase([ALEX, AS_GUEST], TRACES, ABOUT);

    expect(found.map(({ id }) => id).toSorted()).toEqual([theirs, asGuest, requested].toSorted());
    expect(found.find(({ id }) => id === asGuest)).toMatchObject({
      isOver: true,
      ...asked,
      origin: FROM_MAIL,
      remark: 'it was looked after',
    });
    expect(erased).toEqual({ escalations: 3, unresolved: [] });
    for (const id of [theirs, asGuest, requested]) {
      expect(await raw(id)).not.toMatch(
        /kestrel|Elm Street|Alex Kim|corp\.test|divorce|slack\.test|looked after/i,
      );
      expect(await store.find(id)).toMatchObject({
        title: ERASED,
        standing: { state: 'RESOLVED', remark: ERASED },
      });
      const leftMs = await redis.pttl(keyOf(id));
      expect([leftMs > 0, leftMs <= 60_000]).toEqual([true, true]);
    }
    expect(await raw(ofOthers)).toBe(before);
    expect(await inLine()).toEqual(waiting);
    const entries = (await audit.trace(theirs)).map(({ event }) => [event.event, event.actor, event.detail]);
    expect(entries.at(-1)).toEqual(['memory.erased', 'dana', { what: 'escalation' }]);
    expect(await audit.verify()).toMatchObject({ ok: true });
    expect(await words.of([ALEX, AS_GUEST], TRACES)).toEqual([]);
    expect(await words.erase([ALEX, AS_GUEST], TRACES, ABOUT)).toEqual({ escalations: 0, unresolved: [] });
  });

  it('OM-193 loses the words it holds in doubt: whoever of those it comes from is erased, and where nobody knows from whom', async () => {
    const { words, begin, end, over, store } = await open();
    const both = await begin('both', { words: 'mine', except: [DANA] });
    await begin('both', { words: 'and mine', except: [ALEX] });
    await end(both, 'nobody need come');
    const nobodys = await over('nobody', { words: 'the agent does not get on', title: 'A human is wanted' });
    const elsewhere = await over('elsewhere', {
      words: 'nor does it here',
      subject: { kind: 'conversation', conversationId: ConversationId.parse('slack:T0:C0:2') },
    });

    const traces = { names: [], conversations: [HERE] };
    const found = await words.of([ALEX], traces);
    const erased = await words.erase([ALEX], traces, ABOUT);

    expect(found.map(({ id }) => id).toSorted()).toEqual([both, nobodys].toSorted());
    // Dana has said that, and nobody else is told.
    expect(found.map((each) => each.words)).toEqual([undefined, undefined]);
    expect(erased.escalations).toBe(2);
    expect(await store.find(both)).not.toHaveProperty('words');
    const left = await store.find(nobodys);
    expect([left?.title, left?.words]).toEqual(['A human is wanted', undefined]);
    expect((await store.find(elsewhere))?.words).toBe('nor does it here');
  });

  it.each([
    ['somebody else reported it, too', [[], [DANA]]],
    ['nobody known reported it, too', [[DANA], []]],
  ])(
    'OM-193 loses them where one report came from nobody who is known, though %s',
    async (_, [first, then]) => {
      const { words, begin, end, store } = await open();
      const id = await begin('both', { words: 'a kestrel', except: first! });
      await begin('both', { except: then! });
      await end(id, 'nobody need come');

      const traces = { names: [], conversations: [HERE] };
      const [found, ...others] = await words.of([ALEX], traces);
      const erased = await words.erase([ALEX], traces, ABOUT);

      expect([found?.id, found?.words, others]).toEqual([id, undefined, []]);
      expect(erased.escalations).toBe(1);
      expect(await store.find(id)).not.toHaveProperty('words');
      expect(await words.of([LEE], { names: [], conversations: [] })).toEqual([]);
    },
  );

  it('OM-193 is known by the audit from where they wrote, and that they raised it, once nothing else tells of it', async () => {
    const { words, over, writer, store } = await open();
    const nobodys = await over('nobody', { words: 'the agent does not get on' });
    const byHand = await over('manual:1', { title: 'my kestrel is gone', subject: { kind: 'trouble' } });
    const byOthers = await over('manual:2', { title: 'Alex Kim is gone', subject: { kind: 'trouble' } });
    const noted = (event: string, actor: string, subject: string, detail = {}) =>
      ({ kind: 'audit', event: { event, actor, subject, correlation: 'c', detail } }) as const;
    await writer.write(HERE, [
      noted('message.received', 'slack:T0/U0ALEX', HERE, { person: ALEX }),
      noted('escalation.asked-for', 'dana as alex', byHand),
      noted('escalation.asked-for', 'dana', byOthers),
    ]);

    const erased = await words.erase([ALEX], TRACES, ABOUT);

    expect(erased.escalations).toBe(2);
    expect(await store.find(nobodys)).not.toHaveProperty('words');
    expect((await store.find(byHand))?.title).toBe(ERASED);
    expect((await store.find(byOthers))?.title).toBe('Alex Kim is gone');
  });
});

describe('an escalation of others that somebody who is erased has a part in', () => {
  it('OM-193 does not say what they are called, nor what they said as they ended it', async () => {
    const { words, begin, end, store } = await open();
    const [ended, over, budget] = [
      await begin('ended', { words: 'a question', except: [DANA] }),
      await begin('over', { except: [DANA] }),
      await begin('budget:duty:person:alex:day:tokens', {
        title: 'Al has used it up',
        subject: { kind: 'trouble' },
      }),
    ];
    await end(ended, 'I rang my sister', { person: ALEX, name: 'Alex Kim' });
    await end(over, 'Alex Kim has taken the conversation over');
    await end(budget, 'there is something left of it again');

    const found = await words.of([ALEX], TRACES);
    const erased = await words.erase([ALEX], TRACES, ABOUT);

    expect(found.find(({ id }) => id === ended)).toMatchObject({
      remark: 'I rang my sister',
      called: 'Alex Kim',
    });
    expect(erased.escalations).toBe(3);
    expect(await store.find(ended)).toMatchObject({
      words: 'a question',
      title: 'It',
      standing: { by: { person: ALEX, name: ERASED_NAME }, remark: ERASED },
    });
    expect(await store.find(over)).toMatchObject({ title: 'It', standing: { remark: ERASED } });
    expect((await store.find(budget))?.title).toBe(ERASED);
  });
});

it('OM-193 what nobody wrote, and was begun in a mail of somebody who is erased, does not say which mail that was', async () => {
  const { words, over, raw, store } = await open();
  const subject = { kind: 'trouble' } as const;
  const id = await over('budget:duty:all:all:day:tokens', {
    origin: FROM_MAIL,
    title: 'All is used up',
    subject,
  });

  const erased = await words.erase([ALEX, AS_GUEST], TRACES, ABOUT);

  expect(erased.escalations).toBe(1);
  expect(await raw(id)).not.toMatch(/divorce|corp\.test/i);
  expect(await store.find(id)).toMatchObject({
    title: 'All is used up',
    standing: { remark: 'it was looked after' },
  });
});

it.each([
  ['their address', '550 5.1.1 <Alex@corp.test>: recipient unknown', []],
  ['their address at the end', 'nobody takes mail for alex@corp.test.', []],
  ['their name', 'recipient rejected: Alex Kim has left', ['Alex Kim']],
])('OM-193 what was wrong with a delivery goes with somebody whom it calls by %s', async (_, said, names) => {
  const { words, over, raw } = await open();
  const trouble = { title: 'Something could not be delivered', subject: { kind: 'trouble' } as const };
  const id = await over('dead-letter:duty:o.email', { ...trouble, words: said });
  const ofOthers = await over('dead-letter:duty:o.slack', {
    ...trouble,
    words: '550 alexa@corp.test unknown, Alexander Kimber too',
  });
  const before = await raw(ofOthers);

  const found = await words.of([ALEX, AS_GUEST], { names, conversations: [] });
  const erased = await words.erase([ALEX, AS_GUEST], { names, conversations: [] }, ABOUT);

  expect(found).toMatchObject([{ id, words: said }]);
  expect(erased.escalations).toBe(1);
  expect(await raw(id)).not.toMatch(/corp\.test|Alex/i);
  expect(await raw(ofOthers)).toBe(before);
});

describe('an escalation that is not over', () => {
  it('OM-193 is named and left as it is, and erased by the next erasure once it is over', async () => {
    const { words, begin, end, raw, store } = await open();
    const id = await begin('it', { words: 'my kestrel', except: [ALEX] });
    const owned = await begin('owned', { except: [DANA] });
    const alex = { person: ALEX, name: 'Alex Kim' };
    await store.apply(
      owned,
      (before, nowMs) => before && acknowledge(before, { by: alex, permitted: true }, nowMs),
    );
    const before = [await raw(id), await raw(owned)];

    const found = await words.of([ALEX], TRACES);
    const first = await words.erase([ALEX], TRACES, ABOUT);
    const after = [await raw(id), await raw(owned)];
    for (const each of [id, owned]) await end(each, 'nobody need come');
    const second = await words.erase([ALEX], TRACES, ABOUT);

    expect(found.map(({ isOver }) => isOver)).toEqual([false, false]);
    expect(first.escalations).toBe(0);
    expect(first.unresolved.toSorted()).toEqual([id, owned].toSorted());
    expect(after).toEqual(before);
    expect(second).toEqual({ escalations: 1, unresolved: [] });
    expect(await raw(id)).not.toContain('kestrel');
    expect(await raw(owned)).not.toContain('Alex Kim');
  });

  it('OM-193 is left also where it began anew while it was looked for', async () => {
    const { keys, audit, begin, over, raw, store } = await open();
    const id = await over('it', { words: 'my kestrel', except: [ALEX] });
    const late = {
      all: () => store.all(),
      reword: async (...args: Parameters<EscalationStore['reword']>) => {
        await begin('it', { words: 'my kestrel again', except: [ALEX] });
        return store.reword(...args);
      },
    };

    const erased = await new EscalatedWords(late, audit, keys).erase([ALEX], TRACES, ABOUT);

    expect(erased).toEqual({ escalations: 0, unresolved: [id] });
    expect(await raw(id)).toContain('my kestrel again');
  });

  it('begins anew after an erasure with what is said then', async () => {
    const { words, begin, over, store } = await open();
    const id = await over('it', { words: 'my kestrel', except: [ALEX] });
    await words.erase([ALEX], TRACES, ABOUT);
    const { rev = 0 } = (await store.find(id)) ?? {};

    await begin('it', { words: 'somebody else’s', except: [DANA] });

    expect(await store.find(id)).toMatchObject({
      words: 'somebody else’s',
      title: 'It',
      except: [DANA],
      rev: rev + 1,
    });
  });
});
