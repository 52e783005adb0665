/** Names of connections by which one process sees what others are at work on. */
import type { Keys } from '../redis/keys.ts';

/** Shown by CLIENT LIST, where other installations on the same server are seen as well. */
export function workerPoolName(keys: Keys): string {
  return `${keys.prefix}conversations`;
}

export function outboxPoolName(keys: Keys, platform: string): string {
  return `${keys.prefix}outbox-${platform}`;
}

/** Platforms that some process of this installation sends to now, by the names of all connections. */
export function openPlatforms(names: Iterable<string>, keys: Keys): string[] {
  const outbox = `signalbox-${outboxPoolName(keys, '')}`;
  return [...names].filter((name) => name.startsWith(outbox)).map((name) => name.slice(outbox.length));
}
