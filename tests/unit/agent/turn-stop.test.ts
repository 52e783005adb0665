/** A turn that somebody wants to stop: what still runs, what does not, and a transcript with a result for each call. */
import { describe, expect, it } from 'vitest';
import { lastSaid, speakersSince, toHistory } from '../../../src/agent/history.ts';
import { runTurn } from '../../../src/agent/turn.ts';
import type { Tool } from '../../../src/domain/tool.ts';
import type { Entry } from '../../../src/domain/transcript.ts';
import { ALEX } from '../../support/approvals.ts';
import { aCall, ScriptedModel, type ScriptedReply } from '../../support/scripted-model.ts';
import { ASK_MANAGER, aToolbox, createTestTools, type Run, rules } from '../../support/tools.ts';

const SAID: Entry = {
  kind: 'user',
  from: { person: ALEX, name: 'Alex Kim' },
  text: 'refund order 7',
  at: '2026-01-01T00:00:00Z',
};

const RULES = rules(
  { name: 'notes', tool: 'note', decision: 'allow' },
  { name: 'refunds', tool: 'refund', ...ASK_MANAGER },
);

/** Somebody wants it to stop while this tool runs; undefined: before it begins. */
async function stoppedIn(tool: string | undefined, replies: readonly ScriptedReply[]) {
  const stop = new AbortController();
  const runs: Run[] = [];
  const tools = createTestTools(runs).map(
    (each): Tool =>
      each.name === tool
        ? {
            ...each,
            execute: async (args, context) => {
              stop.abort();
              await new Promise((resolve) => setImmediate(resolve));
              return each.execute(args, context);
            },
          }
        : each,
  );
  if (tool === undefined) stop.abort();
  const model = new ScriptedModel(replies);
  const outcome = await runTurn(
    {
      model,
      systemPrompt: 'You are a test.',
      tools: aToolbox(RULES, { tools }),
      maxSteps: 5,
      key: 'item-1',
      stop: stop.signal,
      answerHeld: async () => 'waits for a human',
      onProgress: () => undefined,
    },
    [SAID],
    new AbortController().signal,
  );
  return { outcome, runs, model };
}

const results = (entries: readonly Entry[]) =>
  entries.flatMap((entry) => (entry.kind === 'tool-result' ? [[entry.callId, entry.status]] : []));

describe('a turn that is stopped', () => {
  it('lets the call under way come to its end, and begins none after it', async () => {
    const { outcome, runs, model } = await stoppedIn('note', [
      { calls: [aCall('note', { text: 'x' }, 'a'), aCall('lookup', { order: 7 }, 'b')] },
      { text: 'never said' },
    ]);

    expect(runs.map(({ tool }) => tool)).toEqual(['note']);
    expect(outcome).toMatchObject({ kind: 'stopped', done: ['note'], left: ['lookup'] });
    expect(results(outcome.entries)).toEqual([
      ['a', 'ok'],
      ['b', 'error'],
    ]);
    expect(model.requests).toHaveLength(1);
  });

  it('OM-187 names only tools there are among those it did not call', async () => {
    const { outcome } = await stoppedIn('note', [
      {
        calls: [
          aCall('note', { text: 'x' }, 'a'),
          aCall('https://evil.test/?q=canary', {}, 'b'),
          aCall('lookup', { order: 7 }, 'c'),
        ],
      },
    ]);

    expect(outcome).toMatchObject({ kind: 'stopped', left: ['lookup'] });
  });

  it('asks nobody about what it would have held, before the sign or after it', async () => {
    const { outcome } = await stoppedIn('note', [
      {
        calls: [
          aCall('refund', { order: 7, amount: 1 }, 'a'),
          aCall('note', { text: 'x' }, 'b'),
          aCall('refund', { order: 8, amount: 1 }, 'c'),
        ],
      },
    ]);

    expect(outcome).toMatchObject({ kind: 'stopped', left: ['refund', 'refund'] });
    expect('held' in outcome).toBe(false);
    expect(results(outcome.entries)).toEqual([
      ['a', 'error'],
      ['b', 'ok'],
      ['c', 'error'],
    ]);
  });

  it('does not ask the model when it was stopped before it began', async () => {
    const { outcome, model } = await stoppedIn(undefined, [{ text: 'never said' }]);

    expect(outcome).toMatchObject({ kind: 'stopped', entries: [], done: [], left: [] });
    expect(model.requests).toHaveLength(0);
  });

  it('ends with its answer when that was complete', async () => {
    const { outcome } = await stoppedIn('deploy', [{ text: 'All done.' }]);

    expect(outcome.kind).toBe('replied');
  });
});

describe('a new context', () => {
  const anew: Entry = {
    kind: 'event',
    text: 'Alex Kim asked for a new context.',
    at: '2026-01-01T00:00:00Z',
    anew: true,
  };
  const stored = (...entries: Entry[]) => entries.map((entry) => JSON.stringify(entry));

  it('OB-018 is what the model is shown of a transcript, and nothing before it', () => {
    const after: Entry = { ...SAID, text: 'something else' };

    expect(toHistory(stored(SAID, anew, after))).toEqual([after]);
    expect(toHistory(stored(SAID, anew))).toEqual([]);
    expect(lastSaid(anew, stored(SAID, anew))).toBe('');
    expect(speakersSince(stored(SAID, anew))).toEqual([]);
  });
});
