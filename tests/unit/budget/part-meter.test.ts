import { describe, expect, it } from 'vitest';
import { PartMeter } from '../../../src/budget/part-meter.ts';
import { meterOf } from '../../support/budgets.ts';
import { usageOf } from '../../support/scripted-model.ts';

describe('a part of what a turn may use', () => {
  it('is used up by itself, with tokens of all kinds, before the whole is', async () => {
    const part = new PartMeter(80, meterOf(1_000));

    await part.note('scripted', usageOf(10));
    expect(await part.reached()).toBeUndefined();
    await part.note('scripted', usageOf(10));

    expect(await part.reached()).toBe(part.own);
    expect(part.own).toMatchObject({ of: 'tokens', most: 80 });
  });

  it('is used by the whole, and ends with it', async () => {
    const whole = meterOf(60);
    const [part, other] = [new PartMeter(1_000, whole), new PartMeter(1_000, whole)];

    await part.note('scripted', usageOf(10));
    await other.note('scripted', usageOf(10));

    expect(whole.used).toHaveLength(2);
    expect(await part.reached()).toMatchObject({ most: 60, by: 'turn' });
    expect(await part.reached()).not.toBe(part.own);
  });

  it('is near its end when two more answers like the last one may be too much', async () => {
    const part = new PartMeter(130);
    expect(part.isNearEnd()).toBe(false);

    await part.note('scripted', usageOf(10)); // 40, and 90 left
    expect(part.isNearEnd()).toBe(false);
    await part.note('scripted', usageOf(5)); // 60, and 70 left
    expect(part.isNearEnd()).toBe(false);
    await part.note('scripted', usageOf(10)); // 100, and 30 left

    expect(part.isNearEnd()).toBe(true);
  });
});
