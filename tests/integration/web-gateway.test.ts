/** What comes in over HTTP, and how it is answered. */
import { once } from 'node:events';
import { request } from 'node:http';
import { describe, expect, it } from 'vitest';
import { OTHER_TOKEN, openWeb, PAGE, TOKEN } from '../support/web-gateway.ts';

const MESSAGE = { id: 'm1', conversation: 'orders', text: 'Is order 7 paid?' };
const ANSWER = {
  id: 'press-1',
  approvalId: 'apr_p7_0123456789ab',
  choice: 'deny',
  text: 'not today',
  gen: 1,
  digest: 'sha256-of-the-call',
};

describe('a message over HTTP', () => {
  it('OM-050 is acknowledged when it is stored, and is one of the client and its conversation', async () => {
    const web = await openWeb();

    const answer = await web.call('POST', 'messages', MESSAGE);

    expect(answer).toMatchObject({ status: 202, body: { id: 'm1', status: 'stored', duplicate: false } });
    expect(web.received).toMatchObject([
      {
        kind: 'message',
        id: 'web:shop:orders:m1',
        conversationId: 'web:shop:orders',
        sender: { account: 'web:shop', authenticated: true, automatic: false },
        text: 'Is order 7 paid?',
        addressedToBot: true,
        replyTo: { platform: 'web', route: { client: 'shop', conversation: 'orders' } },
      },
    ]);
  });

  it('is acknowledged after it is stored and never before', async () => {
    const web = await openWeb();
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
    let isAnswered = false;

    const answering = web.call('POST', 'messages', MESSAGE).then((answer) => {
      isAnswered = true;
      return answer;
    });
    await entered;
    await web.call('GET', 'events');

    expect(isAnswered).toBe(false);
    store();
    expect((await answering).status).toBe(202);
  });

  it('is asked for again when it could not be stored, or not in time', async () => {
    const web = await openWeb({ timing: { storeWithinMs: 20 } });

    web.onReceive(async () => Promise.reject(new Error('the store is away')));
    const failed = await web.call('POST', 'messages', MESSAGE);
    web.onReceive(() => new Promise(() => {}));
    const late = await web.call('POST', 'messages', MESSAGE);
    web.onReceive(async () => ({ kind: 'stored' }));
    const again = await web.call('POST', 'messages', MESSAGE);

    expect(failed).toMatchObject({ status: 503, body: { error: { code: 'try-again' } } });
    expect(failed.headers.get('retry-after')).toBe('1');
    expect(late.status).toBe(503);
    expect(again.status).toBe(202);
    expect(new Set(web.received.map(({ id }) => id))).toEqual(new Set(['web:shop:orders:m1']));
  });

  it('without an id is given one, under which it is asked for again when nobody can tell whether it is stored', async () => {
    const web = await openWeb({ timing: { storeWithinMs: 20 } });
    const { id: _, ...message } = MESSAGE;

    web.onReceive(() => new Promise(() => {}));
    const late = await web.call('POST', 'messages', message);
    web.onReceive(async () => ({ kind: 'duplicate' }));
    const again = await web.call('POST', 'messages', { ...message, id: late.body.id });

    expect(late).toMatchObject({
      status: 503,
      body: { id: expect.any(String), error: { message: expect.stringContaining('nobody can tell') } },
    });
    expect(again.body).toMatchObject({ id: late.body.id, duplicate: true });
    expect(new Set(web.received.map(({ id }) => id)).size).toBe(1);
  });

  it('OM-192 has the same id when it is delivered again, and its sender is told', async () => {
    const web = await openWeb();
    await web.call('POST', 'messages', MESSAGE);
    web.onReceive(async () => ({ kind: 'duplicate' }));

    const again = await web.call('POST', 'messages', MESSAGE);

    expect(again).toMatchObject({ status: 200, body: { id: 'm1', duplicate: true } });
    expect(web.received[1]?.id).toBe(web.received[0]?.id);
  });

  it('gets an id when it has none, which is in the answer', async () => {
    const web = await openWeb();

    const { body } = await web.call('POST', 'messages', { conversation: 'orders', text: 'hello' });

    expect(web.received[0]?.id).toBe(`web:shop:orders:${body.id}`);
  });

  it('carries files, and when it was written', async () => {
    const web = await openWeb();
    const base64 = Buffer.from('order;7').toString('base64');

    await web.call('POST', 'messages', {
      ...MESSAGE,
      sentAt: '2026-01-01T10:00:00+02:00',
      attachments: [{ name: 'orders.csv', mediaType: 'text/csv', base64 }],
    });

    expect(web.received).toMatchObject([
      {
        sentAt: '2026-01-01T08:00:00.000Z',
        attachments: [{ name: 'orders.csv', mediaType: 'text/csv', bytes: 7, base64 }],
      },
    ]);
  });

  it('that is turned away says why, and one that answers says what came of it', async () => {
    const web = await openWeb();

    web.onReceive(async () => ({ kind: 'ignored', reason: 'unknown-sender' }));
    const ignored = await web.call('POST', 'messages', MESSAGE);
    web.onReceive(async () => ({ kind: 'answered', code: 'approved', notice: 'Approved.' }));
    const answered = await web.call('POST', 'messages', {
      ...MESSAGE,
      text: 'approve apr_p7_0123456789ab.1',
    });

    expect(ignored).toMatchObject({ status: 200, body: { status: 'ignored', reason: 'unknown-sender' } });
    expect(answered.body).toMatchObject({ status: 'answered', code: 'approved', notice: 'Approved.' });
  });
});

describe('an answer over HTTP', () => {
  it('is handed on with what was shown, and told what came of it', async () => {
    const web = await openWeb();
    web.onReceive(async () => ({ kind: 'answered', code: 'denied', notice: 'You said no.' }));

    const answer = await web.call('POST', 'answers', ANSWER);

    expect(answer).toMatchObject({
      status: 200,
      body: { id: 'press-1', code: 'denied', notice: 'You said no.' },
    });
    expect(web.received).toMatchObject([
      {
        kind: 'answer',
        id: 'web:shop::press-1',
        sender: { account: 'web:shop' },
        approvalId: 'apr_p7_0123456789ab',
        choice: 'deny',
        text: 'not today',
        gen: 1,
        digest: 'sha256-of-the-call',
      },
    ]);
  });
});

describe('a question for approvals', () => {
  it('is answered with those that wait for this client', async () => {
    const web = await openWeb({
      lookup: {
        approvalsFor: async ({ account }) => [{ ticket: 'apr_p7_0123456789ab.1', title: `for ${account}` }],
      },
    });

    const { status, body } = await web.call('GET', 'approvals', undefined, { token: OTHER_TOKEN });

    expect(status).toBe(200);
    expect(body).toEqual({ approvals: [{ ticket: 'apr_p7_0123456789ab.1', title: 'for web:ops' }] });
  });
});

describe('who is let in over HTTP', () => {
  it.each([
    ['no token', null],
    ['a wrong token', 'x'.repeat(40)],
    ['a token that begins like the right one', 'token-of-shop-0123456789'],
  ])('OM-191 is refused with %s', async (_, token) => {
    const web = await openWeb();

    const answer = await web.call('POST', 'messages', MESSAGE, { token });

    expect(answer).toMatchObject({ status: 401, body: { error: { code: 'unauthorized' } } });
    expect(answer.headers.get('www-authenticate')).toBe('Bearer');
    expect(web.received).toEqual([]);
  });

  it('OM-191 is refused from a web page that is not allowed, right token or not', async () => {
    const web = await openWeb();

    const answer = await web.call('POST', 'messages', MESSAGE, { headers: { origin: 'https://evil.test' } });

    expect(answer).toMatchObject({ status: 403, body: { error: { code: 'origin-not-allowed' } } });
    expect(web.received).toEqual([]);
  });

  it('is a page that is allowed, which its browser is told', async () => {
    const web = await openWeb();
    const headers = { origin: PAGE };

    const asked = await web.call('OPTIONS', 'messages', undefined, { token: null, headers });
    const answer = await web.call('POST', 'messages', MESSAGE, { headers });

    expect(asked.status).toBe(204);
    expect(asked.headers.get('access-control-allow-headers')).toContain('authorization');
    expect(answer.status).toBe(202);
    expect(answer.headers.get('access-control-allow-origin')).toBe(PAGE);
  });

  it('OM-190 leaves no token in the log', async () => {
    const web = await openWeb();

    await web.call('POST', 'messages', MESSAGE, { token: `${OTHER_TOKEN}x` });
    await web.call('POST', 'messages', '{');

    expect(JSON.stringify(web.lines)).not.toMatch(/token-of-/);
  });
});

describe('what cannot be read', () => {
  it.each([
    ['conversation', { ...MESSAGE, conversation: 'a:b' }],
    ['text', { ...MESSAGE, text: 7 }],
    ['base64', { ...MESSAGE, attachments: [{ name: 'a', mediaType: 'text/plain', base64: '%' }] }],
    ['colour', { ...MESSAGE, colour: 'red' }],
    ['not JSON', '{"id":'],
  ])('OM-185 is refused with a sentence that names %s', async (field, body) => {
    const web = await openWeb();

    const answer = await web.call('POST', 'messages', body);

    expect(answer).toMatchObject({ status: 400, body: { error: { code: 'malformed' } } });
    expect(answer.body.error.message).toContain(field);
    expect(web.received).toEqual([]);
  });

  it('OM-185 is too large', async () => {
    const web = await openWeb();

    const answer = await web.call('POST', 'messages', { ...MESSAGE, text: 'x'.repeat(4 * 1_024 * 1_024) });

    expect(answer.status).toBe(413);
  });

  it('OM-185 a thousand times costs a line each, and nothing else', async () => {
    const web = await openWeb();
    const bodies = [
      '',
      '{',
      'null',
      '[]',
      '{"id":{}}',
      '"x"',
      '\u0000',
      JSON.stringify({ ...MESSAGE, id: '' }),
    ];

    for (let sent = 0; sent < 1_000; sent += 25) {
      const answers = await Promise.all(
        Array.from({ length: 25 }, (_, n) =>
          web.call('POST', 'messages', bodies[(sent + n) % bodies.length]),
        ),
      );
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([400]));
    }

    expect(web.lines.filter(({ level }) => level === 'warn')).toHaveLength(1_000);
    expect((await web.call('POST', 'messages', MESSAGE)).status).toBe(202);
    expect(web.received).toHaveLength(1);
  });
});

describe('the web gateway', () => {
  it('asks to come again before it is started and after it is stopped', async () => {
    const web = await openWeb({ started: false });

    expect((await fetch(`${web.url}/messages`, { method: 'POST' })).status).toBe(503);
    await web.gateway.start(async () => ({ kind: 'stored' }), { approvalsFor: async () => [] });
    expect((await web.call('POST', 'messages', MESSAGE)).status).toBe(202);
    await web.gateway.stop();
    await web.gateway.stop();

    expect((await fetch(`${web.url}/messages`, { method: 'POST' })).status).toBe(503);
  });

  it('stops after what it took is stored', async () => {
    const web = await openWeb();
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
    const answering = web.call('POST', 'messages', MESSAGE);
    await entered;
    let isStopped = false;

    const stopping = web.gateway.stop().then(() => {
      isStopped = true;
    });
    await web.call('GET', 'events').catch(() => undefined);
    expect(isStopped).toBe(false);
    store();

    await stopping;
    expect((await answering).status).toBe(202);
  });

  it('takes nothing more once it is stopped, not even a request it has begun to read', async () => {
    const web = await openWeb();
    const body = JSON.stringify(MESSAGE);
    const sending = request(`${web.url}/messages`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${TOKEN}`,
        'content-length': Buffer.byteLength(body),
        expect: '100-continue',
      },
    });
    sending.flushHeaders();
    await once(sending, 'continue');

    await web.gateway.stop();
    sending.end(body);
    const [response] = await once(sending, 'response');
    response.resume();

    expect(response.statusCode).toBe(503);
    expect(web.received).toEqual([]);
  });

  it('says in a check who can connect and where, and who cannot', async () => {
    const web = await openWeb();

    const [finding, ...others] = await web.gateway.check();
    expect(finding).toMatchObject({ status: 'works', subject: 'Web clients' });
    expect(finding?.detail).toContain(`shop, ops can connect at ${web.url}`);
    expect(finding?.detail).toContain('without a token, and so shut out: idle');
    expect(others).toEqual([]);
  });
});
