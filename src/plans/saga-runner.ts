/**
 * Carries a plan out: asks the state machine what is next, does it, and writes down what came of it.
 *
 * Runs under the permit of the plan's approval. When the process ends in the middle, the permit runs out, another one
 * claims the approval and calls `run` again with the same key: it finds the record and goes on from there.
 *
 * Invariants
 *   1. A step begins only after it is written that it does, and the next only after it is written what came of it.
 *   2. Right before it begins, each step is held to the rules, the roles and `tools.deny` as they are then: what is denied
 *      does not run, nor, in a plan that nobody was asked about, what somebody has to be asked about. What was done is taken back by
 *      whatever rules: that was agreed to with it.
 *   3. No step, and no undoing, begins without the permit: without it somebody else may be at it, or the yes be gone.
 *      What then became of a step that was under way, whoever takes the plan up finds out.
 *   4. Whoever finds that somebody else has taken the plan up does nothing more. A write that is sent again, because its
 *      reply was lost, counts once.
 */
import { createHash, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { decideTool } from '../agent/tools/compound-call.ts';
import { deniedTo } from '../agent/tools/profiles.ts';
import { decideCall } from '../agent/tools/tool-policy.ts';
import type { ApprovalStore } from '../approvals/approval-store.ts';
import { factText } from '../approvals/sentences.ts';
import type { Authorizations } from '../config/authorizations.ts';
import type { Approval, ApprovalRequest } from '../domain/approval/record.ts';
import { channelOf } from '../domain/ids.ts';
import { toldOutsideTurn } from '../domain/outside-text.ts';
import { whoseOf } from '../domain/provenance.ts';
import {
  begin,
  isOver,
  moveOf,
  type Outcome,
  refuse,
  report,
  type Saga,
  type SagaChange,
  type SagaPlan,
  start,
  takeUp,
} from '../domain/saga.ts';
import { cutBefore } from '../domain/text-cut.ts';
import { timeLimit } from '../domain/time-limit.ts';
import type { PlannedCall, ToolContext, ToolOutput } from '../domain/tool.ts';
import type { Logger } from '../observability/logger.ts';
import { PLAN, PLAN_CLASS, type Plan, type PlanRunner } from './plan-tool.ts';
import { type SagaStore, sagaIdOf } from './saga-store.ts';
import { sagaText, sagaTrust } from './sentences.ts';

export interface SagaDeps {
  readonly sagas: SagaStore;
  readonly approvals: Pick<ApprovalStore, 'find'>;
  readonly authorizations: () => Authorizations;
  /** Of whoever asked for the plan, as they are now. */
  readonly rolesOf: (request: ApprovalRequest) => readonly string[];
  readonly log: Logger;
  /** Before a further try. Default: real time. */
  readonly pause?: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** What every step of one run needs. */
interface Run {
  readonly plan: Plan;
  readonly approval: Approval;
  readonly context: ToolContext;
}

/** A step, and the context it or its undoing runs in. */
interface Deed extends PlannedCall {
  readonly index: number;
  readonly context: ToolContext;
}

export class SagaRunner implements PlanRunner {
  readonly #pause: NonNullable<SagaDeps['pause']>;

  constructor(private readonly deps: SagaDeps) {
    this.#pause = deps.pause ?? ((ms, signal) => sleep(ms, undefined, { signal }));
  }

  /**
   * Resolves when it is over: done, undone, or raised to a human.
   *
   * @throws when it could not go on, or somebody else has; whoever claims the approval next takes it up
   */
  async run(plan: Plan, context: ToolContext): Promise<ToolOutput> {
    const run = { plan, context, approval: await this.#approvalOf(context) };
    let saga = await this.#open(run);
    while (!isOver(saga)) saga = await this.#step(run, saga);
    this.deps.log.info({ saga: saga.id, state: saga.state }, 'a plan ended');
    const trust = sagaTrust(
      saga,
      plan.calls.map(({ tool }) => tool.tells),
    );
    return {
      status: saga.state === 'done' ? 'ok' : 'error',
      text: sagaText(saga),
      ...(trust === undefined ? {} : { trust }),
    };
  }

  async #approvalOf({ approvalId }: ToolContext): Promise<Approval> {
    const approval = approvalId && (await this.deps.approvals.find(approvalId));
    if (!approval) throw new Error('a plan runs under an approval only');
    return approval;
  }

  /** Begins it, or takes it up where it was left. */
  async #open({ plan, context, approval }: Run): Promise<Saga> {
    const { sagas } = this.deps;
    const id = sagaIdOf(context.conversationId, context.idempotencyKey);
    const by = randomUUID();
    const opened = await sagas.apply(id, (saga, nowMs) =>
      saga
        ? takeUp(saga, by, nowMs)
        : { kind: 'moved', next: begin({ id, takenBy: by, ...toSagaPlan(plan, approval) }, nowMs) },
    );
    const saga = opened ?? (await sagas.find(id));
    if (!saga) throw new Error(`${id} is gone`);
    return saga;
  }

  async #step(run: Run, saga: Saga): Promise<Saga> {
    const move = moveOf(saga);
    if (move.kind === 'over') return saga;
    const call = run.plan.calls[move.index];
    if (!call) throw new Error(`${saga.id} has a step ${move.index + 1}, and its plan has none`);
    const deed = { ...call, index: move.index, context: contextOf(run.context, move) };
    switch (move.kind) {
      case 'find-out':
        return this.#record(
          saga,
          deed,
          (await found(deed)) ?? { kind: 'unknown', text: STOPPED, trust: 'tool' },
        );
      case 'run':
        await this.#wait(move.waitMs, run.context.signal);
        return this.#run(run, saga, deed);
      case 'undo':
        await this.#wait(move.waitMs, run.context.signal);
        return this.#undo(saga, deed);
      default:
        return move satisfies never;
    }
  }

  async #wait(ms: number, signal: AbortSignal): Promise<void> {
    if (ms > 0) await this.#pause(ms, signal);
    signal.throwIfAborted();
  }

  async #run(run: Run, saga: Saga, deed: Deed): Promise<Saga> {
    const turn = { epoch: saga.epoch, index: deed.index };
    await this.#holdPermit(deed.context);
    const forbidden = this.#forbidden(run.approval, deed);
    if (forbidden !== undefined) {
      return this.#change(saga, (current, nowMs) => refuse(current, turn, forbidden, nowMs));
    }
    const begun = await this.#change(saga, (current, nowMs) =>
      start(current, turn, nowMs, deed.tool.timeoutMs),
    );
    const outcome = await outcomeOf(() => deed.tool.execute(deed.args, timed(deed)));
    const known = outcome.kind === 'unknown' ? ((await found(deed)) ?? outcome) : outcome;
    return this.#record(begun, deed, known);
  }

  async #undo(saga: Saga, deed: Deed): Promise<Saga> {
    const turn = { epoch: saga.epoch, index: deed.index };
    await this.#holdPermit(deed.context);
    const begun = await this.#change(saga, (current, nowMs) =>
      start(current, turn, nowMs, deed.tool.timeoutMs),
    );
    const receipt = begun.steps[deed.index]?.outcome?.receipt;
    const { compensation } = deed.tool;
    const outcome = await outcomeOf(async () =>
      compensation
        ? compensation.execute(deed.args, receipt, timed(deed))
        : { status: 'error', text: 'there is nothing any more that undoes it' },
    );
    if (outcome.kind !== 'ok') {
      this.deps.log.warn({ saga: saga.id, step: deed.index + 1 }, 'a step could not be undone');
    }
    return this.#record(begun, deed, outcome);
  }

  /** In words, why a step must not run as things are; undefined when it may. */
  #forbidden(approval: Approval, { tool, args }: PlannedCall): string | undefined {
    const { request, origin, decision, policy } = approval;
    const authorizations = this.deps.authorizations();
    const listed = [PLAN_CLASS, tool].find((each) => deniedTo(authorizations.tools, each) !== undefined);
    if (listed) return `it was not run: ${listed.name} is on the list tools.deny`;
    const who = { roles: this.deps.rolesOf(request), platform: channelOf(origin.platform) };
    const whole = decideCall(authorizations, { ...who, ...PLAN, effect: 'read', args: request.args });
    const step = decideTool(authorizations, tool, args, who);
    const denied = [whole, step].find(({ kind }) => kind === 'deny');
    if (denied) return `it was not run: the rule “${denied.rule}” does not allow it`;
    const asks = [whole, step].flatMap((each) => (each.kind === 'ask' ? [each] : []));
    const excepted = asks.find(({ exception }) => exception && !policy.exception);
    if (excepted) {
      return `it was not run: the rule “${excepted.rule}” does not allow it, and nobody was asked for an exception`;
    }
    const [asked] = asks;
    const wasAsked = decision?.source !== 'policy';
    return asked === undefined || wasAsked
      ? undefined
      : `it was not run: by the rule “${asked.rule}” somebody has to be asked now, and nobody was`;
  }

  /** @throws when the approval is not run under this permit any more */
  async #holdPermit(context: ToolContext): Promise<void> {
    const { id, state, execution } = await this.#approvalOf(context);
    if (state !== 'EXECUTING' || execution?.epoch !== context.permitEpoch) {
      throw new Error(`the permit to run the plan of ${id} is gone`);
    }
  }

  async #record(saga: Saga, { index, context }: Deed, outcome: Outcome): Promise<Saga> {
    const turn = { epoch: saga.epoch, index };
    // Broken off because the permit is gone, it says nothing of what came of the step.
    if (outcome.kind === 'unknown') await this.#holdPermit(context);
    return this.#change(saga, (current, nowMs) => report(current, turn, outcome, nowMs));
  }

  /** @throws when somebody else goes on with it */
  async #change(seen: Saga, decide: (saga: Saga, nowMs: number) => SagaChange): Promise<Saga> {
    const next = await this.deps.sagas.apply(
      seen.id,
      (saga, nowMs) => (saga ? decide(saga, nowMs) : { kind: 'fenced' }),
      seen,
    );
    if (!next) throw new Error(`somebody else goes on with ${seen.id}, or it is over`);
    return next;
  }
}

const STOPPED = 'the process that ran it stopped before it could report';

function toSagaPlan({ title, calls }: Plan, approval: Approval): Omit<SagaPlan, 'id' | 'takenBy'> {
  const { conversationId, origin, request } = approval;
  return {
    title,
    approvalId: approval.id,
    conversationId,
    origin,
    requester: request.requester,
    correlation: request.correlation,
    steps: calls.map(({ tool, args }) => ({
      tool: tool.name,
      words: factText(args),
      ...(tool.compensation ? { undoneBy: tool.compensation.describe(args) } : {}),
      readsOnly: tool.effect === 'read',
      repeatable: tool.effect !== 'once',
    })),
  };
}

/** The same for every attempt at the same step, another one for every step and every undoing. */
function contextOf(context: ToolContext, { kind, index }: { kind: string; index: number }): ToolContext {
  const what = kind === 'undo' ? `${index}:undo` : String(index);
  const key = createHash('sha256').update(`${context.idempotencyKey}:${what}`).digest('base64url');
  return { ...context, idempotencyKey: key.slice(0, 32) };
}

/** Each try has as long as its tool says. */
function timed({ tool, context }: Deed): ToolContext {
  return { ...context, signal: AbortSignal.any([context.signal, timeLimit(tool.timeoutMs)]) };
}

/** A tool that throws was asked and did not say what came of it. */
async function outcomeOf(act: () => Promise<ToolOutput>): Promise<Outcome> {
  try {
    return toOutcome(await act());
  } catch (error) {
    return { kind: 'unknown', text: error instanceof Error ? error.message : String(error) };
  }
}

/** What the tool finds out about a step that nobody reported on; undefined where it cannot tell. */
async function found(deed: Deed): Promise<Outcome | undefined> {
  try {
    const output = await deed.tool.lookUp?.(deed.args, timed(deed));
    return output && toOutcome(output);
  } catch {
    return undefined;
  }
}

/** Of what a step told; people and the agent are told its beginning. */
const MOST_KEPT_CHARS = 2_000;

function toOutcome(output: ToolOutput): Outcome {
  const told = toldOutsideTurn(output);
  const { status, text, heading, receipt } = told;
  return {
    kind: status,
    text: beginningOf(text),
    ...whoseOf(heading === undefined ? told : { ...told, heading: beginningOf(heading) }),
    ...(receipt === undefined ? {} : { receipt }),
  };
}

function beginningOf(text: string): string {
  return text.slice(0, cutBefore(text, MOST_KEPT_CHARS));
}
