/** Turns that spend the same budget at the same time, on a real store: what others use counts while a turn runs. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { ModelClient } from '../../src/agent/model/model-client.ts';
import { runTurn, type TurnOutcome } from '../../src/agent/turn.ts';
import { BudgetDesk } from '../../src/budget/budget-desk.ts';
import type { Spender } from '../../src/budget/limits.ts';
import { PartMeter } from '../../src/budget/part-meter.ts';
import { periodAt } from '../../src/budget/period.ts';
import { TurnMeter } from '../../src/budget/turn-meter.ts';
import { UsageLedger } from '../../src/budget/usage-ledger.ts';
import { BudgetSettings } from '../../src/config/budgets.ts';
import { ConversationId } from '../../src/domain/ids.ts';
import type { Entry } from '../../src/domain/transcript.ts';
import { EffectWriter } from '../../src/redis/effect-writer.ts';
import { ALEX } from '../support/approvals.ts';
import { ManualClock, openStore, type Store, silent } from '../support/core.ts';
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

function turnWith(meter: Pick<TurnMeter, 'note' | 'reached'>, model = restless): Promise<TurnOutcome> {
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
  };
  return runTurn(setup, [SAID], new AbortController().signal);
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
