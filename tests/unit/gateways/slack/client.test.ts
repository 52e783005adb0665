import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { SlackClient } from '../../../../gateways/slack/client.ts';
import { collectingLogger, type LogLine } from '../../../support/slack-gateway.ts';

describe('looking for messages of ours', () => {
  const lines: LogLine[] = [];
  let server: Server;
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  /** A Slack whose threads have these pages. */
  async function serve(
    pages: readonly unknown[][],
  ): Promise<{ client: SlackClient; asked: URLSearchParams[] }> {
    const asked: URLSearchParams[] = [];
    server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const query = new URLSearchParams(Buffer.concat(chunks).toString());
        asked.push(query);
        const page = Number(query.get('cursor') ?? 0);
        const next = page + 1 < pages.length ? String(page + 1) : '';
        response.end(
          JSON.stringify({ ok: true, messages: pages[page], response_metadata: { next_cursor: next } }),
        );
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    return {
      client: new SlackClient('xoxb-1', `http://127.0.0.1:${port}/api/`, collectingLogger(lines)),
      asked,
    };
  }

  const marked = (key: string, over: Record<string, unknown> = {}) => ({
    ts: '1712345678.000100',
    bot_id: 'B0BOT',
    metadata: { event_type: 'signalbox_message', event_payload: { key, state: 'final' } },
    ...over,
  });
  const place = { channel: 'C0GEN', thread: '1712345000.000100', botId: 'B0BOT' };
  const signal = new AbortController().signal;

  it('finds them on any page, and stops when all are found', async () => {
    const { client, asked } = await serve([[marked('x#1')], [marked('a#1')], [marked('a#2')]]);

    const found = await client.find(place, new Set(['a#1']), signal);

    expect(found).toEqual(new Map([['a#1', { ts: '1712345678.000100', state: 'final' }]]));
    expect(asked).toHaveLength(2);
    expect(Object.fromEntries(asked[0]!)).toMatchObject({ include_all_metadata: 'true', ts: place.thread });
  });

  it('believes nobody else who bears our mark', async () => {
    const { client } = await serve([
      [
        marked('a#1', { bot_id: 'B0OTHER' }),
        marked('a#1', { bot_id: undefined, user: 'U0EVE' }),
        { ts: '1712345678.000100' },
      ],
    ]);

    expect(await client.find(place, new Set(['a#1']), signal)).toEqual(new Map());
  });

  it('gives up when told to', async () => {
    const { client } = await serve([[]]);

    await expect(
      client.find(place, new Set(['a#1']), AbortSignal.abort(new Error('enough'))),
    ).rejects.toThrow('enough');
  });
});
