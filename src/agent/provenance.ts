/**
 * Whether strangers' words have been read in a conversation, and which words are those of people we know.
 *
 * The agent may do what a text says without anybody noticing. So a text of a stranger stays with everything that was
 * written in sight of it: what the agent wrote then is no cleaner than what it had read. Whoever asks is no stranger to
 * their own request: the rules hold them to what they may have done. Pure.
 */
import type { PersonId } from '../domain/ids.ts';
import { isStrangers, type Trust } from '../domain/provenance.ts';
import type { Entry } from '../domain/transcript.ts';

/** Sources that are named to people, at most. */
const MOST_NAMED = 5;

export interface Reading {
  /** What was read, in words for people: `a page of the web`. Empty: nothing but words of people we know. */
  readonly strangers: readonly string[];
  /** The same whoever asks: all there is. */
  readonly heard: readonly string[];
  /** Whether exactly this was written by somebody we know. */
  readonly isTyped: (text: string) => boolean;
  /** Whether exactly this stands anywhere in what was read. */
  readonly isSeen: (text: string) => boolean;
}

export const NOTHING_READ: Reading = { strangers: [], heard: [], isTyped: () => false, isSeen: () => false };

/**
 * Of what a model is shown, in the order of the transcript.
 *
 * @param heard what of strangers it is told beside that
 * @param requester who asks
 */
export function readingOf(
  entries: readonly Entry[],
  heard: readonly string[] = [],
  requester?: PersonId,
): Reading {
  const own = requester && ` wrote${wordsOf(requester)}`;
  const all = strangersOf(entries, heard);
  const labels = all.filter((label) => !own || !label.endsWith(own));
  return {
    strangers: labels.slice(0, MOST_NAMED),
    heard: all,
    isTyped: (text) => entries.some((entry) => isTrustedSpeech(entry) && entry.text.includes(text)),
    isSeen: (text) =>
      entries.some(
        (entry) => entry.kind !== 'assistant' && textsOf(entry).some((each) => each.includes(text)),
      ),
  };
}

/** All of strangers there is in it, in words for people, whoever asks. */
export function strangersOf(entries: readonly Entry[], heard: readonly string[] = []): string[] {
  return [...new Set([...heard, ...entries.flatMap((entry) => strangersIn(entry, entries))])];
}

/** Ends what is said of somebody's words; nobody else's ends so. */
function wordsOf(person: PersonId | undefined): string {
  return ` (${person ?? 'unknown person'})`;
}

/** How far a person is trusted. `roles` carry the permissions they have at that moment. */
export function trustOf(person: { readonly isKnown: boolean; readonly isOwner: boolean }): Trust {
  if (!person.isKnown) return 'outsider';
  return person.isOwner ? 'owner' : 'member';
}

/** Whether a message holds words of others beside those of its author, as far as its form shows. */
export function quotesOthers(text: string): boolean {
  return QUOTED.test(text);
}

/** A quoted line, the line mail programs draw above what is passed on, the head of a mail that stands in another. */
const QUOTED =
  /^[ \t]*(?:>|\|[ \t])|^[ \t]*[-_*=]{2,}[ \t]*\p{L}[^\n]{0,80}[-_*=]{2,}[ \t]*$|^[ \t*]*\p{L}[\p{L} ]{0,20}:\*?[ \t][^\n]{0,200}@[\p{L}\d-]|^[ \t]*\p{L}[^\n]{0,200}:[ \t]*\n+[ \t]*>/mu;

function strangersIn(entry: Entry, entries: readonly Entry[]): string[] {
  switch (entry.kind) {
    case 'user': {
      const name = entry.from.name;
      const own = isStrangers(speakersTrust(entry))
        ? [`what ${name} wrote${wordsOf(entry.from.person)}`]
        : [];
      const others = entry.passesOn ? [`what ${name} passed on`] : [];
      return [...own, ...others, ...(entry.files ?? []).map((file) => `the file “${file.name}”`)];
    }
    case 'tool-result':
      return entry.trust !== undefined && isStrangers(entry.trust) ? [sourceOf(entry, entries)] : [];
    case 'event':
      return entry.trust !== undefined && isStrangers(entry.trust)
        ? [`what ${entry.ran?.tool ?? 'a tool'} told`]
        : [];
    case 'assistant':
      return entry.strangers ?? [];
    default:
      return entry satisfies never;
  }
}

/** Of entries that say nothing of it: whoever has an account we know is a member. */
function speakersTrust({ trust, from }: Extract<Entry, { kind: 'user' }>): Trust {
  return trust ?? (from.person === undefined ? 'outsider' : 'member');
}

/** Theirs, not what they pass on. */
function isTrustedSpeech(entry: Entry): entry is Extract<Entry, { kind: 'user' }> {
  return entry.kind === 'user' && !isStrangers(speakersTrust(entry)) && !entry.passesOn;
}

function sourceOf(
  { callId, trust }: Extract<Entry, { kind: 'tool-result' }>,
  entries: readonly Entry[],
): string {
  const call = entries
    .flatMap((entry) => (entry.kind === 'assistant' ? entry.calls : []))
    .find(({ id }) => id === callId);
  return `${trust === 'web' ? 'a page of the web' : 'what others wrote'} (${call?.tool ?? 'a tool'})`;
}

function textsOf(entry: Exclude<Entry, { kind: 'assistant' }>): string[] {
  if (entry.kind !== 'user') return [entry.text];
  return [
    entry.text,
    ...(entry.files ?? []).flatMap((file) => (file.kind === 'text' ? [file.name, file.text] : [file.name])),
  ];
}
