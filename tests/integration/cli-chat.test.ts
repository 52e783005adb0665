/** The agent in a terminal: beside a gateway that runs, and alone. */
import { once } from 'node:events';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { gatewaySettings } from '../../gateways/gateway-settings.ts';
import { type App, startApp } from '../../src/app.ts';
import { approvalIdFor, toOpenEffect } from '../../src/approvals/approval-store.ts';
import { consequencesOfOpening } from '../../src/approvals/consequences.ts';
import { loadConfig } from '../../src/config/load-config.ts';
import { open } from '../../src/domain/approval/opening.ts';
import type { Approval } from '../../src/domain/approval/record.ts';
import { systemClock } from '../../src/domain/clock.ts';
import { ConversationId, PersonId } from '../../src/domain/ids.ts';
import { Address } from '../../src/domain/message.ts';
import { createLogger } from '../../src/observability/logger.ts';
import { type CliHome, createCliHome, printed } from '../support/cli.ts';

vi.setConfig({ testTimeout: 60_000 });

let home: CliHome;
let app: App | undefined;

beforeEach(() => {
  home = createCliHome();
  home.edit('settings.yaml', 'provider: claude', 'provider: echo');
});

afterEach(async () => {
  await home.remove();
  await app?.stop();
  app = undefined;
});

/** What `signalbox start` runs, in this process. */
async function startGateway(): Promise<App> {
  const config = loadConfig({ directory: home.configDirectory, env: {}, gateways: gatewaySettings });
  app = await startApp({
    config: () => config,
    redisUrl: home.redisUrl,
    clock: systemClock,
    log: createLogger({ level: 'silent' }),
    platforms: false,
  });
  return app;
}

async function aRequestOfAlex({ writer, approvals }: App): Promise<Approval> {
  const conversationId = ConversationId.parse('slack:T0SANDBOX:C0GENERAL:1');
  const origin = Address.parse({ platform: 'slack', route: { channel: 'C0GENERAL', thread: '1' } });
  const nowMs = await approvals.nowMs(conversationId);
  const approval = open({
    id: approvalIdFor(conversationId, 'item', 0),
    conversationId,
    origin,
    request: {
      tool: 'refund',
      version: 1,
      args: { order: 7, amount: 120 },
      risk: 'high',
      effect: 'once',
      reversible: false,
      requester: PersonId.parse('alex'),
      requesterName: 'Alex Kim',
      callId: 'call-1',
      correlation: 'request-1',
    },
    policy: {
      name: 'default',
      rule: 'refunds above 50',
      approvers: { role: 'manager' },
      choices: ['approve', 'deny', 'answer'],
      remindAfterMs: [],
      validForMs: 900_000,
      leaseMs: 1_000,
    },
    deadlineMs: nowMs + 3_600_000,
    copies: [],
    nowMs,
    verdict: 'human',
  });
  await writer.write(conversationId, [
    toOpenEffect(approval, 3_600_000),
    ...consequencesOfOpening(approval, nowMs),
  ]);
  return approval;
}

describe('beside a gateway that runs', () => {
  it('has the gateway do the work, and prints its answers here', async () => {
    const { audit } = await startGateway();

    const { code, out } = await home.runWith(['hello there', 'and again'], 'chat', '--session', 'first');

    expect(code).toBe(0);
    expect(out).toMatch(/Signalbox\n {2}.*hello there[\s\S]*Signalbox\n {2}.*and again/);
    const events = (await audit.tail(50)).map(({ event }) => event);
    expect(events).toContainEqual(
      expect.objectContaining({
        event: 'message.received',
        actor: 'cli:local',
        channel: 'cli',
        subject: 'cli:local:first',
      }),
    );
    expect(events).toContainEqual(expect.objectContaining({ event: 'message.sent', channel: 'cli-first' }));
  });

  it('OB-010 refuses two commands in one line as every platform does, and drops neither in silence', async () => {
    await startGateway();

    const { code, out } = await home.runWith(['/help /new', '/quit /stop'], 'chat');

    expect(code).toBe(0);
    expect(out).toContain('Those are several commands');
    expect(out).toContain('Nothing goes behind /quit: write it alone.');
    expect(out).not.toContain('What you can write to me');
  });

  it('keeps an answer for a terminal that was closed, and gives it when the session is opened again', async () => {
    const first = home.spawn('chat', '--session', 'again');
    first.stdin.write('hello\n');
    await printed(first, /hello/);
    const { writer } = await startGateway();
    first.kill('SIGKILL');
    await once(first, 'exit');
    await writer.write('cli:local:again', [
      {
        kind: 'out',
        queue: 'o.cli-again',
        lane: 'cli:local:again|late',
        item: {
          kind: 'text',
          id: 'late',
          correlation: 'late',
          conversationId: 'cli:local:again',
          to: { platform: 'cli-again', route: { session: 'again' } },
          markdown: 'This took a while.',
          atMs: Date.now(),
        },
      },
    ]);

    const second = home.spawn('chat', '--session', 'again');
    const text = await printed(second, /This took a while\./);

    expect(text).toContain('Signalbox');
  });

  it('lets the person answer what others asked, once they have seen it', async () => {
    const running = await startGateway();
    const { id } = await aRequestOfAlex(running);

    const unseen = await home.runWith([`/approve ${id}`], 'chat');
    const before = await running.approvals.find(id);
    const seen = await home.runWith(['/approvals', `/deny ${id} that order was never paid`], 'chat');

    expect(unseen.out).toContain('Nothing was decided; say it again');
    expect(before?.state).toBe('OPEN');
    expect(seen.out).toContain(`Request ${id}`);
    expect(seen.out).toContain('refund: order 7, amount 120');
    expect(seen.out).toContain('Denied by Dana Reyes in the terminal');
    expect(await running.approvals.find(id)).toMatchObject({
      state: 'DENIED',
      decision: { text: 'that order was never paid', via: 'cli', by: { person: 'dana' } },
    });
  });

  it('calls people on the platforms of the gateway, which this process does not run', async () => {
    await home.remove();
    home = createCliHome('shared', { SLACK_BOT_TOKEN: 'xoxb-1', SLACK_APP_TOKEN: 'xapp-1' });
    home.edit('settings.yaml', 'provider: claude', 'provider: echo');
    home.edit('settings.yaml', 'account: local', 'account: alex');
    home.edit('contacts.yaml', 'slack: T0SANDBOX/U0ALEX', 'slack: T0SANDBOX/U0ALEX\n      cli: alex');
    await startGateway();

    const terminal = home.spawn('chat');
    terminal.stdin.write('/human my order is lost\n');
    const told = await printed(terminal, /A human was asked for/);
    terminal.kill('SIGTERM');
    const [code] = await once(terminal, 'exit');

    const stores = await home.openStores();
    const lanes = await stores.redis.keys(`*${home.prefix}*o.slack*`);
    stores.close();
    expect(told).toContain('I have told Dana Reyes');
    expect(lanes).not.toEqual([]);
    expect(code).toBe(0);
  });

  it('does not open a session that is open in another terminal', async () => {
    await startGateway();
    const first = home.spawn('chat', '--session', 'mine');
    first.stdin.write('hello\n');
    await printed(first, /hello/);

    const { code, err } = await home.run('chat', '--session', 'mine');

    expect(code).toBe(1);
    expect(err).toContain('the session mine is open in another terminal');
  });
});

describe('alone', () => {
  it('runs the gateway itself, and leaves nothing running', async () => {
    const own = createCliHome('embedded');
    own.edit('settings.yaml', 'provider: claude', 'provider: echo');
    try {
      const { code, out, err } = await own.runWith(['is anybody there?'], 'chat', '--no-sandbox');
      const probe = new Redis({
        path: `${own.directory}/data/redis/redis.sock`,
        lazyConnect: true,
        retryStrategy: null,
      });
      probe.on('error', () => undefined);

      expect({ code, err }).toEqual({ code: 0, err: '' });
      expect(out).toContain('is anybody there?');
      await expect(probe.connect()).rejects.toThrow();
    } finally {
      await own.remove();
    }
  });

  it('plays what has no credentials, so that it answers without any', async () => {
    const own = createCliHome('embedded');
    try {
      const { code, out } = await own.runWith(['refund order 3'], 'chat', '--sandbox-port', '0');

      expect(code).toBe(0);
      expect(out).toContain('I will refund order 3: 20 EUR.');
      expect(out).toContain('Order 3 was refunded 20.00 EUR');
    } finally {
      await own.remove();
    }
  });

  it('says what to do when the terminal is nobody', async () => {
    home.edit('settings.yaml', 'account: local', 'account: stranger');

    const { code, err } = await home.run('chat');

    expect(code).toBe(1);
    expect(err).toContain('speaks as cli:stranger, which belongs to nobody. Add `cli: stranger`');
  });
});
