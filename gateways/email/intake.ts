/**
 * Takes one mail in, whichever way it came: reads it, finds out who sent it, hands it to the core.
 *
 * Invariants
 *   1. It resolves only when the core has stored the mail, or when there is nothing to store. A mail that cannot be
 *      read is logged here, once, and is no failure of the core.
 *   2. While the name service cannot say who sent it, a mail is not taken for a stranger's: it has to come again.
 */
import type { Readable } from 'node:stream';
import type { Clock } from '../../src/domain/clock.ts';
import { AppError } from '../../src/domain/errors.ts';
import type { Receive } from '../../src/domain/gateway.ts';
import { timeLimit } from '../../src/domain/time-limit.ts';
import type { Logger } from '../../src/observability/logger.ts';
import { type Authentication, Authenticator } from './authentication.ts';
import type { ReadyEmailSettings } from './config.ts';
import { toInbound } from './inbound.ts';
import { readMail, UnreadableMailError } from './mail-reader.ts';

/** Longest time one mail may take to arrive and be verified, in milliseconds. */
const READ_TIMEOUT_MS = 60_000;

export interface Envelope {
  readonly from: string;
  readonly to: readonly string[];
}

export type IntakeResult =
  | { readonly kind: 'taken' }
  /** Nobody is talking: our own mail, or one without an author. */
  | { readonly kind: 'ignored' }
  /** Reading it again would end the same way. */
  | { readonly kind: 'unreadable'; readonly reason: UnreadableMailError['reason'] };

/** Who sent the mail cannot be told now; it can be later. */
export class UnverifiedMailError extends AppError {
  override readonly code = 'UNVERIFIED_MAIL';
  override readonly retryable = true;

  constructor() {
    super('the name service did not say whether the mail is genuine');
  }
}

export class Intake {
  readonly #authenticator: Authenticator;

  constructor(
    private readonly settings: ReadyEmailSettings,
    private readonly deps: { readonly log: Logger; readonly clock: Clock },
    private readonly receive: Receive,
  ) {
    this.#authenticator = new Authenticator(settings.dns_server, deps.clock);
  }

  /**
   * `where` names the mail in the log. `arrivedAt` is now unless the mailbox knows better. On the `last` try a mail
   * whose sender cannot be told is taken as nobody's.
   *
   * @throws {UnverifiedMailError}
   * @throws what `receive` throws when the mail could not be stored, and what the source throws when it breaks off
   */
  async take(
    source: Readable,
    details: {
      readonly where: object;
      readonly envelope?: Envelope;
      readonly arrivedAt?: Date;
      readonly last?: boolean;
    },
  ): Promise<IntakeResult> {
    const { log } = this.deps;
    const inbound = await this.#read(source, details).catch((error: unknown) => {
      if (!(error instanceof UnreadableMailError)) throw error;
      log.warn(
        { ...details.where, reason: error.reason, cause: String(error.cause ?? '') },
        'a mail could not be read and was passed over',
      );
      return error;
    });
    if (inbound instanceof UnreadableMailError) return { kind: 'unreadable', reason: inbound.reason };
    if (!inbound) {
      log.info(details.where, 'a mail without an author, or our own, was passed over');
      return { kind: 'ignored' };
    }
    await this.receive(inbound);
    return { kind: 'taken' };
  }

  async #read(source: Readable, { where, envelope, arrivedAt, last }: Parameters<Intake['take']>[1]) {
    const check = this.#authenticator.begin();
    const mail = await readMail(
      source,
      { maxBytes: this.settings.max_size, listener: check.tap },
      timeLimit(READ_TIMEOUT_MS),
    );
    const authentication = await check.judge(mail.headers);
    if (isUndecided(authentication) && last !== true) throw new UnverifiedMailError();
    const at = arrivedAt ?? new Date(this.deps.clock.now());
    const inbound = translated(
      { mail, authentication, at, ...(envelope && { envelope }) },
      this.settings.address,
      this.settings.aliases,
    );
    this.deps.log.debug({ ...where, size: mail.size, authentication }, 'mail read');
    return inbound;
  }
}

function isUndecided(authentication: Authentication): boolean {
  return authentication.kind === 'unauthenticated' && authentication.reason === 'lookup-failed';
}

/** A mail that cannot be put into our words must not be tried for ever. */
function translated(...[arrival, own, aliases]: Parameters<typeof toInbound>): ReturnType<typeof toInbound> {
  try {
    return toInbound(arrival, own, aliases);
  } catch (error) {
    throw new UnreadableMailError('malformed', { cause: error });
  }
}
