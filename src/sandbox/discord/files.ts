/**
 * Files that came with messages, and the links they are read by.
 *
 * As with Discord, a link is signed, ends after a day, and a fresh one comes with every look at the message.
 */
import { createHmac } from 'node:crypto';
import type { Clock } from '../../domain/clock.ts';
import { readUrl } from '../../domain/url.ts';
import { FILE_LINK_LIFETIME_MS } from './limits.ts';
import type { Attachment, World } from './world.ts';

export const FILES_PATH = '/discord/attachments';

/** Signs links to files; worth nothing outside the sandbox. */
const LINK_KEY = 'sandbox-attachments';

/** A file on its way in. */
export interface Upload {
  readonly filename: string;
  readonly contentType: string;
  readonly bytes: Uint8Array;
  readonly description?: string | undefined;
}

export class Files {
  constructor(
    private readonly world: World,
    private readonly clock: Clock,
    private readonly origin: () => string,
  ) {}

  keep({ filename, contentType, bytes, description }: Upload): Attachment {
    const id = this.world.nextId();
    const base64 = Buffer.from(bytes).toString('base64');
    this.world.record({ kind: 'file-put', file: { id, contentType, base64 } });
    return {
      id,
      filename: filename.replace(/[^\w.-]/g, '_'),
      contentType,
      size: bytes.length,
      ...(description === undefined ? {} : { description }),
    };
  }

  linkOf(channel: string, { id, filename }: Pick<Attachment, 'id' | 'filename'>): string {
    const ends = Math.floor((this.clock.now() + FILE_LINK_LIFETIME_MS) / 1_000).toString(16);
    return `${this.origin()}${FILES_PATH}/${channel}/${id}/${filename}?ex=${ends}&hm=${signatureOf(id, ends)}`;
  }

  /** The same file under a link that is good for another day; undefined when the link never was one of a file here. */
  refresh(link: string): string | undefined {
    const parsed = parseLink(link);
    return parsed && this.world.file(parsed.id) && this.linkOf(parsed.channel, parsed);
  }

  /** Undefined for a link that is wrong, too old, or leads nowhere. */
  read(id: string, ends: string, signature: string): { contentType: string; bytes: Buffer } | undefined {
    if (signature !== signatureOf(id, ends)) return undefined;
    if (Number.parseInt(ends, 16) * 1_000 < this.clock.now()) return undefined;
    return this.world.file(id);
  }
}

/** Channel, id and name of the file that an address is of, however old it is. */
function parseLink(link: string): { channel: string; id: string; filename: string } | undefined {
  const { pathname } = readUrl(link) ?? { pathname: '' };
  const [, channel, id, filename] = LINK_PATH.exec(pathname) ?? [];
  return channel && id && filename ? { channel, id, filename } : undefined;
}

const LINK_PATH = new RegExp(`^${FILES_PATH}/(\\d+)/(\\d+)/([^/]+)$`);

function signatureOf(id: string, ends: string): string {
  return createHmac('sha256', LINK_KEY).update(`${id} ${ends}`).digest('hex');
}
