import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Severity } from '../../../src/domain/escalation/plan.ts';
import { type Scenario, simulate } from '../../../src/escalation/simulation.ts';
import { clockText, lengthText, toLines } from '../../../src/escalation/simulation-text.ts';
import { icalFile } from '../../support/calendars.ts';
import { type EscalationWorld, MONDAY, worldWith } from '../../support/escalations.ts';
import { runs } from '../../support/property-runs.ts';

const HOUR = 3_600_000;
const PAGER = `webhooks: { pager: { url: "https://pager.example", secret: whsec_${'a'.repeat(32)} } }\n`;

describe('a time', () => {
  it.each([
    ['in winter', '2027-01-05T10:00:00Z', '2027-01-05T09:00:00Z', 'Tue 5 Jan, 11:00'],
    ['set forward since', '2027-03-28T01:10:00Z', '2027-03-28T00:50:00Z', 'Sun 28 Mar, 03:10 +02:00'],
    ['shown twice, the first', '2027-10-31T00:59:59Z', '2027-10-31T00:30:00Z', 'Sun 31 Oct, 02:59:59 +02:00'],
    ['shown twice, the second', '2027-10-31T01:00:00Z', '2027-10-31T01:00:00Z', 'Sun 31 Oct, 02:00 +01:00'],
    ['right after that', '2027-10-31T02:00:00Z', '2027-10-31T01:30:00Z', 'Sun 31 Oct, 03:00'],
    ['right before', '2027-10-30T23:59:59Z', '2027-10-30T23:00:00Z', 'Sun 31 Oct, 01:59:59'],
  ])('%s says its offset where it could be mistaken, and nowhere else', (_, at, start, shown) => {
    expect(clockText(Date.parse(at), 'Europe/Paris', Date.parse(start))).toBe(shown);
  });
});

describe('a simulation', () => {
  it('tells who is called, when, by which way and why, until nobody is left', () => {
    const world = worldWith(`
steps:
  - notify: { on_call: support }
  - wait: 30m
  - { notify: [{ role: manager }, { channel: { slack: C0OPS } }], id: managers }
  - wait: 10m
last_resort: { to: kim, importance: high }`);

    expect(linesOf(world)).toEqual([
      'Mon 23 Nov, 10:00:10 | 1 | Dana Reyes | slack, normal | on call (support): rotation weekly, shift 4',
      'Mon 23 Nov, 10:05:10 | 1 | Dana Reyes | email, normal | no answer for 5 min: the next way',
      'Mon 23 Nov, 10:30:10 | managers | C0OPS | slack | posted in the channel',
      'Mon 23 Nov, 10:30:10 | managers | Dana Reyes | slack, normal | holds the role manager',
      'Mon 23 Nov, 10:30:10 | managers | Kim Park | slack, normal | holds the role manager',
      'Mon 23 Nov, 10:35:10 | managers | Dana Reyes | email, normal | no answer for 5 min: the next way',
      'Mon 23 Nov, 10:40:10 | last resort | Kim Park | slack, high | named',
    ]);
    expect(play(world).end).toEqual({ kind: 'exhausted', atMs: MONDAY + 40 * 60_000 + 10_000 });
  });

  it('says when the agent would answer again because no human has come', () => {
    const world = worldWith('steps: [{ notify: dana }, hand_off, { wait: 30m }]\nlast_resort: kim');
    const agentIn = (isWished: boolean) => agentOf(world, { waitMs: 10 * 60_000, isWished });

    expect(agentIn(false)).toEqual([
      'Mon 23 Nov, 10:00:10 the agent falls silent; the conversation waits for a human',
      'Mon 23 Nov, 10:10:10 nobody has come, and the agent answers there again',
    ]);
    // Whom it is silent for by a wish, it is not silent for any longer by a step.
    expect(agentIn(true)).toEqual([
      'Mon 23 Nov, 10:00:10 where it began otherwise: the agent falls silent; the conversation waits for a human',
      'Mon 23 Nov, 10:10 where it began with a wish for a human: nobody has come, and the agent answers there again',
      'Mon 23 Nov, 10:10:10 where it began otherwise: nobody has come, and the agent answers there again',
    ]);
    const plain = worldWith('steps: [{ notify: dana }, { wait: 30m }]\nlast_resort: kim');
    expect(linesOf(plain, { handoff: { waitMs: 10 * 60_000, isWished: true } })).toContain(
      'Mon 23 Nov, 10:10 |  |  |  | where it began with a wish for a human: nobody has come, and the agent answers there again',
    );
  });

  it('says that the agent is silent already, and that it answers again where its policy ends', () => {
    const steps = '[hand_off, { notify: dana }, { wait: 5m }, hand_off, { wait: 3m }, stop]';
    const world = worldWith(`steps: ${steps}\nlast_resort: kim`);
    const atOnce = worldWith('steps: [{ notify: dana }, hand_off, stop]\nlast_resort: kim');
    const handoff = { waitMs: 10 * 60_000, isWished: false };

    expect(agentOf(world, handoff)).toEqual([
      'Mon 23 Nov, 10:00:10 the agent falls silent; the conversation waits for a human',
      'Mon 23 Nov, 10:05:10 the agent is silent there already',
      'Mon 23 Nov, 10:08:10 its policy ends here, and the agent answers there again',
    ]);
    expect(agentOf(atOnce, handoff).at(-1)).toBe(
      'Mon 23 Nov, 10:10:10 nobody has come, and the agent answers there again',
    );
    expect(agentOf(world, { ...handoff, isWished: true }).slice(-2)).toEqual([
      'Mon 23 Nov, 10:08:10 where it began otherwise: its policy ends here, and the agent answers there again',
      'Mon 23 Nov, 10:10 where it began with a wish for a human: nobody has come, and the agent answers there again',
    ]);
  });

  it('does not say of somebody who was there all along that they are there now, where its policy ends', () => {
    const world = worldWith('steps: [{ notify: { role: manager } }, { wait: 5m }, stop]\nlast_resort: kim');

    expect(linesOf(world)).toEqual([
      'Mon 23 Nov, 10:00:10 | 1 | Dana Reyes | slack, normal | holds the role manager',
      'Mon 23 Nov, 10:00:10 | 1 | Kim Park | slack, normal | holds the role manager',
      'Mon 23 Nov, 10:05:10 | 1 | Dana Reyes | email, normal | no answer for 5 min: the next way',
    ]);
  });

  it('tells what happens at one moment in the order of its steps, and each call by the step that makes it', () => {
    const duty = `
steps:
  - { notify: [{ role: manager }, { channel: { slack: C0OPS } }], id: a }
  - { webhook: pager, id: b }
  - { notify: { to: alex, if_nobody: { instead: [dana, { channel: { slack: C0OPS } }] } }, id: c }
  - { set_severity: critical, id: d }
  - { notify: { on_call: gaps }, id: e }
  - { webhook: pager, id: f }
  - { wait: 5m }
  - { set_severity: critical, id: g }
  - { notify: [alex, { channel: { slack: C0OPS } }], id: h }
  - { wait: 1h }
last_resort: kim`;
    const world = worldWith(duty, { schedules: gaps(), rest: PAGER });

    const lines = linesOf(world).map((line) => line.split(' | ').slice(0, 3).join(' | '));

    expect(lines.slice(0, 12)).toEqual([
      'Mon 23 Nov, 10:00:10 | a | C0OPS',
      'Mon 23 Nov, 10:00:10 | a | Dana Reyes',
      'Mon 23 Nov, 10:00:10 | a | Kim Park',
      'Mon 23 Nov, 10:00:10 | b | pager',
      'Mon 23 Nov, 10:00:10 | c | Alex Kim',
      'Mon 23 Nov, 10:00:10 | d | ',
      'Mon 23 Nov, 10:00:10 | e | on call: gaps',
      'Mon 23 Nov, 10:00:10 | f | pager',
      'Mon 23 Nov, 10:05:10 | a | Dana Reyes',
      'Mon 23 Nov, 10:05:10 | g | ',
      'Mon 23 Nov, 10:05:10 | h | C0OPS',
      'Mon 23 Nov, 10:05:10 | h | Alex Kim',
    ]);
  });

  it('tells the same step as often as it is taken at one moment, each time where it was taken', () => {
    const duty = `
steps:
  - { webhook: pager, id: a }
  - { notify: { on_call: gaps }, id: b }
  - { wait: 5m }
  - { goto: { step: a } }
  - { notify: kim }
  - { wait: 5m }
last_resort: kim`;
    const world = worldWith(duty, { schedules: gaps(), rest: PAGER });

    expect(linesOf(world).map((line) => line.split(' | ')[1])).toEqual([
      'a',
      'b',
      'a',
      'b',
      '5',
      'last resort',
    ]);
  });

  it('says who comes while it waits by the step that looks for them, not by one that was skipped since', () => {
    const duty = `
steps:
  - { notify: { to: { on_call: gaps }, if_nobody: go_on }, id: a }
  - { wait: 10m }
  - { notify: kim, id: b }
  - { webhook: pager, id: c }
  - { wait: 2h }
last_resort: dana`;
    const world = worldWith(duty, { schedules: gaps('alex'), off: ['slack'], rest: PAGER });

    expect(linesOf(world).slice(0, 4)).toEqual([
      'Mon 23 Nov, 10:00:10 | a | on call: gaps | – | nobody at this time',
      'Mon 23 Nov, 10:10:10 | b | Kim Park | – | not called: no account on a platform that runs',
      'Mon 23 Nov, 10:10:10 | c | pager | webhook | ',
      'Mon 23 Nov, 11:00 | a | Alex Kim | email, normal | now there: on call (gaps): rotation 1, shift 4',
    ]);
  });

  it('says who is one too many, and calls them once there is room', () => {
    const crew = Array.from({ length: 20 }, (_, n) => {
      const absence =
        n === 0 ? ', time_zone: Europe/Berlin, absences: [{ from: 2026-11-23T10:20, to: 2026-11-24 }]' : '';
      return `  crew${n}: { name: Crew ${n}, roles: [member], accounts: { slack: T0/U0CREW${n} }${absence} }\n`;
    }).join('');
    const world = worldWith('steps: [{ notify: { role: member } }, { wait: 1h }]\nlast_resort: kim', {
      people: crew,
    });

    const lines = linesOf(world);

    expect(lines.filter((line) => line.includes('| slack, normal | holds the role member'))).toHaveLength(20);
    expect(lines.filter((line) => line.includes('Crew 19'))).toEqual([
      'Mon 23 Nov, 10:00:10 | 1 | Crew 19 | – | not called: a step calls 20 people at most',
      'Mon 23 Nov, 10:20 | 1 | Crew 19 | slack, normal | no longer one too many: holds the role member',
    ]);
  });

  it('says of whom a step names that they are not called, where it waits for nothing before the next', () => {
    const duty = `
steps: [{ notify: dana }, { wait: { for: 1h, hours: office } }, { notify: alex }, { wait: 1h }]
last_resort: kim`;

    const world = worldWith(duty, {
      schedules: 'holidays: { always: { file: always.ics } }\n',
      hours: (text) => text.replace('09:00-17:00 }', '09:00-17:00 }, holidays: always'),
      calendars: {
        'always.ics': icalFile(['DTSTART;VALUE=DATE:20260101', 'RRULE:FREQ=DAILY;UNTIL=20470101']),
      },
    });

    expect(linesOf(world).slice(0, 2)).toEqual([
      'Mon 23 Nov, 10:00:10 | 1 | Dana Reyes | – | not called: nothing is waited for until the next call, which is made in its place',
      'Mon 23 Nov, 10:00:10 | 3 | Alex Kim | slack, normal | named',
    ]);
  });

  it('says of whoever is away once that they are not called, and of whoever holds a role that they hold it', () => {
    const away = (text: string) =>
      text.replace(
        '  dana:\n',
        '  dana:\n    time_zone: Europe/Berlin\n    absences: [{ from: 2026-11-20, to: 2026-11-27, stand_in: kim }]\n',
      );
    const both = worldWith('steps: [{ notify: { role: manager } }, { wait: 10m }]\nlast_resort: kim', {
      edit: away,
    });
    const alone = worldWith(
      'steps: [{ notify: [dana, { role: operator }, alex] }, { wait: 10m }]\nlast_resort: kim',
      {
        edit: (text) => away(text).replace(', stand_in: kim', ''),
      },
    );

    expect(linesOf(both)[0]).toBe(
      'Mon 23 Nov, 10:00:10 | 1 | Kim Park | slack, normal | holds the role manager',
    );
    expect(linesOf(alone).filter((line) => line.includes('Dana Reyes'))).toHaveLength(1);
  });

  it('calls people where they want to be called by how much it matters', () => {
    const world = worldWith('steps: [{ notify: dana }, { wait: 10m }]\nlast_resort: kim');
    const ways = (severity: Severity) =>
      linesOf(world, { severity }).flatMap(
        (line) => /Dana Reyes \| (\w+), (\w+)/.exec(line)?.slice(1).join(' ') ?? [],
      );

    expect(ways('info')).toEqual(['email low']);
    expect(ways('error')).toEqual(['slack high', 'email high']);
    expect(ways('critical')).toEqual(['slack urgent']);
  });

  it('calls whoever stands in for somebody who is away, and says so; nobody where nobody does', () => {
    const duty =
      'steps: [{ notify: dana }, { wait: 10m }, { notify: alex }, { wait: 10m }]\nlast_resort: kim';
    const away = (id: string, more: string) => (text: string) =>
      text.replace(
        new RegExp(`(  ${id}:\\n)`),
        `$1    time_zone: Europe/Berlin\n    absences: [{ from: 2026-11-20, to: 2026-11-27${more} }]\n`,
      );

    const stood = worldWith(duty, { edit: away('dana', ', stand_in: kim') });
    const missed = worldWith(duty, { edit: away('dana', '') });

    expect(linesOf(stood)[0]).toBe(
      'Mon 23 Nov, 10:00:10 | 1 | Kim Park | slack, normal | stands in for Dana Reyes (named), who is away until Sat 28 Nov, 00:00',
    );
    expect(linesOf(missed).slice(0, 2)).toEqual([
      'Mon 23 Nov, 10:00:10 | 1 | Dana Reyes | – | not called: away until Sat 28 Nov, 00:00, and nobody stands in',
      'Mon 23 Nov, 10:00:10 | 3 | Alex Kim | slack, normal | named',
    ]);
  });

  it('says that quiet hours put a call off, and until when; what is urgent comes through', () => {
    const quiet = (text: string) =>
      text.replace(
        '  kim:\n',
        '  kim:\n    time_zone: Europe/Berlin\n    quiet_hours: { every_day: 09:00-12:00 }\n',
      );
    const world = worldWith('steps: [{ notify: kim }, { wait: 10m }]\nlast_resort: kim', { edit: quiet });

    expect(linesOf(world)).toEqual([
      'Mon 23 Nov, 10:00:10 | 1 | Kim Park | slack, normal | named; quiet hours put it off until Mon 23 Nov, 12:00',
      'Mon 23 Nov, 10:10:10 | last resort | Kim Park | slack, urgent | named',
    ]);
  });

  it('tells when quiet hours let a call through that its policy did not wait for', () => {
    const quiet = (text: string) =>
      text.replace(
        '  kim:\n',
        '  kim:\n    time_zone: Europe/Berlin\n    quiet_hours: { every_day: 09:00-12:00 }\n',
      );
    const duty =
      'steps: [{ notify: [kim, dana] }, { wait: 30s }, { notify: dana }, { wait: 1m }, stop]\nlast_resort: kim';
    const world = worldWith(duty, { edit: quiet });

    const why = (forMs: number) =>
      linesOf(world, { forMs }).map((line) => line.split(' | ').slice(2).join(' | '));

    expect(why(3 * HOUR)).toEqual([
      'Kim Park | slack, normal | named; quiet hours put it off until Mon 23 Nov, 12:00',
      'Dana Reyes | slack, normal | named',
      'Dana Reyes | slack, normal | named; told together with others at Mon 23 Nov, 10:02:10',
    ]);
    expect(why(60_000).slice(1)).toEqual([
      'Dana Reyes | slack, normal | named',
      'Dana Reyes | slack, normal | named; told together with others, later than this',
    ]);
  });

  it('notices a change of shift while it waits', () => {
    const world = worldWith('steps: [{ notify: { on_call: support } }, { wait: 3h }]\nlast_resort: kim');
    const sunday = Date.parse('2026-11-30T07:00:00Z');

    const lines = linesOf(world, { atMs: sunday });

    expect(lines[0]).toContain('08:00:10 | 1 | Dana Reyes');
    expect(lines).toContain(
      'Mon 30 Nov, 09:00 | 1 | Alex Kim | slack, normal | now there: on call (support): rotation weekly, shift 5',
    );
  });

  it('tells what is skipped because nobody can be called, and what runs instead', () => {
    const duty = `
steps:
  - notify: { to: kim, if_nobody: { instead: dana } }
  - wait: 10m
last_resort: dana`;

    const lines = linesOf(worldWith(duty, { off: ['slack'] }));

    expect(lines.slice(0, 2)).toEqual([
      'Mon 23 Nov, 10:00:10 | 1 | Kim Park | – | not called: no account on a platform that runs',
      'Mon 23 Nov, 10:00:10 | 1 | Dana Reyes | email, normal | named',
    ]);
  });

  it('tells of webhooks, hand-offs and what gets worse, and counts rounds', () => {
    const duty = `
steps: [{ set_severity: critical }, hand_off, { webhook: pager }, { notify: dana }, { wait: 10m }]
repeat: 2
last_resort: dana`;
    const world = worldWith(duty, { rest: PAGER });

    expect(linesOf(world).slice(0, 5)).toEqual([
      'Mon 23 Nov, 10:00:10 | 1 (round 1) |  |  | is critical from now on',
      'Mon 23 Nov, 10:00:10 | 2 (round 1) |  |  | the agent falls silent; the conversation waits for a human',
      'Mon 23 Nov, 10:00:10 | 3 (round 1) | pager | webhook | ',
      'Mon 23 Nov, 10:00:10 | 4 (round 1) | Dana Reyes | slack, urgent | named',
      'Mon 23 Nov, 10:10:10 | 1 (round 2) |  |  | is critical from now on',
    ]);
  });

  it('waits for its hours, on the clock of the place they are in', () => {
    const world = worldWith(
      'steps: [{ notify: dana }, { wait: { for: 8h, hours: office } }]\nonly_in: office\nlast_resort: kim',
    );
    const evening = Date.parse('2026-11-23T18:00:00Z');

    expect(linesOf(world, { atMs: evening, forMs: 14 * 24 * HOUR })).toEqual([
      'Mon 23 Nov, 19:00:10 |  |  |  | outside its hours: waits until Tue 24 Nov, 09:00',
      'Tue 24 Nov, 09:00 | 1 | Dana Reyes | slack, normal | named',
      'Tue 24 Nov, 09:05 | 1 | Dana Reyes | email, normal | no answer for 5 min: the next way',
      'Mon 30 Nov, 09:00 | last resort | Kim Park | slack, urgent | named',
    ]);
  });

  it('waits for somebody to be there where it is told to, and says so once', () => {
    const schedules = `  mornings:
    time_zone: Europe/Berlin
    rotations:
      - { start: 2026-11-02T00:00, shift: 1w, people: [kim], restrict: { days: { every_day: 11:00-12:00 } } }
`;
    const duty =
      'steps: [{ notify: { to: { on_call: mornings }, if_nobody: hold } }, { wait: 10m }]\nlast_resort: dana';

    expect(linesOf(worldWith(duty, { schedules })).slice(0, 2)).toEqual([
      'Mon 23 Nov, 10:00:10 | 1 |  |  | waits for somebody to be there; looked at again until Mon 23 Nov, 11:00',
      'Mon 23 Nov, 11:00 | 1 | Kim Park | slack, normal | on call (mornings): rotation 1, shift 4',
    ]);
  });

  it('says once what it waits for, whoever is called by another way meanwhile', () => {
    const duty = `
steps: [{ notify: dana }, { wait: 2m }, { notify: { to: { on_call: gaps }, if_nobody: hold } }, { wait: 10m }]
last_resort: dana`;

    expect(linesOf(worldWith(duty, { schedules: gaps() })).slice(1, 4)).toEqual([
      'Mon 23 Nov, 10:02:10 | 3 |  |  | waits for somebody to be there; looked at again until Mon 23 Nov, 11:00',
      'Mon 23 Nov, 10:05:10 | 1 | Dana Reyes | email, normal | no answer for 5 min: the next way',
      'Mon 23 Nov, 11:00 | 3 | Kim Park | slack, normal | on call (gaps): rotation 1, shift 4',
    ]);
  });

  it('E6 shouts when nobody at all can be called', () => {
    const world = worldWith('steps: [{ notify: kim }, { wait: 10m }]\nlast_resort: kim', { off: ['slack'] });

    expect(linesOf(world).at(-1)).toContain('NOBODY CAN BE CALLED');
  });

  it('E6 says who is called in the end where nobody of the last resort could be called at first, and each of it once', () => {
    const world = worldWith(
      'steps: [{ notify: dana }, { wait: 1m }]\nlast_resort: { on_call: gaps }\nrepeat_last_resort_every: 10m',
      { schedules: gaps() },
    );

    expect(linesOf(world).slice(1)).toEqual([
      'Mon 23 Nov, 10:01:10 | last resort | on call: gaps | – | nobody at this time',
      'Mon 23 Nov, 10:01:10 | last resort |  |  | NOBODY CAN BE CALLED: the gateway reports itself as unwell',
      'Mon 23 Nov, 10:05:10 | 1 | Dana Reyes | email, normal | no answer for 5 min: the next way',
      'Mon 23 Nov, 11:00 | last resort | Kim Park | slack, urgent | now there: on call (gaps): rotation 1, shift 4',
    ]);
    expect(play(world).end).toEqual({ kind: 'exhausted', atMs: MONDAY + 70_000 });
  });

  it('is watched as long as it is told, and ends where its policy does', () => {
    const long = worldWith('steps: [{ notify: kim }, { wait: 3d }]\nlast_resort: kim');
    const short = worldWith('steps: [{ notify: kim }, { wait: 1h }, stop]\nlast_resort: kim');

    expect(play(long).end).toEqual({ kind: 'watched', atMs: MONDAY + 48 * HOUR });
    expect(play(short).end).toEqual({ kind: 'resolved', atMs: MONDAY + HOUR + 10_000 });
  });
});

describe('a length', () => {
  it.each([
    [0, '0 s'],
    [10_000, '10 s'],
    [70 * 60_000, '1 h 10 min'],
    [26 * HOUR + 1_000, '1 d 2 h 1 s'],
  ])('of %i ms reads %s', (ms, text) => {
    expect(lengthText(ms)).toBe(text);
  });

  it('loses no second, however long', () => {
    const units = { d: 86_400, h: 3_600, min: 60, s: 1 } as const;
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 10_000_000 }), (seconds) => {
        const parts = lengthText(seconds * 1_000).matchAll(/(\d+) (d|h|min|s)/g);
        const sum = [...parts].reduce((all, [, n, unit]) => all + Number(n) * units[unit as 's'], 0);

        expect(sum).toBe(seconds);
      }),
      { numRuns: runs(100) },
    );
  });
});

interface Wish {
  readonly atMs?: number;
  readonly forMs?: number;
  readonly severity?: Severity;
  readonly handoff?: Scenario['handoff'];
}

/** Nobody is on call before eleven. */
function gaps(person = 'kim'): string {
  return `  gaps:
    time_zone: Europe/Berlin
    rotations:
      - { start: 2026-11-02T00:00, shift: 1w, people: [${person}], restrict: { days: { every_day: 11:00-12:00 } } }
`;
}

/** When the agent falls silent and answers again. */
function agentOf(world: EscalationWorld, handoff: NonNullable<Scenario['handoff']>): string[] {
  return toLines(play(world, { handoff }), wordingOf(world)).flatMap(({ when, why }) =>
    why.includes('the agent') ? [`${when} ${why}`] : [],
  );
}

function play(
  world: EscalationWorld,
  { atMs = MONDAY, forMs = 48 * HOUR, severity = 'warning', handoff }: Wish = {},
) {
  return simulate(world, { plan: world.plan, severity, atMs, forMs, ...(handoff ? { handoff } : {}) });
}

function wordingOf(world: EscalationWorld, { atMs = MONDAY }: Wish = {}) {
  return {
    zone: world.zone,
    startMs: atMs,
    rounds: world.plan.rounds,
    name: (person: string) => world.config.contacts.people[person]?.name ?? person,
    platform: (platform: string) => platform,
  };
}

function linesOf(world: EscalationWorld, wish: Wish = {}): string[] {
  return toLines(play(world, wish), wordingOf(world, wish)).map(({ when, step, who, by, why }) =>
    [when, step, who, by, why].join(' | '),
  );
}
