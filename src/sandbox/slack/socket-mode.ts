/**
 * The Socket Mode side: WebSocket connections that apps open, and envelopes sent over them.
 *
 * Invariants
 *   1. A ticket from apps.connections.open opens one connection, once.
 *   2. An envelope goes to one connection; it is settled by an acknowledgement, by the time limit, or by the loss
 *      of that connection, whichever comes first.
 */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { type RawData, type WebSocket, WebSocketServer } from 'ws';
import { z } from 'zod';
import { BOT } from '../people.ts';
import type { Payload } from './events.ts';
import { MAX_SOCKETS } from './limits.ts';

export const SOCKET_PATH = '/slack/socket';

/** Slack's side pings; the client gives a connection up that has been silent for 30 s. */
const PING_EVERY_MS = 5_000;

/** Close code of a server that is going down (RFC 6455, 7.4.1), and how long a client has to agree. */
const GOING_AWAY = 1001;
const FAREWELL_MS = 250;

export interface Envelope {
  readonly type: 'events_api' | 'interactive' | 'slash_commands';
  readonly payload: Payload;
  readonly retryAttempt: number;
  readonly retryReason: string;
}

export type EnvelopeOutcome =
  | { readonly kind: 'acknowledged'; readonly payload: unknown }
  | { readonly kind: 'timeout' }
  /** The connection went away first. */
  | { readonly kind: 'lost' };

const Acknowledgement = z.object({ envelope_id: z.string(), payload: z.unknown().optional() });

/**
 * How far a new connection gets before Slack says nothing more: not even the upgrade is answered, no hello follows, or
 * it says hello and hears nothing afterwards, not even a goodbye.
 */
export type SilentFrom = 'upgrade' | 'hello' | 'farewell';

interface Waiting {
  readonly socket: WebSocket;
  settle(outcome: EnvelopeOutcome): void;
}

export class SocketMode {
  readonly #server = new WebSocketServer({ noServer: true });
  readonly #tickets = new Set<string>();
  readonly #waiting = new Map<string, Waiting>();
  /** Ready connections; the one used last is at the end. */
  #sockets: WebSocket[] = [];
  readonly #arrivals = new Set<() => void>();
  /** Asked for a connection and got no answer. */
  readonly #ignored = new Set<Duplex>();
  #silentFrom: SilentFrom | undefined;
  #pinging: NodeJS.Timeout | undefined;

  constructor(private readonly onChange: () => void) {}

  get connections(): number {
    return this.#sockets.length;
  }

  /** Takes over the upgrade requests of this HTTP server that are for us. */
  attach(server: Server): void {
    server.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head));
    this.#pinging = setInterval(() => {
      for (const socket of this.#sockets) socket.ping();
    }, PING_EVERY_MS);
    this.#pinging.unref();
  }

  /** Says goodbye to every client, and cuts those that do not answer. */
  async stop(): Promise<void> {
    clearInterval(this.#pinging);
    for (const socket of this.#ignored) socket.destroy();
    await Promise.all([...this.#server.clients].map(farewell));
    this.#server.close();
  }

  /** The path with a fresh ticket that opens one connection. */
  issuePath(): string {
    const ticket = randomUUID();
    this.#tickets.add(ticket);
    return `${SOCKET_PATH}?ticket=${ticket}&app_id=${BOT.app}`;
  }

  /** Asks every client to come back on a new connection, as Slack does every few hours. */
  refresh(reason: 'refresh_requested' | 'warning' = 'refresh_requested'): void {
    for (const socket of this.#sockets)
      socket.send(JSON.stringify({ type: 'disconnect', reason, debug_info: { host: 'sandbox' } }));
  }

  /** Cuts every connection without a word. */
  drop(): void {
    for (const socket of this.#sockets) socket.terminate();
  }

  /** From now on says nothing to connections, new ones and those there are; undefined ends that. */
  silence(from: SilentFrom | undefined): void {
    this.#silentFrom = from;
    for (const socket of this.#server.clients) {
      if (from === undefined) socket.resume();
      else socket.pause();
    }
  }

  /** Connections that wait for an answer, or for a hello. */
  get stalled(): number {
    return this.#ignored.size + this.#server.clients.size - this.#sockets.length;
  }

  /** Sends a frame as it is, to one connection. */
  sendRaw(frame: string | Buffer): void {
    this.#next()?.send(frame);
  }

  /** Resolves once there is a connection; rejects when aborted. */
  async connected(signal: AbortSignal): Promise<void> {
    if (this.#open() !== undefined) return;
    await new Promise<void>((resolve, reject) => {
      const arrived = () => {
        signal.removeEventListener('abort', aborted);
        this.#arrivals.delete(arrived);
        resolve();
      };
      const aborted = () => {
        this.#arrivals.delete(arrived);
        reject(signal.reason);
      };
      this.#arrivals.add(arrived);
      signal.addEventListener('abort', aborted, { once: true });
    });
  }

  /** Sends to the next connection in turn; `lost` when there is none. */
  async send(envelope: Envelope, timeoutMs: number): Promise<EnvelopeOutcome> {
    const socket = this.#next();
    if (socket === undefined) return { kind: 'lost' };

    const envelopeId = randomUUID();
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#settle(envelopeId, { kind: 'timeout' }), timeoutMs);
      this.#waiting.set(envelopeId, {
        socket,
        settle: (outcome) => {
          clearTimeout(timer);
          resolve(outcome);
        },
      });
      socket.send(toFrame(envelopeId, envelope));
    });
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const url = new URL(request.url ?? '/', 'http://sandbox');
    if (url.pathname !== SOCKET_PATH) return;
    if (!this.#tickets.delete(url.searchParams.get('ticket') ?? '')) {
      socket.end('HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n');
      return;
    }
    if (this.#silentFrom === 'upgrade') {
      this.#ignore(socket);
      return;
    }
    this.#server.handleUpgrade(request, socket, head, (client) => this.#welcome(client));
  }

  #ignore(socket: Duplex): void {
    this.#ignored.add(socket);
    socket.resume();
    socket.on('end', () => socket.destroy());
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      this.#ignored.delete(socket);
      this.onChange();
    });
    this.onChange();
  }

  #welcome(socket: WebSocket): void {
    if (this.#silentFrom === 'hello') {
      socket.on('error', () => socket.terminate());
      socket.on('close', () => setImmediate(this.onChange)); // the server forgets it after us
      socket.pause();
      this.onChange();
      return;
    }
    if (this.#sockets.length >= MAX_SOCKETS) {
      socket.send(JSON.stringify({ type: 'disconnect', reason: 'too_many_websockets' }));
      socket.close();
      return;
    }

    this.#sockets.push(socket);
    socket.on('message', (data) => this.#acknowledge(data));
    socket.on('error', () => socket.terminate());
    socket.on('close', () => this.#forget(socket));
    socket.send(
      JSON.stringify({
        type: 'hello',
        num_connections: this.#sockets.length,
        connection_info: { app_id: BOT.app },
        debug_info: { host: 'sandbox', approximate_connection_time: 18_060 },
      }),
    );
    if (this.#silentFrom === 'farewell') socket.pause();
    for (const arrived of [...this.#arrivals]) arrived();
    this.onChange();
  }

  #forget(socket: WebSocket): void {
    this.#sockets = this.#sockets.filter((other) => other !== socket);
    for (const [id, waiting] of this.#waiting) {
      if (waiting.socket === socket) this.#settle(id, { kind: 'lost' });
    }
    this.onChange();
  }

  #acknowledge(data: RawData): void {
    const ack = parseAcknowledgement(String(data));
    if (ack !== undefined) this.#settle(ack.envelope_id, { kind: 'acknowledged', payload: ack.payload });
  }

  #settle(envelopeId: string, outcome: EnvelopeOutcome): void {
    const waiting = this.#waiting.get(envelopeId);
    this.#waiting.delete(envelopeId);
    waiting?.settle(outcome);
  }

  #next(): WebSocket | undefined {
    const open = this.#open();
    if (open !== undefined) this.#sockets = [...this.#sockets.filter((socket) => socket !== open), open];
    return open;
  }

  #open(): WebSocket | undefined {
    return this.#sockets.find((socket) => socket.readyState === socket.OPEN);
  }
}

async function farewell(socket: WebSocket): Promise<void> {
  const timer = setTimeout(() => socket.terminate(), FAREWELL_MS);
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.close(GOING_AWAY);
  await closed;
  clearTimeout(timer);
}

function toFrame(envelopeId: string, { type, payload, retryAttempt, retryReason }: Envelope): string {
  return JSON.stringify({
    envelope_id: envelopeId,
    type,
    accepts_response_payload: type !== 'events_api',
    payload,
    ...(type === 'events_api' ? { retry_attempt: retryAttempt, retry_reason: retryReason } : {}),
  });
}

function parseAcknowledgement(text: string): z.infer<typeof Acknowledgement> | undefined {
  try {
    return Acknowledgement.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined; // Slack ignores frames it cannot read.
  }
}
