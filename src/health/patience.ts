/** Waiting for an answer that may not come. */
import { setTimeout as sleep } from 'node:timers/promises';

/** What the promise comes to; undefined when it fails, or has not come to anything by then. */
export async function withPatience<Value>(
  promise: Promise<Value>,
  longestMs: number,
): Promise<Value | undefined> {
  const settled = new AbortController();
  const patience = sleep(longestMs, undefined, { ref: false, signal: settled.signal }).catch(() => undefined);
  try {
    return await Promise.race([promise, patience]);
  } catch {
    return undefined;
  } finally {
    settled.abort();
  }
}
