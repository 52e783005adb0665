/** Reads markdown (CommonMark with GitHub's tables, strike-through, task lists and bare links) into a syntax tree. */
import type { Link, Nodes, PhrasingContent, Root } from 'mdast';
import { fromMarkdown } from 'mdast-util-from-markdown';
import { gfmFromMarkdown } from 'mdast-util-gfm';
import { gfm } from 'micromark-extension-gfm';
import { isReadable } from '../../src/domain/markdown-bounds.ts';

/** Deeper than any person nests; beyond it a text is taken as it stands, so that reading it cannot exhaust the stack. */
const MAX_NESTING = 64;

/**
 * One line of words with nothing in it that markdown gives a meaning to: most of what is said, and a tenth of the
 * work. Dots and colons only where no bare link can be read into them.
 */
const PLAIN =
  /^(?!\d{1,9}[.)](?:\s|$)|.*www)[\p{L}\p{N}(](?:[\p{L}\p{N},;?'"()%€$/+=#>|-]|[.!:](?=[ '")]|$)|(?<=\d)[.:](?=\d)| (?=[^ ]))*$/iu;

const SYNTAX = [gfm()];
const TREE = [gfmFromMarkdown()];

/** Never throws: text that cannot be read as markdown comes back as one paragraph. */
export function parseMarkdown(markdown: string): Root {
  if (PLAIN.test(markdown) || !isReadable(markdown)) return asParagraph(markdown);

  const tree = fromMarkdown(markdown, { extensions: SYNTAX, mdastExtensions: TREE });
  if (depthOf(tree) > MAX_NESTING) return asParagraph(markdown);
  withoutQuotesInLinks(tree);
  return tree;
}

/** GitHub leaves the marks of ASCII behind a bare link out of it, and takes those of a printed text into it. */
const CLOSING = /[”’»«›‹“‘」』】》〉]+[.,;:!?…]*$/u;

function withoutQuotesInLinks(node: Nodes): void {
  if (!('children' in node)) return;
  const children: Nodes[] = node.children;
  for (const child of children) withoutQuotesInLinks(child);
  if (!children.some(({ type }) => type === 'link')) return;
  const cut = children.flatMap((child): Nodes[] => (child.type === 'link' ? withoutQuotes(child) : [child]));
  children.splice(0, children.length, ...cut);
}

function withoutQuotes(link: Link): PhrasingContent[] {
  const [text] = link.children;
  const behind = text?.type === 'text' ? CLOSING.exec(text.value)?.[0] : undefined;
  if (text?.type !== 'text' || behind === undefined || !link.url.endsWith(text.value)) return [link];
  const value = text.value.slice(0, -behind.length);
  const url = link.url.slice(0, -behind.length);
  return [
    { ...link, url, children: [{ type: 'text', value }] },
    { type: 'text', value: behind },
  ];
}

function asParagraph(text: string): Root {
  return { type: 'root', children: [{ type: 'paragraph', children: [{ type: 'text', value: text }] }] };
}

/** Level by level, not by recursion: it has to survive what it guards against. */
function depthOf(tree: Root): number {
  let depth = 0;
  for (let level: Nodes[] = [tree]; level.length > 0; depth++) {
    level = level.flatMap((node) => ('children' in node ? node.children : []));
  }
  return depth;
}
