/** A secret of this installation, made at the first start and the same for every process from then on. */
import { randomBytes } from 'node:crypto';
import type { RedisClient } from './client.ts';
import type { Keys } from './keys.ts';

/** As many bytes as SHA-256 has. */
const SECRET_BYTES = 32;

export async function readSecret(redis: RedisClient, keys: Keys, name: string): Promise<string> {
  const key = keys.secret(name);
  await redis.set(key, randomBytes(SECRET_BYTES).toString('base64url'), 'NX');
  const secret = await redis.get(key);
  if (secret === null) throw new Error(`the secret ${name} could not be kept`);
  return secret;
}
