/**
 * Which addresses of the network may be talked to. Pure.
 *
 * Allowed is what is known to be public; a form nobody has thought of is refused. Addresses that carry another one
 * within them (IPv4-mapped, NAT64, 6to4, Teredo) are refused whatever they carry: no public host needs them.
 */
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/** All of IPv6 that was ever given out to hosts (IANA, "IPv6 Global Unicast Address Assignments"). */
const GLOBAL_V6 = ipaddr.parseCIDR('2000::/3');

/**
 * Where clouds hand out credentials to whoever asks: link-local for most; these are outside of it.
 * Azure "What is IP address 168.63.129.16?"; Alibaba Cloud "ECS instance metadata"; AWS "IMDS" for IPv6.
 */
const METADATA: ReadonlySet<string> = new Set(
  ['168.63.129.16', '100.100.100.200', 'fd00:ec2::254'].map(normalAddress),
);

const OWN_NETWORK: ReadonlySet<string> = new Set(['private', 'loopback', 'uniqueLocal', 'carrierGradeNat']);

/** Whether anybody on the internet could reach it, and it is nobody's in particular. */
export function isPublicAddress(address: string): boolean {
  if (isIP(address) === 0) return false;
  const parsed = ipaddr.parse(address);
  if (parsed.range() !== 'unicast' || METADATA.has(normalAddress(address))) return false;
  return parsed.kind() === 'ipv4' || parsed.match(GLOBAL_V6);
}

/** Whether a host of one's own network may have it; link-local and metadata addresses are nobody's to name. */
export function isInternalAddress(address: string): boolean {
  if (isIP(address) === 0 || METADATA.has(normalAddress(address))) return false;
  return OWN_NETWORK.has(ipaddr.parse(address).range()) || isPublicAddress(address);
}

/** The same text for every way of writing the same address. @throws for what is none */
export function normalAddress(address: string): string {
  return ipaddr.parse(address).toNormalizedString();
}
