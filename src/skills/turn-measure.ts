/**
 * What turns cost, in the terms a skill can be judged by. Pure.
 *
 * A turn begins when somebody speaks and goes on until somebody speaks again: also what was said and done after an
 * approval belongs to it. What nobody answered is none, and neither is one in which a skill was proposed: it was about
 * the work, and not the work.
 */
import { z } from 'zod';
import type { Entry } from '../domain/transcript.ts';

/** What can be counted of a turn; of each, less is better. */
export const MeasureName = z.enum([
  'calls_per_turn',
  'tokens_per_turn',
  'failed_calls_per_turn',
  'asked_humans_per_turn',
]);
export type MeasureName = z.infer<typeof MeasureName>;

/** The mean of one measure, and of how many turns it is made; without turns there is none. */
export const Measured = z.object({
  value: z.number().optional(),
  turns: z.int(),
  /** There was more to look at than is looked at. */
  isPart: z.literal(true).optional(),
});
export type Measured = z.infer<typeof Measured>;

/** The tool skills are proposed with. */
export const PROPOSE_SKILL = 'propose_skill';
/** Also asks for a human, though it holds no call. */
const HAND_OFF = 'hand_off';

export interface Turn {
  readonly text: string;
  readonly atMs: number;
  readonly entries: readonly Entry[];
}

/** @param entries of one conversation, oldest first; undefined for what cannot be read */
export function turnsIn(entries: readonly (Entry | undefined)[]): Turn[] {
  const turns: { text: string; atMs: number; entries: Entry[] }[] = [];
  for (const entry of entries) {
    if (entry?.kind === 'user') turns.push({ text: entry.text, atMs: Date.parse(entry.at), entries: [] });
    else if (entry) turns.at(-1)?.entries.push(entry);
  }
  return turns.filter(isWork);
}

function isWork({ entries }: Turn): boolean {
  return entries.some(({ kind }) => kind === 'assistant') && !callsIn(entries).includes(PROPOSE_SKILL);
}

export function countIn({ entries }: Pick<Turn, 'entries'>, measure: MeasureName): number {
  switch (measure) {
    case 'calls_per_turn':
      return callsIn(entries).length;
    case 'tokens_per_turn':
      return entries.reduce((sum, entry) => sum + tokensOf(entry), 0);
    case 'failed_calls_per_turn':
      return entries.filter(isFailure).length;
    case 'asked_humans_per_turn':
      return entries.filter(isWaiting).length + callsIn(entries).filter((tool) => tool === HAND_OFF).length;
    default:
      return measure satisfies never;
  }
}

export function meanOf(counts: readonly number[]): Measured {
  if (counts.length === 0) return { turns: 0 };
  const sum = counts.reduce((total, count) => total + count, 0);
  return { value: Math.round((sum / counts.length) * 100) / 100, turns: counts.length };
}

function callsIn(entries: readonly Entry[]): string[] {
  return entries.flatMap((entry) => (entry.kind === 'assistant' ? entry.calls.map(({ tool }) => tool) : []));
}

/** What was read from a cache was read all the same. */
function tokensOf(entry: Entry): number {
  if (entry.kind !== 'assistant' || !entry.usage) return 0;
  const { inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens } = entry.usage;
  return inputTokens + outputTokens + cacheReadTokens + cacheWriteTokens;
}

/** Of a call within the turn, or of one that ran after a yes. */
function isFailure(entry: Entry): boolean {
  return entry.kind === 'event'
    ? entry.ran?.status === 'error'
    : entry.kind === 'tool-result' && entry.status === 'error';
}

function isWaiting(entry: Entry): boolean {
  return entry.kind === 'tool-result' && entry.status === 'waiting';
}
