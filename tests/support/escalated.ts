/** What escalations hold of people word for word, as the gateway and its commands find and erase it. */
import { AuditLog } from '../../src/audit/audit-log.ts';
import { EscalatedWords } from '../../src/escalation/escalated-words.ts';
import { EscalationStore } from '../../src/escalation/escalation-store.ts';
import type { RedisClient } from '../../src/redis/client.ts';
import { EffectWriter } from '../../src/redis/effect-writer.ts';
import type { Keys } from '../../src/redis/keys.ts';

const KEEP_MS = 3_600_000;

export function escalatedIn(redis: RedisClient, keys: Keys): EscalatedWords {
  const escalations = new EscalationStore(redis, keys, new EffectWriter(redis, keys), () => KEEP_MS);
  return new EscalatedWords(escalations, new AuditLog(redis, keys), keys);
}
