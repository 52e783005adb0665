/** Signed Slack events, as the Events API sends them. Pure. */
import { createHmac } from 'node:crypto';

export const SIGNING_SECRET = 'bench-signing-secret';
export const BOT_TOKEN = 'xoxb-bench';
export const TEAM = 'T0BENCH';
export const BOT_USER = 'U0BENCHBOT';
export const BOT_ID = 'B0BENCHBOT';
export const APP_ID = 'A0BENCH';

/** Many, so that no limit per person holds the load back. They are in `config/contacts.yaml`. */
const PEOPLE = 50;

/** About as long as a short request to an assistant; some 20 words. */
const REQUEST =
  'please look up order 4711 for the customer in Lisbon and tell me whether the second parcel has left the warehouse';

export interface SignedRequest {
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Where mention number `index` is written: a thread of its own in a channel of its own, so no channel's rate limit holds. */
export function threadOf(index: number, nowSeconds: number): { channel: string; ts: string } {
  return {
    channel: `C${String(index).padStart(9, '0')}`,
    ts: `${nowSeconds}.${String(index).padStart(6, '0')}`,
  };
}

/** Who writes mention number `index`. */
export function personOf(index: number): string {
  return `U0BENCH${String(index % PEOPLE).padStart(2, '0')}`;
}

/** The number of the mention that began this thread. */
export function indexOf(threadTs: string): number {
  return Number(threadTs.slice(threadTs.indexOf('.') + 1));
}

/** A person mentions the bot at the root of a channel. */
export function toMentionEvent(index: number, nowSeconds: number): SignedRequest {
  const { channel, ts } = threadOf(index, nowSeconds);
  const text = `<@${BOT_USER}> ${REQUEST} (${index})`;
  const body = JSON.stringify({
    token: 'unused',
    team_id: TEAM,
    api_app_id: APP_ID,
    type: 'event_callback',
    event_id: `Ev${String(index).padStart(9, '0')}`,
    event_time: nowSeconds,
    authorizations: [
      { enterprise_id: null, team_id: TEAM, user_id: BOT_USER, is_bot: true, is_enterprise_install: false },
    ],
    is_ext_shared_channel: false,
    event: {
      type: 'app_mention',
      user: personOf(index),
      text,
      ts,
      client_msg_id: `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`,
      team: TEAM,
      channel,
      event_ts: ts,
      blocks: [
        {
          type: 'rich_text',
          block_id: 'b1',
          elements: [
            {
              type: 'rich_text_section',
              elements: [
                { type: 'user', user_id: BOT_USER },
                { type: 'text', text: ` ${REQUEST} (${index})` },
              ],
            },
          ],
        },
      ],
    },
  });
  return { body, headers: sign(body, nowSeconds) };
}

function sign(body: string, nowSeconds: number): Record<string, string> {
  const digest = createHmac('sha256', SIGNING_SECRET).update(`v0:${nowSeconds}:${body}`).digest('hex');
  return {
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(body)),
    'x-slack-request-timestamp': String(nowSeconds),
    'x-slack-signature': `v0=${digest}`,
  };
}
