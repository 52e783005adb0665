import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { invalidForm, parseForm, Refusal } from '../../../../src/sandbox/discord/refusal.ts';
import { runs } from '../../../support/property-runs.ts';

const Form = z.object({
  name: z.string().min(2).max(4),
  count: z.int().min(1).max(3).optional(),
  kind: z.enum(['a', 'b']).optional(),
  list: z
    .array(z.object({ id: z.string().regex(/^\d+$/) }))
    .max(2)
    .optional(),
});

describe('a form that does not fit', () => {
  it.each<[string, unknown, string[], string]>([
    ['a field that is missing', {}, ['name'], 'BASE_TYPE_REQUIRED'],
    ['a text that is empty', { name: '' }, ['name'], 'BASE_TYPE_REQUIRED'],
    ['a text that is short', { name: 'x' }, ['name'], 'BASE_TYPE_MIN_LENGTH'],
    ['a text that is long', { name: 'xxxxx' }, ['name'], 'BASE_TYPE_MAX_LENGTH'],
    ['a text that is a number', { name: 1 }, ['name'], 'STRING_TYPE_CONVERT'],
    ['a number that is large', { name: 'xx', count: 4 }, ['count'], 'NUMBER_TYPE_MAX'],
    ['a number that is small', { name: 'xx', count: 0 }, ['count'], 'NUMBER_TYPE_MIN'],
    ['a value that is not offered', { name: 'xx', kind: 'c' }, ['kind'], 'BASE_TYPE_CHOICES'],
    ['a list that is none', { name: 'xx', list: 'x' }, ['list'], 'LIST_TYPE_CONVERT'],
    ['a thing that is none', { name: 'xx', list: [1] }, ['list', '0'], 'MODEL_TYPE_CONVERT'],
    ['an id that is none', { name: 'xx', list: [{ id: 'x' }] }, ['list', '0', 'id'], 'STRING_TYPE_REGEX'],
  ])('says of %s where it is and what is wrong', (_what, body, path, code) => {
    const { errors } = refusalOf(() => parseForm(Form, body)).toWire();

    expect(at(errors, path)).toEqual([{ code, message: expect.any(String) }]);
  });

  it('says all of it at once', () => {
    const { errors } = refusalOf(() => parseForm(Form, { name: 'x', count: 9 })).toWire();

    expect(Object.keys(errors as object).toSorted()).toEqual(['count', 'name']);
  });

  it('keeps every error at the end of its path', () => {
    const key = fc.oneof(fc.nat(9), fc.stringMatching(/^[a-z]{1,4}$/));
    fc.assert(
      fc.property(fc.array(fc.array(key, { minLength: 1, maxLength: 4 }), { minLength: 1 }), (paths) => {
        const refusal = invalidForm(paths.map((path, index) => ({ path, code: `C${index}`, message: 'm' })));
        const { errors } = refusal.toWire();

        for (const [index, path] of paths.entries())
          expect(at(errors, path.map(String))).toContainEqual({ code: `C${index}`, message: 'm' });
      }),
      { numRuns: runs(100) },
    );
  });

  it('has no list of errors when the form is not to blame', () => {
    expect(new Refusal(404, 10_008, 'Unknown Message').toWire()).toEqual({
      message: 'Unknown Message',
      code: 10_008,
    });
  });
});

function refusalOf(act: () => unknown): Refusal {
  try {
    act();
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
  throw new Error('it was not refused');
}

function at(errors: unknown, path: readonly string[]): unknown {
  const leaf = path.reduce<unknown>((tree, name) => (tree as Record<string, unknown>)[name], errors);
  return (leaf as { _errors: unknown })._errors;
}
