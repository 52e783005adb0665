/** What the agent is said to have read of strangers, once somebody is erased who wrote some of it. Pure. */
import type { PersonId } from '../domain/ids.ts';
import { isSourceOf, MORE_SOURCES, unsigned } from '../domain/source.ts';
import type { Entry } from '../domain/transcript.ts';
import { bounded, strangersOf } from './provenance.ts';

/**
 * Takes a list of sources to what is left of it. That strangers' words were read stays, whoever they were.
 *
 * @param entries of the conversation, with what they wrote
 * @param ids every id they go by
 */
export function sourcesWithout(
  entries: readonly Entry[],
  ids: readonly PersonId[],
): (sources: readonly string[]) => readonly string[] {
  const others = entries.flatMap((entry) =>
    entry.kind === 'assistant' || isTheirs(entry, ids) ? [] : [itself(entry)],
  );
  // Where they wrote, only what is there of others is told apart by name still: a source may be older than what is kept.
  const known = new Set(strangersOf(others).flatMap((source) => [source, unsigned(source)]));
  const hasSpoken = entries.some((entry) => isTheirs(entry, ids) || isAbout(entry, ids));
  const isKept = (source: string) =>
    source === MORE_SOURCES || known.has(source) || (!hasSpoken && !ids.some((id) => isSourceOf(source, id)));
  return (sources) => (sources.every(isKept) ? sources : bounded([...sources.filter(isKept), MORE_SOURCES]));
}

/** Without what the gateway lists in it: it may name them. */
function itself(entry: Entry): Entry {
  return entry.kind === 'event' ? { ...entry, strangers: [] } : entry;
}

/** Words of theirs may be told in it, though they never spoke here: with what they decided something. */
function isAbout(entry: Entry, ids: readonly PersonId[]): boolean {
  return entry.kind === 'event' && (entry.about ?? []).some((person) => ids.includes(person));
}

function isTheirs(entry: Entry, ids: readonly PersonId[]): boolean {
  return entry.kind === 'user' && entry.from.person !== undefined && ids.includes(entry.from.person);
}
