/** A yes that is not acted on yet, because the conversation it belongs to has not got to it. Pure. */
import { type Approval, advance, hardDeadlineOf, type Step } from './record.ts';

/** How long a yes stays good that could not be acted on; a month-old yes is nobody's any more. */
export const HELD_YES_MS = 7 * 24 * 60 * 60_000;

/** A yes that waits in line is held for so long at a time, in ms: what is taken off unused lapses soon after. */
const HOLD_AGAIN_MS = 60 * 60_000;

/** Keeps a yes from lapsing before the conversation is handed back. */
export function holdYes(approval: Approval, nowMs: number): Step<'HELD' | 'NOTHING'> {
  const validUntilMs = approval.validUntilMs ?? 0;
  const untilMs = endOfHold(approval);
  if (approval.state !== 'APPROVED' || validUntilMs >= untilMs || nowMs >= validUntilMs) {
    return { result: 'NOTHING' };
  }
  return {
    result: 'HELD',
    moved: { next: held(approval, untilMs), event: 'held', actor: 'system' },
    window: { beforeMs: validUntilMs },
  };
}

/** The same for one whose time is over while it waits in line; undefined when it has waited as long as it may. */
export function holdInLine(
  approval: Approval,
  nowMs: number,
): (Step<'held'> & { readonly moved: NonNullable<Step<'held'>['moved']> }) | undefined {
  const untilMs = Math.min(nowMs + HOLD_AGAIN_MS, endOfHold(approval));
  if (untilMs <= nowMs) return undefined;
  return {
    result: 'held',
    moved: { next: held(approval, untilMs), event: 'held', actor: 'system' },
    window: { notBeforeMs: approval.validUntilMs ?? 0, beforeMs: untilMs },
  };
}

/** Until when a yes may be held: a while from when it would have ended, and never beyond the end of all. */
export function endOfHold(approval: Approval): number {
  return Math.min(endOfYes(approval) + HELD_YES_MS, hardDeadlineOf(approval) ?? Infinity);
}

/** When it would have ended, had nobody held it. */
export function endOfYes({ heldFromMs, validUntilMs }: Approval): number {
  return heldFromMs ?? validUntilMs ?? 0;
}

function held(approval: Approval, untilMs: number): Approval {
  return { ...advance(approval, 'APPROVED'), validUntilMs: untilMs, heldFromMs: endOfYes(approval) };
}
