/**
 * `mention`: from a signed Slack event to the answer at Slack, three programs side by side.
 *
 *   load generator ── signed HTTP ─▶ gateway ─▶ Redis
 *         ▲                             │
 *         └──── arrival ── stub ◀── chat.postMessage
 *
 * Four processes besides the gateway's own: this one, the load generator, the stub and Redis. One gateway runs at
 * a time, freshly started on an emptied Redis and warmed up; rounds are interleaved, so that a machine that gets
 * slower does so for all of them; what is reported is the median of the rounds.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { BenchRedis, type Fsync, freePort } from './bench-redis.ts';
import { Child } from './child.ts';
import { CONTENDERS, type Contender, type RunningContender, startContender } from './contender.ts';
import type { LoadOrder, LoadResult } from './load-generator.ts';
import { ownScript } from './own-script.ts';
import { readOthersCpuMs } from './proc-stat.ts';
import type { Progress } from './progress.ts';
import { countRoundTrips } from './round-trips.ts';
import { medianOfRounds, percentiles, significant } from './statistics.ts';
import { judge, type Target, type Verdict } from './target.ts';

export interface MentionPlan {
  readonly redisServer: string;
  readonly rounds: number;
  /** Distinct threads in each measured run. */
  readonly threads: number;
  readonly warmUp: number;
  readonly inFlight: number;
  readonly contenders: readonly Contender[];
  readonly fsyncModes: readonly Fsync[];
}

/** Of one contender; latencies are from the event sent to its post received. */
export interface MentionFigures {
  readonly perSecond: number;
  /** User and system time of the gateway for each message, in ms. */
  readonly cpuMs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Every Redis command for each message, those inside scripts included. */
  readonly redisCommands: number;
  /** Requests to Redis for each message. */
  readonly roundTrips: number;
  readonly redisCpuMs: number;
  readonly rssMb: number;
  /** Answers that arrived more than once, in all of the run. */
  readonly repeated: number;
  /** CPUs that other programs of the machine kept busy meanwhile; above some tenths, throughput and latency suffer. */
  readonly othersCpus: number;
}

export interface MentionComparison {
  readonly figures: Partial<Record<Contender, MentionFigures>>;
  /** Why a contender has no figures. */
  readonly failures: Partial<Record<Contender, string>>;
  readonly ratios: MentionRatios;
  readonly targets: readonly Verdict[];
}

/** Signalbox divided by the other; NaN where one of them was not measured. */
export interface MentionRatios {
  readonly throughputToChatSdk: number;
  readonly throughputToBareBolt: number;
  readonly cpuToChatSdk: number;
  readonly cpuToBareBolt: number;
  readonly p99ToChatSdk: number;
}

export interface MentionReport {
  readonly threads: number;
  readonly inFlight: number;
  readonly rounds: number;
  readonly comparisons: Partial<Record<Fsync, MentionComparison>>;
}

/** A run of 5,000 takes some 5 s; two minutes mean that messages were lost. */
const RUN_WITHIN_MS = 120_000;

/** Messages of the pass that counts round trips. */
const COUNTED_MESSAGES = 500;

/** What a gateway still does after its post arrived (settling its outbox) belongs to the message. */
const SETTLE_MS = 500;

const TARGETS = {
  throughputToChatSdk: { name: 'throughput / Chat SDK', bound: 'at least', limit: 1.3, unit: 'x' },
  throughputToBareBolt: { name: 'throughput / bare Bolt', bound: 'at least', limit: 0.8, unit: 'x' },
  cpuToChatSdk: { name: 'CPU per message / Chat SDK', bound: 'at most', limit: 0.8, unit: 'x' },
  p99ToChatSdk: { name: 'p99 / Chat SDK', bound: 'less than', limit: 1, unit: 'x' },
  roundTrips: { name: 'Redis round trips per message', bound: 'at most', limit: 4, unit: '' },
} as const satisfies Record<string, Target>;

export async function measureMention(plan: MentionPlan, progress: Progress): Promise<MentionReport> {
  const stage = await Stage.set();
  try {
    const comparisons: Partial<Record<Fsync, MentionComparison>> = {};
    for (const fsync of plan.fsyncModes) {
      const { figures, failures } = await measureMode(stage, plan, fsync, progress);
      comparisons[fsync] = compare(figures, failures);
    }
    return { threads: plan.threads, inFlight: plan.inFlight, rounds: plan.rounds, comparisons };
  } finally {
    await stage.strike();
  }
}

/** Ratios and verdicts from the figures. Pure. */
export function compare(
  figures: MentionComparison['figures'],
  failures: MentionComparison['failures'] = {},
): MentionComparison {
  const { signalbox, chatSdk, bareBolt } = figures;
  const ratio = (name: keyof MentionFigures, other: MentionFigures | undefined) =>
    significant((signalbox?.[name] ?? Number.NaN) / (other?.[name] ?? Number.NaN));
  const ratios: MentionRatios = {
    throughputToChatSdk: ratio('perSecond', chatSdk),
    throughputToBareBolt: ratio('perSecond', bareBolt),
    cpuToChatSdk: ratio('cpuMs', chatSdk),
    cpuToBareBolt: ratio('cpuMs', bareBolt),
    p99ToChatSdk: ratio('p99Ms', chatSdk),
  };
  const targets = [
    judge(TARGETS.throughputToChatSdk, ratios.throughputToChatSdk),
    judge(TARGETS.throughputToBareBolt, ratios.throughputToBareBolt),
    judge(TARGETS.cpuToChatSdk, ratios.cpuToChatSdk),
    judge(TARGETS.p99ToChatSdk, ratios.p99ToChatSdk),
    judge(TARGETS.roundTrips, signalbox?.roundTrips ?? Number.NaN),
  ];
  return { figures, failures, ratios, targets };
}

/** The order of one round: each contender goes first in turn. Pure. */
export function orderOfRound(contenders: readonly Contender[], round: number): Contender[] {
  const shift = round % contenders.length;
  return [...contenders.slice(shift), ...contenders.slice(0, shift)];
}

/** The load generator and the stub, used by every run. */
class Stage {
  private constructor(
    private readonly stub: Child,
    private readonly load: Child,
    readonly slackUrl: string,
  ) {}

  static async set(): Promise<Stage> {
    const stub = Child.start({
      name: 'Slack stub',
      ...ownScript(new URL('./slack-stub.ts', import.meta.url)),
    });
    const line = await stub.line(/listening on \d+/, 10_000);
    const slackUrl = `http://127.0.0.1:${/\d+/.exec(line)?.[0]}`;
    const load = Child.start({
      name: 'load generator',
      ...ownScript(new URL('./load-generator.ts', import.meta.url)),
      env: { SLACK_STUB_URL: slackUrl },
      ipc: true,
    });
    await load.line(/following the stub/, 10_000);
    return new Stage(stub, load, slackUrl);
  }

  /** @throws {Error} when not every message was answered */
  async run(order: LoadOrder): Promise<Extract<LoadResult, { kind: 'done' }>> {
    const result = (await this.load.ask(order, order.withinMs + 10_000)) as LoadResult; // our own process's answer
    if (result.kind === 'failed') throw new Error(result.reason);
    return result;
  }

  async strike(): Promise<void> {
    await this.load.stop();
    await this.stub.stop();
  }
}

async function measureMode(
  stage: Stage,
  plan: MentionPlan,
  fsync: Fsync,
  progress: Progress,
): Promise<Pick<MentionComparison, 'figures' | 'failures'>> {
  const redis = await BenchRedis.start(plan.redisServer, fsync);
  const rounds: Partial<Record<Contender, MentionFigures[]>> = {};
  const failures: Partial<Record<Contender, string>> = {};
  try {
    for (let round = 0; round < plan.rounds; round += 1) {
      for (const contender of orderOfRound(plan.contenders, round)) {
        if (failures[contender] !== undefined) continue;
        const label = `mention, appendfsync ${fsync}, round ${round + 1}/${plan.rounds}, ${contender}`;
        try {
          const figures = await measureRun(stage, plan, redis, contender);
          rounds[contender] = [...(rounds[contender] ?? []), figures];
          progress(`${label}: ${summarise(figures)}`);
        } catch (error) {
          const failure = error instanceof Error ? error.message : String(error);
          failures[contender] = failure;
          progress(`${label}: ${failure}`);
        }
      }
    }
  } finally {
    await redis.stop();
  }
  return { figures: middleOf(rounds), failures };
}

function middleOf(rounds: Partial<Record<Contender, MentionFigures[]>>): MentionComparison['figures'] {
  const figures: Partial<Record<Contender, MentionFigures>> = {};
  for (const contender of CONTENDERS) {
    const [first, ...others] = rounds[contender] ?? [];
    if (first) figures[contender] = medianOfRounds([first, ...others]);
  }
  return figures;
}

function summarise({ perSecond, cpuMs, p99Ms, othersCpus }: MentionFigures): string {
  const [rate, cpu, p99, others] = [perSecond, cpuMs, p99Ms, othersCpus].map((value) => significant(value));
  return `${rate}/s, ${cpu} ms CPU, p99 ${p99} ms (other programs: ${others} CPUs)`;
}

async function measureRun(
  stage: Stage,
  plan: MentionPlan,
  redis: BenchRedis,
  contender: Contender,
): Promise<MentionFigures> {
  await redis.empty();
  const running = await startContender(contender, {
    redisUrl: redis.url,
    slackUrl: stage.slackUrl,
    port: await freePort(),
  });
  try {
    const run = (first: number, count: number) =>
      stage.run({
        gatewayUrl: running.eventsUrl,
        first,
        count,
        inFlight: plan.inFlight,
        withinMs: RUN_WITHIN_MS,
      });
    await run(0, plan.warmUp);
    await sleep(SETTLE_MS);
    const measured = await measureLoad(running, redis, () => run(plan.warmUp, plan.threads));
    const requests = await countRoundTrips(redis.url, async () => {
      await run(plan.warmUp + plan.threads, COUNTED_MESSAGES);
      await sleep(SETTLE_MS);
    });
    return { ...measured, roundTrips: requests / COUNTED_MESSAGES };
  } finally {
    await running.child.stop();
  }
}

async function measureLoad(
  { child }: RunningContender,
  redis: BenchRedis,
  run: () => Promise<Extract<LoadResult, { kind: 'done' }>>,
): Promise<Omit<MentionFigures, 'roundTrips'>> {
  const redisBefore = await redis.figures();
  const othersBefore = await readOthersCpuMs();
  const before = await child.usage();
  const startedAt = performance.now();
  const { durationMs, latenciesMs, repeated } = await run();
  await sleep(SETTLE_MS);
  const after = await child.usage();
  const othersMs = (await readOthersCpuMs()) - othersBefore;
  const elapsedMs = performance.now() - startedAt;
  const redisAfter = await redis.figures();

  const messages = latenciesMs.length;
  const { p50, p99 } = percentiles(latenciesMs);
  return {
    perSecond: (messages / durationMs) * 1000,
    cpuMs: (after.cpuMs - before.cpuMs) / messages,
    p50Ms: p50,
    p99Ms: p99,
    redisCommands: (redisAfter.commands - redisBefore.commands) / messages,
    redisCpuMs: (redisAfter.cpuMs - redisBefore.cpuMs) / messages,
    rssMb: after.rssMb,
    repeated,
    othersCpus: othersMs / elapsedMs,
  };
}
