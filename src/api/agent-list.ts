/**
 * What the agent asked and still waits, page by page. No index holds it: it is found by its timers.
 *
 *   few wait    ─▶ all of it is read, newest first
 *   many wait   ─▶ it is read a page at a time in the order of its ids, which is none that means anything
 *
 * Invariant: whatever waits from the first page to the last is on one of them. When few become many on the way, the
 * pages begin anew, so that some of it comes twice.
 */
import type { ApprovalStore } from '../approvals/approval-store.ts';
import type { Approval } from '../domain/approval/record.ts';
import type { ApprovalId } from '../domain/ids.ts';

/** Read for one page, at most; so many are few. */
const MOST_LOOKED_AT = 500;
/** Of these, read at a time. */
const READ_AT_ONCE = 100;
/** What stands in a cursor in the place of the time, where the ids alone say how far it got. */
const BY_ID = '0';

export interface AgentPage {
  readonly found: readonly Approval[];
  /** Where the next page begins; undefined when this is the last. */
  readonly place: string | undefined;
}

export class AgentList {
  constructor(
    private readonly approvals: Pick<ApprovalStore, 'find' | 'pendingIds'>,
    private readonly mostLookedAt = MOST_LOOKED_AT,
  ) {}

  /** @param place of the page before: `<opened, in ms>.<id>` */
  async page(
    wanted: (approval: Approval) => boolean,
    place: string | undefined,
    limit: number,
  ): Promise<AgentPage> {
    const ids = (await this.approvals.pendingIds()).toSorted();
    const isWanted = (approval: Approval) => approval.client === undefined && wanted(approval);
    const isById = place?.startsWith(`${BY_ID}.`) ?? false;
    return isById || ids.length > this.mostLookedAt
      ? this.#byId(ids, isWanted, isById ? place?.slice(BY_ID.length + 1) : undefined, limit)
      : this.#newestFirst(ids, isWanted, place, limit);
  }

  async #newestFirst(
    ids: readonly ApprovalId[],
    isWanted: (approval: Approval) => boolean,
    place: string | undefined,
    limit: number,
  ): Promise<AgentPage> {
    const all = (await this.#read(ids)).filter(isWanted).toSorted(isNewer);
    const left = place === undefined ? all : all.filter((each) => isBehind(each, place));
    const found = left.slice(0, limit);
    const last = found.at(-1);
    return { found, place: left.length > limit && last ? placeOf(last) : undefined };
  }

  async #byId(
    ids: readonly ApprovalId[],
    isWanted: (approval: Approval) => boolean,
    after: string | undefined,
    limit: number,
  ): Promise<AgentPage> {
    const left = ids.filter((id) => after === undefined || id > after).slice(0, this.mostLookedAt);
    const found: Approval[] = [];
    let last: ApprovalId | undefined;
    for (let n = 0; n < left.length && found.length < limit; n += READ_AT_ONCE) {
      const read = (await this.#read(left.slice(n, n + READ_AT_ONCE))).filter(isWanted);
      const taken = read.slice(0, limit - found.length);
      found.push(...taken);
      last = taken.length < read.length ? taken.at(-1)?.id : left.slice(n, n + READ_AT_ONCE).at(-1);
    }
    const isLast = last === undefined || last === ids.at(-1);
    return { found, place: isLast ? undefined : `${BY_ID}.${last}` };
  }

  /** One that cannot be read hides no other. */
  async #read(ids: readonly ApprovalId[]): Promise<Approval[]> {
    const reads = await Promise.allSettled(ids.map((id) => this.approvals.find(id)));
    return reads.flatMap((read) => (read.status === 'fulfilled' ? (read.value ?? []) : []));
  }
}

function isNewer(one: Approval, other: Approval): number {
  return other.openedMs - one.openedMs || (one.id < other.id ? -1 : 1);
}

function placeOf({ openedMs, id }: Approval): string {
  return `${openedMs}.${id}`;
}

function isBehind({ openedMs, id }: Approval, place: string): boolean {
  const [, atMs = '', last = ''] = /^(\d+)\.(.+)$/.exec(place) ?? [];
  return openedMs < Number(atMs) || (openedMs === Number(atMs) && id > last);
}
