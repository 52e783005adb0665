/**
 * The configuration as it is now, while its files change.
 *
 * Owns      which configuration is in force, and noticing that the files changed.
 * Not here  what a configuration means: whoever needs a value calls `current()` at the moment of use.
 *
 *   files change ─▶ load ─▶ valid ──▶ in force, listeners told
 *                     └───▶ broken ─▶ reported once; what was in force stays
 *
 * Invariants
 *   1. `current()` is always one whole, valid configuration; never a mixture of two.
 *   2. A broken change alters nothing, and the same one is reported once.
 *   3. Listeners run after the change is in force; one that throws does not keep the others from hearing.
 */
import { createHash } from 'node:crypto';
import { dirname, resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { type FSWatcher, watch } from 'chokidar';
import type { AuditEvent } from '../domain/audit-event.ts';
import type { Logger } from '../observability/logger.ts';
import { ConfigError } from './config-error.ts';
import {
  CONFIG_PARTS,
  type Config,
  type ConfigTexts,
  fileNameOf,
  parseConfig,
  readConfigTexts,
} from './load-config.ts';
import type { Environment } from './references.ts';
import { type GatewaySchemas, READ_AT_START } from './settings.ts';

/** An editor saves in several steps; the files are read when they have been quiet this long. */
const QUIET_MS = 100;

export interface ConfigSourceOptions<Gateways extends GatewaySchemas> {
  readonly directory: string;
  readonly gateways: Gateways;
  /** Called on every load, so that an edited `.env` counts. */
  readonly readEnvironment: () => Environment;
  /** Watched as well; its change loads the configuration again. */
  readonly envFile?: string;
  readonly log: Logger;
  /** Hears of every change that was applied or refused. */
  readonly audit?: (event: AuditEvent) => void;
}

export type ReloadOutcome = 'changed' | 'unchanged' | 'refused';

export class ConfigSource<Gateways extends GatewaySchemas = GatewaySchemas> {
  #current: Config<Gateways>;
  readonly #options: ConfigSourceOptions<Gateways>;
  readonly #listeners = new Set<(config: Config<Gateways>) => void>();
  #watcher: FSWatcher | undefined;
  #quiet: NodeJS.Timeout | undefined;
  /** The last broken change, as reported. */
  #reported: string | undefined;

  constructor(initial: Config<Gateways>, options: ConfigSourceOptions<Gateways>) {
    this.#current = initial;
    this.#options = options;
  }

  /** What is in force. Ask when you need it; a value kept is a value frozen. */
  current(): Config<Gateways> {
    return this.#current;
  }

  /** Calls `listener` after every change; returns what ends that. */
  subscribe(listener: (config: Config<Gateways>) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Begins to watch. Resolves once a change will be noticed; one made since the first load is applied at once. */
  async start(): Promise<void> {
    if (this.#watcher !== undefined) return;
    const { directory, envFile, log } = this.#options;
    // Folders rather than files: a file may be replaced by another, or not be there yet.
    const folders = new Set([
      resolve(directory),
      ...(envFile === undefined ? [] : [dirname(resolve(envFile))]),
    ]);
    const files = new Set(CONFIG_PARTS.map((part) => resolve(directory, fileNameOf(part))));
    if (envFile !== undefined) files.add(resolve(envFile));
    const watcher = watch([...folders], {
      depth: 0,
      ignoreInitial: true,
      ignored: (path) => !folders.has(resolve(path)) && !files.has(resolve(path)),
    });
    this.#watcher = watcher;
    watcher.on('all', () => this.#changeSeen());
    watcher.on('error', (error) => log.error({ error, directory }, 'configuration is no longer watched'));
    await new Promise<void>((ready) => watcher.once('ready', ready));
    this.reload();
  }

  /** Stops watching. What is in force stays. Safe to call twice. */
  async stop(): Promise<void> {
    clearTimeout(this.#quiet);
    const watcher = this.#watcher;
    this.#watcher = undefined;
    await watcher?.close();
  }

  /** Reads the files now. */
  reload(): ReloadOutcome {
    const { directory, gateways, readEnvironment } = this.#options;
    const texts = readConfigTexts(directory);
    try {
      return this.#apply(parseConfig(texts, { directory, env: readEnvironment(), gateways }), texts);
    } catch (error) {
      return this.#refuse(error, texts);
    }
  }

  #changeSeen(): void {
    clearTimeout(this.#quiet);
    this.#quiet = setTimeout(() => this.reload(), QUIET_MS);
  }

  #apply(next: Config<Gateways>, texts: ConfigTexts): ReloadOutcome {
    const changed = changedSections(this.#current, next);
    const recovered = this.#reported !== undefined;
    this.#reported = undefined;
    if (changed.length === 0) {
      if (recovered) this.#options.log.info({}, 'configuration is whole again');
      return 'unchanged';
    }

    this.#current = next;
    const atNextStart = changed.filter(needsRestart);
    this.#options.log.info({ changed, atNextStart }, 'configuration changed');
    this.#options.audit?.({
      event: 'config.changed',
      correlation: correlationOf(texts),
      actor: 'system',
      subject: 'config',
      detail: { changed },
    });
    for (const listener of this.#listeners) this.#tell(listener);
    return 'changed';
  }

  #refuse(error: unknown, texts: ConfigTexts): ReloadOutcome {
    const report = error instanceof Error ? error.message : String(error);
    if (report === this.#reported) return 'refused';
    this.#reported = report;

    const problems = error instanceof ConfigError ? error.problems : report;
    this.#options.log.error({ problems }, 'configuration change refused; the one before stays in force');
    this.#options.audit?.({
      event: 'config.refused',
      correlation: correlationOf(texts),
      actor: 'system',
      subject: 'config',
      detail: { problems },
    });
    return 'refused';
  }

  #tell(listener: (config: Config<Gateways>) => void): void {
    try {
      listener(this.#current);
    } catch (error) {
      this.#options.log.error({ error }, 'a listener failed on a configuration change');
    }
  }
}

/** `settings.model`, `escalation.policies`: the sections that differ. Pure. */
export function changedSections(before: Config, after: Config): string[] {
  return CONFIG_PARTS.flatMap((part) => {
    const [old, now] = [new Map(Object.entries(before[part])), new Map(Object.entries(after[part]))];
    const sections = new Set([...old.keys(), ...now.keys()]);
    return [...sections]
      .filter((section) => !isDeepStrictEqual(old.get(section), now.get(section)))
      .map((section) => `${part}.${section}`);
  });
}

/** Whether a key path lies in a section that is read once, at start. */
export function needsRestart(keyPath: string): boolean {
  return READ_AT_START.some((part) => `${keyPath}.`.startsWith(`settings.${part}.`));
}

/** The same content has the same correlation, whichever process saw it. */
function correlationOf(texts: ConfigTexts): string {
  return `config:${createHash('sha256').update(JSON.stringify(texts)).digest('hex').slice(0, 12)}`;
}
