import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canTell, parseComparison, satisfies } from '../../../src/config/comparison.ts';

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
    ['5', 5, true],
    [['5', 'EUR'], 5, true],
    ['= => 50', '=> 50', true],
    ['= not started', 'not started', true],
    ['= 10..20', '10..20', true],
    [['= > 50', 'EUR'], '> 50', true],
    ['notable', 'notable', true],
    ['2026-01-05', '2026-01-05', true],
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

  it.each([undefined, null])(
    'matches nothing when the argument is %s, except that it differs',
    (argument) => {
      for (const written of ['EUR', ['EUR'], 0, '> -1', '< 1']) {
        expect(satisfies(parseComparison(written), argument)).toBe(false);
      }
      expect(satisfies(parseComparison('!= EUR'), argument)).toBe(true);
    },
  );

  it.each([
    ['=> 50', '">= 50"'],
    ['=>50', '">= 50"'],
    ['=< 50', '"<= 50"'],
    ['== 50', '"= 50"'],
    ['≥ 50', '">= 50"'],
    ['≤ 50', '"<= 50"'],
    ['! EUR', '"!= EUR"'],
    ['!EUR', '"!= EUR"'],
    ['<> EUR', '"!= EUR"'],
    ['≠ EUR', '"!= EUR"'],
    ['>>> 5', 'one of the operators >, >=, <, <=, !=, = alone'],
    ['not 5', '"!= 5"'],
    ['10..20', '"< 10" and "> 20"'],
    ['between 10 and 20', '"< 10" and "> 20"'],
  ])(
    'OM-120 refuses %j, which looks like an operator and is none, and says to write %s',
    (written, instead) => {
      expect(() => parseComparison(written)).toThrow(instead);
      expect(() => parseComparison(written)).toThrow(`or "= ${written}" for that text itself`);
      expect(satisfies(parseComparison(`= ${written}`), written)).toBe(true);
    },
  );

  it.each(['> 20', '!= EUR', '=> 20', 'not EUR', '>'])('OM-120 refuses %j in a list', (written) => {
    expect(() => parseComparison([10, written])).toThrow(SyntaxError);
  });

  it.each([
    ['EUR', 978],
    [5, '5e0'],
    [5, '5 EUR'],
    [5, true],
    ['true', true],
    [true, 'true'],
    ['!= EUR', ['EUR']],
    ['EUR', { code: 'EUR' }],
    [['EUR', 'USD'], ['EUR']],
    ['> 50', 'many'],
    [9007199254740992, '9007199254740993'],
    ['9007199254740993', 9007199254740992],
    ['> 50', null],
  ])('OM-120 says that %j tells nothing of %j', (written, argument) => {
    expect(canTell(parseComparison(written), argument)).toBe(false);
  });

  it.each([
    ['EUR', 'USD'],
    [5, 'five'],
    ['5', 7],
    [[1, 'high'], 'low'],
    ['EUR', null],
    ['!= EUR', undefined],
    ['> 50', undefined],
  ])('says that %j tells something of %j', (written, argument) => {
    expect(canTell(parseComparison(written), argument)).toBe(true);
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
