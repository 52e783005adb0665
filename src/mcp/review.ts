/** What of a tool of an MCP server has changed, for somebody who decides whether the agent may have it. Pure. */
import { createTwoFilesPatch, FILE_HEADERS_ONLY } from 'diff';
import { uncheckedIn } from './patterns.ts';
import type { Pin } from './pins.ts';
import type { ToolDefinition } from './tool-definition.ts';

/** The whole of a new tool, or the difference to what was agreed to: lines that begin with `+`, `-` or a space. */
export function reviewText({ seen, agreed }: Pin): string {
  if (seen?.kind !== 'fit') return '';
  const now = toLines(seen.definition);
  if (!agreed) return now.map((line) => `+ ${line}`).join('\n');
  const before = toLines(agreed.definition);
  return createTwoFilesPatch('agreed', 'now', toText(before), toText(now), '', '', {
    context: 3,
    headerOptions: FILE_HEADERS_ONLY,
  }).trimEnd();
}

/** Everything that counts, in an order of its own. */
function toLines({ name, title, description, inputSchema, annotations }: ToolDefinition): string[] {
  return [
    ...linesOf('name', name),
    ...(title === undefined ? [] : linesOf('title', title)),
    ...linesOf('description', description),
    ...linesOf('arguments', JSON.stringify(sorted(inputSchema), undefined, 2)),
    ...uncheckedIn(inputSchema).map(
      (pattern) =>
        `not checked here: arguments with the pattern ${JSON.stringify(pattern)}; the server has to`,
    ),
    ...Object.entries(annotations ?? {})
      .flatMap(([hint, value]) => linesOf('says of itself', `${hint} = ${JSON.stringify(value)}`))
      .toSorted(),
  ];
}

/** Every line of it says what it is of: none passes for one of ours. */
function linesOf(label: string, text: string): string[] {
  return text.split('\n').map((line) => `${label}: ${line}`);
}

function toText(lines: readonly string[]): string {
  return `${lines.join('\n')}\n`;
}

/** The same text for the same schema, in whatever order a server writes it. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, entry]) => [key, sorted(entry)]),
  );
}
