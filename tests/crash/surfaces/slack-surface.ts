import { ACTIONS } from '../../../gateways/slack/inbound.ts';
import { ALEX, DANA } from '../../../src/sandbox/people.ts';
import type { ApiCall } from '../../../src/sandbox/slack/api-server.ts';
import type { SlackSandbox } from '../../../src/sandbox/slack/slack-sandbox.ts';
import type { SlackMessage } from '../../../src/sandbox/slack/workspace.ts';
import type { Post, Surface } from './surface.ts';

const CHANNEL = 'C0GENERAL';

export function createSlackSurface(slack: SlackSandbox): Surface {
  return {
    platform: 'slack',
    write: async ({ place, text, mention }) => {
      const { ts, acknowledged } = await slack.say({
        user: ALEX.slackUser,
        channel: CHANNEL,
        // Within a thread the agent is part of, not every message has to mention it.
        text: mention ? `@signalbox ${text}` : text,
        ...(place === undefined ? {} : { thread: place }),
      });
      return { place: place ?? ts, acknowledged };
    },
    speak: async (place, text) => {
      const { acknowledged } = await slack.say({
        user: DANA.slackUser,
        channel: CHANNEL,
        text,
        thread: place,
      });
      await acknowledged;
    },
    posts: (place) => slack.thread(CHANNEL, place).filter(isOurs).map(toPost),
    approve: async (place, card) => {
      const message = slack.thread(CHANNEL, place).find((each) => isOurs(each) && rawOf(each) === card.raw);
      if (!message) return false;
      const pressed = { user: DANA.slackUser, channel: CHANNEL, ts: message.ts, actionId: ACTIONS.approve };
      const outcome = await slack.press(pressed).catch(() => undefined); // it changed under her finger
      return outcome?.kind === 'acknowledged';
    },
    get unacknowledged() {
      return slack.unacknowledged;
    },
    get written() {
      return slack.calls.filter(({ method }) => method.startsWith('chat.')).length;
    },
    get stored() {
      return slack.deliveries.filter(({ outcome }) => outcome === 'acknowledged').length;
    },
    onChange: (listener) => slack.onChange(listener),
    explainDouble: (place, key) => explainDouble(place, key, slack.calls),
  };
}

/** How it came about; undefined when the gateway did not look for the first post before it made the second. Pure. */
export function explainDouble(place: string, key: string, calls: readonly ApiCall[]): string | undefined {
  const posts = calls.flatMap(({ method, args }, index) =>
    method === 'chat.postMessage' && JSON.stringify(args.metadata ?? '').includes(key) ? [index] : [],
  );
  const [first, second] = posts;
  if (first === undefined || second === undefined) return 'its posts are no longer in the record of calls';
  const lookedUp = calls
    .slice(first, second)
    .some(({ method, args }) => method === 'conversations.replies' && String(args.ts) === place);
  return lookedUp
    ? 'the thread was searched between the two posts: the first one was not found, or was still on its way'
    : undefined;
}

function isOurs({ bot_id: bot }: SlackMessage): boolean {
  return bot !== undefined;
}

function toPost(message: SlackMessage): Post {
  const mark = markOf(message);
  const raw = rawOf(message);
  return {
    text: message.text,
    key: mark?.key,
    isProgress: mark?.state === 'progress',
    isOpen: raw.includes(ACTIONS.approve),
    raw,
  };
}

function rawOf({ ts, text, blocks = [] }: SlackMessage): string {
  return `${ts} ${text} ${JSON.stringify(blocks)}`;
}

/** What the gateway wrote beside a post, so that it finds it again. */
export function markOf({ metadata }: SlackMessage): { key: string; state: string } | undefined {
  if (metadata?.event_type !== 'signalbox_message') return undefined;
  const { key, state } = metadata.event_payload;
  return { key: String(key), state: String(state) };
}
