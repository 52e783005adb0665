/**
 * What a partition promises about its approvals, as a plain program without Redis: the oracle its scripts are compared
 * with.
 *
 * It keeps what `src/approvals/*.lua` keep, in maps and lists, and answers as they must. What an event does to an
 * approval is the state machine's own business (`src/domain/approval/`); here is what becomes of it: it is written if
 * the record it was decided on is still there and the time is right, with all that follows from it, or not at all.
 */
import { markOf } from '../../src/approvals/approval-audit.ts';
import { consequencesOf, consequencesOfOpening } from '../../src/approvals/consequences.ts';
import { inboxesOf } from '../../src/approvals/inbox.ts';
import { type Approval, isEnded, type Step } from '../../src/domain/approval/record.ts';
import { type Circumstances, dueOf } from '../../src/domain/approval/time.ts';
import type { AuditEvent } from '../../src/domain/audit-event.ts';
import type { ApprovalId } from '../../src/domain/ids.ts';
import type { Outage } from '../../src/domain/outage.ts';
import type { Effect } from '../../src/redis/effects.ts';

/** As in lanes.lua and due.lua: how long nobody looked is an outage, how often a look is noted, how many outages are kept. */
const OUTAGE_MS = 60_000;
const NOTE_EVERY_MS = 10_000;
const OUTAGES_KEPT = 20;

/** Times a decision is taken anew, as in the store. */
const MOST_TRIES = 50;

/** Puts an event to the state machine. Called again when somebody was faster, so it must not remember anything. */
export type Decide = (approval: Approval, nowMs: number, circumstances: Circumstances) => Step<unknown>;

/** How the process that applies an event fares. */
export type Fate =
  | 'done'
  /** It ends after it has read, before anything of what it decided has gone out. */
  | 'crash'
  /** It ends, or the line breaks, after the write and before the answer. */
  | 'reply-lost'
  /** The line broke after the write, which is sent again after the reconnect. */
  | 'twice'
  /** It stands still between reading and writing, until it is released. */
  | 'held';

export type Outcome =
  | { readonly kind: 'answered'; readonly result: unknown }
  | { readonly kind: 'crashed' }
  | { readonly kind: 'held' };

/** What a process decided on what it had read; nothing of it is written yet. */
export interface Intent {
  readonly id: ApprovalId;
  readonly decide: Decide;
  readonly before: Approval;
  /** The time it was decided by. */
  readonly nowMs: number;
  readonly step: Step<unknown> & { readonly moved: NonNullable<Step<unknown>['moved']> };
}

/** A change that became visible. */
export interface Written {
  readonly before: Approval;
  readonly after: Approval;
  readonly moved: NonNullable<Step<unknown>['moved']>;
  readonly window: Step<unknown>['window'];
  /** The time it was decided by, and that at which it was written. */
  readonly decidedMs: number;
  readonly nowMs: number;
}

/** Everything that can be seen of the partition, in a form that two sides can be compared by. */
export interface PartitionView {
  readonly approvals: ReadonlyMap<ApprovalId, Approval>;
  /** Those that go when their time is over. */
  readonly ending: readonly ApprovalId[];
  readonly timers: ReadonlyMap<string, number>;
  /** By inbox, which approvals lie in it, with their deadline. */
  readonly inboxes: ReadonlyMap<string, Readonly<Record<string, number>>>;
  readonly clockMs: number;
  readonly watchedMs: number | undefined;
  readonly outages: readonly Outage[];
  /** What waits in every lane, as JSON. */
  readonly lanes: ReadonlyMap<string, readonly string[]>;
  readonly audit: readonly AuditEvent[];
}

export class ApprovalModel {
  readonly #approvals = new Map<ApprovalId, Approval>();
  readonly #timers = new Map<ApprovalId, number>();
  readonly #lanes = new Map<string, object[]>();
  /** What each conversation has taken up last. */
  readonly #heard = new Map<ApprovalId, string>();
  #audit: AuditEvent[] = [];
  #outages: Outage[] = [];
  #watchedMs: number | undefined;

  constructor(
    public nowMs: number,
    private readonly copiesFor: Circumstances['copiesFor'],
    /** Hears of every change, in order. */
    private readonly written: (change: Written) => void,
    /** Without what follows from changes it is faster, where only the approvals matter. */
    private readonly isFollowed = true,
  ) {}

  // ── Verbs of the store ───────────────────────────────────────────────────────────────────────────────────────

  /** With what follows from it; an approval that is there stays as it is. */
  open(approval: Approval): void {
    this.#create(approval);
    for (const effect of consequencesOfOpening(approval, this.nowMs)) this.#follow(effect);
  }

  openAgain(approval: Approval): void {
    this.#create(approval);
  }

  find(id: ApprovalId): Approval | undefined {
    return this.#approvals.get(id);
  }

  /** Its conversation takes up what it came to. */
  hear(id: ApprovalId): void {
    const approval = this.#approvals.get(id);
    if (approval) this.#heard.set(id, markOf(approval));
  }

  isUnheard(id: ApprovalId): boolean {
    const approval = this.#approvals.get(id);
    return approval?.state === 'APPROVED' && this.#heard.get(id) !== markOf(approval);
  }

  /** Reads, decides and writes, as the process fares. */
  apply(id: ApprovalId, decide: Decide, fate: Fate): { outcome: Outcome; intent?: Intent } {
    const intent = this.#intend(id, decide, this.#approvals.get(id));
    if ('result' in intent) return { outcome: { kind: 'answered', result: intent.result } };
    switch (fate) {
      case 'crash':
        return { outcome: { kind: 'crashed' } };
      case 'held':
        return { outcome: { kind: 'held' }, intent };
      case 'reply-lost':
        this.#write(intent);
        return { outcome: { kind: 'crashed' } };
      case 'twice':
        this.#write(intent);
        return { outcome: this.#finish(intent) };
      case 'done':
        return { outcome: this.#finish(intent) };
      default:
        return fate satisfies never;
    }
  }

  /** What was held goes on; `crashed` when its process is no longer there to hear of it. */
  release(intent: Intent, fate: 'done' | 'reply-lost'): Outcome {
    if (fate === 'done') return this.#finish(intent);
    this.#write(intent);
    return { kind: 'crashed' };
  }

  /** A look at what has fallen due: the first of it, and when the next falls due after now. */
  due(limit: number): { ids: ApprovalId[]; nextMs: number | undefined; outages: readonly Outage[] } {
    if (limit > 0) this.#noteLook();
    const inOrder = [...this.#timers].toSorted(([a, x], [b, y]) => x - y || (a < b ? -1 : 1));
    const isDue = ([, dueMs]: [ApprovalId, number]): boolean => dueMs <= this.nowMs;
    return {
      ids: inOrder
        .filter(isDue)
        .slice(0, limit)
        .map(([id]) => id),
      nextMs: inOrder.find((timer) => !isDue(timer))?.[1],
      outages: [...this.#outages],
    };
  }

  /** Its timer was lost, as nothing of ours loses it. */
  loseTimer(id: ApprovalId): void {
    this.#timers.delete(id);
  }

  /** False if the approval is not the one that was looked at. */
  rearm({ id, rev }: Pick<Approval, 'id' | 'rev'>, dueMs: number | undefined): boolean {
    if (this.#approvals.get(id)?.rev !== rev) return false;
    if (dueMs === undefined) this.#timers.delete(id);
    else this.#timers.set(id, dueMs);
    return true;
  }

  // ── What can be seen ─────────────────────────────────────────────────────────────────────────────────────────

  view(): PartitionView {
    return {
      approvals: this.#approvals,
      ending: [...this.#approvals.values()].filter(({ state }) => isEnded(state)).map(({ id }) => id),
      timers: this.#timers,
      inboxes: this.#inboxes(),
      clockMs: this.nowMs,
      watchedMs: this.#watchedMs,
      outages: this.#outages,
      lanes: new Map(
        [...this.#lanes].map(([lane, items]) => [lane, items.map((item) => JSON.stringify(item))]),
      ),
      audit: this.#audit,
    };
  }

  /** Items of one lane, oldest first. */
  items(lane: string): readonly object[] {
    return this.#lanes.get(lane) ?? [];
  }

  /** Items of all lanes whose queue begins so. */
  itemsOf(queue: string): readonly object[] {
    return [...this.#lanes].flatMap(([lane, items]) => (lane.startsWith(queue) ? items : []));
  }

  /** When nobody of ours looked, with the one that goes on. */
  get outages(): readonly Outage[] {
    return this.#outagesByNow();
  }

  get audit(): readonly AuditEvent[] {
    return this.#audit;
  }

  // ── Copies of all of it ──────────────────────────────────────────────────────────────────────────────────────

  /** The same once more, to go on from independently; nobody hears of what happens to it. */
  clone({ isFollowed = this.isFollowed } = {}): ApprovalModel {
    const copy = new ApprovalModel(this.nowMs, this.copiesFor, () => undefined, isFollowed);
    copy.restore(this);
    return copy;
  }

  /** Becomes what another one is, but for the time, which never goes back. */
  restore(other: ApprovalModel): void {
    replace(this.#approvals, other.#approvals);
    replace(this.#timers, other.#timers);
    replace(this.#heard, other.#heard);
    replace(this.#lanes, new Map([...other.#lanes].map(([lane, items]) => [lane, [...items]])));
    this.#audit = [...other.#audit];
    this.#outages = [...other.#outages];
    this.#watchedMs = other.#watchedMs;
  }

  /** Whoever looks into one finds exactly what waits for them. */
  #inboxes(): PartitionView['inboxes'] {
    const inboxes = new Map<string, Record<string, number>>();
    for (const approval of this.#approvals.values()) {
      for (const name of inboxesOf(approval)) {
        inboxes.set(name, { ...inboxes.get(name), [approval.id]: approval.deadlineMs });
      }
    }
    return inboxes;
  }

  // ── Steps several verbs share ────────────────────────────────────────────────────────────────────────────────

  #intend(
    id: ApprovalId,
    decide: Decide,
    before: Approval | undefined,
  ): Intent | { readonly result: unknown } {
    if (!before) return { result: undefined };
    const outages = this.#outagesByNow();
    const step = decide(before, this.nowMs, { outages, copiesFor: this.copiesFor });
    const { moved } = step;
    if (!moved) return { result: step.result };
    return { id, decide, before, nowMs: this.nowMs, step: { ...step, moved } };
  }

  /** Writes what was decided; as long as somebody was faster, or it is no longer the time, it is decided anew. */
  #finish(first: Intent): Outcome {
    let intent = first;
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      if (this.#write(intent)) return { kind: 'answered', result: intent.step.result };
      const next = this.#intend(intent.id, intent.decide, this.#approvals.get(intent.id));
      if ('result' in next) return { kind: 'answered', result: next.result };
      intent = next;
    }
    throw new Error('a decision that nobody disturbs has to be written');
  }

  /** All of it, or nothing when it was decided on another record or is not the time. */
  #write({ id, before, nowMs, step: { moved, window } }: Intent): boolean {
    // To the last field: where writes were lost, a revision is counted twice.
    if (!isSame(this.#approvals.get(id), before)) return false;
    if (this.nowMs < (window?.notBeforeMs ?? 0)) return false;
    if (window?.beforeMs !== undefined && this.nowMs >= window.beforeMs) return false;
    const { next } = moved;
    this.#approvals.set(id, next);
    const dueMs = dueOf(next);
    if (dueMs === undefined) this.#timers.delete(id);
    else this.#timers.set(id, dueMs);
    if (this.isFollowed) for (const effect of consequencesOf(before, moved, nowMs)) this.#follow(effect);
    this.written({ before, after: next, moved, window, decidedMs: nowMs, nowMs: this.nowMs });
    return true;
  }

  #create(approval: Approval): void {
    if (this.#approvals.has(approval.id)) return;
    this.#approvals.set(approval.id, approval);
    const dueMs = dueOf(approval);
    if (dueMs !== undefined) this.#timers.set(approval.id, dueMs);
  }

  #follow(effect: Effect): void {
    switch (effect.kind) {
      case 'mail':
        this.#push(`m|${effect.conversationId}`, effect.item);
        return;
      case 'out':
        this.#push(`${effect.queue}|${effect.lane}`, effect.item);
        return;
      case 'audit':
        this.#audit.push(effect.event);
        return;
      default:
        throw new Error(`the model knows no effect ${effect.kind}`);
    }
  }

  #push(lane: string, item: object): void {
    const items = this.#lanes.get(lane) ?? [];
    items.push(item);
    this.#lanes.set(lane, items);
  }

  /** Also the one that nobody has looked after yet. */
  #outagesByNow(): readonly Outage[] {
    const fromMs = this.#watchedMs ?? this.nowMs;
    return this.nowMs - fromMs < OUTAGE_MS
      ? this.#outages
      : [...this.#outages, { fromMs, untilMs: this.nowMs }];
  }

  #noteLook(): void {
    const watchedMs = this.#watchedMs ?? this.nowMs;
    if (this.nowMs - watchedMs >= OUTAGE_MS) {
      this.#outages = [...this.#outages, { fromMs: watchedMs, untilMs: this.nowMs }].slice(-OUTAGES_KEPT);
    }
    if (this.nowMs - watchedMs >= NOTE_EVERY_MS || watchedMs === this.nowMs) this.#watchedMs = this.nowMs;
  }
}

function replace<Key, Value>(target: Map<Key, Value>, source: ReadonlyMap<Key, Value>): void {
  target.clear();
  for (const [key, value] of source) target.set(key, value);
}

/** Where two values differ first, and how; undefined when they are the same, whatever the order of their fields. */
export function differenceOf(expected: unknown, actual: unknown, path: string): string | undefined {
  const [wanted, found] = [plain(expected), plain(actual)];
  if (Object.is(wanted, found)) return undefined;
  if (!isObject(wanted) || !isObject(found) || Array.isArray(wanted) !== Array.isArray(found)) {
    return `${path} is ${JSON.stringify(found)}, not ${JSON.stringify(wanted)}`;
  }
  for (const key of new Set([...Object.keys(wanted), ...Object.keys(found)])) {
    const difference = differenceOf(wanted[key], found[key], `${path}.${key}`);
    if (difference !== undefined) return difference;
  }
  return undefined;
}

/** The same values; a field that is undefined is none. */
export function isSame(a: unknown, b: unknown): boolean {
  return differenceOf(a, b, '') === undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function plain(value: unknown): unknown {
  return value instanceof Map ? Object.fromEntries(value) : value;
}
