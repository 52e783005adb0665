/**
 * A small SMTP or LMTP server for a mail server to deliver to.
 *
 * Invariants
 *   1. It takes mail for our own addresses and their tags, and for nobody else: it relays nothing.
 *   2. It says 250 only after the mail is stored, and 451 when it could not be, or when nobody can say who sent it,
 *      so that it is delivered again.
 *   3. What it cannot read it refuses for good, so that the sender learns of it.
 */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import {
  SMTPServer,
  type SMTPServerAddress,
  type SMTPServerDataStream,
  type SMTPServerSession,
} from 'smtp-server';
import type { Logger } from '../../src/observability/logger.ts';
import { domainOf, matchOwn } from './addresses.ts';
import type { ListenSettings, ReadyEmailSettings } from './config.ts';
import { type Intake, type IntakeResult, UnverifiedMailError } from './intake.ts';

/** Clients at the same time, recipients of one mail, and mails over one connection: far above what one MTA needs. */
const MAX_CLIENTS = 50;
const MAX_RECIPIENTS = 20;
const MAX_MAILS_PER_CONNECTION = 200;

/** How long a client may be silent, in milliseconds. RFC 5321 would allow minutes; a local MTA needs none. */
const SILENCE_TIMEOUT_MS = 60_000;

/** How long a client in the middle of a mail may take when we stop. */
const CLOSE_TIMEOUT_MS = 5_000;

export class MailListener {
  #server: SMTPServer | undefined;
  readonly #taking = new Set<Promise<void>>();

  constructor(
    private readonly listen: ListenSettings,
    private readonly settings: ReadyEmailSettings,
    private readonly log: Logger,
  ) {}

  /** Resolves once it listens; rejects when it cannot. */
  async start(intake: Intake): Promise<void> {
    const server = new SMTPServer({
      name: domainOf(this.settings.address),
      banner: this.settings.name,
      lmtp: this.listen.protocol === 'lmtp',
      size: this.settings.max_size,
      authOptional: true,
      disabledCommands: this.listen.tls ? ['AUTH'] : ['AUTH', 'STARTTLS'],
      ...this.listen.tls,
      disableReverseLookup: true,
      maxClients: MAX_CLIENTS,
      socketTimeout: SILENCE_TIMEOUT_MS,
      closeTimeout: CLOSE_TIMEOUT_MS,
      onMailFrom: (_address, session, done) => done(refusalOfTransaction(session)),
      onRcptTo: (address, session, done) => done(this.#refusalOf(address, session)),
      onData: (stream, session, done) => this.#track(this.#take(intake, stream, session, done)),
    });
    server.on('error', (error: Error) => this.log.warn({ error: error.message }, 'a mail connection broke'));
    this.#server = server;
    const net = server.listen(this.listen.port, this.listen.host);
    if (!net.listening) await once(net, 'listening');
  }

  /** Where it listens; undefined before `start` and after `stop`. */
  get address(): { readonly host: string; readonly port: number } | undefined {
    // A server on a host and port has an AddressInfo, never a pipe's name.
    const bound = this.#server?.server.address() as AddressInfo | null | undefined;
    return bound ? { host: bound.address, port: bound.port } : undefined;
  }

  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (!server) return;
    const closed = new Promise<void>((resolve) => {
      server.close(() => resolve());
    });
    await Promise.all(this.#taking);
    for (const connection of server.connections) connection.close();
    await closed;
  }

  #refusalOf({ address }: SMTPServerAddress, session: SMTPServerSession): Error | null {
    if (session.envelope.rcptTo.length >= MAX_RECIPIENTS) return reply(452, '4.5.3 Too many recipients');
    const { aliases } = this.settings;
    const [own] = [this.settings.address, ...aliases].flatMap((ours) => matchOwn(ours, address) ?? []);
    const accepted = own !== undefined && (own.tag === undefined || this.settings.plus_addressing);
    return accepted ? null : reply(550, '5.1.1 No such address here');
  }

  async #take(
    intake: Intake,
    stream: SMTPServerDataStream,
    session: SMTPServerSession,
    done: (error?: Error | null, message?: string) => void,
  ): Promise<void> {
    try {
      const result = await intake.take(stream, {
        where: { from: fromOf(session), client: session.remoteAddress },
        envelope: { from: fromOf(session), to: session.envelope.rcptTo.map(({ address }) => address) },
      });
      await drained(stream);
      const refusal = refusalOf(result);
      if (refusal) done(refusal);
      else done(null, 'Ok: stored');
    } catch (error) {
      const answer = this.#toLater(error, session);
      await drained(stream);
      done(answer);
    }
  }

  #toLater(error: unknown, { remoteAddress: client }: SMTPServerSession): Error {
    if (error instanceof UnverifiedMailError) {
      this.log.warn(
        { client },
        'who sent a mail could not be looked up; its sender was asked to try again. Is the name service (DNS) well?',
      );
      return reply(451, '4.7.5 The sender cannot be verified now, please try again');
    }
    this.log.error({ error, client }, 'a mail could not be stored; its sender was asked to try again');
    return reply(451, '4.3.0 Not stored, please try again');
  }

  #track(work: Promise<void>): void {
    this.#taking.add(work);
    work.finally(() => this.#taking.delete(work)).catch(() => {}); // #take answers every failure itself
  }
}

function refusalOfTransaction(session: SMTPServerSession): Error | null {
  return session.transaction > MAX_MAILS_PER_CONNECTION
    ? reply(421, '4.7.0 Too many mails on one connection')
    : null;
}

function refusalOf(result: IntakeResult): Error | undefined {
  if (result.kind !== 'unreadable') return undefined;
  switch (result.reason) {
    case 'too-large':
      return reply(552, '5.3.4 Too large');
    case 'malformed':
      return reply(554, '5.6.0 Not a mail that can be read');
    case 'too-slow':
      return reply(451, '4.4.2 Took too long');
    default:
      return result.reason satisfies never;
  }
}

function fromOf(session: SMTPServerSession): string {
  return session.envelope.mailFrom ? session.envelope.mailFrom.address : '';
}

/** The protocol goes on only after the last byte of a mail, wanted or not. */
async function drained(stream: SMTPServerDataStream): Promise<void> {
  if (stream.readableEnded || stream.destroyed) return;
  stream.resume();
  await once(stream, 'end').catch(() => {}); // the client is gone; there is nobody to answer
}

function reply(responseCode: number, message: string): Error {
  return Object.assign(new Error(message), { responseCode });
}
