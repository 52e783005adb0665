/**
 * `signalbox check`: what works, what is missing and how to get it.
 *
 *   the files ─▶ store, model, scripts, every platform, every MCP server, at the same time ─▶ one report
 *
 * A mistake in the files costs the part it is in; everything else is tried all the same.
 * Exit code 1 when something that is configured does not work; what is merely switched off is no failure.
 */
import { begunIn, gatewaySettings } from '../../gateways/gateway-settings.ts';
import { createGateways, explainMissing } from '../../gateways/index.ts';
import { WebhookListener } from '../../gateways/webhook-listener.ts';
import { createClient, eachModel } from '../app/models.ts';
import { openStores } from '../app/open-stores.ts';
import { checkWorkspace } from '../app/own-places.ts';
import type { Stores } from '../app/stores.ts';
import { visible } from '../approvals/sentences.ts';
import { ConfigError, type ConfigProblem } from '../config/config-error.ts';
import { CONFIG_PARTS, examineConfig, fileNameOf, readConfigTexts } from '../config/load-config.ts';
import type { McpSettings } from '../config/mcp.ts';
import type { ModelSettings } from '../config/settings.ts';
import { systemClock } from '../domain/clock.ts';
import { AppError, StartupError } from '../domain/errors.ts';
import type { Bookmarks, CheckFinding, ClientLog, Gateway, Places } from '../domain/gateway.ts';
import { type AccountId, platformOf } from '../domain/ids.ts';
import { timeLimit } from '../domain/time-limit.ts';
import { Directory } from '../identity/directory.ts';
import type { Logger } from '../observability/logger.ts';
import { BookmarkStore } from '../redis/bookmark-store.ts';
import { Reach } from '../router/reach.ts';
import { speakerOf } from '../scheduler/schedule-timers.ts';
import { WatchdogRecord } from '../services/watchdog-record.ts';
import { actorOf } from './actor.ts';
import { auditFinding } from './audit-finding.ts';
import { platformName } from './banner.ts';
import { createConsoleLogger, standardError } from './console-logger.ts';
import { idleSettings } from './idle-settings.ts';
import { type Books, foundBy, probeServers } from './mcp-findings.ts';
import { environment, type GatewayConfig } from './prepare.ts';
import { scheduleFinding } from './schedule-finding.ts';
import { scriptFindings } from './script-finding.ts';
import { durabilityOf } from './store-durability.ts';
import { isGatewayRunning, openStoreServer, shownAddress } from './store-server.ts';

/** Nothing is waited for longer than this, in ms. */
const PATIENCE_MS = 20_000;
/** People are told what is still being tried after this, in ms. */
const SAY_AFTER_MS = 2_000;

const STORE = 'Store';
const MODEL = 'Model';
const MCP = 'MCP servers';
const SKILLS = 'Skills';
const WORKSPACE = 'Workspace';
/** Settings without effect, and conditions that every call meets, or none. */
const IDLE = 'Probably not as meant';

export interface CheckOptions {
  readonly config: string;
  readonly json: boolean;
}

/** A finding, and the part of the product it is about. */
export interface PartFinding extends CheckFinding {
  readonly part: string;
  /** The part is switched on, so that anything but `works` is a failure. */
  readonly configured: boolean;
  /** The part is not on yet: it has some of what it needs, and lacks this. */
  readonly isBegun?: true;
}

/** @throws {ConfigError} when the files leave nothing to try */
export async function check({ config: folder, json }: CheckOptions): Promise<number> {
  const { config, problems } = examineConfig(readConfigTexts(folder), {
    directory: folder,
    env: environment(),
    gateways: gatewaySettings,
  });
  if (!config) {
    if (!json) throw new ConfigError(folder, problems);
    return print(JSON.stringify({ ok: false, problems }, undefined, 2), 1);
  }
  const mistakes = problems.map(problemFinding);
  const places = workspaceFindings(config);
  const broken = new Set([...mistakes, ...places.filter(isFailure)].map(({ part }) => part));
  const findings = [
    ...(mistakes.length > 0 ? mistakes : [configurationFinding(config, folder)]),
    ...places,
    terminalFinding(config),
    ...(await tryAll(config, broken)),
  ];
  const ok = !findings.some(isFailure);
  const wrong = problems.length > 0 ? { problems } : {};
  const report = json ? JSON.stringify({ ok, ...wrong, findings }, undefined, 2) : render(findings);
  return print(report, ok ? 0 : 1);
}

export function isFailure({ status, configured }: PartFinding): boolean {
  return status === 'failed' || (configured && status === 'missing');
}

/** @param broken parts with mistakes in their settings: what is left of those is not what was meant */
async function tryAll(config: GatewayConfig, broken: ReadonlySet<string>): Promise<PartFinding[]> {
  const log = await createConsoleLogger(
    { level: config.settings.log.level === 'debug' ? 'debug' : 'silent' },
    standardError(),
  );
  const pending = new Pending();
  try {
    const patience = timeLimit(PATIENCE_MS);
    const probes = broken.has(MCP) ? [] : probeServers(config.settings.mcp, log, patience);
    const store = broken.has(STORE) ? STORE_UNTRIED : pending.of(STORE, checkStore(config, log));
    const model = broken.has(MODEL) ? [] : pending.of(MODEL, checkModel(config.settings.model));
    const scripts = pending.of(SKILLS, scriptFindings(config));
    // Which tools there are cannot be told where the workspace cannot be opened.
    const idle = broken.has(WORKSPACE) ? [] : pending.of(IDLE, idleSettings(config, !broken.has(MCP)));
    const [stored, thought, run, ignored] = await Promise.all([store, model, scripts, idle]);
    const platforms = await checkPlatforms(config, { gatewayRuns: stored.gatewayRuns, broken }, pending, log);
    const served = (await pending.of(MCP, foundBy(probes, stored.books))).map(mcpFinding);
    const skilled = run.map((finding) => ({ part: SKILLS, configured: true, ...finding }));
    // Nothing is broken by it, so it is said and fails nothing.
    const noted = ignored.map((finding) => ({ part: IDLE, configured: false, ...finding }));
    return [...stored.findings, ...thought, ...skilled, ...platforms, ...served, ...noted];
  } finally {
    pending.stop();
  }
}

/** A mistake in one of the files, at the part of the product it is about. */
function problemFinding({ file, line, keyPath, expected, found, hint }: ConfigProblem): PartFinding {
  const place = line === undefined ? file : `${file}:${line}`;
  return {
    part: partAt(file, keyPath),
    configured: true,
    subject: `${place} ${keyPath}`.trim(),
    status: 'failed',
    detail: `expected ${expected}, found ${found}`,
    remedy: hint ?? `Correct it in ${file}, or the variable it is taken from in .env.`,
  };
}

function partAt(file: string, keyPath: string): string {
  const [section = '', platform = ''] = file === fileNameOf('settings') ? keyPath.split('.') : [];
  if (section === 'gateways' && platform !== '') return platformName(platform);
  return (
    { redis: STORE, model: MODEL, mcp: MCP, skills: SKILLS, workspace: WORKSPACE }[section] ?? 'Configuration'
  );
}

function configurationFinding({ contacts, authorizations }: GatewayConfig, folder: string): PartFinding {
  const people = Object.keys(contacts.people).length;
  return {
    part: 'Configuration',
    configured: true,
    subject: folder,
    status: 'works',
    detail: `${CONFIG_PARTS.length} files, ${people} people, ${authorizations.rules.length} rules, no mistakes`,
  };
}

/** Whether the files of the agent lie apart from those of the gateway; nothing where it has none. */
function workspaceFindings(config: GatewayConfig): PartFinding[] {
  const { directory } = config.settings.workspace;
  if (directory === undefined) return [];
  const about = { part: WORKSPACE, configured: true };
  try {
    checkWorkspace(config);
    return [{ ...about, subject: directory, status: 'works', detail: 'apart from all that is ours' }];
  } catch (error) {
    return [{ ...about, ...failure(directory, error) }];
  }
}

/** Who acts when somebody types here. */
function terminalFinding(config: GatewayConfig): PartFinding {
  const about = { part: 'Terminal', configured: false, subject: `account ${config.settings.cli.account}` };
  try {
    const { person } = actorOf(config, new Directory(() => config));
    return { ...about, status: 'works', detail: `speaks as ${person.name} (${person.roles.join(', ')})` };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return { ...about, status: 'missing', detail: 'belongs to nobody', remedy: error.message };
  }
}

// ── Store ────────────────────────────────────────────────────────────────────────────────────────────────────

interface StoreOutcome {
  readonly findings: readonly PartFinding[];
  readonly gatewayRuns: boolean;
  readonly books: Books;
}

const STORE_UNTRIED: StoreOutcome = { findings: [], gatewayRuns: false, books: undefined };

async function checkStore(config: GatewayConfig, log: Logger): Promise<StoreOutcome> {
  const { settings } = config;
  const about = { part: STORE, configured: true };
  try {
    const server = await openStoreServer(settings.redis, log);
    try {
      const options = { config: () => config, redisUrl: server.url, clock: systemClock, log };
      const stores = await openStores(options);
      const { redis, keys, close } = stores;
      const where = {
        given: `at ${shownAddress(server.url)}`,
        started: `our own, data in ${settings.redis.data_directory}; started for this check alone`,
        shared: `our own, data in ${settings.redis.data_directory}; in use`,
      }[server.kind];
      try {
        const gatewayRuns = await isGatewayRunning(redis, keys);
        const watched = auditFinding(await new WatchdogRecord(redis, keys).last(), {
          gatewayRuns,
          everyMs: settings.watchdog.every,
          nowMs: systemClock.now(),
        });
        const planned = await plannedIn(stores, gatewayRuns);
        const findings = [...(await durabilityOf(redis, where)), watched, ...planned];
        const books = await booksOf(settings.mcp, stores);
        return { findings: findings.map((finding) => ({ ...finding, ...about })), gatewayRuns, books };
      } finally {
        close();
      }
    } finally {
      await server.stop();
    }
  } catch (error) {
    return { ...STORE_UNTRIED, findings: [{ ...about, ...failure('Redis', error) }] };
  }
}

async function plannedIn({ schedules, directory }: Stores, gatewayRuns: boolean): Promise<CheckFinding[]> {
  const nowMs = systemClock.now();
  const active = await schedules.active();
  const speakers = await Promise.all(active.map((each) => speakerOf(each, directory, nowMs)));
  const orphaned = active.filter((_, n) => speakers[n] === undefined);
  return [scheduleFinding(active, { gatewayRuns, orphaned, nowMs }) ?? []].flat();
}

async function booksOf({ servers }: McpSettings, { toolPins }: Stores): Promise<Books> {
  const names = Object.keys(servers);
  return new Map(await Promise.all(names.map(async (name) => [name, await toolPins.book(name)] as const)));
}

/** What waits for somebody to agree is no failure: it is held back, and nothing else is. */
function mcpFinding(finding: CheckFinding): PartFinding {
  return { part: MCP, configured: finding.status !== 'missing', ...finding };
}

// ── Model ────────────────────────────────────────────────────────────────────────────────────────────────────

async function checkModel(settings: ModelSettings): Promise<PartFinding[]> {
  const subject = `${settings.provider} ${settings.provider === 'claude' ? settings.name : ''}`.trim();
  const about = { part: MODEL, subject };
  if (settings.provider === 'claude' && !settings.api_key) {
    return [
      {
        ...about,
        configured: false,
        status: 'missing',
        detail: 'there is no API key',
        remedy:
          'Create one at https://console.anthropic.com under "API keys" and set ANTHROPIC_API_KEY in .env.',
      },
    ];
  }
  const patience = timeLimit(PATIENCE_MS);
  const checks = await Promise.all(eachModel(settings).map((each) => createClient(each).check(patience)));
  const failed = checks.find(({ ok }) => !ok);
  const detail = failed?.detail ?? checks.map((each) => each.detail).join(', then ');
  if (!failed) return [{ ...about, configured: true, status: 'works', detail }];
  return [{ ...about, configured: true, status: 'failed', detail, remedy: modelRemedy(detail) }];
}

function modelRemedy(detail: string): string {
  if (/401|403|authentication|api.key/i.test(detail)) {
    return 'Set ANTHROPIC_API_KEY to a key that is still valid: https://console.anthropic.com, "API keys".';
  }
  if (/not_found/i.test(detail)) return 'Set model.name in settings.yaml to a model this key may use.';
  if (/404/.test(detail))
    return 'Correct model.base_url (ANTHROPIC_BASE_URL): nobody answers for Claude there.';
  return 'Check that this machine can reach the model (model.base_url, proxy, firewall).';
}

// ── Platforms ────────────────────────────────────────────────────────────────────────────────────────────────

async function checkPlatforms(
  config: GatewayConfig,
  { gatewayRuns, broken }: { readonly gatewayRuns: boolean; readonly broken: ReadonlySet<string> },
  pending: Pending,
  log: Logger,
): Promise<PartFinding[]> {
  const { settings } = config;
  const deps = {
    listener: new WebhookListener(settings.http, log),
    bookmarks: broken.has(STORE) ? NO_BOOKMARKS : keptBookmarks(config, log),
    places: NO_PLACES,
    clientLog: NO_CLIENT_LOG,
    clock: systemClock,
    log,
  };
  const gateways = createGateways(settings.gateways, deps);
  const on = new Set(gateways.map(({ platform }) => String(platform)));
  const missing = await explainMissing(settings.gateways, deps);
  // Who is reached by a platform that could not be read is not known.
  const unreached = broken.size > 0 ? [] : unreachedAccounts(config, gateways);
  const tried = gateways.map(async (gateway): Promise<PartFinding[]> => {
    const part = platformName(gateway.platform);
    const here = unreached.filter((account) => platformOf(account) === gateway.platform);
    const findings = await pending.of(part, withPatience(part, gateway.check(here)));
    return findings.map((finding) => ({ part, configured: true, ...unlessTakenByUs(finding, gatewayRuns) }));
  });
  const begun = begunIn(settings.gateways);
  const off = Object.keys(settings.gateways)
    .filter((platform) => !on.has(platform) && !broken.has(platformName(platform)))
    .flatMap((platform) =>
      switchedOff(platform, { missing: missing[platform] ?? [], isBegun: begun.has(platform) }),
    );
  return [...(await Promise.all(tried)).flat(), ...off];
}

/** Accounts of approvers who can be written to nowhere; nobody, where requests come from one platform only. */
function unreachedAccounts(config: GatewayConfig, gateways: readonly Gateway[]): AccountId[] {
  if (gateways.length < 2) return [];
  const directory = new Directory(() => config);
  const reach = new Reach(directory, new Map(gateways.map((gateway) => [gateway.platform, gateway])));
  return directory
    .holders('approve')
    .filter((person) => reach.placesOf(person).length === 0)
    .flatMap(({ accounts }) => accounts);
}

function switchedOff(
  platform: string,
  { missing, isBegun }: { readonly missing: readonly CheckFinding[]; readonly isBegun: boolean },
): PartFinding[] {
  const about = { part: platformName(platform), configured: false };
  const wanted = { ...about, configured: true, isBegun: true } as const;
  if (missing.length > 0) return missing.map((finding) => ({ ...(isBegun ? wanted : about), ...finding }));
  return [
    {
      ...about,
      subject: 'switched off',
      status: 'missing',
      detail: `enabled is false in settings.yaml`,
      remedy: `Set gateways.${platform}.enabled to auto; its credentials are there.`,
    },
  ];
}

/** The port we would listen on is rightly taken while the gateway runs. */
function unlessTakenByUs(finding: CheckFinding, gatewayRuns: boolean): CheckFinding {
  if (!gatewayRuns || finding.status !== 'failed' || !/EADDRINUSE/.test(finding.detail)) return finding;
  return { subject: finding.subject, status: 'works', detail: 'in use, by the gateway that is running' };
}

/** Read where they are kept, when they are asked for; trying a connection moves none. */
function keptBookmarks(config: GatewayConfig, log: Logger): Bookmarks {
  return {
    read: async (name) => {
      const server = await openStoreServer(config.settings.redis, log);
      try {
        const options = { config: () => config, redisUrl: server.url, clock: systemClock, log };
        const { redis, keys, close } = await openStores(options);
        return await new BookmarkStore(redis, keys).read(name).finally(close);
      } finally {
        await server.stop();
      }
    },
    write: async () => undefined,
  };
}

const NO_BOOKMARKS: Bookmarks = { read: async () => undefined, write: async () => undefined };

const NO_PLACES: Places = { load: async () => new Map(), advance: async () => undefined };

/** Nothing is sent while a connection is tried. */
const NO_CLIENT_LOG: ClientLog = {
  append: async () => 0,
  read: async (_, after) => ({ events: [], missed: false, next: after }),
  changed: async () => undefined,
};

async function withPatience(subject: string, findings: Promise<CheckFinding[]>): Promise<CheckFinding[]> {
  const out = new AbortController();
  const timer = setTimeout(() => out.abort(), PATIENCE_MS);
  const timedOut = new Promise<CheckFinding[]>((resolve) => {
    out.signal.addEventListener('abort', () =>
      resolve([
        {
          subject,
          status: 'failed',
          detail: `no answer within ${PATIENCE_MS / 1_000} s`,
          remedy: 'Check that this machine can reach it (proxy, firewall), and try again.',
        },
      ]),
    );
  });
  return Promise.race([findings, timedOut]).finally(() => clearTimeout(timer));
}

function failure(subject: string, error: unknown): CheckFinding {
  const detail = error instanceof Error ? error.message : String(error);
  const remedy = error instanceof StartupError ? error.remedy : 'See the message; nothing else is known.';
  return { subject, status: 'failed', detail, remedy };
}

/** Says what is still being tried when it takes longer than a moment. */
class Pending {
  readonly #names = new Set<string>();
  readonly #timer = setInterval(() => this.#say(), SAY_AFTER_MS);

  async of<Result>(name: string, work: Promise<Result>): Promise<Result> {
    this.#names.add(name);
    return work.finally(() => this.#names.delete(name));
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #say(): void {
    if (this.#names.size > 0) process.stderr.write(`still trying: ${[...this.#names].join(', ')} …\n`);
  }
}

// ── Report ───────────────────────────────────────────────────────────────────────────────────────────────────

const MARKS = { works: '✓ works  ', missing: '– missing', failed: '✗ failed ' } as const;

/** For a tired person: each part, what is wrong with it, and the next step. Pure. */
export function render(findings: readonly PartFinding[]): string {
  const parts = [...new Set(findings.map(({ part }) => part))];
  const sections = parts.map((part) => {
    const own = findings.filter((finding) => finding.part === part);
    return [part, ...own.map(renderFinding)].join('\n');
  });
  return [...sections, verdict(findings)].join('\n\n');
}

function renderFinding({ status, subject, detail, remedy }: PartFinding): string {
  const line = `  ${MARKS[status]}  ${visible(`${subject}: ${detail}`)}`;
  return remedy === undefined || status === 'works' ? line : `${line}\n               → ${visible(remedy)}`;
}

function verdict(findings: readonly PartFinding[]): string {
  const lacking = findings.filter(({ isBegun }) => isBegun).map(({ subject }) => subject);
  const failed = new Set(
    findings.filter((finding) => isFailure(finding) && !finding.isBegun).map(({ part }) => part),
  );
  const sentences = [
    ...(failed.size > 0 ? [`Something that is configured does not work: ${[...failed].join(', ')}.`] : []),
    ...(lacking.length > 0
      ? [`Begun and not complete, so played by the sandbox; still missing: ${lacking.join(', ')}.`]
      : []),
  ];
  if (sentences.length > 0) return sentences.join('\n');
  const off = new Set(findings.filter(({ status }) => status === 'missing').map(({ part }) => part));
  off.delete('Terminal');
  const but = [
    ...(off.delete(MCP) ? ['some tools wait for somebody to agree to them'] : []),
    ...(off.delete(IDLE) ? ['some of what is written probably does not do what was meant'] : []),
  ];
  const reserve = but.length === 0 ? '.' : `; ${but.join(', and ')}.`;
  if (off.size === 0) return `Everything works${reserve}`;
  return `Everything that is configured works${reserve} Without credentials, and played by the sandbox under \`signalbox start\`: ${[...off].join(', ')}.`;
}

function print(text: string, exitCode: number): number {
  process.stdout.write(`${text}\n`);
  return exitCode;
}
