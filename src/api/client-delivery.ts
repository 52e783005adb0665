/**
 * Brings programs what became of what they asked: one item of their outbox, one signed webhook, one commit.
 *
 *   a yes, without permit ──▶ handed over: that is the end of it here; taken back before ──▶ not told
 *         └─ the client is no more ──▶ taken back, so that whoever agreed hears that nobody acts on it
 *   anything              ──▶ whoever waits is woken ──▶ webhook ──2xx──▶ done
 *         └─ the client is no more ──▶ dead letters        └──else──▶ again later ──a day──▶ dead letters
 *
 * Invariants
 *   1. An item leaves its outbox when the client has it, when it has no webhook, or for the dead letters; for those, too,
 *      when there is no such client any more.
 *   2. What becomes of one approval is told in order; a client that is away, or hangs, holds up no other.
 *   3. The same event has the same id and the same body, however often it is sent.
 *   4. A yes without permit is told as a yes only once it was handed over, and can no longer be taken back. It is handed
 *      over only to a client that there is.
 *   5. Only addresses of the configuration are called, and no redirect is followed.
 */

import type { ApprovalStore } from '../approvals/approval-store.ts';
import { stillTrue } from '../approvals/saying.ts';
import type { ApiClient, WebhookSettings } from '../config/api.ts';
import type { Config } from '../config/load-config.ts';
import { type ClientEvent, ClientItem } from '../delivery/client-event.ts';
import { type Posted, postSigned } from '../delivery/signed-webhook.ts';
import { claim, complete } from '../domain/approval/execution.ts';
import type { Approval } from '../domain/approval/record.ts';
import type { AuditEvent } from '../domain/audit-event.ts';
import type { Clock } from '../domain/clock.ts';
import { LeaseLostError } from '../domain/errors.ts';
import { API_PLATFORM } from '../domain/ids.ts';
import type { Directory } from '../identity/directory.ts';
import { type Claim, type KeyedQueue, toDeadLetter } from '../mailbox/keyed-queue.ts';
import type { KnownSecrets } from '../observability/known-secrets.ts';
import type { Logger } from '../observability/logger.ts';
import type { Effect } from '../redis/effects.ts';
import { askOwners } from '../router/owner-cards.ts';
import type { Reach } from '../router/reach.ts';
import type { ApprovalBell } from './bell.ts';
import type { ApprovalView, WebhookBody } from './schema.ts';
import { isToHandOver, toView } from './view.ts';

/** Webhooks to one client under way at a time, so that one that hangs does not take every place. */
const MOST_AT_ONCE = 16;
/** Pause of one for which there was no place. */
const NO_PLACE_MS = 250;
const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 30 * 60_000;
/** For so long it is tried at least, however old it is: it was perhaps we who were away. */
const TRIED_FOR_MS = 5 * 60_000;

export interface ClientDeliveryDeps {
  readonly queue: KeyedQueue;
  readonly approvals: ApprovalStore;
  readonly directory: Directory;
  readonly reach: Reach;
  readonly bell: ApprovalBell;
  readonly secrets: Pick<KnownSecrets, 'without'>;
  readonly config: () => Config;
  readonly clock: Clock;
  readonly log: Logger;
}

/** What is sent, and to whom. */
interface Letter {
  /** Of the event; the same on every attempt. */
  readonly id: string;
  readonly client: string;
  readonly subject: string;
  readonly correlation: string;
  readonly atMs: number;
  readonly body: WebhookBody;
}

export class ClientDelivery {
  /** Webhooks under way, by client. */
  readonly #underWay = new Map<string, number>();

  constructor(private readonly deps: ClientDeliveryDeps) {}

  /** Handles the claim's item. Resolves with the claim on the lane's next one, if it was asked for more. */
  async handle(held: Claim, mode: 'more' | 'yield'): Promise<Claim | undefined> {
    const parsed = ClientItem.safeParse(JSON.parse(held.item));
    if (!parsed.success) return this.#commit(held, [toDeadLetter(held, 'the item cannot be read')], mode);
    const item = parsed.data;
    const log = this.deps.log.child({ item: item.id });
    try {
      const isTold = item.kind === 'event' ? await this.#prepare(item) : await this.#isStillTrue(item);
      const letter = isTold ? toLetter(item) : undefined;
      if (!letter) return await this.#commit(held, [], mode);
      const client = this.#clientCalled(letter.client);
      if (!client) return await this.#undeliverable(held, letter, noClient(letter.client), mode, log);
      const settings = client.webhook;
      if (settings?.url === undefined) return await this.#commit(held, [], mode);

      if ((this.#underWay.get(letter.client) ?? 0) >= MOST_AT_ONCE) {
        await this.deps.queue.retryLater(held, NO_PLACE_MS, 'free');
        return undefined;
      }
      const sent = await this.#send(letter, settings, held.signal);
      if (sent.kind === 'refused') return await this.#refused(held, letter, sent, mode, log);
      return await this.#commit(held, [toAudit(letter, 'webhook.sent', { status: sent.status })], mode);
    } catch (error) {
      if (error instanceof LeaseLostError || held.signal.aborted) {
        log.warn({}, 'the lease was lost; somebody else tells the client');
        return undefined;
      }
      log.error({ err: error, attempt: held.attempt }, 'telling a client failed; trying again');
      await this.deps.queue.retryLater(held, backoff(held.failures), 'counts');
      return undefined;
    }
  }

  async #send({ id, client, body }: Letter, settings: WebhookSettings, signal: AbortSignal): Promise<Posted> {
    this.#underWay.set(client, (this.#underWay.get(client) ?? 0) + 1);
    try {
      return await postSigned(
        { id, body: this.deps.secrets.without(body) },
        settings,
        this.deps.clock,
        signal,
      );
    } finally {
      this.#underWay.set(client, (this.#underWay.get(client) ?? 1) - 1);
    }
  }

  /** What is about a request is told only while it is true of it. */
  async #isStillTrue(item: Exclude<ClientItem, ClientEvent>): Promise<boolean> {
    if (item.kind !== 'text' || item.about === undefined) return true;
    const { about, markdown } = item;
    return stillTrue({ markdown, about }, await this.deps.approvals.find(about.approvalId)) !== undefined;
  }

  /** What has to happen whether or not the client can be told. Resolves with whether it still is what to tell. */
  async #prepare({ approval }: ClientEvent): Promise<boolean> {
    await this.deps.bell.ring(approval.id);
    if (isToHandOver(approval)) {
      const isTheirs = await this.#handOver(approval);
      await this.deps.bell.ring(approval.id);
      return isTheirs;
    }
    if (approval.state === 'UNKNOWN') await askOwners(approval, this.deps);
    return true;
  }

  /**
   * The yes is the client's to act on. Done again, it changes nothing. Where there is no such client any more it is
   * taken back: nobody would act on it.
   *
   * @returns whether it is theirs, since now or before; otherwise a later event tells what became of it
   */
  async #handOver({ id, client }: Approval): Promise<boolean> {
    const { approvals } = this.deps;
    const isThere = client === undefined || this.#clientCalled(client.name) !== undefined;
    const drift = isThere ? undefined : `${noClient(client.name)}, so it was not handed over`;
    const claimed = await approvals.apply(id, (approval, nowMs) =>
      claim(approval, `hand-over:${id}`, approval.digest, nowMs, drift),
    );
    if (claimed?.code !== 'GRANTED') return claimed?.approval.state === 'EXECUTED';
    const { epoch } = claimed.permit;
    const text = `it was handed over to ${client?.name ?? 'its client'}, which acts on it by itself.`;
    await approvals.apply(id, (approval, nowMs) => complete(approval, epoch, { status: 'ok', text }, nowMs));
    return true;
  }

  async #refused(
    held: Claim,
    letter: Letter,
    { reason, isFinal, afterMs }: Extract<Posted, { kind: 'refused' }>,
    mode: 'more' | 'yield',
    log: Logger,
  ): Promise<Claim | undefined> {
    const { clock, config, queue } = this.deps;
    const forgetMs = config().settings.api.forget_webhooks_after;
    const isTried = pausesAfter(held.failures) >= Math.min(forgetMs, TRIED_FOR_MS);
    const isTooOld = isTried && clock.now() - letter.atMs > forgetMs;
    if (isFinal || isTooOld) return this.#undeliverable(held, letter, reason, mode, log);
    const pauseMs = Math.max(backoff(held.failures), Math.min(afterMs ?? 0, LONGEST_RETRY_MS));
    log.warn({ client: letter.client, reason, pauseMs }, 'a webhook was not taken; trying again');
    await queue.retryLater(held, pauseMs, 'counts');
    return undefined;
  }

  async #undeliverable(
    held: Claim,
    letter: Letter,
    reason: string,
    mode: 'more' | 'yield',
    log: Logger,
  ): Promise<Claim | undefined> {
    log.error({ client: letter.client, reason }, 'a webhook is not taken; it goes to the dead letters');
    const effects = [toDeadLetter(held, reason), toAudit(letter, 'webhook.undeliverable', { reason })];
    return this.#commit(held, effects, mode);
  }

  /** As the configuration has it now. */
  #clientCalled(name: string): ApiClient | undefined {
    const { clients } = this.deps.config().settings.api;
    return Object.hasOwn(clients, name) ? clients[name] : undefined;
  }

  async #commit(held: Claim, effects: readonly Effect[], mode: 'more' | 'yield'): Promise<Claim | undefined> {
    try {
      return (await this.deps.queue.commit(held, effects, mode)).next;
    } catch (error) {
      if (error instanceof LeaseLostError) return undefined;
      throw error;
    }
  }
}

function noClient(name: string): string {
  return `${name} is no client of this gateway any more`;
}

/** Undefined when there is nothing to tell. Pure. */
function toLetter(item: ClientItem): Letter | undefined {
  switch (item.kind) {
    case 'event': {
      const { id, approval, atMs } = item;
      const { state, client, request } = approval;
      // That it was handed over the client knows by having it.
      if (!client || (state === 'EXECUTED' && !client.permit)) return undefined;
      return {
        id,
        client: client.name,
        subject: approval.id,
        correlation: request.correlation,
        atMs,
        body: {
          type: `approval.${state.toLowerCase()}`,
          timestamp: new Date(atMs).toISOString(),
          data: { approvalId: approval.id, approval: toTold(approval) },
        },
      };
    }
    case 'text':
    case 'notice': {
      const { id, to, correlation, markdown, atMs } = item;
      const { client } = to.route;
      if (client === undefined) return undefined;
      return {
        id,
        client,
        subject: correlation,
        correlation,
        atMs,
        body: {
          type: 'approval.notice',
          timestamp: new Date(atMs).toISOString(),
          data: { approvalId: correlation, notice: markdown },
        },
      };
    }
    case 'card':
    case 'page':
      return undefined;
    default:
      return item satisfies never;
  }
}

/** As it was then. A yes is told only when it is theirs to act on, so that it is the outcome. */
function toTold(approval: Approval): ApprovalView {
  const view = toView(approval);
  return approval.state === 'APPROVED' ? { ...view, outcome: 'approved' } : view;
}

function backoff(failures: number): number {
  return Math.min(FIRST_RETRY_MS * 2 ** failures, LONGEST_RETRY_MS);
}

/** All pauses so far, in ms. */
function pausesAfter(failures: number): number {
  return Array.from({ length: failures }, (_, n) => backoff(n)).reduce((sum, pauseMs) => sum + pauseMs, 0);
}

function toAudit(
  { id, client, subject, correlation }: Letter,
  event: string,
  detail: AuditEvent['detail'],
): Effect {
  return {
    kind: 'audit',
    event: {
      event,
      actor: 'system',
      subject,
      correlation,
      channel: API_PLATFORM,
      detail: { webhook: id, client, ...detail },
    },
  };
}
