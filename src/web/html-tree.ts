/**
 * A page as a tree of what a person would see of it, and that as bare text. Pure.
 *
 * Read tag by tag, so that time grows with length alone and no nesting is too deep. Laying the tree out is another
 * matter (`page-layout.ts`).
 *
 * Invariants
 *   1. What is hidden from the eye is not in the tree; how often something was is counted.
 *   2. Addresses are absolute; what is no page (scripts, data, mail), or is this page itself, is none.
 *   3. The tree is at most `MAX_DEPTH` deep: what is nested deeper becomes a neighbour of what it was nested in.
 */
import type { Element, Properties, Root } from 'hast';
import { Parser } from 'htmlparser2';
import { readUrl } from '../domain/url.ts';
import { MAX_URL_CHARS } from './target.ts';

/** People's pages nest a few dozen levels deep. */
const MAX_DEPTH = 50;
/** Characters parsed at a time; in between it is looked at how deep it goes. */
const CHUNK_CHARS = 16_384;
/** Open elements at which reading stops: the parser slows down with every level. */
const MAX_OPEN = 1_000;
/** Elements and texts at which reading stops: far more than a page that somebody reads has. */
const MAX_NODES = 15_000;
/** Characters of visible text at which reading stops: a thick book chapter or two. */
const MAX_TEXT_CHARS = 300_000;

export interface VisiblePage {
  readonly title: string;
  readonly tree: Root;
  /** Pieces of text that were there and not to be seen. */
  readonly hidden: number;
  /** It is too long, or built as no page for people is; what came after was not read. */
  readonly isCut: boolean;
}

/** @param base the address of the page, to which its links are relative */
export function toVisiblePage(html: string, base: string): VisiblePage {
  const reading = new Reading(base);
  const parser = new Parser(
    {
      onopentag: (name, attributes) => reading.open(name, attributes),
      ontext: (text) => reading.text(text),
      onclosetag: () => reading.close(),
    },
    { decodeEntities: true, lowerCaseTags: true, lowerCaseAttributeNames: true },
  );
  for (let at = 0; at < html.length && !reading.isFull; at += CHUNK_CHARS) {
    parser.write(html.slice(at, at + CHUNK_CHARS));
  }
  if (!reading.isFull) parser.end();
  return reading.result();
}

/** Contents never shown as text. */
const UNSHOWN: ReadonlySet<string> = new Set(
  'head script style template title noscript object iframe svg math audio video canvas select datalist map dialog'.split(
    ' ',
  ),
);

/** In which white space means something. */
const PREFORMATTED: ReadonlySet<string> = new Set(['pre', 'textarea', 'listing', 'plaintext']);

/** Declarations that hide an element, in a style attribute without its white space. */
const HIDING = new RegExp(
  [
    'display:none',
    'visibility:(?:hidden|collapse)',
    'content-visibility:hidden',
    '(?:^|[;{])(?:opacity|font-size|max-height|max-width|height|width|zoom):(?:0+(?:\\.0*)?|\\.0+)(?:[a-z]{1,4}|%)?(?:[;}!]|$)',
    'font-size:(?:1|0?\\.\\d+)px',
    'text-indent:-\\d{3,}',
    '(?:left|top|right|bottom|margin-left|margin-top):-\\d{3,}',
    'clip:rect',
    'clip-path:',
    'color:transparent',
    'scale\\(0',
  ].join('|'),
  'i',
);
/** Longest style attribute looked at, in characters; a longer one hides something. */
const MAX_STYLE_CHARS = 20_000;
/** Names by which style sheets hide what only screen readers are to read. */
const HIDING_CLASS = /(?:^|\s)(?:sr-only|visually-?hidden|screen-reader-text|hidden|d-none)(?:\s|$)/i;

/** What the text is made of needs no more of its elements. Not how many cells one spans: a page can say a million. */
const KEPT: Readonly<Record<string, string>> = {
  href: 'href',
  alt: 'alt',
  type: 'type',
  checked: 'checked',
  align: 'align',
};

interface Open {
  readonly name: string;
  readonly isHidden: boolean;
  /** Absent: it is not in the tree. */
  readonly element: Element | undefined;
}

class Reading {
  readonly #tree: Root = { type: 'root', children: [] };
  readonly #open: Open[] = [];
  readonly #line: (Root | Element)[] = [this.#tree];
  #title = '';
  #hiding = 0;
  #unshown = 0;
  #hidden = 0;
  #preformatted = 0;
  #endsWithSpace = false;
  #nodes = 0;
  #chars = 0;

  constructor(private readonly base: string) {}

  get isFull(): boolean {
    return this.#open.length > MAX_OPEN || this.#nodes > MAX_NODES || this.#chars > MAX_TEXT_CHARS;
  }

  open(name: string, attributes: Record<string, string>): void {
    const isHidden = hides(attributes);
    if (isHidden) this.#hiding++;
    if (UNSHOWN.has(name)) this.#unshown++;
    if (PREFORMATTED.has(name)) this.#preformatted++;
    const isShown = this.#hiding === 0 && this.#unshown === 0 && this.#line.length < MAX_DEPTH;
    const element = isShown ? this.#add(name, attributes) : undefined;
    if (element) this.#line.push(element);
    this.#open.push({ name, isHidden, element });
  }

  text(value: string): void {
    if (this.#open.at(-1)?.name === 'title' && this.#title.length < 300) this.#title += value;
    if (this.#unshown > 0) return;
    if (this.#hiding > 0) {
      if (value.trim() !== '') this.#hidden++;
      return;
    }
    this.#append(this.#preformatted > 0 ? value : value.replaceAll(/[ \t\r\n\f]+/g, ' '));
  }

  close(): void {
    // The parser closes every element it opened, the newest first.
    const closed = this.#open.pop();
    if (!closed) return;
    if (closed.isHidden) this.#hiding--;
    if (UNSHOWN.has(closed.name)) this.#unshown--;
    if (PREFORMATTED.has(closed.name)) this.#preformatted--;
    if (closed.element) this.#line.pop();
  }

  result(): VisiblePage {
    return {
      title: this.#title.replaceAll(/\s+/g, ' ').trim().slice(0, 300),
      tree: this.#tree,
      hidden: this.#hidden,
      isCut: this.isFull,
    };
  }

  /** The parser gives a text in pieces, a character each where there are entities; in the tree it is one. */
  #append(value: string): void {
    this.#chars += value.length;
    const { children } = this.#line.at(-1) ?? this.#tree;
    const last = children.at(-1);
    // Looking at the end of a text that grows would copy it each time.
    const isFolded = this.#endsWithSpace && this.#preformatted === 0;
    this.#endsWithSpace = value.endsWith(' ');
    if (last?.type === 'text') {
      last.value += isFolded ? value.replace(/^ /, '') : value;
      return;
    }
    this.#nodes++;
    children.push({ type: 'text', value });
  }

  #add(name: string, attributes: Record<string, string>): Element {
    this.#nodes++;
    const element: Element = {
      type: 'element',
      tagName: name,
      properties: kept(attributes, this.base),
      children: [],
    };
    this.#line.at(-1)?.children.push(element);
    return element;
  }
}

function kept(attributes: Record<string, string>, base: string): Properties {
  return Object.fromEntries(
    Object.entries(KEPT).flatMap(([name, property]) => {
      const written = attributes[name];
      const value = name === 'href' && written !== undefined ? addressOf(written, base) : written;
      return value === undefined ? [] : [[property, name === 'checked' ? true : value]];
    }),
  );
}

function addressOf(written: string, base: string): string | undefined {
  const href = readUrl(written, base)?.href ?? '';
  return /^https?:/.test(href) && href.length <= MAX_URL_CHARS && !isAnchorOf(href, base) ? href : undefined;
}

function isAnchorOf(href: string, base: string): boolean {
  return href.includes('#') && href.slice(0, href.indexOf('#')) === base.replace(/#.*$/, '');
}

function hides(attributes: Record<string, string>): boolean {
  const { style = '', class: names = '' } = attributes;
  return (
    'hidden' in attributes ||
    attributes['aria-hidden'] === 'true' ||
    attributes.type === 'hidden' ||
    HIDING_CLASS.test(names) ||
    style.length > MAX_STYLE_CHARS ||
    HIDING.test(style.replaceAll(/\s+/g, ''))
  );
}

/** Elements within a line. */
const INLINE: ReadonlySet<string> = new Set(
  'a abbr b bdi bdo cite code data del dfn em font i ins kbd label mark q s samp small span strong sub sup time tt u var wbr'.split(
    ' ',
  ),
);

/** All of its text, in the lines its elements begin and end. */
export function toBareText(tree: Root): string {
  const pieces: string[] = [];
  // Not deeper than `MAX_DEPTH`.
  const walk = ({ children }: Root | Element): void => {
    for (const child of children) {
      if (child.type === 'text') pieces.push(child.value);
      if (child.type !== 'element') continue;
      const edge = INLINE.has(child.tagName) ? '' : '\n';
      pieces.push(edge);
      walk(child);
      pieces.push(edge);
    }
  };
  walk(tree);
  return pieces
    .join('')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .join('\n');
}
