/** Conversations as they lie in a transcript: made up for properties, and turn by turn. */
import fc from 'fast-check';
import { PersonId } from '../../src/domain/ids.ts';
import type { Entry } from '../../src/domain/transcript.ts';

const START_MS = Date.parse('2026-01-05T10:00:00Z');

export function said(text: string, n = 0, person = 'alex'): Extract<Entry, { kind: 'user' }> {
  return {
    kind: 'user',
    from: { person: PersonId.parse(person), name: person },
    text,
    at: new Date(START_MS + n * 60_000).toISOString(),
  };
}

export function answered(text: string): Extract<Entry, { kind: 'assistant' }> {
  return { kind: 'assistant', text, calls: [], model: 'm' };
}

export function called(...ids: string[]): Entry {
  const calls = ids.map((id) => ({ id, tool: 'recall', input: { words: id.repeat(5) } }));
  return { kind: 'assistant', text: '', calls, model: 'm' };
}

export function gave(callId: string, text: string): Entry {
  return { kind: 'tool-result', callId, status: 'ok', text };
}

const words = (most: number) =>
  fc.nat(most).map((length) => 'lorem ipsum dolor '.repeat(length).slice(0, length * 6));

/** One turn: somebody speaks, perhaps calls with their results, an answer. Ids come again in other turns. */
const turn = fc.record({
  news: fc.boolean(),
  text: words(200),
  rounds: fc.array(fc.record({ calls: fc.integer({ min: 1, max: 3 }), result: words(300) }), {
    maxLength: 3,
  }),
  answer: words(200),
});

/** A conversation that ends with somebody speaking, as a request does. */
export const conversation = fc
  .tuple(fc.array(turn, { maxLength: 25 }), words(300))
  .map(([turns, opening]): Entry[] => [
    ...turns.flatMap(({ news, text, rounds, answer }, n): Entry[] => [
      ...(news ? [{ kind: 'event' as const, text: 'An approval was decided.', at: said('', n).at }] : []),
      said(`${n} ${text}`, n),
      ...rounds.flatMap(({ calls, result }): Entry[] => {
        const ids = Array.from({ length: calls }, (_, call) => `toolu_${call}`);
        return [called(...ids), ...ids.map((id) => gave(id, result))];
      }),
      answered(`${n} ${answer}`),
    ]),
    said(`now ${opening}`, turns.length),
  ]);

/** Results without their call, calls without their results, as places in it. */
export function strays(entries: readonly Entry[]): number[] {
  const open = new Map<string, number>();
  const stray: number[] = [];
  entries.forEach((entry, index) => {
    if (entry.kind === 'assistant') for (const { id } of entry.calls) open.set(id, index);
    if (entry.kind === 'tool-result' && !open.delete(entry.callId)) stray.push(index);
  });
  return [...stray, ...open.values()];
}
