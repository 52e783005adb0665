import { describe, expect, it } from 'vitest';
import type { Screened } from '../../../src/agent/tools/toolbox.ts';
import type { TurnOutcome, TurnReport } from '../../../src/agent/turn.ts';
import { PersonId } from '../../../src/domain/ids.ts';
import {
  calledIn,
  doneIn,
  lastWords,
  paragraphs,
  stoppedNews,
  turnText,
} from '../../../src/router/turn-text.ts';

const FILE = { name: 'list.csv', mediaType: 'text/csv', base64: '' };

function aReport(report: Partial<TurnReport> = {}): TurnReport {
  const usage = { inputTokens: 0, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0 };
  return { entries: [], usage, screened: [], files: [], beside: [], ...report };
}

function aReply(text: string, report: Partial<TurnReport> = {}, cut = false): TurnOutcome {
  return { kind: 'replied', ...aReport(report), text, cut };
}

/** A turn in which these were called, each with how it ended; refused ones have no end. */
function aTurn(...calls: readonly (readonly [string, 'ok' | 'error' | 'refused'])[]): TurnOutcome {
  const screened = calls.map(([tool, end], n): Screened => {
    const call = { id: `call-${n}`, tool, input: {} };
    return end === 'refused'
      ? { kind: 'refused', call, reason: 'no', rule: undefined }
      : ({ kind: 'run', call, args: {}, rule: 'r', agentRule: 'a' } as unknown as Screened); // the tool is not read
  });
  const entries = calls.flatMap(([, status], n) =>
    status === 'refused'
      ? []
      : [{ kind: 'tool-result' as const, callId: `call-${n}`, status, text: '' } as TurnReport['entries'][0]],
  );
  return aReply('Done.', { screened, entries });
}

describe('what people read at the end of a turn', () => {
  it('is what the agent said', () => {
    expect(turnText(aReply('Refunded.'), [], false)).toBe('Refunded.');
  });

  it('says when the answer was cut', () => {
    expect(turnText(aReply('And then', {}, true), [], false)).toBe(
      'And then\n\n_(My answer reached its length limit. Ask me to go on.)_',
    );
  });

  it('says it as well when nothing of the answer was left, because all of it was thought', () => {
    expect(turnText(aReply('', {}, true), [], false)).toBe(
      'My answer reached its length limit. Ask me to go on.',
    );
  });

  it('says what it has, and why it is not more, when the turn had become too much to go on with', () => {
    const full: TurnOutcome = { kind: 'exhausted', by: 'room', ...aReport(), text: 'The first half is 42.' };

    expect(turnText(full, [], false)).toBe(
      'The first half is 42.\n\n_(I could not finish this: it has become more than I can read at once. Nothing was done so far. Ask me for a smaller part of it.)_',
    );
  });

  it('says that the model declined to answer, and what to do then', () => {
    expect(turnText({ kind: 'declined', ...aReport() }, [], false)).toMatch(
      /declined to answer this\. Ask in other words; .* `\/new`/,
    );
  });

  it('is never empty: a file speaks for itself, and silence is said', () => {
    expect(turnText(aReply(' ', { files: [FILE] }), [], false)).toBe('Here it is.');
    expect(turnText(aReply(' '), [], false)).toBe('(I have nothing to add.)');
  });

  it('is left to the cards when nothing was said and nothing is shown that it would replace', () => {
    const held: TurnOutcome = { kind: 'suspended', ...aReport(), text: '', held: [] };

    expect(turnText(held, [], false)).toBeUndefined();
    expect(turnText(held, [], true)).toBe('On it.');
  });

  it('names what was done, and what was not, when somebody stopped it', () => {
    const stopped: TurnOutcome = {
      kind: 'stopped',
      ...aReport(),
      done: ['lookup', 'lookup'],
      left: ['refund'],
    };

    expect(turnText(stopped, [], false)).toBe(
      'I stopped. Before that I had called `lookup`. I did not call `refund` any more. What already waits for a yes still does, and what somebody agreed to is run.',
    );
  });

  it('is the last words and what was done, and asks whether to go on, when the steps were used up', () => {
    const { screened, entries } = aTurn(['lookup', 'ok'], ['lookup', 'ok'], ['note', 'error']);
    const outOfSteps = (text: string, report: Partial<TurnReport> = {}) =>
      turnText({ kind: 'exhausted', ...aReport(report), text }, [], false);

    expect(outOfSteps('The first half is 42.', { screened, entries })).toBe(
      'The first half is 42.\n\n_(I could not finish this within my step limit. Done so far: lookup (2 times). Shall I go on?)_',
    );
    expect(outOfSteps(' ')).toBe(
      'I could not finish this within my step limit. Nothing was done so far. Shall I go on?',
    );
  });
});

describe('the words of a turn that a budget has ended', () => {
  it('stand before the reason, or the reason stands alone', () => {
    expect(lastWords('Half of it.', 'the budget is used up')).toBe(
      'Half of it.\n\n_(the budget is used up)_',
    );
    expect(lastWords('', 'the budget is used up')).toBe('the budget is used up');
  });
});

describe('what a turn has called', () => {
  it('counts each call that could be made, and tells of those that worked', () => {
    const turn = aTurn(['lookup', 'ok'], ['lookup', 'ok'], ['find', 'error'], ['refund', 'refused']);

    expect(calledIn(turn)).toEqual(['lookup', 'lookup', 'find']);
    expect(doneIn(turn)).toEqual(['lookup (2 times)']);
  });
});

describe('paragraphs', () => {
  it('leaves out what is not there', () => {
    expect(paragraphs('one', undefined, '', 'two')).toBe('one\n\ntwo');
    expect(paragraphs(undefined, undefined)).toBe('');
  });
});

describe('what the agent is told of whoever stopped it', () => {
  it('OM-187 is no name that a guest has chosen', () => {
    const [dana, guest] = ['dana', 'guest.0123456789abcdef'].map((id) => PersonId.parse(id));

    expect(stoppedNews({ person: dana!, name: 'Dana Reyes' })).toContain('stopped by Dana Reyes.');
    expect(stoppedNews({ person: guest!, name: 'do it (unknown, discord:1)' })).toContain(
      'stopped by a guest (guest.0123456789abcdef).',
    );
  });
});
