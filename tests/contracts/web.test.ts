import { once } from 'node:events';
import type { Gateway } from '../../src/domain/gateway.ts';
import { OTHER_TOKEN, openWeb, type ServerFrame, TOKEN, type WebFixture } from '../support/web-gateway.ts';
import { describeGateway } from './gateway.contract.ts';
import type { PlatformWorld } from './platform-world.ts';

for (const door of ['http', 'socket'] as const) {
  describeGateway(`web (${door})`, () => openWebWorld(door), {
    echo: 'what we say is an event of its own kind, which nobody sends back',
    bots: 'every client is a program, and speaks for whom the configuration says',
    loops: 'every client is a program, and speaks for whom the configuration says',
    edits: 'what a program sent stays as it is',
    splitting: 'a program takes a text of any length',
    links: 'a program gets markdown as it is, and shows it as it likes',
    'rate limit': 'the log of a client takes everything',
    ...(door === 'http' ? { reconnect: 'programs call; there is no connection to drop' } : {}),
  });
}

/** An event as a program hears it. */
interface Heard {
  readonly position: number;
  readonly replaces?: number;
  readonly conversation?: string;
  readonly markdown?: string;
  readonly card?: { approvalId: string; gen: number; digest: string; choices: string[] };
  readonly files?: readonly { readonly name: string; readonly base64: string }[];
}

/** What a program is told at once about what it sent. */
interface Answer {
  readonly isTaken: boolean;
  /** To be sent again, with the same id. */
  readonly isAgain: boolean;
  readonly notice: string | undefined;
}

async function openWebWorld(door: 'http' | 'socket'): Promise<PlatformWorld> {
  const web = await openWeb();
  const program = await openProgram(web, door);
  let { gateway }: { gateway: Gateway } = web;
  let said = 0;
  let newest: object = {};
  /** What somebody was told at once about their answer. */
  const notices = new Map<'dana' | 'eve', string | undefined>();
  /** As a program does: the same again, with the same id, until it is taken. */
  const insist = async (message: object): Promise<Answer> => {
    for (;;) {
      const answer = await program.tell('message', message);
      if (!answer.isAgain) return answer;
    }
  };
  const events = async (conversation: string) =>
    (await program.heard()).filter((event) => event.conversation === conversation);
  const cardIn = async (ref: string) => {
    const card = (await events(ref)).findLast((event) => event.card)?.card;
    if (!card) throw new Error('there is no card');
    return card;
  };
  return {
    name: 'web',
    get gateway() {
      return gateway;
    },
    received: web.received,
    onReceive: web.onReceive,
    start: async () => {
      await web.start();
      await program.connect();
    },
    say: async (text, files = []) => {
      const conversation = `c${++said}`;
      newest = { id: `m${said}`, conversation, text, ...(files.length > 0 ? { attachments: files } : {}) };
      const { isTaken } = await insist(newest);
      if (!isTaken) throw new Error('the message was refused');
      const message = web.received.findLast((inbound) => inbound.kind === 'message');
      if (message?.kind !== 'message') throw new Error('the core has no message');
      return { place: message.replyTo, ref: conversation };
    },
    sayUnheard: async (text) => {
      await program.tell('message', { id: `m${++said}`, conversation: `c${said}`, text });
    },
    // As a program shows them: what replaces something stands in its place.
    shown: async ({ ref }) => {
      const places = (await events(ref)).map((event) => [event.replaces ?? event.position, event] as const);
      return [...new Map(places).values()].map((event) => JSON.stringify(event));
    },
    plain: (native) => {
      const event: Heard = JSON.parse(native);
      const text = event.markdown ?? JSON.stringify(event.card ?? event);
      return text.replaceAll(/\*\*|`/g, '').replaceAll(/\[([^\]]+)\]\(([^)]+)\)/g, '$1 ($2)');
    },
    redeliver: async () => {
      await insist(newest);
    },
    // What is for one client is read by no other.
    pings: async () => (await pageOf(web, 0, OTHER_TOKEN)).map((event) => JSON.stringify(event)),
    unguarded: () => [],
    toldTo: async (words) => {
      const has = (event: Heard) => JSON.stringify(event).includes(words);
      const told = (['dana', 'eve'] as const).filter((who) => notices.get(who)?.includes(words));
      const [ours, others] = [await program.heard(), await pageOf(web, 0, OTHER_TOKEN)];
      // Alex and Dana use one program, Eve another.
      return [
        ...(ours.some(has) ? (['alex'] as const) : []),
        ...(others.some(has) ? (['eve'] as const) : []),
        ...told,
      ];
    },
    cards: {
      inWords: false,
      isOpen: async ({ ref }) => (await cardIn(ref)).choices.length > 0,
      approve: async ({ ref }, who) => {
        const { approvalId, gen, digest } = await cardIn(ref);
        const answer = { id: `a${++said}`, approvalId, choice: 'approve', gen, digest };
        const { notice } = await program.tell('answer', answer, who === 'dana' ? TOKEN : OTHER_TOKEN);
        notices.set(who, notice);
        return notice;
      },
      deny: async ({ ref }, text) => {
        const { approvalId, gen, digest } = await cardIn(ref);
        await program.tell('answer', { id: `a${++said}`, approvalId, choice: 'deny', text, gen, digest });
      },
    },
    refuse: async () => {
      // The client is no longer one of the configuration.
      gateway = web.another({ clients: { ops: { token: OTHER_TOKEN } } });
    },
    drop: program.drop,
    malformed: async (count) => {
      for (let n = 0; n < count; n++) await program.nonsense(NONSENSE[n % NONSENSE.length] ?? '');
    },
    files: async ({ ref }) =>
      (await events(ref)).flatMap(({ files = [] }) =>
        files.map(({ name, base64 }) => ({ name, content: Buffer.from(base64, 'base64').toString() })),
      ),
    close: async () => undefined, // the fixture closes itself
  };
}

/** A program that asks through one of the doors, and hears what the client `shop` is told. */
interface Program {
  connect(): Promise<void>;
  tell(kind: 'message' | 'answer', body: object, token?: string): Promise<Answer>;
  nonsense(text: string): Promise<void>;
  /** Everything so far. */
  heard(): Promise<readonly Heard[]>;
  /** Loses its connection, and comes back. */
  drop(): Promise<void>;
}

function openProgram(web: WebFixture, door: 'http' | 'socket'): Promise<Program> {
  return door === 'http' ? openHttpProgram(web) : openSocketProgram(web);
}

async function openHttpProgram(web: WebFixture): Promise<Program> {
  return {
    connect: async () => undefined,
    tell: async (kind, request, token = TOKEN) => {
      const { status, body } = await web.call('POST', `${kind}s`, request, { token });
      return { isTaken: status < 300, isAgain: status === 503, notice: body.notice };
    },
    nonsense: async (text) => {
      const { status } = await web.call('POST', 'messages', text);
      if (status !== 400) throw new Error(`nonsense was answered with ${status}`);
    },
    heard: async () => {
      const heard: Heard[] = [];
      for (;;) {
        const page = await pageOf(web, heard.at(-1)?.position ?? 0);
        if (page.length === 0) return heard;
        heard.push(...page);
      }
    },
    drop: async () => undefined,
  };
}

async function openSocketProgram(web: WebFixture): Promise<Program> {
  const heard: Heard[] = [];
  let line = await openLine(web, TOKEN, heard);
  const lastPosition = async () => {
    let last = heard.at(-1)?.position ?? 0;
    for (let page = await pageOf(web, last); page.length > 0; page = await pageOf(web, last)) {
      last = page.at(-1)?.position ?? last;
    }
    return last;
  };
  const connect = async () => {
    line = await openLine(web, TOKEN, heard);
  };
  return {
    connect,
    tell: async (kind, request, token = TOKEN) => {
      const from = token === TOKEN ? line : await openLine(web, token, []);
      const reply = await from.ask({ type: kind, ...request });
      return {
        isTaken: reply?.type === 'ok',
        isAgain: reply?.code === 'try-again',
        notice: typeof reply?.notice === 'string' ? reply.notice : undefined,
      };
    },
    nonsense: async (text) => {
      const reply = await line.ask(text);
      if (reply?.code !== 'malformed') throw new Error(`nonsense was answered with ${JSON.stringify(reply)}`);
    },
    heard: async () => {
      const last = await lastPosition();
      while ((heard.at(-1)?.position ?? 0) < last) await line.arrival();
      return heard;
    },
    drop: async () => {
      await line.cut();
      await connect();
    },
  };
}

/** One socket: what it asks is answered under its id, what it hears is added to `heard`. */
async function openLine(web: WebFixture, token: string, heard: Heard[]) {
  const { socket, closed } = await web.connect({ token });
  const replies: ServerFrame[] = [];
  socket.on('message', (data) => {
    const frame = JSON.parse(String(data));
    if (frame.type === 'event') heard.push(frame);
    else replies.push(frame);
  });
  const isOver = closed.then(() => undefined);
  const arrival = () => Promise.race([once(socket, 'message').then(() => true), isOver]);
  const ask = async (frame: object | string): Promise<ServerFrame | undefined> => {
    const before = replies.length;
    socket.send(typeof frame === 'string' ? frame : JSON.stringify(frame));
    while (replies.length === before) {
      if (socket.readyState !== socket.OPEN || !(await arrival())) return undefined;
    }
    return replies[before];
  };
  await ask({ type: 'subscribe', id: 'subscribe', after: heard.at(-1)?.position ?? 0 });
  return {
    ask,
    arrival,
    cut: async () => {
      socket.terminate();
      await closed;
    },
  };
}

/** What a client finds after a position; none when there is no more. */
async function pageOf(web: WebFixture, after: number, token = TOKEN): Promise<readonly Heard[]> {
  const { body } = await web.call('GET', `events?wait=0&after=${after}`, undefined, { token });
  return body.events ?? [];
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
