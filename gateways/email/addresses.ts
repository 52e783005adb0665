/** Mail addresses: reading them out of headers, and the gateway's own with its `+tags`. Pure. */
import { domainToASCII } from 'node:url';
import addressparser from 'nodemailer/lib/addressparser';
import { z } from 'zod';
import { AccountId } from '../../src/domain/ids.ts';

export interface Mailbox {
  /** As written, encoded words and all; for showing, never for comparing. */
  readonly name: string;
  /** Lower case, domain in ASCII. */
  readonly address: string;
}

/** RFC 5321, 4.5.3.1.3. */
const MAX_ADDRESS_CHARS = 254;

/** Longest list of addresses looked at; a longer one is cut, not refused. */
const MAX_LIST_CHARS = 32_000;

/** Longest header that can be one address with a name. */
const MAX_ONE_CHARS = 2_000;

/** A plain addr-spec: quoted local parts and address literals are legal, rare, and a way to confuse parsers. */
const ADDR_SPEC = /^[^\s@"(),:;<>[\]\\\p{Cc}\p{Cf}]{1,64}@[^\s@"(),:;<>[\]\\/\p{Cc}\p{Cf}]{1,253}$/u;

/** `name <address>` or a bare address. Parsers guess at anything else, and not all of them alike. */
const ONE_MAILBOX = /^\s*(?:[^<>@,;:"()]*<\s*[^<>@\s]+@[^<>@\s]+\s*>|[^\s<>@,;:"()]+@[^\s<>@,;:"()]+)\s*$/;

/** What the address parser returns; a group has members in place of an address. */
const ParsedList = z.array(
  z.union([
    z.object({ name: z.string(), group: z.array(z.unknown()) }),
    z.object({ name: z.string().catch(''), address: z.string().catch('') }),
  ]),
);

/** Every mailbox in a header's value; groups and what is not an address are left out. */
export function readMailboxes(value: string): Mailbox[] {
  return parsed(value).flatMap((entry) => ('group' in entry ? [] : (toMailbox(entry) ?? [])));
}

/** The mailbox, if the value is exactly one plain address, with or without a name, and nothing else. */
export function readOneMailbox(value: string): Mailbox | undefined {
  if (value.length > MAX_ONE_CHARS || !ONE_MAILBOX.test(withoutQuotes(value))) return undefined;
  const entries = parsed(value);
  const [entry] = entries;
  return entries.length === 1 && entry && 'address' in entry ? toMailbox(entry) : undefined;
}

/** Undefined when it is not an address we could write to. */
export function normalAddress(address: string): string | undefined {
  if (address.length > MAX_ADDRESS_CHARS || !ADDR_SPEC.test(address)) return undefined;
  const at = address.lastIndexOf('@');
  const domain = domainToASCII(address.slice(at + 1).replace(/\.$/, ''));
  const written = address.slice(0, at);
  const local = written.normalize('NFC').toLowerCase();
  // A Kelvin sign folds into a k: another mailbox that would pass for a person's.
  if (domain === '' || (isAscii(local) && !isAscii(written))) return undefined;
  return `${local}@${domain.toLowerCase()}`;
}

function isAscii(text: string): boolean {
  return /^\p{ASCII}*$/u.test(text);
}

export function domainOf(address: string): string {
  return address.slice(address.lastIndexOf('@') + 1);
}

export function accountOf(address: string): AccountId {
  return AccountId.parse(`email:${address}`);
}

export function addressOf(account: AccountId): string {
  return account.slice(account.indexOf(':') + 1);
}

/** Whether a recipient is us, and with which tag behind the `+`. */
export function matchOwn(own: string, recipient: string): { readonly tag: string | undefined } | undefined {
  const address = normalAddress(recipient);
  if (address === undefined || domainOf(address) !== domainOf(own)) return undefined;
  const local = localOf(address);
  if (local === localOf(own)) return { tag: undefined };
  return local.startsWith(`${localOf(own)}+`) ? { tag: local.slice(localOf(own).length + 1) } : undefined;
}

export function withTag(own: string, tag: string): string {
  return `${localOf(own)}+${tag}@${domainOf(own)}`;
}

/** Quoted names and comments may hold anything. */
function withoutQuotes(value: string): string {
  return value.replace(/"(?:[^"\\]|\\.)*"/g, ' ').replace(/\([^()]*\)/g, ' ');
}

function localOf(address: string): string {
  return address.slice(0, address.lastIndexOf('@'));
}

function parsed(value: string): z.infer<typeof ParsedList> {
  return ParsedList.parse(addressparser(value.slice(0, MAX_LIST_CHARS)));
}

function toMailbox({ name, address }: { name: string; address: string }): Mailbox | undefined {
  const normal = normalAddress(address);
  return normal === undefined ? undefined : { name, address: normal };
}
