/** Random histories of who has a conversation, as plain data: what people, their messages, time and misfortune do to it. */
import fc from 'fast-check';
import { HANDBACK_MS } from '../../src/domain/control.ts';
import type { EscalationId, PersonId } from '../../src/domain/ids.ts';
import { CALLS, HELP, IDLE_MS, MINE, PEOPLE, WAIT_MS } from './control-model.ts';
import type { Fate, How } from './store-model.ts';

/** So far ahead that no server's own clock ever gets there: time passes only when a history says so. */
export const BEGIN_MS = Date.parse('2100-01-01T00:00:00Z');

export type Input =
  | { readonly kind: 'take-over' | 'hand-back'; readonly by: PersonId; readonly isHere: boolean }
  /** `isAlone`: where nobody reads but whoever asks. */
  | { readonly kind: 'call-human'; readonly by: PersonId | 'agent' | 'escalation'; readonly isAlone: boolean }
  /** Whoever was called about it looks after it, does not any more, or says that it is done. */
  | {
      readonly kind: 'look-after' | 'let-go' | 'settle' | 'cancel';
      readonly by: PersonId;
      readonly call: EscalationId;
    }
  | { readonly kind: 'sweep' }
  /** Somebody says something there from elsewhere, in their own name. */
  | { readonly kind: 'say-there'; readonly by: PersonId }
  /** `isAlone`: where nobody reads but whoever writes. */
  | { readonly kind: 'write'; readonly by: PersonId; readonly text: string; readonly isAlone: boolean }
  /** A call that was agreed to while the conversation is whoever's it is. */
  | { readonly kind: 'approved' }
  /** An item of the mailbox is handled, the oldest that is left for 0; what was done already may come again. */
  | { readonly kind: 'handle'; readonly back: number; readonly isDone: boolean }
  /** What was delivered before is delivered again. */
  | { readonly kind: 'again'; readonly back: number };

export interface Delivery {
  readonly kind: 'deliver';
  readonly input: Input;
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
  /** Every item that is left is handled, in order. */
  | { readonly kind: 'work' }
  /** What was said comes to the last hop: one of them, also once more, or all that is left. */
  | { readonly kind: 'say'; readonly back: number; readonly isSaid: boolean }
  | { readonly kind: 'say-all' }
  /** The mailbox stands aside until something happens. */
  | { readonly kind: 'park' }
  /** Less than nothing: the clock is set back. */
  | { readonly kind: 'pass'; readonly ms: number }
  | { readonly kind: 'pass-to-end'; readonly offMs: number }
  /** What was written since is lost, as when a server without all of it takes over. */
  | { readonly kind: 'mark' | 'lose' };

export interface HistoryPlan {
  readonly commands: readonly Command[];
}

const person = fc.constantFrom(...PEOPLE);
const back = fc.constantFrom(0, 0, 0, 1, 2);

const gesture: fc.Arbitrary<Input> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom('take-over' as const, 'hand-back' as const),
      by: person,
      isHere: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('call-human' as const),
      by: fc.oneof(person, fc.constantFrom('agent' as const, 'escalation' as const)),
      isAlone: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('say-there' as const), by: person }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom('look-after' as const, 'look-after' as const, 'let-go', 'settle', 'cancel'),
      by: person,
      call: fc.constantFrom(...CALLS),
    }),
  },
);

const write: fc.Arbitrary<Input> = fc.record({
  kind: fc.constant('write' as const),
  by: person,
  text: fc.constantFrom('hello', 'hello', HELP, MINE),
  isAlone: fc.boolean(),
});

const input: fc.Arbitrary<Input> = fc.oneof(
  { weight: 8, arbitrary: gesture },
  { weight: 5, arbitrary: write },
  { weight: 1, arbitrary: fc.constant({ kind: 'approved' as const }) },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('handle' as const),
      back,
      isDone: fc.constantFrom(false, false, false, true),
    }),
  },
  { weight: 4, arbitrary: fc.constant({ kind: 'sweep' as const }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('again' as const), back: fc.nat(3) }) },
);

const HOWS = ['done', 'done', 'done', 'crash', 'reply-lost', 'twice', 'refused', 'answer-lost'] as const;
const fate = fc.constantFrom<Fate[]>(...HOWS, 'done', 'done', 'done', 'done', 'held');
const delivery: fc.Arbitrary<Delivery> = fc.record({ kind: fc.constant('deliver' as const), input, fate });
/** Things of which each is one change, so that some order of them must account for what came of them. */
const single: fc.Arbitrary<Delivery> = fc.record({
  kind: fc.constant('deliver' as const),
  input: fc.oneof(gesture, gesture, write),
  fate: fc.constant('done' as const),
});

const passToEnd: fc.Arbitrary<Command> = fc.record({
  kind: fc.constant('pass-to-end' as const),
  offMs: fc.constantFrom(-1, 0, 0, 0, 1, HANDBACK_MS),
});
const pass: fc.Arbitrary<Command> = fc.record({
  kind: fc.constant('pass' as const),
  ms: fc.oneof(
    fc.constantFrom(1_000, 9_999, 10_000, HANDBACK_MS, WAIT_MS, IDLE_MS),
    fc.integer({ min: 0, max: 2 * IDLE_MS }),
    fc.constantFrom(-1_000, -HANDBACK_MS, -IDLE_MS),
  ),
});
const sayings: readonly fc.Arbitrary<Command>[] = [
  fc.record({
    kind: fc.constant('say' as const),
    back,
    isSaid: fc.constantFrom(false, false, false, true),
  }),
  fc.constant({ kind: 'say-all' }),
];

const SWEEP: Delivery = { kind: 'deliver', input: { kind: 'sweep' }, fate: 'done' };
/** Two processes look at the same time, and somebody does something while the slower of them is still at it. */
const twoSweeps: fc.Arbitrary<Command> = fc.record({
  kind: fc.constant('while-held' as const),
  delivery: fc.constant(SWEEP),
  meanwhile: fc.tuple(fc.constant(SWEEP), single),
  how: fc.constantFrom<How[]>(...HOWS),
  isEarly: fc.constant(true),
});

/** Losing what somebody was told of is for a part of the histories: much of what is promised ends there. */
function commandsOf(isLossy: boolean): fc.Arbitrary<Command[]> {
  const loss: fc.Arbitrary<Command> = fc.record({
    kind: fc.constantFrom('mark' as const, 'lose' as const),
  });
  const commands: { weight: number; arbitrary: fc.Arbitrary<Command> }[] = [
    { weight: 22, arbitrary: delivery },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant('together' as const),
        deliveries: fc.array(single, { minLength: 2, maxLength: 3 }),
      }),
    },
    {
      weight: 5,
      arbitrary: fc.record({
        kind: fc.constant('while-held' as const),
        delivery,
        meanwhile: fc.array(fc.oneof(delivery, delivery, passToEnd, ...sayings, ...(isLossy ? [loss] : [])), {
          minLength: 1,
          maxLength: 3,
        }),
        how: fc.constantFrom<How[]>(...HOWS),
        isEarly: fc.boolean(),
      }),
    },
    { weight: 2, arbitrary: twoSweeps },
    { weight: 3, arbitrary: fc.constant({ kind: 'work' as const }) },
    { weight: 4, arbitrary: fc.oneof(...sayings) },
    { weight: 1, arbitrary: fc.constant({ kind: 'park' as const }) },
    { weight: 3, arbitrary: pass },
    { weight: 4, arbitrary: passToEnd },
    ...(isLossy ? [{ weight: 5, arbitrary: loss }] : []),
  ];
  return fc.array(fc.oneof(...commands), { minLength: 1, maxLength: 16, size: 'max' });
}

export const history: fc.Arbitrary<HistoryPlan> = fc
  .constantFrom(false, false, false, true)
  .chain((isLossy) => fc.record({ commands: commandsOf(isLossy) }));
