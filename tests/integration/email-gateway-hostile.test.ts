import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { createInterface } from 'node:readline';
import fc from 'fast-check';
import { createTransport } from 'nodemailer';
import { afterEach, describe, expect, it } from 'vitest';
import type { EmailGateway } from '../../gateways/email/gateway.ts';
import { Core, emailGateway, emailSettings, rawMail, readableLog } from '../support/email.ts';

const MALFORMED = 1_000;

let gateway: EmailGateway | undefined;
const servers: Server[] = [];

afterEach(async () => {
  await gateway?.stop();
  gateway = undefined;
  for (const server of servers.splice(0)) server.close();
});

const head = 'From: a@b.test\r\nMIME-Version: 1.0\r\n';
const nested = (depth: number) =>
  Array.from(
    { length: depth },
    (_, at) => `Content-Type: multipart/mixed; boundary="b${at}"\r\n\r\n--b${at}\r\n`,
  ).join('');

/** Every kind of mail that no mail program writes. */
const malformedMail = fc.oneof(
  fc.uint8Array({ maxLength: 2_000 }).map((bytes) => Buffer.from(bytes)),
  fc
    .string({ unit: 'binary', maxLength: 500 })
    .map((text) => Buffer.from(`${head}Subject: ${text}\r\n\r\n${text}`)),
  fc.integer({ min: 51, max: 400 }).map((depth) => Buffer.from(head + nested(depth))),
  fc
    .integer({ min: 501, max: 900 })
    .map((parts) =>
      Buffer.from(
        `${head}Content-Type: multipart/mixed; boundary=b\r\n\r\n${'--b\r\n\r\nx\r\n'.repeat(parts)}`,
      ),
    ),
  fc.integer({ min: 300, max: 600 }).map((kib) => Buffer.from(`${head}X: ${'y'.repeat(kib * 1024)}\r\n\r\n`)),
  fc
    .constantFrom(
      `${head}Content-Type: multipart/mixed\r\n\r\n--\r\n`,
      `${head}Content-Type: multipart/mixed; boundary=""\r\n\r\n----\r\n`,
      `${head}Content-Type: text/plain; charset="\x00"\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!!`,
      `${head}Content-Type: text/html\r\n\r\n${'<div>'.repeat(20_000)}`,
      `${head}Content-Type: ;;;\r\n\r\nx`,
      `From: ${'('.repeat(30_000)}\r\n\r\nx`,
      `From: ${'a@b.test,'.repeat(3_000)}\r\n\r\nx`,
      `${head}References: ${'<'.repeat(100_000)}\r\n\r\nx`,
      `${head}Auto-Submitted: ${'('.repeat(200_000)}\r\n\r\nx`,
      `DKIM-Signature: v=1; a=rsa-sha256; d=; s=; l=-1; h=; b=; bh=\r\n${head}\r\nx`,
      `${head}\r\n${'\n'.repeat(60_000)}x`,
      '\r\n\r\n\r\n',
      '.',
    )
    .map((text) => Buffer.from(text, 'latin1')),
);

describe('1,000 malformed mails', () => {
  it('OM-188 leave the gateway up, each with an answer and, if refused, one line in the log', {
    timeout: 120_000,
  }, async () => {
    const core = new Core();
    const { log, lines } = readableLog();
    gateway = emailGateway(emailSettings({ max_size: 1_000_000, dns_server: '127.0.0.1:9' }), { log });
    await gateway.start(core.receive);
    const client = createTransport({ ...gateway.listening!, pool: true, maxConnections: 4, ignoreTLS: true });
    const envelope = { from: 'a@b.test', to: 'signalbox@gateway.test' };
    const outcomes = await Promise.all(
      fc.sample(malformedMail, { numRuns: MALFORMED, seed: 7 }).map((raw) =>
        client.sendMail({ envelope, raw }).then(
          () => 250,
          (error: { responseCode?: number }) => error.responseCode,
        ),
      ),
    );
    await client.sendMail({
      envelope,
      raw: rawMail('From: Dana <dana@corp.test>', 'Subject: s', '', 'still there?'),
    });
    client.close();

    expect(core.received.at(-1)?.text).toBe('still there?');
    expect(new Set(outcomes)).toEqual(new Set([250, 554]));
    const refused = lines.filter(({ msg }) => msg === 'a mail could not be read and was passed over');
    expect(refused).toHaveLength(outcomes.filter((code) => code === 554).length);
    const ignored = lines.filter(({ msg }) => msg.startsWith('a mail without an author'));
    expect(ignored.length + core.received.length - 1).toBe(outcomes.filter((code) => code === 250).length);
    expect(lines.filter(({ level }) => level === 'error')).toEqual([]);
  });
});

describe('a mail that cannot be stored', () => {
  it('is answered with a request to try again, and one line in the log', async () => {
    const core = new Core();
    const { log, lines } = readableLog();
    gateway = emailGateway(emailSettings({ inbound: { listen: { protocol: 'lmtp' } } }), { log });
    await gateway.start(core.receive);
    const client = createTransport({ ...gateway.listening!, lmtp: true, ignoreTLS: true });
    core.failNext(1);
    const mail = {
      from: 'a@b.test',
      to: ['signalbox@gateway.test', 'signalbox+tag@gateway.test'],
      text: 'x',
    };

    const refusal = await client.sendMail(mail);

    expect(refusal.response).toContain('451');
    expect(refusal.rejected).toHaveLength(2);
    expect(lines.filter(({ level }) => level === 'error')).toMatchObject([
      { msg: 'a mail could not be stored; its sender was asked to try again' },
    ]);
    await client.sendMail(mail);
    expect(core.received).toHaveLength(1);
  });
});

describe('a mail that is too large', () => {
  it('OM-188 is refused before it is read', async () => {
    const core = new Core();
    gateway = emailGateway(emailSettings({ max_size: 10_000 }));
    await gateway.start(core.receive);
    const client = createTransport({ ...gateway.listening!, ignoreTLS: true });
    const sending = client.sendMail({
      from: 'a@b.test',
      to: 'signalbox@gateway.test',
      text: 'x'.repeat(20_000),
    });

    await expect(sending).rejects.toMatchObject({ responseCode: 552 });
    expect(core.received).toEqual([]);
  });
});

describe('a password', () => {
  /** 0.0.0.0 reaches this machine and is not its name, so it stands for another machine. */
  const ELSEWHERE = '0.0.0.0';

  /** Speaks a protocol without offering encryption, and keeps every line it hears. */
  async function plainServer(
    greeting: string,
    answer: (line: string) => string,
  ): Promise<{ port: number; heard: string[] }> {
    const heard: string[] = [];
    const server = createServer((socket) => {
      socket.on('error', () => {});
      socket.write(`${greeting}\r\n`);
      createInterface({ input: socket }).on('line', (line) => {
        heard.push(line);
        socket.write(`${answer(line)}\r\n`);
      });
    }).listen(0, ELSEWHERE);
    servers.push(server);
    await once(server, 'listening');
    const bound = server.address();
    if (bound === null || typeof bound === 'string') throw new Error('no port');
    return { port: bound.port, heard };
  }

  const smtp = () =>
    plainServer('220 mx ESMTP', (line) =>
      /^EHLO/i.test(line) ? '250-mx\r\n250 AUTH PLAIN LOGIN' : '502 no',
    );
  const imap = () =>
    plainServer(
      '* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] ready',
      (line) => `${line.split(' ')[0]} ${/CAPABILITY/i.test(line) ? 'OK' : 'BAD no'}`,
    );
  const signsIn = (line: string) => /^AUTH|LOGIN|AUTHENTICATE/i.test(line);

  it('OM-190 is not said in the clear to an SMTP server elsewhere, unless that was asked for', async () => {
    const { port, heard } = await smtp();
    const settings = (allow_insecure: boolean) =>
      emailSettings({ smtp: { host: ELSEWHERE, port, user: 'u', password: 'secret' }, allow_insecure });

    const [refused] = await emailGateway(settings(false)).check();
    expect(refused).toMatchObject({ status: 'failed' });
    expect(heard.filter(signsIn)).toEqual([]);

    await emailGateway(settings(true)).check();
    expect(heard.filter(signsIn)).toHaveLength(1);
  });

  it('OM-190 is not said in the clear to an IMAP server elsewhere, unless that was asked for', async () => {
    const { port, heard } = await imap();
    const settings = (allow_insecure: boolean) =>
      emailSettings({
        inbound: { imap: { host: ELSEWHERE, port, secure: false, user: 'u', password: 'secret' } },
        allow_insecure,
      });

    const findings = await emailGateway(settings(false)).check();
    expect(findings[1]).toMatchObject({ status: 'failed' });
    expect(heard.filter(signsIn)).toEqual([]);

    await emailGateway(settings(true)).check();
    expect(heard.filter(signsIn).length).toBeGreaterThan(0);
  });
});
