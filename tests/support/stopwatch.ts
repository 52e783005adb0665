/**
 * How long one call takes, in µs: the mean of the best of many batches. The others were interrupted by what else the
 * machine does.
 */
export function microseconds(call: () => unknown): number {
  const calls = 200;
  const batches = Array.from({ length: 20 }, () => {
    const begin = performance.now();
    for (let index = 0; index < calls; index++) call();
    return ((performance.now() - begin) * 1000) / calls;
  });
  return Math.min(...batches);
}
