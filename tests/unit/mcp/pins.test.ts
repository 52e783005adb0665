import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  agree,
  EMPTY_BOOK,
  hashOfAll,
  type PinBook,
  PinBook as PinBookSchema,
  sawTools,
  stateOf,
  type Wish,
  waitingFor,
  waitingIn,
  wentDown,
} from '../../../src/mcp/pins.ts';
import { hashOf, type ReadDefinition } from '../../../src/mcp/tool-definition.ts';
import { runs } from '../../support/property-runs.ts';

const tool = (name: string, description = 'Does it.'): ReadDefinition => ({
  kind: 'definition',
  definition: { name, description, inputSchema: { type: 'object' } },
});
const saw = (book: PinBook, ...tools: ReadDefinition[]) => sawTools(book, tools, 1).next ?? book;
const agreeTo = (book: PinBook, wish: Omit<Wish, 'by'> = {}) => {
  const result = agree(book, { ...wish, by: 'dana' }, 2);
  return result.kind === 'agreed' ? result.next : book;
};
const states = (book: PinBook) =>
  Object.fromEntries(Object.entries(book.tools).map(([name, pin]) => [name, stateOf(pin)]));

describe('what somebody has agreed to', () => {
  it('is nothing at first sight', () => {
    const { next, held } = sawTools(EMPTY_BOOK, [tool('search')], 1);

    expect(states(next ?? EMPTY_BOOK)).toEqual({ search: 'new' });
    expect(held).toMatchObject([{ tool: 'search', state: 'new' }]);
  });

  it('is a tool as it was seen; changed, it waits again, and the others go on', () => {
    const agreed = agreeTo(saw(EMPTY_BOOK, tool('search'), tool('create')));

    const changed = saw(agreed, tool('search', 'Does it, and more.'), tool('create'));

    expect(states(agreed)).toEqual({ search: 'agreed', create: 'agreed' });
    expect(states(changed)).toEqual({ search: 'changed', create: 'agreed' });
    expect(states(saw(changed, tool('search'), tool('create')))).toEqual(states(agreed));
  });

  it('stays as it is while the server does not run, and why it does not is known until it is heard again', () => {
    const agreed = agreeTo(saw(EMPTY_BOOK, tool('search'), tool('create')), { tool: 'search' });

    const down = wentDown(agreed, 'it ended', 5) ?? agreed;
    const otherwise = wentDown(down, 'it did not answer in time', 9) ?? down;

    expect(states(otherwise)).toEqual(states(agreed));
    expect(wentDown(down, 'it ended', 9)).toBeUndefined();
    expect(otherwise.down).toEqual({ why: 'it did not answer in time', sinceMs: 5 });
    expect(agreeTo(otherwise).down).toEqual(otherwise.down);
    expect(saw(otherwise, tool('search'), tool('create'))).toEqual({ ...agreed, rev: otherwise.rev + 1 });
  });

  it('stays known while the tool is away', () => {
    const gone = saw(agreeTo(saw(EMPTY_BOOK, tool('search'))), tool('other'));

    expect(states(gone)).toEqual({ search: 'gone', other: 'new' });
    expect(states(saw(gone, tool('search')))).toEqual({ search: 'agreed' });
  });

  it('can be one tool of several', () => {
    const book = saw(EMPTY_BOOK, tool('search'), tool('create'));

    expect(states(agreeTo(book, { tool: 'search' }))).toEqual({ search: 'agreed', create: 'new' });
  });

  it('is to all that is switched on, and to what is off only by its name', () => {
    const book = saw(EMPTY_BOOK, tool('search'), tool('create'), tool('drop'));
    const isOn = (name: string) => name !== 'drop';
    const hash = hashOfAll(waitingFor(book, { isOn }));

    expect(waitingFor(book, { isOn }).map((each) => each.tool)).toEqual(['create', 'search']);
    expect(states(agreeTo(book, { hash, isOn }))).toEqual({
      search: 'agreed',
      create: 'agreed',
      drop: 'new',
    });
    expect(states(agreeTo(book, { tool: 'drop', isOn }))).toEqual({
      search: 'new',
      create: 'new',
      drop: 'agreed',
    });
  });

  it('is exactly what was looked at', () => {
    const book = saw(EMPTY_BOOK, tool('search'), tool('create'));
    const hash = hashOfAll(waitingIn(book));
    const changed = saw(book, tool('search', 'Does something else.'), tool('create'));

    expect(agree(book, { hash: hash.slice(0, 12), by: 'dana' }, 2).kind).toBe('agreed');
    expect(agree(changed, { hash, by: 'dana' }, 2)).toEqual({ kind: 'moved' });
    expect(
      agree(
        changed,
        {
          tool: 'search',
          hash: hashOf({ name: 'search', description: 'Does it.', inputSchema: { type: 'object' } }),
          by: 'dana',
        },
        2,
      ),
    ).toEqual({ kind: 'moved' });
  });

  it('is nothing where nothing waits', () => {
    const book = saw(EMPTY_BOOK, tool('search'), { kind: 'unfit', name: 'odd', why: 'it is' });

    expect(agree(book, { tool: 'odd', by: 'dana' }, 2)).toEqual({ kind: 'nothing-waits' });
    expect(agree(book, { tool: 'toString', by: 'dana' }, 2)).toEqual({ kind: 'nothing-waits' });
    expect(agree(agreeTo(book), { by: 'dana' }, 2)).toEqual({ kind: 'nothing-waits' });
    expect(states(book)).toEqual({ search: 'new', odd: 'unfit' });
  });

  it('changes nothing when nothing changes', () => {
    const book = agreeTo(saw(EMPTY_BOOK, tool('search'), { kind: 'unfit', name: 'odd', why: 'it is' }));

    expect(sawTools(book, [tool('search'), { kind: 'unfit', name: 'odd', why: 'it is' }], 99)).toEqual({
      held: [],
    });
  });

  it('is told once for each thing that waits', () => {
    const first = sawTools(EMPTY_BOOK, [tool('search')], 1).next ?? EMPTY_BOOK;
    const { held } = sawTools(first, [tool('search'), tool('create')], 2);

    expect(held.map(({ tool: name }) => name)).toEqual(['create']);
  });

  it('never covers a tool as somebody has not seen it, whatever a server does', () => {
    const names = ['search', 'create', 'constructor', 'toString'];
    const step = fc.oneof(
      fc
        .array(fc.tuple(fc.constantFrom(...names), fc.constantFrom('a', 'b')), { maxLength: 4 })
        .map((tools) => ({ kind: 'saw' as const, tools })),
      fc.constantFrom(...names).map((name) => ({ kind: 'agree' as const, name })),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        let book = EMPTY_BOOK;
        const shown = new Set<string>();
        for (const each of steps) {
          if (each.kind === 'saw') book = saw(book, ...each.tools.map(([name, words]) => tool(name, words)));
          else {
            for (const { tool: name, hash } of waitingIn(book))
              if (name === each.name) shown.add(`${name} ${hash}`);
            book = agreeTo(book, { tool: each.name });
          }
          for (const [name, pin] of Object.entries(book.tools)) {
            if (stateOf(pin) === 'agreed' && pin.seen?.kind === 'fit')
              expect(shown).toContain(`${name} ${pin.seen.hash}`);
          }
          expect(PinBookSchema.parse(JSON.parse(JSON.stringify(book)))).toEqual(book);
        }
      }),
      { numRuns: runs(300) },
    );
  });
});
