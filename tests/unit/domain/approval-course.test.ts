/**
 * What can happen to an approval on its way to a decision, beside yes and no: other arguments, questions and replies,
 * words taken back and passed on, deadlines put off, a ladder. Random histories of it against the invariants (their
 * numbers are those of the specification).
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { noteCopy } from '../../../src/domain/approval/copies.ts';
import { delegate } from '../../../src/domain/approval/delegation.ts';
import { delegatorsOf } from '../../../src/domain/approval/delegation-chain.ts';
import { digestOf } from '../../../src/domain/approval/digest.ts';
import { isExcluded } from '../../../src/domain/approval/exclusion.ts';
import {
  type Approval,
  type ApprovalPolicy,
  approversOf,
  deadlineOf,
  hardDeadlineOf,
  heardBefore,
  isEnded,
  isWaiting,
  type Step,
} from '../../../src/domain/approval/record.ts';
import { ask, reply } from '../../../src/domain/approval/talk.ts';
import { type Circumstances, dueOf, tick } from '../../../src/domain/approval/time.ts';
import { type Edit, type Vote, type VoteResult, vote } from '../../../src/domain/approval/voting.ts';
import { AccountId, PersonId } from '../../../src/domain/ids.ts';
import { RoleName } from '../../../src/domain/person.ts';
import { isQuorum, type Voter } from '../../../src/domain/quorum.ts';
import { anAddress, anApproval, aVote, DEADLINE_MS, OPENED_MS, SLACK } from '../../support/approvals.ts';
import { runs } from '../../support/property-runs.ts';

const MANAGER = RoleName.parse('manager');
const DIRECTOR = RoleName.parse('director');

/** Everybody there is: Alex asked, on behalf of Lee; Dana, Mona and Max are managers, Rita is a director, Eve nobody. */
const ROLES = {
  alex: [MANAGER],
  lee: [MANAGER],
  dana: [MANAGER],
  mona: [MANAGER],
  max: [MANAGER],
  rita: [DIRECTOR],
  eve: [],
} as const;
type Name = keyof typeof ROLES;
const NAMES = Object.keys(ROLES) as Name[];
const idOf = (name: string): PersonId => PersonId.parse(name);

/** When somebody wants this instead, things have changed since it was asked. */
const AMOUNT_TOO_LATE = 77;
const PAUSE_MS = 20_000;
const VISIBLE_MS = 15_000;
const HARD_MS = 10 * DEADLINE_MS;
const RUNG_MS = 30_000;

type Event =
  | {
      readonly kind: 'vote';
      readonly name: Name;
      readonly choice: Vote['choice'];
      readonly amount: number;
      readonly old: boolean;
    }
  | { readonly kind: 'ask' | 'reply'; readonly name: Name }
  | { readonly kind: 'delegate'; readonly from: Name; readonly to: Name }
  | { readonly kind: 'again'; readonly back: number }
  | { readonly kind: 'tick' | 'card' };

const name = fc.constantFrom(...NAMES);
const event: fc.Arbitrary<Event> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      kind: fc.constant('vote' as const),
      name,
      choice: fc.constantFrom('approve', 'approve', 'approve', 'deny', 'edit', 'edit', 'take-back', 'answer'),
      amount: fc.constantFrom(40, 60, 120, AMOUNT_TOO_LATE),
      old: fc.constantFrom(false, false, false, true),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('ask' as const), name }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('reply' as const), name }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('delegate' as const), from: name, to: name }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('again' as const), back: fc.nat(6) }) },
  { weight: 4, arbitrary: fc.constant({ kind: 'tick' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'card' as const }) },
);

const history = fc.record({
  count: fc.constantFrom(1, 2),
  enough: fc.boolean(),
  fair: fc.boolean(),
  pause: fc.boolean(),
  risk: fc.constantFrom('low' as const, 'high' as const),
  ladder: fc.constantFrom<NonNullable<ApprovalPolicy['ladder']>>(
    [],
    [{ kind: 'escalate', approvers: { role: DIRECTOR }, forMs: RUNG_MS }],
    [
      { kind: 'escalate', approvers: { role: DIRECTOR }, forMs: RUNG_MS },
      { kind: 'default', text: 'nobody was there' },
    ],
    [{ kind: 'approve' }],
  ),
  outages: fc.array(
    fc.record({ at: fc.nat(2 * DEADLINE_MS), ms: fc.nat(DEADLINE_MS) }).map(({ at, ms }) => ({
      fromMs: OPENED_MS + at,
      untilMs: OPENED_MS + at + ms,
    })),
    { maxLength: 1 },
  ),
  steps: fc.array(
    fc.record({
      event,
      passing: fc.oneof(fc.nat(3_000), fc.constantFrom(0, PAUSE_MS, RUNG_MS, DEADLINE_MS, HARD_MS)),
    }),
    { minLength: 1, maxLength: 40 },
  ),
});
type History = typeof history extends fc.Arbitrary<infer H> ? H : never;

interface Moment {
  readonly event: Event;
  readonly nowMs: number;
  readonly before: Approval;
  readonly after: Approval;
  readonly moved: NonNullable<Step<unknown>['moved']> | undefined;
  readonly result: unknown;
  readonly step: Step<unknown>;
  /** The key of a word that came again. */
  readonly again: string | undefined;
}

type Act = (approval: Approval, nowMs: number, world: Circumstances) => Step<unknown>;

function play({ count, enough, fair, pause, risk, ladder, outages, steps }: History): Moment[] {
  let approval = anApproval({
    request: {
      risk,
      reversible: risk === 'low',
      lineage: [idOf('lee')],
      accounts: [AccountId.parse('slack:T0/U0ALEX'), AccountId.parse('slack:T0/U0MAX')],
    },
    policy: {
      approvers: { role: MANAGER, count },
      choices: ['approve', 'deny', 'answer', 'edit', 'ask', 'take-back'],
      ...(enough ? { denyRule: 'enough' } : {}),
      ...(fair ? { minVisibleMs: VISIBLE_MS } : {}),
      ...(pause ? { pauseMs: PAUSE_MS } : {}),
      ...(ladder.length > 0 ? { ladder: [...ladder] } : {}),
      hardDeadlineMs: HARD_MS,
    },
  });
  let nowMs = OPENED_MS;
  const given: { readonly key: string; readonly act: Act }[] = [];
  return steps.map(({ event, passing }, index) => {
    nowMs += passing;
    // What has not happened yet is not known yet.
    const world: Circumstances = {
      outages: outages.filter(({ untilMs }) => untilMs <= nowMs),
      copiesFor: () => [{ id: 'rita', to: anAddress('slack'), person: idOf('rita') }],
    };
    const before = approval;
    const repeated = event.kind === 'again' ? given.at(-1 - event.back) : undefined;
    const act = event.kind === 'again' ? repeated?.act : toAct(before, event, index);
    if (act && event.kind !== 'again') given.push({ key: `${event.kind}:${index}`, act });
    const step = act?.(before, nowMs, world) ?? { result: undefined };
    approval = step.moved?.next ?? before;
    return {
      event,
      nowMs,
      before,
      after: approval,
      moved: step.moved,
      result: step.result,
      step,
      again: repeated?.key,
    };
  });
}

function toAct(approval: Approval, event: Exclude<Event, { kind: 'again' }>, index: number): Act {
  switch (event.kind) {
    case 'vote': {
      const cast = toVote(approval, event, index);
      return (current, nowMs, world) =>
        vote(
          current,
          { ...cast, standsFor: wordsOf(current, event.name), others: othersOf(current) },
          nowMs,
          world,
        );
    }
    case 'ask': {
      const { choice: _, ...question } = aVote(approval, {
        ...personOf(event.name),
        key: `ask:${index}`,
        text: 'why?',
      });
      return (current, nowMs, world) =>
        ask(current, { ...question, standsFor: wordsOf(current, event.name) }, nowMs, world);
    }
    case 'reply':
      return (current, nowMs) =>
        reply(
          current,
          {
            key: `reply:${index}`,
            by: { person: idOf(event.name), name: event.name },
            via: SLACK,
            text: 'so',
            operates: false,
          },
          nowMs,
        );
    case 'delegate':
      return (current, nowMs) =>
        delegate(
          current,
          {
            from: voterOf(current, event.from),
            to: { person: idOf(event.to) },
            by: { person: idOf(event.from), accounts: [accountOf(event.from)] },
            operates: false,
            copies: [],
          },
          nowMs,
        );
    case 'tick':
      return (current, nowMs, world) => tick(current, nowMs, world);
    case 'card':
      return (current, nowMs) => noteCopy(current, 'dana', { ref: 'mail-1', shown: 1 }, nowMs);
    default:
      return event satisfies never;
  }
}

function toVote(approval: Approval, event: Extract<Event, { kind: 'vote' }>, index: number): Vote {
  return aVote(approval, {
    ...personOf(event.name),
    key: `vote:${index}`,
    choice: event.choice,
    text: 'because',
    ...(event.choice === 'edit' ? { edit: editOf(approval, event, index) } : {}),
    ...(event.old ? { gen: approval.gen - 1 } : {}),
  });
}

function editOf(
  approval: Approval,
  event: Extract<Event, { kind: 'vote' }>,
  index: number,
): NonNullable<Vote['edit']> {
  return event.amount === AMOUNT_TOO_LATE
    ? { why: 'things have changed', preview: { changes: [], basis: `as of ${index}` } }
    : { args: { order: 7, amount: event.amount, currency: 'EUR' }, ...passedOnIn(approval, event) };
}

/** Some who change it quote somebody. */
function passedOnIn(
  { request }: Approval,
  { name, amount }: { name: Name; amount: number },
): Pick<Edit, 'heard'> {
  const source = `what ${name} passed on`;
  return amount > 50 ? { heard: [...new Set([...heardBefore(request), source])] } : {};
}

function personOf(who: Name): Pick<Vote, 'roles'> & { person: string } {
  return { person: who, roles: ROLES[who] };
}

function wordsOf(approval: Approval, who: Name): Voter[] {
  return delegatorsOf(approval, idOf(who)).map((person) => ({
    person,
    roles: ROLES[person as unknown as Name],
  }));
}

function accountOf(who: Name): AccountId {
  return AccountId.parse(`slack:T0/U0${who.toUpperCase()}`);
}

function voterOf(approval: Approval, who: Name): Voter {
  return { person: idOf(who), roles: ROLES[who], standsFor: wordsOf(approval, who) };
}

function othersOf(approval: Approval): Voter[] {
  return NAMES.map((each) => voterOf(approval, each));
}

function always(check: (moments: readonly Moment[], history: History) => void): void {
  fc.assert(
    fc.property(history, (each) => check(play(each), each)),
    { numRuns: runs(1_500) },
  );
}

describe('any course of a request', () => {
  it('A1 keeps a decision once it is made, and an ended state for good', () => {
    always((moments) => {
      for (const { before, after } of moments) {
        if (before.decision) expect(after.decision).toEqual(before.decision);
        if (isEnded(before.state)) expect(after.state).toBe(before.state);
      }
    });
  });

  it('A3 A6 is approved for what is asked in the end, and by nobody’s word about anything else', () => {
    always((moments) => {
      for (const { before, after } of moments) {
        expect(after.digest).toBe(digestOf(after.request));
        const isSame = after.digest === before.digest && after.request.preview === before.request.preview;
        expect(after.gen - before.gen).toBe(isSame ? 0 : 1);
        for (const { digest } of [...(after.assents ?? []), ...(after.dissents ?? [])]) {
          expect(digest).toBe(after.digest);
        }
        if (after.decision) expect(after.decision.digest).toBe(after.digest);
      }
    });
  });

  it('A6 is no word of anybody where things have changed before other arguments were: nothing said before counts', () => {
    always((moments) => {
      for (const { before, after, moved, result } of moments) {
        if (moved?.event !== 'refreshed') continue;
        expect((result as VoteResult).code).toBe('REFRESHED');
        expect([...(after.assents ?? []), ...(after.dissents ?? [])]).toEqual([]);
        expect(isWaiting(after.state)).toBe(true);
        expect(after).toMatchObject({ digest: before.digest, gen: before.gen + 1 });
        expect(after.face).toBeGreaterThan(before.face);
      }
    });
  });

  it('OM-187 keeps what of strangers came in by a change of it, whatever follows', () => {
    always((moments) => {
      for (const { before, after } of moments) {
        const heard = heardBefore(after.request);
        expect(heard).toEqual(expect.arrayContaining([...heardBefore(before.request)]));
        const isQuoting = after.digest !== before.digest && Number(Object(after.request.args).amount) > 50;
        if (isQuoting) expect(heard).toContain(`what ${after.edited?.by.person} passed on`);
      }
    });
  });

  it('A4 is approved by a quorum of those who may, each speaking once, none of them on whose behalf it is asked', () => {
    always((moments, { count }) => {
      for (const { before, after } of moments) {
        if (before.decision || after.decision?.source !== 'human' || after.decision.choice !== 'approve')
          continue;
        const said = after.assents?.length ? after.assents : [];
        const deciding = after.decision.by!;
        const voters =
          said.length > 0
            ? said.map(({ by }) => voterOf(after, by.person as unknown as Name))
            : [voterOf(after, deciding.person as unknown as Name)];
        expect(isQuorum(approversOf(after), voters)).toBe(true);
        expect(voters.length).toBeGreaterThanOrEqual(after.rung ? 1 : count);
        // Max has an account that was the requester's when they asked.
        for (const { person } of voters) expect(['alex', 'lee', 'max']).not.toContain(person);
      }
    });
  });

  it('A5 is not changed by any word that comes again once it counted, however late', () => {
    always((moments) => {
      for (const { again, before, moved } of moments) {
        if (again === undefined || !keysOf(before).includes(again)) continue;
        expect(moved).toBeUndefined();
      }
    });
  });

  it('A5 counts no word again that was taken back or made void', () => {
    always((moments) => {
      const gone = new Set<string>();
      for (const { before, after } of moments) {
        const counting = (approval: Approval) =>
          [...(approval.assents ?? []), ...(approval.dissents ?? [])].map(({ key }) => key);
        for (const key of counting(before)) if (!counting(after).includes(key)) gone.add(key);
        for (const key of counting(after)) expect(gone).not.toContain(key);
      }
    });
  });

  it('A8 waits for some time in every state but the ended ones', () => {
    always((moments) => {
      for (const { after } of moments) expect(dueOf(after) === undefined).toBe(isEnded(after.state));
    });
  });

  it('A9 expires only when somebody could have seen it long enough, or at the hard deadline', () => {
    always((moments, { fair }) => {
      for (const { nowMs, before, after } of moments) {
        if (!isWaiting(before.state) || after.state !== 'EXPIRED' || !fair) continue;
        const seenMs = before.visibleMs === undefined ? 0 : nowMs - before.visibleMs;
        expect(seenMs >= VISIBLE_MS || nowMs >= hardDeadlineOf(before)!).toBe(true);
      }
    });
  });

  it('A9 gives back the time in which nobody of ours was there', () => {
    always((moments, { outages }) => {
      for (const { nowMs, before, after } of moments) {
        if (!isWaiting(before.state) || after.state !== 'EXPIRED' || before.rung) continue;
        const away = outages
          .filter(({ untilMs }) => untilMs <= nowMs)
          .reduce((sum, { fromMs, untilMs }) => sum + untilMs - fromMs, 0);
        const least = Math.min(OPENED_MS + DEADLINE_MS + away, hardDeadlineOf(before)!);
        expect(nowMs).toBeGreaterThanOrEqual(least);
      }
    });
  });

  it('A10 refuses nothing in time as late, and holds no answer to a deadline that a question puts off', () => {
    always((moments) => {
      for (const { event, nowMs, before, result } of moments) {
        if (event.kind !== 'vote' || !isWaiting(before.state)) continue;
        if (nowMs < deadlineOf(before, nowMs)) expect((result as VoteResult).code).not.toBe('LATE');
      }
    });
  });

  it('A10 never ends later than its hard deadline allows', () => {
    always((moments) => {
      for (const { after } of moments) {
        if (isWaiting(after.state)) expect(after.deadlineMs).toBeLessThanOrEqual(hardDeadlineOf(after)!);
      }
    });
  });

  it('A15 is denied by people alone, and where one no is not enough, only when the others could not agree', () => {
    always((moments, { enough }) => {
      for (const { before, after } of moments) {
        if (before.state === after.state || after.state !== 'DENIED') continue;
        expect(after.decision).toMatchObject({ choice: 'deny', source: 'human' });
        if (!enough) continue;
        const against = new Set(after.dissents?.map(({ by }) => by.person));
        const left = NAMES.filter(
          (each) => !against.has(idOf(each)) && !isExcluded(after, { person: idOf(each) }),
        );
        expect(
          isQuorum(
            approversOf(after),
            left.map((each) => voterOf(after, each)),
          ),
        ).toBe(false);
      }
    });
  });

  it('lets silence agree to nothing but what is harmless', () => {
    always((moments) => {
      for (const { before, after } of moments) {
        if (before.decision || after.decision?.source !== 'timeout') continue;
        if (after.decision.choice !== 'approve') continue;
        expect([after.request.risk, after.request.reversible]).toEqual(['low', true]);
      }
    });
  });

  it('takes each rung of its ladder once, in order, and asks those it names', () => {
    always((moments) => {
      for (const { before, after, moved } of moments) {
        const climbed = (after.rung ?? 0) - (before.rung ?? 0);
        expect(climbed === 0 || climbed === 1).toBe(true);
        if (climbed === 1) expect(after.copies.some(({ person }) => person === 'rita')).toBe(true);
        if (moved?.event === 'escalated') expect(after.state).toBe('OPEN');
      }
    });
  });

  it('takes no yes while somebody else’s question is open', () => {
    always((moments) => {
      for (const { before, after } of moments) {
        // When time is up the question is, too, and those who are asked then may answer.
        if (before.state !== 'NEEDS_INFO' || after.state !== 'APPROVED' || before.rung !== after.rung)
          continue;
        const asker = before.talk?.findLast(({ kind }) => kind === 'question')?.by.person;
        expect(after.decision?.source === 'timeout' || after.decision?.by?.person === asker).toBe(true);
      }
    });
  });

  it('is held up by questions no longer than it may be', () => {
    always((moments) => {
      for (const { after } of moments) expect(after.heldUpMs ?? 0).toBeLessThanOrEqual(PAUSE_MS);
    });
  });

  it('shows a new face whenever people are to see something new', () => {
    always((moments) => {
      for (const { before, after } of moments) {
        const seen = ({ state, digest, assents, dissents, talk, delegations, rung }: Approval) =>
          JSON.stringify({ state, digest, assents, dissents, talk, delegations, rung });
        if (seen(before) !== seen(after) && isWaiting(after.state))
          expect(after.face).toBeGreaterThan(before.face);
      }
    });
  });

  it('is written within the window of time in which it is right', () => {
    always((moments) => {
      for (const { nowMs, moved, step } of moments) {
        if (!moved) continue;
        expect(step.window?.notBeforeMs ?? 0).toBeLessThanOrEqual(nowMs);
        expect(step.window?.beforeMs ?? Number.POSITIVE_INFINITY).toBeGreaterThan(nowMs);
      }
    });
  });
});

describe('a word taken back', () => {
  it('A5 does not count again when it, or the taking back, is delivered once more', () => {
    const waiting = anApproval({
      policy: { approvers: { role: MANAGER, count: 2 }, choices: ['approve', 'take-back'] },
    });
    const yes = aVote(waiting, { ...personOf('dana'), key: 'yes' });
    const undo = aVote(waiting, { ...personOf('dana'), key: 'undo', choice: 'take-back' });
    const said = vote(waiting, yes, OPENED_MS).result.approval;
    const unsaid = vote(said, undo, OPENED_MS).result.approval;

    expect(unsaid.assents).toEqual([]);
    expect(vote(unsaid, yes, OPENED_MS).result.code).toBe('REPLAY');
    const anew = vote(unsaid, { ...yes, key: 'yes again' }, OPENED_MS).result.approval;
    expect(anew.assents).toHaveLength(1);
    expect(vote(anew, undo, OPENED_MS).result).toMatchObject({ code: 'REPLAY', approval: anew });
  });
});

describe('a yes that was not enough by itself', () => {
  const DANA_ALONE = { person: idOf('dana') };

  function begun(approvers: ApprovalPolicy['approvers'], ...said: readonly Name[]): Approval {
    const ladder = [{ kind: 'escalate' as const, approvers: DANA_ALONE, forMs: RUNG_MS }];
    let approval = anApproval({ policy: { approvers, ladder } });
    for (const person of said) {
      const { moved } = vote(approval, aVote(approval, { person, key: `yes of ${person}` }), OPENED_MS + 1);
      approval = moved?.next ?? approval;
    }
    return approval;
  }

  it('A4 counts when its time is up and whoever said it may decide alone from then on', () => {
    const both = begun({ atLeast: 2, of: [{ role: MANAGER, count: 2 }, DANA_ALONE] }, 'dana', 'mona');
    expect(both.state).toBe('OPEN');

    const { moved } = tick(both, both.deadlineMs);

    expect(moved).toMatchObject({
      event: 'approved',
      actor: 'system',
      next: {
        state: 'APPROVED',
        rung: 1,
        copies: both.copies,
        decision: { source: 'human', by: { person: 'dana' }, key: 'yes of dana', atMs: both.deadlineMs },
      },
    });
    expect(
      isQuorum(
        approversOf(moved!.next),
        both.assents!.map(({ by, roles }) => ({ person: by.person, roles })),
      ),
    ).toBe(true);
  });

  it('is that of somebody else, and is not enough then either', () => {
    const one = begun({ role: MANAGER, count: 2 }, 'mona');

    expect(tick(one, one.deadlineMs).moved).toMatchObject({ event: 'escalated', next: { state: 'OPEN' } });
  });
});

describe('a stand-in', () => {
  it('speaks with one voice: two places are never filled by one word', () => {
    const two = { role: MANAGER, count: 2 };
    const dana = { person: idOf('dana'), roles: [MANAGER] };
    const eve = { person: idOf('eve'), roles: [], standsFor: [dana] };

    expect(isQuorum(two, [dana, eve])).toBe(false);
    expect(isQuorum(two, [eve, { person: idOf('mona'), roles: [MANAGER] }])).toBe(true);
  });

  it('A4 is not named by whoever has an account of the requester, under another name', () => {
    const approval = anApproval({ request: { accounts: [accountOf('max')] } });

    const step = delegate(
      approval,
      {
        from: voterOf(approval, 'max'),
        to: { person: idOf('eve') },
        by: { person: idOf('max'), accounts: [accountOf('max')] },
        operates: false,
        copies: [],
      },
      OPENED_MS,
    );

    expect([step.result.code, step.moved]).toEqual(['NOT_ELIGIBLE', undefined]);
  });

  it('passes a word on three times at most, and never back', () => {
    let approval = anApproval();
    const pass = (from: Name, to: Name): string => {
      const step = delegate(
        approval,
        {
          from: voterOf(approval, from),
          to: { person: idOf(to) },
          by: { person: idOf(from), accounts: [accountOf(from)] },
          operates: false,
          copies: [],
        },
        OPENED_MS,
      );
      approval = step.moved?.next ?? approval;
      return step.result.code;
    };

    expect(pass('dana', 'eve')).toBe('DONE');
    expect(pass('dana', 'eve')).toBe('PASSED_BEFORE');
    expect(pass('eve', 'rita')).toBe('DONE');
    expect(pass('rita', 'dana')).toBe('TOO_LONG');
    expect(pass('dana', 'alex')).toBe('EXCLUDED');
  });
});

/** Every answer, question and reply that the record knows. */
function keysOf({ assents = [], dissents = [], talk = [], spent = [], decision }: Approval): string[] {
  return [...assents, ...dissents, ...talk, ...(decision ? [decision] : [])]
    .map(({ key }) => key)
    .concat(spent);
}
