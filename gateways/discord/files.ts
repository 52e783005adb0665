/**
 * The bytes of files people sent.
 *
 *   address ──still good──▶ read it ──404──┐
 *      └────────ended──────────────────────┴──▶ ask Discord for a fresh one ──▶ read that
 *
 * Invariants
 *   1. Nothing is fetched from anywhere but where Discord keeps files, whatever address we are given, be it Discord
 *      that gives it; a redirect is not followed.
 *   2. No more is read than a message may carry, whatever size was announced.
 *   3. An address ends about a day after it was given out. The file does not: who approves tomorrow still gets it.
 */
import type { Clock } from '../../src/domain/clock.ts';
import { UndeliverableError } from '../../src/domain/errors.ts';
import { MAX_INLINE_BYTES } from '../../src/domain/message.ts';
import { timeLimit } from '../../src/domain/time-limit.ts';
import { readUrl } from '../../src/domain/url.ts';
import type { DiscordClient } from './client.ts';
import { DISCORD } from './inbound.ts';

/** Longer than Discord takes on a bad day. */
const TRANSFER_TIMEOUT_MS = 10_000;

/** Where Discord keeps files (docs.discord.com, CDN Endpoints). */
const FILE_HOSTS: readonly string[] = ['cdn.discordapp.com', 'media.discordapp.net'];

/** An address that ends within this time may end on the way, and clocks differ. */
const ENDS_SOON_MS = 60_000;

export class DiscordFiles {
  constructor(
    private readonly client: Pick<DiscordClient, 'refreshAddress'>,
    private readonly apiUrl: string,
    private readonly clock: Clock,
  ) {}

  /** @throws {UndeliverableError} when it is gone, larger than we take, or not a file of Discord's */
  async download(address: string, signal: AbortSignal): Promise<Uint8Array> {
    this.#refuseForeign(address);
    const endsAt = endOf(address);
    const hasEnded = endsAt !== undefined && endsAt < this.clock.now() + ENDS_SOON_MS;
    const answer = hasEnded ? undefined : await this.#fetch(address, signal);
    return readAtMost(MAX_INLINE_BYTES, answer ?? (await this.#fetchFresh(address, signal)));
  }

  async #fetchFresh(address: string, signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
    signal.throwIfAborted();
    const fresh = await this.client.refreshAddress(address);
    if (fresh === undefined) throw gone();
    this.#refuseForeign(fresh);
    const body = await this.#fetch(fresh, signal);
    if (!body) throw gone();
    return body;
  }

  /** Undefined when there is nothing at this address any more. */
  async #fetch(address: string, signal: AbortSignal): Promise<ReadableStream<Uint8Array> | undefined> {
    const { ok, status, body } = await fetch(address, {
      redirect: 'error',
      signal: AbortSignal.any([signal, timeLimit(TRANSFER_TIMEOUT_MS)]),
    });
    if (ok && body !== null) return body;
    await body?.cancel();
    if (status === 404) return undefined;
    if (status >= 500 || status === 429) throw new Error(`Discord answered ${status} for a file`);
    throw new UndeliverableError(DISCORD, `the file is not handed out (${status})`);
  }

  /** Discord's own hosts, or wherever the configured API is, if that is this machine. */
  #refuseForeign(address: string): void {
    const api = new URL(this.apiUrl);
    const { protocol, host } = readUrl(address) ?? { protocol: '', host: '' };
    const isDiscords = protocol === 'https:' && FILE_HOSTS.includes(host);
    const isOfApi = api.protocol === 'http:' && protocol === api.protocol && host === api.host;
    if (!isDiscords && !isOfApi) throw new UndeliverableError(DISCORD, 'the address is not one of its files');
  }
}

/** When an address ends, in ms: it says so itself, in hexadecimal seconds. Undefined when it does not. */
function endOf(address: string): number | undefined {
  const seconds = Number.parseInt(new URL(address).searchParams.get('ex') ?? '', 16);
  return Number.isNaN(seconds) ? undefined : seconds * 1_000;
}

function gone(): UndeliverableError {
  return new UndeliverableError(DISCORD, 'the file is gone');
}

async function readAtMost(most: number, body: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.byteLength;
    // Leaving the loop cancels the rest.
    if (size > most) throw new UndeliverableError(DISCORD, `the file is larger than ${most} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
