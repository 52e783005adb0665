import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Severity } from '../../../src/domain/escalation/plan.ts';
import { type Scenario, simulate } from '../../../src/escalation/simulation.ts';
import { clockText, lengthText, toLines } from '../../../src/escalation/simulation-text.ts';
import { type EscalationWorld, MONDAY, worldWith } from '../../support/escalations.ts';
import { runs } from '../../support/property-runs.ts';

const HOUR = 3_600_000;

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
    const backIn = (isWished: boolean) =>
      toLines(play(world, { handoff: { waitMs: 10 * 60_000, isWished } }), wordingOf(world)).flatMap(
        ({ when, why }) => (why.includes('answers there again') ? [`${when} ${why}`] : []),
      );

    expect(backIn(false)).toEqual([
      'Mon 23 Nov, 10:10:10 nobody has come, and the agent answers there again',
    ]);
    expect(backIn(true)).toEqual(backIn(false));
    const plain = worldWith('steps: [{ notify: dana }, { wait: 30m }]\nlast_resort: kim');
    expect(linesOf(plain, { handoff: { waitMs: 10 * 60_000, isWished: true } })).toContain(
      'Mon 23 Nov, 10:10 |  |  |  | where it began with a wish for a human: nobody has come, and the agent answers there again',
    );
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
    const world = worldWith(duty, {
      rest: `webhooks: { pager: { url: "https://pager.example", secret: whsec_${'a'.repeat(32)} } }\n`,
    });

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
      'Mon 23 Nov, 10:00:10 |  |  |  | waits for somebody to be there; looked at again until Mon 23 Nov, 11:00',
      'Mon 23 Nov, 11:00 | 1 | Kim Park | slack, normal | on call (mornings): rotation 1, shift 4',
    ]);
  });

  it('E6 shouts when nobody at all can be called', () => {
    const world = worldWith('steps: [{ notify: kim }, { wait: 10m }]\nlast_resort: kim', { off: ['slack'] });

    expect(linesOf(world).at(-1)).toContain('NOBODY CAN BE CALLED');
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
