/** The arithmetic of the benchmark. Pure. */

export interface Percentiles {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** The value below which `share` (0..1) of the samples lie, by nearest rank; NaN for no samples. */
export function percentile(samples: readonly number[], share: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  return atShare(sorted, share);
}

/** p50, p99 and the largest sample, from one sort. */
export function percentiles(samples: readonly number[]): Percentiles {
  const sorted = [...samples].sort((a, b) => a - b);
  return { p50: atShare(sorted, 0.5), p99: atShare(sorted, 0.99), max: atShare(sorted, 1) };
}

/** The middle sample, or the mean of the two in the middle; NaN for no samples. */
export function median(samples: readonly number[]): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
  const lower = sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN;
  return (lower + upper) / 2;
}

/** Each figure of several rounds, reduced to its median. All rounds carry the same figures. */
export function medianOfRounds<Figures extends Readonly<Record<keyof Figures, number>>>(
  rounds: readonly [Figures, ...Figures[]],
): Figures {
  const names = Object.keys(rounds[0]) as (keyof Figures)[]; // Object.keys is typed string[]
  const entries = names.map((name) => [name, median(rounds.map((round) => round[name]))]);
  return Object.fromEntries(entries) as Figures; // the same keys with numbers, by construction
}

/** To `digits` significant digits, so that a report shows what was measured and no noise. */
export function significant(value: number, digits = 3): number {
  return Number.isFinite(value) ? Number(value.toPrecision(digits)) : value;
}

function atShare(sorted: readonly number[], share: number): number {
  const rank = Math.ceil(share * sorted.length) - 1;
  return sorted[Math.min(Math.max(rank, 0), sorted.length - 1)] ?? Number.NaN;
}
