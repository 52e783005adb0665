/**
 * Short names for long lines: what somebody has to read before they agree to it, and says by a button or a short word.
 *
 * A line stands for itself, with the sign that exactly this was read; its short name is a convenience, for one person,
 * for a while. Asking for it again changes nothing.
 */
import { createHash } from 'node:crypto';
import type { PersonId } from '../domain/ids.ts';
import type { RedisClient } from '../redis/client.ts';
import type { Keys } from '../redis/keys.ts';

/** Long enough to read what is agreed to, and to be called away once. */
const KEEP_MS = 30 * 60_000;

/** Without those that are taken for one another, and without vowels, so that they make no words. */
const SIGN_LETTERS = '3479CDFHJKMNPQRTVWXY';

/** As `codeOf` makes them. */
const CODE = new RegExp(`^\\s*[/!]?confirm\\s+([${SIGN_LETTERS}]{8})[\\s.]*$`, 'i');

export class Confirmations {
  constructor(
    private readonly redis: RedisClient,
    private readonly keys: Keys,
  ) {}

  /** Resolves with what to say instead of the line: `/confirm k7qmx4rt`. */
  async shorten(person: PersonId, line: string): Promise<string> {
    const code = codeOf(person, line);
    await this.redis.set(this.keys.confirmation(person, code), line, 'PX', KEEP_MS);
    return `/confirm ${code}`;
  }

  /** The line that a short name stands for; undefined when it is nobody's, somebody else's, or too old. */
  async lineOf(person: PersonId, code: string): Promise<string | undefined> {
    return (await this.redis.get(this.keys.confirmation(person, code.toLowerCase()))) ?? undefined;
  }
}

/** The code in `/confirm CODE`; undefined for any other text. Pure. */
export function readConfirmation(text: string): string | undefined {
  return CODE.exec(text)?.[1];
}

/** Four letters to copy: not a secret, but the sign that exactly this was read. Pure. */
export function signOf(read: string): string {
  return lettersOf(read, 4);
}

function codeOf(person: PersonId, line: string): string {
  return lettersOf(`${person} ${line}`, 8).toLowerCase();
}

function lettersOf(read: string, length: number): string {
  const seal = createHash('sha256').update(read).digest();
  return [...seal.subarray(0, length)].map((byte) => SIGN_LETTERS[byte % SIGN_LETTERS.length]).join('');
}
