/**
 * How many tokens something comes to, before the model has counted it.
 *
 * Invariant: it errs on the high side. A tokenizer never makes more tokens of a text than it has bytes; for what people
 * write it makes far fewer, and the weights below are about one and a half times what is measured for the script. Pure.
 */
import type { CallRecord, Entry, FileNote } from '../../domain/transcript.ts';
import type { Exhibit, ModelRequest, Thoughts, ToolSpec } from '../model/model-client.ts';

/** Letters of one token in a word of a common language; four is what English comes to. */
const LETTERS_PER_TOKEN = 3;
/** A run of letters and digits beyond this is no word but a key, a digest or a file in base64: a token for each. */
const LONGEST_WORD = 24;
/** What stands around one entry in a request: its role, its block, the name of its kind. */
const AROUND_ENTRY = 16;
/** The same for one tool, and once for having tools at all (Anthropic docs, "Tool use", pricing: up to 530). */
const AROUND_TOOL = 16;
const HAVING_TOOLS = 600;
/** A picture at its largest (Anthropic docs, "Vision": longest edge of what a model is shown, with its patches). */
const PICTURE = 5_000;
/** Bytes of a PDF for one token: each page is read as text and as a picture (Anthropic docs, "PDF support"). */
const PDF_BYTES_PER_TOKEN = 8;

/**
 * What a whole request comes to without its entries: instructions, tools, pictures and documents.
 *
 * @param ofSystem what instructions come to, where that is known better, or known already
 */
export function estimateOverhead(
  { system, guidance, tools, exhibits = [] }: Omit<ModelRequest, 'entries'>,
  ofSystem: (text: string) => number = estimateText,
): number {
  return (
    ofSystem(system) +
    (guidance === undefined ? 0 : estimateText(guidance) + AROUND_ENTRY) +
    (tools.length > 0 ? HAVING_TOOLS : 0) +
    sum(tools.map((tool) => tool.tokens ?? estimateTool(tool))) +
    sum(exhibits.map(ofExhibit))
  );
}

export function estimateEntry(entry: Entry): number {
  switch (entry.kind) {
    case 'user':
      return (
        AROUND_ENTRY +
        estimateText(entry.from.name) +
        estimateText(entry.from.person ?? '') +
        estimateLines(entry.text) +
        sum((entry.files ?? []).map(ofFile))
      );
    case 'event':
      return AROUND_ENTRY + estimateLines(entry.text) + ofTold(entry.told) + ofTold(entry.call);
    case 'assistant':
      return AROUND_ENTRY + estimateText(entry.text) + sum(entry.calls.map(ofCall));
    case 'tool-result':
      return AROUND_ENTRY + estimateText(entry.callId) + estimateText(entry.text);
    default:
      return entry satisfies never;
  }
}

/** A reply that goes back with what was thought before it. How much that is does not show in what came of it. */
export function estimateThought(entry: Entry, { tokens }: Thoughts): number {
  return Math.max(estimateEntry(entry), AROUND_ENTRY + tokens);
}

/** Each line of it stands in from the margin, or behind a bar. */
export function estimateLines(text: string): number {
  let lines = 0;
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) lines++;
  return estimateText(text) + 3 * lines;
}

export function estimateText(text: string): number {
  let tokens = 0;
  let word = 0;
  let spaces = 0;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (isWordUnit(unit)) {
      word++;
      // Digits and capitals inside a word begin a token of their own more often than not.
      if (unit < 0x60) tokens += 0.5;
      spaces = 0;
      continue;
    }
    tokens += ofWord(word);
    word = 0;
    // One space belongs to the word behind it; more of them are tokens of up to sixteen.
    spaces = unit === 0x20 ? spaces + 1 : 0;
    if (unit === 0x20) tokens += spaces === 1 ? 0 : 0.25;
    else tokens += ofUnit(unit);
  }
  return Math.ceil(tokens + ofWord(word));
}

function ofWord(length: number): number {
  if (length === 0) return 0;
  return length > LONGEST_WORD ? length : Math.ceil(length / LETTERS_PER_TOKEN);
}

function isWordUnit(unit: number): boolean {
  return (unit >= 0x61 && unit <= 0x7a) || (unit >= 0x41 && unit <= 0x5a) || (unit >= 0x30 && unit <= 0x39);
}

/** Of a UTF-16 unit that is no ASCII letter or digit. */
function ofUnit(unit: number): number {
  if (unit < 0x80) return 1;
  // Latin with accents, Greek, Cyrillic: a token for each letter.
  if (unit < 0x530) return 1;
  // Hebrew, Arabic and their neighbours are two bytes, and as many tokens at most.
  if (unit < 0x800) return 2;
  // Chinese, Japanese and Korean are three bytes, and rarely more than a token and a half.
  if (isEastAsian(unit)) return 2;
  // A half of what takes four bytes, such as an emoji.
  if (unit >= 0xd800 && unit <= 0xdfff) return 2;
  return 3;
}

function isEastAsian(unit: number): boolean {
  return (
    (unit >= 0x3000 && unit <= 0x30ff) ||
    (unit >= 0x4e00 && unit <= 0x9fff) ||
    (unit >= 0xac00 && unit <= 0xd7a3) ||
    (unit >= 0xff00 && unit <= 0xffef)
  );
}

function ofCall({ id, tool, input }: CallRecord): number {
  return AROUND_ENTRY + estimateText(id) + estimateText(tool) + estimateText(JSON.stringify(input) ?? '');
}

/** With the line above it that says whose words it is. */
function ofTold(told: string | undefined): number {
  return told === undefined ? 0 : 3 * AROUND_ENTRY + estimateLines(told);
}

function ofFile(file: FileNote): number {
  const text = file.kind === 'text' ? estimateLines(file.text) : 0;
  const why = file.kind === 'unread' ? estimateText(file.why) : 0;
  return 3 * AROUND_ENTRY + estimateText(file.name) + estimateText(file.mediaType) + text + why;
}

/** Once for each tool: it is described with every request. */
export function estimateTool({ name, description, inputSchema }: ToolSpec): number {
  return (
    AROUND_TOOL + estimateText(name) + estimateText(description) + estimateText(JSON.stringify(inputSchema))
  );
}

function ofExhibit({ mediaType, base64 }: Exhibit): number {
  const bytes = (base64.length / 4) * 3;
  return mediaType === 'application/pdf'
    ? Math.max(PICTURE, Math.ceil(bytes / PDF_BYTES_PER_TOKEN))
    : PICTURE;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}
