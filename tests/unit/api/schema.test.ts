import { describe, expect, it } from 'vitest';
import { ListQuery, WaitQuery } from '../../../src/api/schema.ts';

describe('a number in an address', () => {
  it.each([
    ['timeout', 'abc', WaitQuery],
    ['timeout', '1e400', WaitQuery],
    ['after', 'abc', WaitQuery],
    ['limit', 'abc', ListQuery],
  ])('that is none is said to be none: %s=%s', (name, value, schema) => {
    const { error } = schema.safeParse({ [name]: value });

    expect(error?.issues).toMatchObject([{ path: [name], message: 'has to be a number' }]);
  });

  it.each([
    ['limit', '100000', ListQuery, /<=100$/],
    ['limit', '0', ListQuery, />=1$/],
    ['limit', '1.5', ListQuery, /\bint\b/],
    ['timeout', '-1', WaitQuery, />=0$/],
    ['timeout', '1e9', WaitQuery, /<=55$/],
    ['after', '-1', WaitQuery, />=0$/],
    ['after', '1.5', WaitQuery, /\bint\b/],
    ['after', '1e17', WaitQuery, /<=9007199254740991$/],
  ])('that is out of bounds is told the bound: %s=%s', (name, value, schema, said) => {
    const { error } = schema.safeParse({ [name]: value });

    expect(error?.issues).toMatchObject([{ path: [name], message: expect.stringMatching(said) }]);
  });
});
