/** Tries until Slack is reached: ever more slowly, and not before the time Slack itself names. */
import { setTimeout as pause } from 'node:timers/promises';
import pRetry from 'p-retry';
import { RateLimitedError } from '../../src/domain/errors.ts';

export interface Trying {
  /** The first wait after a failure; doubles up to `atMostMs`. */
  readonly afterMs: number;
  readonly atMostMs: number;
  /** Whether a failure is one that another try cannot mend. */
  readonly isFinal: (error: Error) => boolean;
  readonly onFailure: (error: Error, attempt: number) => void;
}

/** Rejects with what is final, and when the signal aborts; an attempt under way is not waited for less by that. */
export async function keepTrying<Value>(
  attempt: () => Promise<Value>,
  { afterMs, atMostMs, isFinal, onFailure }: Trying,
  signal: AbortSignal,
): Promise<Value> {
  return pRetry(() => attempt().catch(rethrow), {
    retries: Number.POSITIVE_INFINITY,
    minTimeout: afterMs,
    maxTimeout: atMostMs,
    randomize: true,
    signal,
    shouldRetry: ({ error }) => !isFinal(error),
    onFailedAttempt: async ({ error, attemptNumber }) => {
      signal.throwIfAborted();
      onFailure(error, attemptNumber);
      if (error instanceof RateLimitedError) await pause(error.retryAfterMs, undefined, { signal });
    },
  });
}

/** A `TypeError` would be taken for a mistake of ours and end the trying. */
function rethrow(error: unknown): never {
  throw error instanceof TypeError ? new Error(error.message, { cause: error }) : error;
}
