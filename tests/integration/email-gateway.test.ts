import { generateKeyPairSync } from 'node:crypto';
import { Readable } from 'node:stream';
import { createTransport } from 'nodemailer';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Authenticator } from '../../gateways/email/authentication.ts';
import type { EmailGateway } from '../../gateways/email/gateway.ts';
import { readMail } from '../../gateways/email/mail-reader.ts';
import { parseReply } from '../../src/approvals/reply-parser.ts';
import { createReplyTokens } from '../../src/approvals/reply-token.ts';
import type { Card } from '../../src/domain/card.ts';
import { UndeliverableError } from '../../src/domain/errors.ts';
import { AccountId, ApprovalId, ConversationId, PersonId } from '../../src/domain/ids.ts';
import type { OutboundBody, OutboundMessage } from '../../src/domain/message.ts';
import { DnsServer } from '../../src/sandbox/dns/dns-server.ts';
import { Journal } from '../../src/sandbox/journal.ts';
import { MailSandbox } from '../../src/sandbox/mail/mail-sandbox.ts';
import { Core, emailGateway, emailSettings } from '../support/email.ts';

const clock = { now: () => Date.now() };
const people = [
  { name: 'Alex Kim', mail: 'alex@corp.test' },
  { name: 'Dana Reyes', mail: 'dana@corp.test' },
  { name: 'Eve Stone', mail: 'eve@evil.test' },
];
const address = 'signalbox@gateway.test';
const dana = AccountId.parse('email:dana@corp.test');
const elsewhere = ConversationId.parse('slack:T1:C1:1700000000.000100');
const tokens = createReplyTokens('a secret for the reply addresses of this test');
const question = {
  approvalId: ApprovalId.parse('apr_p7_0123456789ab'),
  person: PersonId.parse('dana'),
  gen: 0,
  expiresAt: Date.now() + 3_600_000,
};
const issued = tokens.issue(question);

let dns: DnsServer;
let mail: MailSandbox;
let core: Core;
let gateway: EmailGateway;

beforeEach(async () => {
  dns = new DnsServer();
  await dns.start();
  mail = new MailSandbox(
    { journal: new Journal(), dns, clock, people, gatewayAddress: address },
    { keyBits: 1024 },
  );
  await mail.start();
  core = new Core();
  gateway = emailGateway(
    emailSettings({
      address,
      smtp: { host: mail.env.SMTP_HOST, port: Number(mail.env.SMTP_PORT) },
      dns_server: dns.address,
    }),
  );
  await gateway.start(core.receive);
  mail.connectGateway(gateway.listening!);
});

afterEach(async () => {
  await gateway.stop();
  await mail.stop();
  await dns.stop();
});

const never = new AbortController().signal;

function outbound(body: OutboundBody, overrides: Partial<OutboundMessage> = {}): OutboundMessage {
  return {
    id: 'reply:1',
    conversationId: elsewhere,
    to: gateway.directAddress(dana),
    body,
    attempt: 1,
    ...overrides,
  };
}

function aCard(overrides: Partial<Card> = {}): Card {
  return {
    approvalId: question.approvalId,
    gen: 0,
    digest: 'd1',
    title: 'refund: order 7, 120 EUR',
    facts: [{ label: 'order', value: '7' }],
    modelSays: 'approve K7QMX\nThe customer is angry.',
    requestedBy: 'Alex Kim',
    askedOf: 'role manager',
    risk: 'medium',
    reversible: false,
    deadline: '2026-01-05T17:00:00.000Z',
    deadlineText: '5 Jan 2026, 17:00 UTC',
    choices: ['approve', 'deny', 'deny-with-reason'],
    status: { state: 'open', sentence: 'Waiting for role manager.' },
    reply: issued,
    ...overrides,
  };
}

async function askDana() {
  await gateway.send(outbound({ kind: 'card', card: aCard() }), never);
  return mail.until(() => mail.mailbox('dana@corp.test')[0]);
}

describe('a conversation by mail', () => {
  it('OM-050 e-mail: answers in the thread of the question, and hears the next mail of the same thread', async () => {
    await mail.send({ from: 'alex@corp.test', to: address, subject: 'Order 7', text: 'Where is it?' });
    const asked = await core.message(1);

    await gateway.send(
      outbound(
        { kind: 'text', markdown: 'On its **way**.' },
        { conversationId: asked.conversationId, to: asked.replyTo },
      ),
      never,
    );
    const answer = await mail.until(() => mail.mailbox('alex@corp.test')[0]);
    await mail.reply(answer, { line: 'Thank you', quoting: 'top' });
    const thanks = await core.message(2);

    expect(asked).toMatchObject({
      text: 'Where is it?',
      addressedToBot: true,
      sender: {
        account: 'email:alex@corp.test',
        displayName: 'Alex Kim',
        authenticated: true,
        automatic: false,
      },
    });
    expect(answer).toMatchObject({
      subject: 'Re: Order 7',
      text: expect.stringContaining('On its way.'),
    });
    expect(answer.html).toContain('<strong>way</strong>');
    expect(thanks.conversationId).toBe(asked.conversationId);
    expect(thanks.text).toBe('Thank you');
    expect(thanks.inReplyTo).toBe(`email:${answer.messageId.slice(1, -1)}`);
  });

  it('gives two mails that begin threads of their own two conversations', async () => {
    await mail.send({ from: 'alex@corp.test', to: address, subject: 'One', text: 'one' });
    await mail.send({ from: 'alex@corp.test', to: address, subject: 'Two', text: 'two' });
    await core.message(2);

    expect(new Set(core.received.map(({ conversationId }) => conversationId)).size).toBe(2);
  });

  it('sends the same Message-ID when it sends again', async () => {
    const message = outbound({ kind: 'text', markdown: 'Once.' });
    const first = await gateway.send(message, never);
    const second = await gateway.send({ ...message, attempt: 2 }, never);

    expect(second.ref).toBe(first.ref);
    expect(mail.repeats('dana@corp.test', first.ref)).toBe(1);
    expect(mail.mailbox('dana@corp.test')).toHaveLength(1);
  });

  it('OM-192 signs what it sends, if it has a key, so that others can believe it', async () => {
    const keys = generateKeyPairSync('rsa', { modulusLength: 1024 });
    const pem = keys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    const p = keys.publicKey.export({ type: 'spki', format: 'der' }).toString('base64');
    dns.publish('s1._domainkey.gateway.test', { type: 'TXT', text: `v=DKIM1; k=rsa; p=${p}` });
    dns.withdraw('_dmarc.gateway.test', 'TXT');
    dns.publish('_dmarc.gateway.test', { type: 'TXT', text: 'v=DMARC1; p=reject; adkim=s' });
    const signing = emailGateway(
      emailSettings({
        smtp: { host: mail.env.SMTP_HOST, port: Number(mail.env.SMTP_PORT) },
        dkim: { domain: 'gateway.test', selector: 's1', private_key: pem },
      }),
    );
    await signing.send(outbound({ kind: 'text', markdown: 'Believe **me**, ünïcode and all.' }), never);
    await signing.stop();
    const sent = await mail.until(() => mail.mailbox('dana@corp.test')[0]);

    const check = new Authenticator(dns.address, clock).begin();
    const read = await readMail(
      Readable.from([Buffer.from(sent.raw, 'latin1')]),
      { maxBytes: 1_000_000, listener: check.tap },
      AbortSignal.timeout(10_000),
    );
    expect(await check.judge(read.headers)).toEqual({ kind: 'authenticated' });
  });

  it('marks what it sends so that no machine answers it', async () => {
    await gateway.send(outbound({ kind: 'text', markdown: 'Hello' }), never);
    const sent = await mail.until(() => mail.mailbox('dana@corp.test')[0]);

    expect(sent.headers).toMatchObject({
      'auto-submitted': 'auto-generated',
      'x-auto-response-suppress': 'All',
      'x-loop': address,
    });
    expect(sent.envelope.from).toMatch(/^signalbox\+b-[a-z2-7]{26}@gateway\.test$/);
  });
});

describe('an approval by mail', () => {
  it('OM-050 e-mail: asks with both codes and a reply address, and hands the answer to the core', async () => {
    const asked = await askDana();
    await mail.reply(asked, { line: `approve ${issued.approveCode}`, quoting: 'top' });
    const answer = await core.message(1);

    expect(asked.replyTo).toBe(`signalbox+${issued.token}@gateway.test`);
    expect(asked.text).toContain(`approve ${issued.approveCode}`);
    expect(asked.text).toContain(`deny ${issued.denyCode}`);
    expect(asked.text).toContain('  | approve K7QMX');
    expect(answer.sender).toMatchObject({
      account: 'email:dana@corp.test',
      authenticated: true,
      automatic: false,
    });
    expect(tokens.verify(answer.approvalReply!.token, question)).toBe(true);
    expect(parseReply(answer.approvalReply!.readings, issued)).toEqual({ kind: 'approve' });
  });

  it.each(['gmail', 'outlook', 'apple'] as const)(
    'reads an answer as %s writes it, above and below the question',
    async (style) => {
      const asked = await askDana();
      await mail.reply(asked, { line: `deny ${issued.denyCode} too much`, quoting: 'top', style });
      await mail.reply(asked, { line: `deny ${issued.denyCode} too much`, quoting: 'bottom', style });
      const [above, below] = [await core.message(1), await core.message(2)];

      expect(parseReply(above.approvalReply!.readings, issued)).toEqual({ kind: 'deny', reason: 'too much' });
      expect(parseReply(below.approvalReply!.readings, issued).kind).toBe('unclear');
    },
  );

  it('decides nothing when the only verdict is in the quoted question', async () => {
    const asked = await askDana();
    await mail.reply(asked, { line: 'What is this about?', quoting: 'top' });
    const answer = await core.message(1);

    expect(parseReply(answer.approvalReply!.readings, issued).kind).toBe('unclear');
    expect(answer.text).toBe('What is this about?');
  });

  it('says in the same thread what became of it', async () => {
    const { ref } = await gateway.send(outbound({ kind: 'card', card: aCard() }), never);
    const settled = aCard({
      choices: [],
      status: { state: 'denied', sentence: 'Denied by Dana by e-mail.' },
    });
    await gateway.send(outbound({ kind: 'card', card: settled, replaces: ref }, { id: 'copy:2' }), never);
    const followUp = await mail.until(() => mail.mailbox('dana@corp.test')[1]);

    expect(followUp).toMatchObject({
      inReplyTo: ref,
      subject: 'Re: Approval needed: refund: order 7, 120 EUR',
    });
    expect(followUp.text).toContain('Denied by Dana by e-mail.');
    expect(followUp.text).toContain('Your reply is not needed.');
    expect(followUp.text).not.toContain(issued.approveCode);
  });
});

describe('who is believed', () => {
  const reply = { to: address, subject: 'Re: Approval', text: `approve ${issued.approveCode}` };

  it.each([
    ['an unsigned mail', { from: 'Dana <dana@corp.test>', ...reply }],
    ['a mail another domain signed', { from: 'Dana <dana@corp.test>', signedBy: 'evil.test', ...reply }],
    [
      'a mail with text behind its signature',
      { from: 'Dana <dana@corp.test>', signedBy: 'corp.test', appended: 'approve', ...reply },
    ],
    [
      'two From headers',
      { from: ['Eve <eve@evil.test>', 'Dana <dana@corp.test>'], signedBy: 'corp.test', ...reply },
    ],
    [
      'two authors in one From',
      { from: 'Dana <dana@corp.test>, Eve <eve@evil.test>', signedBy: 'corp.test', ...reply },
    ],
    [
      'a mail that brings its own verdict',
      {
        from: 'Dana <dana@corp.test>',
        headers: {
          'Authentication-Results':
            'gateway.test; dkim=pass header.d=corp.test; dmarc=pass header.from=corp.test',
          Received:
            'from mail.corp.test (mail.corp.test [127.0.0.1]) by mx.gateway.test; Mon, 5 Jan 2026 09:00:00 +0000',
        },
        ...reply,
      },
    ],
  ])('OM-191 does not authenticate %s', async (_name, forgery) => {
    await mail.forge(forgery);
    const message = await core.message(1);

    expect(message.sender.authenticated).toBe(false);
  });

  it('OM-191 compares the address, not the name in front of it', async () => {
    await mail.forge({ from: '"dana@corp.test" <eve@evil.test>', signedBy: 'evil.test', ...reply });
    const { sender } = await core.message(1);

    expect(sender).toMatchObject({
      account: 'email:eve@evil.test',
      displayName: 'eve@evil.test',
      authenticated: true,
    });
  });

  it('OM-191 does not authenticate a domain that publishes no policy', async () => {
    dns.withdraw('_dmarc.corp.test', 'TXT');
    await mail.send({ from: 'dana@corp.test', to: address, subject: 's', text: 't' });

    expect((await core.message(1)).sender.authenticated).toBe(false);
  });

  it('OM-191 takes nobody for a stranger while the name service is broken, and asks for the mail again', async () => {
    dns.fault('_dmarc.corp.test', 'broken');
    const delivery = await mail.send({ from: 'dana@corp.test', to: address, subject: 's', text: 't' });
    const refused = await mail.until(() =>
      mail.deliveries.find(({ id, lastAnswer }) => id === delivery.id && lastAnswer !== undefined),
    );
    expect(refused).toMatchObject({ state: 'queued', lastAnswer: expect.stringContaining('451 4.7.5') });
    expect(core.received).toEqual([]);

    dns.heal();
    expect((await core.message(1)).sender).toMatchObject({
      account: 'email:dana@corp.test',
      authenticated: true,
    });
  });

  it('OM-192 gives a mail that is sent again the id it had', async () => {
    const delivery = await mail.send({ from: 'dana@corp.test', to: address, subject: 's', text: 't' });
    await core.message(1);
    await mail.resend(delivery);

    expect((await core.message(2)).id).toBe(core.received[0]!.id);
  });

  it('takes an out-of-office note for what it is, though it is signed and quotes the question', async () => {
    const asked = await askDana();
    await mail.outOfOffice(asked, `approve ${issued.approveCode}`);
    const note = await core.message(1);

    expect(note.sender).toMatchObject({ authenticated: true, automatic: true });
  });
});

describe('when something fails', () => {
  it('asks the sender to deliver again what could not be stored, and takes it then', async () => {
    core.failNext(2);
    await mail.send({ from: 'alex@corp.test', to: address, subject: 's', text: 'persistent' });

    expect((await core.message(1)).text).toBe('persistent');
    expect(core.refusals).toBe(2);
  });

  it('takes mail for its own address only', async () => {
    const client = createTransport({
      host: gateway.listening!.host,
      port: gateway.listening!.port,
      ignoreTLS: true,
    });
    const relay = client.sendMail({ from: 'eve@evil.test', to: 'dana@corp.test', text: 'relayed?' });

    await expect(relay).rejects.toMatchObject({ responseCode: 550 });
    expect(core.received).toEqual([]);
  });

  it('gives up a recipient that does not exist, and tries again what the server refused for now', async () => {
    const nobody = outbound(
      { kind: 'text', markdown: 'x' },
      { to: gateway.directAddress(AccountId.parse('email:nobody@corp.test')) },
    );
    await expect(gateway.send(nobody, never)).rejects.toBeInstanceOf(UndeliverableError);

    const broken = outbound(
      { kind: 'text', markdown: 'x' },
      { to: { platform: gateway.platform, route: { to: 'not an address' } } },
    );
    await expect(gateway.send(broken, never)).rejects.toBeInstanceOf(UndeliverableError);
  });

  it.each([
    [
      { kind: 'refuse', at: 'recipient', code: 550 },
      { code: 'UNDELIVERABLE', retryable: false },
    ],
    [
      { kind: 'refuse', at: 'data', code: 554 },
      { code: 'UNDELIVERABLE', retryable: false },
    ],
    [
      { kind: 'refuse', at: 'recipient', code: 451 },
      { code: 'MAIL_SERVER', retryable: true },
    ],
    [
      { kind: 'refuse', at: 'sender', code: 421 },
      { code: 'RATE_LIMITED', retryable: true },
    ],
    [
      { kind: 'refuse', at: 'connect', code: 554 },
      { code: 'MAIL_SERVER', retryable: true },
    ],
    [
      { kind: 'drop-after-data', kept: true },
      { code: 'MAIL_SERVER', retryable: true },
    ],
  ] as const)(
    'tells from what the server does (%j) whether another attempt may help',
    async (fault, error) => {
      mail.fault(fault);
      await expect(gateway.send(outbound({ kind: 'text', markdown: 'x' }), never)).rejects.toMatchObject(
        error,
      );

      mail.heal();
      const { ref } = await gateway.send(outbound({ kind: 'text', markdown: 'x' }, { attempt: 2 }), never);
      expect(mail.mailbox('dana@corp.test').map(({ messageId }) => messageId)).toEqual([ref]);
    },
  );

  it('stops waiting for the server when it is told to', async () => {
    mail.fault({ kind: 'hang-after-data', kept: false });
    const stopping = new AbortController();
    const sending = gateway.send(outbound({ kind: 'text', markdown: 'x' }), stopping.signal);
    stopping.abort(new Error('stopping'));

    await expect(sending).rejects.toThrow('stopping');
  });

  it('may be stopped twice, and takes nothing afterwards', async () => {
    const at = gateway.listening!;
    await gateway.stop();
    await gateway.stop();

    const client = createTransport({ ...at, ignoreTLS: true });
    await expect(client.sendMail({ from: 'alex@corp.test', to: address, text: 'x' })).rejects.toThrow(
      /ECONNREFUSED/,
    );
  });

  it('OM-186 keeps what a text says out of headers and out of HTML', async () => {
    const to = {
      platform: gateway.platform,
      route: { to: 'dana@corp.test', subject: 'Hi\r\nBcc: eve@evil.test' },
    };
    await gateway.send(
      outbound(
        {
          kind: 'text',
          markdown:
            '<img src="https://evil.test/x.png"> ![pixel](https://evil.test/y.png) [https://bank.test](https://evil.test/z)',
        },
        { to },
      ),
      never,
    );
    const sent = await mail.until(() => mail.mailbox('dana@corp.test')[0]);

    expect(sent.headers.bcc).toBeUndefined();
    expect(mail.mailbox('eve@evil.test')).toEqual([]);
    expect(sent.html).not.toContain('<img');
    expect(sent.html).toContain('&#x3C;img');
    expect(sent.html).toContain('href="https://evil.test/z">https://evil.test/z</a>');
  });

  it('finds out by itself what works and what does not', async () => {
    const findings = await gateway.check();
    await gateway.stop();
    const dead = emailGateway(emailSettings({ smtp: { host: '127.0.0.1', port: 1 } }));

    expect(findings.map(({ status }) => status)).toEqual(['works', 'works']);
    expect(await dead.check()).toMatchObject([
      { status: 'failed', remedy: expect.stringContaining('host and port') },
      { status: 'works' },
    ]);
  });
});
