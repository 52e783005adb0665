/**
 * The signed HTTP side: requests to the Interactions Endpoint URL of the app.
 *
 * As Discord does, it tries the endpoint with a wrong signature now and then, and takes the URL away from an app
 * that does not answer that with 401.
 */
import { createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto';
import type { Clock } from '../../domain/clock.ts';
import { timeLimit } from '../../domain/time-limit.ts';

/** How often the endpoint is tried with a wrong signature: before the first delivery, then before every n-th. */
const PROBE_EVERY = 10;

/** PKCS #8 of an Ed25519 key is this and the 32 bytes of the key (RFC 8410). */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');

/** The same key on every start, so that a gateway that was told the public one can go on; guards nothing. */
const KEY_SEED = Buffer.from('signalbox-sandbox-discord-app-01');

const RAW_KEY_BYTES = 32;

export type UrlOutcome =
  | { readonly kind: 'answered'; readonly body: unknown }
  /** 202: the app answers over REST. */
  | { readonly kind: 'accepted' }
  | { readonly kind: 'timeout' }
  | { readonly kind: 'failed' };

export interface SignedPost {
  readonly body: string;
  /** Moves the signed timestamp, in seconds. */
  readonly skewSeconds?: number;
  /** Instead of the right one; null sends none. */
  readonly signature?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
}

export type PostOutcome =
  | { readonly kind: 'answered'; readonly status: number; readonly body: string }
  | { readonly kind: 'timeout' }
  | { readonly kind: 'failed' };

/** One request to the endpoint, as it went. */
export interface UrlDelivery {
  readonly what: 'interaction' | 'ping' | 'wrong signature' | 'raw';
  /** HTTP status, or what happened instead. */
  readonly outcome: number | 'timeout' | 'failed';
}

interface Deps {
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly note: (delivery: UrlDelivery) => void;
}

export class InteractionUrl {
  readonly publicKey: string;
  readonly #privateKey: KeyObject;
  #address: string | undefined;
  #deliveries = 0;
  #last: string | undefined;

  constructor(private readonly deps: Deps) {
    this.#privateKey = createPrivateKey({
      key: Buffer.concat([PKCS8_PREFIX, KEY_SEED]),
      format: 'der',
      type: 'pkcs8',
    });
    const der = createPublicKey(this.#privateKey).export({ format: 'der', type: 'spki' });
    this.publicKey = der.subarray(-RAW_KEY_BYTES).toString('hex');
  }

  /** Undefined: interactions go over the gateway. */
  get address(): string | undefined {
    return this.#address;
  }

  use(address: string | undefined): void {
    this.#address = address;
    this.#deliveries = 0;
  }

  /** Does what Discord does when the URL is entered: a PING, and one with a wrong signature. */
  async verify(): Promise<boolean> {
    const answer = await this.post({ body: PING }, 'ping');
    const isPong = answer.kind === 'answered' && answer.status === 200 && typeIn(answer.body) === PONG_TYPE;
    return isPong && (await this.#refusesForgery());
  }

  async deliver(payload: unknown): Promise<UrlOutcome> {
    const isProbed = this.#deliveries % PROBE_EVERY === 0;
    this.#deliveries += 1;
    if (isProbed && !(await this.#refusesForgery())) {
      this.#address = undefined;
      return { kind: 'failed' };
    }

    this.#last = JSON.stringify(payload);
    const outcome = await this.post({ body: this.#last }, 'interaction');
    if (outcome.kind !== 'answered') return outcome;
    if (outcome.status === 202) return { kind: 'accepted' };
    return outcome.status === 200 ? { kind: 'answered', body: parseJson(outcome.body) } : { kind: 'failed' };
  }

  /** Posts the last interaction again, as an answer lost on the way would make it. */
  async repeatLast(): Promise<void> {
    if (this.#last !== undefined) await this.post({ body: this.#last }, 'interaction');
  }

  /** Never throws: what went wrong is the outcome. Follows no redirect. */
  async post(request: SignedPost, what: UrlDelivery['what'] = 'raw'): Promise<PostOutcome> {
    if (this.#address === undefined) throw new Error('the sandbox has no interactions endpoint URL');
    const timestamp = String(Math.floor(this.deps.clock.now() / 1_000) + (request.skewSeconds ?? 0));
    const signature =
      request.signature === undefined ? this.#sign(timestamp, request.body) : request.signature;
    const outcome = await postOnce(this.#address, request.body, this.deps.timeoutMs, {
      'content-type': 'application/json',
      'user-agent': 'Discord-Interactions/1.0 (+https://discord.com)',
      'x-signature-timestamp': timestamp,
      ...(signature === null ? {} : { 'x-signature-ed25519': signature }),
      ...request.headers,
    });
    this.deps.note({ what, outcome: outcome.kind === 'answered' ? outcome.status : outcome.kind });
    return outcome;
  }

  async #refusesForgery(): Promise<boolean> {
    const signature = this.#sign('0', 'something else');
    const outcome = await this.post({ body: PING, signature }, 'wrong signature');
    return outcome.kind === 'answered' && outcome.status === 401;
  }

  #sign(timestamp: string, body: string): string {
    return sign(null, Buffer.from(timestamp + body), this.#privateKey).toString('hex');
  }
}

const PONG_TYPE = 1;
const PING = JSON.stringify({ id: '1', application_id: '1', type: 1, token: 'ping', version: 1 });

async function postOnce(
  url: string,
  body: string,
  timeoutMs: number,
  headers: Readonly<Record<string, string>>,
): Promise<PostOutcome> {
  const timeout = timeLimit(timeoutMs);
  try {
    const response = await fetch(url, { method: 'POST', redirect: 'manual', signal: timeout, body, headers });
    return { kind: 'answered', status: response.status, body: await response.text() };
  } catch {
    return timeout.aborted ? { kind: 'timeout' } : { kind: 'failed' };
  }
}

function typeIn(body: string): unknown {
  const parsed = parseJson(body);
  return typeof parsed === 'object' && parsed !== null && 'type' in parsed ? parsed.type : undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
