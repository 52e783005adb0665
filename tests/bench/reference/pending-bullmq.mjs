// @ts-nocheck: Plain JavaScript on purpose, and unchecked: its packages are there only once the benchmark has run.
/** A process: pending approvals as BullMQ would keep them, one delayed job each. Answers like pending-signalbox.ts. */
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';

const OPENED_AT_ONCE = 500;
const WEEK_MS = 7 * 24 * 60 * 60 * 1_000;
const BODY_BYTES = 200;

const connect = () => new Redis(process.env.REDIS_URL, { maxRetriesPerRequest: null });
const queue = new Queue('approvals', { connection: connect() });
let opened = 0;

const ORDERS = {
  async open({ count }) {
    const startedAt = performance.now();
    await add(count, () => WEEK_MS);
    return { kind: 'opened', durationMs: performance.now() - startedAt };
  },

  async fire({ perSecond, seconds }) {
    const count = perSecond * seconds;
    const first = opened;
    const startMs = Date.now() + 3_000 + count / 2;
    await add(count, (index) => startMs + ((index - first) * 1_000) / perSecond - Date.now());
    await sleep(startMs - Date.now() - 500);

    const before = process.cpuUsage();
    const latenessMs = [];
    const worker = new Worker(
      'approvals',
      async (job) => latenessMs.push(Date.now() - (job.timestamp + job.opts.delay)),
      { connection: connect(), concurrency: 256, removeOnComplete: { count: 0 } },
    );
    const deadlineMs = startMs + seconds * 1_000 + 30_000;
    while (latenessMs.length < count && Date.now() < deadlineMs) await sleep(100);
    const { user, system } = process.cpuUsage(before);
    await worker.close();
    if (latenessMs.length < count) throw new Error(`${latenessMs.length} of ${count} jobs ran`);
    return { kind: 'fired', latenessMs, cpuMs: (user + system) / 1_000 / count };
  },
};

async function add(count, delayOf) {
  const end = opened + count;
  while (opened < end) {
    const jobs = [];
    for (; jobs.length < OPENED_AT_ONCE && opened < end; opened += 1) {
      const timestamp = Date.now();
      const delay = Math.max(1, Math.round(delayOf(opened)));
      jobs.push({
        name: 'approval',
        data: sampleBody(opened),
        opts: { jobId: `approval-${opened}`, timestamp, delay, removeOnComplete: true },
      });
    }
    await queue.addBulk(jobs);
  }
}

/** Exactly `BODY_BYTES` of JSON, each its own. */
function sampleBody(index) {
  const body = { order: String(4_711 + index).padStart(8, '0'), amount: 120, currency: 'EUR', reason: '' };
  const length = BODY_BYTES - JSON.stringify(body).length;
  const noise = createHash('shake256', { outputLength: length }).update(String(index)).digest('base64url');
  return { ...body, reason: noise.slice(0, length) };
}

process.on('message', async (order) => {
  const work = ORDERS[order.kind] ?? (() => Promise.reject(new Error(`BullMQ has no ${order.kind}`)));
  process.send(await work(order).catch((error) => ({ kind: 'failed', reason: error.message })));
});
process.on('disconnect', () => process.exit());
await queue.waitUntilReady();
console.log('ready');
