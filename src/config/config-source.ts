/**
 * The configuration as it is now, while its files change.
 *
 * Owns      which configuration is in force, and noticing that the files changed.
 * Not here  what a configuration means: whoever needs a value calls `current()` at the moment of use.
 *
 *   files change ─▶ load ─▶ valid ──▶ in force, listeners told
 *                     └───▶ broken ─▶ reported once; what was in force stays
 *
 * The files are looked at again and again rather than watched: a watch hangs on the folder it was given, and goes
 * deaf without a word when that is moved away, replaced, or mounted from elsewhere.
 *
 * Invariants
 *   1. `current()` is always one whole, valid configuration; never a mixture of two.
 *   2. A broken change alters nothing, and the same one is reported once.
 *   3. Listeners run after the change is in force; one that throws does not keep the others from hearing.
 */
import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { AuditEvent } from '../domain/audit-event.ts';
import type { Logger } from '../observability/logger.ts';
import { isApiOn } from './api.ts';
import { ConfigError } from './config-error.ts';
import { valueAt } from './config-file.ts';
import { CONFIG_PARTS, type Config, type ConfigTexts, parseConfig, readConfigTexts } from './load-config.ts';
import type { Environment } from './references.ts';
import { type GatewaySchemas, READ_AT_START } from './settings.ts';

/** Time between two looks. An editor saves in several steps: what two looks saw alike is read. */
const LOOK_MS = 250;

export interface ConfigSourceOptions<Gateways extends GatewaySchemas> {
  readonly directory: string;
  readonly gateways: Gateways;
  /** Called at every look, so that an edited `.env` counts. */
  readonly readEnvironment: () => Environment;
  /** What stands in for missing parts of the environment, for these files. */
  readonly standIns?: (texts: ConfigTexts, env: Environment) => Environment;
  /** Content that passed every check and failed in use, by `contentOf`: refused until it changes. */
  readonly refused?: { readonly content: string; readonly why: string };
  /** What must hold besides, of this machine. Throws with the reason when it does not. */
  readonly inspect?: (next: Config<Gateways>) => void;
  readonly log: Logger;
  /** Hears of every change that was applied or refused. */
  readonly audit?: (event: AuditEvent) => void;
}

/** What a configuration was made from. */
export interface ConfigMaterial {
  readonly texts: ConfigTexts;
  readonly env: Environment;
}

type ConfigListener<Gateways extends GatewaySchemas> = (
  config: Config<Gateways>,
  material: ConfigMaterial,
) => void;

export type ReloadOutcome = 'changed' | 'unchanged' | 'refused';

export class ConfigSource<Gateways extends GatewaySchemas = GatewaySchemas> {
  #current: Config<Gateways>;
  readonly #options: ConfigSourceOptions<Gateways>;
  readonly #listeners = new Set<ConfigListener<Gateways>>();
  #looking: NodeJS.Timeout | undefined;
  /** What the files said when they were last read, and at the last look. */
  #read: string | undefined;
  #seen: string | undefined;
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
  subscribe(listener: ConfigListener<Gateways>): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Begins to look. A change made since the first load is applied at once. */
  async start(): Promise<void> {
    if (this.#looking !== undefined) return;
    this.#looking = setInterval(() => this.#look(), LOOK_MS);
    this.#looking.unref();
    this.reload();
  }

  /** Stops looking. What is in force stays. Safe to call twice. */
  async stop(): Promise<void> {
    clearInterval(this.#looking);
    this.#looking = undefined;
  }

  /** Reads the files now. */
  reload(): ReloadOutcome {
    const { directory, gateways, readEnvironment, standIns, refused, inspect } = this.#options;
    const texts = readConfigTexts(directory);
    try {
      const env = readEnvironment();
      this.#read = this.#seen = contentOf(texts, env);
      const whole = { ...env, ...standIns?.(texts, env) };
      const next = parseConfig(texts, { directory, env: whole, gateways });
      if (refused?.content === this.#read) throw new Error(refused.why);
      inspect?.(next);
      return this.#apply(next, { texts, env });
    } catch (error) {
      return this.#refuse(error, texts);
    }
  }

  #look(): void {
    const { directory, readEnvironment } = this.#options;
    const texts = readConfigTexts(directory);
    try {
      const seen = contentOf(texts, readEnvironment());
      const settled = seen === this.#seen;
      this.#seen = seen;
      if (settled && seen !== this.#read) this.reload();
    } catch (error) {
      this.#refuse(error, texts);
    }
  }

  #apply(next: Config<Gateways>, material: ConfigMaterial): ReloadOutcome {
    const changed = changedSections(this.#current, next);
    const recovered = this.#reported !== undefined;
    this.#reported = undefined;
    if (changed.length === 0) {
      if (recovered) this.#options.log.info({}, 'configuration is whole again');
      return 'unchanged';
    }

    this.#current = next;
    this.#options.log.info({ changed }, 'configuration changed');
    this.#options.audit?.({
      event: 'config.changed',
      correlation: correlationOf(material.texts),
      actor: 'system',
      subject: 'config',
      detail: { changed },
    });
    for (const listener of this.#listeners) this.#tell(listener, material);
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

  #tell(listener: ConfigListener<Gateways>, material: ConfigMaterial): void {
    try {
      listener(this.#current, material);
    } catch (error) {
      this.#options.log.error({ error }, 'a listener failed on a configuration change');
    }
  }
}

/** Stands for all that a configuration is made of; the same for the same files and environment. */
export function contentOf(texts: ConfigTexts, env: Environment): string {
  return createHash('sha256')
    .update(JSON.stringify([texts, env]))
    .digest('hex');
}

/** `settings.model`, `escalation.policies`: the sections that differ. Pure. */
export function changedSections(before: Config, after: Config): string[] {
  const holidays = ({ calendar }: Config) => calendar.names.holidays;
  const sections = CONFIG_PARTS.flatMap((part) => {
    const [old, now] = [new Map(Object.entries(before[part])), new Map(Object.entries(after[part]))];
    const sections = new Set([...old.keys(), ...now.keys()]);
    return [...sections]
      .filter((section) => !isDeepStrictEqual(old.get(section), now.get(section)))
      .map((section) => `${part}.${section}`);
  });
  // What an .ics file says may change while the name of the file stays.
  const isSame = isDeepStrictEqual(holidays(before), holidays(after));
  return isSame ? sections : [...new Set([...sections, 'schedules.holidays'])];
}

/** `settings.http`: the parts that are read once, at start, and differ. Pure. */
export function changedAtStart(before: Config, after: Config): string[] {
  const differs = (part: string) =>
    !isDeepStrictEqual(valueAt(before.settings, part.split('.')), valueAt(after.settings, part.split('.')));
  const isSwitched = isApiOn(before.settings.api) !== isApiOn(after.settings.api);
  return [...READ_AT_START.filter(differs), ...(isSwitched ? ['api'] : [])].map((part) => `settings.${part}`);
}

/** The same content has the same correlation, whichever process saw it. */
function correlationOf(texts: ConfigTexts): string {
  return `config:${createHash('sha256').update(JSON.stringify(texts)).digest('hex').slice(0, 12)}`;
}
