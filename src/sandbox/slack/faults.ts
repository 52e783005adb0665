/** Failures to order: what a method of the Web API does instead of, or after, its work. */

export type Fault =
  /** 429 with `Retry-After`; nothing was done. */
  | { readonly kind: 'rate-limited'; readonly retryAfterSeconds: number }
  /** This HTTP status; nothing was done. */
  | { readonly kind: 'status'; readonly status: number }
  /** `{ ok: false, error }`; nothing was done. */
  | { readonly kind: 'error'; readonly error: string }
  /** It was done, and the connection breaks before the answer. */
  | { readonly kind: 'lost-response' }
  /** Nothing was done, and the answer never comes. */
  | { readonly kind: 'hang' };

export class Faults {
  readonly #pending: { readonly method: string; readonly fault: Fault; times: number }[] = [];

  /** `method` may be `*` for all of them. */
  add(method: string, fault: Fault, times: number): void {
    this.#pending.push({ method, fault, times });
  }

  clear(): void {
    this.#pending.length = 0;
  }

  /** The fault for this call, used up by asking. */
  take(method: string): Fault | undefined {
    const index = this.#pending.findIndex((entry) => entry.method === method || entry.method === '*');
    const entry = this.#pending[index];
    if (entry === undefined) return undefined;
    entry.times -= 1;
    if (entry.times <= 0) this.#pending.splice(index, 1);
    return entry.fault;
  }
}
