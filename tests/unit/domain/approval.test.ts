/**
 * The approval machine against its invariants (their numbers are those of the specification), over random histories
 * of everything that can happen to an approval, in any order and at any time.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { noteCopy } from '../../../src/domain/approval/copies.ts';
import { claim, complete, loseTrack, renew } from '../../../src/domain/approval/execution.ts';
import { reconcile } from '../../../src/domain/approval/reconciliation.ts';
import { type Approval, isEnded, QUIET_MS, type Step } from '../../../src/domain/approval/record.ts';
import { dueOf, tick } from '../../../src/domain/approval/time.ts';
import { type Vote, type VoteResult, vote } from '../../../src/domain/approval/voting.ts';
import { cancel, hasAgreed, revoke, type Settler } from '../../../src/domain/approval/withdrawal.ts';
import { PersonId, Platform } from '../../../src/domain/ids.ts';
import { RoleName } from '../../../src/domain/person.ts';
import { type Approvers, isApprover, isQuorum } from '../../../src/domain/quorum.ts';
import {
  ALEX,
  accountOf,
  anApproval,
  aVote,
  DANA,
  DEADLINE_MS,
  EMAIL,
  LEASE_MS,
  OPENED_MS,
  SLACK,
  VALID_FOR_MS,
} from '../../support/approvals.ts';
import { runs } from '../../support/property-runs.ts';

// ── Histories ────────────────────────────────────────────────────────────────────────────────────────────────

type Event =
  | {
      readonly kind: 'vote';
      readonly voter: Voter;
      readonly choice: Vote['choice'];
      readonly key: number;
      readonly old: 'none' | 'gen' | 'digest';
    }
  | { readonly kind: 'cancel' | 'revoke'; readonly person: PersonId; readonly operates: boolean }
  | { readonly kind: 'claim'; readonly owner: string; readonly right: boolean }
  | { readonly kind: 'renew' | 'lose-track'; readonly late: number }
  | { readonly kind: 'complete'; readonly late: number; readonly status: 'ok' | 'error' }
  | {
      readonly kind: 'reconcile';
      readonly person: PersonId;
      readonly operates: boolean;
      readonly finding: 'happened' | 'did-not-happen' | 'retry';
    }
  | { readonly kind: 'tick' }
  | { readonly kind: 'card'; readonly shown: number };

interface Voter {
  readonly person: string;
  readonly roles: readonly string[];
  readonly permitted: boolean;
  readonly via: Vote['via'];
}

/** One thing that happened, and what it changed. */
interface Moment {
  readonly event: Event;
  readonly nowMs: number;
  readonly before: Approval;
  readonly after: Approval;
  readonly moved: NonNullable<Step<unknown>['moved']> | undefined;
  readonly result: unknown;
  /** The vote as it was cast. */
  readonly vote: Vote | undefined;
}

const [MANAGER, MEMBER] = [RoleName.parse('manager'), RoleName.parse('member')];

const person = fc.constantFrom(ALEX, DANA, PersonId.parse('lee'), PersonId.parse('eve'));
const late = fc.constantFrom(0, 0, 0, 1);
const event: fc.Arbitrary<Event> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('vote' as const),
      voter: fc.record({
        person: fc.constantFrom('alex', 'dana', 'lee', 'eve'),
        roles: fc.constantFrom(['manager'], ['manager'], ['manager', 'member'], ['member'], []),
        permitted: fc.constantFrom(true, true, true, true, true, false),
        via: fc.constantFrom(SLACK, EMAIL),
      }),
      choice: fc.constantFrom(
        ...Array.from({ length: 6 }, () => 'approve' as const),
        'deny' as const,
        'answer' as const,
      ),
      key: fc.nat(6),
      old: fc.constantFrom(
        ...Array.from({ length: 8 }, () => 'none' as const),
        'gen' as const,
        'digest' as const,
      ),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('claim' as const),
      owner: fc.constantFrom('w1', 'w2', 'w3'),
      right: fc.constantFrom(true, true, true, false),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('complete' as const),
      late,
      status: fc.constantFrom('ok' as const, 'error' as const),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constantFrom('renew' as const, 'lose-track' as const), late }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constantFrom('cancel' as const, 'revoke' as const),
      person,
      operates: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('reconcile' as const),
      person,
      operates: fc.boolean(),
      finding: fc.constantFrom(
        'happened' as const,
        'did-not-happen' as const,
        'retry' as const,
        'retry' as const,
      ),
    }),
  },
  { weight: 4, arbitrary: fc.constant({ kind: 'tick' as const }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('card' as const), shown: fc.nat(4) }) },
);

/** Mostly a moment; now and then just up to, or past, something that falls due. */
const passing = fc.oneof(
  { weight: 4, arbitrary: fc.nat(2_000) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      0,
      LEASE_MS,
      LEASE_MS + QUIET_MS,
      VALID_FOR_MS,
      DEADLINE_MS - 1,
      DEADLINE_MS,
      5 * 3_600_000,
    ),
  },
);

const history = fc.record({
  effect: fc.constantFrom('once' as const, 'idempotent' as const),
  verdict: fc.constantFrom(
    ...Array.from({ length: 5 }, () => 'human' as const),
    'allowed' as const,
    'allowed' as const,
    'nobody' as const,
  ),
  approveFrom: fc.constantFrom(undefined, undefined, [SLACK]),
  approvers: fc.constantFrom<Approvers | undefined>(
    undefined,
    { role: MANAGER, count: 2 },
    { atLeast: 2, of: [{ role: MANAGER }, { role: MEMBER }] },
  ),
  steps: fc.array(fc.record({ event, passing }), { minLength: 1, maxLength: 40 }),
});

function play({
  effect,
  verdict,
  approveFrom,
  approvers,
  steps,
}: typeof history extends fc.Arbitrary<infer H> ? H : never): Moment[] {
  let approval = anApproval({
    request: { effect },
    verdict,
    policy: {
      ...(approveFrom ? { approveFrom: [...approveFrom] } : {}),
      ...(approvers ? { approvers } : {}),
    },
  });
  let nowMs = OPENED_MS;
  return steps.map(({ event, passing }) => {
    nowMs += passing;
    const before = approval;
    const cast = event.kind === 'vote' ? toVote(before, event) : undefined;
    const { moved, result } = happen(before, event, cast, nowMs);
    approval = moved?.next ?? before;
    return { event, nowMs, before, after: approval, moved, result, vote: cast };
  });
}

function toVote(approval: Approval, { voter, choice, key, old }: Extract<Event, { kind: 'vote' }>): Vote {
  return aVote(approval, {
    ...voter,
    choice,
    text: 'because',
    // One gesture has one content, so its key names the content too.
    key: `${key}:${voter.person}:${choice}:${old}:${voter.via}:${voter.permitted}:${voter.roles.join()}`,
    ...(old === 'gen' ? { gen: approval.gen - 1 } : {}),
    ...(old === 'digest' ? { digest: 'of something else' } : {}),
  });
}

function settler({ person, operates }: { person: PersonId; operates: boolean }): Settler {
  return { person, name: `the person ${person}`, via: Platform.parse('cli'), operates };
}

function happen(approval: Approval, event: Event, cast: Vote | undefined, nowMs: number): Step<unknown> {
  const epoch = approval.execution?.epoch ?? 1;
  switch (event.kind) {
    case 'vote':
      return vote(approval, cast!, nowMs);
    case 'cancel':
      return cancel(approval, settler(event), 'no longer needed', nowMs);
    case 'revoke':
      return revoke(approval, settler(event), 'changed my mind', nowMs);
    case 'claim':
      return claim(approval, event.owner, event.right ? approval.digest : 'of something else', nowMs);
    case 'renew':
      return renew(approval, epoch - event.late, nowMs);
    case 'lose-track':
      return loseTrack(approval, epoch - event.late, 'the connection broke');
    case 'complete':
      return complete(approval, epoch - event.late, { status: event.status, text: 'done' }, nowMs);
    case 'reconcile':
      return reconcile(
        approval,
        { ...settler(event), account: accountOf('dana'), roles: event.person === DANA ? ['manager'] : [] },
        event.finding,
        nowMs,
      );
    case 'tick':
      return tick(approval, nowMs);
    case 'card':
      return noteCopy(approval, 'dana', { ref: 'mail-1', shown: event.shown }, nowMs);
    default:
      return event satisfies never;
  }
}

/** Tries a property of all that happened, and says how often it had something to look at. */
function always(check: (moments: readonly Moment[]) => void): void {
  fc.assert(
    fc.property(history, (each) => check(play(each))),
    { numRuns: runs(1_000) },
  );
}

describe('any history of an approval', () => {
  it('A1 keeps a decision once it is made, and never leaves an ended state', () => {
    always((moments) => {
      for (const { before, after } of moments) {
        if (before.decision) expect(after.decision).toEqual(before.decision);
        if (isEnded(before.state))
          expect({ ...after, rev: 0, copies: [] }).toEqual({ ...before, rev: 0, copies: [] });
      }
    });
  });

  it('A2 accepts one report at most, and that from the newest claim', () => {
    always((moments) => {
      const reports = moments.filter(
        ({ event, result }) => event.kind === 'complete' && result === 'RECORDED',
      );
      expect(reports.length).toBeLessThanOrEqual(1);
      for (const { event, before, after } of reports) {
        expect(event.kind === 'complete' && event.late).toBe(0);
        expect(before.state).toBe('EXECUTING');
        expect(after.execution).toEqual(before.execution);
      }
      const epochs = moments.flatMap(({ moved }) =>
        moved?.event === 'claimed' ? [moved.next.execution!.epoch] : [],
      );
      expect(epochs).toEqual(epochs.map((_, index) => index + 1));
    });
  });

  it('keeps a report that comes too late as evidence, and settles nothing by it', () => {
    always((moments) => {
      for (const { before, after, moved } of moments) {
        if (moved?.event !== 'reported-late') continue;
        expect([before.state, after.state]).toEqual(['UNKNOWN', 'UNKNOWN']);
        expect(after.lateReport).toMatchObject({ epoch: after.execution?.epoch, text: 'done' });
        expect(after.result).toEqual(before.result);
      }
    });
  });

  it('names who took it back or found out what came of it, and from where', () => {
    always((moments) => {
      for (const { event, after, moved, nowMs } of moments) {
        if (
          !moved ||
          !['cancelled', 'reconciled', 'revoked'].includes(moved.event) ||
          moved.actor === 'system'
        )
          continue;
        if (event.kind === 'reconcile' && event.finding === 'retry') continue;
        expect(after.settledBy).toEqual({
          person: moved.actor,
          name: `the person ${moved.actor}`,
          via: 'cli',
          atMs: nowMs,
        });
      }
    });
  });

  it('A3 runs nothing but what was agreed to', () => {
    always((moments) => {
      for (const { event, before, after, moved } of moments) {
        if (after.state !== 'EXECUTING' || before.state === 'EXECUTING') continue;
        expect(moved?.event).toBe('claimed');
        expect(before.state).toBe('APPROVED');
        expect(after.decision?.choice).toBe('approve');
        expect(after.decision?.digest).toBe(after.digest);
        expect(event.kind === 'claim' && event.right).toBe(true);
      }
    });
  });

  it('A4 is decided by somebody who may decide at that moment, never by the one who asked', () => {
    always((moments) => {
      for (const { before, after, vote } of moments) {
        if (before.decision || after.decision?.source !== 'human') continue;
        expect(vote?.by.person).not.toBe(after.request.requester);
        expect(
          vote && isApprover(after.policy.approvers, { person: vote.by.person, roles: vote.roles }),
        ).toBe(true);
        expect(vote?.permitted).toBe(true);
        const { approveFrom } = after.policy;
        if (after.decision.choice === 'approve' && approveFrom) expect(approveFrom).toContain(vote?.via);
      }
    });
  });

  it('A4 is approved by a quorum of different people, none of them the one who asked, for what is run', () => {
    always((moments) => {
      for (const { before, after, vote } of moments) {
        if (before.decision || after.decision?.source !== 'human' || after.decision.choice !== 'approve')
          continue;
        const { assents = [], policy, request, digest } = after;
        const alone = vote ? [{ person: vote.by.person, roles: vote.roles }] : [];
        const voters = assents.map(({ by, roles }) => ({ person: by.person, roles }));
        expect(isQuorum(policy.approvers, assents.length > 1 ? voters : alone)).toBe(true);
        if (assents.length < 2) continue;
        expect(new Set(voters.map(({ person }) => person)).size).toBe(voters.length);
        expect(voters.map(({ person }) => person)).not.toContain(request.requester);
        expect(new Set(assents.map((assent) => assent.digest))).toEqual(new Set([digest]));
        const { approveFrom } = policy;
        if (approveFrom) for (const { via } of assents) expect(approveFrom).toContain(via);
      }
    });
  });

  it('is refused by one no, however many have said yes', () => {
    always((moments) => {
      for (const { before, after, moved } of moments) {
        if (moved?.event !== 'denied') continue;
        expect([before.state, after.state]).toEqual(['OPEN', 'DENIED']);
        expect(after.assents).toEqual(before.assents);
      }
    });
  });

  it('A5 is not changed by an answer that is delivered again, which is told the same', () => {
    always((moments) => {
      const first = new Map<string, VoteResult['code']>();
      for (const { nowMs, vote: cast, after, result } of moments) {
        if (!cast) continue;
        const { code } = result as VoteResult;
        const again = vote(after, cast, nowMs + 1);
        // What time alone brings about may come to light by it, and nothing else.
        expect(again.moved?.event ?? 'expired').toBe('expired');
        if (code === 'DECIDED') expect(again.result.code).toBe('REPLAY');
        if (first.get(cast.key) === 'DECIDED') expect(code).toBe('REPLAY');
        first.set(cast.key, first.get(cast.key) ?? code);
      }
    });
  });

  it('A6 never counts an answer to an older card, or to one that showed something else', () => {
    always((moments) => {
      for (const { event, moved } of moments) {
        if (event.kind === 'vote' && event.old !== 'none') expect(moved?.event ?? 'expired').toBe('expired');
      }
    });
  });

  it('A10 neither expires early nor refuses an answer in time as late', () => {
    always((moments) => {
      for (const { nowMs, before, after, vote, result } of moments) {
        if (before.state === 'OPEN' && after.state === 'EXPIRED')
          expect(nowMs).toBeGreaterThanOrEqual(before.deadlineMs);
        if (vote && nowMs < before.deadlineMs) expect((result as VoteResult).code).not.toBe('LATE');
        if (vote && nowMs >= before.deadlineMs) expect((result as VoteResult).code).not.toBe('DECIDED');
      }
    });
  });

  it('A15 is denied by a no alone, of a person or of the policy, never by silence', () => {
    always((moments) => {
      for (const { event, before, after } of moments) {
        if (after.state !== 'DENIED') continue;
        expect(after.decision?.choice).toBe('deny');
        if (before.state === 'OPEN') expect(event).toMatchObject({ kind: 'vote', choice: 'deny' });
      }
    });
  });

  it('A20 is not moved by time that runs backwards', () => {
    always((moments) => {
      for (const { after } of moments) {
        expect(tick(after, OPENED_MS - 1).result).toBe('nothing');
      }
    });
  });

  it('A22 can be claimed again only when the earlier lease and its margin have passed', () => {
    always((moments) => {
      for (const { nowMs, before, after } of moments) {
        if (!before.execution || before.state === 'APPROVED' || after.state !== 'APPROVED') continue;
        expect(nowMs).toBeGreaterThanOrEqual(before.execution.leaseUntilMs + QUIET_MS);
      }
    });
  });

  it('is taken back only by those who may, and only before it runs', () => {
    always((moments) => {
      for (const { event, before, after, moved } of moments) {
        if (!moved || (event.kind !== 'cancel' && event.kind !== 'revoke')) continue;
        const isTheirs =
          event.kind === 'cancel'
            ? event.person === before.request.requester
            : hasAgreed(before, event.person);
        expect(event.operates || isTheirs).toBe(true);
        expect([before.state, after.state]).toBeOneOf([
          ['OPEN', 'CANCELLED'],
          ['APPROVED', 'REVOKED'],
        ]);
      }
    });
  });

  it('A8 waits for something in every state but the ended ones', () => {
    always((moments) => {
      for (const { after } of moments) expect(dueOf(after) === undefined).toBe(isEnded(after.state));
    });
  });

  it('counts every change, and shows a new face whenever people see something new', () => {
    always((moments) => {
      let isShown = false;
      for (const { before, after, moved } of moments) {
        expect(after.rev).toBe(before.rev + (moved ? 1 : 0));
        if (moved?.event === 'claimed') isShown = false;
        const isShownNow: boolean = moved?.event === 'renewed' && !isShown;
        isShown ||= isShownNow;
        const isNews = (before.state !== after.state && after.state !== 'EXECUTING') || isShownNow;
        if (isNews || moved?.event === 'reported-late' || moved?.event === 'assented')
          expect(after.face).toBe(before.face + 1);
        else expect(after.face).toBe(before.face);
      }
    });
  });

  it('gives every permit the same idempotency key, and a call that may run only once one permit until somebody looks', () => {
    always((moments) => {
      const keys = new Set<string>();
      let looked = false;
      let permits = 0;
      for (const { event, after, moved, result } of moments) {
        if (event.kind === 'reconcile' && moved) looked = true;
        if (moved?.event !== 'claimed') continue;
        permits++;
        keys.add((result as { permit: { idempotencyKey: string } }).permit.idempotencyKey);
        if (after.request.effect === 'once' && permits > 1) expect(looked).toBe(true);
      }
      expect(keys.size).toBeLessThanOrEqual(1);
    });
  });

  it('is decided within a window of time that it names, so that the store can hold it to it', () => {
    always((moments) => {
      for (const { nowMs, event, before, moved, vote: cast } of moments) {
        if (!moved) continue;
        const window = happen(before, event, cast, nowMs).window ?? {};
        expect(window.notBeforeMs ?? 0).toBeLessThanOrEqual(nowMs);
        expect(window.beforeMs ?? Number.POSITIVE_INFINITY).toBeGreaterThan(nowMs);
        expect(window).toEqual(windowOf(before, moved));
      }
    });
  });
});

/** When a change is right: an answer before the deadline, silence from then on, a new claim after the old one. */
function windowOf(before: Approval, { event, next }: NonNullable<Moment['moved']>): Step<unknown>['window'] {
  const quietFromMs = (before.execution?.leaseUntilMs ?? 0) + QUIET_MS;
  const lapsed = event === 'revoked' && next.remark?.includes('no longer valid');
  if (before.state === 'OPEN' && ['assented', 'approved', 'denied', 'answered', 'reminded'].includes(event)) {
    return { beforeMs: before.deadlineMs };
  }
  if (event === 'expired') return { notBeforeMs: before.deadlineMs };
  if (event === 'claimed') return { beforeMs: before.validUntilMs! };
  if (lapsed) return { notBeforeMs: before.validUntilMs! };
  if (event === 'released') return { notBeforeMs: quietFromMs };
  if (event === 'unknown' && next.remark?.includes('stopped')) return { notBeforeMs: quietFromMs };
  if (event === 'reconciled' && next.state === 'APPROVED') return { notBeforeMs: quietFromMs };
  return {};
}
