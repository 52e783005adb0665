import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyEdit, beforeEdit, changesBetween } from '../../../src/workspace/edit.ts';
import { versionOf } from '../../../src/workspace/workspace.ts';
import { runs } from '../../support/property-runs.ts';

describe('an edit', () => {
  it('replaces what stands there exactly once', () => {
    expect(applyEdit('one two three', { find: 'two', replace: '2' })).toEqual({ text: 'one 2 three' });
    expect(applyEdit('one $& three', { find: '$&', replace: '$1' })).toEqual({ text: 'one $1 three' });
    expect(applyEdit('one', { find: 'two', replace: '2' })).toEqual({
      problem: 'the text to be replaced is not in it',
    });
    expect(applyEdit('aaa', { find: 'aa', replace: 'b' })).toEqual({
      problem: expect.stringContaining('more than once'),
    });
  });

  it('is recognised where it was made already', () => {
    fc.assert(
      fc.property(
        fc.string(),
        fc.string({ minLength: 1 }),
        fc.string({ minLength: 1 }),
        (text, find, replace) => {
          const edited = applyEdit(text, { find, replace });
          if ('problem' in edited) return;

          expect(beforeEdit(edited.text, { find, replace }, versionOf(text))).toBe(text);
        },
      ),
      { numRuns: runs(300) },
    );
    expect(beforeEdit('something else', { find: 'a', replace: 'e' }, versionOf('another'))).toBeUndefined();
  });
});

describe('what people are shown of a change', () => {
  it('is every place that differs, with what goes and what comes', () => {
    expect(changesBetween('a\nb\nc\n', 'a\nX\nc\nd\n')).toEqual([
      { label: 'line 2', before: 'b', after: 'X' },
      { label: 'new line 4', after: 'd' },
    ]);
    expect(changesBetween('a\nb\n', 'a\n')).toEqual([{ label: 'line 2', before: 'b', after: 'nothing' }]);
    expect(changesBetween('', 'new\nfile')).toEqual([{ label: 'new line 1', after: 'new\nfile' }]);
  });

  it('are one place, from where they begin, where too much differs to tell it apart in no time', () => {
    const old = ['same', ...Array.from({ length: 90_000 }, (_, n) => `old ${n}`)].join('\n');
    const now = ['same', ...Array.from({ length: 4_000 }, (_, n) => `new ${n}`)].join('\n');
    const before = process.cpuUsage();

    const changes = changesBetween(old, now);

    expect(process.cpuUsage(before).user / 1_000).toBeLessThan(3_000);
    expect(changes).toMatchObject([
      {
        label: 'from line 2 on',
        before: expect.stringMatching(/^old 0\nold 1\n.*more characters\)$/s),
        after: expect.stringMatching(/^new 0\nnew 1\n.*more characters\)$/s),
      },
    ]);
  });

  it('says what it leaves out', () => {
    const before = Array.from({ length: 60 }, (_, n) => `line ${n}`);
    const after = before.map((line, n) => (n % 2 ? line : `${line}!`));

    const many = changesBetween(before.join('\n'), after.join('\n'));
    const [long] = changesBetween('', 'x'.repeat(1_500));

    expect(many.at(-1)).toEqual({ label: 'further places', after: '15 more, not shown here' });
    expect(many).toHaveLength(16);
    expect(long?.after).toBe(`${'x'.repeat(1_000)} … (and 500 more characters)`);
  });
});
