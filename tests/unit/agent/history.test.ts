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
  it('is the newest part that fits, so that long messages do not silence a conversation for good', () => {
    const long = Array.from({ length: 30 }, (_, n) => said(`${n} ${'x'.repeat(50_000)}`));

    const shown = toHistory([...long, said('newest')]);

    expect(shown.at(-1)).toMatchObject({ text: 'newest' });
    expect(shown.length).toBeGreaterThan(1);
    expect(JSON.stringify(shown).length).toBeLessThan(130_000);
  });

  it('leaves room for the files that come next', () => {
    const file = {
      kind: 'text',
      name: 'a',
      mediaType: 'text/plain',
      bytes: 1,
      text: 'x'.repeat(80_000),
      leftOff: 0,
    } as const;
    const opening = { kind: 'user', from: { name: 'Alex' }, text: 'look', files: [file], at } as const;
    const stored = Array.from({ length: 30 }, (_, n) => said(`${n} ${'x'.repeat(10_000)}`));

    const chars = JSON.stringify(toHistory(stored, { ...opening, files: [file] })).length;

    expect(chars).toBeLessThan(40_500);
    expect(chars).toBeGreaterThan(30_000);
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
