/** Calling people when nobody comes: what escalations have to do, when their time has come, who is told what when. */
import { ESCALATION_QUEUE } from '../delivery/escalation-item.ts';
import { API_PLATFORM, type PersonId, type Platform } from '../domain/ids.ts';
import { EscalationTimers } from '../escalation/escalation-timers.ts';
import { EscalationWorker } from '../escalation/escalation-worker.ts';
import { Pagers } from '../escalation/pagers.ts';
import { LiveSurroundings, quietOf } from '../escalation/surroundings.ts';
import { KeyedQueue } from '../mailbox/keyed-queue.ts';
import { LanePool } from '../services/lane-pool.ts';
import type { Core } from './base.ts';

export interface Escalations {
  readonly pool: LanePool;
  readonly timers: EscalationTimers;
  readonly pagers: Pagers;
}

export function createEscalations(core: Core): Escalations {
  const { config, clock, log, redis, keys, secrets, session, stores, gateways, reach, rememberMs } = core;
  const { escalations, directory } = stores;
  const placeOn = (id: PersonId, platform: Platform) => {
    const person = directory.find(id);
    return person && reach.placesOf(person).find(({ to }) => to.platform === platform);
  };
  const writing = {
    canReach: (person: PersonId, platform: Platform) => placeOn(person, platform) !== undefined,
    canPost: (platform: string) => gateways.get(platform)?.channelAddress !== undefined,
  };
  const pagers = new Pagers(redis, keys, stores.writer, {
    escalations,
    quietOf: (person) => quietOf(directory, person),
    placeOn: (person, platform) => placeOn(person, platform)?.to,
    show: (person, page) => worker.showCard(person, page),
    isOneMessage: (platform, markdown) => gateways.get(platform)?.isOneMessage?.(markdown) ?? true,
    rememberMs,
    log,
  });
  const queue = new KeyedQueue(redis, keys, session, ESCALATION_QUEUE, 0);
  const worker = new EscalationWorker({
    ...stores,
    queue,
    pagers,
    placeOn,
    channelOn: (platform, channel) => gateways.get(platform)?.channelAddress?.(channel),
    // Where a gateway is gone, nobody knows any more who reads; programs have none.
    isPrivate: (place) =>
      reach.isPrivate(place) || !(gateways.has(place.platform) || place.platform === API_PLATFORM),
    tellsEverybody: (platform) => reach.tellsEverybody(platform),
    secrets,
    config,
    rememberMs,
    clock,
    log,
  });
  const pool = new LanePool({
    name: `${keys.prefix}escalations`,
    redis,
    queue,
    concurrency: () => config().settings.workers.outbound,
    handle: (claim, mode) => worker.handle(claim, mode),
    log,
  });
  const surroundings = (nowMs: number) =>
    new LiveSurroundings({ config: config(), directory, writing }, nowMs);
  return { pool, timers: new EscalationTimers(escalations, surroundings, log), pagers };
}
