/** The parts of Slack's payloads that we read. What we do not read may have any shape. */
import { z } from 'zod';
import { FORM_CHOICES } from '../../src/domain/form.ts';
import { ApprovalId } from '../../src/domain/ids.ts';

/** `U024BE7LH`, `C0GENERAL`, `T0SANDBOX`; upper-case letters and digits by Slack's own promise. */
export const SlackId = z.string().regex(/^[A-Z0-9][A-Z0-9_]{0,63}$/, 'not a Slack id');
export type SlackId = z.infer<typeof SlackId>;

/** `1712345678.000100`: when, and at the same time which message of its channel. */
export const SlackTs = z.string().regex(/^\d{1,11}\.\d{1,9}$/, 'not a Slack timestamp');

const optional = <Schema extends z.ZodType>(schema: Schema) =>
  schema.nullish().transform((value) => value ?? undefined);

/** Who speaks from where. A bot's message may have no user, a foreign person's has their own team. */
const Author = {
  user: optional(SlackId),
  bot_id: optional(SlackId),
  app_id: optional(SlackId),
  team: optional(SlackId),
  user_team: optional(SlackId),
  source_team: optional(SlackId),
};

/** A file as an event or files.info tells of it. One in a shared channel may be an id and nothing else. */
export const SlackFile = z.object({
  id: optional(SlackId).catch(undefined),
  name: optional(z.string()).catch(undefined),
  title: optional(z.string()).catch(undefined),
  mimetype: optional(z.string()).catch(undefined),
  size: optional(z.int().nonnegative()).catch(undefined),
  /** `hosted`, `snippet`, `external`; `tombstone` and `hidden_by_limit` are gone. */
  mode: optional(z.string()).catch(undefined),
  url_private: optional(z.string()).catch(undefined),
  url_private_download: optional(z.string()).catch(undefined),
});
export type SlackFile = z.infer<typeof SlackFile>;

const OlderMessage = z.object({
  ...Author,
  ts: SlackTs,
  thread_ts: optional(SlackTs),
  text: optional(z.string()),
  edited: optional(z.object({ user: optional(SlackId), ts: SlackTs })),
});

/** What kind of `message` it is, readable whatever the rest looks like. */
export const EventKind = z.object({ event: z.object({ subtype: optional(z.string()) }) });

/** `message` and `app_mention`. */
export const MessageEvent = z.object({
  ...Author,
  type: z.enum(['message', 'app_mention']),
  subtype: optional(z.string()),
  channel: SlackId,
  ts: SlackTs,
  thread_ts: optional(SlackTs),
  parent_user_id: optional(SlackId),
  text: optional(z.string()),
  /** Searched for a mention that the text does not show. */
  blocks: z.unknown().optional(),
  files: optional(z.array(SlackFile)),
  /** With subtype `message_changed`: what it says now. */
  message: optional(OlderMessage),
  /** With subtypes `message_changed` and `message_deleted`: what it said. */
  previous_message: optional(OlderMessage),
  deleted_ts: optional(SlackTs),
});
export type MessageEvent = z.infer<typeof MessageEvent>;

export const EventEnvelope = z.object({
  team_id: optional(SlackId),
  is_ext_shared_channel: optional(z.boolean()),
  event: MessageEvent,
});
export type EventEnvelope = z.infer<typeof EventEnvelope>;

const Clicker = z.object({
  id: SlackId,
  team_id: optional(SlackId),
  username: optional(z.string()),
  name: optional(z.string()),
});
export type Clicker = z.infer<typeof Clicker>;

/** Somebody pressed a button of a message. */
export const BlockActions = z.object({
  user: Clicker,
  trigger_id: optional(z.string()),
  response_url: optional(z.string()),
  /** Of what only one person sees there is no `message`, just its place. */
  container: z.object({
    type: z.string(),
    message_ts: optional(SlackTs),
    thread_ts: optional(SlackTs),
    is_ephemeral: optional(z.boolean()),
  }),
  channel: optional(z.object({ id: SlackId })),
  message: optional(z.object({ ts: SlackTs, thread_ts: optional(SlackTs) })),
  actions: z
    .array(
      z.object({
        action_id: z.string(),
        action_ts: optional(SlackTs),
        value: optional(z.string()),
        /** Of a list: what was chosen in it. */
        selected_option: optional(z.object({ value: z.string() })),
      }),
    )
    .min(1),
  /** What was picked in the menus and boxes of the message. */
  state: optional(
    z.object({
      values: z.record(
        z.string(),
        z.record(
          z.string(),
          z.object({ selected_options: optional(z.array(z.object({ value: z.string() }))) }),
        ),
      ),
    }),
  ).catch(undefined),
});
export type BlockActions = z.infer<typeof BlockActions>;

/** Somebody typed a command of ours. `trigger_id` is that of this one gesture. */
export const SlashCommand = z.object({
  command: z.string(),
  text: optional(z.string()),
  team_id: SlackId,
  channel_id: SlackId,
  user_id: SlackId,
  user_name: optional(z.string()),
  trigger_id: z.string().min(1),
  response_url: optional(z.string()),
});
export type SlashCommand = z.infer<typeof SlashCommand>;

/** Somebody sent our modal. */
export const ViewSubmission = z.object({
  user: Clicker,
  view: z.object({
    id: SlackId,
    callback_id: z.string(),
    private_metadata: z.string(),
    state: z.object({
      values: z.record(z.string(), z.record(z.string(), z.object({ value: optional(z.string()) }))),
    }),
  }),
});
export type ViewSubmission = z.infer<typeof ViewSubmission>;

/** What a card's button carries back: which approval, and what exactly was shown. */
export const CardStamp = z.object({
  approval: ApprovalId,
  gen: z.int().nonnegative(),
  digest: z.string(),
  /** Which of the options was chosen, where an answer is one of several. */
  option: z.string().optional(),
});
export type CardStamp = z.infer<typeof CardStamp>;

/** What a modal carries: the card it was opened from. */
export const ReasonContext = z.object({
  ...CardStamp.shape,
  choice: z.enum(['deny', 'answer']),
  channel: SlackId,
  ts: SlackTs,
  thread: optional(SlackTs),
});
export type ReasonContext = z.infer<typeof ReasonContext>;

/** What a form of the core carries: the card it was opened from, and what it answers. */
export const FormContext = z.object({ ...ReasonContext.shape, choice: z.enum(FORM_CHOICES) });
export type FormContext = z.infer<typeof FormContext>;

/** auth.test: who our token makes us. */
export const AuthTest = z.object({
  user_id: SlackId,
  bot_id: SlackId,
  team_id: SlackId,
  team: optional(z.string()),
  user: optional(z.string()),
  /** Of the workspace: `https://acme.slack.com/`. */
  url: optional(z.url({ protocol: /^https?$/ })).catch(undefined),
  response_metadata: optional(z.object({ scopes: optional(z.array(z.string())) })),
});

/** One page of conversations.replies or conversations.history. */
export const MessagePage = z.object({
  messages: z.array(
    z.object({
      ts: SlackTs,
      metadata: z.unknown().optional(),
      app_id: optional(SlackId),
      bot_id: optional(SlackId),
      files: optional(z.array(SlackFile)).catch(undefined),
    }),
  ),
  response_metadata: optional(z.object({ next_cursor: optional(z.string()) })),
});

/** files.info. */
export const FileInfo = z.object({ file: SlackFile });

/** files.getUploadURLExternal. */
export const UploadStart = z.object({ upload_url: z.string(), file_id: SlackId });

/** The mark every message of ours carries, by which it is found again. */
export const OurMark = z.object({
  event_type: z.literal('signalbox_message'),
  event_payload: z.object({ key: z.string(), state: z.enum(['progress', 'final']) }),
});
export type OurMark = z.infer<typeof OurMark>;
