/**
 * Somebody has to look after something: who was called, who took it, what comes next if nobody does.
 *
 *                     ┌───────── not confirmed, let go, worse ─────────┐
 *                     ▼                                                │
 *   raise ──▶ ACTIVE ──┬── acknowledged ─────────────────────────▶ ACKED
 *              │ ▲     │                                              ▲
 *              │ │     ├── nobody there, outside its hours ──▶ HELD ──┤
 *              │ │     ├── put off ──▶ SNOOZED ── time is up ─▶ ACTIVE│
 *              │ └─────┘                                              │
 *              └── no step left ──▶ EXHAUSTED (the last resort, again and again) ─┘
 *
 *   every one of them ──▶ RESOLVED | CANCELLED      a further report then begins anew, at a later epoch
 *
 * The functions of this folder are the whole state machine. They decide; the store applies what they return in one
 * write, guarded by the revision they saw.
 *
 * Invariants (numbers of the specification)
 *   E1   Every change that must kill what was begun raises the epoch; a call of an older epoch is not made.
 *   E2   What is live has a time at which `tick` has something to do (`dueOf`), what is over has none.
 *   E3   Steps are taken in the order of the plan, by its branches and gotos alone.
 *   E5   Rounds, gotos and waiting for somebody to be there are bounded: if nobody acts it comes to EXHAUSTED.
 *   E6   It is never silent: one that was taken is asked about, or is had for as long as the conversation is; one that is
 *        exhausted calls the last resort again.
 *   E9   One record per key; further reports of the same are counted.
 *   E10  One owner. Whoever comes second is told who came first.
 *   E12  The plan is kept with it.
 */
import { z } from 'zod';
import { ApprovalId, ConversationId, EscalationId, PersonId, Platform } from '../ids.ts';
import { Address } from '../message.ts';
import { Importance } from '../person.ts';
import { EscalationPlan, Severity, Target } from './plan.ts';

/** What somebody has to look after. */
export const Subject = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('approval'), approvalId: ApprovalId, conversationId: ConversationId }),
  z.object({ kind: z.literal('conversation'), conversationId: ConversationId }),
  /** Something in the gateway itself. */
  z.object({ kind: z.literal('trouble') }),
]);
export type Subject = z.infer<typeof Subject>;

/** One way somebody is called: the platform, so long after the one before. */
export const Link = z.object({ platform: Platform, afterMs: z.int() });
export type Link = z.infer<typeof Link>;

/** A step of the plan as it was taken; `round` is counted from 0. */
export const StepTaken = z.object({ round: z.int(), step: z.string() });
export type StepTaken = z.infer<typeof StepTaken>;

/** A step, or the last resort. */
export const Caller = z.union([StepTaken, z.literal('last')]);
export type Caller = z.infer<typeof Caller>;

/** By which target of whom somebody is called. */
export const CalledBy = z.object({ caller: Caller, target: Target });
export type CalledBy = z.infer<typeof CalledBy>;

/** How one person is called, way after way, until somebody takes it. */
export const Chain = z.object({
  person: PersonId,
  importance: Importance,
  /** `last`: nobody else is left. */
  why: z.enum(['call', 'last']),
  /** Absent: not known. */
  by: CalledBy.optional(),
  links: z.array(Link),
  /** The one that comes next. */
  link: z.int(),
  /** Absent: no way is left. */
  dueMs: z.int().optional(),
  /** Ways that turned out to lead nowhere. */
  failed: z.int(),
});
export type Chain = z.infer<typeof Chain>;

/** A channel of a platform. */
export const Place = z.object({ platform: Platform, channel: z.string() });
export type Place = z.infer<typeof Place>;

const Owner = z.object({ person: PersonId, name: z.string() });
export type Owner = z.infer<typeof Owner>;

/** How it stands. */
export const Standing = z.discriminatedUnion('state', [
  /** `nextMs`: when the next step is due. */
  z.object({ state: z.literal('ACTIVE'), nextMs: z.int() }),
  z.object({
    state: z.literal('HELD'),
    /** Outside its hours, nobody there who could be called, or a question to whoever asked is open. */
    reason: z.enum(['closed', 'nobody', 'asked']),
    /** When it is looked at again. */
    nextMs: z.int(),
  }),
  z.object({
    state: z.literal('ACKED'),
    owner: Owner,
    sinceMs: z.int(),
    /** When they are asked, or when it goes on without them; absent: they are trusted, or have the conversation. */
    nextMs: z.int().optional(),
    /** They were asked whether they are still on it. */
    asked: z.boolean(),
    /** They have the conversation it is about: it is known from that whether they are still on it. */
    hasConversation: z.literal(true).optional(),
  }),
  z.object({ state: z.literal('SNOOZED'), by: Owner, nextMs: z.int() }),
  z.object({
    state: z.literal('EXHAUSTED'),
    nextMs: z.int(),
    /** Whether anybody of the last resort could be called. */
    isHeard: z.boolean(),
  }),
  z.object({ state: z.literal('RESOLVED'), by: Owner.optional(), remark: z.string().optional() }),
  z.object({ state: z.literal('CANCELLED'), by: Owner.optional(), remark: z.string().optional() }),
]);
export type Standing = z.infer<typeof Standing>;
export type EscalationState = Standing['state'];

export const Escalation = z.object({
  id: EscalationId,
  key: z.string(),
  /** +1 with every change. */
  rev: z.int(),
  /** +1 with every change that kills what was begun. */
  epoch: z.int(),
  standing: Standing,
  subject: Subject,
  /** What it is about, in our words. */
  title: z.string(),
  /** What somebody, or the agent, said about it; theirs, not ours. */
  words: z.string().optional(),
  /** Leads to where it is; of our own making. */
  link: z.string().optional(),
  /** Where whoever caused it is. */
  origin: Address.optional(),
  correlation: z.string(),
  /** Not called: those it comes from. */
  except: z.array(PersonId),
  /** Of those, the ones it came from only once somebody had it, and who that was; none where that is not known. */
  exceptSince: z.record(z.string(), PersonId).optional(),
  /** Some of its reports came from nobody who is known, others did not. */
  isPartlyFromNobody: z.literal(true).optional(),
  plan: EscalationPlan,
  severity: Severity,
  /** How often it was reported, when first and when last. */
  count: z.int(),
  firstMs: z.int(),
  lastMs: z.int(),
  /** The step that comes next, as an index; one behind the last when none is left. */
  step: z.int(),
  /** Counted from 0. */
  round: z.int(),
  /** Since when that step waits for somebody to be there; absent: it does not. */
  waitsSinceMs: z.int().optional(),
  /** How long one was waited for last, in vain. */
  missedMs: z.int().optional(),
  /** How often each goto was followed, by its id. */
  jumps: z.record(z.string(), z.int()),
  /** Whom the last step called, and when that may be somebody else, so that a change of shift is noticed. */
  calling: z
    .object({
      who: z.array(Target),
      importance: Importance,
      /** Whose targets these are; absent: not known. */
      caller: Caller.optional(),
      changesMs: z.int().optional(),
      /** Channels among them that could not be posted in. */
      unposted: z.array(Place).optional(),
    })
    .optional(),
  chains: z.array(Chain),
  /** Everybody called so far. */
  told: z.array(PersonId),
  /** Where each of them was called last; whoever took it without being called, where they did. */
  calledOn: z.record(z.string(), Platform).optional(),
  /** Channels it was posted in; absent: in none. */
  posted: z.array(Place).optional(),
  /** Whether anybody, or a channel, was called before the last resort; absent: not known. */
  stepsCalled: z.boolean().optional(),
  /** A question about it is open for as long at most; absent: none is. */
  askedUntilMs: z.int().optional(),
  /** The step that called somebody last, by its id; absent: none has, or it is not known. */
  lastCalled: z.string().optional(),
  /** The worst that was reported, whatever its policy made of it; absent: as it is now. */
  reported: Severity.optional(),
  /** The last resort was called last; absent: a step was, or nobody. */
  exhausted: z.literal(true).optional(),
  /** Somebody pushed it on: it goes on once, whatever its hours; `to-next`: to the next call, without waiting before it. */
  pushed: z.union([z.literal(true), z.literal('to-next')]).optional(),
  /** Nobody has it whom it was with, and nobody has been called since: no `stop` ends it before somebody is. */
  owesCall: z.literal(true).optional(),
  /** Who had taken it before. */
  lastOwner: PersonId.optional(),
  /** Who came to have it by taking the conversation over; until they let go of it. */
  cameWith: PersonId.optional(),
});
export type Escalation = z.infer<typeof Escalation>;

/** What happened, as the audit names it. */
export type EscalationEvent =
  | 'raised'
  | 'reported-again'
  | 'worse'
  | 'retitled'
  | 'called'
  | 'held'
  | 'answered'
  | 'opened'
  | 'exhausted'
  | 'acknowledged'
  | 'asked-still'
  | 'credited'
  | 'confirmed'
  | 'not-confirmed'
  | 'let-go'
  | 'snoozed'
  | 'woken'
  | 'pushed'
  | 'unreached'
  | 'resolved'
  | 'cancelled';

/** What leads to a call: a step found them, they came while it waited, or nobody took it by the way before. */
export interface Cause {
  readonly kind: 'found' | 'joined' | 'next-way';
  /** Absent: not known. */
  readonly by?: CalledBy | undefined;
  /** How long the way before was waited for, in ms. */
  readonly afterMs: number;
}

/** What a change makes happen outside. */
export type Act =
  /** `last`: nobody else is left. `still`: asks the owner whether they are still on it. */
  | {
      readonly kind: 'page';
      readonly person: PersonId;
      readonly platform: Platform;
      readonly importance: Importance;
      readonly why: 'call' | 'last' | 'still';
      /** Absent where the owner is asked. */
      readonly cause?: Cause;
    }
  | {
      readonly kind: 'post';
      readonly platform: Platform;
      readonly channel: string;
      readonly importance: Importance;
      readonly why: 'call' | 'last';
      /** Absent: not known. */
      readonly caller?: Caller | undefined;
    }
  | {
      readonly kind: 'webhook';
      readonly webhook: string;
      /** At that step. */
      readonly severity: Severity;
      readonly caller: StepTaken;
    }
  | { readonly kind: 'hand-off'; readonly caller: StepTaken }
  /** There is nobody left who could be called at all. */
  | { readonly kind: 'alarm' };

export interface EscalationMove {
  readonly next: Escalation;
  readonly event: EscalationEvent;
  readonly actor: string;
  readonly acts: readonly Act[];
  /** Steps that were taken, `<round>/<id>`, and how: an empty one, and one an outage overtook, called nobody. */
  readonly taken: readonly Taken[];
}

export interface Taken extends StepTaken {
  /** `left-out`: a wait for nobody. */
  readonly how: 'done' | 'empty' | 'overtaken' | 'left-out';
}

/** What a function of the machine returns: perhaps a next state, always an answer for the caller. */
export interface EscalationStep<Result> {
  readonly result: Result;
  readonly moved?: EscalationMove;
}

export function isLive({ standing }: Pick<Escalation, 'standing'>): boolean {
  return standing.state !== 'RESOLVED' && standing.state !== 'CANCELLED';
}

/** Whether somebody has it. */
export function isOwner({ standing }: Pick<Escalation, 'standing'>, person: PersonId): boolean {
  return standing.state === 'ACKED' && standing.owner.person === person;
}

/**
 * Whether it comes from somebody, who then neither ends nor takes it; not where it did so only once they had it, and
 * they have it still.
 *
 * @param ids every id they go by
 */
export function comesFrom(
  escalation: Pick<Escalation, 'standing' | 'except' | 'exceptSince'>,
  person: PersonId,
  ids: readonly PersonId[],
): boolean {
  const { except, exceptSince = {} } = escalation;
  const from = ids.filter((id) => except.includes(id));
  return !from.every((id) => isOwner(escalation, person) && exceptSince[id] === person);
}

const NEVER = Number.POSITIVE_INFINITY;

/**
 * When `tick` has something to do next; undefined for what is over, and for what was taken by somebody trusted, or by
 * taking the conversation over, which ends by its own time.
 */
export function dueOf({ standing, chains, calling }: Escalation): number | undefined {
  switch (standing.state) {
    case 'RESOLVED':
    case 'CANCELLED':
      return undefined;
    case 'ACKED':
    case 'SNOOZED':
      return standing.nextMs;
    case 'ACTIVE':
    case 'HELD':
    case 'EXHAUSTED':
      return Math.min(
        standing.nextMs,
        calling?.changesMs ?? NEVER,
        ...chains.map(({ dueMs = NEVER }) => dueMs),
      );
    default:
      return standing satisfies never;
  }
}

/** Whoever has it is who had it before, once they do not have it any more. */
export function ownerBefore({ standing }: Pick<Escalation, 'standing'>): Pick<Escalation, 'lastOwner'> {
  return standing.state === 'ACKED' ? { lastOwner: standing.owner.person } : {};
}

/** One revision on. */
export function advance(escalation: Escalation, standing: Standing): Escalation {
  return { ...escalation, rev: escalation.rev + 1, standing };
}

/** One revision and one epoch on: no call of an older one is made any more. */
export function advanceEpoch(escalation: Escalation, standing: Standing): Escalation {
  const {
    calling: _,
    waitsSinceMs: __,
    missedMs: ___,
    pushed: ____,
    ...rest
  } = advance(escalation, standing);
  return { ...rest, epoch: escalation.epoch + 1, chains: [] };
}
