import { describe, expect, it } from 'vitest';
import { flawIn, MAX_DEPTH } from '../../../src/domain/json-flaw.ts';

function nested(levels: number): unknown {
  return JSON.parse('['.repeat(levels) + ']'.repeat(levels));
}

describe('what JSON can write', () => {
  it.each([{ a: ['\u{1F600}', 1, null, true] }, 'ÄÖ\u0000', {}, [], nested(MAX_DEPTH)])(
    'is kept: %j',
    (value) => {
      expect(flawIn(value)).toBeUndefined();
    },
  );

  it.each([
    [{ a: { b: ['x', '\ud800'] } }, ['a', 'b', '1']],
    [{ a: '\udc00 first' }, ['a']],
    [{ a: { '\ud83d': 1 } }, ['a']],
    ['\ud800', []],
  ])('is told by its place where it holds half of a character: %j', (value, path) => {
    expect(flawIn(value)).toEqual({ path, problem: expect.stringContaining('half of a character') });
  });

  it.each([MAX_DEPTH + 1, 5_000, 200_000])(
    'is told where it is %i levels deep, without going there',
    (levels) => {
      expect(flawIn(nested(levels))).toEqual({
        path: Array(MAX_DEPTH).fill('0'),
        problem: 'is nested deeper than 32 levels',
      });
    },
  );
});
