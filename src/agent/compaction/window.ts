/** What the strategies share: where a window may begin, and which window fits. Pure. */
import { createHash } from 'node:crypto';
import type { Entry } from '../../domain/transcript.ts';
import { type ModelRequest, thoughtsOf } from '../model/model-client.ts';
import type { Kept, Room, Transcript } from './compaction.ts';
import { shortened } from './shorten.ts';
import { estimateEntry, estimateThought } from './token-estimate.ts';

/** @param thoughts go back with the replies they belong to; left out: none do */
export function toTranscript(entries: readonly Entry[], thoughts?: ModelRequest['thoughts']): Transcript {
  const tokens = entries.map((entry) => {
    const thought = thoughtsOf(entry, thoughts);
    return thought ? estimateThought(entry, thought) : estimateEntry(entry);
  });
  return { entries, tokens, starts: startsIn(entries) };
}

/** Keeps what begins there; cuts its texts when they are too much. */
export function keepFrom({ entries }: Transcript, from: number, { mostTokens }: Room): Kept {
  const window = entries.slice(from);
  const cut = shortened(window, mostTokens);
  return { entries: cut ?? window, from, shortened: cut !== undefined };
}

/** The first start from which everything comes to no more than that; the last start when there is none. */
export function firstFitting({ tokens, starts }: Transcript, most: number): number {
  let sum = 0;
  let at = tokens.length;
  let best = starts.at(-1) ?? 0;
  for (const start of starts.toReversed()) {
    for (; at > start; at--) sum += tokens[at - 1] ?? 0;
    if (sum > most) break;
    best = start;
  }
  return best;
}

/** The last start with so many entries behind it; the first one when there are fewer. */
export function startBefore({ entries, starts }: Transcript, least: number): number {
  return starts.findLast((start) => entries.length - start >= least) ?? starts[0] ?? 0;
}

export function tokensFrom({ tokens }: Transcript, from: number): number {
  return tokens.slice(from).reduce((sum, each) => sum + each, 0);
}

/** Places at which somebody speaks while every call that is ever answered is answered. */
function startsIn(entries: readonly Entry[]): number[] {
  const answeredAt = lastAnswers(entries);
  const starts: number[] = [];
  let closedAt = -1;
  entries.forEach((entry, index) => {
    if ((entry.kind === 'user' || entry.kind === 'event') && index > closedAt) starts.push(index);
    closedAt = Math.max(closedAt, answeredAt.get(index) ?? -1);
  });
  return starts;
}

/** For each entry that makes calls, where the last of their results stands. Ids may be used again later. */
function lastAnswers(entries: readonly Entry[]): ReadonlyMap<number, number> {
  const callers = new Map<string, number>();
  const answeredAt = new Map<number, number>();
  entries.forEach((entry, index) => {
    if (entry.kind === 'assistant') for (const { id } of entry.calls) callers.set(id, index);
    if (entry.kind !== 'tool-result') return;
    const caller = callers.get(entry.callId);
    if (caller !== undefined) answeredAt.set(caller, index);
  });
  return answeredAt;
}

/** Names an entry at which a window begins; the same in every process, and another one once its text was taken out. */
export function nameOf(entry: Entry): string {
  const about = 'at' in entry ? [entry.kind, entry.at, entry.text] : [entry.kind];
  return createHash('sha256').update(JSON.stringify(about)).digest('base64url').slice(0, 16);
}

/** Where the entry of that name stands, if a window may begin there. */
export function startNamed({ entries, starts }: Transcript, name: string): number | undefined {
  return starts.findLast((start) => {
    const entry = entries[start];
    return entry !== undefined && nameOf(entry) === name;
  });
}

/** Where somebody speaks next after what that name stands for; the end, when nobody has since. */
export function startAfter(transcript: Transcript, name: string): number | undefined {
  const at = startNamed(transcript, name);
  if (at === undefined) return undefined;
  return transcript.starts.find((start) => start > at) ?? transcript.entries.length;
}
