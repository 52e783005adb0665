/**
 * A process: Slack's Web API as far as the measured clients call it, as light as possible.
 *
 * Keeps nothing. Each `chat.postMessage` is reported at once to whoever reads `GET /arrivals`, one line each:
 * the thread's timestamp and the moment of arrival (ms on the machine's monotonic clock).
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { monotonicMs } from './monotonic-clock.ts';
import { APP_ID, BOT_ID, BOT_USER, TEAM } from './slack-event.ts';

class SlackStub {
  #readers: readonly ServerResponse[] = [];
  #lastTs = 0;

  /** Resolves with the port. */
  async listen(): Promise<number> {
    const server = createServer((request, response) => this.#receive(request, response));
    server.keepAliveTimeout = 60_000;
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return (server.address() as AddressInfo).port; // a TCP listener's address is never a string
  }

  #receive(request: IncomingMessage, response: ServerResponse): void {
    if (request.url === '/arrivals') {
      this.#subscribe(response);
      return;
    }
    const arrivedAt = monotonicMs();
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const method = (request.url ?? '').slice('/api/'.length);
      const body = parseBody(request.headers['content-type'] ?? '', Buffer.concat(chunks).toString());
      if (method === 'chat.postMessage') this.#report(body.get('thread_ts') ?? '', arrivedAt);
      answer(response, this.#reply(method, body));
    });
  }

  #subscribe(response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'text/plain' });
    response.flushHeaders();
    response.on('close', () => {
      this.#readers = this.#readers.filter((reader) => reader !== response);
    });
    this.#readers = [...this.#readers, response];
  }

  #report(threadTs: string, arrivedAt: number): void {
    for (const reader of this.#readers) reader.write(`${threadTs} ${arrivedAt}\n`);
  }

  #reply(method: string, body: Body): object {
    const channel = body.get('channel') ?? '';
    switch (method) {
      case 'auth.test':
        return {
          ok: true,
          team: 'Bench',
          team_id: TEAM,
          user: 'bot',
          user_id: BOT_USER,
          bot_id: BOT_ID,
          app_id: APP_ID,
        };
      case 'chat.postMessage': {
        const ts = this.#nextTs();
        const message = { type: 'message', user: BOT_USER, bot_id: BOT_ID, ts, text: body.get('text') ?? '' };
        return { ok: true, channel, ts, message };
      }
      case 'chat.update':
        return { ok: true, channel, ts: body.get('ts') ?? '', text: body.get('text') ?? '' };
      case 'conversations.replies':
      case 'conversations.history':
        return { ok: true, messages: [], has_more: false };
      case 'conversations.info':
        return { ok: true, channel: { id: channel, name: 'bench', is_channel: true } };
      case 'users.info': {
        const profile = { email: 'dana@example.com', display_name: 'dana', real_name: 'Dana' };
        return {
          ok: true,
          user: { id: body.get('user'), team_id: TEAM, name: 'dana', real_name: 'Dana', profile },
        };
      }
      default:
        return { ok: true };
    }
  }

  #nextTs(): string {
    this.#lastTs += 1;
    return `1800000000.${String(this.#lastTs).padStart(6, '0')}`;
  }
}

interface Body {
  get(field: string): string | null | undefined;
}

function parseBody(contentType: string, raw: string): Body {
  if (!contentType.includes('json')) return new URLSearchParams(raw);
  const fields: unknown = JSON.parse(raw === '' ? '{}' : raw);
  return new Map(Object.entries(fields ?? {}));
}

function answer(response: ServerResponse, reply: object): void {
  const text = JSON.stringify(reply);
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
  response.end(text);
}

process.on('disconnect', () => process.exit());
const port = await new SlackStub().listen();
console.log(`listening on ${port}`);
