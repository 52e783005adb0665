/** Standing yeses in the store: many calls at once, one budget. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GrantStore } from '../../src/approvals/grant-store.ts';
import type { Grant } from '../../src/domain/grant.ts';
import { AccountId, ApprovalId } from '../../src/domain/ids.ts';
import { RoleName } from '../../src/domain/person.ts';
import { ALEX, DANA, SLACK } from '../support/approvals.ts';
import { ManualClock, openStore } from '../support/core.ts';
import { runs, timeFor } from '../support/property-runs.ts';

const MANAGER = { role: RoleName.parse('manager') };

function aGrant(id: string, clock: ManualClock): Grant {
  return {
    id,
    rev: 1,
    tool: 'refund',
    version: 1,
    requester: ALEX,
    scope: { kind: 'like', fixed: { currency: 'EUR' }, free: ['order'], most: { amount: 50 } },
    approvers: MANAGER,
    by: { person: DANA, name: 'Dana', account: AccountId.parse('slack:T0/U0DANA') },
    via: SLACK,
    given: approvalId(0),
    atMs: clock.now(),
    untilMs: clock.now() + 60_000,
    times: 4,
    sum: { argument: 'amount', most: 100 },
    uses: [],
  };
}

function approvalId(n: number): ApprovalId {
  return ApprovalId.parse(`apr_p0_${String(n).padStart(12, '0')}`);
}

function aCall(amount: number, order: number) {
  return {
    tool: 'refund',
    version: 1,
    args: { order, amount, currency: 'EUR' },
    requester: ALEX,
    risk: 'medium' as const,
    reversible: true,
    approvers: MANAGER,
  };
}

describe('a standing yes that many calls want at once', () => {
  it(
    'A17 is never used beyond its times and its sum, by whatever processes, and once for each request',
    async () => {
      const one = await openStore();
      const second = await openStore({ url: one.url, prefix: one.keys.prefix });
      const clock = new ManualClock();
      const stores = [one, second].map(({ redis, keys }) => new GrantStore(redis, keys, clock));
      const calls = fc.array(
        fc.record({ n: fc.nat(8), amount: fc.constantFrom(10, 30, 50, 60), process: fc.nat(1) }),
        { minLength: 2, maxLength: 12 },
      );
      let count = 0;
      await fc.assert(
        fc.asyncProperty(calls, async (wanted) => {
          const grant = aGrant(`gr_${String(count++).padStart(10, '0')}`, clock);
          await stores[0]!.give(grant);

          const used = await Promise.all(
            wanted.map(({ n, amount, process }) =>
              stores[process]!.useFor(approvalId(n), aCall(amount, n), () => true),
            ),
          );

          const { uses } = (await stores[0]!.find(grant.id))!;
          expect(uses.length).toBeLessThanOrEqual(4);
          expect(uses.reduce((sum, each) => sum + each.amount, 0)).toBeLessThanOrEqual(100);
          expect(new Set(uses.map(({ approval }) => approval)).size).toBe(uses.length);
          // Whoever was told that they may is among those that count, and those alone.
          const told = wanted.flatMap(({ n }, at) => (used[at] ? [approvalId(n)] : []));
          expect(new Set(told)).toEqual(new Set(uses.map(({ approval }) => approval)));
          clock.advance(60_001); // the next one is alone
        }),
        { numRuns: runs(60) },
      );
    },
    timeFor(30_000),
  );
});
