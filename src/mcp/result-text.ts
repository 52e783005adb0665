/** What a tool of an MCP server told, as text: nothing is dropped without a word. Pure. */
import type { CallToolResult, ContentBlock } from '@modelcontextprotocol/sdk/types.js';

export function toResultText({ content, structuredContent }: CallToolResult): string {
  const parts = content.map(toText).filter((text) => text !== '');
  if (structuredContent !== undefined) parts.push(...structured(structuredContent, parts.length > 0));
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

/** By the specification the same stands in the text; it is shown where there is none. */
function structured(value: Readonly<Record<string, unknown>>, hasText: boolean): string[] {
  const json = JSON.stringify(value);
  return hasText ? [`[the same as structured data, ${json.length} characters: not shown]`] : [json];
}

function bytesIn(base64: string): number {
  return Buffer.byteLength(base64, 'base64');
}
