/**
 * What one turn has used so far, and whether it may go on; alive for as long as the turn is.
 *
 *   answer ─▶ counted at once ──▶ not counted: kept, and tried again with the next and at the end
 *   next?  ─▶ standings read again ─▶ cannot be read: as they were, with what the turn has used since
 *
 * Invariants
 *   1. Each answer has a key of its own for as long as the turn lives, so that writing it down again counts nothing.
 *      Another attempt at the turn is another meter: its answers are paid for again.
 *   2. That the store is away for a moment ends no turn.
 */
import { randomUUID } from 'node:crypto';
import type { Usage } from '../domain/transcript.ts';
import type { Logger } from '../observability/logger.ts';
import { after, type BudgetDesk, type TurnBudget } from './budget-desk.ts';
import { amountOf, type Ceiling, reached, type Spender, type Standing } from './limits.ts';
import { type ModelUse, spentOn } from './usage-ledger.ts';

export interface MeterDeps {
  readonly spender: Spender;
  readonly desk: Pick<BudgetDesk, 'record' | 'standings'>;
  readonly log: Pick<Logger, 'warn'>;
}

export class TurnMeter {
  readonly #id = randomUUID();
  readonly #used: ModelUse[] = [];
  /** By their keys, those that are not counted yet. */
  readonly #open = new Map<string, ModelUse>();
  #standings: readonly Standing[];
  /** How many of the answers are in the standings. */
  #included = 0;

  constructor(
    private readonly budget: Pick<TurnBudget, 'settings' | 'standings'>,
    private readonly deps: MeterDeps,
  ) {
    this.#standings = budget.standings;
  }

  /** Counts one answer of the model, or what came of one. Never rejects. */
  async note(model: string, usage: Usage): Promise<void> {
    const answer = { model, usage, amount: amountOf(usage, model, this.budget.settings) };
    this.#used.push(answer);
    this.#open.set(`${this.#id}:${this.#used.length}`, answer);
    await this.settle().catch((error: unknown) =>
      this.deps.log.warn({ err: error }, 'an answer of the model could not be counted; it is tried again'),
    );
  }

  get used(): readonly ModelUse[] {
    return this.#used;
  }

  /** Resolves once every answer is counted. @throws when the store is away */
  async settle(): Promise<void> {
    for (const [key, answer] of [...this.#open]) {
      await this.deps.desk.record(this.deps.spender, answer, key);
      this.#open.delete(key);
    }
  }

  /** What it has come to, if it must not go on. Never rejects. */
  async reached(): Promise<Ceiling | undefined> {
    const standings = await this.standings();
    return reached(this.budget.settings, spentOn(this.#used), standings);
  }

  /** As they are now, with all the turn has used. Never rejects. */
  async standings(): Promise<readonly Standing[]> {
    const { desk, spender, log } = this.deps;
    const included = this.#used.length;
    try {
      await this.settle();
      this.#standings = await desk.standings(spender, this.budget.settings);
      this.#included = included;
      return this.#standings;
    } catch (error) {
      log.warn({ err: error }, 'what is left of a budget could not be read; what was known counts');
      return after(this.#standings, spentOn(this.#used.slice(this.#included)));
    }
  }
}
