/**
 * What words may hold when they go out, whatever they stand in. Pure.
 *
 * Invariants
 *   1. No secret goes out, known or by its shape, whatever was read.
 *   2. Once strangers' words were read, of addresses only those go out that stood there, few of them (`link-quota`), and
 *      those of allowed hosts.
 */

import { readUrl } from '../domain/url.ts';
import { addressesIn, unlinked, withAddresses, withoutMarks } from '../links/plain-address.ts';
import { redactText, redactValues } from '../observability/redaction.ts';
import type { LinkQuota } from './link-quota.ts';
import type { Reading } from './provenance.ts';

export interface Outlet {
  /** Hosts whose addresses may go out whatever was read: `docs.corp.test`, or `*.corp.test` with all below it. */
  readonly hosts: readonly string[];
  /** Never said, whatever they look like. */
  readonly secrets: readonly string[];
  /** How many of the addresses that strangers wrote go out; left out: all of them. */
  readonly links?: Pick<LinkQuota, 'admit' | 'takes'>;
}

/** Nothing that is allowed beside what was read. */
export const NO_OUTLET: Outlet = { hosts: [], secrets: [] };

/** Stands where an address was. */
export const LEFT_OUT = '(a link was left out)';

/** Longest address that may go out: as long as browsers and gateways take them; a longer one would go out in pieces. */
const MAX_ADDRESS_CHARS = 2_000;

export class WordFilter {
  /** Nothing of strangers was read: addresses go out as they are. */
  readonly isFree: boolean;

  constructor(
    private readonly reading: Pick<Reading, 'strangers' | 'isSeen'>,
    private readonly outlet: Outlet,
  ) {
    this.isFree = reading.strangers.length === 0;
  }

  /** Without secrets, and without addresses that may not go out; bare names of hosts stay. */
  words(text: string): string {
    const said = redactText(text, this.outlet.secrets);
    if (this.isFree) return said;
    return withAddresses(said, ({ text: found, url, isBareHost }) =>
      isBareHost || this.#mayGoOut(found) || this.#mayGoOut(url) ? undefined : this.insteadOf(found),
    );
  }

  /** One that stood in what was read can still be read, though nothing opens it. */
  insteadOf(address: string): string {
    const isRead = writtenChars(address) <= MAX_ADDRESS_CHARS && this.#isSeen(address);
    const shown = unlinked(address);
    return isRead && addressesIn(shown).length === 0 ? shown : LEFT_OUT;
  }

  #isSeen(address: string): boolean {
    return [address, withoutMarks(address)].some((each) => this.reading.isSeen(each));
  }

  /** Whether it holds a secret that is known, or has the shape of one, or an address that may not go out. */
  holdsForbidden(text: string): boolean {
    if (redactValues(text, this.outlet.secrets) !== text) return true;
    return !this.isFree && this.words(text) !== redactText(text, this.outlet.secrets);
  }

  /** Whether these are the letters of a known secret, among others. */
  holdsLetters(letters: string): boolean {
    return this.outlet.secrets.some((secret) => letters.includes(essence(secret)));
  }

  /** Whether a link may lead there. */
  mayLead(url: string): boolean {
    return this.words(url) === url && (this.isFree || this.#mayGoOut(url));
  }

  /** Names of hosts that some clients make links of, though nobody wrote them down as one. */
  bareHosts(text: string): string[] {
    return this.isFree ? [] : this.#hostsIn(text).map(({ text: host }) => host);
  }

  /** Those names as code, so that no client makes a link of them; the text is markdown. */
  withCodedHosts(text: string): string {
    if (this.isFree) return text;
    let out = '';
    let at = 0;
    for (const { text: host, from, to } of this.#hostsIn(text)) {
      out += `${text.slice(at, from)}\`${host}\``;
      at = to;
    }
    return out + text.slice(at);
  }

  #hostsIn(text: string) {
    return addressesIn(text).filter(
      ({ text: found, url, isBareHost }) => isBareHost && !this.#mayGoOut(found) && !this.#mayGoOut(url),
    );
  }

  #mayGoOut(address: string): boolean {
    if (writtenChars(address) > MAX_ADDRESS_CHARS) return false;
    return [address, withoutMarks(address)].some(
      (each) =>
        isAllowed(each, this.outlet.hosts) ||
        (this.reading.isSeen(each) && (this.outlet.links?.takes(each) ?? true)),
    );
  }
}

/** Nothing but letters and digits: marks and spaces may stand between them. */
export function essence(text: string): string {
  return text.replaceAll(/[^\p{L}\p{N}]/gu, '');
}

/** As gateways write it: each byte of a letter that is not of ASCII takes three. */
function writtenChars(address: string): number {
  return [...address].reduce(
    (sum, letter) => sum + (letter <= '\x7F' ? 1 : 3 * Buffer.byteLength(letter)),
    0,
  );
}

function isAllowed(address: string, hosts: readonly string[]): boolean {
  const url = readUrl(address);
  if (!url) return false;
  const { hostname, username, password, protocol } = url;
  if (!['http:', 'https:'].includes(protocol) || username !== '' || password !== '') return false;
  return hosts.some((host) => (host.startsWith('*.') ? hostname.endsWith(host.slice(1)) : hostname === host));
}
