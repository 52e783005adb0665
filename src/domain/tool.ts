/** What a tool is to the core: a name, a checked input, how dangerous it is, and how to run it. */
import { z } from 'zod';
import type { ApprovalId, ConversationId, PersonId } from './ids.ts';
import type { OutFile } from './message.ts';
import { Trust } from './provenance.ts';

export type Risk = 'low' | 'medium' | 'high';

/**
 * What running it twice would do.
 *   read        changes nothing
 *   idempotent  the same key makes the second run harmless
 *   once        a second run is a second effect; after a crash in the middle nobody knows, and we say so
 */
export type ToolEffect = 'read' | 'idempotent' | 'once';

/**
 * What a tool is for. Profiles are made of these, so each tool has one.
 *
 *   fs          files of the workspace          web         pages and searches
 *   memory      what is remembered              sessions    other conversations
 *   ui          what people are shown           automation  systems other than our channels
 *   messaging   words to people and channels    database    questions to databases
 *   storage     things kept for later           scheduler   what is done at another time
 *   system      the gateway itself: asking for a human, plans, what is known of this place
 */
export const TOOL_GROUPS = [
  'fs',
  'web',
  'memory',
  'sessions',
  'ui',
  'automation',
  'messaging',
  'database',
  'storage',
  'scheduler',
  'system',
] as const;
export type ToolGroup = (typeof TOOL_GROUPS)[number];

export interface Tool<Input extends z.ZodType = z.ZodType> {
  readonly name: string;
  readonly group: ToolGroup;
  /** What it belongs to beside its group, such as `jira`: rules can hold it by this name, too. */
  readonly family?: string;
  /** Part of the digest a human approves: raise it when the meaning of an argument changes. */
  readonly version: number;
  readonly description: string;
  readonly input: Input;
  /** JSON Schema of the arguments as a model is shown it, of a tool that was described elsewhere; else made of `input`. */
  readonly inputSchema?: object;
  readonly risk: Risk;
  readonly effect: ToolEffect;
  readonly reversible: boolean;
  readonly timeoutMs: number;
  /** Characters of its output the model is shown at once; the rest is kept, and read on demand. Left out: 20,000. */
  readonly outputChars?: number;
  /**
   * Writes only to the gateway's own store and is harmless to repeat, so it may run inside a turn.
   * Everything else that changes something runs outside the turn, once, under a permit.
   */
  readonly inTurn?: boolean;
  /** Whoever decides has to have just this call before them: it is no step of a plan. Left out: it may be one. */
  readonly isAskedAlone?: true;
  /**
   * Of one that runs inside a turn: whether this call changes what is known or done outside the conversation, or takes
   * away what was known before, so that it needs a human once strangers' words were read. Left out: none does.
   *
   * @param isOwn whether whoever asks has typed exactly this themselves, as a whole message, in this conversation
   */
  changesElsewhere?(input: z.output<Input>, isOwn: (text: string) => boolean): boolean;
  /**
   * What the call does is not done by running it: it is a part of what comes of the turn. Left out: running it does it.
   *   word   the gateway is told something: nobody is asked first, for after the turn a yes would do nothing
   *   reply  its files go out with the reply: agreed to later, with that of the turn that hears of it
   */
  readonly deed?: 'word' | 'reply';
  /** Whose words its output may hold: `outsider` where others write, `web` for pages. Left out: its own. */
  readonly tells?: 'outsider' | 'web';
  /** What it tells may be put together of what it, or a call before it, was called with: words of the agent's own. */
  readonly composes?: true;
  /**
   * The same call with its words as they may go out, of a tool by which the agent speaks to people. Nothing is cut off:
   * where they have become too long for its schema, the call is refused.
   */
  withWords?(input: z.output<Input>, toSay: (text: string) => string): z.output<Input>;
  /** Whether what it is called with reaches somebody of the agent's choosing: an address, a search. Left out: it never does. */
  reachesOut?(input: z.output<Input>): boolean;
  /** Only the gateway itself calls it: no model is offered it. */
  readonly internal?: true;
  /**
   * What the call would change, for those who decide. Changes nothing itself. Asked when the call is held, and again
   * right before it runs: if its basis is another one then, it does not run.
   *
   * @throws {FutileCallError} when the call cannot work as things are: nobody is asked about it, and the agent hears why
   */
  preview?(input: z.output<Input>, context: Omit<ToolContext, 'idempotencyKey'>): Promise<Preview>;
  execute(input: z.output<Input>, context: ToolContext): Promise<ToolOutput>;
  /**
   * Of a tool that only reads: for how long the same call by the same person may be answered with what it found. What
   * is cached under a tag is forgotten when a tool changes something whose family (or, without one, group) is so named.
   */
  readonly cache?: { readonly ttlMs: number; readonly tags: readonly string[]; readonly isSameForAll?: true };
  /**
   * The service it talks to, such as `jira`. Tools of one service are not called for a while when it keeps failing.
   * Left out: of a tool of the group `automation` its family; of others none.
   */
  readonly service?: string;
  /** What undoes a call that succeeded, when a later step of the same plan fails. Left out: nothing does. */
  readonly compensation?: Compensation<Input>;
  /**
   * Finds out what came of a call that was begun under this key and not reported on. Changes nothing.
   *
   * @returns its outcome; undefined when nobody can tell
   */
  lookUp?(input: z.output<Input>, context: ToolContext): Promise<ToolOutput | undefined>;
  /** Of a tool that makes calls of other tools: those. Each is held to the rules as if it were made alone. */
  calls?(input: z.output<Input>): readonly PlannedCall[];
}

/** Tools that come and go while the gateway runs. */
export interface ToolSource {
  /** The same array as long as nothing has changed, so that what models are shown stays the same to the byte. */
  tools(): readonly Tool[];
  /** Why there is no tool of this name at the moment: the end of a sentence; undefined where nothing is known of it. */
  whyGone?(name: string): string | undefined;
}

/** How a call is taken back. */
export interface Compensation<Input extends z.ZodType = z.ZodType> {
  /** What it would do, before anything has happened: `charge order 7 120.00 EUR`. Plain text, from the arguments alone. */
  describe(input: z.output<Input>): string;
  /**
   * Takes it back. Under one key, which is not the call's, a second time is harmless: one that fails, or whose outcome
   * is not known, is tried again.
   *
   * @param receipt of the call's output
   */
  execute(input: z.output<Input>, receipt: unknown, context: ToolContext): Promise<ToolOutput>;
}

/** One call among several that are agreed to together. */
export interface PlannedCall {
  readonly tool: Tool;
  readonly args: unknown;
}

export interface Preview {
  /** One for each thing that changes; `before` is absent where there was nothing. Plain text. */
  readonly changes: readonly { readonly label: string; readonly before?: string; readonly after: string }[];
  /** What the preview was made from, in the tool's own words: the same as long as it would still be true. */
  readonly basis: string;
  /** What of it could not be found out, and why, in words. Then there is nothing to compare, and the call does not run. */
  readonly problem?: string;
  /** What people read in place of the arguments one by one; made of the arguments alone. Plain text. */
  readonly told?: {
    readonly title: string;
    readonly facts: readonly { readonly label: string; readonly value: string }[];
  };
}

export interface ToolContext {
  /** Same for every attempt at the same call. */
  readonly idempotencyKey: string;
  readonly conversationId: ConversationId;
  readonly requester: PersonId;
  /** What it tells is said where whoever asks is the only one to read it; left out: others may. */
  readonly isPrivate?: true;
  /** What strangers wrote has been read before it: what is kept of it is theirs, too. */
  readonly hasReadStrangers?: true;
  /** Under which it runs; of a call outside a turn only. */
  readonly approvalId?: ApprovalId;
  /** Of its permit, beside it: once the approval has another one, somebody else may run the call. */
  readonly permitEpoch?: number;
  /**
   * Looks into questions beside the turn, by reading alone: one finding for each, in their order. Rejects only when
   * the turn is broken off. Of a call inside a turn only.
   */
  readonly inquire?: (questions: readonly string[], signal: AbortSignal) => Promise<readonly Finding[]>;
  readonly signal: AbortSignal;
}

/** What came of one question that was looked into beside a turn. */
export type Finding = {
  /** As it was put. */
  readonly question: string;
  /** Tools that told something about it, one name for each call. */
  readonly sources: readonly string[];
  /** Of strangers, whose words were read for it; left out: of none. */
  readonly trust?: Trust;
  /** Addresses in its text that stood in what was read for it. */
  readonly seen?: readonly string[];
} & (
  | { readonly kind: 'answered'; readonly text: string }
  /** Ended before it was done, with what it had; `why` is a part of a sentence. */
  | { readonly kind: 'cut'; readonly text: string; readonly why: string }
  /** There is nothing to tell. */
  | { readonly kind: 'failed'; readonly why: string }
);

export interface ToolOutput {
  readonly status: 'ok' | 'error';
  readonly text: string;
  /** Whose words the text is, where they are not the tool's own: an address, `the tool search of tracker`. */
  readonly source?: string;
  /** What the tool itself says of it; told in front of it. */
  readonly heading?: string;
  /** Whose words this output holds, where its tool says otherwise of most. */
  readonly trust?: Trust;
  /** Addresses that stand whole in the text and are others'. Left out: all in it, or none where its tool composes. */
  readonly seen?: readonly string[];
  /** What its compensation has to know to take it back, as JSON. */
  readonly receipt?: unknown;
  /** Its service could not be reached or did not answer, so that it counts as away. */
  readonly isAway?: true;
  /** Go out with the turn's reply; of a tool whose deed that is. */
  readonly files?: readonly OutFile[];
}

/** An output that was too long to be shown at once, as it is kept to be read on in. */
export const KeptOutput = z.object({
  text: z.string(),
  /** Whose words it holds. */
  trust: Trust,
  /** As of the output; left out: all in it. */
  seen: z.array(z.string()).readonly().optional(),
});
export type KeptOutput = z.infer<typeof KeptOutput>;

/** What the model asks for. */
export interface ToolCall {
  readonly id: string;
  readonly tool: string;
  readonly input: unknown;
}

/** The names by which rules, roles and ceilings may hold a tool together with others. */
export function groupsOf({ group, family }: Pick<Tool, 'group' | 'family'>): readonly string[] {
  return family === undefined ? [group] : [group, family];
}
