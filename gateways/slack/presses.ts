/**
 * Presses on buttons, and forms sent: turned into answers, and the person told what came of it.
 *
 * Owns      what the one who pressed is told, and when.
 * Not here  who may decide what, and what a press means to an approval.
 *
 * Invariants
 *   1. A press that was not recorded is never silent: the person is told to press again, and Slack shows a failure.
 *   2. A person is told what came of a press only after the core has said so.
 *   3. What is no button of ours decides nothing, and says so.
 */
import type { Receive } from '../../src/domain/gateway.ts';
import type { InboundAnswer, Receipt } from '../../src/domain/message.ts';
import type { Logger } from '../../src/observability/logger.ts';
import { within } from '../within.ts';
import { toReasonModal } from './card.ts';
import type { SlackClient } from './client.ts';
import { type Identity, REASON_MODAL, toPress, toReasonedAnswer } from './inbound.ts';
import { parsePayload } from './intake.ts';
import { toMrkdwn } from './mrkdwn.ts';
import { BlockActions, type ReasonContext, ViewSubmission } from './schema.ts';

/** Whom to tell what came of a press, and where they pressed. */
interface Presser {
  readonly user: string;
  readonly channel: string | undefined;
  readonly thread: string | undefined;
  readonly responseUrl: string | undefined;
}

const NOT_RECORDED = 'Your answer was **not recorded**. Please press again; pressing twice does no harm.';
const NOT_RECORDED_MODAL = 'Not recorded. Please send it again; sending twice does no harm.';
const UNKNOWN_BUTTON = 'I do not know this button, so nothing was decided.';
const UNKNOWN_MODAL = 'I do not know this form, so nothing was decided.';
const NO_MODAL = 'The form could not be opened, so nothing was decided. Please press again.';

/** A word on its way to somebody is worth this much of a wait when we stop. */
const TOLD_WITHIN_MS = 1_000;

interface PressesDeps {
  readonly client: SlackClient;
  readonly log: Logger;
  /** Whether anything from this channel is listened to. */
  readonly isOpen: (channel: string | undefined) => boolean;
  readonly storeWithinMs: number;
}

export class Presses {
  /** Words on their way to people who pressed. */
  readonly #telling = new Set<Promise<void>>();

  constructor(private readonly deps: PressesDeps) {}

  /** Resolves once what was pressed is recorded; rejects when it could not be, so that Slack shows a failure. */
  async takePress(
    body: unknown,
    ack: () => Promise<void>,
    { us, receive }: { us: Identity; receive: Receive },
  ): Promise<void> {
    const press = parsePayload('press', BlockActions, body);
    const presser = presserOf(press);
    const pressed = toPress(press, us);
    if (pressed.kind === 'unknown' || !this.deps.isOpen(presser.channel)) {
      this.deps.log.warn(
        { user: presser.user, channel: presser.channel },
        'a press on something that is no button of ours decided nothing',
      );
      this.#tell(presser, UNKNOWN_BUTTON);
    } else if (pressed.kind === 'ask-words') {
      await this.#askWords(press.trigger_id, pressed.context, presser);
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
    const answer = toReasonedAnswer(form, us);
    const card = answer?.card?.to.route;
    if (!answer || !this.deps.isOpen(card?.channel)) return ack(formError(UNKNOWN_MODAL));

    const presser = {
      user: form.user.id,
      channel: card?.channel,
      thread: card?.thread,
      responseUrl: undefined,
    };
    try {
      const receipt = await within(this.deps.storeWithinMs, receive(answer));
      this.#tellReceipt(presser, receipt);
    } catch (error) {
      // The form stays open with what was typed in it.
      this.deps.log.error(
        { error, answer: answer.id },
        'an answer could not be recorded; the person was asked to send it again',
      );
      return ack(formError(NOT_RECORDED_MODAL));
    }
    await ack();
  }

  /** Resolves when everybody who pressed has been told, as far as Slack takes it soon. */
  async drain(): Promise<void> {
    await within(TOLD_WITHIN_MS, Promise.all(this.#telling)).catch((error: unknown) => {
      this.deps.log.warn({ error }, 'people could not be told in time what came of their press');
    });
  }

  async #record(answer: InboundAnswer, presser: Presser, receive: Receive): Promise<void> {
    try {
      this.#tellReceipt(presser, await within(this.deps.storeWithinMs, receive(answer)));
    } catch (error) {
      this.#tell(presser, NOT_RECORDED);
      throw error;
    }
  }

  async #askWords(triggerId: string | undefined, context: ReasonContext, presser: Presser): Promise<void> {
    try {
      if (triggerId === undefined) throw new Error('the press came without a trigger');
      await within(this.deps.storeWithinMs, this.deps.client.openModal(triggerId, toReasonModal(context)));
    } catch (error) {
      this.deps.log.warn({ error, approval: context.approval }, 'the form for a reason could not be opened');
      this.#tell(presser, NO_MODAL);
    }
  }

  #tellReceipt(presser: Presser, receipt: Receipt): void {
    if (receipt.kind === 'answered') this.#tell(presser, receipt.notice);
    if (receipt.kind === 'ignored') this.#tell(presser, `Nothing was decided: ${receipt.reason}.`);
  }

  /** Not awaited: Slack waits for the acknowledgement meanwhile. */
  #tell(presser: Presser, markdown: string): void {
    const telling = this.#reach(presser, toMrkdwn(markdown).join('\n\n'))
      .catch((error: unknown) =>
        this.deps.log.warn(
          { error, user: presser.user },
          'a person could not be told what came of their press',
        ),
      )
      .finally(() => this.#telling.delete(telling));
    this.#telling.add(telling);
  }

  async #reach({ user, channel, thread, responseUrl }: Presser, text: string): Promise<void> {
    try {
      if (channel === undefined) throw new Error('the press came from no channel');
      await this.deps.client.postEphemeral({ channel, thread, user }, text);
    } catch (error) {
      // Where the bot may not post, the address that came with the press still reaches the presser.
      if (responseUrl === undefined || !(await this.deps.client.respond(responseUrl, text))) throw error;
    }
  }
}

/** What Slack shows in a form that stays open. */
interface FormErrors {
  readonly response_action: 'errors';
  readonly errors: Record<string, string>;
}

function formError(sentence: string): FormErrors {
  return { response_action: 'errors', errors: { [REASON_MODAL.block]: sentence } };
}

function presserOf({ user, channel, message, response_url: responseUrl }: BlockActions): Presser {
  return { user: user.id, channel: channel?.id, thread: message?.thread_ts, responseUrl };
}
