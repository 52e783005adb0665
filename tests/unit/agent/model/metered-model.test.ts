import { describe, expect, it } from 'vitest';
import { MeteredModel } from '../../../../src/agent/model/metered-model.ts';
import type { Usage } from '../../../../src/domain/transcript.ts';
import { ScriptedModel, usageOf } from '../../../support/scripted-model.ts';

function metered(isLeft: boolean) {
  const counted: [string, Usage][] = [];
  const model = new ScriptedModel([{ text: 'a summary', usage: usageOf(3) }]);
  const budget = {
    isLeft: async () => isLeft,
    count: async (name: string, usage: Usage) => void counted.push([name, usage]),
  };
  const ask = () =>
    new MeteredModel(model, budget).complete(
      { system: '', entries: [], tools: [] },
      () => undefined,
      new AbortController().signal,
    );
  return { ask, counted, model };
}

describe('what the model is asked beside turns', () => {
  it('is counted by what the model says it used', async () => {
    const { ask, counted } = metered(true);

    expect(await ask()).toMatchObject({ text: 'a summary' });

    expect(counted).toEqual([['scripted', usageOf(3)]]);
  });

  it('OM-160 is not asked once the budget of everybody is used up', async () => {
    const { ask, counted, model } = metered(false);

    await expect(ask()).rejects.toThrow('the budget of everybody together is used up');

    expect(model.requests).toEqual([]);
    expect(counted).toEqual([]);
  });
});
