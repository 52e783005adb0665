/**
 * The people of a scenario: Alex writes numbered messages in many threads, and Dana approves what is asked of her, and
 * takes a conversation over now and then.
 *
 * Invariant: in each conversation the next message is written only when the one before was acknowledged. Platforms
 * promise no order between two events under way, so only then is their order the sender's.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { DANA } from '../../src/sandbox/people.ts';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import type { Chance } from './chance.ts';
import { missingOf } from './judge.ts';
import { isCall, type Message, type MessageKind, ofOrder, orderOf, textOf } from './message.ts';
import { isCardOf, type PlatformName, type Post, platformOf, type Surface } from './surfaces/surface.ts';
import { Takeovers } from './takeovers.ts';

/** How often each kind is written while calls are asked for, in hundred. */
const KINDS: Readonly<Record<Exclude<MessageKind, 'to-dana' | 'alarm'>, number>> = {
  plain: 88,
  allowed: 8,
  'by-button': 2,
  'by-mail': 2,
};

/** Several messages are written in a row, as people do. */
const MOST_IN_A_ROW = 4;

/** How often Dana takes a conversation over before the next row, as a share; and what Alex writes to her then. */
const TAKEN_OVER = 0.06;
const MOST_TO_DANA = 2;

/** Every so many conversations somebody is called about their third message; not by mail. */
const ALARM_EVERY = 3;
const ALARM_AT = 3;

/** Messages before a conversation is taken over: by then it has a place where she can write. */
const FEWEST_BEFORE = 2;

/** Dana looks at her screen this often. */
const LOOK_EVERY_MS = 200;

/** A button that changed nothing is pressed again after this long. */
const PRESS_AGAIN_MS = 4_000;

export class People {
  /** In the order they were written. */
  readonly messages: Message[] = [];
  /** Where the answers of each conversation belong. */
  readonly places = new Map<number, string>();
  readonly #takeovers = new Takeovers();
  /** Messages before which Dana takes over are not waited for: she comes in between. */
  readonly #interrupted: ReadonlySet<Message>;
  readonly #script: Message[];
  readonly #writing = new Map<number, Promise<void>>();
  readonly #pressedAt = new Map<number, number>();
  readonly #mailed = new Set<number>();
  readonly #stopping = new AbortController();
  #looking: Promise<void> = Promise.resolve();

  constructor(
    private readonly sandbox: Sandbox,
    private readonly surfaces: ReadonlyMap<PlatformName, Surface>,
    script: readonly Message[],
  ) {
    this.#script = [...script];
    this.#interrupted = new Set(interruptedIn(script));
  }

  get takeovers(): Takeovers['all'] {
    return this.#takeovers.all;
  }

  start(): void {
    this.#looking = this.#look();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#looking;
  }

  /** Writes further messages until `count` of them were begun. */
  writeUpTo(count: number): void {
    while (this.messages.length < count) {
      const message = this.#script.shift();
      if (!message) return;
      this.messages.push(message);
      const { conversation } = message;
      const before = this.#writing.get(conversation) ?? Promise.resolve();
      this.#writing.set(
        conversation,
        before
          .then(() => this.#write(message))
          .catch((error: unknown) => {
            // What nobody acknowledged is broken off in the end; the verdict has counted it as lost.
            if (!this.#stopping.signal.aborted) throw error;
          }),
      );
    }
  }

  /** Resolves when everything begun was acknowledged. */
  async acknowledged(): Promise<void> {
    await Promise.all(this.#writing.values());
  }

  async #write(message: Message): Promise<void> {
    const { conversation, number, kind } = message;
    await this.#changeHands(message);
    const { place, acknowledged, trace } = await this.#surfaceOf(conversation).write({
      conversation,
      place: this.places.get(conversation),
      text: textOf(message),
      mention: number % 3 === 1,
      isAnswered: kind !== 'to-dana' && !this.#interrupted.has(message),
    });
    this.places.set(conversation, place);
    if (trace) message.trace = trace;
    await acknowledged;
    message.acknowledgedAt = acknowledged === undefined ? 0 : Date.now();
  }

  /** Before what is written to her Dana takes the conversation over, and before what is not she gives it back. */
  async #changeHands({ conversation, number, kind }: Message): Promise<void> {
    const place = this.places.get(conversation);
    const isHers = this.#takeovers.isHers(conversation);
    if (place === undefined || isHers === (kind === 'to-dana')) return;
    const surface = this.#surfaceOf(conversation);
    if (isHers) return this.#takeovers.end({ conversation, after: number - 1 }, place, surface);
    await this.#callsAreOver(conversation, place);
    await this.#takeovers.begin(conversation, place, surface);
  }

  /** She waits for what is going on: what becomes of a call is said whoever speaks, and would look like an answer. */
  async #callsAreOver(conversation: number, place: string): Promise<void> {
    const calls = this.messages.filter((one) => one.conversation === conversation && isCall(one.kind));
    const surface = this.#surfaceOf(conversation);
    const { signal } = this.#stopping;
    while (calls.some((call) => call.acknowledgedAt !== undefined && missingOf(call, surface.posts(place)))) {
      if (signal.aborted) return;
      await pause(LOOK_EVERY_MS, undefined, { signal }).catch(() => {}); // stopping
    }
  }

  #surfaceOf(conversation: number): Surface {
    const platform = platformOf(conversation);
    const surface = this.surfaces.get(platform);
    if (!surface) throw new Error(`there is no ${platform} in this scenario`);
    return surface;
  }

  async #look(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await Promise.all([this.#press(), this.#answerMails()]);
      await pause(LOOK_EVERY_MS, undefined, { signal }).catch(() => {}); // stopping
    }
  }

  async #press(): Promise<void> {
    const waiting = this.messages.filter(
      (message) => message.kind === 'by-button' && this.#isTimeToPress(orderOf(message)),
    );
    for (const message of waiting) {
      const order = orderOf(message);
      const found = this.#cardOf(message.conversation, order);
      if (!found) continue;
      const { place, card } = found;
      this.#pressedAt.set(order, card.isOpen ? Date.now() : Number.POSITIVE_INFINITY);
      if (!card.isOpen) continue;
      const counted = await this.#surfaceOf(message.conversation).approve(place, card);
      if (!counted) this.#pressedAt.delete(order);
    }
  }

  #isTimeToPress(order: number): boolean {
    return Date.now() - (this.#pressedAt.get(order) ?? 0) > PRESS_AGAIN_MS;
  }

  #cardOf(conversation: number, order: number): { place: string; card: Post } | undefined {
    const place = this.places.get(conversation);
    if (place === undefined) return undefined;
    const cards = this.#surfaceOf(conversation)
      .posts(place)
      .filter((post) => isCardOf(post, order));
    const card = cards.find(({ isOpen }) => isOpen) ?? cards[0];
    return card && { place, card };
  }

  async #answerMails(): Promise<void> {
    for (const mail of this.sandbox.mail.mailbox(DANA.mail)) {
      const order = Number(/\border (\d+),/.exec(mail.text)?.[1]);
      const code = /\bapprove ([A-Z0-9]{4,8})\b/.exec(mail.text)?.[1];
      if (!code || this.#mailed.has(order) || !this.#isByMail(order)) continue;
      this.#mailed.add(order);
      await this.sandbox.mail.reply(mail, { line: `approve ${code}`, quoting: 'top' });
    }
  }

  /** What is asked for by mail has no button. */
  #isByMail(order: number): boolean {
    const { conversation, number } = ofOrder(order);
    const kind = this.messages.find(
      (each) => each.conversation === conversation && each.number === number,
    )?.kind;
    return kind === 'by-mail' || (kind === 'by-button' && platformOf(conversation) === 'email');
  }
}

/**
 * Who writes what in which order. `callsUntil`: the share of the messages that may ask for calls, and before which
 * conversations change hands.
 */
export function scriptOf(
  { messages, conversations, callsUntil }: { messages: number; conversations: number; callsUntil: number },
  chance: Chance,
): Message[] {
  const script: Message[] = [];
  const written = new Map<number, number>();
  const write = (conversation: number, kind?: MessageKind) => {
    const number = (written.get(conversation) ?? 0) + 1;
    written.set(conversation, number);
    const mayCall = script.length < messages * callsUntil;
    const drawn = mayCall ? chance.weighted(KINDS) : 'plain';
    const isAlarm = mayCall && number === ALARM_AT && raisesAlarm(conversation);
    script.push({ conversation, number, kind: kind ?? (isAlarm ? 'alarm' : drawn) });
  };
  /** It is given back before the last of these, which the agent answers. */
  const takeOver = (conversation: number, toDana: number) => {
    for (let i = 0; i < toDana; i++) write(conversation, 'to-dana');
    write(conversation, 'plain');
  };
  // Every conversation is there; the first ones early, so that there are many to choose from.
  for (let conversation = 1; conversation <= conversations; conversation++) write(conversation);
  while (script.length < messages) {
    const conversation = 1 + chance.below(conversations);
    const toDana = 1 + chance.below(MOST_TO_DANA);
    const isTaken = chance.next() < TAKEN_OVER && (written.get(conversation) ?? 0) >= FEWEST_BEFORE;
    if (isTaken && platformOf(conversation) !== 'email' && script.length + toDana < messages * callsUntil) {
      takeOver(conversation, toDana);
      continue;
    }
    const inARow = 1 + chance.below(MOST_IN_A_ROW);
    for (let i = 0; i < inARow && script.length < messages; i++) write(conversation);
  }
  return script;
}

function raisesAlarm(conversation: number): boolean {
  return conversation % ALARM_EVERY === 0 && platformOf(conversation) !== 'email';
}

/** Messages without a call that are followed by one to Dana. */
function interruptedIn(script: readonly Message[]): Message[] {
  const latest = new Map<number, Message>();
  const found: Message[] = [];
  for (const message of script) {
    const before = latest.get(message.conversation);
    const wasTalk = before?.kind === 'plain' || before?.kind === 'alarm';
    if (message.kind === 'to-dana' && before && wasTalk) found.push(before);
    latest.set(message.conversation, message);
  }
  return found;
}
