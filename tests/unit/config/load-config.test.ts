// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references look like this
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toPeople } from '../../../src/config/contacts.ts';
import { loadConfig } from '../../../src/config/load-config.ts';
import { aDirectory, errorOf, gateways, parse, problemsOf } from './config-texts.ts';

describe('loading the configuration', () => {
  it('OM-020 takes what the agent does from the six files alone', () => {
    const config = loadConfig({ directory: aDirectory(), env: {}, gateways });

    expect(config.purpose.name).toBe('Signalbox');
    expect(config.authorizations.rules[0]).toMatchObject({ tool: ['refund'], decision: 'ask' });
    expect(config.escalation.policies.default.deadline).toBe(24 * 60 * 60 * 1000);
    expect(config.settings.http).toEqual({ host: '127.0.0.1', port: 4000, allow_insecure: false });
    expect(config.settings.gateways.slack.retries).toBe(3);
  });

  it('fills in defaults for everything that is left out, also for an empty file', () => {
    const { settings } = parse({ settings: '' });

    expect(settings.model).toMatchObject({ provider: 'claude', name: 'claude-sonnet-5-5' });
    expect(settings.redis).toMatchObject({
      data_directory: 'data',
      fsync: 'always',
      key_prefix: 'signalbox',
    });
    expect(settings.workers.lease).toBe(3_000);
    expect(settings.gateways.slack.enabled).toBe('auto');
  });

  it('takes a key with nothing behind it for left out', () => {
    expect(parse({ settings: 'http:\nlog:\n  level:\n' }).settings.log.level).toBe('info');
  });

  it('cannot be changed by whoever holds it', () => {
    const config = parse();

    expect(() => config.authorizations.rules.pop()).toThrow(TypeError);
    expect(() => Object.assign(config.settings.http, { port: 1 })).toThrow(TypeError);
  });
});

describe('a configuration that cannot be used', () => {
  it('OM-021 OM-071 is refused with file, line, key path, what was expected and what was found', () => {
    const [problem] = problemsOf({ settings: 'http:\n  host: here\n  port: many\n' });

    expect(problem).toEqual({
      file: 'settings.yaml',
      line: 3,
      keyPath: 'http.port',
      expected: 'a number',
      found: '"many"',
      hint: undefined,
    });
  });

  it('OM-021 is refused for an unknown key, which is guessed', () => {
    const [problem] = problemsOf({ settings: 'http:\n  prot: 4000\n' });

    expect(problem).toMatchObject({ line: 2, keyPath: 'http.prot', found: 'the unknown key "prot"' });
    expect(problem?.hint).toBe('did you mean port?');
  });

  it.each([
    ['retention: { summaries: { conversations: 30d } }', 'retention.summaries'],
    ['retention: { summaries: 5 }', 'retention.summaries'],
  ])(
    'OM-100 is told that a length of time is meant, where something else stands: %s',
    (settings, keyPath) => {
      const [problem] = problemsOf({ settings });

      expect(problem).toMatchObject({
        keyPath,
        expected: expect.stringContaining('a duration such as 500ms'),
      });
    },
  );

  it('OM-100 is told everything at once, file by file, from the top', () => {
    const problems = problemsOf({
      purpose: 'name: ""\n',
      contacts: 'people:\n  alex: { name: 5, accounts: { slack: T0/U0 } }\n',
      settings: 'log: { level: loud }\nlimits: { history_entries: 1.5, text_chars: 0 }\nmodle: {}\n',
    });

    expect(problems.map(({ file, line, keyPath }) => `${file}:${line} ${keyPath}`)).toEqual([
      'purpose.yaml:1 name',
      'purpose.yaml:1 purpose',
      'contacts.yaml:2 people.alex.name',
      'settings.yaml:1 log.level',
      'settings.yaml:2 limits.text_chars',
      'settings.yaml:2 limits.history_entries',
      'settings.yaml:3 modle',
    ]);
  });

  it.each([
    ['model: { base_url: "http://gateway.example" }', 'model.base_url', 'https'],
    ['redis: { url: "redis://db.example:6379" }', 'redis.url', 'rediss://'],
    ['redis: { url: "rediss://a.example,redis://b.example" }', 'redis.url', 'rediss://'],
    ['http: { host: 0.0.0.0 }', 'http.host', 'a proxy that speaks TLS'],
    ['http: { host: "::" }', 'http.host', 'a proxy that speaks TLS'],
  ])('OM-190 refuses to speak in the clear beyond this machine: %s', (settings, keyPath, remedy) => {
    const [problem, ...more] = problemsOf({ settings });

    expect(problem).toMatchObject({ file: 'settings.yaml', keyPath });
    expect(problem?.expected).toContain(remedy);
    expect(more).toEqual([]);
  });

  it.each([
    'model: { base_url: "http://127.0.0.1:4080/claude" }',
    'model: { base_url: "https://gateway.example" }',
    'redis: { url: "redis://localhost:6379" }',
    'redis: { url: "redis://127.0.0.1:7000,redis://[::1]:7001" }',
    'redis: { url: "rediss://db.example:6379" }',
    'redis: { url: "unix:///run/redis.sock" }',
    'redis: { url: "redis://db.example:6379", allow_insecure: true }',
    'http: { host: "::1" }',
    'http: { host: 0.0.0.0, allow_insecure: true }',
  ])('OM-190 takes what is encrypted, stays here, or was allowed by name: %s', (settings) => {
    expect(() => parse({ settings })).not.toThrow();
  });

  it('OM-100 renders as a report that names the place first', () => {
    const error = errorOf({ settings: 'log:\n  level: inof\n' });

    expect(error.message).toBe(
      [
        'The configuration in config has one problem:',
        '',
        '  settings.yaml:2  log.level',
        '    expected  one of debug, info, warn, error, silent',
        '    found     "inof"',
        '    hint      did you mean info?',
      ].join('\n'),
    );
  });

  it.each([
    ['a tab', 'a:\n\tb: 1\n', 2],
    ['an open bracket', 'a: [1, 2\n', 2],
    ['an open quote', 'a: "b\n', 2],
    ['a missing anchor', 'a: *b\n', undefined],
  ])('is refused for YAML with %s', (_, text, line) => {
    const [problem] = problemsOf({ settings: text });

    expect(problem).toMatchObject({ file: 'settings.yaml', line, expected: 'readable YAML' });
  });

  it('is refused for a key that stands twice, wherever it stands', () => {
    const problems = problemsOf({ settings: 'http:\n  port: 1\n  port: 2\nlog: {}\nlog: {}\n' });

    expect(problems.map(({ line, found }) => `${line} ${found}`)).toEqual([
      '3 "port" a second time',
      '5 "log" a second time',
    ]);
    expect(problems.map(({ keyPath, hint }) => `${keyPath}: ${hint}`)).toEqual([
      'http.port: the first stands in line 2',
      'log: the first stands in line 4',
    ]);
  });

  it('is refused for aliases that multiply without end', () => {
    const layers = [
      'a: &a [x,x,x,x,x,x,x,x,x]',
      ...'bcdefgh'.split('').map((c, i) => `${c}: &${c} [${Array(9).fill(`*${'abcdefg'[i]}`)}]`),
    ];

    expect(problemsOf({ settings: layers.join('\n') })).toMatchObject([{ expected: 'readable YAML' }]);
  });

  it('OM-060 names the file that is missing, and what is wrong in the others', () => {
    const directory = aDirectory({ settings: 'log: { level: loud }\n' });
    rmSync(join(directory, 'contacts.yaml'));

    expect(() => loadConfig({ directory, env: {}, gateways })).toThrow(/contacts\.yaml[\s\S]*log\.level/);
  });

  it('says which words belong to another decision', () => {
    const rules = `roles: {}
rules:
  - { name: a, tool: refund, decision: allow, approvers: { role: manager } }
  - { name: b, tool: refund, decision: alow }
  - { name: c, tool: refund, decision: ask }
  - { name: d, tool: refund, decision: ask, approvers: { roel: manager } }
`;
    const problems = problemsOf({ authorizations: rules, contacts: 'people: {}\n' });

    expect(problems.map(({ line, keyPath, hint }) => `${line} ${keyPath}: ${hint}`)).toEqual([
      '3 rules[0].approvers: approvers means nothing with decision: allow',
      '4 rules[1].decision: did you mean allow?',
      '5 rules[2].approvers: undefined',
      '6 rules[3].approvers.role: there is "roel"; did you mean role?',
      '6 rules[3].approvers.roel: did you mean role?',
    ]);
  });

  it('never throws anything but its report, whatever the files hold', { timeout: 90_000 }, () => {
    fc.assert(
      fc.property(
        fc.jsonValue(),
        fc.string(),
        fc.constantFrom('settings', 'contacts', 'authorizations', 'escalation'),
        (value, text, part) => {
          for (const content of [JSON.stringify(value), text]) {
            try {
              parse({ [part]: content });
            } catch (error) {
              expect(error).toMatchObject({ code: 'CONFIG_INVALID' });
            }
          }
        },
      ),
    );
  });
});

describe('values from the environment', () => {
  it('OM-023 appear resolved', () => {
    const { settings } = parse(
      { settings: 'model:\n  base_url: https://${HOST}/v1\ngateways:\n  slack: { bot_token: "${TOKEN}" }\n' },
      { HOST: 'claude.example', TOKEN: 'xoxb-1' },
    );

    expect(settings.model.base_url).toBe('https://claude.example/v1');
    expect(settings.gateways.slack.bot_token).toBe('xoxb-1');
  });

  it('OM-023 are reported by name, with file and line, when they are missing', () => {
    const problems = problemsOf({
      settings: 'model:\n  api_key: ${ANTHROPIC_API_KEY}\nhttp:\n  port: ${PORT}\n',
    });

    expect(problems).toMatchObject([
      { line: 2, keyPath: 'model.api_key', found: 'ANTHROPIC_API_KEY is not set' },
      { line: 4, keyPath: 'http.port', found: 'PORT is not set' },
    ]);
  });

  it('are numbers and booleans where the schema wants those, and text where it wants text', () => {
    const { settings } = parse(
      {
        settings:
          'http: { port: "${PORT}" }\nmodel: { api_key: "${KEY}" }\ngateways: { slack: { enabled: "${ON}" }, email: { smtp: { host: h, password: "${KEY}" } } }\n',
      },
      { PORT: '8080', KEY: '007', ON: 'false' },
    );

    expect(settings.http.port).toBe(8080);
    expect(settings.model.api_key).toBe('007');
    expect(settings.gateways.email.smtp?.password).toBe('007');
    expect(settings.gateways.slack.enabled).toBe(false);
  });

  it('count as left out when they are empty, and so does a group of nothing else', () => {
    const text = 'gateways:\n  email:\n    smtp: { host: "${H:-}", port: "${P:-}", password: "${S:-}" }\n';

    expect(parse({ settings: text }).settings.gateways.email).toEqual({});
    expect(parse({ settings: text }, { H: 'mail' }).settings.gateways.email.smtp).toEqual({
      host: 'mail',
      port: 587,
    });
  });

  it('are not shown when they are wrong', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z]{12,20}$/), (secret) => {
        const { message } = errorOf(
          {
            settings:
              'http: { port: "${S}" }\nlog: { level: "${S}" }\nmodel: { timeout: "${S}", provider: "x${S}" }\n',
            contacts:
              'people:\n  alex: { name: A, roles: ["${S}"], accounts: { email: "${S}" }, prefers: ["${S}"] }\n',
          },
          { S: secret },
        );

        expect(message).toContain('${S}');
        expect(message).not.toContain(secret);
      }),
    );
  });

  it('are not needed for a secret to stay out of the report', () => {
    const { message } = errorOf({
      settings:
        'model: { api_key: [hunter2hunter2] }\ngateways: { slack: { bot_token: hunter2hunter2 } }\nlog: { level: xoxb-12-abcdef }\nhttp: { port: "Bearer abcdefgh" }\n',
    });

    expect(message).not.toMatch(/hunter2|abcdef/);
  });
});

describe('people', () => {
  it('have accounts as their platforms name them, e-mail in lower case', () => {
    expect(toPeople(parse().contacts)).toEqual([
      { id: 'alex', name: 'Alex Kim', roles: ['member'], accounts: ['slack:T0/U0ALEX'], prefers: ['slack'] },
      {
        id: 'dana',
        name: 'Dana Reyes',
        roles: ['manager', 'operator'],
        accounts: ['slack:T0/U0DANA', 'email:dana@corp.test'],
        prefers: ['email', 'slack'],
      },
    ]);
  });
});
