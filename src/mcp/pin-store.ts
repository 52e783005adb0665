/** Where it is kept what of the tools of MCP servers somebody has agreed to: a record for each server. */
import type { AuditEvent } from '../domain/audit-event.ts';
import type { RedisClient } from '../redis/client.ts';
import type { EffectWriter } from '../redis/effect-writer.ts';
import type { Effect } from '../redis/effects.ts';
import { type Keys, partitionOf } from '../redis/keys.ts';
import { RecordStore } from '../redis/record-store.ts';
import {
  type Agreement,
  agree,
  EMPTY_BOOK,
  PinBook,
  sawTools,
  type Waiting,
  type Wish,
  wentDown,
} from './pins.ts';
import type { ReadDefinition } from './tool-definition.ts';

const FAMILY = 'mcp';
/** Longest beginning of a record that holds its revision. */
const REVISION_CHARS = 20;

export class PinStore {
  readonly #records: RecordStore<PinBook>;

  constructor(
    private readonly redis: RedisClient,
    private readonly keys: Keys,
    writer: EffectWriter,
  ) {
    this.#records = new RecordStore(redis, keys, writer, {
      family: FAMILY,
      parse: (document) => PinBook.parse(document),
      partitionOf: ownPartition,
      dueOf: () => undefined,
      keepMs: () => undefined,
    });
  }

  async book(server: string): Promise<PinBook> {
    return (await this.#records.find(server)) ?? EMPTY_BOOK;
  }

  /** The book, unless it is still this one. */
  async newerThan(server: string, { rev }: PinBook): Promise<PinBook | undefined> {
    const key = this.keys.record(ownPartition(server), FAMILY, server);
    const head = await this.redis.getrange(key, 0, REVISION_CHARS);
    return Number.parseInt(head || '0', 10) === rev ? undefined : this.book(server);
  }

  /** @param isOn what is switched off waits for nobody: it is kept, and the audit has no entry on it */
  async saw(
    server: string,
    read: readonly ReadDefinition[],
    isOn: (tool: string) => boolean = () => true,
  ): Promise<void> {
    await this.#records.apply(server, (stored, nowMs) => {
      const { next, held } = sawTools(stored ?? EMPTY_BOOK, read, nowMs);
      const effects = held
        .filter(({ tool }) => isOn(tool))
        .map((each) => audited('mcp.tool-held', server, each, 'system'));
      return { result: undefined, ...(next ? { next, effects } : {}) };
    });
  }

  /** It does not run; `why` is the end of a sentence. */
  async down(server: string, why: string): Promise<void> {
    await this.#records.apply(server, (stored, nowMs) => {
      const next = wentDown(stored ?? EMPTY_BOOK, why, nowMs);
      return { result: undefined, ...(next ? { next, effects: [] } : {}) };
    });
  }

  async agree(server: string, wish: Wish): Promise<Agreement> {
    const agreement = await this.#records.apply<Agreement>(server, (stored, nowMs) => {
      const result = agree(stored ?? EMPTY_BOOK, wish, nowMs);
      if (result.kind !== 'agreed') return { result };
      const effects = result.tools.map((each) => audited('mcp.tool-agreed', server, each, wish.by));
      return { result, next: result.next, effects };
    });
    return agreement ?? { kind: 'nothing-waits' };
  }
}

function audited(event: string, server: string, { tool, state, hash }: Waiting, actor: string): Effect {
  const subject = `mcp:${server}/${tool}`;
  const entry: AuditEvent = { event, actor, subject, correlation: subject, detail: { state, hash } };
  return { kind: 'audit', event: entry };
}

function ownPartition(server: string): number {
  return partitionOf(`mcp:${server}`);
}
