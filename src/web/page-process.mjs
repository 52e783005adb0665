/** Lays out one page and ends: it is handed the tree, and hands back the text. */
import { toPageMarkdown } from './page-markdown.mjs';

process.once('message', (tree) => {
  process.send?.(toPageMarkdown(/** @type {import('hast').Root} */ (tree)), () => process.disconnect());
});
