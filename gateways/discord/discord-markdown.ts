/**
 * Discord's own markdown, both ways. Pure.
 *
 * Invariants
 *   1. What we write notifies nobody and poses as nothing: every character Discord gives a meaning to is escaped, so
 *      that no mention, timestamp, command or emoji can be assembled; `allowed_mentions` is the second net.
 *   2. The only links we write are `judgeLink`'s, in angle brackets, so that nothing is fetched by looking at them.
 *   3. Nothing of the text is lost but hidden characters and what only says how code is to be coloured.
 *   4. A command of ours in code is shown as it can be typed: with a slash what is in Discord's menu, the rest with `!`.
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
import { typedWords } from '../command-words.ts';
import { dropHidden } from '../markdown/hidden-characters.ts';
import { judgeLink } from '../markdown/link.ts';
import { type Piece, pack } from '../markdown/pack.ts';
import { parseMarkdown } from '../markdown/parse.ts';
import { isInMenu } from './menu.ts';

/** Largest text of one message, in characters (docs.discord.com, Create Message). */
export const MAX_MESSAGE_CHARS = 2_000;

/** A longer address is written out as text, which can be cut. */
const MAX_LINK_CHARS = 1_000;

/** Deeper headings are shown as bold text: Discord has three. */
const MAX_HEADING_DEPTH = 3;

const FENCE = '```';

/** Our links and escapes: never cut inside one. */
const ATOMS = /\[(?:\\.|[^\\[\]\n])*\]\(<[^<>\n]*>\)|<[^<>\s]*>|\\[^\n]/g;

/** Markdown as Discord messages of at most `maxChars` each. At least one, even of nothing. */
export function toDiscordMarkdown(markdown: string, maxChars = MAX_MESSAGE_CHARS): string[] {
  const parts = packed(toPieces(markdown), maxChars);
  return parts.length > 0 ? parts : ['(no text)'];
}

/** A plain text of any length under its name, literally. */
export function toFenced(label: string, text: string): string[] {
  return packed([paragraph(escapeText(`${label}:`)), { kind: 'code', text: inertFences(text), gap: '\n' }]);
}

function packed(pieces: readonly Piece[], maxChars = MAX_MESSAGE_CHARS): string[] {
  // Discord refuses a message of blanks alone, and shows none of a part's first and last ones.
  return pack(pieces, { limit: maxChars, sizeOf: (text) => text.length, fence: FENCE, atoms: ATOMS }).filter(
    (part) => part.trim() !== '',
  );
}

/** What opens or closes a mark anywhere in a line. */
const MARKS = /[\\`*_~|<>[\]@#]/g;
/** A list at the start of a line. */
const BULLET = /^([ \t]*)([-+])/gm;
const NUMBER = /^([ \t]*\d{1,9})([.)])/gm;
/** An address Discord would make a link of. */
const BARE_ADDRESS = /:(?=\/\/)/g;

/** As text inside Discord's markdown: shown as it stands, meaning nothing. */
export function escapeText(text: string): string {
  return text
    .replace(MARKS, (mark) => (mark === '@' ? '@\u200B' : `\\${mark}`))
    .replace(BULLET, '$1\\$2')
    .replace(NUMBER, '$1\\$2')
    .replace(BARE_ADDRESS, '\\:');
}

/** Blocks of the document in order, rendered. */
function toPieces(markdown: string): Piece[] {
  const tree = parseMarkdown(dropHidden(markdown));
  return new Renderer(definitionsOf(tree)).blocks(tree.children, 0);
}

/** Renders a syntax tree; holds what reference-style links point to. */
class Renderer {
  constructor(private readonly definitions: ReadonlyMap<string, Definition>) {}

  blocks(nodes: readonly RootContent[], depth: number): Piece[] {
    return nodes.flatMap((node) => this.#block(node, depth));
  }

  #block(node: RootContent, depth: number): Piece[] {
    switch (node.type) {
      case 'paragraph':
        return [paragraph(this.inline(node.children))];
      case 'heading':
        return [paragraph(this.#heading(node.depth, node.children))];
      case 'code':
        return [{ kind: 'code', text: inertFences(node.value), gap: '\n\n' }];
      case 'list':
        return this.#list(node, depth);
      case 'blockquote':
        return [paragraph(quoted(textOf(this.blocks(node.children, depth))))];
      case 'table':
        return [{ kind: 'code', text: inertFences(this.#table(node)), gap: '\n\n' }];
      case 'thematicBreak':
        return [paragraph('───')];
      case 'html':
        return [paragraph(escapeText(node.value))];
      case 'definition':
        return [];
      case 'footnoteDefinition':
        return [
          paragraph(
            `${footnote(node.label ?? node.identifier)}: ${textOf(this.blocks(node.children, depth))}`,
          ),
        ];
      default:
        return [paragraph(this.inline([node as PhrasingContent]))]; // everything that is no block is inline
    }
  }

  #heading(depth: number, children: readonly PhrasingContent[]): string {
    const words = this.inline(children, { bold: depth > MAX_HEADING_DEPTH }).replaceAll('\n', ' ');
    if (words.trim() === '') return '';
    return depth > MAX_HEADING_DEPTH ? marked('**', words) : `${'#'.repeat(depth)} ${words}`;
  }

  #list(list: List, depth: number): Piece[] {
    return list.children.flatMap((item, index) =>
      this.#item(item, depth, list.ordered ? `${(list.start ?? 1) + index}.` : '-').map(
        (piece, position) => ({
          ...piece,
          gap: index === 0 && position === 0 && depth === 0 ? ('\n\n' as const) : ('\n' as const),
        }),
      ),
    );
  }

  #item(item: ListItem, depth: number, bullet: string): Piece[] {
    const indent = '  '.repeat(depth);
    const mark = item.checked == null ? bullet : `${bullet} ${item.checked ? '☑' : '☐'}`;
    const [first, ...rest] = item.children;
    const head = first?.type === 'paragraph' ? this.inline(first.children) : '';
    const body = first === undefined || first.type === 'paragraph' ? rest : item.children;
    return [
      paragraph(`${indent}${mark} ${head.replaceAll('\n', `\n${indent}  `)}`),
      ...body.flatMap((node) =>
        this.#block(node, depth + 1).map((piece) => ownIndent(node, piece, `${indent}  `)),
      ),
    ];
  }

  /** Columns as wide as their widest cell, so that they stand under each other in fixed-width type. */
  #table(table: Table): string {
    const rows = table.children.map((row) => row.children.map((cell) => plain(cell).replaceAll('\n', ' ')));
    const columns = Math.max(...rows.map((row) => row.length));
    const widths = Array.from({ length: columns }, (_, column) =>
      Math.max(...rows.map((row) => [...(row[column] ?? '')].length)),
    );
    const lines = rows.map((row) =>
      widths
        .map((width, column) => padded(row[column] ?? '', width))
        .join(' | ')
        .trimEnd(),
    );
    const rule = widths.map((width) => '-'.repeat(width)).join('-|-');
    return [lines[0] ?? '', rule, ...lines.slice(1)].join('\n');
  }

  inline(nodes: readonly PhrasingContent[], within: { bold?: boolean } = {}): string {
    return nodes.map((node) => this.#span(node, within)).join('');
  }

  #span(node: PhrasingContent, within: { bold?: boolean }): string {
    switch (node.type) {
      case 'text':
        return escapeText(node.value);
      case 'strong':
        return within.bold
          ? this.inline(node.children, within)
          : marked('**', this.inline(node.children, { ...within, bold: true }));
      case 'emphasis':
        return marked('_', this.inline(node.children, within));
      case 'delete':
        return marked('~~', this.inline(node.children, within));
      case 'inlineCode':
        return inlineCode(typedWords(node.value, isInMenu));
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
        return escapeText(node.value);
      case 'footnoteReference':
        return footnote(node.label ?? node.identifier);
      default:
        return node satisfies never;
    }
  }

  #reference(label: string, identifier: string): string {
    const definition = this.definitions.get(identifier);
    return definition ? toLink(label, definition.url) : escapeText(label);
  }
}

/** A link the reader can trust; an image is only ever a link, so that nothing is fetched by looking at it. */
function toLink(label: string, address: string): string {
  const link = judgeLink(dropHidden(label).replaceAll('\n', ' '), address);
  switch (link.kind) {
    case 'labelled':
      return fitsLink(link.url)
        ? `[${escapeText(link.label)}](<${linkAddress(link.url)}>)`
        : `${escapeText(link.label)} (${escapeText(link.url)})`;
    case 'bare': {
      const shown = bareLink(link.url);
      return link.label === undefined ? shown : `${escapeText(link.label)} (${shown})`;
    }
    case 'text':
      return escapeText(link.text);
    default:
      return link satisfies never;
  }
}

/** Discord makes links of web addresses alone; others stay words. */
function bareLink(url: string): string {
  return fitsLink(url) && /^https?:/.test(url) ? `<${linkAddress(url)}>` : escapeText(url);
}

function fitsLink(url: string): boolean {
  return url.length <= MAX_LINK_CHARS;
}

function linkAddress(url: string): string {
  return url
    .replaceAll('<', '%3C')
    .replaceAll('>', '%3E')
    .replaceAll('(', '%28')
    .replaceAll(')', '%29')
    .replaceAll(' ', '%20')
    .replaceAll('\\', '%5C');
}

function footnote(label: string): string {
  return escapeText(`[^${label}]`);
}

/** The words of a node without any marks; links with their address, since it would be lost. */
function plain(node: Nodes): string {
  if (node.type === 'link') return withAddress(plainChildren(node), node.url);
  if (node.type === 'image') return withAddress(node.alt ?? '', node.url);
  if (node.type === 'imageReference') return node.alt ?? '';
  if (node.type === 'break') return '\n';
  if (node.type === 'footnoteReference') return `[^${node.label ?? node.identifier}]`;
  if ('value' in node) return node.value;
  return 'children' in node ? plainChildren(node) : '';
}

function withAddress(label: string, address: string): string {
  return label === '' || address === label || address === `mailto:${label}`
    ? address
    : `${label} (${address})`;
}

function plainChildren(node: Parents): string {
  return node.children.map(plain).join('');
}

/** A mark that spans lines would be torn when a text is cut between them, so each line gets its own. */
function marked(mark: string, text: string): string {
  return text
    .split('\n')
    .map((line) => (line.trim() === '' ? line : `${mark}${line}${mark}`))
    .join('\n');
}

/** In code nothing is escaped; what has a backtick in it cannot be code in one line. */
function inlineCode(value: string): string {
  return value.includes('`') || value.trim() === ''
    ? escapeText(value)
    : `\`${value.replaceAll('\n', ' ')}\``;
}

/** Three backticks in a text would open code that swallows the rest; a space nobody sees between them keeps them apart. */
function inertFences(text: string): string {
  return text.replaceAll(FENCE, '`\u200B`\u200B`');
}

function paragraph(text: string): Piece {
  return { kind: 'text', text, gap: '\n\n' };
}

function textOf(pieces: readonly Piece[]): string {
  return pieces
    .map(({ kind, text, gap }, index) => {
      const shown = kind === 'code' ? `${FENCE}\n${text}\n${FENCE}` : text;
      return (index === 0 ? '' : gap) + shown;
    })
    .join('');
}

function quoted(text: string): string {
  return indented(text, '> ');
}

/** A nested list has indented itself; code must start at the margin to be recognised. */
function ownIndent(node: RootContent, piece: Piece, indent: string): Piece {
  return node.type === 'list' || piece.kind === 'code'
    ? piece
    : { ...piece, text: indented(piece.text, indent) };
}

function indented(text: string, indent: string): string {
  return text
    .split('\n')
    .map((line) => indent + line)
    .join('\n');
}

function padded(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - [...text].length));
}

function definitionsOf(tree: Root): Map<string, Definition> {
  const definitions = tree.children.filter((node) => node.type === 'definition');
  return new Map(definitions.toReversed().map((definition) => [definition.identifier, definition]));
}

/** Names by id, as they came with the message. */
export interface Names {
  readonly users: ReadonlyMap<string, string>;
}

/** Code, fenced or in line, in which Discord's other marks mean nothing. */
const CODE = /(```[\s\S]*?```|``[^\n]*?``|`[^`\n]+`)/;

/** `<@1>`, `<@!1>`, `<@&1>`, `<#1>`, `<:name:1>`, `<t:1:R>`, `</ask:1>`, `<id:customize>`. */
const BRACKETED =
  /<(?:@!?(?<user>\d{1,20})|@&(?<role>\d{1,20})|#(?<channel>\d{1,20})|a?:(?<emoji>\w{1,64}):\d{1,20}|t:(?<seconds>-?\d{1,13})(?::[a-zA-Z])?|\/(?<command>[^<>:]{1,100}):\d{1,20}|id:(?<place>[a-z-]{1,30}))>/g;

/** `-# small print`; markdown has none. */
const SMALL_PRINT = /^-# /gm;

/** Everything after `>>> ` is quoted. */
const LONG_QUOTE = /^>>> ([\s\S]*)$/m;

/** What a person typed, as markdown: mentions readable, emoji by name, times in full. */
export function fromDiscordMarkdown(text: string, names: Names): string {
  return text
    .split(CODE)
    .map((run, index) => (index % 2 === 1 ? run : fromProse(run, names)))
    .join('');
}

function fromProse(text: string, names: Names): string {
  return text
    .replace(LONG_QUOTE, (_, words: string) => quoted(words))
    .replace(SMALL_PRINT, '')
    .replace(BRACKETED, (...match) => fromBracketed(match.at(-1) as Bracketed, names)); // the groups come last
}

interface Bracketed {
  readonly user?: string;
  readonly role?: string;
  readonly channel?: string;
  readonly emoji?: string;
  readonly seconds?: string;
  readonly command?: string;
  readonly place?: string;
}

function fromBracketed(what: Bracketed, { users }: Names): string {
  if (what.user !== undefined) return `@${users.get(what.user) ?? what.user}`;
  if (what.role !== undefined) return `@role-${what.role}`;
  if (what.channel !== undefined) return `#${what.channel}`;
  if (what.emoji !== undefined) return `:${what.emoji}:`;
  if (what.seconds !== undefined) return timeOf(Number(what.seconds));
  if (what.command !== undefined) return `/${what.command}`;
  return `#${what.place ?? ''}`;
}

/** The largest time a `Date` can hold, in seconds. */
const MAX_SECONDS = 8.64e12;

function timeOf(seconds: number): string {
  return Math.abs(seconds) <= MAX_SECONDS ? new Date(seconds * 1_000).toISOString() : String(seconds);
}

/** Takes the mentions of a user, and of a role, out of a text still in Discord's markup. */
export function withoutMention(
  text: string,
  { userId, role }: { readonly userId: string; readonly role?: string | undefined },
): string {
  const who = role === undefined ? `!?${userId}` : `(?:!?${userId}|&${role})`;
  return text.replaceAll(new RegExp(`<@${who}>[ \\t]*`, 'g'), '').trim();
}
