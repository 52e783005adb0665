/**
 * The web gateway over WebSockets: who is let in, and how many.
 *
 * A program sends its token in a header. A browser can set none, so it offers the token as a subprotocol, or says it
 * in its first frame.
 *
 * Invariants
 *   1. An origin that is not allowed, or a wrong token, is refused before there is a socket.
 *   2. Whoever has not said who they are hears nothing but that, and not for long.
 *   3. A connection that does not answer pings is ended, so that what is never read does not pile up.
 */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Logger } from '../../src/observability/logger.ts';
import { refuseUpgrade, type WebhookListener } from '../webhook-listener.ts';
import { clientOf, isAllowedOrigin, PROTOCOL, tokenIn } from './access.ts';
import type { WebSettings } from './config.ts';
import { Connection } from './connection.ts';
import type { ClientDesk } from './desk.ts';
import { MAX_REQUEST_BYTES } from './http-door.ts';

/** Connections of one client, and of those who have not said who they are. */
const MAX_CONNECTIONS = 32;

export interface SocketTiming {
  /** For the first frame of a connection that brought no token. */
  readonly helloWithinMs: number;
  readonly pingEveryMs: number;
}

export interface SocketDoorDeps {
  readonly settings: WebSettings;
  readonly listener: WebhookListener;
  readonly desk: ClientDesk;
  readonly log: Logger;
  readonly timing: SocketTiming;
}

type Entry =
  | { readonly kind: 'refused'; readonly status: string }
  /** Without a client: it has still to say who it is. */
  | { readonly kind: 'let-in'; readonly client: string | undefined };

export class SocketDoor {
  readonly #server = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_REQUEST_BYTES,
    perMessageDeflate: false, // a small frame must not unfold into a large one
    handleProtocols: (offered) => (offered.has(PROTOCOL) ? PROTOCOL : false),
  });
  readonly #connections = new Set<Connection>();
  #unroute: (() => void) | undefined;

  constructor(private readonly deps: SocketDoorDeps) {}

  open(): void {
    const { listener, settings } = this.deps;
    this.#unroute = listener.routeUpgrade(`${settings.path}/socket`, (request, socket, head) =>
      this.#enter(request, socket, head),
    );
  }

  /** Takes nothing more, and resolves when what was taken is answered. */
  async close(): Promise<void> {
    this.#unroute?.();
    this.#unroute = undefined;
    await Promise.all([...this.#connections].map((connection) => connection.stop()));
  }

  #enter(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const entry = this.#judge(request.headers);
    if (entry.kind === 'refused') {
      this.deps.log.warn(
        { origin: request.headers.origin, reason: entry.status },
        'a connection was refused',
      );
      refuseUpgrade(socket, entry.status);
      return;
    }
    this.#server.handleUpgrade(request, socket, head, (opened) => this.#welcome(opened, entry.client));
  }

  #judge(headers: IncomingHttpHeaders): Entry {
    const { settings } = this.deps;
    if (!isAllowedOrigin(headers.origin, settings)) return { kind: 'refused', status: '403 Forbidden' };
    const token = tokenIn(headers);
    const client = clientOf(token, settings);
    if (token !== undefined && client === undefined) return { kind: 'refused', status: '401 Unauthorized' };
    if (!this.#hasRoom(client)) return { kind: 'refused', status: '429 Too Many Requests' };
    return { kind: 'let-in', client };
  }

  #welcome(socket: WebSocket, client: string | undefined): void {
    const { desk, settings, log, timing } = this.deps;
    const connection = new Connection(socket, client, {
      desk,
      log,
      timing,
      identify: (token) => clientOf(token, settings),
      hasRoom: (name) => this.#hasRoom(name),
    });
    this.#connections.add(connection);
    socket.once('close', () => this.#connections.delete(connection));
    connection.open();
  }

  #hasRoom(client: string | undefined): boolean {
    const theirs = [...this.#connections].filter((connection) => connection.client === client);
    return theirs.length < MAX_CONNECTIONS;
  }
}
