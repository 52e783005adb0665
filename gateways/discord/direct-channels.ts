/**
 * Direct messages that came while nobody listened: of the people we know, in which channel was something said?
 *
 * Discord lists no direct messages to a bot, in no session and by no request. It does tell the channel with one person,
 * and what was said there last, to whoever asks for that person. They do not see it.
 *
 * Invariants
 *   1. A channel is asked for by its person once, ever: from then on it is known by its id. Whoever asks for many people
 *      at once looks like a spammer to Discord, so they are asked for one after the other, with a pause.
 *   2. In one session everybody is looked at once, however often it is tried.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Places } from '../../src/domain/gateway.ts';
import type { Logger } from '../../src/observability/logger.ts';
import { codeOf, type DiscordClient } from './client.ts';
import { type Channel, Snowflake } from './schema.ts';

/** People whose channels are kept. */
const MAX_PEOPLE = 10_000;

/** JSON error code: opening direct messages too fast (docs.discord.com, Opcodes and Status Codes). */
const TOO_FAST = 40_003;

interface Deps {
  readonly client: Pick<DiscordClient, 'channel' | 'directWith'>;
  readonly places: Places;
  readonly log: Logger;
  /** Where the channels are kept, by person. */
  readonly name: string;
  /** Between two people who are asked for; Discord publishes no number. */
  readonly pauseMs: number;
}

export class DirectChannels {
  #looked = new Set<string>();

  constructor(private readonly deps: Deps) {}

  /** Whatever was seen may have been said to meanwhile. */
  beginSession(): void {
    this.#looked = new Set();
  }

  /**
   * Calls `seen` with the channel of each of these people, in so far as there is one. Rejects when Discord or the store
   * is away; the next call goes on where this one stopped.
   */
  async look(users: readonly string[], seen: (channel: Channel) => void, signal: AbortSignal): Promise<void> {
    const unlooked = users.filter((user) => !this.#looked.has(user));
    if (unlooked.length === 0) return;
    const known = await this.deps.places.load(this.deps.name);
    let hasAsked = false;
    for (const [index, user] of unlooked.entries()) {
      const id = Snowflake.safeParse(known.get(user)).data;
      if (id === undefined && hasAsked) await pause(this.deps.pauseMs, signal);
      if (signal.aborted) return;
      hasAsked ||= id === undefined;
      const channel = id === undefined ? await this.#askFor(user) : await this.#find(id);
      if (channel === 'too-fast') return this.#giveUp(unlooked.length - index);
      if (channel) seen(channel);
      this.#looked.add(user);
    }
  }

  async #find(id: string): Promise<Channel | undefined> {
    return unlessRefused(() => this.deps.client.channel(id));
  }

  async #askFor(user: string): Promise<Channel | 'too-fast' | undefined> {
    const { client, places, name } = this.deps;
    try {
      const channel = await unlessRefused(() => client.directWith(user));
      if (channel) {
        const read = new Map([[user, channel.id]]);
        await places.advance(name, { read, begun: new Map(), forgotten: [] }, MAX_PEOPLE);
      }
      return channel;
    } catch (error) {
      if (codeOf(error) === TOO_FAST) return 'too-fast';
      throw error;
    }
  }

  #giveUp(left: number): void {
    this.deps.log.warn(
      { people: left },
      'Discord wants no more direct messages to be looked for now; what these people said while nobody listened is read when they write again, or after the next start',
    );
  }
}

/** Undefined for a person who is gone, or whom we share no server with. */
async function unlessRefused(ask: () => Promise<Channel>): Promise<Channel | undefined> {
  try {
    return await ask();
  } catch (error) {
    const code = codeOf(error);
    if (code !== undefined && code !== TOO_FAST) return undefined;
    throw error;
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => {}); // aborted: we are stopping
}
