import { Cluster } from 'ioredis';
import { describe, expect, it } from 'vitest';
import { createRedis, onConnection } from '../../../src/redis/client.ts';

describe('a connection to a cluster', () => {
  const optionsOf = (url: string) => {
    const redis = createRedis(url, 'test');
    if (!(redis instanceof Cluster)) throw new Error('not a cluster');
    return redis.options.redisOptions;
  };

  it('OM-190 reaches nodes that are found later over TLS, too, as the same user', () => {
    expect(optionsOf('rediss://ops:p%40ss@a.test:7000,rediss://b.test:7000')).toMatchObject({
      tls: {},
      username: 'ops',
      password: 'p@ss',
    });
  });

  it('asks for neither where the address does not', () => {
    expect(optionsOf('redis://127.0.0.1:7000,redis://127.0.0.1:7001')).not.toHaveProperty('tls');
    expect(optionsOf('redis://127.0.0.1:7000,redis://127.0.0.1:7001')).not.toHaveProperty('username');
  });
});

describe('a connection', () => {
  it.each(['redis://127.0.0.1:1', 'redis://127.0.0.1:1,redis://127.0.0.1:2'])(
    'is listened to by every queue without a warning of a leak, and by far too many with one: %s',
    async (url) => {
      const warnings: string[] = [];
      const hear = (warning: Error) => void warnings.push(warning.name);
      process.on('warning', hear);
      const redis = createRedis(url, 'test');
      const listen = async (count: number) => {
        for (let each = 0; each < count; each++) onConnection(redis, () => undefined);
        await new Promise((resolve) => setImmediate(resolve)); // warnings come with the next tick
      };

      await listen(20);
      expect(warnings).toEqual([]);

      await listen(50);
      expect(warnings).toContain('MaxListenersExceededWarning');
      process.off('warning', hear);
    },
  );
});
