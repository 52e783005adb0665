import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  escapeText,
  fromDiscordMarkdown,
  MAX_MESSAGE_CHARS,
  toDiscordMarkdown,
  toFenced,
  withoutMention,
} from '../../../../gateways/discord/discord-markdown.ts';
import { runs } from '../../../support/property-runs.ts';

const one = (markdown: string) => toDiscordMarkdown(markdown).join('\n—\n');
const nobody = { users: new Map<string, string>() };

describe('markdown to Discord', () => {
  it.each([
    ['**bold**', '**bold**'],
    ['_it_ and *it*', '_it_ and _it_'],
    ['~~gone~~', '~~gone~~'],
    ['***both***', '_**both**_'],
    ['# Title', '# Title'],
    ['#### Deep', '**Deep**'],
    ['## A **bold** title', '## A **bold** title'],
    ['`code`', '`code`'],
    ['`` a`b ``', 'a\\`b'],
    ['a\nb', 'a\nb'],
    ['a\n\nb', 'a\n\nb'],
    ['- a\n- b', '- a\n- b'],
    ['2. a\n3. b', '2. a\n3. b'],
    ['- a\n  - b\n    - c', '- a\n  - b\n    - c'],
    ['- [x] done\n- [ ] open', '- ☑ done\n- ☐ open'],
    ['- a\n\n  more', '- a\n  more'],
    ['> said\n> twice', '> said\n> twice'],
    ['```js\nlet a = 1 < 2;\n```', '```\nlet a = 1 < 2;\n```'],
    ['---', '───'],
    ['snake_case and 2 * 3', 'snake\\_case and 2 \\* 3'],
    ['**a\nb**', '**a**\n**b**'],
    ['a[^1]\n\n[^1]: note', 'a\\[^1\\]\n\n\\[^1\\]: note'],
    ['', '(no text)'],
  ])('%j becomes %j', (markdown, discord) => {
    expect(one(markdown)).toBe(discord);
  });

  it('sets a table in columns of equal width', () => {
    const table = '| Item | Price |\n| --- | --- |\n| Tea | 3 |\n| Long coffee | 4 **EUR** |';

    expect(one(table)).toBe(
      '```\nItem        | Price\n------------|------\nTea         | 3\nLong coffee | 4 EUR\n```',
    );
  });

  it.each([
    ['[docs](https://docs.example.com/a)', '[docs](<https://docs.example.com/a>)'],
    ['https://example.com/a?b=1&c=2', '<https://example.com/a?b=1&c=2>'],
    ['[https://example.com](https://example.com)', '<https://example.com/>'],
    ['[bank.com](https://evil.example/a)', 'bank.com (<https://evil.example/a>)'],
    ['[https://bank.com/login](https://evil.example)', 'https\\://bank.com/login (<https://evil.example/>)'],
    ['[pay](https://bank.com@evil.example/)', '[pay](<https://evil.example/>)'],
    ['[x](javascript:alert(1))', 'x (javascript:alert(1))'],
    ['![cat](https://example.com/cat.png)', '[cat](<https://example.com/cat.png>)'],
    ['[mail](mailto:dana@example.com)', '[mail](<mailto:dana@example.com>)'],
  ])('OM-186 the link %j becomes %j', (markdown, discord) => {
    expect(one(markdown)).toBe(discord);
  });

  it.each([
    ['@everyone', '@\u200Beveryone'],
    ['<@123>', '\\<@\u200B123\\>'],
    ['<@&123> <#1> </ask:1> <t:1:R>', '\\<@\u200B&123\\> \\<\\#1\\> \\</ask:1\\> \\<t:1:R\\>'],
    ['\\# no title', '\\# no title'],
    ['\\- no list', '\\- no list'],
    ['1\\. no list', '1\\. no list'],
    ['\\-# small', '\\-\\# small'],
    ['||secret||', '\\|\\|secret\\|\\|'],
  ])('OM-186 takes the meaning out of %j', (markdown, discord) => {
    expect(one(markdown)).toBe(discord);
  });

  it('keeps a fence closed in every part of a long block of code', () => {
    const code = Array.from({ length: 300 }, (_, line) => `const line${line} = ${line};`).join('\n');

    const parts = toDiscordMarkdown(`\`\`\`ts\n${code}\n\`\`\``);

    expect(parts.length).toBeGreaterThan(2);
    for (const part of parts) {
      expect(part.length).toBeLessThanOrEqual(MAX_MESSAGE_CHARS);
      expect(part.startsWith('```\n') && part.endsWith('\n```')).toBe(true);
    }
    expect(parts.join('\n').match(/line\d+ =/g)).toHaveLength(300);
  });

  it('cannot be made to close its own fence', () => {
    expect(toFenced('text', 'a\n```\n@everyone').join('')).toBe(
      'text:\n```\na\n`\u200B`\u200B`\n@everyone\n```',
    );
  });

  it('OM-186 writes nothing Discord gives a meaning to but what it means, and no part over the limit', () => {
    const hostile = fc.constantFrom(
      '<@1>',
      '<@&1>',
      '@everyone',
      '@here',
      '<',
      '>',
      '[',
      '](',
      ')',
      '`',
      '```',
      '\n',
      '\\',
      '|',
      '*',
      '_',
      'https://a.example/',
      '\u202E',
      '# ',
      '- ',
      'words ',
    );
    const anything = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 3_000 }),
      fc.array(hostile, { maxLength: 800 }).map((tokens) => tokens.join('')),
    );

    fc.assert(
      fc.property(anything, (markdown) => {
        for (const part of toDiscordMarkdown(markdown)) {
          expect(part.length).toBeLessThanOrEqual(MAX_MESSAGE_CHARS);
          expect(part.trim()).not.toBe('');
          expect(part).not.toMatch(/\u202E/);
          // Read from left to right, as Discord does: an escape, code, or a link of ours.
          const prose = part.replaceAll(
            /\\[^0-9A-Za-z\s]|```[\s\S]*?```|(`+)[\s\S]*?[^`]\1(?!`)|<(?:https?:\/\/|mailto:)[^<>\s]*>/g,
            '',
          );
          expect(prose).not.toMatch(/<|@(?!\u200B)/);
        }
      }),
      { numRuns: runs(300) },
    );
  });

  it('keeps every letter and digit, in order, however it is split', () => {
    const words = fc.stringMatching(/^[A-Za-z0-9äöü€<>@!^|()'", -]{1,400}$/);
    const block = fc.oneof(
      words,
      words.map((text) => `# ${text}`),
      fc.array(words, { minLength: 1, maxLength: 60 }).map((lines) => `\`\`\`\n${lines.join('\n')}\n\`\`\``),
      words.map((text) => `> ${text}`),
    );

    fc.assert(
      fc.property(fc.array(block, { maxLength: 20 }), (blocks) => {
        const markdown = blocks.join('\n\n');
        const essence = (text: string) => text.replaceAll(/[^\p{L}\p{N}]/gu, '');
        const expected = essence(markdown);
        if (expected !== '') expect(essence(one(markdown)).replaceAll('mailto', '')).toBe(expected);
      }),
      { numRuns: runs(200) },
    );
  });

  it.each([
    ['quotes', '>'.repeat(20_000)],
    ['lists', '- '.repeat(10_000)],
    ['marks', '*_~`|['.repeat(5_000)],
  ])('reads ten thousand %s inside each other', (_, markdown) => {
    expect(toDiscordMarkdown(markdown).length).toBeGreaterThan(0);
  });
});

describe('Discord to markdown', () => {
  const names = { users: new Map([['7', 'Dana Reyes']]) };

  it.each([
    ['ask <@7> and <@!7> and <@8>', 'ask @Dana Reyes and @Dana Reyes and @8'],
    ['<@&9> in <#5>', '@role-9 in #5'],
    ['<:party:1> <a:wave:2>', ':party: :wave:'],
    ['at <t:0:F>', 'at 1970-01-01T00:00:00.000Z'],
    ['use </ask:3>', 'use /ask'],
    ['see <id:customize>', 'see #customize'],
    ['-# small print', 'small print'],
    ['>>> all\nof it', '> all\n> of it'],
    ['> one\nnot this', '> one\nnot this'],
    ['**bold** `<@7>` ```\n<@7>\n```', '**bold** `<@7>` ```\n<@7>\n```'],
    ['1 < 2 <b>', '1 < 2 <b>'],
    ['<t:99999999999999:R>', '<t:99999999999999:R>'],
  ])('%j becomes %j', (discord, markdown) => {
    expect(fromDiscordMarkdown(discord, names)).toBe(markdown);
  });

  it('never throws, whatever was typed', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        fromDiscordMarkdown(text, nobody);
      }),
    );
  });

  it('takes the mention of the bot out', () => {
    expect(withoutMention('<@1> do it', { userId: '1' })).toBe('do it');
    expect(withoutMention('hey <@!1> do it', { userId: '1' })).toBe('hey do it');
    expect(withoutMention('<@12> do it', { userId: '1' })).toBe('<@12> do it');
    expect(withoutMention('<@&9> <@&8> do it', { userId: '1', role: '9' })).toBe('<@&8> do it');
    expect(withoutMention('<@&1> do it', { userId: '1' })).toBe('<@&1> do it');
  });

  it.each([
    '# Title',
    '- a\n- b',
    '1. a\n2. b',
    '> said',
    '```\ncode\n```',
    '**bold** _it_ ~~gone~~ `code`',
    '[docs](<https://docs.example.com/a>)',
  ])('gives back %j as it was', (markdown) => {
    expect(fromDiscordMarkdown(one(markdown), nobody)).toBe(markdown);
  });

  it('shows what was escaped as it was', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme-ascii' }), (text) => {
        const shown = escapeText(text)
          .replaceAll(/\\([^0-9A-Za-z\s])/g, '$1')
          .replaceAll('\u200B', '');
        expect(shown).toBe(text);
      }),
    );
  });
});
