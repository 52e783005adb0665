import { describe, expect, it } from 'vitest';
import { misnamedIn } from '../../../../src/agent/tools/misnamed.ts';
import { Authorizations } from '../../../../src/config/authorizations.ts';

const named = {
  tools: [
    { name: 'set_quota', group: 'system', family: 'shop' },
    { name: 'read_file', group: 'fs' },
  ],
  platforms: ['slack', 'jira'],
  servers: ['tracker', 'mcp'],
  played: ['refund'],
} as const;

const ofRule = (tool: string | string[], more: object = {}) =>
  misnamedIn(
    Authorizations.parse({ roles: {}, rules: [{ name: 'r', tool, decision: 'deny', ...more }] }),
    named,
  );

describe('names of authorizations.yaml', () => {
  it('are told where no tool goes by them, with the one that was probably meant', () => {
    expect(ofRule(['set_qouta', 'set_quota', 'restart_all'])).toEqual([
      { at: 'rule "r"', kind: 'tool', name: 'set_qouta', meant: 'set_quota' },
      { at: 'rule "r"', kind: 'tool', name: 'restart_all' },
    ]);
  });

  it('are told where no group goes by them, and a group is no tool', () => {
    expect(ofRule('*', { group: 'shp' })).toMatchObject([{ kind: 'group', name: 'shp', meant: 'shop' }]);
    expect(ofRule('fs')).toMatchObject([{ kind: 'tool', name: 'fs' }]);
  });

  it('are told where they are of an MCP server that is not configured, with the one that was probably meant', () => {
    expect(ofRule(['mcp__trakcer__delete_all', 'mcp__mpc__x', 'mcp__elsewhere__search'])).toEqual([
      {
        at: 'rule "r"',
        kind: 'tool',
        name: 'mcp__trakcer__delete_all',
        server: 'trakcer',
        meant: 'mcp__tracker__delete_all',
      },
      { at: 'rule "r"', kind: 'tool', name: 'mcp__mpc__x', server: 'mpc', meant: 'mcp__mcp__x' },
      { at: 'rule "r"', kind: 'tool', name: 'mcp__elsewhere__search', server: 'elsewhere' },
    ]);
    expect(ofRule('*', { group: 'mcp-trakcer' })).toEqual([
      { at: 'rule "r"', kind: 'group', name: 'mcp-trakcer', server: 'trakcer', meant: 'mcp-tracker' },
    ]);
    const lists = Authorizations.parse({
      roles: {},
      tools: { deny: ['mcp-trakcer', 'mcp-tracker'], elevated_only: ['mcp__trakcer__x', 'mcp__tracker__x'] },
    });
    expect(misnamedIn(lists, named).map(({ at, server }) => [at, server])).toEqual([
      ['tools.deny', 'trakcer'],
      ['tools.elevated_only', 'trakcer'],
    ]);
  });

  it('are told where they are no name that a tool of a server could have', () => {
    expect(ofRule(['mcp__tracker', 'mcp-tracker', 'mcp__tracker__'])).toMatchObject([
      { name: 'mcp__tracker' },
      { name: 'mcp-tracker' },
      { name: 'mcp__tracker__' },
    ]);
  });

  it('are left to another moment where they are of an MCP server that is configured, or of a platform that is not set up', () => {
    expect(ofRule(['mcp__tracker__search', 'jira_assign', '*'])).toEqual([]);
    expect(ofRule('*', { group: 'jira' })).toEqual([]);
    expect(ofRule('*', { group: 'mcp-tracker' })).toEqual([]);
    expect(ofRule('refund')).toEqual([]); // of the sandbox
  });

  it('are left to another moment where nobody can tell which MCP servers there are', () => {
    const rules = [{ name: 'r', tool: 'mcp__trakcer__x', decision: 'deny' }];

    expect(misnamedIn(Authorizations.parse({ roles: {}, rules }), { ...named, servers: undefined })).toEqual(
      [],
    );
  });

  it('are looked at in the lists of `tools` and in what an agent may call, too', () => {
    const written = Authorizations.parse({
      roles: { helper: { calls: [{ tools: ['read_fiel'], groups: ['fs'] }] } },
      tools: { deny: ['set_quota', 'memroy'] },
    });

    expect(misnamedIn(written, named)).toEqual([
      { at: 'roles.helper.calls', kind: 'tool', name: 'read_fiel', meant: 'read_file' },
      { at: 'tools.deny', kind: 'tool or group', name: 'memroy', meant: 'memory' },
    ]);
  });
});
