/**
 * What the engine of escalations promises, on the model of the store: the oracle for `src/escalation`.
 *
 * What an event does to an escalation is the state machine's own business (`src/domain/escalation/`); here is what
 * becomes of it: what is written, once, with all that follows, and who is told of it in the end.
 */
import { type EscalationItem, partitionOfEscalation, toItem } from '../../src/delivery/escalation-item.ts';
import { type OutboxItem, toOutEffect } from '../../src/delivery/outbox.ts';
import { close } from '../../src/domain/escalation/answers.ts';
import {
  goOn,
  hold,
  type Report,
  raise,
  retitle,
  tick,
  unposted,
  unreached,
} from '../../src/domain/escalation/course.ts';
import {
  admit,
  flush,
  type Page,
  type Pager,
  type Quiet,
  type Told,
} from '../../src/domain/escalation/pager.ts';
import type { EscalationPlan } from '../../src/domain/escalation/plan.ts';
import {
  dueOf,
  type Escalation,
  type EscalationMove,
  type EscalationStep,
  isLive,
} from '../../src/domain/escalation/record.ts';
import type { Surroundings } from '../../src/domain/escalation/surroundings.ts';
import { ConversationId, type EscalationId, type PersonId, type Platform } from '../../src/domain/ids.ts';
import type { Address } from '../../src/domain/message.ts';
import { consequencesOf } from '../../src/escalation/consequences.ts';
import { inMessages } from '../../src/escalation/sentences.ts';
import type { Effect } from '../../src/redis/effects.ts';
import { Keys, partitionOf } from '../../src/redis/keys.ts';
import { type Document, type Flow, LineBroke, type ModelFamily, type StoreModel } from './store-model.ts';

const KEYS = new Keys('');
/** As in escalation-timers.ts and pagers.ts. */
const POSTPONE_MS = 60_000;
/** Longer than any test. */
export const REMEMBER_MS = 3_600_000;

export const ESCALATIONS: ModelFamily<Escalation> = {
  family: 'esc',
  partitionOf: partitionOfEscalation,
  dueOf,
  isOver: (escalation) => !isLive(escalation),
};

export const PAGERS: ModelFamily<Pager> = {
  family: 'pgr',
  partitionOf,
  dueOf: ({ nextMs }) => nextMs,
  isOver: ({ waiting }) => waiting.length === 0,
};

/** The world around it, the same for the model and for the real engine. */
export interface Setting {
  surroundings(nowMs: number): Surroundings;
  quietOf(person: PersonId): Quiet;
  placeOn(person: PersonId, platform: Platform): Address | undefined;
  channelOn(platform: Platform, channel: string): Address | undefined;
  /** Whether somebody may take a conversation over. */
  mayHold(person: PersonId): boolean;
  isOneMessage(platform: Platform, markdown: string): boolean;
}

/** A change of an escalation that became visible. */
export interface EscalationChange {
  readonly before: Escalation | undefined;
  readonly moved: EscalationMove;
  /** The time it was decided by, and that at which it was written. */
  readonly decidedMs: number;
  readonly nowMs: number;
}

export type Decide = (
  escalation: Escalation | undefined,
  nowMs: number,
) => EscalationStep<unknown> | undefined;

export class EscalationModel {
  constructor(
    readonly store: StoreModel,
    private readonly setting: Setting,
    /** Hears of every change, in order. */
    private readonly written: (change: EscalationChange) => void = () => undefined,
  ) {}

  find(id: EscalationId): Escalation | undefined {
    return this.store.find(ESCALATIONS, id);
  }

  // ── Changes ──────────────────────────────────────────────────────────────────────────────────────────────────

  /** @param onceKey undefined: it may be done again */
  *apply(id: EscalationId, decide: Decide, onceKey?: string, also: readonly Effect[] = []): Flow<unknown> {
    let change: EscalationChange | undefined;
    return yield* this.store.apply(
      ESCALATIONS,
      id,
      (before, nowMs) => {
        const step = decide(before, nowMs);
        if (!step?.moved) return { result: step?.result };
        change = { before, moved: step.moved, decidedMs: nowMs, nowMs };
        const effects = [...also, ...consequencesOf(before, step.moved, nowMs)];
        return { result: step.result, next: step.moved.next, effects };
      },
      {
        once: onceKey === undefined ? undefined : { key: onceKey, forMs: REMEMBER_MS },
        written: () => change && this.written({ ...change, nowMs: this.store.nowMs }),
      },
    );
  }

  *report(itemId: string, report: Report, plan: EscalationPlan): Flow<unknown> {
    return yield* this.apply(report.id, (before, nowMs) => raise(before, report, plan, nowMs), itemId);
  }

  /** What one item of the queue asks for. What cannot be done now stays in the queue. */
  *handle(item: EscalationItem): Flow<unknown> {
    try {
      yield* this.#do(item);
      return 'done';
    } catch (error) {
      if (!(error instanceof LineBroke)) throw error;
      return 'again';
    }
  }

  /** What time brings about in a partition. One that is not moved on is looked at again in a minute. */
  *sweep(partition: number): Flow<unknown> {
    const list = KEYS.recordTimers(partition, 'esc');
    const atMs = this.store.nowMs;
    const { ids, nextMs } = this.store.due(list, 1);
    for (const id of ids as EscalationId[]) {
      try {
        yield 'look';
        const result = yield* this.apply(
          id,
          (escalation, nowMs) => escalation && tick(escalation, this.setting.surroundings(nowMs)),
        );
        if (result === undefined) yield* this.#leave(ESCALATIONS, id);
      } catch (error) {
        if (!(error instanceof LineBroke)) throw error;
        yield* this.store.change(() => this.store.postpone(list, id, atMs + POSTPONE_MS));
      }
    }
    return { moved: ids.length, nextInMs: (nextMs ?? Number.POSITIVE_INFINITY) - atMs };
  }

  // ── Telling ──────────────────────────────────────────────────────────────────────────────────────────────────

  /** Tells the people of a partition what is due. */
  *tell(partition: number): Flow<unknown> {
    const list = KEYS.recordTimers(partition, 'pgr');
    const atMs = this.store.nowMs;
    const { ids, nextMs } = this.store.due(list, 1);
    for (const person of ids as PersonId[]) {
      try {
        yield* this.#flush(person);
      } catch (error) {
        if (!(error instanceof LineBroke)) throw error;
        yield* this.store.change(() => this.store.postpone(list, person, atMs + POSTPONE_MS));
      }
    }
    return { moved: ids.length, nextInMs: (nextMs ?? Number.POSITIVE_INFINITY) - atMs };
  }

  /** The last hop. @returns the pages that go out, or what their call asks for because they cannot */
  deliver(item: Extract<OutboxItem, { kind: 'page' }>, arrives: boolean): readonly Page[] {
    const pages = item.pages.filter((page) => this.find(page.escalation)?.epoch === page.epoch);
    if (pages.length === 0 || arrives) return pages;
    // Of all of them: what is no longer true does not count there either.
    for (const page of item.pages) this.#goesWrong(item, page);
    return [];
  }

  *#do(item: EscalationItem): Flow<void> {
    switch (item.kind) {
      case 'close':
        yield* this.apply(item.escalation, (before) => before && close(before, item.remark), item.id);
        return;
      case 'hold':
        yield* this.apply(item.escalation, (before) => before && hold(before, item.untilMs), item.id);
        return;
      case 'go-on':
        yield* this.apply(item.escalation, (before, nowMs) => before && goOn(before, nowMs), item.id);
        return;
      case 'retitle':
        yield* this.apply(item.escalation, (before) => before && retitle(before, item.title), item.id);
        return;
      case 'unreached':
        yield* this.apply(
          item.escalation,
          (before, nowMs) => before && unreached(before, item, nowMs),
          item.id,
        );
        return;
      case 'unposted':
        yield* this.apply(
          item.escalation,
          (before, nowMs) => before && unposted(before, item, nowMs),
          item.id,
        );
        return;
      case 'page':
        yield* this.#admit(item.person, item.page);
        return;
      case 'post': {
        const to = this.setting.channelOn(item.platform, item.channel);
        const { platform, channel, atMs } = item;
        const page = { ...item, importance: 'high', atMs } as const;
        this.store.writeNow(
          partitionOfEscalation(item.escalation),
          to ? [toPost(item, to)] : unpostedIn(platform, channel, page, atMs),
        );
        return;
      }
      default:
        throw new Error(`the model does not do ${item.kind}`);
    }
  }

  /** Taking over is offered to those who may. */
  *#admit(person: PersonId, { conversation, ...called }: Page): Flow<void> {
    const isOffered = conversation !== undefined && this.setting.mayHold(person);
    const page = isOffered ? { ...called, conversation } : called;
    const quiet = this.setting.quietOf(person);
    yield* this.store.apply(
      PAGERS,
      person,
      (pager, nowMs) => ({ result: undefined, next: admit(pager, person, { ...page, atMs: nowMs }, quiet) }),
      { once: { key: page.id, forMs: REMEMBER_MS } },
    );
    yield* this.#flush(person);
  }

  *#flush(person: PersonId): Flow<void> {
    const waiting = this.store.find(PAGERS, person)?.waiting;
    if (!waiting) {
      yield* this.#leave(PAGERS, person);
      return;
    }
    const epochs = new Map(waiting.map(({ escalation: id }) => [id, this.find(id)?.epoch]));
    const isTrue = ({ escalation, epoch }: Page): boolean =>
      !epochs.has(escalation) || epochs.get(escalation) === epoch;
    yield* this.store.apply(PAGERS, person, (pager, nowMs) => {
      const flushed =
        pager &&
        flush(
          pager,
          {
            isTrue,
            quiet: this.setting.quietOf(person),
            inMessages: (platform, pages) =>
              inMessages(pages, (markdown) => this.setting.isOneMessage(platform, markdown)),
          },
          nowMs,
        );
      if (!flushed) return { result: undefined };
      const effects = flushed.told.flatMap((told) => this.#toSend(person, told, nowMs));
      return { result: undefined, next: flushed.next, effects };
    });
  }

  /** Unless there is such a record by now. */
  *#leave<Stored extends Document>(family: ModelFamily<Stored>, id: string): Flow<void> {
    const list = KEYS.recordTimers(family.partitionOf(id), family.family);
    yield* this.store.change(() => {
      if (!this.store.find(family, id)) this.store.setPlace(list, id, undefined);
    });
  }

  #toSend(person: PersonId, { platform, pages, messages }: Told, nowMs: number): Effect[] {
    const to = this.setting.placeOn(person, platform);
    if (!to) return pages.flatMap((page) => unreachedBy(person, page, nowMs));
    const conversationId = ConversationId.parse(`page:${person}`);
    return messages.flatMap((together) => {
      const [first] = together;
      if (!first) return [];
      const { id, escalation: correlation } = first;
      const told = [...together];
      return [
        toOutEffect({
          kind: 'page',
          id,
          correlation,
          conversationId,
          to,
          person,
          pages: told,
          atMs: nowMs,
        }),
      ];
    });
  }

  #goesWrong({ person, channel, to }: Extract<OutboxItem, { kind: 'page' }>, page: Page): void {
    const { nowMs } = this.store;
    if (person !== undefined) this.store.writeNow(partitionOf(person), unreachedBy(person, page, nowMs));
    else if (channel !== undefined)
      this.store.writeNow(
        partitionOfEscalation(page.escalation),
        unpostedIn(to.platform, channel, page, nowMs),
      );
  }
}

/** A call is to be made by another way; news need not be. */
function unreachedBy(person: PersonId, { id, why, escalation, epoch }: Page, atMs: number): Effect[] {
  const isCall = why === 'call' || why === 'last';
  return isCall
    ? [toItem({ kind: 'unreached', id: `unreached:${id}`, atMs, escalation, epoch, person })]
    : [];
}

/** Nor need news be posted. */
function unpostedIn(
  platform: Platform,
  channel: string,
  { id, why, escalation, epoch }: Pick<Page, 'id' | 'why' | 'escalation' | 'epoch'>,
  atMs: number,
): Effect[] {
  const isCall = why === 'call' || why === 'last';
  const place = { platform, channel };
  return isCall ? [toItem({ kind: 'unposted', id: `unposted:${id}`, atMs, escalation, epoch, place })] : [];
}

function toPost(
  item: Extract<EscalationItem, { kind: 'post' }> & { readonly why?: Page['why'] },
  to: Address,
): Effect {
  const { id, escalation, epoch, platform, channel, markdown, from, atMs, why = 'call' } = item;
  const whose = from === undefined ? {} : { from };
  const page: Page = { id, escalation, epoch, platform, importance: 'high', why, markdown, ...whose, atMs };
  const conversationId = ConversationId.parse(`page:${platform}:${channel}`);
  return toOutEffect({
    kind: 'page',
    id,
    correlation: escalation,
    conversationId,
    to,
    channel,
    pages: [page],
    atMs,
  });
}

/** What is in the queues of the engine and of the platforms, as it was written. */
export function itemsIn({ lists }: StoreModel): { asked: EscalationItem[]; outgoing: OutboxItem[] } {
  const asked: EscalationItem[] = [];
  const outgoing: OutboxItem[] = [];
  for (const [name, items] of lists) {
    if (name.includes('}:e:q:'))
      for (const json of items) asked.push(JSON.parse(json) as EscalationItem); // ours
    else if (/\}:o\.\w+:q:/.test(name))
      for (const json of items) outgoing.push(JSON.parse(json) as OutboxItem); // ours
  }
  return { asked, outgoing };
}
