import { describe, expect, it } from 'vitest';
import { PersonId } from '../../../src/domain/ids.ts';
import { together, wantTheSame } from '../../../src/domain/joint-approvers.ts';
import { RoleName } from '../../../src/domain/person.ts';
import type { Approvers } from '../../../src/domain/quorum.ts';

const MANAGER: Approvers = { role: RoleName.parse('manager') };
const FINANCE: Approvers = { role: RoleName.parse('finance') };
const DANA: Approvers = { person: PersonId.parse('dana') };
const LEE: Approvers = { person: PersonId.parse('lee') };

const allOf = (...of: Approvers[]): Approvers => ({ atLeast: of.length, of });
const anyOf = (...of: Approvers[]): Approvers => ({ atLeast: 1, of });

describe('who has to agree, written in two ways', () => {
  it.each<[string, Approvers, Approvers]>([
    [
      'as rules were joined before',
      allOf(allOf(MANAGER, FINANCE), DANA),
      together([allOf(MANAGER, FINANCE), DANA]),
    ],
    ['a group of one', anyOf(DANA), DANA],
    ['one of a role, and a role', { ...MANAGER, count: 1 }, MANAGER],
    ['two of a role, and the role twice', { ...MANAGER, count: 2 }, allOf(MANAGER, MANAGER)],
    ['another order', allOf(DANA, FINANCE), allOf(FINANCE, DANA)],
    ['another order in a group', anyOf(DANA, FINANCE), anyOf(FINANCE, DANA)],
  ])('OM-120 is the same: %s', (_what, one, other) => {
    expect(wantTheSame(one, other)).toBe(true);
    expect(wantTheSame(other, one)).toBe(true);
  });

  it.each<[string, Approvers, Approvers]>([
    ['another person', DANA, LEE],
    ['more of a role', { ...MANAGER, count: 2 }, MANAGER],
    ['one of two, and both', anyOf(DANA, LEE), allOf(DANA, LEE)],
    ['one more', allOf(DANA, FINANCE), DANA],
    ['more of a role in a group', anyOf(DANA, { ...MANAGER, count: 2 }), anyOf(DANA, MANAGER)],
  ])('OM-120 is not the same: %s', (_what, one, other) => {
    expect(wantTheSame(one, other)).toBe(false);
    expect(wantTheSame(other, one)).toBe(false);
  });
});
