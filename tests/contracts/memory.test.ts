import { AuditLog } from '../../src/audit/audit-log.ts';
import { RedisMemory } from '../../src/memory/redis-memory.ts';
import { EffectWriter } from '../../src/redis/effect-writer.ts';
import { ManualClock, openStore } from '../support/core.ts';
import { InProcessMemory } from '../support/memory-in-process.ts';
import { describeMemory } from './memory.contract.ts';

const LONG_MS = 3_600_000;

describeMemory('Redis', async () => {
  const { redis, keys } = await openStore();
  const memory = new RedisMemory(redis, keys, new EffectWriter(redis, keys), () => LONG_MS);
  const audit = new AuditLog(redis, keys);
  return { memory, audited: async () => (await audit.tail(100)).map(({ event }) => event.event) };
});

describeMemory('the process itself', async () => {
  const clock = new ManualClock();
  const memory = new InProcessMemory(() => clock.now());
  return { memory, audited: async () => memory.audits.map(({ event }) => event) };
});
