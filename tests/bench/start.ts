/** `start`: how long the gateway takes from launch to ready, and what it needs while nothing happens. */
import { setTimeout as sleep } from 'node:timers/promises';
import { BenchRedis, freePort } from './bench-redis.ts';
import { Child } from './child.ts';
import { startContender } from './contender.ts';
import { ownScript } from './own-script.ts';
import type { Progress } from './progress.ts';
import { medianOfRounds, significant } from './statistics.ts';
import { judge, type Target, type Verdict } from './target.ts';

export interface StartPlan {
  readonly redisServer: string;
  readonly rounds: number;
  readonly idleMs: number;
}

export interface StartFigures {
  readonly readyMs: number;
  readonly idleRssMb: number;
  /** Share of one CPU used while idle, in percent. */
  readonly idleCpuPercent: number;
}

export interface StartReport {
  readonly rounds: number;
  readonly figures: StartFigures;
  readonly targets: readonly Verdict[];
}

const TARGETS = {
  ready: { name: 'launch to ready', bound: 'less than', limit: 1_500, unit: ' ms' },
  rss: { name: 'idle RSS', bound: 'less than', limit: 150, unit: ' MB' },
} as const satisfies Record<string, Target>;

export async function measureStart(plan: StartPlan, progress: Progress): Promise<StartReport> {
  const redis = await BenchRedis.start(plan.redisServer, 'always');
  const stub = Child.start({
    name: 'Slack stub',
    ...ownScript(new URL('./slack-stub.ts', import.meta.url)),
    ipc: true,
  });
  try {
    const line = await stub.line(/listening on \d+/, 10_000);
    const slackUrl = `http://127.0.0.1:${/\d+/.exec(line)?.[0]}`;
    // The first start builds the program and fills the disk cache.
    await measureOne(redis, slackUrl, 0);
    const first = await measureOne(redis, slackUrl, plan.idleMs);
    const rounds: [StartFigures, ...StartFigures[]] = [first];
    while (rounds.length < plan.rounds) rounds.push(await measureOne(redis, slackUrl, plan.idleMs));
    const figures = medianOfRounds(rounds);
    progress(`start: ready in ${significant(figures.readyMs)} ms, ${significant(figures.idleRssMb)} MB idle`);
    return {
      rounds: plan.rounds,
      figures,
      targets: [judge(TARGETS.ready, figures.readyMs), judge(TARGETS.rss, figures.idleRssMb)],
    };
  } finally {
    await stub.stop();
    await redis.stop();
  }
}

async function measureOne(redis: BenchRedis, slackUrl: string, idleMs: number): Promise<StartFigures> {
  await redis.empty();
  const { child, startMs } = await startContender('signalbox', {
    redisUrl: redis.url,
    slackUrl,
    port: await freePort(),
  });
  try {
    const before = await child.usage();
    await sleep(idleMs);
    const after = await child.usage();
    return {
      readyMs: startMs,
      idleRssMb: after.rssMb,
      idleCpuPercent: idleMs === 0 ? 0 : ((after.cpuMs - before.cpuMs) / idleMs) * 100,
    };
  } finally {
    await child.stop();
  }
}
