/**
 * Where it is kept who speaks for a conversation: one record each, changed only through the state machine.
 *
 * The machine (`domain/control.ts`) decides; the write is refused unless the record is still the one it decided on,
 * and then it is decided anew. So every conversation has one line of controllers, and a change becomes visible
 * together with its timer, its announcement, its audit entry and what it releases. A conversation without a record
 * is the agent's, at epoch 0.
 *
 * Invariants
 *   1. Nothing else writes a conversation's control, its ticket or its timer.
 *   2. A timer leaves, or moves, only together with what its time brought about, or when it is not what the record says.
 *   3. What was decided on a record can be written while it is that very record only, not another one with the same
 *      numbers (`guard` of effects.lua): a server that lost writes gives a number twice.
 */
import { createHash } from 'node:crypto';
import { Control, type ControlMove, type ControlStep, endOf, tick, untouched } from '../domain/control.ts';
import { ControlMovedError } from '../domain/errors.ts';
import { ConversationId, ConversationTicket } from '../domain/ids.ts';
import type { Outage } from '../domain/outage.ts';
import type { RedisClient } from '../redis/client.ts';
import type { EffectWriter } from '../redis/effect-writer.ts';
import type { Effect, Once } from '../redis/effects.ts';
import { fingerprintOf } from '../redis/fingerprint.ts';
import { scanKeys } from '../redis/key-scan.ts';
import { type Keys, partitionOf } from '../redis/keys.ts';
import { ask, type Query } from '../redis/query.ts';
import { readDue, readTimed, rearm, standingOf } from '../redis/record-store.ts';

/** Times a change is decided anew before the caller hears that it could not be recorded. */
const MOST_TRIES = 50;
/** Longest beginning of a record that holds its epoch. */
const EPOCH_CHARS = 20;

/** What is known beside the record when it changes. */
export interface Surroundings {
  readonly nowMs: number;
  /** What still waits for a human in the conversation; looked up when the agent gets it back. */
  readonly waiting: readonly string[];
}

/** What follows from a change, for other parts of the product: announcements, transcript, audit. Pure. */
export type ControlConsequences = (
  before: Control,
  moved: ControlMove,
  surroundings: Surroundings,
) => readonly Effect[];

/** What is written with a change, made of what it comes to. Pure. */
export type AlsoOf = (next: Control, nowMs: number) => readonly Effect[];

/** What waits for a human in a conversation, one line each. */
export type WaitingIn = (conversationId: ConversationId) => Promise<readonly string[]>;

/** `lost`: its timer was not there, or too late, and is put right. `stuck`: its time has come, and nothing has moved. */
export interface ControlFlaw {
  readonly conversationId: ConversationId;
  readonly kind: 'lost' | 'stuck';
}

export interface DueControls {
  readonly conversations: readonly ConversationId[];
  /** The store's time of the next one, in ms; undefined when none is waiting. */
  readonly nextMs: number | undefined;
  readonly nowMs: number;
}

export class ControlStore {
  #consequences: ControlConsequences = () => [];
  #waitingIn: WaitingIn = async () => [];
  /** What each record that was read here is told by. */
  readonly #seen = new WeakMap<Control, string>();

  constructor(
    private readonly redis: RedisClient,
    private readonly keys: Keys,
    private readonly writer: EffectWriter,
    /** How long it is remembered that a conversation was a person's once, in ms. */
    private readonly keepMs: () => number,
  ) {}

  /** What is written with each change. Before that, or where nothing is sent, the change alone. */
  followedBy(consequences: ControlConsequences, waitingIn: WaitingIn): void {
    this.#consequences = consequences;
    this.#waitingIn = waitingIn;
  }

  async find(conversationId: ConversationId): Promise<Control> {
    return ask(this.redis, this.query(conversationId));
  }

  query(conversationId: ConversationId): Query<Control> {
    return {
      command: ['get', this.keys.control(conversationId)],
      read: (stored) => this.#toControl(stored, conversationId),
    };
  }

  /** The epoch whose words may be said now. */
  async epochOf(conversationId: ConversationId): Promise<number> {
    const head = await this.redis.getrange(this.keys.control(conversationId), 0, EPOCH_CHARS);
    return Number.parseInt(head || '0', 10);
  }

  /** The record, the time by which it is judged, in ms, and when nobody of ours was there. */
  async read(
    conversationId: ConversationId,
  ): Promise<{ control: Control; nowMs: number; outages: readonly Outage[] }> {
    const prefix = this.keys.partition(partitionOf(conversationId));
    const { document, ...timed } = await readTimed(this.redis, this.keys.control(conversationId), prefix);
    return { control: this.#toControl(document, conversationId), ...timed };
  }

  /** Whether the agent has, or had, a part in it. */
  async isKnown(conversationId: ConversationId): Promise<boolean> {
    return ask(this.redis, this.knownQuery(conversationId));
  }

  knownQuery(conversationId: ConversationId): Query<boolean> {
    const items = this.keys.items(partitionOf(conversationId), 'm', conversationId);
    const of = [this.keys.transcript(conversationId), items, this.keys.control(conversationId)];
    return { command: ['exists', ...of], read: (found) => Number(found) > 0 };
  }

  /** The conversation a ticket names; undefined when it never changed hands and nobody was called to it, or that is forgotten. */
  async named(ticket: ConversationTicket): Promise<ConversationId | undefined> {
    const id = await this.redis.get(this.keys.controlTicket(partitionOfTicket(ticket), ticket));
    return id === null ? undefined : ConversationId.parse(id);
  }

  /** Before people are called to a conversation: its ticket names it from then on, also where it never changed hands. */
  async noteTicket(conversationId: ConversationId): Promise<void> {
    const key = this.keys.controlTicket(partitionOf(conversationId), ticketFor(conversationId));
    const keepMs = this.keepMs();
    // Never kept for less: where the agent does not speak, it has no end.
    await this.redis.multi().set(key, conversationId, 'PX', keepMs, 'NX').pexpire(key, keepMs, 'GT').exec();
  }

  /** Conversations the agent does not speak in now, beginning with the one that ends first. */
  async away(limit: number): Promise<Control[]> {
    const ids = await this.#firstToEnd(limit);
    const found = await Promise.all(ids.map((id) => this.find(ConversationId.parse(id))));
    return found
      .filter((control) => control.state !== 'BOT')
      .sort((a, b) => (endOf(a) ?? 0) - (endOf(b) ?? 0))
      .slice(0, limit);
  }

  /** Those that a person has, or is waited for in, and whose ids begin like this; the newest first. */
  async awayIn(room: string): Promise<Control[]> {
    const ids = (await this.#firstToEnd()).filter((id) => id.startsWith(room));
    const found = await Promise.all(ids.map((id) => this.find(ConversationId.parse(id))));
    return found
      .filter(({ state }) => state === 'HUMAN' || state === 'HANDOFF_PENDING')
      .toSorted((a, b) => b.sinceMs - a.sinceMs);
  }

  /** Ids of conversations that come back to the agent by time, so many of each partition; left out: all. */
  async #firstToEnd(limit = 0): Promise<string[]> {
    const timed = this.keys
      .partitions()
      .map((partition) => this.redis.zrange(this.keys.controlTimers(partition), 0, `${limit - 1}`));
    return (await Promise.all(timed)).flat();
  }

  /**
   * Puts an event to the state machine and writes what it decides.
   *
   * @param also written with the change, if there is one; what depends on it is made of it
   * @returns what the machine answered; undefined when `once` was used up before, so that nothing was written
   * @throws when the store is away, or others changed the record faster than this could
   */
  async apply<Result>(
    conversationId: ConversationId,
    decide: (control: Control, nowMs: number, outages: readonly Outage[]) => ControlStep<Result>,
    { also = [], once }: { also?: readonly Effect[] | AlsoOf; once?: Once } = {},
  ): Promise<Result | undefined> {
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const { control, nowMs, outages } = await this.read(conversationId);
      const { result, moved } = decide(control, nowMs, outages);
      if (!moved) return result;
      try {
        const more = typeof also === 'function' ? also(moved.next, nowMs) : also;
        const effects = [...(await this.effectsOf(control, moved, nowMs)), ...more];
        return (await this.writer.write(conversationId, effects, once)) ? result : undefined;
      } catch (error) {
        if (!(error instanceof ControlMovedError)) throw error;
      }
    }
    throw new Error(`the control of ${conversationId} was changed by others ${MOST_TRIES} times in a row`);
  }

  /**
   * What is written with it is refused if the record is not the one that was read.
   *
   * @param control as it was read here
   */
  guardOf(control: Control): Effect {
    return { kind: 'guard', conversationId: control.conversationId, from: this.#seenOf(control) };
  }

  /**
   * A change and all that follows from it, for a commit: refused there if the record has changed meanwhile.
   *
   * @param before as it was read here
   */
  async effectsOf(before: Control, moved: ControlMove, nowMs: number): Promise<Effect[]> {
    const { next } = moved;
    const isBot = next.state === 'BOT';
    const waiting = moved.event === 'returned' ? await this.#waitingIn(next.conversationId) : [];
    return [
      {
        kind: 'control',
        conversationId: next.conversationId,
        ticket: ticketFor(next.conversationId),
        from: this.#seenOf(before),
        // As it will be read: what is the same is written in the same way.
        document: `${next.epoch} ${next.rev} ${JSON.stringify(Control.parse(next))}`,
        dueMs: endOf(next),
        keepMs: isBot ? this.keepMs() : undefined,
        // Parked items are looked at by whoever speaks now; calls that were agreed to wait for the agent.
        release: isBot ? 'all' : before.epoch === next.epoch ? 'none' : 'lane',
      },
      ...this.#consequences(before, moved, { nowMs, waiting }),
    ];
  }

  /** What has fallen due in a partition. */
  async due(partition: number, limit: number): Promise<DueControls> {
    const list = this.keys.controlTimers(partition);
    const { ids, ...when } = await readDue(this.redis, list, this.keys.partition(partition), limit);
    return { conversations: ids.map((id) => ConversationId.parse(id)), ...when };
  }

  /** Applies what time brings about for one conversation. */
  async tick(conversationId: ConversationId): Promise<void> {
    const { control } = await this.read(conversationId);
    // Its record is gone, or the agent speaks: there is nothing left to wait for.
    if (control.state === 'BOT') await this.#dropTimer(control);
    else await this.apply(conversationId, tick);
  }

  /**
   * Looks at every conversation the agent does not speak in, and puts right what should never be (C4): one whose time
   * would never come, or come too late. Names what it found.
   */
  async *prove(): AsyncGenerator<ControlFlaw> {
    for await (const keys of scanKeys(this.redis, this.keys.everyControl())) {
      for (const key of keys) {
        const flaw = await this.#flawOf(ConversationId.parse(key.slice(key.indexOf(':cc:') + ':cc:'.length)));
        if (flaw) yield flaw;
      }
    }
  }

  async #flawOf(conversationId: ConversationId): Promise<ControlFlaw | undefined> {
    const { control, nowMs } = await this.read(conversationId);
    const dueMs = endOf(control);
    if (dueMs === undefined) return undefined;
    const list = this.keys.controlTimers(partitionOf(conversationId));
    const kind = await standingOf(this.redis, list, { id: conversationId, dueMs, nowMs });
    if (kind !== 'lost') return kind && { conversationId, kind };
    const place = { id: conversationId, seen: this.#seenOf(control), at: String(dueMs) };
    const isMended = await rearm(this.redis, this.keys.control(conversationId), list, place);
    return isMended ? { conversationId, kind } : undefined;
  }

  /** Not if somebody has taken the conversation over since it was looked at: that would never end. */
  async #dropTimer(control: Control): Promise<void> {
    const { conversationId: id } = control;
    const list = this.keys.controlTimers(partitionOf(id));
    await rearm(this.redis, this.keys.control(id), list, { id, seen: this.#seenOf(control), at: '' });
  }

  /** `<epoch> <revision> <document>`; the epoch is in front for whoever wants it alone. */
  #toControl(stored: unknown, conversationId: ConversationId): Control {
    const control =
      typeof stored === 'string'
        ? Control.parse(JSON.parse(stored.slice(stored.indexOf('{'))))
        : untouched(conversationId);
    this.#seen.set(control, fingerprintOf(stored));
    return control;
  }

  #seenOf(control: Control): string {
    const seen = this.#seen.get(control);
    if (seen === undefined) throw new Error(`a control of ${control.conversationId} was not read here`);
    return seen;
  }
}

/** Derived from the conversation's id, so that it is the same wherever it is shown. */
export function ticketFor(conversationId: ConversationId): ConversationTicket {
  const digest = createHash('sha256').update(conversationId).digest();
  const tail = BigInt(`0x${digest.subarray(0, 8).toString('hex')}`)
    .toString(36)
    .padStart(13, '0')
    .slice(-12);
  return ConversationTicket.parse(`con_p${partitionOf(conversationId)}_${tail}`);
}

function partitionOfTicket(ticket: ConversationTicket): number {
  return Number.parseInt(ticket.slice('con_p'.length), 10);
}
