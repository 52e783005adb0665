/**
 * What the sandbox's people have sent to the gateway and the gateway has not yet accepted.
 *
 *   queued ──2xx──▶ accepted
 *     │ ▲ └──5xx──▶ refused
 *     └─┘ 4xx, no connection, no answer: tried again, as every mail server does
 *
 * Owns      the queue and the attempts.
 * Not here  what a mail says and who signed it.
 *
 * Invariants
 *   1. A mail is in the journal before the first attempt, so it outlives the process until it is settled.
 *   2. An attempt whose outcome is unknown is made again: the gateway may see a mail twice, never not at all.
 *   3. The mails of one sender are tried in the order written; one that must wait holds up no later one.
 */
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import nodemailer from 'nodemailer';
import { z } from 'zod';
import type { Clock } from '../../domain/clock.ts';
import type { Journal } from '../journal.ts';
import type { Envelope } from './mail.ts';

const JOURNAL_KIND = 'mail-queue';

/** How long the gateway may take to answer one command before the attempt is given up. RFC 5321 allows minutes. */
const ANSWER_TIMEOUT_MS = 30_000;

export interface Delivery {
  readonly id: string;
  readonly sender: string;
  readonly envelope: Envelope;
  readonly subject: string;
  readonly messageId: string;
  readonly queuedAt: string;
  readonly state: 'queued' | 'accepted' | 'refused';
  readonly attempts: number;
  /** What the gateway, or the connection, said last. */
  readonly lastAnswer: string | undefined;
}

const QueuedMail = z.object({
  id: z.string(),
  sender: z.string(),
  envelope: z.object({ from: z.string(), to: z.array(z.string()) }),
  subject: z.string(),
  messageId: z.string(),
  queuedAt: z.string(),
  /** The bytes, one character each. */
  raw: z.string(),
});
type QueuedMail = z.infer<typeof QueuedMail>;

const QueueRecord = z.discriminatedUnion('what', [
  z.object({ what: z.literal('queued'), mail: QueuedMail }),
  z.object({
    what: z.literal('settled'),
    id: z.string(),
    state: z.enum(['accepted', 'refused']),
    answer: z.string(),
  }),
]);
type QueueRecord = z.infer<typeof QueueRecord>;

/** How long to wait before trying again: doubles from `firstMs` up to `mostMs`. */
export interface RetryPace {
  readonly firstMs: number;
  readonly mostMs: number;
}

export interface QueueDeps {
  readonly journal: Journal;
  readonly clock: Clock;
  readonly pace: RetryPace;
  /** Called after every change. */
  readonly changed: () => void;
  /** Called when the gateway refused a mail for good; the sender is to be told. */
  readonly refused: (delivery: Delivery) => Promise<void>;
}

interface Entry {
  readonly mail: QueuedMail;
  state: Delivery['state'];
  attempts: number;
  lastAnswer: string | undefined;
}

export class DeliveryQueue {
  readonly #entries = new Map<string, Entry>();
  readonly #drains = new Map<string, Promise<void>>();
  readonly #stopping = new AbortController();
  readonly #sockets = new Set<Socket>();
  #gateway: { host: string; port: number } | undefined;
  #wake = new AbortController();

  constructor(private readonly deps: QueueDeps) {}

  get deliveries(): Delivery[] {
    return [...this.#entries.values()].map(toDelivery);
  }

  find(id: string): Delivery | undefined {
    const entry = this.#entries.get(id);
    return entry && toDelivery(entry);
  }

  /** Where to deliver from now on; what is waiting is tried at once. */
  connect(gateway: { host: string; port: number }): void {
    this.#gateway = gateway;
    this.#wakeAll();
  }

  /** Reads what was left unsettled. */
  start(): void {
    for (const record of this.deps.journal.replay(JOURNAL_KIND)) this.#apply(QueueRecord.parse(record));
    for (const { mail } of this.#entries.values()) this.#drain(mail.sender);
  }

  /** Breaks off attempts under way; they are made again after the next start. Safe to call twice. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#wakeAll();
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all(this.#drains.values());
  }

  enqueue(input: Omit<QueuedMail, 'id' | 'queuedAt'>): Delivery {
    const mail = {
      ...input,
      id: `delivery-${this.#entries.size + 1}`,
      queuedAt: new Date(this.deps.clock.now()).toISOString(),
    };
    this.#record({ what: 'queued', mail }); // invariant 1
    this.#drain(mail.sender);
    this.#wakeAll();
    return toDelivery({ mail, state: 'queued', attempts: 0, lastAnswer: undefined });
  }

  /** The bytes of a mail sent before. */
  rawOf(id: string): Buffer {
    const entry = this.#entries.get(id);
    if (!entry) throw new Error(`there is no ${id}`);
    return Buffer.from(entry.mail.raw, 'latin1');
  }

  /** Works through one sender's mails until none waits; one such loop per sender at a time (invariant 3). */
  #drain(sender: string): void {
    if (this.#drains.has(sender) || this.#stopping.signal.aborted) return;
    if (this.#waiting(sender).length === 0) return;
    this.#drains.set(sender, this.#drainSender(sender));
  }

  async #drainSender(sender: string): Promise<void> {
    for (let round = 0; this.#waiting(sender).length > 0; round++) {
      // Taken before the attempts, so that what happens during them is not slept through.
      const wake = this.#wake.signal;
      for (const entry of this.#waiting(sender)) await this.#attempt(entry);
      if (this.#stopping.signal.aborted) return;
      if (this.#waiting(sender).length > 0) await this.#pause(round, wake);
    }
    // In the same step as the last look, so that a mail queued now starts a new loop.
    this.#drains.delete(sender);
  }

  #waiting(sender: string): Entry[] {
    return [...this.#entries.values()].filter(
      (entry) => entry.state === 'queued' && entry.mail.sender === sender,
    );
  }

  async #attempt(entry: Entry): Promise<void> {
    if (!this.#gateway || this.#stopping.signal.aborted) return;
    entry.attempts++;
    const socket = connect(this.#gateway).on('error', () => {}); // reported by `transmit`
    this.#sockets.add(socket);
    try {
      const answer = await transmit(entry.mail, socket);
      this.#record({ what: 'settled', id: entry.mail.id, state: 'accepted', answer });
    } catch (error) {
      await this.#failed(entry, error);
    } finally {
      socket.destroy();
      this.#sockets.delete(socket);
    }
  }

  async #failed(entry: Entry, error: unknown): Promise<void> {
    const answer = error instanceof Error ? error.message : String(error);
    if (isForGood(error)) {
      this.#record({ what: 'settled', id: entry.mail.id, state: 'refused', answer });
      await this.deps.refused(toDelivery(entry));
      return;
    }
    entry.lastAnswer = answer;
    this.deps.changed();
  }

  #record(record: QueueRecord): void {
    this.deps.journal.append(JOURNAL_KIND, record);
    this.#apply(record);
    this.deps.changed();
  }

  #apply(record: QueueRecord): void {
    switch (record.what) {
      case 'queued':
        this.#entries.set(record.mail.id, {
          mail: record.mail,
          state: 'queued',
          attempts: 0,
          lastAnswer: undefined,
        });
        return;
      case 'settled': {
        const entry = this.#entries.get(record.id);
        if (!entry) return;
        entry.state = record.state;
        entry.lastAnswer = record.answer;
        return;
      }
      default:
        record satisfies never;
    }
  }

  /** Until it is time for another round, or `wake` says that an earlier one is worth while. */
  async #pause(round: number, wake: AbortSignal): Promise<void> {
    const { firstMs, mostMs } = this.deps.pace;
    await sleep(Math.min(mostMs, firstMs * 2 ** round), undefined, { signal: wake }).catch(() => {}); // woken
  }

  #wakeAll(): void {
    this.#wake.abort();
    this.#wake = new AbortController();
  }
}

async function transmit(mail: QueuedMail, socket: Socket): Promise<string> {
  await connected(socket);
  const transport = nodemailer.createTransport({
    connection: socket,
    name: `mail.${domainOf(mail.sender)}`,
    ignoreTLS: true, // loopback
    greetingTimeout: ANSWER_TIMEOUT_MS,
    socketTimeout: ANSWER_TIMEOUT_MS,
  });
  const { from, to } = mail.envelope;
  const { response } = await transport.sendMail({
    envelope: { from, to: [...to] },
    raw: Buffer.from(mail.raw, 'latin1'),
  });
  return response;
}

function connected(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('the connection was closed')));
  });
}

/** A 5xx answer: trying again cannot help. RFC 5321, 4.2.1. */
function isForGood(error: unknown): boolean {
  if (!(error instanceof Error) || !('responseCode' in error)) return false;
  return typeof error.responseCode === 'number' && error.responseCode >= 500;
}

export function domainOf(address: string): string {
  return address.slice(address.lastIndexOf('@') + 1).toLowerCase();
}

function toDelivery({ mail, state, attempts, lastAnswer }: Entry): Delivery {
  const { raw: _, ...facts } = mail;
  return { ...facts, state, attempts, lastAnswer };
}
