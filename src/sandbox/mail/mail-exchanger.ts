/**
 * The mail server that receives for the sandbox's people: what the gateway sends arrives here over real SMTP.
 *
 * Owns      the SMTP conversation, who is known, and the failures it was told to show.
 * Not here  what happens to a mail that was taken: `deposit` puts it into mailboxes.
 *
 * Invariants
 *   1. A mail is answered with 250 only after `deposit` resolved.
 *   2. An address nobody has is refused with 550 before the body is sent.
 */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { SMTPServer, type SMTPServerSession } from 'smtp-server';
import type { Envelope } from './mail.ts';

const HOST = '127.0.0.1';

/** Large providers take mails of about this size. */
const MAX_MAIL_BYTES = 25 * 1024 * 1024;

/** How long a closing server waits for open conversations. */
const CLOSE_TIMEOUT_MS = 100;

/**
 * What the exchanger does wrong next.
 *   `refuse`           answers `code` at that point of the conversation; 4xx asks to try later, 5xx is for good
 *   `drop-after-data`  breaks the connection after the whole mail was sent: the sender cannot know the outcome
 *   `hang-after-data`  never answers the whole mail: the sender cannot know the outcome
 * `kept` says whether the mail reached the mailbox all the same.
 */
export type ExchangerFault =
  | {
      readonly kind: 'refuse';
      readonly at: 'connect' | 'sender' | 'recipient' | 'data';
      readonly code: number;
    }
  | { readonly kind: 'drop-after-data'; readonly kept: boolean }
  | { readonly kind: 'hang-after-data'; readonly kept: boolean };

export interface ExchangerDeps {
  readonly knows: (address: string) => boolean;
  readonly deposit: (raw: Buffer, envelope: Envelope) => Promise<void>;
}

export class MailExchanger {
  readonly #faults: ExchangerFault[] = [];
  readonly #sockets = new Map<number, Socket>();
  readonly #smtp: SMTPServer;
  #listener: Server | undefined;

  constructor(
    private readonly deps: ExchangerDeps,
    private readonly wanted: { readonly port: number },
  ) {
    this.#smtp = this.#createSmtp();
  }

  get host(): string {
    return HOST;
  }

  /** Throws before `start`. */
  get port(): number {
    if (!this.#listener) throw new Error('the mail exchanger is not started');
    // `as`: only a server on a pipe has a string for an address.
    return (this.#listener.address() as AddressInfo).port;
  }

  /** Shows `fault` to the next `times` mails that come to that point. */
  fault(fault: ExchangerFault, times = 1): void {
    for (let i = 0; i < times; i++) this.#faults.push(fault);
  }

  heal(): void {
    this.#faults.length = 0;
  }

  async start(): Promise<void> {
    if (this.#listener) return;
    // A listener of our own, because a fault must be able to break the connection under the SMTP library.
    const listener = createServer((socket) => this.#greet(socket));
    listener.listen(this.wanted.port, HOST);
    await once(listener, 'listening');
    this.#listener = listener;
  }

  /** Safe to call twice. */
  async stop(): Promise<void> {
    const listener = this.#listener;
    if (!listener) return;
    this.#listener = undefined;
    const closed = once(listener, 'close');
    listener.close();
    for (const socket of this.#sockets.values()) socket.destroy();
    await closed;
  }

  #greet(socket: Socket): void {
    const port = socket.remotePort ?? 0;
    this.#sockets.set(port, socket);
    socket.on('close', () => this.#sockets.delete(port));
    this.#smtp.connect(socket);
  }

  #createSmtp(): SMTPServer {
    const server = new SMTPServer({
      banner: 'sandbox mail exchanger',
      // Loopback only: nobody listens in, and nobody logs in to deliver mail.
      disabledCommands: ['AUTH', 'STARTTLS'],
      disableReverseLookup: true,
      logger: false,
      size: MAX_MAIL_BYTES,
      closeTimeout: CLOSE_TIMEOUT_MS,
      onConnect: (_session, done) => done(this.#refusal('connect')),
      onMailFrom: (_address, _session, done) => done(this.#refusal('sender')),
      onRcptTo: (recipient, _session, done) => {
        if (!this.deps.knows(recipient.address)) return done(smtpError(550, 'no such mailbox here'));
        done(this.#refusal('recipient'));
      },
      onData: (stream, session, done) => {
        this.#receive(stream, session).then(
          (outcome) => {
            if (outcome !== 'silent') done(outcome === 'taken' ? null : outcome);
          },
          (error: unknown) => done(error instanceof Error ? error : new Error(String(error))),
        );
      },
    });
    server.on('error', () => {}); // a peer that went away mid-sentence; the sender tries again
    return server;
  }

  async #receive(
    stream: NodeJS.ReadableStream,
    session: SMTPServerSession,
  ): Promise<'taken' | 'silent' | Error> {
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(Buffer.from(chunk));
    const raw = Buffer.concat(chunks);
    const { mailFrom, rcptTo } = session.envelope;
    const envelope = {
      from: mailFrom === false ? '' : mailFrom.address,
      to: rcptTo.map((recipient) => recipient.address),
    };

    const refusal = this.#refusal('data');
    if (refusal) return refusal;
    const fault = this.#outcomeFault();
    if (!fault || fault.kept) await this.deps.deposit(raw, envelope); // invariant 1
    if (fault?.kind === 'drop-after-data') this.#sockets.get(session.remotePort)?.destroy();
    return fault ? 'silent' : 'taken';
  }

  #refusal(at: string): Error | null {
    const fault = this.#faults[0];
    if (fault?.kind !== 'refuse' || fault.at !== at) return null;
    this.#faults.shift();
    return smtpError(fault.code, 'told to refuse');
  }

  #outcomeFault(): Exclude<ExchangerFault, { kind: 'refuse' }> | undefined {
    const fault = this.#faults[0];
    if (!fault || fault.kind === 'refuse') return undefined;
    this.#faults.shift();
    return fault;
  }
}

function smtpError(responseCode: number, sentence: string): Error {
  return Object.assign(new Error(sentence), { responseCode });
}
