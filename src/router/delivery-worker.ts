/**
 * Sends what is in one platform's outboxes: one item, one message, one commit.
 *
 * Invariants
 *   1. An item leaves its outbox when the platform has it, or when it goes to the dead letters and its author is
 *      told; never otherwise.
 *      They are told where they asked; where that is the place that failed, in a private one of theirs, with the words
 *      that did not arrive. A report that cannot be delivered itself is told to nobody.
 *      A card is kept once for each place, whatever it shows since: retried, it shows what is true then. So is a call,
 *      however often it is repeated.
 *   2. A refused or failed message holds up its own lane only.
 *   3. An approver who cannot be reached where they want to be asked is asked in their next place. Whoever asked hears
 *      of it while somebody is waited for, once for each place, however often the card changes.
 *   C1 (number of the specification) What the agent says carries the turn epoch it was said in, and is checked against
 *      the conversation's own right before the platform is called, on every attempt. Once somebody else speaks, what
 *      is older is dropped, and the audit says so. An utterance of the agent in this sense is its reply, wherever it
 *      goes, its progress, its excuses, and what is announced about who speaks; so is what a person who has the
 *      conversation says in it from elsewhere, who is told when it is dropped. Cards, reminders and questions about an
 *      approval, answers to a command, refusals and reports of what could not be delivered are no utterances: they
 *      speak for the gateway, to whoever has to act, and go out whoever has the conversation.
 *   4. A card is rendered from the record at the moment it is sent: what is sent late shows what is true now. So does a
 *      reminder; one of what was settled or changed meanwhile, like a question about it, is not sent any more.
 */

import { updatedBy } from '../approvals/approval-audit.ts';
import type { ApprovalStore } from '../approvals/approval-store.ts';
import { isWorthSending, toCard } from '../approvals/card.ts';
import { copyFor } from '../approvals/plan.ts';
import type { ReplyTokens } from '../approvals/reply-token.ts';
import { stillTrue } from '../approvals/saying.ts';
import { literal, standing, titleOf, viaText } from '../approvals/sentences.ts';
import type { EscalationTrigger } from '../config/escalation-triggers.ts';
import { SAID_UNREAD, withheldText } from '../control/bridge-sentences.ts';
import type { ControlStore } from '../control/control-store.ts';
import type { HoldOf } from '../control/hold.ts';
import { SAID_PREFIX } from '../control/saying.ts';
import { BROKEN_OFF, MAY_BE_SENT, NOT_SENT, SENT_IN_PART } from '../control/sentences.ts';
import { ChannelPace } from '../delivery/channel-pace.ts';
import { OutboxItem, placeOf, toOutEffect } from '../delivery/outbox.ts';
import { addCopy, noteCopy } from '../domain/approval/copies.ts';
import { type Approval, type CardCopy, isEnded, needsWord } from '../domain/approval/record.ts';
import type { AuditEvent } from '../domain/audit-event.ts';
import type { Card } from '../domain/card.ts';
import type { Clock } from '../domain/clock.ts';
import { mayBeSaid } from '../domain/control.ts';
import { BrokenOffError, LeaseLostError, RateLimitedError, UndeliverableError } from '../domain/errors.ts';
import type { Page } from '../domain/escalation/pager.ts';
import { importanceOfRisk } from '../domain/escalation/plan.ts';
import type { Gateway } from '../domain/gateway.ts';
import type { Address, OutboundBody, OutboundMessage, Sent } from '../domain/message.ts';
import type { Person } from '../domain/person.ts';
import type { EscalationStore } from '../escalation/escalation-store.ts';
import { toUnposted, toUnreached } from '../escalation/pagers.ts';
import { pageContent } from '../escalation/sentences.ts';
import { reportsOf } from '../escalation/triggers.ts';
import type { Directory } from '../identity/directory.ts';
import type { DeadLetters } from '../mailbox/dead-letters.ts';
import { type Claim, type KeyedQueue, takingOf, toDeadLetter } from '../mailbox/keyed-queue.ts';
import type { KnownSecrets } from '../observability/known-secrets.ts';
import type { Logger } from '../observability/logger.ts';
import type { Effect } from '../redis/effects.ts';
import type { Reach } from './reach.ts';

const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 60_000;
/** A platform may be away this long before what was meant for it goes to the dead letters. */
export const GIVE_UP_AFTER_MS = 24 * 60 * 60 * 1_000;
/** An approver whose platform is away this long is asked in their next place, too. */
const ASK_ELSEWHERE_AFTER_MS = 2 * 60 * 1_000;
/** Whoever asked is told once in this time where a request stands that cannot be shown, and of a message tried anew. */
const TELL_ONCE_MS = 24 * 60 * 60 * 1_000;
/** Whom a request could not be brought to, and where, is told once for all in this time: longer than one waits. */
const TELL_UNREACHED_ONCE_MS = 30 * 24 * 60 * 60 * 1_000;
/** A reply address answers truthfully this long after the deadline. */
const REPLY_GRACE_MS = 30 * 24 * 60 * 60 * 1_000;

export interface DeliveryDeps {
  readonly queue: KeyedQueue;
  readonly gateway: Gateway;
  readonly approvals: ApprovalStore;
  readonly controls: Pick<ControlStore, 'epochOf'>;
  /** When a call of a conversation runs that was agreed to. */
  readonly holdOf: HoldOf;
  readonly escalations: Pick<EscalationStore, 'find'>;
  readonly deadLetters: Pick<DeadLetters, 'isKept'>;
  readonly directory: Directory;
  readonly reach: Reach;
  readonly tokens: ReplyTokens;
  /** What no words show. */
  readonly secrets: Pick<KnownSecrets, 'without'>;
  /** What makes people be called by itself. */
  readonly triggers: () => readonly EscalationTrigger[];
  /** How long a transcript is kept, in ms. */
  readonly keepTranscriptMs: () => number;
  readonly clock: Clock;
  readonly log: Logger;
}

/** What became of asking somebody in another place. */
interface Elsewhere {
  readonly name: string;
  /** Where they are asked instead. */
  readonly place: Address | undefined;
  /** People who have the request, of those it was meant for. */
  readonly reached: number;
  readonly asked: number;
}

/** What is to be sent now, and for a card, of which approval and copy. */
interface Prepared {
  readonly body: OutboundBody;
  readonly copy?: { readonly approval: Approval; readonly copyId: string; readonly face: number };
}

export class DeliveryWorker {
  readonly #pace: ChannelPace | undefined;

  constructor(private readonly deps: DeliveryDeps) {
    this.#pace = deps.gateway.pace && new ChannelPace(deps.gateway.pace);
  }

  /** Sends the claim's item. Resolves with the claim on the lane's next one, if it was asked for more. */
  async handle(claim: Claim, mode: 'more' | 'yield'): Promise<Claim | undefined> {
    const parsed = OutboxItem.safeParse(JSON.parse(claim.item));
    if (!parsed.success) return this.#commit(claim, [toDeadLetter(claim, 'the item cannot be read')], mode);
    const item = parsed.data;
    const log = this.deps.log.child({ conversation: item.conversationId, item: item.id });
    try {
      const prepared = this.#withoutSecrets(await this.#prepare(item, claim));
      if (!prepared) return await this.#commit(claim, [], mode);

      const waitMs = (await this.#pace?.waitMs(item.to)) ?? 0;
      if (waitMs > 0) {
        await this.deps.queue.retryLater(claim, waitMs, 'free');
        return undefined;
      }
      const withheld = await this.#withheld(item, claim);
      if (withheld) return await this.#commit(claim, withheld, mode);
      if (item.kind === 'text' && item.progressOf !== undefined) {
        return await this.#commit(claim, await this.#settleProgress(item, item.progressOf, claim), mode);
      }
      const sent = await this.#send(item, prepared, claim);
      return await this.#commit(claim, [toAudit(item, 'message.sent', { ref: sent.ref })], mode);
    } catch (error) {
      if (error instanceof BrokenOffError) {
        return this.#commit(claim, (await this.#withheld(item, claim, 'in-part')) ?? [], mode);
      }
      return this.#failed(claim, item, error, mode, log);
    }
  }

  /**
   * What is written instead of sending what may not be said any more; undefined when it may. The last thing asked.
   *
   * @param sent `in-part`: it was on its way when that changed
   */
  async #withheld(
    item: OutboxItem,
    { attempt }: Claim,
    sent: 'nothing' | 'in-part' = 'nothing',
  ): Promise<Effect[] | undefined> {
    if (item.kind !== 'text' || item.epoch === undefined) return undefined;
    const { controls, clock, keepTranscriptMs } = this.deps;
    const { conversationId, replaces, progressOf, mayExist, correlation, to } = item;
    const epoch = await controls.epochOf(conversationId);
    if (mayBeSaid(item.epoch, epoch)) return undefined;
    const nowMs = clock.now();
    const isAnswer = item.id.startsWith('reply:');
    // Another process may have sent it whole, and ended before it could note that.
    const mayBeRead = isAnswer && (attempt > 1 || sent === 'in-part');
    const lookedFor = progressOf ?? (replaces === undefined || mayBeRead ? item.id : undefined);
    const text = sent === 'in-part' ? SENT_IN_PART : mayBeRead ? MAY_BE_SENT : NOT_SENT;
    const entry = { kind: 'event' as const, text, at: new Date(nowMs).toISOString() };
    return [
      toAudit(item, 'message.withheld', { epoch: item.epoch, current: epoch }),
      ...(isAnswer ? [{ kind: 'entry' as const, conversationId, entry, keepMs: keepTranscriptMs() }] : []),
      ...this.#unsaid(item),
      ...this.#toldOfWithheld(item),
      // What was shown of it stays as it is, unless somebody says that it does not go on.
      ...(replaces === undefined && progressOf === undefined && !mayExist
        ? []
        : [
            toOutEffect({
              kind: 'text',
              id: `broken-off:${item.id}`,
              correlation,
              conversationId,
              to,
              markdown: BROKEN_OFF,
              ...(replaces === undefined ? {} : { replaces }),
              // What says all of it stays: only progress is looked for.
              ...(lookedFor === undefined ? {} : { progressOf: lookedFor }),
              epoch,
              atMs: nowMs,
            }),
          ]),
    ];
  }

  /** What the transcript has as said by a person, and nobody has read. */
  #unsaid({ id, conversationId }: OutboxItem): Effect[] {
    if (!id.startsWith(SAID_PREFIX)) return [];
    const { clock, keepTranscriptMs } = this.deps;
    const entry = { kind: 'event' as const, text: SAID_UNREAD, at: new Date(clock.now()).toISOString() };
    return [{ kind: 'entry', conversationId, entry, keepMs: keepTranscriptMs() }];
  }

  /** Whoever said it in the name of a conversation that they do not have any more. */
  #toldOfWithheld(item: Extract<OutboxItem, { kind: 'text' }>): Effect[] {
    if (!item.id.startsWith(SAID_PREFIX)) return [];
    const { directory, clock } = this.deps;
    const person = item.requester && directory.find(item.requester);
    const to = item.author ?? (person && this.#placeInsteadOf(item.to, person));
    if (!to) return [];
    const { id, correlation, conversationId, markdown } = item;
    return [
      toOutEffect({
        kind: 'text',
        id: `withheld:${id}`,
        correlation,
        conversationId,
        to,
        markdown: withheldText(markdown),
        atMs: clock.now(),
      }),
    ];
  }

  /** Of what is shown: a call itself runs with what it was made with. */
  #withoutSecrets(prepared: Prepared | undefined): Prepared | undefined {
    if (!prepared) return undefined;
    const { body } = prepared;
    const { secrets } = this.deps;
    const clean =
      body.kind === 'card'
        ? { ...body, card: secrets.without(body.card) }
        : { ...body, markdown: secrets.without(body.markdown) };
    return { ...prepared, body: clean };
  }

  /** Undefined when there is nothing (left) to send. */
  async #prepare(item: OutboxItem, claim: Claim): Promise<Prepared | undefined> {
    switch (item.kind) {
      case 'text': {
        const { replaces, files, buttons } = item;
        const markdown = await this.#wordsOf(item);
        if (markdown === undefined) return undefined;
        return {
          body: {
            kind: 'text',
            markdown,
            ...(replaces === undefined ? {} : { replaces }),
            ...(files === undefined ? {} : { files }),
            ...(buttons === undefined ? {} : { buttons }),
          },
        };
      }
      case 'notice': {
        const { markdown, onlyFor, openly, buttons, pick } = item;
        return { body: { kind: 'notice', markdown, onlyFor, openly, buttons, pick } };
      }
      case 'page': {
        const pages = await this.#stillTrue(item.pages);
        return pages.length === 0 ? undefined : { body: { kind: 'text', ...pageContent(pages) } };
      }
      case 'card': {
        const { approvals, holdOf } = this.deps;
        const approval = await approvals.find(item.approvalId);
        const copy = approval?.copies.find(({ id }) => id === item.copyId);
        if (!approval || !copy) return undefined;
        // One that may have been sent already, though nobody noted it, has to be found before it can be updated.
        const mayExist = claim.attempt > 1 && copy.ref === undefined && !copy.outcomeOnly;
        const hold = await holdOf(approval);
        if (!mayExist && !isWorthSending(approval, copy, hold)) return undefined;
        const card = toCard(approval, this.#replyOf(approval, copy), copy.to.platform, hold);
        const replaces = copy.ref === undefined ? {} : { replaces: copy.ref };
        return {
          body: { kind: 'card', card, ...replaces },
          copy: { approval, copyId: copy.id, face: item.face },
        };
      }
      default:
        return item satisfies never;
    }
  }

  /** What is about a request is said only while it is true. */
  async #wordsOf({ markdown, about }: Extract<OutboxItem, { kind: 'text' }>): Promise<string | undefined> {
    if (about === undefined) return markdown;
    return stillTrue({ markdown, about }, await this.deps.approvals.find(about.approvalId));
  }

  /** E1: what was settled meanwhile calls nobody any more. */
  async #stillTrue(pages: readonly Page[]): Promise<Page[]> {
    const epochs = await Promise.all(
      pages.map(async ({ escalation }) => (await this.deps.escalations.find(escalation))?.epoch),
    );
    return pages.filter(({ epoch }, index) => epochs[index] === epoch);
  }

  /** Words and address to answer with, for copies that carry no buttons. */
  #replyOf(approval: Approval, { person, outcomeOnly }: CardCopy): Card['reply'] {
    if (person === undefined || !outcomeOnly) return undefined;
    const { deadlineMs, execution } = approval;
    const expiresAt = Math.max(deadlineMs, execution?.leaseUntilMs ?? 0) + REPLY_GRACE_MS;
    return this.deps.tokens.issue({ approvalId: approval.id, person, gen: approval.gen, expiresAt });
  }

  async #send(item: OutboxItem, { body, copy }: Prepared, claim: Claim): Promise<Sent> {
    const mayExist = item.kind === 'text' && item.mayExist === true;
    const sent = await this.deps.gateway.send(
      {
        id: item.id,
        conversationId: item.conversationId,
        to: item.to,
        body,
        queuedAt: item.atMs,
        attempt: Math.max(claim.attempt, mayExist ? 2 : 1),
        ...this.#whileSayable(item),
      },
      claim.signal,
    );
    if (copy) {
      const { approval, copyId, face } = copy;
      // What an earlier attempt sent is found as it is: it shows the face of then, and a later item brings it up to date.
      const shown = claim.attempt > 1 ? Math.min(face, approval.face) : approval.face;
      const noted = { ref: sent.ref, shown };
      await this.deps.approvals.apply(approval.id, (current, nowMs) =>
        noteCopy(current, copyId, noted, nowMs),
      );
    }
    return sent;
  }

  /** C1: asked anew before each part of it. */
  #whileSayable(item: OutboxItem): Pick<OutboundMessage, 'mayBeSaid'> {
    if (item.kind !== 'text' || item.epoch === undefined) return {};
    const { conversationId, epoch } = item;
    return { mayBeSaid: async () => mayBeSaid(epoch, await this.deps.controls.epochOf(conversationId)) };
  }

  /** Where nothing was shown, there is nothing to say. */
  async #settleProgress(
    item: Extract<OutboxItem, { kind: 'text' }>,
    key: string,
    claim: Claim,
  ): Promise<Effect[]> {
    const { to, markdown, replaces } = item;
    const shown = { to, key, markdown, ...(replaces === undefined ? {} : { ref: replaces }) };
    const ref = await this.deps.gateway.progress?.settle(shown, claim.signal);
    return ref === undefined ? [] : [toAudit(item, 'message.sent', { ref })];
  }

  async #failed(
    claim: Claim,
    item: OutboxItem,
    error: unknown,
    mode: 'more' | 'yield',
    log: Logger,
  ): Promise<Claim | undefined> {
    if (error instanceof LeaseLostError || claim.signal.aborted) {
      log.warn({}, 'the lease was lost; somebody else sends this message');
      return undefined;
    }
    const { queue, clock } = this.deps;
    const ageMs = clock.now() - item.atMs;
    const tooOld = ageMs > GIVE_UP_AFTER_MS;
    const isFinal = error instanceof UndeliverableError || tooOld;
    if (!isFinal && ageMs > ASK_ELSEWHERE_AFTER_MS) await this.#askElsewhere(item);
    if (error instanceof RateLimitedError && !isFinal) {
      log.info({ retryAfterMs: error.retryAfterMs }, 'the platform asked to wait');
      await this.#pace?.hold(item.to, error.retryAfterMs);
      await queue.retryLater(claim, error.retryAfterMs, 'free');
      return undefined;
    }
    if (isFinal) {
      const reason = error instanceof Error ? error.message : String(error);
      log.error({ err: error }, 'a message cannot be delivered; it goes to the dead letters');
      return this.#commit(claim, await this.#undeliverable(claim, item, reason), mode);
    }
    const pauseMs = Math.min(FIRST_RETRY_MS * 2 ** claim.failures, LONGEST_RETRY_MS);
    log.warn({ err: error, attempt: claim.attempt, pauseMs }, 'sending failed; trying again');
    await queue.retryLater(claim, pauseMs, 'counts');
    return undefined;
  }

  async #undeliverable(claim: Claim, item: OutboxItem, reason: string): Promise<Effect[]> {
    const { author, correlation, conversationId } = item;
    const sentence = await this.#whatBecomesOf(item, reason);
    const told =
      author && !isSamePlace(author, item.to)
        ? await this.#toldElsewhere(item, author, sentence)
        : await this.#toldInPrivate(item, sentence);
    const unreached = item.kind === 'page' ? this.#unreached(item) : [];
    const reports = reportsOf(
      this.deps.triggers(),
      { kind: 'dead-letter', queue: claim.queue, words: reason },
      {
        id: `dead:${item.id}:${takingOf(claim)}`,
        conversationId,
        correlation,
        nowMs: this.deps.clock.now(),
      },
    );
    const isKept = await this.#isKept(claim, item);
    return [
      ...(isKept ? [] : [toDeadLetter(claim, reason)]),
      toAudit(item, 'message.undeliverable', { reason }),
      ...told,
      ...this.#unsaid(item),
      // What calls somebody, and does not arrive, calls them by another way; it is no reason to call anybody else.
      ...(item.kind === 'page' ? unreached : isKept ? [] : reports),
    ];
  }

  /**
   * Whether a dead letter stands for it already: of an earlier face of the same card in the same place, or of an earlier
   * call of the same people to the same thing there.
   */
  async #isKept({ partition }: Claim, item: OutboxItem): Promise<boolean> {
    const { deadLetters } = this.deps;
    if (item.kind === 'card') {
      const update = updatedBy({ id: item.approvalId }, { id: item.copyId });
      return deadLetters.isKept(partition, (kept) => kept.includes(update));
    }
    if (item.kind !== 'page') return false;
    const found = item.pages.map((page) =>
      deadLetters.isKept(partition, (kept) => kept.includes(page.escalation) && isCalled(kept, item, page)),
    );
    return (await Promise.all(found)).every(Boolean);
  }

  /** To whoever caused it, where they did; of a request, that somebody does not have it, while that matters. */
  async #toldElsewhere(item: OutboxItem, to: Address, sentence: string): Promise<Effect[]> {
    const { approvals, clock } = this.deps;
    const { id, correlation, conversationId } = item;
    const text = {
      kind: 'text' as const,
      id: `undeliverable:${id}`,
      correlation,
      conversationId,
      to,
      markdown: `${sentence} ${IS_KEPT}`,
      atMs: clock.now(),
    };
    if (item.kind !== 'card') return [toOutEffect(text)];
    const { approvalId, copyId } = item;
    const approval = await approvals.find(approvalId);
    if (!approval || !needsWord(approval.state)) return [];
    const phase = approval.state === 'UNKNOWN' ? 'unknown' : 'waiting';
    const once = { key: `unreached:${approvalId}:${copyId}:${phase}`, forMs: TELL_UNREACHED_ONCE_MS };
    return [toOutEffect({ ...text, about: { kind: 'undelivered', approvalId } }, { once })];
  }

  /** To whoever asked, where it failed in the very place they asked in. */
  async #toldInPrivate(item: OutboxItem, sentence: string): Promise<Effect[]> {
    const { approvals, directory, clock } = this.deps;
    const approval = item.kind === 'card' ? await approvals.find(item.approvalId) : undefined;
    const asker = askerOf(item, approval, directory);
    const to = asker && this.#placeInsteadOf(item.to, asker);
    const missed = toMissed(item, approval);
    if (!to || !missed) return [];
    const { id, correlation, conversationId } = item;
    const { words, about } = missed;
    return [
      toOutEffect(
        {
          kind: 'text',
          id: `undeliverable:${id}`,
          correlation,
          conversationId,
          to,
          markdown: [`${sentence} ${IS_KEPT}`, ...words].join('\n\n'),
          ...(item.kind === 'text' && item.files ? { files: item.files } : {}),
          // The agent's own words are still the agent's words (C1).
          ...(item.kind === 'text' && item.epoch !== undefined ? { epoch: item.epoch } : {}),
          atMs: clock.now(),
        },
        { once: { key: `undeliverable:${about}`, forMs: TELL_ONCE_MS } },
      ),
    ];
  }

  /** Where only this person reads; on another platform if they have one, for it may be the platform that fails. */
  #placeInsteadOf(failed: Address, person: Person): Address | undefined {
    const { reach } = this.deps;
    const places = reach
      .placesOf(person)
      .map(({ to }) => to)
      .filter((to) => !reach.tellsEverybody(to.platform) && !isSamePlace(to, failed));
    return places.find(({ platform }) => platform !== failed.platform) ?? places[0];
  }

  #unreached({ person, channel, to, pages }: Extract<OutboxItem, { kind: 'page' }>): Effect[] {
    const nowMs = this.deps.clock.now();
    return pages.flatMap((page) => {
      if (person !== undefined) return toUnreached(person, page, nowMs);
      return channel === undefined ? [] : toUnposted({ platform: to.platform, channel }, page, nowMs);
    });
  }

  /** Asks the approver elsewhere if that can be, and says how far the question got. */
  async #whatBecomesOf(item: OutboxItem, reason: string): Promise<string> {
    const by = `${viaText(item.to.platform)}: ${literal(reason)}.`;
    if (item.kind !== 'card') return `I could not deliver a message ${by}`;
    const elsewhere = await this.#askElsewhere(item);
    if (!elsewhere) return `I could not deliver the request for an approval ${by}`;
    const { name, place, reached, asked } = elsewhere;
    if (place) {
      const next = viaText(place.platform);
      return `I could not deliver the request for an approval to ${name} ${by} I asked them ${next} instead.`;
    }
    const rest = reached + 1 < asked ? '; the others are still being asked' : '';
    const partly = asked > 1 ? ` So far ${reached} of ${asked} people who may decide have it${rest}.` : '';
    return `I could not deliver the request for an approval to ${name} ${by}${partly}`;
  }

  /** Undefined when the item asks nobody in particular, or nobody has to say anything any more. */
  async #askElsewhere(item: OutboxItem): Promise<Elsewhere | undefined> {
    if (item.kind !== 'card') return undefined;
    const { approvals, directory, reach } = this.deps;
    const approval = await approvals.find(item.approvalId);
    const failed = approval?.copies.find(({ id }) => id === item.copyId);
    const person = failed?.person && directory.find(failed.person);
    if (!approval || !person || !needsWord(approval.state)) return undefined;

    const theirs = approval.copies.filter((copy) => copy.person === person.id);
    const isLast = theirs.at(-1)?.id === item.copyId;
    const next = reach
      .placesOf(person, { askedIn: approval.origin, importance: importanceOfRisk(approval.request.risk) })
      .find(({ to }) => !theirs.some((copy) => copy.to.platform === to.platform));
    if (next && isLast) {
      const copy = copyFor(person.id, next, `${person.id}.${next.to.platform}`);
      await approvals.apply(approval.id, (current) => addCopy(current, copy));
    }
    const people = new Set(approval.copies.flatMap((copy) => copy.person ?? []));
    const reached = new Set(approval.copies.flatMap((copy) => (copy.ref ? (copy.person ?? []) : [])));
    const place = next?.to ?? (isLast ? undefined : theirs.at(-1)?.to);
    return { name: literal(person.name), place, reached: reached.size, asked: people.size };
  }

  async #commit(
    claim: Claim,
    effects: readonly Effect[],
    mode: 'more' | 'yield',
  ): Promise<Claim | undefined> {
    try {
      return (await this.deps.queue.commit(claim, effects, mode)).next;
    } catch (error) {
      if (error instanceof LeaseLostError) return undefined;
      throw error;
    }
  }
}

const IS_KEPT = 'It is kept for whoever runs me.';

/** Whether this item calls the same people there, as the escalation stands: retried, it tells what this page tells. */
function isCalled(kept: string, item: OutboxItem, { escalation, epoch }: Page): boolean {
  const { success, data } = OutboxItem.safeParse(JSON.parse(kept));
  return (
    success &&
    data.kind === 'page' &&
    data.conversationId === item.conversationId &&
    placeOf(data.to) === placeOf(item.to) &&
    data.pages.some((page) => page.escalation === escalation && page.epoch === epoch)
  );
}

function isSamePlace(one: Address, other: Address): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** Undefined when nobody asked, or nobody knows who did. */
function askerOf(item: OutboxItem, approval: Approval | undefined, directory: Directory): Person | undefined {
  const requester = approval?.request.requester ?? item.requester;
  if (requester !== undefined) return directory.find(requester);
  const account = item.kind === 'notice' ? item.onlyFor : item.kind === 'text' ? item.saidTo : undefined;
  return account && directory.personOf(account);
}

/** What did not arrive, and what it was about, which is told once; undefined when it is not worth telling. */
function toMissed(
  item: OutboxItem,
  approval: Approval | undefined,
): { words: readonly string[]; about: string } | undefined {
  switch (item.kind) {
    case 'text':
      return { words: [item.markdown], about: item.id };
    case 'notice':
      return { words: [], about: item.id }; // it may hold a code that proves who reads it there
    case 'card': {
      if (!approval) return undefined;
      const { id, state } = approval;
      const isNews = needsWord(state) || isEnded(state);
      const words = [`**${literal(titleOf(approval))}**`, literal(standing(approval))];
      return isNews ? { words, about: `${id}:${item.copyId}:${state}` } : undefined;
    }
    case 'page':
      return undefined; // it is called about in another way
    default:
      return item satisfies never;
  }
}

function toAudit(item: OutboxItem, event: string, detail: AuditEvent['detail']): Effect {
  return {
    kind: 'audit',
    event: {
      event,
      actor: 'agent',
      subject: item.conversationId,
      correlation: item.correlation,
      channel: item.to.platform,
      detail: { message: item.id, kind: item.kind, ...detail },
    },
  };
}
