/** Thinking longer before an answer, over the wire of the Messages API: how it is asked for, and handed back with calls. */
import fastify, { type FastifyInstance } from 'fastify';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ClaudeClient } from '../../src/agent/model/claude-client.ts';
import { ModelChain } from '../../src/agent/model/model-chain.ts';
import type { ModelClient, ModelRequest } from '../../src/agent/model/model-client.ts';
import { runTurn, type TurnProgress, type TurnSetup } from '../../src/agent/turn.ts';
import type { Entry } from '../../src/domain/transcript.ts';
import { Breakers } from '../../src/health/breakers.ts';
import { ClaudeSandbox } from '../../src/sandbox/claude/claude-sandbox.ts';
import { blocksOf, type MessagesRequest } from '../../src/sandbox/claude/messages-request.ts';
import { ManualClock, silent } from '../support/core.ts';
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
/** Requests that were answered with 400. */
let refused: number;
/** What else the service would say no to; undefined: nothing. */
let refuses: (asked: MessagesRequest) => string | undefined;

beforeEach(async () => {
  claude = new ClaudeSandbox({ now: () => Date.parse('2026-01-01T00:00:00Z') });
  app = fastify({ forceCloseConnections: true });
  refused = 0;
  app.addHook('onResponse', async (_, { statusCode }) => {
    if (statusCode === 400) refused++;
  });
  refuses = () => undefined;
  app.addHook('preHandler', async ({ body }, reply) => {
    const message = refuses(body as MessagesRequest);
    if (message === undefined) return;
    await reply.code(400).send({ type: 'error', error: { type: 'invalid_request_error', message } });
  });
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

/** A turn that thinks longer. */
function setupOf(model: ModelClient, maxSteps = 4): TurnSetup {
  return {
    model,
    systemPrompt: 'You are a test.',
    tools: aToolbox(rules()),
    maxSteps,
    thinking: true,
    key: 'item',
    answerHeld: async () => 'waits for a human',
    onProgress: () => undefined,
  };
}

/** One turn with a call in its middle. */
async function turn(model: ModelClient, thinking: boolean, history: readonly Entry[] = [ASKED]) {
  const progress: TurnProgress[] = [];
  const end = claude.script(({ messages }) =>
    messages.at(-1)?.role === 'user' && JSON.stringify(messages).includes('tool_result')
      ? { text: 'Found it.' }
      : { text: 'I look.', calls: [{ tool: 'lookup', input: { order: 7 } }] },
  );
  const outcome = await runTurn(
    { ...setupOf(model), thinking, onProgress: (each) => progress.push(each) },
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

  it('has its answer cut where all the room for it was thought away, and nothing is called', async () => {
    claude.script(() => ({ thought: 'hm '.repeat(9_000), ends: 'model_context_window_exceeded' }));

    const outcome = await runTurn(setupOf(client()), [ASKED], signal);

    expect(outcome).toMatchObject({ kind: 'replied', text: '', cut: true, screened: [] });
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

/** The first, and where it is away the second. */
function chain(...models: readonly string[]): ModelChain {
  const settings = () => ({ failures: 1_000, coolDownMs: 1 });
  const breakers = new Breakers(settings, new ManualClock(0), silent);
  const links = models.map((name) => ({ name, client: client(name), breaker: () => breakers.of(name) }));
  return new ModelChain(links, silent);
}

/** A turn of so many calls; the first model is away after these. */
async function turnWithOutage(model: ModelClient, calls: number, awayAfter: readonly number[]) {
  const end = claude.script(({ messages }) => {
    const done = messages.flatMap(blocksOf).filter(({ type }) => type === 'tool_result').length;
    if (awayAfter.includes(done + 1)) claude.fault({ kind: 'overloaded' });
    return done < calls ? { calls: [{ tool: 'lookup', input: { order: done } }] } : { text: 'Found it.' };
  });
  const outcome = await runTurn(setupOf(model, calls + 2), [ASKED], signal);
  end();
  return outcome;
}

describe('thoughts, where another model goes on', () => {
  const stepsOf = () =>
    claude.requests.map((request) => [request.model, request.thinking?.type, thoughtsIn(request).length]);

  it('go back to the model that had them alone, and nothing is refused', async () => {
    const outcome = await turnWithOutage(chain('claude-sonnet-5-5', 'claude-opus-5'), 4, [1, 2]);

    expect(outcome).toMatchObject({ kind: 'replied', text: 'Found it.' });
    expect(stepsOf()).toEqual([
      ['claude-sonnet-5-5', 'adaptive', 0],
      ['claude-opus-5', 'adaptive', 0],
      ['claude-opus-5', 'adaptive', 1],
      ['claude-sonnet-5-5', 'adaptive', 1],
      ['claude-sonnet-5-5', 'adaptive', 2],
    ]);
    expect(refused).toBe(0);
  });

  it('cost the other its thinking where it must have thought before, and not its answer', async () => {
    const outcome = await turnWithOutage(chain('claude-sonnet-5-5', 'claude-haiku-4-5-20251001'), 2, [1]);

    expect(outcome).toMatchObject({ kind: 'replied', text: 'Found it.' });
    expect(stepsOf()).toEqual([
      ['claude-sonnet-5-5', 'adaptive', 0],
      ['claude-haiku-4-5-20251001', undefined, 0],
      ['claude-sonnet-5-5', 'adaptive', 1],
    ]);
  });

  it('cost one that cannot think at all no answer', async () => {
    const model = chain('claude-sonnet-5-5', 'claude-haiku-3-5');
    refuses = ({ model: asked, thinking }) =>
      asked === 'claude-haiku-3-5' && thinking ? 'thinking is not supported on this model' : undefined;

    const outcome = await turnWithOutage(model, 2, [1]);

    expect(outcome).toMatchObject({ kind: 'replied', text: 'Found it.' });
    expect(stepsOf()).toEqual([
      ['claude-sonnet-5-5', 'adaptive', 0],
      ['claude-haiku-3-5', undefined, 0],
      ['claude-sonnet-5-5', 'adaptive', 1],
    ]);
  });

  const CALL = { id: 'toolu_1', tool: 'lookup', input: { order: 7 } };

  /** The step behind a call that this was thought before. */
  function stepAfter(thought: object): ModelRequest {
    const call = { type: 'tool_use', id: CALL.id, name: CALL.tool, input: CALL.input };
    const thoughts = { model: 'claude-sonnet-5-5', blocks: [thought, call], tokens: 20 };
    return {
      system: 'You are a test.',
      entries: [
        ASKED,
        { kind: 'assistant', text: '', calls: [CALL], model: 'm' },
        { kind: 'tool-result', callId: CALL.id, status: 'ok', text: 'paid' },
      ],
      tools: [{ name: 'lookup', description: 'Looks.', inputSchema: { type: 'object' } }],
      thinking: true,
      thoughts: new Map([[CALL.id, thoughts]]),
    };
  }

  const FOREIGN = { type: 'thinking', thinking: 'I look.', signature: 'of another conversation' };
  const HIDDEN = { type: 'redacted_thinking', data: 'bm90IGZvciB5b3U=' };

  it.each([
    ['signed by nobody', FOREIGN, undefined],
    ['hidden, and not known', HIDDEN, 'messages.1.content.0: Invalid `data` in `redacted_thinking` block'],
    [
      'changed on the way',
      HIDDEN,
      'messages.1.content.0: `thinking` or `redacted_thinking` blocks in the latest assistant message cannot be modified.',
    ],
  ])(
    'are left out where the service does not take them back, and it thinks all the same: %s',
    async (_, thought, message) => {
      claude.script(() => ({ text: 'Found it.' }));
      refuses = ({ messages }) => (JSON.stringify(messages).includes(HIDDEN.data) ? message : undefined);

      const reply = await client().complete(stepAfter(thought), () => undefined, signal);

      expect(reply.text).toBe('Found it.');
      expect([refused, stepsOf()]).toEqual([1, [['claude-sonnet-5-5', 'adaptive', 0]]]);
    },
  );

  it('go back as they came where they are hidden', async () => {
    claude.script(() => ({ text: 'Found it.' }));

    await client().complete(stepAfter(HIDDEN), () => undefined, signal);

    expect(claude.requests.flatMap(({ messages }) => messages.flatMap(blocksOf))).toContainEqual(HIDDEN);
  });

  it('say what they came to, and count where they go back', async () => {
    claude.script(() => ({ thought: 'hm '.repeat(4_000), calls: [CALL] }));
    const asked = { ...stepAfter(HIDDEN), entries: [ASKED], thoughts: new Map() };

    const { thoughts, usage } = await client().complete(asked, () => undefined, signal);
    const own = thoughts && new Map([[CALL.id, thoughts]]);
    const step = { ...stepAfter(HIDDEN), thoughts: own! };
    const [whole, without] = await Promise.all(
      [step, { ...step, thoughts: new Map() }].map((each) => client().countTokens(each, signal)),
    );

    expect(thoughts?.tokens).toBe(usage.outputTokens);
    expect(thoughts?.tokens).toBeGreaterThan(2_500);
    expect(whole! - without!).toBeGreaterThan(2_500);
  });

  it('are not counted for another model', async () => {
    const thoughts = new Map([
      ['toolu_1', { model: 'claude-opus-5', blocks: [{ type: 'thinking' }], tokens: 20 }],
    ]);
    const entries: Entry[] = [
      ASKED,
      {
        kind: 'assistant',
        text: 'I look.',
        calls: [{ id: 'toolu_1', tool: 'lookup', input: {} }],
        model: 'm',
      },
      { kind: 'tool-result', callId: 'toolu_1', status: 'ok', text: 'paid' },
    ];
    const tools = [{ name: 'lookup', description: 'Looks.', inputSchema: { type: 'object' } }];

    const counted = await client().countTokens({ system: 'x', entries, tools, thoughts }, signal);

    expect(counted).toBeGreaterThan(0);
    expect(refused).toBe(0);
  });
});
