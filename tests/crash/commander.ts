/**
 * Types a command in Discord now and then, and notes how long it took until there was a response.
 *
 * Discord gives an app three seconds, which the emulated one enforces: a command without a response in time is one
 * that failed. That is excused only where nobody was there to answer, or a gateway was killed with the command in its
 * hands.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { DANA, DISCORD_CHANNELS } from '../../src/sandbox/people.ts';
import type { World } from './world.ts';

const EVERY_MS = 400;

/** What one gateway was given just before it was killed is lost with it, and so is the command. */
const RESPONSE_WITHIN_MS = 3_000;

export interface Commands {
  /** Until the first response, in ms. */
  readonly responses: readonly number[];
  /** Without a response, though a gateway was there all the time. */
  readonly unanswered: readonly string[];
  /** Without a response because there was no gateway, or it was killed meanwhile. */
  readonly excused: number;
}

export class Commander {
  readonly #responses: number[] = [];
  readonly #unanswered: string[] = [];
  readonly #stopping = new AbortController();
  readonly #typed = new Set<Promise<void>>();
  #typing: Promise<void> = Promise.resolve();
  #excused = 0;

  constructor(private readonly world: World) {}

  get commands(): Commands {
    return { responses: this.#responses, unanswered: this.#unanswered, excused: this.#excused };
  }

  start(): void {
    this.#typing = this.#type();
  }

  /** Waits for what was typed. Safe to call twice. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#typing;
    await Promise.all(this.#typed);
  }

  async #type(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await pause(EVERY_MS, undefined, { signal }).catch(() => {}); // stopping
      if (signal.aborted || this.world.fleet.live.length === 0) continue;
      const typed = this.#typeOne();
      this.#typed.add(typed);
      void typed.finally(() => this.#typed.delete(typed));
    }
  }

  async #typeOne(): Promise<void> {
    const { fleet, sandbox } = this.world;
    const [channel] = DISCORD_CHANNELS;
    const begun = performance.now();
    const outcome = await sandbox.discord
      .slash({ user: DANA.discordUser, channel: channel.id, command: 'status', options: {} })
      .catch((error: unknown) => ({ kind: 'failed' as const, text: String(error) }));
    const ms = performance.now() - begun;
    if (outcome.kind !== 'failed') {
      this.#responses.push(ms);
      return;
    }
    const isExcused = fleet.lastKillAt > begun - RESPONSE_WITHIN_MS;
    if (isExcused) this.#excused += 1;
    else this.#unanswered.push(`after ${Math.round(ms)} ms: ${outcome.text}`);
  }
}
