/** What came of one question, from the turn in which it was looked into. Pure. */

import { isStrangers, type Trust } from '../../domain/provenance.ts';
import type { Entry, Usage } from '../../domain/transcript.ts';
import { addressesIn } from '../../links/plain-address.ts';
import { cutText } from '../compaction/shorten.ts';
import { type Found, type TurnOutcome, workedIn } from '../turn.ts';

/** Of what had been read when it ended without a word on it: so many outputs, so much of each, in characters. */
const MOST_TOLD = 3;
const TOLD_CHARS = 1_000;

export interface Ending {
  /** Why it ended before it was done, should it have. */
  readonly why: (outcome: TurnOutcome) => string;
  /** Words of the model as they may be told. */
  readonly toSay: (text: string) => string;
  /** Whether an address stood in what was read. */
  readonly isSeen: (address: string) => boolean;
}

export function toFound(question: string, outcome: TurnOutcome, ending: Ending): Found {
  const found = toldOf(question, outcome, ending);
  return found.kind === 'failed' ? found : { ...found, seen: seenIn(found.text, ending.isSeen) };
}

/** Passed on by a question, at most. */
const MOST_SEEN = 50;

function seenIn(text: string, isSeen: Ending['isSeen']): string[] {
  const found = addressesIn(text).flatMap(({ text: written, url }) => [written, url]);
  return [...new Set(found)].filter(isSeen).slice(0, MOST_SEEN);
}

function toldOf(question: string, outcome: TurnOutcome, { why, toSay }: Ending): Found {
  const { usage, screened, entries } = outcome;
  const trust = trustOf(entries);
  const found = { question, sources: workedIn(outcome), ...(trust ? { trust } : {}), usage, screened };
  if (outcome.kind === 'replied' && !outcome.cut && outcome.text.trim() !== '') {
    return { ...found, kind: 'answered', text: outcome.text.trim() };
  }
  const text = soFar(entries, toSay);
  if (text === '') return { ...found, kind: 'failed', why: why(outcome) };
  return { ...found, kind: 'cut', text, why: why(outcome) };
}

/** Of a question nobody looked into, or of which nothing is known any more. */
export function nothingFound(question: string, why: string): Found {
  return { kind: 'failed', question, why, sources: [], usage: NO_USAGE, screened: [] };
}

const NO_USAGE: Usage = { inputTokens: 0, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0 };

/** The last words of the model, and the beginnings of what it had read since. */
function soFar(entries: readonly Entry[], toSay: Ending['toSay']): string {
  const at = entries.findLastIndex((entry) => entry.kind === 'assistant' && entry.text.trim() !== '');
  const last = entries[at];
  const words = last?.kind === 'assistant' ? [toSay(last.text.trim())] : [];
  const told = entries
    .slice(at + 1)
    .flatMap((entry) => (entry.kind === 'tool-result' && entry.status === 'ok' ? [entry.text] : []))
    .slice(-MOST_TOLD)
    .map((text) => `Read, and not yet put into words:\n${cutText(text, TOLD_CHARS)}`);
  return [...words, ...told].join('\n\n');
}

/** Of the least trusted of whose words were read. */
function trustOf(entries: readonly Entry[]): Trust | undefined {
  const read = entries.flatMap((entry) => (entry.kind === 'tool-result' ? (entry.trust ?? []) : []));
  const strangers = read.filter(isStrangers);
  return strangers.includes('web') ? 'web' : strangers[0];
}
