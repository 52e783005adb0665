/** What somebody is told at one time reaches them whole, whatever breaks off in the middle of it. */
import { afterEach, describe, expect, it } from 'vitest';
import { OutboxItem, outboxOf } from '../../src/delivery/outbox.ts';
import type { Page } from '../../src/domain/escalation/pager.ts';
import { AccountId, ConversationId, EscalationId, PersonId, Platform } from '../../src/domain/ids.ts';
import type { Address } from '../../src/domain/message.ts';
import { Pagers } from '../../src/escalation/pagers.ts';
import { pageContent } from '../../src/escalation/sentences.ts';
import { EffectWriter } from '../../src/redis/effect-writer.ts';
import { partitionOf } from '../../src/redis/keys.ts';
import { DANA } from '../../src/sandbox/people.ts';
import { openStore, silent } from '../support/core.ts';
import { openSlack, type SlackFixture } from '../support/slack-gateway.ts';

const SLACK = Platform.parse('slack');
const PERSON = PersonId.parse('dana');
const LANE = ConversationId.parse('page:dana');
const THINGS = 30;
const HOUR = 3_600_000;

let slack: SlackFixture;

afterEach(() => slack.close());

describe('what somebody is told at one time', () => {
  it('OM-053 E13 is told to its end where the process ends in the middle, and some of it is over by then', async () => {
    slack = await openSlack();
    const { gateway, sandbox, send } = slack;
    const to = gateway.directAddress(AccountId.parse(`slack:T0SANDBOX/${DANA.slackUser}`));
    const items = await outgoing(to);
    const over = new Set<string>();

    for (const { id, pages } of items) {
      const dying = new AbortController();
      const before = sandbox.messages(DANA.slackDm).length;
      const stopListening = sandbox.onChange(() => {
        if (sandbox.messages(DANA.slackDm).length > before) dying.abort(); // right after its first message
      });
      const text = { kind: 'text' as const, ...pageContent(pages) };
      await gateway
        .send({ id, conversationId: LANE, to, body: text, queuedAt: Date.now(), attempt: 1 }, dying.signal)
        .catch((error: unknown) => expect(dying.signal.aborted || error).toBe(true));
      stopListening();
      // She reads the first of it, and takes it at once.
      for (const { escalation } of pages.slice(0, 1)) over.add(escalation);
      const left = pages.filter(({ escalation }) => !over.has(escalation));
      if (left.length === 0) continue;
      const body = { kind: 'text' as const, ...pageContent(left) };
      await send({ id, conversationId: LANE, to, body, attempt: 2 });
    }

    const read = sandbox.messages(DANA.slackDm).map(({ text }) => text);
    expect(read.length).toBeLessThan(THINGS / 3);
    const isTold = (n: number) => read.some((text) => text.includes(wordsOf(n)));
    expect(Array.from({ length: THINGS }, (_, n) => n).filter((n) => !isTold(n))).toEqual([]);
  });
});

/** Items of the outbox for what is told when quiet hours are over. */
async function outgoing(to: Address): Promise<Extract<OutboxItem, { kind: 'page' }>[]> {
  const { redis, keys } = await openStore();
  let isQuiet = true;
  const pagers = new Pagers(redis, keys, new EffectWriter(redis, keys), {
    escalations: { find: async () => ({ epoch: 1 }) as never }, // all that is asked of it
    quietOf: () => (_importance, atMs) => (isQuiet ? atMs + HOUR : atMs),
    placeOn: () => to,
    show: async () => {},
    isOneMessage: (_platform, markdown) => slack.gateway.isOneMessage(markdown),
    rememberMs: () => HOUR,
    log: silent,
  });
  for (let n = 0; n < THINGS - 1; n++) await pagers.admit(PERSON, aPage(n));
  isQuiet = false;
  await pagers.admit(PERSON, aPage(THINGS - 1));

  // One lane, of her and the place where she is told.
  const lanes = await redis.keys(`${keys.items(partitionOf(PERSON), outboxOf(SLACK), LANE)}*`);
  expect(lanes).toHaveLength(1);
  const queued = await redis.lrange(lanes.join(), 0, '-1');
  return queued.flatMap((json) => {
    const item = OutboxItem.parse(JSON.parse(json));
    return item.kind === 'page' ? [item] : [];
  });
}

function aPage(n: number): Page {
  const escalation = EscalationId.parse(`esc_p0_${String(n).padStart(12, '0')}`);
  const markdown = `**${wordsOf(n)}** (error)\n\nSomebody has to look after this. ${'It is bad. '.repeat(40)}`;
  return {
    id: `page ${n}`,
    escalation,
    epoch: 1,
    platform: SLACK,
    importance: 'low',
    why: 'call',
    markdown,
    atMs: 0,
  };
}

function wordsOf(n: number): string {
  return `thing number ${n} is broken`;
}
