import { describe, expect, it } from 'vitest';
import { delegatorsOf } from '../../../src/domain/approval/delegation-chain.ts';
import { PersonId } from '../../../src/domain/ids.ts';

/** `a>b`: a lets b decide. */
function delegators(person: string, ...passed: readonly string[]): string[] {
  const delegations = passed.map((each) => {
    const [from, to] = each.split('>').map((name) => PersonId.parse(name));
    return { from: from!, to: to!, by: from!, atMs: 0 };
  });
  return delegatorsOf({ delegations }, PersonId.parse(person));
}

describe('whose word somebody may speak', () => {
  it('is that of everybody who lets them, however many those are', () => {
    expect(delegators('eve', 'ann>eve', 'bea>eve', 'cat>eve', 'dot>eve')).toEqual([
      'ann',
      'bea',
      'cat',
      'dot',
    ]);
  });

  it('is passed on three times at most, by the shortest way', () => {
    const chain = ['ann>bea', 'bea>cat', 'cat>dot', 'dot>eve'];

    expect(delegators('eve', ...chain)).toEqual(['dot', 'cat', 'bea']);
    expect(delegators('eve', ...chain, 'ann>dot')).toEqual(['dot', 'cat', 'ann', 'bea']);
  });

  it('is nobody’s own, also where it comes back', () => {
    expect(delegators('ann', 'ann>bea', 'bea>ann')).toEqual(['bea']);
  });
});
