/** A human who may ask or decide, by whichever account they speak from. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { AccountId, PersonId, Platform } from './ids.ts';

export const RoleName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,31}$/, 'a role is lower-case letters, digits and hyphens');
export type RoleName = z.infer<typeof RoleName>;

/** How much it matters that something is read soon. */
export const Importance = z.enum(['low', 'normal', 'high', 'urgent']);
export type Importance = z.infer<typeof Importance>;

export const Person = z.object({
  id: PersonId,
  name: z.string().min(1),
  roles: z.array(RoleName),
  accounts: z.array(AccountId),
  /** Where they want to be asked, best first. */
  prefers: z.array(Platform),
  /** The same for what matters more or less than usual, where that is somewhere else. */
  reach: z.partialRecord(Importance, z.array(Platform).optional()).optional(),
  /** Where answers to them are sent; absent: where they asked. */
  answersOn: Platform.optional(),
});
export type Person = z.infer<typeof Person>;

const GUEST = 'guest.';

/** As whom somebody counts whose account belongs to nobody we know; each is told apart from every other. */
export function guestIdOf(account: AccountId): PersonId {
  return PersonId.parse(`${GUEST}${createHash('sha256').update(account).digest('hex').slice(0, 16)}`);
}

/**
 * How the gateway speaks of somebody to the agent in its own voice. What a guest is called, their account in some places
 * too, they chose themselves: it would be read as the gateway's word.
 */
export function nameInNews({ person, name }: { readonly person: PersonId; readonly name: string }): string {
  return isGuestId(person) ? `a guest (${person})` : name;
}

/** Whether it may be one that `guestIdOf` has made. */
export function isGuestId(id: PersonId): boolean {
  return id.startsWith(GUEST);
}
