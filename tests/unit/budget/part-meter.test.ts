import { describe, expect, it } from 'vitest';
import { ceilingsOf } from '../../../src/budget/limits.ts';
import { PartMeter } from '../../../src/budget/part-meter.ts';
import { TurnMeter } from '../../../src/budget/turn-meter.ts';
import { BudgetSettings } from '../../../src/config/budgets.ts';
import { usageOf } from '../../support/scripted-model.ts';

function wholeOf(tokens: number): TurnMeter {
  const settings = BudgetSettings.parse({ turn: { tokens } });
  return new TurnMeter({ settings, ceilings: ceilingsOf(settings, []) });
}

describe('a part of what a turn may use', () => {
  it('is used up by itself, with tokens of all kinds, before the whole is', () => {
    const part = new PartMeter(80, wholeOf(1_000));

    part.note('scripted', usageOf(10));
    expect(part.reached()).toBeUndefined();
    part.note('scripted', usageOf(10));

    expect(part.reached()).toBe(part.own);
    expect(part.own).toMatchObject({ of: 'tokens', most: 80 });
  });

  it('is used by the whole, and ends with it', () => {
    const whole = wholeOf(60);
    const [part, other] = [new PartMeter(1_000, whole), new PartMeter(1_000, whole)];

    part.note('scripted', usageOf(10));
    other.note('scripted', usageOf(10));

    expect(whole.used).toHaveLength(2);
    expect(part.reached()).toMatchObject({ most: 60, by: 'turn' });
    expect(part.reached()).not.toBe(part.own);
  });

  it('is near its end when two more answers like the last one may be too much', () => {
    const part = new PartMeter(130);
    expect(part.isNearEnd()).toBe(false);

    part.note('scripted', usageOf(10)); // 40, and 90 left
    expect(part.isNearEnd()).toBe(false);
    part.note('scripted', usageOf(5)); // 60, and 70 left
    expect(part.isNearEnd()).toBe(false);
    part.note('scripted', usageOf(10)); // 100, and 30 left

    expect(part.isNearEnd()).toBe(true);
  });
});
