import { describe, expect, it } from 'vitest';
import { LeaseLostError, ModelUnavailableError } from '../../../src/domain/errors.ts';
import { MailboxItem, MOST_FAILURES } from '../../../src/domain/mailbox-item.ts';
import type { Claim } from '../../../src/mailbox/keyed-queue.ts';
import type { Effect } from '../../../src/redis/effects.ts';
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

describe('an item that waits for the model', () => {
  const MINUTE = 60_000;
  const WAITING = MailboxItem.parse({
    kind: 'message',
    id: 'slack:C0:1',
    correlation: 'slack:C0:1',
    receivedAt: '2026-01-01T00:00:00Z',
    requester: { person: 'alex', name: 'Alex Kim', roles: ['member'], account: 'slack:U0' },
    message: {
      kind: 'message',
      id: 'slack:C0:1',
      conversationId: 'slack:C0:1',
      sender: { account: 'slack:U0', displayName: 'Alex', authenticated: true, automatic: false },
      text: 'hello',
      addressedToBot: true,
      sentAt: '2026-01-01T00:00:00Z',
      replyTo: { platform: 'slack', route: {} },
    },
  });

  /** How long it is left alone, and what people read meanwhile. */
  async function wait(retryAfterMs: number | undefined, nowMs = 0, isTold = true) {
    const put: { pauseMs: number; counting: string; told: string }[] = [];
    const deps = {
      queue: {
        retryLater: async (_: Claim, pauseMs: number, counting: string, effects: readonly Effect[]) =>
          void put.push({ pauseMs, counting, told: JSON.stringify(effects) }),
      },
      controls: { epochOf: async () => 0 },
      delays: { isTold: async () => isTold },
      clock: { now: () => nowMs },
    } as unknown as FailureDeps; // the others are not asked
    const alarms = { ofModelAway: async () => [] } as unknown as Alarms;
    await new FailedItems(deps, alarms, {} as ShownProgress).putBack(aClaim(), WAITING, {
      error: new ModelUnavailableError('it answered 429', retryAfterMs),
      trace: {},
      watched: [],
      log: silent,
    });
    return put;
  }

  it('OM-140 is left alone for as long as its service asks, and people are told when it is tried again', async () => {
    expect(await wait(40 * MINUTE)).toEqual([
      { pauseMs: 40 * MINUTE, counting: 'free', told: expect.stringContaining('try again in 40 minutes.') },
    ]);
  });

  it.each([25 * 60 * MINUTE, 1e300])(
    'OM-140 is tried again after an hour, though its service asks for %d ms',
    async (retryAfterMs) => {
      expect(await wait(retryAfterMs)).toEqual([
        { pauseMs: 60 * MINUTE, counting: 'free', told: expect.stringContaining('try again in 60 minutes.') },
      ]);
    },
  );

  it('OM-140 tells of it once, however long it waits', async () => {
    const told = [];
    for (const nowMs of [0, 60 * MINUTE, 120 * MINUTE]) {
      const [put] = await wait(25 * 60 * MINUTE, nowMs);
      const [{ once, item }] = JSON.parse(put!.told);
      told.push({ once, id: item.id });
    }

    const [first] = told;
    expect(told).toEqual(Array(3).fill(first));
    expect(first?.once.forMs).toBeGreaterThan(7 * 24 * 60 * MINUTE);
  });

  it('OM-140 waits without a word where the conversation was told by another one', async () => {
    expect(await wait(40 * MINUTE, 0, false)).toEqual([
      { pauseMs: 40 * MINUTE, counting: 'free', told: '[]' },
    ]);
  });

  it.each([7_000, undefined])('names no pause that is soon over: %s', async (retryAfterMs) => {
    const [put] = await wait(retryAfterMs);

    expect(put).toMatchObject({ pauseMs: retryAfterMs ?? 1_000 });
    expect(put?.told).toContain('I answer as soon as it is back.');
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
