/**
 * Reads pages whose addresses somebody else chose: the only way the agent reaches an address of its own choice.
 *
 *   address ─▶ may it be read? ─▶ look its name up, once ─▶ are all of its addresses public? ─▶ connect to those alone
 *      ▲                                                                                                │
 *      └──────────────────────────────── it redirects: judged like any other ──────────────────────────┘
 *
 * Owns      what is sent (no cookies, no credentials, one fixed name of ours), how much is read and how long it may take.
 * Not here  which hosts may be read (`target.ts`, `address-rules.ts`), what of a page is shown (`readable.ts`).
 *
 * Invariants
 *   1. A name is looked up once for a connection, and the connection goes to one of the addresses that were judged: what
 *      the name leads to a moment later changes nothing. The address is compared again once the connection stands.
 *   2. Every redirect is judged as if it had been asked for, and none leads from https to http.
 *   3. No more than `max_bytes` of a page are held, unpacked; what was cut is said to be.
 */
import { lookup } from 'node:dns/promises';
import type { LookupFunction } from 'node:net';
import { Agent, buildConnector, fetch, type Response } from 'undici';
import type { WebSettings } from '../config/web.ts';
import { timeLimit } from '../domain/time-limit.ts';
import { networkTrouble } from '../observability/network-trouble.ts';
import { isInternalAddress, isPublicAddress, normalAddress } from './address-rules.ts';
import { charsetOf, isReadableType } from './content-type.ts';
import { readAtMost } from './response-body.ts';
import { type Target, toTarget } from './target.ts';

export const MAX_REDIRECTS = 5;

/** Bytes on the wire beyond those that are wanted unpacked: what was sent before we stopped listening. */
const WIRE_MARGIN_BYTES = 1_048_576;
/** Largest header block of an answer, in bytes. */
const MAX_HEADER_BYTES = 32_768;

const REQUEST_HEADERS = {
  'user-agent': 'Signalbox/1 (reads one page at a time, when somebody asks for it)',
  accept: 'text/html, text/markdown, text/*;q=0.9, application/json;q=0.8, */*;q=0.1',
  'accept-language': 'en, *;q=0.5',
};

export interface ResolvedAddress {
  readonly address: string;
  readonly family: number;
}

/** Looks a name up. @throws when it leads nowhere */
export type Resolve = (host: string) => Promise<readonly ResolvedAddress[]>;

export interface WebClientOptions {
  /** Those in force at the moment of the call. */
  readonly settings: () => WebSettings;
  /** Left out: as this machine looks names up. */
  readonly resolve?: Resolve;
  /** Certificates to trust instead of those this machine trusts, in PEM. */
  readonly ca?: string;
}

export interface WebPage {
  readonly kind: 'page';
  /** Where it was found in the end. */
  readonly url: string;
  readonly status: number;
  /** Without parameters, in small letters: `text/html`. */
  readonly contentType: string;
  readonly text: string;
  /** Bytes that were read, unpacked. */
  readonly bytes: number;
  /** There was more than `max_bytes`. */
  readonly isCut: boolean;
}

export type WebOutcome =
  | WebPage
  /** It is not allowed, or is nothing that can be read; asking again changes nothing. A sentence, which holds words of
   *  the one that was asked, where somebody was. */
  | { readonly kind: 'refused'; readonly why: string; readonly wasAsked: boolean }
  /** It did not answer, or not in time. A sentence. */
  | { readonly kind: 'failed'; readonly why: string };

type Hop = WebOutcome | { readonly kind: 'moved'; readonly to: string };

export class WebClient {
  constructor(private readonly options: WebClientOptions) {}

  /** Reads one page. Rejects only when `signal` says so. */
  async read(address: string, signal: AbortSignal): Promise<WebOutcome> {
    const settings = this.options.settings();
    const timeout = timeLimit(settings.timeout);
    const limit = AbortSignal.any([signal, timeout]);
    try {
      return await this.#follow(address, settings, limit);
    } catch (error) {
      signal.throwIfAborted();
      const why = timeout.aborted ? `it took longer than ${settings.timeout / 1_000} s` : wordsFor(error);
      return { kind: 'failed', why: `${address} could not be read: ${why}.` };
    }
  }

  async #follow(address: string, settings: WebSettings, signal: AbortSignal): Promise<WebOutcome> {
    let target = toTarget(address, settings);
    let at = address;
    for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
      if (target.kind === 'refused') return refused(at, target.why, redirects, redirects > 0);
      const hop = await this.#hop(target, settings, signal, redirects > 0);
      if (hop.kind !== 'moved') return hop;
      const from = target.url;
      target = toTarget(hop.to, settings, from);
      at = hop.to;
      if (target.kind === 'target' && from.protocol === 'https:' && target.url.protocol === 'http:') {
        return refused(at, 'it would leave the encrypted connection', redirects + 1, true);
      }
    }
    return refused(address, `it redirects more than ${MAX_REDIRECTS} times`, 0, true);
  }

  async #hop(
    target: Extract<Target, { kind: 'target' }>,
    settings: WebSettings,
    signal: AbortSignal,
    wasSent: boolean,
  ): Promise<Hop> {
    const { url, host, isAddress, isInternal } = target;
    const { resolve = lookUp } = this.options;
    const found = isAddress ? [literal(host)] : await untilAborted(resolve(host), signal);
    const isAllowed = isInternal ? isInternalAddress : isPublicAddress;
    // One that is not public among public ones is refused as well: which one is tried first is not ours to say.
    if (found.length === 0 || !found.every(({ address }) => isAllowed(address))) {
      // Of an address that was written as one nobody was asked, not even for what its name stands for.
      return refused(url.href, `${host} leads to an address that is not public`, 0, wasSent || !isAddress);
    }
    const agent = new Agent({
      connect: pinnedTo(found, { ca: this.options.ca, timeoutMs: settings.timeout }),
      maxResponseSize: settings.max_bytes + WIRE_MARGIN_BYTES,
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: settings.timeout,
      bodyTimeout: settings.timeout,
    });
    try {
      const response = await fetch(url, {
        dispatcher: agent,
        redirect: 'manual',
        credentials: 'omit',
        headers: REQUEST_HEADERS,
        signal,
      });
      return await take(response, url, settings.max_bytes);
    } finally {
      await agent.destroy();
    }
  }
}

async function take(response: Response, url: URL, maxBytes: number): Promise<Hop> {
  const location = response.headers.get('location');
  if (isRedirect(response.status) && location !== null) return { kind: 'moved', to: location };
  const header = response.headers.get('content-type') ?? '';
  const contentType = (header.split(';')[0] ?? '').trim().toLowerCase();
  if (!isReadableType(contentType)) {
    const what = contentType === '' ? 'something of no named kind' : contentType;
    return refused(url.href, `it is ${what}, not text`, 0, true);
  }
  const { bytes, isCut } = await readAtMost(response, maxBytes);
  return {
    kind: 'page',
    url: url.href,
    status: response.status,
    contentType,
    text: decode(bytes, charsetOf(header, contentType, bytes), isCut),
    bytes: bytes.length,
    isCut,
  };
}

function decode(bytes: Buffer, charset: string, isCut: boolean): string {
  // Of a page that was cut, half a character may be the end.
  return new TextDecoder(charset).decode(bytes, { stream: isCut });
}

/** Connects to these addresses and to no other, whatever the name leads to by then. */
function pinnedTo(
  found: readonly ResolvedAddress[],
  { ca, timeoutMs }: { readonly ca: string | undefined; readonly timeoutMs: number },
): buildConnector.connector {
  const judged = new Set(found.map(({ address }) => normalAddress(address)));
  const [first] = found;
  const pinned: LookupFunction = (_host, { all }, callback) => {
    if (all) callback(null, [...found]);
    else callback(null, first?.address ?? '', first?.family);
  };
  const connect = buildConnector({ lookup: pinned, timeout: timeoutMs, ...(ca === undefined ? {} : { ca }) });
  return (options, callback) => {
    connect(options, (...[error, socket]) => {
      if (error) return callback(error, null);
      const address = socket.remoteAddress ?? '';
      if (judged.has(address === '' ? '' : normalAddress(address))) return callback(null, socket);
      socket.destroy();
      return callback(new Error(`the connection went to ${address}, which was not judged`), null);
    });
  };
}

async function lookUp(host: string): Promise<readonly ResolvedAddress[]> {
  return lookup(host, { all: true });
}

function literal(address: string): ResolvedAddress {
  return { address, family: address.includes(':') ? 6 : 4 };
}

/** A lookup cannot be broken off; nobody has to wait for it. */
async function untilAborted<Result>(promise: Promise<Result>, signal: AbortSignal): Promise<Result> {
  signal.throwIfAborted();
  return new Promise<Result>((resolve, reject) => {
    const stop = () => reject(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}

function isRedirect(status: number): boolean {
  return [301, 302, 303, 307, 308].includes(status);
}

function refused(address: string, why: string, redirects: number, wasAsked: boolean): WebOutcome {
  const where = redirects > 0 ? `${address}, where it redirects to, is not read` : `${address} is not read`;
  return { kind: 'refused', why: `${where}: ${why}.`, wasAsked };
}

function wordsFor(error: unknown): string {
  const trouble = networkTrouble(error);
  if (trouble) return trouble.detail;
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error ? cause.message : String(cause);
}
