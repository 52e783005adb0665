/**
 * An approval card as a comment: what would happen, in facts, and the exact lines to answer with. Pure.
 *
 * Invariants
 *   1. What a person is to judge is shown whole: what is too long for one comment goes before it, never away.
 *   2. Everything on the card is literal: no text of it is read as markup, so that none can notify, link or pose as
 *      the lines to answer with.
 *   3. A settled card names no lines to answer with; one whose outcome nobody knows those that say it.
 */
import { type Card, ticketOf } from '../../src/domain/card.ts';
import { showHidden } from '../markdown/hidden-characters.ts';
import type { Piece } from '../markdown/pack.ts';
import { escapeWiki, inertCode, MAX_COMMENT_CHARS, mentionOf, packWiki, wikiParagraph } from './wiki.ts';

/** The rest of the comment beside the facts: headline, status, lines to answer with. */
const RESERVED_CHARS = 4_000;
/** Where it stands: as much as the core makes of it, the last question and its reply whole. */
const MAX_REMARK_CHARS = 1_600;
/** A longer value, or one of several lines, stands in a block of its own. */
const MAX_INLINE_CHARS = 300;

const STATE_MARK: Readonly<Record<Card['status']['state'], string>> = {
  open: '⏳',
  approved: '✅',
  executing: '✅',
  executed: '✅',
  failed: '⚠️',
  denied: '⛔',
  answered: '💬',
  expired: '⌛',
  cancelled: '🚫',
  superseded: '🔁',
  revoked: '↩️',
  unknown: '❓',
};

/** The comments of a card, the one with the lines to answer with last. `mentions`: who is to be told. */
export function toCardComments(card: Card, mentions: readonly string[]): string[] {
  const isOpen = card.choices.length > 0 && card.status.state === 'open';
  const heading = isOpen ? `h4. Approval needed: ${literal(card.title)}` : `h4. ${literal(card.title)}`;
  const facts = packWiki(factPieces(card), MAX_COMMENT_CHARS - RESERVED_CHARS);
  const last = [
    ...(isOpen && mentions.length > 0 ? [mentions.map(mentionOf).join(' ')] : []),
    heading,
    facts.at(-1) ?? '',
    ...(card.modelSays === undefined ? [] : [modelSays(card.modelSays)]),
    context(card, isOpen),
    `${STATE_MARK[card.status.state]} *${literal(shortened(card.status.sentence))}*`,
    ...(card.yesElsewhere === undefined ? [] : [literal(card.yesElsewhere)]),
    ...(card.choices.length > 0 ? [howToAnswer(card)] : []),
  ];
  return [...facts.slice(0, -1), last.filter((part) => part !== '').join('\n\n')];
}

function factPieces({ facts, options = [] }: Card): Piece[] {
  const answers = options.map(({ id, label }) => ({ label: `answer ${id}`, value: label }));
  return [...facts, ...answers].flatMap(({ label, value }): Piece[] => {
    const shown = showHidden(value);
    if (shown.length <= MAX_INLINE_CHARS && !shown.includes('\n')) {
      return [{ ...wikiParagraph(`* ${literal(label)}: ${literal(value)}`), gap: '\n' }];
    }
    return [
      { ...wikiParagraph(`* ${literal(label)}:`), gap: '\n' },
      { kind: 'code', text: inertCode(shown), gap: '\n' },
    ];
  });
}

function modelSays(text: string): string {
  const lines = showHidden(text)
    .split('\n')
    // A quote of nothing would be shown as those three characters.
    .map((line) => (line.trim() === '' ? '' : `bq. ${escapeWiki(line)}`));
  return [`_What the assistant says about it (not checked, and not part of the action):_`, ...lines].join(
    '\n',
  );
}

function context(card: Card, isOpen: boolean): string {
  const risk = `${card.risk} risk${card.reversible ? '' : ', cannot be undone'}`;
  const until = isOpen ? ` · decide before ${literal(card.deadlineText)}` : '';
  return `Requested by ${literal(card.requestedBy)} · asked of ${literal(card.askedOf)} · ${risk}${until}`;
}

function howToAnswer(card: Card): string {
  const ticket = ticketOf(card);
  const denies = card.choices.includes('deny') || card.choices.includes('deny-with-reason');
  const lines = [
    ...(card.choices.includes('approve') ? [`approve ${ticket}`] : []),
    ...(denies ? [`deny ${ticket} your reason`] : []),
    ...(card.choices.includes('answer') ? answerLines(card, ticket) : []),
    ...(card.choices.includes('ask') ? [`question ${ticket} what you want to know first`] : []),
    ...(card.choices.includes('edit') ? [`edit ${ticket} name=value`] : []),
    ...(card.choices.includes('always') ? [`always ${ticket} exact 7d 5x`] : []),
    ...FINDINGS.filter((finding) => card.choices.includes(finding)).map((finding) => `${finding} ${ticket}`),
  ];
  return [
    `${card.status.state === 'unknown' ? 'To say what came of it' : 'To decide'}, write a *new* comment here whose first line is one of these; an edited comment decides nothing:`,
    `{noformat}\n${lines.join('\n')}\n{noformat}`,
  ].join('\n');
}

/** With options, a line for each. */
function answerLines({ options }: Card, ticket: string): string[] {
  if (!options) return [`answer ${ticket} your answer, instead of the action`];
  return options.map(({ id }) => `answer ${ticket} ${id}`);
}

/** What came of a call, where nobody knows. */
const FINDINGS = ['happened', 'did-not-happen', 'retry'] as const;

function literal(text: string): string {
  return escapeWiki(showHidden(text).replaceAll('\n', ' '));
}

function shortened(text: string): string {
  return text.length <= MAX_REMARK_CHARS ? text : `${text.slice(0, MAX_REMARK_CHARS - 1)}…`;
}
