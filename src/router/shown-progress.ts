/**
 * What people see of a turn before it is over, and what becomes of that when the turn comes to nothing.
 *
 * Invariants
 *   1. Only a first attempt shows anything: the reply of a later one finds and replaces what the first may have shown.
 *   2. What was shown and does not go on is replaced by a word that says so. After the end of a process the platform
 *      alone knows what that was, so it is looked for.
 */
import type { ApprovalStore } from '../approvals/approval-store.ts';
import type { ControlStore } from '../control/control-store.ts';
import { BROKEN_OFF } from '../control/sentences.ts';
import { type Outbox, toOutEffect } from '../delivery/outbox.ts';
import type { Clock } from '../domain/clock.ts';
import { mayBeSaid } from '../domain/control.ts';
import type { Gateway } from '../domain/gateway.ts';
import type { ConversationId } from '../domain/ids.ts';
import type { MailboxItem } from '../domain/mailbox-item.ts';
import type { Claim } from '../mailbox/keyed-queue.ts';
import { conversationOf } from '../mailbox/mailbox.ts';
import type { Effect } from '../redis/effects.ts';
import { originOf, replyIdOf, type Trace, type Work } from './handling.ts';
import { ProgressBoard } from './progress-board.ts';

/** An item that waits is looked at again and again; what its last attempt left standing is changed once in this time. */
const SAY_ONCE_MS = 24 * 60 * 60_000;

/** In place of progress on something that is not done after all. */
const GAVE_UP = '_I gave this up._';

export interface ProgressDeps {
  readonly approvals: Pick<ApprovalStore, 'find'>;
  readonly controls: Pick<ControlStore, 'epochOf'>;
  readonly gateways: ReadonlyMap<string, Gateway>;
  readonly outbox: Outbox;
  readonly clock: Clock;
}

export class ShownProgress {
  constructor(private readonly deps: ProgressDeps) {}

  /** Undefined where nothing is shown. */
  board({ claim, conversationId, replyTo, item, control, log }: Work): ProgressBoard | undefined {
    const progress = this.deps.gateways.get(replyTo.platform)?.progress;
    if (!progress || claim.attempt > 1) return undefined;
    const isNext = () => this.deps.outbox.isEmpty(conversationId, replyTo);
    const maySpeak = async () => mayBeSaid(control.epoch, await this.deps.controls.epochOf(conversationId));
    return new ProgressBoard(progress, replyTo, replyIdOf(item), isNext, maySpeak, log, claim.signal);
  }

  /** Says that what this attempt has shown does not go on: somebody else speaks. */
  async brokenOff(item: MailboxItem, conversationId: ConversationId, { shown }: Trace): Promise<Effect[]> {
    if (!shown) return [];
    return [
      toOutEffect({
        kind: 'text',
        id: `broken-off:${replyIdOf(item)}`,
        correlation: item.correlation,
        conversationId,
        to: shown.to,
        markdown: BROKEN_OFF,
        replaces: shown.ref,
        epoch: await this.deps.controls.epochOf(conversationId),
        atMs: this.deps.clock.now(),
      }),
    ];
  }

  /** The same of what an attempt showed whose process has ended. */
  brokenOffBefore(claim: Claim, item: MailboxItem): Promise<readonly Effect[]> {
    return this.#leftStanding(claim, item, BROKEN_OFF);
  }

  /** Says of that that nothing comes of it. */
  givenUp(claim: Claim, item: MailboxItem): Promise<readonly Effect[]> {
    return this.#leftStanding(claim, item, GAVE_UP);
  }

  async #leftStanding(claim: Claim, item: MailboxItem, markdown: string): Promise<readonly Effect[]> {
    const to = claim.attempt > 1 ? await originOf(item, this.deps.approvals) : undefined;
    if (!to || !this.deps.gateways.get(to.platform)?.progress) return [];
    const key = replyIdOf(item);
    return [
      toOutEffect(
        {
          kind: 'text',
          id: `left-standing:${key}`,
          correlation: item.correlation,
          conversationId: conversationOf(claim),
          to,
          markdown,
          progressOf: key,
          atMs: this.deps.clock.now(),
        },
        { once: { key: `left-standing:${key}`, forMs: SAY_ONCE_MS } },
      ),
    ];
  }
}
