import { describe, expect, it } from 'vitest';
import { auditFinding } from '../../../src/cli/audit-finding.ts';
import type { LookRecord } from '../../../src/services/watchdog-record.ts';

const NOW_MS = 1_000_000_000;
const EVERY_MS = 60_000;

function finding(look: Partial<LookRecord>, { gatewayRuns = true, mendedEver = 0 } = {}) {
  const last: LookRecord = {
    atMs: NOW_MS - 20_000,
    tookMs: 100,
    approvals: 3,
    lanes: 0,
    found: {},
    mended: 0,
    heartbeat: 'sent',
    ...look,
  };
  return auditFinding({ look: last, mendedEver }, { gatewayRuns, everyMs: EVERY_MS, nowMs: NOW_MS });
}

describe('what check says of the self-audit', () => {
  it('says that all was in order, and who hears of it', () => {
    expect(finding({})).toMatchObject({
      status: 'works',
      detail: '20 s ago all 3 requests were in order; nothing was ever wrong; the heartbeat was sent',
    });
    expect(finding({ heartbeat: 'off' }, { mendedEver: 2 }).detail).toMatch(
      /2 things were put right in all; nobody outside hears of it: watchdog.heartbeat_url is not set/,
    );
  });

  it('fails for what was found, put right or not, and says what to read', () => {
    expect(finding({ found: { 'timer-missing': 2, unreadable: 1 }, mended: 2 })).toMatchObject({
      status: 'failed',
      detail: '20 s ago it found 2 × timer-missing, 1 × unreadable; 2 put right',
      remedy: expect.stringContaining('audit tail'),
    });
  });

  it('fails when the gateway runs and nobody looks, or nobody outside can be reached', () => {
    const old = { atMs: NOW_MS - 10 * EVERY_MS };

    expect(finding(old)).toMatchObject({ status: 'failed', detail: expect.stringContaining('600 s ago') });
    expect(finding(old, { gatewayRuns: false }).status).toBe('works');
    expect(finding({ heartbeat: 'failed' })).toMatchObject({ status: 'failed' });
  });

  it('is patient before the first look', () => {
    const about = { gatewayRuns: true, everyMs: EVERY_MS, nowMs: NOW_MS };

    expect(auditFinding(undefined, about).status).toBe('works');
  });
});
