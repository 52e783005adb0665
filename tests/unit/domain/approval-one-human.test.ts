/** Words that one human says in several names: at a terminal, for somebody who is not there. They are one word. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { noticeFor } from '../../../src/approvals/sentences.ts';
import { claim, loseTrack } from '../../../src/domain/approval/execution.ts';
import { type Finder, reconcile } from '../../../src/domain/approval/reconciliation.ts';
import type { Approval, ApprovalPolicy, Step } from '../../../src/domain/approval/record.ts';
import { type Vote, type VoteResult, vote } from '../../../src/domain/approval/voting.ts';
import { AccountId, PersonId } from '../../../src/domain/ids.ts';
import { RoleName } from '../../../src/domain/person.ts';
import { accountOf, anApproval, aVote, LEASE_MS, OPENED_MS, SLACK } from '../../support/approvals.ts';
import { runs } from '../../support/property-runs.ts';

const MANAGER = RoleName.parse('manager');
const NOW_MS = OPENED_MS + 1;
const LATER_MS = OPENED_MS + 10 * LEASE_MS;

function ofTwo(policy: Partial<ApprovalPolicy> = {}): Approval {
  const choices: ApprovalPolicy['choices'] = ['approve', 'deny', 'answer', 'edit', 'take-back'];
  return anApproval({ policy: { approvers: { role: MANAGER, count: 2 }, choices, ...policy } });
}

/** @param operator who says it, where that is not the person themselves */
function word(
  approval: Approval,
  person: string,
  operator?: string,
  choice: Vote['choice'] = 'approve',
): Vote {
  return aVote(approval, {
    person,
    choice,
    key: `${choice} of ${person} by ${operator ?? person}`,
    ...(operator === undefined ? {} : { operator: { person: PersonId.parse(operator) } }),
  });
}

function cast(
  approval: Approval,
  ...said: Parameters<typeof word> extends [unknown, ...infer W] ? W : never
) {
  const { result, moved } = vote(approval, word(approval, ...said), NOW_MS);
  return { result, code: result.code, after: moved?.next ?? approval };
}

function next({ moved }: Step<unknown>): Approval {
  if (!moved) throw new Error('nothing has changed');
  return moved.next;
}

function reasonOf(result: VoteResult): string | undefined {
  return 'reason' in result ? result.reason : undefined;
}

describe('a yes that somebody writes down in the name of another', () => {
  it('A4 is kept with who wrote it down, and is their one word', () => {
    const said = cast(ofTwo(), 'lee', 'dana').after;

    const own = cast(said, 'dana');
    const another = cast(said, 'sam', 'dana');

    expect(said.assents).toMatchObject([{ by: { person: 'lee' }, enteredBy: 'dana' }]);
    for (const { code, result, after } of [own, another]) {
      expect([code, reasonOf(result), after]).toEqual(['NOT_ELIGIBLE', 'has-spoken', said]);
    }
    expect(cast(said, 'sam')).toMatchObject({ code: 'DECIDED', after: { state: 'APPROVED' } });
  });

  it('A4 is not a second one, once they have said yes themselves', () => {
    const said = cast(ofTwo(), 'dana').after;

    const again = cast(said, 'lee', 'dana');

    expect([again.code, reasonOf(again.result), again.after]).toEqual(['NOT_ELIGIBLE', 'has-spoken', said]);
    expect(cast(said, 'lee', 'kim').after.state).toBe('APPROVED');
  });

  it('gives way to what that person says themselves, and then whoever wrote it down has a word of their own', () => {
    const entered = cast(ofTwo(), 'lee', 'dana').after;

    const own = cast(entered, 'lee');
    const both = cast(own.after, 'dana');

    expect(own.code).toBe('RECORDED');
    expect(own.after.assents).toHaveLength(1);
    expect(own.after.assents?.[0]?.enteredBy).toBeUndefined();
    expect(both.after.state).toBe('APPROVED');
    // It counts once, and is known when it is delivered again.
    expect(cast(own.after, 'lee', 'dana').code).toBe('REPLAY');
    expect(cast(own.after, 'lee', 'kim').after).toEqual(own.after);
  });

  it('A4 is not what a yes of their own is judged by, where they may do more by then and decide by themselves', () => {
    const DIRECTOR = RoleName.parse('director');
    const entered = cast(
      ofTwo({ approvers: { atLeast: 1, of: [{ role: MANAGER, count: 2 }, { role: DIRECTOR }] } }),
      'lee',
      'dana',
    ).after;

    const promoted = { ...word(entered, 'lee'), roles: [MANAGER, DIRECTOR] };
    const after = next(vote(entered, promoted, NOW_MS));

    expect(after).toMatchObject({ state: 'APPROVED', decision: { by: { person: 'lee' } } });
    expect(after.assents).toMatchObject([{ by: { person: 'lee' }, roles: [MANAGER, DIRECTOR] }]);
    expect(after.assents?.[0]?.enteredBy).toBeUndefined();
    expect(after.spent).toContain('approve of lee by dana');
  });

  it('is unsaid by either of them', () => {
    const entered = cast(ofTwo(), 'lee', 'dana').after;

    for (const person of ['lee', 'dana']) {
      expect(cast(entered, person, undefined, 'take-back').after.assents).toEqual([]);
    }
    expect(cast(entered, 'sam', undefined, 'take-back').code).toBe('INVALID');
  });

  it('A4 comes from nobody on whose behalf it is asked, by whatever account', () => {
    const approval = ofTwo({ approvers: { role: MANAGER } });
    const theirs = anApproval({
      request: { accounts: [AccountId.parse('cli:kim')] },
      policy: { approvers: { role: MANAGER } },
    });
    const kim = { person: PersonId.parse('kim'), accounts: [AccountId.parse('cli:kim')] };

    expect(reasonOf(cast(approval, 'lee', 'alex').result)).toBe('requester');
    expect(reasonOf(vote(theirs, { ...word(theirs, 'lee'), operator: kim }, NOW_MS).result)).toBe(
      'requester',
    );
  });

  it('OM-124 replaces nothing that person has said themselves, and they are named as the one who can', () => {
    const approval = ofTwo({ denyRule: 'enough' });
    const no = cast(approval, 'lee', undefined, 'deny').after;
    const yes = cast(approval, 'lee').after;

    const instead = [
      cast(no, 'lee', 'dana'),
      cast(no, 'lee', 'dana', 'take-back'),
      cast(yes, 'lee', 'dana', 'deny'),
      cast(yes, 'lee', 'dana', 'answer'),
      cast(yes, 'lee', 'dana', 'take-back'),
    ];

    for (const { code, result } of instead)
      expect([code, reasonOf(result)]).toEqual(['NOT_ELIGIBLE', 'own-word']);
    expect(instead.map(({ after }) => after)).toEqual([no, no, yes, yes, yes]);
    expect(noticeFor(instead[0]!.result)).toBe(
      'lee has said no here themselves; only lee can take that back. Nothing was decided.',
    );
    expect(cast(no, 'lee', 'dana', 'deny').after).toEqual(no);
    // What was entered for them is replaced as before.
    expect(cast(cast(approval, 'lee', 'kim', 'deny').after, 'lee', 'dana').after.assents).toHaveLength(1);
  });

  it('ends nothing by itself where one no is not enough, in however many names it is said', () => {
    const approval = ofTwo({ denyRule: 'enough' });
    const first = cast(approval, 'lee', 'dana', 'deny').after;

    const second = cast(first, 'sam', 'dana', 'deny');

    expect([second.code, reasonOf(second.result), second.after]).toEqual([
      'NOT_ELIGIBLE',
      'has-spoken',
      first,
    ]);
  });

  it('counts anew for other arguments, and as one word', () => {
    const entered = cast(ofTwo(), 'lee', 'dana').after;
    const edit = { args: { order: 7, amount: 40, currency: 'EUR' } };

    const { moved } = vote(entered, { ...word(entered, 'dana', undefined, 'edit'), edit }, NOW_MS);

    expect(moved?.next.assents).toMatchObject([{ by: { person: 'dana' } }]);
    expect(cast(moved!.next, 'sam', 'dana').code).toBe('NOT_ELIGIBLE');
  });

  it('A4 whoever says what in whosever name, as many humans have said yes as it takes', () => {
    const people = ['dana', 'lee', 'sam', 'kim'];
    const said = fc.record({
      person: fc.constantFrom(...people),
      operator: fc.option(fc.constantFrom(...people), { nil: undefined }),
      choice: fc.constantFrom<Vote['choice'][]>('approve', 'approve', 'approve', 'deny', 'take-back'),
    });
    let reached = 0;
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 3 }),
        fc.array(said, { minLength: 2, maxLength: 12 }),
        (count, all) => {
          let approval = ofTwo({ approvers: { role: MANAGER, count }, denyRule: 'enough' });
          for (const [n, { person, operator, choice }] of all.entries()) {
            const each = { ...word(approval, person, operator, choice), key: `${n}` };
            approval = vote(approval, each, NOW_MS).moved?.next ?? approval;
            const words = [...(approval.assents ?? []), ...(approval.dissents ?? [])];
            const humans = words.map(({ by, enteredBy }) => enteredBy ?? by.person);
            expect(new Set(humans).size).toBe(humans.length);
          }
          if (approval.state !== 'APPROVED') return;
          reached += 1;
          const humans = approval.assents?.map(({ by, enteredBy }) => enteredBy ?? by.person);
          expect(new Set(humans).size).toBeGreaterThanOrEqual(count);
        },
      ),
      { numRuns: runs(600) },
    );
    expect(reached).toBeGreaterThan(30);
  });
});

describe('that a call of unknown outcome may run again', () => {
  const dana: Finder = {
    person: PersonId.parse('dana'),
    name: 'Dana Reyes',
    account: accountOf('dana'),
    via: SLACK,
    operates: true,
    roles: ['manager'],
  };
  const lee: Finder = { ...dana, person: PersonId.parse('lee'), name: 'Lee Park' };

  function lost(): Approval {
    const both = cast(cast(ofTwo(), 'dana').after, 'lee').after;
    const running = next(claim(both, 'w1', both.digest, NOW_MS));
    return next(loseTrack(running, 1, 'the connection broke'));
  }

  it('A4 takes as many humans as the first yes did, in however many names one of them says it', () => {
    const said = next(reconcile(lost(), dana, 'retry', LATER_MS));

    const again = reconcile(said, { ...lee, operator: dana }, 'retry', LATER_MS);

    expect(again).toEqual({ result: { code: 'HAS_SPOKEN', approval: said } });
    expect(reconcile(said, lee, 'retry', LATER_MS).result.code).toBe('DONE');
  });

  it('A4 is kept with who wrote it down, and gives way to that person’s own word', () => {
    const entered = next(reconcile(lost(), { ...lee, operator: dana }, 'retry', LATER_MS));

    const own = reconcile(entered, dana, 'retry', LATER_MS);
    const theirs = next(reconcile(entered, lee, 'retry', LATER_MS));

    expect(entered.again?.said).toMatchObject([{ by: { person: 'lee' }, enteredBy: 'dana' }]);
    expect(own.result.code).toBe('HAS_SPOKEN');
    expect(reconcile(theirs, dana, 'retry', LATER_MS).result.code).toBe('DONE');
  });

  it('A4 comes from nobody on whose behalf it was asked', () => {
    const alex = { person: PersonId.parse('alex') };

    expect(reconcile(lost(), { ...lee, operator: alex }, 'retry', LATER_MS).result.code).toBe('NOT_ELIGIBLE');
  });
});
