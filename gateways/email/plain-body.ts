/**
 * The text part of a mail: markdown without the marks that only change how words look, which a reader of plain text
 * would take for part of a command. Lists, quotations, tables, code and addresses stay as they are written. Pure.
 */
import type { Nodes } from 'mdast';
import { parseMarkdown } from '../markdown/parse.ts';

/**
 * What commands, tickets and their places are made of. Whatever else stands in code stays there: a name of a host, out
 * of its marks, would be a link to programs that read mail.
 */
const OF_COMMANDS = /^[\w\s/!<>=-]+$/;

export function toPlainBody(markdown: string): string {
  let text = markdown;
  // From behind, so that what comes before stays where it is.
  for (const { from, to, by } of changesIn(parseMarkdown(markdown), markdown).toReversed()) {
    text = text.slice(0, from) + by + text.slice(to);
  }
  return text;
}

/** A part of the text, and what it is replaced by. */
interface Change {
  readonly from: number;
  readonly to: number;
  readonly by: string;
}

/** In the order of the text; none within another. */
function changesIn(node: Nodes, markdown: string): Change[] {
  const [from, to] = placeOf(node);
  if (from === undefined || to === undefined) return [];
  switch (node.type) {
    case 'inlineCode':
      return OF_COMMANDS.test(node.value) ? [{ from, to, by: node.value }] : [];
    case 'text':
      return referencesIn(markdown.slice(from, to), from);
    case 'strong':
    case 'emphasis': {
      const inner = node.children.flatMap((child) => changesIn(child, markdown));
      const [begin] = node.children[0] ? placeOf(node.children[0]) : [];
      const end = node.children.at(-1)?.position?.end.offset;
      if (begin === undefined || end === undefined) return inner;
      return [{ from, to: begin, by: '' }, ...inner, { from: end, to, by: '' }];
    }
    // A cell may hold no bar, and an address is one as it is written.
    case 'table':
    case 'link':
      return [];
    default:
      return 'children' in node ? node.children.flatMap((child) => changesIn(child, markdown)) : [];
  }
}

/** As our sentences write a mark that is meant as it stands; of no other character is it known what it would show. */
function referencesIn(text: string, atOffset: number): Change[] {
  return [...text.matchAll(/&#(3[3-9]|[4-9]\d|1[01]\d|12[0-6]);/g)].map(
    ({ 0: reference, 1: code, index }) => ({
      from: atOffset + index,
      to: atOffset + index + reference.length,
      by: String.fromCodePoint(Number(code)),
    }),
  );
}

function placeOf({ position }: Nodes): readonly [number | undefined, number | undefined] {
  return [position?.start.offset, position?.end.offset];
}
