import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { median, medianOfRounds, percentile, percentiles, significant } from '../../bench/statistics.ts';

const samples = fc.array(fc.double({ noNaN: true, min: -1e6, max: 1e6 }), { minLength: 1, maxLength: 200 });

describe('the statistics of the benchmark', () => {
  it('takes percentiles by nearest rank', () => {
    const hundred = Array.from({ length: 100 }, (_, i) => 100 - i);

    const taken = percentiles(hundred);

    expect(taken).toEqual({ p50: 50, p99: 99, max: 100 });
  });

  it('answers with a sample, and leaves at most the rest of the share above it', () => {
    fc.assert(
      fc.property(samples, fc.double({ noNaN: true, min: 0, max: 1 }), (values, share) => {
        const found = percentile(values, share);

        expect(values).toContain(found);
        const above = values.filter((value) => value > found).length;
        expect(above).toBeLessThanOrEqual(values.length * (1 - share) + 1e-9);
      }),
    );
  });

  it('leaves the samples in their order', () => {
    const values = [3, 1, 2];

    percentiles(values);
    median(values);

    expect(values).toEqual([3, 1, 2]);
  });

  it('takes the middle sample, or the mean of the two in the middle', () => {
    expect([median([9, 1, 5]), median([4, 1, 2, 100])]).toEqual([5, 3]);
  });

  it('has no percentile and no median without samples', () => {
    expect([percentile([], 0.5), median([])]).toEqual([Number.NaN, Number.NaN]);
  });

  it('reduces rounds figure by figure', () => {
    const middle = medianOfRounds<{ perSecond: number; cpuMs: number }>([
      { perSecond: 900, cpuMs: 3 },
      { perSecond: 1_000, cpuMs: 1 },
      { perSecond: 100, cpuMs: 2 },
    ]);

    expect(middle).toEqual({ perSecond: 900, cpuMs: 2 });
  });

  it('keeps as many digits as were measured', () => {
    expect([significant(1234.56), significant(0.0123456), significant(Number.NaN)]).toEqual([
      1230,
      0.0123,
      Number.NaN,
    ]);
  });
});
