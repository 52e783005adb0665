/** Questions that are asked of the store together. */
import { describe, expect, it } from 'vitest';
import { askTogether, type Query } from '../../src/redis/query.ts';
import { openStore } from '../support/core.ts';

describe('questions asked together', () => {
  it('are answered each by its own, in their order', async () => {
    const { redis, keys } = await openStore();
    await redis.set(`${keys.partition(0)}one`, '1');
    await redis.sadd(`${keys.partition(0)}many`, 'x');
    const one: Query<number> = { command: ['get', `${keys.partition(0)}one`], read: Number };
    const many: Query<string> = { command: ['smembers', `${keys.partition(0)}many`], read: String };

    expect(await askTogether<[string, number]>(redis, [many, one])).toEqual(['x', 1]);
    expect(await askTogether(redis, [])).toEqual([]);
  });

  it('fail together when one of them cannot be answered, and say why', async () => {
    const { redis, keys } = await openStore();
    await redis.set(`${keys.partition(0)}one`, '1');
    const wrong: Query<string> = { command: ['smembers', `${keys.partition(0)}one`], read: String };
    const none: Query<string> = { command: ['get', `${keys.partition(0)}none`], read: String };

    await expect(askTogether<[string, string]>(redis, [none, wrong])).rejects.toThrow('WRONGTYPE');
  });
});
