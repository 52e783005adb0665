import { describe, expect, it } from 'vitest';
import {
  acknowledge,
  cancel,
  letGo,
  push,
  takeBesideConversation,
} from '../../../src/domain/escalation/answers.ts';
import { type Report, raise, tick } from '../../../src/domain/escalation/course.ts';
import { EscalationPlan } from '../../../src/domain/escalation/plan.ts';
import type { Escalation, EscalationMove } from '../../../src/domain/escalation/record.ts';
import { EscalationId, PersonId, Platform } from '../../../src/domain/ids.ts';
import { consequencesOf } from '../../../src/escalation/consequences.ts';
import { deedText, lineText } from '../../../src/escalation/sentences.ts';
import type { Effect } from '../../../src/redis/effects.ts';
import { surroundings } from '../../support/escalation-world.ts';

const PLAN = EscalationPlan.parse({
  name: 'duty',
  steps: [{ kind: 'wait', id: 's0', forMs: 1 }],
  rounds: 1,
  lastResort: { who: [{ kind: 'person', person: 'kim' }], importance: 'urgent' },
  nagMs: 1,
  settleMs: 0,
  acknowledge: { remindMs: 1, withinMs: 1, goesOnAt: 'same' },
  maxAgeMs: 1_000,
  onWorse: { kind: 'restart' },
});
const REPORT: Report = {
  id: EscalationId.parse('esc_p0_000000000000'),
  key: 'it',
  subject: { kind: 'trouble' },
  severity: 'error',
  title: 'It does not work',
  correlation: 'it',
  except: [],
};
const WORSE: Report = { ...REPORT, severity: 'critical' };
const DEED_OF_ALEX = {
  by: { person: PersonId.parse('alex'), name: 'Alex' },
  permitted: true,
  via: Platform.parse('discord'),
};
const DEED_OF_DANA = { by: { person: PersonId.parse('dana'), name: 'Dana' }, permitted: true };
const ALEX = { kind: 'person' as const, person: PersonId.parse('alex') };
const NOBODY_ELSE = { hours: {}, schedules: {}, roles: {}, links: {}, posts: [] };
const REACHABLE = {
  ...NOBODY_ELSE,
  links: Object.fromEntries(
    ['alex', 'kim'].map((person) => [person, [{ platform: Platform.parse('slack'), afterMs: 0 }]]),
  ),
};

function planWith(...steps: EscalationPlan['steps']): EscalationPlan {
  return { ...PLAN, steps };
}

/** Nobody can be reached. */
const AT = (nowMs: number) =>
  surroundings({ hours: {}, schedules: {}, roles: {}, links: {}, posts: [] }, nowMs);

function begun(): Escalation {
  return raise(undefined, REPORT, PLAN, 0).moved!.next;
}

/** Asked whether they are still on it, and given a ms to say so. */
function asked(taken: Escalation): Escalation {
  return tick(taken, AT(2)).moved!.next;
}

/** Who is told what. */
function toldBy(effects: readonly Effect[]): object[] {
  return effects.flatMap((effect) => (effect.kind === 'out' ? [effect.item] : []));
}

describe('whoever had it', () => {
  it.each<[string, (taken: Escalation) => EscalationMove | undefined, RegExp]>([
    [
      'who did not say that they are still on it',
      (taken) => tick(asked(taken), AT(3)).moved,
      /did not say so/,
    ],
    ['of whom it is pushed on to others', (taken) => push(taken, DEED_OF_DANA, 2).moved, /It was pushed on/],
    [
      'of whom it is taken because it got worse',
      (taken) => raise(taken, WORSE, PLAN, 2).moved,
      /It got worse/,
    ],
    [
      'of whom somebody takes its conversation who may not have it',
      (taken) => {
        const had = { ...taken, cameWith: DEED_OF_ALEX.by.person };
        return takeBesideConversation(had, { ...DEED_OF_DANA, permitted: false }, 2).moved;
      },
      /Somebody else has taken its conversation over/,
    ],
  ])('hears, %s, that it goes on without them, and how to take it again', (_, lose, why) => {
    const taken = acknowledge(begun(), DEED_OF_ALEX, 1).moved!.next;
    const before = asked(taken);

    const told = toldBy(consequencesOf(before, lose(taken)!, 3));

    expect(told).toMatchObject([
      { kind: 'page', person: 'alex', page: { why: 'news', platform: 'discord' } },
    ]);
    const [{ page } = { page: undefined }] = told as { page?: { markdown: string } }[];
    expect(page?.markdown).toMatch(why);
    expect(page?.markdown).toContain(
      `It is not yours any more, and goes on to others: It does not work. \`/ack ${REPORT.id}\` takes it again.`,
    );
  });

  it('is named to whoever else pushes it on', () => {
    const taken = acknowledge(begun(), DEED_OF_ALEX, 1).moved!.next;

    expect(deedText(push(taken, DEED_OF_DANA, 2).result)).toContain('Alex had it, and is told');
    expect(deedText(push(taken, DEED_OF_ALEX, 2).result)).not.toContain('had it');
    expect(deedText(push(begun(), DEED_OF_DANA, 2).result)).not.toContain('had it');
  });

  it.each([
    ['1', 'It goes on now at step 1: '],
    ['night', 'It goes on now at `night`: '],
  ])('goes on at the step %s by its name, or its number where it has none', (id, words) => {
    const plan = { ...PLAN, steps: [{ kind: 'wait' as const, id, forMs: 1 }] };

    expect(deedText(push({ ...begun(), plan }, DEED_OF_DANA, 2, id).result)).toContain(words);
  });

  it('is told as their own to whoever takes it again, and by name to anybody else', () => {
    const taken = acknowledge(begun(), DEED_OF_ALEX, 1).moved!.next;
    const { result } = acknowledge(taken, DEED_OF_ALEX, 2);

    expect(deedText(result, DEED_OF_ALEX.by.person)).toMatch(/^You have it already, since [^`]*$/);
    expect(deedText(result, DEED_OF_DANA.by.person)).toMatch(/^Alex has it since .* takes it from them/);
  });

  it('hears nothing of what they did themselves', () => {
    const taken = acknowledge(begun(), DEED_OF_ALEX, 1).moved!.next;

    expect(toldBy(consequencesOf(taken, push(taken, DEED_OF_ALEX, 2).moved!, 2))).toEqual([]);
    expect(toldBy(consequencesOf(taken, letGo(taken, DEED_OF_ALEX, 2).moved!, 2))).toEqual([]);
  });

  it('hears who has it since, in case they have not read yet that it went on without them', () => {
    const taken = acknowledge(begun(), DEED_OF_ALEX, 1).moved!.next;
    const gone = tick(asked(taken), AT(3)).moved!.next;

    const told = toldBy(consequencesOf(gone, acknowledge(gone, DEED_OF_DANA, 4).moved!, 4));

    expect(told).toMatchObject([
      { person: 'alex', page: { markdown: 'Dana looks after it: It does not work.' } },
    ]);
  });
});

describe('what follows from a change of an escalation', () => {
  it('tells whoever has it, and was never called, of its end where they took it', () => {
    const taken = acknowledge(begun(), DEED_OF_ALEX, 1).moved!.next;

    const effects = consequencesOf(taken, cancel(taken, DEED_OF_DANA).moved!, 2);

    expect(toldBy(effects)).toMatchObject([
      { kind: 'page', person: 'alex', page: { why: 'news', platform: 'discord' } },
    ]);
  });
});

describe('the last resort', () => {
  const called = (escalation: Escalation) => {
    const paged = tick(escalation, surroundings(REACHABLE, 2)).moved!;
    return JSON.stringify(toldBy(consequencesOf(escalation, paged, 2)));
  };

  it('OM-123 reads that nobody named before could be called, where nobody was', () => {
    const plan = planWith({ kind: 'notify', id: 's0', who: [ALEX], onEmpty: { kind: 'skip' } });
    const raised = raise(undefined, { ...REPORT, except: [PersonId.parse('alex')] }, plan, 0).moved!.next;

    const first = called(raised);
    const again = called(tick(raised, surroundings(REACHABLE, 1)).moved!.next);

    for (const text of [first, again]) {
      expect(text).toContain('Nobody named before you could be called.');
      expect(text).not.toContain('Everybody was called');
    }
  });

  it('OM-123 reads that everybody was called, where somebody was', () => {
    const plan = planWith({ kind: 'notify', id: 's0', who: [ALEX], onEmpty: { kind: 'skip' } });
    const raised = raise(undefined, REPORT, plan, 0).moved!.next;

    expect(called(tick(raised, surroundings(REACHABLE, 1)).moved!.next)).toContain(
      'Everybody was called who is named before you.',
    );
  });

  it('reads of an escalation that was kept before this was, that everybody was called', () => {
    const { stepsCalled: _, ...kept } = raise(undefined, REPORT, planWith(), 0).moved!.next;

    expect(called(kept)).toContain('Everybody was called who is named before you.');
  });
});

describe('where others read than those who were there', () => {
  const SLACK = Platform.parse('slack');
  const AT_ORIGIN: Partial<Report> = {
    key: 'plan-raised:duty:pln_1',
    title: 'money: A plan needs a human: pay the salary of Alex',
    words: 'pay 4321 EUR by hand',
    origin: { platform: SLACK, route: { channel: 'D0ALEX' } },
  };
  const posting = planWith({
    kind: 'notify',
    id: 's0',
    who: [{ kind: 'channel', platform: SLACK, channel: 'C0OPS' }],
    onEmpty: { kind: 'skip' },
  });
  const there = { ...NOBODY_ELSE, posts: ['slack'] };

  it('OM-053 nothing is told that the agent or anybody wrote, neither when it begins nor when it ends', () => {
    const raised = raise(undefined, { ...REPORT, ...AT_ORIGIN }, posting, 0).moved!.next;
    const posted = tick(raised, surroundings(there, 1)).moved!;
    const over = cancel(posted.next, DEED_OF_DANA).moved!;

    const told = [...consequencesOf(raised, posted, 1), ...consequencesOf(posted.next, over, 2)];

    const posts = toldBy(told) as { kind: string; markdown?: string; ifPrivate?: { markdown: string } }[];
    const [call, end] = posts.filter(({ kind }) => kind === 'post');
    expect(call?.markdown).toContain('4321');
    expect(call?.ifPrivate?.markdown).toContain('**A plan needs a human** (error)');
    expect(call?.ifPrivate?.markdown).not.toMatch(/4321|salary/);
    expect(end?.ifPrivate?.markdown).toBe('Dana has closed it: A plan needs a human.');
  });

  it('OM-053 it is decided by the place the words come from, when worse words come from another', () => {
    const inChannel = { platform: SLACK, route: { channel: 'C0GENERAL' } };
    const first = { ...REPORT, ...AT_ORIGIN, origin: inChannel };
    const worse = { ...WORSE, ...AT_ORIGIN, severity: 'critical' as const };

    const raised = raise(undefined, first, posting, 0).moved!.next;
    const grown = raise(raised, worse, posting, 1).moved!.next;

    expect(grown.origin).toEqual(AT_ORIGIN.origin);
  });
});

it('OM-053 a list says since when each waits, for what is called the same', () => {
  expect(lineText(begun())).toContain('- It does not work (error, since 1 Jan 1970, 00:00 UTC): ');
});

it('OM-053 a program is told how bad it is at its own step, not how bad a later one makes it', () => {
  const plan = planWith(
    { kind: 'webhook', id: 's0', webhook: 'pager' },
    { kind: 'severity', id: 's1', severity: 'error' },
    { kind: 'webhook', id: 's2', webhook: 'pager' },
    { kind: 'wait', id: 's3', forMs: 1 },
  );
  const raised = raise(undefined, { ...REPORT, severity: 'warning' }, plan, 0).moved!.next;

  const told = toldBy(consequencesOf(raised, tick(raised, AT(1)).moved!, 1)) as {
    kind: string;
    body?: { data: { severity: string } };
  }[];

  const called = told.filter(({ kind }) => kind === 'webhook');
  expect(called.map(({ body }) => body?.data.severity)).toEqual(['warning', 'error']);
});

it('OM-193 whatever quotes somebody says whose words it holds: a call, a post, a program’s and the end of it', () => {
  const mike = PersonId.parse('mike');
  const slack = Platform.parse('slack');
  const plan = planWith(
    { kind: 'webhook', id: 's0', webhook: 'pager' },
    {
      kind: 'notify',
      id: 's1',
      who: [ALEX, { kind: 'channel', platform: slack, channel: 'C0OPS' }],
      onEmpty: { kind: 'skip' },
    },
  );
  const report = { ...REPORT, title: 'Somebody wants a human', words: 'lemurword', except: [mike] };
  const raised = raise(undefined, report, plan, 0).moved!.next;
  const called = tick(raised, surroundings({ ...REACHABLE, posts: ['slack'] }, 1)).moved!;
  const over = cancel(called.next, DEED_OF_DANA).moved!;

  const told = toldBy([...consequencesOf(raised, called, 1), ...consequencesOf(called.next, over, 2)]);
  const from = (told as { kind: string; from?: unknown; page?: { from?: unknown } }[]).map(
    ({ kind, from, page }) => [kind, page ? page.from : from],
  );

  expect(new Set(from.map(([kind]) => kind))).toEqual(new Set(['webhook', 'post', 'page']));
  for (const [, whose] of from) expect(whose).toEqual([mike]);
});
