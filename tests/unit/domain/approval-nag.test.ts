/** Somebody has to find out about a call whose outcome is unknown, and is asked again until they have. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dueOf, NO_CIRCUMSTANCES, tick } from '../../../src/domain/approval/time.ts';
import { PersonId } from '../../../src/domain/ids.ts';
import { anAddress, anApproval, OPENED_MS } from '../../support/approvals.ts';

const EVERY_MS = 4 * 3_600_000;
const unknown = { ...anApproval(), state: 'UNKNOWN' as const };

describe('asking about a call of unknown outcome', () => {
  it('comes again every four hours', () => {
    const first = tick(unknown, OPENED_MS + EVERY_MS);

    expect(dueOf(unknown)).toBe(OPENED_MS + EVERY_MS);
    expect(first.result).toBe('reminded');
    expect(first.moved && dueOf(first.moved.next)).toBe(OPENED_MS + 2 * EVERY_MS);
  });

  it('leaves whoever wants it quiet alone until the next time', () => {
    const dana = PersonId.parse('dana');
    const copies = [{ id: dana, to: anAddress('slack'), person: dana }];
    const asked = { ...anApproval({ copies }), state: 'UNKNOWN' as const };
    const untilMs = OPENED_MS + EVERY_MS + 1;
    const quietUntil = (_person: PersonId, nowMs: number) => (nowMs < untilMs ? untilMs : undefined);
    const circumstances = { ...NO_CIRCUMSTANCES, quietUntil };

    const inTheNight = tick(asked, OPENED_MS + EVERY_MS, circumstances).moved!;
    const inTheMorning = tick(inTheNight.next, OPENED_MS + 2 * EVERY_MS, circumstances).moved!;

    expect(inTheNight.spared).toEqual(new Set([dana]));
    expect(inTheMorning.spared).toBeUndefined();
  });

  it('happens once after an outage, however long that was', () => {
    fc.assert(
      fc.property(fc.integer({ min: EVERY_MS, max: 100 * EVERY_MS }), (lateMs) => {
        const { moved } = tick(unknown, OPENED_MS + lateMs);
        const nextMs = moved && dueOf(moved.next);

        expect(nextMs).toBeGreaterThan(OPENED_MS + lateMs);
        expect(nextMs).toBeLessThanOrEqual(OPENED_MS + lateMs + EVERY_MS);
      }),
    );
  });
});
