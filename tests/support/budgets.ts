/** Meters of turns for which nothing is stored: what bounds them is their own limit alone. */
import { TurnMeter } from '../../src/budget/turn-meter.ts';
import { BudgetSettings } from '../../src/config/budgets.ts';
import { silent } from './core.ts';

/** Of a turn that may use so many tokens. */
export function meterOf(tokens: number): TurnMeter {
  const settings = BudgetSettings.parse({ turn: { tokens } });
  const desk = { record: async () => undefined, standings: async () => [] };
  return new TurnMeter({ settings, standings: [] }, { spender: {}, desk, log: silent });
}
