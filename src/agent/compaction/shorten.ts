/**
 * Texts cut down until they fit: the longest first, all to the same length, each with a mark where something is missing.
 *
 * Calls keep their names and their results, so the conversation stays one that can be gone on with. Pure.
 */
import { AppError } from '../../domain/errors.ts';
import type { Entry, FileNote } from '../../domain/transcript.ts';
import { estimateEntry } from './token-estimate.ts';

/** Not even the newest of a conversation fits into a request. */
export class NoRoomError extends AppError {
  override readonly code = 'NO_ROOM';

  constructor(
    readonly mostTokens: number,
    options?: ErrorOptions,
  ) {
    super(
      `instructions, tools and the answer leave ${Math.floor(mostTokens)} tokens for what was said, which is too little: raise memory.context_tokens in settings.yaml, or lower model.max_tokens`,
      options,
    );
  }
}

/** Lengths that are tried, in characters: each three quarters of the one before. */
const LONGEST_CUT = 200_000;
const SHORTEST_CUT = 40;
const STEP = 0.75;
/** What is kept of a text that is cut: this much of it is its beginning, the rest its end. */
const HEAD = 0.7;

/**
 * @returns undefined when nothing had to be cut
 * @throws {NoRoomError} when it does not fit, however much is cut
 */
export function shortened(entries: readonly Entry[], mostTokens: number): readonly Entry[] | undefined {
  if (tokensOf(entries) <= mostTokens) return undefined;
  for (let chars = LONGEST_CUT; chars >= SHORTEST_CUT; chars *= STEP) {
    const cut = entries.map((entry) => cutEntry(entry, Math.floor(chars)));
    if (tokensOf(cut) <= mostTokens) return cut;
  }
  throw new NoRoomError(Math.max(0, mostTokens));
}

/** At most so many characters of it, the mark not counted. */
export function cutText(text: string, chars: number): string {
  const mark = ` […${text.length - chars} characters left out…] `;
  if (text.length <= chars + mark.length) return text;
  const head = Math.floor(chars * HEAD);
  return `${text.slice(0, head)}${mark}${text.slice(text.length - (chars - head))}`;
}

function tokensOf(entries: readonly Entry[]): number {
  return entries.reduce((sum, entry) => sum + estimateEntry(entry), 0);
}

function cutEntry(entry: Entry, chars: number): Entry {
  switch (entry.kind) {
    case 'user':
      return {
        ...entry,
        text: cutText(entry.text, chars),
        ...(entry.files ? { files: entry.files.map((file) => cutFile(file, chars)) } : {}),
      };
    case 'assistant':
      return {
        ...entry,
        text: cutText(entry.text, chars),
        calls: entry.calls.map((call) => ({ ...call, input: cutInput(call.input, chars) })),
      };
    case 'tool-result':
      return { ...entry, text: cutText(entry.text, chars) };
    case 'event':
      return {
        ...entry,
        text: cutText(entry.text, chars),
        ...(entry.told === undefined ? {} : { told: cutText(entry.told, chars) }),
        ...(entry.call === undefined ? {} : { call: cutText(entry.call, chars) }),
      };
    default:
      return entry satisfies never;
  }
}

function cutFile(file: FileNote, chars: number): FileNote {
  if (file.kind !== 'text') return file;
  const text = cutText(file.text, chars);
  return { ...file, text };
}

/** Arguments stay an object, as the model's service wants them. */
function cutInput(input: unknown, chars: number): unknown {
  const json = JSON.stringify(input) ?? '';
  const cut = cutText(json, chars);
  return cut === json ? input : { shortened: cut };
}
