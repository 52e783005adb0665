/** What people are told of budgets. Pure. */
import { whenText } from '../approvals/sentences.ts';
import type { Ceiling, Standing, SubjectKind } from './limits.ts';
import type { PeriodKind } from './period.ts';
import { MICRO } from './price.ts';

const WHOSE: Record<SubjectKind, string> = {
  conversation: 'of this conversation',
  person: 'you have',
  team: 'we all have together',
};

const WHEN: Record<PeriodKind, string> = { day: 'for today', month: 'for this month' };

/** @param zone where the one who reads it lives */
export function usedUpText(standing: Standing, currency: string, zone: string): string {
  const { subject, period, resetMs } = standing;
  return (
    `The budget ${WHOSE[subject]} ${WHEN[period]} is used up: ${spentText(standing, currency)}. ` +
    `It begins anew on ${whenText(resetMs, zone)}. Nothing you write is lost: I keep it, and I read it when you write to me after that. Only pictures and PDFs I cannot keep: send them again then.`
  );
}

/** `the budget of Alex Kim for today`: for everybody in the conversation. @param who by name, as it may be written */
export function budgetText({ subject, period }: Pick<Standing, 'subject' | 'period'>, who: string): string {
  const whose: Record<SubjectKind, string> = {
    conversation: 'of this conversation',
    person: `of ${who}`,
    team: 'of everybody together',
  };
  return `the budget ${whose[subject]} ${WHEN[period]}`;
}

/** The end of a turn that its budget has ended. @param done what was done so far, a line each */
export function brokenOffText(
  { of, most, by }: Ceiling,
  done: readonly string[],
  currency: string,
  zone: string,
): string {
  const why =
    by === 'turn'
      ? `I stopped here: one answer of mine may use at most ${quantityText(of, most, currency)}. Ask me to go on.`
      : `I stopped here: the budget ${WHOSE[by.subject]} ${WHEN[by.period]} is used up. It begins anew on ${whenText(by.resetMs, zone)}.`;
  return `${why} ${soFarText(done)}`;
}

/** @param done what was done, each in words for people */
export function soFarText(done: readonly string[]): string {
  return done.length === 0 ? 'Nothing was done so far.' : `Done so far: ${done.join('; ')}.`;
}

/** `203,118 of 200,000 tokens`. */
export function spentText(
  { of, spent, most }: Pick<Standing, 'of' | 'spent' | 'most'>,
  currency: string,
): string {
  if (of === 'money') return `${spentMoneyText(spent, most)} ${currency} of ${limitText(most)} ${currency}`;
  return `${numberText(spent)} of ${numberText(most)} tokens`;
}

/** What the operators of an installation are told. */
export function alertText(standing: Standing, who: string, currency: string): string {
  const { subject, period } = standing;
  const whose =
    subject === 'team' ? 'of everybody together' : subject === 'person' ? `of ${who}` : 'of a conversation';
  return `The budget ${whose} ${WHEN[period]}: ${spentText(standing, currency)}`;
}

/** `12.30 USD`; what is less than a cent is shown to the fourth digit. @param micro in millionths */
export function moneyText(micro: number, currency: string): string {
  return `${amountText(micro, digitsOf(micro))} ${currency}`;
}

/** Never all of it before it is: rounded down, to the fourth digit, where it would look so: `0.0465` of `0.05`. */
function spentMoneyText(spent: number, most: number): string {
  const text = amountText(spent, Math.max(digitsOf(spent), limitDigits(most)));
  const looksLikeAll = spent < most && microOf(text) >= most;
  return looksLikeAll ? amountText(Math.floor(spent / 100) * 100, 4) : text;
}

function limitText(most: number): string {
  return amountText(most, limitDigits(most));
}

/** As many as it takes to write it as it is. */
function limitDigits(most: number): number {
  return LIMIT_DIGITS.find((digits) => microOf(amountText(most, digits)) === most) ?? MOST_DIGITS;
}

const LIMIT_DIGITS = [2, 4];
/** Money is counted in millionths. */
const MOST_DIGITS = 6;

function digitsOf(micro: number): number {
  return micro !== 0 && micro < MICRO / 100 ? 4 : 2;
}

function microOf(amount: string): number {
  return Math.round(Number(amount) * MICRO);
}

function amountText(micro: number, digits: number): string {
  return (micro / MICRO).toFixed(digits);
}

export function numberText(value: number): string {
  return new Intl.NumberFormat('en-US').format(value);
}

function quantityText(of: 'tokens' | 'money', most: number, currency: string): string {
  return of === 'money' ? `${limitText(most)} ${currency}` : `${numberText(most)} tokens`;
}
