/** Redis is killed and started again on its append-only file, or away for ten seconds, while people write. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Chance } from './chance.ts';
import type { Progress } from './progress.ts';
import type { Stage } from './stage.ts';

/** Two gateways share the work, as they would where Redis is a server of its own. */
async function withGateways(stage: Stage): Promise<void> {
  await stage.world.fleet.keep(stage.world.places);
}

/** Kills it at once after something was written, and starts it again. */
export async function restartRedis(
  stage: Stage,
  chance: Chance,
  progress: Progress,
  signal: AbortSignal,
): Promise<number> {
  const { world, people, load } = stage;
  await withGateways(stage);
  for (let restart = 1; restart <= load.blows && !signal.aborted; restart++) {
    const writing = writeSteadily(stage, (restart - 1) / load.blows, restart / load.blows, 3_500);
    await pause(chance.between(1_000, 2_500));
    await world.redis.kill();
    await pause(chance.between(0, 1_200));
    await world.redis.start();
    await writing;
    progress(`Redis was restarted ${restart} of ${load.blows} times, ${people.messages.length} messages`);
  }
  return load.blows;
}

export interface Outages {
  readonly count: number;
  /** Acknowledged while nothing could be stored. */
  readonly acknowledgedMeanwhile: number;
  /** Deliveries of an event after its first. */
  readonly redelivered: number;
}

/** How long Redis is away, in ms. */
const AWAY_MS = 10_000;

/** What was stored just before may be acknowledged just after, on Discord by an answer that was on its way. */
const GRACE_MS = 1_500;

/** Away in two ways, in turn: it answers nothing (a machine that hangs), or is not there. */
export async function takeRedisAway(stage: Stage, progress: Progress, signal: AbortSignal): Promise<Outages> {
  const { world, people, load } = stage;
  await withGateways(stage);
  let acknowledgedMeanwhile = 0;
  for (let outage = 1; outage <= load.blows && !signal.aborted; outage++) {
    const writing = writeSteadily(stage, (outage - 1) / load.blows, outage / load.blows, AWAY_MS + 4_000);
    await pause(2_000);
    const frozen = outage % 2 === 1;
    if (frozen) world.redis.freeze();
    else await world.redis.kill();
    const from = Date.now() + GRACE_MS;
    await pause(AWAY_MS);
    const to = Date.now();
    if (frozen) world.redis.thaw();
    else await world.redis.start();
    acknowledgedMeanwhile += people.messages.filter(
      ({ acknowledgedAt = 0 }) => acknowledgedAt > from && acknowledgedAt < to,
    ).length;
    await writing;
    progress(`Redis was away ${outage} of ${load.blows} times, ${people.messages.length} messages`);
  }
  const redelivered = world.sandbox.slack.deliveries.filter(({ attempt }) => attempt > 0).length;
  return { count: load.blows, acknowledgedMeanwhile, redelivered };
}

/** Writes one part of the messages, evenly over so long. */
async function writeSteadily(
  { people, load }: Stage,
  from: number,
  to: number,
  overMs: number,
): Promise<void> {
  const startedAt = performance.now();
  for (;;) {
    const share = Math.min(1, (performance.now() - startedAt) / overMs);
    people.writeUpTo(Math.ceil(load.messages * (from + (to - from) * share)));
    if (share === 1) return;
    await pause(25);
  }
}
