import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  matchOwn,
  normalAddress,
  readMailboxes,
  readOneMailbox,
  withTag,
} from '../../../../gateways/email/addresses.ts';

const own = 'signalbox@gateway.test';

describe('one mailbox', () => {
  it.each([
    ['dana@corp.test', 'dana@corp.test'],
    ['Dana <Dana@Corp.Test>', 'dana@corp.test'],
    ['"Reyes, Dana" <dana@corp.test>', 'dana@corp.test'],
    ['"eve@evil.test" <dana@corp.test>', 'dana@corp.test'],
    ['Dana (home) <dana@corp.test>', 'dana@corp.test'],
    ['=?utf-8?B?RMOhbmE=?= <dana@corp.test>', 'dana@corp.test'],
    ['dana@bücher.test', 'dana@xn--bcher-kva.test'],
    ['dana@corp.test.', 'dana@corp.test'],
  ])('is read from %s', (value, address) => {
    expect(readOneMailbox(value)?.address).toBe(address);
  });

  it.each([
    '',
    'dana',
    '@corp.test',
    'dana@',
    'dana@corp.test, eve@evil.test',
    'dana@corp.test eve@evil.test',
    '<dana@corp.test> eve@evil.test',
    'eve@evil.test <dana@corp.test>',
    'Team: dana@corp.test;',
    'dana@corp.test <dana@corp.test>, ',
    '"dana@corp.test"@evil.test',
    '<<dana@corp.test>>',
    'dana@corp.test@evil.test',
    'dana@[127.0.0.1]',
    'da\u200bna@corp.test',
  ])('OM-191 is not read from %j', (value) => {
    expect(readOneMailbox(value)).toBeUndefined();
  });

  it('is never read from anything without an @, and reading never throws', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (value) => {
        readMailboxes(value);
        const mailbox = readOneMailbox(value);
        if (mailbox) expect(mailbox.address).toMatch(/^[^\s@]+@[^\s@]+$/);
      }),
    );
  });
});

describe('our own address', () => {
  it('is recognised with and without a tag, in any case', () => {
    expect(matchOwn(own, 'Signalbox@GATEWAY.test')).toEqual({ tag: undefined });
    expect(matchOwn(own, withTag(own, 'abc'))).toEqual({ tag: 'abc' });
    expect(matchOwn(own, 'signalbox+ABC@gateway.test')).toEqual({ tag: 'abc' });
  });

  it.each([
    'signalboxx@gateway.test',
    'x@gateway.test',
    'signalbox@other.test',
    'signalbox@gateway.test.evil.test',
    'nonsense',
  ])('is not %s', (address) => {
    expect(matchOwn(own, address)).toBeUndefined();
  });

  it('is never longer than an address may be', () => {
    expect(normalAddress(`${'a'.repeat(65)}@x.test`)).toBeUndefined();
    expect(normalAddress(`a@${'b'.repeat(300)}.test`)).toBeUndefined();
  });

  it('is not another mailbox whose letters only fold into its own', () => {
    expect(normalAddress('\u212Aim@corp.test')).toBeUndefined();
    expect(normalAddress('Kim@corp.test')).toBe('kim@corp.test');
    expect(normalAddress('J\u00dcrgen@corp.test')).toBe('j\u00fcrgen@corp.test');
  });
});
