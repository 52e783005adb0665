import { dkimVerify } from 'mailauth/lib/dkim/verify.js';
import { afterEach, expect, it, vi } from 'vitest';
import { DnsServer } from '../../../src/sandbox/dns/dns-server.ts';
import { Journal } from '../../../src/sandbox/journal.ts';
import { DomainKeys } from '../../../src/sandbox/mail/domain-keys.ts';
import { rawMail } from '../../support/email.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

it('signs a mail so that it verifies, even if a second ends while it is signed', async () => {
  const dns = new DnsServer();
  const published = vi.spyOn(dns, 'publish');
  const keys = new DomainKeys(new Journal(), dns, 1_024);
  let nowMs = Date.now();
  vi.spyOn(Date, 'now').mockImplementation(() => {
    nowMs += 1_000;
    return nowMs;
  });

  const mail = rawMail('From: alex@corp.test', 'Date: Mon, 05 Jan 2026 09:00:00 +0000', '', 'hello');
  const signed = await keys.sign(Buffer.from(mail), 'corp.test');

  const [, record] = published.mock.calls[0]!;
  const resolver = async () => [['text' in record ? record.text : '']];
  const { results } = await dkimVerify(signed, { resolver });
  expect(results.map(({ status }) => status.result)).toEqual(['pass']);
});
