/** Says whether everybody who was to be called was called, once, and nobody after it was taken. Pure. */
import type { Pager } from '../../src/domain/escalation/pager.ts';
import type { Escalation } from '../../src/domain/escalation/record.ts';
import { type Call, isTakenAtOnce, type Taking } from './alarms.ts';
import { labelIn, labelOf, type Message } from './message.ts';

/** What was on its way when it was taken may still arrive, in ms. */
const UNDER_WAY_MS = 1_000;

export interface AlarmEvidence {
  readonly messages: readonly Message[];
  readonly calls: readonly Call[];
  readonly takings: readonly Taking[];
  readonly escalations: readonly AlarmRecord[];
  /** What is still to be told. */
  readonly pagers: readonly Pick<Pager, 'person' | 'waiting' | 'nextMs'>[];
  /** Of the judgement, in ms since 1970. */
  readonly nowMs: number;
  /** Why the same post is there twice; undefined where nothing explains it. */
  readonly explainDouble: (key: string) => string | undefined;
}

type AlarmRecord = Pick<Escalation, 'id' | 'standing' | 'words' | 'epoch'>;

export interface AlarmVerdict {
  /** Alarms that were acknowledged, and how many of them were taken. */
  readonly raised: number;
  readonly taken: number;
  /** Nobody was called, or the channel was not, or that it was taken is not known any more. */
  readonly forgotten: readonly string[];
  /** Called twice for one step. */
  readonly calledTwice: readonly string[];
  /** The same, where it was looked for the first time before it was posted again. */
  readonly calledAgain: readonly string[];
  /** Called after somebody had been told that they have it. */
  readonly calledAfter: readonly string[];
}

export function judgeAlarms(evidence: AlarmEvidence): AlarmVerdict {
  const { messages, calls, takings } = evidence;
  const raised = messages.filter(
    ({ kind, acknowledgedAt }) => kind === 'alarm' && acknowledgedAt !== undefined,
  );
  const doubled = doubledIn(calls);
  return {
    raised: raised.length,
    taken: takings.length,
    forgotten: raised.flatMap((message) => {
      const missing = missingCallOf(message, evidence);
      return missing === undefined
        ? []
        : [`${labelOf(message)}: ${missing} (${whatIsKnown(message, evidence)})`];
    }),
    calledTwice: doubled.filter((double) => whyOf(double, evidence) === undefined).map(wordsOf),
    calledAgain: doubled.flatMap((double) => {
      const why = whyOf(double, evidence);
      return why === undefined ? [] : [`${wordsOf(double)}: ${why}`];
    }),
    calledAfter: calls
      .filter(({ escalation, atMs }) =>
        takings.some((taking) => taking.escalation === escalation && atMs > taking.atMs + UNDER_WAY_MS),
      )
      .map(({ escalation, to }) => `${escalation}: ${to}`),
  };
}

/** What somebody who looks for it finds: how it stands, whom it called, and what is still to be told of it. */
function whatIsKnown(message: Message, { escalations, calls, pagers, nowMs }: AlarmEvidence): string {
  const record = recordOf(message, escalations);
  if (!record) return 'no record';
  const { id, standing, epoch } = record;
  const called = calls.filter(({ escalation }) => escalation === id).map(({ to }) => to);
  const waiting = pagers.flatMap(({ person, waiting: pages, nextMs }) =>
    pages
      .filter(({ escalation }) => escalation === id)
      .map(({ epoch: of, why }) => {
        const inMs = nextMs === undefined ? 'never' : `in ${nextMs - nowMs} ms`;
        return `${why} of epoch ${of} waits for ${person}, who is told ${inMs}`;
      }),
  );
  return [
    `${id} is ${JSON.stringify(standing)} at epoch ${epoch}`,
    `called: ${called.join(', ') || 'nobody'}`,
    ...waiting,
  ].join('; ');
}

function recordOf({ conversation }: Message, escalations: readonly AlarmRecord[]): AlarmRecord | undefined {
  return escalations.find(({ words = '' }) => labelIn(words)?.conversation === conversation);
}

/** What people still wait for; undefined when nothing. */
export function missingCallOf(
  message: Message,
  { calls, takings, escalations }: Pick<AlarmEvidence, 'calls' | 'takings' | 'escalations'>,
): string | undefined {
  const record = recordOf(message, escalations);
  if (!record) return 'nothing is known of it';
  const { id, standing } = record;
  const isOver = standing.state === 'RESOLVED' || standing.state === 'CANCELLED';
  const called = (to: Call['to']) => calls.some((call) => call.escalation === id && call.to === to);
  if (!called('dana')) return isOver ? undefined : 'Dana was not called';
  // Somebody took the conversation over before it was the channel's turn.
  if (!isTakenAtOnce(message) && !called('channel')) return isOver ? undefined : 'the channel was not called';
  if (isOver) return undefined;
  if (!takings.some(({ escalation }) => escalation === id)) return 'nobody has taken it yet';
  const isHers = standing.state === 'ACKED' && standing.owner.person === 'dana';
  return isHers ? undefined : `Dana took it, and it is ${standing.state}`;
}

interface Double extends Call {
  readonly times: number;
  /** Of all of them. */
  readonly keys: ReadonlySet<string | undefined>;
}

function doubledIn(calls: readonly Call[]): Double[] {
  const byStep = new Map<string, Call[]>();
  for (const call of calls) {
    const step = `${call.escalation} ${call.to}`;
    byStep.set(step, [...(byStep.get(step) ?? []), call]);
  }
  return [...byStep.values()].flatMap((same) => {
    const [first] = same;
    if (first === undefined || same.length < 2) return [];
    return [{ ...first, times: same.length, keys: new Set(same.map(({ key }) => key)) }];
  });
}

/** Several posts under one key are one that was made again; under several keys nobody can tell that they are the same. */
function whyOf({ keys, key }: Double, { explainDouble }: AlarmEvidence): string | undefined {
  return keys.size === 1 && key !== undefined ? explainDouble(key) : undefined;
}

function wordsOf({ escalation, to, times }: Double): string {
  return `${to} was called ${times} times about ${escalation}`;
}
