/**
 * How often a property is tried. `PROPERTY_RUNS=50 npx vitest run …` tries fifty times as often, for the long run;
 * a property that fails prints its seed and the shortest case that still fails.
 */
export function runs(usual: number): number {
  return usual * Number(process.env.PROPERTY_RUNS ?? 1);
}

/** Time for a property that was told to run longer, in ms. */
export function timeFor(usualMs: number): number {
  return usualMs * Number(process.env.PROPERTY_RUNS ?? 1);
}
