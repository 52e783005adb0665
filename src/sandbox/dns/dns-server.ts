/**
 * The sandbox's name service: a DNS server on loopback that knows the sandbox's domains and nothing else.
 *
 * Owns      the records of the emulated domains and both wires (UDP, and TCP for what does not fit).
 * Not here  what the records say about mail: `mail/` publishes them.
 *
 * Invariants
 *   1. UDP and TCP answer on the same port, as resolvers expect.
 *   2. It forwards nothing: a name nobody published does not exist (NXDOMAIN), so no test ever leaves the machine.
 *   3. A name that exists without the asked type answers with no data, not with NXDOMAIN.
 */
import { createSocket, type RemoteInfo, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import dnsPacket from 'dns-packet';

const HOST = '127.0.0.1';

/** Largest UDP answer to a client that announces nothing larger. RFC 1035, 4.2.1. */
const PLAIN_UDP_BYTES = 512;

/** Longest character-string in a TXT record; a longer value is several strings. RFC 1035, 3.3. */
const TXT_STRING_BYTES = 255;

/** Short, so that a resolver with a cache sees a changed record soon. */
const TTL_SECONDS = 5;

/** A UDP port is free more often than the TCP port of the same number, so finding a pair may take a few tries. */
const PORT_PAIR_ATTEMPTS = 20;

/** How many questions are kept to be looked at. */
const KEPT_QUERIES = 1_000;

/** Response codes. RFC 1035, 4.1.1. */
const RCODE = { noError: 0, formErr: 1, servFail: 2, nxDomain: 3 } as const;

export type DnsRecord =
  | { readonly type: 'TXT'; readonly text: string }
  | { readonly type: 'MX'; readonly priority: number; readonly exchange: string }
  | { readonly type: 'A'; readonly address: string };

export interface DnsQuery {
  readonly name: string;
  readonly type: string;
  readonly wire: 'udp' | 'tcp';
}

/** What a name does instead of answering: `broken` says SERVFAIL, `silent` says nothing, so the asker times out. */
export type DnsFault = 'broken' | 'silent';

export class DnsServer {
  /** What was asked, oldest first; the last thousand questions. */
  readonly queries: DnsQuery[] = [];
  readonly #records = new Map<string, DnsRecord[]>();
  readonly #faults = new Map<string, DnsFault>();
  readonly #tcpClients = new Set<Socket>();
  #udp: UdpSocket | undefined;
  #tcp: Server | undefined;

  /** `port` 0 takes any free one. */
  constructor(private readonly wanted: { readonly port: number } = { port: 0 }) {}

  /** Adds one record; works before `start` too. */
  publish(name: string, record: DnsRecord): void {
    const key = canonical(name);
    this.#records.set(key, [...(this.#records.get(key) ?? []), record]);
  }

  /** Removes the records of one type at a name. */
  withdraw(name: string, type: DnsRecord['type']): void {
    const key = canonical(name);
    const left = (this.#records.get(key) ?? []).filter((record) => record.type !== type);
    if (left.length > 0) this.#records.set(key, left);
    else this.#records.delete(key);
  }

  /** Makes one name fail until `heal`. */
  fault(name: string, fault: DnsFault): void {
    this.#faults.set(canonical(name), fault);
  }

  heal(): void {
    this.#faults.clear();
  }

  /** `127.0.0.1:<port>`, as `Resolver.setServers` takes it. Throws before `start`. */
  get address(): string {
    if (!this.#udp) throw new Error('the DNS server is not started');
    return `${HOST}:${this.#udp.address().port}`;
  }

  async start(): Promise<void> {
    if (this.#udp) return;
    const { udp, tcp } = await bindPair(this.wanted.port);
    this.#udp = udp.on('message', (packet, from) => this.#onDatagram(packet, from));
    this.#tcp = tcp.on('connection', (socket) => this.#onConnection(socket));
  }

  async stop(): Promise<void> {
    const [udp, tcp] = [this.#udp, this.#tcp];
    this.#udp = undefined;
    this.#tcp = undefined;
    if (udp) await closed(udp);
    for (const client of this.#tcpClients) client.destroy();
    if (tcp) await closed(tcp);
  }

  #onDatagram(packet: Buffer, from: RemoteInfo): void {
    const reply = this.#reply(packet, 'udp');
    if (!reply) return;
    const encoded = dnsPacket.encode(reply.packet);
    const fitting = encoded.length <= reply.udpBytes ? encoded : dnsPacket.encode(truncated(reply.packet));
    this.#udp?.send(fitting, from.port, from.address);
  }

  #onConnection(socket: Socket): void {
    this.#tcpClients.add(socket);
    socket.on('close', () => this.#tcpClients.delete(socket));
    socket.on('error', () => socket.destroy()); // the asker went away; it asks again if it still wants to know
    let pending = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      pending = Buffer.concat([pending, chunk]);
      for (let frame = firstFrame(pending); frame; frame = firstFrame(pending)) {
        pending = pending.subarray(2 + frame.length);
        const reply = this.#reply(frame, 'tcp');
        if (reply) socket.write(dnsPacket.streamEncode(reply.packet));
      }
    });
  }

  #reply(packet: Buffer, wire: 'udp' | 'tcp'): DnsReply | undefined {
    const query = decoded(packet);
    const question = query?.questions?.[0];
    if (query?.type !== 'query') return undefined;
    if (!question) return toReply(query, RCODE.formErr, []);

    const name = canonical(question.name);
    this.queries.push({ name, type: question.type, wire });
    if (this.queries.length > KEPT_QUERIES) this.queries.shift();
    const fault = this.#faults.get(name);
    if (fault === 'silent') return undefined;
    if (fault === 'broken') return toReply(query, RCODE.servFail, []);
    if (!this.#exists(name)) return toReply(query, RCODE.nxDomain, []);
    const found = (this.#records.get(name) ?? []).filter((record) => record.type === question.type);
    return toReply(
      query,
      RCODE.noError,
      found.map((record) => toAnswer(question.name, record)),
    );
  }

  /** Also true for a name that only has names below it, such as `_domainkey.corp.test`. RFC 8020. */
  #exists(name: string): boolean {
    return [...this.#records.keys()].some((known) => known === name || known.endsWith(`.${name}`));
  }
}

interface DnsReply {
  readonly packet: dnsPacket.Packet;
  /** The largest datagram the asker takes. */
  readonly udpBytes: number;
}

function toReply(query: dnsPacket.Packet, rcode: number, answers: dnsPacket.Answer[]): DnsReply {
  const edns = query.additionals?.find((record): record is dnsPacket.OptAnswer => record.type === 'OPT');
  return {
    packet: {
      type: 'response',
      id: query.id ?? 0,
      flags: dnsPacket.AUTHORITATIVE_ANSWER | ((query.flags ?? 0) & dnsPacket.RECURSION_DESIRED) | rcode,
      questions: query.questions ?? [],
      answers,
    },
    udpBytes: Math.max(edns?.udpPayloadSize ?? 0, PLAIN_UDP_BYTES),
  };
}

function truncated(packet: dnsPacket.Packet): dnsPacket.Packet {
  return { ...packet, flags: (packet.flags ?? 0) | dnsPacket.TRUNCATED_RESPONSE, answers: [] };
}

function toAnswer(name: string, record: DnsRecord): dnsPacket.Answer {
  switch (record.type) {
    case 'TXT':
      return { type: 'TXT', name, ttl: TTL_SECONDS, data: txtStrings(record.text) };
    case 'MX':
      return {
        type: 'MX',
        name,
        ttl: TTL_SECONDS,
        data: { preference: record.priority, exchange: record.exchange },
      };
    case 'A':
      return { type: 'A', name, ttl: TTL_SECONDS, data: record.address };
    default:
      return record satisfies never;
  }
}

function txtStrings(text: string): Buffer[] {
  const bytes = Buffer.from(text);
  const strings: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += TXT_STRING_BYTES) {
    strings.push(bytes.subarray(at, at + TXT_STRING_BYTES));
  }
  return strings;
}

function decoded(packet: Buffer): dnsPacket.DecodedPacket | undefined {
  try {
    return dnsPacket.decode(packet);
  } catch {
    return undefined; // not DNS: like other servers we do not answer noise
  }
}

/** The first whole message of a TCP stream, each preceded by its length in two bytes. RFC 1035, 4.2.2. */
function firstFrame(stream: Buffer): Buffer | undefined {
  if (stream.length < 2) return undefined;
  const length = stream.readUInt16BE(0);
  return stream.length < 2 + length ? undefined : stream.subarray(2, 2 + length);
}

function canonical(name: string): string {
  return name.toLowerCase().replace(/\.$/, '');
}

async function bindPair(port: number): Promise<{ udp: UdpSocket; tcp: Server }> {
  for (let attempt = 1; ; attempt++) {
    const udp = createSocket('udp4');
    const tcp = createServer();
    try {
      udp.bind(port, HOST);
      await once(udp, 'listening');
      tcp.listen(udp.address().port, HOST);
      await once(tcp, 'listening');
      return { udp, tcp };
    } catch (error) {
      udp.close();
      if (port !== 0 || attempt === PORT_PAIR_ATTEMPTS) throw error;
    }
  }
}

async function closed(server: UdpSocket | Server): Promise<void> {
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
}
