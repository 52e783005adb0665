/**
 * What the store promises about effects, records and who has a conversation, as a plain program without Redis: the
 * oracle for `apply.lua`, `effects.lua` and `record-*.lua`, and for the loops of those who call them.
 *
 * It keeps texts, lists and places under the names the store keeps them under, so that both sides can be compared key
 * by key. What a process does to it is a flow: a program that stands still before each of its writes, so that somebody
 * else may come first, and that hears how the write fares.
 */
import canonicalize from 'canonicalize';
import { type Control, type ControlStep, endOf, untouched } from '../../src/domain/control.ts';
import type { ConversationId } from '../../src/domain/ids.ts';
import type { Effect, Once } from '../../src/redis/effects.ts';
import { Keys, partitionOf, type RecordFamily } from '../../src/redis/keys.ts';
import { differenceOf } from './approval-model.ts';

/** As in record-store.ts: how much too late a place may be, and how long something may be due. */
const LATE_MS = 61_000;
const STUCK_MS = 5 * 60_000;

/** How a write fares. */
export type How =
  | 'done'
  /** The process ends before it. */
  | 'crash'
  /** The process ends between it and its answer. */
  | 'reply-lost'
  /** It is sent again after a reconnect. */
  | 'twice'
  /** The line broke before it, or between it and its answer; the process lives on. */
  | 'refused'
  | 'answer-lost';

/** How the first write of a process fares: it may also stand still before it, or before it looks, until it is released. */
export type Fate = How | 'held' | 'held-early';

/** The process is no longer there to hear of it. */
export class Died extends Error {}
/** The store could not be reached. */
export class LineBroke extends Error {}

/** What a process does; it stands still before each write, and before it looks at what has fallen due. */
export type Flow<Result> = Generator<'look' | 'write', Result, How>;

export type Outcome =
  | { readonly kind: 'answered'; readonly result: unknown }
  | { readonly kind: 'crashed' | 'failed' | 'held' };

/** A process that stands still over a write. */
export interface HeldFlow {
  /** `held`: whoever stood still before it looked goes on, up to its write. */
  release(how: How | 'held'): Outcome;
}

/** Plays a flow whose first write fares so. */
export function play(flow: Flow<unknown>, fate: Fate): { outcome: Outcome; held?: HeldFlow } {
  const goOn = (from: Step, how: How): Outcome => {
    let step = from;
    let next = how;
    while (step.kind === 'standing') {
      const given = step.before === 'write' ? next : 'done';
      if (step.before === 'write') next = 'done';
      step = advance(flow, given);
    }
    return step;
  };
  const first = advance(flow, 'done'); // what is handed to a beginning is not heard
  if (first.kind !== 'standing') return { outcome: first };
  if (fate !== 'held' && fate !== 'held-early') return { outcome: goOn(first, fate) };
  let at: Step = first;
  const release = (how: How | 'held'): Outcome => {
    if (at.kind === 'standing' && at.before === 'look') at = advance(flow, 'done');
    if (at.kind !== 'standing') return at;
    return how === 'held' ? { kind: 'held' } : goOn(at, how);
  };
  const outcome: Outcome = fate === 'held' ? release('held') : { kind: 'held' };
  return outcome.kind === 'held' ? { outcome, held: { release } } : { outcome };
}

type Step = Outcome | { readonly kind: 'standing'; readonly before: 'look' | 'write' };

function advance(flow: Flow<unknown>, how: How): Step {
  try {
    const step = flow.next(how);
    return step.done ? { kind: 'answered', result: step.value } : { kind: 'standing', before: step.value };
  } catch (error) {
    if (error instanceof Died) return { kind: 'crashed' };
    if (error instanceof LineBroke) return { kind: 'failed' };
    throw error;
  }
}

// ── The store ────────────────────────────────────────────────────────────────────────────────────────────────────

/** What a key holds, in a form that two sides can be compared by. */
export type Held =
  | { readonly text: string; readonly isKept: boolean }
  | readonly string[]
  | Readonly<Record<string, number>>;

/** By the key's name without its prefix. */
export type StoreView = Readonly<Record<string, Held>>;

/** Where two views differ first, and how; undefined when they are the same, whatever the order of the fields of a document. */
export function viewDifference(expected: StoreView, actual: StoreView): string | undefined {
  for (const name of new Set([...Object.keys(expected), ...Object.keys(actual)])) {
    const [wanted, found] = [expected[name], actual[name]];
    const difference = differenceOf(wanted, found, name);
    if (difference === undefined) continue;
    const inDocuments = differenceOf(toDocuments(wanted), toDocuments(found), name);
    if (inDocuments !== undefined) return inDocuments;
  }
  return undefined;
}

/** What is JSON in it, as what it says. */
function toDocuments(value: unknown): unknown {
  if (typeof value === 'string') {
    const from = value.indexOf('{');
    return from === -1 ? value : { head: value.slice(0, from), document: JSON.parse(value.slice(from)) };
  }
  if (Array.isArray(value)) return value.map(toDocuments);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, toDocuments(each)]));
}

export interface Document {
  readonly rev: number;
}

/** What the model has to know of a family of records. */
export interface ModelFamily<Stored extends Document> {
  readonly family: RecordFamily;
  partitionOf(id: string): number;
  dueOf(stored: Stored): number | undefined;
  isOver(stored: Stored): boolean;
}

export interface Decided<Stored> {
  readonly result: unknown;
  readonly next?: Stored;
  readonly effects?: readonly Effect[];
}

interface Text {
  readonly text: string;
  /** It goes when its time is over. */
  readonly isKept: boolean;
  readonly document?: object;
}

const KEYS = new Keys('');

export class StoreModel {
  readonly #texts = new Map<string, Text>();
  readonly #lists = new Map<string, readonly string[]>();
  readonly #places = new Map<string, ReadonlyMap<string, number>>();
  readonly #used = new Set<string>();

  constructor(public nowMs: number) {}

  // ── Records ──────────────────────────────────────────────────────────────────────────────────────────────────

  find<Stored extends Document>(
    { family, partitionOf }: ModelFamily<Stored>,
    id: string,
  ): Stored | undefined {
    // What was written under this name is of this family.
    return this.#texts.get(KEYS.record(partitionOf(id), family, id))?.document as Stored | undefined;
  }

  /**
   * Decides on a record and writes what was decided, anew as long as others were faster.
   *
   * @param written hears of the change when it has become visible
   */
  *apply<Stored extends Document>(
    family: ModelFamily<Stored>,
    id: string,
    decide: (stored: Stored | undefined, nowMs: number) => Decided<Stored>,
    {
      once,
      written = () => undefined,
    }: { readonly once?: Once | undefined; readonly written?: () => void } = {},
  ): Flow<unknown> {
    for (;;) {
      const before = this.find(family, id);
      const { result, next, effects = [] } = decide(before, this.nowMs);
      if (!next) return result;
      const seen = this.seenIn(KEYS.record(family.partitionOf(id), family.family, id));
      const reply = yield* this.write(
        family.partitionOf(id),
        [toRecord(family, id, seen, next), ...effects],
        once,
        written,
      );
      if (reply !== 'moved') return reply === 'used' ? undefined : result;
    }
  }

  /** What has fallen due by now, the first of it first, and when the next falls due after now. */
  due(list: string, limit: number): { ids: string[]; nextMs: number | undefined } {
    const inOrder = [...(this.#places.get(list) ?? [])].toSorted(
      ([a, x], [b, y]) => x - y || (a < b ? -1 : 1),
    );
    const due = inOrder.filter(([, atMs]) => atMs <= this.nowMs);
    const next = inOrder.find(([, atMs]) => atMs > this.nowMs && Number.isFinite(atMs));
    return { ids: due.slice(0, limit).map(([id]) => id), nextMs: next?.[1] };
  }

  placeIn(list: string, member: string): number | undefined {
    return this.#places.get(list)?.get(member);
  }

  /** Puts what is due somewhere else in its list. */
  postpone(list: string, member: string, untilMs: number): void {
    const atMs = this.placeIn(list, member);
    if (atMs !== undefined && atMs <= this.nowMs) this.setPlace(list, member, untilMs);
  }

  /** Undefined: it is in the list no longer. */
  setPlace(list: string, member: string, atMs: number | undefined): void {
    const places = new Map(this.#places.get(list));
    if (atMs === undefined) places.delete(member);
    else places.set(member, atMs);
    this.#places.set(list, places);
  }

  /** What an auditor finds of a record, and puts right unless it is stuck. */
  prove<Stored extends Document>(family: ModelFamily<Stored>, id: string): string | undefined {
    const list = KEYS.recordTimers(family.partitionOf(id), family.family);
    const stored = this.find(family, id);
    const atMs = this.placeIn(list, id);
    if (!stored || family.isOver(stored)) {
      if (atMs === undefined) return undefined;
      this.setPlace(list, id, undefined);
      return 'left-over';
    }
    const dueMs = family.dueOf(stored) ?? Number.POSITIVE_INFINITY;
    const isStale = atMs !== undefined && atMs < this.nowMs - STUCK_MS;
    if (atMs === undefined || atMs > dueMs + LATE_MS || (isStale && dueMs > this.nowMs)) {
      this.setPlace(list, id, dueMs);
      return 'lost';
    }
    return isStale ? 'stuck' : undefined;
  }

  // ── Who has a conversation ───────────────────────────────────────────────────────────────────────────────────

  control(conversation: ConversationId): Control {
    const found = this.#texts.get(KEYS.control(conversation))?.document as Control | undefined; // as for records
    return found ?? untouched(conversation);
  }

  *applyControl(
    conversation: ConversationId,
    decide: (control: Control, nowMs: number) => ControlStep<unknown>,
    effectsOf: (
      before: Control,
      moved: NonNullable<ControlStep<unknown>['moved']>,
      nowMs: number,
    ) => readonly Effect[],
    {
      also = [],
      once,
      written = () => undefined,
    }: {
      readonly also?: readonly Effect[];
      readonly once?: Once | undefined;
      /** `nowMs` is when it was decided: a clock may be put back until it is written. */
      readonly written?: (
        before: Control,
        moved: NonNullable<ControlStep<unknown>['moved']>,
        nowMs: number,
      ) => void;
    } = {},
  ): Flow<unknown> {
    for (;;) {
      const before = this.control(conversation);
      const { nowMs } = this;
      const { result, moved } = decide(before, nowMs);
      if (!moved) return result;
      const effects = [...effectsOf(before, moved, nowMs), ...also];
      const reply = yield* this.write(partitionOf(conversation), effects, once, () =>
        written(before, moved, nowMs),
      );
      if (reply !== 'moved') return reply === 'used' ? undefined : result;
    }
  }

  // ── Writing ──────────────────────────────────────────────────────────────────────────────────────────────────

  *write(
    partition: number,
    effects: readonly Effect[],
    once?: Once,
    written: () => void = () => undefined,
  ): Flow<'written' | 'used' | 'moved'> {
    const how = yield 'write';
    const send = (): 'written' | 'used' | 'moved' => {
      const reply = this.writeNow(partition, effects, once);
      if (reply === 'written') written();
      return reply;
    };
    switch (how) {
      case 'done':
        return send();
      case 'twice':
        send();
        return send();
      case 'crash':
        throw new Died();
      case 'refused':
        throw new LineBroke();
      case 'reply-lost':
        send();
        throw new Died();
      case 'answer-lost':
        send();
        throw new LineBroke();
      default:
        return how satisfies never;
    }
  }

  /** What a key is told by: all it says, in whatever order its fields are; nothing where there is nothing. */
  seenIn(key: string): string {
    const found = this.#texts.get(key);
    return found === undefined ? '' : (canonicalize(found.document) ?? found.text);
  }

  /** A change of one place in a list, which is a write of its own. */
  *change(change: () => void): Flow<void> {
    const how = yield 'write';
    if (how === 'crash') throw new Died();
    if (how === 'refused') throw new LineBroke();
    change();
    if (how === 'reply-lost') throw new Died();
    if (how === 'answer-lost') throw new LineBroke();
  }

  /** All of them, or none; in one step. */
  writeNow(partition: number, effects: readonly Effect[], once?: Once): 'written' | 'used' | 'moved' {
    if (!effects.every((effect) => this.#isAsSeen(partition, effect))) return 'moved';
    if (!this.#isFirst(partition, once)) return 'used';
    for (const effect of effects) this.#follow(partition, effect);
    return 'written';
  }

  wasWritten(partition: number, key: string): boolean {
    return this.#used.has(KEYS.once(partition, key));
  }

  #isAsSeen(partition: number, effect: Effect): boolean {
    switch (effect.kind) {
      case 'record':
        return this.seenIn(KEYS.record(partition, effect.family, effect.id)) === effect.from;
      case 'control':
      case 'guard':
        return this.seenIn(KEYS.control(effect.conversationId)) === effect.from;
      default:
        return true;
    }
  }

  #isFirst(partition: number, once: Once | undefined): boolean {
    if (!once) return true;
    const key = KEYS.once(partition, once.key);
    if (this.#used.has(key)) return false;
    this.#used.add(key);
    return true;
  }

  #follow(partition: number, effect: Effect): void {
    switch (effect.kind) {
      case 'record': {
        const { family, id, rev, document, dueMs, keepMs } = effect;
        this.#keep(KEYS.record(partition, family, id), `${rev} ${document}`, keepMs, document);
        const atMs = keepMs === undefined ? (dueMs ?? Number.POSITIVE_INFINITY) : undefined;
        this.setPlace(KEYS.recordTimers(partition, family), id, atMs);
        return;
      }
      case 'control':
        this.#changeControl(partition, effect);
        return;
      case 'mail':
        if (this.#isFirst(partition, effect.once))
          this.#enqueue(partition, 'm', effect.conversationId, JSON.stringify(effect.item));
        return;
      case 'out':
        if (this.#isFirst(partition, effect.once))
          this.#enqueue(partition, effect.queue, effect.lane, JSON.stringify(effect.item));
        return;
      case 'hold':
        this.#push(KEYS.heldBack(effect.conversationId), JSON.stringify(effect.item));
        return;
      case 'entry':
        this.#push(KEYS.transcript(effect.conversationId), JSON.stringify(effect.entry));
        return;
      case 'audit':
        this.#push(KEYS.audit(partition), JSON.stringify(effect.event));
        return;
      case 'guard':
        return;
      default:
        throw new Error(`the model knows no effect ${effect.kind}`);
    }
  }

  #changeControl(partition: number, effect: Extract<Effect, { kind: 'control' }>): void {
    const { conversationId, ticket, document, dueMs, keepMs, release } = effect;
    this.#keep(KEYS.control(conversationId), document, keepMs, document.slice(document.indexOf('{')));
    this.#keep(KEYS.controlTicket(partition, ticket), conversationId, keepMs);
    this.setPlace(KEYS.controlTimers(partition), conversationId, dueMs);
    if (release === 'none') return;
    if (release === 'all') {
      const heldBack = KEYS.heldBack(conversationId);
      for (const item of this.items(heldBack)) this.#enqueue(partition, 'm', conversationId, item);
      this.#lists.delete(heldBack);
    }
    if (this.placeIn(KEYS.parked(partition), `m|${conversationId}`) === undefined) return;
    this.setPlace(KEYS.parked(partition), `m|${conversationId}`, undefined);
    this.#push(KEYS.ready(partition, 'm'), conversationId);
  }

  #keep(key: string, text: string, keepMs: number | 'as-before' | undefined, json?: string): void {
    const document = json === undefined ? {} : { document: JSON.parse(json) as object };
    this.#texts.set(key, { text, isKept: keepMs !== undefined, ...document });
  }

  #enqueue(partition: number, queue: Parameters<Keys['items']>[1], lane: string, item: string): void {
    const key = KEYS.items(partition, queue, lane);
    this.#push(key, item);
    // A lane with items is in its place already: in line, in hand, or parked.
    if (this.items(key).length === 1) this.#push(KEYS.ready(partition, queue), lane);
  }

  #push(key: string, item: string): void {
    this.#lists.set(key, [...this.items(key), item]);
  }

  // ── What can be seen ─────────────────────────────────────────────────────────────────────────────────────────

  /** Of a list, oldest first. */
  items(key: string): readonly string[] {
    return this.#lists.get(key) ?? [];
  }

  /** All lists, by name. */
  get lists(): ReadonlyMap<string, readonly string[]> {
    return this.#lists;
  }

  setItems(key: string, items: readonly string[]): void {
    if (items.length === 0) this.#lists.delete(key);
    else this.#lists.set(key, items);
  }

  /** What there is, key by key; what is empty is not there. */
  view(): StoreView {
    const view: Record<string, Held> = {};
    for (const [key, { text, isKept }] of this.#texts) view[key] = { text, isKept };
    for (const [key, items] of this.#lists) view[key] = items;
    for (const [key, places] of this.#places) if (places.size > 0) view[key] = Object.fromEntries(places);
    for (const key of this.#used) view[key] = { text: '1', isKept: true };
    return view;
  }

  /** The same once more, to go on from independently. */
  clone(): StoreModel {
    const copy = new StoreModel(this.nowMs);
    copy.restore(this);
    return copy;
  }

  /** Becomes what another one is, but for the time. */
  restore(other: StoreModel): void {
    replace(this.#texts, other.#texts);
    replace(this.#lists, other.#lists);
    replace(this.#places, other.#places);
    this.#used.clear();
    for (const key of other.#used) this.#used.add(key);
  }
}

function toRecord<Stored extends Document>(
  { family, dueOf, isOver }: ModelFamily<Stored>,
  id: string,
  from: string,
  next: Stored,
): Effect {
  return {
    kind: 'record',
    family,
    id,
    from,
    rev: next.rev,
    document: JSON.stringify(next),
    dueMs: dueOf(next),
    keepMs: isOver(next) ? 1 : undefined,
  };
}

/** A change of who speaks, without what else follows from it. */
export function toControlEffect(
  before: Control,
  next: Control,
  ticket: Extract<Effect, { kind: 'control' }>['ticket'],
): Effect {
  const isBot = next.state === 'BOT';
  return {
    kind: 'control',
    conversationId: next.conversationId,
    ticket,
    from: seenOf(before),
    document: `${next.epoch} ${next.rev} ${JSON.stringify(next)}`,
    dueMs: endOf(next),
    keepMs: isBot ? 1 : undefined,
    release: isBot ? 'all' : before.epoch === next.epoch ? 'none' : 'lane',
  };
}

/** What a control is told by that was read from the store: as `seenIn` says it of its key. */
export function seenOf(control: Control): string {
  return control.rev === 0 ? '' : (canonicalize(control) ?? '');
}

/** Values are never changed, only replaced, so a copy of the map is a copy of all. */
function replace<Value>(target: Map<string, Value>, source: ReadonlyMap<string, Value>): void {
  target.clear();
  for (const [key, value] of source) target.set(key, value);
}
