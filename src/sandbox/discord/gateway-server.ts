/**
 * The gateway: WebSocket connections, the sessions behind them, and the events they are told.
 *
 *   connect ─▶ HELLO ─▶ IDENTIFY ─▶ READY, GUILD_CREATE ─▶ events ◀─┐
 *                  └──▶ RESUME ──▶ events missed, RESUMED ──────────┘   or INVALID_SESSION
 *
 * Invariants
 *   1. An event is put into every session that may see it, whether or not that has a connection; a connection that
 *      resumes gets what it has not seen. Nothing is ever told to a session that was not there when it happened.
 *   2. The numbers of one session's events count up from 1 without a gap.
 *   3. A session is kept while it may be resumed: it is gone when the client closes with 1000 or 1001, when it
 *      breaks a rule, or when nobody came back within the resume window.
 */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { type RawData, type WebSocket, WebSocketServer } from 'ws';
import { z } from 'zod';
import type { Clock } from '../../domain/clock.ts';
import { BOT, GUILD } from '../people.ts';
import { type GatewayEvent, INTENT } from './events.ts';
import {
  GATEWAY_SENDS_PER_MS,
  IDENTIFIES_PER_MS,
  MAX_GATEWAY_PAYLOAD_BYTES,
  MAX_GATEWAY_SENDS,
  MAX_IDENTIFIES,
} from './limits.ts';
import { type Payload, toUser } from './wire.ts';

export const GATEWAY_PATH = '/discord/gateway';

/** Opcodes (Opcodes and Status Codes). */
const OP = {
  dispatch: 0,
  heartbeat: 1,
  identify: 2,
  presence: 3,
  voice: 4,
  resume: 6,
  reconnect: 7,
  requestMembers: 8,
  invalidSession: 9,
  hello: 10,
  heartbeatAck: 11,
  soundboard: 31,
} as const;

/** Why Discord ends a connection (Gateway Close Event Codes). */
const CLOSE = {
  unknownOpcode: { code: 4001, reason: 'Unknown opcode.' },
  decodeError: { code: 4002, reason: 'Error while decoding payload.' },
  notAuthenticated: { code: 4003, reason: 'Not authenticated.' },
  authenticationFailed: { code: 4004, reason: 'Authentication failed.' },
  alreadyAuthenticated: { code: 4005, reason: 'Already authenticated.' },
  invalidSeq: { code: 4007, reason: 'Invalid seq.' },
  rateLimited: { code: 4008, reason: 'Rate limited.' },
  sessionTimedOut: { code: 4009, reason: 'Session timed out.' },
  invalidShard: { code: 4010, reason: 'Invalid shard.' },
  invalidVersion: { code: 4012, reason: 'Invalid API version.' },
  invalidIntents: { code: 4013, reason: 'Invalid intent(s).' },
  disallowedIntents: { code: 4014, reason: 'Disallowed intent(s).' },
} as const;
type CloseReason = (typeof CLOSE)[keyof typeof CLOSE];

/** Intents that there are (Gateway, List of Intents). */
const KNOWN_INTENTS = 0b1_1111_1111_1111_1111 | (1 << 20) | (1 << 21) | (1 << 24) | (1 << 25);
const PRIVILEGED_INTENTS = INTENT.guildMembers | INTENT.guildPresences | INTENT.messageContent;

/** A client that says goodbye with one of these ends its session. */
const FAREWELLS: readonly number[] = [1000, 1001];

const GOING_AWAY = 1001;

/** How a connection ends that was cut without a word (RFC 6455, 7.4.1). */
const WITHOUT_A_WORD = 1006;
const FAREWELL_MS = 250;

/** Events kept for a resume; an app that missed more has to begin anew. */
const MAX_KEPT_EVENTS = 10_000;

/** Heartbeats that may be missing before the connection counts as dead. */
const MISSED_HEARTBEATS = 2;

export interface GatewaySettings {
  /** Undefined while there is none. */
  readonly token: () => string | undefined;
  readonly heartbeatIntervalMs: number;
  readonly resumeWindowMs: number;
}

interface Deps {
  readonly settings: GatewaySettings;
  readonly clock: Clock;
  readonly origin: () => string;
  /** Privileged intents that the app was given. */
  readonly enabledIntents: () => number;
  readonly applicationFlags: () => number;
  readonly guildCreate: () => GatewayEvent;
  readonly onChange: () => void;
  /** The app broke one of the gateway's limits. */
  readonly onViolation: (what: string) => void;
}

interface Session {
  readonly id: string;
  readonly intents: number;
  readonly shard: readonly [number, number];
  seq: number;
  /** What was told, for a resume; the oldest first. */
  kept: { seq: number; frame: string }[];
  connection: Connection | undefined;
  detachedAt: number;
}

/** A connection of the app that was told of something. */
export interface Listener {
  /** When it ended without a word, as that of a killed client does. */
  readonly cutAt: number | undefined;
}

interface Connection {
  readonly socket: WebSocket;
  readonly listener: { cutAt: number | undefined };
  session: Session | undefined;
  sends: number[];
  lastHeartbeatAt: number;
  watch: NodeJS.Timeout | undefined;
}

const Frame = z.object({ op: z.int(), d: z.unknown() });
type Frame = z.infer<typeof Frame>;

const Identify = z.object({
  token: z.string(),
  intents: z.int().min(0),
  properties: z.looseObject({}),
  shard: z.tuple([z.int(), z.int()]).default([0, 1]),
});
type Identify = z.infer<typeof Identify>;

const Resume = z.object({ token: z.string(), session_id: z.string(), seq: z.int() });

export class GatewayServer {
  readonly #server = new WebSocketServer({ noServer: true });
  readonly #connections = new Set<Connection>();
  readonly #sessions = new Map<string, Session>();
  readonly #identifies: number[] = [];
  #acknowledging = true;

  constructor(private readonly deps: Deps) {}

  /** Connections that have identified or resumed. */
  get connections(): number {
    return [...this.#connections].filter(({ session }) => session !== undefined).length;
  }

  /** Takes over the upgrade requests of this HTTP server that are for us. */
  attach(server: Server): void {
    server.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head));
  }

  /** Says goodbye to every client, and cuts those that do not answer. */
  async stop(): Promise<void> {
    await Promise.all([...this.#connections].map(({ socket }) => farewell(socket)));
    this.#server.close();
  }

  /** IDENTIFYs left of today's. */
  identifiesLeft(): number {
    this.#forgetOldIdentifies();
    return MAX_IDENTIFIES - this.#identifies.length;
  }

  /** Tells every session that may see it, and returns those it reached at once. Nobody acknowledges an event. */
  dispatch(event: GatewayEvent): readonly Listener[] {
    this.#forgetOldSessions();
    const told = [...this.#sessions.values()].filter((session) => sees(session, event));
    for (const session of told) this.#tell(session, event);
    return told.flatMap(({ connection }) => connection?.listener ?? []);
  }

  /** Sends one frame as it is, to every connection. */
  sendRaw(frame: string | Buffer): void {
    for (const { socket } of this.#connections) socket.send(frame);
  }

  /** Tells again, under a new number, what the sessions were told last under this name. */
  repeatLast(name: string): void {
    for (const session of this.#sessions.values()) {
      const last = session.kept.findLast(({ frame }) => frame.includes(`"t":"${name}"`));
      if (last !== undefined) this.#number(session, name, JSON.parse(last.frame).d);
    }
  }

  /** Asks every client to reconnect and resume. */
  reconnect(): void {
    for (const { socket } of this.#connections) send(socket, { op: OP.reconnect, d: null });
  }

  /** Ends every session; the client may try to resume it if `resumable`, and finds it gone if not. */
  invalidate(resumable: boolean): void {
    if (!resumable) this.#sessions.clear();
    for (const { socket } of this.#connections) send(socket, { op: OP.invalidSession, d: resumable });
  }

  /** Cuts every connection without a word, or with a close code. */
  drop(code?: number): void {
    for (const { socket } of this.#connections) {
      if (code === undefined) socket.terminate();
      else socket.close(code);
    }
  }

  /** A connection that looks open and is dead: heartbeats are no longer acknowledged. */
  acknowledgeHeartbeats(acknowledging: boolean): void {
    this.#acknowledging = acknowledging;
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const url = new URL(request.url ?? '/', 'http://sandbox');
    if (url.pathname !== GATEWAY_PATH) return;
    this.#server.handleUpgrade(request, socket, head, (client) => this.#welcome(client, url));
  }

  #welcome(socket: WebSocket, url: URL): void {
    const { clock, settings } = this.deps;
    const connection: Connection = {
      socket,
      listener: { cutAt: undefined },
      session: undefined,
      sends: [],
      lastHeartbeatAt: clock.now(),
      watch: undefined,
    };
    this.#connections.add(connection);
    socket.on('message', (data) => this.#take(connection, data));
    socket.on('error', () => socket.terminate());
    socket.on('close', (code) => this.#forget(connection, code));

    if (!['9', '10'].includes(url.searchParams.get('v') ?? '10')) {
      close(socket, CLOSE.invalidVersion);
      return;
    }
    connection.watch = setInterval(() => this.#cutIfDead(connection), settings.heartbeatIntervalMs);
    connection.watch.unref();
    send(socket, {
      op: OP.hello,
      d: { heartbeat_interval: settings.heartbeatIntervalMs, _trace: ['sandbox'] },
    });
  }

  #cutIfDead({ socket, lastHeartbeatAt }: Connection): void {
    const { clock, settings } = this.deps;
    if (clock.now() - lastHeartbeatAt > MISSED_HEARTBEATS * settings.heartbeatIntervalMs)
      close(socket, CLOSE.sessionTimedOut);
  }

  #forget(connection: Connection, code: number): void {
    clearInterval(connection.watch);
    this.#connections.delete(connection);
    if (code === WITHOUT_A_WORD) connection.listener.cutAt = this.deps.clock.now();
    const { session } = connection;
    if (session !== undefined && session.connection === connection) {
      session.connection = undefined;
      session.detachedAt = this.deps.clock.now();
      if (FAREWELLS.includes(code)) this.#sessions.delete(session.id);
    }
    this.deps.onChange();
  }

  #take(connection: Connection, data: RawData): void {
    const text = String(data);
    const frame = Frame.safeParse(parseJson(text)).data;
    const broken = this.#brokenLimit(connection, text);
    const refusal = broken ?? (frame === undefined ? CLOSE.decodeError : this.#handle(connection, frame));
    if (refusal !== undefined) close(connection.socket, refusal);
  }

  /** What the app did wrong, if anything. */
  #handle(connection: Connection, { op, d: data }: Frame): CloseReason | undefined {
    switch (op) {
      case OP.heartbeat:
        connection.lastHeartbeatAt = this.deps.clock.now();
        if (this.#acknowledging) send(connection.socket, { op: OP.heartbeatAck });
        return undefined;
      case OP.identify:
        return this.#identify(connection, data);
      case OP.resume:
        return this.#resume(connection, data);
      case OP.presence:
      case OP.voice:
      case OP.requestMembers:
      case OP.soundboard:
        return connection.session === undefined ? CLOSE.notAuthenticated : undefined;
      default:
        return CLOSE.unknownOpcode;
    }
  }

  #brokenLimit(connection: Connection, text: string): CloseReason | undefined {
    const now = this.deps.clock.now();
    connection.sends = [...connection.sends.filter((at) => at > now - GATEWAY_SENDS_PER_MS), now];
    if (connection.sends.length > MAX_GATEWAY_SENDS) {
      this.deps.onViolation(`more than ${MAX_GATEWAY_SENDS} gateway payloads in ${GATEWAY_SENDS_PER_MS} ms`);
      return CLOSE.rateLimited;
    }
    if (Buffer.byteLength(text) > MAX_GATEWAY_PAYLOAD_BYTES) {
      this.deps.onViolation(`a gateway payload of more than ${MAX_GATEWAY_PAYLOAD_BYTES} bytes`);
      return CLOSE.decodeError;
    }
    return undefined;
  }

  #identify(connection: Connection, data: unknown): CloseReason | undefined {
    const identify = Identify.safeParse(data).data;
    if (connection.session !== undefined) return CLOSE.alreadyAuthenticated;
    if (identify === undefined) return CLOSE.decodeError;
    const refusal = this.#refuseIdentify(identify);
    if (refusal !== undefined) return refusal;
    if (this.identifiesLeft() <= 0) {
      send(connection.socket, { op: OP.invalidSession, d: false });
      return undefined;
    }

    this.#identifies.push(this.deps.clock.now());
    const session: Session = {
      id: randomUUID().replaceAll('-', ''),
      intents: identify.intents,
      shard: identify.shard,
      seq: 0,
      kept: [],
      connection,
      detachedAt: 0,
    };
    connection.session = session;
    this.#sessions.set(session.id, session);
    this.#greet(session);
    this.deps.onChange();
    return undefined;
  }

  #refuseIdentify({ token, intents, shard }: Identify): CloseReason | undefined {
    const [number, count] = shard;
    if (bare(token) !== this.deps.settings.token()) return CLOSE.authenticationFailed;
    if ((intents & ~KNOWN_INTENTS) !== 0) return CLOSE.invalidIntents;
    if ((intents & PRIVILEGED_INTENTS & ~this.deps.enabledIntents()) !== 0) return CLOSE.disallowedIntents;
    return number < 0 || number >= count ? CLOSE.invalidShard : undefined;
  }

  #greet(session: Session): void {
    const guild = this.deps.guildCreate();
    const hasGuild = sees(session, guild);
    this.#number(session, 'READY', {
      v: 10,
      user: { ...toUser(BOT.discordUser), verified: true, mfa_enabled: true, email: null, flags: 0 },
      guilds:
        shardOf(GUILD.id, session.shard[1]) === session.shard[0] ? [{ id: GUILD.id, unavailable: true }] : [],
      session_id: session.id,
      session_type: 'normal',
      resume_gateway_url: gatewayUrl(this.deps.origin()),
      shard: session.shard,
      application: { id: BOT.discordApplication, flags: this.deps.applicationFlags() },
      private_channels: [],
      relationships: [],
      user_settings: {},
    });
    if (hasGuild) this.#tell(session, guild);
  }

  #resume(connection: Connection, data: unknown): CloseReason | undefined {
    const { socket } = connection;
    const resume = Resume.safeParse(data).data;
    if (connection.session !== undefined) return CLOSE.alreadyAuthenticated;
    if (resume === undefined) return CLOSE.decodeError;
    if (bare(resume.token) !== this.deps.settings.token()) return CLOSE.authenticationFailed;
    this.#forgetOldSessions();
    const session = this.#sessions.get(resume.session_id);
    if (session === undefined || resume.seq < session.seq - session.kept.length) {
      send(socket, { op: OP.invalidSession, d: false });
      return undefined;
    }
    if (resume.seq > session.seq) return CLOSE.invalidSeq;

    session.connection?.socket.terminate(); // The client gave it up; whoever resumes takes the session over.
    session.connection = connection;
    connection.session = session;
    for (const { seq, frame } of session.kept) if (seq > resume.seq) socket.send(frame);
    this.#number(session, 'RESUMED', { _trace: ['sandbox'] });
    this.deps.onChange();
    return undefined;
  }

  #tell(session: Session, event: GatewayEvent): void {
    this.#number(session, event.name, event.toData((session.intents & INTENT.messageContent) !== 0));
  }

  #number(session: Session, name: string, data: unknown): void {
    session.seq += 1;
    const frame = JSON.stringify({ op: OP.dispatch, t: name, s: session.seq, d: data });
    session.kept.push({ seq: session.seq, frame });
    if (session.kept.length > MAX_KEPT_EVENTS) session.kept.shift();
    session.connection?.socket.send(frame);
  }

  #forgetOldSessions(): void {
    const since = this.deps.clock.now() - this.deps.settings.resumeWindowMs;
    for (const { id, connection, detachedAt } of this.#sessions.values())
      if (connection === undefined && detachedAt < since) this.#sessions.delete(id);
  }

  #forgetOldIdentifies(): void {
    const since = this.deps.clock.now() - IDENTIFIES_PER_MS;
    while ((this.#identifies[0] ?? since + 1) <= since) this.#identifies.shift();
  }
}

export function gatewayUrl(origin: string): string {
  return origin.replace('http', 'ws') + GATEWAY_PATH;
}

/** Sharding formula (Gateway, Sharding). */
export function shardOf(guild: string, shards: number): number {
  return Number((BigInt(guild) >> 22n) % BigInt(shards));
}

function sees({ intents, shard }: Session, event: GatewayEvent): boolean {
  const ofShard = event.guild === undefined ? 0 : shardOf(event.guild, shard[1]);
  return ofShard === shard[0] && (event.intents === 0 || (event.intents & intents) !== 0);
}

/** Discord takes the token with and without its scheme here. */
function bare(token: string): string {
  return token.replace(/^Bot\s+/, '');
}

async function farewell(socket: WebSocket): Promise<void> {
  if (socket.readyState === socket.CLOSED) return;
  const timer = setTimeout(() => socket.terminate(), FAREWELL_MS);
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.close(GOING_AWAY);
  await closed;
  clearTimeout(timer);
}

function close(socket: WebSocket, { code, reason }: CloseReason): void {
  socket.close(code, reason);
}

function send(socket: WebSocket, payload: Payload): void {
  socket.send(JSON.stringify(payload));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
