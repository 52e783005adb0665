import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decideTool } from '../../../../src/agent/tools/compound-call.ts';
import { decideCall, type PolicyDecision, strictest } from '../../../../src/agent/tools/tool-policy.ts';
import { PersonId } from '../../../../src/domain/ids.ts';
import { RoleName } from '../../../../src/domain/person.ts';
import { type Approvers, isQuorum, type Voter } from '../../../../src/domain/quorum.ts';
import type { Tool } from '../../../../src/domain/tool.ts';
import { runs } from '../../../support/property-runs.ts';
import { createTestTools, rules, type WrittenRule } from '../../../support/tools.ts';

const [MANAGER, FINANCE, MEMBER] = ['manager', 'finance', 'member'].map((role) => RoleName.parse(role)) as [
  RoleName,
  RoleName,
  RoleName,
];
const [DANA, CARL, LEE, KIM] = ['dana', 'carl', 'lee', 'kim'].map((id) => PersonId.parse(id)) as [
  PersonId,
  PersonId,
  PersonId,
  PersonId,
];
const ROLES = [MANAGER, FINANCE, MEMBER];

const asking = (approvers: Approvers, rule = 'r'): PolicyDecision => ({
  kind: 'ask',
  rule,
  approvers,
  policy: 'default',
  channel: undefined,
});
const allOf = (...of: Approvers[]): Approvers => ({ atLeast: of.length, of });
const anyOf = (...of: Approvers[]): Approvers => ({ atLeast: 1, of });

/** Who has to agree where all of these are asked. */
function jointOf(...all: readonly Approvers[]): Approvers {
  const joint = strictest(all.map((approvers) => asking(approvers)));
  if (joint.kind !== 'ask') throw new Error(`nobody is asked: ${joint.rule}`);
  return joint.approvers;
}

describe('several decisions that ask, joined', () => {
  it.each<[string, Approvers[], Approvers]>([
    [
      'a role that stands in a group of the other',
      [allOf({ role: MANAGER }, { role: FINANCE }), { role: MANAGER }],
      allOf({ role: MANAGER }, { role: FINANCE }),
    ],
    [
      'a person who stands in a group of the other',
      [allOf({ person: DANA }, { role: FINANCE }), { person: DANA }],
      allOf({ person: DANA }, { role: FINANCE }),
    ],
    [
      'groups in groups',
      [allOf(allOf({ role: MANAGER }, { person: LEE }), { role: FINANCE }), anyOf(allOf({ person: LEE }))],
      allOf({ role: MANAGER }, { person: LEE }, { role: FINANCE }),
    ],
    [
      'more of a role',
      [allOf({ role: MEMBER }, { role: MANAGER }), { role: MANAGER, count: 2 }],
      allOf({ role: MEMBER }, { role: MANAGER, count: 2 }),
    ],
    [
      'the same groups of which some are enough, in another order',
      [
        allOf({ role: FINANCE }, anyOf({ person: LEE }, { role: MANAGER })),
        anyOf({ role: MANAGER, count: 1 }, { person: LEE }),
      ],
      allOf({ role: FINANCE }, anyOf({ role: MANAGER, count: 1 }, { person: LEE })),
    ],
  ])('want nobody twice for %s', (_what, all, joint) => {
    const reached = (approvers: Approvers) =>
      TEAMS.map((team) => isQuorum(approvers, team)).map((each) => (each ? 'yes' : 'no'));

    expect(reached(jointOf(...all))).toEqual(reached(joint));
    expect(reached(jointOf(...all.toReversed()))).toEqual(reached(joint));
  });

  it('OM-120 want as many as one of them alone, where that one names the same twice', () => {
    const two = allOf({ role: MANAGER }, { role: MANAGER });

    for (const joint of [jointOf(two), jointOf(two, { role: MANAGER }), jointOf({ role: MANAGER }, two)]) {
      expect(joint).toEqual({ role: MANAGER, count: 2 });
    }
    expect(jointOf(allOf(two, { role: MANAGER, count: 2 }), two)).toEqual({ role: MANAGER, count: 4 });
    expect(jointOf(allOf({ person: DANA }, { person: DANA }), { person: DANA })).toEqual(
      allOf({ person: DANA }, { person: DANA }),
    );
  });

  it('OM-120 are reached by nobody who does not reach each of them alone, whatever groups they name', () => {
    fc.assert(
      fc.property(fc.array(tree(2), { minLength: 1, maxLength: 3 }), voters, (all, people) => {
        const joint = strictest(all.map((each) => asking(each)));
        if (joint.kind !== 'ask' || !isQuorum(joint.approvers, people)) return;

        expect(all.map((each) => isQuorum(each, people))).not.toContain(false);
      }),
      { numRuns: runs(2_000) },
    );
  });

  it('OM-120 where each wants all it names, are reached exactly where one place for each reaches them all', () => {
    fc.assert(
      fc.property(fc.array(whole(2), { minLength: 1, maxLength: 3 }), voters, (all, people) => {
        const joint = strictest(all.map((each) => asking(each)));
        // More than 12 places are refused; five people do not fill them.
        if (joint.kind !== 'ask') return;

        expect(isQuorum(joint.approvers, people)).toBe(
          inOnePlace(people).some((placed) => all.every((each) => isQuorum(each, placed))),
        );
      }),
      { numRuns: runs(1_000) },
    );
  });

  it('OM-120 are reached exactly where each is, by people who have one place each', () => {
    const people = fc
      .subarray(
        ROLES.flatMap((role) => [1, 2, 3].map((n) => ({ person: PersonId.parse(`${role}-${n}`), role }))),
      )
      .map((some) => some.map(({ person, role }): Voter => ({ person, roles: [role] })));
    const nameless = fc
      .subarray([DANA, CARL])
      .map((some) => some.map((person): Voter => ({ person, roles: [] })));
    fc.assert(
      fc.property(
        fc.array(whole(2, [DANA, CARL]), { minLength: 1, maxLength: 3 }),
        fc.tuple(people, nameless).map((some) => some.flat()),
        (all, there) => {
          const joint = strictest(all.map((each) => asking(each)));
          if (joint.kind !== 'ask') return;

          expect(isQuorum(joint.approvers, there)).toBe(all.every((each) => isQuorum(each, there)));
        },
      ),
      { numRuns: runs(2_000) },
    );
  });

  it('are the same whether they are joined at once or one after the other, and as often as they are', () => {
    fc.assert(
      fc.property(tree(2), tree(2), tree(2), (one, two, three) => {
        const [a, b, c] = [asking(one, 'a'), asking(two, 'b'), asking(three, 'c')];
        const atOnce = strictest([a, b, c]);

        expect(strictest([strictest([a, b]), c])).toEqual(atOnce);
        expect(strictest([a, strictest([b, c])])).toEqual(atOnce);
        expect(strictest([atOnce, b, atOnce, a])).toEqual(atOnce);
      }),
      { numRuns: runs(500) },
    );
  });
});

describe('a call that cannot be told', () => {
  const who = { roles: ['member'], platform: 'slack' };
  const refund = (written: WrittenRule[], args: unknown) =>
    decideCall(rules(...written), { ...who, tool: 'refund', groups: [], effect: 'once', args });
  const big = (approvers: WrittenLeaf): WrittenRule => ({
    name: 'big',
    tool: 'refund',
    when: { amount: '> 100' },
    decision: 'ask',
    approvers: { all: [approvers, { role: 'finance' }] },
  });
  const any = (approvers: WrittenLeaf): WrittenRule => ({
    name: 'any',
    tool: 'refund',
    decision: 'ask',
    approvers,
  });

  it.each<[string, WrittenLeaf]>([
    ['manager', { role: 'manager' }],
    ['dana', { person: 'dana' }],
  ])('OM-120 does not want the same %s once for each rule that may be meant', (_who, approvers) => {
    const decision = refund([big(approvers), any(approvers)], { amount: '120 EUR' });

    expect(decision).toMatchObject({ kind: 'ask', rule: 'big · any' });
    const people = [
      { person: DANA, roles: ['manager'] },
      { person: CARL, roles: ['finance'] },
    ];
    expect(isQuorum(approversOf(decision), people)).toBe(true);
    expect(isQuorum(approversOf(decision), people.slice(0, 1))).toBe(false);
    expect(isQuorum(approversOf(decision), people.slice(1))).toBe(false);
  });

  it('OM-120 does not want the same people once more for each step of a plan', () => {
    const written: WrittenRule[] = [
      {
        name: 'staging',
        tool: 'deploy',
        when: { env: 'staging' },
        decision: 'ask',
        approvers: { role: 'member' },
      },
      { name: 'others', tool: 'deploy', decision: 'ask', approvers: { role: 'manager', count: 2 } },
    ];
    const [deploy] = createTestTools().filter(({ name }) => name === 'deploy') as [Tool];
    const steps = [['prod'], 'prod', ['test']].map((env) => ({ tool: deploy, args: { env } }));
    const plan: Tool = { ...deploy, name: 'plan', effect: 'read', calls: () => steps };

    expect(decideTool(rules(...written), plan, {}, who)).toMatchObject({
      kind: 'ask',
      rule: 'staging · others',
      approvers: allOf({ role: MEMBER }, { role: MANAGER, count: 2 }),
    });
  });
});

type WrittenLeaf = { readonly role: string } | { readonly person: string };

function approversOf(decision: PolicyDecision): Approvers {
  if (decision.kind !== 'ask') throw new Error(`nobody is asked: ${decision.rule}`);
  return decision.approvers;
}

/** Every team of four people, each of them with no role or with one. */
const TEAMS: readonly (readonly Voter[])[] = [DANA, CARL, LEE, KIM].reduce<Voter[][]>(
  (teams, person) =>
    teams.flatMap((team) => [
      team,
      ...[[], ...ROLES.map((role) => [role])].map((roles) => [...team, { person, roles }]),
    ]),
  [[]],
);

const voters = fc.uniqueArray(
  fc.record({ person: fc.constantFrom(DANA, CARL, LEE, KIM), roles: fc.subarray<string>(ROLES) }),
  { selector: ({ person }) => person, maxLength: 4 },
);

function leaf(people: readonly PersonId[]): fc.Arbitrary<Approvers> {
  const role = fc.constantFrom(...ROLES);
  return fc.oneof(
    fc.record({ person: fc.constantFrom(...people) }),
    fc.record({ role, count: fc.integer({ min: 1, max: 2 }) }),
    fc.record({ role }),
  );
}

/** Of any shape. */
function tree(depth: number): fc.Arbitrary<Approvers> {
  if (depth === 0) return leaf([DANA, CARL]);
  const group = fc
    .array(tree(depth - 1), { minLength: 1, maxLength: 3 })
    .chain((of) => fc.integer({ min: 1, max: of.length }).map((atLeast) => ({ atLeast, of })));
  return fc.oneof(leaf([DANA, CARL]), group);
}

/** Whatever it names, all of it is wanted. */
function whole(depth: number, people: readonly PersonId[] = [DANA, CARL]): fc.Arbitrary<Approvers> {
  if (depth === 0) return leaf(people);
  const group = fc
    .array(whole(depth - 1, people), { minLength: 1, maxLength: 3 })
    .map((of) => ({ atLeast: of.length, of }));
  return fc.oneof(leaf(people), group);
}

/** Every way to have each of them stand for one of their roles only, or for nobody but themselves. */
function inOnePlace(people: readonly Voter[]): readonly (readonly Voter[])[] {
  return people.reduce<Voter[][]>(
    (placed, { person, roles }) => {
      const ways = [
        { person, roles: [] },
        ...roles.map((role) => ({ person: PersonId.parse(`${person}-of-${role}`), roles: [role] })),
      ];
      return placed.flatMap((before) => ways.map((way) => [...before, way]));
    },
    [[]],
  );
}
