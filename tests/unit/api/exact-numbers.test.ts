import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inexactIn, placeOfUnsafe } from '../../../src/api/exact-numbers.ts';

describe('a number that is too large to be kept', () => {
  it.each([
    ['{"args":{"n":1e400}}', 'args.n'],
    ['{"args":{"n":-1e400}}', 'args.n'],
    ['{"args":{"orders":[7,9007199254740992]}}', 'args.orders[1]'],
    ['1e400', 'the top'],
  ])('is found in %s', (json, place) => {
    expect(placeOfUnsafe(JSON.parse(json))).toBe(place);
  });

  it('is no number that is exact', () => {
    expect(placeOfUnsafe({ n: [0, -1.5, Number.MAX_SAFE_INTEGER, 1e-300], text: '1e400' })).toBeUndefined();
  });
});

describe('a number that would be read as another one', () => {
  it.each([
    '0.1234567890123456789',
    '0.30000000000000000001',
    '123456789.123456789123',
    '1e-400',
    '-2.5e-324',
    '88569886023583.13',
    '127492914719900.63',
  ])('is found where it is written as %s', (literal) => {
    expect(inexactIn(`{"title":"about 0.1234567890123456789","n":[1,${literal}]}`)).toBe(literal);
  });

  it.each([
    '0',
    '-0',
    '0.0e99',
    '0.1',
    '1.50',
    '-120',
    '1e5',
    '5E-1',
    '0.10000000000000001',
    '5e-324',
    '4.9406564584124654e-324',
    '88569886023583.12',
    '88569886023583.125',
    '127492914719900.62',
  ])('is not %s', (literal) => {
    expect(inexactIn(`{"n":${literal}}`)).toBeUndefined();
  });

  it('is none of those that a program writes for the doubles it has, in short or in full', () => {
    const double = fc.double({ noNaN: true, noDefaultInfinity: true });
    fc.assert(
      fc.property(double, fc.string(), (value, text) => {
        expect(inexactIn(JSON.stringify({ value, text }))).toBeUndefined();
        expectTakenInFull(value);
      }),
    );
  });

  it('is none that lies half way between two of 15 digits', () => {
    const halves = fc.tuple(fc.integer({ min: 10 ** 12, max: 2 ** 46 }), fc.integer({ min: 0, max: 63 }));
    fc.assert(
      fc.property(halves, ([whole, part]) => {
        const value = whole + part / 64;
        expect(inexactIn(JSON.stringify(value))).toBeUndefined();
        expectTakenInFull(value);
      }),
    );
  });

  it('is never passed over: what is taken is written again as it was', () => {
    const digits = fc.stringMatching(/^[1-9][0-9]{0,24}$/);
    fc.assert(
      fc.property(digits, (fraction) => {
        const literal = `0.${fraction}`;
        if (inexactIn(literal) !== undefined) return;
        const written = Number(literal).toFixed(Math.min(fraction.length, 100));
        expect(written).toBe(literal);
      }),
    );
  });
});

/** Rounded up from half way, which JavaScript does, it may be called otherwise than it is shown. */
function expectTakenInFull(value: number): void {
  const literal = value.toExponential(16);
  if (inexactIn(`[${literal}]`) !== undefined) expect(value.toExponential(30)).toMatch(/\.\d{16}50{13}e/);
}
