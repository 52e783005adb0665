/** `signalbox tools`: profiles, groups and tools, and what one person has in one place. */
import {
  type Asker,
  ceilingsOf,
  groupsIn,
  keptBackFrom,
  profileOf,
  unknownNames,
} from '../agent/tools/profiles.ts';
import type { ToolCatalog } from '../agent/tools/tool-catalog.ts';
import { openTools } from '../app/open-tools.ts';
import { didYouMean } from '../config/schema-check.ts';
import type { ToolAccess } from '../config/tool-access.ts';
import { systemClock } from '../domain/clock.ts';
import { ToolProfile } from '../domain/directive.ts';
import { AppError } from '../domain/errors.ts';
import { groupsOf, type Tool } from '../domain/tool.ts';
import { createLogger } from '../observability/logger.ts';
import { filesIn, type GatewayConfig, parseOrigin, readConfig } from './prepare.ts';
import { environmentBeside, playedBySandbox } from './sandbox-plan.ts';
import { table } from './table.ts';

/** There is no such profile, person or platform. The message says what there is. */
class UnknownNameError extends AppError {
  override readonly code = 'UNKNOWN_NAME';
}

export interface ToolsOptions {
  readonly config: string;
  readonly as?: string;
  readonly on?: string;
  readonly elevated: boolean;
  readonly json: boolean;
}

/** @throws {UnknownNameError} when there is no such profile, person or platform */
export async function showTools(written: string | undefined, options: ToolsOptions): Promise<number> {
  const profile = written === undefined ? undefined : toProfile(written);
  const config = readConfig(options.config);
  const access = config.authorizations.tools;
  const tools = (await openCatalog(withPlayed(options.config, config))).list();
  const asker = askerIn(config, profile, options);
  if (asker) return showOf(access, tools, asker, options.json);
  return showProfiles(access, tools, profile === undefined ? ToolProfile.options : [profile], options.json);
}

function showProfiles(
  access: ToolAccess,
  tools: readonly Tool[],
  profiles: readonly ToolProfile[],
  asJson: boolean,
): number {
  const shown = profiles.map((profile) => ({
    profile,
    groups: groupsIn(access, profile).map((group) => ({
      group,
      tools: tools.filter((tool) => tool.group === group),
    })),
  }));
  const unknown = unknownNames(access, tools);
  if (asJson) {
    const groups = shown.map((each) => ({
      ...each,
      groups: each.groups.map(({ group, tools }) => ({ group, tools: tools.map(toJson) })),
    }));
    return say(JSON.stringify({ default: access.default_profile, profiles: groups, unknown }, undefined, 2));
  }
  const parts = shown.map(({ profile, groups }) => {
    const isDefault = profile === access.default_profile ? ' (what a message has by default)' : '';
    const rows = groups.flatMap(({ group, tools }) =>
      tools.length === 0 ? [[group, '-', '', '']] : tools.map((tool) => [group, ...cellsOf(tool)]),
    );
    return `${profile}${isDefault}\n${table(['group', 'tool', 'risk', 'effect'], rows)}`;
  });
  return say([...parts, ...notesOn(unknown)].join('\n\n'));
}

function showOf(access: ToolAccess, tools: readonly Tool[], asker: Asker, asJson: boolean): number {
  const keptBack = keptBackFrom(access, asker);
  const judged = tools.map((tool) => ({ tool, why: keptBack(tool) }));
  const left = judged.filter(({ why }) => why === undefined).map(({ tool }) => tool);
  const kept = judged.flatMap(({ tool, why }) => (why === undefined ? [] : [{ tool: tool.name, why }]));
  const chosen = profileOf(access, asker);
  const ceilings = ceilingsOf(access, asker);
  if (asJson) {
    const { person, roles } = asker;
    return say(
      JSON.stringify({ person, roles, ...chosen, ceilings, tools: left.map(toJson), kept }, undefined, 2),
    );
  }
  const heads = [
    `${asker.person} has the profile ${chosen.profile}: ${chosen.by}.`,
    ...ceilings.map(({ profile, by }) => `Never more than ${profile}: ${by}.`),
  ];
  const rows = left.map((tool) => [tool.group, ...cellsOf(tool)]).toSorted((a, b) => compare(a[0], b[0]));
  return say(
    [
      heads.join('\n'),
      table(['group', 'tool', 'risk', 'effect'], rows),
      ...(kept.length === 0
        ? []
        : [
            table(
              ['not', 'because'],
              kept.map(({ tool, why }) => [tool, why]),
            ),
          ]),
      'What the rules hold or refuse among them is said by authorizations.yaml, call by call.',
    ].join('\n\n'),
  );
}

function askerIn(
  { authorizations, contacts, settings }: GatewayConfig,
  profile: ToolProfile | undefined,
  { as, on, elevated }: ToolsOptions,
): Asker | undefined {
  if (as === undefined && on === undefined && !elevated) return undefined;
  const person = as === undefined ? undefined : contacts.people[as];
  if (as !== undefined && !person) throw unknownPerson(as, Object.keys(contacts.people));
  const roles = person?.roles ?? (authorizations.guest_role === undefined ? [] : [authorizations.guest_role]);
  const platform = on?.split(':')[0];
  if (platform !== undefined) requirePlatform({ settings }, platform);
  const channels = on === undefined || platform === undefined ? [] : [...new Set([on, platform])];
  return { person: as ?? 'somebody unknown', roles, channels, profile, elevated };
}

export function unknownPerson(name: string, known: readonly string[]): AppError {
  const meant = didYouMean(name, [...known]);
  const hint = meant === undefined ? `There is: ${known.join(', ')}.` : `Did you mean ${meant}?`;
  return new UnknownNameError(`There is no ${name} in contacts.yaml. ${hint}`);
}

/** @throws {UnknownNameError} when there is no such platform */
export function requirePlatform({ settings }: Pick<GatewayConfig, 'settings'>, name: string): void {
  const known = [...Object.keys(settings.gateways), 'cli'];
  if (known.includes(name)) return;
  const meant = didYouMean(name, [...known]);
  const hint = meant === undefined ? `There is: ${known.join(', ')}.` : `Did you mean ${meant}?`;
  throw new UnknownNameError(`There is no platform ${name}. ${hint}`);
}

function toProfile(written: string): ToolProfile {
  const profile = ToolProfile.safeParse(written.toLowerCase());
  if (profile.success) return profile.data;
  throw new UnknownNameError(`There is no profile ${written}. There is: ${ToolProfile.options.join(', ')}.`);
}

/** With what stands in for the credentials of platforms that the sandbox plays. */
export function withPlayed(folder: string, config: GatewayConfig): GatewayConfig {
  const played = playedBySandbox(config);
  if (played.length === 0) return config;
  return withShop(parseOrigin(filesIn(folder), environmentBeside(played)));
}

/** As the gateway would have them; where the sandbox stands in, with its shop. Without those of MCP servers. */
export async function openCatalog(config: GatewayConfig): Promise<ToolCatalog> {
  const whole = playedBySandbox(config).length > 0 ? withShop(config) : config;
  const log = createLogger({ level: 'silent' });
  return openTools({ config: () => whole, clock: systemClock, log });
}

function withShop(config: GatewayConfig): GatewayConfig {
  const { sandbox } = config.settings;
  const url = sandbox.url ?? 'http://127.0.0.1';
  return { ...config, settings: { ...config.settings, sandbox: { ...sandbox, url } } };
}

function cellsOf({ name, risk, effect, reversible }: Tool): string[] {
  const does = effect === 'read' ? 'reads' : reversible ? 'changes, can be undone' : 'changes for good';
  return [name, risk, does];
}

function toJson(tool: Tool): object {
  const { name, group, risk, effect, reversible } = tool;
  return { name, group, groups: groupsOf(tool), risk, effect, reversible };
}

function notesOn(unknown: readonly string[]): string[] {
  if (unknown.length === 0) return [];
  return [
    `Named in authorizations.yaml under tools, and neither a tool nor a group here: ${unknown.join(', ')}.`,
  ];
}

function compare(a = '', b = ''): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function say(text: string): number {
  process.stdout.write(`${text}\n`);
  return 0;
}
