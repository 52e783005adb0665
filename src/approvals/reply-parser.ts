/**
 * What a written answer to an approval says. Pure, and unforgiving: whatever is not exactly one of these lines
 * decides nothing.
 *
 *   approve CODE              approve TICKET
 *   deny CODE [reason]        deny TICKET [reason]
 *   answer CODE text          answer TICKET text
 *   edit CODE name=value …    edit TICKET name=value …      yes, with these arguments changed
 *   question CODE text        question TICKET text          something to know first
 *   undo CODE                 undo TICKET                   what was said before is unsaid
 *   happened CODE             happened TICKET              what really came of a call that was started
 *   did-not-happen CODE       did-not-happen TICKET
 *   retry CODE                retry TICKET                 it may run again
 *                             reply TICKET text             to a question, by those on whose behalf it is asked
 *                             always TICKET rule          yes to this one, and to others like it (`domain/grant.ts`)
 *                             delegate TICKET person        let somebody else decide it in one's place
 *                             reassign TICKET person [for other]   the same in the place of another, by an operator
 *   reopen CODE               reopen TICKET                 what ended without effect is asked again
 *                             withdraw TICKET [reason]      by those who asked for it; `cancel` says the same
 *
 * Several tickets after `approve` or `deny` answer several requests: `approve T1 T2 T3`, with the sign that they were
 * read behind them.
 *
 * A code comes with a mail that asks, and belongs to its reply address. A ticket names the approval and what of it
 * was shown; it proves nothing, so it is for platforms that prove who wrote.
 *
 * Invariants
 *   1. Only the first line that is not blank counts. No parser removes quoted text reliably, and the question
 *      itself, which a reply quotes, contains every word and code.
 *   2. A verdict needs a word of a closed list and the code that belongs to that verdict.
 *   3. Nothing may follow an approval. A reason may follow a denial, but no question and no second verdict.
 *   4. Every rendering of a mail (text part, HTML part) must say the same, or nothing is decided.
 *
 * Who wrote it, and whether they may decide, is not here.
 */

import { parseTicket } from '../domain/card.ts';
import type { ApprovalId } from '../domain/ids.ts';
import { withoutEnd } from '../domain/text-end.ts';
import { CODE_SHAPE, REPLY_TOKEN_CHARS, type ReplyCodes } from './reply-token.ts';

export type ParsedReply =
  | { readonly kind: 'approve' }
  | { readonly kind: 'deny'; readonly reason: string }
  | { readonly kind: 'answer'; readonly text: string }
  | { readonly kind: 'question'; readonly text: string }
  | { readonly kind: 'reply'; readonly text: string }
  | { readonly kind: 'always'; readonly text: string }
  /** Names and values as they were written. */
  | { readonly kind: 'edit'; readonly changes: Readonly<Record<string, string>> }
  | { readonly kind: 'undo' }
  /** What somebody found out about a call whose outcome nobody knew. */
  | { readonly kind: 'happened' | 'did-not-happen' | 'retry' }
  /** A person, as `contacts.yaml` names them. */
  | { readonly kind: 'delegate'; readonly to: string }
  /** `from`: in whose place; absent where only one is asked. */
  | { readonly kind: 'reassign'; readonly to: string; readonly from?: string }
  | { readonly kind: 'reopen' }
  | { readonly kind: 'unclear'; readonly why: UnclearReason };

/** Why nothing was decided; the caller finds the words for it. */
export type UnclearReason =
  /** No text at all. */
  | 'empty'
  /** The first line is quoted from an earlier mail. */
  | 'quoted'
  /** The first line holds characters that cannot be seen. */
  | 'hidden-characters'
  | 'too-long'
  /** The first line does not begin with one of the words. */
  | 'no-verdict'
  | 'no-code'
  | 'wrong-code'
  | 'both-codes'
  | 'question'
  /** An approving and a refusing word in one line. */
  | 'two-verdicts'
  /** Something follows an approval. */
  | 'extra-words'
  /** `answer` without saying what. */
  | 'no-text'
  /** `edit` without `name=value`, or with something else. */
  | 'no-changes'
  /** The text part and the HTML part say different things. */
  | 'readings-differ';

/** Longest first line that is read; what an answer may carry (`InboundAnswer.text`). */
const MAX_LINE_CHARS = 4_000;
/** Requests answered by one line, at most: as many as one list shows. */
export const MOST_IN_BATCH = 20;

/** Deliberately without yes, no, ok: "no" agrees in Polish and Czech, "nai" in Greek, "hai" may only mean "I hear you". */
const APPROVING = new Set(
  [
    ['approve', 'approved'],
    ['genehmigt', 'freigeben'],
    ['approuver', "j'approuve"],
    ['aprobar', 'apruebo'],
    ['approvo'],
    ['aprovar'],
    ['goedkeuren'],
    ['zatwierdzam'],
    ['schvaluji'],
    ['одобряю'],
    ['схвалюю'],
    ['onayla'],
    ['承認'],
    ['批准', '同意'],
    ['승인'],
    ['موافق'],
    ['מאשר'],
  ]
    .flat()
    .map(fold),
);

const DENYING = new Set(
  [
    ['deny', 'reject'],
    ['ablehnen'],
    ['refuser'],
    ['rechazar'],
    ['rifiuto'],
    ['recusar', 'rejeitar'],
    ['afwijzen'],
    ['odrzucam'],
    ['zamítám'],
    ['отклоняю'],
    ['відхиляю'],
    ['reddet'],
    ['却下', '否認'],
    ['拒绝'],
    ['거부'],
    ['مرفوض'],
    ['דוחה'],
  ]
    .flat()
    .map(fold),
);

/** Of one language: what follows them matters, not only that they were said. */
const OTHER_WORDS = [
  'answer',
  'edit',
  'question',
  'undo',
  'reply',
  'delegate',
  'always',
  'happened',
  'did-not-happen',
  'retry',
  'reassign',
  'reopen',
] as const;
/** They need no word that a mail could carry: who may say them is known by who writes where. */
const BY_TICKET_ONLY: ReadonlySet<string> = new Set(['reply', 'delegate', 'always', 'reassign']);

/**
 * Reads the answer out of every rendering of a mail's body, quoted text included.
 * `codes` are those of the one question the mail's reply address belongs to.
 */
export function parseReply(readings: readonly string[], codes: ReplyCodes): ParsedReply {
  const [first, ...others] = readings.map((reading) => parseReading(reading, codes));
  return others.reduce<ParsedReply>(agreement, first ?? unclear('empty'));
}

/** What names its approval by a ticket: an answer, or the word of whoever asked that it is to be taken back. */
export type TicketReply = {
  readonly approvalId: ApprovalId;
  readonly gen: number;
} & (
  | { readonly said: ParsedReply; readonly withdraws?: never }
  | { readonly said: Withdrawal; readonly withdraws: true }
);

export type Withdrawal = { readonly kind: 'withdraw'; readonly reason: string } | Unclear;

/** Reads an answer with a ticket out of a message; undefined when its first line is none. */
export function parseTicketReply(text: string): TicketReply | undefined {
  const line = bareLine(text);
  if (line === undefined) return undefined;
  const words = split(line);
  const withdrawal = words ? undefined : withdrawalIn(line);
  const ticket = ticketIn((words ?? withdrawal)?.code ?? '');
  if (!ticket) return undefined;
  const doubt = doubtOfLine(line);
  if (words) return { ...ticket, said: doubt ?? judge(words) };
  const reason = withoutLeadingSeparator(withdrawal?.rest ?? '');
  const asks = isQuestion(line) ? unclear('question') : undefined;
  return { ...ticket, withdraws: true, said: doubt ?? asks ?? { kind: 'withdraw', reason } };
}

function doubtOfLine(line: string): Unclear | undefined {
  if (line.length > MAX_LINE_CHARS) return unclear('too-long');
  return hasHiddenCharacters(line) ? unclear('hidden-characters') : undefined;
}

/** No answer: it is said by those who asked, to whom no mail has brought a code. */
function withdrawalIn(line: string): Pick<Line, 'code' | 'rest'> | undefined {
  const [, word = '', code = '', rest = ''] = /^(\S+)\s+(\S+)\s*(.*)$/u.exec(line) ?? [];
  return isWithdrawing(word) ? { code, rest: rest.trim() } : undefined;
}

/** Whether a word that stands first takes back what was asked for. */
export function isWithdrawing(word: string): boolean {
  return WITHDRAWING.has(fold(word));
}

const WITHDRAWING: ReadonlySet<string> = new Set(['withdraw', 'cancel']);

/** An answer to several requests. */
export interface BatchReply {
  /** Each once, in the order they were named. */
  readonly tickets: readonly Pick<TicketReply, 'approvalId' | 'gen'>[];
  readonly said: Extract<ParsedReply, { kind: 'approve' | 'deny' | 'unclear' }>;
  /** What may be the sign that all of them were read. */
  readonly sign: string | undefined;
  /** Why not, should that be no sign, but the first word of it. */
  readonly unsigned: string;
}

/** Reads an answer to several requests; undefined when the first line names fewer than two. */
export function parseBatchReply(text: string): BatchReply | undefined {
  const line = bareLine(text);
  const [, word = '', rest = ''] = /^(\S+)\s+(.*)$/u.exec(line ?? '') ?? [];
  const verdict = verdictOf(word);
  if (line === undefined || (verdict !== 'approve' && verdict !== 'deny')) return undefined;
  const names = [...rest.matchAll(/[^\s,]+/gu)];
  const end = names.findIndex(([each]) => ticketIn(each) === undefined);
  const named = (end === -1 ? names : names.slice(0, end)).flatMap(([each]) => ticketIn(each) ?? []);
  const tickets = [...new Map(named.map((each) => [each.approvalId, each])).values()];
  if (tickets.length < 2 && named.length < 2 && !SIGN.test(names[1]?.[0] ?? '')) return undefined;
  const behind = end === -1 ? '' : rest.slice(names[end]?.index).trimEnd();
  const [first = '', others = ''] = /^(\S+)\s*(.*)$/u.exec(behind)?.slice(1) ?? [];
  const sign = SIGN.test(first) ? first : undefined;
  const words = sign === undefined ? behind : others;
  const said = batchVerdict({ verdict, rest: words, line, count: tickets.length });
  return { tickets, said, sign, unsigned: withoutLeadingSeparator(behind) };
}

/** A ticket, whatever stands right behind it. */
function ticketIn(word: string): ReturnType<typeof parseTicket> {
  return parseTicket(withoutEnd(word, /[.!,;:?。、…\p{C}]/u));
}

const SIGN = /^[3479CDFHJKMNPQRTVWXY]{4}$/;

function batchVerdict({
  verdict,
  rest,
  line,
  count,
}: Pick<Line, 'rest' | 'line'> & { verdict: 'approve' | 'deny'; count: number }): BatchReply['said'] {
  if (line.length > MAX_LINE_CHARS || count > MOST_IN_BATCH) return { kind: 'unclear', why: 'too-long' };
  if (hasHiddenCharacters(line)) return { kind: 'unclear', why: 'hidden-characters' };
  if (isQuestion(line)) return { kind: 'unclear', why: 'question' };
  if (verdict === 'deny') return { kind: 'deny', reason: withoutLeadingSeparator(rest) };
  return rest === '' ? { kind: 'approve' } : { kind: 'unclear', why: 'extra-words' };
}

/**
 * A text without codes that stand behind a word that decides, and without reply addresses: what is left of a request
 * mail that was forwarded, or answered past its reply address.
 */
export function hideReplySecrets(text: string): string {
  return text.replaceAll(TOKEN, '$1[hidden]').replaceAll(WORD_AND_CODE, (found, word: string, gap: string) =>
    // Of a word with hyphens only its end is read here.
    verdictOf(word) || fold(word) === 'happen' ? `${word}${gap}[code hidden]` : found,
  );
}

/** Behind the `+` of an address, or in the tag of a subject. */
const TOKEN = new RegExp(`(\\+|%2B|\\[#)[a-z2-7]{${REPLY_TOKEN_CHARS}}(?![a-z0-9])`, 'gi');
/** Bounded, and begun at the beginning of a word only, so that its time grows with the length of the text alone. */
const WORD_AND_CODE = new RegExp(
  `(?<![\\p{L}\\p{M}'’])([\\p{L}\\p{M}'’]{1,24})([^\\p{L}\\p{N}]{1,8})${CODE_SHAPE}(?![\\p{L}\\p{N}])`,
  'giu',
);

/** The first line. Tickets are copied out of markdown, with what marks them as code. */
function bareLine(text: string): string | undefined {
  const line = firstLine(text)?.trim();
  return line && withoutCodeMarks(line).replace(/^[/!]/u, '');
}

/** As many of them as stand at both ends, around something. */
function withoutCodeMarks(line: string): string {
  const [opening = ''] = /^`*/.exec(line) ?? [];
  const closing = line.length - withoutEnd(line, /`/).length;
  const marks = Math.max(0, Math.min(opening.length, closing, Math.ceil(line.length / 2) - 1));
  return line.slice(marks, line.length - marks);
}

function parseReading(reading: string, codes: ReplyCodes): ParsedReply {
  const raw = firstLine(reading);
  if (raw === undefined) return unclear('empty');
  if (raw.length > MAX_LINE_CHARS) return unclear('too-long');
  if (hasHiddenCharacters(raw)) return unclear('hidden-characters');

  const line = raw.normalize('NFKC').trim();
  if (line.startsWith('>')) return unclear('quoted');

  const found = split(line);
  return found ? (doubtOf(found, codes) ?? judge(found)) : unclear('no-verdict');
}

/** Undefined when the line does not begin with one of the words. */
function split(line: string): Line | undefined {
  const [, word = '', afterWord = ''] = /^(\S+)\s*(.*)$/u.exec(line) ?? [];
  const [, code = '', rest = ''] = /^(\S+)\s*(.*)$/u.exec(afterWord) ?? [];
  const verdict = verdictOf(word);
  return verdict && { verdict, code: withoutTrailingPunctuation(code), rest: rest.trim(), line };
}

interface Line {
  readonly verdict: 'approve' | 'deny' | (typeof OTHER_WORDS)[number];
  readonly code: string;
  readonly rest: string;
  readonly line: string;
}

/** What is wrong with the codes of a line, if anything is. */
function doubtOf({ verdict, code, line }: Line, codes: ReplyCodes): ParsedReply | undefined {
  const words = wordsOf(line);
  if (words.has(fold(codes.approveCode)) && words.has(fold(codes.denyCode))) return unclear('both-codes');
  if (isVerdict(verdict) && isQuestion(line)) return unclear('question');
  if (BY_TICKET_ONLY.has(verdict)) return unclear('no-verdict');
  if (code === '') return unclear('no-code');
  // An answer stands in for the result of the action, so it takes the code of an approval.
  const isNo = verdict === 'deny' || verdict === 'did-not-happen';
  const expected = isNo ? codes.denyCode : codes.approveCode;
  return fold(code) === fold(expected) ? undefined : unclear('wrong-code');
}

function judge({ verdict, rest, line }: Line): ParsedReply {
  if (isVerdict(verdict) && isQuestion(line)) return unclear('question');
  switch (verdict) {
    case 'approve':
      return withoutTrailingPunctuation(rest) === '' ? { kind: 'approve' } : unclear('extra-words');
    case 'deny':
      return [...wordsOf(line)].some((word) => APPROVING.has(word))
        ? unclear('two-verdicts')
        : { kind: 'deny', reason: withoutLeadingSeparator(rest) };
    case 'answer':
    case 'question':
    case 'reply': {
      const text = withoutLeadingSeparator(rest);
      return text === '' ? unclear('no-text') : { kind: verdict, text };
    }
    case 'edit': {
      const changes = changesIn(rest);
      return changes ? { kind: 'edit', changes } : unclear('no-changes');
    }
    case 'always':
      return { kind: 'always', text: rest };
    case 'undo':
    case 'reopen':
    case 'happened':
    case 'did-not-happen':
    case 'retry':
      return withoutTrailingPunctuation(rest) === '' ? { kind: verdict } : unclear('extra-words');
    case 'reassign': {
      const [, to, from] =
        /^(?:to )?@?(\S+?)(?: for @?(\S+?))?$/iu.exec(withoutTrailingPunctuation(rest)) ?? [];
      if (to === undefined) return unclear(rest === '' ? 'no-text' : 'extra-words');
      return { kind: 'reassign', to, ...(from === undefined ? {} : { from }) };
    }
    case 'delegate': {
      const to = withoutTrailingPunctuation(rest).replace(/^(?:to )?@?/u, '');
      return /^\S+$/u.test(to) ? { kind: 'delegate', to } : unclear(to === '' ? 'no-text' : 'extra-words');
    }
    default:
      return verdict satisfies never;
  }
}

/** Words whose mere presence in a question must not decide. */
function isVerdict(verdict: Line['verdict']): boolean {
  return VERDICTS.has(verdict);
}

const VERDICTS: ReadonlySet<Line['verdict']> = new Set([
  'approve',
  'deny',
  'happened',
  'did-not-happen',
  'retry',
]);

/** `amount=40 reason="two of three"`; undefined when there is anything else, or a name twice. */
function changesIn(rest: string): Readonly<Record<string, string>> | undefined {
  const changes = new Map<string, string>();
  const left = rest.replaceAll(
    /(?<![\p{L}\p{N}_-])([\p{L}_][\p{L}\p{N}_-]*)\s*=\s*(?:"([^"]*)"|“([^”]*)”|(\S+))\s*(?:,\s+|\s|,?$)/gu,
    (found, name: string, quoted?: string, curly?: string, bare?: string) => {
      if (changes.has(name)) return found;
      changes.set(name, quoted ?? curly ?? bare?.replace(/,$/u, '') ?? '');
      return '';
    },
  );
  return changes.size > 0 && left.trim() === '' ? Object.fromEntries(changes) : undefined;
}

/** What a word says that stands first; undefined for any other. */
export function verdictOf(word: string): Line['verdict'] | undefined {
  const folded = fold(word);
  if (APPROVING.has(folded)) return 'approve';
  if (DENYING.has(folded)) return 'deny';
  return OTHER_WORDS.find((other) => other === folded);
}

/** Two readings of one mail. A text part is wrapped where the HTML part goes on, so one may say more of the same. */
function agreement(one: ParsedReply, other: ParsedReply): ParsedReply {
  if (one.kind === 'unclear') return one;
  if (other.kind === 'unclear') return other;
  if (one.kind === 'approve' && other.kind === 'approve') return one;
  if (one.kind === 'deny' && other.kind === 'deny') {
    const reason = longerOfSame(one.reason, other.reason);
    return reason === undefined ? unclear('readings-differ') : { kind: 'deny', reason };
  }
  if ('text' in one && 'text' in other && one.kind === other.kind) {
    const text = longerOfSame(one.text, other.text);
    return text === undefined ? unclear('readings-differ') : { kind: one.kind, text };
  }
  // Nothing may be wrapped away of what is to be run.
  if (JSON.stringify(one) === JSON.stringify(other)) return one;
  return unclear('readings-differ');
}

function longerOfSame(one: string, other: string): string | undefined {
  const [short, long] = [oneSpaced(one), oneSpaced(other)].sort((a, b) => a.length - b.length);
  if (short === undefined || long === undefined) return undefined;
  const wrapped = short !== '' && long.startsWith(`${short} `);
  return long === short || wrapped ? long : undefined;
}

function firstLine(reading: string): string | undefined {
  return reading.split(/\r\n|[\n\r\u0085\u2028\u2029]/u).find((line) => line.trim() !== '');
}

/** Control, format, surrogate, private and ignorable characters; a tab is a blank. */
function hasHiddenCharacters(line: string): boolean {
  return /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Default_Ignorable_Code_Point}]/u.test(line.replaceAll('\t', ' '));
}

/** Question marks of every script that has its own. */
function isQuestion(line: string): boolean {
  return /[?\u00bf\u037e\u0589\u055e\u061f\u203d\u2e2e\ua60f]/u.test(line);
}

function wordsOf(line: string): Set<string> {
  return new Set(
    line
      .split(/[^\p{L}\p{M}\p{N}'’]+/u)
      .filter((word) => word !== '')
      .map(fold),
  );
}

function withoutTrailingPunctuation(text: string): string {
  return withoutEnd(text, /[\s.!,;:。、…]/u);
}

function withoutLeadingSeparator(text: string): string {
  return text.replace(/^[\s\-–—:,;.]+/u, '');
}

function oneSpaced(text: string): string {
  return text.replace(/\s+/gu, ' ').trim();
}

function fold(word: string): string {
  return word.normalize('NFKC').replaceAll('’', "'").toLowerCase();
}

type Unclear = Extract<ParsedReply, { kind: 'unclear' }>;

function unclear(why: UnclearReason): Unclear {
  return { kind: 'unclear', why };
}
