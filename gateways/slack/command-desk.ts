/**
 * Takes `/signalbox`: stored before Slack hears of it, and answered for the one who typed it.
 *
 * Owns      what they are told at once.
 * Not here  what a command means (`commands.ts`, the core), and the answers, which come later (`sender.ts`).
 *
 * Invariants
 *   1. Slack is told "received" after the command is stored. When it is not, Slack shows a failure, and the person is
 *      told: Slack never delivers a command twice.
 *   2. While nobody knows whether it is stored, that is what the person is told, and what came of it as soon as it is
 *      known: typed again it would be done twice.
 *   3. Slack shows nobody what was typed, so a question is shown to whoever asked it, with word that it is worked on; or
 *      of who has it, where that is a person.
 */
import type { Clock } from '../../src/domain/clock.ts';
import type { Receive } from '../../src/domain/gateway.ts';
import type { InboundMessage, Receipt } from '../../src/domain/message.ts';
import type { Logger } from '../../src/observability/logger.ts';
import { OF_COMMAND, recordedWithin, type Settled } from '../recording.ts';
import { Seal } from '../seal.ts';
import { inSlackWords, questionOf, RESPONSE_SEAL, toCommandMessage } from './commands.ts';
import type { Identity } from './inbound.ts';
import { parsePayload } from './intake.ts';
import { toMrkdwn } from './mrkdwn.ts';
import { SlashCommand } from './schema.ts';
import type { Actor, Teller, Word } from './teller.ts';

const NOT_TAKEN = 'Your command was not taken.';
const NOT_OPEN = 'I do not listen in this channel, so nothing was done.';

interface DeskDeps {
  readonly teller: Teller;
  readonly clock: Clock;
  readonly log: Logger;
  readonly botToken: string;
  /** Whether anything from this channel is listened to. */
  readonly isOpen: (channel: string | undefined) => boolean;
  readonly storeWithinMs: number;
}

/** What is shown to the one who typed, as the answer to the command itself. */
interface Shown {
  readonly response_type: 'ephemeral';
  readonly text: string;
}

export class CommandDesk {
  readonly #seal: Seal;

  constructor(private readonly deps: DeskDeps) {
    this.#seal = new Seal(deps.botToken, RESPONSE_SEAL);
  }

  /** Resolves once the command is stored, or takes too long; rejects when it could not be, so that Slack shows a failure. */
  async take(
    body: unknown,
    ack: (shown?: Shown) => Promise<void>,
    { us, receive }: { us: Identity; receive: Receive },
  ): Promise<void> {
    const command = parsePayload('command', SlashCommand, body);
    if (!this.deps.isOpen(command.channel_id)) return ack(shown(NOT_OPEN));

    const message = toCommandMessage(command, us, { seal: this.#seal, nowMs: this.deps.clock.now() });
    const { teller, log, storeWithinMs } = this.deps;
    const recording = await recordedWithin(storeWithinMs, receive(message));
    switch (recording.kind) {
      case 'recorded': {
        const sentence = sentenceFor(recording.receipt, message);
        return ack(sentence === undefined ? undefined : shown(sentence));
      }
      case 'failed':
        teller.tell(typist(command), inSlackWords(OF_COMMAND.failed));
        throw recording.error;
      case 'not-known-yet':
        log.warn({ message: message.id }, 'a command was not stored in time; who typed it is told later');
        teller.tellLater(typist(command), this.#laterWord(recording.later, message));
        return ack(shown(inSlackWords(OF_COMMAND.notKnownYet)));
      default:
        return recording satisfies never;
    }
  }

  async #laterWord(later: Promise<Settled>, message: InboundMessage): Promise<Word> {
    const outcome = await later;
    if (outcome.kind === 'recorded') return { markdown: lateSentenceFor(outcome.receipt, message) };
    const { error } = outcome;
    this.deps.log.error(
      { error, message: message.id },
      'a command could not be recorded; the person is told',
    );
    return { markdown: inSlackWords(OF_COMMAND.failed) };
  }
}

/** Whoever typed it, where they did. */
function typist({ user_id: user, channel_id: channel, response_url: responseUrl }: SlashCommand): Actor {
  return { user, channel, thread: undefined, responseUrl };
}

/** They were told that nobody could know yet, so something is said in every case. */
function lateSentenceFor(receipt: Receipt, message: InboundMessage): string {
  const sentence = sentenceFor(receipt, message);
  if (receipt.kind === 'ignored') return sentence ?? NOT_TAKEN;
  return sentence === undefined ? OF_COMMAND.recorded : `${OF_COMMAND.recorded}\n\n${sentence}`;
}

/** What there is to say at once; undefined when the core says it all. */
function sentenceFor(receipt: Receipt, message: InboundMessage): string | undefined {
  switch (receipt.kind) {
    case 'stored': {
      const question = questionOf(message);
      return question && `${quoted(question)}\n\n${receipt.silence ?? 'Working on it …'}`;
    }
    case 'ignored':
      // Slack lets nothing take the place of what a command was answered with, so it is said once.
      return receipt.told ? undefined : `Nothing was done: ${receipt.reason.replaceAll('-', ' ')}.`;
    case 'answered':
    case 'duplicate':
      return undefined;
    default:
      return receipt satisfies never;
  }
}

function quoted(text: string): string {
  return text
    .split('\n')
    .map((line) => `> ${line}`)
    .join('\n');
}

/** Sentences of ours are short; of a long question its beginning is enough to know it by. */
function shown(markdown: string): Shown {
  const [text = ''] = toMrkdwn(markdown);
  return { response_type: 'ephemeral', text };
}
