/**
 * Commands, presses and forms: turned into messages and answers, and the person told what came of them in time.
 *
 *   stored in time ──▶ the answer, or "thinking…" until there is one
 *   not stored     ──▶ "not recorded"
 *   too slow       ──▶ "thinking…", or that nobody can tell yet; then one of the two
 *   stored by another of our gateways ──▶ its answer; ours, if it ended before it gave one
 *
 * Owns      what the one who acted is told at once.
 * Not here  who may decide what, and the answers that come later (`sender.ts`).
 *
 * Invariants
 *   1. A command is stored before Discord hears of it, unless that takes too long: after a crash in between Discord
 *      itself says that nobody answered.
 *   2. What was not recorded is never silent, and is called so only once the store has said so.
 *   3. What is no command, button or form of ours does nothing, and says so.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Lookup, Receive } from '../../src/domain/gateway.ts';
import type { Button, InboundAnswer, Receipt } from '../../src/domain/message.ts';
import type { Logger } from '../../src/observability/logger.ts';
import { OF_COMMAND, OF_PRESS, type Recording, recordedWithin, type Settled, settled } from '../recording.ts';
import { inTime, within } from '../within.ts';
import { FORM_BOUNDS, toFormModal, toReasonModal } from './card.ts';
import { type Channels, isThread } from './channels.ts';
import type { DiscordClient } from './client.ts';
import { type DiscordSettings, isOpen } from './config.ts';
import { toDiscordMarkdown } from './discord-markdown.ts';
import type { Identity } from './inbound.ts';
import {
  type CommandSpot,
  MAX_CHOICES,
  type Press,
  placed,
  placeOf,
  type TakenCommand,
  toChoices,
  toCommandMessage,
  toPress,
  toReasonedAnswer,
  toRequestSearch,
} from './interactions.ts';
import { buttonRow, nothingDone, type Post } from './outbound.ts';
import {
  type Command,
  type Component,
  type Interaction,
  InteractionType,
  MessageFlag,
  type Modal,
  ResponseType,
  timeOf,
} from './schema.ts';
import type { TokenSeal } from './token-seal.ts';
import type { Traffic } from './traffic.ts';

/** Requests looked through for what was typed; only the first few can be shown. */
const MAX_SEARCHED = 4 * MAX_CHOICES;

/** Create Public Threads, and Send Messages in Threads (docs.discord.com, Permissions). */
const OPENING_THREADS = (1n << 35n) | (1n << 38n);

/** Looking whether there is an answer already must leave time to give one. */
const LOOK_WITHIN_MS = 250;

/** A word on its way to somebody is worth this much of a wait when we stop: the store may be away for long. */
const TOLD_WITHIN_MS = 5_000;

const UNKNOWN_COMMAND = 'I do not know this command, so nothing was done.';
const UNKNOWN_BUTTON = 'I do not know this button, so nothing was decided.';
const NO_FORM = 'The form could not be opened in time, so nothing was decided. Please press again.';
const NO_FORMS = { kind: 'refused' as const, notice: UNKNOWN_BUTTON };
const UNKNOWN_FORM = 'I do not know this form, so nothing was decided.';
const NOT_OPEN = 'I do not listen in this channel, so nothing was done.';

export interface DeskTiming {
  /** Discord counts an interaction as failed after 3 s (docs.discord.com, Interactions); half a second is for the way. */
  readonly storeWithinMs: number;
  /** A command that is not stored by then is answered with "thinking…" first. */
  readonly deferAfterMs: number;
  /** What another gateway of ours stored and has not answered by then is answered here; not before `deferAfterMs`. */
  readonly standInAfterMs: number;
}

/** What is done about a gesture that was read. */
interface Taking {
  readonly gesture: Interaction;
  readonly line: Line;
  readonly session: Session;
}

/** How the interaction came, and how Discord is given the first answer to it. */
export interface Line {
  readonly respond: (response: object) => Promise<void>;
  /** Others hear the same: what they have stored already, they answer. */
  readonly shared: boolean;
}

export interface Session {
  readonly us: Identity;
  readonly receive: Receive;
  readonly lookup: Lookup;
  /** Aborts when we are stopping. */
  readonly signal: AbortSignal;
}

interface DeskDeps {
  readonly seal: TokenSeal;
  readonly client: DiscordClient;
  readonly channels: Channels;
  readonly traffic: Traffic;
  readonly log: Logger;
  readonly timing: DeskTiming;
  readonly settings: DiscordSettings;
}

export class InteractionDesk {
  /** Interactions on their way to a first answer, by id. */
  readonly #underWay = new Map<string, Promise<void>>();
  /** Work that goes on after the first answer. */
  readonly #later = new Set<Promise<void>>();

  constructor(private readonly deps: DeskDeps) {}

  /** Resolves when the interaction has had its first answer. Never rejects. */
  async take(interaction: Interaction, line: Line, session: Session): Promise<void> {
    const { log } = this.deps;
    const taking = this.#take(interaction, line, session).catch((error: unknown) =>
      log.error({ error, interaction: interaction.id }, 'an interaction of Discord could not be answered'),
    );
    this.#underWay.set(interaction.id, taking);
    await taking;
    this.#underWay.delete(interaction.id);
  }

  /** Resolves when the interaction is not waiting for its first answer from us. */
  async answered(interaction: string): Promise<void> {
    await this.#underWay.get(interaction);
  }

  /** Resolves when everybody who acted has been told, as far as the store and Discord let us soon. */
  async drain(): Promise<void> {
    await Promise.all(this.#underWay.values());
    const told = await inTime(TOLD_WITHIN_MS, Promise.all(this.#later));
    if (told === 'late')
      this.deps.log.warn({}, 'people could not be told in time what came of what they did');
  }

  async #take(interaction: Interaction, line: Line, session: Session): Promise<void> {
    if (!isOpen(this.deps.settings, placeOf(interaction))) return this.#refuse(interaction, line, NOT_OPEN);
    switch (interaction.type) {
      case InteractionType.command:
        return this.#takeCommand(interaction, line, session);
      case InteractionType.autocomplete:
        return this.#complete(interaction, line, session);
      case InteractionType.component:
        return this.#takePress(interaction, line, session);
      case InteractionType.modal:
        return this.#takeForm(interaction, line, session);
      default:
        return interaction satisfies never;
    }
  }

  async #refuse({ type }: Interaction, line: Line, sentence: string): Promise<void> {
    await line.respond(type === InteractionType.autocomplete ? choicesResponse([]) : tellResponse(sentence));
  }

  async #takeCommand(command: Command, line: Line, { receive, signal }: Session): Promise<void> {
    const taken = toCommandMessage(command, this.deps.seal);
    if (!taken) return line.respond(tellResponse(UNKNOWN_COMMAND));

    const spot = this.#spotOf(command);
    const storing = settled(spot.then((where) => receive(placed(taken, command, where))));
    const stored = await inTime(this.deps.timing.deferAfterMs, storing);
    const defer = { type: ResponseType.deferredMessage, data: { flags: flagsFor(taken.visible) } };
    if (line.shared && isTakenElsewhere(stored)) return this.#standIn(command, line, defer, signal);
    if (stored === 'late') {
      const isOurs = await this.#respondAsFirst(command, line, defer);
      if (isOurs) this.#goOn(storing.then((outcome) => this.#tellLater(command, taken, outcome)));
      return;
    }
    const silence = silenceFor(taken, stored);
    if (silence !== undefined) return line.respond(openResponse(silence));
    const sentence = this.#sentenceOf(command, stored);
    await line.respond(sentence === undefined ? defer : tellResponse(sentence));
  }

  async #spotOf(command: Command): Promise<CommandSpot> {
    const { id, guild_id: guild, channel_id: channelId, channel } = command;
    if (guild === undefined || channel === undefined) return { kind: 'channel' };
    const { channels, settings, traffic } = this.deps;
    if (isThread(channel)) {
      const known = await channels.find(channelId);
      return known?.command === undefined
        ? { kind: 'channel' }
        : { kind: 'thread-of', command: known.command };
    }
    return mayOpenThread(command) && traffic.wantsThread(channel, settings.threads, timeOf(id))
      ? { kind: 'own-thread' }
      : { kind: 'channel' };
  }

  /** What there is to say at once; undefined when the core will answer, with what the agent or a command says. */
  #sentenceOf(command: Command, stored: Settled): string | undefined {
    if (stored.kind === 'failed') {
      const { error } = stored;
      this.deps.log.error(
        { error, interaction: command.id },
        'a command could not be recorded; the person was told',
      );
      return OF_COMMAND.failed;
    }
    const { receipt } = stored;
    if (receipt.kind === 'ignored') return nothingDone(receipt.reason);
    return undefined;
  }

  async #tellLater(command: Command, taken: TakenCommand, stored: Settled): Promise<void> {
    const sentence = silenceFor(taken, stored) ?? this.#sentenceOf(command, stored);
    if (sentence !== undefined) await this.deps.client.editAnswer(command, '@original', toPost(sentence));
  }

  async #complete(command: Command, line: Line, { lookup }: Session): Promise<void> {
    const search = toRequestSearch(command);
    if (!search) return line.respond(choicesResponse([]));
    try {
      const { sender, typed } = search;
      const waiting = await within(
        this.deps.timing.deferAfterMs,
        lookup.approvalsFor(sender, typed === '' ? MAX_CHOICES : MAX_SEARCHED),
      );
      await line.respond(choicesResponse(toChoices(waiting, typed)));
    } catch (error) {
      this.deps.log.warn({ error }, 'requests to choose from could not be looked up');
      await line.respond(choicesResponse([]));
    }
  }

  async #takePress(press: Component, line: Line, session: Session): Promise<void> {
    const pressed = toPress(press, session.us, this.deps.seal);
    switch (pressed.kind) {
      case 'unknown':
        this.deps.log.warn(
          { channel: press.channel_id, reason: pressed.reason },
          'a press on something that is no button of ours decided nothing',
        );
        return line.respond(tellResponse(UNKNOWN_BUTTON));
      case 'ask-words':
        return line.respond({ type: ResponseType.modal, data: toReasonModal(pressed.stamp) });
      case 'fill-in':
        return this.#fillIn(pressed, line, session);
      case 'answer':
        return this.#record(pressed.answer, { gesture: press, line, session });
      case 'say':
        return this.#say(pressed, { gesture: press, line, session });
      default:
        return pressed satisfies never;
    }
  }

  /** The form, if there is one for them; a form has to be the first answer to a press. */
  async #fillIn(
    { stamp, sender }: Extract<Press, { kind: 'fill-in' }>,
    line: Line,
    { lookup }: Session,
  ): Promise<void> {
    const { approvalId, gen, digest, pressed: choice } = stamp;
    const wish = { sender, approvalId, gen, digest, choice, bounds: FORM_BOUNDS };
    try {
      const looking = lookup.formFor?.(wish) ?? Promise.resolve(NO_FORMS);
      const offer = await within(this.deps.timing.storeWithinMs, looking);
      if (offer.kind === 'refused') return line.respond(tellResponse(offer.notice));
      return line.respond({ type: ResponseType.modal, data: toFormModal(offer.form, stamp) });
    } catch (error) {
      this.deps.log.warn({ error, approval: approvalId }, 'a form could not be opened');
      return line.respond(tellResponse(NO_FORM));
    }
  }

  async #takeForm(form: Modal, line: Line, session: Session): Promise<void> {
    const answer = toReasonedAnswer(form);
    return answer
      ? this.#record(answer, { gesture: form, line, session })
      : line.respond(tellResponse(UNKNOWN_FORM));
  }

  async #record(answer: InboundAnswer, { gesture, line, session }: Taking): Promise<void> {
    const recording = await this.#recordedInTime(session.receive(answer));
    switch (recording.kind) {
      case 'recorded': {
        const { receipt } = recording;
        if (line.shared && isRepeated(receipt))
          return this.#standIn(gesture, line, toResponse(receipt), session.signal);
        await line.respond(toResponse(receipt));
        if (receipt.kind === 'answered') this.#goOn(this.#tellRest(gesture, receipt.notice));
        return;
      }
      case 'failed': {
        const sentence = this.#failedSentence(recording.error, answer);
        await line.respond(tellResponse(sentence));
        return this.#goOn(this.#tellRest(gesture, sentence));
      }
      case 'not-known-yet': {
        const isOurs = await this.#respondAsFirst(gesture, line, tellResponse(OF_PRESS.notKnownYet));
        if (!isOurs) return;
        const telling = recording.later.then((outcome) => {
          const told =
            outcome.kind === 'recorded'
              ? toldLater(outcome.receipt)
              : { markdown: this.#failedSentence(outcome.error, answer) };
          return this.#tellInstead(gesture, told);
        });
        return this.#goOn(telling);
      }
      default:
        return recording satisfies never;
    }
  }

  #recordedInTime(receiving: Promise<Receipt>): Promise<Recording> {
    return recordedWithin(this.deps.timing.storeWithinMs, receiving);
  }

  /** What was typed is not lost with the form. */
  #failedSentence(error: unknown, { id, text }: Pick<InboundAnswer, 'id' | 'text'>): string {
    this.deps.log.error({ error, gesture: id }, 'a press could not be recorded; the person was told');
    return text === undefined
      ? OF_PRESS.failed
      : `${OF_PRESS.failed}\n\nYou wrote:\n\n> ${text.replaceAll('\n', '\n> ')}`;
  }

  /** In the place of the first answer, so that what was said there of not knowing is gone. */
  async #tellInstead(
    gesture: Interaction,
    {
      markdown,
      buttons = [],
    }: { readonly markdown: string; readonly buttons?: readonly Button[] | undefined },
  ): Promise<void> {
    const post =
      buttons.length === 0 ? toPost(markdown) : { ...toPost(markdown), components: [buttonRow(buttons)] };
    await this.deps.client.editAnswer(gesture, '@original', post);
    await this.#tellRest(gesture, markdown);
  }

  /** What did not fit into the first answer, for the same person. */
  async #tellRest(gesture: Interaction, markdown: string): Promise<void> {
    const [, ...rest] = toDiscordMarkdown(markdown);
    for (const content of rest) await this.deps.client.followUp(gesture, { key: '', content }, 'them');
  }

  /** What comes of it is told as it is to whoever types the same. */
  async #say(
    { message, alone }: Pick<Extract<Press, { kind: 'say' }>, 'message' | 'alone'>,
    { gesture, line, session }: Taking,
  ): Promise<void> {
    const recording = await this.#recordedInTime(session.receive(message));
    const failed = (error: unknown) => this.#failedSentence(error, { id: message.id, text: undefined });
    if (recording.kind === 'failed') return line.respond(tellResponse(failed(recording.error)));

    const seen = alone
      ? { type: ResponseType.deferredMessage, data: { flags: MessageFlag.ephemeral } }
      : { type: ResponseType.deferredUpdate };
    if (recording.kind === 'recorded') {
      if (line.shared && isRepeated(recording.receipt))
        return this.#standIn(gesture, line, seen, session.signal);
      return line.respond(seen);
    }
    const meanwhile = alone ? seen : tellResponse(OF_PRESS.notKnownYet);
    if (!(await this.#respondAsFirst(gesture, line, meanwhile))) return;
    const telling = recording.later.then(async (outcome) => {
      if (outcome.kind === 'failed') return this.#tellInstead(gesture, { markdown: failed(outcome.error) });
      const { receipt } = outcome;
      if (receipt.kind === 'ignored')
        return this.#tellInstead(gesture, { markdown: nothingDone(receipt.reason) });
      // Where only they see it, what the core says takes the place of "thinking…".
      if (!alone) await this.#tellInstead(gesture, { markdown: OF_PRESS.recorded });
    });
    this.#goOn(telling);
  }

  /** Answers in the place of whoever stored it, should they be gone: seen by there being no answer in time. */
  #standIn(gesture: Interaction, line: Line, response: object, signal: AbortSignal): void {
    const standingIn = async () => {
      await sleep(this.deps.timing.standInAfterMs, undefined, { signal }).catch(() => {}); // stopping
      // Whoever is stopping leaves it to those who stay.
      if (!signal.aborted) await this.#respondAsFirst(gesture, line, response);
    };
    this.#goOn(standingIn());
  }

  /** Resolves with false when another gateway of ours has answered, as far as can be seen soon enough. */
  async #respondAsFirst(gesture: Interaction, line: Line, response: object): Promise<boolean> {
    const looking = line.shared ? this.deps.client.original(gesture) : Promise.resolve(undefined);
    // Two answers do no harm, and none does.
    const answered = await within(LOOK_WITHIN_MS, looking).catch(() => undefined);
    if (answered !== undefined) return false;
    await line.respond(response);
    return true;
  }

  #goOn(work: Promise<void>): void {
    const { log } = this.deps;
    const going = work
      .catch((error: unknown) => log.warn({ error }, 'a person could not be told what came of their command'))
      .finally(() => this.#later.delete(going));
    this.#later.add(going);
  }
}

/** Discord says with every interaction what we may do there. */
function mayOpenThread({ app_permissions: granted }: Command): boolean {
  return granted === undefined || (BigInt(granted) & OPENING_THREADS) === OPENING_THREADS;
}

/**
 * That nobody works on a question now, and the question, so that whoever has the conversation can read it. Undefined
 * where there is none, or the core answers.
 */
function silenceFor({ visible, message: { text } }: TakenCommand, stored: Settled): string | undefined {
  if (visible === 'them' || stored.kind === 'failed') return undefined;
  const { receipt } = stored;
  if (receipt.kind !== 'stored' || receipt.silence === undefined) return undefined;
  return `${receipt.silence}\n\n> ${text.replaceAll('\n', '\n> ')}`;
}

/** Another gateway of ours heard it first. */
function isTakenElsewhere(stored: Settled | 'late'): boolean {
  return stored !== 'late' && stored.kind === 'recorded' && isRepeated(stored.receipt);
}

/** What was stored before; an answer to an approval that was counted before is told as a replay. */
function isRepeated(receipt: Receipt): boolean {
  return receipt.kind === 'duplicate' || (receipt.kind === 'answered' && receipt.code === 'REPLAY');
}

function toResponse(receipt: Receipt): object {
  if (receipt.kind === 'answered') return tellResponse(receipt.notice, receipt.buttons);
  if (receipt.kind === 'ignored') return tellResponse(`Nothing was decided: ${receipt.reason}.`);
  return { type: ResponseType.deferredUpdate };
}

/** The same, for somebody who was told that nobody could know yet. */
function toldLater(receipt: Receipt): {
  readonly markdown: string;
  readonly buttons?: readonly Button[] | undefined;
} {
  if (receipt.kind === 'answered') return { markdown: receipt.notice, buttons: receipt.buttons };
  if (receipt.kind === 'ignored') return { markdown: `Nothing was decided: ${receipt.reason}.` };
  return { markdown: OF_PRESS.recorded };
}

/** For the one who acted, and nobody else. */
function tellResponse(markdown: string, buttons: readonly Button[] = []): object {
  const components = buttons.length === 0 ? {} : { components: [buttonRow(buttons)] };
  return messageResponse(markdown, MessageFlag.ephemeral | MessageFlag.suppressEmbeds, components);
}

/** For everybody who reads there. */
function openResponse(markdown: string): object {
  return messageResponse(markdown, MessageFlag.suppressEmbeds);
}

function messageResponse(markdown: string, flags: number, components: object = {}): object {
  const { content } = toPost(markdown);
  const nobody = { parse: [], users: [], roles: [], replied_user: false };
  return { type: ResponseType.message, data: { content, ...components, flags, allowed_mentions: nobody } };
}

/** Its beginning, which is all of it for a sentence of ours. */
function toPost(markdown: string): Post {
  const [content = ''] = toDiscordMarkdown(markdown);
  return { key: '', content };
}

function choicesResponse(choices: readonly { name: string; value: string }[]): object {
  return { type: ResponseType.autocomplete, data: { choices } };
}

function flagsFor(visible: 'everybody' | 'them'): number {
  return visible === 'them' ? MessageFlag.ephemeral : 0;
}
