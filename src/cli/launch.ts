/**
 * Brings the whole gateway up, for whoever has prepared the ground: `start`, and `chat` when nothing runs yet.
 *
 *   what is missing is played by the sandbox ─▶ gateway ─▶ the files are looked at ─▶ ready
 */
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { gatewaySettings } from '../../gateways/gateway-settings.ts';
import { checkWorkspace } from '../app/own-places.ts';
import { type App, type AppOptions, startApp } from '../app.ts';
import { ConfigSource, type ConfigSourceOptions, changedAtStart } from '../config/config-source.ts';
import { parseConfig } from '../config/load-config.ts';
import type { AuditEvent } from '../domain/audit-event.ts';
import { systemClock } from '../domain/clock.ts';
import type { Gateway } from '../domain/gateway.ts';
import type { Logger } from '../observability/logger.ts';
import { type Stoppable, stopAll } from './command.ts';
import {
  type ConfigOrigin,
  environment,
  filesIn,
  type GatewayConfig,
  keptFrom,
  type Prepared,
  parseOrigin,
} from './prepare.ts';
import {
  environmentBeside,
  type Played,
  playedBySandbox,
  sandboxEnvironment,
  targetsOf,
} from './sandbox-plan.ts';
import { type SandboxProcess, startSandboxProcess } from './sandbox-process.ts';

/** A process that ended is heard of within this time, in ms. */
const HEARD_OF_END_MS = 2_000;

export interface LaunchOptions {
  /** Folder of the six files. */
  readonly config: string;
  /** What is in force at first, if not what the folder says. */
  readonly origin?: ConfigOrigin;
  /** Content of the folder that is known not to work. */
  readonly refused?: ConfigSourceOptions<typeof gatewaySettings>['refused'];
  /** False: platforms without credentials stay off. */
  readonly sandbox: boolean;
  readonly sandboxPort: number | undefined;
  /** Gateways beside the configured ones. */
  readonly gateways?: readonly Gateway[];
}

export interface Launched extends Stoppable {
  readonly app: App;
  readonly config: GatewayConfig;
  readonly played: readonly Played[];
  readonly sandboxUrl: string | undefined;
  /** Resolves with the reason once it has to be launched anew: what is read at start changed, the sandbox ended. */
  readonly outdated: Promise<string>;
  /** What it works with: its origin, and the changes it has applied without being launched anew. */
  working(): ConfigOrigin;
}

/** Resolves when everything runs. Stops the prepared server, too, when it is stopped or fails. */
export async function launch(prepared: Prepared, options: LaunchOptions): Promise<Launched> {
  /** In the order of starting. */
  const running: Stoppable[] = [prepared.server];
  try {
    const { config: given, log } = prepared;
    const origin = options.origin ?? filesIn(options.config);
    const played = options.sandbox ? playedBySandbox(given) : [];
    const sandbox = played.length === 0 ? undefined : await openSandbox(given, options.sandboxPort);
    if (sandbox) {
      log.info({ url: sandbox.url, pid: sandbox.pid, played }, 'sandbox started');
      running.push(sandbox);
    }

    const standIns = sandbox ? { standIns: standInsOf(options, played, sandbox) } : {};
    const config = parseOrigin(origin, standIns.standIns?.(origin.texts(), origin.env()));
    const { app, outdated, working } = await runApp(prepared, running, {
      config,
      origin,
      source: {
        directory: options.config,
        ...standIns,
        ...(options.refused && { refused: options.refused }),
      },
      app: { gateways: options.gateways ?? [] },
    });
    await sandbox?.connectGateway(targetsOf(app.gateways, app.listener, config)).catch(unlessEnded(sandbox));
    return {
      app,
      config,
      played,
      sandboxUrl: sandbox?.url,
      outdated: Promise.race([outdated, ...(sandbox ? [sandbox.ended] : [])]),
      working,
      stop: () => stopAll(running),
    };
  } catch (error) {
    await stopAll(running);
    throw error;
  }
}

export interface AttachOptions {
  readonly config: string;
  readonly gateways: readonly Gateway[];
  /** Platforms the processes that run have opened. */
  readonly open: readonly string[];
}

/** Carries for `gateways` alone; a process that runs already does the work. */
export async function attach(
  prepared: Prepared,
  options: AttachOptions,
): Promise<Pick<Launched, 'app' | 'stop'>> {
  const running: Stoppable[] = [prepared.server];
  try {
    const { app } = await runApp(prepared, running, {
      config: prepared.config,
      origin: filesIn(options.config),
      source: { directory: options.config },
      app: {
        gateways: options.gateways,
        platforms: false,
        workers: false,
        elsewhere: gatewaysElsewhere(prepared, options),
      },
    });
    return { app, stop: () => stopAll(running) };
  } catch (error) {
    await stopAll(running);
    throw error;
  }
}

/** As the files say; what is open there and has no credentials is played there. */
function gatewaysElsewhere(
  { config }: Prepared,
  { config: folder, open }: AttachOptions,
): GatewayConfig['settings']['gateways'] {
  const played = playedBySandbox(config).filter((platform) => open.includes(platform));
  return parseOrigin(filesIn(folder), environmentBeside(played)).settings.gateways;
}

type SourceOptions = ConfigSourceOptions<typeof gatewaySettings>;

interface AppPlan {
  /** In force at first. */
  readonly config: GatewayConfig;
  readonly origin: ConfigOrigin;
  readonly source: Pick<SourceOptions, 'directory' | 'standIns' | 'refused'>;
  readonly app: Pick<AppOptions, 'gateways' | 'platforms' | 'workers' | 'elsewhere'>;
}

/** The gateway, and what looks at its files. */
async function runApp(
  { log, server, adopt }: Prepared,
  running: Stoppable[],
  { config, origin, source: from, app: parts }: AppPlan,
): Promise<{ app: App } & Pick<Launched, 'outdated' | 'working'>> {
  adopt(config);
  const audits: { append?: (event: AuditEvent) => void } = {};
  const source = new ConfigSource(config, {
    ...from,
    gateways: gatewaySettings,
    readEnvironment: environment,
    inspect: checkWorkspace,
    log,
    audit: (event) => audits.append?.(event),
  });
  source.subscribe(adopt);
  let working = keptFrom(origin);
  const outdated = new Promise<string>((resolve) => {
    source.subscribe((next, { texts, env }) => {
      const parts = changedAtStart(config, next);
      if (parts.length > 0) resolve(`${parts.join(' and ')} changed`);
      else working = { directory: origin.directory, texts: () => texts, env: () => env };
    });
  });
  const app = await startApp({
    config: () => source.current(),
    redisUrl: server.url,
    clock: systemClock,
    log,
    ...parts,
  });
  running.push(app);
  // Who only carries leaves it to the one who works to record that the files changed.
  source.subscribe(() => void app.configChanged());
  if (parts.workers !== false) audits.append = (event) => void record(app, event, log);
  await source.start();
  running.push(source);
  return { app, outdated, working: () => working };
}

/** A sandbox that ended in between is started again by whoever hears that it did; anything else is an error. */
function unlessEnded({ ended }: SandboxProcess): (error: unknown) => Promise<void> {
  return async (error) => {
    const hasEnded = await Promise.race([ended, pause(HEARD_OF_END_MS, undefined)]);
    if (hasEnded === undefined) throw error;
  };
}

/** A platform whose credentials have been added meanwhile is no longer stood in for. */
function standInsOf(
  { config: directory }: LaunchOptions,
  played: readonly Played[],
  sandbox: SandboxProcess,
): NonNullable<SourceOptions['standIns']> {
  return (texts, env) => {
    const lacking = playedIn(() => parseConfig(texts, { directory, env, gateways: gatewaySettings }));
    return sandboxEnvironment(
      lacking ? played.filter((each) => lacking.includes(each)) : played,
      sandbox.env,
    );
  };
}

/** Undefined while the files are broken. */
function playedIn(read: () => GatewayConfig): readonly Played[] | undefined {
  try {
    return playedBySandbox(read());
  } catch {
    return undefined; // Reported by whoever reads them to put them in force.
  }
}

function openSandbox({ settings }: GatewayConfig, port: number | undefined): Promise<SandboxProcess> {
  return startSandboxProcess({ dataDir: join(settings.redis.data_directory, 'sandbox'), port });
}

async function record(app: App, event: AuditEvent, log: Logger): Promise<void> {
  await app.audit.append('config', event).catch((error: unknown) => {
    log.error({ err: error }, 'a change of the configuration could not be audited');
  });
}
