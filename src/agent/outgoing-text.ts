/**
 * The agent's words as they may go out. Pure.
 *
 * A link is a way out: whoever opens it, or a client that looks at it beforehand, tells its host what stands in it. So
 * pictures go out by name, never to be fetched; an address stands beside its label; and once strangers' words were read,
 * only addresses that stood there go out, and those of hosts that are allowed: one that the agent has put together may
 * carry what it knows. What looks like a secret goes out never. That nobody is pinged is up to the gateways.
 */
import type { Nodes, Parents, Root } from 'mdast';
import { fromMarkdown } from 'mdast-util-from-markdown';
import { gfmFromMarkdown } from 'mdast-util-gfm';
import { toString as textOf } from 'mdast-util-to-string';
import { gfm } from 'micromark-extension-gfm';
import { withAddresses } from '../approvals/plain-address.ts';
import { redactText } from '../observability/redaction.ts';
import type { Reading } from './provenance.ts';

export interface Outlet {
  /** Hosts whose addresses may go out whatever was read: `docs.corp.test`, or `*.corp.test` with all below it. */
  readonly hosts: readonly string[];
  /** Never said, whatever they look like. */
  readonly secrets: readonly string[];
}

/** Nothing that is allowed beside what was read. */
export const NO_OUTLET: Outlet = { hosts: [], secrets: [] };

const LEFT_OUT = '(a link was left out)';

/** Longer than any answer; beyond it a text is not taken apart, and its addresses are looked for as they stand. */
const MAX_PARSED_CHARS = 200_000;

export function outgoingText(
  markdown: string,
  { strangers, isSeen }: Pick<Reading, 'strangers' | 'isSeen'>,
  { hosts, secrets }: Outlet,
): string {
  const text = redactText(markdown, secrets);
  const isFree = strangers.length === 0;
  if (isFree && !text.includes('![')) return text;
  const mayGoOut = (url: string) => isFree || isSeen(url) || isAllowed(url, hosts);
  const tree = treeOf(text);
  if (!tree) return isFree ? text : withoutAddresses(text, mayGoOut);
  return replaced(text, changesIn(tree, { text, isFree, mayGoOut, definitions: definitionsIn(tree) }));
}

/** The text of a file, which is no markdown: its addresses are looked for as they stand. */
export function outgoingFile(
  content: string,
  { strangers, isSeen }: Pick<Reading, 'strangers' | 'isSeen'>,
  { hosts, secrets }: Outlet,
): string {
  const text = redactText(content, secrets);
  if (strangers.length === 0) return text;
  return withoutAddresses(text, (url) => isSeen(url) || isAllowed(url, hosts));
}

interface Walk {
  readonly text: string;
  readonly isFree: boolean;
  readonly mayGoOut: (url: string) => boolean;
  /** Addresses by label, as references name them. */
  readonly definitions: ReadonlyMap<string, string>;
}

/** A part of the text and what takes its place. */
interface Change {
  readonly from: number;
  readonly to: number;
  readonly by: string;
}

/** Undefined: it cannot be read as markdown. */
function treeOf(text: string): Root | undefined {
  if (text.length > MAX_PARSED_CHARS) return undefined;
  try {
    return fromMarkdown(text, { extensions: [gfm()], mdastExtensions: [gfmFromMarkdown()] });
  } catch {
    return undefined; // nested deeper than the stack goes
  }
}

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
      const by = replacementOf(node, walk);
      const from = node.position?.start.offset;
      const to = node.position?.end.offset;
      if (by !== undefined && from !== undefined && to !== undefined) changes.push({ from, to, by });
      // Within what was replaced nothing is left to replace.
      else if ('children' in node) next.push(...node.children);
    }
    level = next;
  }
  return changes;
}

/** Undefined: it stays as it is, or what lies in it is looked at. */
function replacementOf(node: Nodes, { text, isFree, mayGoOut, definitions }: Walk): string | undefined {
  switch (node.type) {
    case 'image':
      return beside(node.alt ?? '', node.url, mayGoOut);
    case 'imageReference':
      return beside(node.alt ?? '', definitions.get(node.identifier) ?? '', mayGoOut);
    case 'link':
      return isFree ? undefined : beside(textOf(node), node.url, mayGoOut);
    case 'linkReference':
      return isFree ? undefined : beside(textOf(node), definitions.get(node.identifier) ?? '', mayGoOut);
    case 'definition':
      return isFree ? undefined : '';
    case 'text':
    case 'html': {
      const { position } = node;
      if (isFree || position?.start.offset === undefined || position.end.offset === undefined)
        return undefined;
      return withoutAddresses(text.slice(position.start.offset, position.end.offset), mayGoOut);
    }
    default:
      return undefined;
  }
}

/** A label and, in plain sight, where it leads. */
function beside(label: string, url: string, mayGoOut: (url: string) => boolean): string {
  const name = plain(label);
  const shown = url === '' ? '' : mayGoOut(url) ? `<${url}>` : LEFT_OUT;
  const isSame = name === url || name === '' || url === `mailto:${name}` || url === `http://${name}`;
  if (shown === '') return name;
  if (!isSame)
    return shown === LEFT_OUT ? `${withoutAddresses(name, mayGoOut)} ${shown}` : `${name} (${shown})`;
  return shown;
}

/** Nothing in it can be read as markup. */
function plain(label: string): string {
  return label
    .replaceAll(/[\r\n]+/g, ' ')
    .replaceAll(/[\\`*_[\]<>!|]/g, '\\$&')
    .trim();
}

/** An address is left out; a bare name of a host, which is one in many clients, is shown as code. */
function withoutAddresses(text: string, mayGoOut: (url: string) => boolean): string {
  return withAddresses(text, ({ text: found, url, isBareHost }) => {
    if (mayGoOut(found) || mayGoOut(url)) return undefined;
    return isBareHost ? `\`${found.replaceAll('`', '')}\`` : LEFT_OUT;
  });
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

function isAllowed(address: string, hosts: readonly string[]): boolean {
  if (!URL.canParse(address)) return false;
  const { hostname, username, password, protocol } = new URL(address);
  if (!['http:', 'https:'].includes(protocol) || username !== '' || password !== '') return false;
  return hosts.some((host) => (host.startsWith('*.') ? hostname.endsWith(host.slice(1)) : hostname === host));
}
