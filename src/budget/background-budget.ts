/** What the model is asked beside turns, such as summaries: it is nobody's, and counts for everybody together. */

import type { Usage } from '../domain/transcript.ts';
import type { EffectWriter } from '../redis/effect-writer.ts';
import type { BudgetDesk } from './budget-desk.ts';
import { amountOf } from './limits.ts';

/** In whose partition it is counted. */
const OWNER = 'budget';

export class BackgroundBudget {
  constructor(
    private readonly desk: BudgetDesk,
    private readonly writer: Pick<EffectWriter, 'write'>,
  ) {}

  /** Whether there is something left for it. */
  async isLeft(): Promise<boolean> {
    const { usedUp } = await this.desk.open({});
    return usedUp === undefined;
  }

  async count(model: string, usage: Usage): Promise<void> {
    const { settings } = await this.desk.open({});
    const used = { models: [{ model, usage, amount: amountOf(usage, model, settings) }], tools: [] };
    await this.writer.write(OWNER, this.desk.counted({}, used, 'attempt'));
  }
}
