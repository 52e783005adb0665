import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { judgeCommands, type Listener, mayBeAnsweredTwice, type TypedCommand } from '../../crash/excuse.ts';

const ALIVE: Listener = { cutAt: undefined };
const cut = (cutAt: number): Listener => ({ cutAt });

/** Typed at 1,000 ms, and without a response when Discord gave up on it. */
function failed(...listeners: Listener[]): TypedCommand {
  return { at: 1_000, ms: 3_000, turnlessMs: 0, failure: 'The application did not respond', listeners };
}

describe('a command without a response', () => {
  it('is excused when the only gateway that was told of it was killed', () => {
    const commands = judgeCommands([failed(cut(1_210))], [1_200]);

    expect(commands).toMatchObject({ unanswered: [], excused: 1, mostExcused: 1 });
  });

  it('is excused when all that were told of it were killed, one after another', () => {
    const commands = judgeCommands([failed(cut(1_210), cut(2_510))], [1_200, 2_500]);

    expect(commands).toMatchObject({ unanswered: [], excused: 1, mostExcused: 2 });
  });

  it.each<[string, Listener[], number[], string]>([
    ['another gateway that was told of it lives', [cut(1_210), ALIVE], [1_200], 'of 2 that were told, 1'],
    ['nobody was killed', [ALIVE], [], 'of 1 that were told, 0'],
    ['the connection was lost without a kill', [cut(1_210)], [], 'of 1 that were told, 0'],
    ['the kill was long before the connection was lost', [cut(3_900)], [1_000], 'of 1 that were told, 0'],
    ['the kill came after the connection was lost', [cut(1_100)], [1_200], 'of 1 that were told, 0'],
    ['one kill is to explain two gateways', [cut(1_210), cut(1_220)], [1_200], 'of 2 that were told, 1'],
    ['it was too late for a response before the kill', [cut(4_310)], [4_300], 'of 1 that were told, 0'],
    ['it was typed after the kill', [cut(1_010)], [900], 'of 1 that were told, 1'],
    ['a gateway was ready, and not connected', [], [1_200], 'none was connected'],
  ])('is not excused when %s', (_, listeners, kills, fate) => {
    const commands = judgeCommands([failed(...listeners)], kills);

    expect(commands.excused).toBe(0);
    expect(commands.unanswered).toEqual([expect.stringContaining(fate)]);
  });

  it('is excused when the machine had no turn for the gateways for a third of the time, and told how long otherwise', () => {
    const kept = { ...failed(ALIVE), turnlessMs: 1_000 };
    const almost = { ...failed(ALIVE), turnlessMs: 999 };
    const unheard = { ...failed(), turnlessMs: 2_000 };

    const commands = judgeCommands([kept, almost, unheard], []);

    expect(commands).toMatchObject({ excused: 0, keptWaiting: 1 });
    expect(commands.unanswered).toEqual([
      expect.stringContaining('the machine had no turn for 999 ms'),
      expect.stringContaining('none was connected'),
    ]);
  });

  it('is never excused beyond what was in flight at the kills, whatever happened', () => {
    const time = fc.integer({ min: 0, max: 20_000 });
    const listener = fc.record({ cutAt: fc.option(time, { nil: undefined }) });
    const command = fc.record({
      at: time,
      ms: fc.constant(3_000),
      turnlessMs: fc.constant(0),
      failure: fc.constant('none'),
      listeners: fc.array(listener, { maxLength: 3 }),
    });
    fc.assert(
      fc.property(fc.array(command, { maxLength: 8 }), fc.array(time, { maxLength: 8 }), (typed, kills) => {
        const { excused, unanswered, mostExcused } = judgeCommands(typed, kills);

        expect(excused + unanswered.length).toBe(typed.length);
        expect(excused).toBeLessThanOrEqual(mostExcused);
      }),
    );
  });

  it('leaves those with a response alone', () => {
    const typed = [{ at: 1_000, ms: 40, turnlessMs: 0, listeners: [cut(1_210)] }];

    expect(judgeCommands(typed, [1_200])).toEqual({
      responses: [40],
      unanswered: [],
      excused: 0,
      keptWaiting: 0,
      mostExcused: 0,
    });
  });
});

describe('an interaction that two gateways answered', () => {
  const hearing = (...listeners: Listener[]) => ({ at: 1_000, listeners });
  const AT_ONCE = 1_050;
  const NONE = { kills: [], outages: [] };

  it('is explained by a kill of one of them, or by the store being away', () => {
    expect(mayBeAnsweredTwice(hearing(cut(1_210), ALIVE), AT_ONCE, { ...NONE, kills: [1_200] })).toBe(true);
    const away = (from: number, to: number) => ({ ...NONE, outages: [{ from, to }] });
    expect(mayBeAnsweredTwice(hearing(ALIVE, ALIVE), AT_ONCE, away(0, 1_100))).toBe(true);
    expect(mayBeAnsweredTwice(hearing(ALIVE, ALIVE), AT_ONCE, away(2_000, Number.POSITIVE_INFINITY))).toBe(
      true,
    );
  });

  it('is explained by a store that the second one had waited for as long as it may', () => {
    expect(mayBeAnsweredTwice(hearing(ALIVE, ALIVE), 2_500, NONE)).toBe(true);
    expect(mayBeAnsweredTwice(hearing(ALIVE, ALIVE), 2_499, NONE)).toBe(false);
  });

  it.each<[string, Listener[], Parameters<typeof mayBeAnsweredTwice>[2]]>([
    ['nothing happened', [ALIVE, ALIVE], NONE],
    ['one gateway alone was told', [cut(1_210)], { ...NONE, kills: [1_200] }],
    ['a connection was lost without a kill', [cut(1_210), ALIVE], NONE],
    ['another gateway was killed', [ALIVE, ALIVE], { ...NONE, kills: [1_200] }],
    ['the store was back long before', [ALIVE, ALIVE], { ...NONE, outages: [{ from: -9_000, to: -5_000 }] }],
  ])('is not explained when %s', (_, listeners, blows) => {
    expect(mayBeAnsweredTwice(hearing(...listeners), AT_ONCE, blows)).toBe(false);
  });
});
