/**
 * Gets the files that came with a message: those that travelled inside it, and those that wait on their platform.
 *
 * Invariant: no file makes the message fail. One that cannot be had is a remark; only the signal ends it all.
 */
import type { ReadFile } from '../agent/enclosures.ts';
import { UndeliverableError } from '../domain/errors.ts';
import type { Gateway } from '../domain/gateway.ts';
import { type Attachment, type InboundMessage, MAX_INLINE_BYTES } from '../domain/message.ts';
import { timeLimit } from '../domain/time-limit.ts';
import type { Logger } from '../observability/logger.ts';

/** Files of one message that are read; more are only named. */
const MOST_READ = 10;

/** For all files of a message together: somebody waits for an answer. */
const READ_WITHIN_MS = 30_000;

/** In the order they came, all at the same time. */
export async function readFiles(
  { attachments = [] }: Pick<InboundMessage, 'attachments'>,
  gateway: Gateway | undefined,
  log: Logger,
  signal: AbortSignal,
): Promise<readonly ReadFile[]> {
  if (attachments.length === 0) return [];
  const bounded = AbortSignal.any([signal, timeLimit(READ_WITHIN_MS)]);
  const files = await Promise.all(
    attachments.map((attachment, index) =>
      index < MOST_READ
        ? readFile(attachment, gateway, log, bounded)
        : unread(attachment, `came after the first ${MOST_READ}`),
    ),
  );
  signal.throwIfAborted();
  return files;
}

async function readFile(
  attachment: Attachment,
  gateway: Gateway | undefined,
  log: Logger,
  signal: AbortSignal,
): Promise<ReadFile> {
  const { base64, ref, bytes } = attachment;
  if (base64 !== undefined) return { kind: 'read', attachment, bytes: Buffer.from(base64, 'base64') };
  if (bytes > MAX_INLINE_BYTES) return unread(attachment, `is larger than ${MAX_INLINE_BYTES} bytes`);
  if (ref === undefined || !gateway?.download) return unread(attachment, 'could not be taken along');
  try {
    return { kind: 'read', attachment, bytes: await gateway.download(ref, signal) };
  } catch (error) {
    log.warn({ err: error, bytes }, 'a file that came with a message could not be read');
    return unread(
      attachment,
      error instanceof UndeliverableError ? `could not be had (${error.reason})` : 'could not be had',
    );
  }
}

function unread(attachment: Attachment, why: string): ReadFile {
  return { kind: 'unread', attachment, why };
}
