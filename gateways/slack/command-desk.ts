/**
 * Takes `/signalbox`: stored before Slack hears of it, and answered for the one who typed it.
 *
 * Owns      what they are told at once.
 * Not here  what a command means (`commands.ts`, the core), and the answers, which come later (`sender.ts`).
 *
 * Invariants
 *   1. Slack is told "received" after the command is stored; when it is not, Slack shows a failure, and the person is
 *      told to type it again: Slack never delivers a command twice.
 *   2. Slack shows nobody what was typed, so a question is shown to whoever asked it, with word that it is worked on.
 */
import type { Clock } from '../../src/domain/clock.ts';
import type { Receive } from '../../src/domain/gateway.ts';
import type { InboundMessage, Receipt } from '../../src/domain/message.ts';
import { Seal } from '../seal.ts';
import { within } from '../within.ts';
import { questionOf, RESPONSE_SEAL, toCommandMessage } from './commands.ts';
import type { Identity } from './inbound.ts';
import { parsePayload } from './intake.ts';
import { toMrkdwn } from './mrkdwn.ts';
import { SlashCommand } from './schema.ts';
import type { Teller } from './teller.ts';

const NOT_RECORDED = 'Your command was **not recorded**. Please type it again; typing it twice does no harm.';
const NOT_OPEN = 'I do not listen in this channel, so nothing was done.';

interface DeskDeps {
  readonly teller: Teller;
  readonly clock: Clock;
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

  /** Resolves once the command is stored; rejects when it could not be, so that Slack shows a failure. */
  async take(
    body: unknown,
    ack: (shown?: Shown) => Promise<void>,
    { us, receive }: { us: Identity; receive: Receive },
  ): Promise<void> {
    const command = parsePayload('command', SlashCommand, body);
    if (!this.deps.isOpen(command.channel_id)) return ack(shown(NOT_OPEN));

    const message = toCommandMessage(command, us, { seal: this.#seal, nowMs: this.deps.clock.now() });
    const sentence = sentenceFor(await this.#store(message, command, receive), message);
    await ack(sentence === undefined ? undefined : shown(sentence));
  }

  async #store(message: InboundMessage, command: SlashCommand, receive: Receive): Promise<Receipt> {
    try {
      return await within(this.deps.storeWithinMs, receive(message));
    } catch (error) {
      const { user_id: user, channel_id: channel, response_url: responseUrl } = command;
      this.deps.teller.tell({ user, channel, thread: undefined, responseUrl }, NOT_RECORDED);
      throw error;
    }
  }
}

/** What there is to say at once; undefined when the core says it all. */
function sentenceFor(receipt: Receipt, message: InboundMessage): string | undefined {
  switch (receipt.kind) {
    case 'stored': {
      const question = questionOf(message);
      return question && `${quoted(question)}\n\nWorking on it …`;
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
