/**
 * The clock of each partition, by which everything in it is judged, and what is taken off it while it cannot be
 * believed. Whoever sweeps looks at it first; what is to be done is decided in `domain/store-clock.ts`.
 *
 * Any number of processes may look: each change counts up, and is refused where somebody else was first.
 *
 * Limit: a leap is seen with the next look, at most half a second later. What a person or a call does in that time is
 * judged by the store's clock as it is; for deadlines of people, the leap counts as an outage of ours.
 */
import { type Clock, monotonicClock } from '../domain/clock.ts';
import { type Adjustment, adjusted, judge, type Sample, type Watch } from '../domain/store-clock.ts';
import type { Logger } from '../observability/logger.ts';
import type { RedisClient } from './client.ts';
import type { Keys } from './keys.ts';
import { loadScript, runScript } from './script.ts';

const readScript = loadScript('clock-read', import.meta.url);
const holdScript = loadScript('clock-hold', import.meta.url);

/** For so long whoever audits finds it, in ms. */
const TOLD_MS = 10 * 60_000;

/** What became of a partition's clock. */
export interface Leap {
  readonly partition: number;
  readonly why: Adjustment['why'];
  readonly byMs: number;
  /** Each has another one. */
  readonly n: number;
}

export class PartitionClocks {
  readonly #watches = new Map<number, Watch>();

  constructor(
    private readonly redis: RedisClient,
    private readonly keys: Keys,
    private readonly log: Logger,
    /** One that nobody sets. */
    private readonly clock: Clock = monotonicClock,
  ) {}

  /** Before anything of a partition is judged by its time. Rejects while the store is away. */
  async look(partition: number): Promise<void> {
    const sample = await this.#sample(partition);
    const before = this.#watches.get(partition);
    const { watch, adjustment } = judge(before, sample);
    this.#watches.set(partition, watch);
    if (!adjustment) return;
    const { hold } = sample;
    const byMs = Math.round(Math.abs(adjustment.ms - hold.ms));
    const next = { ms: Math.round(adjustment.ms), n: hold.n + 1 };
    if (!(await this.#write(partition, next, adjustment.why, byMs))) return;
    this.#watches.set(partition, adjusted(watch, next));
    const { why } = adjustment;
    this.log[why === 'leapt' ? 'error' : 'warn']({ partition, byMs }, SAID[why]);
  }

  /** What happened to the clocks lately. */
  async leaps(): Promise<Leap[]> {
    const found = await Promise.all(
      this.keys.partitions().map(async (partition) => {
        const text = await this.redis.get(this.keys.clockTold(partition));
        return text === null ? [] : [toLeap(partition, text)];
      }),
    );
    return found.flat();
  }

  async #sample(partition: number): Promise<Sample> {
    const askedMs = this.clock.now();
    const reply = await runScript(this.redis, readScript, [this.keys.clockHold(partition)], []);
    const answeredMs = this.clock.now();
    const [storeMs, ms, n] = (Array.isArray(reply) ? reply : []).map(Number);
    if (storeMs === undefined || ms === undefined || n === undefined) throw new Error('no time was read');
    return { askedMs, answeredMs, storeMs, hold: { ms, n } };
  }

  /** False when somebody else was first. */
  async #write(
    partition: number,
    { ms, n }: Sample['hold'],
    why: Adjustment['why'],
    byMs: number,
  ): Promise<boolean> {
    const keys = [this.keys.clockHold(partition), this.keys.clockTold(partition)];
    return (await runScript(this.redis, holdScript, keys, [n - 1, ms, why, byMs, TOLD_MS])) === 1;
  }
}

const SAID: Readonly<Record<Adjustment['why'], string>> = {
  leapt:
    'the clock of Redis has leapt ahead; nothing is judged by the leap until it has gone right for a while. Look after the clock of that server',
  returned: 'the clock of Redis has returned from a leap, by which nothing was judged',
  confirmed: 'the clock of Redis has leapt, and has gone right since: it is believed from now on',
};

function toLeap(partition: number, text: string): Leap {
  const [why, byMs, n] = text.split(' ');
  if (why !== 'leapt' && why !== 'returned' && why !== 'confirmed')
    throw new Error(`what is kept of the clock of partition ${partition} cannot be read: ${text}`);
  return { partition, why, byMs: Number(byMs), n: Number(n) };
}
