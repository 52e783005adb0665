/**
 * Tells somebody at once, and them alone, what came of what they just did.
 *
 * Best effort: what has to be said for certain goes through the outbox, and so through `sender`.
 */

import type { Button } from '../../src/domain/message.ts';
import type { Logger } from '../../src/observability/logger.ts';
import { within } from '../within.ts';
import type { Shown, SlackClient } from './client.ts';
import { toMrkdwn } from './mrkdwn.ts';
import { withButtons } from './outbound.ts';

/** Whom to tell, and where they acted. */
export interface Actor {
  readonly user: string;
  readonly channel: string | undefined;
  readonly thread: string | undefined;
  readonly responseUrl: string | undefined;
}

/** What somebody is told. */
export interface Word {
  readonly markdown: string;
  readonly buttons?: readonly Button[] | undefined;
}

/** A word on its way to somebody is worth this much of a wait when we stop. */
const TOLD_WITHIN_MS = 1_000;

export class Teller {
  /** Words on their way. */
  readonly #telling = new Set<Promise<void>>();

  constructor(
    private readonly client: SlackClient,
    private readonly log: Logger,
  ) {}

  /** Not to be waited for: Slack waits for the acknowledgement meanwhile. */
  tell(actor: Actor, markdown: string, buttons: readonly Button[] = []): void {
    this.#goOn(actor, this.#reach(actor, { markdown, buttons }));
  }

  /** The same once it is known, unless there is nothing to say; when we stop before, nobody is told. */
  tellLater(actor: Actor, word: Promise<Word | undefined>): void {
    this.#goOn(
      actor,
      word.then((known) => (known === undefined ? undefined : this.#reach(actor, known))),
    );
  }

  #goOn(actor: Actor, reaching: Promise<void>): void {
    const telling = reaching
      .catch((error: unknown) =>
        this.log.warn({ error, user: actor.user }, 'a person could not be told what came of what they did'),
      )
      .finally(() => this.#telling.delete(telling));
    this.#telling.add(telling);
  }

  /** Resolves when everybody has been told, as far as Slack takes it soon. */
  async drain(): Promise<void> {
    await within(TOLD_WITHIN_MS, Promise.all(this.#telling)).catch((error: unknown) => {
      this.log.warn({ error }, 'people could not be told in time what came of what they did');
    });
  }

  async #reach(
    { user, channel, thread, responseUrl }: Actor,
    { markdown, buttons = [] }: Word,
  ): Promise<void> {
    const text = toMrkdwn(markdown).join('\n\n');
    const shown: Shown = { text, ...withButtons(text, buttons) };
    try {
      if (channel === undefined) throw new Error('it was done in no channel');
      await this.client.postEphemeral({ channel, thread, user }, shown);
    } catch (error) {
      // Where the bot may not post, the address that came along still reaches the person.
      if (responseUrl === undefined || !(await this.client.respond(responseUrl, shown))) throw error;
    }
  }
}
