/**
 * Handles what is in a conversation's mailbox: one item, one turn, one commit.
 *
 *   message ──▶ turn ──▶ reply, or held calls become approvals
 *   approval APPROVED ──▶ the call is run, once; its end comes back as the next item
 *   approval ended ──▶ the agent is told, and its turn goes on
 *
 * Invariants
 *   1. Everything an item led to is written in the commit that takes it off; before that nothing is visible but
 *      progress. A crash means the item is handled again.
 *   2. Nothing a turn does changes anything outside the gateway. Such calls run from an item of their own, under a
 *      permit that is granted once.
 *   C1, C3 (numbers of the specification) A turn belongs to the epoch it was begun in: its words carry it, its commit is
 *      refused under any other, and it is broken off when somebody else speaks. `standby` says what becomes of an
 *      item meanwhile.
 *   3. A model that is away costs delay, never a message; everybody waiting is told once.
 */

import { type Enclosures, toEnclosures } from '../agent/enclosures.ts';
import { quotesOthers, trustOf } from '../agent/provenance.ts';
import { runApproved } from '../agent/resume.ts';
import { deniedTo } from '../agent/tools/profiles.ts';
import { agentRule } from '../agent/tools/tool-policy.ts';
import type { Requester } from '../agent/tools/toolbox.ts';
import { runTurn, type TurnOutcome } from '../agent/turn.ts';
import { type BriefDeps, TurnBriefs } from '../agent/turn-brief.ts';
import { toHeard } from '../approvals/approval-audit.ts';
import { type ApprovalStore, toOpenEffect } from '../approvals/approval-store.ts';
import { consequencesOfOpening } from '../approvals/consequences.ts';
import type { GrantStore } from '../approvals/grant-store.ts';
import type { PermitOffice } from '../approvals/permit-office.ts';
import { literal, outcomeText, viaText, waitingText } from '../approvals/sentences.ts';
import type { BudgetDesk, TurnBudget } from '../budget/budget-desk.ts';
import type { Ceiling, Standing } from '../budget/limits.ts';
import type { ToolThrottle } from '../budget/tool-throttle.ts';
import { TurnMeter } from '../budget/turn-meter.ts';
import type { ControlStore } from '../control/control-store.ts';
import { HAND_OFF, HandOffInput } from '../control/hand-off-tool.ts';
import { BROKEN_OFF } from '../control/sentences.ts';
import { type StopSign, TurnStop } from '../control/stop-sign.ts';
import { TurnWatch } from '../control/turn-watch.ts';
import { type Outbox, type OutboxItem, toOutEffect, toSender } from '../delivery/outbox.ts';
import { holdYes } from '../domain/approval/holding.ts';
import { type Approval, isEnded } from '../domain/approval/record.ts';
import type { AuditEvent } from '../domain/audit-event.ts';
import { type Control, mayBeSaid, requestHandoff } from '../domain/control.ts';
import type { MessageDirectives } from '../domain/directive.ts';
import {
  ControlMovedError,
  FutileCallError,
  LeaseLostError,
  ModelUnavailableError,
  RecordMovedError,
} from '../domain/errors.ts';
import type { Gateway } from '../domain/gateway.ts';
import { type AccountId, type ConversationId, channelOf, type PersonId, platformOf } from '../domain/ids.ts';
import { MailboxItem, MOST_FAILURES } from '../domain/mailbox-item.ts';
import type { Address, InboundMessage, OutFile } from '../domain/message.ts';
import type { Trust } from '../domain/provenance.ts';
import { groupsOf } from '../domain/tool.ts';
import { Entry } from '../domain/transcript.ts';
import type { EscalationStore } from '../escalation/escalation-store.ts';
import type { ModelOutage } from '../escalation/model-outage.ts';
import type { Directory, Speaker } from '../identity/directory.ts';
import { type Claim, type Committed, deathsIn, type KeyedQueue } from '../mailbox/keyed-queue.ts';
import { conversationOf } from '../mailbox/mailbox.ts';
import type { Logger } from '../observability/logger.ts';
import type { Effect } from '../redis/effects.ts';
import { Alarms } from './alarms.ts';
import { BudgetGate } from './budget-gate.ts';
import {
  ELEVATE,
  ELEVATION_CHOICES,
  elevated,
  elevatedMessage,
  elevationAskedText,
  elevationNews,
  elevationWaitsNews,
  isElevated,
  MOST_CARRIED_CHARS,
  NOBODY_TO_ELEVATE,
  notElevatedNews,
  notElevatedText,
  TOO_MUCH_TO_CARRY,
  toElevateInput,
  tooLateText,
  wantsElevation,
} from './elevation.ts';
import { readFiles } from './file-reader.ts';
import { HeldCalls } from './held-calls.ts';
import { conflictText } from './message-directives.ts';
import { ProgressBoard } from './progress-board.ts';
import type { Reach } from './reach.ts';
import { Standby, type Verdict } from './standby.ts';

/** Processes that may end while they handle an item: one that is killed often is hardly the item's fault. */
const MOST_DEATHS = 30;
const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 60_000;
/** Times a turn is written anew because requests it would end have changed; each takes milliseconds. */
const MOST_TRIES = 10;
/** People of one conversation are told again that the model is away only after this long. */
const TELL_DELAY_AGAIN_MS = 60 * 60_000;
/** An item that waits is looked at again and again; what its last attempt left standing is changed once in this time. */
const SAY_ONCE_MS = 24 * 60 * 60_000;

/** In place of progress on something that is not done after all. */
const GAVE_UP = '_I gave this up._';

export interface WorkerDeps extends BriefDeps {
  readonly queue: KeyedQueue;
  readonly approvals: ApprovalStore;
  readonly permits: PermitOffice;
  readonly grants: GrantStore;
  readonly controls: ControlStore;
  readonly stops: Pick<StopSign, 'of'>;
  readonly escalations: Pick<EscalationStore, 'find'>;
  readonly modelOutage: ModelOutage;
  readonly outbox: Outbox;
  readonly budgets: BudgetDesk;
  readonly throttle: Pick<ToolThrottle, 'refusal'>;
  readonly directory: Directory;
  readonly reach: Reach;
  readonly gateways: ReadonlyMap<string, Gateway>;
  /** The session that may send to this platform at once, when this process has room; '' otherwise. */
  readonly sendNow: (platform: string) => string;
  /** Takes outbound lanes that were leased to this process by a commit. */
  readonly onHanded: (claims: readonly Claim[]) => void;
  /** Hears of every message that was dealt with by the agent, once that is written. */
  readonly onTurn: (turn: { readonly conversationId: ConversationId; readonly person: PersonId }) => void;
  readonly log: Logger;
}

/** One handling of one item: what every step of it needs. */
interface Work {
  readonly claim: Claim;
  readonly conversationId: ConversationId;
  readonly item: MailboxItem;
  readonly requester: Requester;
  readonly replyTo: Address;
  /** On whose behalf it is handled, beside the requester. */
  readonly lineage: readonly PersonId[];
  /** From which it was asked. */
  readonly accounts: readonly AccountId[];
  /** Of the requester, at the moment of the question: a role that was taken away meanwhile is gone. */
  readonly rolesNow: () => readonly string[];
  /** What the author of the message behind it asked for beside the text. */
  readonly directives?: MessageDirectives | undefined;
  /** Who speaks, as it was when the handling began. */
  readonly control: Control;
  readonly trace: Trace;
  /** Of its turn: name and version of each skill it was given. */
  readonly skills?: readonly string[];
  readonly log: Logger;
}

/** What people may have seen of a turn before it was over. */
interface Trace {
  shown?: { readonly ref: string; readonly to: Address };
  /** What a turn that is broken off has used. */
  spent?: () => readonly Effect[];
}

export class ConversationWorker {
  readonly #standby: Standby;
  readonly #heldCalls: HeldCalls;
  readonly #alarms: Alarms;
  readonly #budgets: BudgetGate;
  readonly #briefs: TurnBriefs;

  constructor(private readonly deps: WorkerDeps) {
    this.#standby = new Standby(deps);
    this.#heldCalls = new HeldCalls(deps);
    this.#alarms = new Alarms(deps);
    this.#budgets = new BudgetGate(deps);
    this.#briefs = new TurnBriefs(deps);
  }

  /** Handles the claim's item. Resolves with the claim on the next one, if it was asked for more. */
  async handle(claim: Claim, mode: 'more' | 'yield'): Promise<Claim | undefined> {
    const conversationId = conversationOf(claim);
    const parsed = MailboxItem.safeParse(JSON.parse(claim.item));
    const log = this.deps.log.child({ conversation: conversationId });
    if (!parsed.success) return this.#bury(claim, undefined, 'the item cannot be read', mode);
    const item = parsed.data;
    if (claim.failures >= MOST_FAILURES) {
      return this.#bury(claim, item, `handling it failed ${MOST_FAILURES} times`, mode);
    }
    if (deathsIn(claim) >= MOST_DEATHS) {
      return this.#bury(claim, item, `${MOST_DEATHS} times the process ended while it was handled`, mode);
    }
    const trace: Trace = {};
    const watched = this.#alarms.ofMessage(item);
    try {
      const control = await this.deps.controls.find(conversationId);
      const handling: Handling = { claim, conversationId, control, trace, log };
      const verdict = await this.#standby.judge(item, control, claim, log);
      const left = verdict.kind === 'turn' ? [] : await this.#leftStanding(claim, item, BROKEN_OFF);
      if (verdict.kind === 'later') {
        await this.deps.queue.retryLater(claim, verdict.pauseMs, 'free', [
          ...verdict.effects,
          ...left,
          ...watched,
        ]);
        return undefined;
      }
      const deed = await this.#effectsOf(handling, item, verdict);
      // What others wrote into the transcript of a conversation that changes hands is read with the next claim.
      const then = control.epoch > 0 ? 'yield' : mode;
      const effects = [...deed.effects, ...left, ...watched];
      const committed = await this.#commit(claim, { ...deed, effects }, then);
      if (verdict.kind === 'turn' && item.kind === 'message') {
        this.deps.onTurn({ conversationId, person: item.requester.person });
      }
      return this.#after(committed);
    } catch (error) {
      await this.#failed(claim, item, error, { trace, watched, log });
      return undefined;
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

  async #effectsOf(
    handling: Handling,
    item: MailboxItem,
    verdict: Exclude<Verdict, { kind: 'later' }>,
  ): Promise<Deed> {
    switch (verdict.kind) {
      case 'turn':
        return this.#act(handling, item);
      case 'done':
        return { effects: verdict.effects };
      case 'keep': {
        const { said } = await this.#said(handling, verdict.item);
        const { retention } = this.deps.config().settings;
        const { conversationId } = handling;
        return {
          effects: [
            ...verdict.effects,
            ...received(verdict.item),
            { kind: 'entry', conversationId, entry: said, keepMs: retention.transcripts },
          ],
        };
      }
      case 'hold':
        await this.#keepValid(item);
        return {
          effects: [...verdict.effects, { kind: 'hold', conversationId: handling.conversationId, item }],
        };
      default:
        return verdict satisfies never;
    }
  }

  /** What somebody wrote, and what came with it. */
  async #said(
    { claim, log }: Handling,
    { message, requester, directives }: MessageItem,
  ): Promise<{ said: Entry; exhibits: Enclosures['exhibits'] }> {
    const gateway = this.deps.gateways.get(message.replyTo.platform);
    const enclosed = toEnclosures(await readFiles(message, gateway, log, claim.signal));
    const said: Entry = {
      kind: 'user',
      from: { person: requester.person, name: requester.name },
      text: message.text,
      trust: this.#trustOf(requester),
      ...(message.passesOn || quotesOthers(message.text) ? { passesOn: true as const } : {}),
      ...(enclosed.notes.length > 0 ? { files: [...enclosed.notes] } : {}),
      ...(directives ? { directives } : {}),
      at: message.sentAt,
    };
    return { said, exhibits: enclosed.exhibits };
  }

  #trustOf({ person, roles }: Extract<MailboxItem, { kind: 'message' }>['requester']): Trust {
    const { directory } = this.deps;
    const isOwner = directory.may(roles, 'config.change') || directory.may(roles, 'operate');
    return trustOf({ isKnown: directory.find(person) !== undefined, isOwner });
  }

  /** A call that was agreed to stays so while a person has the conversation; who has to find out something is asked. */
  async #keepValid(item: MailboxItem): Promise<void> {
    if (item.kind !== 'approval') return;
    const { approvals } = this.deps;
    const approval = await approvals.find(item.approvalId);
    if (approval?.state === 'UNKNOWN') await this.#heldCalls.askOwners(approval);
    if (approval?.state === 'APPROVED') await approvals.apply(approval.id, holdYes);
  }

  /** What the agent does about it. */
  async #act(handling: Handling, item: MailboxItem): Promise<Deed> {
    const { log } = handling;
    switch (item.kind) {
      case 'handback':
      case 'new-context':
        return { effects: [] }; // `standby` has dealt with it
      case 'message':
        return this.#answer(handling, item);
      case 'approval': {
        const approval = await this.deps.approvals.find(item.approvalId);
        if (!approval) {
          log.warn({ approval: item.approvalId }, 'an approval is gone; its item is dropped');
          return { effects: [] };
        }
        const work = this.#workOn(handling, item, approval);
        const heard = toHeard(item.state, approval);
        if (item.state === 'APPROVED') return { effects: [...heard, ...(await this.#run(work, approval))] };
        if (approval.state === 'UNKNOWN') await this.#heldCalls.askOwners(approval);
        if (approval.request.tool === ELEVATE && isEnded(approval.state)) {
          const deed = await this.#afterElevation(handling, work, approval);
          return { ...deed, effects: [...heard, ...deed.effects] };
        }
        const opening = this.#toNews(approval);
        // The turn in which it ended has told of it.
        if (isEnded(approval.state) && isToldIn(handling.claim, opening)) return { effects: heard };
        if (!(await this.deps.directory.mayGoOn(approval.request, this.deps.clock.now()))) {
          const left = await this.#leftStanding(handling.claim, item, GAVE_UP);
          return { effects: [...heard, ...this.#goesNoFurther(work, opening), ...left] };
        }
        const deed = await this.#turn(work, { opening });
        return { ...deed, effects: [...heard, ...deed.effects] };
      }
      default:
        return item satisfies never;
    }
  }

  /** A turn on what somebody said; or what has to come before it. */
  async #answer(handling: Handling, item: MessageItem): Promise<Deed> {
    const { message, requester, directives } = item;
    const { sender } = message;
    const { directory, clock } = this.deps;
    const speaker = await directory.speakerNow(sender, clock.now());
    if (!speaker || !directory.may(speaker.roles, 'ask')) {
      const left = await this.#leftStanding(handling.claim, item, GAVE_UP);
      return { effects: [...this.#noLonger(item), ...left] };
    }
    const platform = channelOf(message.replyTo.platform);
    const work: Work = {
      ...handling,
      item,
      requester: { person: requester.person, name: requester.name, roles: speaker.roles, platform },
      replyTo: message.replyTo,
      lineage: [],
      accounts: [sender.account],
      rolesNow: () => this.#rolesNow(message, speaker),
      directives,
    };
    if (!wantsElevation(directives)) return this.#answerNow(work, item);
    if (!directory.may(speaker.roles, 'elevate')) return this.#askToElevate(work, item);
    const untilMs = clock.now() + this.deps.config().authorizations.elevation.lasts;
    const lifted = elevated(directives, { untilMs });
    const deed = await this.#answerNow({ ...work, directives: lifted }, { ...item, directives: lifted });
    const rule = `permission elevate of ${speaker.roles.join(', ')}`;
    return { ...deed, effects: [...this.#elevationBegins(work, untilMs, { rule }), ...deed.effects] };
  }

  async #answerNow(work: Work, item: MessageItem): Promise<Deed> {
    const { said, exhibits } = await this.#said(work, item);
    const budget = await this.#budgets.open(work);
    if (budget.usedUp) {
      const refused = await this.#outOfBudget(work, [said], budget.usedUp);
      return { effects: [...received(item), ...refused] };
    }
    const { elevation } = work.directives ?? {};
    const news = [
      ...(await this.#heldCalls.callOff(work)).map((approval) => this.#toNews(approval)),
      ...(elevation ? [this.#event(elevationNews(elevation.untilMs))] : []),
    ];
    const deed = await this.#turn(work, { news, opening: said, exhibits, budget });
    return { ...deed, effects: [...received(item), ...deed.effects] };
  }

  // ── Elevated messages ──────────────────────────────────────────────────────────────────────────────────────

  /** Its author may not lift what is kept back: somebody is asked, and nothing of it is done until then. */
  async #askToElevate(work: Work, item: MessageItem): Promise<Deed> {
    const { elevation, tools } = this.deps.config().authorizations;
    const tool = this.deps.tools.find(ELEVATE);
    if (!elevation.approvers || !tool) return this.#notElevated(work, item, NOBODY_TO_ELEVATE);
    const input = toElevateInput(item, elevation, tools);
    if (JSON.stringify(input).length > MOST_CARRIED_CHARS) {
      return this.#notElevated(work, item, TOO_MUCH_TO_CARRY);
    }
    const held = {
      call: { id: `elevate:${item.id}`, tool: ELEVATE, input },
      tool,
      args: input,
      decision: {
        kind: 'ask' as const,
        rule: 'elevated messages',
        approvers: elevation.approvers,
        policy: elevation.policy ?? 'default',
        channel: elevation.channel,
        exception: true as const,
      },
    };
    const asked = await this.#heldCalls.toApproval(work, held, 0).catch((error: unknown) => {
      if (error instanceof FutileCallError) return undefined;
      throw error;
    });
    if (!asked) return this.#notElevated(work, item, NOBODY_TO_ELEVATE);
    const { onNewMessage: _, ...policy } = asked.policy;
    const choices = policy.choices.filter((choice) => ELEVATION_CHOICES.includes(choice));
    const approval: Approval = { ...asked, policy: { ...policy, choices } };
    // The end of one that nobody can be asked about is told when it is heard of.
    const told = approval.state === 'OPEN' ? [this.#tell(work, elevationAskedText(approval))] : [];
    return {
      effects: [
        ...received(item),
        this.#remark(work, elevationWaitsNews(work.requester.name)),
        ...told,
        this.deps.controls.guardOf(work.control),
      ],
      onRequests: () => this.#open(work, [approval]),
    };
  }

  #notElevated(work: Work, item: MessageItem, markdown: string): Deed {
    const { requester, conversationId, replyTo, control } = work;
    return {
      effects: [
        ...received(item),
        this.#remark(work, notElevatedNews(work.requester.name)),
        this.#tell(work, markdown),
        {
          kind: 'audit',
          event: {
            event: 'authorization.deny',
            actor: requester.person,
            subject: conversationId,
            correlation: item.correlation,
            channel: replyTo.platform,
            detail: { action: 'elevate', rule: 'no permission elevate, and nobody to agree' },
          },
        },
        this.deps.controls.guardOf(control),
      ],
    };
  }

  /** The turn of a message somebody agreed to, or the word that there is none. */
  async #afterElevation(handling: Handling, work: Work, approval: Approval): Promise<Deed> {
    const item = approval.state === 'EXECUTED' ? elevatedMessage(approval) : undefined;
    const { untilMs } = item?.directives?.elevation ?? {};
    const told = (markdown: string): Deed => ({
      effects: [
        this.#remark(work, notElevatedNews(work.requester.name)),
        this.#tell(work, markdown),
        this.deps.controls.guardOf(work.control),
      ],
    });
    if (!item || untilMs === undefined) return told(notElevatedText(approval));
    if (this.deps.clock.now() >= untilMs) return told(tooLateText(untilMs));
    // Under the id of what brought it about: the message itself has had its reply.
    const deed = await this.#answer(handling, { ...item, id: work.item.id });
    const by = { rule: 'elevated messages', approval: approval.id };
    return { ...deed, effects: [...this.#elevationBegins(work, untilMs, by), ...deed.effects] };
  }

  #elevationBegins(
    { item, requester, conversationId, replyTo }: Work,
    untilMs: number,
    by: { readonly rule: string; readonly approval?: string },
  ): Effect[] {
    const opens = this.deps.config().authorizations.tools.elevated_only;
    const until = new Date(untilMs).toISOString();
    return [
      {
        kind: 'audit',
        event: {
          event: 'elevation.begun',
          actor: requester.person,
          subject: conversationId,
          correlation: item.correlation,
          channel: replyTo.platform,
          detail: { authorization: 'allow', until, opens, ...by },
        },
      },
    ];
  }

  /** For the agent to read later: the conversation is one it has a part in. */
  #remark({ conversationId }: Work, text: string): Effect {
    const keepMs = this.deps.config().settings.retention.transcripts;
    return { kind: 'entry', conversationId, entry: this.#event(text), keepMs };
  }

  /** The gateway's own word where it was asked for. */
  #tell(work: Work, markdown: string): Effect {
    return toOutEffect({ ...this.#outOf(work), markdown });
  }

  /** What is said once about an item, where it was asked for. */
  #outOf({ item, conversationId, requester, replyTo, control }: Work) {
    return {
      kind: 'text' as const,
      id: replyId(item),
      correlation: item.correlation,
      conversationId,
      to: replyTo,
      requester: requester.person,
      epoch: control.epoch,
      atMs: this.deps.clock.now(),
    };
  }

  #event(text: string): News {
    return { kind: 'event', text, at: new Date(this.deps.clock.now()).toISOString() };
  }

  #toNews(approval: Approval): News {
    const trust = this.deps.tools.find(approval.request.tool)?.tells;
    return {
      kind: 'event',
      text: outcomeText(approval),
      at: new Date(this.deps.clock.now()).toISOString(),
      ...ranOf(approval),
      ...(trust === undefined ? {} : { trust }),
    };
  }

  /** The right to ask, or the account, was taken away while the message waited. */
  #noLonger({ message, requester }: Extract<MailboxItem, { kind: 'message' }>): readonly Effect[] {
    const { id, conversationId, sender } = message;
    const markdown = 'You may not ask me for things any more, so I did nothing with what you wrote.';
    return [
      toOutEffect(toSender(message, { id: `no-longer:${id}`, markdown, atMs: this.deps.clock.now() })),
      {
        kind: 'audit',
        event: {
          event: 'message.refused',
          actor: sender.account,
          subject: conversationId,
          correlation: id,
          channel: platformOf(sender.account),
          detail: {
            reason: 'may-not-ask',
            person: requester.person,
            authorization: 'deny',
            rule: 'no role has the permission ask any more',
          },
        },
      },
    ];
  }

  /** Whoever asked may ask no more: what was agreed to is done and on record, and the agent takes no further step. */
  #goesNoFurther(work: Work, news: News): Effect[] {
    const { item, conversationId, requester, replyTo, control } = work;
    const { settings } = this.deps.config();
    const { correlation } = item;
    const markdown = `${literal(requester.name)} may not ask me for things any more, so I do nothing further about this.`;
    return [
      { kind: 'entry', conversationId, entry: news, keepMs: settings.retention.transcripts },
      this.#tell(work, markdown),
      {
        kind: 'audit',
        event: {
          event: 'authorization.deny',
          actor: requester.person,
          subject: conversationId,
          correlation,
          channel: replyTo.platform,
          detail: { action: 'ask', rule: 'no role has the permission ask any more' },
        },
      },
      this.deps.controls.guardOf(control),
    ];
  }

  /** Of somebody who is nobody here any more: what denies guests, and whoever is in a group, holds for them still. */
  #rolesNow({ sender }: InboundMessage, { id, roles }: Speaker): readonly string[] {
    const { directory, clock } = this.deps;
    const asked = { requester: id, accounts: [sender.account], roles: directory.lentRoles(id, roles) };
    return directory.speakerOf(sender, clock.now())?.roles ?? directory.rolesOfRequester(asked);
  }

  #workOn(handling: Handling, item: MailboxItem, approval: Approval): Work {
    const { requester, requesterName } = approval.request;
    const rolesNow = () => this.deps.directory.rolesOfRequester(approval.request);
    return {
      ...handling,
      item,
      requester: {
        person: requester,
        name: requesterName,
        roles: rolesNow(),
        platform: channelOf(approval.origin.platform),
      },
      replyTo: approval.origin,
      lineage: approval.request.lineage ?? [],
      accounts: approval.request.accounts ?? [],
      rolesNow,
      directives: approval.request.directives,
      log: handling.log.child({ approval: approval.id }),
    };
  }

  // ── A turn ─────────────────────────────────────────────────────────────────────────────────────────────────

  async #turn(work: Work, { news = [], opening, exhibits, ...given }: Occasioned): Promise<Deed> {
    const { claim, item, requester, rolesNow, conversationId, directives, log } = work;
    const budget = given.budget ?? (await this.#budgets.open(work));
    if (budget.usedUp) return { effects: await this.#outOfBudget(work, [...news, opening], budget.usedUp) };
    const meter = new TurnMeter(budget);
    work.trace.spent = () => this.#budgets.inVain(work, meter);
    const occasion = {
      conversationId,
      requester,
      rolesNow,
      stored: claim.entries,
      news,
      opening,
      ...(directives ? { directives } : {}),
      at: work.replyTo,
      isElevated: () =>
        isElevated(directives, this.deps.clock.now(), () => this.deps.directory.may(rolesNow(), 'elevate')),
    };
    const brief = await this.#briefs.prepare(occasion, log);
    const approvals: Approval[] = [];
    const board = this.#board(work);
    const watch = new TurnWatch(this.deps.controls, conversationId, work.control.epoch);
    const stop = new TurnStop(this.deps.stops, {
      conversationId,
      person: requester.person,
      askedMs: item.kind === 'message' ? Date.parse(item.receivedAt) : undefined,
    });
    await stop.start();
    board?.start();
    watch.start();
    let outcome: TurnOutcome;
    let shown: string | undefined;
    try {
      outcome = await runTurn(
        {
          ...brief.setup,
          ...(exhibits ? { exhibits } : {}),
          thinking: directives?.asked.includes('think') ?? false,
          stop: stop.signal,
          key: item.id,
          meter,
          throttle: (tool, args) => this.deps.throttle.refusal(tool, args),
          readsAtOnce: this.deps.config().settings.limits.reads_at_once,
          answerHeld: async (held, index) => {
            const approval = await this.#heldCalls.toApproval(work, held, index, approvals);
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
    const handoff = await this.#handoff(work, outcome);
    // Published by the very change that makes the agent silent, so under the epoch that begins with it.
    const speaking = {
      ...work,
      ...(handoff ? { control: handoff.next } : {}),
      skills: brief.skills,
    };
    const stopped = stop.by ? [this.#event(stoppedNews(stop.by.name))] : [];
    const entries = [...news, opening, ...outcome.entries, ...(outcome.kind === 'stopped' ? stopped : [])];
    // Of what a turn was stopped in, nobody is asked.
    const asked = outcome.kind === 'stopped' ? [] : approvals;
    return {
      effects: [
        ...this.#effectsOfTurn(speaking, entries, outcome, asked, shown),
        ...(await this.#alarms.ofTurn(work, [...news, opening], outcome)),
        ...(await this.#budgets.counted(work, budget, meter, calledIn(outcome))),
        ...(handoff ? handoff.effects : [this.deps.controls.guardOf(work.control)]),
      ],
      ...(asked.length > 0
        ? {
            onRequests: () =>
              this.#open(
                work,
                asked.map((each) => withSummary(each, outcome)),
              ),
          }
        : {}),
    };
  }

  /** What was said, or happened, is kept for the agent to read; nothing is run. */
  async #outOfBudget(work: Work, entries: readonly Entry[], standing: Standing): Promise<Effect[]> {
    const { conversationId, control, log } = work;
    const { subject, period, resetMs } = standing;
    log.warn(
      { subject, period, resets: new Date(resetMs).toISOString() },
      'a budget is used up; no turn begins',
    );
    const { retention } = this.deps.config().settings;
    return [
      ...entries.map(
        (entry): Effect => ({ kind: 'entry', conversationId, entry, keepMs: retention.transcripts }),
      ),
      ...(await this.#budgets.refused(work, standing)),
      this.deps.controls.guardOf(control),
    ];
  }

  /** The requests of a turn come into being, and those end whose place they take. */
  async #open(work: Work, approvals: readonly Approval[]): Promise<readonly Effect[]> {
    const { retention } = this.deps.config().settings;
    const { conversationId } = work;
    const nowMs = this.deps.clock.now();
    const { opened, ended, effects } = await this.#heldCalls.openings(approvals);
    return [
      ...opened.flatMap((approval) => [
        toOpenEffect(approval, retention.approvals),
        ...consequencesOfOpening(approval, nowMs),
        ...this.#heldCalls.unasked(work, approval, nowMs),
      ]),
      ...effects,
      ...ended.map(
        (approval): Effect => ({
          kind: 'entry',
          conversationId,
          entry: this.#toNews(approval),
          keepMs: retention.transcripts,
        }),
      ),
    ];
  }

  /** What follows when the agent asked for a human in this turn; undefined when it did not. */
  async #handoff(
    { control, conversationId, replyTo, item, requester }: Work,
    outcome: TurnOutcome,
  ): Promise<{ next: Control; effects: readonly Effect[] } | undefined> {
    const reason = reasonToHandOff(outcome);
    if (reason === undefined) return undefined;
    const { wait } = this.deps.config().authorizations.takeover;
    const { nowMs } = await this.deps.controls.read(conversationId);
    const { moved } = requestHandoff(
      control,
      { by: { kind: 'agent' }, reason, from: requester.person },
      { waitMs: wait, origin: replyTo, actedOn: item.id },
      nowMs,
    );
    return moved && { next: moved.next, effects: await this.deps.controls.effectsOf(control, moved, nowMs) };
  }

  #board({ claim, conversationId, replyTo, item, control, log }: Work): ProgressBoard | undefined {
    const progress = this.deps.gateways.get(replyTo.platform)?.progress;
    // A second attempt shows nothing: its reply finds and replaces what the first one may have shown.
    if (!progress || claim.attempt > 1) return undefined;
    const isNext = () => this.deps.outbox.isEmpty(conversationId, replyTo);
    const maySpeak = async () => mayBeSaid(control.epoch, await this.deps.controls.epochOf(conversationId));
    return new ProgressBoard(progress, replyTo, replyId(item), isNext, maySpeak, log, claim.signal);
  }

  #effectsOfTurn(
    work: Work,
    entries: readonly Entry[],
    outcome: TurnOutcome,
    approvals: readonly Approval[],
    shown: string | undefined,
  ): readonly Effect[] {
    const { conversationId, replyTo } = work;
    const { retention } = this.deps.config().settings;
    const text =
      outcome.kind === 'exhausted' && outcome.by
        ? joined(outcome.text?.trim() ?? '', this.#budgets.brokenOff(work, outcome.by, doneIn(outcome)))
        : replyText(outcome, approvals, shown !== undefined || work.claim.attempt > 1);
    const conflict =
      work.item.kind === 'message' && work.directives ? conflictText(work.directives) : undefined;
    return [
      ...entries.map(
        (entry): Effect => ({ kind: 'entry', conversationId, entry, keepMs: retention.transcripts }),
      ),
      // What was checked stands before what came of it.
      ...toAudits(work, outcome, replyTo.platform),
      ...(text || conflict
        ? this.#replies(work, { markdown: paragraphs(text, conflict), files: outcome.files }, shown)
        : []),
    ];
  }

  /** The reply where it was asked for, or where this person wants answers, and then a word of it where they asked. */
  #replies(work: Work, said: Said, shown: string | undefined): Effect[] {
    const { item, conversationId, requester, replyTo } = work;
    const person = this.deps.directory.find(requester.person);
    const wanted = person?.answersOn;
    const place =
      person && wanted !== undefined && wanted !== channelOf(replyTo.platform)
        ? this.deps.reach.placesOf(person, { first: wanted }).find(({ to }) => to.platform === wanted)
        : undefined;
    if (!place) return [this.#reply(work, said, shown)];
    return [
      toOutEffect({
        kind: 'text',
        id: `elsewhere:${item.id}`,
        correlation: item.correlation,
        conversationId,
        to: place.to,
        author: replyTo,
        epoch: work.control.epoch,
        ...toContent(said),
        atMs: this.deps.clock.now(),
      }),
      this.#reply(work, { markdown: `I answered you ${viaText(place.to.platform)}.`, files: [] }, shown),
    ];
  }

  #reply(work: Work, said: Said, shown: string | undefined): Effect {
    const { replyTo, claim } = work;
    const out: OutboxItem = {
      ...this.#outOf(work),
      ...toContent(said),
      ...(shown === undefined ? {} : { replaces: shown }),
      ...(claim.attempt > 1 ? { mayExist: true } : {}),
    };
    return toOutEffect(out, { session: this.deps.sendNow(replyTo.platform) });
  }

  // ── An approved call ───────────────────────────────────────────────────────────────────────────────────────

  /** Runs it. Whatever comes of it is an item of its own, written together with the record of the outcome. */
  async #run(work: Work, approval: Approval): Promise<readonly Effect[]> {
    const tool = this.deps.tools.find(approval.request.tool);
    const call = {
      tool: approval.request.tool,
      groups: tool ? groupsOf(tool) : [],
      platform: work.requester.platform,
    };
    const { authorizations } = this.deps.config();
    const own = agentRule(authorizations, call);
    const denied = tool && deniedTo(authorizations.tools, tool);
    const unfit = own.verdict === 'deny' ? own.rule : denied && `tools: ${denied}`;
    const forbidden = tool?.internal === true ? undefined : unfit;
    const { permits: desk, clock, outputs } = this.deps;
    const resumed = await runApproved({ desk, clock, outputs }, tool, approval, forbidden);
    work.log.info(
      {
        tool: approval.request.tool,
        result: resumed.kind,
        ...(resumed.kind === 'not-run' ? { why: resumed.why } : {}),
      },
      'an approved call was handled',
    );
    return [];
  }

  // ── When it did not work ───────────────────────────────────────────────────────────────────────────────────

  /** @param watched who is called because of the item, whatever comes of it */
  async #failed(
    claim: Claim,
    item: MailboxItem,
    error: unknown,
    { trace, watched, log }: { trace: Trace; watched: readonly Effect[]; log: Logger },
  ): Promise<void> {
    const { queue } = this.deps;
    if (error instanceof LeaseLostError || claim.signal.aborted) {
      log.warn({ item: item.id }, 'the lease was lost; somebody else handles this item');
      return;
    }
    // What was asked of the model is paid for, whatever came of it.
    const spent = trace.spent?.() ?? [];
    try {
      if (error instanceof ControlMovedError) {
        log.info({ item: item.id }, 'the conversation changed hands; the item is for whoever speaks now');
        await queue.retryLater(claim, 0, 'free', [
          ...(await this.#brokenOff(item, conversationOf(claim), trace)),
          ...spent,
        ]);
        return;
      }
      if (error instanceof ModelUnavailableError) {
        const pauseMs = error.retryAfterMs ?? backoff(claim.failures);
        log.warn({ item: item.id, reason: error.reason, pauseMs }, 'the model is away; the message waits');
        await queue.retryLater(claim, pauseMs, 'free', [
          ...(await this.#delayNotice(claim, item, error)),
          ...spent,
          ...watched,
          ...(await this.#alarms.ofModelAway(claim, item, error, pauseMs)),
        ]);
        return;
      }
      log.error(
        { err: error, item: item.id, attempt: claim.attempt },
        'handling an item failed; trying again',
      );
      await queue.retryLater(claim, backoff(claim.failures), 'counts', [
        ...spent,
        ...watched,
        ...this.#alarms.ofFailure(claim, item),
      ]);
    } catch (retryError) {
      log.warn(
        { err: retryError, item: item.id },
        'the item could not be put back; it returns when its lease ends',
      );
    }
  }

  /** Says that what was shown so far does not go on. */
  async #brokenOff(item: MailboxItem, conversationId: ConversationId, { shown }: Trace): Promise<Effect[]> {
    if (!shown) return [];
    return [
      toOutEffect({
        kind: 'text',
        id: `broken-off:${replyId(item)}`,
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

  /** The same of what an attempt showed whose process has ended: what that was, the platform alone knows. */
  async #leftStanding(claim: Claim, item: MailboxItem, markdown: string): Promise<readonly Effect[]> {
    const to = claim.attempt > 1 ? await this.#whereItCameFrom(item) : undefined;
    if (!to || !this.deps.gateways.get(to.platform)?.progress) return [];
    const key = replyId(item);
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

  async #delayNotice(claim: Claim, item: MailboxItem, error: ModelUnavailableError): Promise<Effect[]> {
    const to = await this.#whereItCameFrom(item);
    if (!to) return [];
    const conversationId = conversationOf(claim);
    const epoch = await this.deps.controls.epochOf(conversationId);
    return [
      toOutEffect(
        {
          kind: 'text',
          id: `delayed:${item.id}`,
          correlation: item.correlation,
          conversationId,
          to,
          markdown: `I cannot reach my language model right now (${error.reason}). Your message is kept, and I answer as soon as it is back.`,
          epoch,
          atMs: this.deps.clock.now(),
        },
        { once: { key: `delayed:${conversationId}`, forMs: TELL_DELAY_AGAIN_MS } },
      ),
    ];
  }

  async #whereItCameFrom(item: MailboxItem): Promise<Address | undefined> {
    if (item.kind === 'message') return item.message.replyTo;
    if (item.kind !== 'approval') return undefined;
    return (await this.deps.approvals.find(item.approvalId))?.origin;
  }

  /** Takes an item that cannot be handled out of the way, keeps it for a person to look at, and tells its author. */
  async #bury(
    claim: Claim,
    item: MailboxItem | undefined,
    reason: string,
    mode: 'more' | 'yield',
  ): Promise<Claim | undefined> {
    const conversationId = conversationOf(claim);
    const to = item && (await this.#whereItCameFrom(item));
    const correlation = item?.correlation ?? conversationId;
    const notice = to
      ? [
          toOutEffect({
            kind: 'text',
            id: `buried:${item.id}`,
            correlation,
            conversationId,
            to,
            ...(item.kind === 'message' ? { requester: item.requester.person } : {}),
            markdown:
              'I could not handle this message: it failed every time I tried. It is kept, and whoever runs me can see why and try it again.',
            // The agent's word, and nobody's who has taken the conversation over by the time it is sent.
            epoch: await this.deps.controls.epochOf(conversationId),
            atMs: this.deps.clock.now(),
          }),
        ]
      : [];
    this.deps.log.error(
      { conversation: conversationId, item: item?.id, reason },
      'an item went to the dead letters',
    );
    const about = await this.#approvalOf(item);
    const kept = item?.kind === 'message' ? JSON.stringify({ ...item, recorded: true }) : claim.item;
    const committed = await this.deps.queue.commit(
      claim,
      [
        ...(item?.kind === 'message' ? received(item) : []),
        ...(about ? toHeard(about.state, about.approval) : []),
        { kind: 'dead', queue: 'm', lane: claim.lane, attempts: claim.attempt, reason, item: kept },
        ...(item ? this.#alarms.ofMessage(item) : []),
        ...this.#alarms.ofDeath(claim, item, reason),
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
        ...(item ? await this.#leftStanding(claim, item, GAVE_UP) : []),
      ],
      mode,
    );
    return this.#after(committed);
  }

  async #approvalOf(
    item: MailboxItem | undefined,
  ): Promise<{ approval: Approval; state: Approval['state'] } | undefined> {
    if (item?.kind !== 'approval') return undefined;
    const approval = await this.deps.approvals.find(item.approvalId);
    return approval && { approval, state: item.state };
  }

  #after({ next, handed }: Committed): Claim | undefined {
    if (handed.length > 0) this.deps.onHanded(handed);
    return next;
  }
}

/** What handling an item leads to. `onRequests`: what depends on requests that others may change, as they are now. */
interface Deed {
  readonly effects: readonly Effect[];
  readonly onRequests?: () => Promise<readonly Effect[]>;
}

/** What a turn is about; before it, what its beginning brought about. */
interface Occasioned {
  readonly news?: readonly News[];
  readonly opening: Entry;
  readonly exhibits?: Enclosures['exhibits'];
  /** Left out: it is asked for. */
  readonly budget?: TurnBudget;
}

type News = Extract<Entry, { kind: 'event' }>;

type MessageItem = Extract<MailboxItem, { kind: 'message' }>;

/** How its call ended, where it was run and that is known. */
function ranOf({ state, request }: Approval): Pick<News, 'ran'> {
  const status = state === 'EXECUTED' ? 'ok' : state === 'FAILED' ? 'error' : undefined;
  return status === undefined ? {} : { ran: { tool: request.tool, status } };
}

/** Whether the agent has read just that. */
function isToldIn({ entries }: Claim, { text }: News): boolean {
  return entries.some((json) => {
    const entry = Entry.safeParse(JSON.parse(json)).data;
    return entry?.kind === 'event' && entry.text === text;
  });
}

/** What of the work does not depend on the item. */
type Handling = Pick<Work, 'claim' | 'conversationId' | 'control' | 'trace' | 'log'>;

/** Why the agent asked for a human, if it did and somebody could come. */
function reasonToHandOff({ screened, entries }: TurnOutcome): string | undefined {
  const asked = screened.findLast(
    (each) =>
      each.kind === 'run' &&
      each.tool.name === HAND_OFF &&
      entries.some(
        (entry) => entry.kind === 'tool-result' && entry.callId === each.call.id && entry.status === 'ok',
      ),
  );
  return asked?.kind === 'run' ? HandOffInput.safeParse(asked.args).data?.reason : undefined;
}

/** What a turn says to people. */
interface Said {
  readonly markdown: string;
  readonly files: readonly OutFile[];
}

function toContent({
  markdown,
  files,
}: Said): Pick<Extract<OutboxItem, { kind: 'text' }>, 'markdown' | 'files'> {
  return { markdown, ...(files.length > 0 ? { files: [...files] } : {}) };
}

function joined(words: string, sentence: string): string {
  return words === '' ? sentence : `${words}\n\n_(${sentence})_`;
}

/** Names of the tools that were called in a turn, one for each call. */
function calledIn({ screened }: TurnOutcome): string[] {
  return screened.flatMap(({ kind, call }) => (kind === 'refused' ? [] : [call.tool]));
}

/** What a turn has done that worked, in the words of people: `lookup (2 times)`. */
function doneIn({ screened, entries }: TurnOutcome): string[] {
  const worked = new Set(
    entries.flatMap((entry) => (entry.kind === 'tool-result' && entry.status === 'ok' ? [entry.callId] : [])),
  );
  const times = new Map<string, number>();
  for (const { call } of screened) {
    if (worked.has(call.id)) times.set(call.tool, (times.get(call.tool) ?? 0) + 1);
  }
  return [...times].map(([tool, count]) =>
    count === 1 ? literal(tool) : `${literal(tool)} (${count} times)`,
  );
}

function replyId(item: MailboxItem): string {
  return `reply:${item.id}`;
}

/** The audit's one entry on a message that was let in. */
function received({
  message,
  requester,
  receivedAt,
  recorded,
}: Extract<MailboxItem, { kind: 'message' }>): Effect[] {
  if (recorded) return [];
  const { id, conversationId, sender } = message;
  return [
    {
      kind: 'audit',
      event: {
        event: 'message.received',
        actor: sender.account,
        subject: conversationId,
        correlation: id,
        channel: platformOf(sender.account),
        detail: {
          receivedAt,
          person: requester.person,
          authorization: 'allow',
          rule: `permission ask of ${requester.roles.join(', ')}`,
        },
      },
    },
  ];
}

/** What people read at the end of a turn; undefined when the cards say it all. */
function replyText(
  outcome: TurnOutcome,
  approvals: readonly Approval[],
  hasMessage: boolean,
): string | undefined {
  switch (outcome.kind) {
    case 'replied':
      if (outcome.cut) return `${outcome.text}\n\n_(My answer reached its length limit. Ask me to go on.)_`;
      return outcome.text.trim() || (outcome.files.length > 0 ? 'Here it is.' : '(I have nothing to add.)');
    case 'suspended': {
      if (outcome.text.trim()) return outcome.text;
      if (!hasMessage && outcome.files.length === 0) return undefined;
      return approvals.some(({ state }) => state === 'OPEN')
        ? 'This waits for a human; see the request below.'
        : 'On it.';
    }
    case 'stopped':
      return stoppedText(outcome);
    case 'exhausted':
      return 'I could not finish this within my step limit. Shall I go on?';
    default:
      return outcome satisfies never;
  }
}

function paragraphs(...texts: readonly (string | undefined)[]): string {
  return texts.filter(Boolean).join('\n\n');
}

function stoppedText({ done, left }: Extract<TurnOutcome, { kind: 'stopped' }>): string {
  return [
    'I stopped.',
    done.length > 0 ? `Before that I had called ${named(done)}.` : 'I had called nothing before that.',
    ...(left.length > 0 ? [`I did not call ${named(left)} any more.`] : []),
    'What already waits for a yes still does, and what somebody agreed to is run.',
  ].join(' ');
}

function stoppedNews(name: string): string {
  return `${name} stopped this turn. What it had not done is not wanted any more, unless somebody asks for it again.`;
}

function named(tools: readonly string[]): string {
  return [...new Set(tools)].map((tool) => `\`${tool}\``).join(', ');
}

/** What the model said when it asked: shown on the card as its words, never part of what is approved. */
function withSummary(approval: Approval, outcome: TurnOutcome): Approval {
  const text = outcome.kind === 'suspended' ? outcome.text.trim() : '';
  return text ? { ...approval, request: { ...approval.request, summary: text } } : approval;
}

function toAudits(
  { item, conversationId, requester, skills = [] }: Work,
  outcome: TurnOutcome,
  channel: string,
): Effect[] {
  const about = { correlation: item.correlation, actor: requester.person, channel };
  const checks = outcome.screened.map((screened): AuditEvent => {
    const verdict =
      screened.kind === 'run' ? 'allow' : screened.kind === 'held' ? screened.decision.kind : 'deny';
    const rule = screened.kind === 'held' ? screened.decision.rule : screened.rule;
    return {
      ...about,
      event: `authorization.${verdict}`,
      subject: `tool:${screened.call.tool}`,
      detail: {
        action: 'call',
        rule: rule ?? 'not a call that could be made',
        ...('agentRule' in screened ? { agent: screened.agentRule } : {}),
        call: screened.call.id,
      },
    };
  });
  const done: AuditEvent = {
    ...about,
    event: 'turn.done',
    actor: 'agent',
    subject: conversationId,
    detail: {
      outcome: outcome.kind,
      usage: outcome.usage,
      models: modelsIn(outcome),
      ...(outcome.kind === 'exhausted' && outcome.by ? { budget: nameOf(outcome.by) } : {}),
      ...(skills.length > 0 ? { skills } : {}),
    },
  };
  return [...checks, done].map((event) => ({ kind: 'audit', event }));
}

/** Those that answered, each once. */
function modelsIn({ entries }: TurnOutcome): string[] {
  return [...new Set(entries.flatMap((entry) => (entry.kind === 'assistant' ? [entry.model] : [])))];
}

/** Whose budget it is. */
function nameOf({ by }: Ceiling): string {
  return by === 'turn' ? by : `${by.subject} ${by.period}`;
}

function backoff(failures: number): number {
  return Math.min(FIRST_RETRY_MS * 2 ** failures, LONGEST_RETRY_MS);
}
