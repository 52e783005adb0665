/**
 * The web gateway: other programs, over WebSockets and plain HTTP.
 *
 * Owns      who is let in, and what waits for a client that is away.
 * Not here  who may decide what, and what is said.
 *
 * Invariants
 *   1. A client is told that something was taken after `receive` resolved, and asked to come again when it rejected.
 *   2. What is sent is in the log of its client before `send` resolves; whether the client is there makes no difference.
 *   3. A message of ours is one event under its idempotency key, however often it is sent.
 */
import { createHash } from 'node:crypto';
import type { Clock } from '../../src/domain/clock.ts';
import { StartupError, UndeliverableError } from '../../src/domain/errors.ts';
import type {
  CheckFinding,
  ClientLog,
  Gateway,
  Lookup,
  Progress,
  ProgressUpdate,
  Receive,
} from '../../src/domain/gateway.ts';
import type { AccountId } from '../../src/domain/ids.ts';
import type { Address, OutboundMessage, Sent } from '../../src/domain/message.ts';
import type { Logger } from '../../src/observability/logger.ts';
import type { WebhookListener } from '../webhook-listener.ts';
import { checkWeb } from './check.ts';
import { missingWebSettings, type WebSettings } from './config.ts';
import { ClientDesk } from './desk.ts';
import { HttpDoor } from './http-door.ts';
import { placeOf, toDirectAddress, toEvent, toProgress, WEB, WebEvent } from './outbound.ts';
import { SocketDoor, type SocketTiming } from './socket-door.ts';

/** Events read at once when looking for one. */
const PAGE_SIZE = 200;

export interface WebTiming extends SocketTiming {
  /** What takes longer counts as not stored; shorter than programs wait for an answer by habit. */
  readonly storeWithinMs: number;
}

const TIMING: WebTiming = { storeWithinMs: 10_000, helloWithinMs: 5_000, pingEveryMs: 30_000 };

export interface WebDeps {
  readonly listener: WebhookListener;
  readonly clientLog: ClientLog;
  readonly clock: Clock;
  readonly log: Logger;
  readonly timing?: Partial<WebTiming>;
}

/** What is there while the gateway runs. */
interface Running {
  readonly desk: ClientDesk;
  readonly http: HttpDoor;
  readonly sockets: SocketDoor;
  readonly stopping: AbortController;
}

export class WebGateway implements Gateway {
  readonly platform = WEB;
  readonly progress: Progress;
  #running: Running | undefined;

  constructor(
    private readonly settings: WebSettings,
    private readonly deps: WebDeps,
  ) {
    this.progress = {
      show: (update) => this.#showProgress(update),
      settle: (update) => this.#settleProgress(update),
    };
  }

  /** @throws {StartupError} when no client could connect */
  async start(receive: Receive, lookup: Lookup): Promise<void> {
    const { settings, deps } = this;
    if (missingWebSettings(settings).length > 0) {
      throw new StartupError('no web client has a token', 'Run `signalbox check`: it says what to set.');
    }
    const timing = { ...TIMING, ...deps.timing };
    const stopping = new AbortController();
    const desk = new ClientDesk({ ...deps, receive, lookup, storeWithinMs: timing.storeWithinMs });
    const http = new HttpDoor({ ...deps, settings, desk, stopping: stopping.signal });
    const sockets = new SocketDoor({ ...deps, settings, desk, timing });
    http.open();
    sockets.open();
    this.#running = { desk, http, sockets, stopping };
    deps.log.info({ path: settings.path, clients: Object.keys(settings.clients) }, 'programs may connect');
  }

  async stop(): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    if (!running) return;
    running.http.close();
    running.stopping.abort();
    await running.sockets.close();
    await running.desk.drain();
  }

  async send(message: OutboundMessage): Promise<Sent> {
    const { client } = this.#placeOf(message.to);
    const event = toEvent(message, this.#now());
    const position = await this.deps.clientLog.append(client, message.id, JSON.stringify(event));
    // What replaces something is known by the event that showed it first.
    return { ref: String('replaces' in event && event.replaces !== undefined ? event.replaces : position) };
  }

  /** A client is one person's. */
  isPrivate(): boolean {
    return true;
  }

  /** In a conversation of the client's own, which it finds among its events. */
  directAddress(account: AccountId): Address | undefined {
    const address = toDirectAddress(account);
    return this.#hasClient(placeOf(address).client) ? address : undefined;
  }

  async check(): Promise<CheckFinding[]> {
    return checkWeb(this.settings, this.deps.listener.expectedUrl);
  }

  async #showProgress(update: ProgressUpdate): Promise<string> {
    const { client } = this.#placeOf(update.to);
    const event = toProgress(update, this.#now());
    // One event for each thing it shows; the same shown twice is one.
    const shown = createHash('sha256').update(update.markdown).digest('base64url').slice(0, 16);
    const key = `progress:${update.key}:${update.ref ?? ''}:${shown}`;
    const position = await this.deps.clientLog.append(client, key, JSON.stringify(event));
    return update.ref ?? String(position);
  }

  async #settleProgress({ to, key, markdown }: ProgressUpdate): Promise<string | undefined> {
    const { client, conversation } = this.#placeOf(to);
    const replaces = await this.#firstShown(client, key);
    if (replaces === undefined) return undefined;
    const id = `settled:${key}`;
    const event: WebEvent = { kind: 'text', id, at: this.#now(), conversation, markdown, replaces };
    await this.deps.clientLog.append(client, id, JSON.stringify(event));
    return String(replaces);
  }

  /** Position of the first progress under a key, unless its reply is there, too. */
  async #firstShown(client: string, key: string): Promise<number | undefined> {
    let after = 0;
    let first: number | undefined;
    for (;;) {
      const { events } = await this.deps.clientLog.read(client, after, PAGE_SIZE);
      for (const { position, event } of events) {
        const { id, kind } = WebEvent.parse(JSON.parse(event));
        if (id === key && kind !== 'progress') return undefined;
        if (id === key) first ??= position;
      }
      const last = events.at(-1);
      if (!last) return first;
      after = last.position;
    }
  }

  #placeOf(to: Address): { client: string; conversation: string } {
    const place = placeOf(to);
    if (this.#hasClient(place.client)) return place;
    throw new UndeliverableError(WEB, `there is no client ${place.client} in gateways.web.clients`);
  }

  #hasClient(name: string): boolean {
    return Object.hasOwn(this.settings.clients, name);
  }

  #now(): string {
    return new Date(this.deps.clock.now()).toISOString();
  }
}
