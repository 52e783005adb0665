import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { type WebhookHandler, WebhookListener } from '../../../gateways/webhook-listener.ts';
import { collectingLogger, type LogLine } from '../../support/slack-gateway.ts';

describe('the webhook listener', () => {
  const lines: LogLine[] = [];
  const listeners: WebhookListener[] = [];
  afterEach(async () => {
    await Promise.all(listeners.splice(0).map((listener) => listener.stop()));
    lines.length = 0;
  });

  async function listen(handler: WebhookHandler, port = 0): Promise<WebhookListener> {
    const listener = new WebhookListener({ host: '127.0.0.1', port }, collectingLogger(lines));
    listeners.push(listener);
    listener.route('/in', handler);
    await listener.start();
    return listener;
  }

  it('hands a body over byte by byte as it was sent, with headers and query', async () => {
    const bytes = Uint8Array.from({ length: 70_000 }, (_, index) => index % 256);
    const listener = await listen(async ({ body, headers, query }) => ({
      status: 200,
      contentType: 'text/plain',
      body: `${Buffer.compare(body, bytes)} ${headers['x-signature']} ${query.get('secret')}`,
    }));

    const answer = await fetch(`${listener.url}/in?secret=s`, {
      method: 'POST',
      body: bytes,
      headers: { 'x-signature': 'abc' },
    });

    expect(answer.status).toBe(200);
    expect(await answer.text()).toBe('0 abc s');
  });

  it('hands everything below a mounted path on as it comes, and no more than that', async () => {
    const listener = await listen(async () => ({ status: 200 }));
    const unmount = listener.mount('/below', (request, response) => {
      if (request.url === '/below/broken') throw new Error('broken');
      response.writeHead(202).end(`${request.method} ${request.url}`);
    });
    const statusOf = async (path: string) => (await fetch(`${listener.url}${path}`)).status;

    const served = await fetch(`${listener.url}/below/a/b?c=d`, { method: 'DELETE' });
    const others = await Promise.all(['/below', '/belowish', '/broken', '/below/broken'].map(statusOf));
    unmount();
    const gone = await statusOf('/below/a/b');

    expect([served.status, await served.text()]).toEqual([202, 'DELETE /below/a/b?c=d']);
    expect(others).toEqual([202, 503, 503, 500]);
    expect(gone).toBe(503);
    expect(() => listener.mount('/x', () => {}) && listener.mount('/x', () => {})).toThrow(/two parts/);
  });

  it('answers a failing handler with 500 and goes on', async () => {
    let failures = 0;
    const listener = await listen(async () => {
      if (failures++ === 0) throw new Error('broken');
      return { status: 200 };
    });

    const statuses = [];
    for (let attempt = 0; attempt < 2; attempt++)
      statuses.push((await fetch(`${listener.url}/in`, { method: 'POST' })).status);

    expect(statuses).toEqual([500, 200]);
    expect(lines).toContainEqual(expect.objectContaining({ level: 'error' }));
  });

  it('takes POST only, and asks to come again where nobody listens yet', async () => {
    const listener = await listen(async () => ({ status: 200 }));

    expect((await fetch(`${listener.url}/in`)).status).toBe(405);
    expect((await fetch(`${listener.url}/elsewhere`, { method: 'POST' })).status).toBe(503);
  });

  it.each([
    ['announced', { 'content-length': String(2 ** 40) }],
    ['arriving', {}],
  ])('OM-185 refuses a body that is too large, %s', async (_, headers) => {
    const listener = await listen(async () => ({ status: 200 }));
    const announced = Object.entries(headers)
      .map(([name, value]) => `${name}: ${value}\r\n`)
      .join('');

    const status = await new Promise<string>((resolve, reject) => {
      const socket = connect(Number(new URL(listener.url).port), '127.0.0.1', () => {
        socket.write(`POST /in HTTP/1.1\r\nhost: x\r\n${announced || 'transfer-encoding: chunked\r\n'}\r\n`);
        const chunk = 'x'.repeat(64 * 1024);
        for (let sent = 0; sent < 20; sent++)
          socket.write(announced ? chunk : `${chunk.length.toString(16)}\r\n${chunk}\r\n`);
      });
      socket.on('data', (data) => resolve(String(data).split('\r\n')[0] ?? ''));
      socket.on('error', reject);
    });

    expect(status).toBe('HTTP/1.1 413 Payload Too Large');
  });

  it('takes another port when its own is taken, and says so', async () => {
    const first = await listen(async () => ({ status: 200 }));
    const second = await listen(async () => ({ status: 200 }), Number(new URL(first.url).port));

    expect(second.url).not.toBe(first.url);
    expect(lines).toContainEqual(
      expect.objectContaining({ level: 'warn', sentence: expect.stringContaining('port is taken') }),
    );
  });

  it('lets two gateways have no path in common, and gives a path back', async () => {
    const listener = await listen(async () => ({ status: 200 }));
    const unroute = listener.route('/other', async () => ({ status: 204 }));

    expect(() => listener.route('/other', async () => ({ status: 200 }))).toThrow('/other');
    unroute();
    listener.route('/other', async () => ({ status: 202 }));

    expect((await fetch(`${listener.url}/other`, { method: 'POST' })).status).toBe(202);
  });

  it('takes other methods and larger bodies where a route says so', async () => {
    const listener = await listen(async () => ({ status: 200 }));
    const options = { methods: ['GET', 'PUT'], maxBodyBytes: 2_000_000 } as const;
    listener.route(
      '/own',
      async ({ method, body }) => ({
        status: 200,
        body: `${method} ${body.length}`,
        headers: { 'x-own': 'yes' },
      }),
      options,
    );
    const body = 'x'.repeat(1_500_000);

    const put = await fetch(`${listener.url}/own`, { method: 'PUT', body });

    expect(await put.text()).toBe('PUT 1500000');
    expect(put.headers.get('x-own')).toBe('yes');
    expect(await (await fetch(`${listener.url}/own`)).text()).toBe('GET 0');
    expect((await fetch(`${listener.url}/own`, { method: 'POST' })).status).toBe(405);
  });

  it('tells a handler that its caller is gone', async () => {
    const leaving = new AbortController();
    const gone = new Promise<void>((resolve) => {
      void listen(async ({ signal }) => {
        signal.addEventListener('abort', () => resolve());
        leaving.abort();
        await new Promise<void>((over) => signal.addEventListener('abort', () => over()));
        return { status: 200 };
      }).then((listener) =>
        fetch(`${listener.url}/in`, { method: 'POST', signal: leaving.signal }).catch(() => undefined),
      );
    });

    await gone;
  });

  it('stops though somebody keeps a connection open on which nothing was ever asked', async () => {
    const listener = await listen(async () => ({ status: 200 }));
    const socket = connect(Number(new URL(listener.url).port), '127.0.0.1');
    const closed = once(socket, 'close');
    await once(socket, 'connect');
    // By the time this is answered, the listener has the connection of before.
    await fetch(`${listener.url}/in`, { method: 'POST' });

    await listener.stop();

    await closed;
  });

  it('hands a connection on where somebody takes it, asks others to come again, and survives a failure', async () => {
    const listener = await listen(async () => ({ status: 200 }));
    const unroute = listener.routeUpgrade('/up', (_request, socket) =>
      socket.end('HTTP/1.1 101 Yes\r\n\r\n'),
    );
    listener.routeUpgrade('/broken', () => {
      throw new Error('broken');
    });
    const ask = (path: string) =>
      new Promise<string>((resolve) => {
        let answer = '';
        const socket = connect(Number(new URL(listener.url).port), '127.0.0.1', () =>
          socket.write(
            `GET ${path} HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n`,
          ),
        );
        socket.on('data', (data) => {
          answer += String(data);
        });
        socket.on('error', () => undefined);
        socket.on('close', () => resolve(answer.split('\r\n')[0] ?? ''));
      });

    expect(await ask('/up')).toBe('HTTP/1.1 101 Yes');
    expect(await ask('/elsewhere')).toBe('HTTP/1.1 503 Service Unavailable');
    expect(await ask('/broken')).toBe('');
    expect(() => listener.routeUpgrade('/up', () => {})).toThrow('/up');
    unroute();
    expect(await ask('/up')).toBe('HTTP/1.1 503 Service Unavailable');
  });

  it('lets go of a connection it turned away, even if the other side keeps it open', async () => {
    const listener = await listen(async () => ({ status: 200 }));
    listener.routeUpgrade('/up', (_, socket) => socket.destroy());
    const socket = connect({
      port: Number(new URL(listener.url).port),
      host: '127.0.0.1',
      allowHalfOpen: true,
    });
    socket.write('GET /elsewhere HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n');
    const ended = once(socket.resume(), 'end');

    await ended;
    await listener.stop();

    socket.destroy();
  });

  it('knows before it is started where it will be', () => {
    const listener = new WebhookListener({ host: '::1', port: 4_000 }, collectingLogger(lines));

    expect(listener.expectedUrl).toBe('http://[::1]:4000');
    expect(() => listener.url).toThrow('has not been started');
  });

  it('stops after the requests it has, and may be stopped twice', async () => {
    let release = () => {};
    const entered = new Promise<void>((enter) => {
      void listen(async () => {
        enter();
        await new Promise<void>((resolve) => {
          release = resolve;
        });
        return { status: 200 };
      }).then((listener) => {
        answering = fetch(`${listener.url}/in`, { method: 'POST' });
      });
    });
    let answering: Promise<Response> | undefined;
    await entered;

    const stopping = listeners[0]!.stop();
    release();

    expect((await answering!).status).toBe(200);
    await stopping;
    await listeners[0]!.stop();
  });
});
