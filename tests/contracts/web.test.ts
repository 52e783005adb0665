import { openWeb } from '../support/web-gateway.ts';
import { describeGateway } from './gateway.contract.ts';
import type { PlatformWorld } from './platform-world.ts';

describeGateway('web', openWebWorld, {
  acknowledgement: 'a program is told at once, by 503, and sends again itself; see the tests of the gateway',
  echo: 'what we say is an event of its own kind, which nobody sends back',
  bots: 'every client is a program, and speaks for whom the configuration says',
  loops: 'every client is a program, and speaks for whom the configuration says',
  edits: 'what a program sent stays as it is',
  splitting: 'a program takes a text of any length',
  links: 'a program gets markdown as it is, and shows it as it likes',
  'rate limit': 'the log of a client takes everything',
  'permanent error': 'the log of a client takes everything',
});

async function openWebWorld(): Promise<PlatformWorld> {
  const web = await openWeb();
  const { gateway } = web;
  let said = 0;
  let newest: unknown;
  const events = async (conversation: string) => {
    const { body } = await web.call('GET', 'events?wait=0');
    return body.events.filter((event: { conversation?: string }) => event.conversation === conversation);
  };
  return {
    name: 'web',
    gateway,
    received: web.received,
    onReceive: web.onReceive,
    start: () => web.start(),
    say: async (text, files = []) => {
      const conversation = `c${++said}`;
      newest = { id: `m${said}`, conversation, text, ...(files.length > 0 ? { attachments: files } : {}) };
      const { status } = await web.call('POST', 'messages', newest);
      if (status !== 202) throw new Error(`the message was answered with ${status}`);
      const message = web.received.findLast((inbound) => inbound.kind === 'message');
      if (message?.kind !== 'message') throw new Error('the core has no message');
      return { place: message.replyTo, ref: conversation };
    },
    shown: async ({ ref }) => (await events(ref)).map((event: object) => JSON.stringify(event)),
    plain: (native) => {
      const event = JSON.parse(native);
      const text: string = event.markdown ?? JSON.stringify(event.card ?? event);
      return text.replaceAll(/\*\*|`/g, '').replaceAll(/\[([^\]]+)\]\(([^)]+)\)/g, '$1 ($2)');
    },
    redeliver: async () => {
      await web.call('POST', 'messages', newest);
    },
    pings: () => [],
    cards: {
      inWords: false,
      isOpen: async ({ ref }) => (await events(ref)).at(-1).card.choices.length > 0,
      approve: async ({ ref }) => {
        const { card } = (await events(ref)).findLast((event: { card?: unknown }) => event.card);
        const { approvalId, gen, digest } = card;
        const answer = { id: `a${++said}`, approvalId, choice: 'approve', gen, digest };
        return (await web.call('POST', 'answers', answer)).body.notice;
      },
    },
    drop: async () => {
      const socket = await web.connect();
      socket.socket.terminate();
      await socket.closed;
    },
    malformed: async (count) => {
      for (let n = 0; n < count; n++) await web.call('POST', 'messages', NONSENSE[n % NONSENSE.length]);
    },
    files: async ({ ref }) =>
      (await events(ref)).flatMap(({ files = [] }: { files?: { name: string; base64: string }[] }) =>
        files.map(({ name, base64 }) => ({ name, content: Buffer.from(base64, 'base64').toString() })),
      ),
    close: async () => undefined, // the fixture closes itself
  };
}

const NONSENSE = [
  '{',
  'null',
  '[]',
  '{"text":5}',
  '{"conversation":"","text":"x"}',
  '{"conversation":"c","text":{}}',
  '"x"',
];
