/**
 * Names in `authorizations.yaml` that no tool and no group of tools goes by: what is written for them holds for
 * nothing, and a slip of the pen in a rule that denies is believed in until it is needed. Pure.
 *
 * Passed over is what only another moment can tell: tools of MCP servers that are configured, which are known once their
 * server has answered, those of a platform that is not set up here, and those of the sandbox where it is not run: the
 * shipped rules name them.
 */
import type { Authorizations } from '../../config/authorizations.ts';
import { didYouMean } from '../../config/schema-check.ts';
import { groupsOf, TOOL_GROUPS } from '../../domain/tool.ts';
import type { Classed } from './profiles.ts';

export interface Misnamed {
  /** Where it is written: `rule "refunds"`, `tools.deny`, `roles.helper.calls`. */
  readonly at: string;
  readonly kind: 'tool' | 'group' | 'tool or group';
  readonly name: string;
  /** The MCP server it would be of, which is not configured. */
  readonly server?: string;
  /** What was probably meant. */
  readonly meant?: string;
}

/** What there is. */
export interface Named {
  readonly tools: readonly Classed[];
  /** Whether they are set up or not. */
  readonly platforms: readonly string[];
  /** MCP servers, whether they are switched on or not; undefined: nobody can tell which there are. */
  readonly servers: readonly string[] | undefined;
  /** Tools of the sandbox, whether it is run or not. */
  readonly played: readonly string[];
}

/** `mcp__tracker__search`: no server has an underscore in its name. */
const TOOL_OF_SERVER = /^(mcp__)([^_].*?)(__.+)$/;
/** All that a server has: `mcp-tracker`. */
const GROUP_OF_SERVER = /^(mcp-)(.+)()$/;

export type Written = Pick<Misnamed, 'at' | 'kind' | 'name'>;

export function misnamedIn(authorizations: Authorizations, named: Named): Misnamed[] {
  return misnamedAmong(writtenIn(authorizations), named);
}

export function misnamedAmong(all: readonly Written[], named: Named): Misnamed[] {
  const tools = named.tools.map(({ name }) => name);
  const groups = [...new Set<string>([...TOOL_GROUPS, ...named.tools.flatMap(groupsOf)])];
  const known = { tool: tools, group: groups, 'tool or group': [...tools, ...groups] };
  const isElsewhere = elsewhere(named, groups);
  return all.flatMap((written): Misnamed[] => {
    const { kind, name } = written;
    if (known[kind].includes(name) || isElsewhere(name)) return [];
    const [, before = '', server, after = ''] = serverIn(written) ?? [];
    if (server !== undefined) {
      if (named.servers?.includes(server) !== false) return [];
      const near = didYouMean(server, named.servers);
      return [{ ...written, server, ...(near === undefined ? {} : { meant: `${before}${near}${after}` }) }];
    }
    const meant = didYouMean(name, known[kind]);
    return [{ ...written, ...(meant === undefined ? {} : { meant }) }];
  });
}

/** `there is no tool set_qouta here, …`: what follows the place. */
export function misnamedText({ kind, name, server }: Misnamed): string {
  if (server !== undefined)
    return `there is no MCP server ${server} here, so what is said of ${name} holds for nothing`;
  return `there is no ${kind} ${name} here, so what is said of it holds for nothing`;
}

function serverIn({ kind, name }: Written): RegExpExecArray | undefined {
  const ofTool = kind === 'group' ? null : TOOL_OF_SERVER.exec(name);
  const ofGroup = kind === 'tool' ? null : GROUP_OF_SERVER.exec(name);
  return ofTool ?? ofGroup ?? undefined;
}

function writtenIn({ rules, roles, tools }: Authorizations): Written[] {
  return [
    ...rules.flatMap(({ name, tool, group }) =>
      inScope(`rule "${name}"`, { tools: tool, groups: group === undefined ? [] : [group] }),
    ),
    ...Object.entries(roles).flatMap(([role, { calls = [] }]) =>
      calls.flatMap((scope) => inScope(`roles.${role}.calls`, scope)),
    ),
    ...(['allow', 'deny', 'elevated_only'] as const).flatMap((list) =>
      tools[list].map((name) => ({ at: `tools.${list}`, kind: 'tool or group' as const, name })),
    ),
  ];
}

function inScope(
  at: string,
  {
    tools = [],
    groups = [],
  }: { readonly tools?: readonly string[] | undefined; readonly groups?: readonly string[] | undefined },
): Written[] {
  return [
    ...tools.filter((name) => name !== '*').map((name) => ({ at, kind: 'tool' as const, name })),
    ...groups.map((name) => ({ at, kind: 'group' as const, name })),
  ];
}

function elsewhere({ platforms, played }: Named, groups: readonly string[]): (name: string) => boolean {
  const notSetUp = platforms.filter((platform) => !groups.includes(platform));
  return (name) =>
    played.includes(name) ||
    notSetUp.some((platform) => name === platform || name.startsWith(`${platform}_`));
}
