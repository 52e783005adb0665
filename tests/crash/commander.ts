/**
 * Types a command in Discord now and then, and notes how long it took until there was a response, and who was told.
 *
 * Discord gives an app three seconds, which the emulated one enforces: a command without a response in time is one
 * that failed. `excuse.ts` says which of them had to.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { DANA, DISCORD_CHANNELS } from '../../src/sandbox/people.ts';
import type { TypedCommand } from './excuse.ts';
import { turnlessMs } from './turns.ts';
import type { World } from './world.ts';

const EVERY_MS = 400;

export class Commander {
  readonly typed: TypedCommand[] = [];
  readonly #stopping = new AbortController();
  readonly #inFlight = new Set<Promise<void>>();
  #typing: Promise<void> = Promise.resolve();

  constructor(private readonly world: World) {}

  start(): void {
    this.#typing = this.#type();
  }

  /** Waits for what was typed. Safe to call twice. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#typing;
    await Promise.all(this.#inFlight);
  }

  async #type(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await pause(EVERY_MS, undefined, { signal }).catch(() => {}); // stopping
      if (signal.aborted || this.world.fleet.live.length === 0) continue;
      const typed = this.#typeOne();
      this.#inFlight.add(typed);
      void typed.finally(() => this.#inFlight.delete(typed));
    }
  }

  async #typeOne(): Promise<void> {
    const { discord } = this.world.sandbox;
    const [channel] = DISCORD_CHANNELS;
    const at = Date.now();
    const begun = performance.now();
    const stoodStill = this.#stoodStillFrom();
    const before = discord.hearings.at(-1);
    const typing = discord
      .slash({ user: DANA.discordUser, channel: channel.id, command: 'status', options: {} })
      .catch((error: unknown) => ({ kind: 'failed' as const, text: String(error) }));
    // Who hears it is known before anything is waited for.
    const hearing = discord.hearings.at(-1);
    const listeners = hearing === before ? [] : (hearing?.listeners ?? []);
    const outcome = await typing;
    const failure = outcome.kind === 'failed' ? { failure: outcome.text } : {};
    const ms = performance.now() - begun;
    this.typed.push({ at, listeners, ms, turnlessMs: stoodStill(), ...failure });
  }

  /** From now on: how long every gateway there is was kept waiting for its turn, in ms. */
  #stoodStillFrom(): () => number {
    const pids = this.world.fleet.live.map(({ gateway }) => gateway.pid);
    const before = pids.map(turnlessMs);
    return () => Math.min(...pids.map((pid, n) => (turnlessMs(pid) ?? 0) - (before[n] ?? 0)));
  }
}
