/**
 * Jira's wiki markup, both ways. Pure.
 *
 * No library does this safely: those there are replace by patterns, and what they do not match stays markup. Here
 * every character of a text that means something to Jira is escaped.
 *
 * Invariants
 *   1. What we write notifies nobody: brackets and braces of the text are escaped, so that no mention and no macro
 *      survives, and hidden characters are dropped first, so that none can be assembled from pieces.
 *   2. A link's address is what the reader sees or can check (`judgeLink`); pictures are links, never fetched.
 *   3. Nothing of the text is lost but hidden characters and what only says how code is to be coloured.
 */
import type {
  Definition,
  List,
  ListItem,
  Nodes,
  Parents,
  PhrasingContent,
  Root,
  RootContent,
  Table,
} from 'mdast';
import { dropHidden } from '../markdown/hidden-characters.ts';
import { judgeLink } from '../markdown/link.ts';
import { type Piece, pack } from '../markdown/pack.ts';
import { parseMarkdown } from '../markdown/parse.ts';

/** Longest comment, in characters (Jira support, "character limit of text fields"). */
export const MAX_COMMENT_CHARS = 32_767;

const FENCE = '{code}';

/** Our links, marks and escapes: never cut inside one. */
const ATOMS = /\[(?:\\.|[^\\[\]\n])*\]|\{\{[^}\n]*\}\}|&#?\w+;|\\./g;

/** Markdown as comments of at most `maxChars` each. At least one, even of nothing. */
export function toWiki(markdown: string, maxChars = MAX_COMMENT_CHARS): string[] {
  const tree = parseMarkdown(dropHidden(markdown));
  const parts = packWiki(new Renderer(definitionsOf(tree)).blocks(tree.children, ''), maxChars);
  return parts.length > 0 ? parts : ['(no text)'];
}

export function packWiki(pieces: readonly Piece[], maxChars = MAX_COMMENT_CHARS): string[] {
  return pack(pieces, { limit: maxChars, sizeOf: (text) => text.length, fence: FENCE, atoms: ATOMS });
}

export function wikiParagraph(text: string): Piece {
  return { kind: 'text', text, gap: '\n\n' };
}

/** As text inside wiki markup: shown as it stands, meaning nothing. */
export function escapeWiki(text: string): string {
  return (
    text
      // A reference in the text is its characters, not what they would stand for.
      .replaceAll(/&(?=#?\w+;)/g, AMPERSAND)
      .replaceAll('\\', BACKSLASH)
      .replaceAll(/[{}[\]|!*_~^+]/g, (character) => `\\${character}`)
      .replaceAll(
        /(?<![\p{L}\p{N}])[-?](?=[-?\S])|(?<=\S)[-?](?![\p{L}\p{N}])/gu,
        (character) => `\\${character}`,
      )
      .replaceAll(/\(([/!x?+\-*iynf])\)/gi, '\\($1\\)')
      .replaceAll(
        /^([^\S\r\n\u2028\u2029]*)(h[1-6]\.|bq\.|#)/gm,
        (_found, indent: string, mark: string) => `${indent}${INERT}${mark}`,
      )
  );
}

/** A backslash of the text: two of them would end the line. */
const BACKSLASH = '&#92;';

/** The first character of what would else be a reference. */
const AMPERSAND = '&#38;';

/** Nobody sees it, and behind it nothing is at the beginning of a line any more. */
const INERT = '\u200B';

/**
 * Code is verbatim up to the macro that ends it. Whether a mention in it notifies is written nowhere, so there is none;
 * brackets around anything else (`[~!@#]`) stay as they are.
 */
export function inertCode(text: string): string {
  return text
    .replaceAll(/\{(code|noformat)/gi, `{${INERT}$1`)
    .replaceAll(/\[~(?=[\w.@:-]+\])/g, `[${INERT}~`);
}

/** The name of a macro between double braces would begin that macro. */
function inertName(text: string): string {
  return text.replace(/^(?=(?:code|noformat|quote|panel|color|html)\b)/i, INERT);
}

/** Renders a syntax tree; holds what reference-style links point to. */
class Renderer {
  constructor(private readonly definitions: ReadonlyMap<string, Definition>) {}

  /** `bullets`: those of the lists around. */
  blocks(nodes: readonly RootContent[], bullets: string): Piece[] {
    return nodes.flatMap((node) => this.#block(node, bullets));
  }

  #block(node: RootContent, bullets: string): Piece[] {
    switch (node.type) {
      case 'paragraph':
        return [wikiParagraph(this.inline(node.children))];
      case 'heading':
        return [wikiParagraph(`h${node.depth}. ${this.inline(node.children).replaceAll('\n', ' ')}`)];
      case 'code':
        return [{ kind: 'code', text: inertCode(node.value), gap: '\n\n' }];
      case 'list':
        return this.#list(node, bullets);
      case 'blockquote':
        return this.blocks(node.children, '').map((piece) =>
          piece.kind === 'code' ? piece : { ...piece, text: quoted(piece.text) },
        );
      case 'table':
        return [wikiParagraph(this.#table(node))];
      case 'thematicBreak':
        return [wikiParagraph('----')];
      case 'html':
        return [wikiParagraph(escapeWiki(node.value))];
      case 'definition':
        return [];
      case 'footnoteDefinition':
        return [
          wikiParagraph(escapeWiki(`[^${node.label ?? node.identifier}]: `)),
          ...this.blocks(node.children, bullets),
        ];
      default:
        return [wikiParagraph(this.inline([node as PhrasingContent]))]; // everything that is no block is inline
    }
  }

  #list(list: List, bullets: string): Piece[] {
    const mark = `${bullets}${list.ordered ? '#' : '*'}`;
    return list.children.flatMap((item, index) =>
      this.#item(item, mark).map((piece, position) => ({
        ...piece,
        gap: index === 0 && position === 0 && bullets === '' ? ('\n\n' as const) : ('\n' as const),
      })),
    );
  }

  #item(item: ListItem, mark: string): Piece[] {
    const [first, ...rest] = item.children;
    const head = first?.type === 'paragraph' ? this.inline(first.children) : '';
    const body = first === undefined || first.type === 'paragraph' ? rest : item.children;
    const box = item.checked == null ? '' : item.checked ? '☑ ' : '☐ ';
    return [wikiParagraph(`${mark} ${box}${head}`), ...this.blocks(body, mark)];
  }

  #table(table: Table): string {
    return table.children
      .map((row, index) => {
        const border = index === 0 ? '||' : '|';
        const cells = row.children.map((cell) => this.inline(cell.children).replaceAll('\n', ' ') || ' ');
        return `${border}${cells.join(border)}${border}`;
      })
      .join('\n');
  }

  inline(nodes: readonly PhrasingContent[]): string {
    return nodes.map((node) => this.#span(node)).join('');
  }

  #span(node: PhrasingContent): string {
    switch (node.type) {
      case 'text':
        return escapeWiki(node.value);
      case 'strong':
        return marked('*', this.inline(node.children));
      case 'emphasis':
        return marked('_', this.inline(node.children));
      case 'delete':
        return marked('-', this.inline(node.children));
      case 'inlineCode':
        return `{{${inertName(escapeWiki(node.value))}}}`;
      case 'break':
        return '\n';
      case 'link':
        return toLink(plainChildren(node), node.url);
      case 'image':
        return toLink(node.alt ?? '', node.url);
      case 'linkReference':
        return this.#reference(plainChildren(node), node.identifier);
      case 'imageReference':
        return this.#reference(node.alt ?? '', node.identifier);
      case 'html':
        return escapeWiki(node.value);
      case 'footnoteReference':
        return escapeWiki(`[^${node.label ?? node.identifier}]`);
      default:
        return node satisfies never;
    }
  }

  #reference(label: string, identifier: string): string {
    const definition = this.definitions.get(identifier);
    return definition ? toLink(label, definition.url) : escapeWiki(label);
  }
}

function toLink(label: string, address: string): string {
  const link = judgeLink(dropHidden(label).replaceAll('\n', ' '), address);
  switch (link.kind) {
    case 'labelled':
      return `[${escapeWiki(link.label)}|${linkAddress(link.url)}]`;
    case 'bare': {
      const bare = `[${linkAddress(link.url)}]`;
      return link.label === undefined ? bare : `${escapeWiki(link.label)} (${bare})`;
    }
    case 'text':
      return escapeWiki(link.text);
    default:
      return link satisfies never;
  }
}

/** Inside `[…]` these would end the address, or begin something else. */
function linkAddress(url: string): string {
  return url.replaceAll(/[|[\]{}\s\\!]/g, (character) => encodeURIComponent(character).replace('!', '%21'));
}

function plain(node: Nodes): string {
  if (node.type === 'image' || node.type === 'imageReference') return node.alt ?? '';
  if (node.type === 'break') return '\n';
  if ('value' in node) return node.value;
  return 'children' in node ? plainChildren(node) : '';
}

function plainChildren(node: Parents): string {
  return node.children.map(plain).join('');
}

/** A mark counts only beside words, so blanks stay outside; it does not reach over a line's end. */
function marked(mark: string, text: string): string {
  return text
    .split('\n')
    .map((line) => markedLine(mark, line))
    .join('\n');
}

function markedLine(mark: string, line: string): string {
  const words = line.trim();
  if (words === '') return line;
  const before = line.length - line.trimStart().length;
  return `${line.slice(0, before)}${mark}${words}${mark}${line.slice(before + words.length)}`;
}

function quoted(text: string): string {
  return text
    .split('\n')
    .map((line) => (line.trim() === '' ? line : `bq. ${line}`))
    .join('\n');
}

function definitionsOf(tree: Root): Map<string, Definition> {
  const definitions = tree.children.filter((node) => node.type === 'definition');
  return new Map(definitions.toReversed().map((definition) => [definition.identifier, definition]));
}

// ── From Jira ────────────────────────────────────────────────────────────────────────────────────────────────

/** What begins code of either macro, in which other marks mean nothing, and what ends it. */
const CODE_BEGINS = /(?<![{\\])\{(?:code|noformat)(?::[^{}\n]*)?\}/gi;
const CODE_ENDS = /\{(?:code|noformat)\}/gi;

/** What sets words apart from those around them, wherever in a line it stands. */
const SET_APART = /\{ {0,9}(quote|panel) {0,9}(?::([^}\n]{0,500}))?\}/gi;

/**
 * What a person typed, as markdown: marks translated, macros that only dress text dropped, escapes undone. What is quoted,
 * or stands in a panel, is quoted on lines of its own; all the rest of it where nothing ends that.
 */
export function fromWiki(wiki: string): string {
  const runs = runsOf(wiki.replaceAll(/\r\n?/g, '\n'), CODE_BEGINS, CODE_ENDS);
  const parts = new Parts();
  runs.forEach((run, index) => {
    if (index % 2 === 1) parts.add(fromVerbatim(run));
    else addProse(parts, run);
  });
  return parts.result().trim();
}

/**
 * Cut where code begins and ends: prose, code, prose and so on, with the marks in the code. Where nothing ends it none
 * begins, and the rest is not searched again from each mark that could begin some.
 */
function runsOf(text: string, begins: RegExp, ends: RegExp): string[] {
  if (text.search(begins) === -1) return [text];
  const [opening, closing] = [new RegExp(begins), new RegExp(ends)];
  const runs: string[] = [];
  let from = 0;
  for (let open = opening.exec(text); open; open = opening.exec(text)) {
    closing.lastIndex = opening.lastIndex;
    if (!closing.test(text)) break;
    runs.push(text.slice(from, open.index), text.slice(open.index, closing.lastIndex));
    from = closing.lastIndex;
    opening.lastIndex = from;
  }
  return [...runs, text.slice(from)];
}

function addProse(parts: Parts, prose: string): void {
  let from = 0;
  for (const mark of prose.matchAll(SET_APART)) {
    if (!isMacro(prose, mark)) continue;
    parts.add(fromProse(prose.slice(from, mark.index)));
    parts.turn(mark[1]?.toLowerCase() ?? '', titleIn(mark[2] ?? ''));
    from = mark.index + mark[0].length;
  }
  parts.add(fromProse(prose.slice(from)));
}

/** Not escaped, and no word of its own between double braces. */
function isMacro(prose: string, { 0: { length }, index }: RegExpExecArray): boolean {
  let first = index;
  while (prose[first - 1] === '\\') first--;
  const isWord = prose[index - 1] === '{' && prose[index + length] === '}';
  return (index - first) % 2 === 0 && !isWord;
}

/** Of a panel, as it stands above it. */
function titleIn(options: string): string {
  return fromProse(/(?:^|\|)title=([^|]*)/i.exec(options)?.[1] ?? '').trim();
}

/** A text in the making, of what its author says and what is set apart from that. */
class Parts {
  readonly #parts: { readonly isQuoted: boolean; text: string }[] = [];
  /** What has begun and not ended. */
  readonly #open = new Set<string>();

  add(text: string): void {
    const isQuoted = this.#open.size > 0;
    const last = this.#parts.at(-1);
    if (last?.isQuoted === isQuoted) last.text += text;
    else this.#parts.push({ isQuoted, text });
  }

  /** The same macro begins what is set apart, and ends it. */
  turn(macro: string, title: string): void {
    if (this.#open.delete(macro)) return;
    this.#open.add(macro);
    if (title !== '') this.add(`\n${title}\n`);
  }

  result(): string {
    const shown = this.#parts.filter(({ text }) => text.trim() !== '');
    if (shown.length === 1 && !shown[0]?.isQuoted) return shown[0]?.text ?? '';
    // A line right below a quoted one would be read as part of it.
    return shown
      .map(({ isQuoted, text }) => (isQuoted ? quotedLines(text.trim()) : text.trim()))
      .join('\n\n');
  }
}

export function quotedLines(text: string): string {
  return text
    .split('\n')
    .map((line) => `> ${line}`)
    .join('\n');
}

function fromVerbatim(run: string): string {
  const [, options = '', text = ''] =
    /^\{(?:code|noformat)(?::([^}\n]*))?\}([\s\S]*?)\{\w+\}$/i.exec(run) ?? [];
  const language = /^[\w+#-]+$/.exec(options.split('|')[0] ?? '')?.[0] ?? '';
  return `\n\`\`\`${language}\n${text.replace(/^\n/, '').replace(/\n$/, '').replaceAll(INERT, '')}\n\`\`\`\n`;
}

function fromProse(text: string): string {
  return text
    .replaceAll(/\{color(?::[^{}\n]*)?\}/gi, '')
    .split('\n')
    .map(fromLine)
    .join('\n');
}

function fromLine(line: string): string {
  const [, level, heading] = /^\s*h([1-6])\.\s*(.*)$/.exec(line) ?? [];
  if (level !== undefined && heading !== undefined)
    return `${'#'.repeat(Number(level))} ${fromSpan(heading)}`;
  const [, quote] = QUOTED_LINE.exec(line) ?? [];
  if (quote !== undefined) return `> ${fromLine(quote)}`;
  const [, bullets, item] = /^\s*([*#-]+)\s+(.*)$/.exec(line) ?? [];
  if (bullets !== undefined && item !== undefined && bullets !== '----') {
    const mark = bullets.endsWith('#') ? '1.' : '-';
    const indent = '   '.repeat(bullets.length - 1);
    const [, words] = QUOTED_LINE.exec(item) ?? [];
    return words === undefined
      ? `${indent}${mark} ${fromSpan(item)}`
      : `> ${indent}${mark} ${fromSpan(words)}`;
  }
  if (/^\|\|.*\|\|\s*$/.test(line)) return fromHeader(line);
  if (/^\|.*\|\s*$/.test(line)) return `| ${cellsOf(line, '|').map(fromSpan).join(' | ')} |`;
  return fromSpan(line);
}

/** What stands in it is quoted. */
const QUOTED_LINE = /^(?:\s*bq\.)+\s*(.*)$/i;

function fromHeader(line: string): string {
  const cells = cellsOf(line, '||').map(fromSpan);
  return `| ${cells.join(' | ')} |\n| ${cells.map(() => '---').join(' | ')} |`;
}

/** A bar inside a link is not a border. */
function cellsOf(line: string, border: string): string[] {
  const inner = line.trim().slice(border.length, -border.length);
  return inner
    .replaceAll(/\[[^[\]\n]*\]/g, (link) => link.replaceAll('|', '\u0000'))
    .split(border === '|' ? /(?<!\\)\|/ : '||')
    .map((cell) => cell.replaceAll('\u0000', '|').trim());
}

const EDGE = '(?<![\\p{L}\\p{N}\\\\])';
const END = '(?![\\p{L}\\p{N}])';
const BOLD = new RegExp(`${EDGE}\\*(?=\\S)([^*\\n]*[^*\\s\\\\])\\*${END}`, 'gu');
/** Of what is struck through, in characters: beyond that nobody looks for its end. */
const MOST_STRUCK = 500;
/** Several of them in a row are a line, such as mail programs draw above what they pass on. */
const STRUCK = new RegExp(
  `(?<!-)${EDGE}-(?=[^\\s-])([^\\n]{0,${MOST_STRUCK}}?[^\\s\\\\-])-${END}(?!-)`,
  'gu',
);

/** A word of code between double braces; the first of what is between them may be a brace as well. */
const WORD_BEGINS = /\{\{[^\n]/g;
const WORD_ENDS = /\}\}(?!\})/g;

function fromSpan(text: string): string {
  return runsOf(text, WORD_BEGINS, WORD_ENDS)
    .map((run, index) =>
      index % 2 === 1 ? `\`${unescapeWiki(run.slice(2, -2)).replaceAll('`', "'")}\`` : fromWords(run),
    )
    .join('');
}

function fromWords(text: string): string {
  return unescapeWiki(
    text
      .replaceAll(/(?<!\\)\[((?:\\[^\]\n]|[^\\[\]\n])+)\]/g, (_found, inner: string) => fromBracketed(inner))
      .replaceAll(/(?<!\\)!([\w][^!\n|]*\.\w{2,5})(?:\|[^!\n]*)?!/g, '(picture $1)')
      .replaceAll(BOLD, '**$1**')
      .replaceAll(STRUCK, '~~$1~~')
      .replaceAll(/\\\\(?:\s|$)/g, '\n'),
  );
}

function fromBracketed(inner: string): string {
  if (inner.startsWith('~')) return `@${inner.slice(1).replace(/^accountid:/, '')}`;
  if (inner.startsWith('^')) return `(file ${inner.slice(1)})`;
  const bar = inner.search(/(?<!\\)\|/);
  if (bar === -1) return inner;
  const [label, target = ''] = [inner.slice(0, bar), inner.slice(bar + 1).split('|')[0]];
  return label === target ? target : `[${label}](${target})`;
}

function unescapeWiki(text: string): string {
  return text
    .replaceAll(/\\([{}[\]|!*_~^+\-?()])/g, '$1')
    .replaceAll(BACKSLASH, '\\')
    .replaceAll(AMPERSAND, '&')
    .replaceAll(INERT, '');
}

/** Takes the mention of an account out of a text still in wiki markup. */
export function withoutMention(text: string, names: readonly string[]): string {
  return names.reduce((rest, name) => rest.replaceAll(mentionOf(name), ''), text).trim();
}

export function mentions(text: string, names: readonly string[]): boolean {
  // Inside code a mention is only shown.
  const prose = runsOf(text, CODE_BEGINS, CODE_ENDS)
    .filter((_run, index) => index % 2 === 0)
    .join('\n');
  return names.some((name) => prose.includes(mentionOf(name)));
}

/** `accountid:…` on Cloud, a name on Data Center. */
export function mentionOf(name: string): string {
  return `[~${name}]`;
}
