import { describe, expect, it } from 'vitest';
import type { ApprovalStore } from '../../../src/approvals/approval-store.ts';
import { createReplyTokens } from '../../../src/approvals/reply-token.ts';
import { RateLimitedError } from '../../../src/domain/errors.ts';
import type { AccountId } from '../../../src/domain/ids.ts';
import type { Directory } from '../../../src/identity/directory.ts';
import type { Claim, KeyedQueue } from '../../../src/mailbox/keyed-queue.ts';
import type { Effect } from '../../../src/redis/effects.ts';
import { DeliveryWorker } from '../../../src/router/delivery-worker.ts';
import type { Reach } from '../../../src/router/reach.ts';
import { anAddress, SLACK } from '../../support/approvals.ts';
import { silent } from '../../support/core.ts';

const HOUR_MS = 60 * 60 * 1_000;

/** What becomes of a message its platform refuses with "too fast", this long after it was posted. */
async function fateOf(ageMs: number): Promise<string[]> {
  const fate: string[] = [];
  const queue = {
    commit: async (_claim: Claim, effects: readonly Effect[]) => {
      fate.push(...effects.map(({ kind }) => kind));
      return { next: undefined, handed: [] };
    },
    retryLater: async () => {
      fate.push('later');
    },
  } as unknown as KeyedQueue; // all that a delivery uses of it
  const worker = new DeliveryWorker({
    queue,
    gateway: {
      platform: SLACK,
      start: async () => undefined,
      stop: async () => undefined,
      send: async () => Promise.reject(new RateLimitedError('slack', 30_000)),
      directAddress: (account: AccountId) => ({ platform: SLACK, route: { user: account } }),
      check: async () => [],
    },
    // a text has no approval, and nobody it could go to instead
    approvals: {} as unknown as ApprovalStore,
    controls: { epochOf: async () => 0 },
    escalations: { find: async () => undefined },
    triggers: () => [],
    keepTranscriptMs: () => 1,
    directory: {} as unknown as Directory,
    reach: {} as unknown as Reach,
    tokens: createReplyTokens('a secret that is long enough'),
    clock: { now: () => ageMs },
    log: silent,
  });
  const item = {
    kind: 'text',
    id: 'i',
    correlation: 'c',
    conversationId: 'slack:1',
    markdown: 'hi',
    atMs: 0,
  };
  await worker.handle(
    {
      queue: 'o.slack',
      partition: 0,
      lane: 'l',
      item: JSON.stringify({ ...item, to: anAddress('slack') }),
      attempt: 1,
      failures: 0,
      entries: [],
      signal: new AbortController().signal,
    } as unknown as Claim, // its fence and step are for the queue
    'yield',
  );
  return fate;
}

describe('a message the platform always refuses as too fast', () => {
  it('waits its time, and goes to the dead letters after a day, not round for ever', async () => {
    expect(await fateOf(HOUR_MS)).toEqual(['later']);
    expect(await fateOf(25 * HOUR_MS)).toEqual(['dead', 'audit']);
  });
});
