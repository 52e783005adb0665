/** Names of connections by which one process sees what others are at work on. */
import type { Keys } from '../redis/keys.ts';

/** Shown by CLIENT LIST, where other installations on the same server are seen as well. */
export function workerPoolName(keys: Keys): string {
  return `${keys.prefix}conversations`;
}

export function outboxPoolName(keys: Keys, platform: string): string {
  return `${keys.prefix}outbox-${platform}`;
}
