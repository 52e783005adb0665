/**
 * An approval card as Slack blocks, and the modal that asks for words. Pure.
 *
 * Invariants
 *   1. What a person is to judge is shown whole: a value too long for the card goes before it, never away.
 *   2. Everything on the card is literal: no text of it is read as markup, so that none can notify, link or pose as
 *      another part of the card.
 *   3. A settled card has no buttons.
 */
import type { ActionsBlockElement, KnownBlock, ModalView, PlainTextElement } from '@slack/types';
import type { Card, CardChoice } from '../../src/domain/card.ts';
import { showHidden } from '../markdown/hidden-characters.ts';
import { pack } from '../markdown/pack.ts';
import { ACTIONS, MAX_REASON_CHARS, REASON_MODAL } from './inbound.ts';
import { escapeText } from './mrkdwn.ts';
import type { CardStamp, ReasonContext } from './schema.ts';

/** Limits of Block Kit, in characters (docs.slack.dev, Block Kit reference). */
const MAX_HEADER_CHARS = 150;
const MAX_SECTION_CHARS = 3_000;

/**
 * Longest value shown on the card itself, and most of all values together, in characters. Slack refuses a message
 * whose blocks hold more than about 13,200 (`msg_blocks_too_long`, bolt-js issue 2509) or more than 50 blocks.
 */
const MAX_VALUE_CHARS = 1_500;
const MAX_VALUES_CHARS = 6_000;
const MAX_FACTS = 24;
const MAX_MODEL_SAYS_CHARS = 2_500;

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
  revoked: '↩️',
  unknown: '❓',
};

const BUTTONS: Readonly<Record<CardChoice, { text: string; style?: 'primary' | 'danger' }>> = {
  approve: { text: 'Approve', style: 'primary' },
  deny: { text: 'Deny', style: 'danger' },
  'deny-with-reason': { text: 'Deny with reason…' },
  answer: { text: 'Answer…' },
};

export interface RenderedCard {
  /** Values too long for the card, to be posted before it. Plain text. */
  readonly attachments: readonly { readonly label: string; readonly value: string }[];
  /** For notifications and clients without blocks. Slack markup. */
  readonly text: string;
  readonly blocks: KnownBlock[];
}

export function toCard(card: Card): RenderedCard {
  const facts = placeFacts(card);
  const open = card.choices.length > 0;
  return {
    attachments: facts.filter((fact) => !fact.onCard),
    text: escapeText(summary(card)),
    blocks: [
      ...titleBlocks(showHidden(card.title)),
      ...factBlocks(facts),
      ...modelSaysBlocks(card.modelSays),
      contextBlock(card, open),
      statusBlock(card),
      ...(open ? [actionsBlock(card)] : []),
    ],
  };
}

/** The form behind "Deny with reason…" and "Answer…". */
export function toReasonModal(context: ReasonContext): ModalView {
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

function summary(card: Card): string {
  const asked = card.choices.length > 0 ? `Approval needed: ${card.title}` : card.title;
  return showHidden(`${asked} — ${card.status.sentence}`);
}

/** A header holds 150 characters; a longer title is shown whole below it. */
function titleBlocks(title: string): KnownBlock[] {
  if (title.length <= MAX_HEADER_CHARS) return [{ type: 'header', text: plain(title) }];
  return [{ type: 'header', text: plain('Approval needed') }, ...literalBlocks(title)];
}

interface PlacedFact {
  readonly label: string;
  readonly value: string;
  readonly onCard: boolean;
}

/** The first values that fit stay on the card; the rest is put before it. */
function placeFacts(card: Card): PlacedFact[] {
  let used = 0;
  return card.facts.map((fact, index) => {
    const [label, value] = [showHidden(fact.label), showHidden(fact.value)];
    const onCard =
      index < MAX_FACTS && value.length <= MAX_VALUE_CHARS && used + value.length <= MAX_VALUES_CHARS;
    if (onCard) used += value.length;
    return { label, value, onCard };
  });
}

function factBlocks(facts: readonly PlacedFact[]): KnownBlock[] {
  const surplus = facts.slice(MAX_FACTS);
  const blocks = facts.slice(0, MAX_FACTS).map(factBlock);
  return surplus.length === 0 ? blocks : [...blocks, literal(`${surplus.length} more values, in full above`)];
}

/** Name and value side by side. */
function factBlock({ label, value, onCard }: PlacedFact): KnownBlock {
  const shown = onCard ? value : `(${value.length} characters, in full above)`;
  return { type: 'section', fields: [plain(label), plain(shown === '' ? '(empty)' : shown)] };
}

/** Fenced as data, not markup: there is nothing the model could write that ends this fence. */
function modelSaysBlocks(modelSays: string | undefined): KnownBlock[] {
  if (!modelSays) return [];
  const words = showHidden(modelSays);
  const shown = words.length <= MAX_MODEL_SAYS_CHARS ? words : `${words.slice(0, MAX_MODEL_SAYS_CHARS)} […]`;
  return [
    { type: 'context', elements: [plain('The model says about it (its own words, not checked):')] },
    {
      type: 'rich_text',
      elements: [{ type: 'rich_text_preformatted', elements: [{ type: 'text', text: shown }] }],
    },
  ];
}

function contextBlock(card: Card, open: boolean): KnownBlock {
  const facts = [
    `Requested by ${card.requestedBy}`,
    `asked: ${card.askedOf}`,
    `${card.risk} risk, ${card.reversible ? 'can be undone' : 'cannot be undone'}`,
    ...(open ? [`decide by ${card.deadline.replace('T', ' ').replace(/(?:\.\d+)?Z$/, ' UTC')}`] : []),
  ];
  return { type: 'context', elements: [plain(showHidden(facts.join(' · ')))] };
}

function statusBlock({ status }: Card): KnownBlock {
  return literal(`${STATE_MARK[status.state]} ${showHidden(status.sentence)}`);
}

function actionsBlock(card: Card): KnownBlock {
  const stamp: CardStamp = { approval: card.approvalId, gen: card.gen, digest: card.digest };
  return {
    type: 'actions',
    block_id: `signalbox:${card.approvalId}:${card.gen}`,
    elements: card.choices.map((choice) => toButton(choice, JSON.stringify(stamp))),
  };
}

function toButton(choice: CardChoice, value: string): ActionsBlockElement {
  const { text, style } = BUTTONS[choice];
  return {
    type: 'button',
    action_id: ACTIONS[choice],
    text: plain(text),
    value,
    ...(style ? { style } : {}),
  };
}

/** A text of any length as literal blocks. */
function literalBlocks(text: string): KnownBlock[] {
  const parts = pack([{ kind: 'text', text, gap: '\n' }], {
    limit: MAX_SECTION_CHARS,
    sizeOf: (part) => part.length,
    fence: '',
    atoms: /(?!)/g,
  });
  return parts.map(literal);
}

function literal(text: string): KnownBlock {
  return { type: 'section', text: plain(text.slice(0, MAX_SECTION_CHARS)) };
}

/** Plain text means nothing to Slack; `emoji: false` keeps `:white_check_mark:` a word. */
function plain(text: string): PlainTextElement {
  return { type: 'plain_text', text, emoji: false };
}
