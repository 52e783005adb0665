/**
 * `npm run bench`: measures the product beside what it is compared with.
 *
 * Progress goes to standard error; standard output carries the tables, or with `--json` exactly one JSON object.
 * Exit code 0 when everything asked for was measured, whether or not targets were reached; 1 when something could
 * not be measured; 2 for a wrong option; 130 when interrupted.
 */
import { cpus } from 'node:os';
import { join } from 'node:path';
import { findServerBinary, serverRemedy } from '../../src/redis/server-binary.mjs';
import { measureApprovals } from './approvals.ts';
import { measureCommands } from './commands.ts';
import { CONTENDERS } from './contender.ts';
import { measureCore } from './core.ts';
import { measureMention } from './mention.ts';
import { HELP, type Part, type Plan, toPlan } from './plan.ts';
import { endDescendants, readOthersCpuMs } from './proc-stat.ts';
import { createProgress, type Progress } from './progress.ts';
import { installReferences, REFERENCE_DIR, referenceVersion } from './reference-install.ts';
import { isComplete, type Machine, type Report, toJson, toText, type Unmeasured } from './report.ts';
import { measureSkills } from './skills.ts';
import { measureStart } from './start.ts';
import { significant } from './statistics.ts';
import { measureTimers } from './timers.ts';
import { measureTurns } from './turns.ts';

/** 128 + SIGINT, as shells have it. */
const INTERRUPTED = 130;

/** Below this the machine counts as ours alone. */
const QUIET_CPUS = 0.2;

const NOT_ALONE = 'other programs kept the machine busy meanwhile; it can do better than these figures';

/** Stopping takes as long as removing some files. */
const STOP_WITHIN_MS = 5_000;

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  const plan = readPlan(args);
  if (plan === undefined) return 2;
  if (plan.help) {
    console.log(HELP);
    return 0;
  }
  const binary = await findServerBinary();
  if (binary.kind !== 'found') {
    console.error(serverRemedy(binary));
    return 1;
  }
  const stopping = stopOnSignal();
  const progress = createProgress(performance.now());
  if (plan.parts.some((part) => part === 'mention' || part === 'timers')) await installReferences(progress);

  const report = await measure(plan, binary, progress, stopping);
  if (stopping.aborted) return INTERRUPTED;
  console.log(plan.json ? toJson(report) : toText(report));
  return isComplete(report) ? 0 : 1;
}

function readPlan(args: readonly string[]): Plan | undefined {
  try {
    return toPlan(args);
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n\n${HELP}`);
    return undefined;
  }
}

async function measure(
  plan: Plan,
  redis: { command: string; version: string },
  progress: Progress,
  stopping: AbortSignal,
): Promise<Report> {
  const redisServer = redis.command;
  const { rounds } = plan;
  const part = <Name extends Part, Result>(name: Name, work: () => Promise<Result>) =>
    attempt({ plan, name, work, progress, stopping });
  return {
    machine: await describeMachine(redis.version),
    ...(await part('mention', () =>
      measureMention(
        { ...plan.mention, redisServer, rounds, contenders: CONTENDERS, fsyncModes: ['always', 'everysec'] },
        progress,
      ),
    )),
    ...(await part('timers', () => measureTimers({ ...plan.timers, redisServer }, progress))),
    ...(await part('approvals', () => measureApprovals({ ...plan.approvals, redisServer }, progress))),
    ...(await part('start', () => measureStart({ ...plan.start, redisServer, rounds }, progress))),
    ...(await part('commands', () => measureCommands({ ...plan.commands, redisServer }, progress))),
    ...(await part('skills', () => measureSkills({ ...plan.skills, redisServer, rounds }, progress))),
    ...(await part('turns', () => measureTurns({ ...plan.turns, redisServer, rounds }, progress))),
    ...(await part('core', () => measureCore({ ...plan.core, redisServer, rounds }, progress))),
  };
}

interface Attempt<Name extends Part, Result> {
  readonly plan: Plan;
  readonly name: Name;
  readonly work: () => Promise<Result>;
  readonly progress: Progress;
  readonly stopping: AbortSignal;
}

/** One part that fails does not cost the others. */
async function attempt<Name extends Part, Result>({
  plan,
  name,
  work,
  progress,
  stopping,
}: Attempt<Name, Result>): Promise<Partial<Record<Name, Result | Unmeasured>>> {
  if (!plan.parts.includes(name) || stopping.aborted) return {};
  const othersBefore = await readOthersCpuMs();
  const startedAt = performance.now();
  try {
    const result = await work();
    const othersCpus = ((await readOthersCpuMs()) - othersBefore) / (performance.now() - startedAt);
    if (othersCpus > QUIET_CPUS) progress(`${name}: ${NOT_ALONE} (${significant(othersCpus, 2)} CPUs)`);
    return toRecord(name, result);
  } catch (error) {
    const failed = describeFailure(error);
    progress(`${name} could not be measured: ${failed}`);
    return toRecord(name, { failed });
  }
}

function toRecord<Name extends string, Value>(name: Name, value: Value): Partial<Record<Name, Value>> {
  const record: Partial<Record<Name, Value>> = {};
  record[name] = value;
  return record;
}

function describeFailure(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message}: ${describeFailure(error.cause)}`;
}

async function describeMachine(redis: string): Promise<Machine> {
  const processors = cpus();
  const root = join(import.meta.dirname, '..', '..');
  const [chat, slack, state, bullmq, bolt] = await Promise.all([
    ...['chat', '@chat-adapter/slack', '@chat-adapter/state-ioredis', 'bullmq'].map((name) =>
      referenceVersion(name, REFERENCE_DIR),
    ),
    referenceVersion('@slack/bolt', root),
  ]);
  return {
    node: process.versions.node,
    redis,
    cpu: processors[0]?.model ?? 'unknown CPU',
    cpus: processors.length,
    packages: {
      chat: chat ?? '?',
      '@chat-adapter/slack': slack ?? '?',
      '@chat-adapter/state-ioredis': state ?? '?',
      bullmq: bullmq ?? '?',
      '@slack/bolt': bolt ?? '?',
    },
  };
}

/**
 * Nothing that was started outlives the benchmark: on a signal every process below this one is ended, so whatever
 * waits for one fails and cleans up behind itself.
 */
function stopOnSignal(): AbortSignal {
  const stopping = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.once(name, () => {
      stopping.abort();
      void endDescendants(process.pid);
      setTimeout(() => process.exit(INTERRUPTED), STOP_WITHIN_MS).unref();
    });
  }
  return stopping.signal;
}
