/**
 * How many of the addresses that strangers wrote go out in one conversation.
 *
 * Who may choose among many addresses can spell with them what they know: `https://a.test/<place>/<letter>`. Programs that
 * scan mail open each, and the host reads along. So few of them go out, and few of one host. Others count for nothing:
 * what people we know have written, and what tools tell that know it themselves.
 *
 * Invariants
 *   1. What went out once may go out again, and counts once.
 *   2. Counted is what the agent has written, also where it was left out in the end: rather too much than too little.
 */
import { getDomain } from 'tldts';
import type { Entry } from '../domain/transcript.ts';
import { readUrl } from '../domain/url.ts';
import { addressesIn, withoutMarks } from '../links/plain-address.ts';
import { type Reading, readingOf, strangersOf, stringsIn } from './provenance.ts';

/** Addresses of one host, with all that is below the same name. */
const MOST_OF_HOST = 3;
/** Addresses of all hosts together. */
const MOST_OF_ALL = 6;

/** Its address goes to a host at once, and to nobody else. */
const FETCHING = 'web_fetch';

export class LinkQuota {
  readonly #out = new Set<string>();
  readonly #isOurs: Reading['isSeen'];

  /**
   * @param entries what the model is shown of the conversation, in order
   * @param isSeen of a reading of these entries
   */
  constructor(
    entries: readonly Entry[],
    private readonly isSeen: Reading['isSeen'],
  ) {
    const ours = entries.filter((entry) => entry.kind === 'assistant' || strangersOf([entry]).length === 0);
    this.#isOurs = readingOf(ours).isSeen;
    for (const text of entries.flatMap(writtenIn)) this.admit(text);
  }

  /** Lets the first addresses of a text out that there is room for. */
  admit(text: string): void {
    for (const { url } of addressesIn(text)) {
      const address = withoutMarks(url);
      if (this.isSeen(address) && !this.#isOurs(address) && this.#hasRoom(address)) this.#out.add(address);
    }
  }

  /** Of an address that was read: whether it is one of ours, or was let out. */
  takes(address: string): boolean {
    return this.#isOurs(address) || this.#out.has(address) || this.#out.has(`http://${address}`);
  }

  #hasRoom(address: string): boolean {
    const host = siteOf(address);
    return (
      this.#out.size < MOST_OF_ALL &&
      [...this.#out].filter((each) => siteOf(each) === host).length < MOST_OF_HOST
    );
  }
}

/** What went out of it, or may have. */
function writtenIn(entry: Entry): string[] {
  if (entry.kind !== 'assistant' || (entry.strangers ?? []).length === 0) return [];
  const spoken = entry.calls.filter(({ tool }) => tool !== FETCHING);
  return [entry.text, ...spoken.flatMap(({ input }) => stringsIn(input))];
}

/**
 * The name somebody has registered, by the list of public suffixes: `a.test`, `a.co.uk`. Whoever lets others have names
 * below their own (`*.github.io`) counts as one. What is no such name is one of its own.
 */
function siteOf(address: string): string {
  const host = readUrl(address)?.hostname ?? address;
  return getDomain(host) ?? host;
}
