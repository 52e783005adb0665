// @ts-nocheck: Plain JavaScript on purpose, and unchecked: its packages are there only once the benchmark has run.
/** Vercel's Chat SDK with its Slack adapter and its ioredis state, behind plain node:http. */
import { createServer } from 'node:http';
import { createSlackAdapter } from '@chat-adapter/slack';
import { createIoRedisState } from '@chat-adapter/state-ioredis';
import { Chat, ConsoleLogger } from 'chat';

const logger = new ConsoleLogger('error');
const chat = new Chat({
  userName: 'bench',
  adapters: {
    slack: createSlackAdapter({
      botToken: process.env.SLACK_BOT_TOKEN,
      signingSecret: process.env.SLACK_SIGNING_SECRET,
      apiUrl: process.env.SLACK_API_URL,
      logger,
    }),
  },
  state: createIoRedisState({ url: process.env.REDIS_URL, logger }),
  logger,
});

chat.onNewMention(async (thread, message) => {
  await thread.post(message.text.replace(/^@\S+\s*/, ''));
});

const server = createServer(async (incoming, outgoing) => {
  const chunks = [];
  for await (const chunk of incoming) chunks.push(chunk);
  const request = new Request(`http://127.0.0.1${incoming.url}`, {
    method: incoming.method,
    headers: incoming.headers,
    body: Buffer.concat(chunks),
  });
  const response = await chat.webhooks.slack(request, {
    waitUntil: (task) => task.catch((error) => console.error(error)),
  });
  outgoing.writeHead(response.status, Object.fromEntries(response.headers));
  outgoing.end(await response.text());
});

await chat.initialize();
server.listen(Number(process.env.HTTP_PORT), '127.0.0.1', () => console.log('ready'));
