/**
 * The gateway is killed at any moment, again and again, while people write to it.
 *
 *   alone      one gateway: killed, started again at once, killed while it starts
 *   together   two of them, either killed while the other lives or starts
 *   takeover   two of them; one is killed, and the next kill waits until the other has taken over
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Chance } from './chance.ts';
import type { GatewayProcess } from './gateway-process.ts';
import type { Progress } from './progress.ts';
import type { Stage } from './stage.ts';
import type { Surface } from './surfaces/surface.ts';

/** Shares of the kills. */
const ALONE = 0.45;
const TOGETHER = 0.43;

/**
 * When the next kill comes, in hundred:
 *   `timer`   whenever
 *   `start`   while a gateway is starting
 *   `post`    the moment a platform took a post, so before the gateway can know
 *   `refund`  the moment the shop made a refund; all gateways at once
 *   `think`   the moment the model was asked
 *   `event`   the moment a platform was told that an event is stored
 */
const MOMENTS = { timer: 55, start: 7, post: 13, refund: 8, think: 10, event: 7 };
export type Moment = keyof typeof MOMENTS;

/** A moment that does not come is not waited for longer. */
const MOMENT_WITHIN_MS = 1_500;

/** A conversation that nobody took over for so long is a failure; the suite goes on and reports it. */
const TAKEOVER_WITHIN_MS = 15_000;

export interface Storm {
  readonly kills: number;
  readonly moments: Readonly<Record<Moment, number>>;
}

export async function killGateways(
  stage: Stage,
  chance: Chance,
  progress: Progress,
  signal: AbortSignal,
): Promise<Storm> {
  const { world, people, watch, load } = stage;
  const { fleet } = world;
  const moments: Record<Moment, number> = { timer: 0, start: 0, post: 0, refund: 0, think: 0, event: 0 };
  let kills = 0;
  let lastKillAt = performance.now();
  let meanGapMs = 1_500;

  const [first, second] = world.places;
  await fleet.keep([first]);
  // What is written follows the kills, and flows on between them.
  const writing = setInterval(() => {
    const share = (kills + Math.min(1, (performance.now() - lastKillAt) / meanGapMs)) / load.blows;
    people.writeUpTo(Math.ceil(load.messages * Math.min(1, share)));
  }, 25);

  const kill = async (victims: readonly GatewayProcess[], moment: Moment): Promise<void> => {
    const killedAt = performance.now();
    for (const victim of victims) fleet.kill(victim);
    const witnesses = fleet.live.map(({ gateway }) => gateway.pid);
    moments[moment] += victims.length;
    kills += victims.length;
    meanGapMs = 0.9 * meanGapMs + 0.1 * ((killedAt - lastKillAt) / victims.length);
    lastKillAt = killedAt;
    await Promise.all(victims.map((victim) => victim.ended));
    await Promise.all(victims.map((victim) => watch.killed(victim.pid, killedAt, witnesses)));
    if (kills % 10 < victims.length)
      progress(`${kills} of ${load.blows} kills, ${people.messages.length} messages`);
  };

  try {
    while (kills < load.blows && !signal.aborted) {
      if (kills === Math.ceil(load.blows * ALONE)) await fleet.keep([first, second]);
      if (kills >= load.blows * (ALONE + TOGETHER)) await killAndWait();
      else await killSomehow();
    }
    await fleet.keep([first, second]);
    return { kills, moments };
  } finally {
    clearInterval(writing);
  }

  async function killSomehow(): Promise<void> {
    const moment = chance.weighted(MOMENTS);
    if (moment === 'start') {
      const [starting] = fleet.starting;
      await pause(chance.between(0, 600));
      if (starting) return kill([starting], 'start');
    }
    await fleet.anyReady();
    await pause(chance.between(50, moment === 'timer' ? 1_700 : 500));
    const came = moment === 'timer' || (await nextMoment(stage, moment));
    const live = fleet.live.map(({ gateway }) => gateway);
    const victims = moment === 'refund' ? live : [chance.pick(live)].flatMap((victim) => victim ?? []);
    await kill(victims.slice(0, load.blows - kills), came && moment !== 'start' ? moment : 'timer');
  }

  async function killAndWait(): Promise<void> {
    await fleet.allReady();
    await pause(chance.between(100, 900));
    const victim = chance.pick(fleet.live)?.gateway;
    if (!victim) return;
    await kill([victim], 'timer');
    const until = performance.now() + TAKEOVER_WITHIN_MS;
    while (watch.pending > 0 && performance.now() < until && !signal.aborted) await pause(20);
  }
}

/** Resolves at the very moment, or with false when it does not come in time. */
async function nextMoment(stage: Stage, moment: Exclude<Moment, 'timer'>): Promise<boolean> {
  const { shop, claude } = stage.world.sandbox;
  const surfaces = [...stage.world.surfaces.values()];
  const count = () =>
    surfaces.reduce((sum, { written, stored }) => sum + (moment === 'post' ? written : stored), 0);
  const before = count();
  return new Promise((resolve) => {
    const settle = (came: boolean) => {
      clearTimeout(late);
      stop();
      resolve(came);
    };
    const late = setTimeout(() => settle(false), MOMENT_WITHIN_MS);
    const stop = ((): (() => void) => {
      switch (moment) {
        case 'refund':
          return shop.onChange(() => settle(true));
        case 'think':
          return claude.onChange(() => settle(true));
        case 'post':
        case 'event':
          return listenToAll(surfaces, () => count() > before && settle(true));
        case 'start':
          return () => {};
        default:
          return moment satisfies never;
      }
    })();
  });
}

function listenToAll(surfaces: readonly Surface[], listener: () => void): () => void {
  const stops = surfaces.map((surface) => surface.onChange(listener));
  return () => {
    for (const stop of stops) stop();
  };
}
