import { Redis } from 'ioredis';
import { expect, it } from 'vitest';
import { startRedis, testRedis } from '../support/redis.ts';

it('shares', async () => {
  const { url, prefix } = testRedis();
  const redis = new Redis(url);
  await redis.set(`${prefix}a`, '1');
  expect(await redis.get(`${prefix}a`)).toBe('1');
  await redis.quit();
});
it('restarts', async () => {
  const own = await startRedis();
  const redis = new Redis(own.url);
  await redis.set('a', '1');
  await own.kill();
  console.time('restart');
  await own.restart();
  console.timeEnd('restart');
  expect(await redis.get('a')).toBe('1');
  redis.disconnect();
  await own.stop();
});
