/**
 * The model of a scenario: answers every message under its own number, and judges the order in which it is shown
 * what was said.
 *
 * Invariant: what it says depends on what it is asked alone, so that asking again gives the same answer.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { ScriptedAnswer } from '../../src/sandbox/claude/claude-sandbox.ts';
import { blocksOf, type MessagesRequest } from '../../src/sandbox/claude/messages-request.ts';
import type { Chance } from './chance.ts';
import { type Label, labelIn, labelOf, ofOrder, refundIn } from './message.ts';

/** What the gateway tells the model begins with this. */
const EVENT_MARK = '[signalbox]';

export type ReplyKind = 'answer' | 'call' | 'outcome';

export class Model {
  /** What was shown out of order, twice, or not at all, in words. */
  readonly disorder: string[] = [];
  /** Messages it was shown, each by its label. */
  readonly shown = new Set<string>();
  /** How often each message was thought about. */
  readonly thoughts = new Map<string, number>();

  constructor(private readonly chance: Chance) {}

  readonly answer = (request: MessagesRequest): ScriptedAnswer => {
    const texts = request.messages
      .filter(({ role }) => role === 'user')
      .flatMap(blocksOf)
      .flatMap((block) => (block.type === 'text' ? [block.text] : []));
    const said = texts.filter((text) => !text.startsWith(EVENT_MARK)).flatMap((text) => labelIn(text) ?? []);
    const problem = disorderIn(said);
    if (problem) this.disorder.push(problem);
    for (const label of said) this.shown.add(labelOf(label));

    const newest = texts.at(-1) ?? '';
    if (newest.startsWith(EVENT_MARK)) return this.#outcome(newest);
    const label = labelIn(newest);
    if (!label) return { text: 'I was asked something without a number.' };
    const key = labelOf(label);
    const times = (this.thoughts.get(key) ?? 0) + 1;
    this.thoughts.set(key, times);

    const refund = refundIn(newest);
    if (!refund) return { text: this.#slowly(toReply('answer', label, 'all is well.'), times) };
    return {
      text: this.#slowly(toReply('call', label, 'asking the shop.'), times),
      calls: [{ tool: 'refund', input: { ...refund, currency: 'EUR', reason: key } }],
    };
  };

  #outcome(event: string): ScriptedAnswer {
    const order = Number(/"order":(\d+)/.exec(event)?.[1]);
    const state = /\}: ([\w ]+)\./.exec(event)?.[1] ?? 'unclear';
    return { text: this.#slowly(toReply('outcome', ofOrder(order), `${state}.`)) };
  }

  /** Mostly under half a second; sometimes, the first time, long enough for people to be shown progress. */
  async *#slowly(text: string, times = 1): AsyncGenerator<string> {
    const long = this.chance.next() < 0.08 && times === 1;
    const thinkMs = long ? this.chance.between(1_100, 2_200) : this.chance.between(30, 500);
    const middle = text.indexOf(' ') + 1;
    await pause(thinkMs / 2);
    yield text.slice(0, middle);
    await pause(thinkMs / 2);
    yield text.slice(middle);
  }
}

export function toReply(kind: ReplyKind, label: Label, words: string): string {
  return `${kind} ${labelOf(label)}: ${words}`;
}

/** Which message a text of the model answers, and how. */
export function replyIn(text: string): (Label & { kind: ReplyKind; words: string }) | undefined {
  const [, kind, words = ''] = /^(answer|call|outcome) c\d+ m\d+: (.*)/s.exec(text) ?? [];
  const label = labelIn(text);
  return kind && label ? { ...label, kind: kind as ReplyKind, words } : undefined; // one of the three, by the pattern
}

/** Pure: what is wrong with the messages of one conversation as the model is shown them, newest last. */
export function disorderIn(said: readonly Label[]): string | undefined {
  for (const [index, label] of said.entries()) {
    const before = said[index - 1];
    if (!before) continue;
    if (label.conversation !== before.conversation)
      return `${labelOf(label)} in the conversation of ${labelOf(before)}`;
    if (label.number !== before.number + 1) return `${labelOf(label)} after ${labelOf(before)}`;
  }
  return undefined;
}
