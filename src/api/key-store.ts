/**
 * Keys that were made here: shown once, kept as a hash.
 *
 * A key is `sbk_<id>_<secret>`. The id finds it; the secret is 256 random bits, so a plain hash of it is as good as
 * a slow one.
 *
 * Invariants
 *   1. What is kept opens nothing: neither the store nor a copy of it holds a key.
 *   2. Keys are compared in constant time.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { ApiScope } from '../config/api.ts';
import type { RedisClient } from '../redis/client.ts';
import type { Keys } from '../redis/keys.ts';

export const ApiKey = z.object({
  id: z.string(),
  name: z.string(),
  client: z.string(),
  scopes: z.array(ApiScope),
  createdMs: z.int(),
  createdBy: z.string(),
  expiresMs: z.int().optional(),
});
export type ApiKey = z.infer<typeof ApiKey>;

const StoredKey = ApiKey.extend({ hash: z.string() });

const KEY = /^sbk_([0-9a-f]{12})_[\w-]{43}$/;

export class ApiKeyStore {
  constructor(
    private readonly redis: RedisClient,
    private readonly keys: Keys,
  ) {}

  /** Resolves with the key itself, which nobody can be told again. */
  async create(wish: Omit<ApiKey, 'id'>): Promise<{ readonly key: ApiKey; readonly token: string }> {
    const id = randomBytes(6).toString('hex');
    const token = `sbk_${id}_${randomBytes(32).toString('base64url')}`;
    const key = { ...wish, id };
    await this.redis.hset(this.keys.apiKeys(), id, JSON.stringify({ ...key, hash: hashOf(token) }));
    return { key, token };
  }

  /** Oldest first. */
  async list(): Promise<ApiKey[]> {
    const stored = Object.values(await this.redis.hgetall(this.keys.apiKeys()));
    return stored.map((text) => ApiKey.parse(JSON.parse(text))).sort((a, b) => a.createdMs - b.createdMs);
  }

  /** It opens nothing from now on. Undefined if there was none. */
  async revoke(id: string): Promise<ApiKey | undefined> {
    const text = await this.redis.hget(this.keys.apiKeys(), id);
    if (text === null || (await this.redis.hdel(this.keys.apiKeys(), id)) === 0) return undefined;
    return ApiKey.parse(JSON.parse(text));
  }

  /** The key this is, if it is one that is still valid. */
  async identify(token: string, nowMs: number): Promise<ApiKey | undefined> {
    const [, id] = KEY.exec(token) ?? [];
    const text = id === undefined ? null : await this.redis.hget(this.keys.apiKeys(), id);
    if (text === null) return undefined;
    const { hash, ...key } = StoredKey.parse(JSON.parse(text));
    const isGenuine = timingSafeEqual(Buffer.from(hash), Buffer.from(hashOf(token)));
    return isGenuine && nowMs < (key.expiresMs ?? Number.POSITIVE_INFINITY) ? key : undefined;
  }
}

function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('base64url');
}
