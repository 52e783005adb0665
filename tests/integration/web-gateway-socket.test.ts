/** What comes in over a socket, and who is let in. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { OTHER_TOKEN, openWeb, PAGE, TOKEN } from '../support/web-gateway.ts';

const message = (id: string, text = 'hello') => ({ type: 'message', id, conversation: 'c1', text });

async function refusal(url: string, options: { token?: string; origin?: string }): Promise<number> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/socket`, {
    headers: options.token === undefined ? {} : { authorization: `Bearer ${options.token}` },
    ...(options.origin === undefined ? {} : { origin: options.origin }),
  });
  const [, response] = await once(socket, 'unexpected-response');
  socket.on('error', () => undefined);
  socket.terminate();
  return response.statusCode;
}

describe('a socket', () => {
  it('OM-050 answers each frame once, under its id, in the order they came', async () => {
    const web = await openWeb();
    const socket = await web.connect();
    const ids = Array.from({ length: 50 }, (_, n) => `m${n}`);

    for (const id of ids) socket.say(message(id));

    expect(await socket.take(50)).toEqual(
      ids.map((id) => ({ type: 'ok', id, status: 'stored', duplicate: false })),
    );
    expect(web.received.map(({ id }) => id)).toEqual(ids.map((id) => `web:shop:c1:${id}`));
  });

  it('acknowledges when it is stored, and asks for it again when it is not', async () => {
    const web = await openWeb();
    const socket = await web.connect();

    web.onReceive(async () => Promise.reject(new Error('the store is away')));
    const failed = await socket.ask(message('m1'));
    web.onReceive(async () => ({ kind: 'duplicate' }));
    const again = await socket.ask(message('m1'));

    expect(failed).toMatchObject({ type: 'error', id: 'm1', code: 'try-again' });
    expect(again).toMatchObject({ type: 'ok', id: 'm1', duplicate: true });
  });

  it('takes answers, and lists what waits', async () => {
    const lookup = { approvalsFor: async () => [{ ticket: 'apr_p7_0123456789ab.1', title: 'refund' }] };
    const web = await openWeb({ lookup });
    const socket = await web.connect();
    web.onReceive(async () => ({ kind: 'answered', code: 'approved', notice: 'You said yes.' }));

    const answer = { approvalId: 'apr_p7_0123456789ab', choice: 'approve', gen: 1, digest: 'd' };
    const answered = await socket.ask({ type: 'answer', id: 'a1', ...answer });
    const listed = await socket.ask({ type: 'approvals', id: 'a2' });

    expect(answered).toMatchObject({ type: 'ok', id: 'a1', code: 'approved', notice: 'You said yes.' });
    expect(listed).toMatchObject({ id: 'a2', approvals: [{ title: 'refund' }] });
  });

  it('OM-185 answers what it cannot read with a sentence, a thousand times, and goes on', async () => {
    const web = await openWeb();
    const socket = await web.connect();
    const bad = ['', '{', '[]', 'null', '7', '{"type":"dance","id":"d"}', '{"type":"message","id":"m"}'];

    for (let n = 0; n < 1_000; n++) socket.say(bad[n % bad.length]);
    const replies = await socket.take(1_000);

    expect(new Set(replies.map(({ code }) => code))).toEqual(new Set(['malformed']));
    expect(replies[5]).toMatchObject({ id: 'd', message: expect.stringContaining('type') });
    expect(replies[6]).toMatchObject({ id: 'm', message: expect.stringContaining('conversation') });
    expect(web.lines.filter(({ level }) => level === 'warn')).toHaveLength(1_000);
    expect(await socket.ask(message('m1'))).toMatchObject({ type: 'ok' });
  });

  it('OM-185 reads no binary frames, and none over the limit', async () => {
    const web = await openWeb();
    const socket = await web.connect();

    socket.socket.send(Buffer.from(JSON.stringify(message('m1'))));
    expect(await socket.next()).toMatchObject({ type: 'error', code: 'malformed' });
    socket.say(message('m2', 'x'.repeat(4 * 1_024 * 1_024)));

    expect(await socket.closed).toBe(1009);
    expect(web.received).toEqual([]);
  });

  it('is ended when it does not answer pings', async () => {
    const web = await openWeb({ timing: { pingEveryMs: 20 } });
    const socket = await web.connect();

    socket.socket.pause();
    const closed = once(socket.socket, 'close');
    while (!web.lines.some(({ sentence }) => sentence.includes('no longer answers')))
      await new Promise(setImmediate);
    socket.socket.resume();

    await closed;
  });

  it('is told when the gateway stops, after what it sent is answered', async () => {
    const web = await openWeb();
    const socket = await web.connect();
    let store = () => {};
    const entered = new Promise<void>((enter) => {
      web.onReceive(async () => {
        enter();
        await new Promise<void>((resolve) => {
          store = resolve;
        });
        return { kind: 'stored' };
      });
    });
    socket.say(message('m1'));
    await entered;

    const stopping = web.gateway.stop();
    store();

    expect(await socket.next()).toMatchObject({ type: 'ok', id: 'm1' });
    expect(await socket.closed).toBe(1001);
    await stopping;
  });
});

describe('who is let in over a socket', () => {
  it('OM-191 is refused with a wrong token, or from a web page that is not allowed', async () => {
    const web = await openWeb();

    expect(await refusal(web.url, { token: 'x'.repeat(40) })).toBe(401);
    expect(await refusal(web.url, { token: TOKEN, origin: 'https://evil.test' })).toBe(403);
    expect(await refusal(web.url, { token: TOKEN, origin: 'null' })).toBe(403);
  });

  it('OM-191 is let go of when it was refused, even if it keeps its side open', async () => {
    const web = await openWeb();
    const { hostname, port, pathname } = new URL(web.url);
    const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
    const wanted = ['connection: upgrade', 'upgrade: websocket', `authorization: Bearer ${'x'.repeat(40)}`];
    socket.write(`GET ${pathname}/socket HTTP/1.1\r\nhost: x\r\n${wanted.join('\r\n')}\r\n\r\n`);
    await once(socket.resume(), 'end');

    await web.gateway.stop();
    await web.listener.stop();

    socket.destroy();
  });

  it('is a page that is allowed, with its token as a subprotocol', async () => {
    const web = await openWeb();

    const socket = await web.connect({
      token: null,
      origin: PAGE,
      protocols: ['signalbox.v1', `bearer.${OTHER_TOKEN}`],
    });

    expect(socket.socket.protocol).toBe('signalbox.v1');
    await socket.ask(message('m1'));
    expect(web.received[0]).toMatchObject({ sender: { account: 'web:ops' } });
  });

  it('says who it is in its first frame', async () => {
    const web = await openWeb();
    const socket = await web.connect({ token: null });

    const hello = await socket.ask({ type: 'hello', id: 'h1', token: TOKEN });
    await socket.ask(message('m1'));

    expect(hello).toEqual({ type: 'ok', id: 'h1', client: 'shop' });
    expect(web.received[0]).toMatchObject({ sender: { account: 'web:shop' } });
  });

  it.each([
    ['a wrong token', { type: 'hello', id: 'h1', token: 'x'.repeat(40) }],
    ['something else first', message('h1')],
  ])('OM-191 is shut out with %s', async (_, frame) => {
    const web = await openWeb();
    const socket = await web.connect({ token: null });

    expect(await socket.ask(frame)).toMatchObject({ type: 'error', id: 'h1', code: 'unauthorized' });
    expect(await socket.closed).toBe(4401);
    expect(web.received).toEqual([]);
    expect(JSON.stringify(web.lines)).not.toContain('xxxx');
  });

  it('OM-191 is shut out when it says nothing', async () => {
    const web = await openWeb({ timing: { helloWithinMs: 10 } });
    const socket = await web.connect({ token: null });

    expect(await socket.closed).toBe(4408);
  });

  it('is no client that has too many connections already', async () => {
    const web = await openWeb();
    for (let n = 0; n < 32; n++) await web.connect();

    expect(await refusal(web.url, { token: TOKEN })).toBe(429);
    const other = await web.connect({ token: OTHER_TOKEN });
    expect(await other.ask(message('m1'))).toMatchObject({ type: 'ok' });
  });
});
