/**
 * Takes in everything that comes from a platform, and decides what it is: an answer to an approval, something for
 * the agent, or nothing of ours.
 *
 * Owns      who may speak and who may decide, at the moment they do.
 * Not here  what the agent answers (`conversation-worker`), how an approval moves (`domain/approval`).
 *
 * Invariants
 *   1. Resolves only when what came in is stored, or refused for good; rejects when it could not be stored, so that
 *      the platform delivers it again.
 *   2. A decision needs an account the platform vouches for, that belongs to a person who may decide now.
 *   3. What is automatic, edited or deleted never runs a turn, never decides, and is never answered.
 *   4. Everything that comes in leaves exactly one audit entry, however often it is delivered.
 */
import { createHash } from 'node:crypto';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import type { ApprovalStore } from '../approvals/approval-store.ts';
import { type ParsedReply, parseReply, type UnclearReason } from '../approvals/reply-parser.ts';
import type { ReplyClaim, ReplySubject, ReplyTokens } from '../approvals/reply-token.ts';
import { noticeFor, titleOf } from '../approvals/sentences.ts';
import type { Config } from '../config/load-config.ts';
import { type OutboxItem, toOutEffect } from '../delivery/outbox.ts';
import { type Approval, noteCopy, type VoteResult, vote } from '../domain/approval.ts';
import type { AuditEvent } from '../domain/audit-event.ts';
import type { Clock } from '../domain/clock.ts';
import type { Receive } from '../domain/gateway.ts';
import { type ConversationId, PersonId, platformOf } from '../domain/ids.ts';
import type { MailboxItem } from '../domain/mailbox-item.ts';
import type {
  AnswerChoice,
  Inbound,
  InboundAnswer,
  InboundMessage,
  InboundRevision,
  Receipt,
  Sender,
} from '../domain/message.ts';
import type { Person } from '../domain/person.ts';
import type { Directory } from '../identity/directory.ts';
import type { Claim } from '../mailbox/keyed-queue.ts';
import type { Mailbox } from '../mailbox/mailbox.ts';
import type { Logger } from '../observability/logger.ts';
import type { EffectWriter } from '../redis/effect-writer.ts';
import type { Once } from '../redis/effects.ts';
import { partitionOfApproval } from '../redis/keys.ts';

/** The same person is told the same thing about the same approval once in this time. */
const HELP_AGAIN_MS = 60 * 60_000;
/** A stranger is told how to be added once in this time. */
const PAIR_AGAIN_MS = 24 * 60 * 60_000;

export interface RouterDeps {
  readonly mailbox: Mailbox;
  readonly approvals: ApprovalStore;
  readonly tokens: ReplyTokens;
  readonly directory: Directory;
  readonly writer: EffectWriter;
  readonly config: () => Config;
  /** Whether this process would work on a conversation at once. */
  readonly hasRoom: () => boolean;
  /** Takes a conversation that was leased to this process as its first item was stored. */
  readonly onTaken: (claim: Claim) => void;
  readonly clock: Clock;
  readonly log: Logger;
}

export class MessageRouter {
  #limiter: { perMinute: number; limiter: RateLimiterMemory } | undefined;

  constructor(private readonly deps: RouterDeps) {}

  readonly receive: Receive = async (inbound: Inbound): Promise<Receipt> => {
    switch (inbound.kind) {
      case 'message':
        return this.#message(inbound);
      case 'answer':
        return this.#answer(inbound);
      case 'revision': {
        const about = { of: inbound.of, change: inbound.change };
        await this.#record(inbound.conversationId, inbound, 'message.revised', about);
        return { kind: 'ignored', reason: `a message was ${inbound.change}` };
      }
      default:
        return inbound satisfies never;
    }
  };

  // ── Messages ───────────────────────────────────────────────────────────────────────────────────────────────

  async #message(message: InboundMessage): Promise<Receipt> {
    const { sender } = message;
    if (sender.automatic) return this.#ignore(message, 'automatic');
    if (message.approvalReply) return this.#reply(message, message.approvalReply);

    const person = sender.authenticated ? this.deps.directory.personOf(sender.account) : undefined;
    const requester = person ?? this.#guest(message);
    if (!requester) return this.#stranger(message);
    if (!this.deps.directory.may(requester.roles, 'ask')) {
      return this.#refuse(
        message,
        'may-not-ask',
        'You may not ask me for things. Whoever runs me can give you a role that may.',
      );
    }
    const { text_chars } = this.deps.config().settings.limits;
    if (message.text.length > text_chars) {
      return this.#refuse(
        message,
        'too-long',
        `That is too long for me: ${message.text.length} characters, and I read ${text_chars}.`,
      );
    }
    const waitMs = await this.#overLimit(message);
    if (waitMs > 0) {
      return this.#refuse(
        message,
        'too-many',
        `That was a lot in a short time. Please try again in ${Math.ceil(waitMs / 1_000)} s.`,
      );
    }
    return this.#post(message, requester);
  }

  async #post(message: InboundMessage, requester: Pick<Person, 'id' | 'name' | 'roles'>): Promise<Receipt> {
    const item: MailboxItem = {
      kind: 'message',
      id: message.id,
      correlation: message.id,
      message,
      requester: { person: requester.id, name: requester.name, roles: requester.roles },
    };
    const posted = await this.deps.mailbox.post({
      conversationId: message.conversationId,
      item,
      // A reply in a thread we have no part in is other people's talk.
      whose: message.addressedToBot ? 'any' : 'known',
      audit: toAudit(message, 'message.received', {
        person: requester.id,
        authorization: 'allow',
        rule: `permission ask of ${requester.roles.join(', ')}`,
      }),
      takeNow: this.deps.hasRoom(),
    });
    switch (posted.kind) {
      case 'taken':
        this.deps.onTaken(posted.claim);
        return { kind: 'stored' };
      case 'stored':
        return { kind: 'stored' };
      case 'duplicate':
        return { kind: 'duplicate' };
      case 'stranger':
        return { kind: 'ignored', reason: 'not addressed to the agent' };
      default:
        return posted satisfies never;
    }
  }

  /** Somebody who is not in `contacts.yaml`, where the configuration says that strangers are answered. */
  #guest({ sender }: InboundMessage): Pick<Person, 'id' | 'name' | 'roles'> | undefined {
    const { unknown_senders, guest_role } = this.deps.config().authorizations;
    if (unknown_senders !== 'answer' || guest_role === undefined || !sender.authenticated) return undefined;
    // Strangers are told apart, so that nothing kept for one of them is seen by another.
    const tail = createHash('sha256').update(sender.account).digest('hex').slice(0, 16);
    return { id: PersonId.parse(`guest.${tail}`), name: sender.displayName, roles: [guest_role] };
  }

  async #stranger(message: InboundMessage): Promise<Receipt> {
    const { sender } = message;
    const ask = this.deps.config().authorizations.unknown_senders === 'ask-to-pair';
    // Whoever cannot prove who they are gets no answer: it would go to somebody whose name was used.
    if (!ask || !message.addressedToBot || !sender.authenticated)
      return this.#ignore(message, 'unknown-sender');
    const sentence = `I do not know you yet. Please ask whoever runs me to add your account \`${sender.account}\` to contacts.yaml.`;
    return this.#refuse(message, 'unknown-sender', sentence, {
      key: `pair:${sender.account}`,
      forMs: PAIR_AGAIN_MS,
    });
  }

  /** 0, or how long the sender has to wait, in ms. */
  async #overLimit({ sender }: InboundMessage): Promise<number> {
    const perMinute = this.deps.config().settings.limits.messages_per_person_per_minute;
    if (this.#limiter?.perMinute !== perMinute) {
      this.#limiter = { perMinute, limiter: new RateLimiterMemory({ points: perMinute, duration: 60 }) };
    }
    try {
      await this.#limiter.limiter.consume(sender.account);
      return 0;
    } catch (refused) {
      if (refused instanceof RateLimiterRes) return refused.msBeforeNext;
      throw refused;
    }
  }

  async #ignore(message: InboundMessage, reason: string): Promise<Receipt> {
    await this.#record(message.conversationId, message, 'message.ignored', { reason });
    return { kind: 'ignored', reason };
  }

  /** Says why it is not taken. Told once for each message, or as `once` says. */
  async #refuse(message: InboundMessage, reason: string, markdown: string, once?: Once): Promise<Receipt> {
    if (!message.addressedToBot) return this.#ignore(message, reason);
    await this.deps.writer.write(message.conversationId, [
      toOutEffect(this.#toSender(message, `refused:${message.id}`, markdown), {
        once: once ?? { key: `refused:${message.id}`, forMs: HELP_AGAIN_MS },
      }),
      { kind: 'audit', event: toAudit(message, 'message.refused', { reason, authorization: 'deny' }) },
    ]);
    return { kind: 'ignored', reason };
  }

  // ── Answers by button, form or command ─────────────────────────────────────────────────────────────────────

  async #answer(answer: InboundAnswer): Promise<Receipt> {
    const { sender, approvalId } = answer;
    const person =
      sender.authenticated && !sender.automatic ? this.deps.directory.personOf(sender.account) : undefined;
    if (!person) {
      await this.#recordAnswer(answer, 'UNKNOWN_PERSON', sender.account);
      return {
        kind: 'answered',
        code: 'NOT_ELIGIBLE',
        notice: 'I do not know you here, so you cannot decide this. Nothing was decided.',
      };
    }
    const result = await this.#vote(approvalId, sender, person, {
      key: answer.id,
      choice: answer.choice,
      text: answer.text,
      gen: answer.gen,
      digest: answer.digest,
    });
    if (!result) {
      await this.#recordAnswer(answer, 'NOT_FOUND', person.id);
      return {
        kind: 'answered',
        code: 'NOT_FOUND',
        notice: `I no longer have the request ${approvalId}; it was settled long ago. Nothing was decided.`,
      };
    }
    await this.#adoptCopy(answer, result.approval);
    await this.#recordAnswer(answer, result.code, person.id);
    return { kind: 'answered', code: result.code, notice: noticeFor(result) };
  }

  /** Undefined if there is no such approval. A `digest` of undefined stands for the current one of that generation. */
  async #vote(
    id: Approval['id'],
    sender: Sender,
    person: Person,
    ballot: Ballot,
  ): Promise<VoteResult | undefined> {
    const mayApprove = this.deps.directory.may(person.roles, 'approve');
    return this.deps.approvals.apply(id, (approval, nowMs) =>
      vote(
        approval,
        {
          ...ballot,
          digest: ballot.digest ?? approval.digest,
          by: { person: person.id, name: person.name, account: sender.account },
          roles: person.roles,
          permitted: mayApprove,
          via: platformOf(sender.account),
        },
        nowMs,
      ),
    );
  }

  /** A card whose reference was lost (we died between sending and noting it) is known again by its first click. */
  async #adoptCopy({ card }: InboundAnswer, approval: Approval): Promise<void> {
    if (!card) return;
    const lost = approval.copies.find(
      ({ ref, to }) => ref === undefined && JSON.stringify(to) === JSON.stringify(card.to),
    );
    if (!lost) return;
    await this.deps.approvals.apply(approval.id, (current) =>
      noteCopy(current, lost.id, { ref: card.ref, shown: 0 }),
    );
  }

  async #recordAnswer(
    { approvalId, sender, id, choice }: InboundAnswer,
    code: string,
    actor: string,
  ): Promise<void> {
    await this.deps.writer.writeIn(partitionOfApproval(approvalId), [
      {
        kind: 'audit',
        event: {
          event: 'answer.received',
          actor,
          subject: approvalId,
          correlation: id,
          channel: platformOf(sender.account),
          detail: { choice, result: code, account: sender.account },
        },
      },
    ]);
  }

  // ── Answers by mail ────────────────────────────────────────────────────────────────────────────────────────

  async #reply(
    message: InboundMessage,
    reply: NonNullable<InboundMessage['approvalReply']>,
  ): Promise<Receipt> {
    const claim = this.deps.tokens.read(reply.token);
    const approval = claim && (await this.deps.approvals.find(claim.approvalId));
    if (!claim || !approval) return this.#refuseReply(message, 'NOT_FOUND', undefined, NO_SUCH_REQUEST);

    const { sender } = message;
    const person = this.deps.directory.personOf(sender.account);
    if (!sender.authenticated) return this.#doubtful(message, approval, person);
    if (!person || !this.#madeFor(reply.token, claim, person)) {
      return this.#refuseReply(message, 'NOT_ELIGIBLE', approval, NOT_YOURS);
    }

    const subject = { approvalId: approval.id, person: person.id, gen: claim.gen };
    const parsed = parseReply(reply.readings, this.deps.tokens.codes(subject));
    if (parsed.kind === 'unclear') {
      return this.#refuseReply(message, 'NOT_UNDERSTOOD', approval, this.#help(approval, parsed, subject));
    }
    const result = await this.#vote(approval.id, sender, person, {
      key: message.id,
      choice: parsed.kind,
      text: textOf(parsed),
      gen: claim.gen,
      digest: undefined,
    });
    if (!result) return this.#refuseReply(message, 'NOT_FOUND', approval, NO_SUCH_REQUEST);
    if (result.code !== 'DECIDED' && result.code !== 'REPLAY') {
      return this.#refuseReply(message, result.code, result.approval, noticeFor(result));
    }
    await this.#recordReply(message, result.approval, result.code, person.id);
    return { kind: 'answered', code: result.code, notice: noticeFor(result) };
  }

  #madeFor(token: string, { approvalId, gen }: ReplyClaim, person: Person): boolean {
    return this.deps.tokens.verify(token, { approvalId, gen, person: person.id });
  }

  /** A mail that may be forged: it decides nothing, and the person whose address it carries hears of it, once. */
  async #doubtful(message: InboundMessage, approval: Approval, person: Person | undefined): Promise<Receipt> {
    const asked = person && approval.copies.find((copy) => copy.person === person.id);
    if (asked && approval.state === 'OPEN') {
      const markdown = `A mail in your name answered the request “${titleOf(approval)}”, but it could not be proved that it came from you (no valid DKIM signature of your domain). Nothing was decided. If it was you, answer from another channel.`;
      await this.#writeTo(approval, {
        ...this.#toSender(message, `doubtful:${approval.id}:${approval.gen}`, markdown),
        to: asked.to,
      });
    }
    await this.#recordReply(message, approval, 'NOT_AUTHENTICATED', message.sender.account);
    return { kind: 'answered', code: 'NOT_AUTHENTICATED', notice: 'The sender could not be authenticated.' };
  }

  async #refuseReply(
    message: InboundMessage,
    code: string,
    approval: Approval | undefined,
    markdown: string,
  ): Promise<Receipt> {
    const receipt: Receipt = { kind: 'answered', code, notice: markdown };
    if (!message.sender.authenticated) {
      await this.#record(message.conversationId, message, 'answer.received', { result: code });
      return receipt;
    }
    const subject = approval?.id ?? message.conversationId;
    await this.#writeTo(
      approval ?? message,
      this.#toSender(message, `told:${subject}:${code}:${message.id}`, markdown),
      {
        // Not for each mail: two machines answering each other must come to an end.
        key: `told:${subject}:${code}:${message.sender.account}`,
        forMs: HELP_AGAIN_MS,
      },
    );
    await this.#recordReply(message, approval, code, message.sender.account);
    return receipt;
  }

  #help(
    approval: Approval,
    { why }: Extract<ParsedReply, { kind: 'unclear' }>,
    subject: ReplySubject,
  ): string {
    const { approveCode, denyCode } = this.deps.tokens.codes(subject);
    return [
      `Your mail about “${titleOf(approval)}” decided nothing: ${UNCLEAR[why]}.`,
      `Please reply with one of these lines, as the very first line:\n\n- \`approve ${approveCode}\`\n- \`deny ${denyCode} your reason\``,
    ].join('\n\n');
  }

  // ── Writing ────────────────────────────────────────────────────────────────────────────────────────────────

  #toSender(message: InboundMessage, id: string, markdown: string): OutboxItem {
    return {
      kind: 'text',
      id,
      correlation: message.id,
      conversationId: message.conversationId,
      to: message.replyTo,
      markdown,
      atMs: this.deps.clock.now(),
    };
  }

  /** Into the partition of what it is about. */
  async #writeTo(
    about: { readonly conversationId: ConversationId },
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
  ): Promise<void> {
    const event = toAudit(message, 'answer.received', { result: code });
    const subject = approval?.id ?? event.subject;
    await this.deps.writer.write(approval?.conversationId ?? message.conversationId, [
      { kind: 'audit', event: { ...event, actor, subject } },
    ]);
  }

  async #record(
    owner: ConversationId,
    inbound: InboundMessage | InboundRevision,
    event: string,
    detail: AuditEvent['detail'],
  ): Promise<void> {
    await this.deps.writer.write(owner, [{ kind: 'audit', event: toAudit(inbound, event, detail) }]);
  }
}

/** What was answered, as far as the answer itself says. */
interface Ballot {
  readonly key: string;
  readonly choice: AnswerChoice;
  readonly text: string | undefined;
  readonly gen: number;
  readonly digest: string | undefined;
}

const NO_SUCH_REQUEST =
  'I have no open request for this reply address; it may have been settled long ago. Nothing was decided.';
const NOT_YOURS = 'This request was sent to somebody else, and only they can answer it. Nothing was decided.';

/** Why a mail decided nothing, in words. */
const UNCLEAR: Readonly<Record<UnclearReason, string>> = {
  empty: 'it holds no text',
  quoted: 'its first line is quoted text',
  'hidden-characters': 'its first line holds characters that cannot be seen',
  'too-long': 'its first line is too long',
  'no-verdict': 'its first line does not begin with approve, deny or answer',
  'no-code': 'the code is missing',
  'wrong-code': 'the code is not the one for that answer',
  'both-codes': 'it holds both codes',
  question: 'its first line is a question',
  'two-verdicts': 'its first line says two different things',
  'extra-words': 'there is more in its first line than the answer',
  'no-text': 'the answer itself is missing',
  'readings-differ': 'its text and its HTML say different things',
};

function textOf(parsed: ParsedReply): string | undefined {
  if (parsed.kind === 'deny') return parsed.reason || undefined;
  return parsed.kind === 'answer' ? parsed.text : undefined;
}

function toAudit(
  { id, conversationId, sender }: InboundMessage | InboundRevision,
  event: string,
  detail: AuditEvent['detail'],
): AuditEvent {
  return {
    event,
    actor: sender.account,
    subject: conversationId,
    correlation: id,
    channel: platformOf(sender.account),
    detail,
  };
}
