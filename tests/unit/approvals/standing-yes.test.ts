import { describe, expect, it } from 'vitest';
import { StandingYes } from '../../../src/approvals/standing-yes.ts';
import type { EscalationPolicy } from '../../../src/config/escalation.ts';
import { parseConfig } from '../../../src/config/load-config.ts';
import type { Approval } from '../../../src/domain/approval/record.ts';
import type { Grant } from '../../../src/domain/grant.ts';
import { AccountId } from '../../../src/domain/ids.ts';
import { RoleName } from '../../../src/domain/person.ts';
import { Directory } from '../../../src/identity/directory.ts';
import { ALEX, anApproval, DANA, EMAIL as MAIL, OPENED_MS, SLACK } from '../../support/approvals.ts';
import { ManualClock } from '../../support/core.ts';
import { aConfig, gateways } from '../config/config-texts.ts';

const config = parseConfig(aConfig(), { env: {}, gateways, directory: 'config' });
const BY = { person: DANA, name: 'Dana Reyes', account: AccountId.parse('slack:T0/U0DANA') };
/** It is not known by which policy people would be asked. */
const CALL = anApproval({ verdict: { granted: { id: 'gr_0123456789', by: BY } }, policy: { name: 'none' } });

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

async function whyNot(
  grant: Grant | undefined,
  approval: Approval = CALL,
  policies = config.escalation.policies,
): Promise<string | undefined> {
  const clock = new ManualClock(OPENED_MS);
  const directory = new Directory(() => config);
  const grants = { find: async () => grant };
  return new StandingYes({ grants, directory, policies: () => policies, clock }).whyNot(approval);
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

  const takes = { rules: ['exact' as const, 'tool' as const], longest: 60_000, most_times: 1 };
  const here = { ...CALL, policy: { ...CALL.policy, name: 'default' } };

  it.each<[string, Partial<EscalationPolicy>, boolean]>([
    ['takes such a one', { standing_yes: takes }, true],
    ['takes a yes from where it was given', { standing_yes: takes, approve_from: [SLACK] }, true],
    ['takes none any more', { standing_yes: undefined }, false],
    ['takes none as wide any more', { standing_yes: { ...takes, rules: ['exact'] } }, false],
    ['takes none as long any more', { standing_yes: { ...takes, longest: 59_999 } }, false],
    ['takes a yes from elsewhere alone by now', { standing_yes: takes, approve_from: [MAIL] }, false],
  ])('A17 depends on the policy by which people would be asked: it %s', async (_, change, runs) => {
    const policies = {
      ...config.escalation.policies,
      default: { ...config.escalation.policies.default, ...change },
    };

    const why = await whyNot(aGrant(), here, policies);

    if (runs) expect(why).toBeUndefined();
    else expect(why).toMatch(/is no longer one that the policy takes/);
  });

  it('A17 does not run when it may be used more often than the policy takes by now, or the policy is gone', async () => {
    const { default: own } = config.escalation.policies;
    const policies = { ...config.escalation.policies, default: { ...own, standing_yes: takes } };
    const gone = { ...here, policy: { ...here.policy, name: 'was' } };

    expect(await whyNot(aGrant({ times: 2 }), here, policies)).toMatch(/no longer one that the policy takes/);
    expect(await whyNot(aGrant(), gone, policies)).toMatch(/no longer one that the policy takes/);
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
