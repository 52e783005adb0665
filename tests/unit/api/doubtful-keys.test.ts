import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { doubtfulKeyIn } from '../../../src/api/doubtful-keys.ts';
import { runs } from '../../support/property-runs.ts';

describe('a key that two programs could read as two things', () => {
  it.each([
    ['{"a":1,"a":2}', ['a']],
    ['{"a":1,"\\u0061":1}', ['a']],
    ['{"":1,"":2}', ['']],
    ['{"args":[{"x":1},{"b":{"c":1, "d":2,\n\t"c":[]}}]}', ['args', '1', 'b', 'c']],
    ['{"1":"x","1":"y"}', ['1']],
  ])('is named where it stands twice: %s', (json, path) => {
    expect(doubtfulKeyIn(json)).toEqual({ path, problem: expect.stringContaining('stands twice') });
  });

  it.each([
    ['{"__proto__":{}}', ['__proto__']],
    ['{"a":[{"\\u005f_proto__":1}]}', ['a', '0', '__proto__']],
    ['{"a":{"constructor":{"prototype":{}}}}', ['a', 'constructor']],
  ])('is named where a program would reach into itself by it: %s', (json, path) => {
    expect(doubtfulKeyIn(json)).toEqual({ path, problem: expect.stringContaining('not taken') });
  });

  it.each([
    '{"a":{"b":1},"b":{"a":1},"A":1}',
    '[{"a":1},{"a":1}]',
    '{"constructor":"Kim & Sons"}',
    '{"a":"{\\"a\\":1,\\"a\\":2}"}',
    '"a"',
    'null',
    '{"<<":{"a":1},"a":2}',
    '{"null":1,"true":2,"~":3,"&x":4,"*x":5,"!!int":6}',
  ])('is none where each stands once: %s', (json) => {
    expect(doubtfulKeyIn(json)).toBeUndefined();
  });

  it('is in no text that a program made of something, however it is laid out, and in each that has one twice', () => {
    const keys = fc.string({ unit: 'grapheme', maxLength: 8 }).filter((key) => key !== '__proto__');
    const value = fc.letrec((tie) => ({
      any: fc.oneof(
        { maxDepth: 4 },
        fc.jsonValue({ maxDepth: 0 }),
        fc.array(tie('any'), { maxLength: 4 }),
        fc.dictionary(keys, tie('any'), { maxKeys: 4, noNullPrototype: true }),
      ),
    })).any;
    const layout = fc.constantFrom(undefined, 1, '\t');

    fc.assert(
      fc.property(value, keys, layout, (any, key, space) => {
        const json = JSON.stringify({ any, last: 1 }, undefined, space);
        const name = JSON.stringify(key);

        expect(doubtfulKeyIn(json)).toBeUndefined();
        expect(doubtfulKeyIn(`{${name}:${json},${name}:2}`)).toMatchObject({ path: [key] });
      }),
      { numRuns: runs(300) },
    );
  });
});
