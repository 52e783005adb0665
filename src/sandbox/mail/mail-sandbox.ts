/**
 * The sandbox's mail: a small internet of two domains with people in it, and the gateway as a third.
 *
 *   gateway ──SMTP──▶ exchanger ──▶ mailboxes of corp.test and evil.test
 *   people ──▶ delivery queue ──SMTP, DKIM-signed──▶ the gateway's own listener
 *
 * Owns      the mailboxes, and what the domains publish about themselves (MX, SPF, DMARC).
 * Not here  keys (`domain-keys.ts`), attempts (`delivery-queue.ts`), the receiving side (`mail-exchanger.ts`).
 *
 * Invariants
 *   1. A mail is in the journal before its sender is told that it was taken.
 *   2. A mailbox holds a Message-ID once; a repeat is counted, not shown twice.
 *   3. A mail from a sandbox domain is signed by that domain unless a test asks for something else.
 *
 * All domains send from the same loopback address, and all allow it in SPF, as customers of one mail provider do:
 * here, too, SPF says nothing about which of them wrote a mail. Only DKIM does.
 */
import { randomUUID } from 'node:crypto';
import MailComposer from 'nodemailer/lib/mail-composer';
import { z } from 'zod';
import type { Clock } from '../../domain/clock.ts';
import type { DnsServer } from '../dns/dns-server.ts';
import type { Journal } from '../journal.ts';
import { type Delivery, DeliveryQueue, domainOf, type RetryPace } from './delivery-queue.ts';
import { DomainKeys } from './domain-keys.ts';
import {
  bodyLength,
  OUT_OF_OFFICE_HEADERS,
  toBounce,
  toOutOfOffice,
  withHeaderInFront,
  withTextAppended,
} from './forgery.ts';
import { type Envelope, type Mail, parseMail } from './mail.ts';
import { type ExchangerFault, MailExchanger } from './mail-exchanger.ts';
import { type Quoting, type ReplyStyle, toReplySubject, toReplyText } from './reply-text.ts';

const JOURNAL_KIND = 'mail';

/** How long a mail that the gateway did not accept waits for another attempt. */
const DEFAULT_PACE: RetryPace = { firstMs: 250, mostMs: 2_000 };

/** What signers should use at least. RFC 8301, 3.2. */
const DEFAULT_KEY_BITS = 2048;

/** How long `until` waits before it says what it saw instead. */
const UNTIL_TIMEOUT_MS = 10_000;

const Arrival = z.object({
  raw: z.string(),
  envelope: z.object({ from: z.string(), to: z.array(z.string()).readonly() }),
  at: z.number(),
});
type Arrival = z.infer<typeof Arrival>;

export interface MailPerson {
  readonly name: string;
  readonly mail: string;
}

export interface MailSandboxDeps {
  readonly journal: Journal;
  readonly dns: DnsServer;
  readonly clock: Clock;
  readonly people: readonly MailPerson[];
  /** The gateway's own address; everything at its domain goes to the gateway. */
  readonly gatewayAddress: string;
}

export interface MailSandboxOptions {
  /** Port of the exchanger; 0 takes any free one. */
  readonly smtpPort?: number;
  readonly pace?: RetryPace;
  /** Size of the DKIM keys, default 2048. 1024, the least that verifiers accept, is made much faster. */
  readonly keyBits?: number;
}

/** Whether a signature by a parent or sub-domain counts as the domain's own. RFC 7489, 3.1. */
export type Alignment = 'strict' | 'relaxed';

/** A file in a mail; one with a `cid` is shown by the HTML. */
export interface WrittenFile {
  readonly name: string;
  readonly mediaType: string;
  readonly bytes: Uint8Array;
  readonly cid?: string;
}

export interface WrittenMail {
  readonly from: string;
  readonly to: string | readonly string[];
  readonly cc?: string | readonly string[];
  readonly subject: string;
  readonly text: string;
  readonly html?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly files?: readonly WrittenFile[];
}

export interface ReplyOptions {
  /** Who answers; the owner of the mailbox the mail lies in when absent. May be anybody: mails get forwarded. */
  readonly from?: string;
  readonly line: string;
  readonly quoting: Quoting;
  /** Default `gmail`. */
  readonly style?: ReplyStyle;
  /** A domain other than the sender's own, or `nobody`. */
  readonly signedBy?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Forgery {
  /** As it stands in the header, name and all; several make several From headers, the last one nearest the body. */
  readonly from: string | readonly string[];
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly html?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Which domain signs; `nobody` when absent. With several From headers only the last one is covered. */
  readonly signedBy?: string;
  /** Added behind the signed body, which is then signed with `l=`, so that the signature still holds. */
  readonly appended?: string;
  /** `MAIL FROM`; the outsider's own when absent. */
  readonly envelopeFrom?: string;
}

export class MailSandbox {
  readonly #exchanger: MailExchanger;
  readonly #queue: DeliveryQueue;
  readonly #keys: DomainKeys;
  readonly #mailboxes = new Map<string, Mail[]>();
  readonly #repeats = new Map<string, number>();
  readonly #listeners = new Set<() => void>();

  constructor(
    private readonly deps: MailSandboxDeps,
    options: MailSandboxOptions = {},
  ) {
    for (const { mail } of deps.people) this.#mailboxes.set(mail, []);
    this.#keys = new DomainKeys(deps.journal, deps.dns, options.keyBits ?? DEFAULT_KEY_BITS);
    this.#exchanger = new MailExchanger(
      {
        knows: (address) => this.#mailboxes.has(baseAddress(address)),
        deposit: (raw, envelope) => this.#arrive(raw, envelope),
      },
      { port: options.smtpPort ?? 0 },
    );
    this.#queue = new DeliveryQueue({
      journal: deps.journal,
      clock: deps.clock,
      pace: options.pace ?? DEFAULT_PACE,
      changed: () => this.#changed(),
      refused: (delivery) => this.#returnToSender(delivery),
    });
  }

  /** What the gateway needs in its environment. Throws before `start`. */
  get env(): Record<string, string> {
    return {
      SMTP_HOST: this.#exchanger.host,
      SMTP_PORT: String(this.#exchanger.port),
      MAIL_DNS_SERVER: this.deps.dns.address,
      MAIL_ADDRESS: this.deps.gatewayAddress,
      MAIL_DOMAIN: domainOf(this.deps.gatewayAddress),
    };
  }

  /** Reads what was kept, publishes what the domains say about themselves, and listens. */
  async start(): Promise<void> {
    for (const { mail } of this.deps.people) this.#mailboxes.set(mail, []);
    for (const record of this.deps.journal.replay(JOURNAL_KIND)) {
      const { raw, envelope, at } = Arrival.parse(record);
      this.#deposit(await parseMail(Buffer.from(raw, 'latin1'), envelope, new Date(at)));
    }
    this.#publishDomains();
    this.#keys.start();
    await this.#exchanger.start();
    this.#queue.start();
  }

  /** Safe to call twice. */
  async stop(): Promise<void> {
    await this.#queue.stop();
    await this.#exchanger.stop();
  }

  /** Where the gateway listens for mail; what waits for it is delivered now. */
  connectGateway(gateway: { host: string; port: number }): void {
    this.#queue.connect(gateway);
  }

  /** Everybody's addresses. */
  get addresses(): string[] {
    return [...this.#mailboxes.keys()];
  }

  /** What lies in somebody's mailbox, oldest first. Throws when nobody has that address. */
  mailbox(address: string): Mail[] {
    const mails = this.#mailboxes.get(baseAddress(address));
    if (!mails) throw new Error(`nobody in the sandbox has the address ${address}`);
    return [...mails];
  }

  /** How often the mail with this Message-ID came again to this mailbox after the first time. */
  repeats(address: string, messageId: string): number {
    return this.#repeats.get(repeatKey(baseAddress(address), messageId)) ?? 0;
  }

  /** What people sent to the gateway, oldest first, and how far each got. */
  get deliveries(): Delivery[] {
    return this.#queue.deliveries;
  }

  /** Calls `listener` after every change of a mailbox or a delivery; returns how to stop that. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Resolves with the first truthy value of `predicate`, which is asked now and after every change.
   * Rejects after `timeoutMs` (default 10 s) and then says what is in the mailboxes.
   */
  async until<T>(predicate: () => T, timeoutMs = UNTIL_TIMEOUT_MS): Promise<NonNullable<T>> {
    const given = predicate();
    if (given) return given;
    return new Promise((resolve, reject) => {
      const end = () => {
        clearTimeout(timer);
        silence();
      };
      const timer = setTimeout(() => {
        end();
        reject(new Error(`it did not happen within ${timeoutMs} ms; there is:\n${this.#overview()}`));
      }, timeoutMs);
      const silence = this.onChange(() => {
        try {
          const value = predicate();
          if (!value) return;
          end();
          resolve(value);
        } catch (error) {
          end();
          reject(error); // the asker's mistake must not stop the mail
        }
      });
    });
  }

  /** Resolves once the gateway has accepted or refused the mail. */
  settled(delivery: Delivery, timeoutMs = UNTIL_TIMEOUT_MS): Promise<Delivery> {
    return this.until(() => {
      const now = this.#queue.find(delivery.id) ?? delivery;
      return now.state === 'queued' ? undefined : now;
    }, timeoutMs);
  }

  /** Lets the next mails that the gateway sends meet a failure. */
  fault(fault: ExchangerFault, times = 1): void {
    this.#exchanger.fault(fault, times);
  }

  heal(): void {
    this.#exchanger.heal();
  }

  /** What the domain's DMARC record asks of a signature's domain. `relaxed` until told otherwise. */
  align(domain: string, alignment: Alignment): void {
    const mode = alignment === 'strict' ? 's' : 'r';
    this.deps.dns.withdraw(`_dmarc.${domain}`, 'TXT');
    this.deps.dns.publish(`_dmarc.${domain}`, {
      type: 'TXT',
      text: `v=DMARC1; p=reject; adkim=${mode}; aspf=${mode}`,
    });
  }

  /** Somebody writes a mail. Resolves once it is queued (and lies in the mailboxes of its other readers). */
  async send(mail: WrittenMail): Promise<Delivery> {
    const sender = this.#person(mail.from);
    const raw = await compose({
      ...mail,
      from: `${sender.name} <${sender.mail}>`,
      messageId: this.#newMessageId(sender.mail),
      date: new Date(this.deps.clock.now()),
    });
    const recipients = [mail.to, mail.cc ?? []].flat();
    return this.#dispatch(await this.#signed(raw, domainOf(sender.mail)), {
      from: sender.mail,
      to: recipients,
    });
  }

  /** Somebody answers a mail as their mail program does it. */
  async reply(mail: Mail, options: ReplyOptions): Promise<Delivery> {
    const sender = this.#person(options.from ?? this.#ownerOf(mail));
    const raw = await compose({
      from: `${sender.name} <${sender.mail}>`,
      to: mail.replyTo,
      subject: toReplySubject(mail.subject),
      ...toReplyText(mail, options.line, options.style ?? 'gmail', options.quoting),
      ...threadHeaders(mail),
      messageId: this.#newMessageId(sender.mail),
      date: new Date(this.deps.clock.now()),
      ...(options.headers && { headers: options.headers }),
    });
    return this.#dispatch(await this.#signed(raw, options.signedBy ?? domainOf(sender.mail)), {
      from: sender.mail,
      to: [mail.replyTo],
    });
  }

  /** A mail that claims what it likes. */
  async forge(forgery: Forgery): Promise<Delivery> {
    const authors = [forgery.from].flat();
    const author = authors.at(-1);
    if (author === undefined) throw new Error('a mail needs at least one From');
    const envelopeFrom = forgery.envelopeFrom ?? this.#outsider();

    const raw = await compose({
      ...forgery,
      from: author,
      messageId: this.#newMessageId(envelopeFrom),
      date: new Date(this.deps.clock.now()),
    });
    const limit = forgery.appended === undefined ? undefined : bodyLength(raw);
    const signed = await this.#signed(raw, forgery.signedBy ?? 'nobody', limit);
    const complete = forgery.appended === undefined ? signed : withTextAppended(signed, forgery.appended);
    const claimed = authors
      .slice(0, -1)
      .reduceRight((bytes, from) => withHeaderInFront(bytes, 'From', from), complete);
    return this.#dispatch(claimed, { from: envelopeFrom, to: [forgery.to] });
  }

  /** The mail is answered by a machine, signed properly, with the whole original quoted. */
  async outOfOffice(mail: Mail, text = 'I am away until Monday and read no mail.'): Promise<Delivery> {
    const owner = this.#person(this.#ownerOf(mail));
    const raw = await compose({
      from: `${owner.name} <${owner.mail}>`,
      to: mail.replyTo,
      ...toOutOfOffice(mail, text),
      ...threadHeaders(mail),
      headers: OUT_OF_OFFICE_HEADERS,
      messageId: this.#newMessageId(owner.mail),
      date: new Date(this.deps.clock.now()),
    });
    // An answering machine answers to nobody. RFC 3834, 3.3.
    return this.#dispatch(await this.#signed(raw, domainOf(owner.mail)), { from: '', to: [mail.replyTo] });
  }

  /** The mail comes back from the mail server of the one it was sent to, with an empty return path. */
  async bounce(mail: Mail, diagnostic = '550 5.1.1 no such mailbox here'): Promise<Delivery> {
    const owner = this.#ownerOf(mail);
    const domain = domainOf(owner);
    const to = mail.envelope.from === '' ? mail.from : mail.envelope.from;
    const raw = toBounce(mail, {
      reporter: `mailer-daemon@${domain}`,
      to,
      recipient: owner,
      status: '5.1.1',
      diagnostic,
      messageId: this.#newMessageId(`mailer-daemon@${domain}`),
      date: new Date(this.deps.clock.now()),
    });
    return this.#dispatch(await this.#signed(raw, domain), { from: '', to: [to] });
  }

  /** Any bytes, as they are. */
  raw(bytes: Buffer, envelope: Envelope): Promise<Delivery> {
    return this.#dispatch(bytes, envelope);
  }

  /** The very same bytes once more, whether the first were accepted or not: a replay, or a careless mail server. */
  resend(delivery: Delivery, envelope: Envelope = delivery.envelope): Promise<Delivery> {
    return this.#dispatch(this.#queue.rawOf(delivery.id), envelope);
  }

  async #dispatch(raw: Buffer, envelope: Envelope): Promise<Delivery> {
    const gateway = domainOf(this.deps.gatewayAddress);
    const [outside, inside] = partition(envelope.to, (address) => domainOf(address) === gateway);
    for (const address of inside) this.mailbox(address); // throws when nobody has it, before anything is sent
    if (inside.length > 0) await this.#arrive(raw, { from: envelope.from, to: inside });

    const mail = await parseMail(raw, envelope, new Date(this.deps.clock.now()));
    const sent = {
      // Bounces and answering machines have an empty envelope sender; they still are somebody's.
      sender: envelope.from === '' ? mail.from : envelope.from,
      envelope: { from: envelope.from, to: outside },
      subject: mail.subject,
      messageId: mail.messageId,
    };
    if (outside.length > 0) return this.#queue.enqueue({ ...sent, raw: mail.raw });
    return {
      ...sent,
      id: 'inside',
      queuedAt: mail.date,
      state: 'accepted',
      attempts: 0,
      lastAnswer: undefined,
    };
  }

  async #arrive(raw: Buffer, envelope: Envelope): Promise<void> {
    const at = this.deps.clock.now();
    const mail = await parseMail(raw, envelope, new Date(at));
    // In one step, so that mails lie in the order of the journal.
    this.deps.journal.append(JOURNAL_KIND, { raw: mail.raw, envelope, at } satisfies Arrival); // invariant 1
    this.#deposit(mail);
    this.#changed();
  }

  #deposit(mail: Mail): void {
    for (const address of new Set(mail.envelope.to.map(baseAddress))) {
      const mails = this.#mailboxes.get(address);
      if (!mails) continue; // a person who was removed since
      if (mail.messageId !== '' && mails.some((other) => other.messageId === mail.messageId)) {
        const key = repeatKey(address, mail.messageId);
        this.#repeats.set(key, (this.#repeats.get(key) ?? 0) + 1); // invariant 2
      } else {
        mails.push(mail);
      }
    }
  }

  /** The gateway refused a mail for good: its author finds a note, as every mail server leaves one. */
  async #returnToSender(delivery: Delivery): Promise<void> {
    if (delivery.envelope.from === '' || !this.#mailboxes.has(baseAddress(delivery.envelope.from))) return;
    const original = await parseMail(
      this.#queue.rawOf(delivery.id),
      delivery.envelope,
      new Date(delivery.queuedAt),
    );
    const domain = domainOf(delivery.envelope.from);
    const raw = toBounce(original, {
      reporter: `mailer-daemon@${domain}`,
      to: delivery.envelope.from,
      recipient: delivery.envelope.to.join(', '),
      status: '5.0.0',
      diagnostic: delivery.lastAnswer ?? '',
      messageId: this.#newMessageId(`mailer-daemon@${domain}`),
      date: new Date(this.deps.clock.now()),
    });
    await this.#arrive(raw, { from: '', to: [delivery.envelope.from] });
  }

  #signed(raw: Buffer, domain: string, bodyLimit?: number): Promise<Buffer> {
    return domain === 'nobody' ? Promise.resolve(raw) : this.#keys.sign(raw, domain, bodyLimit);
  }

  #publishDomains(): void {
    const domains = new Set([...this.addresses, this.deps.gatewayAddress].map(domainOf));
    for (const domain of domains) {
      const { dns } = this.deps;
      dns.publish(domain, { type: 'MX', priority: 10, exchange: `mx.${domain}` });
      dns.publish(`mx.${domain}`, { type: 'A', address: this.#exchanger.host });
      dns.publish(domain, { type: 'TXT', text: `v=spf1 ip4:${this.#exchanger.host} -all` });
      this.align(domain, 'relaxed');
    }
  }

  #person(address: string): MailPerson {
    const person = this.deps.people.find((each) => each.mail === baseAddress(address));
    if (!person) throw new Error(`nobody in the sandbox has the address ${address}`);
    return { name: person.name, mail: address };
  }

  /** Whose copy of the mail this is: the first of its recipients who lives here. */
  #ownerOf(mail: Mail): string {
    const owner = mail.envelope.to.map(baseAddress).find((address) => this.#mailboxes.has(address));
    if (owner === undefined) throw new Error(`the mail ${mail.messageId} lies in nobody's mailbox`);
    return owner;
  }

  /** The last of the people is the one who belongs to another domain than the first. */
  #outsider(): string {
    const home = domainOf(this.addresses[0] ?? '');
    return this.addresses.find((address) => domainOf(address) !== home) ?? this.addresses[0] ?? '';
  }

  #newMessageId(sender: string): string {
    return `<${randomUUID()}@${domainOf(sender)}>`;
  }

  #changed(): void {
    for (const listener of [...this.#listeners]) listener();
  }

  #overview(): string {
    const boxes = this.addresses.map(
      (address) =>
        `${address}: ${this.mailbox(address)
          .map((mail) => JSON.stringify(mail.subject))
          .join(', ')}`,
    );
    const sent = this.deliveries.map(
      ({ id, subject, state, lastAnswer }) =>
        `${id} ${JSON.stringify(subject)}: ${state} ${lastAnswer ?? ''}`,
    );
    return [...boxes, ...sent].join('\n');
  }
}

interface ComposedMail {
  readonly from: string;
  readonly to: string | readonly string[];
  readonly cc?: string | readonly string[];
  readonly subject: string;
  readonly text: string;
  readonly html?: string;
  readonly inReplyTo?: string;
  readonly references?: readonly string[];
  readonly messageId: string;
  readonly date: Date;
  readonly headers?: Readonly<Record<string, string>>;
  readonly files?: readonly WrittenFile[];
}

async function compose(mail: ComposedMail): Promise<Buffer> {
  const composer = new MailComposer({
    from: mail.from,
    to: [mail.to].flat(),
    cc: [mail.cc ?? []].flat(),
    subject: mail.subject,
    text: mail.text,
    html: mail.html,
    inReplyTo: mail.inReplyTo,
    references: mail.references && [...mail.references],
    messageId: mail.messageId,
    date: mail.date,
    headers: { ...mail.headers },
    attachments: (mail.files ?? []).map(({ name, mediaType, bytes, cid }) => ({
      filename: name,
      contentType: mediaType,
      content: Buffer.from(bytes),
      ...(cid === undefined ? {} : { cid, contentDisposition: 'inline' as const }),
    })),
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  const raw = await composer.compile().build();
  return raw.subarray(-2).toString() === '\r\n' ? raw : Buffer.concat([raw, Buffer.from('\r\n')]);
}

/** The headers that tie an answer to what it answers. RFC 5322, 3.6.4. */
function threadHeaders(mail: Mail): { inReplyTo: string; references: string[] } {
  return { inReplyTo: mail.messageId, references: [...mail.references, mail.messageId] };
}

/** Lower case, and without what follows a plus: where the mail really goes. */
function baseAddress(address: string): string {
  return address.toLowerCase().replace(/\+[^@]*@/, '@');
}

function repeatKey(address: string, messageId: string): string {
  return `${address} ${messageId}`;
}

function partition<T>(items: readonly T[], matches: (item: T) => boolean): [T[], T[]] {
  return [items.filter(matches), items.filter((item) => !matches(item))];
}
