/**
 * A page, already reduced to what a person would see of it, as Markdown. Plain JavaScript, because a process of its own
 * runs it as it stands (`page-process.mjs`). Pure.
 *
 * How long that takes a page can choose: nested and filled in ways no browser would make, a few kilobytes of it take
 * minutes and gigabytes.
 */
import { defaultHandlers, toMdast } from 'hast-util-to-mdast';
import { gfmToMarkdown } from 'mdast-util-gfm';
import { toMarkdown } from 'mdast-util-to-markdown';

/**
 * Text and code as they are: nobody makes a page of it again, and escaping takes time that grows faster than the text.
 * Tables are not drawn out to the width of their widest cell for the same reason.
 *
 * @param {import('hast').Root} tree
 * @returns {string}
 */
export function toPageMarkdown(tree) {
  const document = toMdast(tree, { handlers: { a: link, img: picture } });
  return toMarkdown(document, {
    extensions: [gfmToMarkdown({ tablePipeAlign: false })],
    handlers: {
      /** @param {import('mdast').Text} node */
      text: ({ value }) => value,
      /** @param {import('mdast').InlineCode} node */
      inlineCode: ({ value }) => `\`${value}\``,
    },
    bullet: '-',
    rule: '-',
  }).trim();
}

/**
 * What leads nowhere is the text of its link alone.
 *
 * @type {import('hast-util-to-mdast').Handle}
 */
function link(state, node) {
  if (node.properties.href !== undefined) return defaultHandlers.a(state, node);
  return /** @type {import('mdast').PhrasingContent[]} */ (state.all(node)); // what links hold
}

/** @type {import('hast-util-to-mdast').Handle} */
function picture(_, node) {
  const alt = String(node.properties.alt ?? '').trim();
  return alt === '' ? undefined : { type: 'text', value: `[picture: ${alt}]` };
}
