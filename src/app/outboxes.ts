/** What goes out: a pool for each channel, by its platform. */
import type { ReplyTokens } from '../approvals/reply-token.ts';
import { createHoldOf } from '../control/hold.ts';
import { outboxOf } from '../delivery/outbox.ts';
import type { Gateway } from '../domain/gateway.ts';
import { type Claim, KeyedQueue } from '../mailbox/keyed-queue.ts';
import { DeliveryWorker } from '../router/delivery-worker.ts';
import { LanePool } from '../services/lane-pool.ts';
import { outboxPoolName } from '../services/pool-names.ts';
import type { Core } from './base.ts';

export function createOutboxes(core: Core, tokens: ReplyTokens): Map<string, LanePool> {
  return new Map(
    [...core.gateways.values()].map((gateway) => [gateway.platform, createOutbox(core, gateway, tokens)]),
  );
}

/** Lanes that were leased to this process in the step that put their first item there. */
export function handOver(claims: readonly Claim[], outboxes: ReadonlyMap<string, LanePool>): void {
  for (const claim of claims) outboxes.get(claim.queue.slice('o.'.length))?.offer(claim);
}

function createOutbox(core: Core, gateway: Gateway, tokens: ReplyTokens): LanePool {
  const { config, clock, log, redis, keys, secrets, session, stores, reach } = core;
  const queue = new KeyedQueue(redis, keys, session, outboxOf(gateway.platform), 0);
  const delivery = new DeliveryWorker({
    queue,
    gateway,
    approvals: stores.approvals,
    controls: stores.controls,
    holdOf: createHoldOf(stores.controls, config),
    escalations: stores.escalations,
    deadLetters: stores.deadLetters,
    directory: stores.directory,
    reach,
    tokens,
    secrets,
    triggers: () => config().escalation.triggers,
    keepTranscriptMs: () => config().settings.retention.transcripts,
    clock,
    log,
  });
  return new LanePool({
    name: outboxPoolName(keys, gateway.platform),
    redis,
    queue,
    concurrency: () => config().settings.workers.outbound,
    handle: (claim, mode) => delivery.handle(claim, mode),
    log,
  });
}
