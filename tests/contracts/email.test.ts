import { once } from 'node:events';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { createTransport } from 'nodemailer';
import type { Inbound } from '../../src/domain/message.ts';
import { DnsServer } from '../../src/sandbox/dns/dns-server.ts';
import { Journal } from '../../src/sandbox/journal.ts';
import type { Mail } from '../../src/sandbox/mail/mail.ts';
import { MailSandbox } from '../../src/sandbox/mail/mail-sandbox.ts';
import { ALEX, BOT, DANA, EVE, PEOPLE } from '../../src/sandbox/people.ts';
import { emailGateway, emailSettings } from '../support/email.ts';
import { describeGateway } from './gateway.contract.ts';
import type { PlatformWorld } from './platform-world.ts';

const clock = { now: () => Date.now() };

describeGateway('e-mail', openMailWorld, {
  edits: 'a mail that was sent stays as it is',
  loops: 'what a machine sends is never answered',
  splitting: 'a mail may be as long as it likes',
  'rate limit': 'a mail server says only that it is busy, not for how long',
});

async function openMailWorld(): Promise<PlatformWorld> {
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
    }),
  );
  const received: Inbound[] = [];
  let core: Parameters<PlatformWorld['onReceive']>[0] = async () => ({ kind: 'stored' });
  const start = async () => {
    await gateway.start(async (inbound) => {
      received.push(inbound);
      return core(inbound);
    });
    if (gateway.listening) mail.connectGateway(gateway.listening);
  };
  await start();
  const inThread = (root: string): Mail[] =>
    mail.mailbox(ALEX.mail).filter(({ from, references }) => from === BOT.mail && references.includes(root));
  const cardIn = (root: string) =>
    inThread(root).findLast(({ text }) => APPROVE.test(text)) ?? inThread(root).at(-1);
  let places = 0;
  return {
    name: 'e-mail',
    gateway,
    received,
    onReceive: (receive) => {
      core = receive;
    },
    start,
    say: async (text, files = []) => {
      const sent = await mail.settled(
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
      if (sent.state !== 'accepted') throw new Error(`the mail was ${sent.state}: ${sent.lastAnswer}`);
      const newest = received.findLast((inbound) => inbound.kind === 'message');
      if (newest?.kind !== 'message') throw new Error('the core has no message');
      return { place: newest.replyTo, ref: sent.messageId };
    },
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
      await mail.settled(await mail.resend(newest));
    },
    echo: async ({ ref }) => {
      // As a list, or a forwarding rule of somebody, sends it back.
      const [ours] = inThread(ref).slice(-1);
      if (!ours) throw new Error('nothing was sent');
      const raw = Buffer.from(ours.raw, 'latin1');
      const { listening } = gateway;
      const client = createTransport({ ...listening, ignoreTLS: true });
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
        await mail.settled(await mail.reply(card, { from: mailOf(who), line, quoting: 'none' }));
        return undefined;
      },
      deny: async ({ ref }, reason) => {
        const card = cardIn(ref);
        const line = /^deny [A-Z0-9]{4,8}/m.exec(card?.text ?? '')?.[0];
        if (!card || line === undefined) throw new Error('there is no card');
        const { mail: from } = DANA;
        await mail.settled(await mail.reply(card, { from, line: `${line} ${reason}`, quoting: 'none' }));
      },
    },
    refuse: () => mail.fault({ kind: 'refuse', at: 'recipient', code: 550 }),
    drop: async () => {
      // In the middle of a mail, which is not stored then.
      const { listening } = gateway;
      if (!listening) throw new Error('the gateway does not listen');
      const socket = connect(listening.port, listening.host);
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
    malformed: async (count) => {
      const { listening } = gateway;
      if (!listening) throw new Error('the gateway does not listen');
      const client = createTransport({ ...listening, pool: true, maxConnections: 8, ignoreTLS: true });
      const envelope = { from: EVE.mail, to: BOT.mail };
      const sent = Array.from({ length: count }, (_, n) =>
        client.sendMail({ envelope, raw: Buffer.from(NONSENSE[n % NONSENSE.length] ?? '', 'latin1') }),
      );
      const refusals = (await Promise.allSettled(sent)).flatMap((each) =>
        each.status === 'rejected' ? [each.reason] : [],
      );
      client.close();
      const again = refusals.find(({ responseCode }) => responseCode < 500);
      if (again) throw again;
    },
    files: async ({ ref }) =>
      inThread(ref).flatMap(({ attachments }) =>
        attachments.map(({ name, base64 }) => ({ name, content: Buffer.from(base64, 'base64').toString() })),
      ),
    close: async () => {
      await gateway.stop();
      await mail.stop();
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
