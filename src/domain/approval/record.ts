/**
 * The yes or no of one human, or of as many as the policy asks for, to one exact call of a tool, from the question to
 * the known effect.
 *
 *   OPEN ──votes─▶ APPROVED ──claim──▶ EXECUTING ──complete──▶ EXECUTED | FAILED
 *    │  │             │  ▲                │   ▲
 *    │  │             │  └─lease ended────┤   └ a call that may be repeated is claimed again
 *    │  │             │    (repeatable)   └─lease ended (not repeatable)──▶ UNKNOWN ──reconcile──▶ EXECUTED | FAILED | APPROVED
 *    │  │             └──revoke, or too late to act on──▶ REVOKED
 *    │  ├──vote──▶ DENIED | ANSWERED
 *    │  └──cancel──▶ CANCELLED
 *    └─deadline──▶ EXPIRED
 *
 * The functions of this folder are the whole state machine. They decide; the store applies what they return in one write,
 * guarded by the revision they saw and by the window of time in which the decision is right.
 *
 * Invariants (numbers of the specification)
 *   A1   A decision, once set, never changes; ended states are never left.
 *   A2   Only the newest execution epoch can complete.
 *   A3   EXECUTING is reached only from APPROVED, with the digest that was decided on.
 *   A4   Whoever says yes is eligible when they say it and is not excluded; together they are a quorum, one place each.
 *   A5   The same answer delivered again changes nothing and is told the same.
 *   A6   An answer to an older generation or another digest never counts.
 *   A10  Nothing expires before its deadline, and no answer before the deadline is refused as late.
 *   A15  Silence is EXPIRED, never DENIED.
 *   A22  A call is never claimable again before the lease of the earlier claim, and a margin, have passed.
 */
import { z } from 'zod';
import { AccountId, ApprovalId, ConversationId, PersonId, Platform } from '../ids.ts';
import { Address, AnswerChoice } from '../message.ts';
import { Approvers } from '../quorum.ts';

export const ApprovalState = z.enum([
  'OPEN',
  'APPROVED',
  'EXECUTING',
  'UNKNOWN',
  'EXECUTED',
  'FAILED',
  'DENIED',
  'ANSWERED',
  'EXPIRED',
  'CANCELLED',
  'REVOKED',
]);
export type ApprovalState = z.infer<typeof ApprovalState>;

const ENDED: ReadonlySet<ApprovalState> = new Set([
  'EXECUTED',
  'FAILED',
  'DENIED',
  'ANSWERED',
  'EXPIRED',
  'CANCELLED',
  'REVOKED',
]);

/** How long after the end of a lease nothing is claimed again: no call under the old permit can still begin. */
export const QUIET_MS = 5_000;

/** What is to happen, exactly, and who wants it. Everything but `summary` is fact; `summary` is the model's. */
export const ApprovalRequest = z.object({
  tool: z.string(),
  version: z.int(),
  args: z.unknown(),
  summary: z.string().optional(),
  risk: z.enum(['low', 'medium', 'high']),
  effect: z.enum(['idempotent', 'once']),
  reversible: z.boolean(),
  requester: PersonId,
  requesterName: z.string(),
  callId: z.string(),
  correlation: z.string(),
});
export type ApprovalRequest = z.infer<typeof ApprovalRequest>;

/** The rules this approval lives by, as they were when it was opened; never looked up again. */
export const ApprovalPolicy = z.object({
  name: z.string(),
  rule: z.string(),
  approvers: Approvers,
  choices: z.array(AnswerChoice),
  /** Platforms a yes may come from; a no may come from anywhere. Absent: all. */
  approveFrom: z.array(Platform).optional(),
  /** After opening, in ms, ascending. */
  remindAfterMs: z.array(z.int()),
  /** How long a yes may wait for its execution. */
  validForMs: z.int(),
  leaseMs: z.int(),
});
export type ApprovalPolicy = z.infer<typeof ApprovalPolicy>;

export const Decision = z.object({
  choice: AnswerChoice,
  source: z.enum(['human', 'policy']),
  digest: z.string(),
  by: z.object({ person: PersonId, name: z.string(), account: AccountId }).optional(),
  via: Platform.optional(),
  text: z.string().optional(),
  /** The gesture that decided, so that its redelivery is recognised. */
  key: z.string(),
  atMs: z.int(),
});
export type Decision = z.infer<typeof Decision>;

/** A yes that was not enough by itself, or one of those that were. */
export const Assent = z.object({
  by: z.object({ person: PersonId, name: z.string(), account: AccountId }),
  via: Platform,
  /** At that moment. */
  roles: z.array(z.string()),
  text: z.string().optional(),
  digest: z.string(),
  key: z.string(),
  atMs: z.int(),
});
export type Assent = z.infer<typeof Assent>;

/** One place where the card is shown. `ref` once it was sent; `shown` is the face it shows. */
export const CardCopy = z.object({
  id: z.string(),
  to: Address,
  /** The approver this copy is for; absent for the one in the conversation. */
  person: PersonId.optional(),
  /** Its platform cannot edit what was sent, so this copy hears the outcome only, as a further message. */
  outcomeOnly: z.literal(true).optional(),
  ref: z.string().optional(),
  shown: z.int().optional(),
});
export type CardCopy = z.infer<typeof CardCopy>;

export const Approval = z.object({
  id: ApprovalId,
  /** +1 with every change. */
  rev: z.int(),
  /** +1 when what is asked changes; an answer to an older one is stale. */
  gen: z.int(),
  /** +1 when what the card shows changes; a copy that shows an older one is to be updated. */
  face: z.int(),
  state: ApprovalState,
  conversationId: ConversationId,
  origin: Address,
  request: ApprovalRequest,
  digest: z.string(),
  policy: ApprovalPolicy,
  openedMs: z.int(),
  deadlineMs: z.int(),
  /** Reminders sent so far. */
  reminded: z.int(),
  /** Times somebody was asked again to find out about an unknown outcome. */
  nagged: z.int().optional(),
  /** Who has said yes, where more than one has to; in that order, nobody twice. */
  assents: z.array(Assent).optional(),
  decision: Decision.optional(),
  validUntilMs: z.int().optional(),
  execution: z
    .object({ epoch: z.int(), owner: z.string(), leaseUntilMs: z.int(), attempt: z.int() })
    .optional(),
  result: z.object({ status: z.enum(['ok', 'error']), text: z.string(), atMs: z.int() }).optional(),
  /** Why it was revoked, cancelled or became unknown. */
  remark: z.string().optional(),
  /** What the one who ran it reported when its outcome had already become unknown. */
  lateReport: z
    .object({ epoch: z.int(), status: z.enum(['ok', 'error']), text: z.string(), atMs: z.int() })
    .optional(),
  /** The person who took it back, or found out what had come of it. */
  settledBy: z.object({ person: PersonId, name: z.string(), via: Platform, atMs: z.int() }).optional(),
  copies: z.array(CardCopy),
});
export type Approval = z.infer<typeof Approval>;

/** What happened, as the audit names it. */
export type ApprovalEvent =
  | 'opened'
  | 'assented'
  | 'approved'
  | 'denied'
  | 'answered'
  | 'expired'
  | 'reminded'
  | 'cancelled'
  | 'revoked'
  | 'claimed'
  | 'renewed'
  | 'executed'
  | 'failed'
  | 'released'
  | 'unknown'
  | 'reported-late'
  | 'reconciled'
  | 'card-sent'
  | 'rerouted';

/** What a function of the machine returns: perhaps a next state, always an answer for the caller. */
export interface Step<Result> {
  readonly result: Result;
  readonly moved?: { readonly next: Approval; readonly event: ApprovalEvent; readonly actor: string };
  /** The store's own time must be within this window when the step is written, or it is decided anew. */
  readonly window?: { readonly notBeforeMs?: number; readonly beforeMs?: number };
}

export function isEnded(state: ApprovalState): boolean {
  return ENDED.has(state);
}

/** The next revision, and the next face where cards have to show something else. */
export function advance(approval: Approval, state: ApprovalState): Approval {
  // That a call is being run now is not worth an update of every card; that it ended is.
  const face = state === approval.state || state === 'EXECUTING' ? approval.face : approval.face + 1;
  return { ...approval, state, face, rev: approval.rev + 1 };
}
