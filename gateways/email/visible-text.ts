/**
 * What a person sees of an HTML mail, as plain text. Pure.
 *
 * Read tag by tag without building a tree, so that no nesting is too deep and time grows with length alone.
 *
 * Invariants
 *   1. Where something is hidden from the eye, a zero-width space stands in its place. Whoever reads the text for a
 *      decision can tell that the mail says more than it shows; whoever reads it for content drops it.
 *   2. What a mail program shows as words of somebody else begins with `> ` on every line, as it does in a plain mail.
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

/** What programs put before the names in a mail that they pass on or show. */
const PUT_BEFORE = '(?:x_|ecx|m_-?\\d+|yiv\\d+|ydp[\\da-f]+)*';

/**
 * What mail programs call that in which they put what is quoted or passed on, each a whole name: those of Gmail,
 * Thunderbird, Apple Mail, Outlook, Yahoo, Proton, Tuta, Infomaniak, Zoho, GMX and web.de, Zimbra, Roundcube, Spark,
 * Mailspring, mail.ru, NetEase, QQ, BlackBerry.
 */
const HOLDS_QUOTE = exactly(
  'gmail_quote(?:_container)?|elided-text',
  'moz-(?:cite-prefix|forward-container)',
  'AppleOriginalContents',
  '(?:ms-outlook-mobile|mail-editor)-reference-message(?:-container)?|OLK_SRC_BODY_SECTION',
  'yahoo_quoted(?:_begin|_\\d+)?|yqt\\d*|yqtfd\\d+|yQTDBase|iosymail',
  '(?:protonmail|tutanota|skiff|ik_mail)_quote',
  'zmail_extra(?:_hr)?|blockquote_zmail',
  'quote|__QUOTED_TEXT__|reply-intro|messageReplySection|nylas-quote|mail-quote-collapse',
  'isReplyContent|isForwardContent|oriMsgHtmlSeperator|ntes-mailmaster-quote|reply139content|qmbox|_?originalContent',
);

/**
 * What others may call it: it is a quote where something stands beside it, or where the mail answers another or passes
 * it on; and not where it is the whole of a mail that does neither.
 */
const MAY_HOLD_QUOTE = exactly(
  '(?:mail|email|message|html|text|reply)?[_-]?quoted?[_-]?(?:text|reply|mail|email|message|content|body|html|block|container|original)?',
  '\\w*mail_quoted?|cite|elided',
  '(?:forwarded|original|previous|reference)[_-]?(?:mail|email|message|content|text|body)',
);

/** What stands before the name itself. */
const PREFIX = new RegExp(`^${PUT_BEFORE}`, 'i');

/** In a name, in front of a `quote` that is an offer. */
const BEFORE_OFFER: ReadonlySet<string> = new Set('price request get sales insurance free your a'.split(' '));

/** In front of a `quoted` that says the contrary. */
const NEGATIONS: ReadonlySet<string> = new Set(['no', 'not', 'non']);

/** What they draw above it, without anything around it: whatever follows is quoted. */
const BEGINS_QUOTE = /(?:^|[\s_])(?:divrplyfwdmsg|outlookmessageheader|zwchr)\b/i;

/** The same as Word draws it, in a style attribute without its white space. */
const LINE_OF_WORD = /border:none;border-top:solid#(?:b5c4df|e1e1e1)1\.0pt/i;

/** The line at the side of what is quoted, in a style attribute without its white space. */
const LINE_AT_SIDE = /border-left(?:-width|-style)?:(?!0|none|medium|initial|unset|hidden)/i;

/** Whether line ends of the source are shown, in a style attribute without its white space. */
const LINE_ENDS = /white-space(?:-collapse)?:(pre|break-spaces)?/gi;

/** Longest style sheet or style attribute looked at, in characters; a longer one hides something. */
const MAX_STYLE_CHARS = 20_000;

/** Longest names of an element looked at, in characters; mail programs need a few. */
const MAX_NAMES_CHARS = 1_000;

/** People's mails nest a few dozen levels deep. The parser slows down with every level, so beyond this we stop. */
const MAX_DEPTH = 1_000;

/** Characters parsed at a time; in between the depth is looked at. */
const CHUNK_CHARS = 16_384;

interface Element {
  readonly name: string;
  readonly hidden: boolean;
  readonly href: string | undefined;
  readonly start: number;
  readonly quoting: Quoting;
  readonly preformatted: boolean;
}

/** `quote`: all in it is. `holder`: so is what is in it, up to a quote in it. `guess`: a holder by a name of no program. */
type Quoting = 'quote' | 'holder' | 'guess' | undefined;

export interface VisibleText {
  readonly text: string;
  /**
   * Some of it stands behind a quote, but in that in which the mail program put what it quotes or passes on: an answer
   * between the lines, or what is passed on goes on there.
   */
  readonly isMixed: boolean;
}

/**
 * `links`: write the target of a link behind its label. At most `maxChars` characters are returned. `hasEarlier`: whether
 * the mail answers another, or passes it on: then all of it may be a quote, with nothing of its author's.
 */
export function toVisibleText(
  html: string,
  {
    hasEarlier,
    ...options
  }: { readonly links: boolean; readonly maxChars: number; readonly hasEarlier: boolean },
): VisibleText {
  const page = read(html, { ...options, guesses: true });
  return (page.isAllGuess && !hasEarlier ? read(html, { ...options, guesses: false }) : page).result();
}

interface Reading {
  readonly links: boolean;
  readonly maxChars: number;
  /** Whether what may hold a quote does. */
  readonly guesses: boolean;
}

function read(html: string, reading: Reading): Page {
  const page = new Page(reading);
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
  return page;
}

class Page {
  #out = '';
  /** Last character of `#out`; kept apart, so that looking at it costs nothing. */
  #last = '\n';
  #full = false;
  #styles = '';
  readonly #open: Element[] = [];
  #unshown = 0;
  #hidden = 0;
  #quotes = 0;
  /** Of what holds quotes and is open: whether one was begun in it. */
  readonly #holders: { hasQuote: boolean }[] = [];
  #guesses = 0;
  /** Something shows in what may hold a quote; something does elsewhere. */
  #hasGuessed = false;
  #hasOther = false;
  /** A quote has begun that nothing ends. */
  #isBelow = false;
  #isMixed = false;

  constructor(private readonly reading: Reading) {}

  /** All there is stands in what may hold a quote. */
  get isAllGuess(): boolean {
    return this.#hasGuessed && !this.#hasOther;
  }

  /** Nested deeper than anything a person writes. */
  get tangled(): boolean {
    return this.#open.length > MAX_DEPTH;
  }

  open(name: string, attributes: Record<string, string>): void {
    const quoting = quotingOf(name, attributes, this.reading.guesses);
    if (name === 'br') this.#append('\n');
    if (BLOCKS.has(name) || quoting) this.#breakLine();
    if (CELLS.has(name) && !isBlank(this.#last)) this.#append('\t');
    if (beginsQuote(attributes)) this.#isBelow = true;
    if (VOID.has(name)) return;

    const element = {
      name,
      hidden: hides(attributes),
      href: name === 'a' ? attributes.href : undefined,
      start: this.#out.length,
      quoting,
      preformatted: isPreformatted(name, attributes) ?? this.#open.at(-1)?.preformatted ?? false,
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
    if (text.trim() !== '') this.#noteGuess();
    if (this.#holders.length > 0 && !this.#isQuoted && text.trim() !== '') this.#isMixed = true;
    this.#append(this.#open.at(-1)?.preformatted ? text : this.#folded(text));
  }

  close(name: string): void {
    if (BLOCKS.has(name)) this.#breakLine();
    // The parser closes every element it opened, in order; anything else was void or never open.
    if (this.#open.at(-1)?.name !== name) return;
    const element = this.#open.pop();
    if (!element) return;
    this.#writeTarget(element);
    if (element.quoting) this.#breakLine();
    this.#count(element, -1);
  }

  result(): VisibleText {
    const lines = this.#out.split('\n').map((line) => line.trimEnd());
    const text = lines
      .join('\n')
      .replace(/\n{3,}/g, '\n\n')
      .trim();
    // A style sheet hides something, or we stopped reading: what, we do not work out.
    const hidesMore = this.tangled || hidesSomething(this.#styles);
    return { text: hidesMore ? `${HIDDEN_MARK}\n${text}` : text, isMixed: this.#isMixed };
  }

  get #isQuoted(): boolean {
    const isHeld = this.#holders.length > 0 && this.#holders.every(({ hasQuote }) => !hasQuote);
    return this.#isBelow || this.#quotes > 0 || isHeld;
  }

  #folded(text: string): string {
    const folded = text.replace(/[ \t\r\n\f]+/g, ' ');
    return isBlank(this.#last) ? folded.replace(/^ /, '') : folded;
  }

  #count({ name, hidden, quoting }: Element, by: 1 | -1): void {
    if (UNSHOWN.has(name)) this.#unshown += by;
    if (hidden) this.#hidden += by;
    if (quoting === 'quote') this.#countQuote(by);
    if (quoting === 'guess') this.#guesses += by;
    if (quoting !== 'holder' && quoting !== 'guess') return;
    if (by === 1) this.#holders.push({ hasQuote: false });
    else this.#holders.pop();
  }

  #noteGuess(): void {
    if (this.#guesses > 0) this.#hasGuessed = true;
    else this.#hasOther = true;
  }

  #countQuote(by: 1 | -1): void {
    this.#quotes += by;
    for (const holder of this.#holders) holder.hasQuote = true;
  }

  #writeTarget({ href, start }: Element): void {
    if (!this.reading.links || href === undefined || this.#hidden > 0 || !/^(?:https?|mailto):/i.test(href))
      return;
    const label = this.#out.slice(start).replace(/^> /, '').trim();
    const bare = href.replace(/^mailto:/i, '');
    if (label !== href && label !== bare && `${label}/` !== href) this.#append(` (${href})`);
  }

  #breakLine(): void {
    if (this.#last !== '\n') this.#append('\n');
  }

  #append(text: string): void {
    if (this.#full || text === '') return;
    const written = this.#isQuoted ? this.#quoted(text) : text;
    const room = this.reading.maxChars - this.#out.length;
    this.#out += written.slice(0, room);
    this.#last = written.slice(-1);
    this.#full = written.length >= room;
  }

  #quoted(text: string): string {
    const [first = '', ...others] = text.split('\n');
    const marked = others.map((line) => (line === '' ? line : `> ${line}`));
    return [this.#last === '\n' && first !== '' ? `> ${first}` : first, ...marked].join('\n');
  }
}

function quotingOf(name: string, attributes: Record<string, string>, guesses: boolean): Quoting {
  // The line beside a cell belongs to a table, or to the foot of a letter.
  const hasLine = !CELLS.has(name) && name !== 'table' && LINE_AT_SIDE.test(styleOf(attributes));
  if (name === 'blockquote' || hasLine) return 'quote';
  const names = namesOf(attributes).split(/\s+/);
  if (names.some((each) => HOLDS_QUOTE.test(each))) return 'holder';
  return guesses && names.some(mayHoldQuote) ? 'guess' : undefined;
}

/** `missive_quote`, `sh-quoted-content`; what begins with `quote-` is as likely an offer, and so is a `price-quote`. */
function mayHoldQuote(name: string): boolean {
  const parts = name.replace(PREFIX, '').toLowerCase().split(/[_-]+/);
  return (parts.length > 1 && parts.some(isQuotePart)) || MAY_HOLD_QUOTE.test(name);
}

function isQuotePart(part: string, at: number, parts: readonly string[]): boolean {
  const before = parts[at - 1];
  if (part === 'quoted') return before === undefined || !NEGATIONS.has(before);
  return part === 'quote' && before !== undefined && !BEFORE_OFFER.has(before);
}

/** One of these names, whatever was put before it. */
function exactly(...names: readonly string[]): RegExp {
  return new RegExp(`^${PUT_BEFORE}(?:${names.join('|')})$`, 'i');
}

function beginsQuote(attributes: Record<string, string>): boolean {
  return BEGINS_QUOTE.test(namesOf(attributes)) || LINE_OF_WORD.test(styleOf(attributes));
}

/** Undefined where that is as in what it stands in. */
function isPreformatted(name: string, attributes: Record<string, string>): boolean | undefined {
  if (name === 'pre' || name === 'textarea') return true;
  const [, shown] = [...styleOf(attributes).matchAll(LINE_ENDS)].at(-1) ?? [undefined, false];
  return shown === false ? undefined : shown !== undefined;
}

/** What the mail program calls it. */
function namesOf(attributes: Record<string, string>): string {
  const { class: classes = '', id = '', name = '', 'data-marker': marker = '' } = attributes;
  return [classes, id, name, marker].join(' ').slice(0, MAX_NAMES_CHARS);
}

/** Without its white space. */
function styleOf({ style = '' }: Record<string, string>): string {
  return style.slice(0, MAX_STYLE_CHARS).replace(/\s+/g, '');
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
