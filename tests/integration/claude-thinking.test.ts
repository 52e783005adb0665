/** Thinking longer before an answer, over the wire of the Messages API: how it is asked for, and handed back with calls. */
import fastify, { type FastifyInstance } from 'fastify';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ClaudeClient } from '../../src/agent/model/claude-client.ts';
import { runTurn, type TurnProgress } from '../../src/agent/turn.ts';
import type { Entry } from '../../src/domain/transcript.ts';
import { ClaudeSandbox } from '../../src/sandbox/claude/claude-sandbox.ts';
import { blocksOf, type MessagesRequest } from '../../src/sandbox/claude/messages-request.ts';
import { aToolbox, rules } from '../support/tools.ts';

const ASKED: Entry = {
  kind: 'user',
  from: { name: 'Alex Kim' },
  text: 'look it up',
  at: '2026-01-01T00:00:00Z',
};
const { signal } = new AbortController();

let claude: ClaudeSandbox;
let app: FastifyInstance;
let origin: string;

beforeEach(async () => {
  claude = new ClaudeSandbox({ now: () => Date.parse('2026-01-01T00:00:00Z') });
  app = fastify({ forceCloseConnections: true });
  claude.register(app);
  await claude.start();
  origin = await app.listen({ host: '127.0.0.1', port: 0 });
});
afterEach(async () => {
  await claude.stop();
  await app.close();
});

function client(model = 'claude-sonnet-5-5'): ClaudeClient {
  const settings = { model, apiKey: 'sandbox', maxTokens: 1_000, thinkingTokens: 8_000 };
  return new ClaudeClient({ ...settings, baseUrl: `${origin}/claude`, timeoutMs: 5_000, retries: 0 });
}

/** One turn with a call in its middle. */
async function turn(model: ClaudeClient, thinking: boolean, history: readonly Entry[] = [ASKED]) {
  const progress: TurnProgress[] = [];
  const end = claude.script(({ messages }) =>
    messages.at(-1)?.role === 'user' && JSON.stringify(messages).includes('tool_result')
      ? { text: 'Found it.' }
      : { text: 'I look.', calls: [{ tool: 'lookup', input: { order: 7 } }] },
  );
  const outcome = await runTurn(
    {
      model,
      systemPrompt: 'You are a test.',
      tools: aToolbox(rules()),
      maxSteps: 4,
      thinking,
      key: 'item',
      answerHeld: async () => 'waits for a human',
      onProgress: (each) => progress.push(each),
    },
    history,
    signal,
  );
  end();
  return { outcome, progress };
}

function thoughtsIn({ messages }: MessagesRequest) {
  return messages.flatMap(blocksOf).filter(({ type }) => type === 'thinking');
}

describe('C-33 a message that asks to think', () => {
  it('C-33 is thought about with room beside the answer, and its thoughts go back with its calls unchanged', async () => {
    const { outcome } = await turn(client(), true);

    const [first, second] = claude.requests;
    expect(first).toMatchObject({
      thinking: { type: 'adaptive' },
      output_config: { effort: 'max' },
      max_tokens: 9_000,
    });
    expect(thoughtsIn(first!)).toEqual([]);
    // The service refuses a thought that is not as it came.
    expect(thoughtsIn(second!)).toEqual([
      { type: 'thinking', thinking: expect.any(String), signature: expect.any(String) },
    ]);
    expect(blocksOf(second!.messages.at(-2)!).map(({ type }) => type)).toEqual([
      'thinking',
      'text',
      'tool_use',
    ]);
    expect(outcome).toMatchObject({ kind: 'replied', text: 'Found it.' });
  });

  it('keeps its thoughts from people and from the transcript', async () => {
    const { outcome, progress } = await turn(client(), true);

    expect(JSON.stringify([outcome.entries, progress])).not.toMatch(/No model thinks here|signature/);
  });

  it('is thought about with a budget by a model that knows no other way, also at the next step', async () => {
    const model = client('claude-haiku-4-5-20251001');

    const { outcome } = await turn(model, true);
    const again = await turn(model, true);

    expect(claude.requests.map(({ thinking }) => thinking)).toEqual(
      Array(4).fill({ type: 'enabled', budget_tokens: 8_000 }),
    );
    expect(claude.requests.map(({ max_tokens }) => max_tokens)).toEqual(Array(4).fill(9_000));
    expect([outcome.kind, again.outcome.kind]).toEqual(['replied', 'replied']);
  });

  it('is answered without where what came before it was not thought about', async () => {
    const history: Entry[] = [
      ASKED,
      { kind: 'assistant', text: '', calls: [{ id: 'c1', tool: 'lookup', input: {} }], model: 'm' },
      { kind: 'tool-result', callId: 'c1', status: 'ok', text: 'tool_result' },
    ];

    const { outcome } = await turn(client('claude-haiku-4-5-20251001'), true, history);

    expect(claude.requests.at(-1)!.thinking).toBeUndefined();
    expect(outcome).toMatchObject({ kind: 'replied', text: 'Found it.' });
  });

  it('OB-016 leaves the others as they are', async () => {
    await turn(client(), false);

    expect(claude.requests.map(({ thinking, max_tokens }) => [thinking, max_tokens])).toEqual([
      [undefined, 1_000],
      [undefined, 1_000],
    ]);
    expect(claude.requests.flatMap(thoughtsIn)).toEqual([]);
  });
});
