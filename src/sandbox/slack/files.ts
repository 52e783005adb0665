/**
 * Files of the workspace: what people and the app uploaded, and who may have the bytes.
 *
 *   getUploadURLExternal ─▶ awaiting ─▶ bytes arrive ─▶ uploaded ─▶ completeUploadExternal ─▶ shared
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Clock } from '../../domain/clock.ts';
import { TEAM } from '../people.ts';
import { MAX_UPLOAD_BYTES } from './limits.ts';
import type { SharedFile, StoredFile, Workspace } from './workspace.ts';

/** A file somebody sends along. */
export interface SentFile {
  readonly name: string;
  readonly mediaType: string;
  readonly bytes: Uint8Array;
  /** It lies somewhere else, as a document of another service does; Slack only links to it. */
  readonly externalUrl?: string;
}

interface Deps {
  readonly workspace: Workspace;
  readonly clock: Clock;
  readonly origin: () => string;
  readonly botToken: string;
}

export class Files {
  #count = 0;

  constructor(private readonly deps: Deps) {}

  /** A person uploads a file; it is theirs until a message shows it. */
  upload(user: string, { name, mediaType, bytes, externalUrl }: SentFile): SharedFile {
    const file = this.#put({
      ...this.#fresh(user, name),
      mimetype: mediaType,
      size: bytes.length,
      base64: Buffer.from(bytes).toString('base64'),
      state: 'shared',
      ...(externalUrl === undefined ? {} : { externalUrl }),
    });
    return this.toShared(file);
  }

  /** The app announces a file; resolves to where its bytes go. */
  announce(user: string, name: string, size: number): { id: string; url: string } {
    const { id } = this.#put({
      ...this.#fresh(user, name),
      mimetype: 'application/octet-stream',
      size,
      state: 'awaiting',
    });
    return { id, url: `${this.deps.origin()}/slack/upload/${id}` };
  }

  /** The app shows a file whose bytes are here; undefined when there is none. */
  share(id: string, title: string | undefined): SharedFile | undefined {
    const file = this.deps.workspace.file(id);
    if (file?.state !== 'uploaded') return undefined;
    return this.toShared(this.#put({ ...file, title: title ?? file.name, state: 'shared' }));
  }

  /** As events, history and files.info show it. */
  toShared(file: StoredFile): SharedFile {
    const address = `${this.deps.origin()}/slack/files/${TEAM.id}-${file.id}`;
    const name = encodeURIComponent(file.name);
    return {
      id: file.id,
      created: file.created,
      timestamp: file.created,
      name: file.name,
      title: file.title,
      mimetype: file.mimetype,
      user: file.user,
      size: file.size,
      mode: file.externalUrl === undefined ? 'hosted' : 'external',
      is_external: file.externalUrl !== undefined,
      url_private: file.externalUrl ?? `${address}/${name}`,
      ...(file.externalUrl === undefined ? { url_private_download: `${address}/download/${name}` } : {}),
    };
  }

  register(app: FastifyInstance): void {
    app.register(async (scope) => {
      scope.removeAllContentTypeParsers();
      const options = { parseAs: 'buffer' as const, bodyLimit: MAX_UPLOAD_BYTES };
      scope.addContentTypeParser('*', options, (_request, body, done) => done(null, body));
      scope.post('/slack/upload/:id', (request, reply) => this.#take(request, reply));
      scope.get('/slack/files/:address/*', (request, reply) => this.#hand(request, reply));
    });
  }

  async #take(request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
    const file = this.deps.workspace.file(ById.parse(request.params).id);
    const bytes = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
    if (file?.state !== 'awaiting') return reply.code(404).send('no such upload');
    if (bytes.length !== file.size) return reply.code(400).send('not the length that was announced');
    const mimetype = request.headers['content-type'] ?? file.mimetype;
    this.#put({ ...file, mimetype, base64: bytes.toString('base64'), state: 'uploaded' });
    return reply.send(`OK - ${bytes.length}`);
  }

  /** Whoever does not show the token is led to the page to sign in, as a browser would be. */
  async #hand(request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
    if (request.headers.authorization !== `Bearer ${this.deps.botToken}`) {
      return reply.redirect(`${this.deps.origin()}/slack/signin`, 302);
    }
    const { address } = ByAddress.parse(request.params);
    const file = this.deps.workspace.file(address.slice(address.indexOf('-') + 1));
    if (file?.base64 === undefined) return reply.code(404).send('');
    return reply.type(file.mimetype).send(Buffer.from(file.base64, 'base64'));
  }

  #fresh(user: string, name: string): Pick<StoredFile, 'id' | 'name' | 'title' | 'user' | 'created'> {
    const nowMs = this.deps.clock.now();
    this.#count += 1;
    const id = `F${nowMs.toString(36).toUpperCase()}${this.#count.toString(36).toUpperCase()}`;
    return { id, name, title: name, user, created: Math.floor(nowMs / 1_000) };
  }

  #put(file: StoredFile): StoredFile {
    this.deps.workspace.record({ kind: 'file-put', file });
    return file;
  }
}

const ById = z.object({ id: z.string() });
const ByAddress = z.object({ address: z.string() });

/** The files of a message on their way into it. */
export function withFiles(files: readonly SharedFile[]): { subtype?: 'file_share'; files?: SharedFile[] } {
  return files.length === 0 ? {} : { subtype: 'file_share', files: [...files] };
}
