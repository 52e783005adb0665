/** What comes in from a platform and what goes out to one, in our words. */
import { z } from 'zod';
import { Card } from './card.ts';
import { BrokenOffError } from './errors.ts';
import { AccountId, ApprovalId, ConversationId, MessageId, Platform } from './ids.ts';

/** Longest text accepted from a person, in characters; a longer one is refused with a sentence. */
export const MAX_TEXT_CHARS = 50_000;

/** Where a message must go. `route` is opaque outside the gateway that made it, but for what `channelsOf` reads. */
export const Address = z.object({
  platform: Platform,
  route: z.record(z.string(), z.string()),
});
export type Address = z.infer<typeof Address>;

/**
 * The channels an address lies in, by the ids the platform gives them, nearest first: a thread that is a channel of its
 * own, then the `parent` it hangs on; of an issue, the key of its project. What holds for a channel holds in its threads.
 */
export function channelsOf({ route: { channel, parent, issue } }: Pick<Address, 'route'>): readonly string[] {
  return [channel, parent, issue?.replace(/-\d+$/, '')].filter((id) => id !== undefined);
}

/** Most bytes of a file that travel inside a message; a larger one stays where it is, or is refused with a sentence. */
export const MAX_INLINE_BYTES = 1_000_000;

/** A file that came with a message: its content, or what `Gateway.download` gets it by. */
export const Attachment = z.object({
  name: z.string().min(1).max(255),
  mediaType: z.string(),
  bytes: z.int().nonnegative(),
  base64: z.string().optional(),
  ref: z.string().optional(),
});
export type Attachment = z.infer<typeof Attachment>;

/** A file that goes out with a message. */
export const OutFile = z.object({
  name: z.string().min(1).max(255),
  mediaType: z.string(),
  base64: z.string(),
});
export type OutFile = z.infer<typeof OutFile>;

export const Sender = z.object({
  account: AccountId,
  displayName: z.string(),
  /** Groups the platform says the sender is in, `<platform>:<stable id>`; what they are worth is configured. */
  groups: z.array(z.string()).optional(),
  /** The platform vouches for this sender: a signed webhook, an e-mail whose DKIM signature is aligned. */
  authenticated: z.boolean(),
  /** Not a person: another bot, an auto-reply, a mailing list. Never runs a turn, never decides. */
  automatic: z.boolean(),
});
export type Sender = z.infer<typeof Sender>;

/** Somebody said something. */
export const InboundMessage = z.object({
  kind: z.literal('message'),
  id: MessageId,
  conversationId: ConversationId,
  /**
   * Where its author alone reads, and every message begins a conversation of its own: what the ids of all conversations
   * there begin with. Absent everywhere else.
   */
  room: z.string().min(1).optional(),
  /** The conversation it would have been in by itself, where that was joined to another; no gateway sets it. */
  writtenIn: ConversationId.optional(),
  sender: Sender,
  /** As typed, mention of the bot removed, native markup translated to markdown. */
  text: z.string(),
  /** Files that came with it, in the order the platform gives them. */
  attachments: z.array(Attachment).optional(),
  /** True if the sender spoke to the bot: a mention, a direct message, a thread the bot is part of, a mail to it. */
  addressedToBot: z.boolean(),
  /**
   * Said where people talk to each other (an issue): not for the agent, though it has a part in the conversation. What
   * answers a request counts all the same, and so does whatever is said while a person has the conversation.
   */
  overheard: z.literal(true).optional(),
  /** The platform says that it passes on what others wrote: a forwarded mail. */
  passesOn: z.literal(true).optional(),
  /** It was given as a command of the platform: why it is not taken is told to its author alone. */
  isCommand: z.literal(true).optional(),
  /** The author changed it before it was read here; such a message never decides. */
  edited: z.literal(true).optional(),
  sentAt: z.iso.datetime(),
  replyTo: Address,
  /** The message of ours this one answers, if the platform says so. */
  inReplyTo: MessageId.optional(),
  /**
   * Set when the message came in on an approval's reply address (e-mail). The core checks the token and reads
   * the first line; `readings` holds every rendering of the body the sender may have seen (text part, HTML part),
   * quoted text included, so that a decision can be refused when they disagree.
   */
  approvalReply: z.object({ token: z.string(), readings: z.array(z.string()) }).optional(),
});
export type InboundMessage = z.infer<typeof InboundMessage>;

/**
 *   approve     yes
 *   deny        no
 *   answer      this is what the call would have told, in the words of a person
 *   edit        yes, with other arguments
 *   ask         a question first
 *   take-back   what I said before is unsaid
 *   always      yes to this one, and to others like it
 *
 * About a call that was started, and nobody knows what came of it:
 *   happened, did-not-happen   that is what I found out
 *   retry                      it may run again
 */
export const AnswerChoice = z.enum([
  'approve',
  'deny',
  'answer',
  'edit',
  'ask',
  'take-back',
  'always',
  'happened',
  'did-not-happen',
  'retry',
]);
export type AnswerChoice = z.infer<typeof AnswerChoice>;

/** Somebody answered an approval card: a button, a modal, a command. */
export const InboundAnswer = z.object({
  kind: z.literal('answer'),
  /** The platform's id of this one gesture; the same on every redelivery. It is the vote key. */
  id: MessageId,
  sender: Sender,
  approvalId: ApprovalId,
  choice: AnswerChoice,
  /** The reason of a denial, the text that answers instead of running, or a question. */
  text: z.string().max(4_000).optional(),
  /** With `edit`: all arguments as they are to be. */
  args: z.unknown().optional(),
  /** What was filled into the form of that choice (`Lookup.formFor`), by field, as it was written. */
  fields: z.record(z.string().max(100), z.string().max(4_000)).optional(),
  /** What the card that was answered showed; a stale card decides nothing. */
  gen: z.int().nonnegative(),
  digest: z.string(),
  /** The message that carried the card, so that a copy whose reference was lost is adopted. */
  card: z.object({ to: Address, ref: z.string() }).optional(),
});
export type InboundAnswer = z.infer<typeof InboundAnswer>;

/** An author changed or removed a message. Recorded; never runs a turn, never decides. */
export const InboundRevision = z.object({
  kind: z.literal('revision'),
  id: MessageId,
  conversationId: ConversationId,
  sender: Sender,
  of: MessageId,
  change: z.enum(['edited', 'deleted']),
});
export type InboundRevision = z.infer<typeof InboundRevision>;

export const Inbound = z.discriminatedUnion('kind', [InboundMessage, InboundAnswer, InboundRevision]);
export type Inbound = z.infer<typeof Inbound>;

/** What became of something that came in; a gateway may acknowledge its platform once it has this. */
export type Receipt =
  /** `silence`: why the agent says nothing to it now, in markdown; told of commands of the platform. */
  | { readonly kind: 'stored'; readonly silence?: string }
  | { readonly kind: 'duplicate' }
  /** `told`: why it was is said to the sender in a message of its own. */
  | { readonly kind: 'ignored'; readonly reason: string; readonly told?: true }
  /** `notice` is for the one who answered, only for them; what everybody sees is the updated card. */
  | {
      readonly kind: 'answered';
      readonly code: string;
      readonly notice: string;
      /** What to do next, for the same person; the notice says it in words, too. */
      readonly buttons?: readonly Button[];
    };

/** What can be said by pressing instead of typing. Whoever presses it says `says`, as a message of theirs to the bot. */
export const Button = z.object({ label: z.string().min(1).max(40), says: z.string().min(1).max(80) });
export type Button = z.infer<typeof Button>;

/** Several of these can be picked; whoever does says `says` and what they picked, as a message of theirs to the bot. */
export const Picker = z.object({
  label: z.string().min(1).max(40),
  says: z.string().min(1).max(40),
  options: z
    .array(z.object({ label: z.string().min(1), value: z.string().min(1).max(80) }))
    .min(2)
    .max(20),
});
export type Picker = z.infer<typeof Picker>;

export const OutboundBody = z.discriminatedUnion('kind', [
  /** Markdown for everybody in the conversation. `replaces`: a message of ours to edit instead of sending anew. */
  z.object({
    kind: z.literal('text'),
    markdown: z.string(),
    replaces: z.string().optional(),
    files: z.array(OutFile).optional(),
    /** Under the text, where the platform has such a thing; the text says the same in words. */
    buttons: z.array(Button).optional(),
  }),
  /** An approval card; with `replaces` it updates the copy sent before. */
  z.object({ kind: z.literal('card'), card: Card, replaces: z.string().optional() }),
  /** For one person only, where the platform can; best effort by nature. */
  z.object({
    kind: z.literal('notice'),
    markdown: z.string(),
    onlyFor: AccountId,
    /** Said instead where everybody reads it. */
    openly: z.string().optional(),
    /** What to do next, and what to choose from, where the platform has such things; the words say it, too. */
    buttons: z.array(Button).optional(),
    pick: Picker.optional(),
  }),
]);
export type OutboundBody = z.infer<typeof OutboundBody>;

/** One message on its way out. */
export interface OutboundMessage {
  /** Idempotency key, derived from what caused the message; the same on every attempt. */
  readonly id: string;
  readonly conversationId: ConversationId;
  readonly to: Address;
  readonly body: OutboundBody;
  /** When it was written, in ms; what the platform shows from before is another message of the same words. */
  readonly queuedAt?: number;
  /** 1 the first time; above 1 an earlier attempt may have reached the platform, so look before sending. */
  readonly attempt: number;
  /** Whether it may still be said. Left out: it always may. */
  readonly mayBeSaid?: () => Promise<boolean>;
}

/**
 * Asked by a gateway right before each further call by which more of a message is read.
 *
 * @throws {BrokenOffError} when what is left of it may not be said any more
 */
export async function requireSayable({ mayBeSaid }: Pick<OutboundMessage, 'mayBeSaid'>): Promise<void> {
  if (mayBeSaid && !(await mayBeSaid())) throw new BrokenOffError();
}

/** The platform's reference to what was sent; opaque, the gateway that made it reads it back in `replaces`. */
export interface Sent {
  readonly ref: string;
}
