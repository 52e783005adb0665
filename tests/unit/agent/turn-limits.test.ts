/** What bounds a turn: calls that run beside each other, budgets, and how often a tool may be called. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { runTurn, type TurnSetup } from '../../../src/agent/turn.ts';
import type { Tool } from '../../../src/domain/tool.ts';
import type { Entry } from '../../../src/domain/transcript.ts';
import { ALEX } from '../../support/approvals.ts';
import { meterOf } from '../../support/budgets.ts';
import { defer } from '../../support/core.ts';
import { aCall, ScriptedModel, type ScriptedReply, usageOf } from '../../support/scripted-model.ts';
import { ASK_MANAGER, aToolbox, createTestTools, type Run, rules } from '../../support/tools.ts';

const SAID: Entry = {
  kind: 'user',
  from: { person: ALEX, name: 'Alex Kim' },
  text: 'look at everything',
  at: '2026-01-01T00:00:00Z',
};

const RULES = rules(
  { name: 'notes', tool: 'note', decision: 'allow' },
  { name: 'refunds', tool: 'refund', ...ASK_MANAGER },
);

function turn(
  replies: readonly ScriptedReply[],
  {
    tools = createTestTools(),
    signal = new AbortController().signal,
    ...over
  }: Omit<Partial<TurnSetup>, 'tools'> & {
    tools?: Tool[];
    signal?: AbortSignal;
  } = {},
) {
  const model = new ScriptedModel(replies);
  const setup: TurnSetup = {
    model,
    systemPrompt: 'You are a test.',
    maxSteps: 5,
    key: 'item-1',
    answerHeld: async ({ tool }) => `${tool.name} waits`,
    onProgress: () => undefined,
    ...over,
    tools: aToolbox(RULES, { tools }),
  };
  return { model, outcome: runTurn(setup, [SAID], signal) };
}

/** `look` takes as long as the test wants, and notes when it begins and ends. */
function slowReading(runs: Run[] = []) {
  const trace = { running: 0, most: 0, began: [] as number[], ended: [] as number[] };
  const open = new Map<number, () => void>();
  const look: Tool<z.ZodObject<{ n: z.ZodNumber }>> = {
    name: 'look',
    group: 'automation',
    version: 1,
    description: 'Looks.',
    input: z.object({ n: z.number() }),
    risk: 'low',
    effect: 'read',
    reversible: true,
    timeoutMs: 60_000,
    async execute({ n }) {
      const { promise, resolve } = defer();
      open.set(n, resolve);
      trace.began.push(n);
      trace.running++;
      trace.most = Math.max(trace.most, trace.running);
      await promise;
      trace.running--;
      trace.ended.push(n);
      return { status: 'ok', text: `saw ${n}` };
    },
  };
  const tools = [...createTestTools(runs), look as unknown as Tool];
  const finish = async (n: number) => {
    await expect.poll(() => open.has(n), { interval: 1 }).toBe(true);
    open.get(n)?.();
  };
  return { tools, trace, finish };
}

const looks = (count: number) => Array.from({ length: count }, (_, n) => aCall('look', { n }, `look-${n}`));
const results = (entries: readonly Entry[]) =>
  entries.flatMap((entry) => (entry.kind === 'tool-result' ? [entry.text] : []));

describe('calls of one reply that only read', () => {
  it('OM-176 run beside each other, never more than so many of fifty, and are told in their order', async () => {
    const { tools, trace, finish } = slowReading();
    const { outcome } = turn([{ calls: looks(50) }, { text: 'Done.' }], { tools, readsAtOnce: 4 });

    // Always the newest one that runs ends first.
    for (let n = 0; n < 50; n++) {
      await expect.poll(() => trace.running, { interval: 1 }).toBe(Math.min(4, 50 - n));
      await finish(trace.began.filter((each) => !trace.ended.includes(each)).at(-1) ?? 0);
      await expect.poll(() => trace.ended.length, { interval: 1 }).toBe(n + 1);
    }

    expect(trace.most).toBe(4);
    expect(trace.ended).not.toEqual(trace.began);
    expect(results((await outcome).entries)).toEqual(Array.from({ length: 50 }, (_, n) => `saw ${n}`));
  });

  it('OM-176 take the time of the longest, not of all together', async () => {
    const { tools, trace, finish } = slowReading();
    const { outcome } = turn([{ calls: looks(3) }, { text: 'Done.' }], { tools, readsAtOnce: 3 });

    await expect.poll(() => trace.began, { interval: 1 }).toEqual([0, 1, 2]); // none waits for another
    for (const n of [2, 0, 1]) await finish(n);

    expect((await outcome).kind).toBe('replied');
  });

  it('OM-176 come before what changes something after them, and see what was changed before them', async () => {
    const runs: Run[] = [];
    const { tools, trace, finish } = slowReading(runs);
    const calls = [...looks(2), aCall('note', { text: 'x' }, 'note-1'), aCall('look', { n: 2 }, 'look-2')];
    const { outcome } = turn([{ calls }, { text: 'Done.' }], { tools, readsAtOnce: 4 });

    await finish(1);
    expect(runs).toEqual([]);
    await finish(0);
    await expect.poll(() => trace.began, { interval: 1 }).toEqual([0, 1, 2]);
    const before = runs.map(({ tool }) => tool);
    await finish(2);

    expect(before).toEqual(['note']);
    expect(results((await outcome).entries)).toEqual(['saw 0', 'saw 1', 'note done', 'saw 2']);
  });

  it('do not keep what needs a human from being asked about, in the order it was wanted', async () => {
    const { tools, finish } = slowReading();
    const refund = (order: number) => aCall('refund', { order, amount: 5 }, `refund-${order}`);
    const { outcome } = turn([{ calls: [refund(1), ...looks(1), refund(2)] }], { tools, readsAtOnce: 4 });

    await finish(0);

    const ended = await outcome;
    expect(ended).toMatchObject({ kind: 'suspended' });
    if (ended.kind === 'suspended') {
      expect(ended.held.map(({ args }) => args)).toMatchObject([{ order: 1 }, { order: 2 }]);
    }
    expect(results(ended.entries)).toEqual(['refund waits', 'saw 0', 'refund waits']);
  });

  it('are broken off together', async () => {
    const { tools, trace } = slowReading();
    const off = new AbortController();
    const broken = tools.map((tool) =>
      tool.name === 'look'
        ? {
            ...tool,
            execute: async (_input: unknown, { signal }: { signal: AbortSignal }) => {
              trace.began.push(0);
              await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
              return { status: 'ok' as const, text: '' };
            },
          }
        : tool,
    );
    const { outcome } = turn([{ calls: looks(3) }], {
      tools: broken as Tool[],
      readsAtOnce: 3,
      signal: off.signal,
    });
    await expect.poll(() => trace.began.length, { interval: 1 }).toBe(3);

    off.abort(new Error('the conversation changed hands'));

    await expect(outcome).rejects.toThrow('changed hands');
  });

  it('have results in their order, whatever is mixed with them and however many run at once', async () => {
    const kinds = fc.array(fc.constantFrom('lookup', 'note', 'refund', 'nothing'), {
      minLength: 1,
      maxLength: 9,
    });
    await fc.assert(
      fc.asyncProperty(kinds, fc.integer({ min: 1, max: 6 }), async (wanted, readsAtOnce) => {
        const calls = wanted.map((tool, n) => aCall(tool, ARGS[tool], `${n}`));
        const { outcome } = turn([{ calls }, { text: 'Done.' }], { readsAtOnce });

        const { entries } = await outcome;
        const told = entries.flatMap((entry) => (entry.kind === 'tool-result' ? [entry.callId] : []));
        expect(told).toEqual(calls.map(({ id }) => id));
      }),
      { numRuns: 40 },
    );
  });
});

const ARGS: Record<string, unknown> = {
  lookup: { order: 7 },
  note: { text: 'x' },
  refund: { order: 7, amount: 5 },
};

describe('the budget of a turn', () => {
  const lookups = (id: string): ScriptedReply => ({
    text: 'One moment.',
    calls: [aCall('lookup', { order: 7 }, id)],
    usage: usageOf(10),
  });

  it('ends it once it is used up, with what was done so far and a result for every call', async () => {
    const runs: Run[] = [];
    const { outcome, model } = turn([lookups('a'), lookups('b'), lookups('c')], {
      meter: meterOf(80),
      tools: createTestTools(runs),
    });

    const ended = await outcome;

    expect(ended).toMatchObject({
      kind: 'exhausted',
      by: { by: 'turn', of: 'tokens', most: 80 },
      text: 'One moment.',
    });
    expect(model.requests).toHaveLength(2);
    expect(runs).toHaveLength(1);
    expect(results(ended.entries)).toEqual(['lookup done', expect.stringContaining('the budget is used up')]);
  });

  it('does not keep an answer back that was paid for', async () => {
    const { outcome } = turn([{ text: 'It cost 120 EUR.', usage: usageOf(100) }], { meter: meterOf(1) });

    expect(await outcome).toMatchObject({ kind: 'replied', text: 'It cost 120 EUR.' });
  });

  it('holds nothing for people that nobody would carry out', async () => {
    const refund: ScriptedReply = { calls: [aCall('refund', { order: 7, amount: 5 })], usage: usageOf(100) };
    const { outcome } = turn([refund], { meter: meterOf(1) });

    expect(await outcome).toMatchObject({ kind: 'exhausted', screened: [] });
  });

  it('counts what the model says it used, also when the turn fails after that', async () => {
    const meter = meterOf(1_000);
    const { outcome } = turn([lookups('a'), new Error('broken')], { meter });

    await expect(outcome).rejects.toThrow('broken');

    expect(meter.used).toEqual([{ model: 'scripted', usage: usageOf(10), amount: { tokens: 40, money: 0 } }]);
  });
});

describe('a tool that was called too often', () => {
  it('OM-163 is not called, and nobody is asked about it; the model hears when it may try again', async () => {
    const throttle = async (tool: Tool) => (tool.name === 'refund' ? 'Try again in 9 s.' : undefined);
    const calls = [aCall('refund', { order: 7, amount: 5 }), aCall('lookup', { order: 7 })];
    const { outcome } = turn([{ calls }, { text: 'Later, then.' }], { throttle });

    const ended = await outcome;

    expect(ended).toMatchObject({
      kind: 'replied',
      screened: [{ kind: 'refused', rule: 'tools.refund.per_minute' }, { kind: 'run' }],
    });
    expect(results(ended.entries)).toEqual(['Try again in 9 s.', 'lookup done']);
  });
});
