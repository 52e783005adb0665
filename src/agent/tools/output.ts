/**
 * What a call told, within what the model is shown of one call; the rest is kept aside, never dropped in silence.
 *
 *   output ─▶ short enough? ─▶ as it is
 *                 └─▶ kept whole (`OutputShelf`) ─▶ its beginning, how long it is, how to read on
 *
 * Invariants
 *   1. What is left out is said to be: how much there is, how much is shown, and by which handle the rest is read.
 *   2. Nothing is cut within a character as people see it, nor within an address, as long as one is not longer than half
 *      of what is shown.
 *   3. The same output of the same call is told in the same words.
 *   4. Whose words it holds is kept with it: reading on in it is reading the same text.
 */
import { createHash } from 'node:crypto';
import type { ConversationId } from '../../domain/ids.ts';
import type { KeptOutput, Tool, ToolOutput } from '../../domain/tool.ts';
import { cutBeforeAddress } from '../../links/whole-addresses.ts';

/** Shown of one call where the tool says nothing else, in characters: some 5,000 tokens. */
export const DEFAULT_OUTPUT_CHARS = 20_000;

/** The tool by which the rest is read; see `memory/output-tools.ts`. */
export const READ_OUTPUT = 'read_output';

/** Where long outputs are kept for a while. */
export interface OutputShelf {
  /** Keeps one whole, or its beginning. Resolves with how many characters of it can be read now. */
  keep(conversationId: ConversationId, handle: string, output: KeptOutput): Promise<number>;
}

/** Of one call. */
export interface OutputOf {
  readonly tool: Pick<Tool, 'outputChars' | 'tells'>;
  /** It may hold words of the agent's own; see `Tool.composes`. */
  readonly isComposed: boolean;
  readonly conversationId: ConversationId;
  /** The same for every attempt at the same call. */
  readonly key: string;
}

/** The output as the model is told it. Never rejects: what cannot be kept is said to be lost. */
export async function withinCap(output: ToolOutput, of: OutputOf, shelf: OutputShelf): Promise<ToolOutput> {
  const most = of.tool.outputChars ?? DEFAULT_OUTPUT_CHARS;
  if (output.text.length <= most) return output;
  const text = output.text.replaceAll(/\p{Surrogate}/gu, '\uFFFD');
  const handle = handleOf(of.conversationId, of.key);
  const kept = await shelf.keep(of.conversationId, handle, toKept(text, output, of)).catch(() => 0);
  const shown = text.slice(0, cutBeforeAddress(text, most));
  return {
    ...output,
    text: `${shown}\n\n${remark({ shown: shown.length, all: text.length, kept, handle })}`,
  };
}

function toKept(text: string, { trust, seen }: ToolOutput, { tool, isComposed }: OutputOf): KeptOutput {
  const others = seen ?? (isComposed ? [] : undefined);
  return { text, trust: trust ?? tool.tells ?? 'tool', ...(others ? { seen: others } : {}) };
}

/** Of the call's output: `out_0123456789abcdef`. */
export function handleOf(conversationId: ConversationId, key: string): string {
  const digest = createHash('sha256').update(`${conversationId}\n${key}`).digest('hex');
  return `out_${digest.slice(0, 16)}`;
}

interface Cut {
  readonly shown: number;
  readonly all: number;
  readonly kept: number;
  readonly handle: string;
}

function remark({ shown, all, kept, handle }: Cut): string {
  const what = `[Cut here: these are the first ${shown} of ${all} characters.`;
  if (kept <= shown) return `${what} The rest could not be kept; ask for less at a time.]`;
  const how = `Read on with ${READ_OUTPUT}, handle "${handle}", offset ${shown}.`;
  return kept < all
    ? `${what} ${how} Only the first ${kept} are kept; ask for less at a time to see the others.]`
    : `${what} ${how}]`;
}
