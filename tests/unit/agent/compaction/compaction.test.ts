import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LEAST_ENTRIES } from '../../../../src/agent/compaction/adaptive.ts';
import {
  COMPACTIONS,
  type Kept,
  type Room,
  type StrategyName,
} from '../../../../src/agent/compaction/compaction.ts';
import { agedTo } from '../../../../src/agent/compaction/progressive.ts';
import { NoRoomError } from '../../../../src/agent/compaction/shorten.ts';
import { estimateEntry } from '../../../../src/agent/compaction/token-estimate.ts';
import { nameOf, startAfter, tokensFrom, toTranscript } from '../../../../src/agent/compaction/window.ts';
import type { Entry } from '../../../../src/domain/transcript.ts';
import { runs } from '../../../support/property-runs.ts';
import { answered, called, conversation, gave, said, strays } from '../../../support/transcripts.ts';

const STRATEGIES = Object.keys(COMPACTIONS) as StrategyName[];
const ROOM = { standing: undefined, summarisedTo: undefined };

function compact(strategy: StrategyName, entries: readonly Entry[], room: Partial<Room>): Kept {
  const mostTokens = room.mostTokens ?? 1_000;
  return COMPACTIONS[strategy].compact(toTranscript(entries), {
    ...ROOM,
    lowTokens: mostTokens * 0.7,
    ...room,
    mostTokens,
  });
}

const tokensOf = (entries: readonly Entry[]) => entries.reduce((sum, entry) => sum + estimateEntry(entry), 0);

/** Twenty turns, each of the same size. */
const twenty = Array.from({ length: 20 }, (_, n) => [
  said(`question ${n + 10} ${'word '.repeat(20)}`, n),
  answered(`answer ${n + 10} ${'word '.repeat(20)}`),
]).flat();

describe('what is kept of a conversation', () => {
  it.each(STRATEGIES)(
    'OB-049 OB-042 by %s is its end without a hole, within the budget, begun by somebody who speaks, with whole calls',
    (strategy) => {
      fc.assert(
        fc.property(
          conversation,
          fc.integer({ min: 700, max: 20_000 }),
          fc.nat(60),
          (entries, mostTokens, to) => {
            const summarisedTo = Math.min(to, entries.length);
            let kept: Kept;
            try {
              kept = compact(strategy, entries, { mostTokens, summarisedTo });
            } catch (error) {
              expect(error).toBeInstanceOf(NoRoomError);
              return;
            }

            expect(tokensOf(kept.entries)).toBeLessThanOrEqual(mostTokens);
            expect(kept.entries).toHaveLength(entries.length - kept.from);
            expect(kept.entries.map(({ kind }) => kind)).toEqual(
              entries.slice(kept.from).map(({ kind }) => kind),
            );
            expect(['user', 'event']).toContain(kept.entries[0]?.kind);
            expect(strays(kept.entries)).toEqual([]);
            if (!kept.shortened) expect(kept.entries).toEqual(entries.slice(kept.from));
          },
        ),
        { numRuns: runs(200) },
      );
    },
  );

  it.each(STRATEGIES)('by %s has what a call told cut as well, where that alone is too long', (strategy) => {
    const text = 'Approval a: executed. Done: what it told stands below';
    const news: Entry = { kind: 'event', text, told: 'row '.repeat(20_000), at: '2026-01-05T10:00:00.000Z' };

    const kept = compact(strategy, [news], { mostTokens: 1_000 });

    expect(kept.entries).toEqual([
      { ...news, told: expect.stringMatching(/^row .*characters left out.*row $/s) },
    ]);
    expect(tokensOf(kept.entries)).toBeLessThanOrEqual(1_000);
  });

  it.each(STRATEGIES)('by %s is everything while that fits', (strategy) => {
    expect(compact(strategy, twenty, { mostTokens: tokensOf(twenty) })).toEqual({
      entries: twenty,
      from: 0,
      shortened: false,
    });
  });

  it.each(STRATEGIES)('by %s stays where it was while that fits, whatever stands before it', (strategy) => {
    const kept = compact(strategy, twenty, { mostTokens: Number.POSITIVE_INFINITY, standing: 8 });

    expect(kept.from).toBe(8);
  });

  it('never ends the pairs of calls whose ids come again', () => {
    const entries = [
      said('one', 1),
      called('a'),
      gave('a', 'x'.repeat(900)),
      said('two', 2),
      called('a'),
      gave('a', 'y'),
    ];

    expect(compact('truncate', entries, { mostTokens: 200 })).toMatchObject({ from: 3, shortened: false });
  });
});

it('a window never begins between a call and the last of its results, whoever speaks there', () => {
  const entries = [
    said('one', 1),
    called('a', 'b'),
    gave('a', 'x'),
    said('meanwhile', 2),
    gave('b', 'y'),
    answered('done'),
    said('two', 3),
  ];

  expect(toTranscript(entries).starts).toEqual([0, 6]);
});

describe('the strategy adaptive', () => {
  it('OB-041 keeps as many entries as the low mark has room for, counted from the end', () => {
    const mostTokens = Math.floor(tokensOf(twenty) / 2);
    const lowTokens = mostTokens * 0.7;
    let fitting = 0;
    while (tokensOf(twenty.slice(-(fitting + 2))) <= lowTokens) fitting += 2;

    const kept = compact('adaptive', twenty, { mostTokens, lowTokens });

    expect(fitting).toBeGreaterThan(LEAST_ENTRIES);
    expect(kept.entries).toHaveLength(fitting);
    expect(kept.entries).toEqual(twenty.slice(-fitting));
  });

  it('C-41 does not put a small old message in the place of a large one that does not fit', () => {
    const entries = [
      said('small', 0),
      answered('small'),
      said('x '.repeat(3_000), 1),
      answered('fine'),
      said('a', 2),
      answered('b'),
      said('c', 3),
      answered('d'),
    ];

    expect(compact('adaptive', entries, { mostTokens: 1_000 }).entries).toEqual(entries.slice(4));
  });

  it('OB-043 XA-06 keeps the last four whatever the budget, shortened with a mark, and still within it', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 100, max: 30_000 }), { minLength: 4, maxLength: 12 }),
        fc.integer({ min: 600, max: 5_000 }),
        (lengths, mostTokens) => {
          const entries = lengths.flatMap((length, n) => [
            said('word '.repeat(length / 5), n),
            answered('yes'),
          ]);
          const kept = compact('adaptive', entries, { mostTokens });

          expect(kept.entries.length).toBeGreaterThanOrEqual(LEAST_ENTRIES);
          expect(tokensOf(kept.entries)).toBeLessThanOrEqual(mostTokens);
          if (kept.shortened) expect(JSON.stringify(kept.entries)).toContain('characters left out');
        },
      ),
      { numRuns: runs(100) },
    );
  });

  it('shortens what a call was given and what it told, and keeps them a pair', () => {
    const entries: Entry[] = [
      said('go', 0),
      {
        kind: 'assistant',
        text: '',
        calls: [{ id: 'a', tool: 'write', input: { text: 'x'.repeat(9_000) } }],
        model: 'm',
      },
      gave('a', 'y'.repeat(9_000)),
    ];

    const kept = compact('adaptive', entries, { mostTokens: 900 });

    expect(kept.shortened).toBe(true);
    expect(strays(kept.entries)).toEqual([]);
    expect(kept.entries[1]).toMatchObject({ calls: [{ id: 'a', input: { shortened: expect.any(String) } }] });
  });

  it('says how to mend it when there is no room at all', () => {
    expect(() => compact('adaptive', twenty, { mostTokens: 10 })).toThrow(/memory\.context_tokens/);
  });
});

describe('the strategy truncate', () => {
  it('OB-048 drops the oldest until the rest fits, and cuts nothing', () => {
    const kept = compact('truncate', twenty, { mostTokens: 400, lowTokens: 400 });

    expect(kept.shortened).toBe(false);
    expect(tokensOf(kept.entries)).toBeLessThanOrEqual(400);
    expect(tokensOf(twenty.slice(kept.from - 2))).toBeGreaterThan(400);
  });
});

describe('the strategy progressive', () => {
  it('OB-045 shows what the summary does not tell of, to the byte', () => {
    const kept = compact('progressive', twenty, { mostTokens: 100_000, summarisedTo: 30 });

    expect(JSON.stringify(kept.entries)).toBe(JSON.stringify(twenty.slice(30)));
  });

  it('OB-046 C-43 has nothing summarised while there is room, then the oldest, and later only what has aged since', () => {
    const transcript = toTranscript(twenty);
    const mostTokens = tokensOf(twenty);
    const roomy = { ...ROOM, mostTokens: mostTokens * 2, lowTokens: mostTokens };
    const tight = { ...ROOM, mostTokens, lowTokens: mostTokens * 0.5 };

    const first = agedTo(transcript, roomy);
    const second = agedTo(transcript, tight);
    const third = agedTo(transcript, { ...tight, summarisedTo: second });

    expect(first).toBeUndefined();
    expect(second).toBe(20);
    expect(third).toBeUndefined();
    expect(tokensFrom(transcript, second!)).toBeLessThanOrEqual(tight.lowTokens);
  });

  it('C-42 begins where the summary ends, so that nothing is in neither', () => {
    const transcript = toTranscript(twenty);
    const through = nameOf(twenty[28]!);
    const summarisedTo = startAfter(transcript, through);

    expect(summarisedTo).toBe(30);
    expect(compact('progressive', twenty, { mostTokens: 100_000, summarisedTo }).from).toBe(30);
  });

  it('is cut all the same when its summary could not be made in time', () => {
    const kept = compact('progressive', twenty, { mostTokens: 400, summarisedTo: 2 });

    expect(tokensOf(kept.entries)).toBeLessThanOrEqual(400);
    expect(kept.from).toBeGreaterThan(2);
  });
});
