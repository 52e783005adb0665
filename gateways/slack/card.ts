/**
 * An approval card as Slack blocks, and the modal that asks for words. Pure.
 *
 * Invariants
 *   1. What a person is to judge is shown whole: a value too long for the card goes before it, never away.
 *   2. Everything on the card is literal: no text of it is read as markup, so that none can notify, link or pose as
 *      another part of the card.
 *   3. A settled card has no buttons; one whose outcome nobody knows has those that say it.
 */
import type { types } from '@slack/bolt';
import { type Card, type CardChoice, MOST_SHOWN_OPTIONS } from '../../src/domain/card.ts';
import type { Form, FormBounds, FormField } from '../../src/domain/form.ts';
import { showHidden } from '../markdown/hidden-characters.ts';
import { ACTIONS, FORM_MODAL, MAX_REASON_CHARS, OPTION_ACTION, REASON_MODAL } from './inbound.ts';
import { escapeText } from './mrkdwn.ts';
import type { CardStamp, FormContext, ReasonContext } from './schema.ts';

/** Limits of Block Kit, in characters (docs.slack.dev, Block Kit reference). */
const MAX_HEADER_CHARS = 150;

/**
 * What goes on the card itself, in characters; the rest goes before it. Together below what Slack takes: 50 blocks
 * and about 13,200 characters in all of them (`msg_blocks_too_long`, bolt-js issue 2509).
 */
const MAX_FACTS = 24;
const MAX_TITLE_CHARS = 500;
const MAX_LABEL_CHARS = 100;
const MAX_VALUE_CHARS = 1_500;
const MAX_VALUES_CHARS = 5_000;

/** What may be cut short on the card: it says where things stand, not what is to be judged. */
const MAX_REMARK_CHARS = 1_500;
const MAX_CONTEXT_CHARS = 600;
/** Where it stands: as much as the core makes of it, the last question and its reply whole. */
const MAX_STANDING_CHARS = 1_600;

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

const BUTTONS: Readonly<Record<CardChoice, { text: string; style?: 'primary' | 'danger' }>> = {
  approve: { text: 'Approve', style: 'primary' },
  deny: { text: 'Deny', style: 'danger' },
  'deny-with-reason': { text: 'Deny with reason…' },
  answer: { text: 'Answer…' },
  ask: { text: 'Ask back…' },
  edit: { text: 'Change…' },
  always: { text: 'Always…' },
  happened: { text: 'It ran', style: 'primary' },
  'did-not-happen': { text: 'It did not run' },
  retry: { text: 'Run it again', style: 'danger' },
};

export interface RenderedCard {
  /** Values too long for the card, to be posted before it. Plain text. */
  readonly attachments: readonly { readonly label: string; readonly value: string }[];
  /** For notifications and clients without blocks. Slack markup. */
  readonly text: string;
  readonly blocks: types.KnownBlock[];
}

export function toCard(card: Card): RenderedCard {
  const title = placeTitle(showHidden(card.title));
  const facts = placeFacts(card);
  return {
    attachments: [title, ...facts].filter((placed) => !placed.onCard),
    text: escapeText(shortened(summary(card), MAX_REMARK_CHARS)),
    blocks: [
      ...titleBlocks(title),
      ...factBlocks(facts),
      ...modelSaysBlocks(card.modelSays),
      contextBlock(card),
      statusBlock(card),
      ...(card.yesElsewhere === undefined ? [] : [literal(showHidden(card.yesElsewhere))]),
      ...optionBlocks(card),
      ...(buttonsOf(card).length > 0 ? [actionsBlock(card)] : []),
    ],
  };
}

/** The form behind "Deny with reason…" and "Answer…". */
export function toReasonModal(context: ReasonContext): types.ModalView {
  const deny = context.choice === 'deny';
  return {
    type: 'modal',
    callback_id: REASON_MODAL.id,
    private_metadata: JSON.stringify(context),
    title: plain(deny ? 'Deny with a reason' : 'Answer instead'),
    submit: plain(deny ? 'Deny' : 'Send answer'),
    close: plain('Cancel'),
    blocks: [
      {
        type: 'input',
        block_id: REASON_MODAL.block,
        label: plain(
          deny
            ? 'Why not? The requester will read this.'
            : 'Your answer, used instead of running the action.',
        ),
        element: {
          type: 'plain_text_input',
          action_id: REASON_MODAL.input,
          multiline: true,
          max_length: MAX_REASON_CHARS,
        },
      },
    ],
  };
}

/** What a modal of ours holds: Slack takes 100 blocks, of which one is for words (docs.slack.dev, Block Kit). */
export const FORM_BOUNDS: FormBounds = { fields: 50, chars: MAX_REASON_CHARS };

/** Longest label of an input, hint under it and text of a section, in characters (docs.slack.dev, Block Kit). */
const MAX_FORM_TEXT_CHARS = 2_000;

/** A form that the core made. */
export function toFormModal({ title, words, fields, submit }: Form, context: FormContext): types.ModalView {
  return {
    type: 'modal',
    callback_id: FORM_MODAL.id,
    private_metadata: JSON.stringify(context),
    title: plain(title),
    submit: plain(submit),
    close: plain('Cancel'),
    blocks: [
      literal(shortened(words, MAX_FORM_TEXT_CHARS)),
      ...fields.map((field): types.KnownBlock => toInputBlock(field)),
    ],
  };
}

function toInputBlock({ name, label, value, hint, required, multiline }: FormField): types.KnownBlock {
  return {
    type: 'input',
    block_id: name,
    label: plain(shortened(label, MAX_FORM_TEXT_CHARS)),
    ...(hint === undefined ? {} : { hint: plain(shortened(hint, MAX_FORM_TEXT_CHARS)) }),
    optional: !required,
    element: {
      type: 'plain_text_input',
      action_id: FORM_MODAL.input,
      multiline,
      max_length: MAX_REASON_CHARS,
      ...(value ? { initial_value: value } : {}),
    },
  };
}

function summary(card: Card): string {
  const asked = isOpen(card) ? `Approval needed: ${card.title}` : card.title;
  return showHidden(`${asked} — ${card.status.sentence}`);
}

/** Something to be judged, and whether the card has room for it. */
interface Placed {
  readonly label: string;
  readonly value: string;
  readonly onCard: boolean;
}

function placeTitle(title: string): Placed {
  return { label: 'What is asked', value: title, onCard: title.length <= MAX_TITLE_CHARS };
}

/** The first values that fit stay on the card. */
function placeFacts(card: Card): Placed[] {
  let used = 0;
  return card.facts.map((fact, index) => {
    const [label, value] = [showHidden(fact.label), showHidden(fact.value)];
    const onCard =
      index < MAX_FACTS &&
      label.length <= MAX_LABEL_CHARS &&
      value.length <= MAX_VALUE_CHARS &&
      used + value.length <= MAX_VALUES_CHARS;
    if (onCard) used += value.length;
    return { label, value, onCard };
  });
}

/** A header holds one line; what is longer stands below it. */
function titleBlocks({ value, onCard }: Placed): types.KnownBlock[] {
  if (value.length <= MAX_HEADER_CHARS) return [{ type: 'header', text: plain(value || 'Approval') }];
  const shown = onCard ? value : `${shortened(value, MAX_TITLE_CHARS)} (in full above)`;
  return [{ type: 'header', text: plain('Approval') }, literal(shown)];
}

function factBlocks(facts: readonly Placed[]): types.KnownBlock[] {
  const surplus = facts.slice(MAX_FACTS);
  const blocks = facts.slice(0, MAX_FACTS).map(factBlock);
  return surplus.length === 0 ? blocks : [...blocks, literal(`${surplus.length} more values, in full above`)];
}

/** Name and value side by side. */
function factBlock({ label, value, onCard }: Placed): types.KnownBlock {
  const shown = onCard ? value : `(${value.length} characters, in full above)`;
  return {
    type: 'section',
    fields: [plain(shortened(label, MAX_LABEL_CHARS) || '(unnamed)'), plain(shown || '(empty)')],
  };
}

/** Fenced as data, not markup: there is nothing the model could write that ends this fence. */
function modelSaysBlocks(modelSays: string | undefined): types.KnownBlock[] {
  if (!modelSays) return [];
  const words = shortened(showHidden(modelSays), MAX_REMARK_CHARS);
  return [
    { type: 'context', elements: [plain('The model says about it (its own words, not checked):')] },
    {
      type: 'rich_text',
      elements: [{ type: 'rich_text_preformatted', elements: [{ type: 'text', text: words }] }],
    },
  ];
}

function contextBlock(card: Card): types.KnownBlock {
  const facts = [
    `Requested by ${card.requestedBy}`,
    `asked: ${card.askedOf}`,
    `${card.risk} risk, ${card.reversible ? 'can be undone' : 'cannot be undone'}`,
    ...(isOpen(card) ? [`decide by ${card.deadlineText}`] : []),
  ];
  return { type: 'context', elements: [plain(shortened(showHidden(facts.join(' · ')), MAX_CONTEXT_CHARS))] };
}

/** Whether it is asked to be decided; what came of it can be asked of people, too. */
function isOpen({ choices, status }: Card): boolean {
  return choices.length > 0 && status.state === 'open';
}

function statusBlock({ status }: Card): types.KnownBlock {
  return literal(`${STATE_MARK[status.state]} ${shortened(showHidden(status.sentence), MAX_STANDING_CHARS)}`);
}

function actionsBlock(card: Card): types.KnownBlock {
  const stamp: CardStamp = { approval: card.approvalId, gen: card.gen, digest: card.digest };
  return {
    type: 'actions',
    block_id: `signalbox:${card.approvalId}:${card.gen}`,
    elements: buttonsOf(card).map((choice) => toButton(choice, JSON.stringify(stamp))),
  };
}

/** Where an answer is one of several options, these take the place of its button. */
function buttonsOf({ choices, options }: Card): readonly CardChoice[] {
  return options ? choices.filter((choice) => choice !== 'answer') : choices;
}

/** A button for each of a few, a list for more; what it carries says which. */
function optionBlocks(card: Card): types.KnownBlock[] {
  if (!card.options || !card.choices.includes('answer')) return [];
  const { approvalId: approval, gen, digest } = card;
  const options = card.options.map(({ id, label }) => {
    const stamp: CardStamp = { approval, gen, digest, option: id };
    return { text: plain(showHidden(label)), value: JSON.stringify(stamp) };
  });
  const elements: types.ActionsBlockElement[] =
    options.length <= MOST_SHOWN_OPTIONS
      ? options.map((option, index) => ({
          type: 'button',
          action_id: `${OPTION_ACTION}.${index}`,
          ...option,
        }))
      : [
          {
            type: 'static_select',
            action_id: OPTION_ACTION,
            placeholder: plain('Choose an answer'),
            options,
          },
        ];
  return [{ type: 'actions', block_id: `signalbox:${approval}:${gen}:options`, elements }];
}

function toButton(choice: CardChoice, value: string): types.ActionsBlockElement {
  const { text, style } = BUTTONS[choice];
  return {
    type: 'button',
    action_id: ACTIONS[choice],
    text: plain(text),
    value,
    ...(style ? { style } : {}),
  };
}

function literal(text: string): types.KnownBlock {
  return { type: 'section', text: plain(text) };
}

function shortened(text: string, maxChars: number): string {
  return text.length <= maxChars ? text : `${text.slice(0, maxChars - 1).trimEnd()}…`;
}

/** Plain text means nothing to Slack; `emoji: false` keeps `:white_check_mark:` a word. */
function plain(text: string): types.PlainTextElement {
  return { type: 'plain_text', text, emoji: false };
}
