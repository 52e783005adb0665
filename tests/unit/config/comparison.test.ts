import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseComparison, satisfies } from '../../../src/config/comparison.ts';

describe('a comparison in a rule', () => {
  it.each([
    [50, 50, true],
    [50, '50', true],
    [50, 51, false],
    ['EUR', 'EUR', true],
    ['EUR', 'eur', false],
    [true, true, true],
    [true, 'true', false],
    [['EUR', 'USD'], 'USD', true],
    [['EUR', 'USD'], 'CHF', false],
    ['> 50', 50, false],
    ['> 50', 50.01, true],
    ['>=50', 50, true],
    ['< 50', 49, true],
    ['<= 50', 50, true],
    ['<= 50', 51, false],
    ['> -1.5', -1, true],
    ['!= EUR', 'USD', true],
    ['!= EUR', 'EUR', false],
    ['!= 7', 7, false],
    ['= > 50', '> 50', true],
    ['= true', true, true],
    ['a > b', 'a > b', true],
  ])('reads %j: for %j it is %s', (written, argument, expected) => {
    expect(satisfies(parseComparison(written), argument)).toBe(expected);
  });

  it('compares a number written as text, so that quotes are no way around a limit', () => {
    expect(satisfies(parseComparison('> 50'), '100')).toBe(true);
  });

  it.each([undefined, null, {}, [], Number.NaN, '', 'many', '0x99', '1e9'])(
    'finds no order in %j',
    (argument) => {
      for (const written of ['> 0', '>= 0', '< 0', '<= 0']) {
        expect(satisfies(parseComparison(written), argument)).toBe(false);
      }
    },
  );

  it('matches nothing when the argument is missing, except that it differs', () => {
    expect(satisfies(parseComparison('EUR'), undefined)).toBe(false);
    expect(satisfies(parseComparison(['EUR']), undefined)).toBe(false);
    expect(satisfies(parseComparison('!= EUR'), undefined)).toBe(true);
  });

  it.each(['>', '>= ', '< ten', '<= 5 0', '!='])('refuses %j with an example', (written) => {
    expect(() => parseComparison(written)).toThrow(/after .* as in/);
  });

  it('orders as numbers do, and each operator is the opposite of another', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer(), (argument, than) => {
        const is = (operator: string) => satisfies(parseComparison(`${operator} ${than}`), argument);

        expect(is('>')).toBe(argument > than);
        expect(is('<')).toBe(argument < than);
        expect(is('>=')).toBe(!is('<'));
        expect(is('<=')).toBe(!is('>'));
        expect(is('=')).toBe(!is('!='));
      }),
    );
  });

  it('either reads any text or says what is missing', () => {
    fc.assert(
      fc.property(fc.string(), (written) => {
        try {
          parseComparison(written);
        } catch (error) {
          expect(error).toBeInstanceOf(SyntaxError);
        }
      }),
    );
  });
});
