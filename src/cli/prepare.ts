/**
 * What every command that touches the store stands on: the configuration, the log, the server.
 *
 *   the six files ─▶ log ─▶ server
 */
import { gatewaySettings } from '../../gateways/gateway-settings.ts';
import { readEnvironment } from '../config/environment.ts';
import { type Config, type ConfigTexts, parseConfig, readConfigTexts } from '../config/load-config.ts';
import type { Environment } from '../config/references.ts';
import type { Logger } from '../observability/logger.ts';
import { secretsOf } from '../observability/redaction.ts';
import { createConsoleLogger, type LogTarget } from './console-logger.ts';
import { openStoreServer, type StoreServer } from './store-server.ts';

export type GatewayConfig = Config<typeof gatewaySettings>;

/** Where a configuration comes from: the files and the environment as they are, or as they were. */
export interface ConfigOrigin {
  readonly directory: string;
  texts(): ConfigTexts;
  env(): Environment;
}

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

/** `known`: there has to be a store already. `any`: one is made where there is none. */
export type StoreWish = 'known' | 'any';

/**
 * @throws {ConfigError} with every problem of the files
 * @throws {StartupError} when there is no server
 */
export async function prepare(
  from: string | ConfigOrigin,
  { target, quiet }: LogWish,
  store: StoreWish = 'any',
): Promise<Prepared> {
  const origin = typeof from === 'string' ? filesIn(from) : from;
  const config = parseOrigin(origin);
  let current = config;
  let secrets = secretsOf(config);
  const level = () => levelOf(current, quiet);
  const log = await createConsoleLogger({ level, secrets: () => secrets }, target);
  log.info({ step: 1, stage: 'Configuration Files', directory: origin.directory }, 'configuration read');
  log.info({ step: 1, stage: 'Validation' }, 'configuration is valid');
  const server = await openStoreServer(config.settings.redis, log, store === 'known');
  return {
    config,
    log,
    server,
    current: () => current,
    adopt: (changed) => {
      current = changed;
      secrets = secretsOf(changed);
    },
  };
}

/** The files of a folder and the environment, as they are whenever they are asked for. */
export function filesIn(directory: string): ConfigOrigin {
  return { directory, texts: () => readConfigTexts(directory), env: environment };
}

/** What `origin` says now, whatever becomes of it. */
export function keptFrom({ directory, texts, env }: ConfigOrigin): ConfigOrigin {
  const [kept, variables] = [texts(), env()];
  return { directory, texts: () => kept, env: () => variables };
}

/** @throws {ConfigError} with every problem there is */
export function readConfig(folder: string): GatewayConfig {
  return parseOrigin(filesIn(folder));
}

/**
 * @param standIns what stands in for missing parts of the environment
 * @throws {ConfigError} with every problem there is
 */
export function parseOrigin(
  { directory, texts, env }: ConfigOrigin,
  standIns: Environment = {},
): GatewayConfig {
  return parseConfig(texts(), { directory, env: { ...env(), ...standIns }, gateways: gatewaySettings });
}

/** The environment, with `.env`. */
export function environment(): Environment {
  return readEnvironment(process.cwd());
}

function levelOf({ settings }: GatewayConfig, quiet: boolean): string {
  return quiet && settings.log.level === 'info' ? 'warn' : settings.log.level;
}
