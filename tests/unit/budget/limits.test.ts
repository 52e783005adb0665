import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { limitsIn, reached, type Standing, usedUp } from '../../../src/budget/limits.ts';
import { CurrentPeriods, periodAt } from '../../../src/budget/period.ts';
import { costOf, priceOf, tokensOf } from '../../../src/budget/price.ts';
import { brokenOffText, spentText, usedUpText } from '../../../src/budget/sentences.ts';
import { BudgetSettings } from '../../../src/config/budgets.ts';

const PRICE = { input: 3, output: 15, cache_read: 0.3, cache_write: 3.75 };
const DEAR = { input: 15, output: 75, cache_read: 1.5, cache_write: 18.75 };

const standing = (over: Partial<Standing>): Standing => ({
  subject: 'person',
  period: 'day',
  of: 'tokens',
  most: 1_000,
  spent: 0,
  periodName: '2026-11-21',
  sinceMs: Date.parse('2026-11-21T00:00:00Z'),
  resetMs: Date.parse('2026-11-22T00:00:00Z'),
  ...over,
});

describe('the price of a model', () => {
  it('counts each kind of token by its own price, in millionths of the currency', () => {
    const usage = { inputTokens: 1_000, outputTokens: 100, cacheReadTokens: 10_000, cacheWriteTokens: 400 };

    expect(costOf(usage, PRICE)).toBe(3_000 + 1_500 + 3_000 + 1_500);
    expect(tokensOf(usage)).toBe(11_500);
  });

  it('is that of its family for a dated name, the longest first, and never of a name that only begins alike', () => {
    const prices = { 'claude-x': PRICE, 'claude-x-large': DEAR };

    expect(priceOf('claude-x-20260901', prices)).toBe(PRICE);
    expect(priceOf('claude-x-large-20260901', prices)).toBe(DEAR);
    expect(priceOf('claude-xy', prices)).toEqual(DEAR);
  });

  it('is the dearest there is for a model nobody has set a price for, and nothing without prices', () => {
    expect(priceOf('other', { a: PRICE, b: { ...DEAR, output: 1 } })).toEqual({ ...DEAR, output: 15 });
    expect(
      costOf({ inputTokens: 9, outputTokens: 9, cacheReadTokens: 9, cacheWriteTokens: 9 }, priceOf('x', {})),
    ).toBe(0);
  });

  it('never makes the sum of two uses cheaper than both together, nor dearer by more than a millionth', () => {
    const tokens = fc.nat(1_000_000);
    const usage = fc.record({
      inputTokens: tokens,
      outputTokens: tokens,
      cacheReadTokens: tokens,
      cacheWriteTokens: tokens,
    });
    fc.assert(
      fc.property(usage, usage, (a, b) => {
        const both = {
          inputTokens: a.inputTokens + b.inputTokens,
          outputTokens: a.outputTokens + b.outputTokens,
          cacheReadTokens: a.cacheReadTokens + b.cacheReadTokens,
          cacheWriteTokens: a.cacheWriteTokens + b.cacheWriteTokens,
        };
        const difference = costOf(a, PRICE) + costOf(b, PRICE) - costOf(both, PRICE);
        expect(difference).toBeGreaterThanOrEqual(0);
        expect(difference).toBeLessThanOrEqual(2);
      }),
    );
  });
});

describe('a period', () => {
  it('begins and ends at midnight of its time zone, also on the day clocks change', () => {
    const at = Date.parse('2026-03-29T10:00:00Z');

    const day = periodAt('day', at, 'Europe/Berlin');

    expect(day.name).toBe('2026-03-29');
    expect(new Date(day.startMs).toISOString()).toBe('2026-03-28T23:00:00.000Z');
    expect(new Date(day.endsMs).toISOString()).toBe('2026-03-29T22:00:00.000Z');
  });

  it('is the day that is there, not the one of another zone', () => {
    const at = Date.parse('2026-11-21T23:30:00Z');

    expect(periodAt('day', at, 'UTC').name).toBe('2026-11-21');
    expect(periodAt('day', at, 'Europe/Berlin').name).toBe('2026-11-22');
    expect(periodAt('month', Date.parse('2026-11-30T23:30:00Z'), 'Europe/Berlin').name).toBe('2026-12');
  });

  it('contains the moment it was asked for, and the next one begins where it ends', () => {
    const zones = fc.constantFrom(
      'UTC',
      'Europe/Berlin',
      'America/New_York',
      'Pacific/Apia',
      'Asia/Kathmandu',
    );
    const moments = fc.integer({ min: Date.parse('2011-01-01'), max: Date.parse('2040-01-01') });
    fc.assert(
      fc.property(fc.constantFrom('day', 'month'), moments, zones, (kind, at, zone) => {
        const period = periodAt(kind, at, zone);
        expect(period.startMs).toBeLessThanOrEqual(at);
        expect(period.endsMs).toBeGreaterThan(at);
        expect(periodAt(kind, period.endsMs, zone).startMs).toBe(period.endsMs);
      }),
    );
  });
});

describe('limits', () => {
  const budgets = BudgetSettings.parse({
    turn: { tokens: 500 },
    person: { day: { tokens: 1_000, money: 0.5 } },
    team: { month: { money: 10 } },
  });

  it('are those that are written, money in millionths', () => {
    expect(limitsIn(budgets)).toEqual([
      { subject: 'person', period: 'day', of: 'tokens', most: 1_000 },
      { subject: 'person', period: 'day', of: 'money', most: 500_000 },
      { subject: 'team', period: 'month', of: 'money', most: 10_000_000 },
    ]);
    expect(limitsIn(BudgetSettings.parse({}))).toEqual([]);
  });

  it('keep a turn from beginning when one is used up: of several the one that lasts the longest', () => {
    const day = standing({ spent: 1_000 });
    const month = standing({ subject: 'team', period: 'month', spent: 2_000, resetMs: day.resetMs + 1 });

    expect(usedUp([standing({ spent: 999 })])).toBeUndefined();
    expect(usedUp([day, month, standing({})])).toBe(month);
  });

  it('end a turn once one is used up, and by what it used itself', () => {
    const some = { tokens: 200, money: 0 };

    expect(reached(budgets, some, [standing({ spent: 999 })])).toBeUndefined();
    expect(reached(budgets, some, [standing({ spent: 1_000 })])).toMatchObject({
      most: 1_000,
      by: { subject: 'person' },
    });
    expect(reached(budgets, { tokens: 500, money: 0 }, [])).toMatchObject({ most: 500, by: 'turn' });
  });
});

describe('what people are told', () => {
  it('OM-162 names what is used up and when it begins anew, on the clock of whoever reads it', () => {
    const text = usedUpText(standing({ spent: 1_203 }), 'USD', 'Europe/Berlin');

    expect(text).toContain('The budget you have for today is used up: 1,203 of 1,000 tokens');
    expect(text).toContain('22 Nov 2026, 01:00 (Europe/Berlin)');
    expect(text).toContain('Nothing you write is lost');
  });

  it('shows money as money', () => {
    const text = usedUpText(standing({ of: 'money', most: 500_000, spent: 512_345 }), 'EUR', 'UTC');

    expect(text).toContain('0.51 EUR of 0.50 EUR');
  });

  it('says what was done when a turn ends in the middle', () => {
    const text = brokenOffText({ of: 'tokens', most: 500, by: 'turn' }, ['lookup (2 times)'], 'USD', 'UTC');

    expect(text).toBe(
      'I stopped here: one answer of mine may use at most 500 tokens. Ask me to go on. Done so far: lookup (2 times).',
    );
  });
});

describe('the periods of now', () => {
  it('are those of the moment, also in another zone, past an end, and when a clock goes back', () => {
    const periods = new CurrentPeriods();
    const moments = [
      '2026-11-21T22:59:00Z',
      '2026-11-21T23:00:00Z',
      '2026-11-30T23:30:00Z',
      '2026-11-21T10:00:00Z',
    ];
    for (const zone of ['Europe/Berlin', 'UTC', 'Asia/Tokyo']) {
      for (const at of moments.map((text) => Date.parse(text))) {
        expect(periods.at('day', at, zone)).toEqual(periodAt('day', at, zone));
        expect(periods.at('month', at, zone)).toEqual(periodAt('month', at, zone));
      }
    }
  });
});

it('what is nearly used up does not read as if it were', () => {
  const spent = (micro: number) => spentText({ of: 'money', spent: micro, most: 50_000 }, 'EUR');

  expect(spent(46_500)).toBe('0.0465 EUR of 0.05 EUR');
  expect(spent(49_996)).toBe('0.0499 EUR of 0.05 EUR');
  expect(spent(50_000)).toBe('0.05 EUR of 0.05 EUR');
  expect(spent(30_000)).toBe('0.03 EUR of 0.05 EUR');
  expect(spentText({ of: 'money', spent: 49_999_970, most: 50_000_000 }, 'EUR')).toBe(
    '49.9999 EUR of 50.00 EUR',
  );
});

it('what is spent of some money reads as all of it when it is, and not before', () => {
  const micro = fc.oneof(fc.integer({ min: 1, max: 20_000 }), fc.integer({ min: 1, max: 1_000_000_000 }));
  const near = fc.tuple(micro, fc.integer({ min: -200, max: 200 }), fc.constantFrom(1, 100, 10_000));
  fc.assert(
    fc.property(near, ([some, by, step]) => {
      const most = some * step;
      const spent = Math.max(0, most + by);
      const text = spentText({ of: 'money', spent, most }, 'EUR');
      const [shown = 0, all = 0] = [...text.matchAll(/[\d.]+/g)].map(([number]) => Number(number));

      expect(Math.round(all * 1_000_000)).toBe(most);
      expect(shown >= all).toBe(spent >= most);
    }),
    { numRuns: 2_000 },
  );
});
