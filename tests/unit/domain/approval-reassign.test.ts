/** Whoever runs the gateway lets somebody decide in the place of one who was asked; not themselves, if they may not. */
import { describe, expect, it } from 'vitest';
import { type Delegating, delegate } from '../../../src/domain/approval/delegation.ts';
import { AccountId, PersonId } from '../../../src/domain/ids.ts';
import { anApproval, DANA, OPENED_MS } from '../../support/approvals.ts';

const [KIM, LEE] = ['kim', 'lee'].map((id) => PersonId.parse(id)) as [PersonId, PersonId];

/** Kim runs the gateway, and lets somebody decide in Dana's place. */
function reassigned(wish: Partial<Delegating>, approval = anApproval()) {
  const { result, moved } = delegate(
    approval,
    {
      from: { person: DANA, roles: ['manager'] },
      to: { person: LEE },
      by: { person: KIM },
      operates: true,
      copies: [],
      ...wish,
    },
    OPENED_MS + 1,
  );
  return [result.code, moved?.next.delegations?.map(({ to }) => to)];
}

describe('an operator who passes a request on', () => {
  it('OM-185 gives no word to themselves, unless they may decide it anyhow', () => {
    expect(reassigned({})).toEqual(['DONE', [LEE]]);
    expect(reassigned({ to: { person: KIM } })).toEqual(['TO_ONESELF', undefined]);
    expect(reassigned({ to: { person: KIM, decides: false } })).toEqual(['TO_ONESELF', undefined]);
    expect(reassigned({ to: { person: KIM, decides: true } })).toEqual(['DONE', [KIM]]);
  });

  it('OM-185 gives no word to somebody who may not decide approvals at all', () => {
    expect(reassigned({ to: { person: LEE, mute: true } })).toEqual(['NOT_PERMITTED', undefined]);
  });

  it('OM-185 OM-120 passes on no word of whoever only stands in for somebody who is away', () => {
    const dana = { person: DANA, roles: ['manager'] };
    const from = { person: LEE, roles: [], mute: true as const };
    const mia = { person: PersonId.parse('mia') };
    const passing = { from, awayFor: [dana, { person: KIM, roles: [] }], to: mia };

    const { result } = delegate(
      anApproval(),
      { ...passing, by: { person: LEE }, operates: false, copies: [] },
      OPENED_MS + 1,
    );

    expect(result).toMatchObject({ code: 'STANDS_IN', insteadOf: [DANA] });
    expect(reassigned(passing)).toEqual(['STANDS_IN', undefined]);
    expect(reassigned({ from: { ...from, standsFor: [dana] }, to: mia })).toEqual(['DONE', [mia.person]]);
    expect(reassigned({ ...passing, awayFor: [{ person: KIM, roles: [] }] })).toEqual([
      'NOT_ELIGIBLE',
      undefined,
    ]);
  });

  it('OM-185 nor in the name of another operator', () => {
    const operator = { person: LEE };

    expect(reassigned({ operator })).toEqual(['TO_ONESELF', undefined]);
    expect(reassigned({ operator, to: { person: LEE, decides: true } })).toEqual(['DONE', [LEE]]);
  });

  it('OM-185 is none of those on whose behalf it is asked, in whosever name', () => {
    const approval = anApproval({ request: { accounts: [AccountId.parse('cli:sam')] } });
    const sam = { person: PersonId.parse('sam'), accounts: [AccountId.parse('cli:sam')] };

    expect(reassigned({ operator: sam }, approval)).toEqual(['NOT_ELIGIBLE', undefined]);
    expect(reassigned({ by: sam }, approval)).toEqual(['NOT_ELIGIBLE', undefined]);
  });
});
