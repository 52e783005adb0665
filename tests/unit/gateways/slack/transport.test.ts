import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createTransport } from '../../../../gateways/slack/transport.ts';

describe('calls to Slack', () => {
  let server: Server;
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  async function serve(answer: Parameters<typeof createServer>[1]): Promise<string> {
    server = createServer(answer);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/auth.test`;
  }

  it('carry method, headers and body there, and status, headers and text back', async () => {
    const url = await serve((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        response.writeHead(429, { 'Retry-After': '7', 'X-OAuth-Scopes': 'chat:write' });
        response.end(`${request.method} ${request.headers.authorization} ${Buffer.concat(chunks)}`);
      });
    });

    const answer = await createTransport(1_000)(url, {
      method: 'POST',
      headers: { Authorization: 'Bearer x' },
      body: 'a=b',
    });

    expect(answer).toMatchObject({ ok: false, status: 429, url });
    expect(answer.headers.get('retry-after')).toBe('7');
    expect(answer.headers.get('x-nothing')).toBeNull();
    expect(Object.fromEntries(answer.headers.entries())).toMatchObject({ 'x-oauth-scopes': 'chat:write' });
    expect(await answer.text()).toBe('POST Bearer x a=b');
  });

  it('end when no answer comes', async () => {
    const url = await serve(() => {});

    await expect(createTransport(50)(url, { method: 'POST', body: '' })).rejects.toThrow();
  });

  it('follow no redirect, which would carry the token elsewhere', async () => {
    const url = await serve((_, response) =>
      response.writeHead(307, { location: 'http://127.0.0.1:9/' }).end(),
    );

    expect((await createTransport(1_000)(url, { method: 'POST', body: '' })).status).toBe(307);
  });
});
