/** What people and the agent are told about what is planned. Pure. */

import { literal, whenText } from '../approvals/sentences.ts';
import type { Standing } from '../budget/limits.ts';
import { budgetText } from '../budget/sentences.ts';
import { unlinked } from '../links/plain-address.ts';
import { redactText } from '../observability/redaction.ts';
import { LATE_MS, type Run, type Schedule } from './schedule.ts';
import type { When } from './timing.ts';

/** `once, 22 Nov 2026, 09:00 (Europe/Berlin)`, `0 9 * * 1-5 (Europe/Berlin)`. */
export function timingText(when: When): string {
  return when.kind === 'once'
    ? `once, ${whenText(when.atMs, when.zone)}`
    : `${when.expression} (${when.zone})`;
}

/** For everybody in the conversation, before the agent begins; in markdown. */
export function beginningText({ by, title, when }: Schedule, run: Run): string {
  return `_${literal(by.name)} planned this: ${titleText(title)} (${literal(timingText(when))}).${lateText(when, run)}_`;
}

/** For everybody in the conversation, in place of a run; in markdown. */
export function waitingText({ by, title, when }: Schedule, budget: Standing): string {
  const name = literal(by.name);
  return `_${name} planned this: ${titleText(title)} (${literal(timingText(when))}). It is not done yet, because ${budgetText(budget, name)} is used up. I do it when that begins anew, on ${whenText(budget.resetMs, when.zone)}._`;
}

/** What the agent is told, as the words of whoever planned it. */
export function messageText({ id, title, text, when }: Schedule, run: Run): string {
  const late = lateText(when, run);
  return `[I planned this before: "${title}", ${timingText(when)}, ${id}. It is my wish now.${late}]\n\n${text}`;
}

/** For those who run the gateway; in markdown. */
export function stoppedText({ id, by, title, when }: Schedule): string {
  return `What ${literal(by.name)} (${by.person}) had planned was not done and never will be, because they may not ask me for things any more: ${titleText(title)} (${literal(timingText(when))}, ${id}).`;
}

/** For the list of the agent. */
export function lineOf({ id, by, title, when, nextMs }: Schedule): string {
  return `${id}: "${title}" by ${by.name}, ${timingText(when)}; next ${whenText(nextMs, when.zone)}`;
}

/** The agent may have chosen it: nothing in it opens by itself. In markdown. */
function titleText(title: string): string {
  return literal(unlinked(redactText(title)));
}

function lateText({ zone }: When, { plannedMs, lateMs }: Run): string {
  if (lateMs < LATE_MS) return '';
  return ` It is late: it was due ${whenText(plannedMs, zone)}, and could not be done then. What else was due meanwhile is left out.`;
}
