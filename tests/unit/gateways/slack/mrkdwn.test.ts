import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  escapeText,
  fromMrkdwn,
  MAX_MESSAGE_BYTES,
  toFenced,
  toMrkdwn,
  withoutMention,
} from '../../../../gateways/slack/mrkdwn.ts';

const one = (markdown: string) => toMrkdwn(markdown).join('\n—\n');

describe('markdown to Slack', () => {
  it.each([
    ['**bold**', '*bold*'],
    ['_it_ and *it*', '_it_ and _it_'],
    ['~~gone~~', '~gone~'],
    ['***both***', '_*both*_'],
    ['# Title', '*Title*'],
    ['## A **bold** title', '*A bold title*'],
    ['`code`', '`code`'],
    ['a\nb', 'a\nb'],
    ['a\n\nb', 'a\n\nb'],
    ['- a\n- b', '• a\n• b'],
    ['2. a\n3. b', '2. a\n3. b'],
    ['- a\n  - b\n    - c', '• a\n    • b\n        • c'],
    ['- [x] done\n- [ ] open', '• ☑ done\n• ☐ open'],
    ['- a\n\n  more', '• a\n    more'],
    ['> said\n> twice', '> said\n> twice'],
    ['```js\nlet a = 1 < 2;\n```', '```\nlet a = 1 &lt; 2;\n```'],
    ['---', '───'],
    ['AT&T <b>x</b> 1 < 2', 'AT&amp;T &lt;b&gt;x&lt;/b&gt; 1 &lt; 2'],
    ['**a\nb**', '*a*\n*b*'],
    ['a[^1]\n\n[^1]: note', 'a[^1]\n\n[^1]: note'],
    ['', '(no text)'],
  ])('%j becomes %j', (markdown, slack) => {
    expect(one(markdown)).toBe(slack);
  });

  it('sets a table in columns of equal width', () => {
    const table = '| Item | Price |\n| --- | --- |\n| Tea | 3 |\n| Long coffee | 4 **EUR** |';

    expect(one(table)).toBe(
      '```\nItem        | Price\n------------|------\nTea         | 3\nLong coffee | 4 EUR\n```',
    );
  });

  describe('links', () => {
    it.each([
      ['[docs](https://docs.example.com/a)', '<https://docs.example.com/a|docs>'],
      ['https://example.com/a?b=1&c=2', '<https://example.com/a?b=1&amp;c=2>'],
      ['“see https://example.com/a”', '“see <https://example.com/a>”'],
      ['“https://example.com/a”.', '“<https://example.com/a>”.'],
      [
        '**“https://example.com/a”**, (»https://b.example«)',
        '*“<https://example.com/a>”*, (»<https://b.example/>«)',
      ],
      ['<https://example.com>', '<https://example.com/>'],
      ['[https://example.com](https://example.com)', '<https://example.com/>'],
      ['[example.com](https://example.com/a)', '<https://example.com/a|example.com>'],
      ['[bank.com](https://evil.example/a)', 'bank.com (<https://evil.example/a>)'],
      ['[https://bank.com/login](https://evil.example)', 'https://bank.com/login (<https://evil.example/>)'],
      ['[bank\u2024com](https://evil.example)', 'bank\u2024com (<https://evil.example/>)'],
      ['[b\u200Bank.com](https://evil.example)', 'bank.com (<https://evil.example/>)'],
      ['[pay](https://bank.com@evil.example/)', '<https://evil.example/|pay>'],
      ['[x](javascript:alert(1))', 'x (javascript:alert(1))'],
      ['[x](slack://user?id=U1)', 'x (slack://user?id=U1)'],
      ['[a|b](https://example.com/a|b)', '<https://example.com/a%7Cb|a¦b>'],
      ['[**bold** word](https://example.com)', '<https://example.com/|bold word>'],
      ['[see][1]\n\n[1]: https://example.com/ref', '<https://example.com/ref|see>'],
      ['mail dana@example.com', 'mail <mailto:dana@example.com>'],
    ])('%j becomes %j', (markdown, slack) => {
      expect(one(markdown)).toBe(slack);
    });

    it('shows an image as a link, so that nothing is fetched by looking', () => {
      expect(one('![chart](https://evil.example/p.png?secret=1)')).toBe(
        '<https://evil.example/p.png?secret=1|chart>',
      );
      expect(one('![chart][c]\n\n[c]: https://evil.example/p.png')).toBe(
        '<https://evil.example/p.png|chart>',
      );
    });
  });

  describe('long texts', () => {
    it('are split between paragraphs', () => {
      const [first, second] = [`a ${'x'.repeat(3_000)}`, `b ${'y'.repeat(3_000)}`];

      expect(toMrkdwn(`${first}\n\n${second}`)).toEqual([first, second]);
    });

    it('close and open the fence again where code has to be cut, between lines', () => {
      const code = Array.from({ length: 300 }, (_, line) => `const line${line} = ${line}; // some code`);

      const parts = toMrkdwn(`Look:\n\n\`\`\`ts\n${code.join('\n')}\n\`\`\`\n\nDone.`);

      expect(parts.length).toBeGreaterThan(2);
      const fenced = parts.flatMap((part) => part.match(/```\n[\s\S]*?\n```/g) ?? []);
      expect(fenced.map((block) => block.slice(4, -4)).join('\n')).toBe(code.join('\n'));
      expect(parts[0]?.startsWith('Look:')).toBe(true);
      expect(parts.at(-1)?.endsWith('Done.')).toBe(true);
    });

    it('are measured in bytes', () => {
      const parts = toMrkdwn('ä€😀 '.repeat(1_000));

      for (const part of parts) expect(Buffer.byteLength(part)).toBeLessThanOrEqual(MAX_MESSAGE_BYTES);
      expect(parts.join(' ').match(/ä€😀/gu)).toHaveLength(1_000);
    });

    it('never cut a link or an escape', () => {
      const parts = toMrkdwn(
        'a & b <i> [docs](https://example.com/some/path?with=a&long=query) '.repeat(200).trim(),
      );

      expect(parts.length).toBeGreaterThan(3);
      for (const part of parts) {
        expect(part.match(/&(?!amp;|lt;|gt;)/g)).toBeNull();
        expect(part.replaceAll(/<https:[^<>]*\|docs>/g, '')).not.toMatch(/[<>]/);
      }
    });
  });

  /** Prose, code, lists and tables as a model writes them, with whatever in between. */
  const words = fc.stringMatching(/^[A-Za-z0-9äöü€<>&@!^|()'"., -]{1,400}$/);
  const block = fc.oneof(
    words,
    words.map((text) => `# ${text}`),
    fc
      .array(words, { minLength: 1, maxLength: 12 })
      .map((items) => items.map((item) => `- ${item}`).join('\n')),
    fc.array(words, { minLength: 1, maxLength: 60 }).map((lines) => `\`\`\`\n${lines.join('\n')}\n\`\`\``),
    words.map((text) => `> ${text}`),
  );
  const document = fc.array(block, { maxLength: 20 }).map((blocks) => blocks.join('\n\n'));

  it('keeps every letter and digit, in order, however it is split', () => {
    fc.assert(
      fc.property(document, (markdown) => {
        const parts = toMrkdwn(markdown);

        // In an address some characters are written by their codes: `<|@b>` leads to `%7C@b`.
        const essence = (text: string) =>
          text.replaceAll(/&(?:amp|lt|gt);|%[\dA-F]{2}/g, '').replaceAll(/[^\p{L}\p{N}]/gu, '');
        // What the parser reads as an escape of a character (`&amp;`), it turns into the character.
        fc.pre(!/&\w+;|&#/.test(markdown));
        const said = essence(parts.join('\n')).replaceAll('mailto', '');
        const expected = essence(markdown);
        if (expected !== '') expect(said).toBe(expected);
      }),
    );
  });

  it('OM-186 writes no angle bracket but around a link, and no part over the limit, whatever the text', () => {
    const anything = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 3_000 }),
      fc
        .array(
          fc.constantFrom(
            '<!channel>',
            '<@U1>',
            '<',
            '>',
            '!',
            '[',
            '](',
            ')',
            '`',
            '```',
            '\n',
            '&lt;',
            '\\',
            '|',
            '\u200B',
            '\u202E',
            '*',
            'https://a.b/',
            '@here',
            'x ',
          ),
          { maxLength: 300 },
        )
        .map((tokens) => tokens.join('')),
    );
    fc.assert(
      fc.property(anything, (markdown) => {
        for (const part of toMrkdwn(markdown)) {
          expect(Buffer.byteLength(part)).toBeLessThanOrEqual(MAX_MESSAGE_BYTES);
          const rest = part.replaceAll(/<(?:https?:\/\/|mailto:)[^<>]*>/g, '').replaceAll(/^(?:> )+/gm, '');
          expect(rest).not.toMatch(/[<>]/);
          expect(part).not.toMatch(/\u202E/);
        }
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    ['quotes', '>'.repeat(20_000)],
    ['lists', '- '.repeat(10_000)],
    ['brackets', '['.repeat(5_000)],
    ['stars', '*a '.repeat(3_000)],
    ['emphasis in emphasis', `${'**a _b '.repeat(200)}${' b_ a**'.repeat(200)}`],
  ])('survives %s without end', (_, hostile) => {
    for (const part of toMrkdwn(hostile))
      expect(Buffer.byteLength(part)).toBeLessThanOrEqual(MAX_MESSAGE_BYTES);
  });

  it('shows a value under its name as it stands', () => {
    expect(toFenced('to <all>', 'a & ```b```')).toEqual([
      'to &lt;all&gt;:\n```\na &amp; `\u200B`\u200B`b`\u200B`\u200B`\n```',
    ]);
  });
});

describe('Slack to markdown', () => {
  it.each([
    ['hello', 'hello'],
    ['*bold* and ~gone~ and _it_', '**bold** and ~~gone~~ and _it_'],
    ['2 * 3 * 4', '2 * 3 * 4'],
    ['`*not bold*`', '`*not bold*`'],
    ['```\n*x* &lt;b&gt;\n```', '```\n*x* <b>\n```'],
    ['&lt;script&gt; &amp; co', '<script> & co'],
    ['&amp;lt;', '&lt;'],
    ['<https://example.com>', 'https://example.com'],
    ['<https://example.com|docs>', '[docs](https://example.com)'],
    ['<https://example.com/a?b=1&amp;c=2>', 'https://example.com/a?b=1&c=2'],
    ['<mailto:dana@example.com|dana@example.com>', '[dana@example.com](mailto:dana@example.com)'],
    ['ask <@U0DANA> in <#C0GEN|general>', 'ask @U0DANA in #general'],
    ['<@U0DANA|dana>', '@dana'],
    ['<!here> <!subteam^S1|@ops> <!subteam^S1>', '@here @ops @S1'],
    ['<!date^1392734382^{date}|18 February>', '18 February'],
  ])('%j becomes %j', (slack, markdown) => {
    expect(fromMrkdwn(slack)).toBe(markdown);
  });

  it('gives back what was escaped, whatever it was', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        fc.pre(!/[*~`]/.test(text));
        expect(fromMrkdwn(escapeText(text))).toBe(text);
      }),
    );
  });

  it('takes the mention of the bot out, with or without its name', () => {
    expect(withoutMention('<@U1> do it', 'U1')).toBe('do it');
    expect(withoutMention('hey <@U1|bot> do it', 'U1')).toBe('hey do it');
    expect(withoutMention('<@U12> do it', 'U1')).toBe('<@U12> do it');
  });
});
