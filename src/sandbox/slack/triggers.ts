/** trigger_ids and response_urls: short-lived rights that a person's gesture gives the app. */
import { randomUUID } from 'node:crypto';
import type { Clock } from '../../domain/clock.ts';
import { RESPONSE_URL_LIFETIME_MS, RESPONSE_URL_USES, TRIGGER_LIFETIME_MS } from './limits.ts';

export type TriggerUse =
  | { readonly kind: 'granted'; readonly user: string }
  | { readonly kind: 'refused'; readonly error: string };

/** Where an answer to a response_url goes. */
export interface ResponseTarget {
  readonly user: string;
  readonly channel: string;
  readonly thread: string | undefined;
  /** The message with the button, when there was one. */
  readonly messageTs: string | undefined;
}

export class Triggers {
  readonly #triggers = new Map<string, { user: string; at: number; used: boolean }>();
  readonly #responses = new Map<string, { target: ResponseTarget; at: number; uses: number }>();

  constructor(private readonly clock: Clock) {}

  issue(user: string): string {
    const id = `${this.clock.now()}.${randomUUID()}`;
    this.#triggers.set(id, { user, at: this.clock.now(), used: false });
    return id;
  }

  /** Once, and not later than three seconds after the gesture. */
  use(id: string): TriggerUse {
    const trigger = this.#triggers.get(id);
    if (trigger === undefined) return { kind: 'refused', error: 'invalid_trigger_id' };
    if (trigger.used) return { kind: 'refused', error: 'exchanged_trigger_id' };
    if (this.clock.now() - trigger.at > TRIGGER_LIFETIME_MS)
      return { kind: 'refused', error: 'expired_trigger_id' };
    trigger.used = true;
    return { kind: 'granted', user: trigger.user };
  }

  issueResponse(target: ResponseTarget): string {
    const id = randomUUID();
    this.#responses.set(id, { target, at: this.clock.now(), uses: 0 });
    return id;
  }

  /** Undefined once it is used up or too old. */
  useResponse(id: string): ResponseTarget | undefined {
    const response = this.#responses.get(id);
    if (response === undefined || response.uses >= RESPONSE_URL_USES) return undefined;
    if (this.clock.now() - response.at > RESPONSE_URL_LIFETIME_MS) return undefined;
    response.uses += 1;
    return response.target;
  }
}
