/**
 * Tries a great many random histories, and says in one line how the first bad one is played again.
 *
 * `SIGNALBOX_MODEL_RUNS=100000` says how many; `SIGNALBOX_MODEL=<seed>:<path>` plays a single one.
 */
import { randomInt } from 'node:crypto';
import fc from 'fast-check';

/** Histories of one seed: what is held in memory at a time. */
const OF_ONE_SEED = 1_000;

/** Tries of shorter histories that go wrong the same way. */
const MOST_SHRINKS = 2_000;

export interface Trial<Plan> {
  readonly plan: Plan;
  /** `<seed>:<path>`, which is this very history. */
  readonly name: string;
}

/**
 * How many histories a run tries.
 *
 * @param share of what a long run was told to try, for those of which each takes long
 */
export function modelRuns(usual: number, share = 1): number {
  const told = process.env.SIGNALBOX_MODEL_RUNS;
  if (isSingle()) return 1;
  return told === undefined ? usual : Math.ceil(Number(told) * share);
}

/** So many histories, or the single one that was asked for. */
export function* trials<Plan>(plans: fc.Arbitrary<Plan>, usual: number, share = 1): Generator<Trial<Plan>> {
  const single = process.env.SIGNALBOX_MODEL;
  if (single) {
    const { seed, path } = toSeed(single);
    yield { plan: planAt(plans, seed, path), name: single };
    return;
  }
  const count = modelRuns(usual, share);
  for (let tried = 0; tried < count; tried += OF_ONE_SEED) {
    const seed = randomInt(2 ** 31);
    const some = fc.sample(plans, { seed, numRuns: Math.min(OF_ONE_SEED, count - tried) });
    for (const [n, plan] of some.entries()) yield { plan, name: `${seed}:${n}` };
  }
}

/**
 * Looks for the shortest history that goes wrong, beginning at this one.
 *
 * @param problem what is wrong with a history, if anything
 * @returns a report whose first and last line play it again
 */
export async function reportOf<Plan>(
  plans: fc.Arbitrary<Plan>,
  { plan, name }: Trial<Plan>,
  file: string,
  problem: (plan: Plan) => Promise<string | undefined>,
): Promise<string> {
  const { seed, path } = toSeed(name);
  let left = MOST_SHRINKS;
  const property = fc.asyncProperty(plans, async (each) => {
    if (left-- < 0) return;
    const wrong = await problem(each);
    if (wrong !== undefined) throw new Error(wrong);
  });
  const found = await fc.check(property, { seed, path, numRuns: 1 });
  const at = found.counterexamplePath ?? path;
  const [shortest = plan] = found.counterexample ?? [];
  const why = (await problem(shortest)) ?? (await problem(plan)) ?? 'it does not go wrong every time';
  const again = `SIGNALBOX_MODEL=${seed}:${at} npx vitest run ${file}`;
  // At both ends: of a long one, somebody sees the last lines alone.
  return [again, why, JSON.stringify(shortest, undefined, 1), why, again].join('\n');
}

function isSingle(): boolean {
  return Boolean(process.env.SIGNALBOX_MODEL);
}

function planAt<Plan>(plans: fc.Arbitrary<Plan>, seed: number, path: string): Plan {
  const [plan] = fc.sample(plans, { seed, path, numRuns: 1 });
  if (plan === undefined) throw new Error(`there is no history at SIGNALBOX_MODEL=${seed}:${path}`);
  return plan;
}

function toSeed(name: string): { seed: number; path: string } {
  const [, seed, path] = /^(-?\d+):(\d+(?::\d+)*)$/.exec(name) ?? [];
  if (seed === undefined || path === undefined) {
    throw new Error(`SIGNALBOX_MODEL is <seed>:<path>, such as 4711:12:0:1, not ${name}`);
  }
  return { seed: Number(seed), path };
}
