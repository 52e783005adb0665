/**
 * An approval as a mail: what would happen, in facts, and the exact lines to answer with. Pure.
 *
 * Invariant: nothing the model or a requester wrote begins a line of the text part, so that none of it can pass for
 * the lines to answer with.
 */
import type { ElementContent } from 'hast';
import type { Card } from '../../src/domain/card.ts';
import { dropHidden } from '../markdown/hidden-characters.ts';
import { element } from './html-body.ts';

export interface MailBody {
  readonly text: string;
  readonly html: readonly ElementContent[];
}

interface Choice {
  readonly line: string;
  readonly explanation: string;
}

/** The question, while it is open, or while nobody knows what came of it. `replyTo`: where the answer goes. */
export function questionBody(card: Card, replyTo: string, subject: string): MailBody {
  const choices = choicesOf(card);
  const facts = factsOf(card);
  const says = card.modelSays === undefined ? '' : dropHidden(card.modelSays).trim();
  const how = howToAnswer(card, choices);
  const opening = isUnknown(card)
    ? 'An action was started, and nobody knows whether it happened:'
    : 'An action is waiting for your decision:';

  const text = [
    opening,
    indented(card.title, '    '),
    facts.map(({ label, value }) => `  - ${label}: ${indented(value, '      ').trimStart()}`).join('\n'),
    ...(says === '' ? [] : [`${SAYS_LABEL}\n${indented(says, '  | ')}`]),
    ...(how.before === '' ? [] : [how.before]),
    ...(choices.length === 0 ? [] : [choices.map(({ line }) => line).join('\n'), how.after]),
  ].join('\n\n');

  const html = [
    element('p', [opening]),
    element('p', [element('strong', [card.title])]),
    element(
      'ul',
      facts.map(({ label, value }) => element('li', [`${label}: `, preserved(value)])),
    ),
    ...(says === ''
      ? []
      : [element('p', [SAYS_LABEL]), element('blockquote', [preserved(says)], { style: QUOTE_STYLE })]),
    ...(how.before === '' ? [] : [element('p', [how.before])]),
    ...choices.map(({ line, explanation }) =>
      element('p', [
        element('code', [line]),
        ' ',
        element('a', [explanation], { href: prefilled(replyTo, subject, line) }),
      ]),
    ),
    ...(choices.length === 0 ? [] : [element('p', [how.after])]),
  ];
  return { text, html };
}

/** What became of it, for everybody who was asked. */
export function outcomeBody(card: Card): MailBody {
  const closing = 'Your reply is not needed.';
  return {
    text: [indented(card.title, '    '), oneLine(card.status.sentence), closing].join('\n\n'),
    html: [
      element('p', [element('strong', [card.title])]),
      element('p', [card.status.sentence]),
      element('p', [closing]),
    ],
  };
}

const SAYS_LABEL = 'What the assistant says about it (not checked, and not part of the action):';

const QUOTE_STYLE = 'margin: 0; padding-left: 1em; border-left: 3px solid #bbbbbb; color: #555555';

function factsOf(card: Card): { readonly label: string; readonly value: string }[] {
  return [
    ...card.facts,
    ...(card.options ?? []).map(({ id, label }) => ({ label: `Answer ${id}`, value: label })),
    { label: 'Requested by', value: card.requestedBy },
    { label: 'Asked of', value: card.askedOf },
    { label: 'Risk', value: `${card.risk}${card.reversible ? '' : ', cannot be undone'}` },
    ...(isUnknown(card) ? [] : [deadlineOf(card)]),
    // With all that was asked, replied, changed and said since, and what happens when nobody decides.
    { label: isUnknown(card) ? 'What is known' : 'Where it stands', value: oneLine(card.status.sentence) },
  ];
}

function isUnknown({ status }: Card): boolean {
  return status.state === 'unknown';
}

function deadlineOf(card: Card): { readonly label: string; readonly value: string } {
  return { label: 'Decide before', value: card.deadlineText };
}

/** With options, a line for each. */
function answersOf(options: Card['options'], code: string): Choice[] {
  if (!options) return [{ line: `answer ${code}`, explanation: 'answer in place of the action' }];
  return options.map(({ id, label }) => ({ line: `answer ${code} ${id}`, explanation: oneLine(label) }));
}

function choicesOf({ choices, options, reply }: Card): Choice[] {
  if (!reply) return [];
  const denies = choices.includes('deny') || choices.includes('deny-with-reason');
  return [
    ...(choices.includes('approve')
      ? [{ line: `approve ${reply.approveCode}`, explanation: 'approve' }]
      : []),
    ...(denies ? [{ line: `deny ${reply.denyCode}`, explanation: 'deny' }] : []),
    ...(choices.includes('answer') ? answersOf(options, reply.approveCode) : []),
    ...(choices.includes('ask')
      ? [{ line: `question ${reply.approveCode}`, explanation: 'ask something first' }]
      : []),
    ...(choices.includes('edit')
      ? [{ line: `edit ${reply.approveCode}`, explanation: 'approve with something changed' }]
      : []),
    ...(choices.includes('happened')
      ? [{ line: `happened ${reply.approveCode}`, explanation: 'it ran' }]
      : []),
    ...(choices.includes('did-not-happen')
      ? [{ line: `did-not-happen ${reply.denyCode}`, explanation: 'it did not run' }]
      : []),
    ...(choices.includes('retry')
      ? [{ line: `retry ${reply.approveCode}`, explanation: 'let it run again' }]
      : []),
  ];
}

function howToAnswer(
  card: Card,
  choices: readonly Choice[],
): { readonly before: string; readonly after: string } {
  const elsewhere = card.yesElsewhere === undefined ? [] : [oneLine(card.yesElsewhere)];
  if (choices.length === 0) return { before: elsewhere.join(' '), after: '' };
  const extras = [
    ...(card.choices.includes('deny-with-reason') ? ['A reason may follow the code of a denial.'] : []),
    ...(card.choices.includes('answer') && !card.options ? ['The text of an answer follows its code.'] : []),
    ...(card.choices.includes('ask') ? ['So does a question.'] : []),
    ...(card.choices.includes('edit') ? ['What is to be changed follows as name=value.'] : []),
  ];
  return {
    before: [...elsewhere, 'Reply with one of these lines, as the first line of your mail:'].join(' '),
    after: [
      ...extras,
      isUnknown(card)
        ? 'Anything else changes nothing. Please look first what really happened.'
        : 'Anything else decides nothing.',
    ].join(' '),
  };
}

/** Opens a new mail with the line in it; following it decides nothing. */
function prefilled(replyTo: string, subject: string, line: string): string {
  return `mailto:${encodeURIComponent(replyTo).replace('%40', '@')}?subject=${encodeURIComponent(`Re: ${subject}`)}&body=${encodeURIComponent(line)}`;
}

function indented(text: string, indent: string): string {
  return text
    .split(/\r\n|[\n\r\u2028\u2029]/)
    .map((line) => `${indent}${line}`)
    .join('\n');
}

function preserved(text: string): ElementContent {
  return element('span', [text], { style: 'white-space: pre-wrap' });
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}
