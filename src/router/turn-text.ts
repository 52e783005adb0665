/** What people read at the end of a turn, in markdown, and what it did in their words. Pure. */
import type { TurnOutcome } from '../agent/turn.ts';
import { literal } from '../approvals/sentences.ts';
import { soFarText } from '../budget/sentences.ts';
import type { Approval } from '../domain/approval/record.ts';
import { nameInNews } from '../domain/person.ts';

/** It goes on declining for as long as it is shown what it declined (Anthropic docs, "Streaming refusals"). */
const DECLINED =
  'The model declined to answer this. Ask in other words; if it declines again, write `/new`, so that it is not shown any more what was said here before, and ask then.';

/**
 * Undefined when the cards say it all.
 *
 * @param hasMessage whether something of it stands there already, which the text takes the place of
 */
export function turnText(
  outcome: TurnOutcome,
  approvals: readonly Approval[],
  hasMessage: boolean,
): string | undefined {
  switch (outcome.kind) {
    case 'replied':
      if (outcome.cut) {
        return lastWords(outcome.text.trim(), 'My answer reached its length limit. Ask me to go on.');
      }
      return outcome.text.trim() || (outcome.files.length > 0 ? 'Here it is.' : '(I have nothing to add.)');
    case 'declined':
      return DECLINED;
    case 'suspended': {
      if (outcome.text.trim()) return outcome.text;
      if (!hasMessage && outcome.files.length === 0) return undefined;
      return approvals.some(({ state }) => state === 'OPEN')
        ? 'This waits for a human; see the request below.'
        : 'On it.';
    }
    case 'stopped':
      return stoppedText(outcome);
    case 'exhausted':
      return lastWords(
        outcome.text.trim(),
        outcome.by === 'room' ? outOfRoomText(doneIn(outcome)) : outOfStepsText(doneIn(outcome)),
      );
    default:
      return outcome satisfies never;
  }
}

/** Of a turn that a limit has ended. @param sentence which one, and what was done */
export function lastWords(words: string, sentence: string): string {
  return words === '' ? sentence : `${words}\n\n_(${sentence})_`;
}

export function paragraphs(...texts: readonly (string | undefined)[]): string {
  return texts.filter(Boolean).join('\n\n');
}

/** For the agent to read. @param by whoever stopped it */
export function stoppedNews(by: Parameters<typeof nameInNews>[0]): string {
  return `This turn was stopped by ${nameInNews(by)}. What it had not done is not wanted any more, unless somebody asks for it again.`;
}

/** For the agent to read, which was shown none of it. */
export const DECLINED_NEWS =
  'Your service declined to answer this, and people were told so. It is not to be taken up again unless somebody asks anew.';

/** Names of the tools that were called in a turn or beside it, one for each call. */
export function calledIn({ screened, beside }: TurnOutcome): string[] {
  const all = [...screened, ...beside.map((each) => each.screened)];
  return all.flatMap(({ kind, call }) => (kind === 'refused' ? [] : [call.tool]));
}

/** What a turn has done that worked, in the words of people: `lookup (2 times)`. */
export function doneIn({ screened, entries }: TurnOutcome): string[] {
  const worked = new Set(
    entries.flatMap((entry) => (entry.kind === 'tool-result' && entry.status === 'ok' ? [entry.callId] : [])),
  );
  const times = new Map<string, number>();
  for (const { call } of screened) {
    if (worked.has(call.id)) times.set(call.tool, (times.get(call.tool) ?? 0) + 1);
  }
  return [...times].map(([tool, count]) =>
    count === 1 ? literal(tool) : `${literal(tool)} (${count} times)`,
  );
}

function outOfStepsText(done: readonly string[]): string {
  return `I could not finish this within my step limit. ${soFarText(done)} Shall I go on?`;
}

function outOfRoomText(done: readonly string[]): string {
  return `I could not finish this: it has become more than I can read at once. ${soFarText(done)} Ask me for a smaller part of it.`;
}

function stoppedText({ done, left }: Extract<TurnOutcome, { kind: 'stopped' }>): string {
  return [
    'I stopped.',
    done.length > 0 ? `Before that I had called ${named(done)}.` : 'I had called nothing before that.',
    ...(left.length > 0 ? [`I did not call ${named(left)} any more.`] : []),
    'What already waits for a yes still does, and what somebody agreed to is run.',
  ].join(' ');
}

function named(tools: readonly string[]): string {
  return [...new Set(tools)].map((tool) => `\`${tool}\``).join(', ');
}
