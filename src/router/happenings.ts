/** What happened in a turn that may make people be called, and what works again. Pure. */
import type { TurnOutcome } from '../agent/turn.ts';
import type { ConversationId } from '../domain/ids.ts';
import { Entry } from '../domain/transcript.ts';
import { ConfidenceInput, STATE_CONFIDENCE } from '../escalation/confidence-tool.ts';
import type { Happening, Recovery } from '../escalation/triggers.ts';

export interface TurnSeen {
  /** What it was about: what was said, and what came of calls that were agreed to. */
  readonly occasion: readonly Entry[];
  readonly outcome: TurnOutcome;
  /** Times the model was asked in one turn, at most. */
  readonly mostSteps: number;
  /** The transcript before the turn, as JSON. */
  readonly before: readonly string[];
}

export function happeningsIn(turn: TurnSeen): Happening[] {
  const { outcome, mostSteps } = turn;
  return [
    ...doubts(outcome),
    ...failures(turn),
    { kind: 'budget', percent: Math.round((stepsOf(outcome) / mostSteps) * 100) },
  ];
}

/** Tools that had failed when the turn began, and have done what they were called for since. */
export function recoveriesIn(turn: TurnSeen, conversationId: ConversationId): Recovery[] {
  return [...runsOf(turn)]
    .filter(([, { before, since }]) => before.at(-1) === 'error' && since.at(-1) === 'ok')
    .map(([tool]) => ({ kind: 'tool-works', conversationId, tool }));
}

/** What the agent said it is not sure of, the least sure of all. */
function doubts({ screened }: TurnOutcome): Happening[] {
  const stated = screened.flatMap((each) => {
    if (each.kind !== 'run' || each.tool.name !== STATE_CONFIDENCE) return [];
    const input = ConfidenceInput.safeParse(each.args);
    return input.success ? [input.data] : [];
  });
  const [least] = stated.toSorted((a, b) => a.confidence - b.confidence);
  return least ? [{ kind: 'low-confidence', confidence: least.confidence, words: least.about }] : [];
}

/** Tools that failed last, and how often one after the other in this conversation. */
function failures(turn: TurnSeen): Happening[] {
  return [...runsOf(turn)].flatMap(([tool, { before, since }]): Happening[] => {
    const all = [...before, ...since];
    const times = all.length - 1 - all.lastIndexOf('ok');
    return times === 0 ? [] : [{ kind: 'tool-failed', tool, times }];
  });
}

type Status = 'ok' | 'error';

/** How the calls of a tool ended, oldest first: before the turn, and since it began. */
interface Runs {
  readonly before: Status[];
  readonly since: Status[];
}

/** Of each tool of which a call has ended since the turn began, in it or by its own item. */
function runsOf({ before, occasion, outcome }: TurnSeen): Map<string, Runs> {
  const now = [...occasion, ...outcome.entries];
  const since = endsIn(now, toolsIn(now));
  if (since.length === 0) return new Map();
  const earlier = before.flatMap(toEntry);
  const runs = new Map<string, Runs>(since.map(({ tool }) => [tool, { before: [], since: [] }]));
  for (const { tool, status } of endsIn(earlier, toolsIn(earlier))) runs.get(tool)?.before.push(status);
  for (const { tool, status } of since) runs.get(tool)?.since.push(status);
  return runs;
}

/**
 * Calls that were made and have come to an end. One that waits for somebody has not: its end is an entry of its own.
 * What was refused never began, so it says nothing about its tool.
 */
function endsIn(
  entries: readonly Entry[],
  tools: ReadonlyMap<string, string>,
): { tool: string; status: Status }[] {
  return entries.flatMap((entry) => {
    if (entry.kind === 'event') return entry.ran ? [entry.ran] : [];
    if (entry.kind !== 'tool-result' || entry.status === 'waiting' || entry.notRun) return [];
    const tool = tools.get(entry.callId);
    return tool === undefined ? [] : [{ tool, status: entry.status }];
  });
}

/** The tool of each call, by its id. */
function toolsIn(entries: readonly Entry[]): Map<string, string> {
  return new Map(
    entries.flatMap((entry) =>
      entry.kind === 'assistant' ? entry.calls.map(({ id, tool }) => [id, tool] as const) : [],
    ),
  );
}

/** One that cannot be read stops nothing. */
function toEntry(json: string): Entry[] {
  const entry = Entry.safeParse(JSON.parse(json));
  return entry.success ? [entry.data] : [];
}

/** Times the model was asked. */
function stepsOf({ entries }: TurnOutcome): number {
  return entries.filter(({ kind }) => kind === 'assistant').length;
}
