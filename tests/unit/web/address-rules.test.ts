import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WebSettings } from '../../../src/config/web.ts';
import { isInternalAddress, isPublicAddress } from '../../../src/web/address-rules.ts';
import { toTarget } from '../../../src/web/target.ts';
import { runs } from '../../support/property-runs.ts';

/** Networks that are nobody's on the internet (IANA special-purpose registries), and clouds' own. */
const CLOSED_V4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
  '168.63.129.16/32',
];

const closedV4 = fc
  .tuple(fc.constantFrom(...CLOSED_V4), fc.nat(0xffffffff))
  .map(([network, host]) => inNetwork(network, host));

const group = fc.integer({ min: 0, max: 0xffff }).map((value) => value.toString(16));
const closedV6 = fc.oneof(
  fc.constantFrom('::', '::1', 'fd00:ec2::254', '100::1', '2001:db8::1', '2001::1', '3fff::1'),
  fc
    .tuple(fc.constantFrom('fc', 'fd'), fc.nat(0xff), fc.array(group, { minLength: 7, maxLength: 7 }))
    .map(([first, second, rest]) => `${first}${second.toString(16).padStart(2, '0')}:${rest.join(':')}`),
  fc.tuple(fc.constantFrom('fe80', 'febf', 'fec0', 'ff02', 'ff0e'), group).map(([a, b]) => `${a}::${b}`),
);

/** Every public address, too: a form that carries another is refused whatever it carries. */
const anyV4 = fc.nat(0xffffffff).map(dotted);
const carrying = fc
  .tuple(fc.constantFrom('::ffff:', '::', '::ffff:0:', '64:ff9b::', '64:ff9b:1::'), anyV4)
  .map(([prefix, address]) => `${prefix}${address}`);
const sixToFour = anyV4.map((address) => `2002:${hexGroups(address)}::1`);

describe('addresses', () => {
  it('nothing that is private, reserved or carries another address is public', () => {
    fc.assert(
      fc.property(fc.oneof(closedV4, closedV6, carrying, sixToFour), (address) => {
        expect(isPublicAddress(address)).toBe(false);
      }),
      { numRuns: runs(2_000) },
    );
  });

  it('however a closed address is written in an URL, it is refused', () => {
    const rules = WebSettings.parse({ allow: ['*'] });
    const written = fc.oneof(
      fc.tuple(closedV4, fc.constantFrom(...V4_FORMS)).map(([address, form]) => form(address)),
      fc.oneof(closedV6, carrying, sixToFour).map((address) => `[${address}]`),
      closedV4.map((address) => `[::ffff:${hexGroups(address)}]`),
    );

    fc.assert(
      fc.property(written, (host) => {
        const target = toTarget(`https://${host}/`, rules);
        // A form the parser does not take is refused; one it takes must be seen for what it is.
        if (target.kind === 'refused') return;
        expect(target.isAddress).toBe(true);
        expect(isPublicAddress(target.host)).toBe(false);
      }),
      { numRuns: runs(2_000) },
    );
  });

  it.each(['8.8.8.8', '93.184.215.14', '1.1.1.1', '2606:4700:4700::1111', '2a00:1450:4001:82a::200e'])(
    'takes %s for what it is: public',
    (address) => {
      expect(isPublicAddress(address)).toBe(true);
    },
  );

  it.each(['', 'example.com', '1.2.3', '1.2.3.4.5', '::g', '4000::1', '1::1'])(
    'takes %s for no public address',
    (address) => {
      expect(isPublicAddress(address)).toBe(false);
    },
  );

  it('lets a host of one’s own network be private, but never where clouds hand out credentials', () => {
    expect(
      ['10.0.0.5', '127.0.0.1', '::1', 'fd12::1', '100.64.0.1', '8.8.8.8'].every(isInternalAddress),
    ).toBe(true);
    const metadata = ['169.254.169.254', '168.63.129.16', '100.100.100.200', 'fd00:ec2::254', 'fe80::1'];
    expect(metadata.filter(isInternalAddress)).toEqual([]);
    expect(['::ffff:10.0.0.5', '224.0.0.1', '0.0.0.0', 'x'].filter(isInternalAddress)).toEqual([]);
  });
});

const V4_FORMS: readonly ((address: string) => string)[] = [
  (address) => address,
  (address) => `${address}.`,
  (address) => String(toNumber(address)),
  (address) => `0x${toNumber(address).toString(16)}`,
  (address) => `0${toNumber(address).toString(8)}`,
  (address) =>
    octets(address)
      .map((octet) => `0x${octet.toString(16)}`)
      .join('.'),
  (address) =>
    octets(address)
      .map((octet) => `0${octet.toString(8)}`)
      .join('.'),
  (address) => {
    const [a = 0, b = 0, c = 0, d = 0] = octets(address);
    return `${a}.${b}.${c * 256 + d}`;
  },
  (address) =>
    octets(address)
      .map((octet) =>
        [...String(octet)].map((digit) => String.fromCodePoint(0xff10 + Number(digit))).join(''),
      )
      .join('。'),
  (address) => address.replaceAll('.', '%2e'),
];

function inNetwork(network: string, host: number): string {
  const [base = '', bits = '32'] = network.split('/');
  const free = 2 ** (32 - Number(bits));
  return dotted(toNumber(base) + (host % free));
}

function octets(address: string): number[] {
  return address.split('.').map(Number);
}

function toNumber(address: string): number {
  return octets(address).reduce((sum, octet) => sum * 256 + octet, 0);
}

function dotted(value: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.');
}

function hexGroups(address: string): string {
  const [a = 0, b = 0, c = 0, d = 0] = octets(address);
  return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
}
