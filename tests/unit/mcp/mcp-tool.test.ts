import { describe, expect, it } from 'vitest';
import { McpSettings } from '../../../src/config/mcp.ts';
import { createMcpTool } from '../../../src/mcp/mcp-tool.ts';

function composes(server: object): boolean {
  const settings = McpSettings.parse({ servers: { notes: { command: 'notes', ...server } } }).servers.notes!;
  const definition = { name: 'search', description: 'Finds notes.', inputSchema: { type: 'object' } };
  const call = async () => ({ kind: 'not-done', why: 'nobody is there' }) as const;
  return createMcpTool({ server: 'notes', settings, definition, call }).composes === true;
}

describe('what a tool of an MCP server tells', () => {
  it('OM-187 counts as put together by the agent, unless it is said that the tool only looks things up', () => {
    expect(composes({})).toBe(true);
    expect(composes({ effect: 'read' })).toBe(true);
    expect(composes({ looks_up: true })).toBe(false);
    expect(composes({ tools: { search: { looks_up: true } } })).toBe(false);
    expect(composes({ looks_up: true, tools: { search: { looks_up: false } } })).toBe(true);
    expect(composes({ looks_up: true, tools: { other: { looks_up: false } } })).toBe(false);
  });
});
