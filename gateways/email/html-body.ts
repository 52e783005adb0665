/**
 * HTML for a mail, from markdown or from plain facts. Pure.
 *
 * Invariants
 *   1. Nothing is fetched when the mail is opened: no image, style sheet, font or frame.
 *   2. HTML in the text is shown as the characters it is made of.
 *   3. A link whose label looks like another address shows where it really leads.
 */
import type { Element, ElementContent, Root as HtmlRoot } from 'hast';
import { toHtml } from 'hast-util-to-html';
import type { Nodes, PhrasingContent, Root, RootContent } from 'mdast';
import { toHast } from 'mdast-util-to-hast';
import { toString as labelOf } from 'mdast-util-to-string';
import { judgeLink } from '../markdown/link.ts';
import { parseMarkdown } from '../markdown/parse.ts';

const PAGE_STYLE =
  'font-family: sans-serif; font-size: 15px; line-height: 1.45; color: #1c1c1c; max-width: 42em';

type Targets = ReadonlyMap<string, string>;

export function markdownToHtml(markdown: string): ElementContent[] {
  const tree = parseMarkdown(markdown);
  const hast = toHast(harmless(tree, targetsOf(tree)));
  return hast.type === 'root' ? hast.children.filter((node) => node.type !== 'doctype') : [];
}

export function page(content: readonly ElementContent[]): string {
  const root: HtmlRoot = {
    type: 'root',
    children: [
      { type: 'doctype' },
      element('html', [
        element('head', [element('meta', [], { charSet: 'utf-8' })]),
        element('body', [element('div', content, { style: PAGE_STYLE })]),
      ]),
    ],
  };
  return toHtml(root);
}

/** Texts among the children are shown as they are, whatever characters they hold. */
export function element(
  tagName: string,
  children: readonly (ElementContent | string)[],
  properties: Record<string, string> = {},
): Element {
  return {
    type: 'element',
    tagName,
    properties,
    children: children.map((child) => (typeof child === 'string' ? { type: 'text', value: child } : child)),
  };
}

/** The same text without what could fetch or deceive. The parser bounds how deep it nests. */
function harmless(tree: Root, targets: Targets): Root {
  return { ...tree, children: tree.children.flatMap((child) => harmlessNode(child, targets)) };
}

function harmlessNode<Content extends RootContent>(node: Content, targets: Targets): RootContent[] {
  switch (node.type) {
    case 'html':
      return [{ type: 'text', value: node.value }];
    case 'image':
      return shownLink(node.alt ?? '', node.url);
    case 'imageReference':
      return shownLink(node.alt ?? '', targets.get(node.identifier) ?? '');
    case 'link':
      return shownLink(labelOf(node), node.url);
    case 'linkReference':
      return shownLink(labelOf(node), targets.get(node.identifier) ?? '');
    case 'definition':
      return [];
    default:
      if (!('children' in node)) return [node];
      // The children of each kind stay of the kinds it may hold: only phrasing becomes other phrasing.
      return [
        { ...node, children: node.children.flatMap((child) => harmlessNode(child, targets)) } as RootContent,
      ];
  }
}

function shownLink(label: string, address: string): PhrasingContent[] {
  const link = judgeLink(label, address);
  switch (link.kind) {
    case 'text':
      return [{ type: 'text', value: link.text }];
    case 'labelled':
      return [{ type: 'link', url: link.url, children: [{ type: 'text', value: link.label }] }];
    case 'bare':
      return [
        ...(link.label === undefined ? [] : [{ type: 'text' as const, value: `${link.label} ` }]),
        { type: 'link', url: link.url, children: [{ type: 'text', value: link.url }] },
      ];
    default:
      return link satisfies never;
  }
}

/** Where reference-style links lead; the first definition counts. */
function targetsOf(tree: Root): Targets {
  const targets = new Map<string, string>();
  const visit = (node: Nodes): void => {
    if (node.type === 'definition' && !targets.has(node.identifier)) targets.set(node.identifier, node.url);
    if ('children' in node) for (const child of node.children) visit(child);
  };
  visit(tree);
  return targets;
}
