import { describe, expect, it } from 'vitest';
import { toResultText } from '../../../src/mcp/result-text.ts';

const told = (text: string | undefined, structuredContent: Record<string, unknown>) =>
  toResultText({ content: text === undefined ? [] : [{ type: 'text', text }], structuredContent });

describe('what a tool of an MCP server told as structured data', () => {
  it.each([
    ['in other words', 'see the data', { total: 4711, rows: [1, 2] }],
    ['only in part', '{"total":4711}', { total: 4711, rows: [1, 2] }],
    ['not at all', 'It rains.', {}],
  ])('is told where the text says it %s', (_, text, data) => {
    expect(told(text, data)).toBe(`${text}\n\n[and as structured data]\n${JSON.stringify(data)}`);
  });

  it.each([
    ['as JSON', '{ "rows": [1, 2], "total": 4711 }', { total: 4711, rows: [1, 2] }],
    ['as the one value it has', 'It rains.', { result: 'It rains.' }],
    ['as the JSON of that value', '[1, 2]', { result: [1, 2] }],
  ])('is told once where the text says the same %s', (_, text, data) => {
    expect(told(text, data)).toBe(`${text}\n\n[the same as structured data: not shown again]`);
  });

  it('is all there is where there is no text', () => {
    expect(told(undefined, { total: 4711 })).toBe('{"total":4711}');
  });
});
