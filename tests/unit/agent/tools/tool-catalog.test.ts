import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ToolCatalog } from '../../../../src/agent/tools/tool-catalog.ts';
import type { Tool } from '../../../../src/domain/tool.ts';

describe('a catalog with tools that come and go', () => {
  it('shows what models are told in the very same bytes as long as nothing changes', () => {
    const listed = [tool('mcp__tracker__search')];
    const catalog = new ToolCatalog([tool('remember')], undefined, [{ tools: () => listed }]);

    const before = catalog.specs;

    expect(catalog.specs).toBe(before);
    expect(before.map(({ name }) => name)).toEqual(['mcp__tracker__search', 'remember']);
  });

  it('finds a tool from the moment its source has it, and no longer', () => {
    let listed: readonly Tool[] = [];
    const catalog = new ToolCatalog([tool('remember')], undefined, [{ tools: () => listed }]);
    expect(catalog.find('mcp__tracker__search')).toBeUndefined();

    listed = [tool('mcp__tracker__search')];
    const found = catalog.find('mcp__tracker__search');
    listed = [];

    expect(found).toBeDefined();
    expect(catalog.find('mcp__tracker__search')).toBeUndefined();
    expect(catalog.names()).toEqual(['remember']);
  });

  it('gives a turn what there is at its beginning, whatever comes and goes meanwhile', () => {
    let listed: readonly Tool[] = [tool('mcp__tracker__search')];
    const catalog = new ToolCatalog([tool('remember')], undefined, [{ tools: () => listed }]);

    const turn = catalog.narrowedTo(undefined);
    listed = [];

    expect(turn.names().toSorted()).toEqual(['mcp__tracker__search', 'remember']);
    expect(turn.specs).toHaveLength(2);
  });

  it('lets no source take the name of a tool of ours', () => {
    const ours = tool('remember');
    const catalog = new ToolCatalog([ours], undefined, [{ tools: () => [tool('remember')] }]);

    expect(catalog.find('remember')).toBe(ours);
    expect(catalog.specs).toHaveLength(1);
  });

  it('shows the schema a tool was described with, where there is one', () => {
    const inputSchema = { type: 'object', properties: { query: { type: 'string', minLength: 2 } } };
    const catalog = new ToolCatalog([{ ...tool('mcp__tracker__search'), inputSchema }]);

    expect(catalog.specs[0]?.inputSchema).toBe(inputSchema);
  });
});

function tool(name: string): Tool {
  return {
    name,
    group: 'automation',
    version: 1,
    description: name,
    input: z.unknown(),
    risk: 'low',
    effect: 'read',
    reversible: true,
    timeoutMs: 1_000,
    execute: async () => ({ status: 'ok', text: name }),
  };
}
