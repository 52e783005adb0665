/**
 * Runs a call that somebody, or the policy, agreed to: once, under a permit, and records what came of it.
 *
 *   APPROVED ─▶ claim ─▶ run ─▶ complete        the outcome is known
 *                         └───▶ lose track      it was sent, and nobody can tell what came of it
 *
 * The gate is not asked again: the decision is part of the record. What is checked again is that the call is still
 * the one that was decided on, that what it would change is still what people were shown, and that the agent has not
 * lost the right to make it meanwhile.
 */

import { digestOf } from '../domain/approval/digest.ts';
import type { ClaimResult, CompleteResult, Permit } from '../domain/approval/execution.ts';
import { type Approval, heardBefore } from '../domain/approval/record.ts';
import type { Clock } from '../domain/clock.ts';
import { toldOutsideTurn } from '../domain/outside-text.ts';
import { timeLimit } from '../domain/time-limit.ts';
import type { Tool, ToolOutput } from '../domain/tool.ts';
import { driftOf } from './preview.ts';
import { isComposing } from './tools/compound-call.ts';
import { type OutputShelf, withinCap } from './tools/output.ts';

/** What running a call needs of the approvals' store. */
export interface PermitDesk {
  /** `drift`: why it must not run after all. */
  claim(approval: Approval, digestToRun: string, drift?: string): Promise<ClaimResult>;
  /** Resolves with whether the permit still holds. */
  renew(permit: Permit): Promise<boolean>;
  complete(permit: Permit, output: ToolOutput): Promise<CompleteResult>;
  loseTrack(permit: Permit, remark: string): Promise<CompleteResult>;
}

export interface ResumeDeps {
  readonly desk: PermitDesk;
  readonly clock: Clock;
  readonly outputs: OutputShelf;
  /** Why there is no tool of this name at the moment: the end of a sentence; undefined where nothing is known of it. */
  readonly whyGone: (tool: string) => string | undefined;
}

/** A call may begin only while this much of its permit is left, in ms. */
const START_MARGIN_MS = 2_000;

/** Whoever waits for a call that takes longer reads that it runs, in ms. */
const SHOWN_AFTER_MS = 2_000;

export type Resumed =
  | { readonly kind: 'ran'; readonly output: ToolOutput }
  | { readonly kind: 'lost-track'; readonly remark: string }
  /** Nothing was run: it is no longer approved, or somebody else has it. */
  | { readonly kind: 'not-run'; readonly why: ClaimResult['code'] | 'PERMIT_TOO_OLD' };

/** @param forbidden why the agent may not make this call any more; then it is revoked instead of begun */
export async function runApproved(
  { desk, clock, outputs, whyGone }: ResumeDeps,
  tool: Tool | undefined,
  approval: Approval,
  forbidden?: string,
): Promise<Resumed> {
  const { request } = approval;
  const version = tool?.version ?? request.version;
  // What makes calls of others and was begun has to come to its end; of each of them it asks anew whether it may.
  const isHalfDone = tool?.calls !== undefined && approval.execution !== undefined;
  const drift = isHalfDone ? undefined : (forbidden ?? changeOf(tool, approval));
  const why = drift ?? (tool && (await driftOf(tool, approval))?.why);
  const askedAt = clock.now();
  const claimed = await desk.claim(approval, digestOf({ ...request, version }), why);
  if (claimed.code !== 'GRANTED') return { kind: 'not-run', why: claimed.code };
  const { permit } = claimed;

  const args = tool?.input.safeParse(request.args);
  if (!tool || !args?.success) {
    const gone = () => whyGone(request.tool) ?? 'there is no such tool any more';
    const why = tool ? 'its arguments no longer fit' : gone();
    const what = approval.execution ? 'was begun before and could not be gone on with' : 'was not run';
    const output: ToolOutput = { status: 'error', text: `${request.tool} ${what}: ${why}` };
    await desk.complete(permit, output);
    return { kind: 'ran', output };
  }
  // Measured on our own clock from before the request: if granting took this long, another claim may be near.
  if (clock.now() - askedAt > approval.policy.leaseMs - START_MARGIN_MS)
    return { kind: 'not-run', why: 'PERMIT_TOO_OLD' };

  const lost = new AbortController();
  const beat = async () => {
    const isOurs = await desk.renew(permit).catch(() => true); // not known; the next beat asks again
    if (!isOurs) lost.abort(new Error(`the permit to run ${request.tool} is gone`));
  };
  const showing = setTimeout(() => void beat(), SHOWN_AFTER_MS);
  const beating = setInterval(() => void beat(), approval.policy.leaseMs / 3);
  // Losing the conversation's lease is no reason to break off a call that is under way; losing the permit is one.
  const signal = AbortSignal.any([lost.signal, timeLimit(tool.timeoutMs)]);
  const { idempotencyKey, epoch: permitEpoch } = permit;
  const { conversationId } = approval;
  const context = {
    idempotencyKey,
    conversationId,
    requester: request.requester,
    approvalId: approval.id,
    permitEpoch,
    ...(heardBefore(request).length > 0 ? { hasReadStrangers: true as const } : {}),
    signal,
  };
  const outcome = await outcomeOf(tool.execute(args.data, context)).finally(() => {
    clearTimeout(showing);
    clearInterval(beating);
  });
  const ran =
    outcome.kind === 'ran'
      ? {
          ...outcome,
          output: await withinCap(
            toldOutsideTurn({ ...toldBy(tool), ...outcome.output }),
            { tool, isComposed: isComposing(tool, args.data), conversationId, key: idempotencyKey },
            outputs,
          ),
        }
      : outcome;
  // What came of it is known from here on; failing to write it down does not make it unknown.
  if (ran.kind === 'ran') await desk.complete(permit, ran.output);
  else await desk.loseTrack(permit, ran.remark);
  return ran;
}

/** Undefined where the tool means what it meant when it was agreed to. */
function changeOf(tool: Tool | undefined, { request }: Approval): string | undefined {
  if (!tool || tool.version === request.version) return undefined;
  return `${request.tool} has changed since it was asked. Ask for it again`;
}

/** Kept with what it told: the tool may be gone when that is read. */
function toldBy({ tells }: Tool): Pick<ToolOutput, 'trust'> {
  return tells === undefined ? {} : { trust: tells };
}

/** A tool that throws was asked and did not say what came of it. */
async function outcomeOf(running: Promise<ToolOutput>): Promise<Exclude<Resumed, { kind: 'not-run' }>> {
  try {
    return { kind: 'ran', output: await running };
  } catch (error) {
    return { kind: 'lost-track', remark: error instanceof Error ? error.message : String(error) };
  }
}
