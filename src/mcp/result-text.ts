/** What a tool of an MCP server told, as text: nothing is dropped without a word. Pure. */
import { isDeepStrictEqual } from 'node:util';
import type { CallToolResult, ContentBlock } from '@modelcontextprotocol/sdk/types.js';

export function toResultText({ content, structuredContent }: CallToolResult): string {
  const parts = content.map(toText).filter((text) => text !== '');
  if (structuredContent !== undefined) parts.push(...structured(structuredContent, parts));
  return parts.length === 0 ? '(it told nothing)' : parts.join('\n\n');
}

function toText(block: ContentBlock): string {
  switch (block.type) {
    case 'text':
      return block.text;
    case 'image':
    case 'audio':
      return `[${block.type}, ${block.mimeType}, ${bytesIn(block.data)} bytes: cannot be shown]`;
    case 'resource_link':
      return `[link to "${block.name}": ${block.uri}]`;
    case 'resource': {
      const { uri, mimeType = 'unknown kind' } = block.resource;
      return 'text' in block.resource
        ? `[resource ${uri}, ${mimeType}]\n${block.resource.text}`
        : `[resource ${uri}, ${mimeType}, ${bytesIn(block.resource.blob)} bytes: cannot be shown]`;
    }
    default:
      return block satisfies never;
  }
}

/** By the specification the same stands in the text; whether it does is looked at, and what does not is told. */
function structured(value: Readonly<Record<string, unknown>>, texts: readonly string[]): string[] {
  const json = JSON.stringify(value);
  if (texts.length === 0) return [json];
  const isTold = texts.some((text) => isSame(text, value));
  return [isTold ? '[the same as structured data: not shown again]' : `[and as structured data]\n${json}`];
}

/** As JSON, or as the one value that is all of it. */
function isSame(text: string, value: Readonly<Record<string, unknown>>): boolean {
  const [only, ...more] = Object.values(value);
  const whole = valueIn(text);
  return isDeepStrictEqual(whole, value) || (more.length === 0 && (text === only || isAlike(whole, only)));
}

/** Of what JSON writes as a value; a text that is none is like nothing. */
function isAlike(one: unknown, other: unknown): boolean {
  return one !== undefined && isDeepStrictEqual(one, other);
}

function valueIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function bytesIn(base64: string): number {
  return Buffer.byteLength(base64, 'base64');
}
