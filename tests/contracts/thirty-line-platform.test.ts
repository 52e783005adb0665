/** A platform in thirty lines, added to the product without a change to it: lines of JSON over a TCP connection. */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startApp } from '../../src/app.ts';
import { systemClock } from '../../src/domain/clock.ts';
import type { Gateway, Receive } from '../../src/domain/gateway.ts';
import { AccountId, ConversationId, MessageId, Platform } from '../../src/domain/ids.ts';
import type { Inbound, OutboundMessage } from '../../src/domain/message.ts';
import { silent } from '../support/core.ts';
import { Story } from '../support/story.ts';

// ── The platform, whole ────────────────────────────────────────────────────────────────────────────────────────

const LINES = Platform.parse('lines');

// biome-ignore-start format: thirty lines, as they would be written by hand
class LineGateway implements Gateway {
  readonly platform = LINES;
  readonly server = createServer((socket) => this.#hear(socket));
  readonly #sockets = new Map<string, Socket>();
  #receive: Receive = async () => ({ kind: 'ignored', reason: 'not started' });

  async start(receive: Receive) {
    this.#receive = receive;
    await once(this.server.listen(0, '127.0.0.1'), 'listening');
  }
  async stop() {
    for (const socket of this.#sockets.values()) socket.destroy();
    this.server.close();
  }
  async send({ id, to, body }: OutboundMessage) {
    const says = body.kind === 'card' ? { status: body.card.status.sentence } : { text: body.markdown };
    this.#sockets.get(to.route.user ?? '')?.write(`${JSON.stringify({ id, ...says })}\n`);
    return { ref: id };
  }
  directAddress = (account: AccountId) => ({
    platform: LINES,
    route: { user: account.slice(LINES.length + 1) },
  });
  check = async () => [{ subject: 'Lines', status: 'works' as const, detail: 'always' }];

  #hear(socket: Socket) {
    createInterface({ input: socket }).on('line', async (line) => {
      const { user, id, text } = JSON.parse(line);
      this.#sockets.set(user, socket);
      const receipt = await this.#receive(toInbound(user, id, text));
      socket.write(`${JSON.stringify({ ack: id, receipt: receipt.kind })}\n`);
    });
  }
}
// biome-ignore-end format: from here on as everywhere

function toInbound(user: string, id: string, text: string): Inbound {
  return {
    kind: 'message',
    id: MessageId.parse(`lines:${user}:${id}`),
    conversationId: ConversationId.parse(`lines:${user}`),
    sender: {
      account: AccountId.parse(`lines:${user}`),
      displayName: user,
      authenticated: true,
      automatic: false,
    },
    text,
    addressedToBot: true,
    sentAt: new Date().toISOString(),
    replyTo: { platform: LINES, route: { user } },
  };
}

// ── What it can do at once ─────────────────────────────────────────────────────────────────────────────────────

describe("OM-051 a platform of one's own", () => {
  let story: Story;
  let gateway: LineGateway;
  let socket: Socket;
  let lines: {
    id?: string;
    text?: string;
    ack?: string;
    receipt?: string;
    title?: string;
    status?: string;
  }[];
  let stop: () => Promise<void>;

  beforeEach(async () => {
    // Beside the story's own gateway, on the same store: one more process, which carries for one more platform.
    story = await Story.begin();
    const { alex } = story.config.contacts.people;
    const people = {
      ...story.config.contacts.people,
      alex: { ...alex!, accounts: { ...alex!.accounts, lines: ['alex'] } },
    };
    story.config = { ...story.config, contacts: { ...story.config.contacts, people } };
    gateway = new LineGateway();
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
    const address = gateway.server.address();
    if (typeof address !== 'object' || !address) throw new Error('the platform has no port');
    socket = connect(address.port, '127.0.0.1');
    lines = [];
    createInterface({ input: socket }).on('line', (line) => lines.push(JSON.parse(line)));
  });
  afterEach(async () => {
    socket.destroy();
    await stop();
    await story.end();
  });

  async function until(find: () => boolean): Promise<void> {
    while (!find()) await new Promise((resolve) => setImmediate(resolve));
  }

  it('OM-051 asks the agent and gets its answer, once, however often the question is delivered', async () => {
    const question = `${JSON.stringify({ user: 'alex', id: '1', text: 'what can you do?' })}\n`;
    socket.write(question);
    socket.write(question);

    await until(() => lines.some(({ text }) => text?.includes('Here is what I can do') === true));
    await until(() => lines.filter(({ ack }) => ack === '1').length === 2);
    await story.quiet();
    expect(lines.map(({ receipt }) => receipt).filter(Boolean)).toEqual(['stored', 'duplicate']);
    expect(lines.filter(({ text }) => text?.includes('Here is what I can do'))).toHaveLength(1);
  });

  it('OM-051 has its calls held, approved on another platform, and told', async () => {
    socket.write(`${JSON.stringify({ user: 'alex', id: '2', text: 'refund order 7' })}\n`);
    await until(() => lines.some(({ status }) => status?.startsWith('Waiting for role manager') === true));

    const request = await story.mail('dana@corp.test', /refund/);
    const line = /^approve [A-Z0-9]{4,8}$/m.exec(request.text)?.[0] ?? '';
    await story.sandbox.mail.reply(request, { line, quoting: 'top' });

    await until(() =>
      lines.some(({ status }) => /Approved by Dana Reyes by e-mail.*Done/.test(status ?? '')),
    );
    expect(story.refunds(7)).toEqual([120]);
  });
});
