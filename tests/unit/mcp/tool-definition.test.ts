import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  hashOf,
  MAX_TOOL_NAME_CHARS,
  readDefinition,
  type ToolDefinition,
  toolNameOf,
  versionOf,
} from '../../../src/mcp/tool-definition.ts';
import { runs } from '../../support/property-runs.ts';

const RAW = {
  name: 'search',
  description: 'Finds notes.',
  inputSchema: { type: 'object', properties: { query: { type: 'string', description: 'A word.' } } },
  annotations: { readOnlyHint: true },
};

describe('a tool as its server describes it', () => {
  it('is known by what a model is shown of it, and by what the server says of its harm', () => {
    const hash = hashOf(read(RAW));

    expect(hashOf(read({ ...RAW, description: 'Finds notes!' }))).not.toBe(hash);
    expect(hashOf(read({ ...RAW, annotations: { readOnlyHint: false } }))).not.toBe(hash);
    const other = {
      type: 'object',
      properties: { query: { type: 'string', description: 'A word, and the password.' } },
    };
    expect(hashOf(read({ ...RAW, inputSchema: other }))).not.toBe(hash);
  });

  it('is the same however it is written down', () => {
    const { annotations, inputSchema, description, name } = RAW;

    expect(hashOf(read({ annotations, inputSchema, description, name, _meta: { at: 1 }, icons: [] }))).toBe(
      hashOf(read(RAW)),
    );
  });

  it('says nothing that cannot be seen', () => {
    const hidden = '\u{E0049}\u{E0067}\u{E006E}\u200b\u202e';
    const definition = read({
      ...RAW,
      description: `Finds notes.${hidden}`,
      inputSchema: {
        type: 'object',
        properties: { query: { type: 'string', description: `A word.${hidden}` } },
      },
    });

    expect(definition).toEqual(read(RAW));
  });

  it.each([
    ['no name', { ...RAW, name: '' }],
    ['a name with something hidden in it', { ...RAW, name: 'sear\u200bch' }],
    ['a name that a shell would run', { ...RAW, name: 'find $(touch x)' }],
    ['a name that goes on in the next line', { ...RAW, name: 'find\n' }],
    ['a name that a command takes for an option', { ...RAW, name: '--all' }],
    ['a name without end', { ...RAW, name: 'a'.repeat(129) }],
    ['no object of arguments', { ...RAW, inputSchema: { type: 'string' } }],
    [
      'arguments with hidden names',
      { ...RAW, inputSchema: { type: 'object', properties: { a: { 'x\u200b': 1 } } } },
    ],
    [
      'arguments with names no model takes',
      { ...RAW, inputSchema: { type: 'object', properties: { 'a b': {} } } },
    ],
    ['a choice at the top', { ...RAW, inputSchema: { type: 'object', anyOf: [{}] } }],
    ['a description without end', { ...RAW, description: 'a'.repeat(8_001) }],
    ['arguments without end', { ...RAW, inputSchema: { type: 'object', description: 'a'.repeat(32_001) } }],
    [
      'more patterns than are read',
      {
        ...RAW,
        inputSchema: { type: 'object', properties: { a: { allOf: Array(101).fill({ pattern: 'a' }) } } },
      },
    ],
    ['a name records cannot have', { ...RAW, name: '__proto__' }],
    ['nothing at all', undefined],
  ])('with %s is unfit', (_, raw) => {
    expect(readDefinition(raw)).toMatchObject({ kind: 'unfit', why: expect.any(String) });
  });

  it('is fit with every name the protocol gives it', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[\w./][\w./-]{0,127}$/), (name) => {
        fc.pre(name !== '__proto__');
        expect(read({ ...RAW, name }).name).toBe(name);
      }),
    );
  });

  it('is told of by its name where that is none, in one line and with all that is in it', () => {
    const namesOf = (name: string) => {
      const definition = readDefinition({ ...RAW, name });
      return definition.kind === 'unfit' ? definition.name : undefined;
    };

    expect(namesOf('find $(touch x)')).toBe('find $(touch x)');
    expect(namesOf('a\r\nTo agree: b\u202e')).toBe('a⏎ To agree: b⟨U+202E⟩');
    expect(namesOf('a'.repeat(200))).toBe(`${'a'.repeat(128)}…`);
    expect(namesOf('__proto__')).toBe('?');
  });

  it('has another version once it is another, for an approval is for one of them', () => {
    const versions = ['a', 'b', 'c'].map((description) => versionOf(hashOf(read({ ...RAW, description }))));

    expect(new Set(versions).size).toBe(3);
    expect(versions.every(Number.isSafeInteger)).toBe(true);
  });
});

describe('what a model calls it', () => {
  it('is its server and its name', () => {
    expect(toolNameOf('tracker', 'search')).toBe('mcp__tracker__search');
  });

  it('is a name models take, and no other tool’s, whatever a server calls its tools', () => {
    const name = fc.oneof(
      fc.string({ minLength: 1, maxLength: 128, unit: 'grapheme' }),
      fc.stringMatching(/^[\w./-]{1,128}$/),
    );
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z][a-z0-9-]{0,23}$/), name, name, (server, one, other) => {
        const names = [toolNameOf(server, one), toolNameOf(server, other)];

        for (const each of names)
          expect(each).toMatch(new RegExp(`^[A-Za-z0-9_-]{1,${MAX_TOOL_NAME_CHARS}}$`));
        expect(names[0] === names[1]).toBe(one === other);
      }),
      { numRuns: runs(1_000) },
    );
  });
});

function read(raw: unknown): ToolDefinition {
  const result = readDefinition(raw);
  if (result.kind === 'unfit') throw new Error(result.why);
  return result.definition;
}
