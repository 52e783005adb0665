/**
 * Counts what clients ask of Redis, by watching with `MONITOR`.
 *
 * `INFO` counts the commands inside scripts too, so it cannot say how many requests crossed the wire. `MONITOR`
 * names the source of each command: `lua` for one inside a script, an address for a client's. It slows the server,
 * so it runs in a short pass of its own and nothing else of that pass is reported.
 */
import { once } from 'node:events';
import { Redis } from 'ioredis';

/** Runs `work` and resolves with the number of requests clients other than `ignored` sent meanwhile. */
export async function countRoundTrips(redisUrl: string, work: () => Promise<void>): Promise<number> {
  const watcher = new Redis(redisUrl, { retryStrategy: () => null });
  const monitor = await watcher.monitor();
  let requests = 0;
  monitor.on('monitor', (_time: string, args: readonly string[], source: string) => {
    if (isRequest(args, source)) requests += 1;
  });

  await work();

  const ended = once(monitor, 'close');
  monitor.disconnect();
  watcher.disconnect();
  await ended;
  return requests;
}

/** False for a command inside a script, and for the benchmark's own questions. */
export function isRequest(args: readonly string[], source: string): boolean {
  return source !== 'lua' && !/^(info|monitor|client|hello|select)$/i.test(args[0] ?? '');
}
