/**
 * Random histories of escalations, as plain data: what reports, people, time and misfortune do to them.
 *
 * Everything that is delivered may come late, again, out of order, or from a process that dies over it.
 */
import fc from 'fast-check';
import { type EscalationPlan, Severity } from '../../src/domain/escalation/plan.ts';
import type { PersonId } from '../../src/domain/ids.ts';
import { DAY, HOUR, MINUTE, PEOPLE, plans, SECOND, START, type World, worlds } from './escalation-world.ts';
import type { Fate, How } from './store-model.ts';

/** So far ahead that no server's own clock ever gets there: time passes only when a history says so. */
export const BEGIN_MS = START + 40_000 * DAY;

/** Somebody, or whoever has it then. */
export type Who = PersonId | 'owner';

export type Input =
  /** By whom, if by anybody; perhaps from the account that they go by besides. */
  | {
      readonly kind: 'report';
      readonly severity: Severity;
      readonly from: Who | undefined;
      readonly byAccount: boolean;
    }
  | {
      readonly kind: 'acknowledge';
      readonly by: Who;
      readonly instead: boolean;
      readonly permitted: boolean;
    }
  | {
      readonly kind: 'let-go' | 'resolve' | 'cancel';
      readonly by: Who;
      readonly permitted: boolean;
    }
  | { readonly kind: 'snooze'; readonly by: Who; readonly forMs: number; readonly instead: boolean }
  | { readonly kind: 'push'; readonly by: Who; readonly step: string | undefined }
  /** Of the conversation that it is about. */
  | {
      readonly kind: 'follow';
      readonly by: Who;
      readonly became: 'taken' | 'handed-back' | 'quiet' | 'withdrawn';
      readonly operates: boolean;
    }
  | { readonly kind: 'close' | 'go-on' }
  /** A question to whoever asked is open for so long. */
  | { readonly kind: 'hold'; readonly forMs: number }
  | { readonly kind: 'unreached'; readonly person: PersonId; readonly epochsAgo: number }
  /** A look at all that is due, and one at one of them. */
  | { readonly kind: 'sweep' | 'tick' }
  /** What waits for one of the people is told, as far as it is due. */
  | { readonly kind: 'tell'; readonly person: PersonId }
  /** Something of the queue is done, the oldest that is left for 0; what was done already may come again. */
  | { readonly kind: 'item'; readonly back: number; readonly isDone: boolean }
  | { readonly kind: 'send'; readonly back: number; readonly isDone: boolean; readonly arrives: boolean }
  /** What was delivered before is delivered again. */
  | { readonly kind: 'again'; readonly back: number };

export interface Delivery {
  readonly kind: 'deliver';
  readonly input: Input;
  readonly escalation: number;
  readonly fate: Fate;
}

export type Command =
  | Delivery
  /** By several processes at the same moment. */
  | { readonly kind: 'together'; readonly deliveries: readonly Delivery[] }
  /** A process stands still over a write, or early, before it looks at what is due, while something else happens. */
  | {
      readonly kind: 'while-held';
      readonly delivery: Delivery;
      readonly meanwhile: readonly Command[];
      readonly how: How;
      readonly isEarly: boolean;
    }
  /** Every item that is left is done, and everything that is to be sent is sent. */
  | { readonly kind: 'work'; readonly arrives: boolean }
  /** Less than nothing: the clock is set back. */
  | { readonly kind: 'pass'; readonly ms: number }
  /** Just before, at, or just after the next thing falls due. */
  | { readonly kind: 'pass-to-due'; readonly offMs: number }
  /** The configuration says something else from now on. */
  | { readonly kind: 'edit' }
  /** A place in a list is not what it should be; whoever audits puts it right. */
  | {
      readonly kind: 'misplace';
      readonly what: 'escalation' | PersonId;
      readonly how: 'lost' | 'late' | 'early' | 'left-over';
      readonly escalation: number;
    }
  /** What was written since is lost, as when a server without all of it takes over. */
  | { readonly kind: 'mark' | 'lose' };

export interface HistoryPlan {
  readonly world: World;
  /** What the configuration says first, and what after it is edited. */
  readonly plans: readonly [EscalationPlan, EscalationPlan];
  readonly commands: readonly Command[];
}

const person = fc.constantFrom(...PEOPLE);
const who = fc.constantFrom<Who[]>(...PEOPLE, 'owner', 'owner', 'owner');
const permitted = fc.constantFrom(true, true, true, true, false);
const back = fc.constantFrom(0, 0, 0, 1, 2);

const report = fc.record({
  kind: fc.constant('report' as const),
  severity: fc.constantFrom(...Severity.options),
  from: fc.constantFrom<(Who | undefined)[]>(undefined, undefined, undefined, ...PEOPLE, 'owner'),
  byAccount: fc.boolean(),
});

const deed: fc.Arbitrary<Input> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('acknowledge' as const),
      by: who,
      instead: fc.boolean(),
      permitted,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom('let-go' as const, 'let-go' as const, 'resolve' as const, 'cancel' as const),
      by: who,
      permitted,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('snooze' as const),
      by: who,
      forMs: fc.constantFrom(MINUTE, HOUR),
      instead: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('follow' as const),
      by: who,
      became: fc.constantFrom('taken' as const, 'taken' as const, 'handed-back', 'quiet', 'withdrawn'),
      operates: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('push' as const),
      by: who,
      step: fc.constantFrom(undefined, undefined, 's0', 's1', 'nowhere'),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'close' as const }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('hold' as const),
      forMs: fc.constantFrom(MINUTE, 3 * HOUR, DAY),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'go-on' as const }) },
);

const input: fc.Arbitrary<Input> = fc.oneof(
  { weight: 4, arbitrary: report },
  { weight: 8, arbitrary: deed },
  { weight: 8, arbitrary: fc.constant({ kind: 'sweep' as const }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('tell' as const), person }) },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('item' as const),
      back,
      isDone: fc.constantFrom(false, false, false, true),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('send' as const),
      back,
      isDone: fc.constantFrom(false, false, false, true),
      arrives: fc.constantFrom(true, true, false),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('unreached' as const),
      person,
      epochsAgo: fc.constantFrom(0, 0, 0, 1),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('again' as const), back: fc.nat(3) }) },
);

const HOWS = ['done', 'done', 'done', 'crash', 'reply-lost', 'twice', 'refused', 'answer-lost'] as const;
const fate = fc.constantFrom<Fate[]>(...HOWS, 'done', 'done', 'done', 'done', 'held');
const escalation = fc.constantFrom(0, 0, 0, 1);

const delivery: fc.Arbitrary<Delivery> = fc.record({
  kind: fc.constant('deliver' as const),
  input,
  escalation,
  fate,
});

/** Things of which each is one change, so that some order of them must account for what came of them. */
const single: fc.Arbitrary<Delivery> = fc.record({
  kind: fc.constant('deliver' as const),
  input: fc.oneof<fc.Arbitrary<Input>[]>(report, deed, deed, deed, fc.constant({ kind: 'tick' as const })),
  escalation: fc.constantFrom(0, 0, 0, 0, 1, 2, 2),
  fate: fc.constant('done' as const),
});

const SWEEP: Delivery = { kind: 'deliver', input: { kind: 'sweep' }, escalation: 0, fate: 'done' };
const passToDue: fc.Arbitrary<Command> = fc.record({
  kind: fc.constant('pass-to-due' as const),
  offMs: fc.constantFrom(-1, 0, 0, 0, 1, MINUTE, 3 * HOUR),
});
const pass: fc.Arbitrary<Command> = fc.record({
  kind: fc.constant('pass' as const),
  ms: fc.oneof(
    fc.constantFrom(SECOND, 10 * SECOND, MINUTE, 5 * MINUTE, HOUR),
    fc.integer({ min: 0, max: 2 * DAY }),
    fc.constantFrom(-SECOND, -MINUTE, -HOUR),
  ),
});
const sweep: fc.Arbitrary<Command> = escalation.map((each) => ({
  kind: 'deliver',
  input: { kind: 'sweep' },
  escalation: each,
  fate: 'done',
}));

/** Two processes look at the same time, and somebody does something while the slower of them is still at it. */
const twoSweeps: fc.Arbitrary<Command> = fc.record({
  kind: fc.constant('while-held' as const),
  delivery: fc.constant(SWEEP),
  meanwhile: fc.tuple(fc.constant(SWEEP), single),
  how: fc.constantFrom<How[]>(...HOWS),
  isEarly: fc.constant(true),
});

/** Losing what somebody was told of is for a part of the histories: much of what is promised ends there. */
function commandsOf(isLossy: boolean, isAudited: boolean): fc.Arbitrary<Command[]> {
  const loss: fc.Arbitrary<Command> = fc.record({ kind: fc.constantFrom('mark' as const, 'lose' as const) });
  const commands: { weight: number; arbitrary: fc.Arbitrary<Command> }[] = [
    { weight: 18, arbitrary: delivery },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant('together' as const),
        deliveries: fc.array(single, { minLength: 2, maxLength: 3 }),
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constant('while-held' as const),
        delivery,
        meanwhile: fc.array(fc.oneof(delivery, delivery, passToDue, ...(isLossy ? [loss] : [])), {
          minLength: 1,
          maxLength: 2,
        }),
        how: fc.constantFrom<How[]>(...HOWS),
        isEarly: fc.boolean(),
      }),
    },
    {
      weight: 5,
      arbitrary: fc.record({
        kind: fc.constant('work' as const),
        arrives: fc.constantFrom(true, true, false),
      }),
    },
    { weight: 3, arbitrary: pass },
    { weight: 7, arbitrary: passToDue },
    { weight: 4, arbitrary: sweep },
    { weight: 2, arbitrary: twoSweeps },
    { weight: 1, arbitrary: fc.constant({ kind: 'edit' as const }) },
    ...(isAudited
      ? [
          {
            weight: 2,
            arbitrary: fc.record({
              kind: fc.constant('misplace' as const),
              what: fc.oneof(fc.constant('escalation' as const), fc.constant('escalation' as const), person),
              how: fc.constantFrom('lost' as const, 'late' as const, 'early' as const, 'left-over' as const),
              escalation,
            }),
          },
        ]
      : []),
    ...(isLossy ? [{ weight: 5, arbitrary: loss }] : []),
  ];
  return fc.array(fc.oneof(...commands), { minLength: 1, maxLength: 14, size: 'max' });
}

const REPORTED: Command = {
  kind: 'deliver',
  input: { kind: 'report', severity: 'error', from: undefined, byAccount: false },
  escalation: 0,
  fate: 'done',
};

export const history: fc.Arbitrary<HistoryPlan> = fc
  .record({
    isLossy: fc.constantFrom(false, false, false, true),
    isAudited: fc.constantFrom(false, false, false, false, false, true),
    isReported: fc.constantFrom(true, true, true, false),
  })
  .chain(({ isLossy, isAudited, isReported }) =>
    fc.record({
      world: worlds(),
      plans: fc.tuple(plans(), plans()),
      // Most begin with what all else is about.
      commands: commandsOf(isLossy, isAudited).map((each) => (isReported ? [REPORTED, ...each] : each)),
    }),
  );
