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

  it.each<[object, unknown]>([
    [{ pattern: '^(\\w+\\s?)*$' }, `${'a'.repeat(50_000)}!`],
    [{ pattern: '^(([a-z])+.)+[A-Z]([a-z])+$' }, 'a'.repeat(50_000)],
    [{ pattern: '(x+x+)+y' }, 'x'.repeat(50_000)],
    [{ type: 'object', patternProperties: { '^(a+)+$': false } }, { [`${'a'.repeat(50_000)}!`]: 1 }],
    ...['url', 'uri', 'uri-reference', 'email', 'hostname', 'date-time', 'uri-template'].map(
      (format): [object, unknown] => [{ format }, `http://a.${'::'.repeat(50_000)} `],
    ),
  ])('are looked at in no time, whatever a server writes: %j', (value, given) => {
    const written = argumentsSchema({ type: 'object', properties: { value } });
    const before = process.cpuUsage();

    written.safeParse({ value: given });

    expect(process.cpuUsage(before).user / 1_000).toBeLessThan(2_000);
  });

  it('are held against each of several patterns', () => {
    const written = argumentsSchema({
      type: 'object',
      properties: { key: { pattern: '^[A-Z]{2}-\\d+$' }, name: { pattern: '\\p{L}' } },
      patternProperties: { '^x-': { type: 'integer' } },
    });

    expect(written.safeParse({ key: 'AB-12', name: 'é', 'x-1': 1 }).success).toBe(true);
    expect(written.safeParse({ key: 'é' }).success).toBe(false);
    expect(written.safeParse({ name: '12' }).success).toBe(false);
    expect(written.safeParse({ 'x-1': 'one' }).success).toBe(false);
  });

  const AHEAD = '^(?=.*\\d)[a-z\\d]+$';
  it.each([
    ['in an argument', { properties: { a: { pattern: AHEAD } } }],
    ['under a not', { properties: { a: { not: { pattern: AHEAD } } } }],
    ['under a not of all', { not: { properties: { a: { pattern: AHEAD } } } }],
    [
      'where an argument refers to',
      { $defs: { d: { pattern: AHEAD } }, properties: { a: { $ref: '#/$defs/d' } } },
    ],
    ['for names', { patternProperties: { [AHEAD]: true }, additionalProperties: false }],
    ['that others hang on', { if: { properties: { a: { pattern: AHEAD } } }, else: { required: ['b'] } }],
  ])('with a pattern that cannot be run in such a time are left to the server: %s', (_, part) => {
    const properties = { n: { type: 'integer' }, ...('properties' in part ? part.properties : {}) };
    const written = argumentsSchema({ type: 'object', required: ['n'], ...part, properties });

    expect(written.safeParse({ n: 1, a: 'x1' }).success).toBe(true);
    expect(written.safeParse({ n: 1, a: '?' }).success).toBe(true);
    expect(written.safeParse({ n: 'one', a: 'x1' }).success).toBe(false);
    expect(written.safeParse({ a: 'x1' }).success).toBe(false);
  });

  it('take a url for one only where it is', () => {
    const written = argumentsSchema({
      type: 'object',
      properties: { at: { type: 'string', format: 'url' } },
    });

    expect(written.safeParse({ at: 'https://docs.test/a?b=c' }).success).toBe(true);
    for (const at of ['docs.test', 'javascript:alert(1)', 'https://a b', 'https://']) {
      expect(written.safeParse({ at }).success).toBe(false);
    }
  });
});
