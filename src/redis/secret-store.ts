/** A secret of this installation, made at the first start and the same for every process from then on. */
import { randomBytes } from 'node:crypto';
import { StartupError } from '../domain/errors.ts';
import type { RedisClient } from './client.ts';
import type { Keys } from './keys.ts';

/** As many bytes as SHA-256 has. */
const SECRET_BYTES = 32;

/** @throws {StartupError} when the store takes no writes: this is the first of every start */
export async function readSecret(redis: RedisClient, keys: Keys, name: string): Promise<string> {
  const key = keys.secret(name);
  try {
    await redis.set(key, randomBytes(SECRET_BYTES).toString('base64url'), 'NX');
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new StartupError(`Redis takes no writes: ${reason}`, 'make that server writable, or use another', {
      cause,
    });
  }
  const secret = await redis.get(key);
  if (secret === null) throw new Error(`the secret ${name} could not be kept`);
  return secret;
}
