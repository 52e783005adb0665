/** A model that is asked beside turns: counted, and not asked once the budget of everybody is used up. */

import type { BackgroundBudget } from '../../budget/background-budget.ts';
import { ModelUnavailableError } from '../../domain/errors.ts';
import type { Usage } from '../../domain/transcript.ts';
import type { ModelClient, ModelReply, ModelRequest } from './model-client.ts';

export class MeteredModel implements ModelClient {
  constructor(
    private readonly model: ModelClient,
    private readonly budget: Pick<BackgroundBudget, 'isLeft' | 'count'>,
  ) {}

  /** @throws {ModelUnavailableError} also when there is nothing left to spend */
  async complete(
    request: ModelRequest,
    onText: (piece: string) => void,
    signal: AbortSignal,
  ): Promise<ModelReply> {
    if (!(await this.budget.isLeft())) {
      throw new ModelUnavailableError('the budget of everybody together is used up', undefined);
    }
    const onSpent = (model: string, usage: Usage) => this.budget.count(model, usage);
    const reply = await this.model.complete({ ...request, onSpent }, onText, signal);
    await onSpent(reply.model, reply.usage);
    return reply;
  }

  check(signal: AbortSignal): Promise<{ ok: boolean; detail: string }> {
    return this.model.check(signal);
  }
}
