/**
 * The agent's words as they may go out. Pure.
 *
 * A link is a way out: whoever opens it, or a client that looks at it beforehand, tells its host what stands in it. So
 * pictures go out by name, never to be fetched; an address stands beside its label; and once strangers' words were read,
 * only addresses that stood there go out, and those of hosts that are allowed: one that the agent has put together may
 * carry what it knows. What looks like a secret goes out never. That nobody is pinged is up to the gateways.
 *
 *   markdown ─▶ read as gateways read it ─▶ each part judged by what it says ─▶ written back ─┐
 *                       ▲                                                                     │
 *                       └────────────────── until nothing changes any more ◀──────────────────┘
 *
 * Invariants
 *   1. Judged is what people are shown: `&#104;ttps`, `https\:` and what two parts come to beside each other. And what
 *      stands there, for mail shows that as well.
 *   2. What is written back reads the same but for what was taken out, and is judged again like any other text.
 *   3. Code is no exception: a client makes links of that, too.
 *   4. It takes a time that grows with the text alone, whatever marks stand in it: with more of them than anybody writes
 *      (`markdown-bounds`) it goes out as code.
 */
import type { Nodes, Parents, PhrasingContent, Root } from 'mdast';
import { fromMarkdown } from 'mdast-util-from-markdown';
import { gfmFromMarkdown } from 'mdast-util-gfm';
import { toString as textOf } from 'mdast-util-to-string';
import { gfm } from 'micromark-extension-gfm';
import { dropHidden } from '../domain/hidden-characters.ts';
import { isReadable } from '../domain/markdown-bounds.ts';
import { mayEndInSecret, mayHoldSecret, REDACTED } from '../observability/redaction.ts';
import type { Reading } from './provenance.ts';
import { essence, LEFT_OUT, type Outlet, WordFilter } from './word-filter.ts';

export { NO_OUTLET, type Outlet } from './word-filter.ts';

/** Times a text is looked through; each takes something out, and few take more than two. */
const MOST_ROUNDS = 10;

export function outgoingText(
  markdown: string,
  reading: Pick<Reading, 'strangers' | 'isSeen'>,
  outlet: Outlet,
): string {
  const filter = new WordFilter(reading, outlet);
  let text = dropHidden(markdown);
  // By what stands there: what is put together of marks is let out by nobody.
  if (!filter.isFree) outlet.links?.admit(text);
  for (let rounds = 0; rounds < MOST_ROUNDS; rounds++) {
    const after = once(text, filter);
    if (after === undefined) return asCode(text, filter);
    if (after === text) return text;
    text = after;
  }
  return plain(filter.words(text)); // nobody writes so by chance
}

/** What of a text can be shown while more is to come: without an end that may be the beginning of a secret. */
export function unfinishedText(markdown: string, { secrets }: Pick<Outlet, 'secrets'>): string {
  const known = secrets.map(essence);
  let text = markdown;
  for (let rounds = 0; rounds < MOST_ROUNDS; rounds++) {
    const end = shownEnd(text);
    const letters = essence(end);
    if (!mayEndInSecret(end) && !known.some((secret) => endsWithin(secret, letters))) return text;
    text = withoutLastWord(text);
  }
  return ''; // nobody writes so by chance
}

/** Fewer letters of a secret are as likely a word. */
const FEWEST_LETTERS = 4;

/** As much of the end as a secret may take; of what is written in pieces, more. */
const MAX_END_CHARS = 4_000;

/** What stands at the end, read as text; a reference that is not whole yet is none. */
function shownEnd(text: string): string {
  const end = text.slice(-MAX_END_CHARS).replace(/(?:&#?\w*|\\)$/, '');
  return asText(dropHidden(end));
}

function withoutLastWord(text: string): string {
  const words = text.trimEnd();
  return words.slice(0, Math.max(0, ...[' ', '\n', '\t'].map((space) => words.lastIndexOf(space))));
}

function endsWithin(secret: string, text: string): boolean {
  for (let length = Math.min(secret.length, text.length); length >= FEWEST_LETTERS; length--) {
    if (text.endsWith(secret.slice(0, length))) return true;
  }
  return false;
}

/** The text of a file, which is no markdown: it is judged as it stands, and as programs read it that know JSON. */
export function outgoingFile(
  content: string,
  reading: Pick<Reading, 'strangers' | 'isSeen'>,
  outlet: Outlet,
): string {
  const filter = new WordFilter(reading, outlet);
  if (!filter.isFree) outlet.links?.admit(content);
  const text = unescaped(content);
  return filter.words(text) === text ? filter.words(content) : filter.words(text);
}

/** Without the escapes of JSON that may hide a word; a quote stays one that ends nothing. */
function unescaped(text: string): string {
  return text
    .replaceAll(/\\u00([2-7][\da-f])/gi, (whole, code: string) =>
      code === '22' ? whole : String.fromCharCode(Number.parseInt(code, 16)),
    )
    .replaceAll('\\/', '/');
}

/** Undefined: it cannot be read as markdown. */
function once(markdown: string, filter: WordFilter): string | undefined {
  const text = filter.isFree ? filter.words(markdown) : markdown;
  if (filter.isFree && !mayReadOtherwise(text, filter)) return text;
  const tree = treeOf(text);
  if (!tree) return undefined;
  return filter.words(replaced(text, changesIn(tree, { text, filter, definitions: definitionsIn(tree) })));
}

/**
 * Whether a secret may come to light in a text that shows none where it stands, or a link lead elsewhere than it says: a
 * look that costs a hundredth of reading it. Emphasis and code take nothing but their marks away; all else is read.
 */
function mayReadOtherwise(text: string, filter: WordFilter): boolean {
  if (/[&\\[\]<]|_[*~`]|[*~`]_/.test(text)) return true;
  if (!/[*_~`]/.test(text)) return false;
  // An underscore inside of a word, with no other mark beside it, is no mark.
  const readings = [text.replaceAll(/[*~`]/g, ''), text.replaceAll(/[*_~`]/g, '')];
  return readings.some(mayHoldSecret) || filter.holdsLetters(essence(text));
}

interface Walk {
  readonly text: string;
  readonly filter: WordFilter;
  /** Addresses by label, as references name them. */
  readonly definitions: ReadonlyMap<string, string>;
}

/** A part of the text and what takes its place. */
interface Change {
  readonly from: number;
  readonly to: number;
  readonly by: string;
}

/** Undefined: it is not read as markdown. */
function treeOf(text: string): Root | undefined {
  if (!isReadable(text)) return undefined;
  try {
    return fromMarkdown(text, { extensions: [gfm()], mdastExtensions: SYNTAX_TREE });
  } catch {
    return undefined; // nested deeper than the stack goes
  }
}

/** Without what makes links of words afterwards: those have no place in the text, and `WordFilter` finds them itself. */
const SYNTAX_TREE = gfmFromMarkdown().map((extension) => ({ ...extension, transforms: [] }));

function definitionsIn(tree: Root): Map<string, string> {
  const found = new Map<string, string>();
  for (const node of nodesIn(tree)) {
    if (node.type === 'definition' && !found.has(node.identifier)) found.set(node.identifier, node.url);
  }
  return found;
}

/** Level by level, not by recursion: a text may be nested as deep as it is long. */
function nodesIn(tree: Root): Nodes[] {
  const found: Nodes[] = [];
  for (let level: Nodes[] = [tree]; level.length > 0; ) {
    found.push(...level);
    level = level.flatMap((node): Nodes[] => ('children' in node ? (node as Parents).children : []));
  }
  return found;
}

/** None lies in another: the outermost counts. */
function changesIn(tree: Root, walk: Walk): Change[] {
  const changes: Change[] = [];
  for (let level: Nodes[] = [tree]; level.length > 0; ) {
    const next: Nodes[] = [];
    for (const node of level) {
      const change = changeOf(node, walk);
      if (change) changes.push(change);
      // Within what was replaced nothing is left to replace.
      else if ('children' in node) next.push(...node.children);
    }
    level = next;
  }
  return changes;
}

/** Undefined: it stays as it is, or what lies in it is looked at. */
function changeOf(node: Nodes, walk: Walk): Change | undefined {
  if (node.type === 'paragraph' || node.type === 'heading' || node.type === 'tableCell') {
    return assembled(node.children, walk);
  }
  const from = node.position?.start.offset;
  const to = node.position?.end.offset;
  if (from === undefined || to === undefined) return undefined;
  const raw = walk.text.slice(from, to);
  const by = replacementOf(node, raw, walk);
  return by === undefined || by === raw ? undefined : { from, to, by };
}

/** What parts beside each other come to, though none of them holds it alone: then they lose their marks. */
function assembled(parts: readonly PhrasingContent[], walk: Walk): Change | undefined {
  const from = parts.at(0)?.position?.start.offset;
  const to = parts.at(-1)?.position?.end.offset;
  if (from === undefined || to === undefined) return undefined;
  const words = parts.map((part) => saidBy(part, walk)).join('');
  return walk.filter.holdsForbidden(words) ? { from, to, by: plain(walk.filter.words(words)) } : undefined;
}

/** What is left of it once it is judged alone. */
function saidBy(node: PhrasingContent, walk: Walk): string {
  switch (node.type) {
    case 'text':
    case 'inlineCode':
    case 'html':
      return walk.filter.words(node.value);
    case 'break':
      return '\n';
    case 'footnoteReference':
      return `[^${node.label ?? node.identifier}]`;
    case 'image':
    case 'imageReference':
      return node.alt ?? '';
    case 'link':
    case 'linkReference':
      // A link of its own stands between what is beside it.
      return walk.filter.isFree ? node.children.map((part) => saidBy(part, walk)).join('') : '<>';
    default:
      return node.children.map((part) => saidBy(part, walk)).join('');
  }
}

function replacementOf(node: Nodes, raw: string, { filter, definitions }: Walk): string | undefined {
  switch (node.type) {
    case 'image':
      return beside(node.alt ?? '', node.url, filter);
    case 'imageReference':
      return beside(node.alt ?? '', definitions.get(node.identifier) ?? '', filter);
    case 'link':
      return filter.isFree && filter.mayLead(node.url) ? undefined : beside(textOf(node), node.url, filter);
    case 'linkReference': {
      const url = definitions.get(node.identifier) ?? '';
      return filter.isFree && filter.mayLead(url) ? undefined : beside(textOf(node), url, filter);
    }
    case 'definition':
      return filter.isFree && filter.mayLead(node.url) ? undefined : '';
    case 'text':
      return textBy(node.value, raw, filter);
    case 'code':
      return codeBy(raw, `${node.lang ?? ''} ${node.meta ?? ''}`, filter);
    case 'inlineCode':
      return isSaidOtherwise(node.value, filter) ? plain(readOtherwise(node.value, filter)) : undefined;
    case 'footnoteReference':
      return isClean(node.label ?? node.identifier, filter) ? undefined : '';
    case 'footnoteDefinition':
      return isClean(node.label ?? node.identifier, filter)
        ? undefined
        : plain(filter.words(node.children.map((child) => textOf(child)).join(' ')));
    default:
      return undefined;
  }
}

/** A label and, in plain sight, where it leads. */
function beside(label: string, url: string, filter: WordFilter): string {
  const name = filter.withCodedHosts(plain(filter.words(label)));
  const shown = url === '' ? '' : filter.mayLead(url) ? `<${url}>` : plain(filter.insteadOf(url));
  const isSame = label === url || name === '' || url === `mailto:${label}` || url === `http://${label}`;
  if (shown === '') return name;
  if (isSame) return shown;
  return shown === LEFT_OUT ? `${name} ${shown}` : `${name} (${shown})`;
}

/** Line by line, because each but the first may have marks of what is around it in front. */
function textBy(value: string, raw: string, filter: WordFilter): string {
  const said = value.split('\n');
  const written = raw.split('\n');
  if (said.length !== written.length) return filter.words(value) === value ? raw : plain(filter.words(value));
  return written
    .map((line, n) => {
      const [before = ''] = n === 0 ? [] : (/^[ \t>]*/.exec(line) ?? []);
      const core = line.slice(before.length);
      const end = behindBlanks(core);
      return before + lineBy((said[n] ?? '').trimEnd(), core.slice(0, end), filter) + core.slice(end);
    })
    .join('\n');
}

/** Where the blanks at its end begin. From behind: an expression would try each blank there is. */
function behindBlanks(line: string): number {
  let end = line.length;
  while (end > 0 && BLANKS.includes(line.charAt(end - 1))) end--;
  return end;
}

const BLANKS = ' \t';

/** As it is written, unless what it says is not. */
function lineBy(said: string, written: string, filter: WordFilter): string {
  const words = filter.words(said);
  const hides = words !== said || filter.bareHosts(said).some((host) => !written.includes(host));
  const line = !hides ? written : said === written ? words : plain(words);
  return filter.withCodedHosts(line);
}

/** Instead of a line of code that cannot be read as text. */
const LINE_LEFT_OUT = '(a line was left out)';

/** In code nothing is read as markup, as long as all of it is shown as code; whoever shows a part of it may. */
function codeBy(raw: string, info: string, filter: WordFilter): string {
  const [first = '', ...rest] = raw.split('\n');
  const opening = isClean(info, filter) ? first : first.replace(/^([`~]{3,}).*$/, '$1');
  return [opening, ...rest.map((line) => codeLineBy(line, filter))].join('\n');
}

function codeLineBy(line: string, filter: WordFilter): string {
  if (!HIDES.test(line)) return line;
  if (!isReadable(line)) return LINE_LEFT_OUT;
  return isSaidOtherwise(line, filter) ? readOtherwise(line, filter) : line;
}

/** What may stand for another character. */
const HIDES = /[&\\]/;

/** All of a text as a block of code: there each mark is only what it is. */
function asCode(text: string, filter: WordFilter): string {
  const code = text
    .replaceAll(/`{4,}/g, '```')
    .split(LINE_END)
    .map((line) => codeLineBy(line, filter));
  return ['````', filter.words(code.join('\n')), '````'].join('\n');
}

const LINE_END = /\r\n|\r|\n/;

/** Whether something comes to light in code when it is read as text. */
function isSaidOtherwise(code: string, filter: WordFilter): boolean {
  return HIDES.test(code) && readOtherwise(code, filter) !== asText(code);
}

function readOtherwise(code: string, filter: WordFilter): string {
  return filter.words(asText(code));
}

/** By the rules that all readers of markdown share: those that make links of words decode nothing in them. */
function asText(code: string): string {
  if (!isReadable(code)) return code;
  try {
    return textOf(fromMarkdown(code));
  } catch {
    return code; // nested deeper than the stack goes
  }
}

function isClean(text: string, filter: WordFilter): boolean {
  return filter.words(text) === text && filter.bareHosts(text).length === 0;
}

/** Nothing in it can be read as markup. */
function plain(label: string): string {
  return label
    .replaceAll(/[\r\n]+/g, ' ')
    .replaceAll(/[\\`*_~[\]<>!|]|&(?=[#\w])/g, '\\$&')
    .replaceAll(REDACTED.replaceAll(/[[\]]/g, '\\$&'), REDACTED)
    .trim();
}

function replaced(text: string, changes: readonly Change[]): string {
  let out = '';
  let at = 0;
  for (const { from, to, by } of changes.toSorted((a, b) => a.from - b.from)) {
    out += text.slice(at, from) + by;
    at = to;
  }
  return out + text.slice(at);
}
