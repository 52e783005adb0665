/**
 * Some messages call somebody: Dana in Slack, and when she does not come, everybody in a channel.
 *
 *   alarm ──▶ Dana is called ──┬─ half of them: she takes it at once ──▶ nobody else is called
 *                              └─ the others ──a while──▶ the channel is called ──▶ she takes it
 *
 * What has been taken is no reason to call anybody (E1). So she takes it when everybody was called whose turn it is, in
 * whatever order: a call to her that is lost is missed, even where the channel was heard first, as after an outage.
 *
 * Owns      how that is configured, what she does about it, and what was seen of it from outside.
 * Not here  which messages are alarms (`people.ts`), and what should have been seen (`alarm-judge.ts`).
 */
import { setTimeout as pause } from 'node:timers/promises';
import { DANA } from '../../src/sandbox/people.ts';
import type { SlackSandbox } from '../../src/sandbox/slack/slack-sandbox.ts';
import type { SlackMessage } from '../../src/sandbox/slack/workspace.ts';
import { ALARM_WORD, labelIn, type Message } from './message.ts';
import { markOf } from './surfaces/slack-surface.ts';

const CHANNEL = 'C0OPS';
/** Dana looks at her screen this often. */
const LOOK_EVERY_MS = 200;
/** Long enough for her to have answered, and for one gateway to be killed and started. */
const WAIT_MS = 4_000;

const CALLED = /Somebody has to look after this|Nobody has this/;
const ID = /esc_p\d+_[0-9a-z]{12}/g;

/** What stands in `escalation.yaml` beside the rest. */
export const CALLING = {
  escalations: {
    alarm: {
      settle: '0s',
      steps: [
        { notify: { to: 'dana', importance: 'urgent' } },
        { wait: `${WAIT_MS / 1_000}s` },
        { notify: { to: { channel: { slack: CHANNEL } }, importance: 'urgent' } },
        { wait: '2h' },
      ],
      last_resort: 'dana',
    },
  },
  triggers: [{ when: { message: { words: [ALARM_WORD] } }, raise: 'alarm' }],
};

/** Somebody was called: by a message in a place of theirs. */
export interface Call {
  readonly escalation: string;
  /** Of the message that is the reason; undefined where it cannot be read. */
  readonly conversation: number | undefined;
  readonly to: 'dana' | 'channel';
  /** Of the post; undefined where it has none. */
  readonly key: string | undefined;
  /** In ms since 1970. */
  readonly atMs: number;
}

/** She has said that she looks after it, and Slack was told that this is stored. */
export interface Taking {
  readonly escalation: string;
  readonly atMs: number;
}

/** Whether she takes it as soon as she is called. */
export function isTakenAtOnce({ conversation }: Pick<Message, 'conversation'>): boolean {
  return conversation % 2 === 0;
}

export class OnCall {
  readonly calls: Call[] = [];
  readonly takings: Taking[] = [];
  readonly #begun = new Set<string>();
  readonly #seen = new Map<string, number>();
  readonly #stopping = new AbortController();
  #looking: Promise<void> = Promise.resolve();
  #stopListening = (): void => undefined;

  constructor(private readonly slack: SlackSandbox) {}

  start(): void {
    // As they are posted: what is edited later was said all the same.
    this.#stopListening = this.slack.onChange(() => this.#note());
    this.#looking = this.#look();
  }

  /** Safe to call twice. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#stopListening();
    await this.#looking;
  }

  /** Whether a post that is there twice was looked for before it was made again. */
  explainDouble(key: string): string | undefined {
    const { calls } = this.slack;
    const posts = calls.flatMap(({ method, args }, index) =>
      method === 'chat.postMessage' && JSON.stringify(args.metadata ?? '').includes(key) ? [index] : [],
    );
    const [first, second] = posts;
    if (first === undefined || second === undefined) return 'its posts are no longer in the record of calls';
    const wasLookedFor = calls.slice(first, second).some(({ method }) => method.startsWith('conversations.'));
    return wasLookedFor
      ? 'it was looked for between the two posts: the first one was not found, or was still on its way'
      : undefined;
  }

  #note(): void {
    for (const [channel, to] of [
      [DANA.slackDm, 'dana'],
      [CHANNEL, 'channel'],
    ] as const) {
      const messages = this.slack.messages(channel);
      for (const message of messages.slice(this.#seen.get(channel) ?? 0)) {
        this.calls.push(...callsIn(message, to));
      }
      this.#seen.set(channel, messages.length);
    }
  }

  async #look(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      this.#note();
      for (const { escalation, conversation = 0 } of this.calls) {
        const called = new Set(
          this.calls.filter((call) => call.escalation === escalation).map(({ to }) => to),
        );
        const isComplete = called.has('dana') && (isTakenAtOnce({ conversation }) || called.has('channel'));
        if (this.#begun.has(escalation) || !isComplete) continue;
        this.#begun.add(escalation);
        void this.#take(escalation);
      }
      await pause(LOOK_EVERY_MS, undefined, { signal }).catch(() => {}); // stopping
    }
  }

  async #take(escalation: string): Promise<void> {
    const { acknowledged } = await this.slack.dm({ user: DANA.slackUser, text: `!ack ${escalation}` });
    await acknowledged;
    this.takings.push({ escalation, atMs: Date.now() });
  }
}

/** One message may tell of several; each names its reason before its ticket. */
export function callsIn(message: SlackMessage, to: Call['to']): Call[] {
  if (message.bot_id === undefined) return [];
  const whole = `${message.text} ${JSON.stringify(message.blocks ?? [])}`;
  const calls = new Map<string, Call>();
  let from = 0;
  for (const { 0: escalation, index } of whole.matchAll(ID)) {
    const words = whole.slice(from, index);
    from = index;
    if (calls.has(escalation) || !CALLED.test(words)) continue;
    const conversation = labelIn(words)?.conversation;
    calls.set(escalation, {
      escalation,
      conversation,
      to,
      key: markOf(message)?.key,
      atMs: Number(message.ts) * 1_000,
    });
  }
  return [...calls.values()];
}
