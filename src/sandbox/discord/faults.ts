/** Failures to order: what a route of the REST API does instead of, or after, its work. */

export type Fault =
  /** 429; nothing was done. `shared` is a limit of the place that others used up, and no fault of the app. */
  | {
      readonly kind: 'rate-limited';
      readonly retryAfterSeconds: number;
      readonly scope?: 'user' | 'global' | 'shared';
    }
  /** This HTTP status, with Discord's code where one is given; nothing was done. */
  | { readonly kind: 'status'; readonly status: number; readonly code?: number; readonly message?: string }
  /** It was done, and the connection breaks before the answer. */
  | { readonly kind: 'lost-response' }
  /** Nothing was done, and the answer never comes. */
  | { readonly kind: 'hang' };

export class Faults {
  readonly #pending: { readonly route: string; readonly fault: Fault; times: number }[] = [];

  /** `route` as in `RestCall`, such as `POST /channels/:channel/messages`; `*` for all of them. */
  add(route: string, fault: Fault, times: number): void {
    this.#pending.push({ route, fault, times });
  }

  clear(): void {
    this.#pending.length = 0;
  }

  /** The fault for this call, used up by asking. */
  take(route: string): Fault | undefined {
    const index = this.#pending.findIndex((entry) => entry.route === route || entry.route === '*');
    const entry = this.#pending[index];
    if (entry === undefined) return undefined;
    entry.times -= 1;
    if (entry.times <= 0) this.#pending.splice(index, 1);
    return entry.fault;
  }
}
