/** Programs that ask people over the port of the webhooks, and hear the end from an outbox of their own. */

import type { WebhookListener } from '../../gateways/webhook-listener.ts';
import { Access } from '../api/access.ts';
import { AnswerBook } from '../api/answer-book.ts';
import { ApprovalDesk } from '../api/approval-desk.ts';
import { AskedIndex } from '../api/asked-index.ts';
import { ApprovalBell } from '../api/bell.ts';
import { ClientDelivery } from '../api/client-delivery.ts';
import { HttpDoor } from '../api/http-door.ts';
import { createHoldOf } from '../control/hold.ts';
import { outboxOf } from '../delivery/outbox.ts';
import { API_PLATFORM } from '../domain/ids.ts';
import { KeyedQueue } from '../mailbox/keyed-queue.ts';
import type { BallotBox } from '../router/ballot-box.ts';
import { LanePool } from '../services/lane-pool.ts';
import { outboxPoolName } from '../services/pool-names.ts';
import type { Service } from '../services/service.ts';
import type { Core } from './base.ts';

export function createHttpApi(core: Core, listener: WebhookListener, ballots: BallotBox): Service[] {
  const { config, clock, log, redis, keys, secrets, session, stores, reach, rememberMs } = core;
  const bell = new ApprovalBell(redis, keys);
  const queue = new KeyedQueue(redis, keys, session, outboxOf(API_PLATFORM), 0);
  const delivery = new ClientDelivery({ ...stores, queue, reach, bell, secrets, config, clock, log });
  const pool = new LanePool({
    name: outboxPoolName(keys, API_PLATFORM),
    redis,
    queue,
    concurrency: () => config().settings.workers.outbound,
    handle: (claim, mode) => delivery.handle(claim, mode),
    log,
  });
  const door = new HttpDoor({
    listener,
    access: new Access(() => config().settings.api, stores.apiKeys, clock),
    desk: new ApprovalDesk({
      ...stores,
      ballots,
      reach,
      index: new AskedIndex(redis, keys),
      answers: new AnswerBook(redis, keys, rememberMs),
      bell,
      holdOf: createHoldOf(stores.controls, config),
      config,
      log,
    }),
    audit: (event) => stores.audit.append('api', event),
    log,
  });
  return [bell, pool, door];
}
