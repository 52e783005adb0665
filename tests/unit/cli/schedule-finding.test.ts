import { describe, expect, it } from 'vitest';
import { scheduleFinding } from '../../../src/cli/schedule-finding.ts';

const NOW_MS = Date.parse('2026-01-02T12:00:00Z');
const MINUTE = 60_000;

const at = (minutes: number) => ({ id: `sch_${minutes}`, nextMs: NOW_MS + minutes * MINUTE });
const finding = (minutes: readonly number[], now: { gatewayRuns?: boolean; orphaned?: number } = {}) =>
  scheduleFinding(minutes.map(at), {
    gatewayRuns: now.gatewayRuns ?? true,
    orphaned: now.orphaned === undefined ? [] : [at(now.orphaned)],
    nowMs: NOW_MS,
  });

describe('what check says of what is planned', () => {
  it('says nothing where nothing is', () => {
    expect(finding([])).toBeUndefined();
  });

  it('says how much there is and when the next is, also what has just come due', () => {
    expect(finding([5, 60])).toEqual({
      subject: 'schedules',
      status: 'works',
      detail: '2 planned; the next at 2026-01-02T12:05:00.000Z (sch_5)',
    });
    expect(finding([-4, 60])).toMatchObject({ status: 'works' });
  });

  it('fails where a gateway runs and something is not run', () => {
    expect(finding([-61, -6, 60])).toMatchObject({
      status: 'failed',
      detail:
        '2 of 3 planned should have been run, the first at 2026-01-02T10:59:00.000Z (sch_-61), though the gateway runs',
      remedy: expect.stringContaining('log'),
    });
  });

  it('says what becomes of it while no gateway runs', () => {
    expect(finding([5], { gatewayRuns: false })?.detail).toBe(
      '1 planned; the next at 2026-01-02T12:05:00.000Z (sch_5); nothing is run until a gateway does',
    );
    expect(finding([-61, 5], { gatewayRuns: false })).toMatchObject({
      status: 'works',
      detail: '2 planned; 1 of them late: run once a gateway does',
    });
  });

  it('names what will be stopped, because nobody may ask for it any more', () => {
    expect(finding([5], { orphaned: 5 })?.detail).toMatch(/stopped when their time comes.*: sch_5$/);
  });
});
