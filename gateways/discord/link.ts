/**
 * The connection to Discord, kept: opened at the start, and again after Discord has ended it for good.
 *
 *   opening ──▶ connected ──ended for good──▶ in trouble ──after a wait──▶ opening ──▶ connected
 *      └──refused──▶ the start fails               ▲                           │
 *                                                  └─────refused, wait longer──┘
 *
 * Owns      when it is tried again, and what is told meanwhile.
 * Not here  the connection itself, and what discord.js mends alone (`connection.ts`).
 *
 * Invariants
 *   1. After the start a refusal ends neither the process nor the trying: the other platforms go on, and whoever mends
 *      it in Discord need not start anything again.
 *   2. No login loop: Discord takes the token away from who identifies more than 1,000 times in a day. Waits grow to
 *      `refusedAtMostMs`, and the token is tried by REST first, which costs none.
 *   3. While it is ended, `trouble` says so, and every attempt that fails is an error in the log with the next step.
 *   4. What is left of the connection (its other shards) is let go only when the new one stands.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../../src/domain/clock.ts';
import { StartupError } from '../../src/domain/errors.ts';
import type { Trouble } from '../../src/domain/gateway.ts';
import type { Logger } from '../../src/observability/logger.ts';
import type { DiscordConnection } from './connection.ts';

export interface LinkTiming {
  /** The wait after Discord ended the connection for good; doubles with every refusal up to `refusedAtMostMs`. */
  readonly refusedAfterMs: number;
  readonly refusedAtMostMs: number;
}

interface LinkDeps {
  readonly log: Logger;
  readonly clock: Clock;
  readonly timing: LinkTiming;
  readonly create: () => DiscordConnection;
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
    return this.#trouble;
  }

  async #connect(): Promise<DiscordConnection> {
    return this.deps.untilItAnswers(async () => {
      const connection = this.deps.create();
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
      const why: StartupError | undefined = await connection.ended;
      connection = why && (await this.#replace(connection, why));
    }
  }

  /** Undefined when we are stopping. */
  async #replace(ended: DiscordConnection, why: StartupError): Promise<DiscordConnection | undefined> {
    const { refusedAfterMs, refusedAtMostMs } = this.deps.timing;
    const { signal } = this.#stopping;
    const sinceMs = this.deps.clock.now();
    let reason = why;
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
