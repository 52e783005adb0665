/** `contacts.yaml`: the people, the accounts they speak from, and where they want to be asked. */
import { z } from 'zod';
import { AccountId, PersonId, Platform } from '../domain/ids.ts';
import { type Person, RoleName } from '../domain/person.ts';

/** Keys of a parsed file are plain text again: a literal object is a valid configuration in a test. */
const PersonKey: z.ZodType<string, string> = PersonId;
const PlatformKey: z.ZodType<string, string> = Platform;

const AccountValue = z.string().min(1).max(280);

export const Contact = z.strictObject({
  name: z.string().min(1).describe('As it is shown to others.'),
  roles: z.array(RoleName).default([]).describe('Roles of authorizations.yaml.'),
  accounts: z
    .record(
      PlatformKey,
      z
        .union([AccountValue, z.array(AccountValue).min(1)])
        .transform((account) => (typeof account === 'string' ? [account] : account)),
    )
    .describe(
      'Platform to account, or to a list of accounts. slack: `<team id>/<user id>`. email: the address. ' +
        'Use stable ids, never display names.',
    ),
  prefers: z.array(Platform).min(1).optional().describe('Where they want to be asked, best first.'),
  answers_on: Platform.optional().describe(
    'Where answers to what they ask are sent to them. Left out: where they asked.',
  ),
});
export type Contact = z.infer<typeof Contact>;

export const Contacts = z
  .strictObject({
    people: z
      .record(PersonKey, Contact)
      .describe('Person id to person. The id is how rules and the audit name them.'),
  })
  .describe('The people, and how they are reached.');
export type Contacts = z.infer<typeof Contacts>;

/** Everyone in the file, as the core knows people. Without `prefers`, the accounts' own order counts. */
export function toPeople(contacts: Contacts): Person[] {
  return Object.entries(contacts.people).map(([id, contact]) => ({
    id: PersonId.parse(id),
    name: contact.name,
    roles: contact.roles,
    accounts: accountsOf(contact),
    ...(contact.answers_on ? { answersOn: contact.answers_on } : {}),
    prefers: contact.prefers ?? Object.keys(contact.accounts).map((platform) => Platform.parse(platform)),
  }));
}

/** Every account of one contact. */
export function accountsOf(contact: Contact): AccountId[] {
  return Object.entries(contact.accounts).flatMap(([platform, values]) =>
    values.map((value) => toAccountId(platform, value)),
  );
}

/** The account id a gateway would give this sender; e-mail addresses are compared in lower case. */
export function toAccountId(platform: string, value: string): AccountId {
  return AccountId.parse(`${platform}:${platform === 'email' ? value.toLowerCase() : value}`);
}
