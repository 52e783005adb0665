/** What a message of the app may look like (docs.discord.com, Message resource, Create Message). Pure. */
import { z } from 'zod';
import { LegacyComponents, refusedWithV2, V2Components } from './component-rules.ts';
import {
  MAX_ALLOWED_MENTIONS,
  MAX_CONTENT_CHARS,
  MAX_EMBED_AUTHOR_CHARS,
  MAX_EMBED_DESCRIPTION_CHARS,
  MAX_EMBED_FIELD_NAME_CHARS,
  MAX_EMBED_FIELD_VALUE_CHARS,
  MAX_EMBED_FIELDS,
  MAX_EMBED_FOOTER_CHARS,
  MAX_EMBED_TITLE_CHARS,
  MAX_EMBEDS,
  MAX_EMBEDS_TOTAL_CHARS,
  MAX_FILE_DESCRIPTION_CHARS,
  MAX_FILES,
  MAX_NONCE_CHARS,
} from './limits.ts';
import { type FormError, invalidForm, parseForm, Refusal } from './refusal.ts';
import { LINKS, MEDIA, UrlForm } from './url-form.ts';

/** Message flags (Message resource). */
export const SUPPRESS_EMBEDS = 1 << 2;
export const HAS_THREAD = 1 << 5;
export const EPHEMERAL = 1 << 6;
export const LOADING = 1 << 7;
export const SUPPRESS_NOTIFICATIONS = 1 << 12;
export const IS_COMPONENTS_V2 = 1 << 15;

const SnowflakeForm = z.string().regex(/^\d{1,20}$/);

export const AllowedMentions = z
  .object({
    parse: z.array(z.enum(['roles', 'users', 'everyone'])).optional(),
    roles: z.array(SnowflakeForm).max(MAX_ALLOWED_MENTIONS).optional(),
    users: z.array(SnowflakeForm).max(MAX_ALLOWED_MENTIONS).optional(),
    replied_user: z.boolean().nullish(),
  })
  .superRefine(({ parse = [], roles = [], users = [] }, context) => {
    const clash = (kind: 'roles' | 'users') =>
      context.addIssue({
        code: 'custom',
        path: ['parse'],
        message: `parse:["${kind}"] and ${kind}: [ids...] are mutually exclusive.`,
        params: { code: 'MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE' },
      });
    if (parse.includes('roles') && roles.length > 0) clash('roles');
    if (parse.includes('users') && users.length > 0) clash('users');
  });
export type AllowedMentions = z.infer<typeof AllowedMentions>;

const Picture = z.looseObject({ url: UrlForm(MEDIA) });

export const Embed = z.looseObject({
  title: z.string().max(MAX_EMBED_TITLE_CHARS).nullish(),
  description: z.string().max(MAX_EMBED_DESCRIPTION_CHARS).nullish(),
  url: UrlForm(LINKS).nullish(),
  timestamp: z.iso.datetime({ offset: true }).nullish(),
  color: z.int().min(0).max(0xffffff).nullish(),
  footer: z
    .looseObject({ text: z.string().max(MAX_EMBED_FOOTER_CHARS), icon_url: UrlForm(MEDIA).nullish() })
    .nullish(),
  author: z
    .looseObject({
      name: z.string().max(MAX_EMBED_AUTHOR_CHARS),
      url: UrlForm(LINKS).nullish(),
      icon_url: UrlForm(MEDIA).nullish(),
    })
    .nullish(),
  image: Picture.nullish(),
  thumbnail: Picture.nullish(),
  fields: z
    .array(
      z.looseObject({
        name: z.string().min(1).max(MAX_EMBED_FIELD_NAME_CHARS),
        value: z.string().min(1).max(MAX_EMBED_FIELD_VALUE_CHARS),
        inline: z.boolean().optional(),
      }),
    )
    .max(MAX_EMBED_FIELDS)
    .nullish(),
});
export type Embed = z.infer<typeof Embed>;

/** What there is to see of an embed; without any of it there is none. */
const SEEN_IN_EMBED = ['title', 'description', 'fields', 'image', 'thumbnail', 'video', 'author', 'footer'];

const Embeds = z
  .array(Embed)
  .max(MAX_EMBEDS)
  .superRefine((embeds, context) => {
    for (const [index, embed] of embeds.entries())
      if (!SEEN_IN_EMBED.some((part) => (embed[part] ?? '') !== ''))
        context.addIssue({
          code: 'custom',
          path: [index, 'description'],
          message: 'This field is required',
          params: { code: 'BASE_TYPE_REQUIRED' },
        });
    const total = embeds.reduce((sum, embed) => sum + charsOf(embed), 0);
    if (total > MAX_EMBEDS_TOTAL_CHARS)
      context.addIssue({
        code: 'custom',
        path: [],
        message: `Embed size exceeds maximum size of ${MAX_EMBEDS_TOTAL_CHARS}`,
        params: { code: 'MAX_EMBED_SIZE_EXCEEDED' },
      });
  });

const AttachmentForm = z.object({
  id: z.union([z.string(), z.int()]).transform(String),
  filename: z.string().max(1_024).optional(),
  description: z.string().max(MAX_FILE_DESCRIPTION_CHARS).nullish(),
});
export type AttachmentForm = z.infer<typeof AttachmentForm>;

/** Everything but the components, whose rules depend on the flags. */
const BodyForm = z.object({
  content: z.string().max(MAX_CONTENT_CHARS).nullish(),
  embeds: Embeds.nullish(),
  flags: z.int().min(0).nullish(),
  allowed_mentions: AllowedMentions.nullish(),
  attachments: z.array(AttachmentForm).max(MAX_FILES).nullish(),
  components: z.array(z.looseObject({})).nullish(),
  nonce: z.union([z.string().max(MAX_NONCE_CHARS), z.int()]).nullish(),
  enforce_nonce: z.boolean().nullish(),
  tts: z.boolean().nullish(),
  sticker_ids: z.array(SnowflakeForm).max(3).nullish(),
  poll: z.looseObject({}).nullish(),
  message_reference: z
    .looseObject({
      type: z.int().min(0).max(1).optional(),
      message_id: SnowflakeForm,
      channel_id: SnowflakeForm.nullish(),
      guild_id: SnowflakeForm.nullish(),
      fail_if_not_exists: z.boolean().nullish(),
    })
    .nullish(),
});

/** Left out is undefined and null is empty, which an edit must tell apart. */
export type MessageBody = z.infer<typeof BodyForm>;

export interface BodyRules {
  /** Flags that may be set here. */
  readonly flags: number;
  /** Flags the message has already; IS_COMPONENTS_V2 stays once it is there. */
  readonly had?: number;
  /** Files uploaded with the request. */
  readonly files: number;
}

/**
 * @throws {Refusal} 50035 with every field at fault; 50006 for a new message with nothing in it
 */
export function parseNewMessage(body: unknown, rules: BodyRules): MessageBody {
  const parsed = parseBody(body, rules);
  if (isEmpty(parsed) && rules.files === 0) throw emptyMessage();
  return parsed;
}

/** @throws {Refusal} 50035 with every field at fault */
export function parseBody(body: unknown, { flags: allowed, had = 0, files }: BodyRules): MessageBody {
  const parsed = parseForm(BodyForm, body);
  const flags = parsed.flags ?? 0;
  const isV2 = ((flags | had) & IS_COMPONENTS_V2) !== 0;
  const errors: FormError[] = [];
  if ((flags & ~(allowed | had)) !== 0)
    errors.push({ path: ['flags'], code: 'MESSAGE_FLAGS_INVALID', message: 'Invalid message flags' });
  if (isV2) errors.push(...legacyFieldsIn(parsed));
  if ((parsed.attachments ?? []).length > MAX_FILES || files > MAX_FILES)
    errors.push({
      path: ['attachments'],
      code: 'BASE_TYPE_MAX_LENGTH',
      message: `Must be ${MAX_FILES} or fewer in length.`,
    });
  if (errors.length > 0) throw invalidForm(errors);

  const components = isV2 ? V2Components : LegacyComponents;
  parseForm(z.object({ components: components.nullish() }), parsed);
  return parsed;
}

export function emptyMessage(): Refusal {
  return new Refusal(400, 50_006, 'Cannot send an empty message');
}

function isEmpty({ content, embeds, components, sticker_ids: stickers, poll }: MessageBody): boolean {
  return (
    (content ?? '').trim() === '' &&
    (embeds ?? []).length === 0 &&
    (components ?? []).length === 0 &&
    (stickers ?? []).length === 0 &&
    (poll ?? undefined) === undefined
  );
}

function legacyFieldsIn({ content, embeds, poll, sticker_ids: stickers }: MessageBody): FormError[] {
  return [
    ...((content ?? '') === '' ? [] : [refusedWithV2('content')]),
    ...((embeds ?? []).length === 0 ? [] : [refusedWithV2('embeds')]),
    ...((stickers ?? []).length === 0 ? [] : [refusedWithV2('sticker_ids')]),
    ...((poll ?? undefined) === undefined ? [] : [refusedWithV2('poll')]),
  ];
}

function charsOf({ title, description, footer, author, fields }: Embed): number {
  const ofFields = (fields ?? []).map(({ name, value }) => name + value);
  return [title, description, footer?.text, author?.name, ...ofFields].join('').length;
}
