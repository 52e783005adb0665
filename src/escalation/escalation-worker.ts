/**
 * Does what the queue of the engine asks for: one item, one effect, one commit.
 *
 *   report ──▶ an escalation begins, or counts once more        close, close-all, hold, go-on, unreached, unposted ──▶ it goes on
 *   page ──▶ the person's pager        post ──▶ a channel        webhook ──▶ a program        hand-off, wait ──▶ control
 *   takeover, takeover-all ──▶ it is had by whoever has the conversation
 *
 * Invariants
 *   1. An item may be taken up again after a crash; what it does is done once, by its id.
 *   2. A report whose policy is gone is not lost: whoever runs the gateway is called instead.
 *   3. Words from a private place are not said where several people read.
 *   E1 (number of the specification) A program is called, and the agent falls silent, only as long as what that is
 *      about stands as it did: looked up before every attempt.
 */

import type { ApprovalStore } from '../approvals/approval-store.ts';
import { copyFor } from '../approvals/plan.ts';
import { plansOf } from '../config/escalation-plans.ts';
import type { Config } from '../config/load-config.ts';
import type { ControlStore } from '../control/control-store.ts';
import { EscalationItem, type IfPrivate } from '../delivery/escalation-item.ts';
import { toOutEffect } from '../delivery/outbox.ts';
import { postSigned } from '../delivery/signed-webhook.ts';
import { addCopy } from '../domain/approval/copies.ts';
import { excludedFrom } from '../domain/approval/exclusion.ts';
import { approversOf, isWaiting } from '../domain/approval/record.ts';
import type { Clock } from '../domain/clock.ts';
import { type HumanControl, learnPlace, requestHandoff } from '../domain/control.ts';
import { LeaseLostError } from '../domain/errors.ts';
import { close } from '../domain/escalation/answers.ts';
import { goOn, hold, raise, retitle, unposted, unreached } from '../domain/escalation/course.ts';
import type { Page } from '../domain/escalation/pager.ts';
import { type EscalationPlan, importanceOf } from '../domain/escalation/plan.ts';
import { type Escalation, isLive } from '../domain/escalation/record.ts';
import {
  API_PLATFORM,
  ConversationId,
  type EscalationId,
  type PersonId,
  type Platform,
} from '../domain/ids.ts';
import type { Address } from '../domain/message.ts';
import type { Directory } from '../identity/directory.ts';
import { type Claim, type KeyedQueue, toDeadLetter } from '../mailbox/keyed-queue.ts';
import type { KnownSecrets } from '../observability/known-secrets.ts';
import type { Logger } from '../observability/logger.ts';
import type { Effect } from '../redis/effects.ts';
import type { EscalationStore } from './escalation-store.ts';
import { conversationToTake, followTakeover, followWait, type Taking } from './human-wait.ts';
import type { LettersSettled } from './letters-settled.ts';
import { type Pagers, toUnposted } from './pagers.ts';
import { callsTo, queueOfLetters } from './triggers.ts';

const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 5 * 60_000;
/** A webhook that is not taken for so long goes to the dead letters. */
const GIVE_UP_AFTER_MS = 24 * 60 * 60_000;

export interface EscalationWorkerDeps {
  readonly queue: KeyedQueue;
  readonly escalations: EscalationStore;
  readonly pagers: Pagers;
  readonly approvals: Pick<ApprovalStore, 'find' | 'apply'>;
  readonly controls: Pick<ControlStore, 'apply' | 'find' | 'noteTicket'>;
  readonly lettersSettled: Pick<LettersSettled, 'closeFor'>;
  readonly directory: Directory;
  /** Where somebody is written to on a platform. */
  readonly placeOn: (
    person: PersonId,
    platform: Platform,
  ) => { readonly to: Address; readonly cannotEdit: boolean } | undefined;
  /** Where a channel of a platform is written to. */
  readonly channelOn: (platform: Platform, channel: string) => Address | undefined;
  /** Whether what is said there is read by one person and nobody else, or nobody knows by whom. */
  readonly isPrivate: (place: Address) => boolean;
  /** Whether a word to one person on this platform is read by others. */
  readonly tellsEverybody: (platform: Platform) => boolean;
  readonly secrets: Pick<KnownSecrets, 'without'>;
  readonly config: () => Config;
  /** How long a delivery is remembered, in ms. */
  readonly rememberMs: () => number;
  readonly clock: Clock;
  readonly log: Logger;
}

/** What became of an item: what is written with its commit, or when it is tried again. */
type Fate =
  | { readonly kind: 'done'; readonly effects: readonly Effect[] }
  | { readonly kind: 'again'; readonly afterMs: number };

const DONE: Fate = { kind: 'done', effects: [] };

export class EscalationWorker {
  constructor(private readonly deps: EscalationWorkerDeps) {}

  /** Handles the claim's item. Resolves with the claim on the lane's next one, if it was asked for more. */
  async handle(claim: Claim, mode: 'more' | 'yield'): Promise<Claim | undefined> {
    const { queue, log } = this.deps;
    const parsed = EscalationItem.safeParse(JSON.parse(claim.item));
    try {
      const fate: Fate = parsed.success
        ? await this.#do(parsed.data, claim)
        : { kind: 'done', effects: [toDeadLetter(claim, 'the item cannot be read')] };
      if (fate.kind === 'done') return (await queue.commit(claim, fate.effects, mode)).next;
      await queue.retryLater(claim, fate.afterMs, 'counts');
    } catch (error) {
      if (error instanceof LeaseLostError || claim.signal.aborted) return undefined;
      log.error(
        { err: error, item: parsed.data?.id, attempt: claim.attempt },
        'an escalation did not get on; trying again',
      );
      await queue.retryLater(claim, backoff(claim.failures), 'counts');
    }
    return undefined;
  }

  async #do(item: EscalationItem, claim: Claim): Promise<Fate> {
    const { escalations, pagers } = this.deps;
    const options = { once: { key: item.id, forMs: this.deps.rememberMs() } };
    switch (item.kind) {
      case 'report': {
        const { report, policy, trouble } = item;
        if (trouble !== undefined) await escalations.noteBegun(trouble, report.id);
        await this.#noteCall(report);
        await escalations.apply(
          report.id,
          (before, nowMs) => raise(before, report, this.#planOf(policy), nowMs),
          options,
        );
        // The last letter may have been settled before anybody was called about it.
        const letters = queueOfLetters(report.key);
        if (letters !== undefined) await this.deps.lettersSettled.closeFor(letters);
        return DONE;
      }
      case 'close':
        await escalations.apply(
          item.escalation,
          (before) => before && close(before, item.remark, item.actor),
          options,
        );
        await this.#forgetCall(await escalations.find(item.escalation));
        return DONE;
      case 'close-all':
        for (const id of await escalations.begunBy(item.trouble)) {
          const once = { key: `${item.id}:${id}`, forMs: this.deps.rememberMs() };
          await escalations.apply(id, (before) => before && close(before, item.remark, item.actor), { once });
        }
        return DONE;
      case 'hold':
        await escalations.apply(item.escalation, (before) => before && hold(before, item.untilMs), options);
        return DONE;
      case 'go-on':
        await escalations.apply(item.escalation, (before, nowMs) => before && goOn(before, nowMs), options);
        return DONE;
      case 'retitle':
        await escalations.apply(item.escalation, (before) => before && retitle(before, item.title), options);
        return DONE;
      case 'unreached':
        await escalations.apply(
          item.escalation,
          (before, nowMs) => before && unreached(before, item, nowMs),
          options,
        );
        return DONE;
      case 'unposted':
        await escalations.apply(
          item.escalation,
          (before, nowMs) => before && unposted(before, item, nowMs),
          options,
        );
        return DONE;
      case 'page':
        await this.#noteCalled(await escalations.find(item.page.escalation));
        await pagers.admit(item.person, this.#pageOf(item));
        return DONE;
      case 'post':
        await this.#noteCalled(await escalations.find(item.escalation));
        return { kind: 'done', effects: this.#post(item) };
      case 'webhook':
        return this.#call(item, claim);
      case 'hand-off':
        return this.#handOff(item);
      case 'takeover-all':
        await this.#followTakeover(item);
        return DONE;
      case 'takeover':
        await escalations.apply(
          item.escalation,
          (before, nowMs) => before && followTakeover(before, this.#takingOf(item), nowMs),
          options,
        );
        return DONE;
      case 'wait':
        await this.#followWait(item);
        return DONE;
      default:
        return item satisfies never;
    }
  }

  /** Before it begins: whoever takes the conversation over has it, too. */
  async #noteCall({ id, subject, origin }: Pick<Escalation, 'id' | 'subject' | 'origin'>): Promise<void> {
    if (subject.kind === 'trouble') return;
    // Nobody takes over what a program asked.
    if (subject.kind === 'approval' && origin?.platform === API_PLATFORM) return;
    await this.deps.escalations.noteBegun(callsTo(subject.conversationId), id);
    if (subject.kind === 'conversation') await this.deps.controls.noteTicket(subject.conversationId);
  }

  /** Whoever is called can take the conversation over by its ticket, for as long as anybody is called. */
  async #noteCalled(escalation: Escalation | undefined): Promise<void> {
    const conversation = escalation && conversationToTake(escalation);
    if (conversation !== undefined) await this.deps.controls.noteTicket(conversation);
    if (escalation?.subject.kind !== 'approval' || !isLive(escalation)) return;
    // A version that did not note it may have begun it.
    await this.#noteCall(escalation);
    const now = await this.deps.escalations.find(escalation.id);
    // It may have been closed, and forgotten, while this waited in a lane of its own.
    if (!now || !isLive(now)) await this.#forgetCall(escalation);
  }

  /** A request is reported once, and closed behind that: each has an escalation of its own, so they would become many. */
  async #forgetCall(escalation: Escalation | undefined): Promise<void> {
    if (escalation?.subject.kind !== 'approval') return;
    await this.deps.escalations.forgetBegun(callsTo(escalation.subject.conversationId), escalation.id);
  }

  /** Whoever may decide what they are called about gets its card where they are called. */
  async showCard(id: PersonId, page: Pick<Page, 'approvalId' | 'platform'>): Promise<void> {
    const { approvals, directory, placeOn } = this.deps;
    if (page.approvalId === undefined) return;
    const approval = await approvals.find(page.approvalId);
    const person = directory.find(id);
    const place = placeOn(id, page.platform);
    if (!approval || !person || !place || !isWaiting(approval.state)) return;
    if (!directory.mayDecide(person, approversOf(approval), excludedFrom(approval), this.deps.clock.now()))
      return;
    const isThere = approval.copies.some((copy) => copy.person === id && copy.to.platform === page.platform);
    if (isThere) return;
    const copy = copyFor(id, place, `${id}.${page.platform}`);
    await approvals.apply(approval.id, (current) => addCopy(current, copy));
  }

  #post({
    id,
    escalation,
    epoch,
    platform,
    channel,
    why,
    markdown,
    from,
    ifPrivate,
    atMs,
  }: Extract<EscalationItem, { kind: 'post' }>): Effect[] {
    const to = this.deps.channelOn(platform, channel);
    const page = {
      id,
      escalation,
      epoch,
      platform,
      importance: 'high',
      why,
      markdown: this.#openWords({ markdown, ifPrivate }),
      ...(from ? { from } : {}),
      atMs,
    } as const;
    if (!to) {
      this.deps.log.error(
        { platform, channel, escalation },
        'a channel of an escalation policy cannot be written to',
      );
      return toUnposted({ platform, channel }, page, atMs);
    }
    const conversationId = ConversationId.parse(`page:${platform}:${channel}`);
    return [
      toOutEffect({
        kind: 'page',
        id,
        correlation: escalation,
        conversationId,
        to,
        channel,
        pages: [page],
        atMs,
      }),
    ];
  }

  /** Where a word to one person is read by others, it is one to all of them. */
  #pageOf({ person, page: whole, ifPrivate }: Extract<EscalationItem, { kind: 'page' }>): Page {
    const { directory, tellsEverybody } = this.deps;
    const { conversation, ...called } = whole;
    const page = conversation === undefined || directory.mayHold(person, 'take-over') ? whole : called;
    if (!tellsEverybody(page.platform)) return page;
    return { ...page, markdown: this.#openWords({ markdown: page.markdown, ifPrivate }) };
  }

  /** What may be said where several people read. */
  #openWords(said: { readonly markdown: string; readonly ifPrivate: IfPrivate | undefined }): string {
    const { ifPrivate, markdown } = said;
    return ifPrivate && this.deps.isPrivate(ifPrivate.origin) ? ifPrivate.markdown : markdown;
  }

  async #call(
    { id, escalation, epoch, webhook, body, atMs }: Extract<EscalationItem, { kind: 'webhook' }>,
    claim: Claim,
  ): Promise<Fate> {
    const { config, clock, log, escalations, secrets } = this.deps;
    // A policy that ends with its call is over by then, at the same epoch.
    if ((await escalations.find(escalation))?.epoch !== epoch) return DONE;
    const endpoint = config().escalation.webhooks[webhook];
    if (!endpoint)
      return { kind: 'done', effects: [toDeadLetter(claim, `there is no webhook ${webhook} any more`)] };
    const posted = await postSigned({ id, body: secrets.without(body) }, endpoint, clock, claim.signal);
    if (posted.kind === 'taken') return DONE;
    const isOver = posted.isFinal || clock.now() - atMs > GIVE_UP_AFTER_MS;
    log.warn({ webhook, reason: posted.reason }, 'a webhook of an escalation was not taken');
    if (isOver) return { kind: 'done', effects: [toDeadLetter(claim, posted.reason)] };
    return { kind: 'again', afterMs: Math.max(backoff(claim.failures), posted.afterMs ?? 0) };
  }

  /** Said where it began, so that whoever is there knows why the agent falls silent, and until when. */
  async #handOff({
    id,
    escalation,
    epoch,
    conversationId,
    policy,
  }: Extract<EscalationItem, { kind: 'hand-off' }>): Promise<Fate> {
    const { controls, escalations, config, rememberMs } = this.deps;
    const current = await escalations.find(escalation);
    // A policy that ends with this is over by then, at the same epoch.
    if (current?.epoch !== epoch) return DONE;
    const { origin } = current;
    // A version that did not note it may have begun it.
    await escalations.noteBegun(callsTo(conversationId), escalation);
    const waitMs = config().authorizations.takeover.wait;
    const request = { by: { kind: 'escalation', policy, escalation } } as const;
    const asked = await controls.apply(
      conversationId,
      (control, nowMs) => requestHandoff(control, request, { waitMs, origin }, nowMs),
      {
        once: { key: id, forMs: rememberMs() },
      },
    );
    if (asked?.control.state === 'HUMAN') await this.#leaveTo(asked.control, escalation);
    // Whoever had it is just giving it back: it is asked for again once they have.
    if (asked?.control.state === 'HANDBACK_PENDING') return { kind: 'again', afterMs: FIRST_RETRY_MS };
    return DONE;
  }

  /** Somebody has the conversation already: they have what it wanted somebody for. */
  async #leaveTo({ conversationId, owner }: HumanControl, escalation: EscalationId): Promise<void> {
    const { controls, escalations } = this.deps;
    const follow = (taking: Pick<Taking, 'by' | 'became'>) =>
      escalations.apply(
        escalation,
        (before, nowMs) => before && followTakeover(before, this.#takingOf(taking), nowMs),
      );
    for (let by = owner; ; ) {
      await follow({ by, became: 'taken' });
      // What became of it meanwhile may have been looked at before this: whoever has it by then has this.
      const now = await controls.find(conversationId);
      if (now.state === 'HUMAN' && now.owner.person === by.person) return;
      await follow({ by, became: 'quiet' });
      if (now.state !== 'HUMAN') return;
      by = now.owner;
    }
  }

  /** For everything that people are called to the conversation for. */
  async #followTakeover(item: Extract<EscalationItem, { kind: 'takeover-all' }>): Promise<void> {
    const { escalations, rememberMs } = this.deps;
    const { conversationId, called, became } = item;
    const live = became === 'withdrawn' ? [] : await escalations.begunBy(callsTo(conversationId));
    for (const id of new Set([...called, ...live])) {
      const once = { key: `${item.id}:${id}`, forMs: rememberMs() };
      await escalations.apply(
        id,
        (before, nowMs) => before && followTakeover(before, this.#takingOf(item), nowMs),
        { once },
      );
      if (became === 'taken') await this.#tellWhere(conversationId, id);
    }
  }

  /** As the contacts stand now; a role that comes from a group of a platform is not known here. */
  #takingOf({ by, became }: Pick<Taking, 'by' | 'became'>): Taking {
    const { directory } = this.deps;
    const roles = directory.find(by.person)?.roles ?? [];
    return { by, became, ids: directory.idsOf(by.person), operates: directory.may(roles, 'operate') };
  }

  /** Whoever takes over what has never changed hands, from elsewhere, speaks where it was when people were called. */
  async #tellWhere(conversationId: ConversationId, id: EscalationId): Promise<void> {
    const origin = (await this.deps.escalations.find(id))?.origin;
    // Nobody reads in the conversation of a program.
    if (origin === undefined || origin.platform === API_PLATFORM) return;
    await this.deps.controls.apply(conversationId, (control, nowMs) =>
      control.state === 'HUMAN'
        ? learnPlace(control, origin, undefined, nowMs)
        : { result: 'NOTHING' as const },
    );
  }

  /** Told how it stands by now: whatever was written meanwhile has an item of its own. */
  async #followWait({ escalation, conversationId, atMs }: Extract<EscalationItem, { kind: 'wait' }>) {
    const current = await this.deps.escalations.find(escalation);
    if (!current) return;
    await this.deps.controls.apply(conversationId, (control, nowMs) =>
      followWait(control, current, atMs, nowMs),
    );
  }

  #planOf(policy: string): EscalationPlan {
    const plan = plansOf(this.deps.config()).get(policy);
    if (plan) return plan;
    this.deps.log.error(
      { policy },
      'there is no such escalation policy; whoever runs the gateway is called instead',
    );
    return planOfOperators(policy, this.deps.directory);
  }
}

/** Where a policy is gone that something still names. */
function planOfOperators(name: string, directory: Directory): EscalationPlan {
  const who = directory.operators().map(({ id }) => ({ kind: 'person' as const, person: id }));
  const importance = importanceOf('critical');
  return {
    name,
    steps: [{ id: '1', kind: 'wait', forMs: 0 }],
    rounds: 1,
    lastResort: { who: who.length > 0 ? who : [{ kind: 'role', role: 'admin' }], importance },
    nagMs: 4 * 60 * 60_000,
    settleMs: 0,
    acknowledge: { remindMs: 60 * 60_000, withinMs: 15 * 60_000, goesOnAt: 'same' },
    maxAgeMs: 72 * 60 * 60_000,
    onWorse: { kind: 'keep' },
  };
}

function backoff(failures: number): number {
  return Math.min(FIRST_RETRY_MS * 2 ** failures, LONGEST_RETRY_MS);
}
