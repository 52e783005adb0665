/** What begins anew where one person alone writes, and which conversation it belongs to, on a real Redis. */
import { describe, expect, it } from 'vitest';
import { ControlStore } from '../../src/control/control-store.ts';
import { finishHandback, handBack, requestHandoff, takeOver } from '../../src/domain/control.ts';
import { AccountId, ConversationId, MessageId, PersonId, Platform } from '../../src/domain/ids.ts';
import { MailboxItem } from '../../src/domain/mailbox-item.ts';
import type { InboundMessage } from '../../src/domain/message.ts';
import type { Post } from '../../src/mailbox/mailbox.ts';
import { EffectWriter } from '../../src/redis/effect-writer.ts';
import { partitionOf } from '../../src/redis/keys.ts';
import { itemIdOf, Rooms } from '../../src/router/rooms.ts';
import { openStore, openWorker, post, type Store, serverTimePasses, type Worker } from '../support/core.ts';

const ROOM = 'slack:T:D1:';
const DANA = { person: PersonId.parse('dana'), name: 'Dana' };
const KEEP_MS = 3_600_000;

async function open(): Promise<{ store: Store; worker: Worker; controls: ControlStore; rooms: Rooms }> {
  const store = await openStore();
  const { redis, keys } = store;
  const worker = await openWorker(store);
  const controls = new ControlStore(redis, keys, new EffectWriter(redis, keys), () => KEEP_MS);
  const rooms = new Rooms(redis, keys, { controls, mailbox: worker.mailbox, keepMs: () => KEEP_MS });
  return { store, worker, controls, rooms };
}

const take = (controls: ControlStore, id: ConversationId) =>
  controls.apply(id, (control, nowMs) =>
    takeOver(control, { by: DANA, permitted: true, idleMs: KEEP_MS }, nowMs),
  );

const callHuman = (controls: ControlStore, id: ConversationId) =>
  controls.apply(id, (control, nowMs) =>
    requestHandoff(control, { by: { kind: 'agent' } }, { waitMs: KEEP_MS }, nowMs),
  );

const giveBack = (controls: ControlStore, id: ConversationId) =>
  controls.apply(id, (control, nowMs) => handBack(control, { by: DANA, permitted: true }, nowMs));

describe('the rooms of people', () => {
  it('leave a message in its own conversation while the agent has all that are there', async () => {
    const { controls, rooms } = await open();
    await take(controls, idOf('slack:T:D1X:1'));
    await take(controls, idOf('slack:T:C1:1'));

    expect(await rooms.settle(aMessage('2'))).toEqual(aMessage('2'));
  });

  it('give what begins anew to the conversation that changed hands last, and to none that is on its way back', async () => {
    const { controls, rooms, store } = await open();
    await take(controls, in1('1'));
    await serverTimePasses(store, 1);
    await callHuman(controls, in1('2'));
    const newest = await rooms.settle(aMessage('3'));
    await giveBack(controls, in1('2'));
    const older = await rooms.settle(aMessage('4'));
    await giveBack(controls, in1('1'));
    const own = await rooms.settle(aMessage('5'));

    expect(newest.conversationId).toBe(in1('2'));
    expect(older.conversationId).toBe(in1('1'));
    expect(own).toEqual(aMessage('5'));
  });

  it('leave a conversation the agent has a part in as it is', async () => {
    const { controls, rooms, worker } = await open();
    await post(worker, in1('2'), 'a');
    await take(controls, in1('1'));

    expect((await rooms.settle(aMessage('2'))).writtenIn).toBeUndefined();
    expect((await rooms.settle(aMessage('1'))).writtenIn).toBeUndefined();
  });

  it('C3 keep a thread where it was joined to, also after the hand-back, for as long as it is kept', async () => {
    const { controls, rooms, store } = await open();
    await take(controls, in1('1'));
    const first = await rooms.settle(aMessage('2'));
    await giveBack(controls, in1('1'));
    await controls.apply(in1('1'), (control, nowMs) => finishHandback(control, control.epoch, nowMs));
    await store.redis.pexpire(store.keys.joined(in1('2')), 1_000_000);

    expect(first).toEqual({ ...aMessage('2'), conversationId: in1('1'), writtenIn: in1('2') });
    expect(await rooms.settle(aMessage('2'))).toEqual(first);
    expect(await store.redis.pttl(store.keys.joined(in1('2')))).toBeGreaterThan(1_000_000);
    expect((await rooms.settle(aMessage('3'))).conversationId).toBe(in1('3'));
  });

  it.each([
    ['another', false],
    ['the same', true],
  ])('C3 bring what stood in a line of its own over once, from %s partition', async (_, isSame) => {
    const { controls, rooms, worker } = await open();
    const home = partitionOf(in1('1'));
    const thread = ['2', '3', '4', '5', ...Array.from({ length: 99 }, (_each, n) => `9${n}`)].find(
      (each) => (partitionOf(in1(each)) === home) === isSame,
    );
    const item = anItem(aMessage(thread!));
    await worker.mailbox.post(toPost(item));
    expect(await rooms.redirect(item)).toBe(false);

    await take(controls, in1('1'));
    expect(await rooms.redirect(item)).toBe(true);
    await giveBack(controls, in1('1'));
    expect(await rooms.redirect(item)).toBe(true); // handled again, for nobody knows whether it was
    const again = anItem(await rooms.settle(item.message));

    expect(again.message.conversationId).toBe(in1('1'));
    expect(await worker.mailbox.post(toPost(again))).toEqual({ kind: 'duplicate' });
    expect(await rooms.redirect(again)).toBe(false);
    expect(await linesOf(worker, home)).toContainEqual([in1('1'), again.id]);
  });
});

/** A line of each conversation, and the item it begins with. */
async function linesOf(worker: Worker, partition: number): Promise<string[][]> {
  const claims = await worker.queue('m').claim(partition, 10, new Set());
  return claims.map(({ lane, item }) => [lane, MailboxItem.parse(JSON.parse(item)).id]);
}

type MessageItem = Extract<MailboxItem, { kind: 'message' }>;

function anItem(message: InboundMessage): MessageItem {
  return {
    kind: 'message',
    id: itemIdOf(message),
    correlation: message.id,
    message,
    receivedAt: message.sentAt,
    requester: { person: PersonId.parse('alex'), name: 'Alex', roles: [] },
  };
}

function toPost(item: MessageItem): Post {
  return { conversationId: item.message.conversationId, item, whose: 'any', takeNow: false };
}

function idOf(id: string): ConversationId {
  return ConversationId.parse(id);
}

function in1(thread: string): ConversationId {
  return idOf(`${ROOM}${thread}`);
}

function aMessage(thread: string): InboundMessage {
  return {
    kind: 'message',
    id: MessageId.parse(`${ROOM}${thread}`),
    conversationId: in1(thread),
    room: ROOM,
    sender: {
      account: AccountId.parse('slack:T/U1'),
      displayName: 'Alex',
      authenticated: true,
      automatic: false,
    },
    text: 'refund order 3',
    addressedToBot: true,
    sentAt: '2026-01-01T00:00:00.000Z',
    replyTo: { platform: Platform.parse('slack'), route: { channel: 'D1', thread } },
  };
}
