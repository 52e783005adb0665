/** Looks through a great many histories on a real Redis, many at a time. */
import type fc from 'fast-check';
import pLimit from 'p-limit';
import { reportOf, type Trial, trials } from './model-runs.ts';

/** Histories that are under way at a time, all on one connection. */
const AT_ONCE = 64;

/**
 * Tries all histories, until one goes wrong.
 *
 * @returns a report of the shortest that goes wrong, whose first and last line play it again; undefined when none does
 */
export async function wrongAmong<Plan>(
  plans: fc.Arbitrary<Plan>,
  runs: { readonly usual: number; readonly share: number },
  file: string,
  wrongOf: (plan: Plan) => Promise<string | undefined>,
): Promise<string | undefined> {
  const limit = pLimit(AT_ONCE);
  let found: Trial<Plan> | undefined;
  const under: Promise<void>[] = [];
  for (const trial of trials(plans, runs.usual, runs.share)) {
    if (found !== undefined) break;
    under.push(
      limit(async () => {
        if (found !== undefined) return;
        if ((await wrongOf(trial.plan)) !== undefined) found ??= trial;
      }),
    );
    if (under.length >= 4 * AT_ONCE) await Promise.all(under.splice(0, 2 * AT_ONCE));
  }
  await Promise.all(under);
  return found && reportOf(plans, found, file, wrongOf);
}
