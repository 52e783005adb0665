/** A platform in thirty lines, added to the product without a change to it: JSON by HTTP, to and from an inbox. */
import { EventEmitter, on } from 'node:events';
import { readFileSync } from 'node:fs';
import { type FastifyInstance, fastify } from 'fastify';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { startApp } from '../../src/app.ts';
import { systemClock } from '../../src/domain/clock.ts';
import { RateLimitedError, UndeliverableError } from '../../src/domain/errors.ts';
import type { Gateway, Receive } from '../../src/domain/gateway.ts';
import { AccountId, ConversationId, MessageId, Platform } from '../../src/domain/ids.ts';
import type { Address, Inbound, OutboundBody, OutboundMessage } from '../../src/domain/message.ts';
import { silent } from '../support/core.ts';
import { Story, withPerson } from '../support/story.ts';
import { describeGateway } from './gateway.contract.ts';
import type { PlatformWorld } from './platform-world.ts';

// ── The gateway ────────────────────────────────────────────────────────────────────────────────────────────────

const POST = Platform.parse('post');

class PostGateway implements Gateway {
  readonly platform = POST;
  server = fastify();

  async start(receive: Receive) {
    this.server = fastify();
    this.server.post('/', async ({ body }, reply) => {
      reply.header('connection', 'close'); // or stopping would wait for it
      const letter = Letter.safeParse(body);
      return letter.success ? receive(toInbound(letter.data)) : reply.code(400).send();
    });
    await this.server.listen({ host: '127.0.0.1', port: 0 });
  }
  async stop() {
    await this.server.close();
  }
  async send({ id, to, body }: OutboundMessage, signal: AbortSignal) {
    const answer = await fetch(to.route.inbox ?? '', { ...jsonOf({ id, body }), signal });
    const { ok, status, headers } = answer;
    if (status === 429) throw new RateLimitedError(POST, Number(headers.get('retry-after')) * 1_000);
    if (status === 410) throw new UndeliverableError(POST, 'the inbox was given up');
    if (!ok) throw new Error(`the inbox answered ${status}`);
    return { ref: id };
  }
  directAddress = (account: AccountId) => addressOf(account.slice(POST.length + 1));
  check = async () => [{ subject: 'Post', status: 'works' as const, detail: 'always' }];
}

// What it reads, in our words.

const Letter = z.object({ from: z.url(), id: z.string(), text: z.string() });
type Letter = z.infer<typeof Letter>;

function toInbound({ from, id, text }: Letter): Inbound {
  return {
    kind: 'message',
    id: MessageId.parse(`post:${from}:${id}`),
    conversationId: ConversationId.parse(`post:${from}`),
    sender: {
      account: AccountId.parse(`post:${from}`),
      displayName: from,
      authenticated: true,
      automatic: false,
    },
    text,
    addressedToBot: true,
    sentAt: new Date().toISOString(),
    replyTo: addressOf(from),
  };
}

function addressOf(inbox: string): Address {
  return { platform: POST, route: { inbox } };
}

function jsonOf(body: object): RequestInit {
  return { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
}

// ── People who use it ──────────────────────────────────────────────────────────────────────────────────────────

interface Delivered {
  readonly id: string;
  readonly body: OutboundBody;
}

/** Inboxes under one address, which keep what is delivered under one id once. */
class Inboxes {
  readonly #server: FastifyInstance = fastify();
  readonly #arrivals = new EventEmitter();
  readonly #letters = new Map<string, Map<string, Delivered>>();
  /** What the next delivery is answered with. */
  refusal: { readonly status: number; readonly headers: Record<string, string> } | undefined;

  async open(): Promise<void> {
    this.#server.post<{ Params: { name: string }; Body: Delivered }>('/:name', async (request, reply) => {
      const { refusal } = this;
      this.refusal = undefined;
      if (refusal) return reply.code(refusal.status).headers(refusal.headers).send();
      const inbox = this.#letters.get(request.params.name) ?? new Map<string, Delivered>();
      this.#letters.set(request.params.name, inbox.set(request.body.id, request.body));
      this.#arrivals.emit('arrival');
      return reply.send();
    });
    await this.#server.listen({ host: '127.0.0.1', port: 0 });
  }

  addressOf(name: string): string {
    return `${this.#server.listeningOrigin}/${name}`;
  }

  of(name: string): OutboundBody[] {
    return [...(this.#letters.get(name)?.values() ?? [])].map(({ body }) => body);
  }

  /** Resolves once something like this is there. */
  async until(name: string, predicate: (body: OutboundBody) => boolean): Promise<void> {
    const arrivals = on(this.#arrivals, 'arrival');
    while (!this.of(name).some(predicate)) await arrivals.next();
  }

  async close(): Promise<void> {
    await this.#server.close();
  }
}

/** Sends it until it is taken, and resolves with what became of it. */
async function post({ server }: PostGateway, letter: Letter): Promise<string> {
  for (;;) {
    const answer = await fetch(server.listeningOrigin, jsonOf(letter));
    if (answer.ok) return z.object({ kind: z.string() }).parse(await answer.json()).kind;
    await answer.body?.cancel();
    if (answer.status < 500) throw new Error(`the letter was answered with ${answer.status}`);
  }
}

// ── It is short ────────────────────────────────────────────────────────────────────────────────────────────────

it('OM-051 takes a class of under thirty lines, and as much again for its words', () => {
  const source = readFileSync(new URL(import.meta.url), 'utf8');
  const [written = ''] = /^class PostGateway [\s\S]*?^}\n/m.exec(source) ?? [];
  const words = source.slice(
    source.indexOf(written) + written.length,
    source.indexOf('// ── People who use it'),
  );

  expect(linesIn(written)).toBeGreaterThan(0);
  expect(linesIn(written)).toBeLessThan(30);
  expect(linesIn(words)).toBeLessThanOrEqual(30);
});

function linesIn(source: string): number {
  return source.split('\n').filter((line) => line.trim() !== '').length;
}

// ── It keeps the contract ──────────────────────────────────────────────────────────────────────────────────────

describeGateway('thirty-line', openPostWorld, {
  echo: 'nobody sends it what it said',
  bots: 'whoever writes speaks for a person',
  loops: 'whoever writes speaks for a person',
  edits: 'a letter that was sent stays as it is',
  splitting: 'a letter may be as long as it likes',
  progress: 'a letter is sent when it is written',
  links: 'whoever reads the letter sees the markdown as it is',
  reconnect: 'nobody stays connected',
  files: 'a letter is all there is',
});

async function openPostWorld(): Promise<PlatformWorld> {
  const gateway = new PostGateway();
  const inboxes = new Inboxes();
  await inboxes.open();
  const received: Inbound[] = [];
  let core: Parameters<PlatformWorld['onReceive']>[0] = async () => ({ kind: 'stored' });
  let people = 0;
  let newest: Letter | undefined;
  const start = () =>
    gateway.start(async (inbound) => {
      received.push(inbound);
      return core(inbound);
    });
  await start();
  const write = async (name: string, text: string) => {
    newest = { from: inboxes.addressOf(name), id: `${text.length}`, text };
    await post(gateway, newest);
    return addressOf(newest.from);
  };
  const cardIn = (ref: string) => {
    const card = inboxes.of(ref).findLast((body) => body.kind === 'card')?.card;
    if (!card) throw new Error('there is no card');
    return card;
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
      const ref = `alex-${++people}`;
      return { place: await write(ref, text), ref };
    },
    sayUnheard: async (text) => {
      await write('alex', text).catch(() => undefined); // nobody listens
    },
    shown: async ({ ref }) =>
      inboxes.of(ref).map((body) => (body.kind === 'card' ? JSON.stringify(body.card) : body.markdown)),
    plain: (native) => native.replaceAll('**', '').replaceAll(/\[([^\]]+)\]\(([^)]+)\)/g, '$1 ($2)'),
    redeliver: async () => {
      if (newest) await post(gateway, newest);
    },
    // A letter reaches whom it is for, and has no way to notify anybody else.
    pings: () => inboxes.of('dana').map((body) => JSON.stringify(body)),
    unguarded: () => [],
    toldTo: async (words) => {
      const reads = (inbox: string) => inboxes.of(inbox).some((body) => JSON.stringify(body).includes(words));
      const alex = Array.from({ length: people }, (_, n) => `alex-${n + 1}`).some(reads);
      return [...(alex ? (['alex'] as const) : []), ...(['dana', 'eve'] as const).filter(reads)];
    },
    cards: {
      inWords: true,
      isOpen: async ({ ref }) => cardIn(ref).choices.length > 0,
      approve: async ({ ref }, who) => {
        await write(who, `approve ${cardIn(ref).approvalId}.${cardIn(ref).gen}`);
        return undefined;
      },
      deny: async ({ ref }, reason) => {
        await write('dana', `deny ${cardIn(ref).approvalId}.${cardIn(ref).gen} ${reason}`);
      },
    },
    refuse: (how) => {
      inboxes.refusal =
        how.kind === 'permanent'
          ? { status: 410, headers: {} }
          : { status: 429, headers: { 'retry-after': String(how.seconds) } };
    },
    malformed: async (count) => {
      for (let n = 0; n < count; n++) {
        const body = NONSENSE[n % NONSENSE.length] ?? '';
        const { status } = await fetch(gateway.server.listeningOrigin, { ...jsonOf({}), body });
        if (status !== 400) throw new Error(`nonsense was answered with ${status}`);
      }
    },
    close: async () => {
      await gateway.stop();
      await inboxes.close();
    },
  };
}

const NONSENSE = ['', '{', 'null', '[]', '{"from":5}', '{"from":"","id":"","text":{}}', '"\\ud800"'];

// ── And the product can use it at once ─────────────────────────────────────────────────────────────────────────

describe("OM-051 a platform of one's own", () => {
  let story: Story;
  let gateway: PostGateway;
  let inboxes: Inboxes;
  let stop: () => Promise<void>;

  beforeEach(async () => {
    // Beside the story's own gateway, on the same store: one more process, which carries for one more platform.
    story = await Story.begin();
    inboxes = new Inboxes();
    await inboxes.open();
    const { accounts } = story.config.contacts.people.alex!;
    story.config = withPerson(story.config, 'alex', {
      accounts: { ...accounts, post: [inboxes.addressOf('alex')] },
    });
    gateway = new PostGateway();
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
  });
  afterEach(async () => {
    await stop();
    await inboxes.close();
    await story.end();
  });

  const write = (id: string, text: string) => post(gateway, { from: inboxes.addressOf('alex'), id, text });
  const isAnswer = (body: OutboundBody) =>
    body.kind === 'text' && body.markdown.includes('Here is what I can do');
  const isCard = (sentence: RegExp) => (body: OutboundBody) =>
    body.kind === 'card' && sentence.test(body.card.status.sentence);

  it('OM-051 asks the agent and gets its answer, once, however often the question is delivered', async () => {
    const first = await write('1', 'what can you do?');
    const second = await write('1', 'what can you do?');

    await inboxes.until('alex', isAnswer);
    await story.quiet();
    expect([first, second]).toEqual(['stored', 'duplicate']);
    expect(inboxes.of('alex').filter(isAnswer)).toHaveLength(1);
  });

  it('OM-051 has its calls held, approved on another platform, and told', async () => {
    await write('2', 'refund order 7');
    await inboxes.until('alex', isCard(/^Waiting for role manager/));

    const request = await story.mail('dana@corp.test', /refund/);
    const line = /^approve [A-Z0-9]{4,8}$/m.exec(request.text)?.[0] ?? '';
    await story.sandbox.mail.reply(request, { line, quoting: 'top' });

    await inboxes.until('alex', isCard(/Approved by Dana Reyes by e-mail.*Done/));
    expect(story.refunds(7)).toEqual([120]);
  });
});
