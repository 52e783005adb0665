/** What nobody can approve any more, and what others come to, is found among all that waits; looking holds up nobody. */
import { randomUUID } from 'node:crypto';
import { beforeEach, expect, it } from 'vitest';
import { ApprovalStore, toOpenEffect } from '../../src/approvals/approval-store.ts';
import { consequencesOf } from '../../src/approvals/consequences.ts';
import { AuditLog } from '../../src/audit/audit-log.ts';
import { vote } from '../../src/domain/approval/voting.ts';
import { systemClock } from '../../src/domain/clock.ts';
import type { ApprovalId } from '../../src/domain/ids.ts';
import { RoleName } from '../../src/domain/person.ts';
import { EffectWriter } from '../../src/redis/effect-writer.ts';
import { PeopleChange } from '../../src/router/people-change.ts';
import { StrandedApprovals } from '../../src/router/stranded-approvals.ts';
import { anApproval, aVote, DANA, ownerOf } from '../support/approvals.ts';
import { openStore, type Store, silent } from '../support/core.ts';

const DAY_MS = 24 * 3_600_000;
/** More than are read at a time, in one partition: of one conversation. */
const MANY = 1_200;
const HERE = 'slack:T0:C0:1';

let store: Store;
let approvals: ApprovalStore;
let writer: EffectWriter;

beforeEach(async () => {
  store = await openStore();
  approvals = new ApprovalStore(store.redis, store.keys, consequencesOf, () => DAY_MS);
  writer = new EffectWriter(store.redis, store.keys);
});

/** Asked of somebody, with so much time. */
function asked(tool: string, forMs: number) {
  const openedMs = Date.now();
  const tail = randomUUID().replaceAll('-', '').slice(0, 12);
  return anApproval({ conversation: HERE, tail, openedMs, deadlineMs: openedMs + forMs, request: { tool } });
}

/** Counts of how many it was asked whether they are approved by those who are there. */
function looking(count: { asked: number }, isGranted: () => boolean, onRead?: () => void) {
  const stranded = new StrandedApprovals({
    directory: {
      votersOn: () => {
        count.asked++;
        return isGranted() ? undefined : [];
      },
      peopleNow: () => ({ find: () => undefined, ownerOf: () => undefined, isProgramOf: () => false }),
    },
    ...rest(),
  });
  const found = async (id: ApprovalId) => {
    onRead?.();
    return approvals.find(id);
  };
  const heedPeople: ApprovalStore['heedPeople'] = (...those) => approvals.heedPeople(...those);
  return new PeopleChange({ ...store, approvals: { find: found, heedPeople }, stranded, clock: systemClock });
}

function rest() {
  return { writer, clock: systemClock, log: silent };
}

async function open(all: readonly ReturnType<typeof asked>[]): Promise<void> {
  for (let from = 0; from < all.length; from += 100) {
    await writer.write(
      HERE,
      all.slice(from, from + 100).map((approval) => toOpenEffect(approval, DAY_MS)),
    );
  }
}

it('OM-125 looks at every request that waits, however many expire before it, and says it of each once', async () => {
  await open(Array.from({ length: MANY }, () => asked('refund', DAY_MS)));
  const last = asked('stranded', 3 * DAY_MS);
  await open([last]);
  const count = { asked: 0 };
  const stranded = looking(count, () => false);

  await stranded.look();
  await stranded.look();

  const entries = (await new AuditLog(store.redis, store.keys).about(last.id, partitionIn(last.id))).map(
    ({ event }) => event.event,
  );
  expect(count.asked).toBeGreaterThanOrEqual(2 * (MANY + 1));
  expect(entries.filter((event) => event === 'approval.stranded')).toHaveLength(1);
}, 60_000);

it('OM-125 does not count the yes of somebody who is gone among those who are left', async () => {
  const approval = asked('refund', DAY_MS);
  const two = {
    ...approval,
    policy: { ...approval.policy, approvers: { role: RoleName.parse('manager'), count: 2 } },
  };
  const said = vote(two, aVote(two, { person: 'carl' }), Date.now()).moved!.next;
  await open([said]);
  const carl = { accounts: [], roles: ['manager'], permitted: true };
  const dana = { person: DANA, roles: ['manager'] };
  const lookWith = (found: typeof carl | undefined) => {
    const directory = {
      votersOn: () => [dana],
      peopleNow: () => ({ find: () => found, ownerOf, isProgramOf: () => false }),
    };
    return new PeopleChange({
      ...store,
      approvals,
      clock: systemClock,
      stranded: new StrandedApprovals({ ...rest(), directory }),
    }).look();
  };
  const isSaid = async () =>
    (await new AuditLog(store.redis, store.keys).about(said.id, partitionIn(said.id))).some(
      ({ event }) => event.event === 'approval.stranded',
    );

  await lookWith(carl);
  const whileThere = await isSaid();
  await lookWith(undefined);

  expect([whileThere, await isSaid()]).toEqual([false, true]);
});

it('OM-125 says it again, once, where somebody came who could approve it, and is gone again', async () => {
  const approval = asked('refund', DAY_MS);
  await open([approval]);
  let isGranted = false;
  const stranded = looking({ asked: 0 }, () => isGranted);

  for (isGranted of [false, true, false, false]) await stranded.look();

  const entries = await new AuditLog(store.redis, store.keys).about(approval.id, partitionIn(approval.id));
  expect(entries.filter(({ event }) => event.event === 'approval.stranded')).toHaveLength(2);
});

it('ends behind a page when the service stops, and lets others have their turn between two', async () => {
  await open(Array.from({ length: MANY }, () => asked('refund', DAY_MS)));
  const count = { asked: 0 };
  const stranded = looking(
    count,
    () => true,
    () => setImmediate(() => stranded.stop()),
  );

  await stranded.look();

  expect(count.asked).toBeGreaterThan(0);
  expect(count.asked).toBeLessThan(MANY);
});

function partitionIn(id: ApprovalId): number {
  return Number(/p(\d+)/.exec(id)?.[1]);
}
