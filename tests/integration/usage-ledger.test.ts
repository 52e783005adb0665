/** What is counted of a turn, on a real store: once, by whom and what, and held against limits. */
import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { BackgroundBudget } from '../../src/budget/background-budget.ts';
import { BudgetDesk } from '../../src/budget/budget-desk.ts';
import { amountOf, type Spender } from '../../src/budget/limits.ts';
import { periodAt } from '../../src/budget/period.ts';
import { UsageLedger } from '../../src/budget/usage-ledger.ts';
import { BudgetSettings } from '../../src/config/budgets.ts';
import { ConversationId, PersonId } from '../../src/domain/ids.ts';
import { EffectWriter } from '../../src/redis/effect-writer.ts';
import { ManualClock, openStore, type Store } from '../support/core.ts';
import { usageOf } from '../support/scripted-model.ts';

const PRICES = { 'claude-x': { input: 3, output: 15, cache_read: 0.3, cache_write: 3.75 } };
const DAY_MS = 24 * 60 * 60_000;

const spender = (person: string, conversation: string): Required<Spender> => ({
  person: PersonId.parse(person),
  conversationId: ConversationId.parse(`slack:T0:C0:${conversation}`),
});

let store: Store;
let ledger: UsageLedger;
let writer: EffectWriter;
let clock: ManualClock;
let settings: BudgetSettings;
let desk: BudgetDesk;

beforeEach(async () => {
  store = await openStore();
  ledger = new UsageLedger(store.redis, store.keys);
  writer = new EffectWriter(store.redis, store.keys);
  clock = new ManualClock(Date.parse('2026-11-21T12:00:00Z'));
  settings = BudgetSettings.parse({ prices: PRICES });
  desk = new BudgetDesk(ledger, writer, () => settings, clock);
});

/** A turn with one answer of so many tokens of each kind. */
const count = async (by: Required<Spender>, tokens: number, tools: string[] = []) => {
  await record(by, tokens);
  await writer.write(by.conversationId, desk.counted(by, tools));
};

const record = (by: Spender, tokens: number, key: string = randomUUID()) => {
  const usage = usageOf(tokens);
  return desk.record(by, { model: 'claude-x', usage, amount: amountOf(usage, 'claude-x', settings) }, key);
};

describe('what a turn used', () => {
  it('is counted once for each answer, however often the same one is written down', async () => {
    const alex = spender('alex', '1');

    await record(alex, 10, 'answer 1');
    await record(alex, 10, 'answer 1');

    const day = periodAt('day', clock.now(), 'UTC');
    expect(await ledger.spent('person', alex, day)).toEqual({ tokens: 40, money: 221 });
    await record(alex, 10, 'answer 2');
    expect(await ledger.spent('person', alex, day)).toEqual({ tokens: 80, money: 442 });
  });

  it('OM-164 adds up by person, conversation, model, tool and altogether, wherever it was written', async () => {
    for (let n = 0; n < 40; n++) await count(spender('alex', `${n}`), 10, ['lookup']);
    await count(spender('dana', '0'), 100, ['lookup', 'refund']);

    const lines = await ledger.lines({ kind: 'day', name: '2026-11-21' });
    const of = (kind: string, subject: string) =>
      lines.find((line) => line.kind === kind && line.subject === subject)?.counts;

    expect(of('team', 'all')).toMatchObject({ turns: 41, tokens: 40 * 40 + 400 });
    expect(of('person', 'alex')).toMatchObject({ turns: 40, tokens: 1_600 });
    expect(of('conversation', 'slack:T0:C0:0')).toMatchObject({ turns: 2, tokens: 440 });
    expect(of('model', 'claude-x')).toMatchObject({
      calls: 41,
      input: 500,
      output: 500,
      cached: 500,
      stored: 500,
    });
    expect(of('tool', 'lookup')).toEqual({ calls: 41 });
    expect(of('tool', 'refund')).toEqual({ calls: 1 });
  });

  it('OM-164 moves while turns are being done, and no turn of many at once is lost', async () => {
    const alex = spender('alex', '1');
    const day = periodAt('day', clock.now(), 'UTC');
    const seen: number[] = [];

    for (let round = 0; round < 5; round++) {
      await Promise.all(Array.from({ length: 20 }, (_, n) => count(spender('alex', `${n}`), 1)));
      seen.push((await ledger.spent('team', alex, day)).tokens);
    }

    expect(seen).toEqual([80, 160, 240, 320, 400]);
  });

  it('keeps large sums exact', async () => {
    const alex = spender('alex', '1');
    await count(alex, 900_000_000_000_000);
    await count(alex, 1);

    const { tokens } = await ledger.spent('person', alex, periodAt('day', clock.now(), 'UTC'));

    expect(tokens).toBe(3_600_000_000_000_004);
  });

  it('is forgotten after a time, so that nothing grows for ever', async () => {
    await count(spender('alex', '1'), 1);

    const keys = await store.redis.keys(`${store.keys.prefix}*use:*`);
    const left = await Promise.all(keys.map((key) => store.redis.pttl(key)));

    expect(keys).toHaveLength(2);
    expect(Math.min(...left)).toBeGreaterThan(60 * DAY_MS);
  });
});

describe('what is used beside turns', () => {
  it('counts for everybody together, and for no person and no conversation', async () => {
    settings = BudgetSettings.parse({ team: { day: { tokens: 40 } }, person: { day: { tokens: 1 } } });
    const background = new BackgroundBudget(desk);
    const before = await background.isLeft();

    await background.count('claude-x', usageOf(10));

    expect(before).toBe(true);
    expect(await background.isLeft()).toBe(false);
    const lines = await ledger.lines({ kind: 'day', name: '2026-11-21' });
    expect(lines.map(({ kind, counts: { turns, tokens } }) => [kind, turns, tokens])).toEqual([
      ['team', undefined, 40],
      ['model', undefined, 40],
    ]);
  });
});

describe('a budget', () => {
  it('OM-162 is used up for whoever used it, until it begins anew; others are unaffected', async () => {
    settings = BudgetSettings.parse({ person: { day: { tokens: 100 } } });
    const [alex, dana] = [spender('alex', '1'), spender('dana', '1')];
    await count(alex, 25);

    expect((await desk.open(alex)).usedUp).toMatchObject({
      subject: 'person',
      spent: 100,
      most: 100,
      resetMs: Date.parse('2026-11-22T00:00:00Z'),
    });
    expect((await desk.open(dana)).usedUp).toBeUndefined();
    clock.advance(DAY_MS);
    expect((await desk.open(alex)).usedUp).toBeUndefined();
  });

  it('OM-160 is the one that is configured now: lowered, it is reached at once', async () => {
    const alex = spender('alex', '1');
    settings = BudgetSettings.parse({ team: { month: { tokens: 1_000 } } });
    await count(alex, 100);
    const before = await desk.open(alex);

    settings = BudgetSettings.parse({ team: { month: { tokens: 300 } } });

    expect(before.usedUp).toBeUndefined();
    expect((await desk.open(alex)).usedUp).toMatchObject({ subject: 'team', period: 'month', spent: 400 });
  });

  it('is of one conversation, where a conversation has one', async () => {
    settings = BudgetSettings.parse({ conversation: { day: { tokens: 100 } } });
    await count(spender('alex', '1'), 25);

    expect((await desk.open(spender('dana', '1'))).usedUp).toMatchObject({ subject: 'conversation' });
    expect((await desk.open(spender('alex', '2'))).usedUp).toBeUndefined();
  });

  it('on money is held against what the model cost', async () => {
    settings = BudgetSettings.parse({ person: { day: { money: 0.001 } }, prices: PRICES });
    const alex = spender('alex', '1');
    await count(alex, 45);
    expect((await desk.open(alex)).usedUp).toBeUndefined();

    await count(alex, 1);

    expect((await desk.open(alex)).usedUp).toMatchObject({ of: 'money', most: 1_000 });
  });

  it('asks the store for nothing where nothing is limited', async () => {
    let asked = 0;
    const idle = new BudgetDesk(
      { spent: async () => ({ tokens: ++asked, money: 0 }) },
      writer,
      () => settings,
      clock,
    );

    expect(await idle.open(spender('alex', '1'))).toMatchObject({
      standings: [],
      usedUp: undefined,
    });
    expect(asked).toBe(0);
  });
});
