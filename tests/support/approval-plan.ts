/**
 * Random histories of approvals, as plain data: what people, executors, time and misfortune do to a partition.
 *
 * Everything that is delivered may come late, again, out of order, or from a process that dies over it.
 */
import fc from 'fast-check';
import { HELD_YES_MS } from '../../src/domain/approval/holding.ts';
import { type Approval, type ApprovalPolicy, QUIET_MS } from '../../src/domain/approval/record.ts';
import type { Vote } from '../../src/domain/approval/voting.ts';
import { RoleName } from '../../src/domain/person.ts';
import type { Fate } from './approval-model.ts';
import { DEADLINE_MS, LEASE_MS, VALID_FOR_MS } from './approvals.ts';

/** So far ahead that no server's own clock ever gets there: time passes only when a history says so. */
export const BEGIN_MS = Date.parse('2100-01-01T00:00:00Z');

export const PAUSE_MS = 20_000;
export const VISIBLE_MS = 15_000;
export const RUNG_MS = 30_000;
export const HARD_MS = 10 * DEADLINE_MS;
export const LONG_MS = 3 * DEADLINE_MS;
const HOUR_MS = 3_600_000;

/** More than this is asked for by nobody's leave: the rules of the house refuse it. */
export const MOST_AMOUNT = 500;
/** When somebody wants this instead, things have changed since it was asked. */
export const AMOUNT_TOO_LATE = 77;

export const MANAGER = RoleName.parse('manager');
export const DIRECTOR = RoleName.parse('director');

/** Alex asked, on behalf of Lee; Max has an account that was Alex's then; Eve is nobody until she is promoted. */
export const ROLES: Readonly<Record<string, readonly RoleName[]>> = {
  alex: [MANAGER],
  lee: [MANAGER],
  max: [MANAGER],
  dana: [MANAGER],
  mona: [MANAGER],
  rita: [DIRECTOR],
  eve: [],
};
const _NAMES = Object.keys(ROLES);
/** Those on whose behalf it is asked, by whatever account. */
export const EXCLUDED = ['alex', 'lee', 'max'];

const PROCESSES = 2;

// ── What can happen ──────────────────────────────────────────────────────────────────────────────────────────────

/** Something that is put to the state machine. */
export type Input =
  | {
      readonly kind: 'vote';
      readonly who: string;
      /** Who really says it, in that name, at a terminal. */
      readonly operator?: string | undefined;
      readonly choice: Vote['choice'];
      readonly amount: number;
      readonly via: 'slack' | 'email';
      readonly back: number;
      readonly about: About;
    }
  | { readonly kind: 'ask' | 'reply'; readonly who: string }
  | { readonly kind: 'delegate'; readonly from: string; readonly to: string }
  | { readonly kind: 'cancel' | 'revoke'; readonly who: string; readonly operates: boolean }
  | {
      readonly kind: 'claim';
      readonly right: boolean;
      readonly drifted: boolean;
      readonly again: boolean;
      /** By the conversation, which has only now come to it. */
      readonly inLine: boolean;
    }
  | { readonly kind: 'renew' | 'lose-track'; readonly back: number }
  | { readonly kind: 'complete'; readonly back: number; readonly status: 'ok' | 'error' }
  | {
      readonly kind: 'reconcile';
      readonly who: string;
      readonly finding: 'happened' | 'did-not-happen' | 'retry';
      readonly operates: boolean;
    }
  | { readonly kind: 'card'; readonly copy: string; readonly back: number }
  /** The requester writes again, or another request takes its place. */
  | { readonly kind: 'call-off'; readonly who: string }
  | { readonly kind: 'supersede'; readonly isOther: boolean }
  | { readonly kind: 'hold' | 'reroute' | 'tick' }
  /** What was delivered before is delivered again. */
  | { readonly kind: 'again'; readonly back: number }
  /** One of the things that lead on from where it stands. */
  | { readonly kind: 'sensible'; readonly pick: number };

/** What a vote names: the card as it was seen, only its number, or that number with something else on it. */
type About = 'seen' | 'number' | 'something-else';

export interface Delivery {
  readonly kind: 'deliver';
  readonly input: Input;
  readonly approval: number;
  readonly process: number;
  readonly fate: Fate;
}

export type Command =
  | Delivery
  /** By several processes at the same moment. */
  | { readonly kind: 'together'; readonly deliveries: readonly Delivery[] }
  /** A process stands still over a write while something else happens. */
  | {
      readonly kind: 'while-held';
      readonly delivery: Delivery;
      readonly meanwhile: readonly Command[];
      readonly fate: 'done' | 'reply-lost';
    }
  | { readonly kind: 'release'; readonly which: number; readonly fate: 'done' | 'reply-lost' }
  | { readonly kind: 'sweep'; readonly process: number; readonly fate: Fate }
  | { readonly kind: 'pass'; readonly ms: number }
  /** Just before, at, or just after the next thing falls due. */
  | { readonly kind: 'pass-to-due'; readonly offMs: number; readonly isSwept: boolean }
  /** Somebody with a permit begins, by a clock that may be behind. */
  | { readonly kind: 'begin'; readonly back: number; readonly behindMs: number }
  | { readonly kind: 'promote'; readonly who: string }
  | { readonly kind: 'open-again'; readonly approval: number }
  | { readonly kind: 'timer-lost'; readonly approval: number }
  /** Its conversation takes up what tells it what the approval came to. */
  | { readonly kind: 'hear'; readonly approval: number }
  /** What was written since is lost, as when a server without all of it takes over. */
  | { readonly kind: 'mark' | 'lose' };

export interface Wish {
  readonly count: number;
  readonly enough: boolean;
  readonly fair: boolean;
  readonly pause: boolean;
  readonly slackOnly: boolean;
  /** Yes or no is all that is offered. */
  readonly plain: boolean;
  /** So long that an outage of ours can be over before it is. */
  readonly isLong: boolean;
  readonly risk: 'low' | 'high';
  readonly effect: 'once' | 'idempotent';
  readonly verdict: 'human' | 'allowed' | 'nobody' | 'granted';
  readonly onNewMessage: ApprovalPolicy['onNewMessage'] | 'keep';
  readonly ladder: NonNullable<ApprovalPolicy['ladder']>;
  /** The conversation alone, or Dana and Max by themselves as well. */
  readonly copies: 'conversation' | 'each';
}

export interface HistoryPlan {
  readonly wishes: readonly Wish[];
  readonly commands: readonly Command[];
}

const who = fc.constantFrom('dana', 'dana', 'dana', 'mona', 'mona', 'rita', 'eve', 'alex', 'lee', 'max');
const back = fc.constantFrom(0, 0, 0, 0, 1, 2, 3);

const input: fc.Arbitrary<Input> = fc.oneof(
  { weight: 40, arbitrary: fc.record({ kind: fc.constant('sensible' as const), pick: fc.nat(99) }) },
  {
    weight: 12,
    arbitrary: fc.record({
      kind: fc.constant('vote' as const),
      who,
      operator: fc.constantFrom(
        undefined,
        undefined,
        undefined,
        undefined,
        undefined,
        'dana',
        'mona',
        'alex',
      ),
      choice: fc.constantFrom<Vote['choice'][]>(
        'approve',
        'approve',
        'approve',
        'approve',
        'deny',
        'edit',
        'take-back',
        'answer',
      ),
      amount: fc.constantFrom(40, 120, 900, AMOUNT_TOO_LATE),
      via: fc.constantFrom('slack' as const, 'slack' as const, 'email' as const),
      back,
      about: fc.constantFrom<About[]>('seen', 'seen', 'seen', 'number', 'something-else'),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('ask' as const, 'reply' as const), who }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('delegate' as const), from: who, to: who }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom('cancel' as const, 'revoke' as const),
      who,
      operates: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('call-off' as const), who }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('supersede' as const), isOther: fc.boolean() }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('claim' as const),
      right: fc.constantFrom(true, true, true, true, false),
      drifted: fc.constantFrom(false, false, false, false, false, true),
      again: fc.constantFrom(false, false, true),
      inLine: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constantFrom('renew' as const, 'lose-track' as const), back }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('complete' as const),
      back,
      status: fc.constantFrom('ok' as const, 'error' as const),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('reconcile' as const),
      who,
      finding: fc.constantFrom(
        'happened' as const,
        'did-not-happen' as const,
        'retry' as const,
        'retry' as const,
      ),
      operates: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('card' as const),
      copy: fc.constantFrom('conversation', 'dana', 'max'),
      back,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constantFrom('hold' as const, 'reroute' as const, 'tick' as const) }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('again' as const), back: fc.nat(4) }) },
);

const fate = fc.constantFrom<Fate[]>(
  'done',
  'done',
  'done',
  'done',
  'done',
  'done',
  'crash',
  'reply-lost',
  'twice',
  'held',
);
const process = fc.nat(PROCESSES - 1);
const approval = fc.constantFrom(0, 0, 0, 1);

const delivery: fc.Arbitrary<Delivery> = fc.record({
  kind: fc.constant('deliver' as const),
  input,
  approval,
  process,
  fate,
});

const passToDue: fc.Arbitrary<Command> = fc.record({
  kind: fc.constant('pass-to-due' as const),
  offMs: fc.constantFrom(-1, 0, 0, 0, 1, 70_000),
  isSwept: fc.boolean(),
});

/** Losing what somebody was told of is for a part of the histories: much of what is promised ends there. */
function commandsOf(isLossy: boolean): fc.Arbitrary<Command[]> {
  const loss = fc.record({ kind: fc.constantFrom('mark' as const, 'lose' as const) });
  const commands: { weight: number; arbitrary: fc.Arbitrary<Command> }[] = [
    { weight: 24, arbitrary: delivery },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant('together' as const),
        deliveries: fc.array(
          delivery.map((each): Delivery => ({ ...each, fate: 'done' })),
          { minLength: 2, maxLength: 3 },
        ),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constant('release' as const),
        which: fc.nat(2),
        fate: fc.constantFrom('done' as const, 'done' as const, 'reply-lost' as const),
      }),
    },
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('sweep' as const), process, fate }) },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constant('pass' as const),
        ms: fc.oneof(
          fc.nat(3_000),
          fc.nat(3_000),
          fc.constantFrom(LEASE_MS, LEASE_MS + QUIET_MS, VALID_FOR_MS, PAUSE_MS, RUNG_MS, DEADLINE_MS),
          fc.constantFrom(LEASE_MS, LEASE_MS + QUIET_MS, HARD_MS, HOUR_MS, HELD_YES_MS),
        ),
      }),
    },
    { weight: 5, arbitrary: passToDue },
    {
      weight: 5,
      arbitrary: fc.record({
        kind: fc.constant('while-held' as const),
        delivery,
        meanwhile: fc.array(fc.oneof(delivery, delivery, passToDue, ...(isLossy ? [loss] : [])), {
          minLength: 1,
          maxLength: 2,
        }),
        fate: fc.constantFrom('done' as const, 'done' as const, 'reply-lost' as const),
      }),
    },
    {
      weight: 5,
      arbitrary: fc.record({
        kind: fc.constant('begin' as const),
        back,
        behindMs: fc.constantFrom(0, 0, 1_000, QUIET_MS - 1),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('promote' as const), who: fc.constantFrom('eve', 'dana') }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('open-again' as const), approval }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('timer-lost' as const), approval }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('hear' as const), approval }) },
    ...(isLossy ? [{ weight: 6, arbitrary: loss }] : []),
  ];
  return fc.array(fc.oneof(...commands), { minLength: 1, maxLength: 15, size: 'max' });
}

/** Words alone: in several names, passed on, taken back, of people who gain and lose their roles, and from rung to rung. */
const words: fc.Arbitrary<Command[]> = (() => {
  const speaker = fc.constantFrom('dana', 'mona', 'rita', 'eve');
  const vote = fc.record({
    kind: fc.constant('vote' as const),
    who: speaker,
    operator: fc.constantFrom(undefined, undefined, 'dana', 'mona'),
    choice: fc.constantFrom<Vote['choice'][]>('approve', 'approve', 'approve', 'deny', 'edit', 'take-back'),
    amount: fc.constantFrom(40, 120, AMOUNT_TOO_LATE),
    via: fc.constant('slack' as const),
    back: fc.constant(0),
    about: fc.constant('number' as const),
  });
  const passing = fc.record({ kind: fc.constant('delegate' as const), from: speaker, to: speaker });
  const said = fc.record({
    kind: fc.constant('deliver' as const),
    input: fc.oneof({ weight: 5, arbitrary: vote }, { weight: 2, arbitrary: passing }),
    approval: fc.constant(0),
    process,
    fate: fc.constant('done' as const),
  });
  const due = fc.constant<Command>({ kind: 'pass-to-due', offMs: 0, isSwept: true });
  const promoted = fc.record({
    kind: fc.constant('promote' as const),
    who: fc.constantFrom('eve', 'dana'),
  });
  const command = fc.oneof<fc.WeightedArbitrary<Command>[]>(
    { weight: 6, arbitrary: said },
    { weight: 1, arbitrary: due },
    { weight: 1, arbitrary: promoted },
  );
  return fc.array(command, { minLength: 3, maxLength: 12, size: 'max' });
})();

const wish: fc.Arbitrary<Wish> = fc.record({
  count: fc.constantFrom(1, 1, 2),
  enough: fc.boolean(),
  fair: fc.boolean(),
  pause: fc.boolean(),
  slackOnly: fc.constantFrom(false, false, false, true),
  plain: fc.constantFrom(false, false, false, false, true),
  isLong: fc.boolean(),
  risk: fc.constantFrom('low' as const, 'high' as const),
  effect: fc.constantFrom('once' as const, 'idempotent' as const),
  verdict: fc.oneof(
    { weight: 14, arbitrary: fc.constant('human' as const) },
    { weight: 3, arbitrary: fc.constantFrom('allowed' as const, 'granted' as const) },
    { weight: 1, arbitrary: fc.constant('nobody' as const) },
  ),
  onNewMessage: fc.constantFrom<Wish['onNewMessage'][]>('keep', 'cancel', 'supersede', 'supersede'),
  ladder: fc.constantFrom<Wish['ladder'][]>(
    [],
    [],
    [{ kind: 'escalate', approvers: { role: DIRECTOR }, forMs: RUNG_MS }],
    [
      { kind: 'escalate', approvers: { role: DIRECTOR }, forMs: RUNG_MS },
      { kind: 'default', text: 'nobody was there' },
    ],
    [{ kind: 'approve' }],
  ),
  copies: fc.constantFrom('conversation' as const, 'each' as const),
});

export const history: fc.Arbitrary<HistoryPlan> = fc
  .constantFrom(commandsOf(false), commandsOf(false), commandsOf(false), commandsOf(true), words)
  .chain((commands) => fc.record({ wishes: fc.array(wish, { minLength: 1, maxLength: 2 }), commands }));

const YES = { kind: 'vote', choice: 'approve', amount: 40, via: 'slack', back: 0, about: 'seen' } as const;
const COMPLETE = { kind: 'complete', back: 0, status: 'ok' } as const;
const CLAIM = { kind: 'claim', right: true, drifted: false, again: false, inLine: false } as const;
const RECONCILE = { kind: 'reconcile', who: 'dana', operates: false, finding: 'retry' } as const;

type Sensible = readonly Exclude<Input, { kind: 'sensible' }>[];

/** What leads on from each state, the likelier ones more than once. */
const SENSIBLE: Readonly<Record<'OPEN' | 'NEEDS_INFO' | 'APPROVED' | 'EXECUTING' | 'UNKNOWN', Sensible>> = {
  OPEN: [
    { ...YES, who: 'dana' },
    { ...YES, who: 'mona' },
    { ...YES, who: 'dana' },
    { ...YES, who: 'eve', about: 'number' },
    { ...YES, who: 'rita', via: 'email' },
    { ...YES, who: 'dana', choice: 'edit' },
    { ...YES, who: 'mona', choice: 'edit', amount: 120 },
    { ...YES, who: 'dana', choice: 'edit', amount: AMOUNT_TOO_LATE },
    { ...YES, who: 'mona', back: 2, about: 'number' },
    { ...YES, who: 'dana', choice: 'deny' },
    { ...YES, who: 'mona', choice: 'deny' },
    { ...YES, who: 'dana', choice: 'take-back' },
    { ...YES, who: 'mona', choice: 'answer' },
    { ...YES, who: 'mona', operator: 'dana' },
    { ...YES, who: 'dana', operator: 'mona', choice: 'deny' },
    { kind: 'ask', who: 'dana' },
    { kind: 'ask', who: 'mona' },
    { kind: 'delegate', from: 'dana', to: 'eve' },
    { kind: 'card', copy: 'dana', back: 0 },
    { kind: 'card', copy: 'conversation', back: 0 },
    { kind: 'call-off', who: 'alex' },
    { kind: 'supersede', isOther: false },
  ],
  NEEDS_INFO: [
    { kind: 'reply', who: 'alex' },
    { kind: 'reply', who: 'lee' },
    { ...YES, who: 'dana' },
    { ...YES, who: 'mona' },
    { ...YES, who: 'mona', choice: 'deny' },
    { kind: 'ask', who: 'mona' },
    { kind: 'again', back: 1 },
    { kind: 'again', back: 2 },
    { kind: 'call-off', who: 'alex' },
    { kind: 'supersede', isOther: false },
  ],
  APPROVED: [
    CLAIM,
    CLAIM,
    CLAIM,
    { ...CLAIM, inLine: true },
    { ...CLAIM, inLine: true },
    { kind: 'revoke', who: 'dana', operates: false },
    { kind: 'cancel', who: 'alex', operates: false },
    { kind: 'supersede', isOther: false },
    { kind: 'hold' },
  ],
  EXECUTING: [
    COMPLETE,
    COMPLETE,
    { ...COMPLETE, status: 'error' },
    { ...COMPLETE, back: 1 },
    { kind: 'renew', back: 0 },
    { kind: 'renew', back: 0 },
    { kind: 'renew', back: 1 },
    { kind: 'lose-track', back: 0 },
    { ...CLAIM, again: true },
    CLAIM,
    { kind: 'revoke', who: 'dana', operates: true },
    { kind: 'cancel', who: 'alex', operates: false },
    { kind: 'supersede', isOther: false },
  ],
  UNKNOWN: [
    { kind: 'supersede', isOther: false },
    RECONCILE,
    RECONCILE,
    { ...RECONCILE, finding: 'happened' },
    { ...RECONCILE, finding: 'did-not-happen' },
    COMPLETE,
    CLAIM,
  ],
};

const AFTER_THE_END: Sensible = [
  { kind: 'again', back: 0 },
  { kind: 'again', back: 1 },
  COMPLETE,
  CLAIM,
  { ...YES, who: 'mona' },
  { kind: 'revoke', who: 'dana', operates: true },
  { kind: 'card', copy: 'conversation', back: 0 },
];

/** What leads on from a state. */
export function sensibleIn(state: Approval['state']): Sensible {
  switch (state) {
    case 'OPEN':
    case 'NEEDS_INFO':
    case 'APPROVED':
    case 'EXECUTING':
    case 'UNKNOWN':
      return SENSIBLE[state];
    default:
      return AFTER_THE_END;
  }
}
