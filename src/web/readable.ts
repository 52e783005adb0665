/**
 * What a model is shown of a page: the text a person would see, as Markdown. Pure.
 *
 * Addresses of links are kept, made absolute; pictures are named by what they say of themselves and never fetched.
 */
import type { Root as HtmlRoot } from 'hast';
import { defaultHandlers, type Handle, toMdast } from 'hast-util-to-mdast';
import type { InlineCode, Nodes, PhrasingContent, Root, Text } from 'mdast';
import { gfmToMarkdown } from 'mdast-util-gfm';
import { toMarkdown } from 'mdast-util-to-markdown';
import { readUrl } from '../domain/url.ts';
import { isHtml } from './content-type.ts';
import { toVisiblePage } from './html-tree.ts';
import { MAX_URL_CHARS } from './target.ts';

export interface Readable {
  readonly title: string;
  readonly text: string;
  /** Sentences about what is not in the text. */
  readonly remarks: readonly string[];
}

/** @param page as it was read; `url`: what its links are relative to */
export function toReadable(page: {
  readonly text: string;
  readonly contentType: string;
  readonly url: string;
}): Readable {
  if (!isHtml(page.contentType)) return { title: '', text: page.text, remarks: [] };
  const { title, tree, hidden, isCut } = toVisiblePage(page.text);
  const remarks = [
    ...(hidden > 0
      ? [
          `${hidden === 1 ? '1 piece' : `${hidden} pieces`} of text that a reader could not see ${hidden === 1 ? 'was' : 'were'} left out.`,
        ]
      : []),
    ...(isCut ? ['It is longer than a page for people, or built as none; only its beginning was read.'] : []),
  ];
  return { title, text: toText(tree, page.url), remarks };
}

/**
 * Text and code as they are: nobody makes a page of it again, and escaping takes time that grows faster than the text.
 * Tables are not drawn out to the width of their widest cell for the same reason.
 */
function toText(tree: HtmlRoot, base: string): string {
  const document = toMdast(tree, { handlers: { a: link(base), img: picture } });
  const root: Nodes = document.type === 'root' ? document : asRoot(document);
  return toMarkdown(root, {
    extensions: [gfmToMarkdown({ tablePipeAlign: false })],
    handlers: { text: ({ value }: Text) => value, inlineCode: ({ value }: InlineCode) => `\`${value}\`` },
    bullet: '-',
    rule: '-',
  }).trim();
}

/** Addresses as they are; what is no page (scripts, data, mail) is the text of its link alone. */
function link(base: string): Handle {
  return (state, node) => {
    const written = String(node.properties.href ?? '');
    const href = readUrl(written, base)?.href ?? '';
    const children = state.all(node) as PhrasingContent[]; // what links hold
    if (!/^https?:/.test(href) || href.length > MAX_URL_CHARS || isAnchorOf(href, base)) return children;
    return defaultHandlers.a(state, { ...node, properties: { href } });
  };
}

function picture(...[, node]: Parameters<Handle>): ReturnType<Handle> {
  const alt = String(node.properties.alt ?? '').trim();
  return alt === '' ? undefined : { type: 'text', value: `[picture: ${alt}]` };
}

function isAnchorOf(href: string, base: string): boolean {
  return href.includes('#') && href.slice(0, href.indexOf('#')) === base.replace(/#.*$/, '');
}

function asRoot(content: Exclude<Nodes, Root>): Root {
  // Of a whole page it is a root; this only tells the compiler.
  return { type: 'root', children: [content] as Root['children'] };
}
