/**
 * Words for a terminal: markdown, cards, notices. Pure.
 *
 * Invariants
 *   1. No control sequence but our own reaches the terminal: every text loses its hidden characters first, or shows
 *      them by name where a person is to judge it.
 *   2. A link shows where it leads.
 */
import type { List, Nodes, PhrasingContent, RootContent, Table } from 'mdast';
import stringWidth from 'string-width';
import type { Card } from '../../src/domain/card.ts';
import { dropHidden, showHidden } from '../markdown/hidden-characters.ts';
import { judgeLink } from '../markdown/link.ts';
import { parseMarkdown } from '../markdown/parse.ts';
import type { Paint } from './paint.ts';

const INDENT = '  ';

/** What somebody says: their name, then the words below it. */
export function renderSpeech(name: string, markdown: string, paint: Paint): string {
  return `${paint.strong(showHidden(name))}\n${indented(renderMarkdown(markdown, paint))}\n`;
}

/** Words with a name in them that is somebody else's choice. */
export function renderPlain(text: string): string {
  return showHidden(text);
}

export function renderMarkdown(markdown: string, paint: Paint): string {
  return new Renderer(paint).blocks(parseMarkdown(dropHidden(markdown)).children);
}

/**
 * A request for an approval, whole.
 *
 * @param answerable whether the person here may be the one to answer; a requester never is
 */
export function renderCard(card: Card, paint: Paint, answerable: boolean): string {
  const width = Math.max(0, ...card.facts.map(({ label }) => stringWidth(label)));
  const facts = card.facts.map(({ label, value }) => `  ${padEnd(label, width)}  ${value}`);
  const { approvalId: id } = card;
  const lines = [
    ...facts,
    ...(card.modelSays
      ? ['The agent says (its own words):', ...card.modelSays.split('\n').map((line) => `  ${line}`)]
      : []),
    `Asked by ${card.requestedBy}, of ${card.askedOf}. Risk ${card.risk}, ${card.reversible ? 'can be undone' : 'cannot be undone'}.`,
    ...(card.choices.length > 0 && card.status.state === 'open'
      ? [`To be decided before ${card.deadlineText}.`]
      : []),
    card.status.sentence,
    ...(answerable && card.yesElsewhere !== undefined ? [card.yesElsewhere] : []),
    ...(answerable && card.choices.length > 0 ? [choicesOf(card)] : []),
  ];
  const body = [paint.strong(oneLine(card.title)), ...lines.map(oneLine)];
  return [paint.warning(`┌ Request ${id}`), ...body.map((line) => `│ ${line}`), '└', ''].join('\n');
}

/** What became of a request that was shown before, in one line. */
export function renderOutcome(card: Card, paint: Paint): string {
  return `  ${paint.warning(card.approvalId)}  ${oneLine(`${card.title}. ${card.status.sentence}`)}`;
}

function choicesOf({ approvalId, choices, options }: Card): string {
  const ways = [
    ...(choices.includes('approve') ? [`/approve ${approvalId}`] : []),
    ...(choices.includes('deny') || choices.includes('deny-with-reason')
      ? [`/deny ${approvalId} [reason]`]
      : []),
    ...(choices.includes('answer') ? answersOf(options, approvalId) : []),
    ...(choices.includes('ask') ? [`/question ${approvalId} <text>`] : []),
    ...(choices.includes('edit') ? [`/edit ${approvalId} name=value`] : []),
    ...(choices.includes('always') ? [`/always ${approvalId} exact 7d 5x`] : []),
    ...FINDINGS.filter((finding) => choices.includes(finding)).map((finding) => `/${finding} ${approvalId}`),
  ];
  return ways.join('   ');
}

/** With options, one for each. */
function answersOf(options: Card['options'], id: string): string[] {
  if (!options) return [`/answer ${id} <text>`];
  return options.map((option) => `/answer ${id} ${option.id} (${option.label})`);
}

/** What came of a call, where nobody knows. */
const FINDINGS = ['happened', 'did-not-happen', 'retry'] as const;

/** A fact stays on its line, with nothing hidden in it. */
function oneLine(text: string): string {
  return showHidden(text).replaceAll('\n', ' ');
}

class Renderer {
  constructor(private readonly paint: Paint) {}

  blocks(nodes: readonly RootContent[]): string {
    return nodes
      .map((node) => this.#block(node))
      .filter((text) => text !== '')
      .join('\n\n');
  }

  #block(node: RootContent): string {
    switch (node.type) {
      case 'paragraph':
        return this.#inline(node.children);
      case 'heading':
        return this.paint.strong(this.#inline(node.children));
      case 'code':
        return indented(dropHidden(node.value));
      case 'list':
        return this.#list(node);
      case 'blockquote':
        return prefixed(this.blocks(node.children), this.paint.faint('│ '));
      case 'table':
        return this.#table(node);
      case 'thematicBreak':
        return this.paint.faint('───');
      case 'html':
        return dropHidden(node.value);
      case 'definition':
        return '';
      case 'footnoteDefinition':
        return `[${dropHidden(node.label ?? node.identifier)}] ${this.blocks(node.children)}`;
      default:
        return this.#inline([node as PhrasingContent]); // everything that is no block is inline
    }
  }

  #list({ children, ordered, start, spread }: List): string {
    const items = children.map((item, index) => {
      const bullet = ordered ? `${(start ?? 1) + index}.` : '•';
      const mark = item.checked == null ? bullet : item.checked ? '[x]' : '[ ]';
      const text = item.children.map((child) => this.#block(child)).join(item.spread ? '\n\n' : '\n');
      return hanging(`${mark} `, text);
    });
    return items.join(spread ? '\n\n' : '\n');
  }

  #table({ children }: Table): string {
    const rows = children.map((row) => row.children.map((cell) => this.#inline(cell.children)));
    const columns = Math.max(0, ...rows.map((row) => row.length));
    const widths = Array.from({ length: columns }, (_, column) =>
      Math.max(...rows.map((row) => stringWidth(row[column] ?? ''))),
    );
    const lines = rows.map((row) =>
      row
        .map((cell, column) => padEnd(cell, widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    );
    const rule = widths.map((width) => '─'.repeat(width)).join('  ');
    return [...lines.slice(0, 1), this.paint.faint(rule), ...lines.slice(1)].join('\n');
  }

  #inline(nodes: readonly PhrasingContent[]): string {
    return nodes.map((node) => this.#phrase(node)).join('');
  }

  #phrase(node: PhrasingContent): string {
    switch (node.type) {
      case 'text':
        return dropHidden(node.value);
      case 'strong':
        return this.paint.strong(this.#inline(node.children));
      case 'emphasis':
        return this.paint.emphasis(this.#inline(node.children));
      case 'delete':
        return this.paint.struck(this.#inline(node.children));
      case 'inlineCode':
        return this.paint.code(dropHidden(node.value));
      case 'link':
        return link(plainOf(node), node.url);
      case 'image':
        return link(node.alt ?? '', node.url);
      case 'break':
        return '\n';
      case 'html':
        return dropHidden(node.value);
      case 'footnoteReference':
        return `[${dropHidden(node.label ?? node.identifier)}]`;
      case 'linkReference':
        return this.#inline(node.children);
      case 'imageReference':
        return dropHidden(node.alt ?? '');
      default:
        return node satisfies never;
    }
  }
}

function link(label: string, address: string): string {
  const judged = judgeLink(dropHidden(label), dropHidden(address));
  switch (judged.kind) {
    case 'labelled':
      return `${judged.label} (${judged.url})`;
    case 'bare':
      return judged.label === undefined ? judged.url : `${judged.label} (${judged.url})`;
    case 'text':
      return judged.text;
    default:
      return judged satisfies never;
  }
}

function plainOf(node: Nodes): string {
  if ('value' in node) return node.value;
  return 'children' in node ? node.children.map(plainOf).join('') : '';
}

function indented(text: string): string {
  return prefixed(text, INDENT);
}

function prefixed(text: string, prefix: string): string {
  return text
    .split('\n')
    .map((line) => `${prefix}${line}`.trimEnd())
    .join('\n');
}

/** The mark before the first line, blanks of its width before the others. */
function hanging(mark: string, text: string): string {
  const blanks = ' '.repeat(mark.length);
  return text
    .split('\n')
    .map((line, index) => `${index === 0 ? mark : blanks}${line}`.trimEnd())
    .join('\n');
}

function padEnd(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - stringWidth(text)));
}
