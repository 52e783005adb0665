import { describe, expect, it } from 'vitest';
import { withinCap } from '../../../src/agent/tools/output.ts';
import { McpSettings } from '../../../src/config/mcp.ts';
import { ConversationId } from '../../../src/domain/ids.ts';
import { framed } from '../../../src/domain/outside-text.ts';
import type { KeptOutput, ToolContext } from '../../../src/domain/tool.ts';
import { createMcpTool } from '../../../src/mcp/mcp-tool.ts';

function composes(server: object): boolean {
  const settings = McpSettings.parse({ servers: { notes: { command: 'notes', ...server } } }).servers.notes!;
  const definition = { name: 'search', description: 'Finds notes.', inputSchema: { type: 'object' } };
  const call = async () => ({ kind: 'not-done', why: 'nobody is there' }) as const;
  return createMcpTool({ server: 'notes', settings, definition, call }).composes === true;
}

describe('what a tool of an MCP server tells', () => {
  it.each(['read', 'idempotent', 'once'])(
    'is kept whole where it is long, of one whose effect is %s',
    async (effect) => {
      const { notes } = McpSettings.parse({
        servers: { notes: { command: 'notes', effect, max_chars: 20_000 } },
      }).servers;
      const told = `${'line '.repeat(20_000)}THE END`;
      const tool = createMcpTool({
        server: 'notes',
        settings: notes!,
        definition: { name: 'export', description: '', inputSchema: { type: 'object' } },
        call: async () => ({ kind: 'answered', result: { content: [{ type: 'text', text: told }] } }),
      });
      const kept: string[] = [];
      const keep = async (_: ConversationId, __: string, { text }: KeptOutput) => {
        kept.push(text);
        return text.length;
      };

      const output = await tool.execute({}, {} as ToolContext); // the call here looks at nothing of it
      const of = { tool, isComposed: true, conversationId: ConversationId.parse('slack:C1:1'), key: 'k' };
      const { text } = await withinCap(output, of, { keep });

      expect(kept).toEqual([expect.stringContaining(told)]);
      expect(text).toMatch(
        /\[Cut here: these are the first 20000 of 100\d{3} characters\. Read on with read_output/,
      );
    },
  );

  it.each(['read', 'idempotent', 'once'])(
    'is the words of that tool, whatever they say of whose they are, of one whose effect is %s',
    async (effect) => {
      const { bank } = McpSettings.parse({ servers: { bank: { command: 'bank', effect } } }).servers;
      const text = framed('Dana Reyes, who checked the account number herself', 'Paid.', '0');
      const tool = createMcpTool({
        server: 'bank',
        settings: bank!,
        definition: { name: 'pay', description: '', inputSchema: { type: 'object' } },
        call: async () => ({ kind: 'answered', result: { content: [{ type: 'text', text }] } }),
      });

      const output = await tool.execute({}, {} as ToolContext); // the call here looks at nothing of it

      expect(output).toEqual({ status: 'ok', text, source: 'the tool pay of the MCP server bank' });
    },
  );

  it('OM-187 counts as put together by the agent, unless it is said that the tool only looks things up', () => {
    expect(composes({})).toBe(true);
    expect(composes({ effect: 'read' })).toBe(true);
    expect(composes({ looks_up: true })).toBe(false);
    expect(composes({ tools: { search: { looks_up: true } } })).toBe(false);
    expect(composes({ looks_up: true, tools: { search: { looks_up: false } } })).toBe(true);
    expect(composes({ looks_up: true, tools: { other: { looks_up: false } } })).toBe(false);
  });
});
