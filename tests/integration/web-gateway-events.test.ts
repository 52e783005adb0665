/** What goes out: kept for clients that are away, and read on from where they were. */
import { describe, expect, it } from 'vitest';
import { RedisClientLog } from '../../src/delivery/client-log.ts';
import { UndeliverableError } from '../../src/domain/errors.ts';
import { AccountId } from '../../src/domain/ids.ts';
import { openStore } from '../support/core.ts';
import { aCard } from '../support/slack-gateway.ts';
import { OTHER_TOKEN, openWeb, type TestSocket, type WebFixture } from '../support/web-gateway.ts';

const text = (markdown: string) => ({ body: { kind: 'text' as const, markdown } });
const SIGNAL = new AbortController().signal;

async function events(web: WebFixture, query = ''): Promise<Record<string, unknown>[]> {
  return (await web.call('GET', `events${query}`)).body.events;
}

describe('what is sent to a client', () => {
  it('waits for it, in order, each event at its position', async () => {
    const web = await openWeb();
    await web.send(text('one'));
    await web.send(text('two'));

    const { status, body } = await web.call('GET', 'events');

    expect(status).toBe(200);
    expect(body).toMatchObject({
      events: [
        { position: 1, kind: 'text', conversation: 'c1', markdown: 'one' },
        { position: 2, kind: 'text', conversation: 'c1', markdown: 'two' },
      ],
      next: 2,
      missed: false,
    });
    expect((await events(web, '?after=1')).map(({ markdown }) => markdown)).toEqual(['two']);
  });

  it('is one event, however often it is sent', async () => {
    const web = await openWeb();

    const first = await web.send({ ...text('one'), id: 'same' });
    const again = await web.send({ ...text('one'), id: 'same', attempt: 2 });

    expect(again).toEqual(first);
    expect(await events(web)).toHaveLength(1);
  });

  it('may be a file, a remark for it alone, or what goes on', async () => {
    const web = await openWeb();
    const to = web.gateway.directAddress(AccountId.parse('web:shop'))!;
    const files = [{ name: 'a.txt', mediaType: 'text/plain', base64: 'YQ==' }];

    await web.send({ body: { kind: 'text', markdown: 'here', files } });
    await web.send({ to, body: { kind: 'notice', markdown: 'psst', onlyFor: AccountId.parse('web:shop') } });
    const ref = await web.gateway.progress.show({ to, key: 'turn-1', markdown: 'looking' }, SIGNAL);
    await web.gateway.progress.show({ to, key: 'turn-1', markdown: 'thinking', ref }, SIGNAL);
    await web.send({ to, body: { kind: 'text', markdown: 'done', replaces: ref } });

    expect(await events(web)).toMatchObject([
      { kind: 'text', files },
      { kind: 'notice', conversation: 'direct', markdown: 'psst' },
      { position: 3, kind: 'progress', markdown: 'looking' },
      { kind: 'progress', markdown: 'thinking', replaces: 3 },
      { kind: 'text', markdown: 'done', replaces: 3 },
    ]);
  });

  it('OM-121 may be a card, with all that is to be decided; an update names the event that showed it first', async () => {
    const web = await openWeb();
    const settled = aCard({ choices: [], status: { state: 'approved', sentence: 'Dana said yes.' } });

    const { ref } = await web.send({ body: { kind: 'card', card: aCard() } });
    const updated = await web.send({ body: { kind: 'card', card: settled, replaces: ref } });
    await web.send({ body: { kind: 'card', card: settled, replaces: updated.ref }, id: 'another' });

    expect(await events(web)).toMatchObject([
      { position: 1, kind: 'card', card: aCard() },
      { position: 2, kind: 'card', card: settled, replaces: 1 },
      { position: 3, kind: 'card', replaces: 1 },
    ]);
  });

  it('is read by no other client', async () => {
    const web = await openWeb();
    await web.send(text('one'));

    expect((await web.call('GET', 'events', undefined, { token: OTHER_TOKEN })).body.events).toEqual([]);
  });

  it('is refused for good when there is no such client, or it is for somebody else', async () => {
    const web = await openWeb();
    const gone = { platform: web.gateway.platform, route: { client: 'gone', conversation: 'c' } };
    const onlyFor = AccountId.parse('web:ops');

    await expect(web.send({ ...text('one'), to: gone })).rejects.toThrow(UndeliverableError);
    await expect(web.send({ ...text('one'), to: { ...gone, route: {} } })).rejects.toThrow(
      UndeliverableError,
    );
    await expect(web.send({ body: { kind: 'notice', markdown: 'x', onlyFor } })).rejects.toThrow(
      UndeliverableError,
    );
    expect(web.gateway.directAddress(AccountId.parse('web:gone'))).toBeUndefined();
  });

  it.each(['constructor', 'toString', '__proto__'])(
    'knows no client %s that nobody named',
    async (client) => {
      const web = await openWeb();
      const to = { platform: web.gateway.platform, route: { client, conversation: 'c' } };

      await expect(web.send({ ...text('one'), to })).rejects.toThrow(UndeliverableError);
      expect(web.gateway.directAddress(AccountId.parse(`web:${client}`))).toBeUndefined();
    },
  );

  it('is not sent when it could not be kept', async () => {
    const web = await openWeb({
      clientLog: (real) => ({
        append: async () => Promise.reject(new Error('the store is away')),
        read: (...given) => real.read(...given),
        changed: (...given) => real.changed(...given),
      }),
    });

    await expect(web.send(text('one'))).rejects.toThrow('the store is away');
  });
});

describe('a request that waits for events', () => {
  it('is answered as soon as there is one, whichever process sent it', async () => {
    const reader = await openWeb();
    const writer = await openWeb({ redis: reader.redis });

    const waiting = reader.call('GET', 'events?after=0&wait=30');
    await writer.send(text('one'));

    expect((await waiting).body).toMatchObject({ events: [{ markdown: 'one' }], next: 1 });
  });

  it('is answered with none when its time is over, and when the gateway stops', async () => {
    const web = await openWeb();

    expect((await web.call('GET', 'events?wait=0.01')).body).toEqual({ events: [], next: 0, missed: false });
    const asked = web.call('GET', 'events?wait=30').catch(() => undefined);
    await web.call('GET', 'events');
    await web.gateway.stop();

    expect((await asked)?.body.events ?? []).toEqual([]);
  });

  it.each(['after=-1', 'after=x', 'wait=31', 'since=1'])('OM-185 is refused with %s', async (query) => {
    const web = await openWeb();

    const { status, body } = await web.call('GET', `events?${query}`);

    expect(status).toBe(400);
    expect(body.error.message).toContain(query.split('=')[0]);
  });

  it('reads everything in steps, and is told when something is no longer kept', async () => {
    const web = await openWeb({
      clientLog: (real) => ({
        append: (...given) => real.append(...given),
        changed: (...given) => real.changed(...given),
        read: async (...given) => ({ ...(await real.read(...given)), missed: given[1] === 0 }),
      }),
    });
    for (let n = 1; n <= 45; n++) await web.send(text(String(n)));

    const seen: unknown[] = [];
    for (let after = 0; ; ) {
      const { body } = await web.call('GET', `events?after=${after}`);
      expect(body.missed).toBe(after === 0);
      if (body.events.length === 0) break;
      seen.push(...body.events.map(({ markdown }: { markdown: string }) => Number(markdown)));
      after = body.next;
    }

    expect(seen).toEqual(Array.from({ length: 45 }, (_, n) => n + 1));
  });
});

describe('a socket that subscribed', () => {
  it('gets what there is and what comes, in order', async () => {
    const web = await openWeb();
    await web.send(text('one'));
    const socket = await web.connect();

    expect(await socket.ask({ type: 'subscribe', id: 's1' })).toEqual({ type: 'ok', id: 's1', after: 0 });
    expect(await socket.next()).toMatchObject({ type: 'event', position: 1, markdown: 'one' });
    await web.send(text('two'));

    expect(await socket.next()).toMatchObject({ type: 'event', position: 2, markdown: 'two' });
  });

  it('gets every event exactly once over drops, from two processes', async () => {
    const reader = await openWeb();
    const writer = await openWeb({ redis: reader.redis });
    const total = 120;
    const sending = (async () => {
      for (let n = 1; n <= total; n++)
        await [reader, writer][n % 2]!.send({ ...text(String(n)), id: `e${n}` });
    })();
    const seen: (number | undefined)[] = [];

    for (let connection = 0; seen.length < total; connection++) {
      const socket: TestSocket = await [writer, reader][connection % 2]!.connect();
      await socket.ask({ type: 'subscribe', id: 's', after: seen.at(-1) ?? 0 });
      const most = Math.min(25, total - seen.length);
      for (const { position } of await socket.take(most)) seen.push(position);
      socket.socket.terminate();
    }
    await sending;

    expect(seen).toEqual(Array.from({ length: total }, (_, n) => n + 1));
  });

  it('reads on from elsewhere when it subscribes again', async () => {
    const web = await openWeb();
    for (const word of ['one', 'two', 'three']) await web.send(text(word));
    const socket = await web.connect();
    await socket.ask({ type: 'subscribe', id: 's1', after: 3 });

    await socket.ask({ type: 'subscribe', id: 's2', after: 1 });

    expect((await socket.take(2)).map(({ position }) => position)).toEqual([2, 3]);
    await web.send(text('four'));
    expect(await socket.next()).toMatchObject({ position: 4 });
  });

  it('is told when something is no longer kept', async () => {
    const web = await openWeb();
    await web.send(text('one'));
    const socket = await web.connect();

    await socket.ask({ type: 'subscribe', id: 's1', after: 7 });

    expect(await socket.take(2)).toMatchObject([{ type: 'missed', after: 7 }, { position: 1 }]);
  });

  it('OM-193 is told once when all of it was erased, and reads on behind it, as does a request', async () => {
    const web = await openWeb();
    for (const word of ['one', 'two']) await web.send(text(word));
    const { redis, keys } = await openStore(web.redis);
    await new RedisClientLog(redis, keys).erase('shop');
    const socket = await web.connect();

    await socket.ask({ type: 'subscribe', id: 's1', after: 1 });
    const { body } = await web.call('GET', 'events?after=1');
    expect(body).toEqual({ events: [], next: 2, missed: true });
    expect(await socket.next()).toMatchObject({ type: 'missed', after: 1 });
    const waiting = web.call('GET', 'events?after=2&wait=30');
    await web.send(text('three'));

    expect((await waiting).body).toMatchObject({ events: [{ position: 3 }], next: 3, missed: false });
    expect(await socket.next()).toMatchObject({ type: 'event', position: 3, markdown: 'three' });
  });
});
