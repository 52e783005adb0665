/**
 * `commands`: how long somebody who types a command in Discord waits for the first response, at a steady rate.
 *
 * The gateway is a process of its own on a real Redis; the emulated Discord, which enforces the 3 seconds and the
 * published limits, is here. What answers fastest, storing nothing, is measured in the same run beside it: the same
 * client library acknowledging at once.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type FastifyInstance, fastify } from 'fastify';
import { DiscordSandbox } from '../../src/sandbox/discord/discord-sandbox.ts';
import { Journal } from '../../src/sandbox/journal.ts';
import { ALEX, DISCORD_CHANNELS } from '../../src/sandbox/people.ts';
import { BenchRedis, freePort } from './bench-redis.ts';
import { Child } from './child.ts';
import { toDiscordCommand } from './contender.ts';
import { ownScript } from './own-script.ts';
import type { Progress } from './progress.ts';
import { percentiles, significant } from './statistics.ts';
import { judge, type Target, type Verdict } from './target.ts';

export interface CommandsPlan {
  readonly redisServer: string;
  readonly perSecond: number;
  readonly seconds: number;
}

export interface CommandsFigures {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** Commands whose person saw "did not respond". */
  readonly failed: number;
}

export interface CommandsReport {
  readonly perSecond: number;
  readonly seconds: number;
  readonly figures: { readonly signalbox: CommandsFigures; readonly bareDiscordJs: CommandsFigures };
  /** Requests that break a published limit of Discord. */
  readonly violations: number;
  readonly targets: readonly Verdict[];
}

const TARGETS = {
  p99: { name: 'first response, p99', bound: 'less than', limit: 300, unit: ' ms' },
  max: { name: 'first response, slowest', bound: 'less than', limit: 3_000, unit: ' ms' },
  failed: { name: 'commands without a response', bound: 'at most', limit: 0, unit: '' },
  violations: { name: 'requests beyond a published limit', bound: 'at most', limit: 0, unit: '' },
} as const satisfies Record<string, Target>;

/** A gateway that starts registers its commands; that takes a second. */
const READY_WITHIN_MS = 60_000;
/** Commands before it counts, so that code is compiled and connections are open. */
const WARM_UP = 50;

export async function measureCommands(plan: CommandsPlan, progress: Progress): Promise<CommandsReport> {
  const redis = await BenchRedis.start(plan.redisServer, 'always');
  try {
    const signalbox = await measureOne('signalbox', plan, redis.url);
    const bare = await measureOne('bare', plan, redis.url);
    progress(
      `commands: first response p99 ${significant(signalbox.figures.p99Ms)} ms at ${plan.perSecond}/s`,
    );
    const { p99Ms, maxMs, failed } = signalbox.figures;
    return {
      perSecond: plan.perSecond,
      seconds: plan.seconds,
      figures: { signalbox: signalbox.figures, bareDiscordJs: bare.figures },
      violations: signalbox.violations,
      targets: [
        judge(TARGETS.p99, p99Ms),
        judge(TARGETS.max, maxMs),
        judge(TARGETS.failed, failed),
        judge(TARGETS.violations, signalbox.violations),
      ],
    };
  } finally {
    await redis.stop();
  }
}

async function measureOne(
  who: 'signalbox' | 'bare',
  plan: CommandsPlan,
  redisUrl: string,
): Promise<{ figures: CommandsFigures; violations: number }> {
  const { app, discord, env } = await startDiscord();
  const child = Child.start(
    who === 'signalbox'
      ? toDiscordCommand({ redisUrl, port: await freePort(), env })
      : { name: 'bare discord.js', ...ownScript(new URL('./bare-discord.ts', import.meta.url)), env },
  );
  try {
    await child.line(/\bready\b/i, READY_WITHIN_MS);
    await discord.until(() => discord.commands().some(({ name }) => name === 'ask'));
    await Promise.all(Array.from({ length: WARM_UP }, () => typeAsk(discord)));
    const responses: Promise<Response>[] = [];
    const begun = performance.now();
    for (let n = 0; n < plan.perSecond * plan.seconds; n++) {
      const due = begun + (n * 1_000) / plan.perSecond;
      if (due > performance.now()) await sleep(due - performance.now());
      responses.push(typeAsk(discord));
    }
    const all = await Promise.all(responses);
    const { p50, p99, max } = percentiles(all.map(({ ms }) => ms));
    const failed = all.filter(({ isFailed }) => isFailed).length;
    return { figures: { p50Ms: p50, p99Ms: p99, maxMs: max, failed }, violations: discord.violations.length };
  } finally {
    await child.stop();
    await discord.stop();
    await app.close();
  }
}

interface Response {
  readonly ms: number;
  readonly isFailed: boolean;
}

async function typeAsk(discord: DiscordSandbox): Promise<Response> {
  const [channel] = DISCORD_CHANNELS;
  const begun = performance.now();
  const outcome = await discord.slash({
    user: ALEX.discordUser,
    channel: channel.id,
    command: 'ask',
    options: { question: 'how are things?' },
  });
  return { ms: performance.now() - begun, isFailed: outcome.kind === 'failed' };
}

async function startDiscord(): Promise<{
  app: FastifyInstance;
  discord: DiscordSandbox;
  env: Record<string, string>;
}> {
  const journal = new Journal();
  await journal.start();
  const app = fastify({ forceCloseConnections: true });
  const discord = new DiscordSandbox(journal);
  discord.register(app);
  await discord.start();
  await app.listen({ host: '127.0.0.1', port: 0 });
  return { app, discord, env: discord.env(app.listeningOrigin) };
}
