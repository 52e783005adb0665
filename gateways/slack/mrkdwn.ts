/**
 * Slack's own markup, both ways. Pure.
 *
 * Invariants
 *   1. What we write notifies nobody: every `&`, `<` and `>` of the text is escaped, so that no mention survives,
 *      and hidden characters are dropped first, so that none can be assembled from pieces.
 *   2. The only angle brackets we write are links, whose address is what the reader sees or can check (`judgeLink`).
 *   3. Nothing of the text is lost but hidden characters and what only says how code is to be coloured.
 *   4. A command of ours in code is shown as it can be typed: Slack refuses every slash it does not know, so with `!`.
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

/**
 * Largest text of one message, in UTF-8 bytes: chat.update refuses more with `msg_too_long` (docs.slack.dev,
 * chat.update), and what was posted must stay editable.
 */
export const MAX_MESSAGE_BYTES = 4_000;

/** A longer address is written out as text, which can be cut; Slack's own limit for a link is 3,000 (Block Kit). */
const MAX_LINK_CHARS = 2_000;

const FENCE = '```';

/** Our links and escapes: never cut inside one. */
const ATOMS = /<[^<>]*>|&(?:amp|lt|gt);/g;

/** Markdown as Slack messages of at most `maxBytes` each. At least one, even of nothing. */
export function toMrkdwn(markdown: string, maxBytes = MAX_MESSAGE_BYTES): string[] {
  const parts = packed(toPieces(markdown), maxBytes);
  return parts.length > 0 ? parts : ['(no text)'];
}

/** A plain text of any length under its name, literally. */
export function toFenced(label: string, text: string): string[] {
  return packed([
    paragraph(escapeText(`${label}:`)),
    { kind: 'code', text: inertFences(escapeText(text)), gap: '\n' },
  ]);
}

function packed(pieces: readonly Piece[], maxBytes = MAX_MESSAGE_BYTES): string[] {
  return pack(pieces, {
    limit: maxBytes,
    sizeOf: (text) => Buffer.byteLength(text),
    fence: FENCE,
    atoms: ATOMS,
  });
}

/** As text inside Slack's markup: shown as it stands, meaning nothing. */
export function escapeText(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
}

/** Blocks of the document in order, rendered. */
function toPieces(markdown: string): Piece[] {
  const tree = parseMarkdown(dropHidden(markdown));
  return new Renderer(definitionsOf(tree)).blocks(tree.children, 0);
}

/** What a person typed, as markdown: mentions and links readable, escapes undone, Slack's marks translated. */
export function fromMrkdwn(text: string): string {
  return text
    .split(CODE)
    .map((run, index) => (index % 2 === 1 ? unescapeText(run) : fromProse(run)))
    .join('');
}

/** Takes the mention of `user` out of a text still in Slack's markup. */
export function withoutMention(text: string, user: string): string {
  return text.replaceAll(new RegExp(`<@${user}(?:\\|[^>]*)?>[ \\t]*`, 'g'), '').trim();
}

export function mentions(text: string, user: string): boolean {
  return text.includes(`<@${user}>`) || text.includes(`<@${user}|`);
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
        return [paragraph(marked('*', this.inline(node.children, { bold: true })))];
      case 'code':
        return [{ kind: 'code', text: inertFences(escapeText(node.value)), gap: '\n\n' }];
      case 'list':
        return this.#list(node, depth);
      case 'blockquote':
        return [paragraph(quoted(textOf(this.blocks(node.children, depth))))];
      case 'table':
        return [{ kind: 'code', text: inertFences(escapeText(this.#table(node))), gap: '\n\n' }];
      case 'thematicBreak':
        return [paragraph('───')];
      case 'html':
        return [paragraph(escapeText(node.value))];
      case 'definition':
        return [];
      case 'footnoteDefinition':
        return this.#footnote(node.label ?? node.identifier, this.blocks(node.children, depth));
      default:
        return [paragraph(this.inline([node as PhrasingContent]))]; // everything that is no block is inline
    }
  }

  #list(list: List, depth: number): Piece[] {
    return list.children.flatMap((item, index) =>
      this.#item(item, depth, list.ordered ? `${(list.start ?? 1) + index}.` : '•').map(
        (piece, position) => ({
          ...piece,
          gap: index === 0 && position === 0 && depth === 0 ? ('\n\n' as const) : ('\n' as const),
        }),
      ),
    );
  }

  #item(item: ListItem, depth: number, bullet: string): Piece[] {
    const indent = '    '.repeat(depth);
    const mark = item.checked == null ? bullet : `${bullet} ${item.checked ? '☑' : '☐'}`;
    const [first, ...rest] = item.children;
    const head = first?.type === 'paragraph' ? this.inline(first.children) : '';
    const body = first === undefined || first.type === 'paragraph' ? rest : item.children;
    return [
      paragraph(indented(`${mark} ${head}`, indent)),
      ...body.flatMap((node) =>
        this.#block(node, depth + 1).map((piece) => ownIndent(node, piece, `${indent}    `)),
      ),
    ];
  }

  #footnote(label: string, pieces: readonly Piece[]): Piece[] {
    return [paragraph(`[^${escapeText(label)}]: ${textOf(pieces)}`)];
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
        return inertFences(escapeText(node.value));
      case 'strong':
        return within.bold
          ? this.inline(node.children, within)
          : marked('*', this.inline(node.children, { ...within, bold: true }));
      case 'emphasis':
        return marked('_', this.inline(node.children, within));
      case 'delete':
        return marked('~', this.inline(node.children, within));
      case 'inlineCode':
        return node.value.includes('`')
          ? inertFences(escapeText(node.value))
          : `\`${escapeText(typedWords(node.value))}\``;
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
        return `[^${escapeText(node.label ?? node.identifier)}]`;
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
        ? `<${linkAddress(link.url)}|${linkLabel(link.label)}>`
        : `${escapeText(link.label)} (${escapeText(link.url)})`;
    case 'bare': {
      const address = fitsLink(link.url) ? `<${linkAddress(link.url)}>` : escapeText(link.url);
      return link.label === undefined ? address : `${escapeText(link.label)} (${address})`;
    }
    case 'text':
      return escapeText(link.text);
    default:
      return link satisfies never;
  }
}

function fitsLink(url: string): boolean {
  return url.length <= MAX_LINK_CHARS;
}

/** Inside `<…|…>` a bar would end the address; a parsed address has no raw angle brackets but in a mailto. */
function linkAddress(url: string): string {
  return escapeText(url.replaceAll('|', '%7C').replaceAll('<', '%3C').replaceAll('>', '%3E'));
}

function linkLabel(label: string): string {
  return escapeText(label.replaceAll('|', '¦'));
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

/** Slack's marks do not reach over a line's end, so each line gets its own. */
function marked(mark: string, text: string): string {
  return text
    .split('\n')
    .map((line) => (line.trim() === '' ? line : `${mark}${line}${mark}`))
    .join('\n');
}

/** Three backticks in a text would open code that swallows the rest; a space nobody sees between them keeps them apart. */
function inertFences(text: string): string {
  return text.replaceAll(FENCE, '`\u200B`\u200B`');
}

function paragraph(text: string): Piece {
  return { kind: 'text', text, gap: '\n\n' };
}

function textOf(pieces: readonly Piece[]): string {
  return pieces.map((piece, index) => (index === 0 ? '' : piece.gap) + piece.text).join('');
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

/** Code, fenced or in line, in which Slack's other marks mean nothing. */
const CODE = /(```[\s\S]*?```|`[^`\n]+`)/;

/** `<@U1>`, `<#C1|name>`, `<!here>`, `<https://a|b>`: everything Slack writes in angle brackets. */
const BRACKETED = /<([^<>]+)>/g;

const BOLD = /(?<![\p{L}\p{N}*])\*(?=\S)([^*\n]*[^*\s])\*(?![\p{L}\p{N}*])/gu;
const STRUCK = /(?<![\p{L}\p{N}~])~(?=\S)([^~\n]*[^~\s])~(?![\p{L}\p{N}~])/gu;

function fromProse(text: string): string {
  const marked = text.replace(BOLD, '**$1**').replace(STRUCK, '~~$1~~');
  return unescapeText(marked.replace(BRACKETED, (_, inner: string) => fromBracketed(inner)));
}

function fromBracketed(inner: string): string {
  const bar = inner.indexOf('|');
  const target = bar === -1 ? inner : inner.slice(0, bar);
  const label = bar === -1 ? undefined : inner.slice(bar + 1);
  switch (target[0]) {
    case '@':
      return `@${label ?? target.slice(1)}`;
    case '#':
      return `#${label ?? target.slice(1)}`;
    case '!':
      return fromSpecial(target.slice(1), label);
    default:
      return label === undefined || label === target ? target : `[${label}](${target})`;
  }
}

/** `<!here>`, `<!subteam^S1|@ops>`, `<!date^1392734382^{date}|18 February>`. */
function fromSpecial(target: string, label: string | undefined): string {
  if (label !== undefined) return label;
  return target.startsWith('subteam^') ? `@${target.slice('subteam^'.length)}` : `@${target}`;
}

function unescapeText(text: string): string {
  return text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');
}
