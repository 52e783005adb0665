/**
 * How far each channel the bot is part of has been read, so that what was said while nobody listened is found. Kept
 * for all processes together: whichever of them stored a message moves its channel on.
 *
 * Invariants
 *   1. A position moves forward only, and only over what was stored or is of no interest.
 *   2. Where a process took part without having read what came before, its word counts only if nobody knew more.
 *   3. In channels we are not part of, what was said since anybody of us last listened is for us to find.
 *   4. The channels kept are those last active.
 *   5. Nobody has listened beyond what somebody said to us that is not dealt with yet.
 */
import { z } from 'zod';
import type { Places } from '../../src/domain/gateway.ts';
import { compareIds, Snowflake } from './schema.ts';

/**
 * Channels whose position is kept; each costs a request after every start. What is said in one that is forgotten is
 * found all the same, since a session tells when something was said last in every channel.
 */
const MAX_CHANNELS = 200;

/** No channel has this id: under it is kept up to where everything was listened to. */
const LISTENED = '0';

const Place = z.tuple([Snowflake, Snowflake]);

export class Positions {
  /** Channels read up to a message. */
  readonly #read = new Map<string, Snowflake>();
  /** Channels we are part of since a message. */
  readonly #begun = new Map<string, Snowflake>();
  /**
   * Channels somebody spoke to us in, before it is known whether that makes us a part of them; never kept. As many as
   * there is something under way in.
   */
  readonly #heard = new Map<string, Snowflake>();
  readonly #forgotten = new Set<string>();
  #listened: Snowflake | undefined;
  #writing: Promise<void> = Promise.resolve();
  #changed = false;

  constructor(
    private readonly places: Places,
    private readonly name: string,
  ) {}

  /** Takes over what any process has kept, where that is further on. Resolves with the channels that are kept. */
  async load(): Promise<readonly string[]> {
    const kept: string[] = [];
    for (const entry of await this.places.load(this.name)) {
      const place = Place.safeParse(entry).data;
      if (!place) continue; // not written by us
      const [channel, message] = place;
      if (channel === LISTENED) {
        this.listen(message);
        continue;
      }
      this.#begun.delete(channel);
      this.#heard.delete(channel);
      this.#advance(channel, message);
      kept.push(channel);
    }
    return kept;
  }

  channels(): readonly string[] {
    return [...new Set([...this.#read.keys(), ...this.#begun.keys(), ...this.#heard.keys()])];
  }

  /** The last message of this channel that has been read; undefined when it is not followed. */
  after(channel: string): Snowflake | undefined {
    return this.#read.get(channel) ?? this.#begun.get(channel) ?? this.#heard.get(channel);
  }

  /** We are part of this channel, and it has been read up to here. */
  follow(channel: string, message: Snowflake): void {
    this.#begun.delete(channel);
    this.#heard.delete(channel);
    this.#forgotten.delete(channel);
    this.#advance(channel, message);
    this.#changed = true;
  }

  /** We are part of this channel from here on: whatever is said after it is for us to read. False if we were before. */
  begin(channel: string, message: Snowflake): boolean {
    if (this.#read.has(channel) || this.#begun.has(channel)) return false;
    this.#forgotten.delete(channel);
    this.#heard.delete(channel);
    this.#begun.set(channel, message);
    keepNewest(this.#begun);
    this.#changed = true;
    return true;
  }

  /** Up to where everything that was said anywhere was listened to; undefined before the first session of all. */
  listenedUntil(): Snowflake | undefined {
    return this.#listened;
  }

  /** Everything up to there was listened to, but for what was heard and is under way. */
  listen(until: Snowflake): void {
    const message = [...this.#heard.values()].reduce((a, b) => (compareIds(a, b) <= 0 ? a : b), until);
    if (this.#listened !== undefined && compareIds(message, this.#listened) <= 0) return;
    this.#listened = message;
    this.#changed = true;
  }

  /** There may be something for us after this message; `follow`, or `leave`, when it is known what it is worth. */
  hear(channel: string, message: Snowflake): void {
    if (this.#read.has(channel) || this.#begun.has(channel)) return;
    const before = this.#heard.get(channel);
    if (before !== undefined && compareIds(before, message) <= 0) return;
    this.#heard.set(channel, message);
  }

  /** Whoever spoke there was nobody we listen to. What we are part of otherwise stays. */
  leave(channel: string): void {
    this.#heard.delete(channel);
  }

  /** A channel that is followed has been read up to here; kept when `save` is next called. */
  pass(channel: string, message: Snowflake): void {
    const last = this.#read.get(channel) ?? this.#begun.get(channel);
    if (last !== undefined && compareIds(message, last) > 0) this.follow(channel, message);
    if (last === undefined && this.#heard.has(channel)) this.#heard.set(channel, message);
  }

  forget(channel: string): void {
    if (this.after(channel) === undefined) return;
    this.#read.delete(channel);
    this.#begun.delete(channel);
    this.#heard.delete(channel);
    this.#forgotten.add(channel);
    this.#changed = true;
  }

  /** Resolves when everything noted so far is kept; those who ask meanwhile share one write. */
  async save(): Promise<void> {
    if (!this.#changed) return this.#writing;
    this.#changed = false;
    this.#writing = this.#writing
      .catch(() => {}) // told to whoever waited for it
      .then(() => this.#write())
      .catch((error: unknown) => {
        this.#changed = true; // so that the next `save` tries again
        throw error;
      });
    return this.#writing;
  }

  async #write(): Promise<void> {
    const forgotten = [...this.#forgotten];
    const listened = this.#listened === undefined ? [] : [[LISTENED, this.#listened] as const];
    const read = new Map([...this.#read, ...listened]);
    await this.places.advance(this.name, { read, begun: this.#begun, forgotten }, MAX_CHANNELS + 1);
    for (const channel of forgotten) this.#forgotten.delete(channel); // told once; another process may begin it anew
  }

  #advance(channel: string, message: Snowflake): void {
    const last = this.#read.get(channel);
    this.#read.delete(channel); // and set again, so that the least recently active comes first
    this.#read.set(channel, last === undefined || compareIds(message, last) > 0 ? message : last);
    keepNewest(this.#read);
  }
}

function keepNewest(channels: Map<string, Snowflake>): void {
  const [oldest] = channels.keys();
  if (channels.size > MAX_CHANNELS && oldest !== undefined) channels.delete(oldest);
}
