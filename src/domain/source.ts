/**
 * A source: what of strangers was read, in words for people. It is kept with what came of that. Of what somebody wrote or
 * sent it says at its end whose it is, so that it is found when they are erased, whatever they are called. Pure.
 *
 *   what Eve wrote (guest.0123456789abcdef)
 *   what Dana Reyes passed on (dana)
 *   the file “plan.pdf” (dana)
 *   a page of the web (web_fetch)
 *
 * What was kept before says it of the first alone.
 */
import type { PersonId } from './ids.ts';
import { holdsName } from './phrase.ts';
import { cutBefore } from './text-cut.ts';

/** Of a name in it, in characters. */
const MAX_NAME_CHARS = 80;
/** What there is beyond those that are named: nobody's own words, whoever asks, for no name of a person ends it. */
export const MORE_SOURCES = 'more that others wrote';

interface Author {
  readonly person?: PersonId | undefined;
  readonly name: string;
}

export function sourceOfWords({ name, person }: Author): string {
  return `what ${shortened(name)} wrote${ofPerson(person)}`;
}

/** Words of others, in what somebody wrote. */
export function sourceOfQuote({ name, person }: Author): string {
  return `what ${shortened(name)} passed on${ofPerson(person)}`;
}

/** @param name of the file, which `person` sent */
export function sourceOfFile({ name, person }: Author): string {
  return `the file “${shortened(name)}”${ofPerson(person)}`;
}

/** Whether it is what this person wrote themselves, and nothing they passed on. */
export function isWrittenBy(source: string, person: PersonId): boolean {
  return source.endsWith(` wrote${ofPerson(person)}`);
}

/** Whether it says that it is theirs. */
export function isSourceOf(source: string, person: PersonId): boolean {
  return source.endsWith(ofPerson(person));
}

/** What one of these people is called in what says that they wrote it, or passed it on. */
export function authorOf(source: string, people: readonly PersonId[]): string | undefined {
  return people.some((person) => isSourceOf(source, person)) ? WORDS.exec(source)?.[1] : undefined;
}

/** The same as it was kept before, without whose it is. */
export function unsigned(source: string): string {
  return source.replace(SIGNED, '');
}

function ofPerson(person: PersonId | undefined): string {
  return ` (${person ?? NOBODY})`;
}

function shortened(name: string): string {
  return name.length <= MAX_NAME_CHARS ? name : `${name.slice(0, cutBefore(name, MAX_NAME_CHARS))}…`;
}

const NOBODY = 'unknown person';

// ── Whose it is ────────────────────────────────────────────────────────────────────────────────────────────────

/** Somebody whose sources are looked for. */
export interface Sought {
  /** Every id they go by. */
  readonly ids: readonly PersonId[];
  /** What they are called here: found wherever it stands. */
  readonly names: readonly string[];
  /** How they were called where they wrote. They may have chosen it themselves, so it is found as a whole name only. */
  readonly calledThere: readonly string[];
  /** Whether they wrote where it was read. */
  readonly wasThere: boolean;
}

/** `untold`: nobody can tell, and it may be theirs. */
export function whoseSource(source: string, sought: Sought): 'theirs' | 'untold' | 'others' {
  const { ids, names, calledThere, wasThere } = sought;
  if (source === MORE_SOURCES) return 'others';
  if (ids.some((id) => isSourceOf(source, id))) return 'theirs';
  const [, author] = WORDS.exec(source) ?? [];
  if (names.some((name) => holdsName(source, name) || isCalled(name, author))) return 'theirs';
  if (SIGNED.test(source)) return 'others';
  if (calledThere.some((name) => isCalled(name, author))) return 'theirs';
  const isUntold = UNSIGNED.test(source);
  return isUntold && wasThere ? 'untold' : 'others';
}

/** Of a person, or of a tool. */
const SIGNED = / \([^\s()]+\)$/u;
const WORDS = /^what (.*) (?:wrote|passed on)(?: \([^()]*\))?$/su;
const UNSIGNED = /^(?:what .* passed on|what .* wrote|the file “.*”)$/su;

/** A name that stands shortened in a source still has so many characters at least. */
const FEWEST_LEFT = MAX_NAME_CHARS / 2;

function isCalled(name: string, author: string | undefined): boolean {
  if (author === undefined) return false;
  const isCut = author.endsWith('…') && author.length > FEWEST_LEFT;
  return author === name || (isCut && name.startsWith(author.slice(0, -1)));
}
