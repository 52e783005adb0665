/** What happened in a turn that may make people be called. Pure. */
import type { TurnOutcome } from '../agent/turn.ts';
import type { MailboxItem } from '../domain/mailbox-item.ts';
import { Entry } from '../domain/transcript.ts';
import { ConfidenceInput, STATE_CONFIDENCE } from '../escalation/confidence-tool.ts';
import type { Happening } from '../escalation/triggers.ts';

export interface TurnSeen {
  readonly item: MailboxItem;
  /** Of whoever it is handled for, now. */
  readonly roles: readonly string[];
  /** Of the approved call whose failure brought this turn about. */
  readonly failedTool: string | undefined;
  readonly outcome: TurnOutcome;
  /** Times the model was asked in one turn, at most. */
  readonly mostSteps: number;
  /** The transcript before the turn, as JSON. */
  readonly before: readonly string[];
}

export function happeningsIn({ item, roles, failedTool, outcome, mostSteps, before }: TurnSeen): Happening[] {
  return [
    ...(item.kind === 'message' ? [{ kind: 'message' as const, message: item.message, roles }] : []),
    ...doubts(outcome),
    ...failures(outcome, before),
    ...(failedTool === undefined ? [] : [{ kind: 'tool-failed' as const, tool: failedTool, times: 1 }]),
    { kind: 'budget', percent: Math.round((stepsOf(outcome) / mostSteps) * 100) },
  ];
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
function failures({ entries }: TurnOutcome, before: readonly string[]): Happening[] {
  if (!entries.some(hasFailed)) return [];
  const all = [...before.map((entry) => Entry.parse(JSON.parse(entry))), ...entries];
  const toolOf = new Map(
    all.flatMap((entry) =>
      entry.kind === 'assistant' ? entry.calls.map(({ id, tool }) => [id, tool] as const) : [],
    ),
  );
  const failed = new Set(entries.filter(hasFailed).flatMap(({ callId }) => toolOf.get(callId) ?? []));
  return [...failed].flatMap((tool): Happening[] => {
    const results = all.filter((entry) => entry.kind === 'tool-result' && toolOf.get(entry.callId) === tool);
    const times = timesAtEnd(results);
    return times === 0 ? [] : [{ kind: 'tool-failed', tool, times }];
  });
}

function hasFailed(entry: Entry): entry is Extract<Entry, { kind: 'tool-result' }> {
  return entry.kind === 'tool-result' && entry.status === 'error';
}

function timesAtEnd(results: readonly Entry[]): number {
  return results.length - 1 - results.findLastIndex((entry) => !hasFailed(entry));
}

/** Times the model was asked. */
function stepsOf({ entries }: TurnOutcome): number {
  return entries.filter(({ kind }) => kind === 'assistant').length;
}
