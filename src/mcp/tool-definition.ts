/**
 * A tool as its server describes it: what of the description counts, and what it is known by. Pure.
 *
 * Invariants
 *   1. What somebody agrees to is all that a model is ever shown of the tool: name, description, arguments.
 *   2. The hash changes whenever any of it does, or what the server says of the tool's harm; by nothing else.
 *   3. Nothing in it can be there without being seen.
 */
import { createHash } from 'node:crypto';
import { ToolSchema } from '@modelcontextprotocol/sdk/types.js';
import canonicalize from 'canonicalize';
import { z } from 'zod';
import { showHidden } from '../domain/hidden-characters.ts';
import { dropInvisible } from '../domain/outside-text.ts';
import { patternsIn } from './patterns.ts';

/** Anthropic Messages API, "Tool use", name; also what our rules take. */
export const MAX_TOOL_NAME_CHARS = 64;
/** Of a description: far more than any that helps. */
const MAX_DESCRIPTION_CHARS = 8_000;
/** Of the description of the arguments, as JSON. */
const MAX_SCHEMA_CHARS = 32_000;
/** In the description of the arguments: each takes up to tens of milliseconds to be read. */
const MAX_PATTERNS = 100;
/** Of the name a server gives a tool. */
const MAX_GIVEN_NAME_CHARS = 128;
/** What such a name may be (MCP specification, "Tools", Tool Names); no command takes it for an option. */
const GIVEN_NAME = /^(?!-)[\w./-]{1,128}$/;
/** Anthropic Messages API: what a property of the arguments may be called. */
const PROPERTY_NAME = /^[\w.-]{1,64}$/;
/** What records cannot be called. */
const NO_NAMES: ReadonlySet<string> = new Set(['', '__proto__']);
/** Not at the top of the arguments of a tool (Anthropic Messages API, input_schema). */
const UNFIT_AT_THE_TOP = ['anyOf', 'oneOf', 'allOf'];

export const ToolDefinition = z.object({
  /** As the server calls it. */
  name: z.string(),
  title: z.string().optional(),
  description: z.string(),
  /** JSON Schema of the arguments. */
  inputSchema: z.record(z.string(), z.unknown()),
  /** What the server says of itself: shown to whoever decides, and believed by nobody. */
  annotations: z.record(z.string(), z.unknown()).optional(),
});
export type ToolDefinition = z.infer<typeof ToolDefinition>;

export type ReadDefinition =
  | { readonly kind: 'definition'; readonly definition: ToolDefinition }
  /** Cannot be made a tool of; `name` as it can be shown, `why` the end of a sentence. */
  | { readonly kind: 'unfit'; readonly name: string; readonly why: string };

export function readDefinition(raw: unknown): ReadDefinition {
  const name = z.object({ name: z.string() }).safeParse(raw).data?.name ?? '';
  const unfit = (why: string): ReadDefinition => ({ kind: 'unfit', name: shownName(name), why });
  if (!GIVEN_NAME.test(name) || NO_NAMES.has(name)) return unfit(NAMED_WRONG);
  const parsed = ToolSchema.safeParse(raw);
  if (!parsed.success) return unfit('it is not described as the protocol says');

  const { title, description = '', inputSchema, annotations } = parsed.data;
  if (description.length > MAX_DESCRIPTION_CHARS) return unfit('its description is too long');
  const written = canonicalize(inputSchema) ?? '';
  if (written.length > MAX_SCHEMA_CHARS) return unfit('its arguments are described at too great a length');
  if (patternsIn(inputSchema).length > MAX_PATTERNS) return unfit('its arguments have too many patterns');
  if (hasHiddenKey(inputSchema)) return unfit('its arguments have names that cannot be seen');
  const odd = Object.keys(inputSchema.properties ?? {}).find((key) => !PROPERTY_NAME.test(key));
  if (odd !== undefined) return unfit(`the model takes no argument called "${odd.slice(0, 100)}"`);
  const keyword = UNFIT_AT_THE_TOP.find((each) => each in inputSchema);
  if (keyword !== undefined) return unfit(`the model takes no arguments that are described with ${keyword}`);

  const definition = seen({ name, title, description, inputSchema, annotations });
  return { kind: 'definition', definition: ToolDefinition.parse(definition) };
}

const NAMED_WRONG = `its name cannot be used: a tool is named with 1 to ${MAX_GIVEN_NAME_CHARS} letters, digits, _, -, . and /, a hyphen not first`;

/** In one line, with all that is in it; never the name of a tool that is fit. */
function shownName(name: string): string {
  if (NO_NAMES.has(name)) return '?';
  const shown = showHidden(name.slice(0, MAX_GIVEN_NAME_CHARS)).replaceAll('\n', '⏎ ').replaceAll('\t', ' ');
  return name.length > MAX_GIVEN_NAME_CHARS ? `${shown}…` : shown;
}

/** SHA-256 of what counts, in hexadecimal digits. */
export function hashOf(definition: ToolDefinition): string {
  return createHash('sha256')
    .update(canonicalize(definition) ?? '')
    .digest('hex');
}

/**
 * What the model calls it: `mcp__<server>__<tool>`. Where a name has to be shortened or rewritten, a piece of its hash
 * makes it one of a kind.
 */
export function toolNameOf(server: string, tool: string): string {
  const prefix = `mcp__${server}__`;
  const plain = tool.replaceAll(/[^\w-]/g, '_');
  if (plain === tool && prefix.length + tool.length <= MAX_TOOL_NAME_CHARS) return `${prefix}${tool}`;
  const mark = createHash('sha256').update(tool).digest('hex').slice(0, 8);
  return `${prefix}${plain.slice(0, MAX_TOOL_NAME_CHARS - prefix.length - mark.length - 1)}_${mark}`;
}

/** A number that is another one for another definition: part of what a human approves. */
export function versionOf(hash: string): number {
  return Number.parseInt(hash.slice(0, 12), 16); // 48 bits: exact in a number
}

/** Without what cannot be seen, and without what is undefined. */
function seen(value: unknown): unknown {
  if (typeof value === 'string') return dropInvisible(value);
  if (Array.isArray(value)) return value.map(seen);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, entry]) => (entry === undefined ? [] : [[key, seen(entry)]])),
  );
}

function hasHiddenKey(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(hasHiddenKey);
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(value).some(([key, entry]) => dropInvisible(key) !== key || hasHiddenKey(entry));
}
