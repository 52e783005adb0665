import { describe, expect, it } from 'vitest';
import { MailboxItem, MOST_FAILURES } from '../../../src/domain/mailbox-item.ts';
import type { Claim } from '../../../src/mailbox/keyed-queue.ts';
import { triage } from '../../../src/router/failed-items.ts';

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
