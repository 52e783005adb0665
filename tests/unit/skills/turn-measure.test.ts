import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConversationId } from '../../../src/domain/ids.ts';
import type { Entry } from '../../../src/domain/transcript.ts';
import { countIn, MeasureName, meanOf, turnsIn } from '../../../src/skills/turn-measure.ts';
import { measureTurns } from '../../../src/skills/turn-scan.ts';
import { answered, called, conversation, gave, said } from '../../support/transcripts.ts';

const usage = { inputTokens: 100, outputTokens: 20, cacheReadTokens: 3, cacheWriteTokens: 4 };
const calling = (tool: string): Entry => ({
  kind: 'assistant',
  text: '',
  model: 'm',
  calls: [{ id: 'c', tool, input: {} }],
});
const never = new AbortController().signal;

describe('turns of a conversation', () => {
  it('begin when somebody speaks, and hold what is done after an approval', () => {
    const ran: Entry = { kind: 'event', text: 'It ran.', at: said('', 1).at };

    const turns = turnsIn([
      said('one', 0),
      called('a'),
      ran,
      answered('Done.'),
      said('two', 2),
      answered('Yes.'),
    ]);

    expect(turns.map(({ text, entries }) => [text, entries.length])).toEqual([
      ['one', 3],
      ['two', 1],
    ]);
  });

  it('are none where nobody answered, where nobody spoke, and where a skill was proposed', () => {
    const entries = [
      answered('Hello.'),
      said('unheard'),
      said('learn', 1),
      calling('propose_skill'),
      undefined,
    ];

    expect(turnsIn(entries)).toEqual([]);
  });

  it('hold every word of the agent behind the first that was said', () => {
    fc.assert(
      fc.property(conversation, (entries) => {
        const first = entries.findIndex(({ kind }) => kind === 'user');
        const spoken = entries.slice(first).filter(({ kind }) => kind === 'assistant');
        const held = turnsIn(entries).flatMap((turn) =>
          turn.entries.filter(({ kind }) => kind === 'assistant'),
        );
        expect(held).toEqual(spoken);
      }),
    );
  });
});

describe('what is counted of a turn', () => {
  const entries: Entry[] = [
    { ...called('a', 'b', 'c'), usage } as Entry,
    gave('a', 'fine'),
    { kind: 'tool-result', callId: 'b', status: 'error', text: 'no' },
    { kind: 'tool-result', callId: 'c', status: 'waiting', text: 'wait' },
    { ...answered('Wait.'), usage },
    { kind: 'event', text: 'failed', at: said('').at, ran: { tool: 'x', status: 'error' } },
    calling('hand_off'),
  ];

  it.each([
    ['calls_per_turn', 4],
    ['tokens_per_turn', 254],
    ['failed_calls_per_turn', 2],
    ['asked_humans_per_turn', 2],
  ] as const)('%s is what it says', (measure, count) => {
    expect(countIn({ entries }, measure)).toBe(count);
  });

  it('is never less than nothing', () => {
    fc.assert(
      fc.property(conversation, fc.constantFrom(...MeasureName.options), (all, measure) =>
        turnsIn(all).every((turn) => countIn(turn, measure) >= 0),
      ),
    );
  });
});

describe('a mean', () => {
  it('is none of nothing, and says of how many it is made', () => {
    expect(meanOf([])).toEqual({ turns: 0 });
    expect(meanOf([1, 2, 2])).toEqual({ value: 1.67, turns: 3 });
  });

  it('lies between the least and the most', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(10_000), { minLength: 1 }), (counts) => {
        const { value = Number.NaN } = meanOf(counts);
        expect(value).toBeGreaterThanOrEqual(Math.min(...counts));
        expect(value).toBeLessThanOrEqual(Math.max(...counts));
      }),
    );
  });
});

describe('a look through conversations', () => {
  const talks: Record<string, Entry[]> = {
    'slack:1': [said('refund 7', 0), called('a'), answered('Done.'), said('hello', 5), called('b', 'c')],
    'slack:2': [said('refund 8', 10), called('a', 'b', 'c'), answered('Done.')],
  };
  const ids = Object.keys(talks).map((id) => ConversationId.parse(id));
  const transcripts = (order: readonly ConversationId[]) => ({
    async *conversations() {
      yield* order;
    },
    read: async (id: ConversationId, newest: number) =>
      (talks[id] ?? []).slice(-newest).map((entry) => ({ entry })),
  });
  const at = (n: number) => Date.parse(said('', n).at);
  const wish = { measure: 'calls_per_turn', fits: (text: string) => text.startsWith('refund') } as const;

  it('measures the turns of the kind within the time, each conversation once', async () => {
    const wishes = [
      { ...wish, fromMs: at(0), untilMs: at(11) },
      { ...wish, fromMs: at(0), untilMs: at(10) },
      { ...wish, fromMs: at(1), untilMs: at(11) },
      { ...wish, fromMs: at(11), untilMs: at(20) },
    ];

    const found = await measureTurns(transcripts([...ids, ...ids]), wishes, never);

    expect(found).toEqual([
      { value: 2, turns: 2 },
      { value: 1, turns: 1 },
      { value: 3, turns: 1 },
      { turns: 0 },
    ]);
  });

  it('ends at its bounds, and says so', async () => {
    const wishes = [{ ...wish, fromMs: 0, untilMs: at(20) }];

    const few = await measureTurns(transcripts(ids), wishes, never, { conversations: 1, entries: 100 });
    const short = await measureTurns(transcripts(ids), wishes, never, { conversations: 100, entries: 2 });

    expect(few).toEqual([{ value: 1, turns: 1, isPart: true }]);
    expect(short).toEqual([{ turns: 0, isPart: true }]);
  });

  it('is broken off when nobody waits any more', async () => {
    const gone = AbortSignal.abort(new Error('gone'));

    await expect(measureTurns(transcripts(ids), [{ ...wish, fromMs: 0, untilMs: 1 }], gone)).rejects.toThrow(
      'gone',
    );
  });
});
