import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { argumentsSchema } from '../../../src/mcp/arguments-schema.ts';

const schema = argumentsSchema({
  type: 'object',
  properties: {
    query: { type: 'string', minLength: 2 },
    kind: { enum: ['a', 'b'] },
    at: { type: 'string', format: 'date-time' },
    nested: { type: 'object', properties: { 'a/b': { type: 'integer' } } },
  },
  required: ['query'],
  additionalProperties: false,
});

const problem = (args: unknown) => {
  const { error } = schema.safeParse(args);
  return error && z.prettifyError(error);
};

describe('arguments of a tool of an MCP server', () => {
  it('are passed on as they are when they fit', () => {
    const args = { query: 'coffee', kind: 'a', at: '2026-01-01T00:00:00Z', nested: { 'a/b': 1 } };

    expect(schema.parse(args)).toEqual(args);
  });

  it.each([
    [{}, "must have required property 'query'"],
    [{ query: 'c' }, 'must NOT have fewer than 2 characters\n  → at query'],
    [{ query: 7 }, 'must be string\n  → at query'],
    [{ query: 'coffee', kind: 'c' }, 'allowed values: ["a","b"]'],
    [{ query: 'coffee', at: 'soon' }, 'must match format "date-time"'],
    [{ query: 'coffee', more: 1 }, 'must not have "more"'],
    [{ query: 'coffee', nested: { 'a/b': 'x' } }, 'must be integer'],
    ['coffee', 'expected record'],
    [null, 'expected record'],
  ])('%j are refused, in words that help', (args, words) => {
    expect(problem(args)).toContain(words);
  });

  it('may be described in older dialects', () => {
    const old = argumentsSchema({
      $schema: 'http://json-schema.org/draft-07/schema#',
      type: 'object',
      properties: { pair: { type: 'array', items: [{ type: 'string' }, { type: 'integer' }] } },
    });

    expect(old.safeParse({ pair: ['a', 1] }).success).toBe(true);
    expect(old.safeParse({ pair: [1, 'a'] }).success).toBe(false);
  });

  it.each([
    ['is no schema', { type: 'nonsense' }],
    [
      'refers to one that is elsewhere',
      { type: 'object', properties: { a: { $ref: 'https://evil.test/schema' } } },
    ],
  ])('cannot be checked by what %s', (_, written) => {
    expect(() => argumentsSchema(written)).toThrow();
  });
});
