import { describe, expect, it } from 'vitest';
import { BudgetSettings } from '../../../src/config/budgets.ts';
import { ToolSettings } from '../../../src/config/resilience.ts';
import { parse, problemsOf as problemsIn } from './config-texts.ts';

const PRICE = '{ input: 3, output: 15, cache_read: 0.3, cache_write: 3.75 }';

const problemsOf = (settings: string) => problemsIn({ settings });

describe('budgets', () => {
  it('limit nobody until they say so', () => {
    expect(BudgetSettings.parse({})).toEqual({
      currency: 'USD',
      time_zone: 'UTC',
      turn: {},
      conversation: { day: {}, month: {} },
      person: { day: {}, month: {} },
      team: { day: {}, month: {} },
      prices: {},
    });
  });

  it('on money are refused while a model that may answer has no price, where they are written', () => {
    const settings = [
      'model: { name: big, fallbacks: [{ name: small }, { name: tiny }] }',
      'budgets:',
      `  prices: { big: ${PRICE} }`,
      '  team:',
      '    month: { money: 400 }',
    ].join('\n');

    expect(problemsOf(settings)).toMatchObject([
      {
        file: 'settings.yaml',
        line: 5,
        keyPath: 'budgets.team.month.money',
        expected: expect.stringContaining('there is none for small, tiny'),
        hint: expect.stringContaining('or limit tokens instead of money'),
      },
    ]);
  });

  it('on money are each named, where several have no price', () => {
    const settings = [
      'model: { name: big }',
      'budgets:',
      '  turn: { money: 1 }',
      '  team: { day: { money: 40, tokens: 9 }, month: { money: 400 } }',
    ];

    expect(problemsOf(settings.join('\n')).map(({ keyPath }) => keyPath)).toEqual([
      'budgets.turn.money',
      'budgets.team.day.money',
      'budgets.team.month.money',
    ]);
  });

  it('on money are taken once every model has a price, and on tokens without any', () => {
    const priced = [
      'model: { name: big }',
      'budgets:',
      '  turn: { money: 1 }',
      `  prices: { big: ${PRICE} }`,
    ];

    expect(parse({ settings: priced.join('\n') }).settings.budgets.turn).toEqual({ money: 1 });
    const tokens = 'budgets: { person: { day: { tokens: 1000 } } }';
    expect(parse({ settings: tokens }).settings.budgets.person.day).toEqual({ tokens: 1_000 });
    const echo = 'model: { provider: echo }\nbudgets: { turn: { money: 1 } }';
    expect(parse({ settings: echo }).settings.budgets.turn).toEqual({ money: 1 });
  });

  it.each([
    ['budgets: { turn: { tokens: 0 } }', 'budgets.turn.tokens'],
    ['budgets: { person: { day: { money: -1 } } }', 'budgets.person.day.money'],
    ['budgets: { person: { week: {} } }', 'budgets.person.week'],
    ['budgets: { time_zone: Berlin }', 'budgets.time_zone'],
    ['budgets: { currency: euro }', 'budgets.currency'],
    ['tools: { refund: { per_minute: 0 } }', 'tools.refund.per_minute'],
    ['breakers: { failures: 0 }', 'breakers.failures'],
    ['model: { concurrency: 0 }', 'model.concurrency'],
  ])('refuses %s', (settings, keyPath) => {
    expect(problemsOf(settings).map((problem) => problem.keyPath)).toEqual([keyPath]);
  });
});

describe('single tools', () => {
  it('are called as often as is wanted until they say so', () => {
    expect(ToolSettings.parse({ refund: {} })).toEqual({ refund: {} });
  });
});
