/**
 * An approval card as a Discord embed with buttons, and the form that asks for words. Pure.
 *
 * Invariants
 *   1. What a person is to judge is shown whole: a value too long for the card goes before it, never away.
 *   2. Everything on the card is literal: no text of it is read as markup, so that none can notify, link or pose as
 *      another part of the card.
 *   3. A settled card has no buttons; one whose outcome nobody knows has those that say it.
 */
import type {
  APIActionRowComponent,
  APIButtonComponentWithCustomId,
  APIEmbed,
  APILabelComponent,
  APIModalInteractionResponseCallbackData,
  APIStringSelectComponent,
} from 'discord.js';
import { type AnswerOption, type Card, type CardChoice, MOST_SHOWN_OPTIONS } from '../../src/domain/card.ts';
import type { Form, FormBounds, FormField } from '../../src/domain/form.ts';
import { showHidden } from '../markdown/hidden-characters.ts';
import { type CardStamp, toCustomId } from './custom-id.ts';
import { escapeText } from './discord-markdown.ts';

/** Longest input of a form, in characters (docs.discord.com, Text Input). */
const MAX_INPUT_CHARS = 4_000;

/** Longest reason taken, in characters: who asked reads it whole on their card, wherever they are. */
export const MAX_REASON_CHARS = 1_000;

/** The one field of the form. */
export const REASON_FIELD = 'words';

/**
 * Limits of embeds, in characters as sent (docs.discord.com, Embed Limits): title 256, name of a field 256, value
 * 1,024, 25 fields, 6,000 in all. What goes on the card stays below all of them together.
 */
const MAX_TITLE_CHARS = 250;
const MAX_LABEL_CHARS = 200;
const MAX_VALUE_CHARS = 1_000;
const MAX_FACTS = 20;
const MAX_FACTS_CHARS = 2_700;

/** Where it stands: room for a reason of `MAX_REASON_CHARS`, escaped, and for who gave it and when. */
const MAX_STANDING_CHARS = 1_600;

/** What may be cut short on the card: it is not what is to be judged. */
const MAX_REMARK_CHARS = 700;
const MAX_CONTEXT_CHARS = 400;

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

/** Colours of the embed's edge: what waits stands out by its risk, what is over is grey. */
const RISK_COLOUR: Readonly<Record<Card['risk'], number>> = {
  low: 0x2e_86de,
  medium: 0xf3_9c12,
  high: 0xc0_392b,
};
const SETTLED_COLOUR = 0x7f_8c8d;

/** Button styles: green, red, grey. */
const BUTTONS: Readonly<Record<CardChoice, { label: string; style: 2 | 3 | 4 }>> = {
  approve: { label: 'Approve', style: 3 },
  deny: { label: 'Deny', style: 4 },
  'deny-with-reason': { label: 'Deny with reason…', style: 2 },
  answer: { label: 'Answer…', style: 2 },
  ask: { label: 'Ask back…', style: 2 },
  edit: { label: 'Change…', style: 2 },
  always: { label: 'Always…', style: 2 },
  happened: { label: 'It ran', style: 3 },
  'did-not-happen': { label: 'It did not run', style: 2 },
  retry: { label: 'Run it again', style: 4 },
};

type ButtonRow = APIActionRowComponent<APIButtonComponentWithCustomId>;
type MenuRow = APIActionRowComponent<APIStringSelectComponent>;

export interface RenderedCard {
  /** Values too long for the card, to be posted before it. Plain text. */
  readonly attachments: readonly { readonly label: string; readonly value: string }[];
  /** For notifications. Discord markdown. */
  readonly content: string;
  readonly embeds: APIEmbed[];
  readonly components: (ButtonRow | MenuRow)[];
}

export function toCard(card: Card): RenderedCard {
  const title = placed('What is asked', card.title, MAX_TITLE_CHARS);
  const facts = placeFacts(card);
  const open = card.choices.length > 0 && card.status.state === 'open';
  const surplus = facts.slice(MAX_FACTS);
  return {
    attachments: [title, ...facts].filter(({ onCard }) => !onCard),
    content: summary(card, title, open),
    embeds: [
      {
        title: shownValue(title),
        description: [
          statusLine(card),
          ...(open ? [deadlineLine(card)] : []),
          ...(card.yesElsewhere === undefined ? [] : [escapeText(showHidden(card.yesElsewhere))]),
        ].join('\n'),
        color: open ? RISK_COLOUR[card.risk] : SETTLED_COLOUR,
        fields: [
          ...facts.slice(0, MAX_FACTS).map(toField),
          ...(surplus.length === 0
            ? []
            : [{ name: 'More', value: `${surplus.length} more values, in full above` }]),
          ...modelSaysField(card.modelSays),
        ],
        footer: { text: contextLine(card) },
      },
    ],
    components: buttonRows(card),
  };
}

/** The form behind "Deny with reason…" and "Answer…". */
export function toReasonModal(stamp: CardStamp): APIModalInteractionResponseCallbackData {
  const deny = stamp.pressed === 'deny-with-reason';
  return {
    custom_id: toCustomId(stamp),
    title: deny ? 'Deny with a reason' : 'Answer instead',
    components: [
      {
        type: 1,
        components: [
          {
            type: 4,
            custom_id: REASON_FIELD,
            style: 2,
            label: deny ? 'Why not? The requester will read this.' : 'Your answer, instead of the action',
            required: true,
            max_length: longestWords(stamp),
          },
        ],
      },
    ],
  };
}

/** What a form of ours holds (docs.discord.com, Text Input); Discord itself takes 40 components in one. */
export const FORM_BOUNDS: FormBounds = { fields: 5, chars: MAX_INPUT_CHARS };

/** In characters (docs.discord.com, Label). */
const MAX_INPUT_LABEL_CHARS = 45;
const MAX_HINT_CHARS = 100;

/** A form that the core made. */
export function toFormModal(
  { title, words, fields }: Form,
  stamp: CardStamp,
): APIModalInteractionResponseCallbackData {
  return {
    custom_id: toCustomId(stamp),
    title,
    components: [{ type: 10, content: escapeText(words) }, ...fields.map(toLabel)],
  };
}

function toLabel({ name, label, value, hint, required, multiline }: FormField): APILabelComponent {
  return {
    type: 18,
    label: cut(showHidden(label), MAX_INPUT_LABEL_CHARS),
    ...(hint === undefined ? {} : { description: cut(showHidden(hint), MAX_HINT_CHARS) }),
    component: {
      type: 4,
      custom_id: name,
      style: multiline ? 2 : 1,
      required,
      max_length: MAX_INPUT_CHARS,
      ...(value ? { value } : {}),
    },
  };
}

function cut(text: string, maxChars: number): string {
  return text.length <= maxChars ? text : `${text.slice(0, maxChars - 1).trimEnd()}…`;
}

/** How much is taken from the form, in characters; an answer is for the agent, which reads all of it. */
export function longestWords({ pressed }: Pick<CardStamp, 'pressed'>): number {
  return pressed === 'answer' ? MAX_INPUT_CHARS : MAX_REASON_CHARS;
}

/** Something to be judged, and whether the card has room for it. */
interface Placed {
  readonly label: string;
  /** Plain, hidden characters made visible. */
  readonly value: string;
  /** As Discord takes it. */
  readonly escaped: string;
  readonly onCard: boolean;
}

function placed(label: string, plain: string, maxChars: number): Placed {
  const value = showHidden(plain);
  const escaped = escapeText(value);
  return { label: showHidden(label), value, escaped, onCard: escaped.length <= maxChars };
}

/** The first values that fit stay on the card. */
function placeFacts(card: Card): Placed[] {
  let used = 0;
  return card.facts.map((fact, index) => {
    const fits = placed(fact.label, fact.value, MAX_VALUE_CHARS);
    const size = fits.escaped.length + escapeText(fits.label).length;
    const onCard =
      fits.onCard &&
      index < MAX_FACTS &&
      escapeText(fits.label).length <= MAX_LABEL_CHARS &&
      used + size <= MAX_FACTS_CHARS;
    if (onCard) used += size;
    return { ...fits, onCard };
  });
}

function shownValue({ value, escaped, onCard }: Placed): string {
  if (onCard) return escaped.trim() === '' ? '(empty)' : escaped;
  return `(${value.length} characters, in full above)`;
}

function toField(fact: Placed): { name: string; value: string } {
  return { name: shortened(fact.label, MAX_LABEL_CHARS).trim() || '(unnamed)', value: shownValue(fact) };
}

function summary(card: Card, title: Placed, open: boolean): string {
  const mark = STATE_MARK[card.status.state];
  return open ? `${mark} **Approval needed:** ${shownValue(title)}` : statusLine(card);
}

function statusLine({ status }: Card): string {
  return `${STATE_MARK[status.state]} ${shortened(showHidden(status.sentence), MAX_STANDING_CHARS)}`;
}

/** In the reader's own time zone, and as a countdown. */
function deadlineLine({ deadline }: Card): string {
  const seconds = Math.floor(Date.parse(deadline) / 1_000);
  return `Decide by <t:${seconds}:f> (<t:${seconds}:R>).`;
}

/** Fenced as data, not markup; what could end the fence is kept apart by a space nobody sees. */
function modelSaysField(modelSays: string | undefined): { name: string; value: string }[] {
  if (!modelSays) return [];
  const words = showHidden(modelSays).replaceAll('`', '`\u200B').slice(0, MAX_REMARK_CHARS);
  return [
    { name: 'The model says about it (its own words, not checked)', value: `\`\`\`\n${words}\n\`\`\`` },
  ];
}

/** A footer is plain text to Discord. */
function contextLine(card: Card): string {
  const facts = [
    `Requested by ${card.requestedBy}`,
    `asked: ${card.askedOf}`,
    `${card.risk} risk, ${card.reversible ? 'can be undone' : 'cannot be undone'}`,
  ];
  const line = showHidden(facts.join(' · '));
  return line.length <= MAX_CONTEXT_CHARS ? line : `${line.slice(0, MAX_CONTEXT_CHARS - 1)}…`;
}

/** Buttons in one row, at most (docs.discord.com, Action Row). */
const MAX_ROW_BUTTONS = 5;

function buttonRows({ choices, options, approvalId, gen, digest }: Card): (ButtonRow | MenuRow)[] {
  const stamp = { approvalId, gen, digest };
  const shown = options ? choices.filter((choice) => choice !== 'answer') : choices;
  const buttons = shown.map((pressed) => ({
    type: 2 as const,
    ...BUTTONS[pressed],
    custom_id: toCustomId({ ...stamp, pressed }),
  }));
  const answers = options && choices.includes('answer') ? [optionRow(options, stamp)] : [];
  return [...answers, ...inRows(buttons)];
}

/** A button for each of a few, a menu for more. */
function optionRow(
  options: readonly AnswerOption[],
  stamp: Pick<CardStamp, 'approvalId' | 'gen' | 'digest'>,
): ButtonRow | MenuRow {
  if (options.length <= MOST_SHOWN_OPTIONS) {
    return {
      type: 1,
      components: options.map(({ id, label }) => ({
        type: 2,
        style: 1,
        label: showHidden(label),
        custom_id: toCustomId({ ...stamp, pressed: 'option', option: id }),
      })),
    };
  }
  return {
    type: 1,
    components: [
      {
        type: 3,
        custom_id: toCustomId({ ...stamp, pressed: 'option' }),
        placeholder: 'Choose an answer',
        options: options.map(({ id, label }) => ({ label: showHidden(label), value: id })),
      },
    ],
  };
}

function inRows(buttons: readonly ButtonRow['components'][number][]): ButtonRow[] {
  const rows = Math.ceil(buttons.length / MAX_ROW_BUTTONS);
  return Array.from({ length: rows }, (_, row) => ({
    type: 1,
    components: buttons.slice(row * MAX_ROW_BUTTONS, (row + 1) * MAX_ROW_BUTTONS),
  }));
}

/** Escaped, and no longer than this; never cut inside an escape. */
function shortened(text: string, maxChars: number): string {
  const escaped = escapeText(text);
  if (escaped.length <= maxChars) return escaped;
  const kept = [...text].slice(0, maxChars);
  while (escapeText(kept.join('')).length > maxChars - 1) kept.pop();
  return `${escapeText(kept.join('').trimEnd())}…`;
}
