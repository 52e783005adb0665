/**
 * What Slack accepts as blocks and as a modal. Pure: blocks in, the problems Slack would name out.
 *
 * Only what Slack is known to refuse is refused; fields it knows and we do not are let through.
 */
import { z } from 'zod';
import {
  MAX_ACTIONS_ELEMENTS,
  MAX_ALT_TEXT_CHARS,
  MAX_BLOCKS_TOTAL_CHARS,
  MAX_BUTTON_TEXT_CHARS,
  MAX_BUTTON_VALUE_CHARS,
  MAX_CHECK_OPTIONS,
  MAX_CONFIRM_BUTTON_CHARS,
  MAX_CONFIRM_TEXT_CHARS,
  MAX_CONFIRM_TITLE_CHARS,
  MAX_CONTEXT_ELEMENTS,
  MAX_FIELD_CHARS,
  MAX_HEADER_CHARS,
  MAX_ID_CHARS,
  MAX_LABEL_CHARS,
  MAX_MARKDOWN_CHARS,
  MAX_MESSAGE_BLOCKS,
  MAX_MODAL_BLOCKS,
  MAX_MODAL_TITLE_CHARS,
  MAX_OVERFLOW_OPTIONS,
  MAX_PLACEHOLDER_CHARS,
  MAX_PRIVATE_METADATA_CHARS,
  MAX_SECTION_CHARS,
  MAX_SECTION_FIELDS,
  MAX_SELECT_OPTIONS,
  MAX_URL_CHARS,
} from './limits.ts';

/** Any block, as it is stored: its type is known, the rest is Slack's business. */
export const Block = z.looseObject({ type: z.string(), block_id: z.string().optional() });
export type Block = z.infer<typeof Block>;

/** A modal, as it is stored. */
export const View = z.looseObject({
  type: z.literal('modal'),
  callback_id: z.string().max(MAX_ID_CHARS).optional(),
  private_metadata: z.string().max(MAX_PRIVATE_METADATA_CHARS).optional(),
  blocks: z.array(Block).max(MAX_MODAL_BLOCKS),
  notify_on_close: z.boolean().optional(),
});
export type View = z.infer<typeof View>;

export type BlocksVerdict =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'refused'; readonly error: string; readonly problems: readonly string[] };

/** Judges the blocks of one message. */
export function judgeMessageBlocks(blocks: readonly unknown[]): BlocksVerdict {
  const problems = [
    ...tooMany(blocks, MAX_MESSAGE_BLOCKS),
    ...problemsOf(Blocks, blocks, '/blocks'),
    ...sharedIds(blocks),
  ];
  if (problems.length > 0) return { kind: 'refused', error: 'invalid_blocks', problems };
  if (charsOf(blocks) > MAX_BLOCKS_TOTAL_CHARS)
    return { kind: 'refused', error: 'msg_blocks_too_long', problems };
  return { kind: 'accepted' };
}

/** Judges a modal given to views.open or views.update. */
export function judgeView(view: unknown): BlocksVerdict {
  const problems = problemsOf(Modal, view, '/view');
  return problems.length === 0
    ? { kind: 'accepted' }
    : { kind: 'refused', error: 'invalid_arguments', problems };
}

/** Characters of everything in the blocks that a person reads. */
export function charsOf(node: unknown): number {
  if (Array.isArray(node)) return node.reduce<number>((sum, part) => sum + charsOf(part), 0);
  if (typeof node !== 'object' || node === null) return 0;
  return Object.entries(node).reduce(
    (sum, [key, value]) =>
      sum + (key === 'text' && typeof value === 'string' ? value.length : charsOf(value)),
    0,
  );
}

function tooMany(blocks: readonly unknown[], limit: number): string[] {
  return blocks.length > limit ? [`no more than ${limit} items allowed [json-pointer:/blocks]`] : [];
}

function sharedIds(blocks: readonly unknown[]): string[] {
  const ids = blocks.map((block) => Block.safeParse(block).data?.block_id).filter((id) => id !== undefined);
  return ids.length === new Set(ids).size ? [] : ['block_id already exists [json-pointer:/blocks]'];
}

function problemsOf(schema: z.ZodType, value: unknown, pointer: string): string[] {
  const { error } = schema.safeParse(value);
  return (error?.issues ?? []).map(
    ({ message, path }) => `${message} [json-pointer:${[pointer, ...path].join('/')}]`,
  );
}

const id = z.string().min(1).max(MAX_ID_CHARS);
const words = (type: 'plain_text' | 'mrkdwn' | 'either', max: number) =>
  z.looseObject({
    type: type === 'either' ? z.enum(['plain_text', 'mrkdwn']) : z.literal(type),
    text: z
      .string()
      .min(1, 'must be more than 0 characters')
      .max(max, `must be less than ${max + 1} characters`),
  });

const Confirm = z.looseObject({
  title: words('plain_text', MAX_CONFIRM_TITLE_CHARS),
  text: words('either', MAX_CONFIRM_TEXT_CHARS),
  confirm: words('plain_text', MAX_CONFIRM_BUTTON_CHARS),
  deny: words('plain_text', MAX_CONFIRM_BUTTON_CHARS),
});
const Option = z.looseObject({
  text: words('either', MAX_BUTTON_TEXT_CHARS),
  value: z.string().max(MAX_BUTTON_TEXT_CHARS * 2),
});
const Placeholder = words('plain_text', MAX_PLACEHOLDER_CHARS).optional();
const options = (max: number) => z.array(Option).min(1).max(max);

const Element = z.discriminatedUnion('type', [
  z.looseObject({
    type: z.literal('button'),
    text: words('plain_text', MAX_BUTTON_TEXT_CHARS),
    action_id: id.optional(),
    value: z
      .string()
      .max(MAX_BUTTON_VALUE_CHARS, `must be less than ${MAX_BUTTON_VALUE_CHARS + 1} characters`)
      .optional(),
    url: z.string().max(MAX_URL_CHARS).optional(),
    style: z.enum(['primary', 'danger']).optional(),
    confirm: Confirm.optional(),
  }),
  z.looseObject({
    type: z.literal('overflow'),
    action_id: id.optional(),
    options: options(MAX_OVERFLOW_OPTIONS),
  }),
  z.looseObject({
    type: z.literal('static_select'),
    action_id: id.optional(),
    placeholder: Placeholder,
    options: options(MAX_SELECT_OPTIONS).optional(),
  }),
  z.looseObject({ type: z.literal('users_select'), action_id: id.optional(), placeholder: Placeholder }),
  z.looseObject({
    type: z.literal('checkboxes'),
    action_id: id.optional(),
    options: options(MAX_CHECK_OPTIONS),
  }),
  z.looseObject({
    type: z.literal('radio_buttons'),
    action_id: id.optional(),
    options: options(MAX_CHECK_OPTIONS),
  }),
  z.looseObject({ type: z.literal('datepicker'), action_id: id.optional(), placeholder: Placeholder }),
  z.looseObject({
    type: z.literal('plain_text_input'),
    action_id: id.optional(),
    multiline: z.boolean().optional(),
    max_length: z.int().min(1).max(MAX_SECTION_CHARS).optional(),
    placeholder: Placeholder,
  }),
  z.looseObject({ type: z.literal('image'), alt_text: z.string().min(1).max(MAX_ALT_TEXT_CHARS) }),
]);

const ContextElement = z.union([
  words('either', MAX_FIELD_CHARS),
  z.looseObject({ type: z.literal('image'), alt_text: z.string().min(1).max(MAX_ALT_TEXT_CHARS) }),
]);

const blockId = { block_id: id.optional() };
const KnownBlock = z.discriminatedUnion('type', [
  z
    .looseObject({
      type: z.literal('section'),
      ...blockId,
      text: words('either', MAX_SECTION_CHARS).optional(),
      fields: z.array(words('either', MAX_FIELD_CHARS)).min(1).max(MAX_SECTION_FIELDS).optional(),
      accessory: Element.optional(),
    })
    .refine(
      (block) => block.text !== undefined || block.fields !== undefined,
      'missing required field: text or fields',
    ),
  z.looseObject({ type: z.literal('header'), ...blockId, text: words('plain_text', MAX_HEADER_CHARS) }),
  z.looseObject({ type: z.literal('divider'), ...blockId }),
  z.looseObject({
    type: z.literal('context'),
    ...blockId,
    elements: z.array(ContextElement).min(1).max(MAX_CONTEXT_ELEMENTS),
  }),
  z.looseObject({
    type: z.literal('actions'),
    ...blockId,
    elements: z
      .array(Element)
      .min(1)
      .max(MAX_ACTIONS_ELEMENTS, `no more than ${MAX_ACTIONS_ELEMENTS} items allowed`)
      .refine(hasUniqueActionIds, 'action_id already exists'),
  }),
  z.looseObject({
    type: z.literal('image'),
    ...blockId,
    image_url: z.string().max(MAX_URL_CHARS).optional(),
    alt_text: z.string().min(1).max(MAX_ALT_TEXT_CHARS),
  }),
  z.looseObject({ type: z.literal('markdown'), ...blockId, text: z.string().min(1).max(MAX_MARKDOWN_CHARS) }),
  z.looseObject({
    type: z.literal('rich_text'),
    ...blockId,
    elements: z.array(z.looseObject({ type: z.string() })),
  }),
  z.looseObject({
    type: z.literal('input'),
    ...blockId,
    label: words('plain_text', MAX_LABEL_CHARS),
    element: Element,
    optional: z.boolean().optional(),
  }),
]);
const Blocks = z.array(KnownBlock);

const Modal = z
  .looseObject({
    type: z.literal('modal'),
    title: words('plain_text', MAX_MODAL_TITLE_CHARS),
    submit: words('plain_text', MAX_MODAL_TITLE_CHARS).optional(),
    close: words('plain_text', MAX_MODAL_TITLE_CHARS).optional(),
    callback_id: z.string().max(MAX_ID_CHARS).optional(),
    private_metadata: z.string().max(MAX_PRIVATE_METADATA_CHARS).optional(),
    blocks: z.array(KnownBlock).max(MAX_MODAL_BLOCKS),
  })
  .refine(
    (view) => view.submit !== undefined || view.blocks.every((block) => block.type !== 'input'),
    'submit is required when an input block is in the view',
  );

function hasUniqueActionIds(elements: readonly { readonly [field: string]: unknown }[]): boolean {
  const ids = elements.map((element) => element.action_id).filter((actionId) => actionId !== undefined);
  return ids.length === new Set(ids).size;
}
