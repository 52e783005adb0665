/**
 * `skills`: what many skills cost: at start, where only their heads are read, and for each message, which is held
 * against all of them.
 *
 * The gateway is started with and without them in turn, as a process of its own; matching and choosing are measured
 * in this one.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type MatcherName, SkillSettings } from '../../src/config/skills.ts';
import { createLogger } from '../../src/observability/logger.ts';
import { createHost } from '../../src/skills/host.ts';
import { SkillRegistry } from '../../src/skills/skill-registry.ts';
import { BenchRedis, freePort } from './bench-redis.ts';
import { Child } from './child.ts';
import { startContender } from './contender.ts';
import { messageOf, writeSkills } from './many-skills.ts';
import { ownScript } from './own-script.ts';
import type { Progress } from './progress.ts';
import { median, percentiles, significant } from './statistics.ts';
import { judge, type Target, type Verdict } from './target.ts';

export interface SkillsPlan {
  readonly redisServer: string;
  readonly rounds: number;
  readonly skills: number;
  readonly messages: number;
}

export interface SkillsFigures {
  readonly readyMs: number;
  readonly readyWithoutMs: number;
  /** Until it was ready, of all its threads. */
  readonly readyCpuMs: number;
  readonly readyWithoutCpuMs: number;
  readonly keywordP50Ms: number;
  readonly keywordP99Ms: number;
  readonly scoredP50Ms: number;
  readonly scoredP99Ms: number;
  /** Matching, looking at the files, and what a turn is given. */
  readonly chooseP50Ms: number;
}

export interface SkillsReport {
  readonly skills: number;
  readonly rounds: number;
  readonly figures: SkillsFigures;
  readonly targets: readonly Verdict[];
}

const TARGETS = {
  ready: { name: 'start with skills, CPU more than without', bound: 'less than', limit: 300, unit: ' ms' },
  keyword: { name: 'matching by keywords, p99', bound: 'less than', limit: 5, unit: ' ms' },
  scored: { name: 'matching by scores, p99', bound: 'less than', limit: 5, unit: ' ms' },
} as const satisfies Record<string, Target>;

/** Messages before it counts, so that code is compiled. */
const WARM_UP = 50;
export async function measureSkills(plan: SkillsPlan, progress: Progress): Promise<SkillsReport> {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-skills-'));
  try {
    const [many, none] = [join(folder, 'many'), join(folder, 'none')];
    writeSkills(many, plan.skills);
    const matching = await measureMatching(plan, many);
    const starting = await measureStarts(plan, many, none);
    const figures = { ...starting, ...matching };
    // Of a machine that others use as well, the time on the wall tells more about them.
    const more = figures.readyCpuMs - figures.readyWithoutCpuMs;
    progress(
      `skills: ${plan.skills} cost ${significant(more)} ms CPU at start, ${significant(figures.keywordP99Ms)} ms a message`,
    );
    return {
      skills: plan.skills,
      rounds: plan.rounds,
      figures,
      targets: [
        judge(TARGETS.ready, more),
        judge(TARGETS.keyword, figures.keywordP99Ms),
        judge(TARGETS.scored, figures.scoredP99Ms),
      ],
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measureMatching({ skills, messages }: SkillsPlan, workspace: string) {
  const times = async (matcher: MatcherName) => {
    const settings = SkillSettings.parse({ workspace, matcher });
    const registry = new SkillRegistry({
      settings: () => settings,
      host: () => createHost({ platforms: ['slack'], toolGroups: [], model: 'echo', path: [] }),
      log: createLogger({ level: 'silent' }),
    });
    await registry.reload();
    const match: number[] = [];
    const choose: number[] = [];
    for (let n = -WARM_UP; n < messages; n++) {
      const text = messageOf(n + WARM_UP, skills);
      const began = performance.now();
      registry.match(text, 'slack');
      const matched = performance.now();
      await registry.choose(text, 'slack');
      if (n < 0) continue;
      match.push(matched - began);
      choose.push(performance.now() - matched);
    }
    return { match: percentiles(match), choose: percentiles(choose) };
  };
  const keyword = await times('keyword');
  const scored = await times('scored');
  return {
    keywordP50Ms: keyword.match.p50,
    keywordP99Ms: keyword.match.p99,
    scoredP50Ms: scored.match.p50,
    scoredP99Ms: scored.match.p99,
    chooseP50Ms: keyword.choose.p50,
  };
}

interface Start {
  readonly startMs: number;
  readonly cpuMs: number;
}

async function measureStarts({ redisServer, rounds }: SkillsPlan, many: string, none: string) {
  const redis = await BenchRedis.start(redisServer, 'always');
  const stub = Child.start({
    name: 'Slack stub',
    ...ownScript(new URL('./slack-stub.ts', import.meta.url)),
    ipc: true,
  });
  try {
    const line = await stub.line(/listening on \d+/, 10_000);
    const slackUrl = `http://127.0.0.1:${/\d+/.exec(line)?.[0]}`;
    const readyWith = async (skills: string) => {
      await redis.empty();
      const { child, startMs } = await startContender('signalbox', {
        redisUrl: redis.url,
        slackUrl,
        port: await freePort(),
        skills,
      });
      const { cpuMs } = await child.usage();
      await child.stop();
      return { startMs, cpuMs };
    };
    // The first start builds the program and fills the disk cache.
    await readyWith(many);
    const pairs: { with: Start; without: Start }[] = [];
    while (pairs.length < rounds) pairs.push({ without: await readyWith(none), with: await readyWith(many) });
    return {
      readyMs: median(pairs.map((pair) => pair.with.startMs)),
      readyWithoutMs: median(pairs.map((pair) => pair.without.startMs)),
      readyCpuMs: median(pairs.map((pair) => pair.with.cpuMs)),
      readyWithoutCpuMs: median(pairs.map((pair) => pair.without.cpuMs)),
    };
  } finally {
    await stub.stop();
    await redis.stop();
  }
}
