import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PersonId } from '../../../src/domain/ids.ts';
import { RoleName } from '../../../src/domain/person.ts';
import { type Approvers, isApprover, isQuorum, placesIn, type Voter } from '../../../src/domain/quorum.ts';

const [DANA, CARL, LEE] = ['dana', 'carl', 'lee'].map((id) => PersonId.parse(id)) as [
  PersonId,
  PersonId,
  PersonId,
];
const [manager, finance] = ['manager', 'finance'].map((role) => RoleName.parse(role)) as [RoleName, RoleName];
const dana: Voter = { person: DANA, roles: [manager, finance] };
const carl: Voter = { person: CARL, roles: [manager] };
const lee: Voter = { person: LEE, roles: [] };

const PEOPLE = ['a', 'b', 'c', 'd', 'e'].map((id) => PersonId.parse(id));
const ROLES = ['r', 's', 't'].map((role) => RoleName.parse(role));

const voters = fc.uniqueArray(
  fc.record({ person: fc.constantFrom(...PEOPLE), roles: fc.subarray<string>(ROLES) }),
  { selector: ({ person }) => person, maxLength: 5 },
);

function tree(depth: number): fc.Arbitrary<Approvers> {
  const leaf = fc.oneof(
    fc.record({ person: fc.constantFrom(...PEOPLE) }),
    fc.record({ role: fc.constantFrom(...ROLES), count: fc.integer({ min: 1, max: 3 }) }),
  );
  if (depth === 0) return leaf;
  const group = fc
    .array(tree(depth - 1), { minLength: 1, maxLength: 3 })
    .chain((of) => fc.integer({ min: 1, max: of.length }).map((atLeast) => ({ atLeast, of })));
  return fc.oneof(leaf, group);
}

/** Some of whom say yes for others as well, or were entered by somebody; what a word is worth may differ by who says it. */
const standIns = fc
  .uniqueArray(fc.constantFrom(...PEOPLE), { maxLength: 4 })
  .chain((people) =>
    fc.tuple(
      ...people.map((person) =>
        fc.tuple(
          fc.constant(person),
          rolesOf(),
          wordsFor(person),
          fc.boolean(),
          fc.option(fc.constantFrom(...PEOPLE), { nil: undefined, freq: 2 }),
        ),
      ),
    ),
  )
  .map((all) =>
    all.map(
      ([person, roles, standsFor, isMute, enteredBy]): Voter => ({
        person,
        roles,
        standsFor,
        enteredBy,
        ...(isMute ? { mute: true } : {}),
      }),
    ),
  );

function rolesOf(): fc.Arbitrary<string[]> {
  return fc.subarray<string>(ROLES);
}

function wordsFor(voter: PersonId): fc.Arbitrary<{ person: PersonId; roles: string[] }[]> {
  const others = PEOPLE.filter((person) => person !== voter);
  return fc.array(fc.record({ person: fc.constantFrom(...others), roles: rolesOf() }), { maxLength: 2 });
}

interface Numbered {
  readonly node: Approvers;
  readonly places: readonly number[];
  readonly children: readonly Numbered[];
}

/**
 * By trying everything: every way to give each person one place, or none; for themselves, or for somebody else; and to
 * each human one, in whosever name they say it.
 */
function isQuorumByTrying(approvers: Approvers, people: readonly Voter[]): boolean {
  const places: { leaf: Approvers; index: number }[] = [];
  const number = (node: Approvers): Numbered => {
    if ('of' in node) return { node, places: [], children: node.of.map(number) };
    const count = 'role' in node ? (node.count ?? 1) : 1;
    const own = Array.from({ length: count }, () => places.push({ leaf: node, index: places.length }) - 1);
    return { node, places: own, children: [] };
  };
  const root = number(approvers);
  const isFilled = (at: Numbered, filled: ReadonlySet<number>): boolean =>
    'of' in at.node
      ? at.children.filter((child) => isFilled(child, filled)).length >= at.node.atLeast
      : at.places.every((place) => filled.has(place));
  const place = (
    left: readonly Voter[],
    filled: ReadonlySet<number>,
    spokenFor: ReadonlySet<PersonId>,
    heard: ReadonlySet<PersonId>,
  ): boolean => {
    if (isFilled(root, filled)) return true;
    const [first, ...others] = left;
    if (!first) return false;
    const human = first.enteredBy ?? first.person;
    const words = [...(first.mute ? [] : [first]), ...(first.standsFor ?? [])].filter(
      ({ person }) => !spokenFor.has(person),
    );
    return (
      place(others, filled, spokenFor, heard) ||
      (!heard.has(human) &&
        words.some(({ person, roles }) =>
          places.some(
            ({ leaf, index }) =>
              !filled.has(index) &&
              ('person' in leaf ? leaf.person === person : 'role' in leaf && roles.includes(leaf.role)) &&
              place(
                others,
                new Set([...filled, index]),
                new Set([...spokenFor, person]),
                new Set([...heard, human]),
              ),
          ),
        ))
    );
  };
  return place(people, new Set(), new Set(), new Set());
}

describe('a quorum', () => {
  it('of one role is reached by anyone who holds it, and by nobody else', () => {
    expect(isQuorum({ role: manager }, [carl])).toBe(true);
    expect(isQuorum({ role: manager }, [lee])).toBe(false);
    expect(isQuorum({ person: DANA }, [carl])).toBe(false);
  });

  it('of two holders of a role takes two people, not one twice', () => {
    const two: Approvers = { role: manager, count: 2 };

    expect(isQuorum(two, [dana, dana])).toBe(false);
    expect(isQuorum(two, [dana, carl])).toBe(true);
  });

  it('of a manager and somebody from finance is two people, whoever holds both roles', () => {
    const both: Approvers = { atLeast: 2, of: [{ role: manager }, { role: finance }] };

    expect(isQuorum(both, [dana])).toBe(false);
    // Dana has to stand for finance, because only she can.
    expect(isQuorum(both, [dana, carl])).toBe(true);
    expect(isQuorum(both, [carl, lee])).toBe(false);
  });

  it('nests: the director, or two of three groups', () => {
    const approvers: Approvers = {
      atLeast: 1,
      of: [{ person: LEE }, { atLeast: 2, of: [{ role: manager }, { role: finance }, { person: CARL }] }],
    };

    expect(isQuorum(approvers, [lee])).toBe(true);
    expect(isQuorum(approvers, [carl])).toBe(false);
    expect(isQuorum(approvers, [carl, dana])).toBe(true);
    expect(placesIn(approvers)).toBe(4);
  });

  it('A4 is reached by exactly those who could each be given a place of their own', () => {
    fc.assert(
      fc.property(tree(2), voters, (approvers, people) => {
        fc.pre(placesIn(approvers) <= 7);
        expect(isQuorum(approvers, people)).toBe(isQuorumByTrying(approvers, people));
      }),
      { numRuns: 500 },
    );
  });

  it('A4 is reached by the same when some say yes for others, and no word counts twice', () => {
    fc.assert(
      fc.property(tree(2), standIns, (approvers, people) => {
        fc.pre(placesIn(approvers) <= 5);
        expect(isQuorum(approvers, people)).toBe(isQuorumByTrying(approvers, people));
      }),
      { numRuns: 3_000 },
    );
  });

  it('A4 of two is two humans: what one of them writes down in the name of others is still one word', () => {
    const two: Approvers = { role: manager, count: 2 };
    const byDana = { ...carl, enteredBy: DANA };

    expect(isQuorum(two, [dana, byDana])).toBe(false);
    expect(isQuorum(two, [byDana, { ...carl, person: LEE, enteredBy: DANA }])).toBe(false);
    expect(isQuorum(two, [byDana, { ...carl, person: LEE }])).toBe(true);
  });

  it('A4 takes no word of their own of whoever may not approve, though they are named, and that of others all the same', () => {
    const named: Approvers = { atLeast: 1, of: [{ person: DANA }, { role: finance }] };
    const mute: Voter = {
      person: DANA,
      roles: [finance],
      mute: true,
      standsFor: [{ person: CARL, roles: [manager] }],
    };

    expect([isApprover(named, mute), isQuorum(named, [mute])]).toEqual([false, false]);
    expect([isApprover({ role: manager }, mute), isQuorum({ role: manager }, [mute])]).toEqual([true, true]);
  });

  it('takes the word of one person as whoever says it may say it, when their roles changed in between', () => {
    const both: Approvers = { atLeast: 2, of: [{ role: manager }, { role: finance }] };
    const asManager: Voter = { person: CARL, roles: [], standsFor: [{ person: DANA, roles: [manager] }] };
    const asFinance: Voter = { person: LEE, roles: [], standsFor: [{ person: DANA, roles: [finance] }] };

    expect(isQuorum(both, [asManager, asFinance])).toBe(false);
    expect(isQuorum(both, [asManager, { ...asFinance, roles: [manager] }])).toBe(false);
    expect(isQuorum(both, [{ ...asManager, roles: [manager] }, asFinance])).toBe(true);
  });

  it('of forty people who speak for one another and cannot agree is judged in few steps', () => {
    const ids = Array.from({ length: 40 }, (_, n) => PersonId.parse(`p${n}`));
    let looks = 0;
    const roles: string[] = Object.assign([manager], {
      includes: (role: string) => {
        looks += 1;
        if (looks > 10_000) throw new Error('it does not come to an end');
        return role === manager;
      },
    });
    const people = ids.map(
      (person, n): Voter => ({ person, roles, standsFor: [{ person: ids[(n + 1) % 40]!, roles }] }),
    );
    const both: Approvers = { atLeast: 2, of: [{ role: manager, count: 11 }, { role: finance }] };

    expect(isQuorum(both, people)).toBe(false);
    expect(looks).toBeLessThanOrEqual(40 * 2 * 2);
  });

  it('is not lost by one more yes, and not won by somebody who is no approver', () => {
    fc.assert(
      fc.property(tree(2), voters, (approvers, people) => {
        fc.pre(placesIn(approvers) <= 12);
        const before = isQuorum(approvers, people);
        const others = people.filter((voter) => isApprover(approvers, voter));
        expect(isQuorum(approvers, others)).toBe(before);
        if (isQuorum(approvers, people.slice(1))) expect(before).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});
