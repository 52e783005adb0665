import { expect, it } from 'vitest';
import { consequencesOf } from '../../../src/approvals/consequences.ts';
import { reconcileText } from '../../../src/approvals/sentences.ts';
import { claim, renew } from '../../../src/domain/approval/execution.ts';
import { reconcile } from '../../../src/domain/approval/reconciliation.ts';
import type { Approval, Step } from '../../../src/domain/approval/record.ts';
import { vote } from '../../../src/domain/approval/voting.ts';
import { accountOf, anApproval, aVote, DANA, OPENED_MS, SLACK } from '../../support/approvals.ts';

const COPY = { id: 'c1', to: anApproval().origin, ref: '1', shown: 1 };

function approved(): Approval {
  const open = { ...anApproval(), copies: [COPY, { ...COPY, id: 'mail', outcomeOnly: true as const }] };
  return vote(open, aVote(open), OPENED_MS).result.approval;
}

/** The copies that are brought up to date by it. */
function shownBy(before: Approval, moved: NonNullable<Step<unknown>['moved']>): unknown[] {
  const effects = consequencesOf(before, moved, OPENED_MS);
  return effects.flatMap((effect) => /card:[^:"]+:(\w+):\d+/.exec(JSON.stringify(effect))?.slice(1) ?? []);
}

it('OM-121 a call that runs for a while is shown to run: once, and by no mail of its own', () => {
  const agreed = approved();

  const begun = claim(agreed, 'w1', agreed.digest, OPENED_MS).moved!;
  const first = renew(begun.next, 1, OPENED_MS + 2_000).moved!;
  const second = renew(first.next, 1, OPENED_MS + 4_000).moved!;

  expect(shownBy(agreed, begun)).toEqual([]);
  expect(shownBy(begun.next, first)).toEqual(['c1']);
  expect(shownBy(first.next, second)).toEqual([]);
});

it('OM-121 a call that is begun again is shown anew', () => {
  const agreed = approved();
  const begun = claim(agreed, 'w1', agreed.digest, OPENED_MS).moved!.next;
  const shown = renew(begun, 1, OPENED_MS + 2_000).moved!.next;

  const again = claim({ ...shown, state: 'APPROVED' }, 'w2', agreed.digest, OPENED_MS).moved!.next;

  expect(shownBy(again, renew(again, 2, OPENED_MS + 4_000).moved!)).toEqual(['c1']);
});

it('OM-125 whoever says what came of a call too early is told where it stands', () => {
  const agreed = approved();
  const running = claim(agreed, 'w1', agreed.digest, OPENED_MS).moved!.next;
  const by = {
    person: DANA,
    name: 'Dana',
    account: accountOf('dana'),
    via: SLACK,
    operates: true,
    roles: ['manager'],
  };
  const told = (approval: Approval) =>
    reconcileText(
      reconcile(approval, by, 'happened', OPENED_MS, {
        find: () => undefined,
        ownerOf: () => undefined,
        isProgramOf: () => false,
      }).result,
    );

  expect(told(running)).toMatch(
    /^It has not ended, so nobody can say yet what came of it\..* It is running now\./,
  );
  expect(told(agreed)).toMatch(
    /^It has not been run, so there is nothing to reconcile\..* It has not run yet\./,
  );
  expect(told({ ...running, state: 'EXECUTED' })).toMatch(/^Its outcome is known/);
});
