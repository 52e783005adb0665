/**
 * Questions of those who are asked, and replies to them. Pure.
 *
 * While a question is open nobody but the one who put it can say yes; a no is always taken. What of the deadline is
 * left when it is asked is left when it is answered, by the hours the deadline is counted in.
 */
import type { PersonId, Platform } from '../ids.ts';
import { isExcluded, type Known } from './exclusion.ts';
import { pauseOf, resumed } from './pause.ts';
import { type Approval, advance, latestOf, type Remark, type Step } from './record.ts';
import { type Circumstances, NO_CIRCUMSTANCES } from './time.ts';
import { inTime, mayDecide, type Vote, type VoteResult, voterOf } from './voting.ts';

/** Questions about one request, at most: more than that is a conversation, and belongs into one. */
const MOST_QUESTIONS = 10;
/** Of a question, and of a reply, in UTF-16 units: as much as is shown whole on every card. */
const MOST_CHARS = 700;

type Question = Omit<Vote, 'choice' | 'edit' | 'others'>;

/** Somebody who may decide wants to know something first. */
export function ask(
  approval: Approval,
  question: Question,
  nowMs: number,
  circumstances: Circumstances = NO_CIRCUMSTANCES,
): Step<VoteResult> {
  const { talk = [] } = approval;
  if (talk.some(({ key }) => key === question.key)) return { result: { code: 'REPLAY', approval } };
  return inTime(approval, nowMs, circumstances, (current) =>
    putQuestion(current, question, nowMs, circumstances),
  );
}

function putQuestion(
  approval: Approval,
  question: Question,
  nowMs: number,
  circumstances: Circumstances,
): Step<VoteResult> {
  const { talk = [], policy } = approval;
  const { gen, permitted, text, by } = question;
  if (gen !== approval.gen) return { result: { code: 'STALE_CARD', approval } };
  const voter = voterOf(question);
  if (isExcluded(approval, voter)) return { result: { code: 'NOT_ELIGIBLE', approval, reason: 'requester' } };
  if (!permitted || !mayDecide(approval, voter)) {
    return { result: { code: 'NOT_ELIGIBLE', approval, reason: 'not-an-approver' } };
  }
  if (!policy.choices.includes('ask')) return { result: { code: 'NOT_OFFERED', approval } };
  const problem = problemWith(text, talk);
  if (problem !== undefined) return { result: { code: 'INVALID', approval, problem } };

  const next: Approval = {
    ...advance(approval, 'NEEDS_INFO'),
    face: approval.face + 1,
    talk: [...talk, toRemark('question', question, nowMs)],
    ...pauseOf(approval, nowMs, circumstances),
  };
  return {
    result: { code: 'RECORDED', approval: next },
    moved: { next, event: 'asked', actor: by.person },
    window: { beforeMs: latestOf(approval) },
  };
}

export interface Reply {
  readonly key: string;
  readonly by: Known & { readonly name: string };
  readonly via: Platform;
  readonly text: string;
  /** Runs the gateway. */
  readonly operates: boolean;
}

export type ReplyResult =
  | { readonly code: 'RECORDED' | 'REPLAY'; readonly approval: Approval }
  /** Nobody has asked anything, or it is settled. */
  | { readonly code: 'NOT_ASKED' | 'NOT_ELIGIBLE'; readonly approval: Approval }
  | { readonly code: 'INVALID'; readonly approval: Approval; readonly problem: string };

/** One of those on whose behalf it is asked, or somebody who runs the gateway, replies to what was asked back. */
export function reply(
  approval: Approval,
  answer: Reply,
  nowMs: number,
  circumstances: Circumstances = NO_CIRCUMSTANCES,
): Step<ReplyResult> {
  const { talk = [] } = approval;
  if (talk.some(({ key }) => key === answer.key)) return { result: { code: 'REPLAY', approval } };
  if (!isAsked(approval)) return { result: { code: 'NOT_ASKED', approval } };
  if (!isExcluded(approval, answer.by) && !answer.operates) {
    return { result: { code: 'NOT_ELIGIBLE', approval } };
  }
  const problem = problemWithText(answer.text, 'a reply');
  if (problem !== undefined) return { result: { code: 'INVALID', approval, problem } };
  const next: Approval = {
    ...advance(resumed(approval, nowMs, circumstances), 'OPEN'),
    face: approval.face + 1,
    talk: [...talk, toRemark('reply', answer, nowMs)],
  };
  return {
    result: { code: 'RECORDED', approval: next },
    moved: { next, event: 'replied', actor: answer.by.person },
  };
}

/** Whether a question waits for a reply; also when the request waits for others meanwhile, because time was up. */
export function isAsked({ state, talk = [] }: Approval): boolean {
  return state === 'NEEDS_INFO' || (state === 'OPEN' && talk.at(-1)?.kind === 'question');
}

function problemWith(text: string | undefined, talk: readonly Remark[]): string | undefined {
  const problem = problemWithText(text, 'a question');
  if (problem !== undefined) return problem;
  const asked = talk.filter(({ kind }) => kind === 'question').length;
  return asked < MOST_QUESTIONS ? undefined : `${MOST_QUESTIONS} questions were asked already`;
}

function problemWithText(text: string | undefined, what: string): string | undefined {
  if (!text?.trim()) return `${what} needs some text`;
  if (text.length <= MOST_CHARS) return undefined;
  return `${what} has ${MOST_CHARS} characters at most, so that it stands whole on every card; this has ${text.length}`;
}

function toRemark(
  kind: Remark['kind'],
  { by, via, text, key }: Pick<Vote, 'via' | 'key' | 'text'> & { by: { person: PersonId; name: string } },
  atMs: number,
): Remark {
  return { kind, by: { person: by.person, name: by.name }, via, text: text ?? '', key, atMs };
}
