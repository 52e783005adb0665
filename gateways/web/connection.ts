/**
 * One socket of a client: its frames in, replies and events out.
 *
 *   unknown ──hello──▶ known ──subscribe──▶ subscribed
 *      └──wrong token, or too late──▶ closed
 *
 * Invariants
 *   1. Frames are taken one after the other, in the order they came, and each is answered once, under its own id.
 *   2. Events go out in order, a batch at a time, the next when the client has taken the last: a slow client costs
 *      one batch of memory, not a backlog.
 *   3. A client that sends faster than it is answered is no longer read from.
 *   4. Whatever arrives, the connection's owner hears of it in a reply, and the process goes on.
 */
import type { RawData, WebSocket } from 'ws';
import { z } from 'zod';
import type { Logger } from '../../src/observability/logger.ts';
import type { ClientDesk } from './desk.ts';
import { Frame } from './schema.ts';
import type { SocketTiming } from './socket-door.ts';

/** Frames of one connection that wait to be handled; beyond it, nothing is read. */
const MAX_WAITING_FRAMES = 8;
/** One look at the log of events lasts this long at most; then the next one begins. */
const WATCH_MS = 60_000;
/** Pause after the log of events could not be read. */
const WATCH_AGAIN_MS = 1_000;
/** How long a client may take to say goodbye. */
const GOODBYE_MS = 1_000;

/** Codes 4000 to 4999 are ours to give (RFC 6455, 7.4.2); these echo those of HTTP. */
const CLOSED = {
  stopping: 1001, // "going away"
  unauthorized: 4401,
  late: 4408,
  tooMany: 4429,
} as const;

export interface ConnectionDeps {
  readonly desk: ClientDesk;
  readonly log: Logger;
  readonly timing: SocketTiming;
  /** The client a token belongs to. */
  readonly identify: (token: string) => string | undefined;
  readonly hasRoom: (client: string) => boolean;
}

type Reply = { readonly type: 'ok' | 'error' } & Record<string, unknown>;

export class Connection {
  readonly #gone = new AbortController();
  readonly #timers: NodeJS.Timeout[] = [];
  #client: string | undefined;
  #handling: Promise<void> = Promise.resolve();
  #waitingFrames = 0;
  #watching: AbortController | undefined;
  #isAlive = true;
  #stopping = false;

  constructor(
    private readonly socket: WebSocket,
    client: string | undefined,
    private readonly deps: ConnectionDeps,
  ) {
    this.#client = client;
  }

  /** Undefined until it has said who it is. */
  get client(): string | undefined {
    return this.#client;
  }

  open(): void {
    const { socket } = this;
    const { helloWithinMs, pingEveryMs } = this.deps.timing;
    socket.on('message', (data, isBinary) => this.#take(data, isBinary));
    socket.on('pong', () => {
      this.#isAlive = true;
    });
    // A frame that is too large or no frame at all; the socket closes itself, with the code that says so.
    socket.on('error', (error) =>
      this.deps.log.warn({ err: error, client: this.#client }, 'a connection broke the protocol'),
    );
    socket.once('close', () => this.#end());
    this.#timers.push(setInterval(() => this.#ping(), pingEveryMs));
    if (this.#client === undefined) this.#timers.push(setTimeout(() => this.#expectHello(), helloWithinMs));
  }

  /** Takes no more frames, answers those it took, says goodbye. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#watching?.abort();
    await this.#handling;
    if (this.#gone.signal.aborted) return;
    const closed = new Promise<void>((resolve) => this.socket.once('close', () => resolve()));
    this.socket.close(CLOSED.stopping, 'the gateway stops');
    this.#timers.push(setTimeout(() => this.socket.terminate(), GOODBYE_MS));
    await closed;
  }

  // ── Frames ─────────────────────────────────────────────────────────────────────────────────────────────────

  #take(data: RawData, isBinary: boolean): void {
    if (this.#stopping) return;
    if (++this.#waitingFrames >= MAX_WAITING_FRAMES) this.socket.pause();
    this.#handling = this.#handling
      .then(async () => {
        if (!this.#gone.signal.aborted) await this.#handle(data, isBinary);
      })
      .finally(() => {
        if (--this.#waitingFrames < MAX_WAITING_FRAMES) this.socket.resume();
      });
  }

  async #handle(data: RawData, isBinary: boolean): Promise<void> {
    const value = isBinary ? undefined : parseJson(String(data));
    const id = idIn(value);
    const parsed = Frame.safeParse(value);
    if (!parsed.success) {
      const message = value === undefined ? 'a frame is JSON, as text' : z.prettifyError(parsed.error);
      this.deps.log.warn({ client: this.#client, problem: message }, 'a frame could not be read');
      return this.#send(toError(id, 'malformed', message));
    }
    try {
      await this.#answer(parsed.data);
    } catch (error) {
      this.deps.log.error(
        { err: error, client: this.#client },
        'a frame was not taken; the client is asked to send it again',
      );
      await this.#send(
        toError(
          id,
          'try-again',
          'nobody can tell whether this was stored; send the same again, with the same id',
        ),
      );
    }
  }

  async #answer(frame: Frame): Promise<void> {
    const client = this.#client;
    if (frame.type === 'hello') return this.#identify(frame.token, frame.id);
    if (client === undefined) return this.#turnAway(frame.id, 'the first frame is a hello with a token');
    const { desk } = this.deps;
    const ok = (reply: object) => this.#send({ type: 'ok', id: frame.id, ...reply });
    switch (frame.type) {
      case 'message': {
        const { type: _, ...request } = frame;
        return ok(await desk.message(client, request));
      }
      case 'answer': {
        const { type: _, ...request } = frame;
        return ok(await desk.answer(client, request));
      }
      case 'form': {
        const { type: _, id: __, ...request } = frame;
        return ok(await desk.form(client, request));
      }
      case 'approvals':
        return ok(await desk.approvals(client));
      case 'subscribe':
        this.#watching?.abort();
        await ok({ after: frame.after });
        return this.#watch(client, frame.after);
      default:
        return frame satisfies never;
    }
  }

  async #identify(token: string, id: string): Promise<void> {
    const client = this.deps.identify(token);
    const isAnother = this.#client !== undefined && this.#client !== client;
    if (client === undefined || isAnother) return this.#turnAway(id, 'the token belongs to no client');
    if (this.#client === undefined && !this.deps.hasRoom(client)) {
      this.socket.close(CLOSED.tooMany, 'too many connections');
      return;
    }
    this.#client = client;
    await this.#send({ type: 'ok', id, client });
  }

  async #turnAway(id: string, message: string): Promise<void> {
    this.deps.log.warn({}, 'a connection without a valid token was refused');
    await this.#send(toError(id, 'unauthorized', message));
    this.socket.close(CLOSED.unauthorized, 'unauthorized');
  }

  // ── Events ─────────────────────────────────────────────────────────────────────────────────────────────────

  #watch(client: string, after: number): void {
    const enough = new AbortController();
    this.#watching = enough;
    const signal = AbortSignal.any([enough.signal, this.#gone.signal]);
    void this.#push(client, after, signal);
  }

  /** Sends on what comes, until the signal aborts. */
  async #push(client: string, after: number, signal: AbortSignal): Promise<void> {
    let position = after;
    while (!signal.aborted) {
      try {
        const { events, next, missed } = await this.deps.desk.events(client, position, WATCH_MS, signal);
        if (signal.aborted) return;
        if (missed) await this.#send({ type: 'missed', after: position });
        for (const event of events) {
          if (signal.aborted) return;
          await this.#send({ type: 'event', ...event });
        }
        position = next;
      } catch (error) {
        this.deps.log.warn({ err: error, client }, 'events could not be read; trying again');
        await pause(WATCH_AGAIN_MS, signal);
      }
    }
  }

  // ── The socket ─────────────────────────────────────────────────────────────────────────────────────────────

  /** Resolves when it is on its way, or when there is nobody left to read it. */
  async #send(
    frame: Reply | ({ readonly type: 'event' | 'missed' } & Record<string, unknown>),
  ): Promise<void> {
    if (this.socket.readyState !== this.socket.OPEN) return;
    await new Promise<void>((resolve) => this.socket.send(JSON.stringify(frame), () => resolve()));
  }

  #ping(): void {
    if (!this.#isAlive) {
      this.deps.log.info({ client: this.#client }, 'a connection no longer answers; it is ended');
      this.socket.terminate();
      return;
    }
    this.#isAlive = false;
    if (this.socket.readyState === this.socket.OPEN) this.socket.ping();
  }

  #expectHello(): void {
    if (this.#client === undefined) this.socket.close(CLOSED.late, 'no hello came in time');
  }

  #end(): void {
    this.#gone.abort();
    for (const timer of this.#timers) clearTimeout(timer);
  }
}

function toError(id: string | undefined, code: string, message: string): Reply {
  return { type: 'error', ...(id === undefined ? {} : { id }), code, message };
}

/** Undefined when it is none. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** What a reply is named by, even if the rest of the frame cannot be read. */
function idIn(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || !('id' in value)) return undefined;
  return typeof value.id === 'string' ? value.id.slice(0, 100) : undefined;
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
