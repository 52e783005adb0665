/**
 * A call of the agent that waits for a human, or that a rule lets run: how it becomes an approval, and who is asked.
 *
 * Invariants
 *   1. Who may decide is looked up when it is asked, and again whenever somebody answers; nobody who could decide is an
 *      error that is said, never a yes.
 *   2. Whoever asked, and everybody on whose behalf that was, decides nothing.
 *   3. A request and the end of those whose place it takes become visible in one write. What a rule or a standing yes
 *      lets run takes nobody's place.
 */

import { speakersSince } from '../agent/history.ts';
import { previewOf } from '../agent/preview.ts';
import { isReversible, riskOf } from '../agent/tools/compound-call.ts';
import type { HeldCall, Requester } from '../agent/tools/toolbox.ts';
import { type ApprovalStore, approvalIdFor, toOpenEffect } from '../approvals/approval-store.ts';
import { consequencesOfOpening } from '../approvals/consequences.ts';
import type { GrantStore } from '../approvals/grant-store.ts';
import { policyNamed } from '../approvals/joint-policy.ts';
import { allowAtOnce, allowByGrant, askHumans, lengthsAt, namesAsked, timesOf } from '../approvals/plan.ts';
import { couldGive, isTakenBy } from '../approvals/standing-yes.ts';
import type { Config } from '../config/load-config.ts';
import { excludedFrom } from '../domain/approval/exclusion.ts';
import type { Approval, ApprovalRequest } from '../domain/approval/record.ts';
import { callOff, isReplacedBy, supersede } from '../domain/approval/replacement.ts';
import type { Clock } from '../domain/clock.ts';
import type { MessageDirectives } from '../domain/directive.ts';
import { FutileCallError } from '../domain/errors.ts';
import { importanceOfRisk } from '../domain/escalation/plan.ts';
import type { AccountId, ApprovalId, ConversationId, PersonId } from '../domain/ids.ts';
import type { MailboxItem } from '../domain/mailbox-item.ts';
import type { Address } from '../domain/message.ts';
import type { Directory } from '../identity/directory.ts';
import type { Claim } from '../mailbox/keyed-queue.ts';
import type { Logger } from '../observability/logger.ts';
import type { Effect } from '../redis/effects.ts';
import type { ConversationState } from './conversation-state.ts';
import type { Notices } from './notices.ts';
import { askOwners } from './owner-cards.ts';
import type { Reach } from './reach.ts';
import { sayUnasked } from './unasked.ts';

export interface HeldCallsDeps {
  readonly approvals: ApprovalStore;
  readonly grants: GrantStore;
  readonly directory: Directory;
  readonly reach: Reach;
  readonly config: () => Config;
  readonly clock: Clock;
}

/** The turn in which a call was held. */
export interface Occasion {
  readonly claim: Claim;
  readonly conversationId: ConversationId;
  readonly item: MailboxItem;
  readonly requester: Requester;
  readonly replyTo: Address;
  /** On whose behalf it is, beside the requester. */
  readonly lineage: readonly PersonId[];
  /** From which it was asked. */
  readonly accounts: readonly AccountId[];
  /** What the author of the message behind it asked for. */
  readonly directives?: MessageDirectives | undefined;
  readonly log: Logger;
}

export class HeldCalls {
  constructor(
    private readonly deps: HeldCallsDeps,
    private readonly notices: Notices,
  ) {}

  /**
   * @param index of the held calls of this turn
   * @param earlier what came of those before it
   * @throws {FutileCallError} when people would be asked about what cannot work
   */
  async toApproval(
    work: Occasion,
    { call, tool, args, decision, heard }: HeldCall,
    index: number,
    earlier: readonly Approval[] = [],
  ): Promise<Approval> {
    const { conversationId, item, requester, replyTo } = work;
    const preview =
      decision.kind === 'ask'
        ? await previewOf(tool, args, { conversationId, requester: requester.person })
        : undefined;
    const ask = {
      id: approvalIdFor(conversationId, item.id, index),
      conversationId,
      origin: replyTo,
      rule: decision.rule,
      nowMs: await this.deps.approvals.nowMs(conversationId),
      request: {
        tool: tool.name,
        version: tool.version,
        args,
        risk: riskOf(tool, args),
        effect: tool.effect === 'idempotent' ? ('idempotent' as const) : ('once' as const),
        reversible: isReversible(tool, args),
        requester: requester.person,
        requesterName: requester.name,
        ...onBehalfOf(work, this.deps.directory),
        ...(preview ? { preview } : {}),
        ...(decision.kind === 'ask' && decision.strangers ? { strangers: [...decision.strangers] } : {}),
        ...(heard.length > 0 ? { heard: [...heard] } : {}),
        callId: call.id,
        correlation: item.correlation,
        ...(work.directives ? { directives: work.directives } : {}),
      },
    };
    if (decision.kind === 'allow') return allowAtOnce(ask);

    const { directory, reach } = this.deps;
    const { approvers } = decision;
    const config = this.deps.config();
    const named = policyNamed(config.escalation.policies, decision.policy, lengthsAt(ask.nowMs, config));
    const excluded = excludedFrom(ask);
    // An exception is asked for every time, and so is what is made of several calls or may be a stranger's wish.
    const isAskedAlways =
      decision.exception === true || decision.strangers !== undefined || tool.calls !== undefined;
    const grant = isAskedAlways
      ? undefined
      : await this.deps.grants.useFor(
          ask.id,
          { ...ask.request, approvers },
          (each) =>
            isTakenBy(named, each) && couldGive(each, { approvers, excluded, nowMs: ask.nowMs }, directory),
        );
    if (grant) return allowByGrant(ask, grant, decision.policy);

    if (named.approve_from?.length === 0)
      throw new FutileCallError('there is no place from which a yes to all of its steps is taken', {
        trust: 'tool',
      });
    const policy = isAskedAlways ? { ...named, standing_yes: undefined } : named;
    const approval = askHumans(ask, {
      ...(decision.exception ? { exception: true as const } : {}),
      approvers: decision.approvers,
      ...namesAsked({ approvers: decision.approvers, policy }, directory),
      policyName: decision.policy,
      policy,
      times: timesOf({ approvers, policy, excluded, nowMs: ask.nowMs }, config, directory),
      ...reach.placesToAsk(directory.approversOf(decision.approvers, excluded, ask.nowMs), {
        first: decision.channel,
        askedIn: replyTo,
        importance: importanceOfRisk(ask.request.risk),
      }),
      mayBeOthers: directory.isGranted(decision.approvers),
      originCannotEdit: reach.cannotEdit(replyTo.platform),
    });
    if (approval.state === 'DENIED') {
      work.log.error(
        { tool: tool.name, rule: decision.rule },
        'nobody who may approve this call exists; it was refused. Give somebody the role, or change the rule',
      );
    }
    const supersedes = await this.#placesTaken(work, approval, earlier);
    return supersedes.length > 0 ? { ...approval, supersedes } : approval;
  }

  /** What waits for somebody until they write again is withdrawn as soon as a turn on their message begins. */
  async callOff({
    item,
    requester,
    replyTo,
    givingWay,
  }: Occasion & Pick<ConversationState, 'givingWay'>): Promise<readonly Approval[]> {
    if (item.kind !== 'message') return [];
    const { approvals } = this.deps;
    const by = { person: requester.person, name: requester.name, via: replyTo.platform };
    const ended: Approval[] = [];
    for (const id of givingWay) {
      const result = await approvals.apply(id, (current, nowMs) => callOff(current, by, nowMs));
      if (result?.code === 'DONE') ended.push(result.approval);
    }
    return ended;
  }

  /**
   * The requests of a turn as they come into being, and the end of those whose place they take, for one write: so
   * there is no moment in which both could run. To be made anew when that write is refused, because one of those has
   * changed meanwhile: what runs by now is not replaced.
   */
  async open(work: Occasion, asked: readonly Approval[]): Promise<readonly Effect[]> {
    const { approvals: keepMs } = this.deps.config().settings.retention;
    const nowMs = this.deps.clock.now();
    const { opened, ended, effects } = await this.#openings(asked);
    return [
      ...opened.flatMap((approval) => [
        toOpenEffect(approval, keepMs),
        ...consequencesOfOpening(approval, nowMs),
        ...this.#unasked(work, approval, nowMs),
      ]),
      ...effects,
      ...this.notices.keep(
        work,
        ended.map((approval) => this.notices.outcomeOf(approval)),
      ),
    ];
  }

  async askOwners(approval: Approval): Promise<void> {
    await askOwners(approval, this.deps);
  }

  /** Of requests the same person made before they wrote again; what was asked earlier in the turn is as new as this. */
  async #placesTaken(
    { item, conversationId }: Occasion,
    approval: Approval,
    earlier: readonly Approval[],
  ): Promise<ApprovalId[]> {
    if (item.kind !== 'message' || approval.state !== 'OPEN') return [];
    const taken = new Set(earlier.flatMap(({ supersedes = [] }) => supersedes));
    const giving = await this.deps.approvals.givingWayIn(conversationId);
    return giving.filter((each) => isReplacedBy(each, approval) && !taken.has(each.id)).map(({ id }) => id);
  }

  /** Each with those it really takes the place of. */
  async #openings(asked: readonly Approval[]): Promise<Openings> {
    const opened: Approval[] = [];
    const ended: Approval[] = [];
    const effects: Effect[] = [];
    for (const approval of asked) {
      const taken: ApprovalId[] = [];
      for (const id of approval.supersedes ?? []) {
        const change = await this.deps.approvals.changeOf(id, (current, nowMs) =>
          supersede(current, approval, nowMs),
        );
        if (change?.result.code !== 'DONE') continue;
        taken.push(id);
        ended.push(change.result.approval);
        effects.push(...change.effects);
      }
      const { supersedes: _, ...rest } = approval;
      opened.push(taken.length > 0 ? { ...rest, supersedes: taken } : rest);
    }
    return { opened, ended, effects };
  }

  /** Said loudly, where nobody who could decide it can be asked. */
  #unasked({ log }: Pick<Occasion, 'log'>, approval: Approval, atMs: number): readonly Effect[] {
    const { directory } = this.deps;
    return sayUnasked(approval, { directory, log, atMs })?.effects ?? [];
  }
}

/** What is written together when a turn has asked for something. */
interface Openings {
  readonly opened: readonly Approval[];
  /** Those whose place was taken, as they ended. */
  readonly ended: readonly Approval[];
  readonly effects: readonly Effect[];
}

/**
 * Whose request it is beside the requester's: everybody who has spoken since the agent's last words, and those on
 * whose behalf the call was asked for whose end brought this turn about. With the accounts the requester has now, and
 * the roles that could not be looked up later.
 */
function onBehalfOf(
  { claim, item, requester, lineage, accounts: askedFrom }: Occasion,
  directory: Directory,
): Pick<ApprovalRequest, 'accounts' | 'lineage' | 'roles'> {
  const heard = item.kind === 'message' ? speakersSince(claim.entries) : [];
  const others = new Set([...lineage, ...heard].filter((person) => person !== requester.person));
  const ownedBy = (person: PersonId) => directory.find(person)?.accounts ?? [];
  // Where it was asked from stands first.
  const accounts = new Set([...askedFrom, ...[requester.person, ...others].flatMap(ownedBy)]);
  const lent = directory.lentRoles(requester.person, requester.roles);
  return {
    ...(accounts.size > 0 ? { accounts: [...accounts] } : {}),
    ...(others.size > 0 ? { lineage: [...others] } : {}),
    ...(lent.length > 0 ? { roles: lent } : {}),
  };
}
