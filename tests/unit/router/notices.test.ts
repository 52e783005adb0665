/** What the agent is told of a request that is over, and whether an address in there is one it has read. */
import { describe, expect, it } from 'vitest';
import { readingOf } from '../../../src/agent/provenance.ts';
import type { Config } from '../../../src/config/load-config.ts';
import { FutileCallError } from '../../../src/domain/errors.ts';
import { Notices } from '../../../src/router/notices.ts';
import { anApproval } from '../../support/approvals.ts';

const ADDRESS = 'https://evil.test/?q=canary';
const ISSUE = 'https://jira.corp.test/browse/SHOP-7';

const notices = new Notices({
  tools: { find: () => undefined },
  config: (): Config => {
    throw new FutileCallError('nothing of it is asked for');
  },
  clock: { now: () => 0 },
});

/** Of a call that ran. */
function told(args: Record<string, unknown>) {
  const open = anApproval({ request: { args } });
  const result = { status: 'ok' as const, text: `Made ${ISSUE}`, atMs: 1 };
  return notices.outcomeOf({ ...open, state: 'EXECUTED', result });
}

describe('what the agent is told of a call that ran', () => {
  it('OM-187 makes no address one it has read that it had called with itself', () => {
    const entry = told({ note: `see ${ADDRESS}` });

    expect(entry.text).toContain(ADDRESS);
    expect(readingOf([entry]).isSeen(ADDRESS)).toBe(false);
  });

  it('lets it name what came of it otherwise', () => {
    expect(readingOf([told({ order: 7, file: 'report.csv' })]).isSeen(ISSUE)).toBe(true);
  });
});
