/** What is known of channels: their guild, their parent, and whether they are threads. Asked once, kept a while. */
import type { Clock } from '../../src/domain/clock.ts';
import { UndeliverableError } from '../../src/domain/errors.ts';
import type { Channel } from './schema.ts';

/** Channels remembered. */
const MAX_CHANNELS = 5_000;

/** A channel seldom moves, and its kind never changes. */
const KEEP_MS = 10 * 60_000;

export class Channels {
  readonly #known = new Map<string, { readonly channel: Channel; readonly until: number }>();

  constructor(
    private readonly ask: (channel: string) => Promise<Channel>,
    private readonly clock: Clock,
  ) {}

  /** Undefined when the bot may not see it, or it is gone. Rejects when Discord cannot be asked now. */
  async find(id: string): Promise<Channel | undefined> {
    const known = this.#known.get(id);
    if (known && known.until > this.clock.now()) return known.channel;
    const channel = await this.#ask(id);
    this.#known.delete(id);
    if (!channel) return undefined; // a thread may be opened any moment
    this.#known.set(id, { channel, until: this.clock.now() + KEEP_MS });
    const [oldest] = this.#known.keys();
    if (this.#known.size > MAX_CHANNELS && oldest !== undefined) this.#known.delete(oldest);
    return channel;
  }

  /** Something about it changed. */
  forget(id: string): void {
    this.#known.delete(id);
  }

  async #ask(id: string): Promise<Channel | undefined> {
    try {
      return await this.ask(id);
    } catch (error) {
      if (error instanceof UndeliverableError) return undefined;
      throw error;
    }
  }
}
