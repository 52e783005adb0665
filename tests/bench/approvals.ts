/** `approvals`: what a pending approval costs Redis, how long an answer takes to be stored, and how long a list. */
import { setTimeout as sleep } from 'node:timers/promises';
import { BenchRedis } from './bench-redis.ts';
import { PendingKeeper } from './pending-keeper.ts';
import { BODY_BYTES } from './pending-protocol.ts';
import type { Progress } from './progress.ts';
import { percentiles, significant } from './statistics.ts';
import { judge, type Target, type Verdict } from './target.ts';

export interface ApprovalsPlan {
  readonly redisServer: string;
  readonly pending: number;
  readonly votes: number;
  readonly inFlight: number;
}

export interface ApprovalsReport {
  readonly pending: number;
  readonly bodyBytes: number;
  readonly deadlinesEach: number;
  readonly figures: {
    readonly openedPerSecond: number;
    readonly bytesEach: number;
    readonly redisRssMb: number;
    readonly votesPerSecond: number;
    readonly voteP50Ms: number;
    readonly voteP99Ms: number;
    /** How many were pending first, and what one vote at a time and a list took then. */
    readonly few: number;
    readonly fewVoteP50Ms: number;
    readonly fewVoteP99Ms: number;
    /** One bare value of as many bytes, stored by the same server right after: what this disk takes. */
    readonly bareWriteP50Ms: number;
    readonly bareWriteP99Ms: number;
    readonly fewListP50Ms: number;
    readonly fewListP99Ms: number;
    /** One vote at a time: what a person waits for the store. */
    readonly loneVoteP50Ms: number;
    readonly loneVoteP99Ms: number;
    /** What `/approvals` shows to one of those who may answer all of them. */
    readonly listP50Ms: number;
    readonly listP99Ms: number;
    /** The self-audit: its first look at all that is pending, a later one, and the longest others wait meanwhile. */
    readonly firstLookMs: number;
    readonly lookMs: number;
    readonly longestWaitMs: number;
  };
  readonly targets: readonly Verdict[];
}

const SETTLE_MS = 1_500;

/** As many as a large company has open at a time: what lists and votes are held to. */
const FEW = 100_000;

/** Votes given one after the other. */
const LONE_VOTES = 2_000;

/** Votes before it counts, so that code is compiled. */
const WARM_UP = 2_000;

/** Lists asked for, one after the other. */
const LISTS = 200;

/** What a server needs that holds nothing, in MB. */
const BASE_MB = 20;

const TARGETS = {
  // Each in a conversation of its own, the dearest case; a million may take 1.2 GB, the allocator and the server included.
  bytes: { name: 'Redis memory each', bound: 'at most', limit: 1_000, unit: ' bytes' },
  list: {
    name: 'list of what waits for one person p99',
    bound: 'less than',
    limit: 20,
    unit: ' ms',
  },
  vote: { name: 'vote p99', bound: 'less than', limit: 5, unit: ' ms' },
} as const satisfies Record<string, Target>;

/** A million fit in 1.2 GB, with all that the server needs beside them. */
function memoryTarget(pending: number): Target {
  const limit = Math.round(BASE_MB + (pending * (1_200 - BASE_MB)) / 1_000_000);
  return { name: `Redis RSS with ${pending} pending`, bound: 'at most', limit, unit: ' MB' };
}

export async function measureApprovals(plan: ApprovalsPlan, progress: Progress): Promise<ApprovalsReport> {
  const redis = await BenchRedis.start(plan.redisServer, 'always');
  let keeper: PendingKeeper | undefined;
  try {
    keeper = await PendingKeeper.start('signalbox', redis.url);
    const empty = await redis.figures();
    const few = Math.min(plan.pending, FEW);
    const openedFirst = await keeper.open(few);
    await sleep(SETTLE_MS);
    await keeper.vote(Math.min(WARM_UP, plan.votes), 1);
    const listsOfFew = percentiles((await keeper.list(LISTS)).latenciesMs);
    const votesAmongFew = percentiles((await keeper.vote(Math.min(LONE_VOTES, plan.votes), 1)).latenciesMs);
    const written = percentiles(await bareWrites(redis, LONE_VOTES));
    progress(
      `approvals: of ${few}, what waits for one person is listed in ${significant(listsOfFew.p50)} ms, a vote takes ${significant(votesAmongFew.p50)} ms`,
    );

    const openedThen = await keeper.open(plan.pending - few);
    const openingMs = openedFirst.durationMs + openedThen.durationMs;
    await sleep(SETTLE_MS);
    const full = await redis.figures();
    const bytesEach = (full.usedBytes - empty.usedBytes) / plan.pending;
    progress(`approvals: ${plan.pending} pending, ${significant(bytesEach)} bytes each`);

    const audited = await keeper.audit();
    progress(`approvals: the self-audit looks at all of them in ${significant(audited.againMs)} ms`);

    const lists = percentiles((await keeper.list(LISTS)).latenciesMs);
    progress(`approvals: what waits for one person is listed in ${significant(lists.p50)} ms`);

    const lone = await keeper.vote(Math.min(LONE_VOTES, plan.votes), 1);
    const votes = await keeper.vote(plan.votes, plan.inFlight);
    const { p50, p99 } = percentiles(votes.latenciesMs);
    const alone = percentiles(lone.latenciesMs);
    progress(
      `approvals: a vote takes ${significant(alone.p50)} ms, with ${plan.inFlight} at once ${significant(p50)} ms`,
    );
    return {
      pending: plan.pending,
      bodyBytes: BODY_BYTES,
      deadlinesEach: 3,
      figures: {
        openedPerSecond: (plan.pending / openingMs) * 1_000,
        bytesEach,
        redisRssMb: full.rssBytes / 1e6,
        votesPerSecond: (plan.votes / votes.durationMs) * 1_000,
        voteP50Ms: p50,
        voteP99Ms: p99,
        few,
        fewVoteP50Ms: votesAmongFew.p50,
        fewVoteP99Ms: votesAmongFew.p99,
        fewListP50Ms: listsOfFew.p50,
        fewListP99Ms: listsOfFew.p99,
        bareWriteP50Ms: written.p50,
        bareWriteP99Ms: written.p99,
        loneVoteP50Ms: alone.p50,
        loneVoteP99Ms: alone.p99,
        listP50Ms: lists.p50,
        listP99Ms: lists.p99,
        firstLookMs: audited.firstMs,
        lookMs: audited.againMs,
        longestWaitMs: audited.longestWaitMs,
      },
      targets: [
        judge(TARGETS.bytes, bytesEach),
        judge(memoryTarget(plan.pending), full.rssBytes / 1e6),
        judge(TARGETS.list, listsOfFew.p99),
        judge(TARGETS.vote, votesAmongFew.p99),
      ],
    };
  } finally {
    await keeper?.stop();
    await redis.stop();
  }
}

/** Each in ms, one after the other. */
async function bareWrites(server: BenchRedis, count: number): Promise<number[]> {
  const redis = server.connect();
  const value = 'x'.repeat(BODY_BYTES);
  const latenciesMs: number[] = [];
  try {
    for (let n = 0; n < count; n++) {
      const startedAt = performance.now();
      await redis.set('bare-write', value);
      latenciesMs.push(performance.now() - startedAt);
    }
    await redis.del('bare-write');
  } finally {
    redis.disconnect();
  }
  return latenciesMs;
}
