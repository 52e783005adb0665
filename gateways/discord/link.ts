/**
 * The connection to Discord, kept: opened at the start, and again after Discord has ended it for good.
 *
 *   opening ──▶ connected ──ended for good──▶ in trouble ──after a wait──▶ opening ──▶ connected
 *      └──refused──▶ the start fails               ▲                           │
 *                                                  └─────refused, wait longer──┘
 *
 *   opening with message content ──not granted──▶ connected without it ──granted──▶ connected with it
 *
 * Owns      when it is tried again, and what is told meanwhile.
 * Not here  the connection itself, and what discord.js mends alone (`connection.ts`).
 *
 * Invariants
 *   1. After the start a refusal ends neither the process nor the trying: the other platforms go on, and whoever mends
 *      it in Discord need not start anything again.
 *   2. No login loop: Discord takes the token away from who identifies more than 1,000 times in a day. Waits grow to
 *      `refusedAtMostMs`, and what can be asked by REST, which costs none, is asked first: whether the token counts,
 *      whether the intent is granted.
 *   3. While it is ended, or does without an intent, `trouble` says so; every attempt that fails, and the intent that
 *      is not granted, is an error in the log with the next step.
 *   4. What is left of the connection (its other shards) is let go only when the new one stands.
 *   5. An intent that is not granted keeps nobody from what works without it: mentions, direct messages, commands.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../../src/domain/clock.ts';
import { StartupError } from '../../src/domain/errors.ts';
import type { Trouble } from '../../src/domain/gateway.ts';
import type { Logger } from '../../src/observability/logger.ts';
import { type DiscordConnection, IntentRefusedError } from './connection.ts';

export interface LinkTiming {
  /** The wait after Discord ended the connection for good; doubles with every refusal up to `refusedAtMostMs`. */
  readonly refusedAfterMs: number;
  readonly refusedAtMostMs: number;
}

interface LinkDeps {
  readonly log: Logger;
  readonly clock: Clock;
  readonly timing: LinkTiming;
  /** `content`: whether it asks for the intent for message content. */
  readonly create: (asked: { content: boolean }) => DiscordConnection;
  /** Whether the intent for message content is wanted. */
  readonly wantsContent: boolean;
  /** Whether Discord would grant it, as far as it says so by REST. */
  readonly grantsContent: () => Promise<boolean>;
  /** Rejects when Discord knows the token no more. */
  readonly tryToken: () => Promise<unknown>;
  /** Repeats what fails for no reason that is final. Rejects with a `StartupError` when it is final, or when aborted. */
  readonly untilItAnswers: (ask: () => Promise<DiscordConnection>) => Promise<DiscordConnection>;
}

export class DiscordLink {
  readonly #stopping = new AbortController();
  /** Connected, or being connected. */
  readonly #connections = new Set<DiscordConnection>();
  #keeping: Promise<void> = Promise.resolve();
  #trouble: Trouble | undefined;
  /** Connected without the intent for message content, though it is wanted. */
  #lacking: Trouble | undefined;

  constructor(private readonly deps: LinkDeps) {}

  /** Resolves when connected. @throws {StartupError} when Discord refuses for good */
  async open(): Promise<void> {
    const connection = await this.#connect();
    this.#keeping = this.#keep(connection);
  }

  /** Safe to call twice. */
  async close(): Promise<void> {
    this.#stopping.abort();
    await Promise.all([...this.#connections].map((connection) => connection.stop()));
    await this.#keeping;
  }

  trouble(): Trouble | undefined {
    return this.#trouble ?? this.#lacking;
  }

  /** With message content where it is wanted and granted. */
  async #connect(): Promise<DiscordConnection> {
    if (!this.deps.wantsContent) return this.#open({ content: false });
    try {
      const connection = await this.#open({ content: true });
      this.#lacking = undefined;
      return connection;
    } catch (error) {
      if (!(error instanceof IntentRefusedError)) throw error;
      const connection = await this.#open({ content: false });
      this.#reportLacking(error);
      return connection;
    }
  }

  async #open(asked: { content: boolean }): Promise<DiscordConnection> {
    return this.deps.untilItAnswers(async () => {
      const connection = this.deps.create(asked);
      this.#connections.add(connection);
      try {
        await connection.start();
        return connection;
      } catch (error) {
        this.#connections.delete(connection);
        throw error;
      }
    });
  }

  /** Resolves when we end it. Never rejects. */
  async #keep(first: DiscordConnection): Promise<void> {
    let connection: DiscordConnection | undefined = first;
    while (connection) {
      const why: 'granted' | StartupError | undefined = await this.#untilOver(connection);
      if (why === 'granted') connection = await this.#upgrade(connection);
      else connection = why && (await this.#replace(connection, why));
    }
  }

  /** Why the connection is to be replaced; undefined when we are stopping. */
  async #untilOver(connection: DiscordConnection): Promise<'granted' | StartupError | undefined> {
    if (!this.#lacking) return connection.ended;
    const over = new AbortController();
    try {
      return await Promise.race([connection.ended, this.#untilGranted(over.signal)]);
    } finally {
      over.abort();
    }
  }

  async #untilGranted(over: AbortSignal): Promise<'granted' | undefined> {
    const { refusedAfterMs, refusedAtMostMs } = this.deps.timing;
    const signal = AbortSignal.any([over, this.#stopping.signal]);
    for (let waitMs = refusedAfterMs; ; waitMs = Math.min(2 * waitMs, refusedAtMostMs)) {
      await sleep(waitMs, undefined, { signal }).catch(() => {}); // aborted: it is over
      if (signal.aborted) return undefined;
      if (await this.deps.grantsContent().catch(() => false)) return 'granted'; // away: asked again later
    }
  }

  /** The one there is goes on until one with message content stands. */
  async #upgrade(connection: DiscordConnection): Promise<DiscordConnection | undefined> {
    const next = await this.#tryAgain();
    if (next === undefined || next instanceof StartupError) return next && connection;
    return this.#putInPlace(next, connection);
  }

  /** Undefined when we are stopping. */
  async #replace(ended: DiscordConnection, why: StartupError): Promise<DiscordConnection | undefined> {
    const { refusedAfterMs, refusedAtMostMs } = this.deps.timing;
    const { signal } = this.#stopping;
    const sinceMs = this.deps.clock.now();
    let reason = why;
    if (why instanceof IntentRefusedError) {
      // Without the intent there is nothing to wait for.
      const next = await this.#tryAgain();
      if (!(next instanceof StartupError)) return next && this.#putInPlace(next, ended);
      reason = next;
    }
    for (let waitMs = refusedAfterMs; !signal.aborted; waitMs = Math.min(2 * waitMs, refusedAtMostMs)) {
      this.#report(reason, { sinceMs, waitMs });
      await sleep(waitMs, undefined, { signal }).catch(() => {}); // aborted: we are stopping
      if (signal.aborted) return undefined;
      const next = await this.#tryAgain();
      if (next instanceof StartupError) reason = next;
      else return next && this.#putInPlace(next, ended);
    }
    return undefined;
  }

  #report({ message, remedy }: StartupError, { sinceMs, waitMs }: { sinceMs: number; waitMs: number }): void {
    this.#trouble = { sinceMs, detail: message, remedy };
    this.deps.log.error(
      { reason: message, remedy, since: toTime(sinceMs), nextTry: toTime(this.deps.clock.now() + waitMs) },
      'Discord is not connected: nothing said there is heard until this is mended',
    );
  }

  #reportLacking({ message, remedy }: StartupError): void {
    const detail = `${message}; it is connected without it, so in a thread only who mentions the bot is heard`;
    this.#lacking ??= { sinceMs: this.deps.clock.now(), detail, remedy, partly: true };
    this.deps.log.error(
      { reason: message, remedy },
      'Discord is connected without message content: follow-ups in threads need a mention until this is mended',
    );
  }

  /** Undefined when we are stopping. */
  async #tryAgain(): Promise<DiscordConnection | StartupError | undefined> {
    try {
      await this.deps.tryToken();
      return await this.#connect();
    } catch (error) {
      if (this.#stopping.signal.aborted) return undefined;
      return error instanceof StartupError ? error : unexpected(error);
    }
  }

  async #putInPlace(next: DiscordConnection, ended: DiscordConnection): Promise<DiscordConnection> {
    this.#trouble = undefined;
    this.#connections.delete(ended);
    await ended
      .stop()
      .catch((error: unknown) => this.deps.log.warn({ error }, 'a connection did not end cleanly'));
    this.deps.log.info({}, 'Discord is connected again; what was said meanwhile is read now');
    return next;
  }
}

function unexpected(error: unknown): StartupError {
  const reason = error instanceof Error ? error.message : String(error);
  return new StartupError(reason, 'Run `signalbox check`.', { cause: error });
}

function toTime(ms: number): string {
  return new Date(ms).toISOString();
}
