import { describe, expect, it } from 'vitest';
import { duration } from '../../../src/config/duration.ts';

describe('a duration', () => {
  it.each([
    ['500ms', 500],
    ['5s', 5_000],
    ['1.5m', 90_000],
    ['1.1h', 3_960_000],
    ['0.333333d', 28_799_971],
    ['4.1m', 246_000],
    ['24h', 86_400_000],
    ['7d', 604_800_000],
    ['2w', 1_209_600_000],
  ])('reads %s as %i whole milliseconds', (written, milliseconds) => {
    expect(duration().parse(written)).toBe(milliseconds);
  });

  it.each([5, '5', '5 s', '-5s', 's', '1h30m', '1y', ''])('refuses %j', (written) => {
    expect(duration().safeParse(written).success).toBe(false);
  });

  it('refuses what lies outside its bounds, and names them', () => {
    const bounded = duration({ min: '1s', max: '1h' });

    expect(bounded.safeParse('1s').success).toBe(true);
    expect(bounded.safeParse('61m').error?.issues[0]?.message).toBe('a duration of at most 1h');
    expect(bounded.safeParse('10ms').error?.issues[0]?.message).toBe('a duration of at least 1s');
  });
});
