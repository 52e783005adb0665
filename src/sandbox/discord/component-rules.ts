/**
 * What the components of a message or a modal may look like (docs.discord.com, Component Reference). Pure.
 *
 * Types by number: 1 row, 2 button, 3 string select, 4 text input, 5-8 selects of users, roles, both, channels,
 * 9 section, 10 text, 11 thumbnail, 12 gallery, 13 file, 14 separator, 17 container, 18 label, 19 file upload.
 */
import { z } from 'zod';
import {
  MAX_ACTION_ROWS,
  MAX_BUTTON_LABEL_CHARS,
  MAX_BUTTON_URL_CHARS,
  MAX_CUSTOM_ID_CHARS,
  MAX_FILE_DESCRIPTION_CHARS,
  MAX_FILE_UPLOADS,
  MAX_GALLERY_ITEMS,
  MAX_INPUT_CHARS,
  MAX_INPUT_LABEL_CHARS,
  MAX_INPUT_PLACEHOLDER_CHARS,
  MAX_LABEL_DESCRIPTION_CHARS,
  MAX_MODAL_COMPONENTS,
  MAX_MODAL_TITLE_CHARS,
  MAX_OPTION_CHARS,
  MAX_ROW_BUTTONS,
  MAX_SECTION_TEXTS,
  MAX_SELECT_OPTIONS,
  MAX_SELECT_PLACEHOLDER_CHARS,
  MAX_V2_COMPONENTS,
  MAX_V2_TEXT_CHARS,
} from './limits.ts';
import type { FormError } from './refusal.ts';
import { BUTTONS, UrlForm } from './url-form.ts';

const LINK_BUTTON = 5;
const PREMIUM_BUTTON = 6;

const CustomId = z.string().min(1).max(MAX_CUSTOM_ID_CHARS);
const ComponentId = z.int().min(0).optional();
const Emoji = z.looseObject({ id: z.string().nullish(), name: z.string().nullish() });
const MediaItem = z.looseObject({ url: z.string().min(1).max(2_048) });

export const Button = z
  .object({
    type: z.literal(2),
    id: ComponentId,
    style: z.int().min(1).max(PREMIUM_BUTTON),
    label: z.string().max(MAX_BUTTON_LABEL_CHARS).optional(),
    emoji: Emoji.optional(),
    custom_id: CustomId.optional(),
    sku_id: z.string().optional(),
    url: UrlForm(BUTTONS, MAX_BUTTON_URL_CHARS).optional(),
    disabled: z.boolean().optional(),
  })
  .superRefine(({ style, label = '', emoji, custom_id: customId, url }, context) => {
    const isLink = style === LINK_BUTTON;
    const needsId = style < LINK_BUTTON;
    if (needsId && customId === undefined) fail(context, ['custom_id'], ...REQUIRED);
    if (!needsId && customId !== undefined)
      fail(
        context,
        ['custom_id'],
        'COMPONENT_CUSTOM_ID_NOT_ALLOWED',
        'A custom id is not allowed on this button',
      );
    if (isLink && url === undefined) fail(context, ['url'], ...REQUIRED);
    if (!isLink && url !== undefined)
      fail(context, ['url'], 'BUTTON_URL_NOT_ALLOWED', 'Only link buttons may have a URL');
    if (style !== PREMIUM_BUTTON && label === '' && emoji === undefined)
      fail(context, [], 'BUTTON_COMPONENT_INVALID_EMOJI', 'A label or an emoji is required');
  });
export type Button = z.infer<typeof Button>;

const SelectShared = {
  id: ComponentId,
  custom_id: CustomId,
  placeholder: z.string().max(MAX_SELECT_PLACEHOLDER_CHARS).optional(),
  min_values: z.int().min(0).max(MAX_SELECT_OPTIONS).optional(),
  max_values: z.int().min(1).max(MAX_SELECT_OPTIONS).optional(),
  disabled: z.boolean().optional(),
  required: z.boolean().optional(),
};

const SelectOption = z.object({
  label: z.string().min(1).max(MAX_OPTION_CHARS),
  value: z.string().min(1).max(MAX_OPTION_CHARS),
  description: z.string().max(MAX_OPTION_CHARS).optional(),
  emoji: Emoji.optional(),
  default: z.boolean().optional(),
});

export const StringSelect = z.object({
  type: z.literal(3),
  ...SelectShared,
  options: z
    .array(SelectOption)
    .min(1)
    .max(MAX_SELECT_OPTIONS)
    .superRefine((options, context) => {
      for (const [index, { value }] of options.entries()) {
        if (options.findIndex((option) => option.value === value) < index)
          fail(
            context,
            [index, 'value'],
            'SELECT_COMPONENT_OPTION_VALUE_DUPLICATED',
            'The specified option value is already used',
          );
      }
    }),
});

const EntitySelect = z.object({
  type: z.union([z.literal(5), z.literal(6), z.literal(7), z.literal(8)]),
  ...SelectShared,
  channel_types: z.array(z.int()).optional(),
  default_values: z.array(z.looseObject({ id: z.string() })).optional(),
});

export const TextInput = z.object({
  type: z.literal(4),
  id: ComponentId,
  custom_id: CustomId,
  style: z.int().min(1).max(2),
  label: z.string().min(1).max(MAX_INPUT_LABEL_CHARS).optional(),
  min_length: z.int().min(0).max(MAX_INPUT_CHARS).optional(),
  max_length: z.int().min(1).max(MAX_INPUT_CHARS).optional(),
  required: z.boolean().optional(),
  value: z.string().max(MAX_INPUT_CHARS).optional(),
  placeholder: z.string().max(MAX_INPUT_PLACEHOLDER_CHARS).optional(),
});
export type TextInput = z.infer<typeof TextInput>;

const MessageRow = z
  .object({
    type: z.literal(1),
    id: ComponentId,
    components: z.array(z.discriminatedUnion('type', [Button, StringSelect, EntitySelect])).min(1),
  })
  .superRefine(({ components }, context) => {
    const buttons = components.filter(({ type }) => type === 2).length;
    const most = buttons === components.length ? MAX_ROW_BUTTONS : 1;
    if (components.length > most)
      fail(context, ['components'], 'BASE_TYPE_BAD_LENGTH', `Must be between 1 and ${most} in length.`);
  });

const TextDisplay = z.object({
  type: z.literal(10),
  id: ComponentId,
  content: z.string().min(1).max(MAX_V2_TEXT_CHARS),
});
const Thumbnail = z.object({
  type: z.literal(11),
  id: ComponentId,
  media: MediaItem,
  description: z.string().max(MAX_FILE_DESCRIPTION_CHARS).nullish(),
  spoiler: z.boolean().optional(),
});
const Section = z.object({
  type: z.literal(9),
  id: ComponentId,
  components: z.array(TextDisplay).min(1).max(MAX_SECTION_TEXTS),
  accessory: z.discriminatedUnion('type', [Button, Thumbnail]),
});
const MediaGallery = z.object({
  type: z.literal(12),
  id: ComponentId,
  items: z
    .array(z.looseObject({ media: MediaItem }))
    .min(1)
    .max(MAX_GALLERY_ITEMS),
});
const FileComponent = z.object({
  type: z.literal(13),
  id: ComponentId,
  file: MediaItem,
  spoiler: z.boolean().optional(),
});
const Separator = z.object({
  type: z.literal(14),
  id: ComponentId,
  divider: z.boolean().optional(),
  spacing: z.int().min(1).max(2).optional(),
});
const Container = z.object({
  type: z.literal(17),
  id: ComponentId,
  accent_color: z.int().min(0).max(0xffffff).nullish(),
  spoiler: z.boolean().optional(),
  components: z
    .array(
      z.discriminatedUnion('type', [
        MessageRow,
        Section,
        TextDisplay,
        MediaGallery,
        FileComponent,
        Separator,
      ]),
    )
    .min(1),
});

/** Components of a plain message: rows alone. */
export const LegacyComponents = z
  .array(z.discriminatedUnion('type', [MessageRow]))
  .max(MAX_ACTION_ROWS)
  .superRefine(refuseDuplicates);

/** Components of a message with the flag IS_COMPONENTS_V2. */
export const V2Components = z
  .array(
    z.discriminatedUnion('type', [
      MessageRow,
      Section,
      TextDisplay,
      MediaGallery,
      FileComponent,
      Separator,
      Container,
    ]),
  )
  .superRefine((components, context) => {
    refuseDuplicates(components, context);
    const all = flatten(components);
    if (all.length > MAX_V2_COMPONENTS)
      fail(
        context,
        [],
        'BASE_TYPE_MAX_LENGTH',
        `The maximum number of components is ${MAX_V2_COMPONENTS}, nested ones included.`,
      );
    if (textsIn(components).join('').length > MAX_V2_TEXT_CHARS)
      fail(
        context,
        [],
        'COMPONENT_DISPLAYABLE_TEXT_SIZE_EXCEEDED',
        `The displayable text of all components must be ${MAX_V2_TEXT_CHARS} or fewer in length.`,
      );
  });

const ModalRow = z
  .object({ type: z.literal(1), id: ComponentId, components: z.array(TextInput).length(1) })
  .superRefine(({ components }, context) => {
    if (components[0]?.label === undefined) fail(context, ['components', 0, 'label'], ...REQUIRED);
  });
const FileUpload = z.object({
  type: z.literal(19),
  id: ComponentId,
  custom_id: CustomId,
  min_values: z.int().min(0).max(MAX_FILE_UPLOADS).optional(),
  max_values: z.int().min(1).max(MAX_FILE_UPLOADS).optional(),
  required: z.boolean().optional(),
});
const Label = z
  .object({
    type: z.literal(18),
    id: ComponentId,
    label: z.string().min(1).max(MAX_INPUT_LABEL_CHARS),
    description: z.string().max(MAX_LABEL_DESCRIPTION_CHARS).optional(),
    component: z.discriminatedUnion('type', [TextInput, StringSelect, EntitySelect, FileUpload]),
  })
  .superRefine(({ component }, context) => {
    if (component.type === 4 && component.label !== undefined)
      fail(
        context,
        ['component', 'label'],
        'COMPONENT_LABEL_NOT_ALLOWED',
        'A text input in a label has no label of its own',
      );
  });

export const Modal = z.object({
  custom_id: CustomId,
  title: z.string().min(1).max(MAX_MODAL_TITLE_CHARS),
  components: z
    .array(z.discriminatedUnion('type', [ModalRow, TextDisplay, Label]))
    .min(1)
    .max(MAX_MODAL_COMPONENTS)
    .superRefine(refuseDuplicates),
});
export type Modal = z.infer<typeof Modal>;

export type AnyComponent = Readonly<Record<string, unknown>>;

const Nested = z.looseObject({
  components: z.array(z.looseObject({})).optional(),
  component: z.looseObject({}).optional(),
  accessory: z.looseObject({}).optional(),
});

/** Every component, the nested ones after what holds them. */
export function flatten(components: readonly AnyComponent[]): AnyComponent[] {
  return components.flatMap((component) => {
    const inner = Nested.safeParse(component).data;
    const children = [...(inner?.components ?? []), inner?.component, inner?.accessory];
    return [component, ...flatten(children.filter((child) => child !== undefined))];
  });
}

/** What a reader of these components reads as running text. */
export function textsIn(components: readonly AnyComponent[]): string[] {
  return flatten(components).flatMap(({ type, content }) =>
    type === 10 && typeof content === 'string' ? [content] : [],
  );
}

export function refusedWithV2(path: string): FormError {
  return {
    path: [path],
    code: 'MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2',
    message: 'This field cannot be used with IS_COMPONENTS_V2',
  };
}

const REQUIRED = ['BASE_TYPE_REQUIRED', 'This field is required'] as const;

function refuseDuplicates(components: readonly AnyComponent[], context: z.core.$RefinementCtx): void {
  const seen = new Set<unknown>();
  for (const { custom_id: customId } of flatten(components)) {
    if (customId === undefined) continue;
    if (seen.has(customId))
      fail(
        context,
        [],
        'COMPONENT_CUSTOM_ID_DUPLICATED',
        `Component custom id cannot be duplicated: ${customId}`,
      );
    seen.add(customId);
  }
}

function fail(context: z.core.$RefinementCtx, path: PropertyKey[], code: string, message: string): void {
  context.addIssue({ code: 'custom', path, message, params: { code } });
}
