import { describe, expect, it } from 'vitest';
import { plansOf } from '../../../src/config/escalation-plans.ts';
import { aConfig, parse, problemsOf } from './config-texts.ts';

const schedules = `working_hours:
  office: { time_zone: Europe/Berlin, days: { mon: 09:00-17:00 } }
on_call:
  support:
    time_zone: Europe/Berlin
    rotations: [{ start: 2026-01-05T09:00, shift: 1w, people: [alex, dana] }]
`;

/** A configuration with one escalation policy, `duty`, or with what is given instead. */
function policies(duty: string, rest = ''): { escalation: string; schedules: string } {
  const escalation = `${aConfig().escalation}escalations:\n  duty:\n${duty.replaceAll(/^/gm, '    ')}\n${rest}`;
  return { escalation, schedules };
}

function mistakes(duty: string, rest = '') {
  return problemsOf(policies(duty, rest));
}

describe('an escalation policy', () => {
  it('says what was probably meant by the word of a trigger', () => {
    const [problem] = mistakes(
      'steps: [{ notify: dana }]\nlast_resort: dana',
      'triggers: [{ when: handof, raise: duty }]',
    );

    expect(problem).toMatchObject({ keyPath: 'triggers[0].when', hint: 'did you mean handoff?' });
  });

  it.each([
    ['{ notify: { to: [dana, { rol: manager }] } }', 'notify.to[1].rol'],
    ['{ notify: [dana, { rol: manager }] }', 'notify[1].rol'],
    ['{ notify: { to: dana, importanc: high } }', 'notify.importanc'],
    ['{ notify: { to: dana, if_nobody: { insted: dana } } }', 'notify.if_nobody.insted'],
  ])('with a mistyped key, %s, is told of it where it stands', (step, place) => {
    const found = mistakes(`steps: [${step}]\nlast_resort: dana`);

    const at = `escalations.duty.steps[0].${place}`;
    const meant = { rol: 'role', importanc: 'importance', insted: 'instead' }[place.split('.').at(-1)!];
    expect(found).toContainEqual(expect.objectContaining({ keyPath: at, hint: `did you mean ${meant}?` }));
    const whereItIs = at.replace(/[^.]+$/, meant!);
    const ofOthers = found.filter(({ keyPath }) => ![at, whereItIs].includes(keyPath));
    expect(ofOthers).toEqual([]);
  });

  it('OM-053 is read as people write it, with times and defaults', () => {
    const written = policies(
      `steps:
  - notify: dana
  - { wait: 10m }
  - notify: { to: [{ role: manager }, { on_call: support }, { channel: { slack: C1 } }, last_owner], importance: high, if_nobody: go_on }
    id: loud
  - { wait: { for: 30m, hours: office } }
  - { branch: { if: { outside: office, severity: error, count: 3 }, go_to: end } }
  - { goto: { step: loud, most: 2 } }
  - { webhook: pager }
  - hand_off
  - { set_severity: critical }
  - { stop: true, id: end }
repeat: 2
last_resort: { to: dana, importance: high }
acknowledge: { remind_after: never, goes_on_at: next }
when_worse: { go_to: loud }
only_in: office`,
      `webhooks: { pager: { url: "https://pager.example/x", secret: "\${PAGER_SECRET}" } }`,
    );
    const { authorizations = '' } = aConfig();

    const config = parse(
      { ...written, authorizations: authorizations.replace('[ask, approve]', '[ask, approve, take-over]') },
      { PAGER_SECRET: `whsec_${'a'.repeat(32)}` },
    );

    expect(plansOf(config).get('duty')).toEqual({
      name: 'duty',
      steps: [
        { id: '1', kind: 'notify', who: [{ kind: 'person', person: 'dana' }], onEmpty: { kind: 'skip' } },
        { id: '2', kind: 'wait', forMs: 600_000 },
        {
          id: 'loud',
          kind: 'notify',
          who: [
            { kind: 'role', role: 'manager' },
            { kind: 'on-call', schedule: 'support' },
            { kind: 'channel', platform: 'slack', channel: 'C1' },
            { kind: 'last-owner' },
          ],
          importance: 'high',
          onEmpty: { kind: 'go-on' },
        },
        { id: '4', kind: 'wait', forMs: 1_800_000, hours: 'office' },
        {
          id: '5',
          kind: 'branch',
          if: { outside: 'office', severity: 'error', count: 3 },
          goesTo: 'end',
          otherwise: undefined,
        },
        { id: '6', kind: 'goto', step: 'loud', most: 2 },
        { id: '7', kind: 'webhook', webhook: 'pager' },
        { id: '8', kind: 'hand-off' },
        { id: '9', kind: 'severity', severity: 'critical' },
        { id: 'end', kind: 'stop' },
      ],
      rounds: 2,
      lastResort: { who: [{ kind: 'person', person: 'dana' }], importance: 'high' },
      nagMs: 4 * 3_600_000,
      holdMs: 86_400_000,
      settleMs: 10_000,
      acknowledge: { withinMs: 900_000, goesOnAt: 'next' },
      maxAgeMs: 72 * 3_600_000,
      onWorse: { kind: 'step', step: 'loud' },
      onlyIn: 'office',
    });
  });

  it('asks who took it after an hour, and calls the last resort every four, if nothing is said', () => {
    const config = parse(policies('steps: [{ notify: dana }, { wait: 5m }]\nlast_resort: { role: manager }'));

    expect(plansOf(config).get('duty')).toMatchObject({
      rounds: 1,
      lastResort: { importance: 'urgent' },
      acknowledge: { remindMs: 3_600_000, withinMs: 900_000, goesOnAt: 'same' },
      onWorse: { kind: 'keep' },
    });
  });

  it('cannot do without a last resort', () => {
    expect(mistakes('steps: [{ notify: dana }]')).toMatchObject([
      { file: 'escalation.yaml', keyPath: 'escalations.duty.last_resort', found: 'nothing' },
    ]);
  });

  it('cannot wait for no time at all', () => {
    expect(mistakes('steps: [{ notify: dana }, { wait: 0s }]\nlast_resort: dana')).toMatchObject([
      { keyPath: 'escalations.duty.steps[1].wait', expected: 'a duration of at least 1s', found: '"0s"' },
    ]);
  });

  it.each([
    ['person', '{ notify: dna }', 'notify', 'did you mean dana?'],
    ['person in a list', '{ notify: [dana, alx] }', 'notify[1]', 'did you mean alex?'],
    ['person under `to`', '{ notify: { to: { person: dna } } }', 'notify.to.person', 'did you mean dana?'],
    [
      'person instead',
      '{ notify: { to: dana, if_nobody: { instead: alx } } }',
      'notify.if_nobody.instead',
      'did you mean alex?',
    ],
    [
      'person behind channels',
      '{ notify: [{ channel: { slack: C1, email: ops@corp.test } }, alx] }',
      'notify[1]',
      'did you mean alex?',
    ],
    ['role', '{ notify: { role: manger } }', 'notify.role', 'did you mean manager?'],
    [
      'role written like a person',
      '{ notify: manager }',
      'notify',
      'manager is a role: write { role: manager }',
    ],
    ['schedule', '{ notify: [dana, { on_call: suport }] }', 'notify[1].on_call', 'did you mean support?'],
    [
      'schedule written like a person',
      '{ notify: support }',
      'notify',
      'support is a schedule: write { on_call: support }',
    ],
    [
      'platform',
      '{ notify: [dana, { channel: { slak: C1 } }, alex] }',
      'notify[1].channel.slak',
      'did you mean slack?',
    ],
    ['hours of a wait', '{ wait: { for: 1h, hours: ofice } }', 'wait.hours', 'did you mean office?'],
    [
      'hours of a branch',
      '{ branch: { if: { within: ofice }, go_to: end } }',
      'branch.if.within',
      'did you mean office?',
    ],
    [
      'step of a branch',
      '{ branch: { if: { count: 2 }, go_to: ende } }',
      'branch.go_to',
      'did you mean end?',
    ],
    ['step of a goto', '{ goto: { step: edn } }', 'goto.step', 'did you mean end?'],
    ['webhook', '{ webhook: pagr }', 'webhook', 'did you mean pager?'],
  ])('is refused for an unknown %s, with the nearest name', (_, step, place, hint) => {
    const problems = mistakes(
      `steps: [${step}, { notify: dana, id: end }, { wait: 5m }]\nlast_resort: dana`,
      `webhooks: { pager: { url: "https://pager.example/x", secret: whsec_${'a'.repeat(32)} } }`,
    );

    expect(problems).toMatchObject([
      { file: 'escalation.yaml', line: 9, keyPath: `escalations.duty.steps[0].${place}`, hint },
    ]);
  });

  it.each([
    ['hours', 'only_in: ofice', 'only_in', 'did you mean office?'],
    [
      'step to go to when it gets worse',
      'when_worse: { go_to: lod }',
      'when_worse.go_to',
      'did you mean loud?',
    ],
  ])('is refused for unknown %s', (_, key, place, hint) => {
    const steps = 'steps: [{ notify: dana, id: loud }, { wait: 5m }]\nlast_resort: dana';

    expect(mistakes(`${steps}\n${key}`)).toMatchObject([{ keyPath: `escalations.duty.${place}`, hint }]);
  });

  it('is refused when a role it calls is held by nobody', () => {
    const problems = mistakes('steps: [{ notify: { role: guest } }, { wait: 5m }]\nlast_resort: dana');
    const { authorizations = '' } = aConfig();
    const held = problemsOf({
      ...policies('steps: [{ notify: { role: guest } }, { wait: 5m }]\nlast_resort: dana'),
      authorizations: authorizations.replace('roles:\n', 'roles:\n  guest: {}\n'),
    });

    expect(problems).toMatchObject([{ found: '"guest"' }]);
    expect(held).toMatchObject([{ found: 'guest, which nobody there holds: nobody would be called' }]);
  });

  it('is refused when two of its steps have one name', () => {
    const steps = '[{ notify: dana, id: a }, { wait: 5m, id: a }]';

    expect(mistakes(`steps: ${steps}\nlast_resort: dana`)).toMatchObject([
      { keyPath: 'escalations.duty.steps[1].id', hint: 'step 1 has it already' },
    ]);
  });

  it.each([
    ['behind a stop', '[{ notify: dana }, stop, { notify: alex }]', 2, '3'],
    [
      'passed over by both ways of a branch',
      '[{ branch: { if: { count: 2 }, go_to: b, otherwise: b } }, { notify: alex, id: a }, { notify: dana, id: b }]',
      1,
      '2 (a)',
    ],
  ])('is refused when a step is never taken: %s', (_, steps, index, name) => {
    expect(mistakes(`steps: ${steps}\nlast_resort: dana`)).toMatchObject([
      { keyPath: `escalations.duty.steps[${index}]`, found: `step ${name}, which is never taken` },
    ]);
  });

  it('takes a step only for what gets worse as one that is taken', () => {
    const steps = '[{ notify: dana }, stop, { notify: alex, id: loud }, { wait: 5m }]';

    expect(() =>
      parse(policies(`steps: ${steps}\nlast_resort: dana\nwhen_worse: { go_to: loud }`)),
    ).not.toThrow();
  });

  it.each([
    [
      'a goto that comes back',
      '[{ notify: dana, id: a }, { goto: { step: a } }, { wait: 5m }]',
      '',
      'steps[1].goto.step',
    ],
    [
      'a goto that comes back past its waits',
      '[{ notify: dana, id: a }, { branch: { if: { count: 2 }, go_to: c } }, { wait: 5m }, { goto: { step: a }, id: c }, { wait: 1m }]',
      '',
      'steps[3].goto.step',
    ],
    ['steps that are repeated', '[{ notify: dana }, { notify: alex }]', 'repeat: 2', 'repeat'],
  ])('is refused when it would call everybody again at once: %s', (_, steps, rest, place) => {
    expect(mistakes(`steps: ${steps}\nlast_resort: dana\n${rest}`)).toMatchObject([
      { keyPath: `escalations.duty.${place}`, hint: 'without one, everybody is called again at once' },
    ]);
  });

  it('E5 is refused when a branch leads back: only a goto says how often', () => {
    const steps = '[{ notify: dana, id: a }, { wait: 5m }, { branch: { if: { count: 1 }, go_to: a } }]';

    expect(mistakes(`steps: ${steps}\nlast_resort: dana`)).toMatchObject([
      { keyPath: 'escalations.duty.steps[2].branch.go_to', expected: 'a step further down' },
    ]);
  });

  it('E6 is refused when its last resort is nobody', () => {
    expect(mistakes('steps: [{ notify: dana }, { wait: 5m }]\nlast_resort: last_owner')).toMatchObject([
      {
        keyPath: 'escalations.duty.last_resort',
        found: 'nobody who could be called when all else has failed',
      },
    ]);
  });

  it('is refused when it hands over to people none of whom may take over', () => {
    const duty = 'steps: [{ notify: dana }, hand_off, { wait: 5m }]\nlast_resort: { on_call: support }';
    const { authorizations = '' } = aConfig();

    expect(mistakes(duty)).toMatchObject([
      { keyPath: 'escalations.duty.steps[1]', found: 'hand_off, and dana, alex: none of them may' },
    ]);
    expect(() =>
      parse({
        ...policies(duty),
        authorizations: authorizations.replace('[ask, approve]', '[ask, approve, take-over]'),
      }),
    ).not.toThrow();
  });
});

describe('what makes people be called', () => {
  const duty = 'steps: [{ notify: dana }, { wait: 5m }]\nlast_resort: dana';

  it.each([
    ['handoff', { kind: 'handoff' }],
    ['{ turn_failed: 3 }', { kind: 'turn-failed', times: 3 }],
    ['model_away', { kind: 'model-away', afterMs: 300_000 }],
    ['{ model_away: { after: 1h } }', { kind: 'model-away', afterMs: 3_600_000 }],
    ['tool_failed', { kind: 'tool-failed', times: 1 }],
    ['{ tool_failed: { tools: [refund], times: 2 } }', { kind: 'tool-failed', tools: ['refund'], times: 2 }],
    ['low_confidence', { kind: 'low-confidence', below: 0.5 }],
    ['{ low_confidence: { below: 0.3 } }', { kind: 'low-confidence', below: 0.3 }],
    [
      '{ message: { words: [lawyer], roles: [member] } }',
      { kind: 'message', words: ['lawyer'], roles: ['member'] },
    ],
    ['dead_letter', { kind: 'dead-letter' }],
    ['budget', { kind: 'budget', percent: 100 }],
    ['{ budget: { percent: 80 } }', { kind: 'budget', percent: 80 }],
  ])('OM-053 is written %s', (when, parsed) => {
    const config = parse(policies(duty, `triggers: [{ when: ${when}, raise: duty }]`));

    expect(config.escalation.triggers).toEqual([{ when: parsed, raise: 'duty', severity: 'warning' }]);
  });

  it.each([
    ['policy', '{ when: handoff, raise: dty }', 'raise', 'did you mean duty?'],
    [
      'role',
      '{ when: { message: { roles: [membr] } }, raise: duty }',
      'when.message.roles[0]',
      'did you mean member?',
    ],
    [
      'platform',
      '{ when: { message: { platforms: [slak] } }, raise: duty }',
      'when.message.platforms[0]',
      'did you mean slack?',
    ],
  ])('is refused for an unknown %s', (_, trigger, place, hint) => {
    expect(mistakes(duty, `triggers: [${trigger}]`)).toMatchObject([
      { keyPath: `triggers[0].${place}`, hint },
    ]);
  });

  it('with a key that is not one of its kind is told of that key, and not as one of another kind', () => {
    const trigger = '{ when: { message: { text: [fire, outage] } }, raise: duty }';

    expect(mistakes(duty, `triggers: [${trigger}]`)).toMatchObject([
      { keyPath: 'triggers[0].when.message.text', expected: expect.stringContaining('words') },
      { keyPath: 'triggers[0].when.message', expected: expect.stringContaining('at least one condition') },
    ]);
  });

  it('may be an approval, which names its policy', () => {
    const { escalation, schedules: on_call } = policies(duty);
    const named = escalation.replace('deadline: 24h # a day', 'deadline: 24h\n    escalation: dty');

    expect(problemsOf({ escalation: named, schedules: on_call })).toMatchObject([
      { keyPath: 'policies.default.escalation', hint: 'did you mean duty?' },
    ]);
  });
});

describe('a webhook of escalation policies', () => {
  it('is called over https, or on this machine', () => {
    const duty = 'steps: [{ notify: dana }, { wait: 5m }]\nlast_resort: dana';
    const webhooks = (url: string) =>
      `webhooks: { pager: { url: "${url}", secret: whsec_${'a'.repeat(32)} } }`;

    expect(() => parse(policies(duty, webhooks('http://127.0.0.1:9000/x')))).not.toThrow();
    expect(mistakes(duty, webhooks('http://pager.example/x'))).toMatchObject([
      { keyPath: 'webhooks.pager.url', expected: 'https, or an address of this machine' },
    ]);
  });

  it('never has its secret shown', () => {
    const duty = 'steps: [{ notify: dana }, { wait: 5m }]\nlast_resort: dana';
    const [problem] = mistakes(duty, 'webhooks: { pager: { url: "https://p.example", secret: hunter2 } }');

    expect(problem).toMatchObject({ keyPath: 'webhooks.pager.secret', found: 'a value (not shown)' });
    expect(problem?.expected).toContain('whsec_');
  });
});
