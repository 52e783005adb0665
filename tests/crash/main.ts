/**
 * `npm run crash`: takes the product's processes away at any moment and counts what became of everything.
 *
 * Progress goes to standard error; standard output carries a table, or with `--json` exactly one JSON object. Exit
 * code 0 when nothing was lost, out of order or done twice; 1 when something was; 2 for a wrong option; 130 when
 * interrupted.
 */
import { randomInt } from 'node:crypto';
import { Chance } from './chance.ts';
import { judgeCommands } from './excuse.ts';
import { killGateways } from './gateway-killed.ts';
import { HELP, type Plan, type ScenarioName, toPlan } from './plan.ts';
import { createProgress, type Progress } from './progress.ts';
import { restartRedis, takeRedisAway } from './redis-lost.ts';
import { failuresOf, type Outcome, toJson, toText } from './report.ts';
import { Stage } from './stage.ts';

/** 128 + SIGINT, as shells have it. */
const INTERRUPTED = 130;

/** A run that takes longer than this hangs; on two cores of its own it takes a third of that. */
const LONGEST_MS = 25 * 60_000;

process.exit(await main(process.argv.slice(2))); // whatever somebody still waits for

async function main(args: readonly string[]): Promise<number> {
  const plan = readPlan(args);
  if (plan === undefined) return 2;
  if (plan.help) {
    console.log(HELP);
    return 0;
  }
  const startedAt = performance.now();
  const open = new Set<Stage>();
  const stopping = endWithUs(open);
  const chance = new Chance(plan.seed);
  const settling: Promise<Outcome>[] = [];
  for (const name of plan.scenarios) {
    if (stopping.aborted) break;
    const progress = createProgress(name, startedAt);
    progress(`begins, seed ${plan.seed}`);
    const stage = await Stage.open(plan.loads[name], chance.branch(name));
    open.add(stage);
    const struck = await strike(name, stage, chance.branch(`${name} blows`), progress, stopping);
    progress('waiting until everything is settled');
    // Meanwhile the next one begins.
    const outcome = settle(name, stage, struck, progress).finally(() => open.delete(stage));
    outcome.catch(() => {}); // heard of below
    settling.push(outcome);
  }
  const outcomes = await Promise.all(settling);
  if (stopping.aborted) return INTERRUPTED;
  const seconds = (performance.now() - startedAt) / 1_000;
  console.log((plan.json ? toJson : toText)(plan.seed, seconds, outcomes));
  return outcomes.flatMap(failuresOf).length === 0 ? 0 : 1;
}

function readPlan(args: readonly string[]): Plan | undefined {
  try {
    return toPlan(args, randomInt(2 ** 32));
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n\n${HELP}`);
    return undefined;
  }
}

type Struck = Pick<Outcome, 'kills' | 'moments' | 'outages'>;

async function strike(
  name: ScenarioName,
  stage: Stage,
  chance: Chance,
  progress: Progress,
  signal: AbortSignal,
): Promise<Struck> {
  switch (name) {
    case 'gateway':
      return killGateways(stage, chance, progress, signal);
    case 'redis-restart':
      return { kills: await restartRedis(stage, chance, progress, signal) };
    case 'redis-away': {
      const outages = await takeRedisAway(stage, progress, signal);
      return { kills: Math.floor(outages.count / 2), outages };
    }
    default:
      return name satisfies never;
  }
}

async function settle(
  scenario: ScenarioName,
  stage: Stage,
  struck: Struck,
  progress: Progress,
): Promise<Outcome> {
  try {
    const { verdict, alarms, remains } = await stage.settle();
    const { seconds, load, watch, model, commander } = stage;
    const { crashes, kills, starts, troubles } = stage.world.fleet;
    progress('settled');
    return {
      scenario,
      seconds,
      messages: load.messages,
      conversations: load.conversations,
      ...struck,
      verdict,
      alarms,
      remains,
      commands: judgeCommands(commander.typed, kills),
      broken: stage.world.broken,
      answeredTwice: stage.world.answeredTwice,
      takeovers: stage.people.takeovers.length,
      witnessed: watch.witnessed,
      unwitnessed: watch.unwitnessed,
      starts,
      crashes,
      troubles: Object.fromEntries(troubles),
      thoughtAgain: [...model.thoughts.values()].reduce((sum, times) => sum + times - 1, 0),
    };
  } finally {
    await stage.close();
  }
}

/** Nothing that was started outlives us. */
function endWithUs(open: ReadonlySet<Stage>): AbortSignal {
  const stopping = new AbortController();
  const end = () => {
    stopping.abort();
    for (const stage of open) stage.endNow();
    process.exit(INTERRUPTED);
  };
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, end);
  process.once('exit', () => {
    for (const stage of open) stage.endNow();
  });
  setTimeout(() => {
    process.stderr.write(`ended after ${LONGEST_MS / 60_000} minutes\n`);
    process.exit(1);
  }, LONGEST_MS).unref();
  return stopping.signal;
}
