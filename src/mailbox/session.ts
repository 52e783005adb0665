/**
 * A worker session: the sign of life of one process, and the owner of every lane it leased.
 *
 * One heartbeat serves all leases of the process, so the cost does not grow with the number of conversations.
 * A session that stops beating is reaped by any other process: its lanes go back, fenced, to the head of the line.
 *
 * Invariants
 *   1. A lane is worked on only under a session that was alive when the lane was leased.
 *   2. A session that was reaped is never renewed; the process goes on under a new id, and what it still held
 *      under the old one cannot be committed.
 *   3. Nobody is taken for dead because the server was away (frozen, out of reach), or everybody would seem to have
 *      died at once: a session is reaped only by one that was itself heard several times since the other's last
 *      sign of life. That our own heartbeats are late, on a busy machine, puts a reaping off no longer than that.
 *   4. Nobody is reaped in the first lease after the server's start.
 */
import { randomBytes } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import type { Clock } from '../domain/clock.ts';
import type { Logger } from '../observability/logger.ts';
import type { RedisClient } from '../redis/client.ts';
import { type Keys, PARTITIONS } from '../redis/keys.ts';
import { loadScript, runScript } from '../redis/script.ts';

const beatScript = loadScript('beat', import.meta.url);
const reapScript = loadScript('reap', import.meta.url);

/** Heartbeats of ours that the server acknowledged since a session's last one, before it is taken for dead. */
const HEARD_SINCE = 3;
/** Lanes one reaping gives back at most, so that the server is never blocked for long. */
const REAP_AT_ONCE = 1_000;

export class WorkerSession {
  readonly name = 'worker-session';
  #id = newSessionId();
  readonly #aborted = new Map<string, AbortController>([[this.#id, newController()]]);
  #beating: NodeJS.Timeout | undefined;
  #reaping: NodeJS.Timeout | undefined;
  #beatUnderWay: Promise<void> | undefined;
  #quietUntil = 0;
  /** The server's time by partition, at each of the last heartbeats it acknowledged; the oldest first. */
  #heardMs: readonly (readonly number[])[] = [];
  readonly #onReady = () => void this.#waitIfServerIsNew();

  constructor(
    private readonly redis: RedisClient,
    private readonly keys: Keys,
    private readonly clock: Clock,
    private readonly log: Logger,
    readonly leaseMs: number,
  ) {}

  /** The id lanes are leased under now; it changes when the session was lost. */
  get id(): string {
    return this.#id;
  }

  /** Aborts when the session it was taken from is lost: what runs under it can no longer commit. */
  get signal(): AbortSignal {
    const controller = this.#aborted.get(this.#id);
    if (!controller) throw new Error('a session always has its signal');
    return controller.signal;
  }

  async start(): Promise<void> {
    await this.#open();
    await this.#waitIfServerIsNew();
    this.redis.on('ready', this.#onReady);
    this.#beating = setInterval(() => void this.beat(), this.leaseMs / 3.5);
    this.#reaping = setInterval(() => void this.reap(), Math.min(500, this.leaseMs / 6));
  }

  /** Ends the session in an orderly way; call it when nothing is leased any more. */
  async stop(): Promise<void> {
    if (this.#beating === undefined) return;
    clearInterval(this.#beating);
    clearInterval(this.#reaping);
    this.#beating = undefined;
    this.redis.off('ready', this.#onReady);
    await Promise.all(
      this.keys.partitions().map((partition) => this.redis.zadd(this.keys.sessions(partition), 0, this.#id)),
    );
    await this.reap();
  }

  /** One heartbeat, public so that a test need not wait for the timer. Never more than one is under way. */
  async beat(): Promise<void> {
    this.#beatUnderWay ??= this.#renew().finally(() => {
      this.#beatUnderWay = undefined;
    });
    return this.#beatUnderWay;
  }

  async #renew(): Promise<void> {
    try {
      const alive = await this.#beat('renew');
      if (alive) return;
      this.log.warn(
        { session: this.#id },
        'this worker session was taken for dead; going on under a new one',
      );
      this.#aborted.get(this.#id)?.abort();
      this.#aborted.delete(this.#id);
      this.#id = newSessionId();
      this.#aborted.set(this.#id, newController());
      await this.#beat('open');
    } catch (error) {
      this.log.warn({ err: error }, 'heartbeat failed');
    }
  }

  /** Gives back the lanes of dead sessions. Resolves with how many; none while the server is away. */
  async reap(): Promise<number> {
    // What is asked while the server is away would be answered the moment it is back.
    if (this.redis.status !== 'ready' || this.clock.now() < this.#quietUntil) return 0;
    try {
      const released = await Promise.all(
        this.keys
          .partitions()
          .map((partition) =>
            runScript(
              this.redis,
              reapScript,
              [this.keys.sessions(partition)],
              [this.keys.partition(partition), REAP_AT_ONCE, this.#latestDeadline(partition)],
            ),
          ),
      );
      const total = released.reduce<number>((sum, count) => sum + Number(count), 0);
      if (total > 0) this.log.warn({ lanes: total }, 'took over the conversations of a worker that died');
      return total;
    } catch (error) {
      this.log.warn({ err: error }, 'looking for dead workers failed');
      return 0;
    }
  }

  async #waitIfServerIsNew(): Promise<void> {
    this.#quietUntil = this.clock.now() + this.leaseMs;
    const uptime = /^uptime_in_seconds:(\d+)/m.exec(String(await this.redis.info('server').catch(() => '')));
    if (uptime) this.#quietUntil -= Number(uptime[1]) * 1_000;
  }

  /** Sessions with a later deadline may be late only because the server was away. */
  #latestDeadline(partition: number): number {
    return (this.#heardMs[0]?.[partition] ?? 0) + this.leaseMs;
  }

  /** Whoever was late before we came is not waited for; everybody else is, as if we had been silent until now. */
  async #open(): Promise<void> {
    await this.#beat('open');
    const beforeMs = (this.#heardMs.at(-1) ?? []).map((nowMs) => nowMs - this.leaseMs);
    this.#heardMs = [...Array.from({ length: HEARD_SINCE - 1 }, () => beforeMs), ...this.#heardMs.slice(-1)];
  }

  async #beat(mode: 'open' | 'renew'): Promise<boolean> {
    const replies = await Promise.all(
      Array.from({ length: PARTITIONS }, (_, partition) =>
        runScript(this.redis, beatScript, [this.keys.sessions(partition)], [this.#id, this.leaseMs, mode]),
      ),
    );
    const alive = replies.every((reply) => reply !== 0);
    if (alive) this.#heardMs = [...this.#heardMs, replies.map(Number)].slice(-HEARD_SINCE);
    return alive;
  }
}

/** Every lane of the session listens to its signal, so there is no number of listeners that would be too many. */
function newController(): AbortController {
  const controller = new AbortController();
  setMaxListeners(0, controller.signal);
  return controller;
}

function newSessionId(): string {
  return `${process.pid.toString(36)}-${randomBytes(6).toString('hex')}`;
}
