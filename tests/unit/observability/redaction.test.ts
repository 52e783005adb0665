// biome-ignore-all lint/suspicious/noTemplateCurlyInString: programs look like this
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  isSecretKey,
  REDACTED,
  redactFacts,
  redactText,
  secretsIn,
  spellingsOf,
} from '../../../src/observability/redaction.ts';

const word = (min: number, max: number) => fc.stringMatching(new RegExp(`^[A-Za-z0-9]{${min},${max}}$`));

/** Every kind of secret we handle: the part that must not appear, within the text it appears in. */
const secret: fc.Arbitrary<{ readonly text: string; readonly hidden: string }> = fc.oneof(
  word(12, 40).chain((hidden) =>
    fc.constantFrom(
      { text: `xoxb-1234-5678-${hidden}`, hidden },
      { text: `xoxp-${hidden}`, hidden },
      { text: `xoxe.xoxp-1-${hidden}`, hidden },
      { text: `xoxe-1-${hidden}`, hidden },
      { text: `xapp-1-A01-${hidden}`, hidden },
      { text: `sbk_0123456789ab_${hidden}`, hidden },
      { text: `whsec_${hidden}`, hidden },
      { text: `sk-ant-api03-${hidden}`, hidden },
      { text: `Bearer ${hidden}`, hidden },
      { text: `authorization: bearer ${hidden}`, hidden },
      { text: `Authorization: Basic ${hidden}A1==`, hidden },
      { text: `https://hooks.slack.com/actions/T0/1/${hidden}`, hidden },
      { text: `https://hooks.slack.com/services/T0/B0/${hidden}`, hidden },
      { text: `https://discord.com/api/webhooks/123/${hidden}`, hidden },
      { text: `/interactions/123/${hidden}/callback`, hidden },
      { text: `redis://:${hidden}@localhost:6379`, hidden },
      { text: `smtp://bot:${hidden}@mail.example`, hidden },
      { text: `apr+${hidden}@corp.test`, hidden },
      { text: `eyJhbGciOiJIUzI1NiJ9.${hidden}.${hidden}`, hidden },
      { text: `?token=${hidden}&x=1`, hidden },
      { text: `SLACK_SIGNING_SECRET=${hidden}`, hidden },
      { text: `{"client_secret":"${hidden}"}`, hidden },
      { text: `{\\"api_key\\":\\"${hidden}\\"}`, hidden },
      { text: `password: '${hidden}'`, hidden },
      { text: `-----BEGIN RSA PRIVATE KEY-----\n${hidden}\n-----END RSA PRIVATE KEY-----`, hidden },
      { text: `-----BEGIN PRIVATE KEY-----\n${hidden}`, hidden },
    ),
  ),
  fc
    .tuple(word(24, 24), word(6, 6), word(27, 38))
    .map(([id, time, hidden]) => ({ text: `${id}.${time}.${hidden}`, hidden })),
  fc
    .stringMatching(/^[2-9A-HJKMNP-TV-Z]{5}-[2-9A-HJKMNP-TV-Z]{5}$/)
    .map((hidden) => ({ text: `/link K7PM-${hidden}`, hidden })),
);

/** Harmless text around it; a separator, because a token glued to a word is another word. */
const around = fc.stringMatching(/^[a-z ,.()<>"']{0,30}$/);

describe('words beside the name of a secret', () => {
  it.each([
    'A basic TypeScript project',
    'Use Basic Authentication here',
    'a bearer authentication scheme: bearer tokens, Bearer Authentication.',
    'Two things about the token: it expires soon',
    'About the cookie: we use none',
    'password: required',
    'the token: null, the secret: undefined.',
    'const token = getToken();',
    'API_KEY: process.env.API_KEY',
    'password: ${DB_PASSWORD}',
    'token: <token>',
    'sk-learn-based models',
    'best-beach-party',
    'https://x.test?mail=a@b.test',
    'https://x.test#a@b.test, https://x.test:8080?mail=a@b.test',
  ])('stay: %s', (text) => {
    expect(redactText(text)).toBe(text);
  });

  it.each([
    ['password: hunter2', 'password: [redacted]'],
    ['token = sunshine', 'token = [redacted]'],
    ['postgres://user:p#ss?w@db.corp.test/x', 'postgres://[redacted]@db.corp.test/x'],
    ['https://token@x.test?mail=a', 'https://[redacted]@x.test?mail=a'],
    [`Basic ${Buffer.from('bot:pw').toString('base64')}`, 'Basic [redacted]'],
    ['bearer AbCdefgh', 'bearer [redacted]'],
    ['BEARER abcdefghijklmnopqrstuv', 'BEARER [redacted]'],
    ['code k7pm-abcde-fghjk', 'code [redacted]'],
    ['code KQPM-ABCDE-FGHJK', 'code [redacted]'],
    ['sk-ant-abcdefgh', '[redacted]'],
  ])('are hidden where they are a secret: %s', (text, hidden) => {
    expect(redactText(text)).toBe(hidden);
  });
});

describe('redacting text', () => {
  it('hides every kind of secret, whatever stands around it', () => {
    fc.assert(
      fc.property(around, secret, around, (before, { text, hidden }, after) => {
        const redacted = redactText(`${before} ${text} ${after}`);

        expect(redacted).not.toContain(hidden);
        expect(redacted).toContain(REDACTED);
      }),
      { numRuns: 2_000 },
    );
  });

  it.each([
    'slack:T024/U0DANA:C1:1712345678.000100',
    'refund: order 7, 120 EUR',
    'https://example.com/a/b?page=2',
    'alex@corp.test wrote to dana@corp.test',
    'basic understanding of tokens and passwords',
    'apr_p7_0123456789ab',
    'max_tokens: 4096',
    'v1.2.3-beta.4',
    '/srv/data/appendonly.aof',
    'Error: connect ECONNREFUSED 127.0.0.1:6379',
    '3f2b8c1d9e0a4f5b6c7d8e9f0a1b2c3d',
    `set ANTHROPIC_API_KEY in .env, or write \${ANTHROPIC_API_KEY:-default}`,
  ])('leaves %j alone', (text) => {
    expect(redactText(text)).toBe(text);
  });

  it('changes nothing when it is done twice', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            around,
            secret.map(({ text }) => text),
          ),
        ),
        (parts) => {
          const once = redactText(parts.join(' '));

          expect(redactText(once)).toBe(once);
        },
      ),
    );
  });

  it('takes no long time over a long text made to cost time', () => {
    const shapes = ['apr+', 'eyJ', '://a', 'token ', '-----BEGIN ', 'a.', 'xox', 'Bearer ', 'password'];
    const started = process.hrtime.bigint();

    for (const shape of shapes) redactFacts({ text: shape.repeat(200_000) });

    expect(Number(process.hrtime.bigint() - started) / 1e6).toBeLessThan(2_000);
  });
});

describe('redacting facts', () => {
  it('hides every secret, at any depth, in values, keys, lists, maps and errors', () => {
    fc.assert(
      fc.property(
        fc.object({ maxDepth: 3, withMap: true, withSet: true, withDate: true }),
        secret,
        (noise, { text, hidden }) => {
          const error = Object.assign(new Error(`failed with ${text}`, { cause: { noise, text } }), { text });
          const facts = {
            noise,
            [`key ${text}`]: 1,
            list: [[text]],
            map: new Map([['m', text]]),
            set: new Set([text]),
            error,
          };

          expect(JSON.stringify(redactFacts(facts))).not.toContain(hidden);
        },
      ),
    );
  });

  it('writes a map whose keys cannot be written, and hides what it holds', () => {
    const unwritable = { toString: 1, valueOf: 1 };
    const facts = {
      map: new Map<unknown, unknown>([
        [unwritable, 'first'],
        ['api_key', 'quiet'],
        [null, 'last'],
      ]),
    };

    expect(redactFacts(facts)).toEqual({ map: { '[object 0]': 'first', api_key: REDACTED, null: 'last' } });
  });

  it('hides whatever stands under the name of a secret', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(
          'token',
          'botToken',
          'bot_token',
          'API-KEY',
          'apiKey',
          'Authorization',
          'set-cookie',
          'smtpPassword',
          'signing_secret',
          'response_url',
          'responseUrl',
          'triggerId',
          'approveCode',
          'private_key',
        ),
        fc.oneof(word(6, 20), fc.array(word(6, 20), { minLength: 1 }), fc.record({ inner: word(6, 20) })),
        (key, value) => {
          expect(isSecretKey(key)).toBe(true);
          expect(redactFacts({ headers: { [key]: value } })).toEqual({ headers: { [key]: REDACTED } });
        },
      ),
    );
  });

  it('keeps counters and flags, which tell nothing', () => {
    const facts = { token: 7, hasPassword: true, inputTokens: 12, secret: null };

    expect(redactFacts(facts)).toEqual(facts);
  });

  it('writes an error with its code, its own facts and its cause', () => {
    const cause = Object.assign(new Error('refused'), { code: 'ECONNREFUSED', port: 6379 });
    const error = new Error('no Redis', { cause });

    expect(redactFacts({ error })).toEqual({
      error: {
        type: 'Error',
        message: 'no Redis',
        stack: expect.stringContaining('no Redis'),
        cause: {
          type: 'Error',
          message: 'refused',
          code: 'ECONNREFUSED',
          port: 6379,
          stack: expect.any(String),
        },
      },
    });
  });

  it('ends, whatever it is given', () => {
    const circle: Record<string, unknown> = {
      big: 10n,
      bytes: Buffer.alloc(9),
      when: new Date(Number.NaN),
      call: () => 1,
    };
    circle.self = circle;
    Object.defineProperty(circle, 'trap', {
      enumerable: true,
      get: () => {
        throw new Error('no');
      },
    });
    const deep = Array.from({ length: 50 }).reduce<object>((inner) => ({ inner }), {});

    expect(redactFacts(circle)).toMatchObject({
      big: '10n',
      bytes: '[9 bytes]',
      when: 'invalid date',
      self: '[circle]',
      trap: '[unreadable]',
    });
    expect(JSON.stringify(redactFacts({ deep }))).toContain('[deeper]');
    expect(JSON.stringify(redactFacts({ list: Array(1_000).fill(1), ...Array(1_000).fill(1) }))).toMatch(
      /901 more.*$/,
    );
  });

  it.each(Array.from({ length: 12 }, (_, n) => 8_160 + 4 * n))(
    'cuts a text after %i characters without uncovering a secret',
    (length) => {
      const facts = redactFacts({ text: `${'x'.repeat(length - 1)} redis://:hunter2hunter2hunter2@host` });

      expect(String(facts.text).length).toBeLessThan(8_200);
      expect(facts.text).not.toContain('hu');
    },
  );

  it('knows of a secret what lets somebody in without the rest of it', () => {
    const login = Buffer.from('jenkins:s3cr3tpassw0rd').toString('base64');
    const known = secretsIn({
      headers: { Authorization: 'Bearer 9f8e7d6c5b4a3210' },
      other: { authorization: `Basic ${login}` },
      redis: { url: 'rediss://default:p%40ssw0rd99@a:7000,rediss://b:7000' },
      docs: { url: 'https://tokentokentoken@docs.corp.test/' },
      short: { url: 'https://u:pw@docs.corp.test/' },
      plain: { url: 'https://docs.corp.test/a@b', name: 'my passphrase' },
    });

    expect(known).toEqual([
      'Bearer 9f8e7d6c5b4a3210',
      '9f8e7d6c5b4a3210',
      `Basic ${login}`,
      login,
      's3cr3tpassw0rd',
      'p%40ssw0rd99',
      'p@ssw0rd99',
      'tokentokentoken',
      'tokentokentoken',
    ]);
    expect(redactText('It is 9f8e7d6c5b4a3210, or s3cr3tpassw0rd.', known)).toBe(
      'It is [redacted], or [redacted].',
    );
  });

  it('hides tokens of GitHub and GitLab, whoever was given one', () => {
    const text = `ghp_${'a1'.repeat(18)} github_pat_11ABCDEFG0_${'b2'.repeat(12)} glpat-${'c3'.repeat(10)}`;
    expect(redactText(text)).toBe('[redacted] [redacted] [redacted]');
  });

  it.each([
    ['Atlassian', `ATATT3xFfGF0${'aB3_'.repeat(40)}=1A2B3C4D`],
    ['Bitbucket', `ATBB${'a1B2'.repeat(8)}`],
    ['Stripe', `sk_live_${'a1B2'.repeat(6)}`],
    ['a key of Stripe with few rights', `rk_test_${'a1B2'.repeat(6)}`],
    ['AWS', `AKIA${'A1B2'.repeat(4)}`],
    ['Google', `AIza${'aB3-_'.repeat(7)}`],
    ['a session of Google', `ya29.${'aB3-_'.repeat(7)}`],
    ['npm', `npm_${'a1B2'.repeat(9)}`],
    ['PyPI', `pypi-${'aB3-'.repeat(20)}`],
    ['SendGrid', `SG.${'aB3-'.repeat(5)}ab.${'aB3_'.repeat(10)}abc`],
  ])('hides tokens of other services, which people write into tickets: %s', (_, token) => {
    expect(redactText(`It is ${token}, they say.`)).toBe('It is [redacted], they say.');
    expect(redactText(`look?key=${token}&x=1`)).not.toContain(token.slice(0, 12));
  });

  it.each(['AKIA is a prefix', 'npm_config_registry', 'sg.example.org', 'ATATT', 'sk_test_mode', 'AIzawa'])(
    'leaves what only begins like a token: %s',
    (text) => expect(redactText(text)).toBe(text),
  );

  it('hides the secrets it was told, whatever they look like', () => {
    const known = secretsIn({
      model: { api_key: 'correct horse battery', name: 'claude-sonnet' },
      email: { smtp: { password: 'staple42' }, tokens: [{ token: 'a-very-plain-one' }], secret: 'short' },
    });
    expect(known).toEqual(['correct horse battery', 'staple42', 'a-very-plain-one']);

    fc.assert(
      fc.property(fc.constantFrom(...known), around, around, (hidden, before, after) => {
        const text = `${before}${hidden}${after}`;
        const facts = {
          text,
          [text]: 1,
          error: new Error(text),
          list: [{ text }],
          url: new URL(`http://h/${hidden.replaceAll(' ', '')}`),
        };

        expect(JSON.stringify(redactFacts(facts, known))).not.toContain(hidden);
        expect(redactText(text, known)).not.toContain(hidden);
      }),
    );
  });
});

describe('the spellings of a secret', () => {
  it.each(['base64', 'base64url', 'hex'] as const)(
    'are found in %s, whatever stands around it',
    (encoding) => {
      fc.assert(
        fc.property(
          fc.string({ minLength: 8, unit: 'grapheme' }),
          word(0, 9),
          word(0, 9),
          (secret, before, after) => {
            const passedOn = Buffer.from(before + secret + after).toString(encoding);
            const kept = redactText(passedOn, spellingsOf(secret));

            expect(passedOn).not.toBe(kept);
            expect(kept).toContain(REDACTED);
          },
        ),
      );
    },
  );

  it('are found in an address', () => {
    expect(redactText('https://x.test/?q=p%40ss%20word!', spellingsOf('p@ss word!'))).toBe(
      `https://x.test/?q=${REDACTED}`,
    );
    expect(
      redactText('?q=%70%61%73%73%77%6f%72%64 and %70%61%73%73%77%6F%72%64', spellingsOf('password')),
    ).toBe('?q=[redacted] and [redacted]');
  });
});
