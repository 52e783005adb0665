/**
 * Runs `work` for every number below `count`, `inFlight` at a time, and resolves with what each took, in ms.
 *
 * @throws whatever `work` throws first
 */
export async function inFlightLoop(
  count: number,
  inFlight: number,
  work: (index: number) => Promise<unknown>,
): Promise<number[]> {
  const latenciesMs: number[] = [];
  let next = 0;
  const one = async () => {
    while (next < count) {
      const index = next;
      next += 1;
      const startedAt = performance.now();
      await work(index);
      latenciesMs.push(performance.now() - startedAt);
    }
  };
  await Promise.all(Array.from({ length: Math.min(inFlight, count) }, one));
  return latenciesMs;
}
