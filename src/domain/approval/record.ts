/**
 * The yes or no of one human, or of as many as the policy asks for, to one exact call of a tool, from the question to
 * the known effect.
 *
 *   NEEDS_INFO ◀─ask back── OPEN ──votes─▶ APPROVED ──claim──▶ EXECUTING ──complete──▶ EXECUTED | FAILED
 *        └──── reply ──────▶ │ │              │  ▲                │   ▲
 *                            │ │              │  └─lease ended────┤   └ a call that may be repeated is claimed again
 *                            │ │              │    (repeatable)   └─lease ended (not repeatable)──▶ UNKNOWN
 *                            │ │              └──revoke, too late to act on, or things changed──▶ REVOKED
 *                            │ ├──vote──▶ DENIED | ANSWERED
 *                            │ ├──cancel──▶ CANCELLED
 *                            │ └──a newer request takes its place, also of a yes that was not acted on──▶ SUPERSEDED
 *                            └─deadline──▶ asked further people, and OPEN | EXPIRED | ANSWERED | APPROVED
 *
 *   UNKNOWN ──reconcile──▶ EXECUTED | FAILED | APPROVED
 *
 * The functions of this folder are the whole state machine. They decide; the store applies what they return in one write,
 * guarded by the revision they saw and by the window of time in which the decision is right.
 *
 * Invariants (numbers of the specification)
 *   A1   A decision, once set, never changes; ended states are never left.
 *   A2   Only the newest execution epoch can complete.
 *   A3   EXECUTING is reached only from APPROVED, with the digest that was decided on.
 *   A4   Whoever says yes is eligible when they say it and is not excluded (the one who asked, those on whose behalf
 *        that was, and whoever has one of their accounts), nor is whoever says it in their name; together they are a
 *        quorum, one place for each human. Whoever said it earlier still is, and may, when the last one says it.
 *   A5   The same answer delivered again changes nothing and is told the same.
 *   A6   An answer to an older generation or another digest never counts.
 *   A9   Nothing expires that nobody could have seen for a while, unless its hard deadline has passed.
 *   A10  Nothing expires before its deadline, and no answer before the deadline is refused as late.
 *   A15  Silence is EXPIRED, never DENIED.
 *   A22  A call is never claimable again before the lease of the earlier claim, and a margin, have passed.
 */
import { z } from 'zod';
import { AnswerOption } from '../card.ts';
import { MessageDirectives } from '../directive.ts';
import { AccountId, ApprovalId, ConversationId, PersonId, Platform } from '../ids.ts';
import { Address, AnswerChoice } from '../message.ts';
import { Whose } from '../provenance.ts';
import { Approvers } from '../quorum.ts';

export const ApprovalState = z.enum([
  'OPEN',
  'NEEDS_INFO',
  'APPROVED',
  'EXECUTING',
  'UNKNOWN',
  'EXECUTED',
  'FAILED',
  'DENIED',
  'ANSWERED',
  'EXPIRED',
  'CANCELLED',
  'SUPERSEDED',
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
  'SUPERSEDED',
  'REVOKED',
]);

/** How long after the end of a lease nothing is claimed again: no call under the old permit can still begin. */
export const QUIET_MS = 5_000;

/** What is to happen, exactly, and who wants it. Everything but `summary` is fact; `summary` is the model's. */
export const ApprovalRequest = z.object({
  tool: z.string(),
  version: z.int(),
  args: z.unknown(),
  /** The names of the arguments in the order people read them; absent: as they stand. An object puts numbers first. */
  labels: z.array(z.string()).optional(),
  summary: z.string().optional(),
  risk: z.enum(['low', 'medium', 'high']),
  effect: z.enum(['idempotent', 'once']),
  reversible: z.boolean(),
  requester: PersonId,
  requesterName: z.string(),
  /**
   * Accounts of the requester, and of the others on whose behalf it is asked, when that was; the one it was asked from
   * first. Whoever has one of them now is one of those who asked, by whatever name.
   */
  accounts: z.array(AccountId).optional(),
  /** Others on whose behalf it is asked, who can decide it no more than the requester. */
  lineage: z.array(PersonId).optional(),
  /** Roles of the requester when they asked, beside their own: those of a guest, and what a group carried. */
  roles: z.array(z.string()).optional(),
  /** What of strangers the agent had read when it asked, in words for people: those who decide are shown it. */
  strangers: z.array(z.string()).optional(),
  /**
   * The same with the words of whoever asked, where they are strangers to everybody else, and whether it was held for
   * that or not; and what of strangers came in by a change of the arguments.
   */
  heard: z.array(z.string()).optional(),
  /** What it would change, as the tool said when it was asked; with `problem` instead where it could not say. */
  preview: z
    .object({
      changes: z.array(z.object({ label: z.string(), before: z.string().optional(), after: z.string() })),
      basis: z.string().optional(),
      /** Of the whole basis, where what is kept of it is not all. */
      basisHash: z.string().optional(),
      /** What people read in place of the arguments one by one. */
      told: z
        .object({ title: z.string(), facts: z.array(z.object({ label: z.string(), value: z.string() })) })
        .optional(),
      problem: z.string().optional(),
    })
    .optional(),
  callId: z.string(),
  correlation: z.string(),
  /** Of the message it came of: the turns that follow from it have them, too. */
  directives: MessageDirectives.optional(),
});
export type ApprovalRequest = z.infer<typeof ApprovalRequest>;

/** What of strangers had been read before it, whoever asks; in older records what whoever asked was no part of. */
export function heardBefore({
  heard,
  strangers = [],
}: Pick<ApprovalRequest, 'heard' | 'strangers'>): readonly string[] {
  return heard ?? strangers;
}

/** What happens when time is up, one after the other; after the last one, or without any, it expires. */
export const Rung = z.discriminatedUnion('kind', [
  /** These are asked, too, and may decide as well as those before. */
  z.object({ kind: z.literal('escalate'), approvers: Approvers, forMs: z.int() }),
  /** The agent is told this, as if somebody had answered it. */
  z.object({ kind: z.literal('default'), text: z.string() }),
  z.object({ kind: z.literal('approve') }),
]);
export type Rung = z.infer<typeof Rung>;

/** The rules this approval lives by, as they were when it was opened; never looked up again. */
export const ApprovalPolicy = z.object({
  name: z.string(),
  rule: z.string(),
  approvers: Approvers,
  /** How those were called who may decide it by name, by their ids, as far as they were known. */
  called: z.record(z.string(), z.string()).optional(),
  choices: z.array(AnswerChoice),
  /** What an answer has to be one of. Absent: any words. */
  options: z.array(AnswerOption).optional(),
  /** Platforms a yes may come from; a no may come from anywhere. Absent: all. */
  approveFrom: z.array(Platform).optional(),
  /** `enough`: refused only when those who are left cannot agree any more. Absent: by one no. */
  denyRule: z.literal('enough').optional(),
  /** The rule denies it; those who are asked may make an exception, this once. */
  exception: z.literal(true).optional(),
  /** How wide, how long and how often a yes to further calls may be. Absent: there is none. */
  standingYes: z
    .object({ rules: z.array(z.enum(['exact', 'like', 'tool'])), longestMs: z.int(), mostTimes: z.int() })
    .optional(),
  /** After opening, in ms, ascending. */
  remindAfterMs: z.array(z.int()),
  /** So long before every deadline those who are asked are warned. Absent: not. */
  warnBeforeMs: z.int().optional(),
  /** Of reminders that come late after an outage, how many one person gets one by one. Absent: as many as usual. */
  catchUp: z.int().optional(),
  ladder: z.array(Rung).optional(),
  /** Somebody has to have had it in front of them for so long before it expires. */
  minVisibleMs: z.int().optional(),
  /** After opening; no chance given, no outage and no question puts the end off further. */
  hardDeadlineMs: z.int().optional(),
  /** While a question is open the deadline waits, for so long in all. Absent: it does not wait. */
  pauseMs: z.int().optional(),
  /** Name of the policy by which people are called while it waits. */
  escalation: z.string().optional(),
  /** What becomes of it when its requester writes again in its conversation. Absent: nothing. */
  onNewMessage: z.enum(['cancel', 'supersede']).optional(),
  /** How long a yes may wait for its execution. */
  validForMs: z.int(),
  leaseMs: z.int(),
  /** The working hours by which its times were counted, and the zone they are in. Absent: the clock on the wall. */
  hours: z.object({ name: z.string(), zone: z.string() }).optional(),
});
export type ApprovalPolicy = z.infer<typeof ApprovalPolicy>;

export const Decision = z.object({
  choice: z.enum(['approve', 'deny', 'answer']),
  source: z.enum(['human', 'policy', 'timeout', 'grant']),
  digest: z.string(),
  by: z.object({ person: PersonId, name: z.string(), account: AccountId }).optional(),
  via: Platform.optional(),
  /** Those in whose place it counted; absent where the word of whoever said it was enough. */
  insteadOf: z.array(z.object({ person: PersonId, name: z.string().optional() })).optional(),
  text: z.string().optional(),
  /** Which of the options; its label is the text. */
  option: z.string().optional(),
  /** The gesture that decided, so that its redelivery is recognised. */
  key: z.string(),
  atMs: z.int(),
});
export type Decision = z.infer<typeof Decision>;

/** A yes that was not enough by itself, or one of those that were. */
export const Assent = z.object({
  by: z.object({ person: PersonId, name: z.string(), account: AccountId }),
  via: Platform,
  /** At that moment, as are the schedules that named them. */
  roles: z.array(z.string()),
  onCall: z.array(z.string()).optional(),
  /** Of the roles, those that a group of their platform carried, and that nobody can look up later. */
  lent: z.array(z.string()).optional(),
  /** They might not approve, and spoke for others only. */
  mute: z.literal(true).optional(),
  /** Who really said it, in their name; absent: they did. */
  enteredBy: PersonId.optional(),
  standsFor: z
    .array(
      z.object({
        person: PersonId,
        name: z.string().optional(),
        roles: z.array(z.string()),
        onCall: z.array(z.string()).optional(),
        /** Absent in records from before it was kept. */
        way: z.enum(['absence', 'delegation']).optional(),
      }),
    )
    .optional(),
  text: z.string().optional(),
  digest: z.string(),
  key: z.string(),
  atMs: z.int(),
});
export type Assent = z.infer<typeof Assent>;

/** A yes that counted, and counts no more, though nobody took it back. */
export const VoidedAssent = Assent.pick({ by: true, via: true }).extend({
  /**
   *   gone         whoever said it, or entered it for them, is nobody here any more
   *   not-theirs   the account it was said from is theirs no more, or is a program's that speaks for them no more
   *   requester    it turned out to be asked on their behalf
   *   powerless    they may not decide it any more
   */
  why: z.enum(['gone', 'not-theirs', 'requester', 'powerless']),
  atMs: z.int(),
});
export type VoidedAssent = z.infer<typeof VoidedAssent>;

/** A yes to another attempt at a call of unknown outcome. */
export const Consent = Assent.pick({
  via: true,
  roles: true,
  onCall: true,
  lent: true,
  standsFor: true,
  mute: true,
  enteredBy: true,
  atMs: true,
}).extend({
  /** No account: in records from before it was kept. */
  by: z.object({ person: PersonId, name: z.string(), account: AccountId.optional() }),
});
export type Consent = z.infer<typeof Consent>;

/** A question of somebody who was asked, or a reply to it. */
export const Remark = z.object({
  kind: z.enum(['question', 'reply']),
  by: z.object({ person: PersonId, name: z.string() }),
  via: Platform,
  text: z.string(),
  key: z.string(),
  atMs: z.int(),
});
export type Remark = z.infer<typeof Remark>;

/** Somebody who was asked lets somebody else decide in their place. */
export const Delegation = z.object({
  from: PersonId,
  to: PersonId,
  by: PersonId,
  /** How they are called; absent in records from before it was kept. */
  called: z.object({ from: z.string(), to: z.string(), by: z.string() }).optional(),
  /** Roles of `from` at that moment that a group of their platform carried. */
  roles: z.array(z.string()).optional(),
  atMs: z.int(),
});
export type Delegation = z.infer<typeof Delegation>;

/** One place where the card is shown. `ref` once it was sent; `shown` is the face it shows. */
export const CardCopy = z.object({
  id: z.string(),
  to: Address,
  /** The approver this copy is for; absent for the one in the conversation. */
  person: PersonId.optional(),
  /** Approvers who are told of the one in the conversation, by their names on it. */
  named: z.array(PersonId).optional(),
  /** They are not among those who are asked now: off duty, or away. They are not reminded. */
  resting: z.literal(true).optional(),
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
  /** When others come to be asked: a shift or an absence begins or ends. */
  lookAgainMs: z.int().optional(),
  /** Reminders sent so far. */
  reminded: z.int(),
  /** Those who want to be left alone until then, and are reminded at that time. */
  leftAlone: z.array(z.object({ person: PersonId, untilMs: z.int() })).optional(),
  /** When those who are asked are warned of the deadline, if they are still to be. */
  warnMs: z.int().optional(),
  /** Times somebody was asked again to find out about an unknown outcome. */
  nagged: z.int().optional(),
  /** Who has said yes, where more than one has to; in that order, nobody twice. */
  assents: z.array(Assent).optional(),
  /** Whose yes to this counts no more, and why: found when the next word was counted. */
  voided: z.array(VoidedAssent).optional(),
  /** Who has said no, where one no is not enough. */
  dissents: z.array(Assent).optional(),
  /** Somebody had said no, to this as it was before or to what it asks again, and has not unsaid it: no silence is a yes. */
  contested: z.literal(true).optional(),
  /** Who changed the arguments last, and what was asked for first. */
  edited: z
    .object({
      by: z.object({ person: PersonId, name: z.string() }),
      via: Platform,
      from: z.unknown(),
      atMs: z.int(),
    })
    .optional(),
  /** When `request.preview` took the place of what was shown before, because things had changed. */
  refreshedMs: z.int().optional(),
  /** Keys of answers that were given and count no more, so that their redelivery changes nothing. */
  spent: z.array(z.string()).optional(),
  talk: z.array(Remark).optional(),
  /** While a question is open: since when the deadline waits. */
  pausedMs: z.int().optional(),
  /** Beside it, where working hours count: when it has waited as long as it may, and the deadline that leads to. */
  pauseEnds: z.object({ atMs: z.int(), deadlineMs: z.int() }).optional(),
  /** How long it has waited for replies in all. */
  heldUpMs: z.int().optional(),
  delegations: z.array(Delegation).optional(),
  /** Rungs of the ladder that were taken. */
  rung: z.int().optional(),
  /** When somebody could first see it. */
  visibleMs: z.int().optional(),
  /** How much of our own outages the deadline was put off by. */
  creditedMs: z.int().optional(),
  /** Set when a program asked, over the API: it hears the end, where otherwise a conversation is woken. */
  client: z
    .object({
      name: z.string(),
      /** Name of the key it came in with. */
      key: z.string(),
      /** Of the request as it came, so that another one under the same idempotency key is told from a repetition. */
      fingerprint: z.string(),
      /** Whether it claims a permit before it acts; otherwise a yes is handed over to it, and that is the end. */
      permit: z.boolean(),
    })
    .optional(),
  /** The one that ended without effect and was asked again in this one. */
  reopenedFrom: ApprovalId.optional(),
  /** Those that ended in the same write, because this one takes their place. */
  supersedes: z.array(ApprovalId).optional(),
  /** The newer one that took its place. */
  supersededBy: ApprovalId.optional(),
  decision: Decision.optional(),
  validUntilMs: z.int().optional(),
  /** When the yes would have ended, had it not been held. */
  heldFromMs: z.int().optional(),
  execution: z
    .object({
      epoch: z.int(),
      owner: z.string(),
      leaseUntilMs: z.int(),
      attempt: z.int(),
      /** Its cards say that it runs. */
      shown: z.literal(true).optional(),
    })
    .optional(),
  /** Who has said that it may run again, and after which attempt. */
  again: z.object({ about: z.string(), said: z.array(Consent) }).optional(),
  /** `source`: whose words it is, as its tool names them; `trust`: how far they are trusted; absent: its tool's. */
  result: z
    .object({
      status: z.enum(['ok', 'error']),
      text: z.string(),
      atMs: z.int(),
      ...Whose.shape,
    })
    .optional(),
  /** Why it was revoked, cancelled or became unknown. */
  remark: z.string().optional(),
  /** What the one who ran it reported when its outcome had already become unknown. */
  lateReport: z
    .object({
      epoch: z.int(),
      status: z.enum(['ok', 'error']),
      text: z.string(),
      atMs: z.int(),
      ...Whose.shape,
    })
    .optional(),
  /** The person who took it back, asked for something else instead, or found out what had come of it. */
  settledBy: z.object({ person: PersonId, name: z.string(), via: Platform, atMs: z.int() }).optional(),
  copies: z.array(CardCopy),
});
export type Approval = z.infer<typeof Approval>;

/** What happened, as the audit names it. */
export type ApprovalEvent =
  | 'opened'
  | 'assented'
  | 'dissented'
  | 'taken-back'
  | 'edited'
  | 'refreshed'
  | 'asked'
  | 'replied'
  | 'delegated'
  | 'escalated'
  | 'postponed'
  | 'approved'
  | 'held'
  | 'denied'
  | 'answered'
  | 'expired'
  | 'reminded'
  | 'cancelled'
  | 'superseded'
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
  readonly moved?: {
    readonly next: Approval;
    readonly event: ApprovalEvent;
    readonly actor: string;
    /** Those who are not told of it by itself. */
    readonly spared?: ReadonlySet<PersonId>;
    /** Who may decide as well from now on, where nobody of them can be asked. */
    readonly unasked?: Approvers;
  };
  /** The store's own time must be within this window when the step is written, or it is decided anew. */
  readonly window?: { readonly notBeforeMs?: number; readonly beforeMs?: number };
}

/** Whether it waits for people. */
export function isWaiting(state: ApprovalState): boolean {
  return state === 'OPEN' || state === 'NEEDS_INFO';
}

/**
 * Whether somebody has asked something that nobody has replied to: also where time was up meanwhile and others are asked
 * by now. Whoever asked and has said yes since wants no reply.
 */
export function isUnanswered({ state, talk = [], assents = [] }: Approval): boolean {
  const last = talk.at(-1);
  if (!isWaiting(state) || last?.kind !== 'question') return false;
  const isSettled = assents.some(({ by, atMs }) => by.person === last.by.person && atMs > last.atMs);
  return state === 'NEEDS_INFO' || !isSettled;
}

/** Whether somebody said no to it, or to what it came of, and has not unsaid that. */
export function isContested({ state, decision, dissents = [], contested }: Approval): boolean {
  const isDenied = state === 'DENIED' && decision?.source === 'human';
  return contested === true || dissents.length > 0 || isDenied;
}

/** Whether somebody still has to say something to it: decide it, or find out what came of it. */
export function needsWord(state: ApprovalState): boolean {
  return isWaiting(state) || state === 'UNKNOWN';
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

/** When it ends in any case; undefined where nothing says so. */
export function hardDeadlineOf({
  openedMs,
  policy,
}: Pick<Approval, 'openedMs' | 'policy'>): number | undefined {
  return policy.hardDeadlineMs === undefined ? undefined : openedMs + policy.hardDeadlineMs;
}

/** The deadline, as far off as an open question holds it up; where working hours count, as far as it can. */
export function deadlineOf(approval: Approval, nowMs: number): number {
  const { deadlineMs, pausedMs, pauseEnds } = approval;
  if (pausedMs === undefined) return deadlineMs;
  const heldUpMs = Math.min(Math.max(0, nowMs - pausedMs), pauseLeft(approval));
  return capped(approval, pauseEnds?.deadlineMs ?? deadlineMs + heldUpMs);
}

/** Until when an answer is in time, if nothing else happens. */
export function latestOf(approval: Approval): number {
  const { deadlineMs, pausedMs, pauseEnds } = approval;
  return pausedMs === undefined ? deadlineMs : (pauseEnds?.deadlineMs ?? deadlineMs + pauseLeft(approval));
}

/** When an open question no longer holds the deadline up. */
export function endOfPause(approval: Approval): number {
  return approval.pauseEnds?.atMs ?? (approval.pausedMs ?? 0) + pauseLeft(approval);
}

/** The deadline waits for no reply any more. */
export function unpaused({ pausedMs: _, pauseEnds: __, ...approval }: Approval): Approval {
  return approval;
}

/** How long an open question can still hold the deadline up, in ms. */
export function pauseLeft({ policy, heldUpMs = 0 }: Pick<Approval, 'policy' | 'heldUpMs'>): number {
  return Math.max(0, (policy.pauseMs ?? 0) - heldUpMs);
}

/** No later than the hard deadline. */
export function capped(approval: Pick<Approval, 'openedMs' | 'policy'>, ms: number): number {
  return Math.min(ms, hardDeadlineOf(approval) ?? ms);
}

/** Who may decide: those the policy names, and those that were asked further because time was up. */
export function approversOf({ policy, rung = 0 }: Pick<Approval, 'policy' | 'rung'>): Approvers {
  const further = (policy.ladder ?? [])
    .slice(0, rung)
    .flatMap((each) => (each.kind === 'escalate' ? [each.approvers] : []));
  return further.length === 0 ? policy.approvers : { atLeast: 1, of: [policy.approvers, ...further] };
}
