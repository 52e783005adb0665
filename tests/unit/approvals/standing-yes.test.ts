import { describe, expect, it } from 'vitest';
import { StandingYes } from '../../../src/approvals/standing-yes.ts';
import { parseConfig } from '../../../src/config/load-config.ts';
import type { Approval } from '../../../src/domain/approval/record.ts';
import type { Grant } from '../../../src/domain/grant.ts';
import { AccountId } from '../../../src/domain/ids.ts';
import { RoleName } from '../../../src/domain/person.ts';
import { Directory } from '../../../src/identity/directory.ts';
import { ALEX, anApproval, DANA, OPENED_MS, SLACK } from '../../support/approvals.ts';
import { ManualClock } from '../../support/core.ts';
import { aConfig, gateways } from '../config/config-texts.ts';

const config = parseConfig(aConfig(), { env: {}, gateways, directory: 'config' });
const BY = { person: DANA, name: 'Dana Reyes', account: AccountId.parse('slack:T0/U0DANA') };
const CALL = anApproval({ verdict: { granted: { id: 'gr_0123456789', by: BY } } });

/** Given by Dana, a manager, for a minute. */
function aGrant(change: Partial<Grant> = {}): Grant {
  return {
    id: 'gr_0123456789',
    rev: 1,
    tool: 'refund',
    version: 1,
    requester: ALEX,
    scope: { kind: 'tool' },
    approvers: { role: RoleName.parse('manager') },
    by: BY,
    via: SLACK,
    given: CALL.id,
    atMs: OPENED_MS,
    untilMs: OPENED_MS + 60_000,
    times: 1,
    uses: [{ approval: CALL.id, amount: 0, atMs: OPENED_MS }],
    ...change,
  };
}

async function whyNot(grant: Grant | undefined, approval: Approval = CALL): Promise<string | undefined> {
  const clock = new ManualClock(OPENED_MS);
  const directory = new Directory(() => config);
  return new StandingYes({ grants: { find: async () => grant }, directory, clock }).whyNot(approval);
}

describe('a call that a standing yes let run', () => {
  it('A17 runs while it stands, also when this was the last use', async () => {
    expect(await whyNot(aGrant())).toBeUndefined();
  });

  it.each<[string, Grant | undefined, RegExp]>([
    ['was taken back', aGrant({ revoked: { by: DANA, atMs: OPENED_MS } }), /has been taken back/],
    ['is over', aGrant({ untilMs: OPENED_MS }), /is over/],
    ['is gone from the store', undefined, /is not there any more/],
    [
      'needs more than the one who gave it',
      aGrant({ approvers: twoManagers() }),
      /Dana Reyes could not agree/,
    ],
    ['is of whoever asks now', aGrant({ by: { ...BY, person: ALEX } }), /could not agree to this alone/],
  ])('A17 does not run when it %s', async (_what, grant, why) => {
    expect(await whyNot(grant)).toMatch(why);
  });

  it('is said to have run perhaps where it was begun before', async () => {
    const begun = { ...CALL, execution: { epoch: 1, owner: 'one', leaseUntilMs: OPENED_MS, attempt: 1 } };

    expect(await whyNot(undefined, begun)).toContain('(an earlier attempt may have run)');
  });
});

describe('a call that people, or a rule, let run', () => {
  it('has no standing yes that could end', async () => {
    expect(await whyNot(undefined, anApproval({ verdict: 'allowed' }))).toBeUndefined();
  });
});

function twoManagers(): Grant['approvers'] {
  return { role: RoleName.parse('manager'), count: 2 };
}
