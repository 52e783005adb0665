/** What the model is asked beside turns, such as summaries: it is nobody's, and counts for everybody together. */
import { randomUUID } from 'node:crypto';
import type { Usage } from '../domain/transcript.ts';
import type { BudgetDesk } from './budget-desk.ts';
import { amountOf } from './limits.ts';

export class BackgroundBudget {
  constructor(private readonly desk: Pick<BudgetDesk, 'open' | 'record'>) {}

  /** Whether there is something left for it. */
  async isLeft(): Promise<boolean> {
    const { usedUp } = await this.desk.open({});
    return usedUp === undefined;
  }

  async count(model: string, usage: Usage): Promise<void> {
    const { settings } = await this.desk.open({});
    await this.desk.record({}, { model, usage, amount: amountOf(usage, model, settings) }, randomUUID());
  }
}
