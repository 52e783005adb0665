/** What the audit holds of people word for word, as the gateway and its commands find and erase it. */
import { ApprovalStore } from '../../src/approvals/approval-store.ts';
import { consequencesOf } from '../../src/approvals/consequences.ts';
import { RequestedWords } from '../../src/approvals/requested-words.ts';
import { AuditLog } from '../../src/audit/audit-log.ts';
import type { RedisClient } from '../../src/redis/client.ts';
import { EffectWriter } from '../../src/redis/effect-writer.ts';
import type { Keys } from '../../src/redis/keys.ts';

const KEEP_MS = 3_600_000;

export function requestsIn(redis: RedisClient, keys: Keys): RequestedWords {
  const approvals = new ApprovalStore(redis, keys, consequencesOf, () => KEEP_MS);
  return new RequestedWords(new AuditLog(redis, keys), keys, approvals, new EffectWriter(redis, keys));
}
