import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { ModelChain } from '../../../../src/agent/model/model-chain.ts';
import type { ModelClient, ModelReply, ModelRequest } from '../../../../src/agent/model/model-client.ts';
import { SlottedModel } from '../../../../src/agent/model/slotted-model.ts';
import { systemClock } from '../../../../src/domain/clock.ts';
import { ModelUnavailableError } from '../../../../src/domain/errors.ts';
import { Breakers } from '../../../../src/health/breakers.ts';
import { Slots } from '../../../../src/health/slots.ts';
import { defer, silent } from '../../../support/core.ts';
import { ScriptedModel, type ScriptedReply } from '../../../support/scripted-model.ts';

const REQUEST = { system: '', entries: [], tools: [] };
const never = new AbortController().signal;
const away = (retryAfterMs?: number) => new ModelUnavailableError('it answered 529', retryAfterMs);

function chainOf(...scripts: (readonly ScriptedReply[] | ModelClient)[]) {
  const breakers = new Breakers(() => ({ failures: 5, coolDownMs: 30_000 }), systemClock, silent);
  const clients = scripts.map((each) =>
    Array.isArray(each) ? new ScriptedModel(each) : (each as ModelClient),
  );
  const links = clients.map((client, n) => ({
    name: `m${n}`,
    client,
    breaker: () => breakers.of(`model:m${n}`),
  }));
  return { chain: new ModelChain(links, silent), clients: clients as ScriptedModel[], breakers };
}

const ask = (model: ModelClient, onText = (_: string) => {}) => model.complete(REQUEST, onText, never);

describe('several models', () => {
  it('OM-142 asks the next one when the one before is away, and the answer names who gave it', async () => {
    const { chain, clients } = chainOf([away()], [away()], [{ text: 'Hello.', model: 'm2' }]);

    const reply = await ask(chain);

    expect(reply).toMatchObject({ text: 'Hello.', model: 'm2' });
    expect(clients.map(({ requests }) => requests.length)).toEqual([1, 1, 1]);
  });

  it('asks the first one alone while it answers', async () => {
    const { chain, clients } = chainOf([{ text: 'Hello.' }], []);

    await ask(chain);

    expect(clients[1]?.requests).toEqual([]);
  });

  it('OM-142 does not ask a model that is cut off, until it is probed', async () => {
    const { chain, clients } = chainOf(
      Array.from({ length: 9 }, () => away()),
      Array.from({ length: 9 }, () => ({ text: 'Hello.' })),
    );

    for (let n = 0; n < 7; n++) await ask(chain);

    expect(clients.map(({ requests }) => requests.length)).toEqual([5, 7]);
  });

  it('OM-141 tells of no model that it works because a call to it was stopped', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    onTestFinished(() => void vi.useRealTimers());
    const { chain, breakers } = chainOf([...Array.from({ length: 5 }, () => away()), new Error('stopped')]);
    for (let n = 0; n < 5; n++) await expect(ask(chain)).rejects.toThrow(ModelUnavailableError);
    vi.setSystemTime(Date.now() + 30_000);

    const stopped = chain.complete(REQUEST, () => {}, AbortSignal.abort());

    await expect(stopped).rejects.toThrow();
    expect(breakers.health()).toMatchObject([{ name: 'model:m0', state: 'OPEN' }]);
  });

  it('never goes on with an answer that another one has begun', async () => {
    const broken: ModelClient = {
      complete: async (_request, onText): Promise<ModelReply> => {
        onText('Hel');
        throw away();
      },
      check: async () => ({ ok: true, detail: '' }),
    };
    const { chain, clients } = chainOf(broken, [{ text: 'Hello.' }]);

    await expect(ask(chain)).rejects.toThrow(ModelUnavailableError);

    expect(clients[1]?.requests).toEqual([]);
  });

  it('takes a refusal for an answer', async () => {
    const { chain, clients } = chainOf([new Error('no such model')], [{ text: 'Hello.' }]);

    await expect(ask(chain)).rejects.toThrow('no such model');

    expect(clients[1]?.requests).toEqual([]);
  });

  it('OM-140 says of each why nobody answers, and when the first may be back', async () => {
    const { chain } = chainOf([away(9_000)], [away(4_000)]);

    await expect(ask(chain)).rejects.toMatchObject({
      code: 'MODEL_UNAVAILABLE',
      reason: 'm0: it answered 529; m1: it answered 529',
      retryAfterMs: 4_000,
    });
  });

  it('OM-140 says of one alone what it says itself, also while it is cut off', async () => {
    const { chain } = chainOf(Array.from({ length: 5 }, () => away()));
    for (let n = 0; n < 5; n++) await expect(ask(chain)).rejects.toMatchObject({ reason: 'it answered 529' });

    const error = await ask(chain).catch((thrown: unknown) => thrown);

    expect(error).toBeInstanceOf(ModelUnavailableError);
    expect(error).toMatchObject({ reason: expect.stringContaining('it answered 529') });
    expect((error as ModelUnavailableError).retryAfterMs).toBeGreaterThan(29_000);
  });
});

describe('counting by several models', () => {
  const countOf = (chain: ModelChain, request: ModelRequest = REQUEST) => chain.countTokens(request, never);
  const thought = (model: string) => new Map([['call', { model, blocks: [], tokens: 1 }]]);

  function counting(...scripts: readonly ScriptedReply[][]) {
    let counts = 0;
    const first = Object.assign(new ScriptedModel(scripts[0] ?? []), {
      countTokens: async () => {
        counts++;
        return 42;
      },
    });
    return { ...chainOf(first, ...scripts.slice(1)), counts: () => counts };
  }

  it('OM-142 asks the first one, and not while it is cut off', async () => {
    const { chain, counts } = counting(
      Array.from({ length: 5 }, () => away()),
      Array.from({ length: 5 }, () => ({ text: 'Hello.' })),
    );

    expect(await countOf(chain)).toBe(42);
    for (let n = 0; n < 5; n++) await ask(chain);

    expect(await countOf(chain)).toBeUndefined();
    expect(counts()).toBe(1);
  });

  it('OM-142 keeps nobody from being cut off: one that counts may answer nothing', async () => {
    const { chain, breakers } = counting(
      Array.from({ length: 5 }, () => away()),
      Array.from({ length: 5 }, () => ({ text: 'Hello.' })),
    );

    for (let n = 0; n < 5; n++) {
      await countOf(chain);
      await ask(chain);
    }

    expect(breakers.health()).toMatchObject([{ name: 'model:m0', state: 'OPEN' }, { state: 'CLOSED' }]);
  });

  it('counts no thoughts of one model by another', async () => {
    const { chain } = counting([], []);

    expect(await countOf(chain, { ...REQUEST, thoughts: thought('m0') })).toBe(42);
    expect(await countOf(chain, { ...REQUEST, thoughts: thought('m1') })).toBeUndefined();
  });
});

describe('a model that so many may ask at once', () => {
  it('OM-161 lets the message wait when no place is free in time', async () => {
    const answer = defer<ModelReply>();
    const slow: ModelClient = {
      complete: () => answer.promise,
      check: async () => ({ ok: true, detail: '' }),
    };
    const model = new SlottedModel(slow, new Slots(() => ({ places: 1, waitMs: 1 })));
    const first = ask(model);

    await expect(ask(model)).rejects.toMatchObject({
      code: 'MODEL_UNAVAILABLE',
      reason: expect.stringContaining('too many ask it at once'),
    });
    answer.resolve({} as ModelReply);
    await first;
  });
});
