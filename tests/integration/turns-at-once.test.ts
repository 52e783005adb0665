/**
 * Turns that spend the same budget at the same time, on a real store: what others use counts while a turn runs, and what
 * a turn used counts however it ended.
 */
import fastify, { type FastifyInstance } from 'fastify';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ClaudeClient } from '../../src/agent/model/claude-client.ts';
import { ModelChain } from '../../src/agent/model/model-chain.ts';
import type { ModelClient } from '../../src/agent/model/model-client.ts';
import { SlottedModel } from '../../src/agent/model/slotted-model.ts';
import { runTurn, type TurnOutcome, type TurnSetup } from '../../src/agent/turn.ts';
import { BudgetDesk } from '../../src/budget/budget-desk.ts';
import type { Spender } from '../../src/budget/limits.ts';
import { PartMeter } from '../../src/budget/part-meter.ts';
import { periodAt } from '../../src/budget/period.ts';
import { tokensOf } from '../../src/budget/price.ts';
import { TurnMeter } from '../../src/budget/turn-meter.ts';
import { UsageLedger } from '../../src/budget/usage-ledger.ts';
import { BudgetSettings } from '../../src/config/budgets.ts';
import { ModelUnavailableError } from '../../src/domain/errors.ts';
import { ConversationId } from '../../src/domain/ids.ts';
import type { Entry } from '../../src/domain/transcript.ts';
import { Breakers } from '../../src/health/breakers.ts';
import { Slots } from '../../src/health/slots.ts';
import { EffectWriter } from '../../src/redis/effect-writer.ts';
import { ClaudeSandbox } from '../../src/sandbox/claude/claude-sandbox.ts';
import { ALEX } from '../support/approvals.ts';
import { defer, ManualClock, openStore, type Store, silent } from '../support/core.ts';
import { aCall } from '../support/scripted-model.ts';
import { aToolbox, rules } from '../support/tools.ts';

const ANSWER = { inputTokens: 99, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0 };
const MOST = 1_000;
const TURNS = 10;

const SAID: Entry = {
  kind: 'user',
  from: { person: ALEX, name: 'Alex' },
  text: 'look',
  at: '2026-01-01T00:00:00Z',
};

/** Goes on for as long as it is asked. */
const restless: ModelClient = {
  complete: async () => ({
    text: 'One moment.',
    calls: [aCall('lookup', { order: 7 })],
    stopped: 'calls',
    model: 'scripted',
    usage: ANSWER,
  }),
  check: async () => ({ ok: true, detail: '' }),
};

const alexIn = (conversation: number): Spender => ({
  person: ALEX,
  conversationId: ConversationId.parse(`slack:T0:C0:${conversation}`),
});

let store: Store;
let ledger: UsageLedger;
let clock: ManualClock;
let desk: BudgetDesk;

beforeEach(async () => {
  store = await openStore();
  ledger = new UsageLedger(store.redis, store.keys);
  clock = new ManualClock();
  const settings = BudgetSettings.parse({ person: { day: { tokens: MOST } } });
  desk = new BudgetDesk(ledger, new EffectWriter(store.redis, store.keys), () => settings, clock);
});

const spent = async () =>
  (await ledger.spent('person', alexIn(0), periodAt('day', clock.now(), 'UTC'))).tokens;

type Desk = Pick<BudgetDesk, 'record' | 'standings'>;

async function openMeter(conversation: number, own: Desk = desk): Promise<TurnMeter> {
  const spender = alexIn(conversation);
  return new TurnMeter(await desk.open(spender), { spender, desk: own, log: silent });
}

function turnWith(
  meter: Pick<TurnMeter, 'note' | 'reached'>,
  model = restless,
  over: Partial<TurnSetup> = {},
  signal = new AbortController().signal,
): Promise<TurnOutcome> {
  const setup = {
    model,
    meter,
    systemPrompt: '',
    tools: aToolbox(rules()),
    maxSteps: 50,
    key: 'turn',
    requester: ALEX,
    answerHeld: async () => 'waits',
    onProgress: () => undefined,
    ...over,
  };
  return runTurn(setup, [SAID], signal);
}

describe('turns of one person at once', () => {
  it('OM-160 overrun what is left by one answer each, at most, and each says which budget ended it', async () => {
    const meters = await Promise.all(Array.from({ length: TURNS }, (_, n) => openMeter(n)));

    const outcomes = await Promise.all(meters.map((meter) => turnWith(meter)));

    expect(await spent()).toBeGreaterThanOrEqual(MOST);
    expect(await spent()).toBeLessThanOrEqual(MOST + TURNS * ANSWER.inputTokens);
    for (const outcome of outcomes) {
      expect(outcome).toMatchObject({ kind: 'exhausted', by: { by: { subject: 'person' }, most: MOST } });
    }
  });

  it('OM-160 overrun it by one answer for each question, too', async () => {
    const whole = await openMeter(0);
    const parts = Array.from({ length: TURNS }, () => new PartMeter(MOST * 100, whole));

    await Promise.all(parts.map((part) => turnWith(part)));

    expect(await spent()).toBeLessThanOrEqual(MOST + TURNS * ANSWER.inputTokens);
  });

  it('asks for no other answer when others used up what was left while its tools ran', async () => {
    const [meter, other] = [await openMeter(0), await openMeter(1)];
    let answers = 0;
    const model: ModelClient = {
      ...restless,
      complete: async (...request) => {
        answers += 1;
        return restless.complete(...request);
      },
    };
    let asked = 0;
    const slow = {
      note: (...answer: Parameters<TurnMeter['note']>) => meter.note(...answer),
      reached: async () => {
        // The second time is when its tools have run.
        if (++asked === 2) await other.note('scripted', { ...ANSWER, inputTokens: MOST });
        return meter.reached();
      },
    };

    expect(await turnWith(slow, model)).toMatchObject({ kind: 'exhausted', text: 'One moment.' });

    expect(answers).toBe(1);
  });
});

describe('an answer of the model', () => {
  it('is counted when it comes, so that whoever is killed after that has it counted', async () => {
    const meter = await openMeter(0);

    await meter.note('scripted', ANSWER);

    expect(await spent()).toBe(99);
  });

  it('is counted once when the store had it and the word of that was lost', async () => {
    let losses = 1;
    const deaf: Desk = {
      record: async (...answer) => {
        await desk.record(...answer);
        if (losses-- > 0) throw new Error('the connection ended');
      },
      standings: (...asked) => desk.standings(...asked),
    };
    const meter = await openMeter(0, deaf);

    await meter.note('scripted', ANSWER);
    await meter.settle();

    expect(await spent()).toBe(99);
  });

  it('still bounds its turn when what is left cannot be read', async () => {
    const away = async () => Promise.reject(new Error('the store is away'));
    const other = await openMeter(1);
    await other.note('scripted', ANSWER);
    const meter = await openMeter(0, { record: away, standings: away });

    const outcome = await turnWith(meter);

    expect(outcome).toMatchObject({ kind: 'exhausted', by: { by: { spent: 99 + 10 * 99 } } });
    await expect(meter.settle()).rejects.toThrow('the store is away');
  });
});

describe('an answer that comes to no end', () => {
  let claude: ClaudeSandbox;
  let app: FastifyInstance;
  let baseUrl: string;

  beforeEach(async () => {
    claude = new ClaudeSandbox({ now: () => Date.now() }, { pauseMs: 0 });
    app = fastify({ forceCloseConnections: true });
    claude.register(app);
    const origin = await app.listen({ host: '127.0.0.1', port: 0 });
    baseUrl = claude.env(origin).ANTHROPIC_BASE_URL!;
  });

  afterEach(async () => {
    await claude.stop();
    await app.close();
  });

  /** These, one after the other, as the gateway asks them. */
  function modelOf(...names: readonly string[]): ModelClient {
    const breakers = new Breakers(() => ({ failures: 5, coolDownMs: 30_000 }), clock, silent);
    const links = names.map((name) => ({
      name,
      client: new ClaudeClient({
        model: name,
        apiKey: 'sandbox',
        baseUrl,
        maxTokens: 1_000,
        timeoutMs: 5_000,
        retries: 0,
      }),
      breaker: () => breakers.of(`model:${name}`),
    }));
    return new SlottedModel(new ModelChain(links, silent), new Slots(() => ({ places: 1, waitMs: 1_000 })));
  }

  /** Shows its beginning, and no more. */
  function endless(): () => void {
    const never = defer();
    async function* words(): AsyncGenerator<string> {
      yield 'Here is a long answer that people read while it is written. ';
      await never.promise;
    }
    claude.script(() => ({ text: words() }));
    return never.resolve;
  }

  const PROMPT = { systemPrompt: 'You are a test. '.repeat(200) };

  it('OM-160 is counted when somebody stops it, so that stopping is no way round a budget', async () => {
    const release = endless();
    const meter = await openMeter(0);
    const stop = new AbortController();
    const over = { ...PROMPT, stop: stop.signal, onProgress: () => stop.abort() };

    const outcome = await turnWith(meter, modelOf('claude-sonnet-5-5'), over);
    release();

    expect(outcome).toMatchObject({ kind: 'stopped', entries: [] });
    expect(await spent()).toBe(tokensOf(outcome.usage));
    expect(await spent()).toBeGreaterThan(MOST);
    expect(meter.used).toHaveLength(1);
  });

  it('OM-164 is counted when somebody takes over, and again when the turn is done over', async () => {
    const release = endless();
    const take = new AbortController();
    const over = { ...PROMPT, onProgress: () => take.abort(new Error('somebody has taken over')) };
    const meter = await openMeter(0);

    await expect(turnWith(meter, modelOf('claude-sonnet-5-5'), over, take.signal)).rejects.toThrow(
      'taken over',
    );
    release();
    const first = await spent();
    claude.script(() => ({ text: 'Done.' }));
    const outcome = await turnWith(await openMeter(0), modelOf('claude-sonnet-5-5'), PROMPT);

    expect(first).toBeGreaterThan(MOST);
    expect(await spent()).toBe(first + tokensOf(outcome.usage));
  });

  it('OM-142 is counted when another model stands in for it, beside what that one took', async () => {
    claude.fault({ kind: 'cut-stream' });
    let asked = 0;
    claude.script(() =>
      asked++ === 0 ? { calls: [{ tool: 'lookup', input: { order: 7 } }] } : { text: 'Done.' },
    );
    const meter = await openMeter(0);

    const outcome = await turnWith(meter, modelOf('claude-sonnet-5-5', 'claude-haiku-5-5'), PROMPT);

    expect(outcome).toMatchObject({ kind: 'replied', text: 'Done.' });
    expect(meter.used.map(({ model }) => model)).toEqual(['claude-sonnet-5-5', 'claude-haiku-5-5']);
    expect(await spent()).toBe(tokensOf(outcome.usage));
    // What the transcript says an answer took is what it took alone: the size of the conversation is read from it.
    const [reply] = outcome.entries;
    expect(reply).toMatchObject({ usage: meter.used[1]?.usage });
  });

  it('OM-160 is counted when it breaks off, and may be what uses a budget up', async () => {
    claude.fault({ kind: 'cut-stream' });
    const asking = turnWith(await openMeter(0), modelOf('claude-sonnet-5-5'), PROMPT);

    await expect(asking).rejects.toThrow(ModelUnavailableError);

    expect((await desk.open(alexIn(0))).usedUp).toMatchObject({ subject: 'person', spent: await spent() });
  });
});
