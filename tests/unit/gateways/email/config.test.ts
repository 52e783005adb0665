import { describe, expect, it } from 'vitest';
import { EmailSettings, isReady, missingEmailSettings } from '../../../../gateways/email/config.ts';
import { EmailGateway } from '../../../../gateways/email/gateway.ts';
import { StartupError } from '../../../../src/domain/errors.ts';
import { createLogger } from '../../../../src/observability/logger.ts';
import { MemoryBookmarks } from '../../../support/email.ts';

const complete = {
  address: 'Signalbox@Gateway.test',
  smtp: { host: 'smtp.gateway.test', user: 'u', password: 'p' },
  inbound: { imap: { host: 'imap.gateway.test', user: 'u', password: 'p' } },
};

describe('the settings of the e-mail gateway', () => {
  it('OM-185 have defaults that are safe', () => {
    expect(EmailSettings.parse(complete)).toMatchObject({
      enabled: 'auto',
      address: 'signalbox@gateway.test',
      smtp: { port: 587, secure: false },
      inbound: { imap: { port: 993, secure: true, mailbox: 'INBOX' } },
      plus_addressing: true,
      max_size: 26_214_400,
      allow_insecure: false,
    });
    expect(isReady(EmailSettings.parse({}))).toBe(false);
    expect(missingEmailSettings(EmailSettings.parse({}))).toEqual([
      'address',
      'smtp',
      'inbound.imap or inbound.listen',
    ]);
  });

  it.each([
    ['an unknown key', { ...complete, adress: 'x' }],
    ['no address', { ...complete, enabled: true, address: undefined }],
    ['an address that leaves no room for a token', { ...complete, address: 'a-very-long-name@gateway.test' }],
    ['an address that is none', { ...complete, address: 'signalbox' }],
    ['a port that is none', { ...complete, smtp: { host: 'h', port: 70_000 } }],
    ['a name server that is a name', { ...complete, dns_server: 'dns.corp.test' }],
  ])('OM-185 are refused with %s', (_name, settings) => {
    expect(EmailSettings.safeParse(settings).success).toBe(false);
  });

  it('OM-190 refuse to take mail in the clear from other machines, unless that is asked for', () => {
    const listening = (listen: object, more: object = {}) =>
      EmailSettings.safeParse({ ...complete, inbound: { listen }, ...more }).success;

    expect(listening({ host: '127.0.0.1' })).toBe(true);
    expect(listening({ host: '0.0.0.0' })).toBe(false);
    expect(listening({ host: '0.0.0.0' }, { allow_insecure: true })).toBe(true);
    expect(listening({ host: '0.0.0.0', tls: { key: 'k', cert: 'c' } })).toBe(true);
  });

  it('OM-185 that lack something keep a gateway from being made, and say what', () => {
    const deps = {
      log: createLogger({ level: 'silent' }),
      clock: { now: () => 0 },
      bookmarks: new MemoryBookmarks(),
    };

    expect(() => new EmailGateway(EmailSettings.parse({ ...complete, smtp: undefined }), deps)).toThrow(
      StartupError,
    );
    expect(() => new EmailGateway(EmailSettings.parse({ ...complete, smtp: undefined }), deps)).toThrow(
      /lacks smtp/,
    );
  });
});
