/** What every part is made with. */
import type { gatewaySettings } from '../../gateways/gateway-settings.ts';
import type { Config } from '../config/load-config.ts';
import type { Clock } from '../domain/clock.ts';
import type { Gateway } from '../domain/gateway.ts';
import type { WorkerSession } from '../mailbox/session.ts';
import { KnownSecrets } from '../observability/known-secrets.ts';
import type { Logger } from '../observability/logger.ts';
import type { RedisClient } from '../redis/client.ts';
import { Keys } from '../redis/keys.ts';
import type { Reach } from '../router/reach.ts';
import type { Stores } from './stores.ts';

export interface BaseOptions {
  /** The configuration in force at the moment of the call. */
  readonly config: () => Config<typeof gatewaySettings>;
  readonly clock: Clock;
  readonly log: Logger;
}

export interface Base extends BaseOptions {
  readonly redis: RedisClient;
  readonly keys: Keys;
  /** Of the configuration in force. */
  readonly secrets: KnownSecrets;
  /** How long what was done once is known, so that it is not done twice, in ms. */
  readonly rememberMs: () => number;
}

/** What is needed besides, to be put to work. */
export interface Core extends Base {
  readonly stores: Stores;
  /** Under which lanes are leased. */
  readonly session: WorkerSession;
  readonly gateways: ReadonlyMap<string, Gateway>;
  readonly reach: Reach;
}

export function createBase({ config, clock, log }: BaseOptions, redis: RedisClient): Base {
  const { key_prefix } = config().settings.redis;
  const keys = new Keys(key_prefix === '' ? '' : `${key_prefix}:`);
  const secrets = new KnownSecrets(config);
  return { config, clock, log, redis, keys, secrets, rememberMs: () => config().settings.retention.dedupe };
}
