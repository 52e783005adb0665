import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { AuditLog, type Verification } from '../../src/audit/audit-log.ts';
import type { AuditEvent } from '../../src/domain/audit-event.ts';
import { partitionOf } from '../../src/redis/keys.ts';
import { openStore, openWorker, post, type Store, serverTimePasses } from '../support/core.ts';

const OWNER = 'slack:T0:C0:1';
const PARTITION = partitionOf(OWNER);

function anEvent(subject: string, wish: Partial<AuditEvent> = {}): AuditEvent {
  return { event: 'test.happened', actor: 'alex', subject, correlation: 'request-1', ...wish };
}

async function openLog(entries: number): Promise<{ store: Store; log: AuditLog; stream: string }> {
  const store = await openStore();
  const log = new AuditLog(store.redis, store.keys);
  for (let n = 1; n <= entries; n++) await log.append(OWNER, anEvent(`thing ${n}`));
  return { store, log, stream: store.keys.audit(PARTITION) };
}

function brokenAt(verification: Verification): number[] {
  return verification.ok ? [] : verification.broken.map(({ number }) => number);
}

/** Puts an entry with these fields where another stood: what somebody with access to the server can do. */
async function replaceFrom(
  { redis }: Store,
  stream: string,
  from: number,
  change: (fields: string[]) => string[],
) {
  const entries = await redis.xrange(stream, `${from}-0`, '+');
  // A stream takes no entry before its last one, so it is written anew.
  const all = await redis.xrange(stream, '-', '+');
  await redis.del(stream);
  for (const [id, fields] of all) {
    const changed = entries[0]?.[0] === id ? change(fields) : fields;
    if (changed.length > 0) await redis.xadd(stream, id, ...changed);
  }
}

describe('the chain of the audit', () => {
  it('OM-192 holds over every entry of every partition, whoever wrote it', async () => {
    const store = await openStore();
    const log = new AuditLog(store.redis, store.keys);
    const worker = await openWorker(store);
    const queue = worker.queue('m');
    for (let n = 0; n < 40; n++) {
      const posted = await post(worker, `test:${n}`, 'one', true);
      if (posted.kind !== 'taken') throw new Error(`the item was ${posted.kind}`);
      await queue.commit(posted.claim, [{ kind: 'audit', event: anEvent('handled') }], 'yield');
    }
    await log.append(OWNER, anEvent('one'), anEvent('two'));

    expect(await log.verify()).toEqual({ ok: true, entries: 42 });
  });

  it('OM-192 shows an entry that was changed', async () => {
    const { store, log, stream } = await openLog(5);

    await replaceFrom(store, stream, 3, (fields) => fields.map((field) => field.replace('alex', 'eve')));

    expect(brokenAt(await log.verify())).toEqual([3]);
  });

  it('OM-192 shows an entry whose time was changed', async () => {
    const { store, log, stream } = await openLog(5);

    await replaceFrom(store, stream, 2, (fields) =>
      fields.map((field) => (/^\d{13}$/.test(field) ? '1' : field)),
    );

    expect(brokenAt(await log.verify())).toEqual([2]);
  });

  it('OM-192 shows an entry that was changed together with its own hash', async () => {
    const { store, log, stream } = await openLog(5);
    const [, second] = await store.redis.xrange(stream, '-', '+');
    const before = second![1].at(-1)!;

    await replaceFrom(store, stream, 3, ([, at, , text]) => {
      const changed = text!.replace('alex', 'eve');
      const hash = createHash('sha1').update(`${before}\n3\n${at}\n${changed}`).digest('hex');
      return ['at', at!, 'e', changed, 'h', hash];
    });

    expect(brokenAt(await log.verify())).toEqual([4]);
  });

  it('OM-192 shows an entry that was removed', async () => {
    const { store, log, stream } = await openLog(5);

    await store.redis.xdel(stream, '3-0');

    expect(brokenAt(await log.verify())).toEqual([4]);
  });

  it('OM-192 shows that the newest entries were cut off', async () => {
    const { store, log, stream } = await openLog(5);

    await store.redis.xdel(stream, '4-0', '5-0');

    expect(brokenAt(await log.verify())).toEqual([5]);
  });

  it('OM-192 shows that everything was erased', async () => {
    const { store, log, stream } = await openLog(5);

    await store.redis.del(stream);

    expect(brokenAt(await log.verify())).toEqual([5]);
  });

  it('OM-192 shows an entry that was put in between, or behind the newest', async () => {
    const { store, log, stream } = await openLog(2);
    const text = JSON.stringify(anEvent('forged'));
    const [, [, newest]] = (await store.redis.xrange(stream, '-', '+')) as [unknown, [string, string[]]];
    const hash = createHash('sha1')
      .update(`${newest.at(-1)}\n3\n1\n${text}`)
      .digest('hex');

    await store.redis.xadd(stream, '2-1', 'at', '1', 'e', text, 'h', 'any');
    expect(brokenAt(await log.verify())).toContain(2);

    await store.redis.xdel(stream, '2-1');
    await store.redis.xadd(stream, '3-0', 'at', '1', 'e', text, 'h', hash);
    expect(brokenAt(await log.verify())).toEqual([3]);
  });

  it('OM-192 stays readable when an entry is no longer one', async () => {
    const { store, log, stream } = await openLog(3);

    await replaceFrom(store, stream, 2, () => ['nonsense', '1']);

    expect(brokenAt(await log.verify())).toContain(2);
    expect(await log.tail(10)).toHaveLength(3);
  });

  it('is found whole also while entries are being appended', async () => {
    const { log } = await openLog(50);
    let appending = true;
    const writer = (async () => {
      while (appending) await log.append(OWNER, anEvent('meanwhile'));
    })();

    for (let n = 0; n < 10; n++) expect(await log.verify()).toMatchObject({ ok: true });
    appending = false;
    await writer;
  });

  it('goes on over more entries than are read at a time', async () => {
    const { store, log } = await openLog(0);
    await Promise.all(
      Array.from({ length: 21 }, (_, n) =>
        log.append(OWNER, ...Array.from({ length: 100 }, (_, m) => anEvent(`${n}.${m}`))),
      ),
    );

    expect(await log.verify()).toEqual({ ok: true, entries: 2_100 });
    await store.redis.xdel(store.keys.audit(PARTITION), '1500-0');
    expect(brokenAt(await log.verify())).toEqual([1_501]);
  });

  it('never goes back in time', async () => {
    const { store, log } = await openLog(1);
    await store.redis.hset(store.keys.auditHead(PARTITION), 'at', Date.now() + 3_600_000);

    await log.append(OWNER, anEvent('two'));
    await log.append(OWNER, anEvent('three'));

    const times = (await log.about('two', PARTITION)).concat(await log.about('three', PARTITION));
    expect(times[0]!.atMs).toBeLessThanOrEqual(times[1]!.atMs);
    expect((await log.tail(3)).map(({ event }) => event.subject)).toEqual(['thing 1', 'two', 'three']);
    expect(await log.verify()).toMatchObject({ ok: true });
  });
});

describe('reading the audit', () => {
  it('OM-154 lists every event of one request, in order, and nothing else', async () => {
    const { log } = await openLog(0);
    const steps = ['message.received', 'authorization.ask', 'approval.opened', 'turn.done', 'message.sent'];
    for (const event of steps) {
      await log.append(OWNER, anEvent(OWNER, { event }), anEvent(OWNER, { event, correlation: 'request-2' }));
    }
    await log.append('slack:T0:C0:2', anEvent('elsewhere', { event: 'message.sent' }));

    const trace = await log.trace('request-1');

    // Partitions have no common order within a millisecond.
    const here = trace.filter(({ partition }) => partition === PARTITION);
    expect(here.map(({ event }) => event.event)).toEqual(steps);
    expect(trace.map(({ event }) => event.subject)).toContain('elsewhere');
    expect(trace).toHaveLength(6);
  });

  it('tells the newest of all partitions, the newest last', async () => {
    const { store, log } = await openLog(0);
    for (let n = 0; n < 30; n++) {
      if (n === 25) await serverTimePasses(store, 1);
      await log.append(`owner ${n}`, anEvent(`thing ${n}`));
    }

    const tail = await log.tail(5);

    expect(tail.map(({ atMs }) => atMs)).toEqual(tail.map(({ atMs }) => atMs).toSorted((a, b) => a - b));
    expect(tail.map(({ event }) => event.subject).toSorted()).toEqual(
      [25, 26, 27, 28, 29].map((n) => `thing ${n}`),
    );
  });
});
