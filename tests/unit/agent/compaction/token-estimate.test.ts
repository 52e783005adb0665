import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { estimateText } from '../../../../src/agent/compaction/token-estimate.ts';
import { runs } from '../../../support/property-runs.ts';

describe('an estimate of tokens', () => {
  it.each([
    // What current tokenizers make of them is about the second number; never is less estimated.
    ['The quick brown fox jumps over the lazy dog.', 10],
    ['Die Bundesausbildungsförderung wurde beschlossen.', 14],
    ['Съешь же ещё этих мягких французских булок', 20],
    ['東京都の天気は晴れです。', 12],
    ['{"order":7,"cents":9900,"currency":"EUR"}', 18],
    ['aGVsbG8gd29ybGQgYW5kIG1vcmUgb2YgaXQgaGVyZQ==', 30],
    ['👩‍👩‍👧‍👦👍🏽', 16],
    ['12345678901234567890', 10],
  ])('is on the high side for %s', (text, least) => {
    expect(estimateText(text)).toBeGreaterThanOrEqual(least);
    expect(estimateText(text)).toBeLessThanOrEqual(least * 4);
  });

  it('is never more than the bytes and a half of a text, and grows with it', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', maxLength: 200 }),
        fc.string({ maxLength: 50 }),
        (text, more) => {
          expect(estimateText(text)).toBeLessThanOrEqual(Buffer.byteLength(text) * 1.5 + 1);
          expect(estimateText(`${text} ${more}`)).toBeGreaterThanOrEqual(estimateText(text));
        },
      ),
      { numRuns: runs(300) },
    );
  });
});
