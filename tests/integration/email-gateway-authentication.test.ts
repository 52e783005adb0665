import { generateKeyPairSync } from 'node:crypto';
import { Readable } from 'node:stream';
import { dkimSign } from 'mailauth/lib/dkim/sign.js';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Authentication, Authenticator } from '../../gateways/email/authentication.ts';
import { readMail } from '../../gateways/email/mail-reader.ts';
import { DnsServer } from '../../src/sandbox/dns/dns-server.ts';
import { rawMail } from '../support/email.ts';

const keys = generateKeyPairSync('rsa', { modulusLength: 1024 });
const privateKey = keys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
const publicKey = keys.publicKey.export({ type: 'spki', format: 'der' }).toString('base64');

let dns: DnsServer;

beforeAll(async () => {
  dns = new DnsServer();
  await dns.start();
  for (const domain of ['corp.test', 'mail.corp.test', 'evil.test', 'nopolicy.test']) {
    dns.publish(`s1._domainkey.${domain}`, { type: 'TXT', text: `v=DKIM1; k=rsa; p=${publicKey}` });
  }
  dns.publish('s2._domainkey.corp.test', { type: 'TXT', text: 'v=DKIM1; k=rsa; p=' });
});

afterAll(() => dns.stop());

beforeEach(() => {
  dns.heal();
  for (const domain of ['corp.test', 'evil.test']) setPolicy(domain, 'v=DMARC1; p=reject');
});

function setPolicy(domain: string, text: string): void {
  dns.withdraw(`_dmarc.${domain}`, 'TXT');
  dns.publish(`_dmarc.${domain}`, { type: 'TXT', text });
}

const mail = rawMail(
  'From: Dana <dana@corp.test>',
  'To: signalbox@gateway.test',
  'Subject: Re: Approval',
  'Date: Mon, 05 Jan 2026 09:00:00 +0000',
  'Message-ID: <m1@corp.test>',
  'MIME-Version: 1.0',
  'Content-Type: text/plain; charset=utf-8',
  '',
  'approve K7QMX',
);

async function sign(raw: string, overrides: Record<string, unknown> = {}): Promise<string> {
  const { signingDomain = 'corp.test', selector = 's1', maxBodyLength, ...rest } = overrides;
  const { signatures, errors } = await dkimSign(raw, {
    canonicalization: 'relaxed/relaxed',
    signTime: new Date('2026-01-05T09:00:00Z'),
    ...rest,
    signatureData: [
      { signingDomain, selector, privateKey, ...(maxBodyLength !== undefined && { maxBodyLength }) },
    ],
    // The declared options lack signatureData.
  } as Parameters<typeof dkimSign>[1]);
  expect(errors).toEqual([]);
  return signatures + raw;
}

async function judge(raw: string): Promise<Authentication> {
  const check = new Authenticator(dns.address, { now: () => Date.parse('2026-01-05T10:00:00Z') }).begin();
  const read = await readMail(
    Readable.from([Buffer.from(raw)]),
    { maxBytes: 2_000_000, listener: check.tap },
    AbortSignal.timeout(20_000),
  );
  return check.judge(read.headers);
}

const unauthenticated = (reason: string) => ({ kind: 'unauthenticated', reason });

describe('a mail that is believed', () => {
  it('OM-191 is signed by the domain of its author', async () => {
    expect(await judge(await sign(mail))).toEqual({ kind: 'authenticated' });
  });

  it('may have other signatures beside the good one', async () => {
    const both = await sign(await sign(mail), { signingDomain: 'evil.test' });

    expect(await judge(both)).toEqual({ kind: 'authenticated' });
    expect(await judge(await sign(await sign(mail), { selector: 's2' }))).toEqual({ kind: 'authenticated' });
  });

  it('may be signed for a sub-domain, unless the policy is strict', async () => {
    const signed = await sign(mail, { signingDomain: 'mail.corp.test' });

    expect(await judge(signed)).toEqual({ kind: 'authenticated' });
    setPolicy('corp.test', 'v=DMARC1; p=none; adkim=s');
    expect(await judge(signed)).toEqual(unauthenticated('not-aligned'));
    expect(await judge(await sign(mail))).toEqual({ kind: 'authenticated' });
  });
});

describe('a mail that is not believed', () => {
  it('OM-192 was changed after it was signed', async () => {
    const signed = await sign(mail);

    expect(await judge(signed.replace('K7QMX', 'K7QMY'))).toEqual(unauthenticated('signature-invalid'));
    expect(await judge(signed.replace('Re: Approval', 'Re: Something'))).toEqual(
      unauthenticated('signature-invalid'),
    );
    expect(await judge(signed.replace('Dana <dana@', 'Dana <boss@'))).toEqual(
      unauthenticated('signature-invalid'),
    );
  });

  it('is signed only up to a length, and goes on', async () => {
    const limited = await sign(mail, { maxBodyLength: 13 });

    expect(await judge(limited)).toEqual(unauthenticated('body-not-covered'));
    expect(await judge(`${limited}more\r\n`)).toEqual(unauthenticated('body-not-covered'));
    expect(await judge(await sign(mail, { maxBodyLength: 15 }))).toEqual({ kind: 'authenticated' });
  });

  it('has a signature that leaves the author out', async () => {
    expect(await judge(await sign(mail, { headerList: 'subject:to' }))).toEqual(
      unauthenticated('header-not-signed'),
    );
  });

  it('has a signature that leaves out what tells it from the same mail sent again', async () => {
    for (const headerList of ['from:date:subject', 'from:message-id:subject']) {
      expect(await judge(await sign(mail, { headerList }))).toEqual(unauthenticated('header-not-signed'));
    }
    for (const missing of [/^Date: .*\r\n/m, /^Message-ID: .*\r\n/m]) {
      expect(await judge(await sign(mail.replace(missing, '')))).toEqual(
        unauthenticated('header-not-signed'),
      );
    }
  });

  it('has a signature that has expired', async () => {
    const expired = await sign(mail, { expires: new Date('2026-01-05T09:30:00Z') });

    expect(await judge(expired)).toEqual(unauthenticated('signature-invalid'));
  });

  it('has a signature whose key was withdrawn, or never existed', async () => {
    expect(await judge(await sign(mail, { selector: 's2' }))).toEqual(unauthenticated('signature-invalid'));
    expect(await judge(await sign(mail, { selector: 'nowhere' }))).toEqual(
      unauthenticated('signature-invalid'),
    );
  });

  it('is signed by somebody else', async () => {
    expect(await judge(await sign(mail, { signingDomain: 'evil.test' }))).toEqual(
      unauthenticated('not-aligned'),
    );
    expect(await judge(mail)).toEqual(unauthenticated('unsigned'));
  });

  it('comes from a domain that publishes no policy', async () => {
    const other = mail.replaceAll('dana@corp.test', 'dana@nopolicy.test');

    expect(await judge(await sign(other, { signingDomain: 'nopolicy.test' }))).toEqual(
      unauthenticated('no-policy'),
    );
  });

  it('says one thing to one program and another to the next', async () => {
    for (const line of [
      'From: Eve <eve@evil.test>',
      'Subject: another',
      'To: somebody@else.test',
      'Content-Type: text/html',
      'Message-ID: <m2@corp.test>',
    ]) {
      const above = await judge(`${line}\r\n${await sign(mail)}`);
      expect(above).toEqual(unauthenticated(line.startsWith('From') ? 'no-single-from' : 'repeated-header'));
    }
  });

  it.each([
    'From: dana@corp.test, eve@evil.test',
    'From: Team: dana@corp.test, eve@evil.test;',
    'From: <dana@corp.test> eve@evil.test',
    'From: "dana@corp.test"@evil.test',
    'From: dana@corp.test (eve@evil.test), x@evil.test',
    'From: dana',
    'From:',
    'From: =?utf-8?Q?dana=40corp.test?=',
  ])('has no single author: %s', async (from) => {
    const signed = await sign(mail.replace('From: Dana <dana@corp.test>', from));
    const { kind } = await judge(signed);

    expect(kind).toBe('unauthenticated');
  });

  it('carries more signatures than anybody needs', async () => {
    const before = dns.queries.length;
    const many = `${'DKIM-Signature: v=1; d=evil.test; s=s1; b=x; bh=y; a=rsa-sha256; h=from\r\n'.repeat(200)}${await sign(mail)}`;

    expect(await judge(many)).toEqual(unauthenticated('unsigned'));
    expect(dns.queries.length).toBe(before);
  });

  it.each([
    ['blank lines without end', '\r\n'.repeat(500_000)],
    ['bare line ends', 'x\n'.repeat(500_000)],
    ['a line without end', 'x'.repeat(900_000)],
  ])('OM-188 would take too long to verify: %s', async (_name, body) => {
    const began = performance.now();

    expect(await judge(await sign(mail).then((signed) => signed + body))).toEqual(
      unauthenticated('unsigned'),
    );
    expect(performance.now() - began).toBeLessThan(2_000);
  });

  it('cannot be checked because the name service does not answer', async () => {
    dns.fault('s1._domainkey.corp.test', 'broken');
    expect(await judge(await sign(mail))).toEqual(unauthenticated('lookup-failed'));

    dns.heal();
    dns.fault('_dmarc.corp.test', 'broken');
    expect(await judge(await sign(mail))).toEqual(unauthenticated('lookup-failed'));
  });
});
