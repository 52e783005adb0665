/**
 * Brings the whole gateway up, for whoever has prepared the ground: `start`, and `chat` when nothing runs yet.
 *
 *   what is missing is played by the sandbox ─▶ gateway ─▶ the files are watched ─▶ ready
 */
import { join } from 'node:path';
import { gatewaySettings } from '../../gateways/index.ts';
import { type App, type AppOptions, startApp } from '../app.ts';
import { ConfigSource } from '../config/config-source.ts';
import { ENV_FILE } from '../config/environment.ts';
import type { AuditEvent } from '../domain/audit-event.ts';
import { systemClock } from '../domain/clock.ts';
import type { Gateway } from '../domain/gateway.ts';
import type { Logger } from '../observability/logger.ts';
import { type Stoppable, stopAll } from './command.ts';
import { environment, type GatewayConfig, type Prepared, readConfig } from './prepare.ts';
import { type Played, playedBySandbox, sandboxEnvironment, targetsOf } from './sandbox-plan.ts';
import { type SandboxProcess, startSandboxProcess } from './sandbox-process.ts';

export interface LaunchOptions {
  /** Folder of the five files. */
  readonly config: string;
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
}

/** Resolves when everything runs. Stops the prepared server, too, when it is stopped or fails. */
export async function launch(prepared: Prepared, options: LaunchOptions): Promise<Launched> {
  /** In the order of starting. */
  const running: Stoppable[] = [prepared.server];
  try {
    const { config: given, log } = prepared;
    const played = options.sandbox ? playedBySandbox(given) : [];
    const sandbox = played.length === 0 ? undefined : await openSandbox(given, options.sandboxPort);
    if (sandbox) running.push(sandbox);

    const stands = sandbox ? sandboxEnvironment(played, sandbox.env) : {};
    const config = readConfig(options.config, stands);
    const { app } = await runApp(prepared, running, {
      folder: options.config,
      config,
      stands,
      app: { gateways: options.gateways ?? [] },
    });
    await sandbox?.connectGateway(targetsOf(app.gateways, app.listener, config));
    log.debug({ played }, 'launched');
    return { app, config, played, sandboxUrl: sandbox?.url, stop: () => stopAll(running) };
  } catch (error) {
    await stopAll(running);
    throw error;
  }
}

/** Carries for `gateways` alone; a process that runs already does the work. */
export async function attach(
  prepared: Prepared,
  options: { readonly config: string; readonly gateways: readonly Gateway[] },
): Promise<Pick<Launched, 'app' | 'stop'>> {
  const running: Stoppable[] = [prepared.server];
  try {
    const { app } = await runApp(prepared, running, {
      folder: options.config,
      config: prepared.config,
      stands: {},
      app: { gateways: options.gateways, platforms: false, workers: false },
    });
    return { app, stop: () => stopAll(running) };
  } catch (error) {
    await stopAll(running);
    throw error;
  }
}

interface AppPlan {
  readonly folder: string;
  readonly config: GatewayConfig;
  /** What stands in for missing parts of the environment. */
  readonly stands: Readonly<Record<string, string>>;
  readonly app: Pick<AppOptions, 'gateways' | 'platforms' | 'workers'>;
}

/** The gateway, and the watch over its files. */
async function runApp(
  { log, server, adopt }: Prepared,
  running: Stoppable[],
  { folder, config, stands, app: parts }: AppPlan,
): Promise<{ app: App }> {
  adopt(config);
  const audits: { append?: (event: AuditEvent) => void } = {};
  const source = new ConfigSource(config, {
    directory: folder,
    gateways: gatewaySettings,
    readEnvironment: () => environment(stands),
    envFile: join(process.cwd(), ENV_FILE),
    log,
    audit: (event) => audits.append?.(event),
  });
  source.subscribe(adopt);
  const app = await startApp({
    config: () => source.current(),
    redisUrl: server.url,
    clock: systemClock,
    log,
    ...parts,
  });
  running.push(app);
  // Who only carries leaves it to the one who works to record that the files changed.
  if (parts.workers !== false) audits.append = (event) => void record(app, event, log);
  await source.start();
  running.push(source);
  return { app };
}

function openSandbox({ settings }: GatewayConfig, port: number | undefined): Promise<SandboxProcess> {
  return startSandboxProcess({ dataDir: join(settings.redis.data_directory, 'sandbox'), port });
}

async function record(app: App, event: AuditEvent, log: Logger): Promise<void> {
  await app.audit.append('config', event).catch((error: unknown) => {
    log.error({ err: error }, 'a change of the configuration could not be audited');
  });
}
