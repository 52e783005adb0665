import { describe, expect, it } from 'vitest';
import { choicesOf } from '../../../src/approvals/card.ts';
import { AccountId, PersonId } from '../../../src/domain/ids.ts';
import { anApproval } from '../../support/approvals.ts';

describe('what a card of a call nobody knows the outcome of offers', () => {
  const decision = { choice: 'approve', digest: 'd', key: 'k', atMs: 1 } as const;

  it('lets it run again by a yes like the first one', () => {
    const unknown = {
      ...anApproval(),
      state: 'UNKNOWN' as const,
      decision: { ...decision, source: 'policy' as const },
    };

    expect(choicesOf(unknown)).toEqual(['happened', 'did-not-happen', 'retry']);
  });

  it('offers no second run by a standing yes, which nobody could grant', () => {
    const by = { person: PersonId.parse('dana'), name: 'Dana', account: AccountId.parse('slack:U0DANA') };
    const unknown = {
      ...anApproval(),
      state: 'UNKNOWN' as const,
      decision: { ...decision, source: 'grant' as const, by },
    };

    expect(choicesOf(unknown)).toEqual(['happened', 'did-not-happen']);
  });
});
