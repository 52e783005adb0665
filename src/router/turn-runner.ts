/**
 * Runs one turn of the agent, with all that is around it: what may be spent, what people see meanwhile, who may break
 * it off, and what it leads to.
 *
 *   budget ─▶ brief ─▶ turn ─▶ entries, audit, replies, alarms, use, who speaks next
 *     └ used up ─▶ the opening is kept, people are told, nothing is run
 *
 * Invariants
 *   1. Nothing of a turn is visible before the commit that takes its item off, but progress.
 *   2. Requests come into being with that commit, made anew when others have changed those whose place they take.
 *   C1, C3 (numbers of the specification) A turn belongs to the epoch it was begun in: its words carry it, its commit is
 *      refused under any other, and it is broken off when somebody else speaks.
 */
import { type Enclosures, withUnseen } from '../agent/enclosures.ts';
import { type AgreedCall, runTurn, type TurnOutcome, type TurnSetup } from '../agent/turn.ts';
import type { TurnBrief, TurnBriefs } from '../agent/turn-brief.ts';
import { waitingText } from '../approvals/sentences.ts';
import type { Standing } from '../budget/limits.ts';
import type { ToolThrottle } from '../budget/tool-throttle.ts';
import type { TurnMeter } from '../budget/turn-meter.ts';
import type { Config } from '../config/load-config.ts';
import type { ControlStore } from '../control/control-store.ts';
import { type StopSign, TurnStop } from '../control/stop-sign.ts';
import { TurnWatch } from '../control/turn-watch.ts';
import type { Approval } from '../domain/approval/record.ts';
import type { Clock } from '../domain/clock.ts';
import type { Entry } from '../domain/transcript.ts';
import type { Directory } from '../identity/directory.ts';
import type { Effect } from '../redis/effects.ts';
import type { Alarms } from './alarms.ts';
import type { BudgetGate } from './budget-gate.ts';
import { isElevated } from './elevation.ts';
import type { Deed, Work } from './handling.ts';
import { turnAudit } from './handling-audit.ts';
import { handoffIn } from './handoff-wish.ts';
import type { HeldCalls } from './held-calls.ts';
import type { News, Notices } from './notices.ts';
import type { ShownProgress } from './shown-progress.ts';
import type { Ended, TurnReplies } from './turn-replies.ts';
import { calledIn, DECLINED_NEWS, stoppedNews } from './turn-text.ts';

export interface TurnDeps {
  readonly controls: ControlStore;
  readonly stops: Pick<StopSign, 'of'>;
  readonly throttle: Pick<ToolThrottle, 'refusal'>;
  readonly directory: Pick<Directory, 'may'>;
  readonly config: () => Config;
  readonly clock: Clock;
}

export interface TurnParts {
  readonly alarms: Alarms;
  readonly briefs: TurnBriefs;
  readonly budgets: BudgetGate;
  readonly heldCalls: HeldCalls;
  readonly notices: Notices;
  readonly progress: ShownProgress;
  readonly replies: TurnReplies;
}

/** What a turn is about. */
export interface Opening {
  readonly entry: Entry;
  readonly exhibits?: Enclosures['exhibits'];
  readonly agreed?: AgreedCall;
  /** What its beginning brings about, before the entry; not asked when there is no turn. */
  readonly news?: () => Promise<readonly News[]>;
}

export class TurnRunner {
  constructor(
    private readonly deps: TurnDeps,
    private readonly parts: TurnParts,
  ) {}

  /**
   * @throws {ControlMovedError} when somebody else speaks before it is over
   * @throws {ModelUnavailableError} when trying again later may help
   */
  async run(work: Work, { entry, exhibits, agreed, news: beginning }: Opening): Promise<Deed> {
    const { budgets } = this.parts;
    const budget = await budgets.open(work);
    // What was agreed to goes out all the same; of the model nothing more is asked.
    if (budget.usedUp && !agreed) return { effects: await this.#outOfBudget(work, entry, budget.usedUp) };
    const news = (await beginning?.()) ?? [];
    const meter = budgets.meter(work, budget, work.log);
    work.trace.settle = () => meter.settle();
    work.trace.hasUsed = () => meter.used.length > 0;
    const brief = await this.#brief(work, news, entry);
    const thought = await this.#think(work, brief, {
      meter,
      ...(exhibits ? { exhibits } : {}),
      ...(agreed ? { agreed } : {}),
    });
    const { unseen } = thought.outcome;
    const said = unseen ? withUnseen(entry, unseen) : entry;
    return this.#deedOf(work, { ...thought, read: [...news, said], skills: brief.skills, meter });
  }

  /** What was said, or happened, is kept for the agent to read; nothing is run. */
  async #outOfBudget(work: Work, opening: Entry, standing: Standing): Promise<Effect[]> {
    const { subject, period, resetMs } = standing;
    work.log.warn(
      { subject, period, resets: new Date(resetMs).toISOString() },
      'a budget is used up; no turn begins',
    );
    return [
      ...this.parts.notices.keep(work, [withUnseen(opening, 'not-run')]),
      ...(await this.parts.budgets.refused(work, standing)),
      this.deps.controls.guardOf(work.control),
    ];
  }

  #brief(work: Work, news: readonly News[], opening: Entry): Promise<TurnBrief> {
    const { claim, conversationId, requester, rolesNow, directives, log } = work;
    const { directory, clock } = this.deps;
    const occasion = {
      conversationId,
      requester,
      rolesNow,
      stored: claim.entries,
      news,
      opening,
      ...(directives ? { directives } : {}),
      at: work.replyTo,
      isElevated: () => isElevated(directives, clock.now(), () => directory.may(rolesNow(), 'elevate')),
    };
    return this.parts.briefs.prepare(occasion, log);
  }

  /** The turn itself, while somebody may break it off and people see that it is under way. */
  async #think(
    work: Work,
    brief: TurnBrief,
    given: Pick<TurnSetup, 'meter' | 'exhibits' | 'agreed'>,
  ): Promise<Thought> {
    const { claim, item, requester, conversationId, directives } = work;
    const { controls, stops, throttle, config, clock } = this.deps;
    const approvals: Approval[] = [];
    const board = this.parts.progress.board(work);
    const watch = new TurnWatch(controls, conversationId, work.control.epoch);
    const stop = new TurnStop(stops, {
      conversationId,
      person: requester.person,
      askedMs: item.kind === 'message' ? Date.parse(item.receivedAt) : undefined,
    });
    stop.start(work.stops, clock.now() - work.beganMs);
    board?.start();
    watch.start();
    let outcome: TurnOutcome;
    let shown: string | undefined;
    try {
      outcome = await runTurn(
        {
          ...brief.setup,
          ...given,
          thinking: directives?.asked.includes('think') ?? false,
          stop: stop.signal,
          key: item.id,
          throttle: (tool, args) => throttle.refusal(tool, args),
          readsAtOnce: config().settings.limits.reads_at_once,
          answerHeld: async (held, index) => {
            const approval = await this.parts.heldCalls.toApproval(work, held, index, approvals);
            approvals.push(approval);
            return waitingText(approval);
          },
          onProgress: (progress) =>
            progress.kind === 'text' ? board?.text(progress.toSay) : board?.tool(progress.tool),
        },
        brief.history,
        AbortSignal.any([claim.signal, watch.signal]),
      );
    } catch (error) {
      watch.signal.throwIfAborted(); // whatever the model makes of being interrupted
      throw error;
    } finally {
      watch.stop();
      stop.end();
      shown = await board?.finish();
      if (shown !== undefined) work.trace.shown = { ref: shown, to: work.replyTo };
    }
    // Of what a turn was stopped in, nobody is asked.
    const asked = outcome.kind === 'stopped' ? [] : approvals;
    return { outcome, asked, shown, stoppedBy: stop.by };
  }

  async #deedOf(work: Work, turn: Turn): Promise<Deed> {
    const { alarms, budgets, heldCalls, notices, replies } = this.parts;
    const { outcome, asked, read } = turn;
    const handoff = await handoffIn(outcome, work, this.deps);
    // Published by the very change that makes the agent silent, so under the epoch that begins with it.
    const speaking = handoff ? { ...work, control: handoff.next } : work;
    const effects = [
      ...notices.keep(work, [...read, ...outcome.entries, ...this.#afterwards(turn)]),
      // What was checked stands before what came of it.
      ...turnAudit(work, outcome, turn.skills),
      ...replies.of(speaking, turn),
      ...(await alarms.ofTurn(work, read, outcome)),
      ...(await budgets.counted(work, turn.meter, calledIn(outcome))),
      ...(handoff ? handoff.effects : [this.deps.controls.guardOf(work.control)]),
    ];
    if (asked.length === 0) return { effects };
    const requests = asked.map((approval) => withSummary(approval, outcome));
    return { effects, onRequests: () => heldCalls.open(work, requests) };
  }

  /** What the agent is to know of a turn that came to no answer. */
  #afterwards({ outcome, stoppedBy }: Thought): News[] {
    const { notices } = this.parts;
    if (outcome.kind === 'declined') return [notices.event(DECLINED_NEWS)];
    if (outcome.kind !== 'stopped' || stoppedBy === undefined) return [];
    return [notices.event(stoppedNews(stoppedBy), [stoppedBy.person])];
  }
}

/** What came of the turn itself. */
interface Thought extends Ended {
  /** Whoever wanted it to stop. */
  readonly stoppedBy: TurnStop['by'];
}

/** With what it was given. */
interface Turn extends Thought {
  /** Entries it began with. */
  readonly read: readonly Entry[];
  /** Name and version of each. */
  readonly skills: readonly string[];
  readonly meter: TurnMeter;
}

/** What the model said when it asked: shown on the card as its words, never part of what is approved. */
function withSummary(approval: Approval, outcome: TurnOutcome): Approval {
  const text = outcome.kind === 'suspended' ? outcome.text.trim() : '';
  return text ? { ...approval, request: { ...approval.request, summary: text } } : approval;
}
