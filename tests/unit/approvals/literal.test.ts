import fc from 'fast-check';
import type { Nodes } from 'mdast';
import { toString as textOf } from 'mdast-util-to-string';
import { describe, expect, it } from 'vitest';
import { parseMarkdown } from '../../../gateways/markdown/parse.ts';
import { literal } from '../../../src/approvals/sentences.ts';

const MARKUP = [
  '[Approve here](https://evil.test)',
  '![](https://evil.test/x.png)',
  '<!channel>',
  '<https://evil.test|bank>',
  '**',
  '_',
  '`',
  '~~',
  '\\',
  '[a]',
  '[a]: https://evil.test',
  '<b>',
  '\n',
  '\u2028',
  '\n# ',
  'x',
  ' ',
];

describe('words of others in a sentence of ours', () => {
  it('OM-186 stay the characters they are made of, whatever markup they hold', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...MARKUP), { maxLength: 8 }), (pieces) => {
        const tree = parseMarkdown(`Reminder: “${literal(pieces.join(''))}”. Thank you.`);

        expect(tree.children).toHaveLength(1);
        expect(deceptive(tree)).toEqual([]);
      }),
    );
  });
});

/** Everything but text, and links that show where they lead. */
function deceptive(node: Nodes): string[] {
  const harmless = ['root', 'paragraph', 'text', 'break'].includes(node.type);
  const shown = node.type === 'link' && node.url.includes(textOf(node));
  const inside = 'children' in node ? node.children.flatMap(deceptive) : [];
  return harmless || shown ? inside : [node.type, ...inside];
}
