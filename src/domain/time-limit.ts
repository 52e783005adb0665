/**
 * Time limits that come, for work that can be broken off.
 *
 * Not `AbortSignal.timeout`: one that is given to `AbortSignal.any`, and to nobody else, is not kept by it. Once the
 * garbage was collected it never fires, and what waits for it waits for ever (seen on Node 20.20; `time-limit.test.ts`
 * shows both). Here the timer keeps it until it has fired. A process ends without waiting for it.
 */

/** Aborts after so many ms, with a `TimeoutError` for a reason, as `AbortSignal.timeout` does. */
export function timeLimit(ms: number): AbortSignal {
  const over = new AbortController();
  const end = (): void => over.abort(new DOMException(`it took longer than ${ms} ms`, 'TimeoutError'));
  setTimeout(end, ms).unref();
  return over.signal;
}
