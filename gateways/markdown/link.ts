/** What a link really leads to, and whether its label says something else. Pure. */
import { readUrl } from '../../src/domain/url.ts';

export type Link =
  /** Safe to hide behind its label. */
  | { readonly kind: 'labelled'; readonly label: string; readonly url: string }
  /** To be shown with its address in plain sight; `label` only if it adds something. */
  | { readonly kind: 'bare'; readonly label: string | undefined; readonly url: string }
  /** Not an address a person could follow; plain text. */
  | { readonly kind: 'text'; readonly text: string };

/** The schemes a chat client may open; anything else (javascript, file, app deep links) stays plain text. */
const OPENABLE: readonly string[] = ['http:', 'https:', 'mailto:'];

/** Characters that look like the dot of a host name. */
const DOT_LIKE =
  /[\u2024\u2027\u00B7\u0387\u30FB\uFF0E\u3002\uFF61\uFE52\u06D4\u0701\u0702\u2E31\uA4F8\u2219\u22C5]/g;

/** Words with a dot between them, or a scheme, or an `@`: the reader would take the label for an address. */
const ADDRESS_LIKE = /[\p{L}\p{N}]\.\p{L}{2,}|:\/\/|\bwww\b|@/iu;

export function judgeLink(label: string, address: string): Link {
  const url = followable(address);
  if (!url)
    return { kind: 'text', text: label === address || label === '' ? address : `${label} (${address})` };
  if (label === '' || sameAddress(label, address, url))
    return { kind: 'bare', label: undefined, url: url.href };
  return looksLikeAddress(label) && !namesHostOf(label, url)
    ? { kind: 'bare', label, url: url.href }
    : { kind: 'labelled', label, url: url.href };
}

/** The address with its host as machines read it, and without a user name, which only serves to look like a host. */
function followable(address: string): URL | undefined {
  const url = readUrl(address);
  if (!url || !OPENABLE.includes(url.protocol)) return undefined;
  if (url.protocol !== 'mailto:') {
    url.username = '';
    url.password = '';
  }
  return url;
}

function sameAddress(label: string, address: string, url: URL): boolean {
  return (
    label === address || label === url.href || url.href === `${label}/` || url.href === `mailto:${label}`
  );
}

function looksLikeAddress(label: string): boolean {
  return ADDRESS_LIKE.test(flattened(label));
}

/** The first thing in the label that reads as a host is the host, exactly. */
function namesHostOf(label: string, url: URL): boolean {
  const claimed = flattened(label)
    .trim()
    .replace(/^https?:\/\//i, '')
    .replace(/[/?#].*$/s, '')
    .toLowerCase();
  return claimed === url.host || claimed === `www.${url.host}` || `www.${claimed}` === url.host;
}

function flattened(label: string): string {
  return label.normalize('NFKC').replace(DOT_LIKE, '.');
}
