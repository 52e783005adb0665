/**
 * Who is on call: rotations in layers, overrides on top, somebody underneath.
 *
 * Owns      which one person a schedule names at an instant, and when that changes. Instants are ms since the epoch.
 * Not here  what a local time means where the clock jumps (`time-zone.ts`), who can be reached.
 *
 * Rules
 *   1. Shifts are counted on the clock on the wall, from the rotation's start: a handover at 09:00 stays at 09:00 when
 *      the clock changes, and the shift before it is then an hour longer or shorter. A shift the clock skips
 *      altogether does not take place.
 *   2. Of the rotations that cover an instant the last in the list counts. A rotation covers from its start on, within
 *      its `restrict`.
 *   3. Overrides without `replaces` go before everything; of several the last in the list counts.
 *   4. Overrides with `replaces` (swaps) apply where the rotations or the fallback name that person; of several the
 *      last in the list counts. They are not followed further: who swaps a shift gets that shift, not a chain of them.
 *   5. The fallback is on call when no rotation covers.
 *
 * Invariants
 *   E8  The answer depends on the schedule, the holidays, the time-zone database and the instant alone. Override goes
 *       before swap goes before rotation. Shifts are half-open: a boundary itself leaves no instant without an owner
 *       and gives none two.
 */
import type { PersonId } from '../domain/ids.ts';
import type { Hours } from './hours.ts';
import type { Interval } from './interval.ts';
import type { TimeZone, WallTime } from './time-zone.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
/** Where looking for the next change ends: with one person in every rotation there is none. */
const LOOK_AHEAD_MS = 366 * DAY_MS;

/** Who takes turns. */
export interface Rotation {
  readonly name?: string | undefined;
  /** When the first one takes over. */
  readonly start: WallTime;
  /** How long a shift lasts on the clock on the wall, in ms. */
  readonly shift: number;
  /** In order, at least one. */
  readonly people: readonly PersonId[];
}

/** An exception, `until` not included. */
export interface Override {
  readonly from: WallTime;
  readonly until: WallTime;
  readonly person: PersonId;
  readonly replaces?: PersonId | undefined;
}

/** What is exceptional about a schedule, and who stands underneath. */
export interface Exceptions {
  readonly overrides: readonly Override[];
  readonly fallback?: PersonId | undefined;
}

export interface OnCall {
  readonly person: PersonId;
  readonly because: OnCallReason;
}

/** Indexes count from 0, in the order of the configuration. */
export type OnCallReason =
  | { readonly kind: 'override'; readonly override: number }
  | { readonly kind: 'swap'; readonly override: number; readonly replaces: PersonId }
  | {
      readonly kind: 'rotation';
      readonly rotation: number;
      /** Its name; for one without, its place in the list counted from 1. */
      readonly name: string;
      /** Counted from 0 at the rotation's start. */
      readonly shift: number;
    }
  | { readonly kind: 'fallback' };

/** One person for one reason, in one piece. */
export interface Shift extends OnCall, Interval {}

/** A rotation with the hours it covers; undefined covers always. */
export interface Layer {
  readonly rotation: Rotation;
  readonly covered: Hours | undefined;
}

export class OnCallSchedule {
  constructor(
    private readonly zone: TimeZone,
    private readonly exceptions: Exceptions,
    private readonly layers: readonly Layer[],
  ) {}

  /** Undefined when nobody is: no rotation covers, and there is no fallback. */
  onCallAt(instant: number): OnCall | undefined {
    const wall = this.zone.wallAt(instant);
    return this.#overrideAt(wall) ?? this.#swapped(wall, this.#rotationAt(wall, instant) ?? this.#fallback());
  }

  /**
   * Who is on call between two instants, in order and cut to them; time without anybody is left out. Two shifts that
   * follow each other differ in person or reason.
   */
  shiftsBetween(from: number, until: number): Shift[] {
    const shifts: Shift[] = [];
    for (let at = from; at < until; ) {
      const next = Math.min(this.#nextBoundary(at, nextHandover), until);
      const onCall = this.onCallAt(at);
      const last = shifts.at(-1);
      if (onCall !== undefined && last !== undefined && last.until === at && isSame(last, onCall)) {
        shifts[shifts.length - 1] = { ...last, until: next };
      } else if (onCall !== undefined) {
        shifts.push({ ...onCall, from: at, until: next });
      }
      at = next;
    }
    return shifts;
  }

  /** When the next instant comes at which another person, or nobody, is on call. Undefined if not within a year. */
  nextChange(instant: number): number | undefined {
    const current = this.onCallAt(instant)?.person;
    const horizon = instant + LOOK_AHEAD_MS;
    for (
      let at = this.#nextBoundary(instant, nextPerson);
      at < horizon;
      at = this.#nextBoundary(at, nextPerson)
    ) {
      if (this.onCallAt(at)?.person !== current) return at;
    }
    return undefined;
  }

  /** Everyone it could ever name, each once: for checking that they exist and may do what they will be asked. */
  people(): PersonId[] {
    const { overrides, fallback } = this.exceptions;
    return [
      ...new Set([
        ...this.layers.flatMap(({ rotation }) => rotation.people),
        ...overrides.map(({ person }) => person),
        ...(fallback === undefined ? [] : [fallback]),
      ]),
    ];
  }

  #overrideAt(wall: WallTime): OnCall | undefined {
    const override = this.exceptions.overrides.findLastIndex(
      (candidate) => candidate.replaces === undefined && isDuring(candidate, wall),
    );
    const person = this.exceptions.overrides[override]?.person;
    return person && { person, because: { kind: 'override', override } };
  }

  #swapped(wall: WallTime, regular: OnCall | undefined): OnCall | undefined {
    if (regular === undefined) return undefined;
    const override = this.exceptions.overrides.findLastIndex(
      (candidate) => candidate.replaces === regular.person && isDuring(candidate, wall),
    );
    const person = this.exceptions.overrides[override]?.person;
    return person ? { person, because: { kind: 'swap', override, replaces: regular.person } } : regular;
  }

  #rotationAt(wall: WallTime, instant: number): OnCall | undefined {
    for (let index = this.layers.length - 1; index >= 0; index--) {
      const layer = this.layers[index];
      if (layer === undefined || wall < layer.rotation.start || layer.covered?.isOpen(instant) === false)
        continue;

      const shift = shiftAt(layer.rotation, wall);
      const person = layer.rotation.people[shift % layer.rotation.people.length];
      const name = layer.rotation.name ?? String(index + 1);
      return person && { person, because: { kind: 'rotation', rotation: index, name, shift } };
    }
    return undefined;
  }

  #fallback(): OnCall | undefined {
    const person = this.exceptions.fallback;
    return person && { person, because: { kind: 'fallback' } };
  }

  /**
   * The first instant after this one at which the answer may be another; infinite if it stays for ever. Of the rotations
   * only those count that show: the highest that covers, and those above it, which may begin to.
   */
  #nextBoundary(instant: number, nextTurn: NextTurn): number {
    const boundary = this.#boundaryAfter(instant, nextTurn);
    // Whoever walks from boundary to boundary would never arrive.
    if (boundary <= instant) throw new Error(`the boundary after ${instant} is ${boundary}`);
    return boundary;
  }

  #boundaryAfter(instant: number, nextTurn: NextTurn): number {
    const wall = this.zone.wallAt(instant);
    const edges = this.exceptions.overrides.flatMap(({ from, until }) => [from, until]);
    const edge = this.#instantOf(Math.min(...edges.filter((candidate) => candidate > wall)));
    if (this.#overrideAt(wall) !== undefined) return edge;

    let first = edge;
    for (const { rotation, covered } of this.layers.toReversed()) {
      if (wall < rotation.start) {
        first = Math.min(first, this.#instantOf(rotation.start));
        continue;
      }
      // Hours without a change look ahead as far as the longest shift, after which they are asked again.
      if (covered) first = Math.min(first, covered.nextChange(instant) ?? Infinity);
      if (covered?.isOpen(instant) === false) continue;
      return Math.min(first, this.#instantOf(nextTurn(rotation, shiftAt(rotation, wall))));
    }
    return first;
  }

  #instantOf(wall: WallTime): number {
    return wall === Infinity ? Infinity : this.zone.instantOf(wall);
  }
}

/** When the turn ends that began with this shift; infinite if it never does. */
type NextTurn = (rotation: Rotation, shift: number) => WallTime;

function nextHandover({ start, shift: length }: Rotation, shift: number): WallTime {
  return start + (shift + 1) * length;
}

/** A handover from a person to themselves is none. */
function nextPerson(rotation: Rotation, shift: number): WallTime {
  const { people } = rotation;
  const turn = shift % people.length;
  const inOrder = [...people.slice(turn + 1), ...people.slice(0, turn)];
  const shiftsAhead = inOrder.findIndex((person) => person !== people[turn]);
  return shiftsAhead === -1 ? Infinity : nextHandover(rotation, shift + shiftsAhead);
}

function shiftAt({ start, shift }: Rotation, wall: WallTime): number {
  return Math.floor((wall - start) / shift);
}

function isDuring({ from, until }: Override, wall: WallTime): boolean {
  return from <= wall && wall < until;
}

function isSame(a: OnCall, b: OnCall): boolean {
  if (a.person !== b.person) return false;
  switch (a.because.kind) {
    case 'fallback':
      return b.because.kind === 'fallback';
    case 'rotation':
      return (
        b.because.kind === 'rotation' &&
        a.because.rotation === b.because.rotation &&
        a.because.shift === b.because.shift
      );
    case 'override':
    case 'swap':
      return a.because.kind === b.because.kind && a.because.override === b.because.override;
    default:
      return a.because satisfies never;
  }
}
