/**
 * `core`: what the durable core costs by itself, in units of bare Redis.
 *
 * The unit is one script call that claims an id and appends to a list, through the same client, 64 in flight: what
 * any design that stores a message at all has to pay. The core's figures are multiples of it, from the same run on
 * the same server, so they can be compared between machines.
 *
 *   bare      the unit
 *   accept    post
 *   loop      post, claim in the same step, commit
 *   full      post, claim, commit with transcript entry and one outbound message, commit of the outbound message
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { toOutEffect } from '../../src/delivery/outbox.ts';
import { ConversationId } from '../../src/domain/ids.ts';
import type { Claim } from '../../src/mailbox/keyed-queue.ts';
import type { Posted } from '../../src/mailbox/mailbox.ts';
import type { Effect } from '../../src/redis/effects.ts';
import { BenchRedis, type Fsync } from './bench-redis.ts';
import {
  type CoreStore,
  conversationNumber,
  openCoreStore,
  REMEMBER_MS,
  SLACK_THREAD,
  sampleItem,
} from './core-store.ts';
import { inFlightLoop } from './in-flight-loop.ts';
import type { Progress } from './progress.ts';
import { countRoundTrips } from './round-trips.ts';
import { medianOfRounds, percentiles } from './statistics.ts';
import { judge, type Target, type Verdict } from './target.ts';

export interface CorePlan {
  readonly redisServer: string;
  readonly rounds: number;
  readonly messages: number;
  readonly inFlight: number;
  /** How long messages come at a steady rate, in seconds. */
  readonly steadySeconds: number;
}

type Path = 'bare' | 'accept' | 'loop' | 'full';
const PATHS: readonly Path[] = ['bare', 'accept', 'loop', 'full'];

export interface PathFigures {
  readonly perSecond: number;
  /** Of this process and of Redis together, for each message, in us. */
  readonly cpuUs: number;
  readonly redisCommands: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export interface SteadyFigures {
  readonly acceptP50Ms: number;
  readonly loopP50Ms: number;
  readonly loopP99Ms: number;
}

export interface CoreReport {
  readonly everysec: Readonly<Record<Path, PathFigures>>;
  readonly always: Readonly<Record<Path, PathFigures>>;
  /** 200 messages a second. */
  readonly slow: SteadyFigures;
  /** Half of what the loop does at most. */
  readonly halfLoad: SteadyFigures;
  readonly roundTrips: number;
  readonly targets: readonly Verdict[];
}

const SLOW_PER_SECOND = 200;
const COUNTED_MESSAGES = 500;

/** Messages before a steady pass, in conversations of their own. */
const WARM_UP = 1_000;
const FIRST_WARM_UP = 100_000_000;

const TARGETS = {
  acceptCpu: { name: 'accept CPU / bare', bound: 'at most', limit: 1.5, unit: 'x' },
  acceptRate: { name: 'accept throughput / bare', bound: 'at least', limit: 0.65, unit: 'x' },
  loopCpu: { name: 'accept, process, commit CPU / bare', bound: 'at most', limit: 5.5, unit: 'x' },
  fullCpu: { name: 'full path with outbox CPU / bare', bound: 'at most', limit: 8, unit: 'x' },
  loopRate: { name: 'closed loop throughput / bare', bound: 'at least', limit: 0.15, unit: 'x' },
  always: { name: 'closed loop, always / everysec', bound: 'at least', limit: 0.45, unit: 'x' },
  slowP50: { name: 'p50 at 200/s / accept latency', bound: 'at most', limit: 2, unit: 'x' },
  halfP99: { name: 'p99 at half load', bound: 'at most', limit: 25, unit: ' ms' },
  commands: { name: 'Redis commands per inbound message', bound: 'at most', limit: 20, unit: '' },
  roundTrips: { name: 'Redis round trips per inbound message', bound: 'at most', limit: 3, unit: '' },
} as const satisfies Record<string, Target>;

export async function measureCore(plan: CorePlan, progress: Progress): Promise<CoreReport> {
  const everysec = await onServer(plan, 'everysec', (server) =>
    measurePaths(server, 'everysec', plan, progress),
  );
  const always = await onServer(plan, 'always', (server) => measurePaths(server, 'always', plan, progress));
  const steady = await onServer(plan, 'everysec', async (server) => ({
    slow: await measureSteady(server, SLOW_PER_SECOND, plan.steadySeconds),
    halfLoad: await measureSteady(server, everysec.loop.perSecond / 2, plan.steadySeconds),
    roundTrips: await countLoopRequests(server, plan),
  }));
  progress('core: measured');
  return { everysec, always, ...steady, targets: judgeCore({ everysec, always, ...steady }) };
}

/** Verdicts from the figures. Pure. */
export function judgeCore({
  everysec,
  always,
  slow,
  halfLoad,
  roundTrips,
}: Omit<CoreReport, 'targets'>): Verdict[] {
  const { bare, accept, loop, full } = everysec;
  return [
    judge(TARGETS.acceptCpu, accept.cpuUs / bare.cpuUs),
    judge(TARGETS.acceptRate, accept.perSecond / bare.perSecond),
    judge(TARGETS.loopCpu, loop.cpuUs / bare.cpuUs),
    judge(TARGETS.fullCpu, full.cpuUs / bare.cpuUs),
    judge(TARGETS.loopRate, loop.perSecond / bare.perSecond),
    judge(TARGETS.always, always.loop.perSecond / loop.perSecond),
    judge(TARGETS.slowP50, slow.loopP50Ms / slow.acceptP50Ms),
    judge(TARGETS.halfP99, halfLoad.loopP99Ms),
    judge(TARGETS.commands, loop.redisCommands),
    judge(TARGETS.roundTrips, roundTrips),
  ];
}

async function onServer<Result>(
  plan: CorePlan,
  fsync: Fsync,
  measure: (server: BenchRedis) => Promise<Result>,
): Promise<Result> {
  const server = await BenchRedis.start(plan.redisServer, fsync);
  try {
    return await measure(server);
  } finally {
    await server.stop();
  }
}

/** A core on an emptied server, so that nothing waits from the measurement before. */
async function withWork<Result>(
  server: BenchRedis,
  path: Path,
  measure: (work: Work) => Promise<Result>,
): Promise<Result> {
  await server.empty();
  const bare = server.connect();
  const core = await openCoreStore(server.url);
  try {
    return await measure(await preparePath(path, bare, core));
  } finally {
    await core.close();
    bare.disconnect();
  }
}

async function measurePaths(
  server: BenchRedis,
  fsync: Fsync,
  plan: CorePlan,
  progress: Progress,
): Promise<Record<Path, PathFigures>> {
  const rounds: Record<Path, PathFigures[]> = { bare: [], accept: [], loop: [], full: [] };
  // One more than asked: the first warms up and is not counted.
  for (let round = 0; round <= plan.rounds; round += 1) {
    for (const path of PATHS) {
      const figures = await withWork(server, path, (work) => measurePath(server, work, plan));
      if (round > 0) rounds[path].push(figures);
    }
    progress(`core, appendfsync ${fsync}: round ${round}/${plan.rounds}`);
  }
  return {
    bare: middle(rounds.bare),
    accept: middle(rounds.accept),
    loop: middle(rounds.loop),
    full: middle(rounds.full),
  };
}

function middle([first, ...others]: readonly PathFigures[]): PathFigures {
  if (!first) throw new Error('at least one round is needed');
  return medianOfRounds([first, ...others]);
}

async function measurePath(server: BenchRedis, work: Work, plan: CorePlan): Promise<PathFigures> {
  const redisBefore = await server.figures();
  const cpuBefore = process.cpuUsage();
  const startedAt = performance.now();
  const latencies = await inFlightLoop(plan.messages, plan.inFlight, work);
  const elapsedMs = performance.now() - startedAt;
  const { user, system } = process.cpuUsage(cpuBefore);
  const redisAfter = await server.figures();
  const { p50, p99 } = percentiles(latencies);
  return {
    perSecond: (plan.messages / elapsedMs) * 1_000,
    cpuUs: (user + system + (redisAfter.cpuMs - redisBefore.cpuMs) * 1_000) / plan.messages,
    redisCommands: (redisAfter.commands - redisBefore.commands) / plan.messages,
    p50Ms: p50,
    p99Ms: p99,
  };
}

/** Messages at a steady rate: how long the store takes to accept one, and to see it through. */
async function measureSteady(server: BenchRedis, perSecond: number, seconds: number): Promise<SteadyFigures> {
  const run = (path: Path) =>
    withWork(server, path, async (work) => {
      await inFlightLoop(WARM_UP, SLOW_PER_SECOND, (index) => work(FIRST_WARM_UP + index));
      return steadily(perSecond, seconds, work);
    });
  const accepts = percentiles(await run('accept'));
  const loops = percentiles(await run('loop'));
  return { acceptP50Ms: accepts.p50, loopP50Ms: loops.p50, loopP99Ms: loops.p99 };
}

/** Starts work at its time whether or not earlier work has ended, so that what queues up shows. */
async function steadily(perSecond: number, seconds: number, work: Work): Promise<number[]> {
  const total = Math.floor(perSecond * seconds);
  const startedAt = performance.now();
  const running: Promise<number>[] = [];
  while (running.length < total) {
    const due = Math.min(total, ((performance.now() - startedAt) / 1_000) * perSecond);
    while (running.length < due) running.push(timed(() => work(running.length)));
    await sleep(1);
  }
  return Promise.all(running);
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}

async function countLoopRequests(server: BenchRedis, plan: CorePlan): Promise<number> {
  const requests = await withWork(server, 'loop', (work) =>
    countRoundTrips(server.url, async () => {
      await inFlightLoop(COUNTED_MESSAGES, plan.inFlight, work);
    }),
  );
  return requests / COUNTED_MESSAGES;
}

/** Handles message number `index`; every number is a conversation of its own. */
type Work = (index: number) => Promise<unknown>;

async function preparePath(path: Path, bare: Redis, core: CoreStore): Promise<Work> {
  switch (path) {
    case 'bare':
      return prepareBare(bare);
    case 'accept':
      return (index) => post(core, index, false);
    case 'loop':
      return (index) => handle(core, index, () => []);
    case 'full':
      return (index) => handle(core, index, toReply);
    default:
      return path satisfies never;
  }
}

async function prepareBare(redis: Redis): Promise<Work> {
  const script = `#!lua
    if not redis.call('SET', KEYS[1], '1', 'NX', 'PX', ARGV[1]) then return 0 end
    return redis.call('RPUSH', KEYS[2], ARGV[2])`;
  const sha = String(await redis.script('LOAD', script));
  return (index) => {
    const conversationId = conversationNumber(index);
    const item = JSON.stringify(sampleItem(conversationId, index));
    return redis.evalsha(sha, 2, `{bare}d:${index}`, `{bare}q:${conversationId}`, REMEMBER_MS, item);
  };
}

function post({ mailbox }: CoreStore, index: number, takeNow: boolean): Promise<Posted> {
  const conversationId = conversationNumber(index);
  const item = sampleItem(conversationId, index);
  return mailbox.post({ conversationId, item, whose: 'any', takeNow });
}

/** Sees a message through; what is to be sent counts as sent. */
async function handle(
  core: CoreStore,
  index: number,
  decide: (claim: Claim, session: string) => Effect[],
): Promise<void> {
  const posted = await post(core, index, true);
  if (posted.kind !== 'taken') throw new Error(`a message for a quiet conversation was ${posted.kind}`);
  const { claim } = posted;
  const effects = [receivedAudit(claim), ...decide(claim, core.session.id)];
  const { handed } = await core.queue.commit(claim, effects, 'more');
  for (const outbound of handed) await core.queue.commit(outbound, [sentAudit(outbound)], 'more');
}

/** What a turn that answers decides: what was said, what is answered, and that it is to be sent. */
function toReply({ lane }: Claim, session: string): Effect[] {
  const conversationId = ConversationId.parse(lane);
  const text =
    'the second parcel of order 4711 left the warehouse this morning and should arrive on Thursday';
  const at = '2026-01-01T00:00:00.000Z';
  const out = {
    kind: 'text' as const,
    id: `reply:${lane}`,
    correlation: lane,
    conversationId,
    to: SLACK_THREAD,
    markdown: text,
    atMs: 0,
  };
  return [
    {
      kind: 'entry',
      conversationId,
      entry: { kind: 'user', from: { name: 'Dana' }, text, at },
      keepMs: REMEMBER_MS,
    },
    {
      kind: 'entry',
      conversationId,
      entry: { kind: 'assistant', text, calls: [], model: 'echo' },
      keepMs: REMEMBER_MS,
    },
    toOutEffect(out, { session }),
    { kind: 'audit', event: { event: 'turn.done', correlation: lane, actor: 'system', subject: lane } },
  ];
}

/** What the audit keeps of the message that was handled. */
function receivedAudit({ lane }: Claim): Effect {
  return {
    kind: 'audit',
    event: {
      event: 'message.received',
      correlation: lane,
      actor: 'slack:T0BENCH/U0BENCH00',
      subject: lane,
      channel: 'slack',
      detail: { receivedAt: '2026-01-01T00:00:00.000Z', person: 'dana', rule: 'permission ask of member' },
    },
  };
}

function sentAudit({ lane }: Claim): Effect {
  return {
    kind: 'audit',
    event: { event: 'message.sent', correlation: lane, actor: 'system', subject: lane },
  };
}
