/** The engine of escalations on a real Redis, as `escalation-model-history.ts` needs it. */
import type { Redis } from 'ioredis';
import { type EscalationItem, partitionOfEscalation } from '../../src/delivery/escalation-item.ts';
import type { OutboxItem } from '../../src/delivery/outbox.ts';
import { UndeliverableError } from '../../src/domain/errors.ts';
import { type Report, raise } from '../../src/domain/escalation/course.ts';
import type { EscalationPlan } from '../../src/domain/escalation/plan.ts';
import type { EscalationId, PersonId } from '../../src/domain/ids.ts';
import type { OutboundMessage } from '../../src/domain/message.ts';
import { EscalationStore } from '../../src/escalation/escalation-store.ts';
import { EscalationTimers } from '../../src/escalation/escalation-timers.ts';
import { EscalationWorker, type EscalationWorkerDeps } from '../../src/escalation/escalation-worker.ts';
import { Pagers } from '../../src/escalation/pagers.ts';
import type { Claim, KeyedQueue } from '../../src/mailbox/keyed-queue.ts';
import type { RedisClient } from '../../src/redis/client.ts';
import { EffectWriter } from '../../src/redis/effect-writer.ts';
import type { Effect } from '../../src/redis/effects.ts';
import { type Keys, partitionOf, type QueueName } from '../../src/redis/keys.ts';
import { type DeliveryDeps, DeliveryWorker } from '../../src/router/delivery-worker.ts';
import { silent } from './core.ts';
import { type Decide, REMEMBER_MS, type Setting } from './escalation-model.ts';
import type { EngineProcess } from './escalation-model-history.ts';
import type { StoreModel } from './store-model.ts';

export class RealEngine {
  constructor(
    private readonly redis: Redis,
    private readonly keys: Keys,
    private readonly setting: Setting,
    /** What time it is. */
    private readonly time: Pick<StoreModel, 'nowMs'>,
  ) {}

  processOn(client: RedisClient): EngineProcess {
    const { keys, setting } = this;
    const writer = new EffectWriter(client, keys);
    const escalations = new EscalationStore(client, keys, writer, () => REMEMBER_MS);
    const pagers = new Pagers(client, keys, writer, {
      escalations,
      quietOf: (person) => setting.quietOf(person),
      placeOn: (person, platform) => setting.placeOn(person, platform),
      show: async () => {},
      isOneMessage: (platform, markdown) => setting.isOneMessage(platform, markdown),
      rememberMs: () => REMEMBER_MS,
      log: silent,
    });
    const timers = new EscalationTimers(escalations, (nowMs) => setting.surroundings(nowMs), silent);
    return {
      apply: (id: EscalationId, decide: Decide, onceKey?: string, also: readonly Effect[] = []) =>
        escalations.apply(id, decide, {
          also,
          ...(onceKey === undefined ? {} : { once: { key: onceKey, forMs: REMEMBER_MS } }),
        }),
      report: (itemId: string, report: Report, plan: EscalationPlan) =>
        escalations.apply(report.id, (before, nowMs) => raise(before, report, plan, nowMs), {
          once: { key: itemId, forMs: REMEMBER_MS },
        }),
      handle: (item) => this.#handle(item, escalations, pagers),
      sweep: (partition) => timers.sweep(partition, 1),
      tell: (partition) => pagers.sweep(partition, 1),
      deliver: (item, arrives) => this.#deliver(item, arrives, escalations),
      async prove() {
        const found: { id: string; kind: string }[] = [];
        for (const flaws of [escalations.prove(), pagers.prove()]) {
          for await (const { id, kind } of flaws) found.push({ id, kind });
        }
        return found;
      },
    };
  }

  async #handle(
    item: EscalationItem,
    escalations: EscalationStore,
    pagers: Pagers,
  ): Promise<'done' | 'again'> {
    const queue = new OneItem(this.redis, this.keys);
    // What else it could ask for belongs to items that are not played.
    const deps = {
      queue: queue as unknown as KeyedQueue,
      escalations,
      pagers,
      approvals: { find: async () => undefined } as unknown as EscalationWorkerDeps['approvals'], // cards are not played
      directory: {
        find: () => undefined,
        mayHold: (person: PersonId) => this.setting.mayHold(person),
      } as unknown as EscalationWorkerDeps['directory'], // nor whose they are
      placeOn: () => undefined,
      controls: { noteTicket: async () => {} } as unknown as EscalationWorkerDeps['controls'], // nobody takes it over by that
      channelOn: (platform, channel) => this.setting.channelOn(platform, channel),
      isPrivate: () => false,
      tellsEverybody: () => false,
      rememberMs: () => REMEMBER_MS,
      clock: { now: () => this.time.nowMs },
      log: silent,
    } satisfies Partial<EscalationWorkerDeps> as unknown as EscalationWorkerDeps;
    const partition = 'escalation' in item ? partitionOfEscalation(item.escalation) : 0;
    await new EscalationWorker(deps).handle(toClaim('e', partition, item), 'yield');
    return queue.fate;
  }

  async #deliver(item: OutboxItem, arrives: boolean, escalations: EscalationStore): Promise<string[]> {
    const texts: string[] = [];
    const send = async ({ body }: OutboundMessage): Promise<{ ref: string }> => {
      if (!arrives) throw new UndeliverableError(item.to.platform, 'nobody is there');
      if (body.kind === 'text') texts.push(body.markdown);
      return { ref: 'r1' };
    };
    const deps = {
      queue: new OneItem(this.redis, this.keys) as unknown as KeyedQueue, // all that is asked of it
      gateway: { platform: item.to.platform, send },
      escalations,
      triggers: () => [],
      deadLetters: { isKept: async () => false },
      clock: { now: () => this.time.nowMs },
      secrets: { without: (body: unknown) => body },
      log: silent,
    } as unknown as DeliveryDeps; // a page needs nothing else
    const person = item.kind === 'page' ? item.person : undefined;
    // What is posted lies with what it is about.
    const partition = person === undefined ? partitionOfEscalation(item.correlation) : partitionOf(person);
    await new DeliveryWorker(deps).handle(toClaim(`o.${item.to.platform}`, partition, item), 'yield');
    return texts;
  }
}

/** The queue as whoever handles a single item sees it: what comes of it is written, and it never comes again by itself. */
class OneItem {
  fate: 'done' | 'again' = 'again';

  constructor(
    private readonly redis: Redis,
    private readonly keys: Keys,
  ) {}

  async commit({ partition }: Claim, effects: readonly Effect[]): Promise<{ next: undefined; handed: [] }> {
    const asked = effects.filter(({ kind }) => kind === 'out'); // what is noted of it is not compared
    if (asked.length > 0) await new EffectWriter(this.redis, this.keys).writeIn(partition, asked);
    this.fate = 'done';
    return { next: undefined, handed: [] };
  }

  async retryLater(): Promise<void> {}
}

function toClaim(queue: QueueName, partition: number, item: object): Claim {
  return {
    queue,
    partition,
    lane: 'the only one',
    fence: '1',
    step: '0',
    session: 's',
    attempt: 1,
    failures: 0,
    item: JSON.stringify(item),
    entries: [],
    signal: new AbortController().signal,
  };
}
