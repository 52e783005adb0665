/** A clock that is set ahead is not believed until it has gone right for a while; any course of it, any processes. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Adjustment,
  adjusted,
  type Hold,
  judge,
  QUARANTINE_MS,
  TOLERANCE_MS,
  type Watch,
} from '../../../src/domain/store-clock.ts';
import { runs } from '../../support/property-runs.ts';

const HOUR = 3_600_000;
const NEVER: Hold = { ms: 0, n: 0 };

/** The store's clock, which may be set, and processes that look at it, each with a clock nobody sets. */
class World {
  hold = NEVER;
  /** Real time, in ms. */
  realMs = 1_000_000;
  /** How far the store's clock is ahead, and how far it was when that was confirmed last. */
  aheadMs = 0;
  believedMs = 0;
  readonly adjustments: Adjustment['why'][] = [];
  readonly #watches = new Map<number, Watch>();

  /** What things are judged by, but for the mark below which it never goes. */
  get trustedMs(): number {
    return this.realMs + this.aheadMs - this.hold.ms;
  }

  /** @param waitMs before and after the store answers */
  look(process = 0, waitMs: readonly [number, number] = [0, 0]): Adjustment['why'] | undefined {
    const askedMs = this.#monotonic(process);
    this.realMs += waitMs[0];
    const { hold } = this;
    const storeMs = this.realMs + this.aheadMs;
    this.realMs += waitMs[1];
    const sample = { askedMs, answeredMs: this.#monotonic(process), storeMs, hold };
    const { watch, adjustment } = judge(this.#watches.get(process), sample);
    this.#watches.set(process, watch);
    if (!adjustment) return undefined;
    this.hold = { ms: adjustment.ms, n: hold.n + 1 };
    this.#watches.set(process, adjusted(watch, this.hold));
    this.adjustments.push(adjustment.why);
    if (adjustment.why === 'confirmed') this.believedMs = this.aheadMs;
    return adjustment.why;
  }

  /** The process ends, and another one begins in its place. */
  restart(process: number): void {
    this.#watches.delete(process);
  }

  /** Looks every half second for so long. */
  pass(forMs: number, processes: readonly number[] = [0]): void {
    for (const endMs = this.realMs + forMs; this.realMs < endMs; this.realMs += 500)
      for (const process of processes) this.look(process);
  }

  #monotonic(process: number): number {
    return this.realMs - process * 7 * HOUR;
  }
}

describe('the clock of the store', () => {
  it('A20 is not believed when it leaps ahead, is when it returns, and nothing was judged by it', () => {
    const world = new World();
    world.pass(2_000);
    const before = world.trustedMs - world.realMs;

    world.aheadMs = 2 * HOUR;
    expect(world.look()).toBe('leapt');
    world.pass(20_000);
    expect(world.trustedMs - world.realMs).toBe(before);
    world.aheadMs = 0;
    expect(world.look()).toBe('returned');

    expect(world.trustedMs - world.realMs).toBe(before);
    expect(world.hold.ms).toBe(0);
  });

  it('A20 is believed as it is now once it has gone right for the quarantine, and not a look earlier', () => {
    const world = new World();
    world.pass(2_000);
    world.aheadMs = 2 * HOUR;
    world.look();

    world.pass(QUARANTINE_MS);
    expect([world.hold.ms, world.adjustments]).toEqual([2 * HOUR, ['leapt']]);
    world.look();

    expect([world.hold.ms, world.adjustments]).toEqual([0, ['leapt', 'confirmed']]);
    world.pass(60_000);
    expect(world.adjustments).toHaveLength(2);
  });

  it('begins the quarantine anew with each leap, and takes the leaps off together', () => {
    const world = new World();
    world.pass(2_000);
    world.aheadMs = HOUR;
    world.pass(QUARANTINE_MS - 5_000);
    world.aheadMs = 3 * HOUR;
    world.pass(QUARANTINE_MS - 5_000);
    expect([world.hold.ms, world.adjustments]).toEqual([3 * HOUR, ['leapt', 'leapt']]);

    world.aheadMs = HOUR;
    world.pass(QUARANTINE_MS - 5_000);
    expect(world.hold.ms).toBe(HOUR);

    world.pass(10_000);
    expect(world.hold.ms).toBe(0);
    expect(world.adjustments.at(-1)).toBe('confirmed');
  });

  it('is not said to leap by a slow answer, a process that stood still, or one that has just begun', () => {
    const world = new World();
    world.look(0, [60_000, 3_000]);
    world.look(0, [0, 90_000]);
    world.realMs += 10 * HOUR;
    world.look(0, [45_000, 0]);
    world.restart(0);
    world.aheadMs = HOUR;

    world.look(0);

    expect(world.adjustments).toEqual([]);
  });

  it('is seen to by one process, and by another when that one ends', () => {
    const world = new World();
    world.pass(2_000, [0, 1]);
    world.aheadMs = HOUR;
    world.pass(10_000, [0, 1]);
    expect(world.adjustments).toEqual(['leapt']);

    world.restart(0);
    world.restart(1);
    world.pass(QUARANTINE_MS + 1_000, [1]);

    expect(world.adjustments).toEqual(['leapt', 'confirmed']);
  });

  it('A20 never runs ahead of real time by more than the tolerance, but where the leap was confirmed', () => {
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.record({ kind: fc.constant('look' as const), process: fc.nat(2) }) },
      {
        weight: 2,
        arbitrary: fc.record({
          kind: fc.constant('slow' as const),
          process: fc.nat(2),
          waitMs: fc.tuple(fc.nat(40_000), fc.nat(40_000)),
        }),
      },
      {
        weight: 2,
        arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.integer({ min: 0, max: 40_000 }) }),
      },
      {
        weight: 1,
        arbitrary: fc.record({
          kind: fc.constant('set' as const),
          aheadMs: fc.integer({ min: 0, max: 3 * HOUR }),
        }),
      },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const world = new World();
        world.pass(1_000, [0, 1, 2]);
        for (const each of steps) {
          if (each.kind === 'pass') world.pass(each.ms, [0, 1, 2]);
          else if (each.kind === 'set') world.aheadMs = each.aheadMs;
          else if (each.kind === 'slow') world.look(each.process, each.waitMs);
          else world.look(each.process);
          if (each.kind === 'set') world.pass(500, [0, 1, 2]);
          expect(world.hold.ms).toBeGreaterThanOrEqual(0);
          expect(world.trustedMs - world.realMs).toBeLessThanOrEqual(world.believedMs + 2 * TOLERANCE_MS);
        }
        world.pass(QUARANTINE_MS + 1_000, [0, 1, 2]);
        expect(world.hold.ms).toBe(0);
      }),
      { numRuns: runs(300) },
    );
  });
});
