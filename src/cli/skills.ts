/** `signalbox skills …`: what there is, what is used, what is wrong with it, and why it is chosen. */
import { isAbsolute, relative, resolve, sep } from 'node:path';
import { skillsKeptOut } from '../agent/prompt/sections.ts';
import type { ToolCatalog } from '../agent/tools/tool-catalog.ts';
import { visible } from '../approvals/sentences.ts';
import { searchPath } from '../config/environment.ts';
import type { PromptSettings } from '../config/prompt.ts';
import { didYouMean } from '../config/schema-check.ts';
import type { SkillSettings } from '../config/skills.ts';
import { AppError } from '../domain/errors.ts';
import { dropUnreadable } from '../domain/file-name.ts';
import { createLogger } from '../observability/logger.ts';
import { readMessageDirectives } from '../router/message-directives.ts';
import { createHost } from '../skills/host.ts';
import { type Finding, lintSkill, unknownTools, type Written } from '../skills/lint.ts';
import type { Match } from '../skills/matcher.ts';
import { createMatcher } from '../skills/matchers.ts';
import { readPlainFile } from '../skills/plain-file.ts';
import type { Standing } from '../skills/shelf.ts';
import { isReadable, labelOf, SKILL_SOURCES } from '../skills/skill.ts';
import { MAX_SKILL_BYTES } from '../skills/skill-folders.ts';
import { NO_SKILLS, SkillRegistry } from '../skills/skill-registry.ts';
import { programOf, type SkillProgram } from '../skills/skill-scripts.ts';
import { runningPlatforms } from './escalation.ts';
import { type GatewayConfig, readConfig } from './prepare.ts';
import { facts, table } from './table.ts';
import { openCatalog, requirePlatform, withPlayed } from './tools.ts';

/** What was asked for is not there. The message says what is. */
class UnknownSkillError extends AppError {
  override readonly code = 'UNKNOWN_SKILL';
}

const SWITCHED_OFF = 'No skill is used: skills.enabled of settings.yaml is false.';

export interface SkillsOptions {
  readonly config: string;
  readonly json: boolean;
}

export async function listSkills(options: SkillsOptions & { readonly ineligible: boolean }): Promise<number> {
  const { registry, settings } = await openSkills(options.config);
  const standings = registry
    .shelf()
    .standings.filter(({ kind }) => !options.ineligible || kind === 'ineligible')
    .toSorted((a, b) => (a.file.id < b.file.id ? -1 : a.file.id > b.file.id ? 1 : 0));
  if (options.json) return print(standings.map(toJson));
  if (standings.length === 0)
    return say(options.ineligible ? 'Every skill can be used.' : 'There is no skill.');
  if (options.ineligible) {
    const rows = standings.flatMap((standing) =>
      lacksIn(standing).map(({ code, missing, message }) => [standing.file.id, code, missing, message]),
    );
    return say(table(['skill', 'code', 'missing', 'why'], rows));
  }
  const rows = standings.map((standing) => [
    standing.file.id,
    isReadable(standing.file) ? standing.file.reading.head.version : '?',
    sourceText(standing),
    stateText(standing),
    standing.file.path,
  ]);
  const shown = table(['skill', 'version', 'source', 'state', 'file'], rows);
  return say(settings.enabled ? shown : `${shown}\n\n${SWITCHED_OFF}`);
}

/** @throws {UnknownSkillError} when there is no skill of this name */
export async function showSkill(name: string, options: SkillsOptions): Promise<number> {
  const { registry, settings } = await openSkills(options.config);
  const standing = find(registry, name);
  const { file } = standing;
  const body = isReadable(file) ? await registry.body(file) : '';
  const program = isReadable(file) ? await programOf(file, settings) : undefined;
  if (options.json) return print({ ...toJson(standing), ...scriptsToJson(program), body });
  const head = isReadable(file) ? file.reading.head : undefined;
  const lines = facts([
    ['skill', file.id],
    ['version', head?.version ?? '?'],
    ['source', sourceText(standing)],
    ['state', stateText(standing)],
    ...lacksIn(standing).map(({ code, message }): [string, string] => [code, message]),
    ['file', file.path],
    ...(file.sha256 === undefined ? [] : [['sha256', file.sha256] as const]),
    ['about', head?.description ?? ''],
    ['keywords', head?.keywords.join(', ') ?? ''],
    [
      'requires',
      head?.requires.skills.map(({ id, range }) => `${id} ${range}`).join(', ') || 'no other skill',
    ],
    ['tools', head?.allowedTools?.join(', ') ?? 'all the turn has'],
    ...scriptFacts(program, settings),
  ]);
  return say(body === '' ? lines : `${lines}\n\n${body}`);
}

/** @param path of a SKILL.md, or of a folder with skills; undefined: all of this gateway. Exit code 1 for errors. */
export async function lintSkills(path: string | undefined, options: SkillsOptions): Promise<number> {
  const folder = path === undefined ? undefined : folderOf(path);
  const { workspace } = readConfig(options.config).settings.skills;
  // One of the owner's is looked at where it stands: what it requires lies beside it.
  const isOwn = folder !== undefined && liesIn(folder, workspace);
  const { registry, settings, tools } = await openSkills(options.config, isOwn ? undefined : path);
  const standings = registry.shelf().standings.filter(({ file }) => {
    if (folder === undefined) return true;
    return file.source === 'workspace' && (!isOwn || liesIn(file.path, folder));
  });
  if (path !== undefined && standings.length === 0) {
    throw new UnknownSkillError(
      `There is no SKILL.md in ${path}. Each skill is a folder with a file of that name.`,
    );
  }
  const findings = await Promise.all(
    standings.map(async (standing) =>
      lintSkill(standing, await writtenOf(standing, settings), { settings, tools }),
    ),
  ).then((found) => found.flat());
  const isOk = !findings.some(({ level }) => level === 'error');
  if (options.json) print({ ok: isOk, findings });
  else say(renderFindings(findings, standings.length));
  return isOk ? 0 : 1;
}

/**
 * Words in front of the message that say how it is handled count as in a turn.
 *
 * @throws {UnknownNameError} when there is no platform `on`
 */
export async function explainSkills(
  written: string,
  options: SkillsOptions & { readonly on: string },
): Promise<number> {
  requirePlatform(readConfig(options.config), options.on);
  const { registry, settings, prompt, tools: there } = await openSkills(options.config);
  const { text, directives } = readMessageDirectives(written) ?? { text: written };
  const keptOut = skillsKeptOut(prompt, directives?.mode ?? prompt.mode);
  const matches = registry.match(text, options.on);
  const { given, leftOut, tools } = keptOut ? NO_SKILLS : await registry.choose(text, options.on);
  const noTools = unknownTools([...(tools ?? [])], there);
  const left = [...(tools ?? [])].filter((name) => !noTools.includes(name));
  const names = new Set(given.map(({ name }) => name));
  const unusable = wouldFit(registry, settings, text);
  if (options.json) {
    return print({
      text: written,
      matcher: settings.matcher,
      ...(keptOut ? { keptOut } : {}),
      matches: matches.map(({ skill, score, reasons }) => ({ skill: skill.id, score, reasons })),
      given: given.map(({ label, body }) => ({ skill: label, chars: body.length })),
      leftOut,
      tools: tools ? left : null,
      ...(noTools.length > 0 ? { noTools } : {}),
      cannotBeUsed: unusable.map(({ skill }) => skill.id),
    });
  }
  if (!settings.enabled) return say(SWITCHED_OFF);
  const rows = matches.map(({ skill, score, reasons }, n) => [
    `${n + 1}`,
    labelOf(skill),
    `${score}`,
    names.has(skill.id)
      ? 'shown'
      : (leftOut.find(({ name }) => name === skill.id)?.why ?? keptOut ?? 'not shown'),
    reasons.join(', '),
  ]);
  const along = given.filter(({ name }) => !matches.some(({ skill }) => skill.id === name));
  const chars = given.reduce((sum, { body }) => sum + body.length, 0);
  return say(
    [
      rows.length === 0
        ? `No skill fits, as the matcher ${settings.matcher} reads it.`
        : table(['rank', 'skill', 'score', '', 'because of'], rows),
      ...along.map(({ label }) => `${label} is shown as well, because another requires it.`),
      ...(keptOut ? [`No skill is shown with this message: the section SKILLS is ${keptOut}.`] : []),
      ...(rows.length === 0 ? [] : [`${chars} of at most ${settings.max_chars} characters.`]),
      ...(tools ? [`Of its tools the agent has only: ${left.join(', ') || 'none'}.`] : []),
      ...(noTools.length > 0
        ? [`Allowed as well, and no tool here is called so: ${noTools.map(visible).join(', ')}.`]
        : []),
      ...unusable.map(
        ({ skill }) => `${skill.id} would fit, and cannot be used: signalbox skills list --ineligible`,
      ),
    ].join('\n'),
  );
}

interface Opened {
  readonly registry: SkillRegistry;
  readonly settings: SkillSettings;
  readonly prompt: PromptSettings;
  /** Names of all tools a turn may have, without those of MCP servers. */
  readonly tools: readonly string[];
}

/**
 * As the gateway would have them with these files; `workspace`: with another folder in the place of the owner's.
 *
 * @throws {SkillFolderError} as `openRegistry`
 */
async function openSkills(folder: string, workspace?: string): Promise<Opened> {
  const config = readConfig(folder);
  const { skills, prompt } = config.settings;
  const settings = workspace === undefined ? skills : { ...skills, workspace: folderOf(workspace) };
  const catalog = await openCatalog(withPlayed(folder, config));
  const registry = await openRegistry(config, catalog, settings);
  return { registry, settings, prompt, tools: catalog.names() };
}

/** One that has read its folders. @throws {SkillFolderError} when one of these cannot be read as a whole */
export async function openRegistry(
  config: GatewayConfig,
  catalog: ToolCatalog,
  settings?: SkillSettings,
): Promise<SkillRegistry> {
  const registry = createRegistry(config, catalog, settings);
  const reloading = await registry.reload();
  if (reloading.kind === 'refused') throw reloading.error;
  return registry;
}

/** @param catalog what skills can build on of the tools */
export function createRegistry(
  config: GatewayConfig,
  catalog: ToolCatalog,
  settings: SkillSettings = config.settings.skills,
): SkillRegistry {
  return new SkillRegistry({
    settings: () => settings,
    host: () =>
      createHost({
        platforms: runningPlatforms(config),
        toolGroups: catalog.groups(),
        model: config.settings.model.provider,
        path: searchPath(),
      }),
    log: createLogger({ level: 'silent' }),
  });
}

/** What it brings along to run, with the hash of all its files; nothing of one that brings nothing. */
function scriptFacts(
  program: SkillProgram | string | undefined,
  { scripts }: SkillSettings,
): [string, string][] {
  if (program === undefined) return [];
  if (typeof program === 'string') return [['scripts', program]];
  const off = scripts.enabled ? '' : ' (not run: skills.scripts.enabled of settings.yaml is false)';
  return [
    ['scripts', `${[...program.scripts.keys()].join(', ')}${off}`],
    ['all its files', program.content.sha256],
  ];
}

function scriptsToJson(program: SkillProgram | string | undefined): object {
  if (program === undefined) return {};
  if (typeof program === 'string') return { scripts: [], scriptsNotRun: program };
  return { scripts: [...program.scripts.keys()], filesSha256: program.content.sha256 };
}

function find(registry: SkillRegistry, name: string): Standing {
  const { standings } = registry.shelf();
  const found = standings.find(({ file }) => file.id === name);
  if (found) return found;
  const names = [...new Set(standings.map(({ file }) => visible(file.id)))];
  const meant = didYouMean(name, names);
  const hint = meant === undefined ? `There is: ${names.join(', ') || 'none'}.` : `Did you mean ${meant}?`;
  throw new UnknownSkillError(`There is no skill "${name}". ${hint}`);
}

/** Skills the text calls for that cannot be used. */
function wouldFit(registry: SkillRegistry, settings: SkillSettings, text: string): readonly Match[] {
  const unusable = registry
    .shelf()
    .standings.filter(({ kind }) => kind === 'ineligible')
    .map(({ file }) => file)
    .filter(isReadable);
  return createMatcher(settings.matcher, unusable)(text);
}

function lacksIn(standing: Standing) {
  return standing.kind === 'ineligible' ? standing.lacks : [];
}

function sourceText({ file: { source } }: Standing): string {
  return `${source} (${SKILL_SOURCES[source]})`;
}

function stateText(standing: Standing): string {
  switch (standing.kind) {
    case 'active':
      return 'active';
    case 'shadowed':
      return `shadowed by ${standing.by.source}`;
    case 'ineligible':
      return standing.lacks[0]?.code ?? 'ineligible';
    default:
      return standing satisfies never;
  }
}

function toJson(standing: Standing): object {
  const { file } = standing;
  const head = isReadable(file) ? file.reading.head : undefined;
  return {
    skill: file.id,
    version: head?.version ?? null,
    source: file.source,
    priority: SKILL_SOURCES[file.source],
    state: standing.kind,
    ...(standing.kind === 'shadowed' ? { by: standing.by.path } : {}),
    ...(standing.kind === 'ineligible' ? { lacks: standing.lacks } : {}),
    file: file.path,
    sha256: file.sha256 ?? null,
    description: head?.description ?? null,
    keywords: head?.keywords ?? [],
    allowedTools: head?.allowedTools ?? null,
  };
}

function folderOf(path: string): string {
  return /\.md$/i.test(path) ? path.replace(/[^/\\]*$/, '') || '.' : path;
}

function liesIn(path: string, folder: string): boolean {
  const way = relative(resolve(folder), resolve(path));
  return way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

async function writtenOf(standing: Standing, settings: SkillSettings): Promise<Written> {
  const { file } = standing;
  const program = isReadable(file) ? await programOf(file, settings) : undefined;
  return { content: contentOf(standing), program };
}

function contentOf({ file }: Standing): string | undefined {
  try {
    return readPlainFile(file.path, MAX_SKILL_BYTES).toString('utf8');
  } catch {
    return undefined; // what is wrong with it is among its lacks
  }
}

function renderFindings(findings: readonly Finding[], looked: number): string {
  const count = `${looked} ${looked === 1 ? 'skill' : 'skills'}`;
  if (findings.length === 0) return `${count}: nothing is wrong.`;
  const paths = [...new Set(findings.map(({ path }) => path))];
  const blocks = paths.map((path) => {
    const own = findings.filter((finding) => finding.path === path);
    return [
      visible(path),
      ...own.map(({ level, text }) => `  ${level === 'error' ? 'ERROR' : 'warning'}  ${visible(text)}`),
    ].join('\n');
  });
  return [...blocks, `${count} looked at.`].join('\n\n');
}

function print(value: unknown): number {
  return say(JSON.stringify(value, undefined, 2));
}

/** What others wrote does not steer the terminal. */
function say(text: string): number {
  process.stdout.write(`${dropUnreadable(text)}\n`);
  return 0;
}
