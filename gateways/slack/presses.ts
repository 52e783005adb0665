/**
 * Presses on buttons, and forms sent: turned into answers, and the person told what came of it.
 *
 * Owns      what the one who pressed is told, and when.
 * Not here  who may decide what, and what a press means to an approval.
 *
 * Invariants
 *   1. A press that was not recorded is never silent: the person is told to press again, and Slack shows a failure.
 *      While nobody knows whether it is recorded, that is what they are told, and what came of it once it is known.
 *   2. A person is told what came of a press only after the core has said so.
 *   3. What is no button of ours decides nothing, and says so.
 */
import type { Lookup, Receive } from '../../src/domain/gateway.ts';
import type { InboundAnswer, InboundMessage, Receipt } from '../../src/domain/message.ts';
import type { Logger } from '../../src/observability/logger.ts';
import { OF_PRESS, recordedWithin, type Settled } from '../recording.ts';
import { within } from '../within.ts';
import { FORM_BOUNDS, toFormModal, toReasonModal } from './card.ts';
import type { SlackClient } from './client.ts';
import {
  type Identity,
  type Press,
  REASON_MODAL,
  toFilledAnswer,
  toPress,
  toReasonedAnswer,
} from './inbound.ts';
import { parsePayload } from './intake.ts';
import { BlockActions, type ReasonContext, ViewSubmission } from './schema.ts';
import type { Actor, Teller, Word } from './teller.ts';

const NOT_RECORDED_MODAL =
  'Not recorded, as far as I can tell. Please send it again; should it be recorded all the same, it counts once.';
const NOT_KNOWN_YET_MODAL =
  'I cannot tell yet whether this was recorded. It may be, and then it counts. You can send the same again: it counts once.';
const UNKNOWN_BUTTON = 'I do not know this button, so nothing was decided.';
const UNKNOWN_MODAL = 'I do not know this form, so nothing was decided.';
const NO_MODAL = 'The form could not be opened in time, so nothing was decided. Please press again.';

/** Of what the core offers. */
type Forms = Pick<Lookup, 'formFor'>;

interface PressesDeps {
  readonly client: SlackClient;
  readonly teller: Teller;
  readonly log: Logger;
  /** Whether anything from this channel is listened to. */
  readonly isOpen: (channel: string | undefined) => boolean;
  readonly storeWithinMs: number;
}

export class Presses {
  constructor(private readonly deps: PressesDeps) {}

  /** Resolves once what was pressed is recorded; rejects when it could not be, so that Slack shows a failure. */
  async takePress(
    body: unknown,
    ack: () => Promise<void>,
    { us, receive, lookup }: { us: Identity; receive: Receive; lookup: Forms },
  ): Promise<void> {
    const press = parsePayload('press', BlockActions, body);
    const presser = presserOf(press);
    const pressed = toPress(press, us);
    if (pressed.kind === 'unknown' || !this.deps.isOpen(presser.channel)) {
      this.deps.log.warn(
        { user: presser.user, channel: presser.channel },
        'a press on something that is no button of ours decided nothing',
      );
      this.deps.teller.tell(presser, UNKNOWN_BUTTON);
    } else if (pressed.kind === 'ask-words') {
      await this.#askWords(press.trigger_id, pressed.context, presser);
    } else if (pressed.kind === 'fill-in') {
      await this.#fillIn(press.trigger_id, pressed, presser, lookup);
    } else if (pressed.kind === 'say') {
      await this.#say(pressed.message, presser, receive);
    } else {
      await this.#record(pressed.answer, presser, receive);
    }
    await ack();
  }

  /** Resolves in every case: a form that could not be recorded stays open and says so. */
  async takeForm(
    body: unknown,
    ack: (answer?: FormErrors) => Promise<void>,
    { us, receive }: { us: Identity; receive: Receive },
  ): Promise<void> {
    const form = parsePayload('form', ViewSubmission, body);
    const answer = toReasonedAnswer(form, us) ?? toFilledAnswer(form, us);
    const card = answer?.card?.to.route;
    if (!answer || !this.deps.isOpen(card?.channel)) return ack(formError(form, UNKNOWN_MODAL));

    const presser = {
      user: form.user.id,
      channel: card?.channel,
      thread: card?.thread,
      responseUrl: undefined,
    };
    const recording = await recordedWithin(this.deps.storeWithinMs, receive(answer));
    switch (recording.kind) {
      case 'recorded': {
        const { receipt } = recording;
        const mistake = answer.fields && mistakeIn(receipt);
        if (mistake !== undefined) return ack(formError(form, mistake));
        this.#tellReceipt(presser, receipt);
        return ack();
      }
      case 'failed':
        this.#logFailed(recording.error, answer);
        // The form stays open with what was typed in it.
        return ack(formError(form, NOT_RECORDED_MODAL));
      case 'not-known-yet':
        this.#tellLater(presser, answer, recording.later);
        return ack(formError(form, NOT_KNOWN_YET_MODAL));
      default:
        return recording satisfies never;
    }
  }

  async #record(answer: InboundAnswer, presser: Actor, receive: Receive): Promise<void> {
    const receipt = await this.#receiptOf(answer, presser, receive);
    if (receipt) this.#tellReceipt(presser, receipt);
  }

  /** What comes of it is told as it is to whoever types the same. */
  async #say(message: InboundMessage, presser: Actor, receive: Receive): Promise<void> {
    await this.#receiptOf(message, presser, receive);
  }

  /** Undefined when it is not known yet: it is told later. Rejects when it could not be recorded. */
  async #receiptOf(
    gesture: InboundAnswer | InboundMessage,
    presser: Actor,
    receive: Receive,
  ): Promise<Receipt | undefined> {
    const recording = await recordedWithin(this.deps.storeWithinMs, receive(gesture));
    switch (recording.kind) {
      case 'recorded':
        return recording.receipt;
      case 'failed':
        this.deps.teller.tell(presser, OF_PRESS.failed);
        throw recording.error;
      case 'not-known-yet':
        this.deps.teller.tell(presser, OF_PRESS.notKnownYet);
        this.#tellLater(presser, gesture, recording.later);
        return undefined;
      default:
        return recording satisfies never;
    }
  }

  #tellLater(presser: Actor, gesture: InboundAnswer | InboundMessage, later: Promise<Settled>): void {
    this.deps.log.warn({ gesture: gesture.id }, 'a press was not stored in time; the person is told later');
    const word = later.then((outcome): Word => {
      if (outcome.kind === 'recorded') return lateWordOf(outcome.receipt, gesture);
      this.#logFailed(outcome.error, gesture);
      return { markdown: OF_PRESS.failed };
    });
    this.deps.teller.tellLater(presser, word);
  }

  #logFailed(error: unknown, { id }: InboundAnswer | InboundMessage): void {
    this.deps.log.error({ error, gesture: id }, 'a press could not be recorded; the person is told');
  }

  async #askWords(triggerId: string | undefined, context: ReasonContext, presser: Actor): Promise<void> {
    try {
      if (triggerId === undefined) throw new Error('the press came without a trigger');
      await within(this.deps.storeWithinMs, this.deps.client.openModal(triggerId, toReasonModal(context)));
    } catch (error) {
      this.deps.log.warn({ error, approval: context.approval }, 'the form for a reason could not be opened');
      this.deps.teller.tell(presser, NO_MODAL);
    }
  }

  async #fillIn(
    triggerId: string | undefined,
    { sender, context }: Extract<Press, { kind: 'fill-in' }>,
    presser: Actor,
    lookup: Forms,
  ): Promise<void> {
    try {
      if (triggerId === undefined) throw new Error('the press came without a trigger');
      const opening = this.#openForm(triggerId, { sender, context }, lookup);
      const refusal = await within(this.deps.storeWithinMs, opening);
      if (refusal !== undefined) this.deps.teller.tell(presser, refusal);
    } catch (error) {
      this.deps.log.warn({ error, approval: context.approval }, 'a form could not be opened');
      this.deps.teller.tell(presser, NO_MODAL);
    }
  }

  /** Resolves with what to tell instead, when there is no form for them. */
  async #openForm(
    triggerId: string,
    { sender, context }: Pick<Extract<Press, { kind: 'fill-in' }>, 'sender' | 'context'>,
    lookup: Forms,
  ): Promise<string | undefined> {
    const { approval: approvalId, gen, digest, choice } = context;
    const wish = { sender, approvalId, gen, digest, choice, bounds: FORM_BOUNDS };
    const offer = (await lookup.formFor?.(wish)) ?? { kind: 'refused' as const, notice: UNKNOWN_BUTTON };
    if (offer.kind === 'refused') return offer.notice;
    await this.deps.client.openModal(triggerId, toFormModal(offer.form, context));
    return undefined;
  }

  #tellReceipt(presser: Actor, receipt: Receipt): void {
    const word = wordOf(receipt);
    if (word) this.deps.teller.tell(presser, word.markdown, word.buttons);
  }
}

/** Undefined when there is nothing to say. */
function wordOf(receipt: Receipt): Word | undefined {
  if (receipt.kind === 'answered') return { markdown: receipt.notice, buttons: receipt.buttons };
  if (receipt.kind === 'ignored') return { markdown: `Nothing was decided: ${receipt.reason}.` };
  return undefined;
}

/** They were told that nobody could know yet, so something is said in every case; what was said, the core answers. */
function lateWordOf(receipt: Receipt, { kind }: InboundAnswer | InboundMessage): Word {
  const isAnswered = kind === 'message' && receipt.kind === 'answered';
  const word = isAnswered ? undefined : wordOf(receipt);
  return word ?? { markdown: OF_PRESS.recorded };
}

/** What Slack shows in a form that stays open. */
interface FormErrors {
  readonly response_action: 'errors';
  readonly errors: Record<string, string>;
}

/** Under the first of its fields. */
function formError({ view }: ViewSubmission, sentence: string): FormErrors {
  const [block = REASON_MODAL.block] = Object.keys(view.state.values);
  return { response_action: 'errors', errors: { [block]: sentence } };
}

/** What was filled in is wrong, and can be put right in the form. */
function mistakeIn(receipt: Receipt): string | undefined {
  const isMistake = receipt.kind === 'answered' && MISTAKES.has(receipt.code);
  return isMistake ? receipt.notice.replaceAll(/[`*]/g, '').slice(0, MAX_ERROR_CHARS) : undefined;
}

const MISTAKES: ReadonlySet<string> = new Set(['INVALID', 'NOT_UNDERSTOOD']);

/** An error is one line under a field; longer than this nobody reads it. */
const MAX_ERROR_CHARS = 500;

function presserOf({ user, channel, message, container, response_url: responseUrl }: BlockActions): Actor {
  const thread = message?.thread_ts ?? container.thread_ts;
  return { user: user.id, channel: channel?.id, thread, responseUrl };
}
