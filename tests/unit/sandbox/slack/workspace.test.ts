import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Journal } from '../../../../src/sandbox/journal.ts';
import { type Change, Workspace } from '../../../../src/sandbox/slack/workspace.ts';

const CHANNEL = 'C0GENERAL';
const NOW = 1_790_000_000_000;

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'workspace-'));
});

afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

describe('the workspace', () => {
  it('is the same again after any changes and a restart', async () => {
    const ts = fc.integer({ min: 1, max: 5 }).map((n) => `1790000000.00000${n}`);
    const id = fc.constantFrom('a', 'b');
    const change: fc.Arbitrary<Change> = fc.oneof(
      fc.record({
        kind: fc.constant('message-put' as const),
        message: fc.record({ ts, channel: fc.constant(CHANNEL), user: id, text: fc.string() }),
      }),
      fc.record({ kind: fc.constant('message-gone' as const), channel: fc.constant(CHANNEL), ts }),
      fc.record({
        kind: fc.constant('event-queued' as const),
        event: fc.record({ eventId: id, payload: fc.constant({ x: 1 }) }),
      }),
      fc.record({ kind: fc.constant('event-done' as const), eventId: id }),
      fc.record({
        kind: fc.constant('status' as const),
        channel: fc.constant(CHANNEL),
        thread: ts,
        status: fc.string(),
      }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(change, { maxLength: 30 }), async (changes) => {
        rmSync(directory, { recursive: true, force: true });
        const before = await opened();
        for (const one of changes) before.record(one);

        const after = await opened();

        expect(after.messages(CHANNEL)).toEqual(before.messages(CHANNEL));
        expect(after.queued()).toEqual(before.queued());
        expect(after.status(CHANNEL, '1790000000.000001')).toBe(before.status(CHANNEL, '1790000000.000001'));
      }),
      { numRuns: 50 },
    );
  });

  it('gives later messages later timestamps within one instant and across a restart', async () => {
    const before = await opened();
    const first = before.nextTs();
    const second = before.nextTs();
    before.record({ kind: 'message-put', message: { ts: second, channel: CHANNEL, user: 'U', text: '' } });

    const third = (await opened()).nextTs();

    expect(first).toBe('1790000000.000000');
    expect([first, second, third].toSorted()).toEqual([first, second, third]);
    expect(new Set([first, second, third]).size).toBe(3);
  });
});

async function opened(): Promise<Workspace> {
  const journal = new Journal(directory);
  await journal.start();
  const workspace = new Workspace(journal, { now: () => NOW });
  await workspace.start();
  return workspace;
}
