/**
 * Settings for things that are not there, or are not asked about, for `signalbox check`: tools, hashes of skills, rules
 * for tools there are not, conditions that tell nothing, and rules by which somebody would be asked in vain.
 */
import { idleConditionsIn } from '../agent/tools/idle-conditions.ts';
import { misnamedIn, misnamedText } from '../agent/tools/misnamed.ts';
import type { ToolCatalog } from '../agent/tools/tool-catalog.ts';
import type { Rule } from '../config/authorizations.ts';
import { didYouMean } from '../config/schema-check.ts';
import { HAND_OFF } from '../control/hand-off-tool.ts';
import type { CheckFinding } from '../domain/gateway.ts';
import type { Tool } from '../domain/tool.ts';
import { STATE_CONFIDENCE } from '../escalation/confidence-tool.ts';
import type { Shelf } from '../skills/shelf.ts';
import { isThirdParty } from '../skills/skill.ts';
import type { GatewayConfig } from './prepare.ts';
import { createRegistry } from './skills.ts';
import { openCatalog } from './tools.ts';

const NEVER_ASKED: readonly string[] = [HAND_OFF, STATE_CONFIDENCE];

/** What MCP servers have is known once they have answered. */
const OF_SERVERS = 'mcp__';

export async function idleSettings(config: GatewayConfig): Promise<CheckFinding[]> {
  const { tools, skills } = config.settings;
  const hashes = Object.keys(skills.entries).filter((name) => skills.entries[name]?.hash !== undefined);
  const catalog = await openCatalog(config);
  const ofTools = [
    ...idleRules(config.authorizations.rules),
    ...misnamed(config, catalog),
    ...idleConditions(config, catalog.list()),
    ...idleTools(Object.keys(tools), catalog),
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
function misnamed({ authorizations, settings }: GatewayConfig, catalog: ToolCatalog): CheckFinding[] {
  const named = { tools: catalog.list(), platforms: Object.keys(settings.gateways), played: [] };
  return misnamedIn(authorizations, named).map((each) => ({
    subject: `authorizations.yaml ${each.at}`,
    status: 'missing',
    detail: misnamedText(each),
    remedy:
      each.meant === undefined ? '`signalbox tools` lists those there are.' : `Did you mean ${each.meant}?`,
  }));
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

function idleTools(written: readonly string[], catalog: Pick<ToolCatalog, 'list'>): CheckFinding[] {
  const known = catalog.list().map(({ name }) => name);
  return written
    .filter((name) => !known.includes(name) && !name.startsWith(OF_SERVERS))
    .map((name) => {
      const meant = didYouMean(name, known);
      return {
        subject: `settings.yaml tools.${name}`,
        status: 'missing',
        detail: `there is no tool ${name} here, so this holds for nothing`,
        remedy: meant === undefined ? '`signalbox tools` lists those there are.' : `Did you mean ${meant}?`,
      };
    });
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
