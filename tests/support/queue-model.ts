/**
 * What the keyed queue promises, as a plain program without Redis: the oracle its scripts are compared with.
 *
 * It holds the same state the scripts keep (`src/mailbox/*.lua`), in ordinary maps and lists, and answers every verb
 * as they must. Where the server may choose an order (several lanes of a dead session), the model leaves it open
 * until `settleOrder` is told.
 */
export interface LaneRef {
  readonly partition: number;
  readonly queue: string;
  readonly lane: string;
}

/** What a worker holds after a claim; enough to commit with. */
export interface ModelClaim extends LaneRef {
  readonly fence: number;
  readonly step: number;
  readonly session: string;
  readonly attempt: number;
  readonly failures: number;
  readonly item: string;
}

export type ModelEffect =
  | { readonly kind: 'entry'; readonly lane: string; readonly text: string }
  | { readonly kind: 'mail'; readonly lane: string; readonly item: string; readonly once?: string }
  | {
      readonly kind: 'out';
      readonly queue: string;
      readonly lane: string;
      readonly item: string;
      readonly session: string;
    }
  | {
      readonly kind: 'dead';
      readonly queue: string;
      readonly lane: string;
      readonly attempts: number;
      readonly item: string;
    };

export type ModelCommit =
  | { readonly kind: 'lost' }
  | { readonly kind: 'closed'; readonly handed: readonly ModelClaim[] }
  | { readonly kind: 'next'; readonly next: ModelClaim; readonly handed: readonly ModelClaim[] };

/** Everything that can be seen of one partition, in a form that two sides can be compared by. */
export interface PartitionView {
  readonly lanes: Readonly<
    Record<string, { items: readonly string[]; lease: Readonly<Record<string, string>> }>
  >;
  readonly ready: Readonly<Record<string, readonly string[]>>;
  readonly bells: Readonly<Record<string, number>>;
  readonly owned: Readonly<Record<string, readonly string[]>>;
  readonly sessions: readonly string[];
  readonly parked: readonly string[];
  readonly transcripts: Readonly<Record<string, readonly string[]>>;
  readonly dead: readonly string[];
}

interface Lease {
  attempts: number;
  /** Absent until one attempt failed, as on the server. */
  failures?: number;
  holder?: { fence: number; step: number; session: string };
}

class Partition {
  readonly items = new Map<string, string[]>();
  readonly leases = new Map<string, Lease>();
  readonly ready = new Map<string, string[]>();
  readonly bells = new Set<string>();
  readonly owned = new Map<string, Set<string>>();
  readonly sessions = new Map<string, 'beating' | 'expired'>();
  readonly parked = new Map<string, 'waiting' | 'due'>();
  readonly transcripts = new Map<string, string[]>();
  readonly seen = new Set<string>();
  dead: { queue: string; lane: string; item: string }[] = [];
  fence = 0;
}

export class QueueModel {
  readonly #partitions = new Map<number, Partition>();

  /** Accepted items, in the order of acceptance, by lane (`queue|lane`). */
  readonly accepted = new Map<string, string[]>();
  /** Items taken off by a commit, in order, by lane. */
  readonly committed = new Map<string, string[]>();

  constructor(partitions: readonly number[]) {
    for (const partition of partitions) this.#partitions.set(partition, new Partition());
  }

  // ── Sessions ───────────────────────────────────────────────────────────────────────────────────────────────

  openSession(session: string): void {
    for (const partition of this.#partitions.values()) partition.sessions.set(session, 'beating');
  }

  /** Its deadline has passed; nobody has noticed yet. */
  expire(session: string): void {
    for (const { sessions } of this.#partitions.values()) {
      if (sessions.has(session)) sessions.set(session, 'expired');
    }
  }

  /** @returns whether the session is alive after the beat */
  beat(session: string): boolean {
    let alive = true;
    for (const { sessions } of this.#partitions.values()) {
      if (sessions.has(session)) sessions.set(session, 'beating');
      else alive = false;
    }
    return alive;
  }

  /** Lanes given back, by ready list: they stand at its head, in an order the server chooses. */
  reap(): LaneRef[] {
    const released: LaneRef[] = [];
    for (const [index, partition] of this.#partitions) {
      for (const [session, state] of [...partition.sessions]) {
        if (state !== 'expired') continue;
        for (const member of partition.owned.get(session) ?? []) {
          const { queue, lane } = fromMember(member);
          delete partition.leases.get(member)?.holder;
          readyOf(partition, queue).unshift(lane);
          partition.bells.add(queue);
          released.push({ partition: index, queue, lane });
        }
        partition.owned.delete(session);
        partition.sessions.delete(session);
      }
    }
    return released;
  }

  /** Lanes given back, at the end of their ready lists. */
  reconcile(session: string, queue: string, working: ReadonlySet<string>): LaneRef[] {
    const released: LaneRef[] = [];
    for (const [index, partition] of this.#partitions) {
      for (const member of [...(partition.owned.get(session) ?? [])]) {
        const owned = fromMember(member);
        if (owned.queue !== queue || working.has(owned.lane)) continue;
        partition.owned.get(session)?.delete(member);
        delete partition.leases.get(member)?.holder;
        this.#schedule(partition, queue, owned.lane);
        released.push({ partition: index, queue, lane: owned.lane });
      }
    }
    return released;
  }

  /** Takes over the order the server chose for lanes that came back together; nothing else may differ. */
  settleOrder(
    { partition, queue }: Pick<LaneRef, 'partition' | 'queue'>,
    released: ReadonlySet<string>,
    order: readonly string[],
  ): void {
    const ready = readyOf(this.#at(partition), queue);
    const same = (lane: string, at: number): boolean =>
      lane === order[at] || (released.has(lane) && released.has(order[at] ?? ''));
    const permuted = order.toSorted().join('\n') === ready.toSorted().join('\n');
    if (permuted && ready.every(same)) ready.splice(0, ready.length, ...order);
  }

  // ── Items ──────────────────────────────────────────────────────────────────────────────────────────────────

  post(
    { partition: index, queue, lane }: LaneRef,
    id: string,
    session: string,
  ): { kind: 'duplicate' | 'stored' } | { kind: 'taken'; claim: ModelClaim } {
    const partition = this.#at(index);
    if (partition.seen.has(id)) return { kind: 'duplicate' };
    partition.seen.add(id);
    this.#note(this.accepted, queue, lane, id);
    if (!this.#push(partition, queue, lane, id)) return { kind: 'stored' };
    const claim = this.#leaseAtOnce(partition, index, queue, lane, session);
    if (claim) return { kind: 'taken', claim };
    this.#schedule(partition, queue, lane);
    return { kind: 'stored' };
  }

  /** Undefined when the session is not alive. */
  claim(index: number, queue: string, session: string, count: number): ModelClaim[] | undefined {
    const partition = this.#at(index);
    if (!partition.sessions.has(session)) return undefined;
    const ready = readyOf(partition, queue);
    const claims = ready.splice(0, count).map((lane) => this.#lease(partition, index, queue, lane, session));
    // Nothing ready to begin with: the script ends before it looks at the bell.
    if (claims.length > 0 && ready.length > 0) partition.bells.add(queue);
    return claims;
  }

  commit(claim: ModelClaim, effects: readonly ModelEffect[], mode: 'more' | 'yield'): ModelCommit {
    const { partition: index, queue, lane } = claim;
    const partition = this.#at(index);
    const member = toMember(queue, lane);
    const lease = partition.leases.get(member);
    const holder = lease?.holder;
    if (!lease || !holder || holder.fence !== claim.fence || holder.session !== claim.session) {
      return { kind: 'lost' };
    }
    const items = partition.items.get(member) ?? [];
    if (holder.step !== claim.step) {
      if (holder.step !== claim.step + 1) return { kind: 'lost' };
      return {
        kind: 'next',
        next: { ...claim, step: holder.step, attempt: 1, failures: 0, item: items[0]! },
        handed: [],
      };
    }
    const handed = this.#applyAll(partition, index, effects, claim.session);
    this.#note(this.committed, queue, lane, items.shift()!);
    const head = items[0];
    if (head !== undefined && mode === 'more') {
      lease.attempts = 1;
      delete lease.failures;
      holder.step = claim.step + 1;
      return {
        kind: 'next',
        next: { ...claim, step: holder.step, attempt: 1, failures: 0, item: head },
        handed,
      };
    }
    partition.leases.delete(member);
    partition.owned.get(claim.session)?.delete(member);
    if (head === undefined) partition.items.delete(member);
    else this.#schedule(partition, queue, lane);
    return { kind: 'closed', handed };
  }

  /** Whether this very step of this very claim could be committed now. */
  holds({ partition, queue, lane, fence, step, session }: ModelClaim): boolean {
    const holder = this.#at(partition).leases.get(toMember(queue, lane))?.holder;
    return holder?.fence === fence && holder.session === session && holder.step === step;
  }

  /** False when the lease was lost. */
  retryLater(
    claim: ModelClaim,
    pause: 'none' | 'parked',
    counting: 'counts' | 'free',
    effects: readonly ModelEffect[],
  ): boolean {
    const { partition: index, queue, lane } = claim;
    const partition = this.#at(index);
    const member = toMember(queue, lane);
    const lease = partition.leases.get(member);
    if (!lease?.holder || lease.holder.fence !== claim.fence || lease.holder.session !== claim.session) {
      return false;
    }
    this.#applyAll(partition, index, effects, '');
    delete lease.holder;
    if (counting === 'free') lease.attempts--;
    else lease.failures = (lease.failures ?? 0) + 1;
    partition.owned.get(claim.session)?.delete(member);
    if (pause === 'none') this.#schedule(partition, queue, lane);
    else partition.parked.set(member, 'waiting');
    return true;
  }

  /** The pause of one parked lane is over; nobody has looked yet. */
  makeDue({ partition, queue, lane }: LaneRef): boolean {
    const { parked } = this.#at(partition);
    const member = toMember(queue, lane);
    if (!parked.has(member)) return false;
    parked.set(member, 'due');
    return true;
  }

  unpark(index: number): number {
    const partition = this.#at(index);
    const due = [...partition.parked].filter(([, state]) => state === 'due').map(([member]) => member);
    // The sorted set names members of one score in the order of their bytes.
    for (const member of due.toSorted()) {
      const { queue, lane } = fromMember(member);
      partition.parked.delete(member);
      this.#schedule(partition, queue, lane);
    }
    return due.length;
  }

  // ── Dead letters ───────────────────────────────────────────────────────────────────────────────────────────

  deadCount(index: number): number {
    return this.#at(index).dead.length;
  }

  requeue(index: number, at: number): boolean {
    const partition = this.#at(index);
    const [letter] = partition.dead.splice(at, 1);
    if (!letter) return false;
    this.#note(this.accepted, letter.queue, letter.lane, letter.item);
    this.#enqueue(partition, letter.queue, letter.lane, letter.item);
    return true;
  }

  discard(index: number, at: number): boolean {
    return this.#at(index).dead.splice(at, 1).length === 1;
  }

  // ── Bells ──────────────────────────────────────────────────────────────────────────────────────────────────

  takeBell(index: number, queue: string): boolean {
    return this.#at(index).bells.delete(queue);
  }

  // ── What can be seen ───────────────────────────────────────────────────────────────────────────────────────

  view(index: number): PartitionView {
    const partition = this.#at(index);
    const members = new Set([...partition.items.keys(), ...partition.leases.keys()]);
    return {
      lanes: Object.fromEntries(
        [...members]
          .toSorted()
          .map((member) => [
            member,
            { items: partition.items.get(member) ?? [], lease: leaseFields(partition.leases.get(member)) },
          ]),
      ),
      ready: Object.fromEntries(nonEmpty(partition.ready)),
      bells: Object.fromEntries([...partition.bells].toSorted().map((queue) => [queue, 1])),
      owned: Object.fromEntries(
        [...partition.owned]
          .filter(([, lanes]) => lanes.size > 0)
          .toSorted(byKey)
          .map(([session, lanes]) => [session, [...lanes].toSorted()]),
      ),
      sessions: [...partition.sessions.keys()].toSorted(),
      parked: [...partition.parked.keys()].toSorted(),
      transcripts: Object.fromEntries(nonEmpty(partition.transcripts)),
      dead: partition.dead.map(({ item }) => item),
    };
  }

  // ── Steps several verbs share ──────────────────────────────────────────────────────────────────────────────

  #applyAll(
    partition: Partition,
    index: number,
    effects: readonly ModelEffect[],
    holder: string,
  ): ModelClaim[] {
    return effects.flatMap((effect) => this.#apply(partition, index, effect, holder));
  }

  #apply(partition: Partition, index: number, effect: ModelEffect, holder: string): ModelClaim[] {
    switch (effect.kind) {
      case 'entry': {
        const transcript = partition.transcripts.get(effect.lane) ?? [];
        partition.transcripts.set(effect.lane, [...transcript, effect.text]);
        return [];
      }
      case 'mail': {
        if (effect.once !== undefined) {
          if (partition.seen.has(effect.once)) return [];
          partition.seen.add(effect.once);
        }
        this.#note(this.accepted, 'm', effect.lane, effect.item);
        this.#enqueue(partition, 'm', effect.lane, effect.item);
        return [];
      }
      case 'out': {
        const { queue, lane, item, session } = effect;
        this.#note(this.accepted, queue, lane, item);
        if (!this.#push(partition, queue, lane, item)) return [];
        // Only the one who commits hears of it, so nobody else can be handed a lane.
        const mine = session === holder ? session : '';
        const claim = this.#leaseAtOnce(partition, index, queue, lane, mine);
        if (claim) return [claim];
        this.#schedule(partition, queue, lane);
        return [];
      }
      case 'dead':
        partition.dead.push({ queue: effect.queue, lane: effect.lane, item: effect.item });
        return [];
      default:
        return effect satisfies never;
    }
  }

  /** True when the lane had been empty. */
  #push(partition: Partition, queue: string, lane: string, item: string): boolean {
    const member = toMember(queue, lane);
    const items = partition.items.get(member) ?? [];
    partition.items.set(member, items);
    return items.push(item) === 1;
  }

  #enqueue(partition: Partition, queue: string, lane: string, item: string): void {
    if (this.#push(partition, queue, lane, item)) this.#schedule(partition, queue, lane);
  }

  #schedule(partition: Partition, queue: string, lane: string): void {
    readyOf(partition, queue).push(lane);
    partition.bells.add(queue);
  }

  #leaseAtOnce(
    partition: Partition,
    index: number,
    queue: string,
    lane: string,
    session: string,
  ): ModelClaim | undefined {
    if (session === '' || readyOf(partition, queue).length > 0 || !partition.sessions.has(session))
      return undefined;
    return this.#lease(partition, index, queue, lane, session);
  }

  #lease(partition: Partition, index: number, queue: string, lane: string, session: string): ModelClaim {
    const member = toMember(queue, lane);
    const lease = partition.leases.get(member) ?? { attempts: 0 };
    lease.attempts++;
    lease.holder = { fence: ++partition.fence, step: 0, session };
    partition.leases.set(member, lease);
    const owned = partition.owned.get(session) ?? new Set();
    partition.owned.set(session, owned.add(member));
    const item = partition.items.get(member)![0]!;
    const { attempts: attempt, failures = 0 } = lease;
    return { partition: index, queue, lane, ...lease.holder, attempt, failures, item };
  }

  #note(log: Map<string, string[]>, queue: string, lane: string, item: string): void {
    const member = toMember(queue, lane);
    log.set(member, [...(log.get(member) ?? []), item]);
  }

  #at(index: number): Partition {
    const partition = this.#partitions.get(index);
    if (!partition) throw new Error(`the model knows no partition ${index}`);
    return partition;
  }
}

/**
 * INV1: a lane with items is in exactly one of ready, a session's leased lanes, parked; one without items in none.
 *
 * @returns what is wrong, or undefined
 */
export function misplaced({ lanes, ready, owned, parked }: PartitionView): string | undefined {
  const places = [
    ...Object.entries(ready).flatMap(([queue, list]) => list.map((lane) => toMember(queue, lane))),
    ...Object.values(owned).flat(),
    ...parked,
  ];
  const withItems = Object.entries(lanes).filter(([, { items }]) => items.length > 0);
  for (const [member] of withItems) {
    const count = places.filter((place) => place === member).length;
    if (count !== 1) return `${member} has items and is in ${count} places`;
  }
  const stray = places.find((place) => !withItems.some(([member]) => member === place));
  return stray === undefined ? undefined : `${stray} has no items and still is somewhere`;
}

export function toMember(queue: string, lane: string): string {
  return `${queue}|${lane}`;
}

export function fromMember(member: string): { queue: string; lane: string } {
  const at = member.indexOf('|');
  return { queue: member.slice(0, at), lane: member.slice(at + 1) };
}

function readyOf(partition: Partition, queue: string): string[] {
  const ready = partition.ready.get(queue) ?? [];
  partition.ready.set(queue, ready);
  return ready;
}

function leaseFields(lease: Lease | undefined): Record<string, string> {
  if (!lease) return {};
  const { attempts, failures, holder } = lease;
  const counted = { a: String(attempts), ...(failures === undefined ? {} : { x: String(failures) }) };
  if (!holder) return counted;
  return { ...counted, f: String(holder.fence), n: String(holder.step), w: holder.session };
}

function nonEmpty(lists: ReadonlyMap<string, readonly string[]>): [string, readonly string[]][] {
  return [...lists].filter(([, list]) => list.length > 0).toSorted(byKey);
}

function byKey([a]: [string, unknown], [b]: [string, unknown]): number {
  return a < b ? -1 : 1;
}
