/** What `store-model.ts` says, on a real Redis: the same keys, and processes whose writes fare as a history wants it. */

import { createHash } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { RedisClient } from '../../src/redis/client.ts';
import { loadScript, runBinaryScript, type Script } from '../../src/redis/script.ts';
import { defer } from './core.ts';
import {
  Died,
  type Fate,
  type Held,
  type How,
  LineBroke,
  type Outcome,
  type StoreView,
} from './store-model.ts';

const applyScript = loadScript('apply', new URL('../../src/redis/effect-writer.ts', import.meta.url).href);
const rearmScript = loadScript(
  'record-rearm',
  new URL('../../src/redis/record-store.ts', import.meta.url).href,
);
const putOffScript = loadScript(
  'record-put-off',
  new URL('../../src/redis/record-store.ts', import.meta.url).href,
);
const readScript = loadScript(
  'record-read',
  new URL('../../src/redis/record-store.ts', import.meta.url).href,
);

/** What changes anything. */
function isWrite(command: string, script: unknown): boolean {
  if (command === 'zadd' || command === 'zrem') return true;
  const writing: unknown[] = [applyScript.sha, rearmScript.sha, putOffScript.sha];
  return command === 'evalsha' && writing.includes(script);
}

/** Until the server knows the script, a write is two requests, of which the first meets the fate of the second. */
export async function prepare(redis: Redis): Promise<void> {
  for (const { source } of [applyScript, rearmScript, putOffScript, readScript])
    await redis.script('LOAD', source);
}

/** The keys below one prefix. */
export class StoreKeys {
  /** Names of all that was ever there. */
  readonly #known: Set<string>;
  #marked: readonly unknown[] = [];

  /**
   * @param partitions those that anything is written in
   * @param watched names that are compared even where the model has nothing under them
   */
  constructor(
    private readonly redis: Redis,
    private readonly prefix: string,
    private readonly partitions: readonly number[],
    watched: readonly string[],
  ) {
    this.#known = new Set(watched);
  }

  /** What there is under the names that one of the sides knows. */
  async view(expected: StoreView): Promise<StoreView> {
    this.know(expected);
    const names = [...this.#known];
    const reply = await runBinaryScript(this.redis, viewScript, [], [this.prefix, ...names]);
    const view: Record<string, Held> = {};
    for (const each of toList(reply)) {
      const [name = '', type, isKept, ...values] = toList(each).map(String);
      if (type === 'string') view[name] = { text: values[0] ?? '', isKept: isKept === '1' };
      else if (type === 'zset') view[name] = toPlaces(values);
      else view[name] = values;
    }
    return view;
  }

  know(view: StoreView): void {
    for (const name of Object.keys(view)) this.#known.add(name);
  }

  /** The time of every partition; the server's own is always behind it. */
  async pass(nowMs: number): Promise<void> {
    await this.redis.mset(
      this.partitions.flatMap((each) => [`${this.prefix}{p${each}}:clock`, String(nowMs)]),
    );
  }

  async mark(): Promise<void> {
    this.#marked = toList(await runBinaryScript(this.redis, dumpScript, [], [this.prefix, ...this.#all()]));
  }

  /** What was written since it was marked is lost. */
  async lose(): Promise<void> {
    await this.wipe();
    await runBinaryScript(this.redis, restoreScript, [], [this.prefix, ...(this.#marked as Buffer[])]);
  }

  async place(list: string, member: string, atMs: number | undefined): Promise<void> {
    if (atMs === undefined) await this.redis.zrem(this.prefix + list, member);
    else await this.redis.zadd(this.prefix + list, atMs, member);
  }

  /** Nothing is left, but the time. */
  async wipe(): Promise<void> {
    await this.redis.del(this.#all().map((name) => this.prefix + name));
  }

  async end(): Promise<void> {
    await this.wipe();
    await this.redis.del(this.partitions.map((each) => `${this.prefix}{p${each}}:clock`));
  }

  /** With those that nobody compares. */
  #all(): string[] {
    const others = this.partitions.flatMap((each) =>
      ['audit:head', 'm:bell', 'e:bell', 'o.slack:bell', 'o.email:bell', 'o.discord:bell'].map(
        (name) => `{p${each}}:${name}`,
      ),
    );
    return [...this.#known, ...others];
  }
}

/** Something that stands still. */
export interface HeldWork {
  /** `held`: whoever stood still before it looked goes on, up to its write. */
  release(how: How | 'held'): Promise<Outcome>;
}

/** The line of one process to the server; its first write meets its fate. */
export class Wire {
  #fate: Fate = 'done';
  #isDead = false;
  #reached = defer();
  #released = defer<How | 'held'>();

  constructor(private readonly redis: Redis) {}

  /** As the process sees it. */
  client(): RedisClient {
    return new Proxy(this.redis, {
      get: (redis, name) => {
        const found: unknown = Reflect.get(redis, name, redis);
        if (typeof found !== 'function') return found;
        return (...args: unknown[]): unknown => {
          if (this.#isDead) return Promise.reject(new Died());
          const call = (): Promise<unknown> => Reflect.apply(found, redis, args) as Promise<unknown>; // its own method
          if (isWrite(String(name), args[0])) return this.#write(call);
          return name === 'evalsha' && args[0] === readScript.sha ? this.#look(call) : call();
        };
      },
    });
  }

  /** Does something whose first write fares so. */
  async meet(fate: Fate, work: () => Promise<unknown>): Promise<{ outcome: Outcome; held?: HeldWork }> {
    this.#fate = fate;
    const done = toOutcome(async () => {
      const result = await work();
      if (this.#isDead) throw new Died(); // whatever was made of it there
      return result;
    });
    const untilHeld = (): Promise<Outcome> =>
      Promise.race([done, this.#reached.promise.then((): Outcome => ({ kind: 'held' }))]);
    const outcome = await untilHeld();
    if (outcome.kind !== 'held') return { outcome };
    const release = (how: How | 'held'): Promise<Outcome> => {
      const { resolve } = this.#released;
      this.#reached = defer();
      this.#released = defer();
      resolve(how);
      return how === 'held' ? untilHeld() : done;
    };
    return { outcome, held: { release } };
  }

  async #look(send: () => Promise<unknown>): Promise<unknown> {
    if (this.#fate === 'held-early') {
      const { promise } = this.#released;
      this.#reached.resolve();
      this.#fate = await promise;
    }
    return send();
  }

  async #write(send: () => Promise<unknown>): Promise<unknown> {
    let fate = this.#fate;
    this.#fate = 'done';
    if (fate === 'held' || fate === 'held-early') {
      const { promise } = this.#released;
      this.#reached.resolve();
      fate = await promise;
    }
    switch (fate) {
      case 'held':
        throw new Error('a write is held once');
      case 'done':
        return send();
      case 'twice':
        await send().catch(() => undefined); // nobody hears of it
        return send();
      case 'crash':
        this.#isDead = true;
        throw new Died();
      case 'refused':
        throw new LineBroke();
      case 'reply-lost':
        await send().catch(() => undefined);
        this.#isDead = true;
        throw new Died();
      case 'answer-lost':
        await send().catch(() => undefined);
        throw new LineBroke();
      default:
        return fate satisfies never;
    }
  }
}

async function toOutcome(work: () => Promise<unknown>): Promise<Outcome> {
  try {
    return { kind: 'answered', result: await work() };
  } catch (error) {
    if (error instanceof Died) return { kind: 'crashed' };
    if (error instanceof LineBroke) return { kind: 'failed' };
    throw error;
  }
}

/** Returns of each key that is there: name, type, 1 when it goes when its time is over, what it holds. */
const viewScript = toScript(
  'view',
  `
local found = {}
for i = 2, #ARGV do
  local name, key = ARGV[i], ARGV[1] .. ARGV[i]
  local kind = redis.call('TYPE', key)['ok']
  local values
  if kind == 'string' then values = {redis.call('GET', key)}
  elseif kind == 'list' then values = redis.call('LRANGE', key, 0, -1)
  elseif kind == 'zset' then values = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES')
  elseif kind == 'stream' then
    values = {}
    for _, entry in ipairs(redis.call('XRANGE', key, '-', '+')) do values[#values + 1] = entry[2][4] end
  end
  if values then
    table.insert(values, 1, kind == 'string' and redis.call('PTTL', key) > 0 and '1' or '0')
    table.insert(values, 1, kind)
    table.insert(values, 1, name)
    found[#found + 1] = values
  end
end
return found`,
);

/** Returns name, dump and remaining time in turn. */
const dumpScript = toScript(
  'dump',
  `
local reply = {}
for i = 2, #ARGV do
  local dump = redis.call('DUMP', ARGV[1] .. ARGV[i])
  if dump then
    reply[#reply + 1] = ARGV[i]
    reply[#reply + 1] = dump
    reply[#reply + 1] = tostring(math.max(redis.call('PTTL', ARGV[1] .. ARGV[i]), 0))
  end
end
return reply`,
);

const restoreScript = toScript(
  'restore',
  `
for i = 2, #ARGV, 3 do redis.call('RESTORE', ARGV[1] .. ARGV[i], ARGV[i + 2], ARGV[i + 1], 'REPLACE') end
return 1`,
);

function toScript(name: string, source: string): Script {
  return { name, source, sha: createHash('sha1').update(source).digest('hex') };
}

function toPlaces(flat: readonly string[]): Record<string, number> {
  const places: Record<string, number> = {};
  for (let n = 0; n < flat.length; n += 2) {
    places[flat[n] ?? ''] = flat[n + 1] === 'inf' ? Number.POSITIVE_INFINITY : Number(flat[n + 1]);
  }
  return places;
}

function toList(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}
