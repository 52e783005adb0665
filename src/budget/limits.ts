/**
 * What may be spent, by whom, until when, and how much of it is. Pure.
 *
 *   limits in force ─▶ with what was spent: standings ─▶ one is used up: no turn begins, and none goes on
 *   limit of a turn ─▶ with what it used itself ───────▶ used up: it does not go on
 */
import type { BudgetSettings, Spending } from '../config/budgets.ts';
import type { ConversationId, PersonId } from '../domain/ids.ts';
import type { Usage } from '../domain/transcript.ts';
import { PERIOD_KINDS, type PeriodKind } from './period.ts';
import { costOf, MICRO, priceOf, tokensOf } from './price.ts';

export const SUBJECT_KINDS = ['conversation', 'person', 'team'] as const;
export type SubjectKind = (typeof SUBJECT_KINDS)[number];

/** For whom the model is asked; of what is done for everybody neither is named. */
export interface Spender {
  readonly person?: PersonId;
  readonly conversationId?: ConversationId;
}

export interface Limit {
  readonly subject: SubjectKind;
  readonly period: PeriodKind;
  readonly of: 'tokens' | 'money';
  /** Tokens, or millionths of the currency. */
  readonly most: number;
}

export interface Standing extends Limit {
  readonly spent: number;
  /** Of the period: `2026-11-21`. */
  readonly periodName: string;
  /** When it began, in ms since the epoch. */
  readonly sinceMs: number;
  /** When nothing of it is spent again, in ms since the epoch. */
  readonly resetMs: number;
}

/** What keeps a turn from going on. */
export interface Ceiling {
  readonly of: 'tokens' | 'money';
  readonly most: number;
  readonly by: 'turn' | Standing;
}

/** What was spent: tokens of all kinds, and millionths of the currency. */
export interface Amount {
  readonly tokens: number;
  readonly money: number;
}

export const NOTHING: Amount = { tokens: 0, money: 0 };

export function limitsIn(budgets: BudgetSettings): Limit[] {
  return SUBJECT_KINDS.flatMap((subject) =>
    PERIOD_KINDS.flatMap((period) =>
      mostIn(budgets[subject][period]).map((limit) => ({ subject, period, ...limit })),
    ),
  );
}

/** The one that keeps a turn from beginning: of those that are used up, the last to begin anew. */
export function usedUp(standings: readonly Standing[]): Standing | undefined {
  return standings.filter(isUsedUp).toSorted((a, b) => b.resetMs - a.resetMs)[0];
}

export function isUsedUp({ spent, most }: Pick<Standing, 'spent' | 'most'>): boolean {
  return spent >= most;
}

/** In whole percent, rounded down, so that 100 means used up. */
export function percentOf({ spent, most }: Pick<Standing, 'spent' | 'most'>): number {
  return Math.floor((spent / most) * 100);
}

/** What a turn has come to, if it may not go on. `own`: what it used itself, which is in the standings, too. */
export function reached(
  { turn }: Pick<BudgetSettings, 'turn'>,
  own: Amount,
  standings: readonly Standing[],
): Ceiling | undefined {
  const limit = mostIn(turn).find(({ of, most }) => own[of] >= most);
  if (limit) return { ...limit, by: 'turn' };
  const standing = usedUp(standings);
  return standing && { of: standing.of, most: standing.most, by: standing };
}

export function amountOf(usage: Usage, model: string, { prices }: Pick<BudgetSettings, 'prices'>): Amount {
  return { tokens: tokensOf(usage), money: costOf(usage, priceOf(model, prices)) };
}

export function sumOf(a: Amount, b: Amount): Amount {
  return { tokens: a.tokens + b.tokens, money: a.money + b.money };
}

function mostIn({ tokens, money }: Spending): Pick<Limit, 'of' | 'most'>[] {
  return [
    ...(tokens === undefined ? [] : [{ of: 'tokens' as const, most: tokens }]),
    ...(money === undefined ? [] : [{ of: 'money' as const, most: Math.round(money * MICRO) }]),
  ];
}
