import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { facts, relative, table } from '../../../src/cli/table.ts';

describe('a table', () => {
  it('makes each column as wide as its widest cell, and leaves no blanks behind', () => {
    expect(
      table(
        ['id', 'what'],
        [
          ['1', '日本'],
          ['22', 'x'],
        ],
      ),
    ).toBe('ID  WHAT\n1   日本\n22  x');
  });

  it('has no line that a cell begins, and nothing that cannot be seen', () => {
    expect(table(['what'], [['a\n22  done'], ['b\r\u001b[1Ac']])).toBe(
      'WHAT\na⏎ 22  done\nb⟨U+000D⟩⟨U+001B⟩[1Ac',
    );
  });

  it('keeps every cell, whatever it is', () => {
    fc.assert(
      fc.property(fc.array(fc.stringMatching(/^[a-z]{1,12}$/), { minLength: 1, maxLength: 5 }), (cells) => {
        expect(table(cells, [cells]).split('\n')[1]?.split(/ {2,}/)).toEqual(cells);
      }),
    );
  });
});

describe('facts', () => {
  it('stand below each other', () => {
    expect(
      facts([
        ['a', '1'],
        ['longer', '2'],
      ]),
    ).toBe('a       1\nlonger  2');
  });

  it('stay in their lines, whatever they are', () => {
    expect(facts([['reason', 'no\ndigest  0123']])).toBe('reason  no⏎ digest  0123');
  });
});

describe('a time', () => {
  it.each([
    [30_000, 'in 30 s'],
    [-300_000, '5 min ago'],
    [7_200_000, 'in 2 h'],
    [259_200_000, 'in 3 days'],
  ])('%d ms from now is %s', (ms, text) => {
    expect(relative(ms, 0)).toBe(text);
  });
});
