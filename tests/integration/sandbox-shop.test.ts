import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import fastify, { type FastifyInstance } from 'fastify';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/domain/clock.ts';
import { ConversationId, PersonId } from '../../src/domain/ids.ts';
import type { Tool, ToolContext } from '../../src/domain/tool.ts';
import { Journal } from '../../src/sandbox/journal.ts';
import { ShopSandbox } from '../../src/sandbox/shop/shop-sandbox.ts';
import { createShopTools } from '../../src/sandbox/shop/shop-tools.ts';

const REFUND = { order: 7, amount: 120, currency: 'EUR', reason: 'arrived broken' };
const DEPLOY = { service: 'api', environment: 'production', version: '1.4.2' };

let directory: string;
let app: FastifyInstance;
let journal: Journal;
let shop: ShopSandbox;
let origin: string;

async function open(): Promise<void> {
  journal = new Journal(directory);
  shop = new ShopSandbox(journal, systemClock);
  app = fastify({ forceCloseConnections: true });
  shop.register(app);
  await journal.start();
  await shop.start();
  origin = await app.listen({ host: '127.0.0.1', port: 0 });
}

async function close(): Promise<void> {
  await shop.stop();
  await app.close();
  await journal.stop();
}

beforeEach(async () => {
  directory = mkdtempSync(path.join(tmpdir(), 'signalbox-shop-'));
  await open();
});

afterEach(async () => {
  await close();
  rmSync(directory, { recursive: true });
});

function post(route: string, body: unknown, key = 'key-1'): Promise<Response> {
  return fetch(`${origin}${route}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': key },
    body: JSON.stringify(body),
  });
}

describe('the sandbox shop', () => {
  it('makes every refund it is asked for, so that a doubled effect shows', async () => {
    await post('/shop/refunds', REFUND, 'same');
    await post('/shop/refunds', REFUND, 'same');

    const listed = await (await fetch(`${origin}/shop/refunds`)).json();
    expect(listed).toMatchObject([
      { id: 'r1', key: 'same', ...REFUND },
      { id: 'r2', key: 'same', ...REFUND },
    ]);
  });

  it('makes a deploy once per key', async () => {
    const first = await (await post('/shop/deploys', DEPLOY, 'same')).json();
    const second = await (await post('/shop/deploys', DEPLOY, 'same')).json();
    await post('/shop/deploys', DEPLOY, 'other');

    expect(second).toEqual(first);
    expect(shop.deploys.map((deploy) => deploy.key)).toEqual(['same', 'other']);
  });

  it.each([
    ['a fraction of a cent', { ...REFUND, amount: 1.005 }],
    ['no money', { ...REFUND, amount: 0 }],
    ['a currency it does not keep', { ...REFUND, currency: 'CHF' }],
    ['a field it does not know', { ...REFUND, urgent: true }],
    ['half an order', { ...REFUND, order: 1.5 }],
  ])('refuses %s with 422 and a reason, and does nothing', async (_what, body) => {
    const response = await post('/shop/refunds', body);

    expect(response.status).toBe(422);
    expect(await response.json()).toMatchObject({ error: expect.stringMatching(/./) });
    expect(shop.refunds).toEqual([]);
  });

  it('refuses a request without an idempotency key', async () => {
    const response = await fetch(`${origin}/shop/refunds`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(REFUND),
    });

    expect(response.status).toBe(422);
    expect(shop.refunds).toEqual([]);
  });

  it('deploys no version that says it is broken', async () => {
    const response = await post('/shop/deploys', { ...DEPLOY, version: '2.0-broken' });

    expect(response.status).toBe(422);
    expect(await response.json()).toEqual({ error: 'version 2.0-broken does not start' });
    expect(shop.deploys).toEqual([]);
  });

  it('knows after a restart what it did before', async () => {
    await post('/shop/refunds', REFUND);
    await post('/shop/deploys', DEPLOY, 'same');

    await close();
    await open();
    await post('/shop/deploys', DEPLOY, 'same');

    expect(shop.refunds).toMatchObject([REFUND]);
    expect(shop.deploys).toHaveLength(1);
  });

  it('tells who listens when the ledger changes', async () => {
    let changes = 0;
    const silence = shop.onChange(() => changes++);

    await post('/shop/refunds', REFUND);
    silence();
    await post('/shop/refunds', REFUND);

    expect(changes).toBe(1);
  });
});

describe('the shop tools', () => {
  const context: ToolContext = {
    idempotencyKey: 'apr_p7_0123456789ab',
    conversationId: ConversationId.parse('slack:T0:C0:1'),
    requester: PersonId.parse('alex'),
    signal: new AbortController().signal,
  };

  function tool(name: string): Tool {
    return createShopTools(`${origin}/shop`).find((each) => each.name === name)!;
  }

  it('say how dangerous they are', () => {
    expect(createShopTools(origin)).toMatchObject([
      { name: 'refund', risk: 'high', effect: 'once', reversible: false },
      { name: 'deploy', risk: 'medium', effect: 'idempotent', reversible: true },
    ]);
  });

  it('accept exactly the amounts that are whole cents', () => {
    const refund = tool('refund');
    const accepts = (amount: number) => refund.input.safeParse({ ...REFUND, amount }).success;

    fc.assert(fc.property(fc.integer({ min: 1, max: 100_000_000 }), (cents) => accepts(cents / 100)));
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 9_999_999 }),
        (mills) => mills % 10 === 0 || !accepts(mills / 1000),
      ),
    );
  });

  it('refund and deploy under the key of the call, and say what was done', async () => {
    const refunded = await tool('refund').execute(REFUND, context);
    const deployed = await tool('deploy').execute(DEPLOY, context);

    expect(refunded).toEqual({
      status: 'ok',
      text: 'Order 7 was refunded 120.00 EUR (refund r1).',
      receipt: { id: 'r1' },
    });
    expect(deployed).toEqual({
      status: 'ok',
      text: 'api 1.4.2 is deployed to production (deploy d1).',
      receipt: { id: 'd1' },
    });
    expect(shop.refunds[0]?.key).toBe(context.idempotencyKey);
  });

  it('OM-152 take back what they did, once per key, and the preview knows it', async () => {
    for (const [name, args] of [['refund', REFUND] as const, ['deploy', DEPLOY] as const]) {
      const { receipt } = await tool(name).execute(args, context);
      const undoing = { ...context, idempotencyKey: `${name}:undo` };
      const undone = await tool(name).compensation?.execute(args, receipt, undoing);
      const again = await tool(name).compensation?.execute(args, receipt, undoing);

      expect(again).toEqual(undone);
      expect(undone?.status).toBe('ok');
    }
    const shown = async (name: string, args: unknown) =>
      (await tool(name).preview?.(args, context))?.changes[0]?.before;

    expect(shop.charges).toMatchObject([{ refund: 'r1', order: 7, amount: 120, currency: 'EUR' }]);
    expect(shop.rollbacks).toMatchObject([{ deploy: 'd1' }]);
    expect(await shown('refund', REFUND)).toBe('0.00 EUR');
    expect(await shown('deploy', DEPLOY)).toBe('nothing');
  });

  it('say before anything has happened what would take it back', () => {
    expect(tool('refund').compensation?.describe(REFUND)).toBe('charge order 7 120.00 EUR');
    expect(tool('deploy').compensation?.describe(DEPLOY)).toBe(
      'roll api in production back to what was there before',
    );
  });

  it('cannot take back what was never done', async () => {
    const undone = await tool('refund').compensation?.execute(REFUND, { id: 'r9' }, context);

    expect(undone).toMatchObject({ status: 'error', text: expect.stringContaining('there is no refund r9') });
    expect(shop.charges).toEqual([]);
  });

  it('know a refund by its key, and nothing of one that is not there', async () => {
    const refunded = await tool('refund').execute(REFUND, context);

    expect(await tool('refund').lookUp?.(REFUND, context)).toEqual(refunded);
    expect(await tool('refund').lookUp?.(REFUND, { ...context, idempotencyKey: 'other' })).toBeUndefined();
  });

  it('return an error that says nothing was done when the shop refuses', async () => {
    const output = await tool('refund').execute({ ...REFUND, currency: 'CHF' }, context);

    expect(output.status).toBe('error');
    expect(output.text).toContain('422');
    expect(output.text).toContain('Nothing was done');
  });

  it('do nothing of what the shop is told to refuse, and the next as usual', async () => {
    shop.fault('none', 'refuse', 'none');

    const made = [
      await tool('refund').execute(REFUND, context),
      await tool('refund').execute(REFUND, context),
      await tool('refund').execute(REFUND, context),
    ];

    expect(made.map(({ status }) => status)).toEqual(['ok', 'error', 'ok']);
    expect(shop.refunds).toHaveLength(2);
  });

  it('return an error that says nothing was done when the shop cannot be reached', async () => {
    const refund = tool('refund');
    await app.close();

    const output = await refund.execute(REFUND, context);

    expect(output).toEqual({
      status: 'error',
      text: 'The shop could not be reached (ECONNREFUSED). Nothing was done.',
    });
  });

  it.each(['error-before', 'error-after', 'cut-after'] as const)(
    'throw rather than guess when the shop meets %s',
    async (fault) => {
      shop.fault(fault);

      await expect(tool('refund').execute(REFUND, context)).rejects.toThrow('not known whether it acted');
    },
  );

  it('throw rather than guess when they are called off while the shop has the request', async () => {
    const calledOff = new AbortController();
    shop.fault('hang-after');
    shop.onChange(() => calledOff.abort());

    const refunding = tool('refund').execute(REFUND, { ...context, signal: calledOff.signal });

    await expect(refunding).rejects.toThrow('not known whether it acted');
    expect(shop.refunds).toHaveLength(1);
  });

  it('send nothing when they are called off before they begin', async () => {
    await expect(
      tool('refund').execute(REFUND, { ...context, signal: AbortSignal.abort() }),
    ).rejects.toThrow();

    expect(shop.refunds).toEqual([]);
  });
});
