import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type EmailSettings, isReady } from '../../gateways/email/config.ts';
import type { EmailGateway } from '../../gateways/email/gateway.ts';
import { ImapReader } from '../../gateways/email/imap.ts';
import { Intake } from '../../gateways/email/intake.ts';
import type { Clock } from '../../src/domain/clock.ts';
import { DnsServer } from '../../src/sandbox/dns/dns-server.ts';
import { Journal } from '../../src/sandbox/journal.ts';
import { DomainKeys } from '../../src/sandbox/mail/domain-keys.ts';
import { ManualClock } from '../support/core.ts';
import { Dovecot, dovecotProblem, MAILBOX_PASSWORD, MAILBOX_USER } from '../support/dovecot.ts';
import {
  Core,
  emailGateway,
  emailSettings,
  type LogLine,
  MemoryBookmarks,
  rawMail,
  readableLog,
} from '../support/email.ts';

const problem = dovecotProblem();
if (problem) it.skip(`reads a mailbox kept by Dovecot: ${problem}`, () => {});

describe.skipIf(problem !== undefined)('a mailbox kept by Dovecot', () => {
  let dovecot: Dovecot;
  let core: Core;
  let bookmarks: MemoryBookmarks;
  let gateway: EmailGateway | undefined;
  let lines: readonly LogLine[];

  beforeEach(async () => {
    dovecot = new Dovecot();
    await dovecot.start();
    core = new Core();
    bookmarks = new MemoryBookmarks();
  });

  afterEach(async () => {
    await gateway?.stop();
    gateway = undefined;
    await dovecot.dispose();
  });

  async function startGateway(
    overrides: {
      port?: number;
      watchdog_seconds?: number;
      max_size?: number;
      lookback_hours?: number;
      password?: string;
      dns_server?: string;
      clock?: Clock;
    } = {},
  ) {
    const {
      port = dovecot.imapPort,
      watchdog_seconds = 1_700,
      max_size = 1_000_000,
      lookback_hours = 24,
      password = MAILBOX_PASSWORD,
      dns_server = '127.0.0.1:9',
      clock,
    } = overrides;
    const readable = readableLog();
    lines = readable.lines;
    gateway = emailGateway(
      emailSettings({
        inbound: {
          imap: {
            host: '127.0.0.1',
            port,
            secure: false,
            user: MAILBOX_USER,
            password,
            watchdog_seconds,
            lookback_hours,
          },
        },
        dns_server,
        max_size,
      }),
      { bookmarks, log: readable.log, ...(clock && { clock }) },
    );
    await gateway.start(core.receive);
    return gateway;
  }

  const aMail = (text: string, ...headers: string[]) =>
    rawMail(
      'From: Alex <alex@corp.test>',
      'To: signalbox@gateway.test',
      `Message-ID: <${text}@corp.test>`,
      ...headers,
      '',
      text,
    );
  const texts = () => core.received.map(({ text }) => text);

  it('OM-050 e-mail: hands over what waits in the mailbox, and then what arrives, as the server announces it', async () => {
    await dovecot.deliver(aMail('waiting'));

    await startGateway();
    expect(await core.message(1)).toMatchObject({
      id: 'email:waiting@corp.test',
      sender: { account: 'email:alex@corp.test' },
    });

    await dovecot.deliver(aMail('arriving'));
    await core.message(2);
    await dovecot.deliver(aMail('another'));
    await core.message(3);
    expect(texts()).toEqual(['waiting', 'arriving', 'another']);
  });

  it('goes on where it stopped, and takes nothing twice', async () => {
    await startGateway();
    await dovecot.deliver(aMail('one'));
    await core.message(1);
    await gateway?.stop();

    await dovecot.deliver(aMail('two'));
    await dovecot.deliver(aMail('three'));
    await startGateway();
    await core.message(3);

    expect(texts()).toEqual(['one', 'two', 'three']);
  });

  it('takes nothing in once it is stopped, and goes on when it is started again', async () => {
    const first = await startGateway();
    await first.stop();
    await dovecot.deliver(aMail('meanwhile'));
    expect(texts()).toEqual([]);

    await first.start(core.receive);
    await core.message(1);
    await dovecot.deliver(aMail('afterwards'));
    await core.message(2);

    expect(texts()).toEqual(['meanwhile', 'afterwards']);
  });

  it('knows its place from the first start, so that what came while it was away is not too old', async () => {
    await startGateway({ lookback_hours: 0 });
    await gateway?.stop();

    await dovecot.deliver(aMail('away'));
    await startGateway({ lookback_hours: 0 });

    expect(texts()).toEqual(['away']);
  });

  it('loses nothing and keeps the order when the core cannot store for a while', async () => {
    await startGateway();
    core.failNext(3);
    await dovecot.deliver(aMail('one'));
    await dovecot.deliver(aMail('two'));
    await core.message(2);

    expect(core.refusals).toBe(3);
    expect(texts()).toEqual(['one', 'two']);
  });

  it('leaves the mail in the mailbox when it is stopped before the core could store it', async () => {
    await startGateway();
    core.failNext(1_000);
    await dovecot.deliver(aMail('patient'));
    await dovecot.deliver(aMail('behind'));
    await untilTrue(() => core.refusals > 0);
    await gateway?.stop();

    core.failNext(0);
    await startGateway();
    await core.message(2);
    expect(texts()).toEqual(['patient', 'behind']);
  });

  it('comes back when the server was restarted', async () => {
    await startGateway();
    await dovecot.deliver(aMail('before'));
    await core.message(1);

    await dovecot.stop();
    await dovecot.start();
    await dovecot.deliver(aMail('after'));
    await core.message(2);

    expect(texts()).toEqual(['before', 'after']);
  });

  it('starts though the server is away, and reads when it is there', async () => {
    await dovecot.stop();
    await startGateway();

    await dovecot.start();
    await dovecot.deliver(aMail('at last'));
    expect((await core.message(1)).text).toBe('at last');
  });

  it('reads recent mail again under the same ids when the mailbox was rebuilt', async () => {
    await startGateway();
    await dovecot.deliver(aMail('one'));
    await dovecot.deliver(aMail('two'));
    await core.message(2);
    await dovecot.stop();
    dovecot.forgetUids();

    await dovecot.start();
    await core.message(4);
    await dovecot.deliver(aMail('three'));
    await core.message(5);

    const ids = core.received.map(({ id }) => id);
    expect(new Set(ids.slice(2, 4))).toEqual(new Set(ids.slice(0, 2)));
    expect(ids[4]).toBe('email:three@corp.test');
    expect(lines.some(({ msg }) => msg.includes('the mailbox was rebuilt'))).toBe(true);
  });

  it('finds mail that the server forgot to announce', async () => {
    const proxy = await silencingProxy(dovecot.imapPort);
    await startGateway({ port: proxy.port, watchdog_seconds: 1 });

    await dovecot.deliver(aMail('unannounced'));
    expect((await core.message(1)).text).toBe('unannounced');
    expect(proxy.silenced()).toBeGreaterThan(0);
    await gateway?.stop();
    proxy.server.close();
  });

  it('gives up a connection that went dead without a word', async () => {
    const proxy = await fallingSilentProxy(dovecot.imapPort);
    const settings = emailSettings({
      inbound: {
        imap: {
          host: '127.0.0.1',
          port: proxy.port,
          secure: false,
          user: MAILBOX_USER,
          password: MAILBOX_PASSWORD,
          watchdog_seconds: 1,
        },
      },
    });
    const readable = readableLog();
    const deps = { log: readable.log, clock: { now: () => Date.now() }, bookmarks };
    const reader = new ImapReader(
      imapOf(settings),
      { maxSize: 1_000_000, allowInsecure: false, answerMs: 500 },
      deps,
    );
    if (!isReady(settings)) throw new Error('incomplete settings');
    await reader.start(new Intake(settings, deps, core.receive));

    proxy.silence();
    await dovecot.deliver(aMail('behind a dead connection'.replaceAll(' ', '-')));
    expect((await core.message(1)).text).toBe('behind-a-dead-connection');
    expect(readable.lines.some(({ msg }) => msg.includes('unreachable'))).toBe(true);
    await reader.stop();
    proxy.server.close();
  });

  it('OM-188 passes over what cannot be read, says so once, and takes what comes behind it', async () => {
    await startGateway({ max_size: 20_000 });
    await dovecot.deliver(aMail(`large-${'x'.repeat(30)}`).replace(/large-/, `${'y'.repeat(25_000)}\r\n`));
    await dovecot.deliver(
      aMail('tangled', 'MIME-Version: 1.0', 'Content-Type: multipart/mixed; boundary=b').concat(
        '--b\r\n\r\n'.repeat(700),
      ),
    );
    await dovecot.deliver(aMail('fine'));

    expect((await core.message(1)).text).toBe('fine');
    const passedOver = lines.filter(({ msg }) => msg === 'a mail could not be read and was passed over');
    expect(passedOver.map(({ reason }) => reason)).toEqual(['too-large', 'malformed']);
  });

  describe('while the name service cannot say who sent a mail', () => {
    const signedMail = async (text: string) =>
      (
        await keys.sign(Buffer.from(aMail(text, 'Date: Mon, 5 Jan 2026 09:00:00 +0000')), 'corp.test')
      ).toString();
    let dns: DnsServer;
    let keys: DomainKeys;
    let clock: ManualClock;

    beforeEach(async () => {
      dns = new DnsServer();
      await dns.start();
      dns.publish('_dmarc.corp.test', { type: 'TXT', text: 'v=DMARC1; p=reject' });
      dns.fault('_dmarc.corp.test', 'broken');
      keys = new DomainKeys(new Journal(), dns, 1024);
      keys.start();
      clock = new ManualClock(Date.now());
    });
    afterEach(() => dns.stop());

    const start = () => startGateway({ dns_server: dns.address, watchdog_seconds: 1, clock });
    const putOff = () =>
      untilTrue(() => lines.some(({ msg }) => msg.startsWith('who sent a mail could not be looked up')));

    it('puts it off, takes those behind it, and takes it once that is known, after a restart too', async () => {
      await start();
      await dovecot.deliver(await signedMail('undecided'));
      await dovecot.deliver(aMail('behind'));
      await core.message(1);
      await gateway?.stop();
      await start();

      dns.heal();
      clock.advance(60_000);
      await core.message(2);
      expect(texts()).toEqual(['behind', 'undecided']);
      expect(core.received.at(-1)?.sender.authenticated).toBe(true);
    });

    it('takes it as nobody’s after a day', async () => {
      await start();
      await dovecot.deliver(await signedMail('undecided'));
      await putOff();

      clock.advance(24 * 3_600_000);
      expect((await core.message(1)).sender.authenticated).toBe(false);
    });
  });

  it('says what is wrong with a password', async () => {
    const wrong = await startGateway({ password: 'wrong' });
    const findings = await wrong.check();

    expect(findings).toContainEqual(
      expect.objectContaining({
        subject: expect.stringContaining('IMAP'),
        status: 'failed',
        remedy: expect.stringContaining('password'),
      }),
    );
  });
});

function imapOf(settings: EmailSettings) {
  if (!settings.inbound.imap) throw new Error('no IMAP in these settings');
  return settings.inbound.imap;
}

/** A proxy whose open connections transport nothing any more once told so; new ones work. */
async function fallingSilentProxy(
  target: number,
): Promise<{ server: Server; port: number; silence: () => void }> {
  const pairs = new Set<readonly [Socket, Socket]>();
  const server = createServer((client) => {
    const upstream = connect(target, '127.0.0.1');
    client.pipe(upstream);
    upstream.pipe(client);
    pairs.add([client, upstream]);
    client.on('error', () => upstream.destroy());
    upstream.on('error', () => client.destroy());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const bound = server.address();
  if (bound === null || typeof bound === 'string') throw new Error('no port');
  const silence = () => {
    for (const [client, upstream] of pairs) {
      client.unpipe(upstream);
      upstream.unpipe(client);
    }
  };
  return { server, port: bound.port, silence };
}

/** A proxy that keeps from the client, while it idles, that there is new mail. */
async function silencingProxy(
  target: number,
): Promise<{ server: Server; port: number; silenced: () => number }> {
  let silenced = 0;
  const server = createServer((client) => {
    const upstream = connect(target, '127.0.0.1');
    let idling = false;
    client.on('data', (chunk) => {
      const said = chunk.toString('latin1');
      if (/ IDLE\r\n/i.test(said)) idling = true;
      if (/^DONE\r\n/i.test(said)) idling = false;
      upstream.write(chunk);
    });
    upstream.on('data', (chunk) => {
      const said = chunk.toString('latin1');
      const announces = idling && /^\* \d+ (?:EXISTS|RECENT)/m.test(said);
      if (announces) silenced += 1;
      client.write(announces ? said.replace(/^\* \d+ (?:EXISTS|RECENT)\r\n/gm, '') : chunk);
    });
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      one.on('close', () => other.destroy());
      one.on('error', () => other.destroy());
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const bound = server.address();
  if (bound === null || typeof bound === 'string') throw new Error('no port');
  return { server, port: bound.port, silenced: () => silenced };
}

async function untilTrue(condition: () => boolean): Promise<void> {
  await expect.poll(condition, { timeout: 10_000 }).toBe(true);
}
