/** Dead letters, audit, configuration and the check, by the real command. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { parse } from 'yaml';
import { Inbound } from '../../src/domain/message.ts';
import { type CliHome, createCliHome, printed } from '../support/cli.ts';

vi.setConfig({ testTimeout: 60_000 });

let home: CliHome;
let stores: Awaited<ReturnType<CliHome['openStores']>>;

beforeEach(async () => {
  home = createCliHome();
  home.edit('contacts.yaml', 'email: alex@corp.test', 'email: alex@corp.test\n      cli: alex');
  stores = await home.openStores();
});

afterEach(async () => {
  stores.close();
  await home.remove();
});

function asAlex(): void {
  home.edit('settings.yaml', 'account: local', 'account: alex');
}

describe('dead letters', () => {
  async function aLetter(over: object = {}): Promise<string> {
    const item = JSON.stringify({ kind: 'text', markdown: 'hello', ...over });
    await stores.writer.write('somewhere', [
      { kind: 'dead', queue: 'o.email', lane: 'somewhere|x', attempts: 3, reason: 'mailbox full', item },
    ]);
    const [letter] = await stores.deadLetters.list();
    return letter?.id ?? '';
  }

  it('are listed and shown whole', async () => {
    const id = await aLetter();

    const list = await home.run('dead-letters', 'list');
    const show = await home.run('dead-letters', 'show', id);

    expect(list.out).toMatch(new RegExp(`${id} .*out by email .*3 +mailbox full`));
    expect(show.out).toContain('"markdown": "hello"');
  });

  it.each([
    ['text', []],
    ['JSON', ['--json']],
  ])('OM-190 show of a file its name, type and size, and no secret, as %s', async (_, flags) => {
    const content = Buffer.from('the whole order list').toString('base64');
    const id = await aLetter({
      markdown: 'the token is xoxb-123-secret, and the channel C0GENERAL',
      to: { platform: 'slack', route: { channel: 'C0GENERAL', user: 'U0ALEX', sealed: 'c2VhbGVk' } },
      files: [{ name: 'orders.csv', mediaType: 'text/csv', base64: content }],
    });

    const show = await home.run('dead-letters', 'show', id, ...flags);
    const list = await home.run('dead-letters', 'list', ...flags);

    expect(show.out).toMatch(/"name": "orders.csv",\s+"mediaType": "text\/csv",\s+"bytes": 20/);
    expect(show.out).toContain('and the channel C0GENERAL');
    for (const { out } of [show, list]) expect(out).not.toMatch(new RegExp(`${content}|xoxb-123|c2VhbGVk`));
    expect((await stores.deadLetters.find(id))?.item).toContain(content);
  });

  it('go back in line, or away, and the audit says on whose word', async () => {
    const retried = await home.run('dead-letters', 'retry', await aLetter());
    const discarded = await home.run('dead-letters', 'discard', await aLetter());

    expect(retried.out).toContain('is back in line.');
    expect(discarded.out).toContain('is gone for good.');
    expect(await stores.deadLetters.list()).toEqual([]);
    expect((await stores.audit.tail(2)).map(({ event }) => [event.event, event.actor])).toEqual([
      ['dead-letter.retried', 'dana'],
      ['dead-letter.discarded', 'dana'],
    ]);
  });

  it('are none of the business of somebody who does not operate the gateway', async () => {
    const id = await aLetter();
    asAlex();

    const { code, err } = await home.run('dead-letters', 'discard', id);

    expect(code).toBe(1);
    expect(err).toBe('Alex Kim may not see or settle dead letters: no role of theirs has operate.\n');
    expect(await stores.deadLetters.list()).toHaveLength(1);
  });

  it('that are not there are said not to be', async () => {
    const { code, err } = await home.run('dead-letters', 'retry', 'p3.1-0');

    expect(code).toBe(1);
    expect(err).toContain('there is no dead letter p3.1-0');
  });
});

describe('the audit', () => {
  const event = (n: number, correlation = 'request-1') => ({
    event: 'message.received',
    actor: 'alex',
    subject: `conversation ${n}`,
    correlation,
  });

  it('is verified, and a tampered entry is named', async () => {
    await stores.audit.append('x', event(1), event(2), event(3));
    const whole = await home.run('audit', 'verify');
    const partition = (await stores.audit.tail(1))[0]?.partition ?? 0;
    const [, second] = await stores.redis.xrange(stores.keys.audit(partition), '-', '+');
    await stores.redis.xdel(stores.keys.audit(partition), second?.[0] ?? '');

    const broken = await home.run('audit', 'verify');

    expect(whole).toMatchObject({ code: 0, out: 'The audit is whole: 3 entries, every hash fits.\n' });
    expect(broken.code).toBe(1);
    expect(broken.out).toContain(`chain ${partition}, entry 3: entries 2 to 2 are missing`);
  });

  it('OM-154 lists every entry of one request, in order, and of no other', async () => {
    await stores.audit.append('x', event(1), event(2, 'request-2'), event(3));

    const { out } = await home.run('audit', 'trace', 'request-1', '--json');

    const entries = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(entries.map(({ subject }) => subject)).toEqual(['conversation 1', 'conversation 3']);
  });

  it('OM-154 lists all that names an approval or an escalation, also what is recorded under the message that led to it', async () => {
    const approval = 'apr_p7_0123456789ab';
    const about = { event: 'approval.opened', actor: 'alex', subject: approval, correlation: 'request-1' };
    const card = {
      ...event(4),
      subject: `card:${approval}:1`,
      detail: { escalation: 'esc_p7_0123456789ab' },
    };
    await stores.audit.append('x', event(1), about, card, { ...about, subject: 'apr_p7_ba9876543210' });

    const subjects = async (id: string) => (await stores.audit.trace(id)).map((entry) => entry.event.subject);
    const { out } = await home.run('audit', 'trace', approval);

    expect(await subjects(approval)).toEqual([approval, card.subject]);
    expect(await subjects('esc_p7_0123456789ab')).toEqual([card.subject]);
    expect(out.trim().split('\n')).toHaveLength(2);
  });

  it('shows the newest entries, and with -f those that come', async () => {
    await stores.audit.append('x', event(1), event(2));
    const tail = home.spawn('audit', 'tail', '-n', '1', '-f');
    const first = await printed(tail, /conversation 2/);
    await stores.audit.append('y', event(3));

    const second = await printed(tail, /conversation 3/);
    tail.kill('SIGINT');
    const [code] = await once(tail, 'exit');

    expect(first).not.toContain('conversation 1');
    expect(second.trim().split('\n')).toHaveLength(1);
    expect(code).toBe(0);
  });

  it('is closed to somebody without audit.read, and that is recorded', async () => {
    asAlex();

    const { code, err } = await home.run('audit', 'tail');

    expect(code).toBe(1);
    expect(err).toBe('Alex Kim may not read the audit: no role of theirs has audit.read.\n');
    expect((await stores.audit.tail(1))[0]?.event).toMatchObject({
      event: 'authorization.deny',
      actor: 'alex',
    });
  });
});

describe('config set', () => {
  it('changes one key and leaves the rest of the file as it was', async () => {
    const before = readFileSync(join(home.configDirectory, 'escalation.yaml'), 'utf8');

    const { code, out } = await home.run('config', 'set', 'escalation.policies.default.deadline', '48h');

    expect(code).toBe(0);
    expect(out).toBe(
      'escalation.yaml: escalation.policies.default.deadline is now 48h. A running gateway applies it at once.\n',
    );
    expect(readFileSync(join(home.configDirectory, 'escalation.yaml'), 'utf8')).toBe(
      before.replace('deadline: 24h', 'deadline: 48h'),
    );
    expect((await stores.audit.tail(1))[0]?.event).toMatchObject({ event: 'config.changed', actor: 'dana' });
  });

  it('OM-024 refuses it to somebody without config.change, and records that', async () => {
    asAlex();
    const before = readFileSync(join(home.configDirectory, 'authorizations.yaml'), 'utf8');

    const { code, err } = await home.run('config', 'set', 'authorizations.rules[1].decision', 'allow');

    expect(code).toBe(1);
    expect(err).toContain('Refused: Alex Kim may not change the configuration');
    expect(readFileSync(join(home.configDirectory, 'authorizations.yaml'), 'utf8')).toBe(before);
    expect((await stores.audit.tail(1))[0]?.event).toMatchObject({
      event: 'config.refused',
      actor: 'alex',
      detail: { reason: 'not-permitted' },
    });
  });

  it('writes nothing that could not be loaded, and says where it would be wrong', async () => {
    const { code, err } = await home.run('config', 'set', 'escalation.policies.default.deadline', 'soon');

    expect(code).toBe(1);
    expect(err).toContain('escalation.yaml');
    expect(err).toContain('expected  a duration');
  });
});

describe('config schema', () => {
  it('OM-072 prints the JSON Schema of every file, which the shipped one satisfies', async () => {
    const { out } = await home.run('config', 'schema');
    const schemas = JSON.parse(out);

    for (const part of ['purpose', 'authorizations', 'contacts', 'escalation', 'settings']) {
      const validate = new Ajv2020({ strict: false, validateFormats: false }).compile(schemas[part]);
      expect(validate(parse(readFileSync(join('config', `${part}.yaml`), 'utf8'))), part).toBe(true);
      expect(validate({ nonsense: true }), part).toBe(false);
    }
  });

  it('OM-072 prints the JSON Schema of a message, which refuses what the program refuses', async () => {
    const { out } = await home.run('config', 'schema', 'inbound');
    const validate = new Ajv2020({ strict: false, validateFormats: false }).compile(JSON.parse(out));
    const message = {
      kind: 'message',
      id: 'slack:T:C:1',
      conversationId: 'slack:T:C:1',
      sender: { account: 'slack:T/U', displayName: 'Alex', authenticated: true, automatic: false },
      text: 'hello',
      addressedToBot: true,
      sentAt: '2026-01-01T00:00:00.000Z',
      replyTo: { platform: 'slack', route: {} },
    };
    const wrong = { ...message, sender: { ...message.sender, account: 'no platform' } };

    expect([validate(message), Inbound.safeParse(message).success]).toEqual([true, true]);
    expect([validate(wrong), Inbound.safeParse(wrong).success]).toEqual([false, false]);
  });
});

describe('check', () => {
  it('says of everything whether it works, and how to get what is missing', async () => {
    const { code, out } = await home.run('check');

    expect(code).toBe(0);
    expect(out).toMatch(/✓ works +(Redis|Valkey) \d/);
    expect(out).toContain('so a power cut may lose half a minute'); // the server of the tests waits for no disk
    expect(out).toMatch(/Model\n.*– missing[^\n]*\n *→ Create one at https:\/\/console\.anthropic\.com/);
    expect(out).toMatch(/Slack bot token: .*\n *→ Create an app at https:\/\/api\.slack\.com\/apps/);
    expect(out).toMatch(/E-mail address: .*\n *→ Set MAIL_ADDRESS/);
    expect(out).toContain('speaks as Dana Reyes');
  });

  it('prints everything that is wrong with the configuration at once, and tries nothing when too little is left', async () => {
    home.edit('settings.yaml', 'level: ', 'levle: ');
    home.edit('escalation.yaml', 'deadline: 24h', 'deadline: soon');

    const words = await home.run('check');
    const json = await home.run('check', '--json');

    expect(words).toMatchObject({ code: 1, out: '' });
    expect(words.err).toContain('levle');
    expect(words.err).toContain('policies.default.deadline');
    expect(JSON.parse(json.out)).toMatchObject({ ok: false, problems: expect.any(Array) });
    expect(JSON.parse(json.out).problems.length).toBeGreaterThanOrEqual(2);
  });

  it('tries everything else when one value is wrong, and says of that what is wrong with it', async () => {
    const configured = createCliHome('shared', {
      DISCORD_BOT_TOKEN: 'short',
      DISCORD_APPLICATION_ID: '900000000000000001',
      MAIL_ADDRESS: 'bot@corp.test',
      SMTP_HOST: '127.0.0.1',
      SMTP_PORT: '1',
      MAIL_LISTEN_PORT: '0',
      MAIL_LISTEN_PROTOCOL: 'smtp',
    });
    try {
      const { code, out } = await configured.run('check');

      expect(code).toBe(1);
      expect(out).toMatch(
        /Discord\n +✗ failed +settings\.yaml:\d+ gateways\.discord\.bot_token: expected three parts with dots between \(developer portal, "Bot", "Reset Token"\), found .*DISCORD_BOT_TOKEN/,
      );
      expect(out.match(/^Discord$/gm)).toHaveLength(1);
      expect(out).not.toMatch(/short|missing +Discord/);
      expect(out).toMatch(/✓ works +(Redis|Valkey) \d/);
      expect(out).toContain('✗ failed   SMTP 127.0.0.1:1');
      expect(out.trimEnd().split('\n').at(-1)).toBe(
        'Something that is configured does not work: Discord, E-mail.',
      );
    } finally {
      await configured.remove();
    }
  });

  it('does not try another store than the one that was meant', async () => {
    const configured = createCliHome('embedded', { REDIS_URL: 'localhost' });
    try {
      const { out } = await configured.run('check', '--json');

      const { findings } = JSON.parse(out);
      expect(findings.filter(({ part }: { part: string }) => part === 'Store')).toMatchObject([
        { status: 'failed', subject: expect.stringContaining('redis.url') },
      ]);
      expect(existsSync(join(configured.directory, 'data'))).toBe(false);
    } finally {
      await configured.remove();
    }
  });

  it.each([
    [{ DISCORD_BOT_TOKEN: 'MTIzNDU2Nzg5MDEy.Gabcde.part' }, 'Discord application id'],
    [{ SLACK_BOT_TOKEN: 'xoxb-1' }, 'Slack app token'],
    [{ SMTP_HOST: '127.0.0.1' }, 'E-mail address, E-mail inbound.imap or inbound.listen'],
  ])('names what is missing of a platform that was begun: %j', async (env, missing) => {
    const configured = createCliHome('shared', env);
    try {
      const { code, out } = await configured.run('check');

      expect(code).toBe(1);
      expect(out.trimEnd().split('\n').at(-1)).toBe(
        `Begun and not complete, so played by the sandbox; still missing: ${missing}.`,
      );
    } finally {
      await configured.remove();
    }
  });

  it('fails when something that is configured does not answer', async () => {
    const nobody = createServer();
    await once(nobody.listen(0, '127.0.0.1'), 'listening');
    const address = nobody.address();
    const port = typeof address === 'object' ? address?.port : 0;
    await new Promise((resolve) => nobody.close(resolve));
    const configured = createCliHome('shared', {
      MAIL_ADDRESS: 'bot@corp.test',
      SMTP_HOST: '127.0.0.1',
      SMTP_PORT: String(port),
      MAIL_LISTEN_PORT: '0',
      MAIL_LISTEN_PROTOCOL: 'smtp',
    });
    try {
      const { code, out } = await configured.run('check', '--json');

      const { ok, findings } = JSON.parse(out);
      expect({ code, ok }).toEqual({ code: 1, ok: false });
      expect(findings).toContainEqual(
        expect.objectContaining({
          part: 'E-mail',
          subject: `SMTP 127.0.0.1:${port}`,
          status: 'failed',
          remedy: expect.stringContaining('gateways.email.smtp'),
        }),
      );
    } finally {
      await configured.remove();
    }
  });

  it('OM-110 tells another program behind an address from Redis, and from Claude', async () => {
    const server = createHttpServer((_request, response) => response.writeHead(404).end('no'));
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : 0;
    const configured = createCliHome('shared', {
      REDIS_URL: `redis://127.0.0.1:${port}`,
      ANTHROPIC_API_KEY: 'sk-ant-test',
      ANTHROPIC_BASE_URL: `http://127.0.0.1:${port}/elsewhere`,
    });
    try {
      const { out } = await configured.run('check', '--json');

      const { findings } = JSON.parse(out);
      expect(findings).toContainEqual(
        expect.objectContaining({
          part: 'Store',
          detail: expect.stringContaining('is no Redis'),
          remedy: expect.stringContaining('another program'),
        }),
      );
      expect(findings).toContainEqual(
        expect.objectContaining({ part: 'Model', remedy: expect.stringContaining('ANTHROPIC_BASE_URL') }),
      );
    } finally {
      await configured.remove();
      server.close();
    }
  });
});

describe('output that nobody reads to its end', () => {
  it('ends the command without a word, as a shell expects of `signalbox ... | head`', async () => {
    const child = spawn(process.execPath, ['bin/signalbox.mjs', 'config', 'schema'], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stdout.destroy();
    let complaints = '';
    child.stderr.on('data', (chunk) => (complaints += chunk));
    const [code] = await once(child, 'close');

    expect({ code, complaints }).toEqual({ code: 0, complaints: '' });
  });
});
