import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addressesIn } from '../../../src/links/plain-address.ts';
import { cutBeforeAddress, wholeAddressesIn } from '../../../src/links/whole-addresses.ts';

const ADDRESS = 'https://docs.corp.test/manual.pdf';

describe('addresses of a part of a text', () => {
  it('are those that stand in it from one end to the other', () => {
    const text = `read ${ADDRESS} today`;
    const [from, to] = [text.indexOf(ADDRESS), text.indexOf(ADDRESS) + ADDRESS.length];

    expect(wholeAddressesIn(text, 0, text.length)).toEqual([ADDRESS]);
    expect(wholeAddressesIn(text, from, to)).toEqual([ADDRESS]);
    expect(wholeAddressesIn(text, from + 1, text.length)).toEqual([]);
    expect(wholeAddressesIn(text, 0, to - 1)).toEqual([]);
  });

  it('are none that go on further than anybody looks', () => {
    const text = `https://evil.test/${'a'.repeat(30_000)}`;

    expect(wholeAddressesIn(text, 0, 25)).toEqual([]);
    expect(wholeAddressesIn(text, 0, 15_000)).toEqual([]);
  });

  it('are always addresses of the whole text, wherever it is cut', () => {
    const word = fc.constantFrom(
      ADDRESS,
      'evil.test/x',
      'word',
      '(http://a.test)',
      'b.test',
      'x@y.test',
      '–',
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 6 }), fc.nat(120), fc.nat(120), (words, from, length) => {
        const text = words.join(' ');
        const all = addressesIn(text).flatMap(({ text: own, url }) => [own, url]);
        const end = Math.min(text.length, from + length);
        expect(all).toEqual(expect.arrayContaining(wholeAddressesIn(text, Math.min(from, end), end)));
      }),
    );
  });
});

describe('a text that is cut', () => {
  it('is cut before an address where that leaves half of it, and within one that is longer', () => {
    const text = `${'x '.repeat(20)}${ADDRESS} more`;

    expect(cutBeforeAddress(text, 50)).toBe(40);
    expect(cutBeforeAddress(ADDRESS, 20)).toBe(20);
    expect(cutBeforeAddress(text, 500)).toBe(text.length);
  });
});
