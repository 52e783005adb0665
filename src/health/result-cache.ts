/**
 * What tools found lately, so that the same question is not put to a service again and again.
 *
 *   call ─▶ generations of its tags (Redis) ─▶ found under them? ─▶ told again
 *                                                └── no ─▶ asked, and kept for its time
 *   a tool of that family changed something, or the place it is about has news ─▶ the tags' next generation
 *
 * Invariants
 *   1. Only what a tool allows is kept, only what it succeeded in, and for one person, unless the tool says that it is
 *      the same for everybody.
 *   2. A result is filed under the generation that was in force before the service was asked. So what was read before
 *      a change is never told after it, whichever process made the change; nor what was asked for before `clear`.
 *   3. When nobody can say which generation is in force, nothing is told from memory.
 *   4. It is bounded, in results and in bytes; the one that was not asked for the longest goes first.
 */
import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import { LRUCache } from 'lru-cache';
import type { Clock } from '../domain/clock.ts';
import type { Tool, ToolContext, ToolOutput } from '../domain/tool.ts';
import type { RedisClient } from '../redis/client.ts';
import type { Keys } from '../redis/keys.ts';
import { withPatience } from './patience.ts';

const MOST_RESULTS = 2_000;
const MOST_BYTES = 32 * 1024 * 1024;
/** Longer than that a service itself may have answered. */
const PATIENCE_MS = 1_000;

type Caching = NonNullable<Tool['cache']>;

export class ResultCache {
  readonly #results: LRUCache<string, ToolOutput>;
  /** Of the tools that were given out. */
  readonly #tags = new Set<string>();
  #cleared = 0;

  constructor(
    private readonly redis: RedisClient,
    private readonly keys: Keys,
    clock: Clock,
  ) {
    this.#results = new LRUCache({
      max: MOST_RESULTS,
      maxSize: MOST_BYTES,
      sizeCalculation: ({ text, heading = '', files = [] }) =>
        1 + 2 * (text.length + heading.length) + files.reduce((sum, { base64 }) => sum + base64.length, 0),
      ttlResolution: 0,
      perf: clock,
    });
  }

  /** The same tool, which remembers what it found, or which makes others forget what is no longer true. */
  wrap(tool: Tool): Tool {
    const { cache } = tool;
    if (tool.effect === 'read') return cache ? this.#remembering(tool, cache) : tool;
    const tag = tool.family ?? tool.group;
    const { compensation } = tool;
    const changing = async (running: Promise<ToolOutput>) => {
      try {
        return await running;
      } finally {
        // Also when nobody knows what came of it: it may have been done.
        await this.invalidate([tag]);
      }
    };
    return {
      ...tool,
      execute: (input, context) => changing(tool.execute(input, context)),
      ...(compensation
        ? {
            compensation: {
              ...compensation,
              execute: (input, receipt, context) => changing(compensation.execute(input, receipt, context)),
            },
          }
        : {}),
    };
  }

  /** From now on, in every process, nothing that was found before under one of these tags is told. */
  async invalidate(tags: readonly string[]): Promise<void> {
    const known = tags.filter((tag) => this.#tags.has(tag));
    await Promise.all(known.map((tag) => this.redis.hincrby(this.keys.cacheTags(), tag, 1)));
  }

  /** Forgets everything, in this process. */
  clear(): void {
    this.#cleared++;
    this.#results.clear();
  }

  #remembering(tool: Tool, cache: Caching): Tool {
    for (const tag of cache.tags) this.#tags.add(tag);
    return {
      ...tool,
      execute: async (input, context) => {
        const generations = await this.#generations(cache.tags);
        if (!generations) return tool.execute(input, context);
        const key = keyOf(tool, cache, input, context, generations);
        const known = this.#results.get(key);
        if (known) return known;
        const cleared = this.#cleared;
        const output = await tool.execute(input, context);
        if (output.status === 'ok' && cleared === this.#cleared)
          this.#results.set(key, output, { ttl: cache.ttlMs });
        return output;
      },
    };
  }

  /** Undefined when nobody can say. */
  async #generations(tags: readonly string[]): Promise<readonly (string | null)[] | undefined> {
    if (tags.length === 0) return [];
    return withPatience(this.redis.hmget(this.keys.cacheTags(), ...tags), PATIENCE_MS);
  }
}

function keyOf(
  { name, version }: Tool,
  { isSameForAll }: Caching,
  input: unknown,
  { requester }: ToolContext,
  generations: readonly (string | null)[],
): string {
  const what = [name, version, isSameForAll ? null : requester, input, generations];
  return createHash('sha256')
    .update(canonicalize(what) ?? '')
    .digest('base64');
}
