/**
 * Whether a turn may begin and go on, and what it used.
 *
 *   before   standings of everybody it is for ─▶ one is used up: said, nothing is run
 *   during   each answer of the model is counted when it comes; the standings are read again before the next is asked
 *            for, with what others have used meanwhile (`turn-meter.ts`)
 *   after    that it was a turn, and its tools: counted in the write that ends it
 *
 * Invariants
 *   1. Limits are those of the configuration in force when the turn begins.
 *   2. A budget is never overrun by more than the turns under way when it is reached, each by one call to the model,
 *      and one for each question that is looked into beside it.
 *   3. An answer is counted once, however often it is written down, and whatever becomes of the turn.
 */
import type { BudgetSettings } from '../config/budgets.ts';
import type { Clock } from '../domain/clock.ts';
import type { EffectWriter } from '../redis/effect-writer.ts';
import type { Effect } from '../redis/effects.ts';
import { type Amount, type Limit, limitsIn, type Spender, type Standing, usedUp } from './limits.ts';
import { CurrentPeriods, PERIOD_KINDS, type Period } from './period.ts';
import { type ModelUse, type TurnUse, toUsageEffects, type UsageLedger } from './usage-ledger.ts';

/** In whose partition is counted what is nobody's. */
const EVERYBODYS = 'budget';

/** Longer than anybody tries to write the same answer down, in ms. */
const REMEMBER_ANSWER_MS = 60 * 60_000;

/** What the budget says to one turn. */
export interface TurnBudget {
  readonly settings: BudgetSettings;
  /** As they were when it was asked. */
  readonly standings: readonly Standing[];
  /** Of those the one for which the turn does not begin. */
  readonly usedUp: Standing | undefined;
}

export class BudgetDesk {
  readonly #periods = new CurrentPeriods();

  constructor(
    private readonly ledger: Pick<UsageLedger, 'spent'>,
    private readonly writer: Pick<EffectWriter, 'write'>,
    private readonly settings: () => BudgetSettings,
    private readonly clock: Clock,
  ) {}

  async open(spender: Spender): Promise<TurnBudget> {
    const settings = this.settings();
    const standings = await this.standings(spender, settings);
    return { settings, standings, usedUp: usedUp(standings) };
  }

  /** Counts one answer of the model: once under its key, which no other answer has. */
  async record(spender: Spender, answer: ModelUse, key: string): Promise<void> {
    const effects = this.#effects(spender, { models: [answer], tools: [], turns: 0 });
    const once = { key: `used:${key}`, forMs: REMEMBER_ANSWER_MS };
    await this.writer.write(spender.conversationId ?? EVERYBODYS, effects, once);
  }

  /** That a turn is done, with its tools: one name for each call. What it used of the model is recorded by then. */
  counted(spender: Spender, tools: readonly string[]): Effect[] {
    return this.#effects(spender, { models: [], tools, turns: 1 });
  }

  #effects(spender: Spender, use: TurnUse): Effect[] {
    const { time_zone } = this.settings();
    const nowMs = this.clock.now();
    return toUsageEffects(
      spender,
      use,
      PERIOD_KINDS.map((kind) => this.#periods.at(kind, nowMs, time_zone)),
    );
  }

  /** As they are now, of the limits in these settings. */
  async standings(spender: Spender, settings: BudgetSettings): Promise<Standing[]> {
    const limits = limitsIn(settings);
    const { time_zone } = settings;
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
