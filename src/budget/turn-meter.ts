/** What one turn has used so far, and whether it may go on; alive for as long as the turn is. */
import type { Usage } from '../domain/transcript.ts';
import type { TurnBudget } from './budget-desk.ts';
import { amountOf, type Ceiling, reached } from './limits.ts';
import { type ModelUse, spentOn } from './usage-ledger.ts';

export class TurnMeter {
  readonly #used: ModelUse[] = [];

  constructor(private readonly budget: Pick<TurnBudget, 'settings' | 'ceilings'>) {}

  /** Counts one answer of the model. */
  note(model: string, usage: Usage): void {
    this.#used.push({ model, usage, amount: amountOf(usage, model, this.budget.settings) });
  }

  get used(): readonly ModelUse[] {
    return this.#used;
  }

  /** What it has come to, if it must not go on. */
  reached(): Ceiling | undefined {
    return reached(this.budget.ceilings, spentOn(this.#used));
  }
}
