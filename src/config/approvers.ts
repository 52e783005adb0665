/** Who has to say yes, as the files write it. */
import { z } from 'zod';
import { PersonId } from '../domain/ids.ts';
import { RoleName } from '../domain/person.ts';
import { type Approvers, MAX_PLACES, placesIn, ScheduleName } from '../domain/quorum.ts';

const leaves = [
  z.strictObject({
    role: RoleName.describe('Anyone who holds this role.'),
    count: z.int().min(1).optional().describe('So many of them; one, if left out.'),
  }),
  z.strictObject({ person: PersonId.describe('This person of contacts.yaml.') }),
  z
    .strictObject({
      on_call: ScheduleName.describe('Whoever is on call by this schedule of schedules.yaml.'),
    })
    .transform(({ on_call }): Approvers => ({ onCall: on_call })),
] as const;

/** The same in words of the files: `all`, `any`, or `at_least` so many `of` some. */
function groupsOf<Member extends z.ZodType<Approvers>>(member: Member) {
  const members = z.array(member).min(1).max(MAX_PLACES);
  return [
    z
      .strictObject({ all: members.describe('Everybody of these.') })
      .transform(({ all }): Approvers => ({ atLeast: all.length, of: all })),
    z
      .strictObject({ any: members.describe('One of these.') })
      .transform(({ any }): Approvers => ({ atLeast: 1, of: any })),
    z
      .strictObject({
        at_least: z.int().min(1).describe('How many of them.'),
        of: members.describe('So many of these.'),
      })
      .refine(({ at_least, of }) => at_least <= of.length, {
        error: 'must be no more than there are under `of`',
        path: ['at_least'],
      })
      .transform(({ at_least, of }): Approvers => ({ atLeast: at_least, of })),
  ] as const;
}

/** For programs; what is written in a file is told what is wrong with the branch it means. */
const FITTING =
  'must be { role: … }, { role: …, count: 2 }, { person: … }, { on_call: … }, or at least one of these in { all: […] }, { any: […] } or { at_least: 1, of: […] }';

/** Groups of groups of people, roles and schedules: deeper than that nobody reads. */
export const WrittenApprovers = z
  .union([...leaves, ...groupsOf(z.union([...leaves, ...groupsOf(z.union(leaves))]))], { error: FITTING })
  .refine((approvers) => placesIn(approvers) <= MAX_PLACES, {
    error: `must be of at most ${MAX_PLACES} people`,
  })
  .describe(
    'Who has to say yes: `{ role: … }`, `{ role: …, count: 2 }`, `{ person: … }`, `{ on_call: … }`, or several of these: ' +
      '`{ all: […] }`, `{ any: […] }`, `{ at_least: 2, of: […] }`. Nobody counts twice.',
  );
