/**
 * Which client a request comes from, and what its key may be used for.
 *
 * Invariants
 *   1. A token is compared in constant time, with that of every key, so that the time taken tells nothing of it.
 *   2. A key opens nothing once its client is no longer configured.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { ApiClient, ApiScope, ApiSettings } from '../config/api.ts';
import type { Clock } from '../domain/clock.ts';
import type { ApiKeyStore } from './key-store.ts';

/** Somebody who calls, as far as their key tells. */
export interface Caller {
  readonly client: string;
  readonly settings: ApiClient;
  /** Name of the key, for the audit. */
  readonly key: string;
  readonly scopes: readonly ApiScope[];
}

export class Access {
  constructor(
    private readonly settings: () => ApiSettings,
    private readonly store: ApiKeyStore,
    private readonly clock: Clock,
  ) {}

  /** @param header as it came: `Bearer <key>` */
  async callerOf(header: string | undefined): Promise<Caller | undefined> {
    const [, token] = /^bearer +(\S{32,512})$/i.exec(header ?? '') ?? [];
    if (token === undefined) return undefined;
    const { clients } = this.settings();
    const configured = configuredCaller(token, clients);
    if (configured) return configured;
    const key = await this.store.identify(token, this.clock.now());
    const settings = key && Object.hasOwn(clients, key.client) ? clients[key.client] : undefined;
    return key && settings && { client: key.client, settings, key: key.name, scopes: key.scopes };
  }
}

/** The caller a key of the settings belongs to. Pure. */
export function configuredCaller(token: string, clients: ApiSettings['clients']): Caller | undefined {
  const offered = digestOf(token);
  let found: Caller | undefined;
  for (const [client, settings] of Object.entries(clients)) {
    for (const [key, { token: own, scopes }] of Object.entries(settings.keys)) {
      if (own !== undefined && timingSafeEqual(digestOf(own), offered)) {
        found = { client, settings, key, scopes };
      }
    }
  }
  return found;
}

/** Digests are of one length, whatever was offered. */
function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
