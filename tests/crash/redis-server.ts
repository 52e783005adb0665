/**
 * The Redis server of one scenario: a real one with its own data, that can be killed, started again on its
 * append-only file, and frozen.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { findServerBinary, serverRemedy } from '../../src/redis/server-binary.mjs';
import type { Outage } from './excuse.ts';

const ANSWERS_WITHIN_MS = 15_000;

export class RedisServer {
  readonly url: string;
  readonly #outages: { from: number; to: number }[] = [];
  readonly #socket: string;
  #process: ChildProcess | undefined;

  constructor(private readonly directory: string) {
    this.#socket = join(directory, 'redis.sock');
    this.url = `unix://${this.#socket}`;
  }

  /** When it was away, the present outage included. */
  get outages(): readonly Outage[] {
    return this.#outages;
  }

  /** Resolves when it answers, its data loaded. */
  async start(): Promise<void> {
    await mkdir(this.directory, { recursive: true });
    const binary = await findServerBinary();
    if (binary.kind !== 'found') throw new Error(serverRemedy(binary));
    const options = {
      port: '0',
      unixsocket: this.#socket,
      dir: this.directory,
      appendonly: 'yes',
      appendfsync: 'always',
      save: '',
      'maxmemory-policy': 'noeviction',
    };
    const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]);
    this.#process = spawn(binary.command, args, { stdio: 'ignore' });
    await once(this.#process, 'spawn');
    await this.#answers();
    this.#isBack();
  }

  /** A connection for looking at what is stored; the caller closes it. It waits for a server that is away. */
  connect(): Redis {
    const redis = new Redis(this.url, { maxRetriesPerRequest: null, retryStrategy: () => 100 });
    redis.on('error', () => {}); // being away is the point
    return redis;
  }

  /** Ends it as a crash would. */
  async kill(): Promise<void> {
    const server = this.#process;
    this.#process = undefined;
    if (!server || server.exitCode !== null || server.signalCode !== null) return;
    this.#isAway();
    const ended = once(server, 'exit');
    server.kill('SIGKILL');
    await ended;
  }

  /** It keeps its connections and answers nothing until `thaw`. */
  freeze(): void {
    this.#isAway();
    this.#process?.kill('SIGSTOP');
  }

  thaw(): void {
    this.#process?.kill('SIGCONT');
    this.#isBack();
  }

  /** Without waiting, for when we are ended ourselves. */
  endNow(): void {
    this.#process?.kill('SIGKILL');
  }

  #isAway(): void {
    this.#outages.push({ from: Date.now(), to: Number.POSITIVE_INFINITY });
  }

  #isBack(): void {
    const outage = this.#outages.at(-1);
    if (outage) outage.to = Math.min(outage.to, Date.now());
  }

  async #answers(): Promise<void> {
    const until = Date.now() + ANSWERS_WITHIN_MS;
    for (;;) {
      const probe = new Redis(this.url, { lazyConnect: true, retryStrategy: () => null });
      probe.on('error', () => {}); // reported by the ping
      const answer = await probe.ping().catch((error: Error) => error.message);
      probe.disconnect();
      if (answer === 'PONG') return;
      if (Date.now() > until) throw new Error(`the Redis server does not answer: ${answer}`);
      await pause(10);
    }
  }
}
