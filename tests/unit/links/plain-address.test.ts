import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addressesIn, unlinked } from '../../../src/links/plain-address.ts';

describe('an address that is only to be read', () => {
  it.each([
    ['see https://evil.test/a?b=c now', 'see https[:]//evil[.]test/a?b=c now'],
    ['a.evil.test', 'a[.]evil[.]test'],
    ['mail leak@evil.test', 'mail leak@evil.test'],
    ['no address at all', 'no address at all'],
  ])('OM-187 is written so that nothing opens it: %s', (text, expected) => {
    expect(unlinked(text)).toBe(expected);
  });

  it('is not found again, and loses nothing', () => {
    const piece = fc.constantFrom(
      'https://evil.test/x',
      'x.y.test',
      ' ',
      'word',
      '(',
      ')',
      '.',
      'www.a.test',
      '//b.test/',
      'evil.рф/x',
      'a。中国/',
      'b。рф?q',
      'tel:1',
      'at:',
      'www.x',
      '\\\\c.test\\x',
      '\u200B',
      '你好。',
    );
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        const text = pieces.join('');
        const read = unlinked(text);

        expect(addressesIn(read)).toEqual([]);
        expect(
          read
            .replaceAll('[:]', ':')
            .replaceAll('[.]', '.')
            .replaceAll('[@]', '@')
            .replaceAll('[/]', '/')
            .replaceAll('。', '.'),
        ).toBe(text.replaceAll('。', '.'));
      }),
    );
  });
});
