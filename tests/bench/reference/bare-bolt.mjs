// @ts-nocheck: Plain JavaScript on purpose: it runs as its users would run it, without a loader.
/** The floor: Bolt as it comes, which stores nothing and posts the echo. */
import bolt from '@slack/bolt';

const app = new bolt.App({
  token: process.env.SLACK_BOT_TOKEN,
  signingSecret: process.env.SLACK_SIGNING_SECRET,
  clientOptions: { slackApiUrl: process.env.SLACK_API_URL },
  logLevel: bolt.LogLevel.ERROR,
});

app.event('app_mention', async ({ event, client }) => {
  await client.chat.postMessage({
    channel: event.channel,
    thread_ts: event.thread_ts ?? event.ts,
    text: event.text.replace(/<@[^>]+>\s*/, ''),
  });
});

await app.start(Number(process.env.HTTP_PORT));
console.log('ready');
