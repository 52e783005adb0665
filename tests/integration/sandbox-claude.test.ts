import Anthropic, { type ClientOptions } from '@anthropic-ai/sdk';
import type { MessageCreateParamsBase, MessageParam, Tool } from '@anthropic-ai/sdk/resources/messages';
import fc from 'fast-check';
import fastify, { type FastifyInstance } from 'fastify';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ClaudeSandbox } from '../../src/sandbox/claude/claude-sandbox.ts';
import { STAND_IN_NOTE } from '../../src/sandbox/claude/rules.ts';

const MODEL = 'claude-sonnet-5-5';

const REFUND: Tool = {
  name: 'refund',
  description: 'Pays money back.',
  input_schema: {
    type: 'object',
    properties: { order: { type: 'integer' }, amount: { type: 'number' } },
    required: ['order', 'amount'],
  },
};
const REMEMBER: Tool = {
  name: 'remember',
  description: 'Keeps a note.',
  input_schema: { type: 'object', properties: { note: { type: 'string' } }, required: ['note'] },
};
const DEPLOY: Tool = { name: 'deploy', description: 'Deploys.', input_schema: { type: 'object' } };

/** Long enough to be cached. */
const LONG_SYSTEM = 'You are the agent of a shop. '.repeat(200);

let now: number;
let claude: ClaudeSandbox;
let app: FastifyInstance;
let origin: string;

beforeEach(async () => {
  now = Date.parse('2026-01-01T00:00:00Z');
  claude = new ClaudeSandbox({ now: () => now }, { pauseMs: 1 });
  app = fastify({ forceCloseConnections: true });
  claude.register(app);
  await claude.start();
  origin = await app.listen({ host: '127.0.0.1', port: 0 });
});

afterEach(async () => {
  await claude.stop();
  await app.close();
});

function client(options: ClientOptions = {}): Anthropic {
  const { ANTHROPIC_BASE_URL, ANTHROPIC_API_KEY } = claude.env(origin);
  return new Anthropic({
    baseURL: ANTHROPIC_BASE_URL!,
    apiKey: ANTHROPIC_API_KEY!,
    maxRetries: 0,
    ...options,
  });
}

function params(
  said: string | MessageParam[],
  more: Partial<MessageCreateParamsBase> = {},
): MessageCreateParamsBase {
  const messages = typeof said === 'string' ? [{ role: 'user' as const, content: said }] : said;
  return { model: MODEL, max_tokens: 10_000, messages, ...more };
}

async function ask(said: string | MessageParam[], more: Partial<MessageCreateParamsBase> = {}) {
  const message = await client().messages.stream(params(said, more)).finalMessage();
  const text = message.content.flatMap((block) => (block.type === 'text' ? [block.text] : [])).join('');
  const calls = message.content.flatMap((block) =>
    block.type === 'tool_use' ? [{ tool: block.name, input: block.input }] : [],
  );
  return { message, text, calls };
}

/** A conversation in which a call was made and answered. */
function afterCall(tool: string, result: string, ...later: string[]): MessageParam[] {
  return [
    { role: 'user', content: `Alex Kim (alex): use ${tool}` },
    { role: 'assistant', content: [{ type: 'tool_use', id: 'toolu_1', name: tool, input: {} }] },
    {
      role: 'user',
      content: [
        { type: 'tool_result', tool_use_id: 'toolu_1', content: result },
        ...later.map((text) => ({ type: 'text' as const, text })),
      ],
    },
  ];
}

describe('a wish for a human', () => {
  const HAND_OFF: Tool = { name: 'hand_off', description: 'Asks.', input_schema: { type: 'object' } };

  it.each([
    'get me a human',
    'I want a human',
    'I need a person, the printer burns',
    'I want somebody real',
    'It does not work, I need an agent',
    'can a human help me?',
    'could a real person please help',
    'I would like to speak to a human',
    'I want to talk with someone real',
  ])('OM-053 is understood in the words “%s”', async (words) => {
    const { calls } = await ask(`Alex Kim (alex): ${words}`, { tools: [HAND_OFF] });

    expect(calls).toMatchObject([{ tool: 'hand_off' }]);
  });

  it.each([
    'I do not want a human',
    'I don’t need to talk to a person',
    'what does a human do here?',
    'I want a personal file',
  ])('is not read into “%s”', async (words) => {
    const { calls } = await ask(`Alex Kim (alex): ${words}`, { tools: [HAND_OFF] });

    expect(calls).toEqual([]);
  });
});

describe('the wire of the Messages API', () => {
  it('frames a stream with text and a call as the service does', async () => {
    const events: string[] = [];
    const stream = client().messages.stream(params('refund order 7', { tools: [REFUND] }));
    for await (const event of stream) {
      const detail = event.type === 'content_block_delta' ? ` ${event.delta.type}` : '';
      if (events.at(-1) !== event.type + detail) events.push(event.type + detail);
    }

    expect(events).toEqual([
      'message_start',
      'content_block_start',
      'content_block_delta text_delta',
      'content_block_stop',
      'content_block_start',
      'content_block_delta input_json_delta',
      'content_block_stop',
      'message_delta',
      'message_stop',
    ]);
    expect(await stream.finalMessage()).toMatchObject({
      type: 'message',
      role: 'assistant',
      model: MODEL,
      stop_reason: 'tool_use',
      content: [
        { type: 'text' },
        {
          type: 'tool_use',
          name: 'refund',
          input: { order: 7, amount: 120, currency: 'EUR', reason: 'asked for in the conversation' },
        },
      ],
    });
  });

  it('sends each event under its name, and a ping after the first block opens', async () => {
    const response = await fetch(`${origin}/claude/v1/messages`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-api-key': 'k', 'anthropic-version': '2023-06-01' },
      body: JSON.stringify({ ...params('hi'), stream: true }),
    });
    const frames = (await response.text()).split('\n\n').filter((frame) => frame !== '');

    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    expect(response.headers.get('request-id')).toMatch(/^req_/);
    expect(frames.slice(0, 4).map((frame) => frame.split('\n')[0])).toEqual([
      'event: message_start',
      'event: content_block_start',
      'event: ping',
      'event: content_block_delta',
    ]);
    for (const frame of frames) {
      const [event, data] = frame.split('\n');
      expect(JSON.parse(data!.slice('data: '.length)).type).toBe(event!.slice('event: '.length));
    }
  });

  it('says the same without a stream', async () => {
    const streamed = (await ask('refund order 7', { tools: [REFUND] })).message;
    const whole = await client().messages.create({
      ...params('refund order 7', { tools: [REFUND] }),
      stream: false,
    });

    const withoutIds = (message: Anthropic.Message) => ({
      ...message,
      id: '',
      parsed_output: null, // added by the client
      content: message.content.map((block) => ({ ...block, id: '' })),
    });
    expect(withoutIds(whole)).toEqual(withoutIds(streamed));
  });

  it('stops at the limit of tokens and says so', async () => {
    const { message, text } = await ask('long answer', { max_tokens: 50 });

    expect(message.stop_reason).toBe('max_tokens');
    expect(message.usage.output_tokens).toBe(50);
    expect(text.length).toBeLessThanOrEqual(200);
  });

  it('stops at a stop sequence and says at which', async () => {
    const { message, text } = await ask('long answer', { stop_sequences: ['## Section 2'] });

    expect(message).toMatchObject({ stop_reason: 'stop_sequence', stop_sequence: '## Section 2' });
    expect(text).toContain('## Section 1');
    expect(text).not.toContain('## Section 2');
  });

  it('counts tokens and lists models', async () => {
    const counted = await client().messages.countTokens({
      model: MODEL,
      messages: [{ role: 'user', content: 'x'.repeat(400) }],
    });
    const models = await client().models.list();

    expect(counted.input_tokens).toBeGreaterThanOrEqual(100);
    expect(models.data.map(({ id }) => id)).toContain(MODEL);
  });

  it('keeps what it was asked', async () => {
    let heard = 0;
    claude.onChange(() => heard++);

    await ask('hello there');

    expect(heard).toBe(1);
    expect(claude.requests).toMatchObject([{ messages: [{ role: 'user', content: 'hello there' }] }]);
  });
});

describe('what the real service refuses', () => {
  const user = (content: MessageParam['content']): MessageParam => ({ role: 'user', content });
  const call: MessageParam = {
    role: 'assistant',
    content: [{ type: 'tool_use', id: 'toolu_1', name: 'refund', input: {} }],
  };
  const result = { type: 'tool_result' as const, tool_use_id: 'toolu_1', content: 'ok' };
  const cached = { type: 'text' as const, text: 'x', cache_control: { type: 'ephemeral' as const } };

  it.each<[string, object, string]>([
    ['no max_tokens', { max_tokens: undefined }, 'max_tokens: Field required'],
    ['a field it does not know', { temprature: 1 }, 'temprature: Extra inputs are not permitted'],
    ['no messages', { messages: [] }, 'at least one message is required'],
    [
      'an assistant who begins',
      { messages: [{ role: 'assistant', content: 'hi' }] },
      'first message must use',
    ],
    ['a begun answer', { messages: [user('hi'), { role: 'assistant', content: 'Well' }] }, 'prefill'],
    ['an empty text block', { messages: [user([{ type: 'text', text: '' }])] }, 'must be non-empty'],
    ['a text block of spaces', { messages: [user([{ type: 'text', text: ' \n' }])] }, 'non-whitespace'],
    ['an empty system block', { system: [{ type: 'text', text: '' }] }, 'system: text content blocks'],
    ['no content', { messages: [user([])] }, 'must have non-empty content'],
    ['half a surrogate pair', { messages: [user('cut \ud83d')] }, 'not valid JSON'],
    [
      'five breakpoints',
      { messages: [user([cached, cached, cached, cached, cached])] },
      'A maximum of 4 blocks',
    ],
    [
      'a call without its result',
      { messages: [user('hi'), call, user('and?')] },
      'without `tool_result` blocks',
    ],
    ['a call at the end', { messages: [user('hi'), call] }, 'without `tool_result` blocks'],
    [
      'a result that does not come first',
      { messages: [user('hi'), call, user([{ type: 'text', text: 'look' }, result])] },
      'without `tool_result` blocks',
    ],
    ['a result without its call', { messages: [user([result])] }, 'unexpected `tool_use_id`'],
    [
      'one call id used twice',
      { messages: [user('hi'), call, user([result]), call, user([result])] },
      '`tool_use` ids must be unique',
    ],
    ['two tools of one name', { tools: [REFUND, REFUND] }, 'Tool names must be unique'],
    ['a tool name with a dot', { tools: [{ ...REFUND, name: 'shop.refund' }] }, 'tools.0.name'],
    [
      'a choice of a tool not offered',
      { tool_choice: { type: 'tool', name: 'refund' } },
      "Tool 'refund' not found",
    ],
  ])('is refused here: %s', async (_what, change, sentence) => {
    const refused = client().messages.create({ ...params('hi'), ...change });

    await expect(refused).rejects.toBeInstanceOf(Anthropic.BadRequestError);
    await expect(refused).rejects.toThrow('invalid_request_error');
    await expect(refused).rejects.toThrow(sentence);
    expect(claude.requests).toEqual([]);
  });

  it('is refused here: no key, with 401', async () => {
    const response = await fetch(`${origin}/claude/v1/messages`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'anthropic-version': '2023-06-01' },
      body: JSON.stringify(params('hi')),
    });

    expect(response.status).toBe(401);
    expect(await response.json()).toMatchObject({
      type: 'error',
      error: { type: 'authentication_error' },
      request_id: response.headers.get('request-id'),
    });
  });

  it('is refused here: a key that is not valid, with 401', async () => {
    const refused = client({ apiKey: 'sk-ant-invalid' }).messages.create(params('hi'));

    await expect(refused).rejects.toBeInstanceOf(Anthropic.AuthenticationError);
    await expect(refused).rejects.toThrow('invalid x-api-key');
  });

  it('is refused here: a model nobody knows, with 404', async () => {
    const refused = client().messages.create({ ...params('hi'), model: 'gpt-7' });

    await expect(refused).rejects.toBeInstanceOf(Anthropic.NotFoundError);
    await expect(refused).rejects.toThrow('model: gpt-7');
  });

  it('is not: several turns of one role in a row, which count as one', async () => {
    const { calls } = await ask([user('hello'), user('refund order 3')], { tools: [REFUND] });

    expect(calls).toMatchObject([{ tool: 'refund', input: { order: 3, amount: 20 } }]);
  });

  it('is not: results of two calls in two turns in a row', async () => {
    const calls: MessageParam = {
      role: 'assistant',
      content: [
        { type: 'tool_use', id: 'a', name: 'refund', input: {} },
        { type: 'tool_use', id: 'b', name: 'refund', input: {} },
      ],
    };
    const { text } = await ask([
      user('hi'),
      calls,
      user([{ ...result, tool_use_id: 'a' }]),
      user([{ ...result, tool_use_id: 'b' }]),
    ]);

    expect(text).toContain('Done. ok\n\nDone. ok');
  });
});

describe('the prompt cache', () => {
  const cached = { type: 'ephemeral' as const };

  async function usage(said: string, system = LONG_SYSTEM, ttl?: '5m' | '1h') {
    const mark = ttl ? { ...cached, ttl } : cached;
    const { message } = await ask(
      [{ role: 'user', content: [{ type: 'text', text: said, cache_control: cached }] }],
      {
        system: [{ type: 'text', text: system, cache_control: mark }],
        tools: [REFUND],
      },
    );
    const { input_tokens, cache_creation_input_tokens, cache_read_input_tokens } = message.usage;
    return { fresh: input_tokens, written: cache_creation_input_tokens!, read: cache_read_input_tokens! };
  }

  it('is written by the first request and read by the next with the same beginning', async () => {
    const first = await usage('hello');
    const second = await usage('hello');
    const third = await usage('something else');

    expect(first).toMatchObject({ fresh: 0, read: 0 });
    expect(first.written).toBeGreaterThan(1_024);
    expect(second).toEqual({ fresh: 0, written: 0, read: first.written });
    expect(third.read).toBeGreaterThan(1_024);
    expect(third.written).toBeGreaterThan(0);
  });

  it('is missed when the beginning differs by one character', async () => {
    await usage('hello');

    expect(await usage('hello', `!${LONG_SYSTEM}`)).toMatchObject({ read: 0 });
  });

  it('keeps nothing that is too short', async () => {
    await usage('hello', 'You are brief.');

    expect(await usage('hello', 'You are brief.')).toMatchObject({ written: 0, read: 0 });
  });

  it('forgets after five minutes without use, and only then', async () => {
    await usage('hello');
    now += 4 * 60_000;
    expect((await usage('hello')).read).toBeGreaterThan(0);
    now += 4 * 60_000;
    expect((await usage('hello')).read).toBeGreaterThan(0);
    now += 5 * 60_000 + 1;
    expect((await usage('hello')).read).toBe(0);
  });

  it('keeps for an hour what asked for an hour', async () => {
    await usage('hello', LONG_SYSTEM, '1h');
    now += 59 * 60_000;

    expect((await usage('hello', LONG_SYSTEM, '1h')).read).toBeGreaterThan(1_024);
  });

  it('counts every token once', async () => {
    const { input_tokens } = await client().messages.countTokens({
      model: MODEL,
      messages: [{ role: 'user', content: 'hello' }],
      system: LONG_SYSTEM,
      tools: [REFUND],
    });

    for (const said of ['hello', 'hello']) {
      const { fresh, written, read } = await usage(said);
      expect(fresh + written + read).toBe(input_tokens);
    }
  });
});

describe('failures on demand', () => {
  it('are a 429 that the client waits out as it is told', async () => {
    claude.fault({ kind: 'rate-limited', retryAfterSeconds: 0 });

    const message = await client({ maxRetries: 1 }).messages.create(params('hello'));

    expect(message).toMatchObject({ stop_reason: 'end_turn' });
  });

  it('are a 429 with its retry-after', async () => {
    claude.fault({ kind: 'rate-limited', retryAfterSeconds: 7 });

    const refused = client().messages.create(params('hello'));

    await expect(refused).rejects.toBeInstanceOf(Anthropic.RateLimitError);
    await expect(refused).rejects.toSatisfy((error) => error.headers.get('retry-after') === '7');
  });

  it.each([
    ['overloaded', 529, 'overloaded_error'],
    ['broken', 500, 'api_error'],
  ] as const)('are an answer that the service is %s', async (kind, status, type) => {
    claude.fault({ kind }, 2);

    for (const _ of [1, 2]) {
      await expect(client().messages.create(params('hello'))).rejects.toMatchObject({
        status,
        error: { error: { type } },
      });
    }
    await expect(client().messages.create(params('hello'))).resolves.toBeDefined();
  });

  it('are a stream that is cut half way', async () => {
    claude.fault({ kind: 'cut-stream' });
    let text = '';
    const stream = client().messages.stream(params('hello'));
    stream.on('text', (piece) => {
      text += piece;
    });

    await expect(stream.finalMessage()).rejects.toThrow();
    expect(text).not.toBe('');
  });

  it('are an error in the middle of a stream', async () => {
    claude.fault({ kind: 'fail-stream' });

    await expect(client().messages.stream(params('hello')).finalMessage()).rejects.toThrow(
      'overloaded_error',
    );
  });

  it('are a stream that falls silent until the client gives up', async () => {
    claude.fault({ kind: 'stall-stream' });
    const stream = client().messages.stream(params('hello'));
    stream.on('text', () => stream.abort());

    await expect(stream.finalMessage()).rejects.toBeInstanceOf(Anthropic.APIUserAbortError);
  });

  it('are no answer at all', async () => {
    claude.fault({ kind: 'hang' });
    const givingUp = new AbortController();
    claude.onChange(() => givingUp.abort());

    await expect(
      client().messages.create(params('hello'), { signal: givingUp.signal }),
    ).rejects.toBeInstanceOf(Anthropic.APIUserAbortError);
  });

  it('end when they are healed', async () => {
    claude.fault({ kind: 'overloaded' }, 100);
    claude.heal();

    await expect(client().messages.create(params('hello'))).resolves.toBeDefined();
  });
});

describe('the rules', () => {
  const tools = [REFUND, REMEMBER, { ...REMEMBER, name: 'recall' }, DEPLOY];

  it.each([
    'hello',
    'refund order 7',
    'long answer',
    'answer slowly',
    'say hi to everyone',
    'remember that x',
  ])('end the answer to "%s" with a note that it comes from a stand-in', async (said) => {
    const { text } = await ask(said, { tools });

    expect(text.endsWith(STAND_IN_NOTE)).toBe(true);
  });

  it.each([
    ['refund order 7', { order: 7, amount: 120, currency: 'EUR' }],
    ['Alex Kim (alex): Please refund order #3, thanks', { order: 3, amount: 20, currency: 'EUR' }],
    ['refund order 8 for 99.50 USD', { order: 8, amount: 99.5, currency: 'USD' }],
    ['refund order 8 for £15', { order: 8, amount: 15, currency: 'GBP' }],
    ['refund order 7 because it arrived broken.', { order: 7, reason: 'it arrived broken' }],
  ])('understand "%s"', async (said, input) => {
    const { calls } = await ask(said, { tools });

    expect(calls).toMatchObject([{ tool: 'refund', input }]);
  });

  it('make two calls at once for two orders', async () => {
    const { calls } = await ask('refund order 3 and order 7', { tools });

    expect(calls).toMatchObject([{ input: { order: 3 } }, { input: { order: 7 } }]);
  });

  it('ask back about an order they do not know', async () => {
    const { calls, text } = await ask('refund order 99', { tools });

    expect(calls).toEqual([]);
    expect(text).toContain('order 99');
  });

  it.each([
    ['deploy api to production', { service: 'api', environment: 'production' }],
    ['deploy web-shop v1.4.2 to staging', { service: 'web-shop', environment: 'staging', version: '1.4.2' }],
  ])('understand "%s"', async (said, input) => {
    const { calls } = await ask(said, { tools });

    expect(calls).toEqual([{ tool: 'deploy', input }]);
  });

  it('put a note into whatever argument the note tool requires', async () => {
    const kept = await ask('remember that Dana is away on Friday', { tools });
    const looked = await ask('Alex Kim (alex): what do you know about Dana?', { tools });

    expect(kept.calls).toEqual([{ tool: 'remember', input: { note: 'Dana is away on Friday' } }]);
    expect(looked.calls).toEqual([{ tool: 'recall', input: { note: 'Dana' } }]);
  });

  it('call no tool that was not offered', async () => {
    const without = await ask('refund order 7');
    const forbidden = await ask('refund order 7', { tools, tool_choice: { type: 'none' } });

    expect([without.calls, forbidden.calls]).toEqual([[], []]);
    expect(without.text).toContain('`refund`');
  });

  it('say on whom a call waits', async () => {
    const { text } = await ask(
      afterCall(
        'refund',
        'Waiting for a human: role manager was asked (apr_p7_0123456789ab), until 21 Nov 2026, 14:02 UTC.',
      ),
    );

    expect(text).toContain('I asked role manager');
  });

  it('say what came of a call', async () => {
    expect((await ask(afterCall('deploy', 'api is deployed.'))).text).toContain('Done. api is deployed.');
    expect((await ask(afterCall('recall', 'Dana is away.'))).text).toContain('what I know:\n\nDana is away.');
  });

  it.each([
    ['executed', 'it is done'],
    ['denied', 'not allowed, so it was not done'],
    ['expired', 'It was not decided in time'],
    ['failed', 'it failed'],
    ['cancelled', 'called off'],
    ['unknown', 'I cannot say whether'],
  ])('say truthfully that an approval ended %s', async (outcome, sentence) => {
    const event = `[signalbox] Approval apr_p7_0123456789ab for the call refund {"reason":"a: denied. b"}: ${outcome}. Details follow.`;

    const { text, calls } = await ask(afterCall('refund', 'Waiting for a human: x was asked', event), {
      tools,
    });

    expect(text).toContain(sentence);
    expect(text).toContain('\n\nDetails follow.');
    expect(calls).toEqual([]);
  });

  it('answer what somebody said last, though a call still waits', async () => {
    const { calls } = await ask(
      afterCall('refund', 'Waiting for a human: x was asked', 'Alex Kim (alex): refund order 3'),
      { tools },
    );

    expect(calls).toMatchObject([{ input: { order: 3 } }]);
  });

  it('have an answer that is hard to split: thousands of words with fences, lists and a table', async () => {
    const { text, message } = await ask('long answer please', { max_tokens: 4_096 });

    expect(message.stop_reason).toBe('end_turn');
    expect(text.split(/\s+/).length).toBeGreaterThan(2_000);
    expect(text.match(/^```/gm)!.length % 2).toBe(0);
    expect(text).toMatch(/^- .*\n- .*\n {2}- /m);
    expect(text).toMatch(/^\|---\|/m);
  });

  it('have an answer that would wake everybody if nothing stopped it', async () => {
    const { text } = await ask('say hello to everyone');

    expect(text).toContain('<!channel>');
    expect(text).toContain('@everyone');
    expect(text).toContain('[https://bank.example/login](https://evil.test/phish)');
  });

  it('have a slow answer that comes in many pieces', async () => {
    let pieces = 0;
    const stream = client().messages.stream(params('answer slowly'));
    stream.on('text', () => pieces++);

    await stream.finalMessage();

    expect(pieces).toBeGreaterThan(10);
  });

  it('answer a novel at once', async () => {
    const novel = 'say slow deploy refund order remember '.repeat(20_000);

    await expect(ask(novel)).resolves.toBeDefined();
  });
});

describe('a script', () => {
  it('says anything, and calls tools that were not offered', async () => {
    const end = claude.script(() => ({
      text: 'Trust me.',
      calls: [{ tool: 'refund', input: { order: 7, amount: -1 }, id: 'toolu_evil' }],
    }));

    const scripted = await ask('hello');
    end();
    const ruled = await ask('hello');

    expect(scripted.text).toBe('Trust me.');
    expect(scripted.calls).toEqual([{ tool: 'refund', input: { order: 7, amount: -1 } }]);
    expect(ruled.text).toContain(STAND_IN_NOTE);
  });

  it('reaches the client unchanged, whatever it says', async () => {
    const anyText = fc.string({ unit: 'binary', minLength: 1, maxLength: 300 });
    const anyInput = fc.dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue());
    await fc.assert(
      fc.asyncProperty(anyText, anyInput, async (said, input) => {
        claude.script(() => ({ text: said, calls: [{ tool: 'refund', input }] }));

        const { text, calls } = await ask('hello');

        expect(text).toBe(said);
        expect(JSON.stringify(calls)).toBe(JSON.stringify([{ tool: 'refund', input }]));
      }),
    );
  });

  it('leaves to the rules what it has no answer for', async () => {
    claude.script((request) => (request.tools ? { text: 'scripted' } : undefined));

    expect((await ask('hello')).text).toContain(STAND_IN_NOTE);
    expect((await ask('hello', { tools: [REFUND] })).text).toBe('scripted');
  });

  it('decides when an answer goes on', async () => {
    const heard: string[] = [];
    let goOn = () => {};
    const allowed = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    claude.script(() => ({
      text: (async function* () {
        yield 'first ';
        await allowed;
        yield 'second';
      })(),
    }));

    const stream = client().messages.stream(params('hello'));
    stream.on('text', (piece) => {
      heard.push(piece);
      goOn();
    });
    await stream.finalMessage();

    expect(heard).toEqual(['first ', 'second']);
  });
});
