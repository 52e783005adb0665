/** A platform in some thirty lines, added to the product without a change to it: lines of JSON over a TCP connection. */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { createInterface, type Interface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { startApp } from '../../src/app.ts';
import { systemClock } from '../../src/domain/clock.ts';
import { UndeliverableError } from '../../src/domain/errors.ts';
import type { Gateway, Receive } from '../../src/domain/gateway.ts';
import { AccountId, ConversationId, MessageId, Platform } from '../../src/domain/ids.ts';
import type { Address, Inbound, OutboundBody, OutboundMessage } from '../../src/domain/message.ts';
import { silent } from '../support/core.ts';
import { Story } from '../support/story.ts';
import { describeGateway } from './gateway.contract.ts';
import type { PlatformWorld } from './platform-world.ts';

// ── The gateway ────────────────────────────────────────────────────────────────────────────────────────────────

const LINES = Platform.parse('lines');

class LineGateway implements Gateway {
  readonly platform = LINES;
  readonly server = createServer((socket) => this.#welcome(socket));
  readonly #readers = new Map<string, Socket>();
  #receive: Receive = async () => ({ kind: 'ignored', reason: 'not started' });
  #taken: Promise<unknown> = Promise.resolve();

  async start(receive: Receive) {
    this.#receive = receive;
    await once(this.server.listen(0, '127.0.0.1'), 'listening');
  }
  async stop() {
    this.server.close();
    await this.#taken;
    for (const socket of this.#readers.values()) socket.destroy();
  }
  async send({ id, to, body }: OutboundMessage) {
    const socket = this.#readers.get(to.route.user ?? '');
    if (!socket?.writable) throw new UndeliverableError(LINES, 'nobody of that name is connected');
    socket.write(`${JSON.stringify({ id, body })}\n`);
    return { ref: id };
  }
  directAddress = (account: AccountId) => addressOf(account.slice(LINES.length + 1));
  check = async () => [{ subject: 'Lines', status: 'works' as const, detail: 'always' }];

  #welcome(socket: Socket) {
    createInterface({ input: socket.on('error', () => socket.destroy()) }).on('line', (line) => {
      const answered = this.#hear(line, socket).catch((error) => ({ refused: String(error) }));
      this.#taken = Promise.all([
        this.#taken,
        answered.then((it) => socket.write(`${JSON.stringify(it)}\n`)),
      ]);
    });
  }
  async #hear(line: string, socket: Socket) {
    const said = Line.parse(JSON.parse(line));
    this.#readers.set(said.user, socket);
    return { ack: said.id, receipt: (await this.#receive(toInbound(said))).kind };
  }
}

// What it reads, in our words.

const Line = z.object({ user: z.string(), id: z.string(), text: z.string() });
type Line = z.infer<typeof Line>;

function toInbound({ user, id, text }: Line): Inbound {
  const account = AccountId.parse(`lines:${user}`);
  return {
    kind: 'message',
    id: MessageId.parse(`lines:${user}:${id}`),
    conversationId: ConversationId.parse(`lines:${user}`),
    sender: { account, displayName: user, authenticated: true, automatic: false },
    text,
    addressedToBot: true,
    sentAt: new Date().toISOString(),
    replyTo: addressOf(user),
  };
}

function addressOf(user: string): Address {
  return { platform: LINES, route: { user } };
}

// ── Somebody who uses it ───────────────────────────────────────────────────────────────────────────────────────

interface Shown {
  readonly id?: string;
  readonly body?: OutboundBody;
  readonly ack?: string;
  readonly receipt?: string;
  readonly refused?: string;
}

class Client {
  readonly shown: Shown[] = [];
  readonly #socket: Socket;
  readonly #lines: Interface;

  private constructor(port: number) {
    this.#socket = connect(port, '127.0.0.1');
    this.#lines = createInterface({ input: this.#socket });
    this.#lines.on('line', (line) => this.shown.push(JSON.parse(line)));
  }

  static async of(gateway: LineGateway): Promise<Client> {
    const address = gateway.server.address();
    if (typeof address !== 'object' || !address) throw new Error('the gateway does not listen');
    const client = new Client(address.port);
    await once(client.#socket, 'connect');
    return client;
  }

  write(line: string): void {
    this.#socket.write(`${line}\n`);
  }

  /** Says it until it is taken. */
  async say(line: Line): Promise<void> {
    for (;;) {
      const before = this.shown.length;
      this.write(JSON.stringify(line));
      const { refused } = await this.next((shown) => shown.ack === line.id || !!shown.refused, before);
      if (refused === undefined) return;
    }
  }

  async next(predicate: (shown: Shown) => boolean, from = 0): Promise<Shown> {
    for (;;) {
      const found = this.shown.slice(from).find(predicate);
      if (found) return found;
      await once(this.#lines, 'line');
    }
  }

  async leave(): Promise<void> {
    if (this.#socket.closed) return;
    this.#socket.end();
    await once(this.#socket, 'close');
  }
}

// ── It keeps the contract ──────────────────────────────────────────────────────────────────────────────────────

describeGateway('thirty-line', openLineWorld, {
  echo: 'nobody sends it what it said',
  bots: 'whoever connects speaks for a person',
  loops: 'whoever connects speaks for a person',
  edits: 'a line that was sent stays as it is',
  splitting: 'a line may be as long as it likes',
  links: 'whoever reads the line sees the markdown as it is',
  repetition: 'a line has no key to find it by',
  'rate limit': 'a connection takes everything',
  files: 'a line is all there is',
});

async function openLineWorld(): Promise<PlatformWorld> {
  const gateway = new LineGateway();
  const received: Inbound[] = [];
  const clients = new Map<string, Client>();
  let core: Parameters<PlatformWorld['onReceive']>[0] = async () => ({ kind: 'stored' });
  let newest: Line | undefined;
  const start = () =>
    gateway.start(async (inbound) => {
      received.push(inbound);
      return core(inbound);
    });
  await start();
  const clientOf = async (user: string): Promise<Client> => {
    const client = clients.get(user) ?? (await Client.of(gateway));
    clients.set(user, client);
    return client;
  };
  const bodies = (ref: string) => clients.get(ref)?.shown.flatMap(({ body }) => body ?? []) ?? [];
  /** What the gateway wrote before this was answered has been read, too. */
  const settle = async (ref: string) => {
    const client = await clientOf(ref);
    const before = client.shown.length;
    client.write('');
    await client.next(({ refused }) => refused !== undefined, before);
  };
  const cardOf = async (ref: string) => {
    await settle(ref);
    return bodies(ref).flatMap((body) => (body.kind === 'card' ? body.card : []));
  };
  const say = async (line: Line) => {
    newest = line;
    await (await clientOf(line.user)).say(line);
  };
  return {
    name: 'thirty-line',
    gateway,
    received,
    onReceive: (receive) => {
      core = receive;
    },
    start,
    say: async (text) => {
      const user = `alex-${clients.size}`;
      await say({ user, id: '1', text });
      return { place: addressOf(user), ref: user };
    },
    sayUnheard: async (text) => {
      await say({ user: 'alex-late', id: '1', text }).catch(() => undefined); // nobody to connect to
    },
    shown: async ({ ref }) => {
      await settle(ref);
      return bodies(ref).map((body) => (body.kind === 'card' ? JSON.stringify(body.card) : body.markdown));
    },
    plain: (native) => native.replaceAll('**', '').replaceAll(/\[([^\]]+)\]\(([^)]+)\)/g, '$1 ($2)'),
    redeliver: async () => {
      if (newest) await say(newest);
    },
    // It has no way to notify anybody.
    pings: () => [],
    unguarded: () => [],
    cards: {
      inWords: true,
      isOpen: async ({ ref }) => ((await cardOf(ref)).at(-1)?.choices.length ?? 0) > 0,
      approve: async ({ ref }, who) => {
        const [card] = (await cardOf(ref)).slice(-1);
        await say({ user: who, id: '1', text: `approve ${card?.approvalId}.${card?.gen}` });
        return undefined;
      },
      deny: async ({ ref }, reason) => {
        const [card] = (await cardOf(ref)).slice(-1);
        await say({ user: 'dana', id: '2', text: `deny ${card?.approvalId}.${card?.gen} ${reason}` });
      },
    },
    refuse: () => [...clients.values()].at(-1)?.leave(),
    drop: async () => {
      for (const client of clients.values()) await client.leave();
    },
    malformed: async (count) => {
      const client = await Client.of(gateway);
      for (let n = 0; n < count; n++) client.write(NONSENSE[n % NONSENSE.length] ?? '');
      await client.next(() => client.shown.length === count);
      await client.leave();
    },
    close: () => gateway.stop(),
  };
}

const NONSENSE = ['', '{', 'null', '[]', '{"user":5}', '{"user":"","id":"","text":{}}', '"\\ud800"'];

// ── And the product can use it at once ─────────────────────────────────────────────────────────────────────────

describe("OM-051 a platform of one's own", () => {
  let story: Story;
  let client: Client;
  let stop: () => Promise<void>;

  beforeEach(async () => {
    // Beside the story's own gateway, on the same store: one more process, which carries for one more platform.
    story = await Story.begin();
    const { people } = story.config.contacts;
    const alex = { ...people.alex!, accounts: { ...people.alex!.accounts, lines: ['alex'] } };
    const contacts = { ...story.config.contacts, people: { ...people, alex } };
    story.config = { ...story.config, contacts };
    const gateway = new LineGateway();
    const app = await startApp({
      config: () => story.config,
      redisUrl: story.redisUrl,
      clock: systemClock,
      log: silent,
      platforms: false,
      workers: false,
      gateways: [gateway],
    });
    stop = () => app.stop();
    client = await Client.of(gateway);
  });
  afterEach(async () => {
    await stop();
    await story.end();
  });

  const isAnswer = ({ body }: Shown) =>
    body?.kind === 'text' && body.markdown.includes('Here is what I can do');
  const isCard =
    (sentence: RegExp) =>
    ({ body }: Shown) =>
      body?.kind === 'card' && sentence.test(body.card.status.sentence);

  it('OM-051 asks the agent and gets its answer, once, however often the question is delivered', async () => {
    const question = { user: 'alex', id: '1', text: 'what can you do?' };
    await client.say(question);
    await client.say(question);

    await client.next(isAnswer);
    await story.quiet();
    expect(client.shown.flatMap(({ receipt }) => receipt ?? [])).toEqual(['stored', 'duplicate']);
    expect(client.shown.filter(isAnswer)).toHaveLength(1);
  });

  it('OM-051 has its calls held, approved on another platform, and told', async () => {
    await client.say({ user: 'alex', id: '2', text: 'refund order 7' });
    await client.next(isCard(/^Waiting for role manager/));

    const request = await story.mail('dana@corp.test', /refund/);
    const line = /^approve [A-Z0-9]{4,8}$/m.exec(request.text)?.[0] ?? '';
    await story.sandbox.mail.reply(request, { line, quoting: 'top' });

    await client.next(isCard(/Approved by Dana Reyes by e-mail.*Done/));
    expect(story.refunds(7)).toEqual([120]);
  });
});
