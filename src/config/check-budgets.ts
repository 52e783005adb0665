/** A limit on money is one only where every model that may answer has a price. */
import type { BudgetSettings, Spending } from './budgets.ts';
import type { ConfigProblem } from './config-error.ts';
import type { Parsed, Path } from './config-file.ts';
import type { Settings } from './settings.ts';

export function checkBudgets(settings: Parsed<Settings> | undefined): ConfigProblem[] {
  const { file, value } = settings ?? {};
  if (!file || !value) return [];
  const { budgets, model, memory } = value;
  if (model.provider === 'echo') return [];
  const models = [model.name, ...model.fallbacks.map(({ name }) => name), memory.summaries.model];
  const missing = models.filter((name) => name !== undefined && !Object.hasOwn(budgets.prices, name));
  if (missing.length === 0) return [];
  return limitsOnMoney(budgets).map((limit) =>
    file.problemAt(limit, {
      expected: `a price for each model under budgets.prices; there is none for ${missing.join(', ')}`,
      hint: `write what its provider charges for a million tokens under budgets.prices: input, output, cache_read and cache_write; or limit tokens instead of money`,
    }),
  );
}

/** Where they are written. */
function limitsOnMoney({ turn, conversation, person, team }: BudgetSettings): Path[] {
  const places: readonly (readonly [Path, Spending])[] = [
    [['budgets', 'turn'], turn],
    ...Object.entries({ conversation, person, team }).flatMap(([name, quota]) => [
      [['budgets', name, 'day'], quota.day] as const,
      [['budgets', name, 'month'], quota.month] as const,
    ]),
  ];
  return places.filter(([, { money }]) => money !== undefined).map(([place]) => [...place, 'money']);
}
