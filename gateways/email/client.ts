/**
 * Sending through an SMTP server. Its errors become ours:
 *
 *   refused for good (5xx for the recipient or the mail)   UndeliverableError
 *   asked to slow down (421, 4.7.x)                        RateLimitedError
 *   anything else                                          MailServerError, worth another try
 *
 * After an unknown outcome the same mail is sent again with the same Message-ID, which is how mailboxes know it.
 */
import { createTransport, type Transporter } from 'nodemailer';
import { z } from 'zod';
import { isLoopback } from '../../src/domain/encryption.ts';
import { AppError, RateLimitedError, UndeliverableError } from '../../src/domain/errors.ts';
import type { ReadyEmailSettings } from './config.ts';
import type { OutgoingMail } from './outbound.ts';

/** How long a server may take, in milliseconds: to be reached, to greet, and to say anything at all. */
const CONNECT_TIMEOUT_MS = 10_000;
const GREETING_TIMEOUT_MS = 10_000;
const SILENCE_TIMEOUT_MS = 30_000;

/** Connections kept open at the same time, and mails sent through one. Servers tolerate this without asking. */
const MAX_CONNECTIONS = 3;
const MAX_MAILS_PER_CONNECTION = 100;

/** Servers that say "later" seldom say when; greylisting commonly lasts a minute or more. */
const SLOW_DOWN_MS = 60_000;

/** The mail server could not be reached, or did not take the mail this time. */
export class MailServerError extends AppError {
  override readonly code = 'MAIL_SERVER';
  override readonly retryable = true;

  constructor(
    readonly reason: string,
    options?: ErrorOptions,
  ) {
    super(`the mail server did not take the mail: ${reason}`, options);
  }
}

/** What nodemailer's errors carry. */
const SendFailure = z.object({
  code: z.string().optional(),
  responseCode: z.number().optional(),
  response: z.string().optional(),
  message: z.string().catch('unknown error'),
});

export class MailClient {
  #transport: Transporter | undefined;

  constructor(private readonly settings: ReadyEmailSettings) {}

  /** Resolves once the server has taken the mail. */
  async send(mail: OutgoingMail, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    this.#transport ??= this.#open();
    try {
      await abortable(this.#transport.sendMail(toMessage(mail)), signal);
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      throw toOurError(error);
    }
  }

  /** Connects, greets, encrypts and signs in; sends nothing. */
  async verify(): Promise<void> {
    const transport = this.#open();
    try {
      await transport.verify();
    } finally {
      transport.close();
    }
  }

  close(): void {
    this.#transport?.close();
    this.#transport = undefined;
  }

  #open(): Transporter {
    const { smtp, dkim, allow_insecure } = this.settings;
    const local = isLoopback(smtp.host);
    return createTransport({
      pool: true,
      maxConnections: MAX_CONNECTIONS,
      maxMessages: MAX_MAILS_PER_CONNECTION,
      host: smtp.host,
      port: smtp.port,
      secure: smtp.secure,
      // OM-190: beyond this machine nothing is said in the clear, unless that was asked for.
      requireTLS: !smtp.secure && !local && !allow_insecure,
      ignoreTLS: !smtp.secure && local && smtp.ca === undefined,
      ...(smtp.ca === undefined ? {} : { tls: { ca: smtp.ca } }),
      ...credentials(smtp),
      ...(dkim && {
        dkim: { domainName: dkim.domain, keySelector: dkim.selector, privateKey: dkim.private_key },
      }),
      connectionTimeout: CONNECT_TIMEOUT_MS,
      greetingTimeout: GREETING_TIMEOUT_MS,
      socketTimeout: SILENCE_TIMEOUT_MS,
      // No text can make us read a file or fetch an address.
      disableFileAccess: true,
      disableUrlAccess: true,
    });
  }
}

function toMessage({ references, attachments, ...mail }: OutgoingMail) {
  return { ...mail, references: [...references], attachments: [...attachments] };
}

function credentials({ user, password, access_token }: ReadyEmailSettings['smtp']) {
  if (user === undefined) return {};
  return access_token === undefined
    ? { auth: { user, pass: password ?? '' } }
    : { auth: { type: 'OAuth2' as const, user, accessToken: access_token } };
}

function toOurError(error: unknown): Error {
  const { code, responseCode, response, message } = SendFailure.parse(error);
  const said = response ?? message;
  if (responseCode !== undefined && responseCode >= 500 && isAboutTheMail(code, responseCode)) {
    return new UndeliverableError('email', said, { cause: error });
  }
  if (responseCode === 421 || /^4\d\d[ -]4\.7\./.test(said)) {
    return new RateLimitedError('email', SLOW_DOWN_MS, { cause: error });
  }
  return new MailServerError(said, { cause: error });
}

/** A wrong password or a missing certificate is ours to mend, not a reason to give the mail up. RFC 4954, 6. */
function isAboutTheMail(code: string | undefined, responseCode: number): boolean {
  return (code === 'EENVELOPE' || code === 'EMESSAGE') && ![530, 534, 535, 538].includes(responseCode);
}

/** nodemailer cannot be told to stop; whoever waits can. */
async function abortable<Result>(work: Promise<Result>, signal: AbortSignal): Promise<Result> {
  let stop = () => {};
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
  });
  work.catch(() => {}); // if nobody waits any more
  return Promise.race([work, aborted]).finally(() => signal.removeEventListener('abort', stop));
}
