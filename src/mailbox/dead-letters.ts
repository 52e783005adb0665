/**
 * Dead letters: items that could not be handled or delivered, kept until a person decides about them.
 *
 * Ids are `p<partition>.<stream id>`, so that one id is enough to find a letter.
 */
import { z } from 'zod';
import type { AuditEvent } from '../domain/audit-event.ts';
import type { RedisClient } from '../redis/client.ts';
import type { Keys } from '../redis/keys.ts';
import { loadScript, runScript } from '../redis/script.ts';

const requeueScript = loadScript('requeue', import.meta.url);
const discardScript = loadScript('discard', import.meta.url);

const LetterId = /^p(\d{1,2})\.(\d+-\d+)$/;

export const DeadLetter = z.object({
  id: z.string(),
  queue: z.string(),
  lane: z.string(),
  attempts: z.coerce.number(),
  reason: z.string(),
  item: z.string(),
  at: z.date(),
});
export type DeadLetter = z.infer<typeof DeadLetter>;

/** Letters read of one partition at a time, when all are looked through. */
const PAGE = 500;

export class DeadLetters {
  constructor(
    private readonly redis: RedisClient,
    private readonly keys: Keys,
    /** Hears of a queue of which a letter was settled. */
    private readonly onSettled: (queue: string) => Promise<void> = async () => undefined,
  ) {}

  /** Oldest first. */
  async list(limit = 100): Promise<DeadLetter[]> {
    const found = await Promise.all(
      this.keys
        .partitions()
        .map(async (partition) =>
          (await this.redis.xrange(this.keys.deadLetters(partition), '-', '+', 'COUNT', limit)).map((entry) =>
            toLetter(partition, entry),
          ),
        ),
    );
    return found
      .flat()
      .sort((a, b) => a.at.getTime() - b.at.getTime())
      .slice(0, limit);
  }

  async find(id: string): Promise<DeadLetter | undefined> {
    const place = parseId(id);
    if (!place) return undefined;
    const [entry] = await this.redis.xrange(
      this.keys.deadLetters(place.partition),
      place.streamId,
      place.streamId,
    );
    return entry ? toLetter(place.partition, entry) : undefined;
  }

  /** Puts it back at the end of its lane. False if there is no such letter. */
  async retry(id: string, actor: string): Promise<boolean> {
    return this.#settle(requeueScript, id, { event: 'dead-letter.retried', actor });
  }

  /** Removes it for good. False if there is no such letter. */
  async discard(id: string, actor: string): Promise<boolean> {
    return this.#settle(discardScript, id, { event: 'dead-letter.discarded', actor });
  }

  async #settle(
    script: typeof requeueScript,
    id: string,
    { event, actor }: { event: string; actor: string },
  ): Promise<boolean> {
    const place = parseId(id);
    const letter = await this.find(id);
    if (!place || !letter) return false;
    const audit: AuditEvent = { event, actor, subject: id, correlation: id };
    const reply = await runScript(
      this.redis,
      script,
      [this.keys.deadLetters(place.partition)],
      [this.keys.partition(place.partition), place.streamId, JSON.stringify(audit)],
    );
    if (reply !== 1) return false;
    await this.onSettled(letter.queue);
    return true;
  }

  /** Whether anything of a queue is kept. */
  async holds(queue: string): Promise<boolean> {
    for await (const letter of this.all()) if (letter.queue === queue) return true;
    return false;
  }

  /** Of one of the newest letters of a partition, whether its item is such a one. */
  async isKept(partition: number, isSuch: (item: string) => boolean): Promise<boolean> {
    const newest = await this.redis.xrevrange(this.keys.deadLetters(partition), '+', '-', 'COUNT', PAGE);
    return newest.some((entry) => isSuch(toLetter(partition, entry).item));
  }

  /** Those of one partition after those of another, however many there are. */
  async *all(): AsyncGenerator<DeadLetter> {
    for (const partition of this.keys.partitions()) {
      const key = this.keys.deadLetters(partition);
      for (let from = '-'; ; ) {
        const entries = await this.redis.xrange(key, from, '+', 'COUNT', PAGE);
        for (const entry of entries) yield toLetter(partition, entry);
        const last = entries.at(-1);
        if (!last || entries.length < PAGE) break;
        from = `(${last[0]}`;
      }
    }
  }
}

function parseId(id: string): { partition: number; streamId: string } | undefined {
  const [, partition, streamId] = LetterId.exec(id) ?? [];
  return partition !== undefined && streamId !== undefined
    ? { partition: Number(partition), streamId }
    : undefined;
}

function toLetter(partition: number, [streamId, fields]: [string, string[]]): DeadLetter {
  const record: Record<string, string> = {};
  for (let i = 0; i + 1 < fields.length; i += 2) record[fields[i] ?? ''] = fields[i + 1] ?? '';
  return DeadLetter.parse({
    ...record,
    id: `p${partition}.${streamId}`,
    at: new Date(Number.parseInt(streamId, 10)),
  });
}
