/**
 * Which tools a turn has, before the rules are asked about a single call: profile, groups, tools.
 *
 *   profile ──▶ groups ──▶ tools ──▶ without what a list or a ceiling keeps back
 *
 * Pure. The list sent to the model and the check of each call are this one function (`Toolbox`).
 *
 * Invariants
 *   1. What is denied is denied: neither `allow` nor a directive nor an elevation opens it.
 *   2. What is kept for elevated messages, or lies above a ceiling, is opened by no list and no profile. A ceiling of
 *      each role, of the person and of the channel holds; none lifts another.
 *   3. A message that asks for a profile has its groups and nothing beside them.
 *   4. Asking for a human is always left.
 */
import type { ToolAccess, ToolLimits } from '../../config/tool-access.ts';
import type { ToolProfile } from '../../domain/directive.ts';
import { channelOf } from '../../domain/ids.ts';
import { type Address, channelsOf } from '../../domain/message.ts';
import { groupsOf, TOOL_GROUPS, type Tool, type ToolGroup } from '../../domain/tool.ts';

/** Whatever else is taken from a turn, asking for a human and saying how sure it is are not. */
const KEPT_FAMILY = 'control';

/** Profile by profile, before `group_overrides`. */
const PROFILES: Readonly<Record<ToolProfile, readonly ToolGroup[]>> = {
  minimal: ['system'],
  coding: ['system', 'fs', 'database'],
  messaging: ['system', 'messaging', 'web'],
  full: TOOL_GROUPS,
};

/** For whom a turn is, and what its message asked for. */
export interface Asker {
  readonly person: string;
  readonly roles: readonly string[];
  /** Where it was asked: the names `channels` may have for that, nearest first. */
  readonly channels: readonly string[];
  /** Asked for by the message. */
  readonly profile?: ToolProfile | undefined;
  readonly elevated: boolean;
}

/** Of a tool, what its profile depends on. */
export type Classed = Pick<Tool, 'name' | 'group' | 'family'>;

/** The profile of a turn, and what gave it that, in words. */
export interface Chosen {
  readonly profile: ToolProfile;
  readonly by: string;
}

/** Why a turn does not have a tool, in a part of a sentence; undefined when it has it. */
export function keptBack(access: ToolAccess, asker: Asker, tool: Classed): string | undefined {
  return keptBackFrom(access, asker)(tool);
}

/** The same for many tools: what holds for the asker is looked up once. */
export function keptBackFrom(access: ToolAccess, asker: Asker): (tool: Classed) => string | undefined {
  const ceilings = ceilingsOf(access, asker).map((each) => ({
    ...each,
    groups: groupsIn(access, each.profile),
  }));
  const { profile, by } = profileOf(access, asker);
  const groups = groupsIn(access, profile);
  return (tool) => {
    if (isAlwaysLeft(tool)) return undefined;
    const denied = deniedTo(access, tool);
    if (denied !== undefined) return denied;
    if (!asker.elevated && isNamed(access.elevated_only, tool)) {
      return 'it is kept for elevated messages (tools.elevated_only)';
    }
    const low = ceilings.find((ceiling) => !ceiling.groups.includes(tool.group));
    if (low) return `it is above the ceiling ${low.profile} of ${low.by}`;
    if (groups.includes(tool.group)) return undefined;
    if (asker.profile === undefined && isNamed(access.allow, tool)) return undefined;
    return `it is not in the profile ${profile} (${by})`;
  };
}

/** Whether it is denied to everybody, also when somebody has agreed to a call of it; then why, in words. */
export function deniedTo({ deny }: ToolAccess, tool: Classed): string | undefined {
  return !isAlwaysLeft(tool) && isNamed(deny, tool) ? 'it is on the list tools.deny' : undefined;
}

export function isAlwaysLeft({ family }: Pick<Tool, 'family'>): boolean {
  return family === KEPT_FAMILY;
}

/** The nearest that says something: the message, its channel, its author, a role of theirs, the default. */
export function profileOf(access: ToolAccess, asker: Asker): Chosen {
  if (asker.profile !== undefined) return { profile: asker.profile, by: 'asked for by the message' };
  for (const { limits, by } of limitsOn(access, asker)) {
    if (limits.profile !== undefined) return { profile: limits.profile, by };
  }
  return { profile: access.default_profile, by: 'the default' };
}

/** All of them hold. */
export function ceilingsOf(access: ToolAccess, asker: Asker): readonly Chosen[] {
  return limitsOn(access, asker).flatMap(({ limits, by }) =>
    limits.ceiling === undefined ? [] : [{ profile: limits.ceiling, by }],
  );
}

export function groupsIn({ group_overrides }: ToolAccess, profile: ToolProfile): readonly ToolGroup[] {
  return TOOL_GROUPS.filter((group) => group_overrides[group] ?? PROFILES[profile].includes(group));
}

/** @throws when a tool has a group that is none, or two have one name: profiles and rules could not tell what they hold */
export function requireGroups(tools: readonly Classed[]): void {
  const seen = new Set<string>();
  for (const { name, group } of tools) {
    if (!TOOL_GROUPS.includes(group)) {
      throw new Error(
        `the tool ${name} belongs to no group that there is (${String(group)}); it needs one of ${TOOL_GROUPS.join(', ')}`,
      );
    }
    if (seen.has(name)) throw new Error(`two tools are called ${name}; each needs a name of its own`);
    seen.add(name);
  }
}

/** Names in the lists that no tool and no group goes by. */
export function unknownNames(access: ToolAccess, tools: readonly Classed[]): readonly string[] {
  const known = new Set<string>([...TOOL_GROUPS, ...tools.flatMap((tool) => [tool.name, ...groupsOf(tool)])]);
  return [...new Set([...access.allow, ...access.deny, ...access.elevated_only])].filter(
    (name) => !known.has(name),
  );
}

/**
 * Nearest first: the channel as the platform knows it, a thread before the one it is in, or the project of an issue;
 * then the platform.
 */
export function channelNamesOf(address: Address): readonly string[] {
  const kind = channelOf(address.platform);
  return [...channelsOf(address).map((id) => `${kind}:${id}`), kind];
}

export function askerOf(
  asked: Pick<Asker, 'person' | 'roles'> & { readonly at: Address },
  wish: { readonly profile?: ToolProfile | undefined; readonly elevated?: boolean } = {},
): Asker {
  const { at, person, roles } = asked;
  return {
    person,
    roles,
    channels: channelNamesOf(at),
    profile: wish.profile,
    elevated: wish.elevated === true,
  };
}

function isNamed(names: readonly string[], tool: Classed): boolean {
  return names.includes(tool.name) || groupsOf(tool).some((group) => names.includes(group));
}

/** Nearest first: the channel before its platform, the person before their roles, roles as they are written. */
function limitsOn(
  { channels, people, roles }: ToolAccess,
  asker: Asker,
): readonly { readonly limits: ToolLimits; readonly by: string }[] {
  const held = Object.entries(roles).filter(([role]) => asker.roles.includes(role));
  const named = [
    ...asker.channels.map((name) => ({ limits: at(channels, name), by: `the channel ${name}` })),
    { limits: at(people, asker.person), by: `the person ${asker.person}` },
    ...held.map(([role, limits]) => ({ limits, by: `the role ${role}` })),
  ];
  return named.flatMap(({ limits, by }) => (limits === undefined ? [] : [{ limits, by }]));
}

function at(entries: Readonly<Record<string, ToolLimits>>, name: string): ToolLimits | undefined {
  return Object.hasOwn(entries, name) ? entries[name] : undefined;
}
