/**
 * Whether a turn may begin, what it may spend, and what it did.
 *
 *   before   standings of everybody it is for ─▶ one is used up: said, nothing is run
 *   during   ceilings: the turn's own, and what is left of each standing
 *   after    counted, in the write that ends the turn
 *
 * Invariants
 *   1. Limits are those of the configuration in force when the turn begins.
 *   2. A budget is never overrun by more than the turns under way when it is reached, each by one call to the model,
 *      and one for each question that is looked into beside it.
 */
import type { BudgetSettings } from '../config/budgets.ts';
import type { Clock } from '../domain/clock.ts';
import type { Effect } from '../redis/effects.ts';
import {
  type Amount,
  type Ceiling,
  ceilingsOf,
  type Limit,
  limitsIn,
  type Spender,
  type Standing,
  usedUp,
} from './limits.ts';
import { CurrentPeriods, PERIOD_KINDS, type Period } from './period.ts';
import { type TurnUse, toUsageEffects, type UsageLedger } from './usage-ledger.ts';

/** What the budget says to one turn. */
export interface TurnBudget {
  readonly settings: BudgetSettings;
  /** As they were when it was asked. */
  readonly standings: readonly Standing[];
  /** Of those the one for which the turn does not begin. */
  readonly usedUp: Standing | undefined;
  readonly ceilings: readonly Ceiling[];
}

export class BudgetDesk {
  readonly #periods = new CurrentPeriods();

  constructor(
    private readonly ledger: Pick<UsageLedger, 'spent'>,
    private readonly settings: () => BudgetSettings,
    private readonly clock: Clock,
  ) {}

  async open(spender: Spender): Promise<TurnBudget> {
    const settings = this.settings();
    const standings = await this.#standings(limitsIn(settings), spender, settings);
    return { settings, standings, usedUp: usedUp(standings), ceilings: ceilingsOf(settings, standings) };
  }

  /** What follows from what a turn used, or an attempt at one that came to nothing. */
  counted(spender: Spender, used: TurnUse, what: 'turn' | 'attempt' = 'turn'): Effect[] {
    const { time_zone } = this.settings();
    const nowMs = this.clock.now();
    return toUsageEffects(
      spender,
      used,
      what,
      PERIOD_KINDS.map((kind) => this.#periods.at(kind, nowMs, time_zone)),
    );
  }

  async #standings(
    limits: readonly Limit[],
    spender: Spender,
    { time_zone }: BudgetSettings,
  ): Promise<Standing[]> {
    const nowMs = this.clock.now();
    const asked = new Map<string, Promise<Amount>>();
    const spentIn = (subject: Limit['subject'], period: Period) => {
      const key = `${subject} ${period.kind}`;
      const amount = asked.get(key) ?? this.ledger.spent(subject, spender, period);
      asked.set(key, amount);
      return amount;
    };
    return Promise.all(
      limits.map(async (limit): Promise<Standing> => {
        const period = this.#periods.at(limit.period, nowMs, time_zone);
        const spent = await spentIn(limit.subject, period);
        return {
          ...limit,
          spent: spent[limit.of],
          periodName: period.name,
          sinceMs: period.startMs,
          resetMs: period.endsMs,
        };
      }),
    );
  }
}

/** The standings once this was spent as well. */
export function after(standings: readonly Standing[], spent: Amount): Standing[] {
  return standings.map((standing) => ({ ...standing, spent: standing.spent + spent[standing.of] }));
}
