/**
 * `timers`: how late the effect of a deadline is, with many approvals pending, beside BullMQ's delayed jobs.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { BenchRedis } from './bench-redis.ts';
import { type KeeperKind, PendingKeeper } from './pending-keeper.ts';
import type { Progress } from './progress.ts';
import { percentiles, significant } from './statistics.ts';
import { judge, type Target, type Verdict } from './target.ts';

export interface TimersPlan {
  readonly redisServer: string;
  readonly pending: number;
  readonly perSecond: number;
  readonly seconds: number;
}

export interface TimerFigures {
  readonly openedPerSecond: number;
  readonly bytesEach: number;
  readonly redisRssMb: number;
  readonly latenessP50Ms: number;
  readonly latenessP99Ms: number;
  readonly latenessMaxMs: number;
  /** Of the process that applies them, for each. */
  readonly cpuMs: number;
  readonly redisCpuMs: number;
}

export interface TimersReport {
  readonly pending: number;
  readonly duePerSecond: number;
  readonly seconds: number;
  readonly figures: Readonly<Partial<Record<KeeperKind, TimerFigures>>>;
  /** Signalbox divided by BullMQ. */
  readonly ratios: { readonly lateness99: number; readonly bytesEach: number; readonly cpu: number };
  readonly targets: readonly Verdict[];
}

/** Redis gives memory back, and BullMQ writes events, for a moment after the last command. */
const SETTLE_MS = 1_500;

const TARGETS = {
  p50: { name: 'timer lateness p50', bound: 'at most', limit: 5, unit: ' ms' },
  p99: { name: 'timer lateness p99', bound: 'at most', limit: 25, unit: ' ms' },
  max: { name: 'timer lateness of the latest', bound: 'at most', limit: 1_000, unit: ' ms' },
  // Each in a conversation of its own, the dearest case; a million may take 1.2 GB, the allocator and the server included.
  bytes: { name: 'Redis memory each', bound: 'at most', limit: 1_000, unit: ' bytes' },
} as const satisfies Record<string, Target>;

export async function measureTimers(plan: TimersPlan, progress: Progress): Promise<TimersReport> {
  const signalbox = await measureKeeper('signalbox', plan, progress);
  const bullmq = await measureKeeper('bullmq', plan, progress);
  return {
    pending: plan.pending,
    duePerSecond: plan.perSecond,
    seconds: plan.seconds,
    figures: { signalbox, bullmq },
    ratios: {
      lateness99: significant(signalbox.latenessP99Ms / bullmq.latenessP99Ms),
      bytesEach: significant(signalbox.bytesEach / bullmq.bytesEach),
      cpu: significant((signalbox.cpuMs + signalbox.redisCpuMs) / (bullmq.cpuMs + bullmq.redisCpuMs)),
    },
    targets: [
      judge(TARGETS.p50, signalbox.latenessP50Ms),
      judge(TARGETS.p99, signalbox.latenessP99Ms),
      judge(TARGETS.max, signalbox.latenessMaxMs),
      judge(TARGETS.bytes, signalbox.bytesEach),
    ],
  };
}

async function measureKeeper(kind: KeeperKind, plan: TimersPlan, progress: Progress): Promise<TimerFigures> {
  const redis = await BenchRedis.start(plan.redisServer, 'always');
  let keeper: PendingKeeper | undefined;
  try {
    keeper = await PendingKeeper.start(kind, redis.url);
    const empty = await redis.figures();
    const { durationMs } = await keeper.open(plan.pending);
    await sleep(SETTLE_MS);
    const full = await redis.figures();
    const bytesEach = (full.usedBytes - empty.usedBytes) / plan.pending;
    progress(`timers, ${kind}: ${plan.pending} pending, ${significant(bytesEach)} bytes each`);

    const before = await redis.figures();
    const { latenessMs, cpuMs } = await keeper.fire(plan.perSecond, plan.seconds);
    const after = await redis.figures();
    const { p50, p99, max } = percentiles(latenessMs);
    progress(`timers, ${kind}: lateness p50 ${significant(p50)} ms, p99 ${significant(p99)} ms`);
    return {
      openedPerSecond: (plan.pending / durationMs) * 1_000,
      bytesEach,
      redisRssMb: full.rssBytes / 1e6,
      latenessP50Ms: p50,
      latenessP99Ms: p99,
      latenessMaxMs: max,
      cpuMs,
      redisCpuMs: (after.cpuMs - before.cpuMs) / latenessMs.length,
    };
  } finally {
    await keeper?.stop();
    await redis.stop();
  }
}
