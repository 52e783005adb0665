import { describe, expect, it } from 'vitest';
import { BudgetedModel, type ContextBudget } from '../../../../src/agent/compaction/budgeted-model.ts';
import { estimateOverhead } from '../../../../src/agent/compaction/token-estimate.ts';
import { nameOf } from '../../../../src/agent/compaction/window.ts';
import { toHistory } from '../../../../src/agent/history.ts';
import type { ModelClient, ModelReply, ModelRequest } from '../../../../src/agent/model/model-client.ts';
import { RequestTooLongError } from '../../../../src/domain/errors.ts';
import type { Entry } from '../../../../src/domain/transcript.ts';
import { silent } from '../../../support/core.ts';
import { answered, called, gave, said } from '../../../support/transcripts.ts';

const SYSTEM = 'You are helpful. '.repeat(40);
const BUDGET: ContextBudget = {
  strategy: 'adaptive',
  contextTokens: 9_000,
  answerTokens: 1_000,
  thinkingTokens: 2_000,
  cutTo: 0.7,
};

/** A service that counts four characters as a token, and refuses what is more than it reads. */
class CountingService implements ModelClient {
  readonly requests: ModelRequest[] = [];
  countsAsked = 0;

  constructor(
    private readonly reads: number,
    private readonly answer: (request: ModelRequest) => Partial<ModelReply> = () => ({}),
  ) {}

  async complete(request: ModelRequest): Promise<ModelReply> {
    this.requests.push(request);
    const tokens = realTokens(request);
    if (tokens > this.reads) throw new RequestTooLongError();
    return {
      text: 'Fine.',
      calls: [],
      stopped: 'end',
      model: 'm',
      usage: { inputTokens: tokens, outputTokens: 2, cacheReadTokens: 0, cacheWriteTokens: 0 },
      ...this.answer(request),
    };
  }

  async countTokens(request: ModelRequest): Promise<number> {
    this.countsAsked++;
    return realTokens(request);
  }

  async check(): Promise<{ ok: boolean; detail: string }> {
    return { ok: true, detail: 'it counts' };
  }
}

function realTokens({ system, guidance = '', entries, exhibits = [] }: ModelRequest): number {
  const chars = entries.reduce((sum, entry) => {
    const calls = entry.kind === 'assistant' ? JSON.stringify(entry.calls).length : 0;
    return sum + entry.text.length + calls + 20;
  }, system.length + guidance.length);
  return Math.ceil((chars + JSON.stringify(exhibits).length) / 4);
}

const ask = (model: ModelClient, entries: readonly Entry[], more: Partial<ModelRequest> = {}) =>
  model.complete(
    { system: SYSTEM, entries, tools: [], ...more },
    () => undefined,
    AbortSignal.timeout(30_000),
  );

const budgeted = (service: ModelClient, budget: Partial<ContextBudget> = {}) =>
  new BudgetedModel(service, { ...BUDGET, ...budget }, silent);

const talk = (turns: number, words = 40) =>
  Array.from({ length: turns }, (_, n) => [
    said(`${n} ${'word '.repeat(words)}`, n),
    answered('reply '.repeat(words)),
  ]).flat();

describe('a model within a budget', () => {
  it.each([
    ['adaptive', 2_000],
    ['progressive', 500],
    ['truncate', 500],
  ] as const)(
    'OB-049 is, by %s, never asked too much in a conversation of %i turns, and what it is shown begins anew only rarely',
    async (strategy, turns) => {
      const limit = BUDGET.contextTokens - BUDGET.answerTokens;
      const service = new CountingService(limit);
      const model = budgeted(service, { strategy });
      const stored: string[] = [];
      const beginnings: string[] = [];

      for (let turn = 0; turn < turns; turn++) {
        // As a claim reads them: in steps of half of what is read at least.
        const first = Math.max(0, stored.length - 200);
        const history = toHistory(stored.slice(first - (first % 100)));
        const added: Entry[] = [said(`${turn} ${'word '.repeat(turn % 60)}`, turn)];
        for (const told of turn % 7 === 0 ? ['row '.repeat(turn % 300), undefined] : [undefined]) {
          const { text, usage, shown } = await ask(model, [...history, ...added]);
          const calls = told === undefined ? [] : [{ id: 'a', tool: 'recall', input: {} }];
          added.push({ ...answered(text), calls, usage, ...(shown ? { shown } : {}) });
          if (told !== undefined) added.push(gave('a', told));
        }
        stored.push(...added.map((each) => JSON.stringify(each)));
        beginnings.push(nameOf(service.requests.at(-1)!.entries[0]!));
      }

      const greatest = Math.max(...service.requests.map(realTokens));
      expect(service.requests).toHaveLength(turns + Math.ceil(turns / 7));
      expect(greatest).toBeLessThanOrEqual(limit);
      // The room is used all the same.
      expect(greatest).toBeGreaterThan(limit * 0.6);
      const moves = beginnings.filter((name, turn) => name !== beginnings[turn - 1]).length;
      expect(moves).toBeLessThan(turns / 15);
    },
    60_000,
  );

  it('OB-044 makes no call beside the one it was asked for', async () => {
    const service = new CountingService(8_000);
    await ask(budgeted(service), [...talk(400), said('now', 999)]);

    expect(service.requests).toHaveLength(1);
  });

  it('cuts nothing that a count shows to fit, though the estimate is above the budget', async () => {
    // Every letter that stands alone is estimated as a token of its own.
    const entries = [...talk(1, 1), said('a '.repeat(9_000), 2)];
    const service = new CountingService(8_000);

    await ask(budgeted(service), entries);

    expect(service.countsAsked).toBe(1);
    expect(service.requests[0]?.entries).toEqual(entries);
  });

  it('goes on from where the last request began, by what the service has counted', async () => {
    const service = new CountingService(100_000);
    const model = budgeted(service);
    const before = [...talk(10), said('now', 20)];
    const { usage, shown } = await ask(model, before);
    // Told to have been much: what the estimate says does not matter any more.
    const counted = {
      ...answered('Fine.'),
      usage: { ...usage, inputTokens: 7_990 },
      ...(shown ? { shown } : {}),
    };

    await ask(model, [...before, { ...counted, usage: { ...usage, inputTokens: 2_000 } }, said('next', 21)]);
    const noCount = { complete: service.complete.bind(service), check: service.check.bind(service) };
    await ask(budgeted(noCount), [...before, counted, said('next', 21)]);

    const [, fits, cut] = service.requests;
    expect(fits?.entries[0]).toEqual(before[0]);
    expect(cut?.entries.length).toBeLessThan(fits!.entries.length);
  });

  it('does not believe a service that counts next to nothing', async () => {
    const usage = { inputTokens: 0, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0 };
    const service = new CountingService(100_000, () => ({ usage }));
    const model = budgeted({ complete: service.complete.bind(service), check: service.check.bind(service) });
    const stored: Entry[] = [];

    for (let turn = 0; turn < 300; turn++) {
      const opening = said('word '.repeat(200), turn);
      const { text, shown } = await ask(model, [...stored, opening]);
      stored.push(opening, { ...answered(text), usage, ...(shown ? { shown } : {}) });
    }

    expect(service.requests.at(-1)!.entries.length).toBeLessThan(stored.length / 2);
  });

  it('leaves room for what is thought', async () => {
    const service = new CountingService(8_000);
    const entries = [...talk(200), said('now', 999)];

    await ask(budgeted(service), entries);
    await ask(budgeted(service), entries, { thinking: true });

    const [quick, thought] = service.requests.map(({ entries }) => entries.length);
    expect(thought).toBeLessThan(quick! * 0.8);
  });

  it('asks once more with half when the model reads less than was thought, and then gives up', async () => {
    const entries = [...talk(20), said('now', 99)];
    const small = new CountingService(1_800);
    const tiny = new CountingService(10);

    const reply = await ask(budgeted(small), entries);

    expect(reply.text).toBe('Fine.');
    expect(small.requests).toHaveLength(2);
    expect(realTokens(small.requests[1]!)).toBeLessThan(realTokens(small.requests[0]!) * 0.7);
    await expect(ask(budgeted(tiny), entries)).rejects.toThrow(RequestTooLongError);
    expect(tiny.requests).toHaveLength(2);
  });

  it('leaves files out that there is no room for, and says where the turn begins in what is left', async () => {
    const exhibits = [{ mediaType: 'application/pdf' as const, base64: 'A'.repeat(400_000) }];
    const service = new CountingService(8_000);
    const entries = [...talk(200), said('look', 999)];

    const reply = await ask(budgeted(service), entries, { exhibits, turnStart: entries.length - 1 });

    const [request] = service.requests;
    expect(request?.exhibits).toEqual([]);
    expect(reply.unseen).toBe('no-room');
    expect(request?.turnStart).toBe(request!.entries.length - 1);
  });

  it('leaves them out as well when it asks once more with half', async () => {
    const exhibits = [{ mediaType: 'application/pdf' as const, base64: 'A'.repeat(400_000) }];
    const service = new CountingService(1_800);

    const reply = await ask(budgeted(service), [...talk(20), said('look', 99)], { exhibits });

    expect(service.requests.map((request) => request.exhibits)).toEqual([[], []]);
    expect(reply).toMatchObject({ text: 'Fine.', unseen: 'no-room' });
  });

  it('fits what one turn reads, however much that is', async () => {
    const service = new CountingService(8_000);
    const steps = Array.from({ length: 10 }, (_, n) => [
      called(`c${n}`),
      gave(`c${n}`, 'row '.repeat(9_000)),
    ]);

    const { shown } = await ask(budgeted(service), [...talk(5), said('read it all', 9), ...steps.flat()]);

    expect(service.requests[0]?.entries[0]).toMatchObject({ kind: 'user' });
    expect(JSON.stringify(service.requests[0]?.entries)).toContain('characters left out');
    expect(shown).toBeUndefined();
  });

  it('counts instructions, tools and what is said for one turn as well', () => {
    const tool = { name: 'recall', description: 'Reads notes.', inputSchema: { type: 'object' } };
    const bare = estimateOverhead({ system: SYSTEM, tools: [] });

    expect(estimateOverhead({ system: SYSTEM, tools: [tool] })).toBeGreaterThan(bare);
    expect(estimateOverhead({ system: SYSTEM, tools: [], guidance: SYSTEM })).toBeGreaterThan(bare * 1.9);
  });
});
