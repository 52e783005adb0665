import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cutBefore } from '../../../src/domain/text-cut.ts';
import { runs } from '../../support/property-runs.ts';

/** Of one to eleven UTF-16 units each. */
const CHARACTERS = ['a', 'é', 'e\u0301', '€', '😀', '🇩🇪', '👨‍👩‍👧‍👦', '\r\n', '한'];

function pagesOf(text: string, most: number): string[] {
  const pages: string[] = [];
  for (let from = 0; from < text.length; from += pages.at(-1)?.length ?? 1) {
    pages.push(text.slice(from, cutBefore(text, most, from)));
  }
  return pages;
}

describe('where a text is cut', () => {
  it('is never within a character, and every page is as long as it may be at most', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...CHARACTERS)),
        fc.integer({ min: 11, max: 40 }),
        (written, most) => {
          // A line of characters that join no other.
          const text = written.join('|');

          const pages = pagesOf(text, most);

          expect(pages.join('')).toBe(text);
          expect(pages.every((page) => page.length <= most)).toBe(true);
          const whole = pages.flatMap((page) => page.split('|')).filter((each) => each !== '');
          expect(whole).toEqual(written);
        },
      ),
      { numRuns: runs(200) },
    );
  });

  it('always gets further, also in a character that is longer than a page', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.integer({ min: 1, max: 5 }), (text, most) => {
        const pages = pagesOf(text, most);

        expect(pages.join('')).toBe(text);
        expect(pages.every((page) => page.length > 0 && page.length <= most)).toBe(true);
        if (most > 1) expect(pages.join('|')).not.toMatch(/[\uD800-\uDBFF]\|[\uDC00-\uDFFF]/);
      }),
      { numRuns: runs(200) },
    );
  });

  it('is the end of a text that is short enough', () => {
    expect(cutBefore('abc', 3)).toBe(3);
    expect(cutBefore('abc', 10, 2)).toBe(3);
    expect(cutBefore('', 5)).toBe(0);
  });
});
