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
 * The functions here are the whole state machine. They decide; the store applies what they return in one write,
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
import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import { z } from 'zod';
import { AccountId, ApprovalId, ConversationId, PersonId, Platform } from './ids.ts';
import { Address, AnswerChoice } from './message.ts';
import { Approvers, isApprover, isQuorum, type Voter } from './quorum.ts';

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

/** How often somebody is asked again to find out about a call whose outcome is unknown. */
const NAG_EVERY_MS = 4 * 60 * 60 * 1_000;

/** Claims of one call that may be repeated, at most. */
const MOST_ATTEMPTS = 3;

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

// ── Opening ──────────────────────────────────────────────────────────────────────────────────────────────────

export interface Opening {
  readonly id: ApprovalId;
  readonly conversationId: ConversationId;
  readonly origin: Address;
  readonly request: ApprovalRequest;
  readonly policy: ApprovalPolicy;
  readonly deadlineMs: number;
  readonly copies: readonly CardCopy[];
  readonly nowMs: number;
  /**
   *   human     somebody is asked
   *   allowed   the policy says yes by itself; the record is there so that the call runs once
   *   nobody    somebody should be asked, but nobody who may answer exists: a no, said loudly, never a yes
   */
  readonly verdict: 'human' | 'allowed' | 'nobody';
}

export function open(opening: Opening): Approval {
  const digest = digestOf(opening.request);
  const base: Approval = {
    id: opening.id,
    rev: 1,
    gen: 1,
    face: 1,
    state: 'OPEN',
    conversationId: opening.conversationId,
    origin: opening.origin,
    request: opening.request,
    digest,
    policy: opening.policy,
    openedMs: opening.nowMs,
    deadlineMs: opening.deadlineMs,
    reminded: 0,
    copies: [...opening.copies],
  };
  const byPolicy = { source: 'policy' as const, digest, key: `policy:${opening.id}`, atMs: opening.nowMs };
  switch (opening.verdict) {
    case 'human':
      return base;
    case 'allowed':
      return {
        ...base,
        state: 'APPROVED',
        decision: { ...byPolicy, choice: 'approve' },
        validUntilMs: opening.nowMs + opening.policy.validForMs,
      };
    case 'nobody':
      return {
        ...base,
        state: 'DENIED',
        decision: { ...byPolicy, choice: 'deny', text: 'nobody who may approve this could be asked' },
      };
    default:
      return opening.verdict satisfies never;
  }
}

/** What a yes is bound to: this tool in this version, these arguments, for this person. No prose of the model. */
export function digestOf(request: Pick<ApprovalRequest, 'tool' | 'version' | 'args' | 'requester'>): string {
  const { tool, version, args, requester } = request;
  // As it is stored, so that it is the same before and after: a date is its text, for one.
  const stored: unknown = JSON.parse(JSON.stringify({ tool, version, args: args ?? null, requester }));
  return createHash('sha256')
    .update(String(canonicalize(normalise(stored))))
    .digest('base64url');
}

function normalise(value: unknown): unknown {
  if (typeof value === 'string') return normaliseText(value);
  if (Array.isArray(value)) return value.map(normalise);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [normaliseText(key), normalise(inner)]),
  );
}

/** Half of a character has no canonical form; it counts as the character that stands for it everywhere. */
function normaliseText(text: string): string {
  return text.replaceAll(/\p{Surrogate}/gu, '\uFFFD').normalize('NFC');
}

// ── Answers of people ────────────────────────────────────────────────────────────────────────────────────────

export interface Vote {
  /** The platform's id of the gesture. */
  readonly key: string;
  readonly choice: AnswerChoice;
  readonly text: string | undefined;
  readonly gen: number;
  readonly digest: string;
  readonly by: { readonly person: PersonId; readonly name: string; readonly account: AccountId };
  /** The roles of that person now, not when they were asked. */
  readonly roles: readonly string[];
  /** Whether one of those roles may decide approvals at all, now. */
  readonly permitted: boolean;
  readonly via: Platform;
}

export type VoteResult =
  | { readonly code: 'DECIDED' | 'REPLAY'; readonly approval: Approval }
  /** A yes that counts, and others are still needed. */
  | { readonly code: 'RECORDED'; readonly approval: Approval }
  /** Somebody, or something, was first. */
  | { readonly code: 'ALREADY' | 'LATE'; readonly approval: Approval }
  /** The card that was answered is not the current one. */
  | { readonly code: 'STALE_CARD' | 'CONTENT_CHANGED'; readonly approval: Approval }
  | {
      readonly code: 'NOT_ELIGIBLE';
      readonly approval: Approval;
      readonly reason: 'requester' | 'not-an-approver';
    }
  | { readonly code: 'NOT_OFFERED'; readonly approval: Approval }
  /** This channel does not prove enough for a yes; the sentence says which does. */
  | { readonly code: 'STEP_UP'; readonly approval: Approval }
  | { readonly code: 'INVALID'; readonly approval: Approval; readonly problem: string };

export function vote(approval: Approval, answer: Vote, nowMs: number): Step<VoteResult> {
  if (isKnown(approval, answer.key)) return { result: { code: 'REPLAY', approval } };
  if (approval.state !== 'OPEN') {
    return { result: { code: approval.state === 'EXPIRED' ? 'LATE' : 'ALREADY', approval } };
  }
  if (nowMs >= approval.deadlineMs) {
    // The boundary has one owner: the deadline is applied first, then the answer is judged.
    const expired = expire(approval);
    return { ...expired, result: { code: 'LATE', approval: expired.moved.next } };
  }
  const refusal = refuse(approval, answer);
  if (refusal) return { result: refusal };
  if (answer.choice === 'approve') {
    const before = assentsTo(approval);
    const assents = [
      ...before.filter(({ by }) => by.person !== answer.by.person),
      toAssent(approval, answer, nowMs),
    ];
    if (!isQuorum(approval.policy.approvers, assents.map(toVoter))) return record(approval, assents, before);
    if (assents.length > 1) return decide({ ...approval, assents }, answer, nowMs);
  }
  return decide(approval, answer, nowMs);
}

/** A yes counts for what was agreed to, so not for what the request has become since. */
function assentsTo({ assents = [], digest }: Approval): readonly Assent[] {
  return assents.filter((assent) => assent.digest === digest);
}

function isKnown({ decision, assents = [] }: Approval, key: string): boolean {
  return decision?.key === key || assents.some((assent) => assent.key === key);
}

function toAssent({ digest }: Approval, { by, via, roles, text, key }: Vote, atMs: number): Assent {
  return { by, via, roles: [...roles], ...(text ? { text } : {}), digest, key, atMs };
}

function toVoter({ by, roles }: Assent): Voter {
  return { person: by.person, roles };
}

/** Who said yes before and says it again has changed nothing. */
function record(approval: Approval, assents: readonly Assent[], before: readonly Assent[]): Step<VoteResult> {
  const latest = assents.at(-1);
  if (!latest || assents.length === before.length) return { result: { code: 'RECORDED', approval } };
  const next = { ...advance(approval, 'OPEN'), face: approval.face + 1, assents: [...assents] };
  return {
    result: { code: 'RECORDED', approval: next },
    moved: { next, event: 'assented', actor: latest.by.person },
    window: { beforeMs: approval.deadlineMs },
  };
}

function decide(approval: Approval, answer: Vote, nowMs: number): Step<VoteResult> {
  const decision: Decision = {
    choice: answer.choice,
    source: 'human',
    digest: approval.digest,
    by: answer.by,
    via: answer.via,
    ...(answer.text ? { text: answer.text } : {}),
    key: answer.key,
    atMs: nowMs,
  };
  const next: Approval = {
    ...advance(approval, stateAfter(answer.choice)),
    decision,
    ...(answer.choice === 'approve' ? { validUntilMs: nowMs + approval.policy.validForMs } : {}),
  };
  return {
    result: { code: 'DECIDED', approval: next },
    moved: { next, event: eventOf(answer.choice), actor: answer.by.person },
    window: { beforeMs: approval.deadlineMs },
  };
}

function refuse(approval: Approval, answer: Vote): VoteResult | undefined {
  if (answer.gen !== approval.gen) return { code: 'STALE_CARD', approval };
  if (answer.digest !== approval.digest) return { code: 'CONTENT_CHANGED', approval };
  if (answer.by.person === approval.request.requester) {
    return { code: 'NOT_ELIGIBLE', approval, reason: 'requester' };
  }
  if (!answer.permitted || !mayDecide(approval, answer.by.person, answer.roles)) {
    return { code: 'NOT_ELIGIBLE', approval, reason: 'not-an-approver' };
  }
  if (!approval.policy.choices.includes(answer.choice)) return { code: 'NOT_OFFERED', approval };
  const { approveFrom } = approval.policy;
  if (answer.choice === 'approve' && approveFrom && !approveFrom.includes(answer.via)) {
    return { code: 'STEP_UP', approval };
  }
  if (answer.choice === 'answer' && !answer.text?.trim()) {
    return { code: 'INVALID', approval, problem: 'an answer needs some text' };
  }
  return undefined;
}

/** Is this person, with the roles they have now, one of those who decide? The requester never is. */
export function mayDecide(approval: Approval, person: PersonId, roles: readonly string[]): boolean {
  if (person === approval.request.requester) return false;
  return isApprover(approval.policy.approvers, { person, roles });
}

function stateAfter(choice: AnswerChoice): ApprovalState {
  return choice === 'approve' ? 'APPROVED' : choice === 'deny' ? 'DENIED' : 'ANSWERED';
}

function eventOf(choice: AnswerChoice): ApprovalEvent {
  return choice === 'approve' ? 'approved' : choice === 'deny' ? 'denied' : 'answered';
}

export type WithdrawResult =
  | { readonly code: 'DONE'; readonly approval: Approval }
  | { readonly code: 'ALREADY' | 'TOO_LATE' | 'NOT_ELIGIBLE'; readonly approval: Approval };

/** Somebody who takes a request back, or says what came of it. */
export interface Settler {
  readonly person: PersonId;
  readonly name: string;
  readonly via: Platform;
  /** Runs the gateway. */
  readonly operates: boolean;
}

/** The requester, or somebody who runs the gateway, takes the request back. An approval not yet acted on is revoked. */
export function cancel(approval: Approval, by: Settler, reason: string, nowMs: number): Step<WithdrawResult> {
  if (by.person !== approval.request.requester && !by.operates)
    return { result: { code: 'NOT_ELIGIBLE', approval } };
  if (approval.state === 'APPROVED') return withdraw(approval, 'REVOKED', by, reason, nowMs);
  if (approval.state === 'OPEN') return withdraw(approval, 'CANCELLED', by, reason, nowMs);
  return { result: { code: ENDED.has(approval.state) ? 'ALREADY' : 'TOO_LATE', approval } };
}

/** The one who said yes, or somebody who runs the gateway, takes the yes back before it was acted on. */
export function revoke(approval: Approval, by: Settler, reason: string, nowMs: number): Step<WithdrawResult> {
  if (by.person !== approval.decision?.by?.person && !by.operates) {
    return { result: { code: 'NOT_ELIGIBLE', approval } };
  }
  if (approval.state === 'APPROVED') return withdraw(approval, 'REVOKED', by, reason, nowMs);
  return { result: { code: ENDED.has(approval.state) ? 'ALREADY' : 'TOO_LATE', approval } };
}

function withdraw(
  approval: Approval,
  state: 'CANCELLED' | 'REVOKED',
  by: Settler,
  reason: string,
  nowMs: number,
): Step<WithdrawResult> {
  const maybeRun = (approval.execution?.attempt ?? 0) > 0;
  const remark = maybeRun ? `${reason} (an earlier attempt may have run)` : reason;
  const next = { ...advance(approval, state), remark, settledBy: settledBy(by, nowMs) };
  return {
    result: { code: 'DONE', approval: next },
    moved: { next, event: state === 'CANCELLED' ? 'cancelled' : 'revoked', actor: by.person },
  };
}

function settledBy({ person, name, via }: Settler, atMs: number): Approval['settledBy'] {
  return { person, name, via, atMs };
}

// ── Running the call ─────────────────────────────────────────────────────────────────────────────────────────

export interface Permit {
  readonly approvalId: ApprovalId;
  readonly epoch: number;
  /** The same for every attempt at this call. */
  readonly idempotencyKey: string;
  /** The store's time at which the permit ends. */
  readonly leaseUntilMs: number;
}

export type ClaimResult =
  | { readonly code: 'GRANTED'; readonly permit: Permit; readonly approval: Approval }
  /** Not approved (any more), or approved for something else. */
  | { readonly code: 'REFUSED' | 'MISMATCH'; readonly approval: Approval }
  /** Somebody runs it, or ran it and its outcome is not known yet. */
  | { readonly code: 'HELD'; readonly approval: Approval };

/**
 * Asks to run the call, once.
 *
 * @param owner new for every attempt, so that a repeated request is told from somebody else's
 */
export function claim(
  approval: Approval,
  owner: string,
  digestToRun: string,
  nowMs: number,
): Step<ClaimResult> {
  const { execution, decision } = approval;
  if (approval.state === 'EXECUTING') {
    if (execution?.owner === owner)
      return { result: { code: 'GRANTED', permit: permitOf(approval), approval } };
    return { result: { code: 'HELD', approval } };
  }
  if (approval.state === 'UNKNOWN') return { result: { code: 'HELD', approval } };
  if (approval.state !== 'APPROVED') return { result: { code: 'REFUSED', approval } };
  if (decision?.choice !== 'approve' || decision.digest !== digestToRun || approval.digest !== digestToRun) {
    return { result: { code: 'MISMATCH', approval } };
  }
  const validUntilMs = approval.validUntilMs ?? 0;
  if (nowMs >= validUntilMs) {
    const lapsed = lapse(approval);
    return { ...lapsed, result: { code: 'REFUSED', approval: lapsed.moved.next } };
  }
  const next: Approval = {
    ...advance(approval, 'EXECUTING'),
    execution: {
      epoch: (execution?.epoch ?? 0) + 1,
      owner,
      leaseUntilMs: nowMs + approval.policy.leaseMs,
      attempt: (execution?.attempt ?? 0) + 1,
    },
  };
  return {
    result: { code: 'GRANTED', permit: permitOf(next), approval: next },
    moved: { next, event: 'claimed', actor: 'system' },
    window: { beforeMs: validUntilMs },
  };
}

/** Extends the lease of a call that is still running. */
export function renew(approval: Approval, epoch: number, nowMs: number): Step<'RENEWED' | 'FENCED'> {
  const { execution } = approval;
  if (approval.state !== 'EXECUTING' || execution?.epoch !== epoch) return { result: 'FENCED' };
  const next: Approval = {
    ...advance(approval, 'EXECUTING'),
    execution: { ...execution, leaseUntilMs: nowMs + approval.policy.leaseMs },
  };
  return { result: 'RENEWED', moved: { next, event: 'renewed', actor: 'system' } };
}

export type CompleteResult = 'RECORDED' | 'REPLAY' | 'LATE' | 'FENCED';

/**
 * Records what came of the call. A report that comes when the outcome has become unknown is kept as evidence for the
 * person who finds out; it settles nothing by itself, because somebody may have acted on its absence.
 */
export function complete(
  approval: Approval,
  epoch: number,
  outcome: { status: 'ok' | 'error'; text: string },
  nowMs: number,
): Step<CompleteResult> {
  const { execution, result } = approval;
  if (execution?.epoch !== epoch) return { result: 'FENCED' };
  if (approval.state === 'UNKNOWN') return reportLate(approval, { ...outcome, epoch, atMs: nowMs });
  if (approval.state !== 'EXECUTING') {
    return {
      result: result?.status === outcome.status && result.text === outcome.text ? 'REPLAY' : 'FENCED',
    };
  }
  const ok = outcome.status === 'ok';
  const next: Approval = {
    ...advance(approval, ok ? 'EXECUTED' : 'FAILED'),
    result: { ...outcome, atMs: nowMs },
  };
  return { result: 'RECORDED', moved: { next, event: ok ? 'executed' : 'failed', actor: 'system' } };
}

function reportLate(
  approval: Approval,
  lateReport: NonNullable<Approval['lateReport']>,
): Step<CompleteResult> {
  if (approval.lateReport?.epoch === lateReport.epoch) return { result: 'LATE' };
  const next = { ...advance(approval, 'UNKNOWN'), face: approval.face + 1, lateReport };
  return { result: 'LATE', moved: { next, event: 'reported-late', actor: 'system' } };
}

/** The one who runs the call says that nobody can tell what came of it (the connection broke after it was sent). */
export function loseTrack(approval: Approval, epoch: number, remark: string): Step<CompleteResult> {
  if (approval.execution?.epoch !== epoch || approval.state !== 'EXECUTING') return { result: 'FENCED' };
  if (approval.request.effect === 'idempotent') {
    // The lease runs out and the call is claimed again under the same key: a repeat is harmless by definition.
    return { result: 'RECORDED' };
  }
  const next = { ...advance(approval, 'UNKNOWN'), remark };
  return { result: 'RECORDED', moved: { next, event: 'unknown', actor: 'system' } };
}

export type Finding = 'happened' | 'did-not-happen' | 'retry';
export type ReconcileResult =
  | { readonly code: 'DONE'; readonly approval: Approval }
  | { readonly code: 'NOT_UNKNOWN' | 'NOT_ELIGIBLE' | 'NOT_YET'; readonly approval: Approval };

/** A person looked and says what really came of a call whose outcome was unknown. */
export function reconcile(
  approval: Approval,
  by: Settler & { readonly roles: readonly string[] },
  finding: Finding,
  nowMs: number,
): Step<ReconcileResult> {
  if (approval.state !== 'UNKNOWN') return { result: { code: 'NOT_UNKNOWN', approval } };
  const maySay = mayDecide(approval, by.person, by.roles) || by.operates;
  if (finding === 'retry' ? !mayAllowAgain(approval, by) : !maySay) {
    return { result: { code: 'NOT_ELIGIBLE', approval } };
  }
  const quietFromMs = (approval.execution?.leaseUntilMs ?? 0) + QUIET_MS;
  if (finding === 'retry' && nowMs < quietFromMs) return { result: { code: 'NOT_YET', approval } };

  const next = reconciled(approval, by, finding, nowMs);
  return {
    result: { code: 'DONE', approval: next },
    moved: { next, event: 'reconciled', actor: by.person },
    ...(finding === 'retry' ? { window: { notBeforeMs: quietFromMs } } : {}),
  };
}

/** To let it run again takes the right to have said yes in the first place; where a rule did, to run the gateway. */
function mayAllowAgain(
  approval: Approval,
  { person, roles, operates }: Settler & { readonly roles: readonly string[] },
): boolean {
  return approval.decision?.source === 'policy' ? operates : mayDecide(approval, person, roles);
}

function reconciled(approval: Approval, by: Settler, finding: Finding, nowMs: number): Approval {
  switch (finding) {
    case 'happened':
      return {
        ...advance(approval, 'EXECUTED'),
        result: { status: 'ok', text: `${by.name} confirmed that it happened`, atMs: nowMs },
        settledBy: settledBy(by, nowMs),
      };
    case 'did-not-happen':
      return {
        ...advance(approval, 'FAILED'),
        result: { status: 'error', text: `${by.name} confirmed that it did not happen`, atMs: nowMs },
        settledBy: settledBy(by, nowMs),
      };
    case 'retry':
      return { ...advance(approval, 'APPROVED'), validUntilMs: nowMs + approval.policy.validForMs };
    default:
      return finding satisfies never;
  }
}

// ── Time ─────────────────────────────────────────────────────────────────────────────────────────────────────

export type TickResult = 'nothing' | 'reminded' | 'expired' | 'lapsed' | 'released' | 'unknown';

/** What time alone brings about. */
export function tick(approval: Approval, nowMs: number): Step<TickResult> {
  const dueMs = dueOf(approval);
  if (dueMs === undefined || nowMs < dueMs) return { result: 'nothing' };
  switch (approval.state) {
    case 'OPEN':
      return nowMs >= approval.deadlineMs ? expire(approval) : remind(approval, nowMs);
    case 'APPROVED':
      return lapse(approval);
    case 'EXECUTING':
      return release(approval, nowMs);
    case 'UNKNOWN':
      return nag(approval);
    default:
      return { result: 'nothing' };
  }
}

/** When `tick` has something to do next; undefined when it waits for no time. */
export function dueOf(approval: Approval): number | undefined {
  switch (approval.state) {
    case 'OPEN': {
      const afterMs = approval.policy.remindAfterMs[approval.reminded];
      if (afterMs === undefined) return approval.deadlineMs;
      return Math.min(approval.openedMs + afterMs, approval.deadlineMs);
    }
    case 'APPROVED':
      return approval.validUntilMs;
    case 'EXECUTING':
      return approval.execution && approval.execution.leaseUntilMs + QUIET_MS;
    case 'UNKNOWN':
      return (
        (approval.execution?.leaseUntilMs ?? approval.openedMs) + NAG_EVERY_MS * ((approval.nagged ?? 0) + 1)
      );
    default:
      return undefined;
  }
}

type Moved<Result> = Step<Result> & { readonly moved: NonNullable<Step<Result>['moved']> };

function expire(approval: Approval): Moved<'expired'> {
  const next = advance(approval, 'EXPIRED');
  return {
    result: 'expired',
    moved: { next, event: 'expired', actor: 'system' },
    window: { notBeforeMs: approval.deadlineMs },
  };
}

function remind(approval: Approval, nowMs: number): Moved<'reminded'> {
  // Reminders that fell due while nobody swept are one reminder.
  const passed = approval.policy.remindAfterMs.filter(
    (afterMs) => approval.openedMs + afterMs <= nowMs,
  ).length;
  const next = { ...advance(approval, 'OPEN'), reminded: passed };
  return {
    result: 'reminded',
    moved: { next, event: 'reminded', actor: 'system' },
    window: { beforeMs: approval.deadlineMs },
  };
}

function nag(approval: Approval): Moved<'reminded'> {
  const next = { ...advance(approval, 'UNKNOWN'), nagged: (approval.nagged ?? 0) + 1 };
  return { result: 'reminded', moved: { next, event: 'reminded', actor: 'system' } };
}

function lapse(approval: Approval): Moved<'lapsed'> {
  const next = {
    ...advance(approval, 'REVOKED'),
    remark: 'the yes was not acted on in time and is no longer valid',
  };
  return {
    result: 'lapsed',
    moved: { next, event: 'revoked', actor: 'system' },
    window: { notBeforeMs: approval.validUntilMs ?? 0 },
  };
}

function release(approval: Approval, nowMs: number): Moved<'released' | 'unknown'> {
  const window = { notBeforeMs: (approval.execution?.leaseUntilMs ?? 0) + QUIET_MS };
  const attempts = approval.execution?.attempt ?? 0;
  if (approval.request.effect === 'idempotent' && attempts < MOST_ATTEMPTS) {
    const next = { ...advance(approval, 'APPROVED'), validUntilMs: nowMs + approval.policy.validForMs };
    return { result: 'released', moved: { next, event: 'released', actor: 'system' }, window };
  }
  const next = {
    ...advance(approval, 'UNKNOWN'),
    remark: 'the process that ran it stopped before it could report',
  };
  return { result: 'unknown', moved: { next, event: 'unknown', actor: 'system' }, window };
}

// ── Copies of the card ───────────────────────────────────────────────────────────────────────────────────────

/** Notes which message carries a copy, and the face it shows. */
export function noteCopy(
  approval: Approval,
  copyId: string,
  sent: { ref: string; shown: number },
): Step<'noted'> {
  const copy = approval.copies.find(({ id }) => id === copyId);
  if (!copy || (copy.ref === sent.ref && (copy.shown ?? 0) >= sent.shown)) return { result: 'noted' };
  const copies = approval.copies.map((each) =>
    each.id === copyId ? { ...each, ref: sent.ref, shown: Math.max(sent.shown, each.shown ?? 0) } : each,
  );
  return {
    result: 'noted',
    moved: { next: { ...approval, rev: approval.rev + 1, copies }, event: 'card-sent', actor: 'system' },
  };
}

/** Asks an approver in a further place, because the first may not reach them. Once for each place. */
export function addCopy(approval: Approval, copy: CardCopy): Step<'added' | 'not-needed'> {
  const isThere = approval.copies.some(({ id }) => id === copy.id);
  if (isThere || isEnded(approval.state)) return { result: 'not-needed' };
  const copies = [...approval.copies, copy];
  return {
    result: 'added',
    moved: { next: { ...approval, rev: approval.rev + 1, copies }, event: 'rerouted', actor: 'system' },
  };
}

export function isEnded(state: ApprovalState): boolean {
  return ENDED.has(state);
}

function advance(approval: Approval, state: ApprovalState): Approval {
  // That a call is being run now is not worth an update of every card; that it ended is.
  const face = state === approval.state || state === 'EXECUTING' ? approval.face : approval.face + 1;
  return { ...approval, state, face, rev: approval.rev + 1 };
}

function permitOf(approval: Approval): Permit {
  const { id, digest, execution } = approval;
  if (!execution) throw new Error(`${id} has no execution to permit`);
  return {
    approvalId: id,
    epoch: execution.epoch,
    idempotencyKey: createHash('sha256').update(`${id}:${digest}`).digest('base64url').slice(0, 32),
    leaseUntilMs: execution.leaseUntilMs,
  };
}
