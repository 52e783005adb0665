/**
 * Works through the mailboxes of conversations: one item, one turn, one commit.
 *
 *   item ─▶ may the agent speak? (`standby`) ─▶ its kind's handler ─▶ commit
 *     │                                                    └ failed ─▶ back, for later
 *     └ not to be tried any more ─▶ dead letters     (`failed-items`)
 *
 * Owns      the order of these steps, and what is written in one commit.
 * Not here  what a message leads to (`message-handler`), an approval (`approval-handler`), a failure (`failed-items`).
 *
 * Invariants
 *   1. Everything an item led to is written in the commit that takes it off; before that nothing is visible but
 *      progress. A crash means the item is handled again.
 *   2. A model that is away costs delay, never a message.
 */
import { type BriefDeps, TurnBriefs } from '../agent/turn-brief.ts';
import type { Clock } from '../domain/clock.ts';
import { RecordMovedError } from '../domain/errors.ts';
import type { ConversationId, PersonId } from '../domain/ids.ts';
import type { MailboxItem } from '../domain/mailbox-item.ts';
import type { Address } from '../domain/message.ts';
import type { Claim, Committed, KeyedQueue } from '../mailbox/keyed-queue.ts';
import { conversationOf } from '../mailbox/mailbox.ts';
import type { Logger } from '../observability/logger.ts';
import { type AlarmDeps, Alarms } from './alarms.ts';
import { type ApprovalDeps, ApprovalHandler } from './approval-handler.ts';
import { Bridge, type BridgeDeps } from './bridge.ts';
import { BudgetGate, type GateDeps } from './budget-gate.ts';
import type { ConversationStates } from './conversation-state.ts';
import { type ElevationDeps, ElevationDesk } from './elevation-desk.ts';
import { FailedItems, type FailureDeps, triage } from './failed-items.ts';
import type { Deed, Handling, Trace } from './handling.ts';
import { HeldCalls, type HeldCallsDeps } from './held-calls.ts';
import { type MessageDeps, MessageHandler } from './message-handler.ts';
import { type NoticeDeps, Notices } from './notices.ts';
import { type ProgressDeps, ShownProgress } from './shown-progress.ts';
import { Standby, type StandbyDeps, type Verdict } from './standby.ts';
import { type ReplyDeps, TurnReplies } from './turn-replies.ts';
import { type TurnDeps, TurnRunner } from './turn-runner.ts';

/** Times a turn is written anew because requests it would end have changed; each takes milliseconds. */
const MOST_TRIES = 10;

export interface WorkerDeps {
  readonly queue: Pick<KeyedQueue, 'commit' | 'retryLater'>;
  readonly states: Pick<ConversationStates, 'read'>;
  /** Takes outbound lanes that were leased to this process by a commit. */
  readonly onHanded: (claims: readonly Claim[]) => void;
  /** Hears of every message that was dealt with by the agent, once that is written. */
  readonly onTurn: (turn: {
    readonly conversationId: ConversationId;
    readonly person: PersonId;
    readonly at: Address;
  }) => void;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Who knows what becomes of an item. */
export interface WorkerParts {
  readonly alarms: Pick<Alarms, 'ofMessage' | 'ofLine'>;
  readonly approvals: ApprovalHandler;
  readonly failed: FailedItems;
  readonly messages: MessageHandler;
  readonly progress: Pick<ShownProgress, 'brokenOffBefore'>;
  readonly standby: Standby;
}

/** What all of them need. */
export type WorkerEquipment = WorkerDeps &
  AlarmDeps &
  ApprovalDeps &
  BridgeDeps &
  BriefDeps &
  ElevationDeps &
  FailureDeps &
  GateDeps &
  HeldCallsDeps &
  MessageDeps &
  NoticeDeps &
  ProgressDeps &
  ReplyDeps &
  StandbyDeps &
  TurnDeps;

export function createConversationWorker(deps: WorkerEquipment): ConversationWorker {
  const alarms = new Alarms(deps);
  const budgets = new BudgetGate(deps);
  const notices = new Notices(deps);
  const progress = new ShownProgress(deps);
  const briefs = new TurnBriefs(deps);
  const replies = new TurnReplies(deps, budgets);
  const heldCalls = new HeldCalls(deps, notices);
  const turns = new TurnRunner(deps, { alarms, briefs, budgets, heldCalls, notices, progress, replies });
  const elevations = new ElevationDesk(deps, heldCalls, notices);
  const forItems = { elevations, heldCalls, notices, progress, turns };
  const messages = new MessageHandler(deps, forItems);
  return new ConversationWorker(deps, {
    alarms,
    approvals: new ApprovalHandler(deps, { ...forItems, messages }),
    failed: new FailedItems(deps, alarms, progress),
    messages,
    progress,
    standby: new Standby(deps, new Bridge(deps)),
  });
}

export class ConversationWorker {
  constructor(
    private readonly deps: WorkerDeps,
    private readonly parts: WorkerParts,
  ) {}

  /** Handles the claim's item. Resolves with the claim on the next one, if it was asked for more. */
  async handle(claim: Claim, mode: 'more' | 'yield'): Promise<Claim | undefined> {
    const { failed } = this.parts;
    const found = triage(claim);
    if (found.kind === 'bury') return this.#after(await failed.bury(claim, found, mode));
    const { item } = found;
    const conversationId = conversationOf(claim);
    const log = this.deps.log.child({ conversation: conversationId });
    const trace: Trace = {};
    const watched = this.parts.alarms.ofMessage(item);
    try {
      const beganMs = this.deps.clock.now();
      const state = await this.deps.states.read(conversationId);
      const { control } = state;
      const verdict = await this.parts.standby.judge(item, control, claim, log);
      const left = verdict.kind === 'turn' ? [] : await this.parts.progress.brokenOffBefore(claim, item);
      if (verdict.kind === 'later') {
        const inLine = await this.parts.alarms.ofLine(claim);
        const effects = [...verdict.effects, ...left, ...watched, ...inLine];
        await this.deps.queue.retryLater(claim, verdict.pauseMs, 'free', effects);
        return undefined;
      }
      const deed = await this.#deedOf(
        { ...state, claim, conversationId, beganMs, trace, log },
        item,
        verdict,
      );
      // What others wrote into the transcript of a conversation that changes hands is read with the next claim.
      const then = control.epoch > 0 ? 'yield' : mode;
      // What was brought to another conversation is looked at there.
      const seen = verdict.kind === 'redirected' ? [] : watched;
      const effects = [...deed.effects, ...left, ...seen];
      const committed = await this.#commit(claim, { ...deed, effects }, then);
      if (verdict.kind === 'turn' && item.kind === 'message') {
        this.deps.onTurn({ conversationId, person: item.requester.person, at: item.message.replyTo });
      }
      return this.#after(committed);
    } catch (error) {
      await failed.putBack(claim, item, { error, trace, watched, log });
      return undefined;
    }
  }

  async #deedOf(
    handling: Handling,
    item: MailboxItem,
    verdict: Exclude<Verdict, { kind: 'later' }>,
  ): Promise<Deed> {
    const { messages } = this.parts;
    switch (verdict.kind) {
      case 'turn':
        return this.#act(handling, item);
      case 'done':
      case 'redirected':
        return { effects: verdict.effects };
      case 'keep':
        return { effects: [...verdict.effects, ...(await messages.keep(handling, verdict.item))] };
      case 'hold': {
        if (item.kind === 'approval') await this.parts.approvals.hold(item);
        const { conversationId } = handling;
        return { effects: [...verdict.effects, { kind: 'hold', conversationId, item }] };
      }
      default:
        return verdict satisfies never;
    }
  }

  /** What the agent does about it. */
  async #act(handling: Handling, item: MailboxItem): Promise<Deed> {
    switch (item.kind) {
      case 'message':
        return this.parts.messages.handle(handling, item);
      case 'approval':
        return this.parts.approvals.handle(handling, item);
      case 'handback':
      case 'new-context':
        return { effects: [] }; // `standby` has dealt with it
      default:
        return item satisfies never;
    }
  }

  /** What it led to in one write, decided anew on requests that others have changed meanwhile. */
  async #commit(claim: Claim, { effects, onRequests }: Deed, mode: 'more' | 'yield'): Promise<Committed> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.deps.queue.commit(claim, [...effects, ...((await onRequests?.()) ?? [])], mode);
      } catch (error) {
        if (!(error instanceof RecordMovedError) || tries >= MOST_TRIES) throw error;
      }
    }
  }

  #after({ next, handed }: Committed): Claim | undefined {
    if (handed.length > 0) this.deps.onHanded(handed);
    return next;
  }
}
