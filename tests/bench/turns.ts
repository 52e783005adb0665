/**
 * `turns`: what one turn costs beside the model, with many tools and many skills.
 *
 *   product    a message is taken in, stored, answered by Claude over the wire, and the answer handed over
 *   reference  the very same requests, byte for byte, by the SDK alone
 *
 * Both ask one emulated Claude, which is a process of its own; the difference is what the product adds. CPU time of the
 * asking process, one turn after the other: how busy the machine is otherwise changes little about it. Both have made
 * enough requests before it counts that their code is compiled, as that of a gateway is that has run for a while.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { BenchRedis, freePort } from './bench-redis.ts';
import { Child } from './child.ts';
import { writeSkills } from './many-skills.ts';
import { ownScript } from './own-script.ts';
import type { Progress } from './progress.ts';
import { medianOfRounds, significant } from './statistics.ts';
import { judge, type Target, type Verdict } from './target.ts';
import type { ReferenceOrder, TurnsOrder } from './turns-order.ts';

export interface TurnsPlan {
  readonly redisServer: string;
  readonly rounds: number;
  readonly turns: number;
  readonly warmUp: number;
  readonly tools: number;
  readonly skills: number;
}

export interface TurnsFigures {
  /** Of a whole message, at p50 and on average. */
  readonly cpuP50Ms: number;
  readonly cpuMeanMs: number;
  /** Of the same requests by the SDK alone. */
  readonly sdkP50Ms: number;
  readonly sdkMeanMs: number;
  /** Of one request, in bytes. */
  readonly requestBytes: number;
}

export interface TurnsReport {
  readonly turns: number;
  readonly tools: number;
  readonly skills: number;
  readonly rounds: number;
  readonly figures: TurnsFigures;
  /** What the product takes for a whole message, in units of the SDK alone. */
  readonly ratio: number;
  readonly targets: readonly Verdict[];
}

const TARGETS = {
  overhead: { name: 'CPU beside the model, p50', bound: 'less than', limit: 3, unit: ' ms' },
} as const satisfies Record<string, Target>;

const READY_WITHIN_MS = 60_000;
const DONE_WITHIN_MS = 300_000;

const Cpu = z.object({ p50Ms: z.number(), meanMs: z.number() });
type Cpu = z.infer<typeof Cpu>;

export async function measureTurns(plan: TurnsPlan, progress: Progress): Promise<TurnsReport> {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-turns-'));
  const redis = await BenchRedis.start(plan.redisServer, 'always');
  const claude = startOwn('Claude', new URL('./turns-emulator.ts', import.meta.url));
  try {
    writeSkills(folder, plan.skills);
    const line = await claude.line(/listening on \d+/, READY_WITHIN_MS);
    const url = `http://127.0.0.1:${/\d+/.exec(line)?.[0]}/claude`;
    const round = () => measureRound(plan, { redis, claude, url, skillsFolder: folder });
    const rounds: [TurnsFigures, ...TurnsFigures[]] = [await round()];
    while (rounds.length < plan.rounds) rounds.push(await round());
    const figures = medianOfRounds(rounds);
    const overheadMs = figures.cpuP50Ms - figures.sdkP50Ms;
    progress(`turns: ${significant(overheadMs)} ms CPU beside the model`);
    const { turns, tools, skills } = plan;
    return {
      ...{ turns, tools, skills, rounds: rounds.length, figures },
      ratio: figures.cpuP50Ms / figures.sdkP50Ms,
      targets: [judge(TARGETS.overhead, overheadMs)],
    };
  } finally {
    await claude.stop();
    await redis.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Surroundings {
  readonly redis: BenchRedis;
  readonly claude: Child;
  readonly url: string;
  readonly skillsFolder: string;
}

/** @throws when the product did not send what the figures are to tell of */
async function measureRound(
  { turns, warmUp, tools, skills }: TurnsPlan,
  { redis, claude, url, skillsFolder }: Surroundings,
): Promise<TurnsFigures> {
  await redis.empty();
  const order: TurnsOrder = {
    ...{ redisUrl: redis.url, url, port: await freePort(), skillsFolder, skills, tools, turns, warmUp },
  };
  const product = await ask('Signalbox', new URL('./turns-signalbox.ts', import.meta.url), order);
  const bodies = Bodies.parse(await claude.ask('bodies', READY_WITHIN_MS));
  requireSame(bodies, { turns: turns + warmUp, tools });
  const sdk = await ask('the SDK alone', new URL('./turns-reference.ts', import.meta.url), {
    url,
    bodies,
    warmUp,
  });
  await claude.ask('bodies', READY_WITHIN_MS); // those of the SDK, which nobody wants
  return {
    cpuP50Ms: product.p50Ms,
    cpuMeanMs: product.meanMs,
    sdkP50Ms: sdk.p50Ms,
    sdkMeanMs: sdk.meanMs,
    requestBytes: JSON.stringify(bodies.at(-1)).length,
  };
}

const Bodies = z.array(z.looseObject({ tools: z.array(z.unknown()) }));

function requireSame(
  bodies: z.infer<typeof Bodies>,
  wanted: { readonly turns: number; readonly tools: number },
) {
  const tools = bodies.at(-1)?.tools.length;
  if (bodies.length === wanted.turns && tools === wanted.tools) return;
  throw new Error(
    `${bodies.length} requests with ${tools} tools were made, not ${wanted.turns} with ${wanted.tools}`,
  );
}

async function ask(name: string, file: URL, order: TurnsOrder | ReferenceOrder): Promise<Cpu> {
  const child = startOwn(name, file);
  try {
    await child.line(/^ready$/, READY_WITHIN_MS);
    // A copy that can be sent: orders are plain data.
    return Cpu.parse(await child.ask({ ...order }, DONE_WITHIN_MS));
  } finally {
    await child.stop();
  }
}

function startOwn(name: string, file: URL): Child {
  return Child.start({ name, ...ownScript(file), ipc: true });
}
