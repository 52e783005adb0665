/**
 * Takes people's answers to approvals: from a button, a form or a command, and by mail.
 *
 * Owns      whether an answer counts as this person's, and what they are told became of it.
 * Not here  what the answer does to the approval (`domain/approval`), how a mail is read (`approvals/reply-parser`).
 *
 * Invariants
 *   1. A decision needs an account the platform vouches for, that belongs to a person who may decide now.
 *   2. A mail counts only for the person its reply address was made for, and only by its exact first line.
 *   3. Whoever cannot prove who they are is not answered; the person whose name was used hears of it.
 *   4. What people are told is true after the fact: it is said when the decision is stored, not before.
 *   5. Every answer leaves one audit entry, however often it is delivered.
 *   6. What became of an answer is for its author. Where everybody reads what is written to them, they are told in a
 *      place of their own, or there in words that say nothing about them, a rule or the request.
 */
import { formFor } from '../approvals/answer-form.ts';
import type { ApprovalStore } from '../approvals/approval-store.ts';
import { inboxesFor } from '../approvals/inbox.ts';
import { bareMissIn, type NearMiss, nearMissIn } from '../approvals/near-miss.ts';
import {
  type BatchReply,
  MOST_IN_BATCH,
  type ParsedReply,
  parseBatchReply,
  parseReply,
  parseTicketReply,
  type TicketReply,
  type UnclearReason,
  type Withdrawal,
} from '../approvals/reply-parser.ts';
import type { ReplyClaim, ReplySubject, ReplyTokens } from '../approvals/reply-token.ts';
import { literal, noticeFor, standing, titleOf, viaText, yesElsewhereText } from '../approvals/sentences.ts';
import type { ControlStore } from '../control/control-store.ts';
import { type OutboxItem, toOutEffect, toSender } from '../delivery/outbox.ts';
import { noteCopy } from '../domain/approval/copies.ts';
import { answeredBy } from '../domain/approval/reconciliation.ts';
import { type Approval, isWaiting } from '../domain/approval/record.ts';
import { mayDecide } from '../domain/approval/voting.ts';
import type { AuditEvent } from '../domain/audit-event.ts';
import { ticketOf } from '../domain/card.ts';
import type { Clock } from '../domain/clock.ts';
import type { FormOffer, FormWish } from '../domain/form.ts';
import type { Lookup, WaitingApproval } from '../domain/gateway.ts';
import { type AccountId, type ApprovalId, MessageId, type Platform, platformOf } from '../domain/ids.ts';
import type { Address, Button, InboundAnswer, InboundMessage, Receipt, Sender } from '../domain/message.ts';
import { guestIdOf, type Person } from '../domain/person.ts';
import type { Directory } from '../identity/directory.ts';
import type { EffectWriter } from '../redis/effect-writer.ts';
import type { Once } from '../redis/effects.ts';
import { partitionOfApproval } from '../redis/keys.ts';
import { type BallotBox, type Counted, type Speaker, saidBy } from './ballot-box.ts';
import type { BatchDesk } from './batch-desk.ts';
import { type Confirmations, readConfirmation } from './confirmations.ts';
import type { Reach } from './reach.ts';
import type { ReopenDesk } from './reopen-desk.ts';
import type { Rooms } from './rooms.ts';
import type { WithdrawalDesk } from './withdrawal-desk.ts';

/** The same person is told the same thing about the same approval once in this time. */
const HELP_AGAIN_MS = 60 * 60_000;

export interface AnswerDeps {
  readonly approvals: ApprovalStore;
  readonly ballots: BallotBox;
  readonly tokens: ReplyTokens;
  readonly batches: BatchDesk;
  readonly reopening: ReopenDesk;
  readonly withdrawals: WithdrawalDesk;
  readonly confirmations: Confirmations;
  readonly controls: Pick<ControlStore, 'find'>;
  readonly rooms: Pick<Rooms, 'settle'>;
  readonly directory: Directory;
  readonly reach: Reach;
  readonly writer: EffectWriter;
  /** How long a delivery is remembered, in ms. */
  readonly rememberMs: () => number;
  readonly clock: Clock;
}

/** A mail that came in on an approval's reply address. */
export type MailedAnswer = InboundMessage & {
  readonly approvalReply: NonNullable<InboundMessage['approvalReply']>;
};

export class AnswerDesk implements Lookup {
  constructor(private readonly deps: AnswerDeps) {}

  /** What waits for this person's answer, the next to expire first. */
  async approvalsFor(sender: Pick<Sender, 'account' | 'groups'>, most: number): Promise<WaitingApproval[]> {
    const person = this.#voterOf(sender);
    const waiting = person ? await this.#waitingFor(person, most) : [];
    return waiting.map((approval) => ({
      ticket: ticketOf({ approvalId: approval.id, gen: approval.gen }),
      title: titleOf(approval),
    }));
  }

  /** What they may decide and have said nothing about, the next to expire first. */
  async #waitingFor(
    person: Person,
    most: number,
    isMeant: (approval: Approval) => boolean = () => true,
  ): Promise<Approval[]> {
    const { approvals, directory } = this.deps;
    const nowMs = this.deps.clock.now();
    const voter = directory.voterOf(person, nowMs);
    const isAble = directory.may(person.roles, 'approve') || (voter.standsFor ?? []).length > 0;
    return approvals.inbox(
      inboxesFor(voter),
      (approval) =>
        isMeant(approval) &&
        !answeredBy(approval).has(person.id) &&
        ((isAble && mayDecide(approval, voter)) ||
          directory.wordsPassedTo(person.id, approval, nowMs).length > 0),
      most,
    );
  }

  async formFor({ sender, approvalId, choice, bounds, ...seen }: FormWish): Promise<FormOffer> {
    const speaker = await this.#speakerOf(sender);
    if (!speaker) return { kind: 'refused', notice: UNKNOWN_HERE };
    const approval = await this.deps.approvals.find(approvalId);
    if (!approval) return { kind: 'refused', notice: noLonger(approvalId) };
    const nowMs = this.deps.clock.now();
    const refusal = this.deps.ballots.refusalOf(approval, speaker, { ...seen, choice }, nowMs);
    if (refusal) return { kind: 'refused', notice: noticeFor(refusal) };
    return { kind: 'form', form: formFor(approval, choice, bounds) };
  }

  /** An answer by button, form or command. */
  async take(answer: InboundAnswer): Promise<Receipt> {
    const { sender, approvalId } = answer;
    const before = await this.#dealtWith(answer);
    if (before) return before;
    const speaker = sender.authenticated && !sender.automatic ? await this.#speakerOf(sender) : undefined;
    const person = speaker?.person;
    if (!person) {
      await this.#recordAnswer(answer, 'UNKNOWN_PERSON', sender.account);
      return {
        kind: 'answered',
        code: 'NOT_ELIGIBLE',
        notice: UNKNOWN_HERE,
      };
    }
    const result = await this.deps.ballots.cast(approvalId, speaker, {
      key: answer.id,
      said: saidBy(answer),
      gen: answer.gen,
      digest: answer.digest,
    });
    if (!result) {
      await this.#recordAnswer(answer, 'NOT_FOUND', person.id);
      return {
        kind: 'answered',
        code: 'NOT_FOUND',
        notice: noLonger(approvalId),
      };
    }
    await this.#adoptCopy(answer, result.approval);
    await this.#recordAnswer(answer, result.code, person.id, result.approval);
    const told = this.#withReopening(result, speaker);
    const buttons = await this.#buttonsFor(person, told);
    return { kind: 'answered', code: result.code, notice: told.notice, ...buttons };
  }

  /** Whoever comes too late can have it asked again, if nothing came of it. */
  #withReopening<Result extends Counted>(result: Result, speaker: Speaker): Result & { again?: string } {
    const { approval } = result;
    const isLate = result.code === 'LATE' || result.code === 'ALREADY';
    if (!isLate || !this.deps.reopening.offers(approval, speaker, this.deps.clock.now())) return result;
    const again = `/reopen ${ticketOf({ approvalId: approval.id, gen: approval.gen })}`;
    return { ...result, again, notice: `${result.notice} To have it asked again, write \`${again}\`.` };
  }

  /** What somebody can agree to by a press, where they are to agree to something. */
  async #buttonsFor(
    { id }: Pick<Person, 'id'>,
    { confirm, again }: { readonly confirm?: string; readonly again?: string },
  ): Promise<{ readonly buttons?: readonly Button[] }> {
    if (again !== undefined) return { buttons: [{ label: 'Ask it again', says: again }] };
    if (confirm === undefined) return {};
    return { buttons: [{ label: 'Yes, agree', says: await this.deps.confirmations.shorten(id, confirm) }] };
  }

  /**
   * What there is to say of an answer that was judged before. Whatever it was then it stays, even if who may decide
   * has changed since: somebody was told that nothing was decided.
   */
  async #dealtWith({ approvalId, id }: InboundAnswer): Promise<Receipt | undefined> {
    const isKnown = await this.deps.writer.wasWrittenIn(partitionOfApproval(approvalId), onceKey(id));
    if (!isKnown) return undefined;
    const approval = await this.deps.approvals.find(approvalId);
    const said =
      approval?.decision?.key === id ? 'Recorded.' : 'This was answered before and changes nothing.';
    const notice = approval ? `${said} ${literal(standing(approval))}` : said;
    return { kind: 'answered', code: 'REPLAY', notice };
  }

  /** Whose the account is at this moment. */
  async #speakerOf(sender: Pick<Sender, 'account' | 'groups'>): Promise<Speaker | undefined> {
    const { account } = sender;
    await this.deps.directory.personNow(account);
    const person = this.#voterOf(sender);
    return person && { person, account, ...(this.#isLinked(account) ? { linked: true as const } : {}) };
  }

  #isLinked(account: AccountId): boolean {
    return !this.deps.directory.isConfigured(account);
  }

  /** A person, with the roles they have where they act. Groups give roles to people we know, not to strangers. */
  #voterOf({ account, groups }: Pick<Sender, 'account' | 'groups'>): Person | undefined {
    const { directory } = this.deps;
    const person = directory.personOf(account);
    return person && { ...person, roles: directory.rolesOf(person, groups) };
  }

  /** A card whose reference was lost (we died between sending and noting it) is known again by its first click. */
  async #adoptCopy({ card }: InboundAnswer, approval: Approval): Promise<void> {
    if (!card) return;
    const lost = approval.copies.find(
      ({ ref, to }) => ref === undefined && JSON.stringify(to) === JSON.stringify(card.to),
    );
    if (!lost) return;
    await this.deps.approvals.apply(approval.id, (current, nowMs) =>
      noteCopy(current, lost.id, { ref: card.ref, shown: 0 }, nowMs),
    );
  }

  async #recordAnswer(
    { approvalId, sender, id, choice }: Pick<InboundAnswer, 'approvalId' | 'sender' | 'id' | 'choice'>,
    code: string,
    actor: string,
    approval?: Approval,
  ): Promise<void> {
    const event: AuditEvent = {
      event: 'answer.received',
      actor,
      subject: approvalId,
      correlation: id,
      channel: platformOf(sender.account),
      detail: { choice, result: code, ...ruleOf(approval), account: sender.account },
    };
    await this.deps.writer.writeIn(
      partitionOfApproval(approvalId),
      [{ kind: 'audit', event }],
      this.#firstTime(id),
    );
  }

  // ── Answers by a line of text ──────────────────────────────────────────────────────────────────────────────

  /** What a message answers by its first line; undefined when that is no answer. */
  async read({ text, sender }: InboundMessage): Promise<AnswerLine | undefined> {
    const code = readConfirmation(text);
    if (code === undefined) return readLine(text);
    const person = this.#voterOf(sender);
    const line = person && (await this.deps.confirmations.lineOf(person.id, code));
    return line === undefined ? { kind: 'lapsed' } : readLine(line);
  }

  /**
   * A message whose first line answers an approval by its ticket. What became of it is said to its author alone:
   * always when they used a command, else when nothing was decided or no card lies where they wrote, because cards
   * tell the rest.
   */
  async takeLine(message: InboundMessage, line: AnswerLine): Promise<Receipt> {
    if (await this.deps.writer.wasWritten(message.conversationId, onceKey(message.id))) {
      return { kind: 'duplicate' };
    }
    switch (line.kind) {
      case 'ticket':
        return this.#takeTicket(message, line.reply);
      case 'batch':
        return this.#takeBatch(message, line.reply, line.alone);
      case 'lapsed':
        return this.#tellOnly(message, 'lapsed', { code: 'NOT_FOUND', notice: LAPSED });
      default:
        return line satisfies never;
    }
  }

  /**
   * What somebody meant for an answer and is none, where nobody else would say so: where people talk to each other the
   * agent does not hear it, and where they talk to the agent it may take a bare `approve` for a yes. Undefined for
   * anything else, where they are not asked for one, and where a person has the conversation, to whom one may say it.
   */
  async missed(message: InboundMessage): Promise<Missed | 'told-before' | undefined> {
    const { approvals, controls, rooms, writer } = this.deps;
    const miss = this.#missIn(message);
    const speaker = miss && (await this.#speakerOf(message.sender));
    if (!miss || !speaker) return undefined;
    // What it was about may be settled by now, and still it is no talk.
    for (const key of [onceKey(message.id), turnedAwayKey(message.id)]) {
      if (await writer.wasWritten(message.conversationId, key)) return 'told-before';
    }
    if (miss.kind !== 'no-ticket') {
      const approval = await approvals.find(miss.request.approvalId);
      // To the agent one may speak of what is over.
      const isTalk = message.addressedToBot && approval !== undefined && !isWaiting(approval.state);
      return approval && !isTalk ? { miss, about: [approval] } : undefined;
    }
    // At the top of a room it belongs to the conversation that somebody has there.
    const { conversationId } = await rooms.settle(message);
    if ((await controls.find(conversationId)).state === 'HUMAN') return undefined;
    const { person } = speaker;
    const [replied] = await this.#waitingFor(person, 1, (approval) => isReplyTo(message, approval));
    if (replied) return { miss, about: [replied] };
    const isMeant = (approval: Approval) => this.#isAskedIn(message, approval, person);
    const [first, ...others] = await this.#waitingFor(person, MOST_IN_BATCH, isMeant);
    return first && { miss, about: [first, ...others] };
  }

  #missIn({ text, replyTo, edited, attachments = [] }: InboundMessage): NearMiss | undefined {
    // Where people talk to each other, they mend what they have written.
    if (this.deps.reach.tellsEverybody(replyTo.platform)) return edited ? undefined : nearMissIn(text);
    // A mail that answers a request has an address of its own.
    return replyTo.platform === MAIL || attachments.length > 0 ? undefined : bareMissIn(text);
  }

  /** Whether a request was made where somebody writes, or was brought to them there. */
  #isAskedIn({ conversationId, replyTo }: InboundMessage, approval: Approval, { id }: Person): boolean {
    const { reach } = this.deps;
    if (reach.tellsEverybody(replyTo.platform)) return isShownAt(approval, replyTo);
    const isTheirs = approval.copies.some(
      ({ person, to }) => person === id && to.platform === replyTo.platform,
    );
    return approval.conversationId === conversationId || (isTheirs && reach.isPrivate(replyTo));
  }

  /** Says that it decided nothing, and how to write what does. */
  async takeMissed(message: InboundMessage, missed: Missed | 'told-before'): Promise<Receipt> {
    if (missed === 'told-before') return { kind: 'duplicate' };
    const { id, sender, conversationId } = message;
    const { miss, about } = missed;
    const [approval] = about;
    const { platform } = message.replyTo;
    const isOpen = this.deps.reach.tellsEverybody(platform);
    const { code, notice } = isOpen
      ? missedText(miss, about, platform)
      : { code: 'NOT_UNDERSTOOD', notice: bareText(about, platform) };
    const event: AuditEvent = {
      event: 'answer.received',
      actor: this.deps.directory.personOf(sender.account)?.id ?? sender.account,
      subject: approval.id,
      correlation: id,
      channel: platformOf(sender.account),
      detail: { choice: 'unclear', result: code, account: sender.account },
    };
    // Where everybody reads it, it is said once in a while.
    const once = { key: `told:${approval.id}:${miss.kind}:${sender.account}`, forMs: HELP_AGAIN_MS };
    const told = this.#toldAlone(message, approval.id, { code, notice });
    await this.deps.writer.write(
      conversationId,
      [{ kind: 'audit', event }, toOutEffect(told, isOpen ? { once } : {})],
      this.#firstTime(id),
    );
    return { kind: 'answered', code, notice };
  }

  async #takeTicket(message: InboundMessage, reply: TicketReply): Promise<Receipt> {
    const { approvalId, said } = reply;
    const { sender, text } = message;
    const asCommand = /^[/!]/.test(text);
    const { code, notice, buttons, approval } = await this.#judgeLine(message, reply);
    const actor = this.deps.directory.personOf(sender.account)?.id ?? sender.account;
    const event: AuditEvent = {
      event: 'answer.received',
      actor,
      subject: approvalId,
      correlation: message.id,
      channel: platformOf(sender.account),
      detail: { choice: said.kind, result: code, ...ruleOf(approval), account: sender.account },
    };
    // Where the answer is seen by others, somebody who goes on trying does not fill the place with it.
    const about = isMadeUp(code, actor, sender) ? 'any' : approvalId;
    // What is wrong may be something else each time, and so is what was changed.
    const change = approval !== undefined && COUNTED.has(code) ? `${code}:${approval.rev}` : code;
    const what = DIFFERS.has(code) ? notice : change;
    const once = { key: `told:${about}:${what}:${sender.account}`, forMs: HELP_AGAIN_MS };
    // Where one more yes is needed the card says so, too, but it says it to everybody.
    const isSeen = approval !== undefined && this.#seesCard(message, approval);
    // No card shows a standing yes.
    const isShown = isSeen && said.kind !== 'always' && (code === 'DECIDED' || code === 'REPLAY');
    const isTold = asCommand || !isShown;
    await this.deps.writer.write(
      message.conversationId,
      [
        { kind: 'audit', event },
        ...(isTold
          ? [
              toOutEffect(
                this.#toldAlone(message, approvalId, { code, notice, buttons }),
                asCommand ? {} : { once },
              ),
            ]
          : []),
      ],
      this.#firstTime(message.id),
    );
    return { kind: 'answered', code, notice, ...(buttons ? { buttons } : {}) };
  }

  /** Where they wrote: in the conversation it was asked in, or where they alone read, if their own card is there. */
  #seesCard({ replyTo, sender }: InboundMessage, approval: Approval): boolean {
    if (isShownAt(approval, replyTo)) return true;
    const person = this.deps.directory.personOf(sender.account)?.id;
    return (
      person !== undefined &&
      this.deps.reach.isPrivate(replyTo) &&
      approval.copies.some((copy) => copy.person === person && copy.to.platform === replyTo.platform)
    );
  }

  /** Several at once: each has its own entry in the audit, and whoever said it is told what became of each. */
  async #takeBatch(message: InboundMessage, reply: BatchReply, alone?: TicketReply): Promise<Receipt> {
    const { said } = reply;
    const speaker = await this.#speakerOf(message.sender);
    if (!speaker) return this.#tellOnly(message, 'batch', { code: 'NOT_ELIGIBLE', notice: UNKNOWN_HERE });
    if (platformOf(speaker.account) === MAIL)
      return this.#tellOnly(message, 'batch', { code: 'NOT_HERE', notice: BY_REPLY_ONLY });
    if (said.kind === 'unclear') {
      const notice = `That decided nothing: ${UNCLEAR[said.why]}. Write \`approve\` or \`deny\` and at most ${MOST_IN_BATCH} tickets.`;
      return this.#tellOnly(message, 'batch', { code: 'NOT_UNDERSTOOD', notice });
    }
    const result = await this.deps.batches.answer(speaker, { ...reply, said }, message.id);
    // A no to one, whose reason begins with what might have been a sign.
    if (result.code !== 'ANSWERED' && alone?.said.kind === 'deny') return this.#takeTicket(message, alone);
    for (const { approval, code } of result.items) {
      const answer = { approvalId: approval.id, sender: message.sender, choice: said.kind };
      await this.#recordAnswer(
        { ...answer, id: MessageId.parse(`${message.id}#${approval.id}`) },
        code,
        speaker.person.id,
        approval,
      );
    }
    const { code, notice } = result;
    const { buttons } = await this.#buttonsFor(speaker.person, result);
    return this.#tellOnly(message, 'batch', { code, notice, buttons });
  }

  /** Tells whoever wrote it, alone, and remembers that it was dealt with. */
  async #tellOnly(
    message: InboundMessage,
    choice: string,
    { code, notice, buttons }: Told,
  ): Promise<Receipt> {
    const { sender, conversationId, id } = message;
    const event: AuditEvent = {
      event: 'answer.received',
      actor: this.deps.directory.personOf(sender.account)?.id ?? sender.account,
      subject: conversationId,
      correlation: id,
      channel: platformOf(sender.account),
      detail: { choice, result: code, account: sender.account },
    };
    await this.deps.writer.write(
      conversationId,
      [
        { kind: 'audit', event },
        toOutEffect(this.#toldAlone(message, 'several requests', { code, notice, buttons })),
      ],
      this.#firstTime(id),
    );
    return { kind: 'answered', code, notice, ...(buttons ? { buttons } : {}) };
  }

  async #judgeLine({ id, sender }: InboundMessage, reply: TicketReply): Promise<Told> {
    if (reply.withdraws) return this.#withdraw(sender, reply, reply.said);
    const { approvalId, gen, said } = reply;
    if (said.kind === 'reply') return this.#replyTo(approvalId, sender, id, said.text);
    const speaker = await this.#speakerOf(sender);
    if (!speaker) return { code: 'NOT_ELIGIBLE', notice: UNKNOWN_HERE };
    // A mail may quote what somebody else wrote, above everything of its own.
    if (platformOf(sender.account) === MAIL) return { code: 'NOT_HERE', notice: BY_REPLY_ONLY };
    if (said.kind === 'unclear') {
      const ticket = ticketOf({ approvalId, gen });
      const notice = `That decided nothing: ${UNCLEAR[said.why]}. Write \`approve ${ticket}\` or \`deny ${ticket} your reason\`.`;
      return { code: 'NOT_UNDERSTOOD', notice };
    }
    if (said.kind === 'reopen') {
      const reopened = await this.deps.reopening.reopen(approvalId, speaker);
      return (
        reopened ?? { code: 'NOT_FOUND', notice: `I have no request ${approvalId}. Nothing has changed.` }
      );
    }
    const ballot = { key: id, said, gen, digest: undefined };
    const result = await this.deps.ballots.cast(approvalId, speaker, ballot);
    if (!result)
      return { code: 'NOT_FOUND', notice: `I have no request ${approvalId}. Nothing was decided.` };
    const told = this.#withReopening(result, speaker);
    const { code, notice, approval } = told;
    return { code, notice, approval, ...(await this.#buttonsFor(speaker.person, told)) };
  }

  /**
   * Whoever asked may be a guest, and may have asked by mail: a line quoted there by mistake takes nothing but their own
   * wish back, which can be asked again.
   */
  async #withdraw(
    sender: Sender,
    { approvalId, gen }: Pick<TicketReply, 'approvalId' | 'gen'>,
    said: Withdrawal,
  ): Promise<Told> {
    const { directory, clock, withdrawals, approvals } = this.deps;
    const speaker = await directory.speakerNow(sender, clock.now());
    if (!speaker) {
      const asked = (await approvals.find(approvalId))?.request.requester;
      const wasTheirs = asked === guestIdOf(sender.account);
      return { code: 'NOT_ELIGIBLE', notice: wasTheirs ? GUEST_NO_MORE : UNKNOWN_TO_WITHDRAW };
    }
    if (said.kind === 'unclear') {
      const notice = `That changed nothing: ${UNCLEAR[said.why]}. Write \`withdraw ${ticketOf({ approvalId, gen })}\`.`;
      return { code: 'NOT_UNDERSTOOD', notice };
    }
    const { account } = sender;
    const withdrawn = await withdrawals.withdraw(approvalId, { speaker, account }, said.reason);
    return (
      withdrawn ?? { code: 'NOT_FOUND', notice: `I have no request ${approvalId}. Nothing has changed.` }
    );
  }

  /** The same holds of their reply to a question: it decides nothing, and is shown as theirs. */
  async #replyTo(id: ApprovalId, sender: Sender, key: string, text: string): Promise<Told> {
    const { directory, clock, ballots, approvals } = this.deps;
    const speaker = await directory.speakerNow(sender, clock.now());
    if (!speaker) {
      const asked = (await approvals.find(id))?.request.requester;
      const notice = asked === guestIdOf(sender.account) ? GUEST_NO_MORE : UNKNOWN_HERE;
      return { code: 'NOT_ELIGIBLE', notice };
    }
    const replied = await ballots.reply(id, { speaker, account: sender.account }, key, text);
    return replied ?? { code: 'NOT_FOUND', notice: `I have no request ${id}. Nothing was decided.` };
  }

  /** `about`: what they answered. */
  #toldAlone(
    { id, conversationId, replyTo, sender }: InboundMessage,
    about: string,
    { code, notice, buttons }: Told,
  ): OutboxItem {
    const { reach, directory, clock } = this.deps;
    const item = { id: `told:${code}:${id}`, correlation: id, conversationId, atMs: clock.now() };
    const pressable = buttons ? { buttons: [...buttons] } : {};
    const alone = { to: replyTo, markdown: notice, onlyFor: sender.account, ...pressable };
    const here = { ...item, kind: 'notice' as const, ...alone };
    // How to write an answer is no secret, and of use where it is written.
    if (code === 'NOT_UNDERSTOOD' || !reach.tellsEverybody(replyTo.platform)) return here;
    const person = directory.personOf(sender.account);
    const place = person && reach.privatePlaceOf(person);
    if (!place) return { ...here, openly: COUNTED.has(code) ? COUNTED_OPENLY : REFUSED_OPENLY };
    const markdown = `You answered \`${about}\` ${viaText(replyTo.platform)}. ${notice}`;
    return { ...item, kind: 'text', to: place.to, markdown, ...pressable };
  }

  // ── Answers by mail ────────────────────────────────────────────────────────────────────────────────────────

  /** An answer by mail. */
  async takeMail(message: MailedAnswer): Promise<Receipt> {
    const reply = message.approvalReply;
    const claim = this.deps.tokens.read(reply.token);
    const approval = claim && (await this.deps.approvals.find(claim.approvalId));
    const { sender } = message;
    const owner = approval?.conversationId ?? message.conversationId;
    if (await this.deps.writer.wasWritten(owner, onceKey(message.id))) return { kind: 'duplicate' };
    const speaker = await this.#speakerOf(sender);
    const person = speaker?.person;
    if (!claim || !approval) {
      return this.#refuseReply(message, 'NOT_FOUND', undefined, person && NO_SUCH_REQUEST);
    }
    if (!sender.authenticated) {
      const asked = person && this.#madeFor(reply.token, claim, person) ? person : undefined;
      return this.#doubtful(message, approval, asked);
    }
    if (!person || !this.#madeFor(reply.token, claim, person)) {
      return this.#refuseReply(message, 'NOT_ELIGIBLE', approval, NOT_YOURS);
    }

    const subject = { approvalId: approval.id, person: person.id, gen: claim.gen };
    const parsed = parseReply(reply.readings, this.deps.tokens.codes(subject));
    if (parsed.kind === 'unclear' && !isWaiting(approval.state) && approval.state !== 'UNKNOWN') {
      const code = approval.state === 'EXPIRED' ? ('LATE' as const) : ('ALREADY' as const);
      return this.#refuseReply(message, code, approval, noticeFor({ code, approval }), parsed.kind);
    }
    if (parsed.kind === 'unclear') {
      const help = this.#help(approval, parsed, subject);
      return this.#refuseReply(message, 'NOT_UNDERSTOOD', approval, help, parsed.kind);
    }
    if (parsed.kind === 'reopen') {
      const reopened = await this.deps.reopening.reopen(approval.id, speaker);
      const { code, notice } = reopened ?? { code: 'NOT_FOUND', notice: NO_SUCH_REQUEST };
      if (code !== 'DONE') return this.#refuseReply(message, code, approval, notice, parsed.kind);
      await this.#recordReply(message, approval, code, person.id, parsed.kind);
      return { kind: 'answered', code, notice };
    }
    const ballot = { key: message.id, said: parsed, gen: claim.gen, digest: undefined };
    const result = await this.deps.ballots.cast(approval.id, speaker, ballot);
    if (!result) return this.#refuseReply(message, 'NOT_FOUND', approval, NO_SUCH_REQUEST, parsed.kind);
    if (result.code !== 'DECIDED' && result.code !== 'REPLAY' && result.code !== 'DONE') {
      const { again } = this.#withReopening(result, speaker);
      const { approveCode } = this.deps.tokens.codes(subject);
      const how = again === undefined ? '' : ` To have it asked again, reply \`reopen ${approveCode}\`.`;
      return this.#refuseReply(message, result.code, result.approval, result.notice + how, parsed.kind);
    }
    await this.#recordReply(message, result.approval, result.code, person.id, parsed.kind);
    return { kind: 'answered', code: result.code, notice: result.notice };
  }

  #madeFor(token: string, { approvalId, gen }: ReplyClaim, person: Person): boolean {
    return this.deps.tokens.verify(token, { approvalId, gen, person: person.id });
  }

  /** A mail that may be forged: it decides nothing, and the person whose address it carries hears of it, once. */
  async #doubtful(message: InboundMessage, approval: Approval, person: Person | undefined): Promise<Receipt> {
    const asked = person && approval.copies.find((copy) => copy.person === person.id);
    if (asked && isWaiting(approval.state)) {
      const markdown = `A mail in your name answered the request “${literal(titleOf(approval))}”, but it could not be proved that it came from you (no valid DKIM signature of your domain). Nothing was decided. If it was you, answer from another channel.`;
      await this.#writeTo(approval, {
        ...toSender(message, {
          id: `doubtful:${approval.id}:${approval.gen}`,
          markdown,
          atMs: this.deps.clock.now(),
        }),
        to: asked.to,
      });
    }
    await this.#recordReply(message, approval, 'NOT_AUTHENTICATED', message.sender.account);
    return { kind: 'answered', code: 'NOT_AUTHENTICATED', notice: 'The sender could not be authenticated.' };
  }

  /** Without `markdown`, or without proof of who wrote, nobody is told. */
  async #refuseReply(
    message: InboundMessage,
    code: string,
    approval: Approval | undefined,
    markdown: string | undefined,
    choice?: ParsedReply['kind'],
  ): Promise<Receipt> {
    const { account, authenticated } = message.sender;
    if (authenticated && markdown !== undefined) {
      const subject = approval?.id ?? 'none';
      const item = toSender(message, {
        id: `told:${subject}:${code}:${message.id}`,
        markdown,
        atMs: this.deps.clock.now(),
      });
      // Not for each mail: two machines answering each other must come to an end.
      const once = { key: `told:${subject}:${code}:${account}`, forMs: HELP_AGAIN_MS };
      if (approval) await this.#writeTo(approval, item, once);
      // About no approval: looked up where all of this sender's are, whatever thread they write in.
      else await this.deps.writer.write(account, [toOutEffect(item, { once })]);
    }
    const person = authenticated ? this.deps.directory.personOf(account) : undefined;
    await this.#recordReply(
      message,
      authenticated ? approval : undefined,
      code,
      person?.id ?? account,
      choice,
    );
    return { kind: 'answered', code, notice: markdown ?? NO_SUCH_REQUEST };
  }

  #help(
    approval: Approval,
    { why }: Extract<ParsedReply, { kind: 'unclear' }>,
    subject: ReplySubject,
  ): string {
    const { approveCode, denyCode } = this.deps.tokens.codes(subject);
    return [
      `Your mail about “${literal(titleOf(approval))}” decided nothing: ${UNCLEAR[why]}.`,
      `Please reply with one of these lines, as the very first line:\n\n- \`approve ${approveCode}\`\n- \`deny ${denyCode} your reason\``,
    ].join('\n\n');
  }

  // ── Writing ────────────────────────────────────────────────────────────────────────────────────────────────

  /** Tells the sender something about an approval, in the partition of that approval. */
  async #writeTo(
    about: Pick<Approval, 'conversationId'>,
    item: OutboxItem,
    once: Once = { key: item.id, forMs: HELP_AGAIN_MS },
  ): Promise<void> {
    const { conversationId } = about;
    await this.deps.writer.write(conversationId, [toOutEffect({ ...item, conversationId }, { once })]);
  }

  async #recordReply(
    message: InboundMessage,
    approval: Approval | undefined,
    code: string,
    actor: string,
    choice?: ParsedReply['kind'],
  ): Promise<void> {
    const event: AuditEvent = {
      event: 'answer.received',
      actor,
      subject: approval?.id ?? message.conversationId,
      correlation: message.id,
      channel: platformOf(message.sender.account),
      detail: {
        ...(choice ? { choice } : {}),
        result: code,
        ...ruleOf(approval),
        account: message.sender.account,
      },
    };
    const owner = approval?.conversationId ?? message.conversationId;
    await this.deps.writer.write(owner, [{ kind: 'audit', event }], this.#firstTime(message.id));
  }

  #firstTime(id: string): Once {
    return { key: onceKey(id), forMs: this.deps.rememberMs() };
  }
}

/** By which rule it was asked: who may decide it is what that says. */
function ruleOf(approval: Approval | undefined): { readonly rule?: string } {
  return approval ? { rule: approval.policy.rule } : {};
}

/** What whoever said it is told, and can press next. */
interface Told {
  readonly code: string;
  readonly notice: string;
  /** What it was about, as it stands now. */
  readonly approval?: Approval;
  readonly buttons?: readonly Button[] | undefined;
}

/** A message that answers requests. */
export type AnswerLine =
  | { readonly kind: 'ticket'; readonly reply: TicketReply }
  /** `alone`: the same read as an answer to one, where it names no other. */
  | { readonly kind: 'batch'; readonly reply: BatchReply; readonly alone?: TicketReply }
  /** It agrees to something nobody here remembers. */
  | { readonly kind: 'lapsed' };

/** An attempt to answer, and the requests it may be about. */
export interface Missed {
  readonly miss: NearMiss;
  readonly about: readonly [Approval, ...Approval[]];
}

function missedText(miss: NearMiss, [approval, ...others]: Missed['about'], here: Platform): Told {
  if (!isWaiting(approval.state)) {
    const code = approval.state === 'EXPIRED' ? ('LATE' as const) : ('ALREADY' as const);
    return { code, notice: noticeFor({ code, approval }) };
  }
  const withdraws = miss.kind !== 'no-ticket' && miss.request.withdraws;
  const lines = withdraws
    ? [`\`withdraw ${ticketOf({ approvalId: approval.id, gen: approval.gen })}\``]
    : linesFor(approval, here);
  const how =
    others.length > 0 ? 'several requests wait here, and each names its lines itself' : lines.join(' or ');
  const line = how === '' ? '' : ` What decides is a new message that begins with the line: ${how}.`;
  const elsewhere = withdraws || others.length > 0 ? undefined : yesElsewhereText(approval, here);
  const notice = [`That decided nothing: ${MISSED[miss.kind]}.${line}`, elsewhere].filter(Boolean).join(' ');
  return { code: 'NOT_UNDERSTOOD', notice };
}

/** The lines by which somebody decides it where they write; no yes where it would not be taken. */
function linesFor(approval: Approval, here: Platform): string[] {
  const ticket = ticketOf({ approvalId: approval.id, gen: approval.gen });
  const { choices } = approval.policy;
  const mayAgree = choices.includes('approve') && yesElsewhereText(approval, here) === undefined;
  return [
    ...(mayAgree ? [`\`approve ${ticket}\``] : []),
    ...(choices.includes('deny') ? [`\`deny ${ticket} your reason\``] : []),
  ];
}

/** Of a bare word, which the agent does not hear. */
function bareText([approval, ...others]: Missed['about'], here: Platform): string {
  const nothing = 'That decided nothing, and I did not take it for anything else';
  if (others.length > 0) {
    return `${nothing}: it does not say which of the requests that wait for you here it is about. \`/approvals\` lists them with the line that decides each.`;
  }
  const lines = linesFor(approval, here);
  const line = lines.length === 0 ? '' : `, or write ${lines.join(' or ')}`;
  const elsewhere = yesElsewhereText(approval, here);
  return [
    `${nothing}: it does not name the request “${literal(titleOf(approval))}”. If you meant that one, answer on its card${line}.`,
    ...(elsewhere === undefined ? [] : [elsewhere]),
  ].join(' ');
}

const MISSED: Readonly<Record<NearMiss['kind'], string>> = {
  'no-line': 'it is not one of the lines that do',
  'not-first': 'the line has to be the very first',
  'no-ticket': 'it does not name the request',
};

/** Whether a card lies where somebody wrote. As far as both tell: one for several people goes there with their names. */
function isShownAt({ copies, origin }: Approval, place: Address): boolean {
  return [origin, ...copies.map(({ to }) => to)].some(
    ({ platform, route }) =>
      platform === place.platform &&
      Object.entries(route).every(([key, value]) => (place.route[key] ?? value) === value) &&
      Object.keys(route).some((key) => key in place.route),
  );
}

/** Whether a message answers a card, or stands in the thread of one. */
function isReplyTo({ replyTo, inReplyTo }: InboundMessage, { copies }: Approval): boolean {
  // What a card is called, and what a message hangs on, are made of the platform's ids.
  const ids = [...Object.values(replyTo.route), ...(inReplyTo?.split(':') ?? [])];
  return copies.some(
    ({ ref, to }) =>
      to.platform === replyTo.platform && ref !== undefined && ref.split('/').every((id) => ids.includes(id)),
  );
}

function readLine(text: string): AnswerLine | undefined {
  const batch = parseBatchReply(text);
  const reply = parseTicketReply(text);
  if (batch)
    return { kind: 'batch', reply: batch, ...(batch.tickets.length === 1 && reply ? { alone: reply } : {}) };
  return reply && { kind: 'ticket', reply };
}

const LAPSED =
  'I do not remember what that would agree to; it was too long ago, or somebody else was asked. Nothing was decided. Please do it again.';

/** Under which an answer is remembered as dealt with. */
function onceKey(id: string): string {
  return `answer:${id}`;
}

/** Under which it is remembered that a message was not taken, and that its author was told. */
export function turnedAwayKey(id: string): string {
  return `turned-away:${id}`;
}

/** Of somebody nobody knows, or about nothing there is: anybody can invent any number of those. */
function isMadeUp(code: string, actor: string, { account }: Sender): boolean {
  return code === 'NOT_FOUND' || (code === 'NOT_ELIGIBLE' && actor === account);
}

const MAIL = 'email';

function noLonger(id: string): string {
  return `I no longer have the request ${id}; it was settled long ago. Nothing was decided.`;
}

const UNKNOWN_TO_WITHDRAW = 'I do not know you here, so you cannot withdraw this. Nothing has changed.';
const GUEST_NO_MORE =
  'Your time as a guest here is over, so you can neither withdraw this nor reply to what is asked about it any more. Those who decide it can still say no to it, and whoever runs me can withdraw it: please ask them. Nothing has changed.';
const UNKNOWN_HERE = 'I do not know you here, so you cannot decide this. Nothing was decided.';
const BY_REPLY_ONLY =
  'By mail I take decisions only as a reply to the mail that asked, with its code. Nothing was decided.';
const NO_SUCH_REQUEST =
  'I have no open request for this reply address; it may have been settled long ago. Nothing was decided.';
const NOT_YOURS = 'This request was sent to somebody else, and only they can answer it. Nothing was decided.';

/** Why a mail decided nothing, in words. */
const UNCLEAR: Readonly<Record<UnclearReason, string>> = {
  empty: 'it holds no text',
  quoted: 'its first line is quoted text',
  'hidden-characters': 'its first line holds characters that cannot be seen',
  'too-long': 'its first line is too long',
  'no-verdict': 'its first line does not begin with a word that counts here, such as approve or deny',
  'no-code': 'the code is missing',
  'wrong-code': 'the code is not the one for that answer',
  'both-codes': 'it holds both codes',
  question: 'its first line is a question',
  'two-verdicts': 'its first line says two different things',
  'extra-words': 'there is more in its first line than the answer',
  'no-text': 'the answer itself is missing',
  'no-changes': 'what to change has to be written like `amount=40 reason="two of three"`',
  'readings-differ': 'its text and its HTML say different things',
};

/** Of these it is something else that is wrong each time: the notice says what. */
const DIFFERS: ReadonlySet<string> = new Set(['INVALID', 'EXCLUDED', 'REFRESHED']);

/** What an answer came to when it changed something. */
const COUNTED: ReadonlySet<string> = new Set(['DECIDED', 'RECORDED', 'REPLAY', 'DONE']);

/** Said where everybody reads it. */
const COUNTED_OPENLY = 'Recorded.';
const REFUSED_OPENLY = 'That decided nothing. I say why only where nobody else reads it.';
