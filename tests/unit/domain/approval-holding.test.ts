/** A yes that is not acted on at once: because its conversation has not come to it, or because nobody of ours was there. */
import { describe, expect, it } from 'vitest';
import { claim } from '../../../src/domain/approval/execution.ts';
import { HELD_YES_MS, holdYes } from '../../../src/domain/approval/holding.ts';
import type { Approval } from '../../../src/domain/approval/record.ts';
import { tick } from '../../../src/domain/approval/time.ts';
import { vote } from '../../../src/domain/approval/voting.ts';
import type { Outage } from '../../../src/domain/outage.ts';
import { type ApprovalWish, anApproval, aVote, OPENED_MS, VALID_FOR_MS } from '../../support/approvals.ts';

const HOUR = 3_600_000;
const END = OPENED_MS + VALID_FOR_MS;

/** Dana has said yes at once. */
function agreed(wish: ApprovalWish = {}): Approval {
  const approval = anApproval(wish);
  return vote(approval, aVote(approval), OPENED_MS).result.approval;
}

/** What time makes of it, while its item waits in line. */
function ticked(
  approval: Approval,
  nowMs: number,
  outages: readonly Outage[] = [],
  unheard = true,
): Approval {
  const { moved } = tick(approval, nowMs, { outages, copiesFor: () => [], unheard });
  return moved?.next ?? approval;
}

/** Held again and again, whenever its time is over. */
function heldUntil(approval: Approval, untilMs: number): Approval {
  let it = approval;
  while (it.state === 'APPROVED' && it.validUntilMs! <= untilMs) it = ticked(it, it.validUntilMs!);
  return it;
}

describe('a yes whose time is over', () => {
  it('stays good while its conversation has not come to it, an hour at a time', () => {
    const held = ticked(agreed(), END);

    expect(held).toMatchObject({ state: 'APPROVED', validUntilMs: END + HOUR, heldFromMs: END });
    expect(ticked(held, END + HOUR)).toMatchObject({ state: 'APPROVED', validUntilMs: END + 2 * HOUR });
  });

  it('lapses when its conversation has come to it, and nothing was run', () => {
    expect(ticked(agreed(), END, [], false)).toMatchObject({ state: 'REVOKED' });
    expect(ticked(ticked(agreed(), END), END + HOUR, [], false)).toMatchObject({ state: 'REVOKED' });
  });

  it('lapses after a week, and at the end of all there may be', () => {
    expect(heldUntil(agreed(), END + HELD_YES_MS - 1).state).toBe('APPROVED');
    expect(heldUntil(agreed(), END + HELD_YES_MS).state).toBe('REVOKED');

    const short = agreed({ policy: { hardDeadlineMs: 5 * HOUR } });
    expect(heldUntil(short, OPENED_MS + 5 * HOUR - 1).state).toBe('APPROVED');
    expect(heldUntil(short, OPENED_MS + 5 * HOUR).state).toBe('REVOKED');
  });

  it('lapses when nobody of ours was there for as long as it is good, and not when that was shorter', () => {
    const away = (ms: number): Outage[] => [{ fromMs: OPENED_MS, untilMs: OPENED_MS + ms }];

    expect(ticked(agreed(), END, away(VALID_FOR_MS)).state).toBe('REVOKED');
    expect(ticked(agreed(), END, away(VALID_FOR_MS - 1)).state).toBe('APPROVED');
    // What was before the yes is no matter of it.
    expect(ticked(agreed(), END, [{ fromMs: 0, untilMs: OPENED_MS }]).state).toBe('APPROVED');
  });

  it('lapses for a program, which comes to it whenever it likes', () => {
    const client = { name: 'billing', key: 'k', fingerprint: 'f', permit: true };

    expect(ticked({ ...agreed(), client }, END).state).toBe('REVOKED');
  });
});

describe('a conversation that comes to a yes late', () => {
  const line = { outages: [], unheard: true };

  it('runs it, however long it stood in line, and nobody else does', () => {
    const approval = agreed();
    const late = claim(approval, 'w1', approval.digest, END + 1, undefined, line);

    expect(late.result.code).toBe('GRANTED');
    expect(late.window).toEqual({ beforeMs: END + HELD_YES_MS });
    expect(claim(approval, 'w1', approval.digest, END + 1).result).toMatchObject({
      code: 'REFUSED',
      approval: { state: 'REVOKED' },
    });
  });

  it('does not run one that nobody of ours was there for', () => {
    const approval = agreed();
    const outages = [{ fromMs: OPENED_MS, untilMs: END }];

    expect(claim(approval, 'w1', approval.digest, END, undefined, { ...line, outages }).result.code).toBe(
      'REFUSED',
    );
  });
});

describe('a person who has the conversation', () => {
  it('keeps what was agreed to for a week in all, however often they take it over', () => {
    const once = holdYes(agreed(), OPENED_MS).moved!.next;
    const twice = holdYes(once, OPENED_MS + 24 * HOUR);

    expect(once).toMatchObject({ validUntilMs: END + HELD_YES_MS, heldFromMs: END });
    expect(twice.result).toBe('NOTHING');
  });
});
