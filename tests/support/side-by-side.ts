/**
 * Plays what processes do on the model of the store, and where there is one, on a real one beside it; after each thing
 * both must have answered the same, and look the same.
 */
import type { Redis } from 'ioredis';
import type { RedisClient } from '../../src/redis/client.ts';
import { differenceOf, isSame } from './approval-model.ts';
import {
  type Fate,
  type Flow,
  type HeldFlow,
  type How,
  type Outcome,
  play,
  type StoreModel,
  viewDifference,
} from './store-model.ts';
import { type HeldWork, type StoreKeys, Wire } from './store-world.ts';

/** What one process does. */
export interface Doing<Process> {
  readonly name: string;
  /** @param isTold whether those who listen hear of it; not, when it is only tried */
  flow(store: StoreModel, isTold: boolean): Flow<unknown>;
  work(process: Process): Promise<unknown>;
  /** Hears what came of it. */
  settled?(outcome: Outcome): void;
}

export interface RealSide<Process> {
  readonly redis: Redis;
  readonly keys: StoreKeys;
  /** A process of its own, on this line. */
  processOn(redis: RedisClient): Process;
}

interface Standing<Process> {
  readonly doing: Doing<Process>;
  readonly flow: HeldFlow;
  readonly real: HeldWork | undefined;
}

export class SideBySide<Process> {
  /** What differs first, if anything. */
  wrong: string | undefined;
  readonly #standing: Standing<Process>[] = [];
  #marked: StoreModel | undefined;

  constructor(
    readonly model: StoreModel,
    private readonly real?: RealSide<Process>,
  ) {}

  async begin(): Promise<void> {
    await this.real?.keys.pass(this.model.nowMs);
  }

  async do(doing: Doing<Process>, fate: Fate): Promise<void> {
    const { outcome, held } = play(doing.flow(this.model, true), fate);
    const real = await this.#meet(doing, fate);
    if (real) this.#compare(doing.name, outcome, real.outcome);
    doing.settled?.(outcome);
    if (held) this.#standing.push({ doing, flow: held, real: real?.held });
  }

  /** One process stands still over a write, or before it looks, while others go on. */
  async doWhileHeld(
    doing: Doing<Process>,
    meanwhile: readonly (() => Promise<void>)[],
    { how, isEarly }: { readonly how: How; readonly isEarly: boolean },
  ): Promise<void> {
    const before = this.#standing.length;
    await this.do(doing, isEarly ? 'held-early' : 'held');
    const held = this.#standing[before];
    for (const [n, each] of meanwhile.entries()) {
      await each();
      // Whoever stood still before it looked stands still again before its write.
      if (n === 0 && isEarly && held && this.#standing.includes(held)) await this.#release(held, 'held');
    }
    if (held && this.#standing.includes(held)) await this.#release(held, how);
  }

  async releaseAll(): Promise<void> {
    for (const held of [...this.#standing]) await this.#release(held, 'done');
  }

  /** At once, where that can be; whatever comes of it has to be what some order of them would have led to. */
  async doTogether(doings: readonly Doing<Process>[]): Promise<void> {
    const real = this.real && (await Promise.all(doings.map((each) => this.#meet(each, 'done'))));
    const order = real ? await this.#orderOf(doings, real) : [...doings.keys()];
    if (!order) {
      this.wrong ??= `what several did at once led to what no order of them leads to: ${JSON.stringify(real)}`;
      return;
    }
    for (const n of order) {
      const doing = doings[n] as Doing<Process>; // an order of these
      const { outcome } = play(doing.flow(this.model, true), 'done');
      doing.settled?.(outcome);
    }
  }

  async pass(nowMs: number): Promise<void> {
    this.model.nowMs = nowMs;
    await this.real?.keys.pass(nowMs);
  }

  async mark(): Promise<void> {
    this.#marked = this.model.clone();
    this.real?.keys.know(this.model.view());
    await this.real?.keys.mark();
  }

  /** What was written since it was marked is lost. False when it never was. */
  async lose(): Promise<boolean> {
    if (!this.#marked) return false;
    this.real?.keys.know(this.model.view());
    this.model.restore(this.#marked);
    await this.real?.keys.lose();
    return true;
  }

  /** A place in a list becomes another one by hand; none when undefined. */
  async place(list: string, member: string, atMs: number | undefined): Promise<void> {
    this.model.setPlace(list, member, atMs);
    await this.real?.keys.place(list, member, atMs);
  }

  /** Something was done to both by hand; what it answered has to be the same. */
  async same(what: string, expected: unknown, actual: () => Promise<unknown>): Promise<void> {
    if (this.real) this.#compare(what, expected, await actual());
  }

  async look(): Promise<void> {
    if (!this.real || this.wrong !== undefined) return;
    const expected = this.model.view();
    this.wrong = viewDifference(expected, await this.real.keys.view(expected));
  }

  async #meet(doing: Doing<Process>, fate: Fate): Promise<{ outcome: Outcome; held?: HeldWork } | undefined> {
    if (!this.real) return undefined;
    const wire = new Wire(this.real.redis);
    const process = this.real.processOn(wire.client());
    return wire.meet(fate, () => doing.work(process));
  }

  async #release(held: Standing<Process>, how: How | 'held'): Promise<void> {
    const outcome = held.flow.release(how);
    if (held.real)
      this.#compare(`what was held of ${held.doing.name}`, outcome, await held.real.release(how));
    if (outcome.kind === 'held') return;
    this.#standing.splice(this.#standing.indexOf(held), 1);
    held.doing.settled?.(outcome);
  }

  /** In which order they must have come for these answers, and for what is there now. */
  async #orderOf(
    doings: readonly Doing<Process>[],
    real: readonly ({ outcome: Outcome } | undefined)[],
  ): Promise<number[] | undefined> {
    const trials = permutations([...doings.keys()]).map((order) => {
      const trial = this.model.clone();
      const isSo = order.every((n) => {
        const doing = doings[n] as Doing<Process>; // an order of these
        return isSame(play(doing.flow(trial, false), 'done').outcome, real[n]?.outcome);
      });
      return { order, isSo, view: trial.view() };
    });
    for (const { view } of trials) this.real?.keys.know(view);
    const seen = await this.real?.keys.view({});
    return trials.find(({ isSo, view }) => isSo && viewDifference(view, seen ?? {}) === undefined)?.order;
  }

  #compare(what: string, expected: unknown, actual: unknown): void {
    this.wrong ??= differenceOf(expected, actual, what);
  }
}

function permutations(list: readonly number[]): number[][] {
  if (list.length < 2) return [[...list]];
  return list.flatMap((first) =>
    permutations(list.filter((each) => each !== first)).map((rest) => [first, ...rest]),
  );
}
