/**
 * What becomes of an item whose handling did not work.
 *
 *   the lease is lost               nothing: somebody else handles it
 *   the conversation changed hands  back at once, for whoever speaks now
 *   the model is away               back after a pause of an hour at most, which does not count; people are told once
 *                                   in a conversation, however long it is and however often it answers in between. Where
 *                                   it had answered in this attempt, the pause grows, and it counts: each is paid for
 *   anything else                   back after a pause that grows, and that counts
 *   counted too often               to the dead letters, for a person to look at; its author is told
 *
 * Invariants
 *   1. It goes back, is buried, or comes back when its lease ends: it is never dropped.
 *   2. What an attempt used of the model is counted, and who is called because of the item is called.
 */

import { toHeard } from '../approvals/approval-audit.ts';
import type { ApprovalStore } from '../approvals/approval-store.ts';
import type { ControlStore } from '../control/control-store.ts';
import { lengthText } from '../control/sentences.ts';
import { toOutEffect } from '../delivery/outbox.ts';
import type { Clock } from '../domain/clock.ts';
import { ControlMovedError, LeaseLostError, ModelUnavailableError } from '../domain/errors.ts';
import { MailboxItem, MOST_FAILURES } from '../domain/mailbox-item.ts';
import { type Claim, type Committed, deathsIn, type KeyedQueue } from '../mailbox/keyed-queue.ts';
import { conversationOf } from '../mailbox/mailbox.ts';
import type { Logger } from '../observability/logger.ts';
import { type Effect, namelessOnce } from '../redis/effects.ts';
import type { Alarms } from './alarms.ts';
import type { DelayMarks } from './delay-marks.ts';
import { originOf, type Trace } from './handling.ts';
import { receivedAudit } from './handling-audit.ts';
import type { ShownProgress } from './shown-progress.ts';

/** Processes that may end while they handle an item: one that is killed often is hardly the item's fault. */
const MOST_DEATHS = 30;
const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 60_000;
/** However long a service asks to be left alone: it may be back, or be wrong, and people wait. */
const LONGEST_AWAY_MS = 60 * 60_000;
/** A pause from here on is named to those who wait. */
const LONG_PAUSE_MS = 60_000;
/** For so long it is known that somebody was told what their message waits for: longer than any outage. */
const TOLD_OF_DELAY_MS = 30 * 24 * 60 * 60_000;

/** An item to handle, or the reason why that is not tried any more. */
export type Triage =
  | { readonly kind: 'handle'; readonly item: MailboxItem }
  | { readonly kind: 'bury'; readonly item: MailboxItem | undefined; readonly reason: string };

export function triage(claim: Claim): Triage {
  const item = MailboxItem.safeParse(JSON.parse(claim.item)).data;
  if (!item) return { kind: 'bury', item, reason: 'the item cannot be read' };
  if (claim.failures >= MOST_FAILURES) {
    return { kind: 'bury', item, reason: `handling it failed ${MOST_FAILURES} times` };
  }
  if (deathsIn(claim) >= MOST_DEATHS) {
    return { kind: 'bury', item, reason: `${MOST_DEATHS} times the process ended while it was handled` };
  }
  return { kind: 'handle', item };
}

export interface FailureDeps {
  readonly queue: Pick<KeyedQueue, 'commit' | 'retryLater'>;
  readonly approvals: Pick<ApprovalStore, 'find'>;
  readonly controls: Pick<ControlStore, 'epochOf'>;
  readonly delays: Pick<DelayMarks, 'isTold'>;
  readonly clock: Clock;
  readonly log: Logger;
}

/** An attempt that failed. */
export interface Failed {
  readonly error: unknown;
  readonly trace: Trace;
  /** Who is called because of the item, whatever comes of it. */
  readonly watched: readonly Effect[];
  readonly log: Logger;
}

/** How it goes back: for how long, and whether the attempt counts. */
interface Retry {
  readonly pauseMs: number;
  readonly counting: 'counts' | 'free';
  readonly effects: readonly Effect[];
}

/** Why it is away, in words for people, and until when it is left alone. */
interface ModelAway {
  readonly reason: string;
  readonly pauseMs: number;
}

export class FailedItems {
  constructor(
    private readonly deps: FailureDeps,
    private readonly alarms: Alarms,
    private readonly progress: ShownProgress,
  ) {}

  /** Never rejects: what cannot be put back returns when its lease ends. */
  async putBack(claim: Claim, item: MailboxItem, failed: Failed): Promise<void> {
    const { error, trace, log } = failed;
    if (error instanceof LeaseLostError || claim.signal.aborted) {
      log.warn({ item: item.id }, 'the lease was lost; somebody else handles this item');
      // Whoever goes on with it counts their own attempt, and this one was paid for, too.
      await trace.settle?.().catch((settleError: unknown) => {
        log.warn(
          { err: settleError, item: item.id },
          'what an attempt used of the model could not be counted',
        );
      });
      return;
    }
    try {
      const { pauseMs, counting, effects } = await this.#retryOf(claim, item, failed);
      await this.deps.queue.retryLater(claim, pauseMs, counting, effects);
    } catch (retryError) {
      log.warn(
        { err: retryError, item: item.id },
        'the item could not be put back; it returns when its lease ends',
      );
    }
  }

  /** Takes it out of the way, keeps it for a person to look at, and tells its author. */
  async bury(
    claim: Claim,
    { item, reason }: Extract<Triage, { kind: 'bury' }>,
    mode: 'more' | 'yield',
  ): Promise<Committed> {
    const conversationId = conversationOf(claim);
    const correlation = item?.correlation ?? conversationId;
    const notice = item ? await this.#buriedNotice(claim, item) : [];
    this.deps.log.error(
      { conversation: conversationId, item: item?.id, reason },
      'an item went to the dead letters',
    );
    const heard = item ? await this.#heard(item) : [];
    const kept = item?.kind === 'message' ? JSON.stringify({ ...item, recorded: true }) : claim.item;
    return this.deps.queue.commit(
      claim,
      [
        ...(item?.kind === 'message' ? receivedAudit(item) : []),
        ...heard,
        { kind: 'dead', queue: 'm', lane: claim.lane, attempts: claim.attempt, reason, item: kept },
        ...(item ? this.alarms.ofMessage(item) : []),
        ...this.alarms.ofDeath(claim, item, reason),
        {
          kind: 'audit',
          event: {
            event: 'message.buried',
            actor: 'system',
            subject: conversationId,
            correlation,
            detail: { reason },
          },
        },
        ...notice,
        ...(item ? await this.progress.givenUp(claim, item) : []),
      ],
      mode,
    );
  }

  async #retryOf(claim: Claim, item: MailboxItem, { error, trace, watched, log }: Failed): Promise<Retry> {
    // What was asked of the model is paid for, whatever came of it.
    await trace.settle?.();
    if (error instanceof ControlMovedError) {
      log.info({ item: item.id }, 'the conversation changed hands; the item is for whoever speaks now');
      const broken = await this.progress.brokenOff(item, conversationOf(claim), trace);
      return { pauseMs: 0, counting: 'free', effects: broken };
    }
    if (error instanceof ModelUnavailableError) {
      const pauseMs = Math.min(error.retryAfterMs ?? backoff(claim.failures), LONGEST_AWAY_MS);
      log.warn({ item: item.id, reason: error.reason, pauseMs }, 'the model is away; the message waits');
      const notice = await this.#delayNotice(claim, item, { reason: error.reason, pauseMs });
      const called = await this.alarms.ofModelAway(claim, item, error, pauseMs);
      // A turn that is broken off in the middle begins anew, and is paid for again each time.
      const counting = trace.hasUsed?.() ? 'counts' : 'free';
      return { pauseMs, counting, effects: [...notice, ...watched, ...called] };
    }
    log.error({ err: error, item: item.id, attempt: claim.attempt }, 'handling an item failed; trying again');
    return {
      pauseMs: backoff(claim.failures),
      counting: 'counts',
      effects: [...watched, ...this.alarms.ofFailure(claim, item)],
    };
  }

  async #delayNotice(claim: Claim, item: MailboxItem, away: ModelAway): Promise<Effect[]> {
    const to = await originOf(item, this.deps.approvals);
    if (!to) return [];
    const conversationId = conversationOf(claim);
    if (!(await this.deps.delays.isTold(conversationId, item.id, away.pauseMs))) return [];
    const epoch = await this.deps.controls.epochOf(conversationId);
    const atMs = this.deps.clock.now();
    return [
      toOutEffect(
        {
          kind: 'text',
          id: `delayed:${item.id}`,
          correlation: item.correlation,
          conversationId,
          to,
          markdown: delayText(away),
          epoch,
          atMs,
        },
        // The same item tells at its first try alone, whenever it is tried again.
        { once: namelessOnce(`delayed:${item.id}`, TOLD_OF_DELAY_MS) },
      ),
    ];
  }

  async #buriedNotice(claim: Claim, item: MailboxItem): Promise<Effect[]> {
    const to = await originOf(item, this.deps.approvals);
    if (!to) return [];
    const conversationId = conversationOf(claim);
    return [
      toOutEffect({
        kind: 'text',
        id: `buried:${item.id}`,
        correlation: item.correlation,
        conversationId,
        to,
        ...(item.kind === 'message' ? { requester: item.requester.person } : {}),
        markdown:
          'I could not handle this message: it failed every time I tried. It is kept, and whoever runs me can see why and try it again.',
        // The agent's word, and nobody's who has taken the conversation over by the time it is sent.
        epoch: await this.deps.controls.epochOf(conversationId),
        atMs: this.deps.clock.now(),
      }),
    ];
  }

  async #heard(item: MailboxItem): Promise<Effect[]> {
    if (item.kind !== 'approval') return [];
    const approval = await this.deps.approvals.find(item.approvalId);
    return approval ? toHeard(item.state, approval) : [];
  }
}

function delayText({ reason, pauseMs }: ModelAway): string {
  const kept = `I cannot reach my language model right now (${reason}). Your message is kept, and I answer as soon as it is back`;
  return pauseMs < LONG_PAUSE_MS ? `${kept}.` : `${kept}; I try again in ${lengthText(pauseMs)}.`;
}

function backoff(failures: number): number {
  return Math.min(FIRST_RETRY_MS * 2 ** failures, LONGEST_RETRY_MS);
}
