import { EventEmitter, once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import { createInterface } from 'node:readline';
import { buffer } from 'node:stream/consumers';
import { createTransport } from 'nodemailer';
import { SMTPServer } from 'smtp-server';
import { afterAll, beforeAll, it } from 'vitest';
import { type EmailSettings, ImapSettings, ListenSettings } from '../../gateways/email/config.ts';
import type { EmailGateway } from '../../gateways/email/gateway.ts';
import type { Inbound, OutFile } from '../../src/domain/message.ts';
import { DnsServer } from '../../src/sandbox/dns/dns-server.ts';
import { Journal } from '../../src/sandbox/journal.ts';
import type { Delivery } from '../../src/sandbox/mail/delivery-queue.ts';
import type { Mail } from '../../src/sandbox/mail/mail.ts';
import { MailSandbox } from '../../src/sandbox/mail/mail-sandbox.ts';
import { ALEX, BOT, DANA, EVE, PEOPLE } from '../../src/sandbox/people.ts';
import { Dovecot, dovecotProblem, MAILBOX_PASSWORD } from '../support/dovecot.ts';
import { emailGateway, emailSettings } from '../support/email.ts';
import { describeGateway } from './gateway.contract.ts';
import type { Lacks, PlatformWorld, Said } from './platform-world.ts';

const clock = { now: () => Date.now() };

const LACKS: Lacks = {
  edits: 'a mail that was sent stays as it is',
  loops: 'what a machine sends is never answered',
  progress: 'a mail that was sent stays as it is',
  splitting: 'a mail may be as long as it likes',
  'rate limit': 'a mail server says only that it is busy, not for how long',
};

describeGateway('e-mail (delivered here)', () => openMailWorld(openListener), LACKS);

const problem = dovecotProblem();
if (problem) it.skip(`the e-mail (mailbox) gateway: ${problem}`, () => {});
else {
  const dovecot = new Dovecot();
  let mailboxes = 0;
  beforeAll(() => dovecot.start());
  afterAll(() => dovecot.dispose());
  const openOwn = () => openMailbox(dovecot, `world-${++mailboxes}@gateway.test`);
  describeGateway('e-mail (mailbox)', () => openMailWorld(openOwn), LACKS);
}

/** How mail comes to the gateway. */
interface WayIn {
  readonly inbound: EmailSettings['inbound'];
  /** Where the mail servers of the people deliver, once the gateway has started. */
  address(gateway: EmailGateway): { readonly host: string; readonly port: number };
  /** Any bytes, all of them. Rejects when one is asked for again. */
  pour(gateway: EmailGateway, mails: readonly Buffer[]): Promise<void>;
  /** The connection breaks. Resolves when it can be made again. */
  drop(gateway: EmailGateway): Promise<void>;
  close(): Promise<void>;
}

/** The gateway takes mail by SMTP. */
async function openListener(): Promise<WayIn> {
  const address = ({ listening }: EmailGateway) => {
    if (!listening) throw new Error('the gateway does not listen');
    return listening;
  };
  return {
    inbound: { listen: ListenSettings.parse({}) },
    address,
    pour: async (gateway, mails) => {
      const client = createTransport({ ...address(gateway), pool: true, maxConnections: 8, ignoreTLS: true });
      const sent = mails.map((raw) => client.sendMail({ envelope: { from: EVE.mail, to: BOT.mail }, raw }));
      const refusals = (await Promise.allSettled(sent)).flatMap((each) =>
        each.status === 'rejected' ? [each.reason] : [],
      );
      client.close();
      const again = refusals.find(({ responseCode }) => responseCode < 500);
      if (again) throw again;
    },
    drop: async (gateway) => {
      // In the middle of a mail, which is not stored then.
      const { host, port } = address(gateway);
      const socket = connect(port, host);
      const replies = createInterface({ input: socket })[Symbol.asyncIterator]();
      const answer = async () => (await replies.next()).value ?? '';
      await answer();
      for (const line of ['HELO mail.test', `MAIL FROM:<${ALEX.mail}>`, `RCPT TO:<${BOT.mail}>`, 'DATA']) {
        socket.write(`${line}\r\n`);
        await answer();
      }
      socket.write(`From: ${ALEX.mail}\r\n\r\nhalf of`);
      socket.resetAndDestroy();
      await once(socket, 'close');
    },
    close: async () => undefined,
  };
}

/** The gateway reads a mailbox by IMAP, to which a mail server delivers. */
async function openMailbox(dovecot: Dovecot, to: string): Promise<WayIn> {
  const server = new SMTPServer({
    disabledCommands: ['AUTH', 'STARTTLS'],
    disableReverseLookup: true,
    onData: (stream, session, done) => {
      const from = session.envelope.mailFrom ? session.envelope.mailFrom.address : '';
      buffer(stream)
        .then((raw) => dovecot.deliver(raw, { from, to }))
        .then(() => done(), done);
    },
  });
  const listening = server.listen(0, '127.0.0.1');
  await once(listening, 'listening');
  return {
    inbound: {
      imap: ImapSettings.parse({
        host: '127.0.0.1',
        port: dovecot.imapPort,
        secure: false,
        user: to,
        password: MAILBOX_PASSWORD,
      }),
    },
    // A server on a host and port has an AddressInfo, never a pipe's name.
    address: () => ({ host: '127.0.0.1', port: (listening.address() as AddressInfo).port }),
    pour: async (_, mails) => {
      await dovecot.deliverAll(mails, { from: EVE.mail, to });
    },
    drop: async () => {
      await dovecot.stop();
      await dovecot.start();
    },
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

async function openMailWorld(openWayIn: () => Promise<WayIn>): Promise<PlatformWorld> {
  const wayIn = await openWayIn();
  const dns = new DnsServer();
  await dns.start();
  const mail = new MailSandbox(
    { journal: new Journal(), dns, clock, people: PEOPLE, gatewayAddress: BOT.mail },
    { keyBits: 1_024, pace: { firstMs: 10, mostMs: 20 } },
  );
  await mail.start();
  const gateway = emailGateway(
    emailSettings({
      address: BOT.mail,
      smtp: { host: mail.env.SMTP_HOST, port: Number(mail.env.SMTP_PORT) },
      dns_server: dns.address,
      inbound: wayIn.inbound,
    }),
  );
  const received: Inbound[] = [];
  let core: Parameters<PlatformWorld['onReceive']>[0] = async () => ({ kind: 'stored' });
  const start = async () => {
    await gateway.start(async (inbound) => {
      received.push(inbound);
      const receipt = await core(inbound);
      stored.emit(inbound.id);
      storedIds.add(inbound.id);
      return receipt;
    });
    mail.connectGateway(wayIn.address(gateway));
  };
  const stored = new EventEmitter();
  const storedIds = new Set<string>();
  /** Resolves once the core has it: what lies in a mailbox is not read yet. */
  const heard = async (delivery: Delivery): Promise<Delivery> => {
    const sent = await mail.settled(delivery);
    if (sent.state !== 'accepted') throw new Error(`the mail was ${sent.state}: ${sent.lastAnswer}`);
    const id = `email:${sent.messageId.replaceAll(/[<>]/g, '')}`;
    if (!storedIds.has(id)) await once(stored, id);
    return sent;
  };
  await start();
  const inThread = (root: string): Mail[] =>
    mail.mailbox(ALEX.mail).filter(({ from, references }) => from === BOT.mail && references.includes(root));
  const cardIn = (root: string) =>
    inThread(root).findLast(({ text }) => APPROVE.test(text)) ?? inThread(root).at(-1);
  let places = 0;
  const say = async (text: string, files: readonly OutFile[] = []): Promise<Said> => {
    const sent = await heard(
      await mail.send({
        from: ALEX.mail,
        to: BOT.mail,
        subject: `Matter ${++places}`,
        text,
        files: files.map(({ name, mediaType, base64 }) => ({
          name,
          mediaType,
          bytes: Buffer.from(base64, 'base64'),
        })),
      }),
    );
    const newest = received.findLast((inbound) => inbound.kind === 'message');
    if (newest?.kind !== 'message') throw new Error('the core has no message');
    return { place: newest.replyTo, ref: sent.messageId };
  };
  return {
    name: 'e-mail',
    gateway,
    received,
    onReceive: (receive) => {
      core = receive;
    },
    start,
    say,
    sayUnheard: async (text) => {
      const { id } = await mail.send({ from: ALEX.mail, to: BOT.mail, subject: `Matter ${++places}`, text });
      await mail.until(() => mail.deliveries.find((each) => each.id === id)?.lastAnswer);
    },
    shown: async ({ ref }) => inThread(ref).map(({ text, html }) => html ?? text),
    plain: (html) =>
      html
        .replaceAll(/<(?:style|head)[\s\S]*?<\/(?:style|head)>/g, '')
        .replaceAll(/<a href="([^"]+)"[^>]*>([\s\S]*?)<\/a>/g, (_, address: string, text: string) =>
          text === address ? address : `${text} ⟨${address}⟩`,
        )
        .replaceAll(/<[^>]+>/g, ' ')
        .replaceAll(/&#x27;|&#39;/g, "'")
        .replaceAll('&amp;', '&'),
    redeliver: async () => {
      const newest = mail.deliveries.at(-1);
      if (!newest) throw new Error('nothing was sent');
      const before = received.length;
      await mail.settled(await mail.resend(newest));
      while (received.length === before) await once(stored, received[0]?.id ?? '');
    },
    echo: async ({ ref }) => {
      // As a list, or a forwarding rule of somebody, sends it back.
      const [ours] = inThread(ref).slice(-1);
      if (!ours) throw new Error('nothing was sent');
      const raw = Buffer.from(ours.raw, 'latin1');
      const client = createTransport({ ...wayIn.address(gateway), ignoreTLS: true });
      await client.sendMail({ envelope: { from: ALEX.mail, to: BOT.mail }, raw });
    },
    sayAsBot: async (text) => {
      await mail.settled(
        await mail.send({
          from: ALEX.mail,
          to: BOT.mail,
          subject: 'Out of office',
          text,
          headers: { 'Auto-Submitted': 'auto-replied' },
        }),
      );
    },
    // A mail reaches whom it is addressed to, and nobody whom its text names.
    pings: () =>
      PEOPLE.filter((person) => person !== ALEX).flatMap(({ mail: address }) =>
        mail.mailbox(address).map(({ subject }) => `${address}: ${subject}`),
      ),
    unguarded: () => mail.addresses.flatMap((address) => mail.mailbox(address).flatMap(unguarded)),
    toldTo: async (words) =>
      (['alex', 'dana', 'eve'] as const).filter((who) =>
        mail.mailbox(mailOf(who)).some(({ text }) => text.includes(words)),
      ),
    cards: {
      inWords: true,
      isOpen: async ({ ref }) => APPROVE.test(cardIn(ref)?.text ?? ''),
      approve: async ({ ref }, who) => {
        const card = cardIn(ref);
        const line = APPROVE.exec(card?.text ?? '')?.[0];
        if (!card || line === undefined) throw new Error('there is no card');
        await heard(await mail.reply(card, { from: mailOf(who), line, quoting: 'none' }));
        return undefined;
      },
      deny: async ({ ref }, reason) => {
        const card = cardIn(ref);
        const line = /^deny [A-Z0-9]{4,8}/m.exec(card?.text ?? '')?.[0];
        if (!card || line === undefined) throw new Error('there is no card');
        const { mail: from } = DANA;
        await heard(await mail.reply(card, { from, line: `${line} ${reason}`, quoting: 'none' }));
      },
    },
    refuse: () => mail.fault({ kind: 'refuse', at: 'recipient', code: 550 }),
    drop: () => wayIn.drop(gateway),
    malformed: async (count) => {
      const nonsense = Array.from({ length: count }, (_, n) => NONSENSE[n % NONSENSE.length] ?? '');
      await wayIn.pour(
        gateway,
        nonsense.map((raw) => Buffer.from(raw, 'latin1')),
      );
      await say('was that all?'); // what lies in a mailbox is read in order
    },
    files: async ({ ref }) =>
      inThread(ref).flatMap(({ attachments }) =>
        attachments.map(({ name, base64 }) => ({ name, content: Buffer.from(base64, 'base64').toString() })),
      ),
    close: async () => {
      await gateway.stop();
      await mail.stop();
      await wayIn.close();
      await dns.stop();
    },
  };
}

/** A mail of ours goes to one person, asks for no receipt, and is marked so that no machine answers it. */
function unguarded({ envelope, to, headers, subject }: Mail): string[] {
  if (headers['x-loop'] !== BOT.mail) return []; // not one of ours
  const isToOne = envelope.to.length === 1 && to.join() === envelope.to.join();
  const further = ['cc', 'bcc', 'disposition-notification-to', 'return-receipt-to'].filter(
    (name) => headers[name] !== undefined,
  );
  const isMarked = headers['auto-submitted'] !== undefined;
  return isToOne && isMarked && further.length === 0 ? [] : [`${subject}: ${JSON.stringify(headers)}`];
}

function mailOf(who: 'alex' | 'dana' | 'eve'): string {
  return { alex: ALEX, dana: DANA, eve: EVE }[who].mail;
}

const APPROVE = /^approve [A-Z0-9]{4,8}$/m;

const NONSENSE = [
  '',
  '\r\n',
  'From: \xff\xfe\r\n\r\n\0\0',
  'Content-Type: multipart/mixed; boundary="x"\r\n\r\n--x\r\n--x\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!!\r\n',
  `Subject: =?utf-8?B?${'A'.repeat(2_000)}?=\r\nReferences: ${'<a@b> '.repeat(500)}\r\n\r\nx`,
  'Message-ID: not one\r\nFrom: a@b, c@d\r\nFrom: e@f\r\n\r\nhello',
  `Content-Type: multipart/mixed; boundary="x"\r\n\r\n${'--x\r\n\r\n'.repeat(600)}--x--\r\n`,
];
