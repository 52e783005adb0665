/** Stretches of time, half-open: `from` belongs to it, `until` does not. In ms, of whatever clock both ends are. */
export interface Interval {
  readonly from: number;
  readonly until: number;
}

/** The same time in order, without empty, overlapping or touching stretches. */
export function merge(intervals: readonly Interval[]): Interval[] {
  const merged: Interval[] = [];
  for (const next of [...intervals].sort((a, b) => a.from - b.from)) {
    if (next.from >= next.until) continue;
    const last = merged.at(-1);
    if (last === undefined || last.until < next.from) merged.push(next);
    else if (last.until < next.until) merged[merged.length - 1] = { from: last.from, until: next.until };
  }
  return merged;
}

/** What is left of one stretch outside others; `taken` is in order and without overlaps, as `merge` returns it. */
export function without(interval: Interval, taken: readonly Interval[]): Interval[] {
  const left: Interval[] = [];
  let { from } = interval;
  for (let index = firstEndingAfter(taken, from); index < taken.length; index++) {
    const next = taken[index];
    if (next === undefined || next.from >= interval.until) break;
    if (from < next.from) left.push({ from, until: next.from });
    from = next.until;
  }
  if (from < interval.until) left.push({ from, until: interval.until });
  return left;
}

/** `intervals` is in order and without overlaps, as `merge` returns it. */
export function isWithin(intervals: readonly Interval[], at: number): boolean {
  const candidate = intervals[firstEndingAfter(intervals, at)];
  return candidate !== undefined && candidate.from <= at;
}

/** Index of the first stretch that ends after `at`; the length of the list if none does. */
function firstEndingAfter(intervals: readonly Interval[], at: number): number {
  let low = 0;
  let high = intervals.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const candidate = intervals[middle];
    if (candidate !== undefined && candidate.until <= at) low = middle + 1;
    else high = middle;
  }
  return low;
}
