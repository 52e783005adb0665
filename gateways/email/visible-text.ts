/**
 * What a person sees of an HTML mail, as plain text. Pure.
 *
 * Read tag by tag without building a tree, so that no nesting is too deep and time grows with length alone.
 *
 * Invariant: where something is hidden from the eye, a zero-width space stands in its place. Whoever reads the
 * text for a decision can tell that the mail says more than it shows; whoever reads it for content drops it.
 */
import { Parser } from 'htmlparser2';

/** Stands for what is there and cannot be seen. */
export const HIDDEN_MARK = '\u200b';

const BLOCKS: ReadonlySet<string> = new Set(
  'address article aside blockquote body center dd details dialog div dl dt fieldset figure footer form h1 h2 h3 h4 h5 h6 header hr li main nav ol p pre section summary table tbody tfoot thead tr ul'.split(
    ' ',
  ),
);
const CELLS: ReadonlySet<string> = new Set(['td', 'th']);

/** Contents never shown. */
const UNSHOWN: ReadonlySet<string> = new Set(
  'head script style template title noscript object iframe svg math audio video canvas select datalist map'.split(
    ' ',
  ),
);

/** No end tag, so nothing can be inside. */
const VOID: ReadonlySet<string> = new Set(
  'area base br col embed hr img input link meta param source track wbr'.split(' '),
);

/** Declarations that hide an element, in a style attribute or a style sheet without its white space. */
const HIDING = new RegExp(
  [
    'display:none',
    'visibility:(?:hidden|collapse)',
    'mso-hide:all',
    '(?:^|[;{])(?:opacity|font-size|max-height|max-width|height|width):(?:0+(?:\\.0*)?|\\.0+)(?:[a-z]{1,4}|%)?(?:[;}!]|$)',
    'font-size:1px',
    'text-indent:-\\d{3,}',
    '(?:left|top):-\\d{3,}',
    'clip:rect',
    'clip-path:',
    'color:transparent',
    'scale\\(0',
  ].join('|'),
  'i',
);

/** Longest style sheet or style attribute looked at, in characters; a longer one hides something. */
const MAX_STYLE_CHARS = 20_000;

/** People's mails nest a few dozen levels deep. The parser slows down with every level, so beyond this we stop. */
const MAX_DEPTH = 1_000;

/** Characters parsed at a time; in between the depth is looked at. */
const CHUNK_CHARS = 16_384;

interface Element {
  readonly name: string;
  readonly hidden: boolean;
  readonly href: string | undefined;
  readonly start: number;
}

/** `links`: write the target of a link behind its label. At most `maxChars` characters are returned. */
export function toVisibleText(
  html: string,
  options: { readonly links: boolean; readonly maxChars: number },
): string {
  const page = new VisibleText(options.links, options.maxChars);
  const parser = new Parser(
    {
      onopentag: (name, attributes) => page.open(name, attributes),
      ontext: (text) => page.text(text),
      onclosetag: (name) => page.close(name),
    },
    { decodeEntities: true, lowerCaseTags: true, lowerCaseAttributeNames: true },
  );
  for (let at = 0; at < html.length && !page.tangled; at += CHUNK_CHARS)
    parser.write(html.slice(at, at + CHUNK_CHARS));
  if (!page.tangled) parser.end();
  return page.result();
}

class VisibleText {
  #out = '';
  /** Last character of `#out`; kept apart, so that looking at it costs nothing. */
  #last = '\n';
  #full = false;
  #styles = '';
  readonly #open: Element[] = [];
  #unshown = 0;
  #hidden = 0;
  #preformatted = 0;

  constructor(
    private readonly links: boolean,
    private readonly maxChars: number,
  ) {}

  /** Nested deeper than anything a person writes. */
  get tangled(): boolean {
    return this.#open.length > MAX_DEPTH;
  }

  open(name: string, attributes: Record<string, string>): void {
    if (name === 'br') this.#append('\n');
    if (BLOCKS.has(name)) this.#breakLine();
    if (CELLS.has(name) && !isBlank(this.#last)) this.#append('\t');
    if (VOID.has(name)) return;

    const element = {
      name,
      hidden: hides(attributes),
      href: name === 'a' ? attributes.href : undefined,
      start: this.#out.length,
    };
    this.#open.push(element);
    this.#count(element, 1);
  }

  text(text: string): void {
    const inside = this.#open.at(-1)?.name;
    if (inside === 'style' && this.#styles.length <= MAX_STYLE_CHARS) this.#styles += text;
    if (this.#unshown > 0) return;
    if (this.#hidden > 0) {
      if (text.trim() !== '' && this.#last !== HIDDEN_MARK) this.#append(HIDDEN_MARK);
      return;
    }
    this.#append(this.#preformatted > 0 ? text : this.#folded(text));
  }

  close(name: string): void {
    if (BLOCKS.has(name)) this.#breakLine();
    // The parser closes every element it opened, in order; anything else was void or never open.
    if (this.#open.at(-1)?.name !== name) return;
    const element = this.#open.pop();
    if (!element) return;
    this.#count(element, -1);
    this.#writeTarget(element);
  }

  result(): string {
    const lines = this.#out.split('\n').map((line) => line.trimEnd());
    const text = lines
      .join('\n')
      .replace(/\n{3,}/g, '\n\n')
      .trim();
    // A style sheet hides something, or we stopped reading: what, we do not work out.
    return this.tangled || hidesSomething(this.#styles) ? `${HIDDEN_MARK}\n${text}` : text;
  }

  #folded(text: string): string {
    const folded = text.replace(/[ \t\r\n\f]+/g, ' ');
    return isBlank(this.#last) ? folded.replace(/^ /, '') : folded;
  }

  #count({ name, hidden }: Element, by: 1 | -1): void {
    if (UNSHOWN.has(name)) this.#unshown += by;
    if (hidden) this.#hidden += by;
    if (name === 'pre' || name === 'textarea') this.#preformatted += by;
  }

  #writeTarget({ href, start }: Element): void {
    if (!this.links || href === undefined || this.#hidden > 0 || !/^(?:https?|mailto):/i.test(href)) return;
    const label = this.#out.slice(start).trim();
    const bare = href.replace(/^mailto:/i, '');
    if (label !== href && label !== bare && `${label}/` !== href) this.#append(` (${href})`);
  }

  #breakLine(): void {
    if (this.#last !== '\n') this.#append('\n');
  }

  #append(text: string): void {
    if (this.#full || text === '') return;
    const room = this.maxChars - this.#out.length;
    this.#out += text.slice(0, room);
    this.#last = text.slice(-1);
    this.#full = text.length >= room;
  }
}

function isBlank(character: string): boolean {
  return character === ' ' || character === '\n' || character === '\t';
}

function hides(attributes: Record<string, string>): boolean {
  return 'hidden' in attributes || hidesSomething(attributes.style ?? '');
}

function hidesSomething(style: string): boolean {
  return style.length > MAX_STYLE_CHARS || HIDING.test(style.replace(/\s+/g, ''));
}
