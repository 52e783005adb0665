/**
 * A program at the web gateway: one socket, what it asks, and what it hears, by the published protocol.
 *
 *   nowhere ──told where──▶ connecting ──subscribed──▶ connected
 *                               ▲  └──wrong token──▶ refused     └──dropped──▶ connecting
 *
 * Invariants
 *   1. Requests go out one after the other, the next when the last was answered, so their order is kept; what a drop
 *      left unanswered is sent again, with the same id.
 *   2. Events are read on from the last position there is, so that each counts once.
 *   3. A refused token is not tried again until the program is told where to go anew; whatever it asks is refused, too.
 */
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import pRetry, { AbortError } from 'p-retry';
import { WebSocket } from 'ws';
import { EventLog, type Heard } from './event-log.ts';
import { ServerFrame } from './frames.ts';
import { type Outcome, outcomeOf, toFrame, type WebRequest } from './request.ts';

export interface WebTiming {
  /** Before the first try to connect again. */
  readonly reconnectAfterMs: number;
  readonly reconnectAtMostMs: number;
  /** Before something that could not be stored is sent again. */
  readonly sendAgainAfterMs: number;
  /** For the gateway to answer a new connection. */
  readonly openWithinMs: number;
}

export const WEB_TIMING: WebTiming = {
  reconnectAfterMs: 200,
  reconnectAtMostMs: 5_000,
  sendAgainAfterMs: 500,
  openWithinMs: 5_000,
};

/** Statuses of a refused handshake, and the close code, that no second try would change. */
const REFUSED_STATUSES: ReadonlySet<number> = new Set([401, 403]);
const REFUSED_CODE = 4401;

/** No request is named so: theirs are random. */
const SUBSCRIBE_ID = 'subscribe';
const MAX_QUOTED_CHARS = 1_000;

type Reply = Extract<ServerFrame, { type: 'ok' | 'error' }>;

export type ConnectionState =
  | { readonly kind: 'nowhere' }
  /** It knows where, and has had nothing to say yet. */
  | { readonly kind: 'silent' }
  | { readonly kind: 'connecting' }
  | { readonly kind: 'connected' }
  | { readonly kind: 'refused'; readonly sentence: string };

export interface WebProgramDeps {
  readonly client: string;
  readonly token: string;
  /** False: it connects when it has something to say. */
  readonly listens: boolean;
  readonly timing: WebTiming;
  readonly changed: () => void;
  readonly settled: (request: WebRequest, outcome: Outcome) => void;
  /** Something arrived that the protocol does not have. */
  readonly violated: (what: string) => void;
}

export class WebProgram {
  readonly #log = new EventLog();
  /** Not answered yet, oldest first; the first may be on its way. */
  readonly #waiting: WebRequest[] = [];
  #state: ConnectionState = { kind: 'nowhere' };
  #url: string | undefined;
  #socket: WebSocket | undefined;
  #isAsking = false;
  #visit: { readonly end: AbortController; readonly ended: Promise<void> } | undefined;

  constructor(private readonly deps: WebProgramDeps) {}

  get state(): ConnectionState {
    return this.#state;
  }

  /** What it has heard, in order. */
  get heard(): Heard[] {
    return this.#log.entries;
  }

  /** @param url of the web gateway, such as `http://127.0.0.1:4000/web`; undefined: there is none */
  goTo(url: string | undefined): void {
    this.#visit?.end.abort();
    this.#visit = undefined;
    this.#url = url;
    this.#become({ kind: url === undefined ? 'nowhere' : 'silent' });
    if (this.deps.listens || this.#waiting.length > 0) this.#depart();
  }

  /** What came of it is told to `settled`. */
  ask(request: WebRequest): void {
    this.#waiting.push(request);
    if (this.#state.kind === 'refused') this.#refuseAll(this.#state.sentence);
    else if (this.#state.kind === 'silent') this.#depart();
    else this.#askNext();
  }

  /** Ends the connection as a network would. It comes again by itself. */
  drop(): void {
    this.#socket?.terminate();
  }

  /** Resolves when it is quiet. Safe to call twice. */
  async stop(): Promise<void> {
    const visit = this.#visit;
    this.goTo(undefined);
    await visit?.ended;
  }

  // ── The connection ─────────────────────────────────────────────────────────────────────────────────────────

  #depart(): void {
    if (this.#url === undefined || this.#visit !== undefined) return;
    const end = new AbortController();
    this.#visit = { end, ended: this.#stay(socketUrl(this.#url), end.signal) };
  }

  /** Connects, and again after every drop, until the signal aborts or the token is refused. Never rejects. */
  async #stay(url: string, signal: AbortSignal): Promise<void> {
    const { reconnectAfterMs, reconnectAtMostMs } = this.deps.timing;
    while (!signal.aborted) {
      this.#become({ kind: 'connecting' });
      try {
        const { closed } = await pRetry(() => this.#open(url, signal), {
          retries: Number.POSITIVE_INFINITY,
          minTimeout: reconnectAfterMs,
          maxTimeout: reconnectAtMostMs,
          randomize: true,
          signal,
        });
        if ((await closed) === REFUSED_CODE) throw new Error(refusal(`closed with ${REFUSED_CODE}`));
      } catch (error) {
        if (signal.aborted) return;
        const sentence = error instanceof Error ? error.message : String(error);
        this.#become({ kind: 'refused', sentence });
        this.#refuseAll(sentence);
      }
      if (this.#state.kind === 'refused') return; // invariant 3
    }
  }

  /**
   * Resolves once events come, with what resolves with the close code.
   *
   * @throws {AbortError} when another try would change nothing
   */
  async #open(url: string, signal: AbortSignal): Promise<{ closed: Promise<number> }> {
    const socket = await this.#shakeHands(url, signal);
    const closed = new Promise<number>((resolve) => socket.once('close', resolve));
    const welcomed = new Promise<'welcome'>((resolve) => {
      socket.on('message', (data) => this.#hear(String(data), socket, () => resolve('welcome')));
    });
    socket.send(JSON.stringify({ type: 'subscribe', id: SUBSCRIBE_ID, after: this.#log.last }));
    const first = await Promise.race([welcomed, closed]);
    if (first === REFUSED_CODE) throw new AbortError(refusal(`closed with ${first}`));
    if (first !== 'welcome') throw new Error(`the gateway closed the connection at once (${first})`);
    return { closed };
  }

  async #shakeHands(url: string, signal: AbortSignal): Promise<WebSocket> {
    const { token, timing } = this.deps;
    const socket = new WebSocket(url, {
      headers: { authorization: `Bearer ${token}` },
      handshakeTimeout: timing.openWithinMs,
      perMessageDeflate: false,
    });
    const leave = () => socket.terminate();
    signal.addEventListener('abort', leave);
    socket.once('close', () => {
      signal.removeEventListener('abort', leave);
      if (this.#socket === socket) this.#socket = undefined;
    });
    socket.on('error', () => undefined); // whoever waits hears of it; later, a close follows
    const refused = new Promise<never>((_, reject) => {
      socket.once('unexpected-response', (request, response) => {
        const answer = `${response.statusCode} ${response.statusMessage}`;
        const isFinal = REFUSED_STATUSES.has(response.statusCode ?? 0);
        reject(isFinal ? new AbortError(refusal(answer)) : new Error(`the gateway answered ${answer}`));
        request.destroy();
      });
    });
    await Promise.race([once(socket, 'open', { signal }), refused]);
    return socket;
  }

  // ── What comes in ──────────────────────────────────────────────────────────────────────────────────────────

  #hear(data: string, socket: WebSocket, welcome: () => void): void {
    const frame = ServerFrame.safeParse(parseJson(data)).data;
    switch (frame?.type) {
      case undefined:
        this.deps.violated(data.slice(0, MAX_QUOTED_CHARS));
        break;
      case 'event':
        this.#log.take(frame);
        this.deps.changed();
        break;
      case 'missed':
        this.#log.miss();
        break;
      case 'ok':
      case 'error':
        if (frame.id !== SUBSCRIBE_ID) this.#settle(frame, socket);
        // Otherwise it closes the connection, and the code says why.
        else if (frame.type === 'ok') {
          this.#arrive(socket);
          welcome();
        }
        break;
      default:
        frame satisfies never;
    }
  }

  #arrive(socket: WebSocket): void {
    this.#socket = socket;
    this.#isAsking = false;
    this.#become({ kind: 'connected' });
    this.#askNext();
  }

  #settle(reply: Reply, socket: WebSocket): void {
    if (this.#socket !== socket) return; // asked again over the connection that followed
    const [request] = this.#waiting;
    if (request === undefined || request.id !== reply.id) {
      this.deps.violated(`replies to nothing that was asked: ${JSON.stringify(reply)}`);
      return;
    }
    const outcome = outcomeOf(reply);
    if (outcome === undefined) {
      void this.#askAgain(socket);
      return;
    }
    this.#waiting.shift();
    this.#isAsking = false;
    this.deps.settled(request, outcome);
    this.#askNext();
  }

  // ── What goes out ──────────────────────────────────────────────────────────────────────────────────────────

  #askNext(): void {
    const [request] = this.#waiting;
    if (request === undefined || this.#isAsking || this.#state.kind !== 'connected') return;
    this.#isAsking = true;
    this.#socket?.send(JSON.stringify(toFrame(request)));
  }

  async #askAgain(socket: WebSocket): Promise<void> {
    await pause(this.deps.timing.sendAgainAfterMs);
    if (this.#socket !== socket) return; // the next connection sends it
    this.#isAsking = false;
    this.#askNext();
  }

  #refuseAll(reason: string): void {
    for (const request of this.#waiting.splice(0)) this.deps.settled(request, { status: 'refused', reason });
  }

  #become(state: ConnectionState): void {
    this.#state = state;
    this.deps.changed();
  }
}

function socketUrl(url: string): string {
  return `${url.replace(/^http/, 'ws')}/socket`;
}

function refusal(answer: string): string {
  return `The gateway refuses this program: its token belongs to none of its clients (${answer}).`;
}

/** Undefined when it is none. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
