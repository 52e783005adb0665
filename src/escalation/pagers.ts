/**
 * Tells people what escalations want them to know: takes it in, waits as long as it may wait, sends it together with
 * what else there is.
 *
 * Invariants (numbers of the specification)
 *   E1   Whether something is still true is looked up when its time comes, and once more right before it is sent.
 *   E13  Nothing is dropped: what cannot be sent is reported to its escalation, which calls by another way; and what is
 *        sent of several things together goes out whole, or is sent again.
 */

import { toItem } from '../delivery/escalation-item.ts';
import { toOutEffect } from '../delivery/outbox.ts';
import {
  admit,
  flush,
  heedQuiet,
  type Page,
  Pager,
  type Quiet,
  type Told,
} from '../domain/escalation/pager.ts';
import type { Place } from '../domain/escalation/record.ts';
import { ConversationId, type EscalationId, PersonId, type Platform } from '../domain/ids.ts';
import type { Address } from '../domain/message.ts';
import type { Logger } from '../observability/logger.ts';
import type { RedisClient } from '../redis/client.ts';
import type { EffectWriter } from '../redis/effect-writer.ts';
import type { Effect } from '../redis/effects.ts';
import { type Keys, partitionOf } from '../redis/keys.ts';
import { type Flaw, RecordStore } from '../redis/record-store.ts';
import type { EscalationStore } from './escalation-store.ts';
import { inMessages } from './sentences.ts';

/** How long it is remembered when somebody was told something last, once nothing waits for them. */
const KEEP_MS = 60 * 60_000;

/** Somebody who cannot be told is tried again after this long. */
const POSTPONE_MS = 60_000;

export interface PagerDeps {
  readonly escalations: Pick<EscalationStore, 'find'>;
  readonly quietOf: (person: PersonId) => Quiet;
  /** Where somebody is written to on a platform; undefined where they are not. */
  readonly placeOn: (person: PersonId, platform: Platform) => Address | undefined;
  /** Shows somebody where they are called what they are called about, if that is theirs to decide. Harmless to repeat. */
  readonly show: (person: PersonId, page: Page) => Promise<void>;
  /** Whether a text goes out on a platform in one message. */
  readonly isOneMessage: (platform: Platform, markdown: string) => boolean;
  /** How long a delivery is remembered, in ms. */
  readonly rememberMs: () => number;
  readonly log: Logger;
}

export class Pagers {
  readonly #records: RecordStore<Pager>;

  constructor(
    redis: RedisClient,
    keys: Keys,
    writer: EffectWriter,
    private readonly deps: PagerDeps,
  ) {
    this.#records = new RecordStore(redis, keys, writer, {
      family: 'pgr',
      parse: (document) => Pager.parse(document),
      partitionOf,
      dueOf: ({ nextMs }) => nextMs,
      keepMs: ({ waiting }) => (waiting.length === 0 ? KEEP_MS : undefined),
    });
  }

  /** Takes something in for somebody; once, however often it is called for the same page. */
  async admit(person: PersonId, page: Page): Promise<void> {
    const once = { key: page.id, forMs: this.deps.rememberMs() };
    const quiet = this.deps.quietOf(person);
    await this.#records.apply(
      person,
      (pager, nowMs) => ({ result: undefined, next: admit(pager, person, { ...page, atMs: nowMs }, quiet) }),
      once,
    );
    await this.#flush(person);
  }

  /** To be called when quiet hours may have changed: what they do not keep back any more is told. */
  async heedPeople(): Promise<void> {
    for await (const id of this.#records.ids()) {
      const person = PersonId.parse(id);
      try {
        await this.#records.apply(person, (pager, nowMs) => {
          const next = pager && heedQuiet(pager, this.deps.quietOf(person), nowMs);
          return { result: undefined, ...(next ? { next } : {}) };
        });
      } catch (error) {
        this.deps.log.error(
          { err: error, person },
          'what waits for somebody could not be held against their quiet hours',
        );
      }
    }
  }

  /** One look at a partition: tells what is due. */
  async sweep(partition: number, limit: number): Promise<{ moved: number; nextInMs: number }> {
    const { ids, nextMs, nowMs } = await this.#records.due(partition, limit);
    await Promise.all(ids.map((id) => this.#tryToFlush(PersonId.parse(id), nowMs)));
    return { moved: ids.length, nextInMs: (nextMs ?? Number.POSITIVE_INFINITY) - nowMs };
  }

  /** Puts right what should never be, and names it. */
  prove(): AsyncGenerator<Flaw<Pager>> {
    return this.#records.prove();
  }

  async #tryToFlush(person: PersonId, nowMs: number): Promise<void> {
    try {
      await this.#flush(person);
    } catch (error) {
      this.deps.log.error(
        { err: error, person },
        'somebody could not be told what waits for them; trying again in a minute',
      );
      await this.#records.postpone(person, nowMs + POSTPONE_MS);
    }
  }

  async #flush(person: PersonId): Promise<void> {
    const { escalations, quietOf, isOneMessage } = this.deps;
    const { stored, nowMs: nearlyMs } = await this.#records.read(person);
    if (!stored) return this.#records.dropTimer(person);
    const { waiting } = stored;
    const epochs = new Map<EscalationId, number | undefined>();
    for (const { escalation } of waiting) {
      if (!epochs.has(escalation)) epochs.set(escalation, (await escalations.find(escalation))?.epoch);
    }
    // What came in since is looked at when its time comes.
    const isTrue = ({ escalation, epoch }: Page) =>
      !epochs.has(escalation) || epochs.get(escalation) === epoch;
    const by = {
      isTrue,
      quiet: quietOf(person),
      inMessages: (platform: Platform, pages: readonly Page[]) =>
        inMessages(pages, (markdown) => isOneMessage(platform, markdown)),
    };
    // Before they read of it; what is quiet, or over, is not shown either.
    for (const { pages } of flush(stored, by, nearlyMs)?.told ?? []) {
      for (const page of pages) await this.deps.show(person, page);
    }
    await this.#records.apply(person, (pager, nowMs) => {
      const flushed = pager && flush(pager, by, nowMs);
      if (!flushed) return { result: undefined };
      const effects = flushed.told.flatMap((told) => this.#send(person, told, nowMs));
      return { result: undefined, next: flushed.next, effects };
    });
  }

  #send(person: PersonId, { platform, pages, messages }: Told, nowMs: number): Effect[] {
    const to = this.deps.placeOn(person, platform);
    if (!to) return pages.flatMap((page) => toUnreached(person, page, nowMs));
    return messages.flatMap((together) => {
      const [first] = together;
      if (!first) return [];
      const item = toOutEffect({
        kind: 'page',
        id: first.id,
        correlation: first.escalation,
        conversationId: ConversationId.parse(`page:${person}`),
        to,
        person,
        pages: [...together],
        atMs: nowMs,
      });
      return [item];
    });
  }
}

/** A call that cannot arrive; that it is over or in good hands need not. */
export function toUnreached(person: PersonId, { id, why, escalation, epoch }: Page, atMs: number): Effect[] {
  if (why === 'news' || why === 'still') return [];
  return [toItem({ kind: 'unreached', id: `unreached:${id}`, atMs, escalation, epoch, person })];
}

/** A post that cannot arrive; the same holds for its news. */
export function toUnposted(place: Place, { id, why, escalation, epoch }: Page, atMs: number): Effect[] {
  if (why === 'news' || why === 'still') return [];
  return [toItem({ kind: 'unposted', id: `unposted:${id}`, atMs, escalation, epoch, place })];
}
