/**
 * What is known of channels: their guild, their parent, whether they are threads, and which conversation is theirs.
 * Asked once, kept a while.
 *
 * A thread is the conversation of its own id, for that is the id of the message it begins with. One that was opened on
 * the answer to a command is that of the command: it was stored before there was an answer.
 */
import type { Clock } from '../../src/domain/clock.ts';
import { UndeliverableError } from '../../src/domain/errors.ts';
import type { DiscordClient } from './client.ts';
import { type Channel, type Snowflake, THREAD_TYPES } from './schema.ts';

/** Channels remembered. */
const MAX_CHANNELS = 5_000;

/** A channel seldom moves, and its kind never changes. */
const KEEP_MS = 10 * 60_000;

export interface KnownChannel extends Channel {
  /** The command whose answer this thread of ours begins with. */
  readonly command?: Snowflake | undefined;
}

export class Channels {
  readonly #known = new Map<string, { readonly channel: KnownChannel; readonly until: number }>();

  constructor(
    private readonly client: Pick<DiscordClient, 'channel' | 'commandOf'>,
    private readonly clock: Clock,
    private readonly whoAmI: () => Promise<{ readonly userId: string }>,
  ) {}

  /** Undefined when the bot may not see it, or it is gone. Rejects when Discord cannot be asked now. */
  async find(id: string): Promise<KnownChannel | undefined> {
    const known = this.#known.get(id);
    if (known && known.until > this.clock.now()) return known.channel;
    const channel = await this.#ask(id);
    this.#known.delete(id);
    if (channel) this.learn(channel); // a thread that is not there may be opened any moment
    return channel;
  }

  /** Discord tells of a channel by itself; not to be used for threads of ours, of which there is more to know. */
  learn(channel: KnownChannel): void {
    this.#known.delete(channel.id);
    this.#known.set(channel.id, { channel, until: this.clock.now() + KEEP_MS });
    const [oldest] = this.#known.keys();
    if (this.#known.size > MAX_CHANNELS && oldest !== undefined) this.#known.delete(oldest);
  }

  /** Something about it changed. */
  forget(id: string): void {
    this.#known.delete(id);
  }

  async #ask(id: string): Promise<KnownChannel | undefined> {
    try {
      const channel = await this.client.channel(id);
      const { parent_id: parent, owner_id: owner } = channel;
      const isOurs = isThread(channel) && owner === (await this.whoAmI()).userId;
      return isOurs && parent !== undefined
        ? { ...channel, command: await this.client.commandOf(parent, id) }
        : channel;
    } catch (error) {
      if (error instanceof UndeliverableError) return undefined;
      throw error;
    }
  }
}

/** The channel a thread is in. The parent of any other channel is a mere category. */
export function parentOf(channel: Pick<Channel, 'type' | 'parent_id'>): string | undefined {
  return isThread(channel) ? channel.parent_id : undefined;
}

export function isThread({ type }: Pick<Channel, 'type'>): boolean {
  return THREAD_TYPES.includes(type);
}
