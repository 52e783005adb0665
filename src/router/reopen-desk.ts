/**
 * Asks again what ended without an effect: expired, withdrawn, or denied.
 *
 * Owns      how the new approval is made of the old one and of the rules as they are now.
 * Not here  who may have it asked again, and until when (`domain/approval/reopening.ts`).
 *
 * Invariants
 *   1. What ended is asked again once; to want it again finds the same new approval.
 *   2. It asks for exactly the same, and nobody but those who would be asked now; where the rules deny it now, or ask
 *      other people, it is not asked again in its name.
 *   3. A yes to it is given anew: nothing that was said about the old one counts.
 *   4. It takes no answer the old one did not take, and is no less strict: what was an exception is one, and what gave
 *      no standing yes gives none. What a message of its own has to ask for is not asked again.
 */
import { previewOf } from '../agent/preview.ts';
import { decideTool, deniedAmong } from '../agent/tools/compound-call.ts';
import type { ToolCatalog } from '../agent/tools/tool-catalog.ts';
import { type ApprovalStore, approvalIdFor, toOpenEffect } from '../approvals/approval-store.ts';
import { consequencesOfOpening } from '../approvals/consequences.ts';
import { policyNamed } from '../approvals/joint-policy.ts';
import { askHumans, lengthsAt, namesAsked, timesOf } from '../approvals/plan.ts';
import { literal, reopenText, standing } from '../approvals/sentences.ts';
import type { Config } from '../config/load-config.ts';
import { excludedFrom, isExcluded } from '../domain/approval/exclusion.ts';
import { type Approval, type ApprovalPolicy, isContested } from '../domain/approval/record.ts';
import { mayReopen } from '../domain/approval/reopening.ts';
import { mayDecide } from '../domain/approval/voting.ts';
import { ticketOf } from '../domain/card.ts';
import { importanceOfRisk } from '../domain/escalation/plan.ts';
import { type ApprovalId, channelOf } from '../domain/ids.ts';
import type { Directory } from '../identity/directory.ts';
import type { Logger } from '../observability/logger.ts';
import type { EffectWriter } from '../redis/effect-writer.ts';
import { asksAlike, type Speaker } from './ballot-box.ts';
import type { Reach } from './reach.ts';
import { sayUnasked } from './unasked.ts';

/** Two who want it together are told of the same approval. */
const OPENING_MS = 60_000;

export interface ReopenDeps {
  readonly approvals: ApprovalStore;
  readonly directory: Directory;
  readonly reach: Reach;
  readonly tools: ToolCatalog;
  readonly writer: EffectWriter;
  readonly config: () => Config;
  readonly log: Logger;
}

export interface Reopened {
  readonly code: string;
  /** In markdown. */
  readonly notice: string;
}

export class ReopenDesk {
  constructor(private readonly deps: ReopenDeps) {}

  /** Whether somebody could have it asked again now. */
  offers(approval: Approval, speaker: Speaker, nowMs: number): boolean {
    if (approval.client !== undefined || this.#isOfMessage(approval)) return false;
    return this.#codeFor(approval, speaker, nowMs) === 'DONE';
  }

  /** Undefined if there is no such approval. */
  async reopen(id: ApprovalId, speaker: Speaker): Promise<Reopened | undefined> {
    const { approvals, directory, writer, config, log } = this.deps;
    const old = await approvals.find(id);
    if (!old) return undefined;
    if (old.client !== undefined) return { code: 'NOT_OFFERED', notice: ASKED_BY_PROGRAM };
    if (this.#isOfMessage(old)) return { code: 'NOT_OFFERED', notice: ASKED_BY_MESSAGE };
    const nowMs = await approvals.nowMs(old.conversationId);
    const code = this.#codeFor(old, speaker, nowMs);
    if (code !== 'DONE') return { code, notice: reopenText(code, old) };
    const next = await this.#anew(old, nowMs);
    if (typeof next === 'string') return { code: 'NOT_OFFERED', notice: next };
    const there = await approvals.find(next.id);
    if (there) return { code: 'ALREADY', notice: askedAgain(there) };
    if (!(await directory.personNow(speaker.account)))
      return { code: 'NOT_ELIGIBLE', notice: reopenText('NOT_ELIGIBLE', old) };
    const unasked = sayUnasked(next, { directory, log, atMs: nowMs });
    await writer.write(
      old.conversationId,
      [
        ...consequencesOfOpening(next, nowMs),
        toOpenEffect(next, config().settings.retention.approvals),
        ...(unasked?.effects ?? []),
      ],
      { key: `open:${next.id}`, forMs: OPENING_MS },
    );
    return { code: 'DONE', notice: askedAgain(next) };
  }

  /** The gateway asked, because of what a message wants; only such a message brings it about. */
  #isOfMessage({ request }: Approval): boolean {
    return this.deps.tools.find(request.tool)?.internal === true;
  }

  #codeFor(approval: Approval, { person, account }: Speaker, nowMs: number): ReturnType<typeof mayReopen> {
    const { directory } = this.deps;
    const voter = directory.voterOf(person, nowMs);
    const known = { person: person.id, accounts: [account, ...person.accounts] };
    const isTheirs = isExcluded(approval, known);
    const decides = !isTheirs && directory.may(person.roles, 'approve') && mayDecide(approval, voter);
    const operates = directory.may(person.roles, 'operate');
    return mayReopen(approval, { ...known, decides, operates }, nowMs);
  }

  /** The new approval, or in words why there can be none. */
  async #anew(old: Approval, nowMs: number): Promise<Approval | string> {
    const { directory, reach, config } = this.deps;
    const { request, policy, origin, conversationId } = old;
    const tool = this.deps.tools.find(request.tool);
    const parsed = tool?.version === request.version ? tool.input.safeParse(request.args) : undefined;
    if (!tool || !parsed?.success)
      return 'The tool is not the same any more, so it cannot be asked again like that.';
    const { authorizations } = config();
    const denied = deniedAmong(authorizations.tools, tool, parsed.data);
    if (denied) return `${literal(denied.name)} is on the list tools.deny now, so it is not asked again.`;
    const decision = decideTool(authorizations, tool, parsed.data, {
      roles: directory.rolesOfRequester(request),
      platform: channelOf(origin.platform),
    });
    if (decision.kind === 'deny') return `The rule “${literal(decision.rule)}” does not allow it any more.`;
    if (decision.kind === 'ask' && !asksAlike(decision, policy)) {
      return 'The rules ask for that in another way now, or other people; let the agent ask for it anew.';
    }

    const { approvers } = policy;
    const asking = decision.kind === 'ask' ? decision : undefined;
    const excluded = excludedFrom(old);
    const { policies } = config().escalation;
    const current = policyNamed(policies, policy.name, lengthsAt(nowMs, config()));
    if (current.approve_from?.length === 0)
      return 'There is no place from which a yes to all of it is taken now.';
    const { preview: _, ...same } = request;
    const preview = await previewOf(tool, parsed.data, { conversationId, requester: request.requester });
    const next = askHumans(
      {
        id: approvalIdFor(conversationId, `reopened:${old.id}`, 0),
        conversationId,
        origin,
        request: { ...same, ...(preview ? { preview } : {}) },
        rule: policy.rule,
        nowMs,
      },
      {
        ...(policy.exception ? { exception: true as const } : {}),
        approvers,
        ...namesAsked({ approvers, policy: current }, directory),
        policyName: policy.name,
        policy: current,
        times: timesOf({ approvers, policy: current, excluded, nowMs }, config(), directory),
        ...reach.placesToAsk(directory.approversOf(approvers, excluded, nowMs), {
          first: asking?.channel,
          askedIn: origin,
          importance: importanceOfRisk(request.risk),
        }),
        mayBeOthers: directory.isGranted(approvers),
        originCannotEdit: reach.cannotEdit(origin.platform),
      },
    );
    if (next.state === 'DENIED') return 'Nobody who may approve it could be asked now.';
    const contested = isContested(old) ? { contested: true as const } : {};
    return { ...next, ...contested, policy: noWider(next.policy, policy), reopenedFrom: old.id };
  }
}

/** Invariant 4. What was taken out of a policy when it was asked first is not in it again. */
function noWider(next: ApprovalPolicy, old: ApprovalPolicy): ApprovalPolicy {
  const { standingYes, onNewMessage, ...rest } = next;
  return {
    ...rest,
    choices: next.choices.filter((choice) => old.choices.includes(choice)),
    ...(old.options ? { options: old.options } : {}),
    ...(standingYes && old.standingYes ? { standingYes } : {}),
    ...(onNewMessage && old.onNewMessage ? { onNewMessage } : {}),
  };
}

function askedAgain(approval: Approval): string {
  const { id, gen } = approval;
  return `It is asked again, as another request: \`${ticketOf({ approvalId: id, gen })}\`. ${literal(standing(approval))}`;
}

const ASKED_BY_PROGRAM =
  'A program asked for this and has heard how it ended; it asks anew if it still wants it. Nothing has changed.';

const ASKED_BY_MESSAGE =
  'A message asked for this, and only a message asks for it: whoever still wants it writes again. Nothing has changed.';
