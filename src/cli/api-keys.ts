/** `signalbox api …`: keys of programs that ask people over HTTP, and the description of what they call. */
import type { ApiKey } from '../api/key-store.ts';
import { renderOpenApi } from '../api/openapi.ts';
import { type ApiScope, KeyName } from '../config/api.ts';
import { duration } from '../config/duration.ts';
import type { AuditEvent } from '../domain/audit-event.ts';
import { StartupError } from '../domain/errors.ts';
import { type Actor, actorOf, auditName, demand } from './actor.ts';
import { table } from './table.ts';
import { type StoreSession, withStores } from './with-stores.ts';

export interface ApiKeysOptions {
  readonly config: string;
  readonly json: boolean;
}

export interface KeyWish {
  readonly name: string;
  readonly client?: string;
  readonly scopes: readonly ApiScope[];
  /** `90d` */
  readonly expires?: string;
}

export async function createKey(wish: KeyWish, options: ApiKeysOptions): Promise<number> {
  return withOperator(options, async (session, actor) => {
    const nowMs = Date.now();
    const name = KeyName.safeParse(wish.name);
    if (!name.success) {
      throw new StartupError(
        `"${wish.name}" is no name for a key`,
        'take lower-case letters, digits and hyphens',
      );
    }
    const client = clientFor(session, wish.client);
    const taken = (await session.apiKeys.list()).find(
      (key) => key.client === client && key.name === name.data,
    );
    if (taken) {
      throw new StartupError(
        `${client} has a key called ${name.data} already`,
        `take another name, or first: signalbox api keys revoke ${taken.id}`,
      );
    }
    // The audit names a key by its name: two of one name could not be told apart.
    if (Object.hasOwn(session.config.settings.api.clients[client]?.keys ?? {}, name.data)) {
      throw new StartupError(`${client} has a key called ${name.data} in settings.yaml`, 'take another name');
    }
    const forMs = lifeOf(wish.expires);
    const { key, token } = await session.apiKeys.create({
      name: name.data,
      client,
      scopes: [...wish.scopes],
      createdMs: nowMs,
      createdBy: actor.person.id,
      ...(forMs === undefined ? {} : { expiresMs: nowMs + forMs }),
    });
    await record(session, actor, 'api-key.created', key);
    if (options.json) return print(JSON.stringify({ ...toJson(key), token }, undefined, 2));
    return print(
      `${token}\n\nThis is the key ${key.name} of ${client}, shown this once. Its id is ${key.id}.`,
    );
  });
}

export async function listKeys(options: ApiKeysOptions): Promise<number> {
  return withOperator(options, async ({ apiKeys, config }) => {
    const keys = await apiKeys.list();
    if (options.json) return print(JSON.stringify(keys.map(toJson), undefined, 2));
    if (keys.length === 0) return print('No keys were made. Those of settings.yaml are not listed here.');
    const rows = keys.map((key) => [
      key.id,
      Object.hasOwn(config.settings.api.clients, key.client) ? key.client : `${key.client} (not configured)`,
      key.name,
      key.scopes.join(' '),
      `${new Date(key.createdMs).toISOString()} by ${key.createdBy}`,
      key.expiresMs === undefined ? 'never' : new Date(key.expiresMs).toISOString(),
    ]);
    return print(table(['id', 'client', 'name', 'scopes', 'made', 'expires'], rows));
  });
}

export async function revokeKey(id: string, options: ApiKeysOptions): Promise<number> {
  return withOperator(options, async (session, actor) => {
    const key = await session.apiKeys.revoke(id);
    if (!key) throw new StartupError(`there is no key ${id}`, 'take an id from `signalbox api keys list`');
    await record(session, actor, 'api-key.revoked', key);
    if (options.json) return print(JSON.stringify({ id, outcome: 'revoked' }));
    return print(`The key ${key.name} of ${key.client} opens nothing any more.`);
  });
}

export function printOpenApi(): number {
  process.stdout.write(renderOpenApi());
  return 0;
}

async function withOperator(
  { config }: ApiKeysOptions,
  work: (session: StoreSession, actor: Actor) => Promise<number>,
): Promise<number> {
  return withStores(config, async (session) => {
    const actor = actorOf(session.config, session.directory);
    demand(session.directory, actor, 'operate', 'see or make keys of the API');
    return work(session, actor);
  });
}

function clientFor({ config }: StoreSession, wanted: string | undefined): string {
  const known = Object.keys(config.settings.api.clients);
  if (known.length === 0) {
    throw new StartupError(
      'there is no client a key could belong to',
      'name one under api.clients in settings.yaml, and whom it may ask: docs/api.md shows how',
    );
  }
  const [only] = known;
  if (wanted === undefined && known.length === 1 && only !== undefined) return only;
  if (wanted !== undefined && known.includes(wanted)) return wanted;
  throw new StartupError(
    wanted === undefined ? 'there are several clients' : `there is no client ${wanted}`,
    `say --client with one of ${known.join(', ')}`,
  );
}

function lifeOf(expires: string | undefined): number | undefined {
  if (expires === undefined) return undefined;
  const parsed = duration({ min: '1m', max: '10y' }).safeParse(expires);
  if (parsed.success) return parsed.data;
  throw new StartupError(
    `"${expires}" is no time a key could be valid for`,
    'write it like 24h or 90d, for ten years at the most',
  );
}

async function record({ audit }: StoreSession, actor: Actor, event: string, key: ApiKey): Promise<void> {
  const entry: AuditEvent = {
    event,
    actor: auditName(actor),
    subject: `api-key:${key.id}`,
    correlation: `api-key:${key.id}`,
    channel: 'cli',
    detail: { key: key.name, client: key.client, scopes: key.scopes },
  };
  await audit.append('api', entry);
}

function toJson({ createdMs, expiresMs, ...key }: ApiKey): object {
  return {
    ...key,
    createdAt: new Date(createdMs).toISOString(),
    ...(expiresMs === undefined ? {} : { expiresAt: new Date(expiresMs).toISOString() }),
  };
}

function print(text: string): number {
  process.stdout.write(`${text}\n`);
  return 0;
}
