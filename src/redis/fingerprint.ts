/**
 * What tells a record from every other one, also from one with the same revision: a server that lost its last writes
 * gives a revision a second time, and whoever stood still over that would write over what is not what they have read.
 */
import { createHash } from 'node:crypto';

/** SHA-1 of a record as it is stored, as `fingerprintOf` of effects.lua makes it; empty where there is none. */
export function fingerprintOf(stored: unknown): string {
  return typeof stored === 'string' ? createHash('sha1').update(stored).digest('hex') : '';
}
