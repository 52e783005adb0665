/**
 * The bytes of files, to and from Slack.
 *
 * Invariants
 *   1. Our token goes to Slack's own hosts only, whatever address a file claims to have; a redirect is not followed.
 *   2. No more is read than a message may carry, whatever size was announced.
 *   3. A file that was uploaded and not shared is nobody's: uploading again is harmless, sharing again is not.
 */
import { Agent, request } from 'undici';
import { UndeliverableError } from '../../src/domain/errors.ts';
import { MAX_INLINE_BYTES, type OutFile } from '../../src/domain/message.ts';
import { readUrl } from '../../src/domain/url.ts';
import type { SlackClient } from './client.ts';
import { SLACK } from './inbound.ts';
import type { SlackFile } from './schema.ts';

/** For each of: reaching Slack, waiting for its answer, and each pause within it. */
const TRANSFER_TIMEOUT_MS = 10_000;

/** A channel, and the thread of it. */
interface Spot {
  readonly channel: string;
  readonly thread: string | undefined;
}

export class SlackFiles {
  readonly #dispatcher = new Agent({
    connect: { timeout: TRANSFER_TIMEOUT_MS },
    headersTimeout: TRANSFER_TIMEOUT_MS,
    bodyTimeout: TRANSFER_TIMEOUT_MS,
  });

  constructor(
    private readonly client: SlackClient,
    private readonly token: string,
    private readonly apiUrl: string,
  ) {}

  /** @throws {UndeliverableError} when it is gone, kept elsewhere, not ours to read, or too large */
  async download(id: string, signal: AbortSignal): Promise<Uint8Array> {
    signal.throwIfAborted();
    const file = await this.client.fileInfo(id);
    const url = addressOf(file);
    if (!isSlacksHost(url, this.apiUrl)) throw unreadable('it is kept outside Slack');
    if ((file.size ?? 0) > MAX_INLINE_BYTES) throw tooLarge();

    const { statusCode, headers, body } = await request(url, {
      dispatcher: this.#dispatcher,
      headers: { authorization: `Bearer ${this.token}` },
      signal,
    });
    if (statusCode !== 200 || isSignIn(headers['content-type'], file)) {
      await body.dump();
      if (statusCode >= 500 || statusCode === 429)
        throw new Error(`Slack answered ${statusCode} to a download`);
      throw unreadable('Slack does not hand it out; the app may lack files:read');
    }
    return readAtMost(body, MAX_INLINE_BYTES);
  }

  /** Uploads the files and shows them in one message. */
  async share(files: readonly OutFile[], { channel, thread }: Spot, signal: AbortSignal): Promise<void> {
    const ids: string[] = [];
    for (const file of files) ids.push(await this.#upload(file, signal));
    signal.throwIfAborted();
    await this.client.finishUpload(
      files.map(({ name }, index) => ({ id: ids[index] ?? '', title: name })),
      channel,
      thread,
    );
  }

  async #upload({ name, mediaType, base64 }: OutFile, signal: AbortSignal): Promise<string> {
    signal.throwIfAborted();
    const bytes = Buffer.from(base64, 'base64');
    const { id, url } = await this.client.startUpload(name, bytes.length);
    if (!isSlacksHost(url, this.apiUrl)) throw new Error('Slack named an address outside Slack to upload to');
    const { statusCode, body } = await request(url, {
      dispatcher: this.#dispatcher,
      method: 'POST',
      headers: { 'content-type': mediaType },
      body: bytes,
      signal,
    });
    await body.dump();
    if (statusCode !== 200) throw new Error(`Slack answered ${statusCode} to an upload`);
    return id;
  }
}

function addressOf(file: SlackFile): string {
  if (file.mode === 'tombstone' || file.mode === 'hidden_by_limit') throw unreadable('it was deleted');
  const url = file.url_private_download ?? file.url_private;
  if (url === undefined) throw unreadable('Slack names no address for it');
  return url;
}

/** The host of the API, or the one that holds its files: files.slack.com of slack.com. */
export function isSlacksHost(url: string, apiUrl: string): boolean {
  const read = readUrl(url);
  if (!read) return false;
  const { protocol, host, username, password } = read;
  const api = new URL(apiUrl);
  if (protocol !== api.protocol || username !== '' || password !== '') return false;
  return host === api.host || host === `files.${api.host}`;
}

/** To whom it does not know Slack shows the page to sign in, and says that all is well. */
function isSignIn(contentType: string | string[] | undefined, { mimetype = '' }: SlackFile): boolean {
  return String(contentType).startsWith('text/html') && !mimetype.startsWith('text/');
}

async function readAtMost(body: AsyncIterable<Buffer>, mostBytes: number): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > mostBytes) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function tooLarge(): UndeliverableError {
  return unreadable(`it is larger than ${MAX_INLINE_BYTES} bytes`);
}

function unreadable(reason: string): UndeliverableError {
  return new UndeliverableError(SLACK, reason);
}
