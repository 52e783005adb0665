/** `contacts.yaml`: the people, the accounts they speak from, where and when they want to be asked. */
import { z } from 'zod';
import type { WallTime } from '../calendar/time-zone.ts';
import { AccountId, PersonId, Platform } from '../domain/ids.ts';
import { type Person, RoleName } from '../domain/person.ts';
import { duration } from './duration.ts';
import { HoursName, isRoundTheClock, TimeZoneName, WeekRanges } from './hours.ts';
import { toWallTime } from './schedules.ts';

/** Keys of a parsed file are plain text again: a literal object is a valid configuration in a test. */
const PersonKey: z.ZodType<string, string> = PersonId;
const PlatformKey: z.ZodType<string, string> = Platform;

const AccountValue = z.string().min(1).max(280);

const DAY_MS = 24 * 60 * 60 * 1000;

/** `2026-08-03`, or `2026-08-03T13:00`; `dayEndMs` is added to a day without a time. */
function localMoment(dayEndMs: number) {
  const words = 'must be a date such as 2026-08-03, or one with a local time such as 2026-08-03T13:00';
  return z
    .string()
    .regex(/^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2})?)?$/, words)
    .transform((text, context): WallTime => {
      const day = toWallTime(`${text}T00:00`);
      const wall = day === undefined ? toWallTime(text) : day + dayEndMs;
      if (wall !== undefined) return wall;
      context.addIssue({ code: 'custom', message: words });
      return z.NEVER;
    });
}

/** Once parsed `to` is not included, whether it was written as a day or as a time. */
export const Absence = z
  .strictObject({
    from: localMoment(0).describe('The first day away (2026-08-03), or when it begins (2026-08-03T13:00).'),
    to: localMoment(DAY_MS).describe(
      'The last day away (2026-08-14), or when they are back (2026-08-14T09:00).',
    ),
    stand_in: PersonId.optional().describe('Who is asked in their place, and may decide in it.'),
  })
  .refine(({ from, to }) => from < to, { path: ['to'], message: 'must be later than from' });
export type Absence = z.infer<typeof Absence>;

const Pause = z.strictObject({
  wait: duration({ min: '10s', max: '24h' }).describe(
    'How long the way before has, when they are called by one way after the other.',
  ),
});

/** Where somebody is asked, best first, and how long each way has before the next is tried. */
const Ways = z
  .array(z.union([Platform, Pause]))
  .min(1)
  .superRefine((ways, context) => {
    const issue = (index: number, message: string) =>
      context.addIssue({ code: 'custom', path: [index], message });
    ways.forEach((way, index) => {
      if (typeof way === 'string') return;
      if (index === 0) issue(index, 'must not begin with a wait: nobody was called before it');
      else if (typeof ways[index - 1] === 'object')
        issue(index, 'must be a platform: two waits in a row are one, as long as both');
      else if (index === ways.length - 1)
        issue(index, 'must not end with a wait: no platform comes after it');
    });
  });
export type Ways = z.infer<typeof Ways>;

const Reach = z
  .strictObject({
    low: Ways.optional().describe('What can wait.'),
    normal: Ways.optional().describe('Everything that is not said to be otherwise.'),
    high: Ways.optional().describe('What should be read soon.'),
    urgent: Ways.optional().describe('What must be read now.'),
  })
  .describe(
    'Where they want to be asked by how much it matters, best first; `{ wait: 5m }` between two says how long the ' +
      'first has when they are called. Left out: as in prefers.',
  );

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
  reach: Reach.optional(),
  time_zone: TimeZoneName.optional().describe(
    'Where they live: an IANA name. Left out: the zone of their working hours.',
  ),
  working_hours: HoursName.optional().describe('When they work: working hours of schedules.yaml.'),
  quiet_hours: WeekRanges.refine((week) => !isRoundTheClock(week), {
    error: 'must leave some time of the week out: whoever is never to be disturbed cannot be called',
  })
    .optional()
    .describe(
      'When they want to be left alone, on their own clock: `every_day: 22:00-07:00`. What reminds them of a request waits until then, unless its deadline comes first; a request itself is shown at once.',
    ),
  absences: z
    .array(Absence)
    .max(200)
    .optional()
    .describe('When they are away, on their own clock. Whoever is away is not asked.'),
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
    ...(contact.reach ? { reach: platformsOf(contact.reach) } : {}),
    prefers: contact.prefers ?? Object.keys(contact.accounts).map((platform) => Platform.parse(platform)),
  }));
}

function platformsOf(reach: NonNullable<Contact['reach']>): NonNullable<Person['reach']> {
  return Object.fromEntries(
    Object.entries(reach).map(([importance, ways = []]) => [
      importance,
      ways.filter((way) => typeof way === 'string'),
    ]),
  );
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

/** What an account of this platform looks like, where this one is none: it could never send anything. */
export function wantedInstead(platform: string, value: string): string | undefined {
  const form = ACCOUNT_FORMS.get(platform);
  return form === undefined || form.fits.test(value) ? undefined : form.expected;
}

const ACCOUNT_FORMS: ReadonlyMap<string, { readonly fits: RegExp; readonly expected: string }> = new Map([
  [
    'slack',
    {
      fits: /^[TE][A-Z0-9]+\/[UW][A-Z0-9]+$/,
      expected: 'the workspace and the member, such as T024BE7LD/U0G9QFNKC (profile, "Copy member ID")',
    },
  ],
  [
    'discord',
    {
      fits: /^\d{17,20}$/,
      expected: 'a user id, 17 to 20 digits in quotes (developer mode, "Copy User ID")',
    },
  ],
  [
    'jira',
    {
      // Cloud and Data Center write it differently; an address and a name with a blank are neither.
      fits: /^[^\s/]+$/,
      expected: 'an account id, the last part of the address of their profile',
    },
  ],
  ['email', { fits: /^[^\s@]+@[^\s@]+$/, expected: 'an e-mail address' }],
]);
