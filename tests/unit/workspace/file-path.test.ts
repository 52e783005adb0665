import { isAbsolute, join, normalize } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FilePath, FolderPath, problemOf, UNFINISHED } from '../../../src/workspace/file-path.ts';
import { runs } from '../../support/property-runs.ts';

describe('a path in the workspace', () => {
  it.each([
    ['/etc/passwd', 'must begin at the top'],
    ['C:/windows', 'must begin at the top'],
    ['a//b', 'must have a name between two /'],
    ['a/', 'must have a name between two /'],
    ['../a', 'must not contain . or ..'],
    ['a/../../b', 'must not contain . or ..'],
    ['./a', 'must not contain . or ..'],
    ['a\\b', 'must not contain \\'],
    ['a\u0000b', 'characters that cannot be seen'],
    ['a\u202Eb', 'characters that cannot be seen'],
    [' a', 'without spaces'],
    ['e\u0301', 'normal form C'],
    ['x'.repeat(256), 'at most 255 bytes'],
    [Array.from({ length: 33 }, () => 'a').join('/'), 'at most 32 levels'],
    [`a/${UNFINISHED}1`, 'must not have a name that begins'],
  ])('OM-187 is not %j', (path, problem) => {
    expect(problemOf(path)).toContain(problem);
    expect(FilePath.safeParse(path).success).toBe(false);
  });

  it('is what people call files, in any language', () => {
    for (const path of ['a.txt', 'reports/2026/mai.csv', 'über/ça.md', '日本/語.txt', '.hidden', 'a b/c d']) {
      expect(problemOf(path)).toBeUndefined();
    }
    expect(FolderPath.safeParse('').success).toBe(true);
  });

  it('OM-187 never leads above the top by its words, whatever they are', () => {
    const name = fc.oneof(
      fc.constantFrom('..', '.', '', 'a', '...', '~', 'C:'),
      fc.string({ unit: 'binary' }),
    );
    fc.assert(
      fc.property(fc.array(name, { minLength: 1, maxLength: 6 }), (names) => {
        const path = names.join('/');
        if (problemOf(path) !== undefined) return;

        const full = normalize(join('/top', path));

        expect(isAbsolute(path)).toBe(false);
        expect(full.startsWith('/top/')).toBe(true);
        expect(full).toBe(`/top/${path}`);
      }),
      { numRuns: runs(500) },
    );
  });
});
