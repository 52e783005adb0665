/** Whatever lies in the store in the wrong shape is refused when it is read, not when it has done its harm. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ApprovalStore } from '../../src/approvals/approval-store.ts';
import { OutboxItem } from '../../src/delivery/outbox.ts';
import { ApprovalId } from '../../src/domain/ids.ts';
import { MailboxItem } from '../../src/domain/mailbox-item.ts';
import { EffectWriter } from '../../src/redis/effect-writer.ts';
import type { Effect } from '../../src/redis/effects.ts';
import { partitionOf } from '../../src/redis/keys.ts';
import { anAddress } from '../support/approvals.ts';
import { openStore } from '../support/core.ts';
import { runs } from '../support/property-runs.ts';

const MESSAGE = {
  kind: 'message',
  id: 'slack:T0:C0:1.1',
  correlation: 'slack:T0:C0:1.1',
  message: {
    kind: 'message',
    id: 'slack:T0:C0:1.1',
    conversationId: 'slack:T0:C0:1',
    sender: { account: 'slack:T0/U0ALEX', displayName: 'Alex', authenticated: true, automatic: false },
    text: 'refund order 7',
    addressedToBot: true,
    sentAt: '2026-01-01T00:00:00Z',
    replyTo: anAddress('slack'),
  },
  receivedAt: '2026-01-01T00:00:01Z',
  requester: { person: 'alex', name: 'Alex Kim', roles: ['member'] },
};

const TEXT = {
  kind: 'text',
  id: 'reply:1',
  correlation: '1',
  conversationId: 'slack:T0:C0:1',
  to: anAddress('slack'),
  markdown: 'Done.',
  atMs: 1,
};

/** The item with one value, at any depth, replaced by something of another kind. */
function spoiled(item: object): fc.Arbitrary<unknown> {
  const paths = pathsOf(item);
  return fc
    .tuple(
      fc.constantFrom(...paths),
      fc.constantFrom<unknown>(null, 7.5, [], ['x'], { a: 1 }, undefined, true),
    )
    .filter(([path, value]) => typeof value !== typeof valueAt(item, path) || value === null)
    .map(([path, value]) => withValue(item, path, value));
}

describe('an item of the wrong shape', () => {
  it('OM-071 is no mailbox item, wherever it is wrong', () => {
    expect(MailboxItem.safeParse(MESSAGE).success).toBe(true);
    fc.assert(
      fc.property(spoiled(MESSAGE), (item) => {
        expect(MailboxItem.safeParse(item).success).toBe(false);
      }),
      { numRuns: runs(300) },
    );
  });

  it('OM-071 is no outbox item, wherever it is wrong', () => {
    expect(OutboxItem.safeParse(TEXT).success).toBe(true);
    fc.assert(
      fc.property(spoiled(TEXT), (item) => {
        expect(OutboxItem.safeParse(item).success).toBe(false);
      }),
      { numRuns: runs(300) },
    );
  });

  it.each([
    ['another kind', { ...MESSAGE, kind: 'command' }],
    ['no kind', { ...MESSAGE, kind: undefined }],
    ['a person id that is none', { ...MESSAGE, requester: { ...MESSAGE.requester, person: 'Alex Kim' } }],
    ['an account that is none', withValue(MESSAGE, ['message', 'sender', 'account'], 'alex')],
    ['a time that is none', withValue(MESSAGE, ['message', 'sentAt'], 'yesterday')],
    ['text instead of an object', 'refund'],
  ])('OM-071 is refused: %s', (_name, item) => {
    expect(MailboxItem.safeParse(item).success).toBe(false);
  });

  it('OM-071 is no approval: a record that was spoiled in the store is not acted on', async () => {
    const { redis, keys } = await openStore();
    const approvals = new ApprovalStore(
      redis,
      keys,
      () => [],
      () => 1_000,
    );
    const id = ApprovalId.parse('apr_p3_0123456789ab');
    for (const document of ['', 'x', '1 {"state":"APPROVED"}', '1 a', '1 anonsense', '{}']) {
      await redis.set(keys.approval(id), document);
      await expect(approvals.find(id)).rejects.toThrow();
    }
  });
});

describe('effects that are not in order', () => {
  it('are refused before any of them is written', async () => {
    const { redis, keys } = await openStore();
    const writer = new EffectWriter(redis, keys);
    const good: Effect = { kind: 'audit', event: { event: 'x', actor: 'x', subject: 'x', correlation: 'x' } };
    // What a caller outside the type system could send.
    const bad = { kind: 'no such effect' } as unknown as Effect;

    await expect(writer.write('owner', [good, bad])).rejects.toThrow('bad effect');

    expect(await redis.exists(keys.audit(partitionOf('owner')))).toBe(0);
  });
});

function pathsOf(value: unknown, path: readonly string[] = []): string[][] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [[...path]];
  return Object.entries(value).flatMap(([key, inner]) => pathsOf(inner, [...path, key]));
}

function valueAt(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((inner, key) => Reflect.get(Object(inner), key), value);
}

function withValue(value: unknown, [key, ...rest]: readonly string[], replacement: unknown): unknown {
  if (key === undefined) return replacement;
  return { ...Object(value), [key]: withValue(Reflect.get(Object(value), key), rest, replacement) };
}
