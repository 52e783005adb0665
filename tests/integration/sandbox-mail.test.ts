import { Resolver } from 'node:dns/promises';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, connect as connectSocket, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { authenticate } from 'mailauth';
import { type ParsedMail, simpleParser } from 'mailparser';
import nodemailer, { type SendMailOptions } from 'nodemailer';
import { SMTPServer } from 'smtp-server';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/domain/clock.ts';
import { DnsServer } from '../../src/sandbox/dns/dns-server.ts';
import { Journal } from '../../src/sandbox/journal.ts';
import type { Mail } from '../../src/sandbox/mail/mail.ts';
import { MailSandbox } from '../../src/sandbox/mail/mail-sandbox.ts';
import { BOT, PEOPLE } from '../../src/sandbox/people.ts';

const DANA = 'dana@corp.test';
const EVE = 'eve@evil.test';
const REPLY_ADDRESS = 'signalbox+token123@gateway.test';

/** A receiver that keeps what it takes, in place of the gateway. */
class Receiver {
  readonly taken: { raw: Buffer; from: string; to: string[]; helo: string }[] = [];
  readonly answers: number[] = [];
  #server: SMTPServer | undefined;

  async start(port = 0): Promise<number> {
    this.#server = new SMTPServer({
      disabledCommands: ['AUTH', 'STARTTLS'],
      disableReverseLookup: true,
      onData: async (stream, session, done) => {
        const chunks: Buffer[] = [];
        for await (const chunk of stream) chunks.push(chunk);
        const code = this.answers.shift();
        if (code !== undefined) {
          return done(Object.assign(new Error('told to refuse'), { responseCode: code }));
        }
        const { mailFrom, rcptTo } = session.envelope;
        this.taken.push({
          raw: Buffer.concat(chunks),
          from: mailFrom ? mailFrom.address : '',
          to: rcptTo.map(({ address }) => address),
          helo: session.hostNameAppearsAs,
        });
        done();
      },
    });
    const listening = this.#server.listen(port, '127.0.0.1');
    await once(listening, 'listening');
    return (listening.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server) await new Promise<void>((resolve) => server.close(resolve));
  }
}

let directory: string;
let journal: Journal;
let dns: DnsServer;
let mail: MailSandbox;
let receiver: Receiver;

async function open(): Promise<void> {
  journal = new Journal(directory);
  dns = new DnsServer();
  mail = new MailSandbox(
    { journal, dns, clock: systemClock, people: PEOPLE, gatewayAddress: BOT.mail },
    { pace: { firstMs: 1, mostMs: 5 }, keyBits: 1024 },
  );
  await journal.start();
  await dns.start();
  await mail.start();
}

async function close(): Promise<void> {
  await mail.stop();
  await dns.stop();
  await journal.stop();
}

beforeEach(async () => {
  directory = mkdtempSync(path.join(tmpdir(), 'signalbox-mail-'));
  receiver = new Receiver();
  await open();
});

afterEach(async () => {
  await close();
  await receiver.stop();
  rmSync(directory, { recursive: true });
});

async function connect(): Promise<void> {
  mail.connectGateway({ host: '127.0.0.1', port: await receiver.start() });
}

function gatewaySends(fields: SendMailOptions = {}, options: { connection?: Socket } = {}) {
  const transport = nodemailer.createTransport({
    host: mail.env.SMTP_HOST,
    port: Number(mail.env.SMTP_PORT),
    ignoreTLS: true,
    ...options,
  });
  return transport.sendMail({
    from: `Signalbox <${BOT.mail}>`,
    replyTo: REPLY_ADDRESS,
    to: DANA,
    subject: 'Approval needed: refund order 7',
    text: 'refund: order 7, 120 EUR\n\nApprove: 4F7K\nDeny: 9QXM\n',
    html: '<p>refund: order 7, <b>120 EUR</b></p>',
    messageId: '<apr-1@gateway.test>',
    ...fields,
  });
}

async function question(): Promise<Mail> {
  await gatewaySends();
  return mail.mailbox(DANA)[0]!;
}

describe('mails from the gateway', () => {
  it('land in the mailbox of the person, read as a mail program reads them', async () => {
    await gatewaySends();

    expect(mail.mailbox(DANA)).toMatchObject([
      {
        from: BOT.mail,
        fromName: 'Signalbox',
        to: [DANA],
        replyTo: REPLY_ADDRESS,
        subject: 'Approval needed: refund order 7',
        messageId: '<apr-1@gateway.test>',
        envelope: { from: BOT.mail, to: [DANA] },
        html: '<p>refund: order 7, <b>120 EUR</b></p>',
      },
    ]);
    expect(mail.mailbox(DANA)[0]?.text).toContain('Approve: 4F7K');
    expect(mail.mailbox('alex@corp.test')).toEqual([]);
  });

  it('reach the same mailbox under a plus-address', async () => {
    await gatewaySends({ to: 'Dana+refunds@corp.test' });

    expect(mail.mailbox(DANA)).toHaveLength(1);
  });

  it('are refused with 550 when nobody has the address', async () => {
    await expect(gatewaySends({ to: 'nobody@corp.test' })).rejects.toMatchObject({ responseCode: 550 });
  });

  it('are shown once and counted when the same Message-ID comes again', async () => {
    await gatewaySends();
    await gatewaySends();
    await gatewaySends();

    expect(mail.mailbox(DANA)).toHaveLength(1);
    expect(mail.repeats(DANA, '<apr-1@gateway.test>')).toBe(2);
  });

  it.each([
    ['connect', 421],
    ['sender', 451],
    ['recipient', 450],
    ['data', 554],
  ] as const)('can be refused at the %s stage with %i, once', async (at, code) => {
    mail.fault({ kind: 'refuse', at, code });

    await expect(gatewaySends()).rejects.toMatchObject({ responseCode: code });
    await gatewaySends();

    expect(mail.mailbox(DANA)).toHaveLength(1);
    expect(mail.repeats(DANA, '<apr-1@gateway.test>')).toBe(0);
  });

  it('can be kept while their sender sees a broken connection', async () => {
    mail.fault({ kind: 'drop-after-data', kept: true });

    await expect(gatewaySends()).rejects.toThrow();

    expect(mail.mailbox(DANA)).toHaveLength(1);
  });

  it('can be lost while their sender sees a broken connection', async () => {
    mail.fault({ kind: 'drop-after-data', kept: false });

    await expect(gatewaySends()).rejects.toThrow();

    expect(mail.mailbox(DANA)).toEqual([]);
  });

  it('can be kept while their sender never gets an answer', async () => {
    mail.fault({ kind: 'hang-after-data', kept: true });
    const connection = connectSocket(Number(mail.env.SMTP_PORT), mail.env.SMTP_HOST);
    await once(connection, 'connect');

    const sending = gatewaySends({}, { connection });
    await Promise.all([
      expect(sending).rejects.toThrow(),
      mail.until(() => mail.mailbox(DANA)[0]).then(() => connection.destroy()),
    ]);

    expect(mail.mailbox(DANA)).toHaveLength(1);
  });

  it('are taken in though somebody else talked nonsense to the server and hung up', async () => {
    const stranger = connectSocket(Number(mail.env.SMTP_PORT), mail.env.SMTP_HOST);
    stranger.end(Buffer.from([0xff, 0x00, 0x0d, 0x0a, 0x44, 0x41, 0x54, 0x41, 0x0d, 0x0a]));
    stranger.resume();
    await once(stranger, 'close');

    await gatewaySends();

    expect(mail.mailbox(DANA)).toHaveLength(1);
  });

  it('are still there after a restart', async () => {
    await gatewaySends();
    await gatewaySends();
    const before = mail.mailbox(DANA);

    await close();
    await open();

    expect(mail.mailbox(DANA)).toEqual(before);
    expect(mail.repeats(DANA, '<apr-1@gateway.test>')).toBe(1);
  });

  it('wake who waits for them', async () => {
    const waiting = mail.until(() => mail.mailbox(DANA).find((each) => each.subject.includes('refund')));

    await gatewaySends();

    expect((await waiting).messageId).toBe('<apr-1@gateway.test>');
  });

  it('are listed when somebody waited for another one in vain', async () => {
    await gatewaySends();

    await expect(mail.until(() => false, 1)).rejects.toThrow('Approval needed: refund order 7');
  });

  it('arrive all the same when the one who waits makes a mistake', async () => {
    let asked = 0;
    const waiting = mail.until(() => {
      if (asked++ > 0) throw new Error('a mistake');
    });

    await Promise.all([gatewaySends(), expect(waiting).rejects.toThrow('a mistake')]);

    expect(mail.mailbox(DANA)).toHaveLength(1);
  });
});

describe('mails to the gateway', () => {
  it('are delivered over SMTP with the envelope of their author', async () => {
    await connect();

    const delivery = await mail.send({ from: DANA, to: BOT.mail, subject: 'Hello', text: 'How are you?' });

    expect(await mail.settled(delivery)).toMatchObject({ state: 'accepted', attempts: 1 });
    expect(receiver.taken).toMatchObject([{ from: DANA, to: [BOT.mail], helo: 'mail.corp.test' }]);
  });

  it('wait until there is a gateway, and then arrive in the order written', async () => {
    const deliveries = [];
    for (const subject of ['first', 'second', 'third']) {
      deliveries.push(await mail.send({ from: DANA, to: BOT.mail, subject, text: 'x' }));
    }

    await connect();
    await Promise.all(deliveries.map((delivery) => mail.settled(delivery)));

    const subjects = await Promise.all(
      receiver.taken.map(async ({ raw }) => (await simpleParser(raw)).subject),
    );
    expect(subjects).toEqual(['first', 'second', 'third']);
  });

  it('are delivered again until the gateway accepts them', async () => {
    receiver.answers.push(451, 421, 451);
    await connect();

    const delivery = await mail.send({ from: DANA, to: BOT.mail, subject: 'Hello', text: 'x' });

    expect(await mail.settled(delivery)).toMatchObject({ state: 'accepted', attempts: 4 });
    expect(receiver.taken).toHaveLength(1);
  });

  it('come back to their author when the gateway refuses them for good', async () => {
    receiver.answers.push(552);
    await connect();

    const delivery = await mail.send({ from: DANA, to: BOT.mail, subject: 'Hello', text: 'x' });
    const note = await mail.until(() => mail.mailbox(DANA)[0]);

    expect(await mail.settled(delivery)).toMatchObject({ state: 'refused', attempts: 1 });
    expect(note).toMatchObject({ from: 'mailer-daemon@corp.test', envelope: { from: '' } });
    expect(note.text).toContain('told to refuse');
  });

  it('survive a restart that comes before the gateway', async () => {
    await mail.send({ from: DANA, to: BOT.mail, subject: 'Hello', text: 'x' });

    await close();
    await open();
    await connect();
    await mail.until(() => mail.deliveries.every((delivery) => delivery.state === 'accepted'));

    expect(receiver.taken).toHaveLength(1);
  });

  it('are not delivered again after a restart once they were accepted', async () => {
    await connect();
    await mail.settled(await mail.send({ from: DANA, to: BOT.mail, subject: 'first', text: 'x' }));

    await close();
    await open();
    await receiver.stop();
    await connect();
    await mail.settled(await mail.send({ from: DANA, to: BOT.mail, subject: 'second', text: 'x' }));

    expect(receiver.taken).toHaveLength(2);
  });

  it('go to colleagues too when they are copied', async () => {
    await connect();

    await mail.settled(
      await mail.send({ from: DANA, to: BOT.mail, cc: 'alex@corp.test', subject: 'Hi', text: 'x' }),
    );

    expect(mail.mailbox('alex@corp.test')).toMatchObject([{ from: DANA, subject: 'Hi' }]);
    expect(receiver.taken).toMatchObject([{ to: [BOT.mail] }]);
  });

  it('are taken from nobody who does not live in the sandbox', async () => {
    await expect(
      mail.send({ from: 'mallory@corp.test', to: BOT.mail, subject: 'x', text: 'x' }),
    ).rejects.toThrow('mallory@corp.test');
  });
});

describe('answers', () => {
  async function received(): Promise<{ parsed: ParsedMail; raw: Buffer }> {
    const { raw } = receiver.taken.at(-1)!;
    return { parsed: await simpleParser(raw), raw };
  }

  it('go to the reply address, in the thread of what they answer', async () => {
    const asked = await question();
    await connect();

    await mail.settled(await mail.reply(asked, { line: 'approve 4F7K', quoting: 'top' }));

    const { parsed } = await received();
    expect(receiver.taken[0]).toMatchObject({ from: DANA, to: [REPLY_ADDRESS] });
    expect(parsed.from?.text).toBe('"Dana Reyes" <dana@corp.test>');
    expect(parsed.subject).toBe('Re: Approval needed: refund order 7');
    expect(parsed.inReplyTo).toBe('<apr-1@gateway.test>');
    expect(parsed.references).toBe('<apr-1@gateway.test>');
  });

  it.each([
    ['gmail', /^On \w{3}, .* wrote:$/m, 'gmail_quote'],
    ['outlook', /^From: Signalbox <signalbox@gateway.test>$/m, 'divRplyFwdMsg'],
    ['apple', /^On .*, at .*, Signalbox <.*> wrote:$/m, 'type="cite"'],
  ] as const)('in the style of %s carry the line first and the original below', async (style, mark, html) => {
    const asked = await question();
    await connect();

    await mail.settled(await mail.reply(asked, { line: 'approve 4F7K', quoting: 'top', style }));

    const { parsed } = await received();
    expect(parsed.text?.split('\n')[0]).toBe('approve 4F7K');
    expect(parsed.text?.replace(/\n(?=<)/, ' ')).toMatch(mark);
    expect(parsed.text).toContain('Deny: 9QXM');
    expect(parsed.html).toContain(html);
    expect(parsed.html).toContain('<b>120 EUR</b>');
  });

  it('can stand below the original or without it', async () => {
    const asked = await question();
    await connect();

    await mail.settled(await mail.reply(asked, { line: 'approve 4F7K', quoting: 'bottom' }));
    const below = (await received()).parsed.text;
    await mail.settled(await mail.reply(asked, { line: 'approve 4F7K', quoting: 'none' }));
    const alone = (await received()).parsed.text;

    expect(below?.trimEnd().endsWith('approve 4F7K')).toBe(true);
    expect(below).toContain('> Approve: 4F7K');
    expect(alone?.trim()).toBe('approve 4F7K');
  });

  it('of an answering machine keep the reply address, say that they are automatic and quote everything', async () => {
    const asked = await question();
    await connect();

    await mail.settled(await mail.outOfOffice(asked));

    const { parsed } = await received();
    expect(receiver.taken[0]).toMatchObject({ from: '', to: [REPLY_ADDRESS] });
    expect(parsed.headers.get('auto-submitted')).toBe('auto-replied');
    expect(parsed.text).toContain('> Approve: 4F7K');
  });

  it('of a mail server come with an empty return path as a report', async () => {
    const asked = await question();
    await connect();

    await mail.settled(await mail.bounce(asked));

    const { parsed, raw } = await received();
    expect(receiver.taken[0]).toMatchObject({ from: '', to: [BOT.mail] });
    expect(raw.toString()).toMatch(/Content-Type: multipart\/report; report-type=delivery-status/);
    expect(raw.toString()).toContain('Status: 5.1.1');
    expect(raw.toString()).toContain('Message-ID: <apr-1@gateway.test>');
    expect(parsed.from?.value[0]?.address).toBe('mailer-daemon@corp.test');
  });
});

describe('who wrote a mail, asked over the wire', () => {
  async function verdict(index = receiver.taken.length - 1) {
    const resolver = new Resolver({ timeout: 1_000, tries: 1 });
    resolver.setServers([mail.env.MAIL_DNS_SERVER!]);
    const { raw, from, helo } = receiver.taken[index]!;
    const result = await authenticate(raw, {
      ip: '127.0.0.1',
      helo,
      sender: from,
      mta: 'mx.gateway.test',
      // `as`: the library's own type knows fewer record types than Node's resolver.
      resolver: (name, type) => resolver.resolve(name, type) as Promise<string[][]>,
      disableBimi: true,
    });
    const dkim = result.dkim?.results.map((each) => ({
      result: each.status.result,
      domain: each.signingDomain,
      limited: 'canonBodyLengthLimited' in each && each.canonBodyLengthLimited === true,
    }));
    const dmarc = result.dmarc ? result.dmarc.status.result : result.dmarc;
    const spf = result.spf ? result.spf.status.result : result.spf;
    return { dkim, dmarc, spf, policy: result.dmarc ? result.dmarc.policy : undefined };
  }

  const claim = { to: REPLY_ADDRESS, subject: 'Re: Approval needed', text: 'approve 4F7K' };

  beforeEach(connect);

  it('is proved for what people send and reply', async () => {
    await mail.settled(await mail.reply(await question(), { line: 'approve 4F7K', quoting: 'top' }));

    expect(await verdict()).toEqual({
      dkim: [{ result: 'pass', domain: 'corp.test', limited: false }],
      dmarc: 'pass',
      spf: 'pass',
      policy: 'reject',
    });
    expect(dns.queries.map((query) => query.name)).toContain('sandbox._domainkey.corp.test');
  });

  it('is proved after a restart with the key from before it', async () => {
    const sent = await mail.send({ from: DANA, to: BOT.mail, subject: 'x', text: 'x' });
    await mail.settled(sent);

    await close();
    await open();

    expect(await verdict()).toMatchObject({ dkim: [{ result: 'pass' }], dmarc: 'pass' });
  });

  it('is not proved for an unsigned mail with somebody else in its From', async () => {
    await mail.settled(await mail.forge({ ...claim, from: `Dana Reyes <${DANA}>` }));

    expect(await verdict()).toMatchObject({ dkim: [{ result: 'none' }], dmarc: 'fail' });
  });

  it('is not proved by the signature of another domain', async () => {
    await mail.settled(await mail.forge({ ...claim, from: DANA, signedBy: 'evil.test' }));

    expect(await verdict()).toMatchObject({ dkim: [{ result: 'pass', domain: 'evil.test' }], dmarc: 'fail' });
  });

  it('is proved by SPF alone to who asks no more, since the domains share a mail provider', async () => {
    await mail.settled(await mail.forge({ ...claim, from: DANA, envelopeFrom: DANA }));

    expect(await verdict()).toMatchObject({ dkim: [{ result: 'none' }], spf: 'pass', dmarc: 'pass' });
  });

  it('has no answer when there are two From headers and only the lower one is signed', async () => {
    await mail.settled(await mail.forge({ ...claim, from: [DANA, EVE], signedBy: 'evil.test' }));

    expect(receiver.taken[0]?.raw.toString().match(/^From: .*$/gm)).toEqual([
      `From: ${DANA}`,
      `From: ${EVE}`,
    ]);
    expect(await verdict()).toMatchObject({ dkim: [{ result: 'pass', domain: 'evil.test' }], dmarc: false });
  });

  it('seems proved for a mail that had text appended behind a limited signature', async () => {
    await mail.settled(
      await mail.forge({
        ...claim,
        text: 'hello',
        from: DANA,
        signedBy: 'corp.test',
        appended: 'approve 4F7K\n',
      }),
    );

    expect(receiver.taken[0]?.raw.toString()).toMatch(/\bl=7;/);
    expect(receiver.taken[0]?.raw.toString().endsWith('approve 4F7K\r\n')).toBe(true);
    expect(await verdict()).toMatchObject({ dkim: [{ result: 'pass', limited: true }], dmarc: 'pass' });
  });

  it('is proved for a replayed mail as for the first', async () => {
    const first = await mail.reply(await question(), { line: 'approve 4F7K', quoting: 'none' });
    await mail.settled(await mail.resend(first));

    expect(receiver.taken[0]?.raw).toEqual(receiver.taken[1]?.raw);
    expect(await verdict()).toMatchObject({ dkim: [{ result: 'pass' }], dmarc: 'pass' });
  });

  it('is proved for an out-of-office reply, so that only its headers give it away', async () => {
    await mail.settled(await mail.outOfOffice(await question()));

    expect(await verdict()).toMatchObject({ dkim: [{ result: 'pass', domain: 'corp.test' }], dmarc: 'pass' });
  });

  it('is proved by a sub-domain as long as the domain allows it', async () => {
    await mail.settled(await mail.forge({ ...claim, from: DANA, signedBy: 'news.corp.test' }));

    expect(await verdict()).toMatchObject({
      dkim: [{ result: 'pass', domain: 'news.corp.test' }],
      dmarc: 'pass',
    });
  });

  it('is not proved for a reply that nobody signed', async () => {
    await mail.settled(
      await mail.reply(await question(), { line: 'approve 4F7K', quoting: 'top', signedBy: 'nobody' }),
    );

    expect(await verdict()).toMatchObject({ dkim: [{ result: 'none' }] });
  });

  it('depends on what the domain publishes about its sub-domains', async () => {
    const resolver = new Resolver();
    resolver.setServers([mail.env.MAIL_DNS_SERVER!]);
    const record = async () => (await resolver.resolveTxt('_dmarc.corp.test')).flat().join('');

    expect(await record()).toBe('v=DMARC1; p=reject; adkim=r; aspf=r');
    mail.align('corp.test', 'strict');
    expect(await record()).toBe('v=DMARC1; p=reject; adkim=s; aspf=s');
  });

  it('may come as any bytes at all', async () => {
    const bytes = Buffer.from([0x00, 0xff, 0x0d, 0x0a, 0x46, 0x72, 0x6f, 0x6d, 0x3a, 0xfe]);

    await mail.settled(await mail.raw(bytes, { from: EVE, to: [BOT.mail] }));

    expect(receiver.taken[0]?.raw.subarray(0, bytes.length)).toEqual(bytes);
  });
});
