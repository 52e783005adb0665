/**
 * Takes in everything that comes from a platform, and decides what it is: an answer to an approval, a command,
 * something for the agent, or nothing of ours.
 *
 * Owns      who may speak to the agent, at the moment they do.
 * Not here  who may decide (`answer-desk`), what commands say (`directive-desk`), what the agent answers (`conversation-worker`).
 *
 * Invariants
 *   1. Resolves only when what came in is stored, or refused for good; rejects when it could not be stored, so that
 *      the platform delivers it again.
 *   2. What is automatic never runs a turn, never decides, and is never answered; nor does a change or a removal of
 *      something said. What had been changed before it was first read here is taken as it stands, and never decides.
 *   3. Everything that comes in leaves exactly one audit entry, however often it is delivered; what is stored leaves
 *      it when it is handled.
 *   4. What may have been handled and forgotten is not handled: a message is remembered for a time, and one written
 *      longer ago than that is refused, whoever kept a copy of it.
 *   5. What lets somebody answer an approval stays out of what is stored and what the model is shown.
 */
import { quotesInNote } from '../agent/provenance.ts';
import { hideReplySecrets } from '../approvals/reply-parser.ts';
import type { Config } from '../config/load-config.ts';
import type { ControlStore } from '../control/control-store.ts';
import { silenceText } from '../control/silence.ts';
import { toOutEffect, toSender } from '../delivery/outbox.ts';
import type { AuditEvent } from '../domain/audit-event.ts';
import type { Clock } from '../domain/clock.ts';
import type { MessageDirectives } from '../domain/directive.ts';
import type { Receive } from '../domain/gateway.ts';
import { type ConversationId, isTerminal, type MessageId, platformOf } from '../domain/ids.ts';
import type { MailboxItem } from '../domain/mailbox-item.ts';
import type { Inbound, InboundMessage, InboundRevision, Receipt } from '../domain/message.ts';
import type { Person } from '../domain/person.ts';
import type { Directory } from '../identity/directory.ts';
import { hideCodes } from '../identity/link-code.ts';
import type { LinkDesk } from '../identity/link-desk.ts';
import type { Claim } from '../mailbox/keyed-queue.ts';
import type { Mailbox } from '../mailbox/mailbox.ts';
import type { Logger } from '../observability/logger.ts';
import type { EffectWriter } from '../redis/effect-writer.ts';
import type { Once } from '../redis/effects.ts';
import { type AnswerDesk, turnedAwayKey } from './answer-desk.ts';
import { wordsForHuman } from './control-directives.ts';
import type { Directive, DirectiveDesk } from './directive-desk.ts';
import { ESCALATION_DIRECTIVES } from './escalation-directives.ts';
import { LINK_DIRECTIVES, type LinkDirectives, type LinkWish, readLinkWish } from './link-directives.ts';
import { readMessageDirectives } from './message-directives.ts';
import { MOST_IN_FRONT, type Opening, readOpening } from './opening.ts';
import { itemIdOf, type Rooms } from './rooms.ts';
import { SenderLimit } from './sender-limit.ts';

/** That something of theirs was not taken is said to a sender once in this time. */
const SAY_AGAIN_MS = 60_000;

const TOO_OLD =
  'Something you wrote reached me so late that I can no longer tell whether I have had it before, so I did nothing with it. Please send again whatever I have not answered.';

const CHANGES_HANDS: ReadonlySet<string> = new Set(['takeover', 'handback', 'human']);
/** Those that name an escalation. */
const ACTS_ON_CALL: ReadonlySet<string> = new Set(
  ESCALATION_DIRECTIVES.filter((each) => each !== 'escalations'),
);
/** Commands that are taken only as they were first written. */
const AS_WRITTEN: ReadonlySet<string> = new Set([
  ...CHANGES_HANDS,
  'say',
  ...ACTS_ON_CALL,
  ...LINK_DIRECTIVES,
  'grants',
  'memory',
]);
/** What somebody was called or asked about, and what they have said to it. */
const OF_WHOEVER_IS_ASKED: ReadonlySet<string> = new Set([...ESCALATION_DIRECTIVES, 'approvals', 'grants']);
/** What names what it is about wherever it is written. */
const NAMES_ITS_OBJECT: ReadonlySet<string> = new Set([...ACTS_ON_CALL, 'say']);
/** Commands by which somebody settles, stops or takes on something: what they say otherwise does not crowd them out. */
const ACTS: ReadonlySet<Directive> = new Set([
  'approve',
  'deny',
  'withdraw',
  'stop',
  'takeover',
  'handback',
  'human',
  'say',
  'ack',
  'release',
  'snooze',
  'escalate',
  'resolve',
]);
/** The same of commands that only list something where nothing stands behind them. */
const ACTS_WITH_WORDS: ReadonlySet<Directive> = new Set(['grants', 'memory']);
const LINK_ACTS: ReadonlySet<LinkWish['kind']> = new Set([
  'confirm',
  'decline',
  'unlink',
  'propose',
  'admit',
  'turn-away',
]);
const EDITED =
  'That message was changed after it was sent, so I do not act on it. Please write the command anew.';
const SEVERAL =
  'Those are several commands, and I take one at a time, so I did nothing. Please write each in a message of its own.';
const TOO_MANY_IN_FRONT = `More than ${MOST_IN_FRONT} words such as \`/ask\` stand in front of that, and I look behind no more of them, so I did nothing. Please write it again with fewer.`;

export interface RouterDeps {
  readonly mailbox: Mailbox;
  readonly answers: AnswerDesk;
  readonly directives: DirectiveDesk;
  readonly links: LinkDirectives;
  readonly linking: LinkDesk;
  readonly directory: Directory;
  readonly writer: EffectWriter;
  readonly rooms: Pick<Rooms, 'settle'>;
  readonly controls: Pick<ControlStore, 'find'>;
  readonly config: () => Config;
  /** Whether the agent has a part in a conversation. */
  readonly isKnown: (conversationId: ConversationId) => Promise<boolean>;
  /** Whether this process would work on a conversation at once. */
  readonly hasRoom: () => boolean;
  /** Takes a conversation that was leased to this process as its first item was stored. */
  readonly onTaken: (claim: Claim) => void;
  readonly clock: Clock;
  readonly log: Logger;
}

export class MessageRouter {
  /** As many of each: acts are answers and the commands that act. */
  readonly #limits: { readonly talk: SenderLimit; readonly acts: SenderLimit };

  /** Messages that are being taken in, by their ids. */
  readonly #takenIn = new Map<MessageId, Promise<Receipt>>();

  constructor(private readonly deps: RouterDeps) {
    const perMinute = () => deps.config().settings.limits.messages_per_person_per_minute;
    this.#limits = {
      talk: new SenderLimit(perMinute, deps.clock),
      acts: new SenderLimit(perMinute, deps.clock),
    };
  }

  readonly receive: Receive = async (inbound: Inbound): Promise<Receipt> => {
    switch (inbound.kind) {
      case 'message':
        return this.#behindItself(inbound.id, () => this.#message(inbound));
      case 'answer':
        return this.deps.answers.take(inbound);
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

  /**
   * A delivery of what is being taken in waits for that: Slack tells of a mention twice, at the same time. Otherwise the
   * second could say that it was had before, before the first has said what came of it.
   */
  async #behindItself(id: MessageId, takeIn: () => Promise<Receipt>): Promise<Receipt> {
    const before = this.#takenIn.get(id);
    const now = before ? before.then(takeIn, takeIn) : takeIn();
    this.#takenIn.set(id, now);
    try {
      return await now;
    } finally {
      if (this.#takenIn.get(id) === now) this.#takenIn.delete(id);
    }
  }

  async #message(written: InboundMessage): Promise<Receipt> {
    const { sender, approvalReply } = written;
    if (sender.automatic) return this.#ignore(written, 'automatic');
    if (approvalReply) return this.deps.answers.takeMail({ ...written, approvalReply });
    const opening = readOpening(written.text);
    // Behind words that say how a message is handled a command says what it says without them.
    const isCommand = opening.kind === 'command' || opening.kind === 'answer';
    const message = isCommand ? { ...written, text: opening.text } : written;

    const { directory, clock } = this.deps;
    const requester = await directory.speakerNow(sender, clock.now());
    const mayDecide = sender.authenticated && message.edited !== true;
    const reply = mayDecide ? await this.deps.answers.read(message) : undefined;
    const isKnown = requester !== undefined;
    if (reply) {
      return (await this.#turnAwayAct(message, isKnown)) ?? this.deps.answers.takeLine(message, reply);
    }
    const missed = sender.authenticated
      ? await this.deps.answers.missed({ ...message, text: wordsOf(message, opening) })
      : undefined;
    if (missed) {
      return (await this.#turnAwayAct(message, isKnown)) ?? this.deps.answers.takeMissed(message, missed);
    }
    if (!requester) return this.#stranger(message, opening);
    const meant = await this.#meant(written, opening);
    const turnedAway = await (isAct(meant)
      ? this.#turnAwayAct(message, isKnown)
      : this.#turnAwayTalk(message));
    if (turnedAway) return turnedAway;
    if (!directory.may(requester.roles, 'ask') && !this.#needsNoAsk(meant, requester)) {
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
    return this.#sort(await this.deps.rooms.settle(written), meant, requester);
  }

  /** What is too old to be told from a repetition, or too much at once. */
  async #turnAwayTalk(message: InboundMessage): Promise<Receipt | undefined> {
    const tooOld = await this.#turnAwayOld(message);
    if (tooOld) return tooOld;
    const { account } = message.sender;
    const waitMs = await this.#limits.talk.waitMs(account, message.id);
    if (waitMs === 0) return undefined;
    const once = { key: `too-many:${account}`, forMs: SAY_AGAIN_MS };
    const { addressedToBot, overheard, conversationId } = message;
    const isForUs = addressedToBot || (!overheard && (await this.deps.isKnown(conversationId)));
    const refused = { ...message, addressedToBot: isForUs };
    // A flood is answered once, or the answers would be a flood of their own.
    return this.#refuse(refused, 'too-many', tooManyText(waitMs), { owner: account, once });
  }

  /** The same for an answer, or a command that acts: whoever is known here is told of each that was not taken. */
  async #turnAwayAct(message: InboundMessage, isKnown: boolean): Promise<Receipt | undefined> {
    const tooOld = await this.#turnAwayOld(message);
    if (tooOld) return tooOld;
    const { account } = message.sender;
    const waitMs = await this.#limits.acts.waitMs(account, message.id);
    if (waitMs === 0) return undefined;
    // For us wherever it stands, and told to its author alone, as what comes of one that is taken.
    const taken: InboundMessage = { ...message, addressedToBot: true, isCommand: true };
    const markdown = `Nothing came of what you just wrote. ${tooManyText(waitMs)}`;
    const once = { key: `too-many-acts:${account}`, forMs: SAY_AGAIN_MS };
    return this.#refuse(taken, 'too-many', markdown, isKnown ? undefined : { owner: account, once });
  }

  /** Comes before the limits, which somebody else's copies of old messages must not use up. */
  async #turnAwayOld(message: InboundMessage): Promise<Receipt | undefined> {
    if (!this.#mayBeForgotten(message)) return undefined;
    const { account } = message.sender;
    const once = { key: `too-old:${account}`, forMs: SAY_AGAIN_MS };
    return this.#refuse(message, 'too-old', TOO_OLD, { owner: account, once });
  }

  /** What people can say though they may not talk to the agent. */
  #needsNoAsk(opening: Opening, { id, roles }: Pick<Person, 'id' | 'roles'>): boolean {
    if (opening.kind !== 'command') return false;
    const { directory } = this.deps;
    const { directive } = opening;
    if (LINK_DIRECTIVES.some((each) => each === directive)) return true; // which accounts are theirs
    if (directive === 'takeover' || directive === 'handback' || directive === 'say')
      return directory.may(roles, 'take-over');
    return OF_WHOEVER_IS_ASKED.has(directive) && directory.find(id) !== undefined;
  }

  /** A command, or something for the agent. A command has been found to be for us, also where it does not say so. */
  async #sort(
    message: InboundMessage,
    opening: Opening,
    requester: Pick<Person, 'id' | 'name' | 'roles'>,
  ): Promise<Receipt> {
    switch (opening.kind) {
      case 'message':
        return this.#forAgent(saying(message, opening.text), requester);
      case 'answer': // One that does not count: it was changed, or nobody vouches for its sender.
        return this.#forAgent(asNote(message, message.text), requester);
      case 'anew': {
        const { text } = opening;
        // In line before the message; delivered again, it is there already.
        await this.deps.directives.take('new', message, requester);
        return this.#forAgent(asNote(message, text), requester);
      }
      case 'several':
        return this.#refuse({ ...message, addressedToBot: true }, 'several-commands', SEVERAL);
      case 'too-many':
        return this.#refuse({ ...message, addressedToBot: true }, 'too-many-in-front', TOO_MANY_IN_FRONT);
      case 'command': {
        const { directive, text } = opening;
        if (message.edited && AS_WRITTEN.has(directive)) {
          return this.#refuse({ ...message, addressedToBot: true }, 'edited', EDITED);
        }
        const taken = await this.deps.directives.take(directive, { ...message, text }, requester);
        const words = directive === 'human' ? wordsForHuman({ ...message, text }) : undefined;
        // Behind the wish in line: whoever comes reads them, or the agent when nobody does.
        if (words !== undefined) await this.#post(asNote(message, words), requester);
        return taken;
      }
      default:
        return opening satisfies never;
    }
  }

  /** Something for the agent, without the directives in front of it; those alone are nothing it could answer. */
  async #forAgent(
    message: InboundMessage,
    requester: Pick<Person, 'id' | 'name' | 'roles'>,
  ): Promise<Receipt> {
    const read = message.overheard ? undefined : readMessageDirectives(message.text);
    if (!read) return this.#post(message, requester);
    const { directives, text } = read;
    if (message.edited && directives.asked.includes('elevated')) {
      return this.#refuse(message, 'edited', EDITED);
    }
    const isAlone = text.trim() === '' && (message.attachments ?? []).length === 0;
    if (!isAlone) return this.#post({ ...message, text }, requester, directives);
    return message.addressedToBot
      ? this.deps.directives.explain(directives, message, requester)
      : this.#ignore(message, 'directives-alone');
  }

  /**
   * In a conversation the agent is part of a command needs no mention, as what is said to the agent needs none; where
   * people talk to each other, only who speaks changes so. Nor is one needed where a ticket says it, of an escalation
   * or of a conversation to speak in. In talk of others it is theirs.
   */
  async #meant(message: InboundMessage, opening: Opening): Promise<Opening> {
    if (message.addressedToBot || opening.kind === 'answer') return opening;
    if (opening.kind === 'message' && opening.text === message.text) return opening;
    const directive = opening.kind === 'command' ? opening.directive : undefined;
    if (directive !== undefined && NAMES_ITS_OBJECT.has(directive)) return opening;
    const isMeant = !message.overheard || (directive !== undefined && CHANGES_HANDS.has(directive));
    if (isMeant && (await this.deps.isKnown(message.conversationId))) return opening;
    return { kind: 'message', text: message.text };
  }

  /** Whether it may have been handled so long ago that nobody here remembers: then it must not be handled again. */
  #mayBeForgotten({ sentAt }: InboundMessage): boolean {
    return this.deps.clock.now() - Date.parse(sentAt) >= this.deps.config().settings.retention.dedupe;
  }

  async #post(
    message: InboundMessage,
    requester: Pick<Person, 'id' | 'name' | 'roles'>,
    directives?: MessageDirectives,
  ): Promise<Receipt> {
    const item: MailboxItem = {
      kind: 'message',
      id: itemIdOf(message),
      correlation: message.id,
      message: { ...message, text: hideCodes(hideReplySecrets(message.text)) },
      ...(directives ? { directives } : {}),
      receivedAt: new Date(this.deps.clock.now()).toISOString(),
      requester: { person: requester.id, name: requester.name, roles: requester.roles },
    };
    const posted = await this.deps.mailbox.post({
      conversationId: message.conversationId,
      item,
      // A reply in a thread we have no part in is other people's talk.
      whose: message.addressedToBot ? 'any' : 'known',
      takeNow: this.deps.hasRoom(),
    });
    switch (posted.kind) {
      case 'taken':
        this.deps.onTaken(posted.claim);
        return this.#stored(message);
      case 'stored':
        return this.#stored(message);
      case 'duplicate':
        return { kind: 'duplicate' };
      case 'stranger':
        return { kind: 'ignored', reason: 'not addressed to the agent' };
      default:
        return posted satisfies never;
    }
  }

  /** A command is answered at once, so it is said whether the agent has anything to say to it. */
  async #stored({ conversationId, isCommand }: InboundMessage): Promise<Receipt> {
    if (!isCommand) return { kind: 'stored' };
    // It is stored, whoever can tell who speaks there.
    const control = await this.deps.controls.find(conversationId).catch(() => undefined);
    const silence = control && silenceText(control);
    return silence === undefined ? { kind: 'stored' } : { kind: 'stored', silence };
  }

  async #stranger(message: InboundMessage, opening: Opening): Promise<Receipt> {
    const { sender } = message;
    const { account, displayName: name } = sender;
    // Whoever cannot prove who they are gets no answer: it would go to somebody whose name was used.
    if (!message.addressedToBot || !sender.authenticated) return this.#ignore(message, 'unknown-sender');
    if (this.deps.directory.isSilenced(account, this.deps.clock.now())) {
      return this.#ignore(message, 'turned-away');
    }
    if (opening.kind === 'command' && opening.directive === 'link') {
      const linked = await this.#fromStranger(message);
      if (linked) return linked;
    }
    const ask = this.deps.config().authorizations.unknown_senders === 'ask-to-pair';
    if (!ask) return this.#ignore(message, 'unknown-sender');
    const { id, conversationId, replyTo } = message;
    const gesture = { id, account, channel: platformOf(account), actor: account };
    const alone = message.isCommand ? { onlyFor: account } : {};
    const place = { to: replyTo, conversationId, ...alone };
    const { code } = await this.deps.linking.askToPair(gesture, { name, place });
    const about = { reason: 'unknown-sender', authorization: 'deny', rule: 'unknown_senders: ask-to-pair' };
    await this.#record(conversationId, message, 'message.refused', about);
    return { kind: 'ignored', reason: 'unknown-sender', ...(code === 'ASKED' ? { told: true } : {}) };
  }

  /** A code by which a stranger becomes somebody; undefined if it is none. */
  async #fromStranger(message: InboundMessage): Promise<Receipt | undefined> {
    const turnedAway = await this.#turnAwayTalk(message);
    if (turnedAway) return turnedAway;
    if (message.edited) return this.#refuse(message, 'edited', EDITED);
    return this.deps.links.takeFromStranger(message);
  }

  async #ignore(message: InboundMessage, reason: string): Promise<Receipt> {
    await this.#record(message.conversationId, message, 'message.ignored', { reason });
    return { kind: 'ignored', reason };
  }

  /** Says why it is not taken. Told for each message, or as `told.once` says in the partition of `told.owner`. */
  async #refuse(
    message: InboundMessage,
    reason: string,
    markdown: string,
    told?: { readonly owner: string; readonly once: Once },
  ): Promise<Receipt> {
    if (!message.addressedToBot) return this.#ignore(message, reason);
    await this.deps.writer.write(
      told?.owner ?? message.conversationId,
      [
        toOutEffect(
          toSender(message, { id: `refused:${message.id}`, markdown, atMs: this.deps.clock.now() }),
          {
            ...(told ? { once: told.once } : {}),
          },
        ),
        { kind: 'audit', event: toAudit(message, 'message.refused', { reason, authorization: 'deny' }) },
      ],
      this.#firstTime(message.id),
    );
    // Whether something that is told once in a while was told this time, nobody knows.
    return { kind: 'ignored', reason, ...(told ? {} : { told: true }) };
  }

  // ── Writing ────────────────────────────────────────────────────────────────────────────────────────────────

  #firstTime(id: string): Once {
    return { key: turnedAwayKey(id), forMs: this.deps.config().settings.retention.dedupe };
  }

  async #record(
    owner: ConversationId,
    inbound: InboundMessage | InboundRevision,
    event: string,
    detail: AuditEvent['detail'],
  ): Promise<void> {
    await this.deps.writer.write(
      owner,
      [{ kind: 'audit', event: toAudit(inbound, event, detail) }],
      this.#firstTime(inbound.id),
    );
  }
}

function isAct(opening: Opening): boolean {
  if (opening.kind !== 'command') return false;
  const { directive, text } = opening;
  if (ACTS_WITH_WORDS.has(directive)) return /\s\S/.test(text.trim());
  const wish = readLinkWish(text);
  return ACTS.has(directive) || (wish !== undefined && LINK_ACTS.has(wish.kind));
}

function tooManyText(waitMs: number): string {
  return `That was a lot in a short time. Please try again in ${Math.ceil(waitMs / 1_000)} s.`;
}

/** Without words in front that say how a message is handled. */
function wordsOf({ text }: InboundMessage, opening: Opening): string {
  return opening.kind === 'message' ? (readMessageDirectives(opening.text)?.text ?? opening.text) : text;
}

/** What a message says to the agent, with nothing of a command in front of it. */
function saying(message: InboundMessage, text: string): InboundMessage {
  const hasLines = !message.isCommand && !isTerminal(message.replyTo.platform);
  return hasLines && text === message.text ? message : asNote(message, text);
}

/** Behind a command, and where only one line can be typed, nobody sets a quotation apart: it stands within the line. */
function asNote(message: InboundMessage, text: string): InboundMessage {
  return { ...message, text, ...(quotesInNote(text) ? { passesOn: true as const } : {}) };
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
