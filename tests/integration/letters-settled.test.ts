/** Dead letters that are settled while others are, or while further ones come: who is called, and who is called off. */
import { describe, expect, it } from 'vitest';
import { EscalationTriggers } from '../../src/config/escalation-triggers.ts';
import { type Report, raise } from '../../src/domain/escalation/course.ts';
import { isLive } from '../../src/domain/escalation/record.ts';
import { ConversationId } from '../../src/domain/ids.ts';
import { EscalationStore } from '../../src/escalation/escalation-store.ts';
import { LettersSettled } from '../../src/escalation/letters-settled.ts';
import { keyOf, queueOfLetters, reportsOf } from '../../src/escalation/triggers.ts';
import { DeadLetters } from '../../src/mailbox/dead-letters.ts';
import { EffectWriter } from '../../src/redis/effect-writer.ts';
import { openStore } from '../support/core.ts';
import { planOf } from '../support/escalation-plan.ts';

const TRIGGERS = EscalationTriggers.parse([{ when: 'dead_letter', raise: 'duty' }]);
const QUEUE = 'm';

const PLAN = planOf([{ id: '1', kind: 'wait', forMs: 60_000 }], 60_000);

/** A store, and somebody who settles letters in it; others may do something whenever it is looked what is kept. */
async function open(whenLooked: () => Promise<void> = async () => undefined) {
  const { redis, keys } = await openStore();
  const writer = new EffectWriter(redis, keys);
  const escalations = new EscalationStore(redis, keys, writer, () => 3_600_000);
  const letters: DeadLetters = new DeadLetters(redis, keys, (queue) => settled.closeFor(queue));
  const watched = {
    holds: async (queue: string) => {
      const holds = await letters.holds(queue);
      await whenLooked();
      return holds;
    },
  };
  const settled = new LettersSettled(escalations, watched, () => TRIGGERS);
  let count = 0;

  /** Something goes to the dead letters of a conversation; its report is taken up later. */
  async function bury(): Promise<{ takenUp: () => Promise<void> }> {
    const n = ++count;
    const conversationId = ConversationId.parse(`slack:T:C:${n}`);
    const scene = { id: `dead:${n}`, conversationId, correlation: 'x', nowMs: 0 };
    const [report] = reportsOf(TRIGGERS, { kind: 'dead-letter', queue: QUEUE, words: 'no' }, scene);
    await writer.write(conversationId, [
      { kind: 'dead', queue: QUEUE, lane: conversationId, attempts: 1, reason: 'no', item: '{}' },
    ]);
    const { report: about } = (report as unknown as { item: { report: Report } }).item; // what such an effect holds
    return {
      takenUp: async () => {
        await escalations.apply(about.id, (before, nowMs) => raise(before, about, PLAN, nowMs));
        await settled.closeFor(queueOfLetters(about.key)!);
      },
    };
  }

  async function settleAll(): Promise<void> {
    const kept = await letters.list();
    await Promise.all(kept.map(({ id }) => letters.discard(id, 'dana')));
  }

  async function called() {
    const live = await escalations.live(10);
    return live.filter(isLive).map(({ count }) => count);
  }

  return { bury, settleAll, called };
}

describe('whoever was called about dead letters', () => {
  it('OM-166 is called off once when the last two are settled at the same time', async () => {
    const { bury, settleAll, called } = await open();
    const buried = [await bury(), await bury()];
    for (const each of buried) await each.takenUp();
    expect(await called()).toEqual([2]);

    await settleAll();

    expect(await called()).toEqual([]);
  });

  it('is not called off when a further one comes between the look at what is kept and the word of it', async () => {
    let again: (() => Promise<void>) | undefined;
    const { bury, settleAll, called } = await open(async () => {
      const come = again;
      again = undefined;
      await come?.();
    });
    await (await bury()).takenUp();
    again = async () => (await bury()).takenUp();

    await settleAll();

    expect(await called()).toEqual([2]);
    await settleAll();
    expect(await called()).toEqual([]);
  });

  it('is not called at all about one that was settled before its report was taken up', async () => {
    const { bury, settleAll, called } = await open();
    const { takenUp } = await bury();
    await settleAll();

    await takenUp();

    expect(await called()).toEqual([]);
  });

  it('is called anew about one that comes after all were settled', async () => {
    const { bury, settleAll, called } = await open();
    await (await bury()).takenUp();
    await settleAll();

    await (await bury()).takenUp();

    expect(await called()).toEqual([1]);
  });
});

describe('the key of an escalation', () => {
  it('names the queue of the dead letters it is about, and none where it is about something else', () => {
    const of = (happening: Parameters<typeof keyOf>[0]) => keyOf(happening, TRIGGERS[0]!, 'slack:T:C:1');

    expect(queueOfLetters(of({ kind: 'dead-letter', queue: 'o.slack' }))).toBe('o.slack');
    expect(queueOfLetters(of({ kind: 'tool-failed', tool: 'refund' }))).toBeUndefined();
    expect(queueOfLetters(of({ kind: 'model-away' }))).toBeUndefined();
  });
});
