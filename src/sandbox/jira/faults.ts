/** Failures to order: what an operation of the REST API does instead of, or after, its work. */

/** `RateLimit-Reason` of a 429 (developer.atlassian.com, "Rate limiting"). */
export type LimitReason =
  | 'jira-quota-global-based'
  | 'jira-quota-tenant-based'
  | 'jira-burst-based'
  | 'jira-per-issue-on-write';

export type Fault =
  /** 429; nothing was done. Without a reason or a time, as gateways before Jira and Data Center answer. */
  | {
      readonly kind: 'rate-limited';
      readonly retryAfterSeconds?: number;
      readonly reason?: LimitReason;
      /** `X-RateLimit-Reset`, in ISO 8601. */
      readonly resetAt?: string;
    }
  /** This HTTP status; nothing was done. */
  | { readonly kind: 'status'; readonly status: number; readonly message?: string }
  /** 200 with a body that is none of Jira's; nothing was done. */
  | { readonly kind: 'garbage'; readonly body: string }
  /** It was done, and the connection breaks before the answer. */
  | { readonly kind: 'lost-response' }
  /** Nothing was done, and the answer never comes. */
  | { readonly kind: 'hang' };

export class Faults {
  readonly #pending: { readonly operation: string; readonly fault: Fault; times: number }[] = [];

  /** `operation` is an operation id, such as `addComment`; `*` for all of them. */
  add(operation: string, fault: Fault, times: number): void {
    this.#pending.push({ operation, fault, times });
  }

  clear(): void {
    this.#pending.length = 0;
  }

  /** The fault for this call, used up by asking. */
  take(operation: string): Fault | undefined {
    const index = this.#pending.findIndex(
      (entry) => entry.operation === operation || entry.operation === '*',
    );
    const entry = this.#pending[index];
    if (entry === undefined) return undefined;
    entry.times -= 1;
    if (entry.times <= 0) this.#pending.splice(index, 1);
    return entry.fault;
  }
}
