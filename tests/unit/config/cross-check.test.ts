import { describe, expect, it } from 'vitest';
import { aConfig, parse, problemsOf } from './config-texts.ts';

const { authorizations = '', contacts = '', escalation = '' } = aConfig();

function edited(text: string, from: string, to: string): string {
  expect(text).toContain(from);
  return text.replace(from, to);
}

describe('files that contradict each other', () => {
  it('OM-024 are refused when they grant an unknown role', () => {
    const [problem] = problemsOf({ contacts: edited(contacts, 'roles: [member]', 'roles: [memebr]') });

    expect(problem).toMatchObject({
      file: 'contacts.yaml',
      line: 4,
      keyPath: 'people.alex.roles[0]',
      found: '"memebr"',
    });
    expect(problem?.hint).toBe('did you mean member?');
  });

  it('OM-024 are refused when they name an unknown permission', () => {
    const [problem] = problemsOf({
      authorizations: edited(authorizations, '[ask, approve]', '[ask, aprove]'),
    });

    expect(problem).toMatchObject({ keyPath: 'roles.manager.permissions[1]', hint: 'did you mean approve?' });
  });

  it.each([
    [
      'an unknown role to ask',
      '{ role: manager }',
      '{ role: manger }',
      'rules[0].approvers.role',
      'did you mean manager?',
    ],
    [
      'an unknown person to ask',
      '{ role: manager }',
      '{ person: dna }',
      'rules[0].approvers.person',
      'did you mean dana?',
    ],
    [
      'an unknown policy',
      'decision: ask',
      'decision: ask\n    policy: defualt',
      'rules[0].policy',
      'did you mean default?',
    ],
    [
      'an unknown platform',
      'decision: ask',
      'decision: ask\n    channel: slac',
      'rules[0].channel',
      'did you mean slack?',
    ],
    [
      'an unknown requester',
      'decision: ask',
      'decision: ask\n    requester: { roles: [membr] }',
      'rules[0].requester.roles[0]',
      'did you mean member?',
    ],
  ])('are refused for a rule that names %s', (_, from, to, keyPath, hint) => {
    expect(problemsOf({ authorizations: edited(authorizations, from, to) })).toMatchObject([
      { file: 'authorizations.yaml', keyPath, hint },
    ]);
  });

  it('are refused when nobody holds the role that must approve', () => {
    const [problem] = problemsOf({
      contacts: edited(contacts, 'roles: [manager, operator]', 'roles: [operator]'),
    });

    expect(problem).toMatchObject({
      file: 'authorizations.yaml',
      line: 10,
      keyPath: 'rules[0].approvers.role',
    });
    expect(problem?.found).toContain('nobody could ever approve');
  });

  it('are refused when the role or the person that must approve may not', () => {
    const without = edited(authorizations, '[ask, approve]', '[ask]');

    expect(problemsOf({ authorizations: without })[0]?.hint).toBe(
      'add approve to the permissions of manager, line 3',
    );
    expect(
      problemsOf({ authorizations: edited(without, '{ role: manager }', '{ person: dana }') })[0]?.hint,
    ).toContain("none of Dana Reyes's roles has the permission approve");
  });

  it('are refused when somebody has no account', () => {
    const [problem] = problemsOf({ contacts: edited(contacts, '{ slack: T0/U0ALEX }', '{}') });

    expect(problem).toMatchObject({
      line: 5,
      keyPath: 'people.alex.accounts',
      expected: 'at least one account',
    });
  });

  it('are refused when two people share an account, however it is written', () => {
    const [problem] = problemsOf({
      contacts: edited(
        contacts,
        '{ slack: T0/U0ALEX }',
        '{ slack: T0/U0ALEX, email: [a@corp.test, dana@corp.TEST] }',
      ),
    });

    expect(problem).toMatchObject({
      line: 9,
      keyPath: 'people.dana.accounts.email',
      found: 'email:dana@corp.test',
    });
    expect(problem?.hint).toBe('it belongs to alex, line 5');
  });

  it('are refused when somebody prefers a platform they have no account on', () => {
    const [problem] = problemsOf({ contacts: edited(contacts, '[email, slack]', '[emial, slack]') });

    expect(problem).toMatchObject({
      line: 10,
      keyPath: 'people.dana.prefers[0]',
      hint: 'did you mean email?',
    });
  });

  it('are refused for an account on a platform there is no gateway for, or that is no address', () => {
    const problems = problemsOf({
      contacts: edited(contacts, '{ slack: T0/U0ALEX }', '{ slak: T0/U0ALEX, email: alex }'),
    });

    expect(problems.map(({ keyPath }) => keyPath)).toEqual([
      'people.alex.accounts.slak',
      'people.alex.accounts.email',
    ]);
  });

  it.each([
    ['slack', 'U0ALEX'],
    ['slack', 'T0/Alex'],
    ['slack', '@alex'],
    ['discord', 'alex'],
    ['jira', 'https://corp.atlassian.net/people/70121'],
    ['jira', 'Alex Kim'],
    ['email', 'alex'],
  ])('are refused for an account on %s that nobody there could have: %s', (platform, account) => {
    const problems = problemsOf({
      contacts: edited(contacts, '{ slack: T0/U0ALEX }', `{ ${platform}: ["${account}"] }`),
    });

    expect(problems.map(({ keyPath }) => keyPath)).toContain(`people.alex.accounts.${platform}[0]`);
  });

  it('are refused for reminders after the deadline or out of order, and a warning longer than it', () => {
    const problems = problemsOf({
      escalation: edited(edited(escalation, '[6h, 18h]', '[18h, 6h, 24h]'), '10m', '25h'),
    });

    expect(problems.map(({ keyPath, expected }) => `${keyPath}: ${expected}`)).toEqual([
      'policies.default.remind_after[1]: reminders in order, each later than the one before',
      'policies.default.remind_after[2]: a reminder before the deadline of 24h',
      'policies.default.warn_before: less than the deadline of 24h',
    ]);
  });

  it('are refused for a yes from a platform there is no gateway for', () => {
    const [problem] = problemsOf({ escalation: `${escalation}    approve_from: [email, slak]\n` });

    expect(problem).toMatchObject({
      line: 7,
      keyPath: 'policies.default.approve_from[1]',
      hint: 'did you mean slack?',
    });
  });

  it('are refused when a yes must come from where no approver has an account', () => {
    const [problem] = problemsOf({
      escalation: `${escalation}    approve_from: [email]\n`,
      contacts: edited(edited(contacts, ', email: Dana@Corp.test', ''), '[email, slack]', '[slack]'),
    });

    expect(problem).toMatchObject({ file: 'authorizations.yaml', keyPath: 'rules[0].approvers' });
    expect(problem?.found).toContain('nobody could ever approve');
  });

  it.each([
    ['elevation', 'elevation: { approvers: { role: manager } }\n'],
    ['after_reading', 'after_reading: { approvers: { role: manager } }\n'],
    ['defaults', 'defaults: { write: ask, approvers: { role: manager } }\n'],
  ])('are refused when those whom %s asks have no account where a yes must come from', (section, text) => {
    const problems = problemsOf({
      authorizations: `${authorizations}${text}`,
      escalation: `${escalation}    approve_from: [email]\n`,
      contacts: edited(edited(contacts, ', email: Dana@Corp.test', ''), '[email, slack]', '[slack]'),
    });

    expect(problems.map(({ keyPath }) => keyPath)).toContain(`${section}.approvers`);
  });

  it('are refused when those who are asked once time is up have no account where a yes must come from', () => {
    const lee = '  lee:\n    name: Lee\n    roles: [manager]\n    accounts: { slack: T0/U0LEE }\n';
    const ladder = '    on_timeout: [{ escalate: { to: { person: lee }, for: 1h } }]\n';

    expect(
      problemsOf({
        contacts: `${contacts}${lee}`,
        escalation: `${escalation}    approve_from: [email]\n${ladder}`,
      }),
    ).toMatchObject([{ keyPath: 'policies.default.on_timeout[0].escalate.to' }]);
  });

  it('are refused without the default policy', () => {
    const [problem] = problemsOf({ escalation: edited(escalation, 'default:', 'defalut:') });

    expect(problem).toMatchObject({
      keyPath: 'policies.default',
      hint: 'there is "defalut"; did you mean default?',
    });
  });

  it('are refused for two rules of one name, a guest without a role, and a default that asks nobody', () => {
    const rule = '  - { name: large refunds, tool: x, decision: deny }\n';
    const text = `${authorizations}${rule}unknown_senders: answer\ndefaults: { write: ask }\n`;

    expect(
      problemsOf({ authorizations: text })
        .map(({ keyPath }) => keyPath)
        .sort(),
    ).toEqual(['defaults.approvers', 'guest_role', 'rules[1].name']);
  });

  it('OM-182 are refused for strangers whose role does more than ask', () => {
    const roles = 'roles:\n  clerk: { permissions: [ask, take-over] }\n';
    const text = `${authorizations.replace('roles:\n', roles)}unknown_senders: answer\nguest_role: clerk\n`;

    expect(problemsOf({ authorizations: text })).toMatchObject([
      { keyPath: 'guest_role', hint: expect.stringContaining('clerk also has take-over') },
    ]);
  });

  it('are accepted when all of it fits', () => {
    const text = `${authorizations}unknown_senders: answer\nguest_role: member\ndefaults: { write: ask, approvers: { person: dana } }\n`;

    expect(parse({ authorizations: text }).authorizations.guest_role).toBe('member');
  });
});

describe('a mistake in one file', () => {
  const places = (change: Parameters<typeof problemsOf>[0]) =>
    problemsOf(change).map(({ file, keyPath }) => `${file} ${keyPath}`);

  it('OM-100 does not hide that another file names what there is not', () => {
    expect(
      places({
        escalation: edited(escalation, 'deadline: 24h', 'deadline: 24x'),
        authorizations: edited(authorizations, 'decision: ask', 'decision: ask\n    policy: urgnt'),
        contacts: edited(contacts, 'roles: [member]', 'roles: [memebr]'),
      }),
    ).toEqual([
      'authorizations.yaml rules[0].policy',
      'contacts.yaml people.alex.roles[0]',
      'escalation.yaml policies.default.deadline',
    ]);
  });

  it('OM-100 does not hide others in the same file, each at its own line', () => {
    const broken = '  - { name: broken, tool: x, decision: perhaps }\n';
    const wrong = '  - { name: wrong, tool: y, decision: ask, approvers: { role: manger } }\n';
    const problems = problemsOf({ authorizations: `${authorizations}${broken}${wrong}` });

    expect(problems.map(({ line, keyPath }) => `${line} ${keyPath}`)).toEqual([
      '11 rules[1].decision',
      '12 rules[2].approvers.role',
    ]);
  });

  it('OM-100 is not taken for the absence of what it is about', () => {
    // The only manager, the only role that may approve, and the only policy each have a mistake of another kind.
    expect(places({ contacts: edited(contacts, 'name: Dana Reyes', 'name: 5') })).toEqual([
      'contacts.yaml people.dana.name',
    ]);
    expect(places({ authorizations: edited(authorizations, '[ask, approve]', '[ask, aprove]') })).toEqual([
      'authorizations.yaml roles.manager.permissions[1]',
    ]);
    expect(places({ escalation: edited(escalation, 'warn_before: 10m', 'warn_befor: 10m') })).toEqual([
      'escalation.yaml policies.default.warn_befor',
    ]);
    expect(
      places({
        authorizations: edited(authorizations, '{ role: manager }', '{ person: dana }'),
        contacts: edited(contacts, 'name: Dana Reyes', 'name: 5'),
      }),
    ).toEqual(['contacts.yaml people.dana.name']);
  });
});

describe('a quorum', () => {
  const asks = (approvers: string) => ({
    authorizations: edited(authorizations, '{ role: manager }', approvers),
  });

  it.each([
    ['{ role: manager, count: 1 }', { role: 'manager', count: 1 }],
    ['{ all: [{ role: manager }] }', { atLeast: 1, of: [{ role: 'manager' }] }],
    [
      '{ any: [{ role: manager }, { person: dana }] }',
      { atLeast: 1, of: [{ role: 'manager' }, { person: 'dana' }] },
    ],
    [
      '{ at_least: 1, of: [{ person: dana }, { all: [{ role: manager }, { person: dana }] }] }',
      { atLeast: 1, of: [{ person: 'dana' }, { atLeast: 2, of: [{ role: 'manager' }, { person: 'dana' }] }] },
    ],
  ])('is written as %s', (written, approvers) => {
    const [rule] = parse(asks(written)).authorizations.rules;

    expect(rule).toMatchObject({ approvers });
  });

  it.each([
    ['{ role: manager, count: 2 }', 'rules[0].approvers', 'nobody counts twice'],
    ['{ all: [{ role: manager }, { person: dana }] }', 'rules[0].approvers', 'nobody counts twice'],
    ['{ all: [{ role: manger }, { person: dana }] }', 'rules[0].approvers.all[0].role', 'manger'],
    [
      '{ any: [{ person: dana }, { all: [{ person: dna }] }] }',
      'rules[0].approvers.any[1].all[0].person',
      'dna',
    ],
    ['{ at_least: 3, of: [{ person: dana }, { role: manager }] }', 'rules[0].approvers.at_least', '3'],
    ['{ role: manager, count: 13 }', 'rules[0].approvers', 'a group of keys'],
  ])('OM-024 is refused where it could never be reached, or leads nowhere: %s', (written, keyPath, found) => {
    const [problem, ...more] = problemsOf(asks(written));

    expect(problem).toMatchObject({ file: 'authorizations.yaml', keyPath });
    expect(problem?.found).toContain(found);
    expect(more).toEqual([]);
  });
});

describe('the agent, and exceptions', () => {
  const authorizations = (more: string) => `roles:
  member: { permissions: [ask] }
  manager: { permissions: [ask, approve] }
  operator: { permissions: [operate] }
${more}`;
  const problems = (more: string) =>
    problemsOf({ authorizations: authorizations(more) }).map(({ keyPath, hint }) => [keyPath, hint]);

  it('OM-180 are refused with a role of the agent that is unknown, or says nothing about calls', () => {
    expect(problems('agents: { signalbox: { roles: [managr, member] } }\n')).toEqual([
      ['agents.signalbox.roles[0]', 'did you mean manager?'],
      ['agents.signalbox.roles[1]', expect.stringContaining('add calls to the role member')],
    ]);
  });

  it('OM-184 are refused with nobody who could make the exception, or a policy that is not there', () => {
    const rule = (escalate: string) =>
      `rules:\n  - { name: frozen, tool: deploy, decision: deny, escalate: ${escalate} }\n`;

    expect(() =>
      parse({ authorizations: authorizations(rule('{ approvers: { role: manager } }')) }),
    ).not.toThrow();
    expect(problems(rule('{ approvers: { role: member } }'))).toMatchObject([
      ['rules[0].escalate.approvers.role', expect.stringContaining('add approve')],
    ]);
    expect(problems(rule('{ approvers: { role: manager }, policy: urgnt }'))).toMatchObject([
      ['rules[0].escalate.policy', undefined],
    ]);
  });

  it('OM-185 are refused with values of the wrong type, each named', () => {
    const wrong = 'agents: { signalbox: { roles: 7 } }\nguests_stay: [1]\nunknown_senders: perhaps\n';

    expect(problems(wrong).map(([keyPath]) => keyPath)).toEqual([
      'agents.signalbox.roles',
      'guests_stay',
      'unknown_senders',
    ]);
  });
});
