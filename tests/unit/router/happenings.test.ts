/** Which calls of a turn count as a tool that fails: those that were made. */
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { runTurn, type TurnOutcome, type TurnSetup } from '../../../src/agent/turn.ts';
import type { Tool } from '../../../src/domain/tool.ts';
import { Entry } from '../../../src/domain/transcript.ts';
import { happeningsIn } from '../../../src/router/happenings.ts';
import { ALEX } from '../../support/approvals.ts';
import { meterOf } from '../../support/budgets.ts';
import { aCall, ScriptedModel, type ScriptedReply, usageOf } from '../../support/scripted-model.ts';
import { aToolbox, createTestTools, rules } from '../../support/tools.ts';

const SAID: Entry = {
  kind: 'user',
  from: { person: ALEX, name: 'Alex Kim' },
  text: 'look at everything',
  at: '2026-01-01T00:00:00Z',
};

const BROKEN: Tool = {
  ...createTestTools()[0]!,
  name: 'broken',
  input: z.object({}),
  execute: async () => ({ status: 'error', text: 'no connection' }),
};

async function turn(replies: readonly ScriptedReply[], over: Partial<TurnSetup> = {}): Promise<TurnOutcome> {
  const setup: TurnSetup = {
    model: new ScriptedModel(replies),
    systemPrompt: 'You are a test.',
    maxSteps: 5,
    key: 'item-1',
    answerHeld: async ({ tool }) => `${tool.name} waits`,
    onProgress: () => undefined,
    ...over,
    tools: aToolbox(
      rules(
        { name: 'notes', tool: 'note', decision: 'allow' },
        { name: 'nobody deploys', tool: 'deploy', decision: 'deny' },
      ),
      { tools: [...createTestTools(), BROKEN] },
    ),
  };
  return runTurn(setup, [SAID], new AbortController().signal);
}

function failuresIn(outcome: TurnOutcome, before: readonly Entry[] = []) {
  const texts = before.map((entry) => JSON.stringify(entry));
  return happeningsIn({ occasion: [SAID], outcome, mostSteps: 5, before: texts }).filter(
    ({ kind }) => kind === 'tool-failed',
  );
}

describe('a tool that fails', () => {
  it('OM-053 is one that was called: neither what a rule denies counts, nor arguments that do not fit', async () => {
    const outcome = await turn([
      { calls: [aCall('deploy', { service: 'shop' }, 'denied'), aCall('lookup', { order: 'x' }, 'misfit')] },
      { calls: [aCall('lookup', { order: 'y' }, 'again')] },
      { text: 'I cannot.' },
    ]);

    expect(failuresIn(outcome)).toEqual([]);
  });

  it('OM-053 is none whose calls were dropped because the budget was used up', async () => {
    const calls = [aCall('lookup', { order: 7 }, 'a'), aCall('refund', { order: 7, amount: 1 }, 'b')];
    const outcome = await turn([{ calls, usage: usageOf(100) }], { meter: meterOf(1) });

    expect(outcome.kind).toBe('exhausted');
    expect(failuresIn(outcome)).toEqual([]);
  });

  it('OM-053 is none that may not be called so often, and whoever stops a turn makes none fail', async () => {
    const stop = new AbortController();
    const throttle: TurnSetup['throttle'] = async ({ name }) => {
      if (name === 'note') stop.abort();
      return name === 'lookup' ? 'Not so often.' : undefined;
    };
    const replies = [
      {
        calls: [
          aCall('lookup', { order: 7 }, 'often'),
          aCall('note', { text: 'x' }, 'stops'),
          aCall('broken', {}, 'late'),
        ],
      },
    ];
    const outcome = await turn(replies, { throttle, stop: stop.signal });

    expect(outcome.kind).toBe('stopped');
    expect(failuresIn(outcome)).toEqual([]);
  });

  it('OM-053 keeps its count through refusals between two failures', async () => {
    const first = await turn([{ calls: [aCall('broken', {}, 'a')] }, { text: 'It is away.' }]);
    const second = await turn([
      { calls: [aCall('broken', { n: 1, service: 'x' }, 'b'), aCall('deploy', { service: 'shop' }, 'c')] },
      { text: 'Still.' },
    ]);

    expect(failuresIn(second, first.entries)).toEqual([{ kind: 'tool-failed', tool: 'broken', times: 2 }]);
  });

  it('OM-053 counts what older entries tell of it as before: they do not say what was refused', async () => {
    const older = [
      { kind: 'assistant', text: '', calls: [aCall('broken', {}, 'a')], model: 'm' },
      { kind: 'tool-result', callId: 'a', status: 'error', text: 'no connection' },
    ].map((entry) => Entry.parse(entry));
    const outcome = await turn([{ calls: [aCall('broken', {}, 'b')] }, { text: 'Still.' }]);

    expect(failuresIn(outcome, older)).toEqual([{ kind: 'tool-failed', tool: 'broken', times: 2 }]);
  });
});
