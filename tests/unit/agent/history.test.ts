import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lastSaid, toHistory } from '../../../src/agent/history.ts';

const at = '2026-01-05T10:00:00.000Z';
const said = (text: string) => JSON.stringify({ kind: 'user', from: { name: 'Alex' }, text, at });
const called = (id: string) =>
  JSON.stringify({
    kind: 'assistant',
    text: '',
    calls: [{ id, tool: 'recall', input: {} }],
    model: 'm',
  });
const gave = (callId: string, text: string) =>
  JSON.stringify({ kind: 'tool-result', callId, status: 'ok', text });

describe('what of a transcript the model is shown', () => {
  it('is everything that was read, begun by somebody who speaks', () => {
    const stored = [
      gave('z', 'of a call before'),
      said('first'),
      called('c'),
      gave('c', 'result'),
      said('newest'),
    ];

    expect(toHistory(stored).map(({ kind }) => kind)).toEqual(['user', 'assistant', 'tool-result', 'user']);
    expect(toHistory(stored.slice(0, 1))).toEqual([]);
  });

  it('goes on behind what cannot be read', () => {
    expect(toHistory([said('first'), 'no JSON', called('c'), said('second')])).toMatchObject([
      { text: 'second' },
    ]);
  });

  it('begins with somebody speaking and never holds a result without its call, wherever it is cut', () => {
    const exchange = fc
      .tuple(fc.nat(60_000), fc.nat(60_000))
      .map(([words, result]) => [said('x'.repeat(words)), called('c'), gave('c', 'y'.repeat(result))]);
    fc.assert(
      fc.property(fc.array(exchange, { maxLength: 6 }), (exchanges) => {
        const shown = toHistory(exchanges.flat());

        expect(shown[0]?.kind ?? 'user').toBe('user');
        for (const [index, entry] of shown.entries()) {
          if (entry.kind === 'tool-result') expect(shown[index - 1]?.kind).toBe('assistant');
        }
      }),
      { numRuns: 30 },
    );
  });
});

describe('what somebody wants', () => {
  const event = { kind: 'event', text: 'Approval: executed.', at } as const;

  it('is what a turn begins with, or the last words before what it is told', () => {
    const stored = [said('first'), called('c'), gave('c', 'result'), said('second'), called('d'), 'no JSON'];

    expect(lastSaid({ kind: 'user', from: { name: 'Alex' }, text: 'third', at }, stored)).toBe('third');
    expect(lastSaid(event, stored)).toBe('second');
    expect(lastSaid(event, [])).toBe('');
  });
});
