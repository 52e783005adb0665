import { describe, expect, it } from 'vitest';
import { MeteredModel } from '../../../../src/agent/model/metered-model.ts';
import type { ModelClient, ModelReply } from '../../../../src/agent/model/model-client.ts';
import { ModelUnavailableError } from '../../../../src/domain/errors.ts';
import type { Usage } from '../../../../src/domain/transcript.ts';
import { ScriptedModel, usageOf } from '../../../support/scripted-model.ts';

function metered(isLeft: boolean) {
  const counted: [string, Usage][] = [];
  const model = new ScriptedModel([{ text: 'a summary', usage: usageOf(3) }]);
  const budget = {
    isLeft: async () => isLeft,
    count: async (name: string, usage: Usage) => void counted.push([name, usage]),
  };
  return { ask: () => askOf(new MeteredModel(model, budget)), budget, counted, model };
}

function askOf(model: ModelClient): Promise<ModelReply> {
  const { signal } = new AbortController();
  return model.complete({ system: '', entries: [], tools: [] }, () => undefined, signal);
}

describe('what the model is asked beside turns', () => {
  it('is counted by what the model says it used', async () => {
    const { ask, counted } = metered(true);

    expect(await ask()).toMatchObject({ text: 'a summary' });

    expect(counted).toEqual([['scripted', usageOf(3)]]);
  });

  it('is counted too when it breaks off, by what it had used until then', async () => {
    const { counted, budget } = metered(true);
    const broken: ModelClient = {
      complete: async ({ onSpent }) => {
        await onSpent?.('scripted', usageOf(2));
        throw new ModelUnavailableError('the answer broke off', undefined);
      },
      check: async () => ({ ok: true, detail: '' }),
    };

    await expect(askOf(new MeteredModel(broken, budget))).rejects.toThrow('the answer broke off');

    expect(counted).toEqual([['scripted', usageOf(2)]]);
  });

  it('OM-160 is not asked once the budget of everybody is used up', async () => {
    const { ask, counted, model } = metered(false);

    await expect(ask()).rejects.toThrow('the budget of everybody together is used up');

    expect(model.requests).toEqual([]);
    expect(counted).toEqual([]);
  });
});
