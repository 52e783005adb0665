/**
 * What every command that touches the store stands on: the configuration, the log, the server.
 *
 *   the five files ─▶ log ─▶ server
 */
import { gatewaySettings } from '../../gateways/index.ts';
import { readEnvironment } from '../config/environment.ts';
import { type Config, loadConfig } from '../config/load-config.ts';
import type { Logger } from '../observability/logger.ts';
import { secretsIn } from '../observability/redaction.ts';
import { createConsoleLogger, type LogTarget } from './console-logger.ts';
import { openStoreServer, type StoreServer } from './store-server.ts';

export type GatewayConfig = Config<typeof gatewaySettings>;

export interface Prepared {
  /** As the files and the environment say it, before the sandbox stands in for anything. */
  readonly config: GatewayConfig;
  /** What is in force now. */
  current(): GatewayConfig;
  readonly log: Logger;
  readonly server: StoreServer;
  /** Puts another configuration in force; what the log shows and hides follows it. */
  adopt(config: GatewayConfig): void;
}

/** `quiet`: a command's own words are enough; only what is wrong is logged. */
export interface LogWish {
  readonly target: LogTarget;
  readonly quiet: boolean;
}

/**
 * @throws {ConfigError} with every problem of the files
 * @throws {StartupError} when there is no server
 */
export async function prepare(folder: string, { target, quiet }: LogWish): Promise<Prepared> {
  const config = readConfig(folder);
  let current = config;
  let secrets = secretsIn(config);
  const level = () => levelOf(current, quiet);
  const log = await createConsoleLogger({ level, secrets: () => secrets }, target);
  log.info({ step: 1, stage: 'Configuration Files', directory: folder }, 'configuration read');
  log.info({ step: 1, stage: 'Validation' }, 'configuration is valid');
  const server = await openStoreServer(config.settings.redis, log);
  return {
    config,
    log,
    server,
    current: () => current,
    adopt: (changed) => {
      current = changed;
      secrets = secretsIn(changed);
    },
  };
}

/** @throws {ConfigError} with every problem there is */
export function readConfig(folder: string, stands: Readonly<Record<string, string>> = {}): GatewayConfig {
  return loadConfig({ directory: folder, env: environment(stands), gateways: gatewaySettings });
}

/** The environment, with `.env`, and what stands in for the rest of it. */
export function environment(
  stands: Readonly<Record<string, string>> = {},
): ReturnType<typeof readEnvironment> {
  return { ...readEnvironment(process.cwd()), ...stands };
}

function levelOf({ settings }: GatewayConfig, quiet: boolean): string {
  return quiet && settings.log.level === 'info' ? 'warn' : settings.log.level;
}
