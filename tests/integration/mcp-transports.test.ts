/** How much of an MCP server's stream is read, over real connections. */
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { LATEST_PROTOCOL_VERSION } from '@modelcontextprotocol/sdk/types.js';
import { describe, expect, it, onTestFinished } from 'vitest';
import { McpSettings } from '../../src/config/mcp.ts';
import { MAX_MESSAGE_BYTES } from '../../src/mcp/stdio-transport.ts';
import { createTransport } from '../../src/mcp/transports.ts';
import { defer, silent } from '../support/core.ts';

const PIECE = 'x'.repeat(64 * 1_024);
/** What is under way between two programs on one machine, and read ahead: far below what would be sent. */
const UNDER_WAY = 16 * 1_024 * 1_024;

/** @param onStream answers the client's request for a stream of events */
async function connected(onStream: (response: ServerResponse) => Promise<void>) {
  const server = createServer(async (request, response) => {
    if (request.method === 'GET') {
      response.writeHead(200, { 'Content-Type': 'text/event-stream' });
      await onStream(response);
      return;
    }
    const { id } = JSON.parse(await text(request));
    if (id === undefined) {
      response.writeHead(202).end();
      return;
    }
    const result = {
      protocolVersion: LATEST_PROTOCOL_VERSION,
      capabilities: {},
      serverInfo: { name: 'talkative', version: '1' },
    };
    response.writeHead(200, { 'Content-Type': 'application/json' });
    response.end(JSON.stringify({ jsonrpc: '2.0', id, result }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => server.closeAllConnections());
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo; // it listens on a port
  const client = new Client({ name: 'test', version: '1' });
  const failed = defer<Error>();
  const heard = defer<number>();
  let notes = 0;
  client.onerror = failed.resolve;
  client.fallbackNotificationHandler = async ({ method }) => {
    if (method === 'notes/last') heard.resolve(notes);
    notes += 1;
  };
  onTestFinished(() => client.close());
  const url = `http://127.0.0.1:${port}/mcp`;
  const settings = McpSettings.parse({ servers: { talkative: { url } } }).servers.talkative!;
  await client.connect(createTransport('talkative', settings, { folders: [], log: silent }));
  return { failed: failed.promise, heard: heard.promise };
}

/** Waits until there is room, or nobody listens any more. */
async function write(response: ServerResponse, piece: string): Promise<void> {
  if (response.write(piece)) return;
  const over = new AbortController();
  const { signal } = over;
  await Promise.race([once(response, 'drain', { signal }), once(response, 'close', { signal })]);
  over.abort();
}

describe('the stream of events of an MCP server', () => {
  it('is left when one event is larger than a message may be, however long it would go on', async () => {
    const ended = defer<number>();
    const { failed } = await connected(async (response) => {
      let sent = 0;
      await write(response, 'data: ');
      while (!response.destroyed && sent < 400 * 1_024 * 1_024) {
        await write(response, PIECE);
        sent += PIECE.length;
      }
      ended.resolve(sent);
    });

    expect((await failed).message).toContain(`sent an event of more than ${MAX_MESSAGE_BYTES} bytes`);
    expect(await ended.promise).toBeLessThan(MAX_MESSAGE_BYTES + UNDER_WAY);
  });

  it('goes on when all of its events together are larger', async () => {
    const note = { jsonrpc: '2.0', method: 'notes/new', params: { text: PIECE } };
    const count = (2 * MAX_MESSAGE_BYTES) / PIECE.length;
    const { heard } = await connected(async (response) => {
      for (let n = 0; n < count; n++) await write(response, `data: ${JSON.stringify(note)}\n\n`);
      await write(response, 'data: {"jsonrpc":"2.0","method":"notes/last"}\n\n');
    });

    expect(await heard).toBe(count);
  });
});
