/**
 * Moves conversations on that wait for a human, or that a human has left: whichever process looks first.
 *
 * Invariant (number of the specification)
 *   C4  One that cannot be read or written stays due, and is tried again at every look.
 */
import type { ConversationId } from '../domain/ids.ts';
import type { Logger } from '../observability/logger.ts';
import type { ControlStore } from './control-store.ts';

export class ControlTimers {
  constructor(
    private readonly controls: Pick<ControlStore, 'due' | 'tick'>,
    private readonly log: Logger,
  ) {}

  /** One look at a partition. Resolves with how much moved, and when there is more to do, in ms. */
  async sweep(partition: number, limit: number): Promise<{ moved: number; nextInMs: number }> {
    const { conversations, nextMs, nowMs } = await this.controls.due(partition, limit);
    await Promise.all(conversations.map((each) => this.#tick(each)));
    return { moved: conversations.length, nextInMs: (nextMs ?? Number.POSITIVE_INFINITY) - nowMs };
  }

  async #tick(conversation: ConversationId): Promise<void> {
    try {
      await this.controls.tick(conversation);
    } catch (error) {
      this.log.error({ err: error, conversation }, 'who speaks in a conversation could not be moved on');
    }
  }
}
