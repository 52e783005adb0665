/** A yes that is not acted on yet, because a person has the conversation it belongs to. Pure. */
import { type Approval, advance, type Step } from './record.ts';

/** How long a yes stays good while a person has the conversation; a month-old yes is nobody's any more. */
export const HELD_YES_MS = 7 * 24 * 60 * 60_000;

/** Keeps a yes from lapsing before the conversation is handed back. */
export function holdYes(approval: Approval, nowMs: number): Step<'HELD' | 'NOTHING'> {
  const untilMs = nowMs + HELD_YES_MS;
  const validUntilMs = approval.validUntilMs ?? 0;
  if (approval.state !== 'APPROVED' || validUntilMs >= untilMs || nowMs >= validUntilMs) {
    return { result: 'NOTHING' };
  }
  const next: Approval = { ...advance(approval, 'APPROVED'), validUntilMs: untilMs };
  return {
    result: 'HELD',
    moved: { next, event: 'held', actor: 'system' },
    window: { beforeMs: validUntilMs },
  };
}
