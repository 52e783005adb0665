/**
 * What a model is shown of a page: the text a person would see, as Markdown.
 *
 * Addresses of links are kept, made absolute; pictures are named by what they say of themselves and never fetched.
 */
import type { Root } from 'hast';
import { isHtml } from './content-type.ts';
import { toBareText, toVisiblePage } from './html-tree.ts';

export interface Readable {
  readonly title: string;
  readonly text: string;
  /** Sentences about what is not in the text. */
  readonly remarks: readonly string[];
}

/** The tree as Markdown; undefined where that takes too much. */
export type Layout = (tree: Root) => Promise<string | undefined>;

/** @param page as it was read; `url`: what its links are relative to */
export async function toReadable(
  page: { readonly text: string; readonly contentType: string; readonly url: string },
  layOut: Layout,
): Promise<Readable> {
  if (!isHtml(page.contentType)) return { title: '', text: page.text, remarks: [] };
  const { title, tree, hidden, isCut } = toVisiblePage(page.text, page.url);
  const text = await layOut(tree);
  const remarks = [
    ...(hidden > 0
      ? [
          `${hidden === 1 ? '1 piece' : `${hidden} pieces`} of text that a reader could not see ${hidden === 1 ? 'was' : 'were'} left out.`,
        ]
      : []),
    ...(isCut ? ['It is longer than a page for people, or built as none; only its beginning was read.'] : []),
    ...(text === undefined
      ? [
          'It is built in a way that takes too long to lay out: this is its bare text, without tables, lists and links.',
        ]
      : []),
  ];
  return { title, text: text ?? toBareText(tree), remarks };
}
