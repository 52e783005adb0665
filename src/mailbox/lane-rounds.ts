/**
 * Goes round all lanes that have items, and puts those back in line that have dropped out of it.
 *
 * A lane with items is ready, leased or parked (`keyed-queue.ts`, invariant 1). One that is none of these would wait
 * for ever, and whoever waits for what is in it as well.
 */
import type { RedisClient } from '../redis/client.ts';
import { scanKeys } from '../redis/key-scan.ts';
import type { Keys, QueueName } from '../redis/keys.ts';
import { loadScript, runScript } from '../redis/script.ts';
import { toStrings } from './keyed-queue.ts';

const laneRoundScript = loadScript('lane-round', import.meta.url);

/** A lane whose pause is over for this long was forgotten, in ms. */
const FORGOTTEN_MS = 60_000;

export interface LaneName {
  readonly partition: number;
  readonly queue: QueueName;
  readonly lane: string;
}

/** A lane that is in line or in hand, so that its oldest item should be gone soon. */
export interface Standing extends LaneName {
  /** The same only as long as the same item is handled by the same hand, or by none. */
  readonly handling: string;
  /** When its oldest item was posted, where that says so, in ms. */
  readonly atMs: number | undefined;
}

export interface LanePage {
  readonly count: number;
  /** Put back in line just now. */
  readonly back: readonly LaneName[];
  readonly standing: readonly Standing[];
}

export class LaneRounds {
  constructor(
    private readonly redis: RedisClient,
    private readonly keys: Keys,
  ) {}

  /** Every lane that has items, a page at a time. */
  async *all(): AsyncGenerator<LanePage> {
    for await (const keys of scanKeys(this.redis, this.keys.everyLane())) {
      const names = keys.flatMap((key) => toName(key.slice(this.keys.prefix.length)) ?? []);
      const pages = await Promise.all(byQueue(names).map((group) => this.#look(group)));
      yield {
        count: names.length,
        back: pages.flatMap(({ back }) => back),
        standing: pages.flatMap(({ standing }) => standing),
      };
    }
  }

  async #look(names: readonly [LaneName, ...LaneName[]]): Promise<Omit<LanePage, 'count'>> {
    const [{ partition, queue }] = names;
    const reply = await runScript(
      this.redis,
      laneRoundScript,
      [this.keys.ready(partition, queue)],
      [this.keys.partition(partition), queue, FORGOTTEN_MS, ...names.map(({ lane }) => lane)],
    );
    const [back, flat] = Array.isArray(reply) ? reply.map(toStrings) : [];
    const standing: Standing[] = [];
    for (let i = 0; flat && i + 2 < flat.length; i += 3) {
      const [lane = '', handling = '', at = ''] = flat.slice(i, i + 3);
      standing.push({ partition, queue, lane, handling, atMs: at === '' ? undefined : Number(at) });
    }
    return { back: (back ?? []).map((lane) => ({ partition, queue, lane })), standing };
  }
}

/** `{p<n>}:<queue>:q:<lane>`; undefined for a key that only looks like it. */
function toName(key: string): LaneName | undefined {
  const [, partition, queue, lane] = /^\{p(\d{1,2})\}:(m|e|o\.[^:]+):q:(.+)$/s.exec(key) ?? [];
  if (partition === undefined || queue === undefined || lane === undefined) return undefined;
  // The pattern admits only names of queues.
  return { partition: Number(partition), queue: queue as QueueName, lane };
}

function byQueue(names: readonly LaneName[]): [LaneName, ...LaneName[]][] {
  const groups = new Map<string, [LaneName, ...LaneName[]]>();
  for (const name of names) {
    const key = `${name.partition} ${name.queue}`;
    const group = groups.get(key);
    if (group) group.push(name);
    else groups.set(key, [name]);
  }
  return [...groups.values()];
}
