/**
 * `signalbox start`: the main job.
 *
 *   configuration ─▶ what is missing is played by the sandbox ─▶ store ─▶ gateway ─▶ ready ─▶ a signal ─▶ drain
 *
 * The first SIGTERM or SIGINT drains: nothing new is taken in, what is under way is finished. A second one, or
 * 30 s, ends the process at once; nothing is lost by that, it is only done again at the next start.
 */
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { gatewaySettings } from '../../gateways/index.ts';
import { type App, startApp } from '../app.ts';
import { ConfigSource } from '../config/config-source.ts';
import { ENV_FILE, readEnvironment } from '../config/environment.ts';
import { loadConfig } from '../config/load-config.ts';
import type { AuditEvent } from '../domain/audit-event.ts';
import { systemClock } from '../domain/clock.ts';
import type { Logger } from '../observability/logger.ts';
import { secretsIn } from '../observability/redaction.ts';
import { startEmbeddedRedis } from '../redis/embedded.ts';
import { banner } from './banner.ts';
import { createConsoleLogger } from './console-logger.ts';
import { playedBySandbox, sandboxEnvironment, targetsOf } from './sandbox-plan.ts';
import { startSandboxProcess } from './sandbox-process.ts';

/** Longest time to finish what is under way, in ms. */
const DRAIN_MS = 30_000;

export interface StartOptions {
  /** Folder of the five files. */
  readonly config: string;
  /** False: platforms without credentials stay off. */
  readonly sandbox: boolean;
  readonly sandboxPort: number | undefined;
}

interface Stoppable {
  stop(): Promise<void>;
}

/** Resolves with the exit code once everything has stopped. */
export async function start(options: StartOptions): Promise<number> {
  /** In the order they are to be stopped. */
  const running: Stoppable[] = [];
  try {
    const log = await run(options, running);
    await signal();
    log.info({}, 'stopping: finishing what is under way; a second signal ends at once');
    return await drain(running, log);
  } catch (error) {
    await stopAll(running);
    throw error;
  }
}

async function run(options: StartOptions, running: Stoppable[]): Promise<Logger> {
  const directory = process.cwd();
  const load = (env: ReturnType<typeof readEnvironment>) =>
    loadConfig({ directory: options.config, env, gateways: gatewaySettings });

  const given = load(readEnvironment(directory));
  const dataDir = given.settings.redis.data_directory;
  const played = options.sandbox ? playedBySandbox(given) : [];
  const sandbox =
    played.length === 0
      ? undefined
      : await startSandboxProcess({ dataDir: join(dataDir, 'sandbox'), port: options.sandboxPort });
  if (sandbox) running.unshift(sandbox);

  const env = () => ({
    ...readEnvironment(directory),
    ...(sandbox ? sandboxEnvironment(played, sandbox.env) : {}),
  });
  const config = load(env());
  let secrets = secretsIn(config);
  const log = await createConsoleLogger({
    level: () => source.current().settings.log.level,
    secrets: () => secrets,
  });
  const audits: { append?: (event: AuditEvent) => void } = {};
  const source = new ConfigSource(config, {
    directory: options.config,
    gateways: gatewaySettings,
    readEnvironment: env,
    envFile: join(directory, ENV_FILE),
    log,
    audit: (event) => audits.append?.(event),
  });
  source.subscribe((changed) => {
    secrets = secretsIn(changed);
  });
  log.info({ step: 1, stage: 'Configuration Files', directory: options.config }, 'configuration read');
  log.info({ step: 1, stage: 'Validation' }, 'configuration is valid');

  const { redis } = config.settings;
  const embedded =
    redis.url === undefined ? await startEmbeddedRedis({ dataDir, log, fsync: redis.fsync }) : undefined;
  if (embedded) running.unshift(embedded);
  const redisUrl = redis.url ?? embedded?.url ?? '';

  const app = await startApp({ config: () => source.current(), redisUrl, clock: systemClock, log });
  running.unshift(app);
  audits.append = (event) => void record(app, event, log);
  await source.start();
  running.unshift(source);
  await sandbox?.connectGateway(targetsOf(app.gateways, app.listener, config));

  process.stdout.write(
    banner({
      config,
      gateways: [...app.gateways.keys()],
      sandboxUrl: sandbox?.url,
      played,
      embedded: !!embedded,
    }),
  );
  return log;
}

async function record(app: App, event: AuditEvent, log: Logger): Promise<void> {
  await app.audit.append('config', event).catch((error: unknown) => {
    log.error({ err: error }, 'a change of the configuration could not be audited');
  });
}

/** Resolves with the first SIGTERM or SIGINT. */
function signal(): Promise<void> {
  return new Promise((resolve) => {
    process.once('SIGTERM', () => resolve());
    process.once('SIGINT', () => resolve());
  });
}

async function drain(running: Stoppable[], log: Logger): Promise<number> {
  const patience = new AbortController();
  const ended = await Promise.race([
    stopAll(running).then(() => 'drained' as const),
    signal().then(() => 'told again' as const),
    pause(DRAIN_MS, 'out of time' as const, { signal: patience.signal }),
  ]);
  patience.abort();
  if (ended === 'drained') return 0;
  log.warn({ why: ended }, 'ending before everything was finished; it is done again at the next start');
  process.exit(1);
}

async function stopAll(running: Stoppable[]): Promise<void> {
  for (let each = running.shift(); each; each = running.shift()) await each.stop().catch(() => undefined);
}
