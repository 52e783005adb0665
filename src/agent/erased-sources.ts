/** What the agent is said to have read of strangers, once somebody is erased who wrote some of it. Pure. */
import type { PersonId } from '../domain/ids.ts';
import type { Entry } from '../domain/transcript.ts';
import { bounded, MORE_SOURCES, strangersOf, wordsOf } from './provenance.ts';

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
  const others = entries.filter((entry) => entry.kind !== 'assistant' && !isTheirs(entry, ids));
  // Where they wrote, only what is there of others is told apart by name still: a source may be older than what is kept.
  const known = new Set(strangersOf(others));
  const hasSpoken = entries.some((entry) => isTheirs(entry, ids));
  const isKept = (source: string) =>
    source === MORE_SOURCES ||
    known.has(source) ||
    (!hasSpoken && !ids.some((id) => source.endsWith(wordsOf(id))));
  return (sources) => (sources.every(isKept) ? sources : bounded([...sources.filter(isKept), MORE_SOURCES]));
}

function isTheirs(entry: Entry, ids: readonly PersonId[]): boolean {
  return entry.kind === 'user' && entry.from.person !== undefined && ids.includes(entry.from.person);
}
