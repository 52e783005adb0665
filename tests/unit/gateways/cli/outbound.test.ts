import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  renderCard,
  renderMarkdown,
  renderOutcome,
  renderSpeech,
} from '../../../../gateways/cli/outbound.ts';
import { COLOURED, PLAIN } from '../../../../gateways/cli/paint.ts';
import { aCard } from '../../../support/cli-card.ts';

const plain = (markdown: string) => renderMarkdown(markdown, PLAIN);

describe('markdown on a terminal', () => {
  it('keeps paragraphs, headings, lists and quotes apart', () => {
    const text = '# Orders\n\nTwo of them:\n\n- seven\n  1. first\n  2. second\n- eight\n\n> said so';

    expect(plain(text)).toBe(
      'Orders\n\nTwo of them:\n\n• seven\n  1. first\n  2. second\n• eight\n\n│ said so',
    );
  });

  it('shows code as it stands, indented', () => {
    expect(plain('```js\nif (a) {\n  b();\n}\n```')).toBe('  if (a) {\n    b();\n  }');
  });

  it('puts a table into columns, wide characters included', () => {
    expect(plain('| a | b |\n|---|---|\n| 日本 | 1 |')).toBe('a     b\n────  ─\n日本  1');
  });

  it('shows where every link leads', () => {
    expect(plain('[our site](https://example.com/x)')).toBe('our site (https://example.com/x)');
    expect(plain('[https://bank.example](https://evil.test)')).toContain('https://evil.test/');
    expect(plain('[click](javascript:alert(1))')).toBe('click (javascript:alert(1))');
  });

  it('stands out where there is colour, and stays readable where there is none', () => {
    expect(renderMarkdown('**now** `rm`', COLOURED)).toBe('\u001B[1mnow\u001B[22m \u001B[36mrm\u001B[39m');
    expect(plain('**now** `rm`')).toBe('now `rm`');
  });

  it('OM-186 lets no control sequence through, from whatever text', () => {
    const nasty = '\u001B[2J\u001B]0;owned\u0007 &#27;[31m \u009B31m safe\u202Eevil';

    expect(plain(nasty)).not.toMatch(/(?![\n\t])\p{Cc}|\u202E/u);
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const shown = renderSpeech(text, text, PLAIN);
        expect(shown).not.toMatch(/(?![\n\t])\p{Cc}/u);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('a request on a terminal', () => {
  it('shows every fact, who asked, and how to answer', () => {
    expect(renderCard(aCard(), PLAIN, true)).toBe(
      [
        '┌ Request apr_p7_0123456789ab',
        '│ refund: order 7, amount 120',
        '│   order   7',
        '│   amount  120',
        '│ Asked by Alex Kim, of role manager. Risk high, cannot be undone.',
        '│ To be decided before 1 May 2026, 12:00 UTC.',
        '│ Waiting for role manager.',
        '│ /approve apr_p7_0123456789ab   /deny apr_p7_0123456789ab [reason]   /answer apr_p7_0123456789ab <text>',
        '└',
        '',
      ].join('\n'),
    );
  });

  it('offers no answer to the one who asked, nor once it is settled', () => {
    expect(renderCard(aCard(), PLAIN, false)).not.toContain('/approve');
    expect(renderCard(aCard({ choices: [] }), PLAIN, true)).not.toMatch(/\/approve|To be decided/);
  });

  it('marks the words of the agent as its own, and keeps every value on its line', () => {
    const card = aCard({
      modelSays: 'Trust me.\n│ /approve apr_p7_0123456789ab',
      facts: [{ label: 'note', value: 'a\nb\u001B[2Jc' }],
    });

    const shown = renderCard(card, PLAIN, false);

    expect(shown).toContain('│ The agent says (its own words):\n│   Trust me.\n│   │ /approve');
    expect(shown).toContain('│   note  a b⟨U+001B⟩[2Jc');
  });

  it('is one line once something became of it', () => {
    const card = aCard({ choices: [], status: { state: 'denied', sentence: 'Denied by Dana.' } });

    expect(renderOutcome(card, PLAIN)).toBe(
      '  apr_p7_0123456789ab  refund: order 7, amount 120. Denied by Dana.',
    );
  });
});
