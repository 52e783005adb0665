import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Problem } from '../../../src/api/problem.ts';
import { groundsOf } from '../../../src/api/request-check.ts';
import { EscalationPolicy } from '../../../src/config/escalation.ts';
import { PersonId } from '../../../src/domain/ids.ts';
import { type Approvers, leavesOf } from '../../../src/domain/quorum.ts';
import { aClient } from '../../support/api.ts';

const POLICY = EscalationPolicy.parse({ deadline: '1h' });
const POLICIES = { default: POLICY, urgent: POLICY };

const leaf: fc.Arbitrary<Approvers> = fc.oneof(
  fc.constantFrom('manager', 'finance', 'director').map((role) => ({ role }) as Approvers),
  fc.constantFrom('dana', 'alex', 'carl').map((person) => ({ person: PersonId.parse(person) })),
  fc.constantFrom('primary', 'manager').map((onCall) => ({ onCall })),
);
const approversTree = fc.letrec<{ tree: Approvers }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 3 },
    leaf,
    fc
      .array(tie('tree'), { minLength: 1, maxLength: 3 })
      .map((of): Approvers => ({ atLeast: of.length, of })),
  ),
})).tree;

function codeOf(work: () => unknown): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    if (error instanceof Problem) return error.code;
    throw error;
  }
}

describe('whom a client may ask', () => {
  it('is exactly those it is configured for, however they are combined', () => {
    const settings = aClient({ asks: [{ role: 'manager' }, { person: 'dana' }, { on_call: 'primary' }] });
    let refused = 0;

    fc.assert(
      fc.property(approversTree, (approvers) => {
        const isFree = leavesOf(approvers).every((each) =>
          'role' in each
            ? each.role === 'manager'
            : 'onCall' in each
              ? each.onCall === 'primary'
              : each.person === 'dana',
        );
        const code = codeOf(() => groundsOf('shop', settings, { approvers }, POLICIES));
        if (code !== undefined) refused++;
        expect(code).toBe(isFree ? undefined : 'NOT_ALLOWED');
      }),
    );
    expect(refused).toBeGreaterThan(0);
  });

  it('is nobody, and by no policy, unless something is named', () => {
    const nobody = aClient({ asks: [] });
    const approvers: Approvers = { person: PersonId.parse('dana') };

    expect(codeOf(() => groundsOf('shop', nobody, { approvers }, POLICIES))).toBe('NOT_ALLOWED');
    for (const name of ['urgent', 'toString', '__proto__', 'constructor']) {
      const settings = aClient({ asks: [{ person: 'dana' }] });
      expect(codeOf(() => groundsOf('shop', settings, { approvers, policy: name }, POLICIES))).toBe(
        'UNKNOWN_POLICY',
      );
      expect(codeOf(() => groundsOf('shop', settings, { rule: name }, POLICIES))).toBe('UNKNOWN_RULE');
    }
  });

  it('comes with a preset, policy included, whomever it names', () => {
    const presets = { refunds: { approvers: { role: 'finance', count: 2 }, policy: 'urgent' } };
    const settings = aClient({ asks: [], presets });

    const grounds = groundsOf('shop', settings, { rule: 'refunds' }, POLICIES);

    expect(grounds).toMatchObject({
      approvers: { role: 'finance', count: 2 },
      policyName: 'urgent',
      rule: 'shop: refunds',
    });
  });

  it('is asked on behalf of nobody but those it is configured for', () => {
    const settings = aClient({ asks: [{ role: 'manager' }], asks_for: ['alex'] });
    const ask = (requester: string) =>
      codeOf(() => {
        const wish = { rule: undefined, approvers: aManager(), requester: PersonId.parse(requester) };
        return groundsOf('shop', settings, wish, POLICIES);
      });

    expect([ask('alex'), ask('dana')]).toEqual([undefined, 'NOT_ALLOWED']);
  });
});

function aManager(): Approvers {
  return { role: 'manager' };
}
