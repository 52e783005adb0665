/**
 * What JSON can write and cannot be kept, shown and compared as it was written: half of a character, which no store
 * keeps and which has no canonical form, and what is nested so deep that walking it ends the program. Pure.
 */

/** Levels of lists and objects in one another: far more than a person reads, far fewer than a call stack has. */
export const MAX_DEPTH = 32;

export interface JsonFlaw {
  /** Keys and indices that lead to it; of what is too deep, up to where it is. */
  readonly path: readonly string[];
  readonly problem: string;
}

/** The first there is; undefined when all of it can be kept. Goes no deeper than it allows. */
export function flawIn(value: unknown, path: readonly string[] = []): JsonFlaw | undefined {
  if (typeof value === 'string' && isBroken(value)) return { path, problem: HALF };
  if (typeof value !== 'object' || value === null) return undefined;
  if (path.length >= MAX_DEPTH) return { path, problem: `is nested deeper than ${MAX_DEPTH} levels` };
  for (const [key, inner] of Object.entries(value)) {
    if (isBroken(key)) return { path, problem: `has a key that ${HALF}` };
    const found = flawIn(inner, [...path, key]);
    if (found !== undefined) return found;
  }
  return undefined;
}

const HALF = 'holds half of a character (a surrogate without the other one)';

function isBroken(text: string): boolean {
  return /\p{Surrogate}/u.test(text);
}
