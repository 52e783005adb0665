import { describe, expect, it } from 'vitest';
import { ConversationId } from '../../src/domain/ids.ts';
import { EffectWriter } from '../../src/redis/effect-writer.ts';
import { openStore, openWorker, post } from '../support/core.ts';
import { said } from '../support/transcripts.ts';

const HERE = ConversationId.parse('slack:T0:C0:1');

describe('the entries that come with a claim', () => {
  it('are at least as many as asked for, and begin at the same one for many turns', async () => {
    const store = await openStore();
    const worker = await openWorker(store);
    const writer = new EffectWriter(store.redis, store.keys);
    const beginnings: string[] = [];

    for (let turn = 0; turn < 150; turn++) {
      await writer.write(HERE, [
        { kind: 'entry', conversationId: HERE, entry: said(`${turn}`, turn), keepMs: 3_600_000 },
      ]);
      const posted = await post(worker, HERE, `${turn}`, true);
      if (posted.kind !== 'taken') throw new Error(posted.kind);
      const { entries } = posted.claim;
      expect(entries.length).toBeGreaterThanOrEqual(Math.min(turn + 1, 50));
      expect(entries.length).toBeLessThan(75);
      expect(entries.at(-1)).toContain(`"text":"${turn}"`);
      beginnings.push(entries[0]!);
      await worker.queue('m').commit(posted.claim, [], 'yield');
    }

    expect(new Set(beginnings).size).toBe(5);
  });
});
