import fc from 'fast-check';
import { fromMarkdown } from 'mdast-util-from-markdown';
import { gfmFromMarkdown } from 'mdast-util-gfm';
import { gfm } from 'micromark-extension-gfm';
import { describe, expect, it } from 'vitest';
import { dropHidden, showHidden } from '../../../../gateways/markdown/hidden-characters.ts';
import { judgeLink } from '../../../../gateways/markdown/link.ts';
import { type Piece, pack } from '../../../../gateways/markdown/pack.ts';
import { parseMarkdown } from '../../../../gateways/markdown/parse.ts';

/** A tree without the places in the text it was read from. */
function essence(tree: unknown): unknown {
  return JSON.parse(JSON.stringify(tree, (key, value: unknown) => (key === 'position' ? undefined : value)));
}

describe('hidden characters', () => {
  it.each([
    ['zero-width space', 'a\u200Bb', 'ab', 'a⟨U+200B⟩b'],
    ['direction override', 'a\u202Eb', 'ab', 'a⟨U+202E⟩b'],
    ['tag characters', 'a\u{E0041}b', 'ab', 'a⟨U+E0041⟩b'],
    ['a control', 'a\u0007b\u001B[0m', 'ab[0m', 'a⟨U+0007⟩b⟨U+001B⟩[0m'],
    ['a variation selector of its own', 'a\u{E0100}b', 'ab', 'a⟨U+E0100⟩b'],
    ['a filler', 'a\u3164b', 'ab', 'a⟨U+3164⟩b'],
    ['a joiner out of place', ' \u200D.', ' .', ' ⟨U+200D⟩.'],
  ])('%s', (_, text, dropped, shown) => {
    expect(dropHidden(text)).toBe(dropped);
    expect(showHidden(text)).toBe(shown);
  });

  it('that scripts and emoji need, stay', () => {
    for (const text of ['👩‍👩‍👧', '❤️', 'می‌خواهم', 'tab\there\nand there']) {
      expect(dropHidden(text)).toBe(text);
      expect(showHidden(text)).toBe(text);
    }
  });

  it('line ends are one kind', () => {
    expect(dropHidden('a\r\nb\rc\u2028d')).toBe('a\nb\nc\nd');
  });
});

describe('a link', () => {
  it('may hide behind words, not behind an address', () => {
    expect(judgeLink('docs', 'https://a.example').kind).toBe('labelled');
    expect(judgeLink('A.B.', 'https://a.example').kind).toBe('labelled');
    expect(judgeLink('b.example', 'https://a.example').kind).toBe('bare');
    expect(judgeLink('dana@b.example', 'https://a.example').kind).toBe('bare');
    expect(judgeLink('ｂ．ｅｘａｍｐｌｅ', 'https://a.example').kind).toBe('bare');
    expect(judgeLink('a.example.evil.test/x', 'https://a.example').kind).toBe('bare');
    expect(judgeLink('go to b.example', 'https://a.example').kind).toBe('bare');
    expect(judgeLink('a.example', 'https://a.example/x').kind).toBe('labelled');
    expect(judgeLink('https://www.a.example/y', 'https://a.example/x').kind).toBe('labelled');
  });

  it('loses a user name, which only looks like a host', () => {
    expect(judgeLink('', 'https://bank.test:pw@evil.test/x')).toEqual({
      kind: 'bare',
      label: undefined,
      url: 'https://evil.test/x',
    });
  });

  it('shows the host as machines read it', () => {
    expect(judgeLink('', 'https://аррӏе.test/')).toMatchObject({ url: expect.stringContaining('xn--') });
  });

  it.each(['javascript:alert(1)', 'data:text/html,x', 'file:///etc/passwd', 'not an address', '//evil.test'])(
    '%s is not one',
    (address) => {
      expect(judgeLink('x', address).kind).toBe('text');
    },
  );
});

describe('packing', () => {
  const packing = { limit: 100, sizeOf: (text: string) => text.length, fence: '```', atoms: /<[^<>]*>/g };
  const line = fc.stringMatching(/^[a-z <>]{0,250}$/).map((text) => text.replaceAll(/<[^>]*$|^[^<]*>/g, ''));
  const piece: fc.Arbitrary<Piece> = fc.record({
    kind: fc.constantFrom('text', 'code'),
    text: fc.array(line, { maxLength: 12 }).map((lines) => lines.join('\n')),
    gap: fc.constantFrom('\n', '\n\n'),
  });

  it('loses nothing, keeps the order, and stays within the limit', () => {
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const parts = pack(pieces, packing);

        const essence = (text: string) => text.replaceAll('```', '').replaceAll(/\s/g, '');
        expect(essence(parts.join(''))).toBe(essence(pieces.map(({ text }) => text).join('')));
        for (const part of parts) expect(part.length).toBeLessThanOrEqual(packing.limit);
      }),
    );
  });

  it('closes every fence it opens within the part', () => {
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        for (const part of pack(pieces, packing)) expect((part.match(/^```$/gm) ?? []).length % 2).toBe(0);
      }),
    );
  });

  it('cuts between pieces where it can', () => {
    const pieces: Piece[] = ['a', 'b', 'c'].map((letter) => ({
      kind: 'text',
      text: letter.repeat(49),
      gap: '\n\n',
    }));

    expect(pack(pieces, packing)).toEqual([`${'a'.repeat(49)}\n\n${'b'.repeat(49)}`, 'c'.repeat(49)]);
  });

  it('cuts a long line behind a word, and never inside an atom', () => {
    const text = `${'word '.repeat(18)}<${'x '.repeat(20)}> end`;

    expect(pack([{ kind: 'text', text, gap: '\n' }], packing)).toEqual([
      `${'word '.repeat(18)}`,
      `<${'x '.repeat(20)}> end`,
    ]);
  });

  it('cuts an atom that is larger than everything', () => {
    expect(pack([{ kind: 'text', text: `<${'x'.repeat(250)}>`, gap: '\n' }], packing).join('')).toBe(
      `<${'x'.repeat(250)}>`,
    );
  });
});

describe('parsing', () => {
  it.each([
    ['very deep', '> '.repeat(5_000)],
    ['very long', 'a '.repeat(150_000)],
    ['deep emphasis', `${'**a _b '.repeat(500)}${' b_ a**'.repeat(500)}`],
  ])('takes %s text as it stands rather than failing', (_, text) => {
    expect(() => parseMarkdown(text)).not.toThrow();
  });

  it('takes the short way only where the long one leads to the same', () => {
    const plainish = fc
      .array(
        fc.constantFrom(
          'word',
          'a',
          '7',
          '10.5',
          '12:30',
          'e-mail',
          ' ',
          ' ',
          '.',
          ',',
          ':',
          '!',
          '#',
          '+',
          '=',
          '-',
          '>',
          '|',
          '(',
          ')',
          '/',
          "'",
          'www.',
          'http:',
          '1.',
          '1)',
          '%',
          '€',
        ),
        { maxLength: 20 },
      )
      .map((tokens) => tokens.join(''));
    fc.assert(
      fc.property(plainish, (text) => {
        const long = fromMarkdown(text, { extensions: [gfm()], mdastExtensions: [gfmFromMarkdown()] });
        expect(essence(parseMarkdown(text))).toEqual(essence(long));
      }),
      { numRuns: 3_000 },
    );
  });

  it('never throws', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => parseMarkdown(text).type === 'root'));
  });
});
