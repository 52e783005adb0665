/**
 * Settings for things that are not there, or are not asked about, for `signalbox check`: tools, hashes of skills, rules
 * for tools there are not, conditions that no call meets or every one, and rules by which somebody would be asked in
 * vain.
 */
import { idleConditionsIn } from '../agent/tools/idle-conditions.ts';
import {
  type Misnamed,
  misnamedAmong,
  misnamedIn,
  misnamedText,
  type Named,
} from '../agent/tools/misnamed.ts';
import type { Rule } from '../config/authorizations.ts';
import { HAND_OFF } from '../control/hand-off-tool.ts';
import type { CheckFinding } from '../domain/gateway.ts';
import type { Tool } from '../domain/tool.ts';
import { STATE_CONFIDENCE } from '../escalation/confidence-tool.ts';
import type { Shelf } from '../skills/shelf.ts';
import { isThirdParty } from '../skills/skill.ts';
import type { GatewayConfig } from './prepare.ts';
import { createRegistry } from './skills.ts';
import { openCatalog } from './tools.ts';

/** What there is, but for the platforms. */
type There = Omit<Named, 'platforms'>;

const NEVER_ASKED: readonly string[] = [HAND_OFF, STATE_CONFIDENCE];

/** @param areServersKnown whether what is said of MCP servers was free of mistakes */
export async function idleSettings(config: GatewayConfig, areServersKnown: boolean): Promise<CheckFinding[]> {
  const { skills } = config.settings;
  const hashes = Object.keys(skills.entries).filter((name) => skills.entries[name]?.hash !== undefined);
  const catalog = await openCatalog(config);
  const servers = areServersKnown ? Object.keys(config.settings.mcp.servers) : undefined;
  const there = { tools: catalog.list(), servers, played: [] };
  const ofTools = [
    ...idleRules(config.authorizations.rules),
    ...misnamed(config, there),
    ...idleConditions(config, catalog.list()),
    ...idleTools(config, there),
  ];
  if (hashes.length === 0) return ofTools;
  const registry = createRegistry(config, catalog);
  const reloading = await registry.reload();
  if (reloading.kind === 'refused') return [...ofTools, unreadFinding(reloading.error)];
  return [...ofTools, ...idleHashes(hashes, registry.shelf())];
}

/** After the turn that wants a human, or says how sure it is, a yes to that would do nothing. */
function idleRules(rules: readonly Rule[]): CheckFinding[] {
  return rules.flatMap((rule): CheckFinding[] => {
    const named = rule.tool.filter((name) => NEVER_ASKED.includes(name));
    const isAsking = rule.decision === 'ask' || (rule.decision === 'deny' && rule.escalate !== undefined);
    if (named.length === 0 || !isAsking) return [];
    const instead = rule.decision === 'ask' ? 'they are let' : 'they are denied';
    return [
      {
        subject: `authorizations.yaml rule "${rule.name}"`,
        status: 'missing',
        detail: `nobody is asked about ${named.join(' and ')}: by this rule ${instead} at once`,
        remedy: 'Say allow or deny for them, in a rule of their own.',
      },
    ];
  });
}

/** A rule that denies a tool nobody has is believed in until it is needed. */
function misnamed({ authorizations, settings }: GatewayConfig, there: There): CheckFinding[] {
  const named = { ...there, platforms: Object.keys(settings.gateways) };
  return misnamedIn(authorizations, named).map((each) => misnamedFinding('authorizations.yaml', each));
}

/** So is one whose condition no call of it meets, or every one. */
function idleConditions({ authorizations, settings }: GatewayConfig, tools: readonly Tool[]): CheckFinding[] {
  const areAll = Object.keys(settings.mcp.servers).length === 0;
  return idleConditionsIn(authorizations, tools, areAll).map(({ at, path, problem, remedy }) => ({
    subject: `authorizations.yaml ${at}, when.${path}`,
    status: 'missing',
    detail: problem,
    remedy,
  }));
}

function idleTools({ settings }: GatewayConfig, there: There): CheckFinding[] {
  const written = Object.keys(settings.tools).map((name) => ({
    at: `tools.${name}`,
    kind: 'tool' as const,
    name,
  }));
  return misnamedAmong(written, { ...there, platforms: [] }).map((each) =>
    misnamedFinding('settings.yaml', each),
  );
}

function misnamedFinding(file: string, misnamed: Misnamed): CheckFinding {
  const { at, server, meant } = misnamed;
  const where = server === undefined ? '`signalbox tools` lists' : 'mcp.servers of settings.yaml names';
  return {
    subject: `${file} ${at}`,
    status: 'missing',
    detail: misnamedText(misnamed),
    remedy: meant === undefined ? `${where} those there are.` : `Did you mean ${meant}?`,
  };
}

function unreadFinding({ message }: Error): CheckFinding {
  return {
    subject: 'settings.yaml skills',
    status: 'missing',
    detail: message,
    remedy: 'Mend that folder, or name another one; until then no hash can be looked at.',
  };
}

/** A hash is asked about where somebody else may change the file: your own and those that came along are as they are. */
function idleHashes(names: readonly string[], { standings }: Shelf): CheckFinding[] {
  return names.flatMap((name): CheckFinding[] => {
    const named = standings.filter(({ file }) => file.id === name);
    if (named.some(({ file }) => isThirdParty(file))) return [];
    const [first] = named;
    const why = first
      ? `${name} is no skill of a third party (${first.file.source})`
      : `there is no skill ${name}`;
    return [
      {
        subject: `settings.yaml skills.entries.${name}.hash`,
        status: 'missing',
        detail: `${why}, so the hash is not looked at`,
        remedy: 'Take it out; `signalbox skills list` shows where each skill comes from.',
      },
    ];
  });
}
