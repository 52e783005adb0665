/**
 * What an answer of a person does to an approval that waits for it. Pure.
 *
 *   approve     one yes; enough of them decide
 *   edit        the same, for other arguments: what was said about the earlier ones does not count for these. Where
 *               things have changed since it was asked it is no word: those are shown first, and nothing said before counts
 *   deny        a no; by itself, or where the policy says so, once those who are left cannot agree any more
 *   answer      the person answers instead of the tool
 *   take-back   what they said before is unsaid
 *
 * Invariants
 *   1. One human has one word, in whosever name they say it. Where several are counted, a second one is refused.
 *   2. Whenever a word is counted, what others said before counts only as far as it still may (`validity.ts`).
 *   3. What somebody said themselves is changed by nobody who says something in their name.
 */

import type { AccountId, PersonId, Platform } from '../ids.ts';
import type { AnswerChoice } from '../message.ts';
import { type Authority, isApprover, isQuorum, type Voter } from '../quorum.ts';
import {
  enoughSaid,
  insteadOf,
  isOwn,
  isSecondWord,
  isWordOf,
  toVoter,
  voterIn,
  withWord,
  withYes,
} from './agreement.ts';
import { answerOf, optionOf } from './answer.ts';
import { digestOf } from './digest.ts';
import { isExcluded, type Known } from './exclusion.ts';
import { resumed } from './pause.ts';
import {
  type Approval,
  type ApprovalEvent,
  type ApprovalRequest,
  type ApprovalState,
  type Assent,
  advance,
  approversOf,
  type Decision,
  deadlineOf,
  isContested,
  isWaiting,
  latestOf,
  type Step,
  unpaused,
} from './record.ts';
import { type Circumstances, NO_CIRCUMSTANCES, passDeadline } from './time.ts';
import { type PeopleNow, withoutVoid } from './validity.ts';

/** Other arguments for the same call, checked against the tool's schema and the rules. */
export interface Edit {
  readonly args: unknown;
  /** Of the call with these; absent: as before. */
  readonly nature?: Pick<ApprovalRequest, 'risk' | 'reversible'>;
  /** What that would change. */
  readonly preview?: ApprovalRequest['preview'];
  /** What of strangers stands in it or had been read before, in words for people; absent: as before. */
  readonly heard?: readonly string[];
}

/** Things have changed since it was asked: what the cards are to show before other arguments are agreed to. */
export interface Refresh {
  /** In words. */
  readonly why: string;
  /** What it would change now. */
  readonly preview: NonNullable<ApprovalRequest['preview']>;
}

export interface Vote {
  /** The platform's id of the gesture. */
  readonly key: string;
  readonly choice: Extract<AnswerChoice, 'approve' | 'deny' | 'answer' | 'edit' | 'take-back'>;
  readonly text: string | undefined;
  /** With `edit`; in words why it cannot be, when it does not fit the tool or the rules. */
  readonly edit?: Edit | Refresh | string | undefined;
  readonly gen: number;
  readonly digest: string;
  readonly by: { readonly person: PersonId; readonly name: string; readonly account: AccountId };
  /** Every account of that person now. */
  readonly accounts?: readonly AccountId[] | undefined;
  /** Who really says it, in the name of that person; absent: they do. */
  readonly operator?: Known | undefined;
  /** The roles of that person now, not when they were asked. */
  readonly roles: readonly string[];
  /** Of these, the ones that a group of their platform carries. */
  readonly lent?: readonly string[] | undefined;
  /** The schedules by which they are on call now. */
  readonly onCall?: readonly string[] | undefined;
  /** Those who let them decide in their place, now. */
  readonly standsFor?: Voter['standsFor'];
  /** They may not approve by themselves. */
  readonly mute?: Voter['mute'];
  /** Whether one of those roles may decide approvals at all, now. */
  readonly permitted: boolean;
  readonly via: Platform;
  /** Everybody who could still say yes, now; undefined when nobody can tell. Asked for where one no is not enough. */
  readonly others?: readonly Voter[] | undefined;
}

export type VoteResult =
  | { readonly code: 'DECIDED' | 'REPLAY'; readonly approval: Approval }
  /** It counts, and others are still needed. */
  | { readonly code: 'RECORDED'; readonly approval: Approval }
  /** It does not count: the cards show something else from now on. */
  | { readonly code: 'REFRESHED'; readonly approval: Approval; readonly why: string }
  /** Somebody, or something, was first. */
  | { readonly code: 'ALREADY' | 'LATE'; readonly approval: Approval }
  /** The card that was answered is not the current one. */
  | { readonly code: 'STALE_CARD' | 'CONTENT_CHANGED'; readonly approval: Approval }
  | {
      readonly code: 'NOT_ELIGIBLE';
      readonly approval: Approval;
      /** `has-spoken`: in another name, or in their own; one human is one word. */
      readonly reason: 'requester' | 'not-an-approver' | 'has-spoken';
    }
  | {
      readonly code: 'NOT_ELIGIBLE';
      readonly approval: Approval;
      /** It is said in the name of somebody who has said something else themselves. */
      readonly reason: 'own-word';
      readonly theirs: 'yes' | 'no';
      readonly name: string;
    }
  | { readonly code: 'NOT_OFFERED'; readonly approval: Approval }
  /** This channel does not prove enough for a yes; the sentence says which does. */
  | { readonly code: 'STEP_UP'; readonly approval: Approval }
  | {
      readonly code: 'INVALID';
      readonly approval: Approval;
      readonly problem: string;
      /** A question is open: the same counts once there is a reply. */
      readonly untilReply?: true;
    };

export function vote(
  approval: Approval,
  answer: Vote,
  nowMs: number,
  circumstances: Circumstances = NO_CIRCUMSTANCES,
): Step<VoteResult> {
  if (isKnown(approval, answer.key)) return { result: { code: 'REPLAY', approval } };
  return inTime(approval, nowMs, circumstances, (current) => judge(current, answer, nowMs, circumstances));
}

/** Judges what somebody says, if it is in time. The boundary has one owner: the deadline is applied first. */
export function inTime(
  approval: Approval,
  nowMs: number,
  circumstances: Circumstances,
  judge: (current: Approval) => Step<VoteResult>,
): Step<VoteResult> {
  if (!isWaiting(approval.state)) return { result: tooLate(approval) };
  if (nowMs < deadlineOf(approval, nowMs)) return judge(approval);
  const passed = passDeadline(approval, nowMs, circumstances);
  const { next } = passed.moved;
  if (!isWaiting(next.state)) return { ...passed, result: tooLate(next) };
  const judged = judge(next);
  return judged.moved ? judged : { ...passed, result: judged.result };
}

function tooLate(approval: Approval): VoteResult {
  return { code: approval.state === 'EXPIRED' ? 'LATE' : 'ALREADY', approval };
}

function judge(
  approval: Approval,
  answer: Vote,
  nowMs: number,
  circumstances: Circumstances,
): Step<VoteResult> {
  const refusal = refuse(approval, answer);
  if (refusal) return { result: refusal };
  const moment = { nowMs, circumstances };
  const current = withoutVoid(approval, nowMs, circumstances.people);
  const counted = count(current, answer, moment);
  const question = questionBefore(approval, answer, circumstances.people);
  // What comes to nothing anyhow has to wait for no reply, nor what counts already.
  const isSaid = !counted.moved && counted.result.code === 'RECORDED';
  if (question !== undefined && !isSaid && counted.result.code !== 'NOT_ELIGIBLE') {
    return { result: { code: 'INVALID', approval, problem: question, untilReply: true } };
  }
  // What was said before has changed, though this answer did not change it.
  return current !== approval && isSaid
    ? recorded(current, answer.choice === 'deny' ? 'dissented' : 'assented', answer, moment)
    : counted;
}

function count(approval: Approval, answer: Vote, moment: Moment): Step<VoteResult> {
  const { nowMs } = moment;
  switch (answer.choice) {
    case 'approve':
      return assent(approval, answer, moment, 'assented');
    case 'edit':
      return isRefresh(answer.edit)
        ? refreshed(approval, answer.edit, answer, nowMs)
        : assent(edited(approval, answer, nowMs), answer, moment, 'edited');
    case 'deny':
      return approval.policy.denyRule === 'enough'
        ? dissent(approval, answer, moment)
        : decide(approval, answer, nowMs);
    case 'answer':
      return decide(approval, answer, nowMs);
    case 'take-back':
      return takeBack(approval, answer, moment);
    default:
      return answer.choice satisfies never;
  }
}

/** Whether an answer was given before, whatever has become of it since. */
function isKnown(
  { decision, assents = [], dissents = [], spent = [], talk = [] }: Approval,
  key: string,
): boolean {
  const given = [...assents, ...dissents, ...talk].map((each) => each.key);
  return decision?.key === key || given.includes(key) || spent.includes(key);
}

function refuse(approval: Approval, answer: Vote): VoteResult | undefined {
  const { policy } = approval;
  if (answer.gen !== approval.gen) return { code: 'STALE_CARD', approval };
  if (answer.digest !== approval.digest) return { code: 'CONTENT_CHANGED', approval };
  const voter = voterOf(answer);
  const { operator = voter } = answer;
  if (isExcluded(approval, voter) || isExcluded(approval, operator))
    return { code: 'NOT_ELIGIBLE', approval, reason: 'requester' };
  if (!answer.permitted || !mayDecide(approval, voter)) {
    return { code: 'NOT_ELIGIBLE', approval, reason: 'not-an-approver' };
  }
  const theirs = ownWordAgainst(approval, answer);
  if (theirs) {
    return {
      code: 'NOT_ELIGIBLE',
      approval,
      reason: 'own-word',
      theirs,
      name: theirNameIn(approval, answer),
    };
  }
  if (!policy.choices.includes(answer.choice)) return { code: 'NOT_OFFERED', approval };
  const isYes = answer.choice === 'approve' || answer.choice === 'edit';
  if (isYes && policy.approveFrom && !policy.approveFrom.includes(answer.via)) {
    return { code: 'STEP_UP', approval };
  }
  const problem = problemWith(approval, answer);
  return problem === undefined ? undefined : { code: 'INVALID', approval, problem };
}

/** That somebody else, who is here still, has asked something, of what has to wait for the reply. */
function questionBefore(
  { state, talk }: Approval,
  { choice, by }: Vote,
  people: PeopleNow | undefined,
): string | undefined {
  if (state !== 'NEEDS_INFO' || choice === 'deny' || choice === 'take-back') return undefined;
  const asker = talk?.findLast(({ kind }) => kind === 'question')?.by;
  if (asker?.person === by.person) return undefined;
  if (asker && people && !people.find(asker.person, [])) return undefined;
  return `${asker?.name ?? 'somebody'} has asked a question that nobody has answered yet`;
}

function problemWith(approval: Approval, answer: Vote): string | undefined {
  const { choice, by, text, edit } = answer;
  if (choice === 'answer' && !text?.trim()) return 'an answer needs some text';
  if (choice === 'answer' && approval.policy.options && !optionOf(approval.policy, text)) {
    const known = approval.policy.options.map(({ id, label }) => `${id} (${label})`).join(', ');
    return `the answer has to be one of: ${known}`;
  }
  if (choice === 'edit' && typeof edit !== 'object') return edit ?? 'it is not said what to change';
  if (
    choice === 'edit' &&
    typeof edit === 'object' &&
    !isRefresh(edit) &&
    digestOf({ ...approval.request, args: edit.args }) === approval.digest
  ) {
    return 'nothing was changed; to agree to it as it is, approve it';
  }
  const said = saidOf(approval);
  if (choice === 'take-back' && !said.some((each) => isWordOf(each, by.person))) {
    return 'you have said nothing yet that could be taken back';
  }
  return undefined;
}

/** What somebody has said themselves, where something else is said in their name now. */
function ownWordAgainst(
  { assents = [], dissents = [] }: Approval,
  { by, operator, choice }: Vote,
): 'yes' | 'no' | undefined {
  if (!operator) return undefined;
  const isTheirOwn = (said: Assent) => said.by.person === by.person && isOwn(said);
  if (choice !== 'approve' && assents.some(isTheirOwn)) return 'yes';
  return choice !== 'deny' && dissents.some(isTheirOwn) ? 'no' : undefined;
}

/** As they were called when they said it: whoever says something in their name is called by both. */
function theirNameIn({ assents = [], dissents = [] }: Approval, { by }: Vote): string {
  return [...assents, ...dissents].find((said) => said.by.person === by.person)?.by.name ?? by.name;
}

/** Is this person, with the roles they have now, one of those who decide? Those who asked never are. */
export function mayDecide(approval: Approval, voter: Voter): boolean {
  return !isExcluded(approval, voter) && isApprover(approversOf(approval), voterIn(approval, voter));
}

/** Whether this person's word alone is what the rule asks for; of those who are asked only in case others are silent, none is. */
export function decidesAlone(approval: Approval, voter: Voter): boolean {
  return !isExcluded(approval, voter) && isQuorum(approval.policy.approvers, [voterIn(approval, voter)]);
}

/** Whoever answers, with every account that is known of them. */
export function voterOf({
  by,
  accounts = [],
  ...rights
}: Pick<Vote, 'by' | 'accounts' | 'roles' | 'onCall' | 'standsFor' | 'mute'>): Voter {
  return { ...toVoter({ by, ...rights }), accounts: [by.account, ...accounts] };
}

// ── Yes ──────────────────────────────────────────────────────────────────────────────────────────────────────

/** When something is said, and what is known beside it. */
interface Moment {
  readonly nowMs: number;
  readonly circumstances: Circumstances;
}

function assent(
  approval: Approval,
  answer: Vote,
  moment: Moment,
  event: 'assented' | 'edited',
): Step<VoteResult> {
  const { nowMs } = moment;
  const { assents = [] } = approval;
  const word = toAssent(approval, answer, nowMs);
  if (isSecondWord(saidOf(approval), word)) return { result: hasSpoken(approval) };
  const all = withYes(approval, word);
  const rest = without(approval.dissents, isTheirs(answer));
  const dropped = [...assents.filter((each) => !all.includes(each)), ...rest.dropped];
  const next: Approval = {
    ...approval,
    assents: [...all],
    ...voidedWithout(approval, answer),
    ...(rest.dropped.length > 0 ? { dissents: rest.kept } : {}),
    ...(dropped.length > 0 ? { spent: spentBy(approval, dropped) } : {}),
  };
  if (enoughSaid(next)) {
    // A single yes to what was asked from the beginning is the decision itself.
    const { assents: _, ...alone } = next;
    return decide(assents.length === 0 && event !== 'edited' ? alone : next, answer, nowMs);
  }
  // Who said yes before and says no more than that has changed nothing.
  if (all === assents && dropped.length === 0) return { result: { code: 'RECORDED', approval } };
  return recorded(next, event, answer, moment);
}

/** Whoever says yes anew counts, whatever became of what they said before. */
function voidedWithout({ voided = [] }: Approval, { by }: Vote): Pick<Approval, 'voided'> {
  return voided.length > 0 ? { voided: voided.filter((each) => each.by.person !== by.person) } : {};
}

/** What is asked now is something else: nobody has said anything about it yet. */
function edited({ voided: _, ...approval }: Approval, { edit, by, via }: Vote, nowMs: number): Approval {
  const { request, assents = [], dissents = [] } = approval;
  if (typeof edit !== 'object' || isRefresh(edit)) return approval;
  const { preview: __, ...rest } = request;
  const now = {
    ...rest,
    ...edit.nature,
    args: edit.args,
    ...(edit.preview ? { preview: edit.preview } : {}),
    ...(edit.heard ? { heard: [...edit.heard] } : {}),
  };
  return {
    ...approval,
    gen: approval.gen + 1,
    request: now,
    digest: digestOf(now),
    edited: {
      by: { person: by.person, name: by.name },
      via,
      from: approval.edited ? approval.edited.from : request.args,
      atMs: nowMs,
    },
    assents: [],
    dissents: [],
    ...(isContested(approval) ? { contested: true as const } : {}),
    spent: spentBy(approval, [...assents, ...dissents]),
  };
}

/** What it would change is something else now, and so is what was agreed to: nobody has said anything about that yet. */
function refreshed(
  { voided: _, ...approval }: Approval,
  { why, preview }: Refresh,
  { key, by }: Vote,
  nowMs: number,
): Step<VoteResult> {
  const { state, gen, request, assents = [], dissents = [] } = approval;
  const next: Approval = {
    ...advance(approval, state),
    face: approval.face + 1,
    gen: gen + 1,
    request: { ...request, preview },
    refreshedMs: nowMs,
    assents: [],
    dissents: [],
    ...(isContested(approval) ? { contested: true as const } : {}),
    // Delivered again, it is no yes to what is shown now.
    spent: [...spentBy(approval, [...assents, ...dissents]), key],
  };
  return {
    result: { code: 'REFRESHED', approval: next, why },
    moved: { next, event: 'refreshed', actor: by.person },
    window: { beforeMs: latestOf(approval) },
  };
}

function isRefresh(edit: Vote['edit']): edit is Refresh {
  return typeof edit === 'object' && 'why' in edit;
}

function toAssent(approval: Approval, answer: Vote, atMs: number): Assent {
  const { by, via, text, key, operator, lent = [] } = answer;
  // As they are now: the record does not say whose accounts were whose.
  const { standsFor = [] } = voterIn(approval, voterOf(answer));
  return {
    by,
    via,
    ...rightsOf(answer),
    ...(lent.length > 0 ? { lent: [...lent] } : {}),
    ...(standsFor.length > 0 ? { standsFor: standsFor.map(standingFor) } : {}),
    ...(operator ? { enteredBy: operator.person } : {}),
    ...(text ? { text } : {}),
    digest: approval.digest,
    key,
    atMs,
  };
}

/** Somebody whose place is taken, to be kept with the word of whoever takes it. */
export function standingFor(each: Authority): NonNullable<Assent['standsFor']>[number] {
  const { person, name, way } = each;
  return { person, ...(name ? { name } : {}), ...(way ? { way } : {}), ...rightsOf(each) };
}

/** What their word is worth, to be kept with it. */
export function rightsOf({
  roles,
  onCall = [],
  mute,
}: Pick<Voter, 'roles' | 'onCall' | 'mute'>): Pick<Assent, 'roles' | 'onCall' | 'mute'> {
  return {
    roles: [...roles],
    ...(onCall.length > 0 ? { onCall: [...onCall] } : {}),
    ...(mute ? { mute } : {}),
  };
}

// ── No ───────────────────────────────────────────────────────────────────────────────────────────────────────

/** Where one no is not enough: it ends when those who have not said no could not agree any more. */
function dissent(approval: Approval, answer: Vote, moment: Moment): Step<VoteResult> {
  const { nowMs } = moment;
  const { dissents = [] } = approval;
  const word = toAssent(approval, answer, nowMs);
  if (isSecondWord(saidOf(approval), word)) return { result: hasSpoken(approval) };
  const all = withWord(dissents, word);
  if (all === dissents) return { result: { code: 'RECORDED', approval } };
  const rest = without(approval.assents, isTheirs(answer));
  const dropped = [...dissents.filter((each) => !all.includes(each)), ...rest.dropped];
  const next: Approval = {
    ...approval,
    assents: rest.kept,
    dissents: [...all],
    ...(dropped.length > 0 ? { spent: spentBy(approval, dropped) } : {}),
  };
  if (answer.others && !canStillAgree(next, answer.others)) return decide(next, answer, nowMs);
  return recorded(next, 'dissented', answer, moment);
}

/** Whether those who have said yes, and the others who have not said no, are enough together. */
export function canStillAgree(approval: Approval, others: readonly Voter[]): boolean {
  const { assents = [], dissents = [] } = approval;
  const against = new Set(dissents.map(({ by }) => by.person));
  const left = (voters: readonly Voter[]) =>
    voters
      .filter((voter) => !against.has(voter.person) && !isExcluded(approval, voter))
      .map((voter) => voterIn(approval, voter));
  const [said, now] = [left(assents.map(toVoter)), left(others)];
  // A yes is worth what it was when it was said; whoever is worth more by now can say it anew.
  return [
    [...now, ...said],
    [...said, ...now],
  ].some((all) => isQuorum(approversOf(approval), all));
}

// ── Unsaid ───────────────────────────────────────────────────────────────────────────────────────────────────

function takeBack(approval: Approval, answer: Vote, moment: Moment): Step<VoteResult> {
  const isTheirWord = (each: Assent) => isWordOf(each, answer.by.person);
  const yes = without(approval.assents, isTheirWord);
  const no = without(approval.dissents, isTheirWord);
  const spent = [...spentBy(approval, [...yes.dropped, ...no.dropped]), answer.key];
  const next = { ...approval, assents: yes.kept, dissents: no.kept, spent };
  return recorded(next, 'taken-back', answer, moment);
}

function without(
  said: readonly Assent[] = [],
  isMeant: (each: Assent) => boolean,
): { readonly kept: Assent[]; readonly dropped: Assent[] } {
  return {
    kept: said.filter((each) => !isMeant(each)),
    dropped: said.filter(isMeant),
  };
}

/** In their name. */
function isTheirs({ by: { person } }: Pick<Vote, 'by'>): (each: Assent) => boolean {
  return ({ by }) => by.person === person;
}

/** Every word that stands. */
function saidOf({ assents = [], dissents = [] }: Approval): readonly Assent[] {
  return [...assents, ...dissents];
}

function hasSpoken(approval: Approval): VoteResult {
  return { code: 'NOT_ELIGIBLE', approval, reason: 'has-spoken' };
}

function spentBy({ spent = [] }: Approval, dropped: readonly Assent[]): string[] {
  return [...spent, ...dropped.map(({ key }) => key)];
}

// ── What it comes to ─────────────────────────────────────────────────────────────────────────────────────────

/** It goes on waiting, and everybody sees how far it is. Whoever asked a question and answers needs no reply. */
function recorded(
  approval: Approval,
  event: ApprovalEvent,
  answer: Vote,
  { nowMs, circumstances }: Moment,
): Step<VoteResult> {
  const asker = approval.talk?.findLast(({ kind }) => kind === 'question')?.by.person;
  const needsReply = asker !== answer.by.person || answer.choice === 'take-back';
  const state = approval.state === 'NEEDS_INFO' && needsReply ? 'NEEDS_INFO' : 'OPEN';
  const next: Approval = {
    ...advance(state === 'OPEN' ? resumed(approval, nowMs, circumstances) : approval, state),
    face: approval.face + 1,
  };
  return {
    result: { code: 'RECORDED', approval: next },
    moved: { next, event, actor: answer.by.person },
    window: { beforeMs: latestOf(approval) },
  };
}

function decide(approval: Approval, answer: Vote, nowMs: number): Step<VoteResult> {
  const choice = answer.choice === 'deny' || answer.choice === 'answer' ? answer.choice : 'approve';
  const { text, option } = (choice === 'answer' && answerOf(approval.policy, answer.text)) || {
    text: answer.text,
  };
  const word = toAssent(approval, answer, nowMs);
  const decision: Decision = {
    choice,
    source: 'human',
    digest: approval.digest,
    by: answer.by,
    via: answer.via,
    ...insteadOf(approval, choice === 'approve' ? withYes(approval, word) : [word], answer.by.person),
    ...(text ? { text } : {}),
    ...(option ? { option } : {}),
    key: answer.key,
    atMs: nowMs,
  };
  const next: Approval = {
    ...advance(unpaused(approval), stateAfter(choice)),
    decision,
    ...(choice === 'approve' ? { validUntilMs: nowMs + approval.policy.validForMs } : {}),
  };
  return {
    result: { code: 'DECIDED', approval: next },
    moved: { next, event: eventOf(choice), actor: answer.by.person },
    window: { beforeMs: latestOf(approval) },
  };
}

function stateAfter(choice: Decision['choice']): ApprovalState {
  return choice === 'approve' ? 'APPROVED' : choice === 'deny' ? 'DENIED' : 'ANSWERED';
}

function eventOf(choice: Decision['choice']): ApprovalEvent {
  return choice === 'approve' ? 'approved' : choice === 'deny' ? 'denied' : 'answered';
}
