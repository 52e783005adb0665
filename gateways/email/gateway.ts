/**
 * E-mail: a conversation is a mail thread, an account is an address.
 *
 * Mail goes out through an SMTP server and comes in from a mailbox (IMAP), from a mail server that delivers here
 * (SMTP or LMTP), or both; a mail that takes both ways has one id.
 */
import type { Clock } from '../../src/domain/clock.ts';
import { StartupError } from '../../src/domain/errors.ts';
import type { Bookmarks, CheckFinding, Gateway, Receive } from '../../src/domain/gateway.ts';
import type { AccountId } from '../../src/domain/ids.ts';
import type { Address, OutboundMessage, Sent } from '../../src/domain/message.ts';
import type { Logger } from '../../src/observability/logger.ts';
import { addressOf } from './addresses.ts';
import { MailClient } from './client.ts';
import { type EmailSettings, isReady, missingEmailSettings, type ReadyEmailSettings } from './config.ts';
import { ANSWER_TIMEOUT_MS, ImapReader } from './imap.ts';
import { EMAIL } from './inbound.ts';
import { Intake } from './intake.ts';
import { MailListener } from './listener.ts';
import { isPrivate, toMail } from './outbound.ts';

export interface EmailDeps {
  readonly log: Logger;
  readonly clock: Clock;
  readonly bookmarks: Bookmarks;
}

export class EmailGateway implements Gateway {
  readonly platform = EMAIL;
  readonly cannotEdit = true;
  readonly #settings: ReadyEmailSettings;
  readonly #client: MailClient;
  readonly #listener: MailListener | undefined;
  readonly #imap: ImapReader | undefined;

  /** @throws {StartupError} when the settings lack what every mail needs */
  constructor(
    settings: EmailSettings,
    private readonly deps: EmailDeps,
  ) {
    if (!isReady(settings)) {
      throw new StartupError(
        `the e-mail gateway lacks ${missingEmailSettings(settings).join(' and ')}`,
        'complete gateways.email in config/settings.yaml, or set its enabled to false',
      );
    }
    const { imap, listen } = settings.inbound;
    this.#settings = settings;
    this.#client = new MailClient(settings);
    this.#listener = listen && new MailListener(listen, settings, deps.log);
    this.#imap =
      imap &&
      new ImapReader(
        imap,
        { maxSize: settings.max_size, allowInsecure: settings.allow_insecure, answerMs: ANSWER_TIMEOUT_MS },
        deps,
      );
  }

  async start(receive: Receive): Promise<void> {
    const intake = new Intake(this.#settings, this.deps, receive);
    await this.#listener?.start(intake).catch((error: unknown) => {
      const { host, port } = this.#settings.inbound.listen ?? {};
      throw new StartupError(
        `cannot take mail on ${host}:${port}`,
        'choose another port in gateways.email.inbound.listen',
        {
          cause: error,
        },
      );
    });
    await this.#imap?.start(intake);
    const at = this.listening;
    if (at) this.deps.log.info({ ...at, protocol: this.#settings.inbound.listen?.protocol }, 'taking mail');
  }

  async stop(): Promise<void> {
    await Promise.all([this.#listener?.stop(), this.#imap?.stop()]);
    this.#client.close();
  }

  async send(message: OutboundMessage, signal: AbortSignal): Promise<Sent> {
    const mail = toMail(message, this.#settings);
    // Nothing worth a mail: the copy stays as it is.
    if (!mail) return { ref: 'replaces' in message.body ? (message.body.replaces ?? '') : '' };
    await this.#client.send(mail, signal);
    return { ref: mail.messageId };
  }

  directAddress(account: AccountId): Address {
    return { platform: EMAIL, route: { to: addressOf(account) } };
  }

  isPrivate(place: Address): boolean {
    return isPrivate(place);
  }

  /** A mailing list, say. */
  channelAddress(to: string): Address {
    return { platform: EMAIL, route: { to } };
  }

  /** Where mail is taken, once started; the port was chosen here if the settings say 0. */
  get listening(): { readonly host: string; readonly port: number } | undefined {
    return this.#listener?.address;
  }

  async check(): Promise<CheckFinding[]> {
    const { smtp, inbound } = this.#settings;
    return Promise.all([
      finding(`SMTP ${smtp.host}:${smtp.port}`, 'gateways.email.smtp', () => this.#client.verify()),
      ...(this.#imap && inbound.imap
        ? [
            finding(`IMAP ${inbound.imap.host}:${inbound.imap.port}`, 'gateways.email.inbound.imap', () =>
              this.#imap?.verify(),
            ),
          ]
        : []),
      ...(this.#listener && inbound.listen ? [this.#checkListener(inbound.listen)] : []),
    ]);
  }

  async #checkListener({
    host,
    port,
    protocol,
  }: {
    host: string;
    port: number;
    protocol: string;
  }): Promise<CheckFinding> {
    const subject = `${protocol.toUpperCase()} in on ${host}:${this.listening?.port ?? port}`;
    if (this.listening) return { subject, status: 'works', detail: 'taking mail' };
    const trial = new MailListener({ host, port, protocol: 'smtp' }, this.#settings, this.deps.log);
    return finding(subject, 'gateways.email.inbound.listen', async () => {
      const intake = new Intake(this.#settings, this.deps, async () => ({
        kind: 'ignored',
        reason: 'only a trial',
      }));
      await trial.start(intake);
      await trial.stop();
    });
  }
}

async function finding(
  subject: string,
  section: string,
  attempt: () => Promise<void> | undefined,
): Promise<CheckFinding> {
  try {
    await attempt();
    return { subject, status: 'works', detail: 'connected' };
  } catch (error) {
    const { detail, remedy } = explain(error, section);
    return { subject, status: 'failed', detail, remedy };
  }
}

function explain(error: unknown, section: string): { readonly detail: string; readonly remedy: string } {
  const detail = error instanceof Error ? error.message : String(error);
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const facts = `${detail} ${code} ${error instanceof Error && 'authenticationFailed' in error ? 'EAUTH' : ''}`;
  if (/EAUTH|authenticat|credentials/i.test(facts)) {
    return {
      detail,
      remedy: `check user, password or access_token in ${section}; many providers want an app password or OAuth`,
    };
  }
  if (/ECONNREFUSED|ENOTFOUND|ETIMEDOUT|EHOSTUNREACH|EAI_AGAIN|ECONNECTION|ESOCKET|timeout/i.test(facts)) {
    return { detail, remedy: `check host and port in ${section}, and that this machine may connect to it` };
  }
  if (/EADDRINUSE|EACCES|EADDRNOTAVAIL/i.test(facts))
    return { detail, remedy: `choose another host or port in ${section}` };
  if (/tls|certificate|ssl/i.test(facts)) return { detail, remedy: `check secure and ca in ${section}` };
  return { detail, remedy: `check ${section} in config/settings.yaml` };
}
