/**
 * Tells the app what happened, by signed webhooks: those that an administrator has entered.
 *
 * At least once, as Jira does: what is not answered with 2xx in time is sent again later, under the same identifier.
 * Deliveries do not wait for each other, so they may arrive in another order than they happened.
 */
import { createHmac, randomUUID } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { timeLimit } from '../../domain/time-limit.ts';
import { RETRIED_STATUSES, WEBHOOK_RETRY_DELAYS_MS, WEBHOOK_TIMEOUT_MS } from './limits.ts';

export interface WebhookOptions {
  /** An event without an answer after this long counts as failed. Default 20 s. */
  readonly timeoutMs?: number;
  /** Pauses before the second and later deliveries of a failed event. Default as Jira: 5 to 15 minutes. */
  readonly retryDelaysMs?: readonly number[];
  /** Repeat the last pause for ever instead of giving up as Jira does. Default false. */
  readonly retryUntilAcknowledged?: boolean;
}

/** A webhook as an administrator entered it. */
export interface ListedWebhook {
  readonly name: string;
  readonly url: string;
  /** Names of events, such as `comment_created`. */
  readonly events: readonly string[];
  /** Only for issues that match this JQL; empty for all of them. */
  readonly jql: string;
  /** Sends nothing but the fact that something happened. */
  readonly excludeBody: boolean;
  readonly enabled: boolean;
}

/** Every event that the emulation tells of. */
export const WEBHOOK_EVENTS = [
  'jira:issue_created',
  'jira:issue_updated',
  'jira:issue_deleted',
  'comment_created',
  'comment_updated',
  'comment_deleted',
  'issuelink_created',
  'issuelink_deleted',
] as const;

/** What is told: the event as Jira calls it, and whatever else. */
export interface WebhookPayload {
  readonly webhookEvent: (typeof WEBHOOK_EVENTS)[number];
  readonly [field: string]: unknown;
}

export interface WebhookDelivery {
  readonly identifier: string;
  readonly event: string;
  /** Whose it is: a place in the list of webhooks. */
  readonly place: number;
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
  /** Replaced, never changed: which is which is its place. */
  list: readonly ListedWebhook[] = [];

  constructor(
    private readonly secret: string,
    private readonly options: WebhookOptions,
    private readonly changed: () => void,
  ) {
    // Every delivery under way listens.
    setMaxListeners(0, this.#stopping.signal);
  }

  /** Of the first one. */
  get address(): string | undefined {
    return this.list[0]?.url;
  }

  /** Moves the first one, or enters it, for everything. Undefined: nobody is told anything. */
  use(address: string | undefined): void {
    const [first = EVERYTHING, ...others] = this.list;
    this.list = address === undefined ? [] : [{ ...first, url: address }, ...others];
  }

  stop(): void {
    this.#stopping.abort();
  }

  /**
   * `event` is its name here, whatever Jira calls it; `matches` says whether JQL matches the issue it is about.
   * Resolves once everybody who wants it has acknowledged it; rejects if it is given up.
   */
  async tell(event: string, payload: WebhookPayload, matches: (jql: string) => boolean): Promise<void> {
    const wanted = this.list.flatMap(({ enabled, events, jql, excludeBody }, place) => {
      if (!enabled || !events.includes(payload.webhookEvent) || !(jql === '' || matches(jql))) return [];
      return [{ place, body: excludeBody ? '' : JSON.stringify(payload) }];
    });
    const deliveries = wanted.map(
      ({ place, body }): WebhookDelivery => ({
        identifier: randomUUID(),
        event,
        place,
        body,
        attempts: 0,
        state: 'waiting',
        lastOutcome: undefined,
      }),
    );
    this.deliveries.push(...deliveries);
    await Promise.all(deliveries.map((delivery) => this.#deliver(delivery)));
  }

  /** Sends the newest event of this name once more, as after a lost answer. Resolves with the answer's status. */
  async repeat(event: string): Promise<WebhookDelivery['lastOutcome']> {
    const delivery = this.deliveries.findLast((each) => each.event === event);
    if (!delivery) throw new Error(`there was no ${event} yet`);
    return this.#attempt(delivery);
  }

  /** Whatever somebody else might send. Resolves with the status. */
  async post(
    { body, signature, headers = {} }: RawPost,
    address = this.address,
  ): Promise<number | 'timeout' | 'failed'> {
    if (address === undefined) throw new Error('the sandbox does not know where webhooks go');
    const signed = signature === undefined ? signatureOf(body, this.secret) : signature;
    try {
      const response = await fetch(address, {
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
          timeLimit(this.options.timeoutMs ?? WEBHOOK_TIMEOUT_MS),
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
    const headers = {
      'x-atlassian-webhook-identifier': delivery.identifier,
      'x-atlassian-webhook-flow': 'Primary',
      ...(retry === 0 ? {} : { 'x-atlassian-webhook-retry': String(retry) }),
    };
    const outcome = await this.post({ body: delivery.body, headers }, this.list[delivery.place]?.url);
    delivery.lastOutcome = outcome;
    this.changed();
    return outcome;
  }

  #settle(delivery: WebhookDelivery, state: WebhookDelivery['state']): void {
    delivery.state = state;
    this.changed();
  }
}

/** What the sandbox enters unless it is told otherwise. */
const EVERYTHING: ListedWebhook = {
  name: 'Signalbox',
  url: '',
  events: WEBHOOK_EVENTS,
  jql: '',
  excludeBody: false,
  enabled: true,
};

/** As in the `X-Hub-Signature` header (W3C WebSub, "Authenticated content distribution"). */
export function signatureOf(body: string, secret: string): string {
  return `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;
}
