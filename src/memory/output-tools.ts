/** `read_output`: reads on in what a tool told at length. */
import { z } from 'zod';
import { cutBefore } from '../domain/text-cut.ts';
import type { Tool } from '../domain/tool.ts';
import { wholeAddressesIn } from '../links/whole-addresses.ts';
import type { OutputStore } from './output-store.ts';

/** Shown at once, in characters; a page with its heading is less than what is shown of one call. */
const PAGE_CHARS = 19_000;

const ReadOutput = z.object({
  handle: z
    .string()
    .regex(/^out_[0-9a-f]{16}$/, 'a handle looks like out_0123456789abcdef')
    .describe('As it stands at the end of the output that was cut.'),
  offset: z.int().min(0).default(0).describe('Characters to leave out at the beginning.'),
});

export function createOutputTools(outputs: Pick<OutputStore, 'find'>): Tool[] {
  const readOutput: Tool<typeof ReadOutput> = {
    name: 'read_output',
    // As far as nothing is kept with the output that says otherwise.
    tells: 'outsider',
    composes: true,
    group: 'system',
    // Belongs to whatever tool a turn has: without it the rest of an output would be out of reach.
    family: 'control',
    version: 1,
    description: 'Reads on in an output of this conversation that was too long to be shown at once.',
    input: ReadOutput,
    risk: 'low',
    effect: 'read',
    reversible: true,
    timeoutMs: 5_000,
    async execute({ handle, offset }, { conversationId }) {
      const kept = await outputs.find(conversationId, handle);
      if (kept === undefined) {
        const why = `No output "${handle}" is kept in this conversation (any more). Make the call again that told it.`;
        return { status: 'error', text: why, trust: 'tool' };
      }
      const { text, trust, seen } = kept;
      if (offset >= text.length) {
        return {
          status: 'error',
          trust: 'tool',
          text: `That output has ${text.length} characters; there is nothing at ${offset}.`,
        };
      }
      const end = cutBefore(text, PAGE_CHARS, offset);
      const rest = end < text.length ? ` Go on at offset ${end}.` : ' This is its end.';
      const heading = `[Characters ${offset} to ${end} of ${text.length}.${rest}]`;
      const whole = wholeAddressesIn(text, offset, end);
      return {
        status: 'ok',
        text: `${heading}\n${text.slice(offset, end)}`,
        trust,
        seen: seen === undefined ? whole : whole.filter((address) => seen.includes(address)),
      };
    },
  };
  // A tool takes its own input; the list holds tools of different inputs, each checked by its own schema first.
  return [readOutput] as unknown as Tool[];
}
