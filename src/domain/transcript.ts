/** What was said and done in a conversation, entry by entry; enough to think again from. */
import { z } from 'zod';
import { MessageDirectives } from './directive.ts';
import { PersonId } from './ids.ts';
import { Trust } from './provenance.ts';

export const CallRecord = z.object({ id: z.string(), tool: z.string(), input: z.unknown() });
export type CallRecord = z.infer<typeof CallRecord>;

export const Usage = z.object({
  inputTokens: z.int(),
  outputTokens: z.int(),
  cacheReadTokens: z.int(),
  cacheWriteTokens: z.int(),
});
export type Usage = z.infer<typeof Usage>;

export const Shown = z.object({
  /** The first entry of the window, as `nameOf` of window.ts names it. */
  from: z.string(),
  /** What instructions, tools and files came to beside it, as estimated; `usage` has counted them, too. */
  overhead: z.int(),
  /** By how much its replies came to more, as estimated, because what was thought before them went with them. */
  thoughts: z.int().optional(),
});
export type Shown = z.infer<typeof Shown>;

/** What the model was, or is, shown of a file somebody sent. Pictures and documents are shown once and not kept. */
export const FileNote = z.discriminatedUnion('kind', [
  /** `leftOff`: characters at its end that are not shown. */
  z.object({
    kind: z.literal('text'),
    name: z.string(),
    mediaType: z.string(),
    bytes: z.int(),
    text: z.string(),
    leftOff: z.int(),
  }),
  z.object({
    kind: z.literal('shown'),
    what: z.enum(['image', 'document']),
    name: z.string(),
    mediaType: z.string(),
    bytes: z.int(),
  }),
  /** `why`: a part of a sentence: `is not a format I can read`. */
  z.object({
    kind: z.literal('unread'),
    name: z.string(),
    mediaType: z.string(),
    bytes: z.int(),
    why: z.string(),
  }),
]);
export type FileNote = z.infer<typeof FileNote>;

export const Entry = z.discriminatedUnion('kind', [
  /** Somebody spoke. */
  z.object({
    kind: z.literal('user'),
    from: z.object({ person: PersonId.optional(), name: z.string() }),
    text: z.string(),
    /** Files that came with it, in order. */
    files: z.array(FileNote).optional(),
    /** Of whoever wrote it, when they did. */
    trust: Trust.optional(),
    /** They had planned it; they did not speak then. */
    planned: z.literal(true).optional(),
    /** It holds words of others as well: it was forwarded, or quotes them. */
    passesOn: z.literal(true).optional(),
    /** What they asked for beside the text. */
    directives: MessageDirectives.optional(),
    at: z.iso.datetime(),
  }),
  z.object({
    kind: z.literal('assistant'),
    text: z.string(),
    calls: z.array(CallRecord),
    model: z.string(),
    usage: Usage.optional(),
    /** What the request showed of the conversation; absent where its texts were shortened. */
    shown: Shown.optional(),
    /** What of strangers it had read when it wrote this, in words for people. */
    strangers: z.array(z.string()).optional(),
  }),
  z.object({
    kind: z.literal('tool-result'),
    callId: z.string(),
    status: z.enum(['ok', 'error', 'waiting']),
    text: z.string(),
    /** Whose words it holds; left out: the tool's own. */
    trust: Trust.optional(),
    /** It may hold words of the agent's own, or addresses that are not whole; see `Tool.composes` and `ToolOutput.seen`. */
    composed: z.literal(true).optional(),
    /** Addresses in it that stood whole in what others wrote, though the rest is composed. */
    seen: z.array(z.string()).optional(),
    /** No call was made: it was refused, did not fit or came too late. Older entries do not say so. */
    notRun: z.literal(true).optional(),
  }),
  /** The gateway tells the model what happened meanwhile: an approval was decided, a call was run. */
  z.object({
    kind: z.literal('event'),
    text: z.string(),
    at: z.iso.datetime(),
    /** What a call told that ran outside a turn, as it told it; in older entries that stands in the text. */
    told: z.string().optional(),
    /** The call it speaks of, as JSON, where strangers' words may have led to it; the text says that it stands here. */
    call: z.string().optional(),
    /** What of strangers may stand in it, in words for people: what had been read before that call, or was passed on. */
    strangers: z.array(z.string()).optional(),
    /** Everybody it speaks of, and whose words it may hold: by this, erasing them finds it. */
    about: z.array(PersonId).optional(),
    /** How a call ended that ran outside a turn, as far as that is known. */
    ran: z.object({ tool: z.string(), status: z.enum(['ok', 'error']) }).optional(),
    /** Whose words the outcome holds; left out: the tool's own. */
    trust: Trust.optional(),
    /** See `tool-result`. */
    composed: z.literal(true).optional(),
    /** A new context begins: what stands before it is kept, and the model is not shown it any more. */
    anew: z.literal(true).optional(),
  }),
]);
export type Entry = z.infer<typeof Entry>;

/** Whether anybody but this person has said something in it. */
export function hasOthers(entries: readonly Entry[], person: PersonId): boolean {
  return entries.some((entry) => entry.kind === 'user' && entry.from.person !== person);
}

/** What somebody said when they spoke: of what they planned, the agent chose the words. */
export function isSpoken(entry: Entry): entry is Extract<Entry, { kind: 'user' }> {
  return entry.kind === 'user' && !entry.planned;
}

/** What they said themselves, and all of it: nothing that they passed on. */
export function isOwnWords(entry: Entry): entry is Extract<Entry, { kind: 'user' }> {
  return isSpoken(entry) && !entry.passesOn;
}

/** Of messages that say nothing of it: whoever has an account we know is a member. */
export function speakersTrust({ trust, from }: Extract<Entry, { kind: 'user' }>): Trust {
  return trust ?? (from.person === undefined ? 'outsider' : 'member');
}
