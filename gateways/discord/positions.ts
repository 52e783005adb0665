/**
 * How far each channel the bot is part of has been read, so that what was said while nobody listened is found.
 *
 * Invariants
 *   1. A position moves forward only, and only over what was stored or is of no interest.
 *   2. The channels kept are those last active; one that is forgotten is not read again.
 */

import { z } from 'zod';
import type { Bookmarks } from '../../src/domain/gateway.ts';
import { compareIds, Snowflake } from './schema.ts';

/** Channels whose position is kept. Each costs a request after every start. */
const MAX_CHANNELS = 200;

const Stored = z.record(Snowflake, Snowflake);

export class Positions {
  readonly #last = new Map<string, Snowflake>();
  #writing: Promise<void> = Promise.resolve();
  #changed = false;

  constructor(
    private readonly bookmarks: Bookmarks,
    private readonly name: string,
  ) {}

  async load(): Promise<void> {
    const stored = Stored.safeParse(parseJson(await this.bookmarks.read(this.name))).data ?? {};
    for (const [channel, message] of Object.entries(stored)) this.#last.set(channel, message);
  }

  channels(): readonly string[] {
    return [...this.#last.keys()];
  }

  /** The last message of this channel that has been read; undefined when it is not followed. */
  after(channel: string): Snowflake | undefined {
    return this.#last.get(channel);
  }

  /** We are part of this channel, and it has been read up to here. */
  follow(channel: string, message: Snowflake): void {
    const last = this.#last.get(channel);
    this.#last.delete(channel); // and set again, so that the least recently active comes first
    this.#last.set(channel, last === undefined || compareIds(message, last) > 0 ? message : last);
    const [oldest] = this.#last.keys();
    if (this.#last.size > MAX_CHANNELS && oldest !== undefined) this.#last.delete(oldest);
    this.#changed = true;
  }

  /** We wrote there first: whatever is said after it is for us to read. */
  begin(channel: string, message: Snowflake): void {
    if (!this.#last.has(channel)) this.follow(channel, message);
  }

  /** A channel that is followed has been read up to here; kept when `save` is next called. */
  pass(channel: string, message: Snowflake): void {
    const last = this.#last.get(channel);
    if (last === undefined || compareIds(message, last) <= 0) return;
    this.#last.set(channel, message);
    this.#changed = true;
  }

  forget(channel: string): void {
    this.#changed = this.#last.delete(channel) || this.#changed;
  }

  /** Resolves when everything noted so far is kept; those who ask meanwhile share one write. */
  async save(): Promise<void> {
    if (!this.#changed) return this.#writing;
    this.#changed = false;
    this.#writing = this.#writing
      .catch(() => {}) // told to whoever waited for it
      .then(() => this.bookmarks.write(this.name, JSON.stringify(Object.fromEntries(this.#last))))
      .catch((error: unknown) => {
        this.#changed = true; // so that the next `save` tries again
        throw error;
      });
    return this.#writing;
  }
}

function parseJson(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined; // not written by us; begin anew
  }
}
