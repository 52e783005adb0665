import { describe, expect, it } from 'vitest';
import { PARTS, toPlan } from '../../bench/plan.ts';

describe('the plan of a benchmark run', () => {
  it('measures everything at full size when nothing is said', () => {
    const plan = toPlan([]);

    expect(plan).toMatchObject({
      json: false,
      parts: PARTS,
      rounds: 3,
      mention: { threads: 5_000, inFlight: 50 },
    });
    expect(plan.timers).toEqual({ pending: 1_000_000, perSecond: 1_000, seconds: 20 });
  });

  it('measures only what was asked for', () => {
    const plan = toPlan(['--only', 'timers', '--only', 'start', '--json']);

    expect(plan).toMatchObject({ json: true, parts: ['timers', 'start'] });
  });

  it('is smaller when it is to be quick, but has the rounds that were asked for', () => {
    const plan = toPlan(['--quick', '--rounds', '2']);

    expect(plan.rounds).toBe(2);
    expect(plan.mention.threads).toBeLessThan(toPlan([]).mention.threads);
  });

  it.each([[['--only', 'everything']], [['--rounds', '0']], [['--rounds', 'many']], [['--slow']]])(
    'refuses %j with a sentence',
    (args) => {
      expect(() => toPlan(args)).toThrow(TypeError);
    },
  );
});
