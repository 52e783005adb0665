/**
 * Tells the app what happened, by signed webhooks.
 *
 * At least once, as Jira does: what is not answered with 2xx in time is sent again later, under the same identifier.
 * Deliveries do not wait for each other, so they may arrive in another order than they happened.
 */
import { createHmac, randomUUID } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { RETRIED_STATUSES, WEBHOOK_RETRY_DELAYS_MS, WEBHOOK_TIMEOUT_MS } from './limits.ts';

export interface WebhookOptions {
  /** An event without an answer after this long counts as failed. Default 20 s. */
  readonly timeoutMs?: number;
  /** Pauses before the second and later deliveries of a failed event. Default as Jira: 5 to 15 minutes. */
  readonly retryDelaysMs?: readonly number[];
  /** Repeat the last pause for ever instead of giving up as Jira does. Default false. */
  readonly retryUntilAcknowledged?: boolean;
}

export interface WebhookDelivery {
  readonly identifier: string;
  readonly event: string;
  readonly body: string;
  attempts: number;
  state: 'waiting' | 'acknowledged' | 'given-up';
  /** HTTP status of the last attempt, or what happened instead. */
  lastOutcome: number | 'timeout' | 'failed' | undefined;
}

export interface RawPost {
  readonly body: string;
  /** Instead of the right one; null sends none. */
  readonly signature?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
}

export class Webhooks {
  readonly deliveries: WebhookDelivery[] = [];
  readonly #stopping = new AbortController();
  #address: string | undefined;

  constructor(
    private readonly secret: string,
    private readonly options: WebhookOptions,
    private readonly changed: () => void,
  ) {
    // Every delivery under way listens.
    setMaxListeners(0, this.#stopping.signal);
  }

  get address(): string | undefined {
    return this.#address;
  }

  /** Undefined: nobody is told anything. */
  use(address: string | undefined): void {
    this.#address = address;
  }

  stop(): void {
    this.#stopping.abort();
  }

  /** Resolves once it was acknowledged; rejects if it is given up. */
  tell(event: string, payload: object): Promise<void> {
    if (this.#address === undefined) return Promise.resolve();
    const delivery: WebhookDelivery = {
      identifier: randomUUID(),
      event,
      body: JSON.stringify(payload),
      attempts: 0,
      state: 'waiting',
      lastOutcome: undefined,
    };
    this.deliveries.push(delivery);
    return this.#deliver(delivery);
  }

  /** Sends the newest event of this name once more, as after a lost answer. Resolves with the answer's status. */
  async repeat(event: string): Promise<WebhookDelivery['lastOutcome']> {
    const delivery = this.deliveries.findLast((each) => each.event === event);
    if (!delivery) throw new Error(`there was no ${event} yet`);
    return this.#attempt(delivery);
  }

  /** Whatever somebody else might send. Resolves with the status. */
  async post({ body, signature, headers = {} }: RawPost): Promise<number | 'timeout' | 'failed'> {
    if (this.#address === undefined) throw new Error('the sandbox does not know where webhooks go');
    const signed = signature === undefined ? signatureOf(body, this.secret) : signature;
    try {
      const response = await fetch(this.#address, {
        method: 'POST',
        headers: {
          'content-type': 'application/json; charset=utf-8',
          'user-agent': 'Atlassian Webhook HTTP Client',
          ...(signed === null ? {} : { 'x-hub-signature': signed }),
          ...headers,
        },
        body,
        redirect: 'error',
        signal: AbortSignal.any([
          this.#stopping.signal,
          AbortSignal.timeout(this.options.timeoutMs ?? WEBHOOK_TIMEOUT_MS),
        ]),
      });
      await response.arrayBuffer();
      return response.status;
    } catch (error) {
      return error instanceof Error && error.name === 'TimeoutError' ? 'timeout' : 'failed';
    }
  }

  async #deliver(delivery: WebhookDelivery): Promise<void> {
    const delays = this.options.retryDelaysMs ?? WEBHOOK_RETRY_DELAYS_MS;
    for (let attempt = 0; ; attempt++) {
      const outcome = await this.#attempt(delivery);
      if (typeof outcome === 'number' && outcome >= 200 && outcome < 300) {
        return this.#settle(delivery, 'acknowledged');
      }
      const isFinal = typeof outcome === 'number' && outcome < 500 && !RETRIED_STATUSES.has(outcome);
      const delay = delays[attempt] ?? (this.options.retryUntilAcknowledged ? delays.at(-1) : undefined);
      if (isFinal || delay === undefined || this.#stopping.signal.aborted) {
        this.#settle(delivery, 'given-up');
        throw new Error(`Jira gave up on ${delivery.event}: ${outcome}`);
      }
      await pause(delay, undefined, { signal: this.#stopping.signal }).catch(() => undefined); // stopping
    }
  }

  async #attempt(delivery: WebhookDelivery): Promise<number | 'timeout' | 'failed'> {
    const retry = delivery.attempts;
    delivery.attempts += 1;
    const outcome = await this.post({
      body: delivery.body,
      headers: {
        'x-atlassian-webhook-identifier': delivery.identifier,
        'x-atlassian-webhook-flow': 'Primary',
        ...(retry === 0 ? {} : { 'x-atlassian-webhook-retry': String(retry) }),
      },
    });
    delivery.lastOutcome = outcome;
    this.changed();
    return outcome;
  }

  #settle(delivery: WebhookDelivery, state: WebhookDelivery['state']): void {
    delivery.state = state;
    this.changed();
  }
}

/** As in the `X-Hub-Signature` header (W3C WebSub, "Authenticated content distribution"). */
export function signatureOf(body: string, secret: string): string {
  return `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;
}
