import { describe, expect, it } from 'vitest';
import { LeaseLostError } from '../../../src/domain/errors.ts';
import { MailboxItem, MOST_FAILURES } from '../../../src/domain/mailbox-item.ts';
import type { Claim } from '../../../src/mailbox/keyed-queue.ts';
import type { Alarms } from '../../../src/router/alarms.ts';
import { FailedItems, type FailureDeps, triage } from '../../../src/router/failed-items.ts';
import type { ShownProgress } from '../../../src/router/shown-progress.ts';
import { silent } from '../../support/core.ts';

const ITEM = MailboxItem.parse({ kind: 'handback', id: 'handback:1', correlation: 'c', epoch: 1 });

function aClaim(claim: Partial<Claim> = {}): Claim {
  return {
    queue: 'm',
    partition: 0,
    lane: 'slack:T:C:1',
    fence: '1',
    step: '1',
    session: 's',
    attempt: 1,
    failures: 0,
    item: JSON.stringify(ITEM),
    entries: [],
    signal: new AbortController().signal,
    ...claim,
  };
}

describe('an item whose lease was lost', () => {
  const failed = new FailedItems({} as FailureDeps, {} as Alarms, {} as ShownProgress); // none of them is asked
  const putBack = (settle: () => Promise<void>) =>
    failed.putBack(aClaim(), ITEM, {
      error: new LeaseLostError('slack:T:C:1'),
      trace: { settle },
      watched: [],
      log: silent,
    });

  it('OM-164 is left to whoever handles it now, with what this attempt used of the model counted', async () => {
    let settled = 0;

    await putBack(async () => void settled++);

    expect(settled).toBe(1);
  });

  it('is left to them also when that cannot be counted', async () => {
    await expect(putBack(() => Promise.reject(new Error('the store is away')))).resolves.toBeUndefined();
  });
});

describe('an item', () => {
  it('is handled as long as it can be read and has not failed too often', () => {
    expect(triage(aClaim())).toEqual({ kind: 'handle', item: ITEM });
    expect(triage(aClaim({ attempt: MOST_FAILURES, failures: MOST_FAILURES - 1 }))).toEqual({
      kind: 'handle',
      item: ITEM,
    });
  });

  it('goes to the dead letters when it cannot be read', () => {
    expect(triage(aClaim({ item: '{"kind":"unheard of"}' }))).toEqual({
      kind: 'bury',
      item: undefined,
      reason: 'the item cannot be read',
    });
  });

  it('goes there when handling it has failed as often as it may', () => {
    expect(triage(aClaim({ attempt: MOST_FAILURES + 1, failures: MOST_FAILURES }))).toEqual({
      kind: 'bury',
      item: ITEM,
      reason: `handling it failed ${MOST_FAILURES} times`,
    });
  });

  it('goes there when thirty processes have ended while they handled it, and no earlier', () => {
    expect(triage(aClaim({ attempt: 30 })).kind).toBe('handle');
    expect(triage(aClaim({ attempt: 31 }))).toEqual({
      kind: 'bury',
      item: ITEM,
      reason: '30 times the process ended while it was handled',
    });
  });
});
