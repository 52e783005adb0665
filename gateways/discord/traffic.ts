/** Which channels are busy: where several people talk, an answer is better off in a thread of its own. */
import type { DiscordSettings } from './config.ts';
import { type Channel, TEXT_TYPES } from './schema.ts';

/** A channel is busy when so many messages of at least two people came within this time. */
const BUSY_MESSAGES = 6;
const BUSY_WITHIN_MS = 10 * 60_000;

/** Channels remembered; the quietest are forgotten first. */
const MAX_CHANNELS = 2_000;

interface Said {
  readonly by: string;
  readonly atMs: number;
}

export class Traffic {
  readonly #recent = new Map<string, Said[]>();

  note(channel: string, by: string, atMs: number): void {
    const recent = [...(this.#recent.get(channel) ?? []), { by, atMs }].slice(-BUSY_MESSAGES);
    this.#recent.delete(channel);
    this.#recent.set(channel, recent);
    const [quietest] = this.#recent.keys();
    if (this.#recent.size > MAX_CHANNELS && quietest !== undefined) this.#recent.delete(quietest);
  }

  /** Whether what begins in this channel now gets a thread of its own. */
  wantsThread(
    { id, type }: Pick<Channel, 'id' | 'type'>,
    threads: DiscordSettings['threads'],
    nowMs: number,
  ): boolean {
    if (!TEXT_TYPES.includes(type)) return false;
    return threads === 'always' || (threads === 'auto' && this.isBusy(id, nowMs));
  }

  isBusy(channel: string, nowMs: number): boolean {
    const recent = (this.#recent.get(channel) ?? []).filter(({ atMs }) => atMs > nowMs - BUSY_WITHIN_MS);
    return recent.length >= BUSY_MESSAGES && new Set(recent.map(({ by }) => by)).size > 1;
  }
}
