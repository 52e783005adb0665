import { describe, expect, it } from 'vitest';
import { type Finding, lint } from '../../../src/escalation/lint.ts';
import { icalFile } from '../../support/calendars.ts';
import { type EscalationWorld, MONDAY, worldWith } from '../../support/escalations.ts';

const DUTY = 'steps: [{ notify: dana }, { wait: 10m }]\nlast_resort: kim';
const USED = 'triggers: [{ when: dead_letter, raise: duty }]\n';

describe('the check of a policy', () => {
  it('finds nothing wrong with one that reaches somebody at any time, and says what it comes to', () => {
    expect(findingsOf(worldWith(DUTY, { rest: USED }))).toEqual([
      'fact: if it began now and nobody acted: info: 2 calls to 2 people, exhausted after 10 min 10 s; ' +
        'warning: 3 calls to 2 people, exhausted after 10 min 10 s; error: 3 calls to 2 people, exhausted after 10 min 10 s; ' +
        'critical: 2 calls to 2 people, exhausted after 10 min 10 s',
    ]);
  });

  it('warns of one that nothing uses', () => {
    expect(warningsOf(worldWith(DUTY))).toEqual([
      'nothing uses it: no trigger raises it, and no policy of approvals names it',
    ]);
  });

  it('warns of one that is old before whoever has it is asked whether they are still on it', () => {
    const [duty, usual] = [`${DUTY}\nmax_age: 1h`, `${DUTY}\nmax_age: 2h`];

    expect(warningsOf(worldWith(duty, { rest: USED }))).toEqual([
      expect.stringContaining('whoever takes it keeps it, however long they are silent: max_age (1 h)'),
    ]);
    expect(warningsOf(worldWith(usual, { rest: USED }))).toEqual([]);
  });

  it('E6 refuses one whose last resort has no account on a platform that runs', () => {
    const findings = findingsOf(worldWith(DUTY, { rest: USED, off: ['slack'] }));

    expect(findings).toContain(
      'error: nobody of the last resort (Kim Park) has an account on a platform that runs: nobody would ever hear of what comes to it',
    );
  });

  it('warns of times at which nobody of the last resort is there', () => {
    const schedules = `  night:
    time_zone: Europe/Berlin
    rotations:
      - { start: 2026-11-02T00:00, shift: 1w, people: [kim], restrict: { days: { every_day: 00:00-22:00 } } }
`;
    const world = worldWith('steps: [{ notify: dana }, { wait: 10m }]\nlast_resort: { on_call: night }', {
      rest: USED,
      schedules,
    });

    expect(warningsOf(world)).toEqual([
      'nobody of the last resort can be called from Mon 23 Nov, 22:00 (Europe/Berlin) on for 2 h, 1 d 4 h in all in the next two weeks',
    ]);
  });

  it('warns of times at which no step has anybody to call', () => {
    const away = (text: string) =>
      text.replace(
        '  dana:\n',
        '  dana:\n    time_zone: Europe/Berlin\n    absences: [{ from: 2026-11-25, to: 2026-11-26 }]\n',
      );

    expect(warningsOf(worldWith(DUTY, { rest: USED, edit: away }))).toEqual([
      'no step has anybody to call from Wed 25 Nov, 00:00 (Europe/Berlin) on for 2 d; the last resort is called at once then',
    ]);
  });

  it('warns of nights in which everybody wants quiet, but not where the last resort is urgent', () => {
    const quiet = (text: string) =>
      text.replaceAll(
        /^ {2}(dana|kim):\n/gm,
        '  $1:\n    time_zone: Europe/Berlin\n    quiet_hours: { every_day: 22:00-06:00 }\n',
      );
    const loud = worldWith(DUTY, { rest: USED, edit: quiet });
    const soft = worldWith(DUTY.replace('kim', '{ to: kim, importance: high }'), { rest: USED, edit: quiet });

    expect(warningsOf(loud)).toEqual([]);
    expect(warningsOf(soft)).toEqual([
      'whoever could be called wants quiet, or is not there, from Mon 23 Nov, 22:00 (Europe/Berlin) on for 8 h, ' +
        '4 d 16 h in all in the next two weeks; only what is urgent comes through',
    ]);
  });

  it('refuses hours that never open again', () => {
    const schedules = 'holidays: { always: { file: always.ics } }\n';
    const edit = (text: string) => text.replace('09:00-17:00 }', '09:00-17:00 }, holidays: always');
    const calendars = {
      'always.ics': icalFile(['DTSTART;VALUE=DATE:20260101', 'RRULE:FREQ=DAILY;UNTIL=20470101']),
    };

    const world = worldWith(`${DUTY}\nonly_in: office`, { rest: USED, schedules, calendars, hours: edit });

    expect(findingsOf(world)).toContain(
      'error: the working hours office never open again: look at their days off',
    );
  });

  it('warns of people who are called to take a conversation over, and may not', () => {
    const duty = 'steps: [{ notify: [dana, alex] }, hand_off, { wait: 10m }]\nlast_resort: dana';

    expect(warningsOf(worldWith(duty, { rest: USED }))).toEqual([
      'hand_off: Alex Kim is called, and may not take conversations over',
    ]);
  });

  it('warns of them, too, where somebody who asks for a human calls them', () => {
    const duty = 'steps: [{ notify: [dana, alex] }, { wait: 10m }]\nlast_resort: dana';
    const rest = 'triggers: [{ when: handoff, raise: duty }]\n';

    expect(warningsOf(worldWith(duty, { rest }))).toEqual([
      'when: handoff: Alex Kim is called, and may not take conversations over',
    ]);
  });

  it('says that people are called on after the agent has stopped waiting for a human, where they are', () => {
    const rest = 'triggers: [{ when: handoff, raise: duty }]\n';
    const factsOf = (wait: string) =>
      lint(worldWith(`steps: [{ notify: dana }, { wait: ${wait} }]\nlast_resort: dana`, { rest }), MONDAY)
        .flatMap(({ level, text }) => (level === 'fact' ? [text] : []))
        .slice(1);

    expect(factsOf('15m')).toEqual([
      'the agent waits for a human for 10 min (takeover.wait) and answers again then; whoever is called after that may still take the conversation over',
    ]);
    expect(factsOf('1m')).toEqual([]);
  });

  it('E6 does not say that the last resort has no account where they are merely away', () => {
    const edit = (text: string) =>
      text.replace(
        '  kim:\n',
        '  kim:\n    time_zone: Europe/Berlin\n    absences: [{ from: 2026-11-20, to: 2026-12-20 }]\n',
      );

    expect(findingsOf(worldWith(DUTY, { rest: USED, edit }))).toContain(
      'error: nobody of the last resort (Kim Park) is there in the next two weeks: until somebody is, nobody would hear of what comes to it',
    );
  });

  it('warns of somebody who is named twice for one call', () => {
    const duty = 'steps: [{ notify: [dana, dana] }, { wait: 10m }]\nlast_resort: [kim, kim, dana]';

    expect(warningsOf(worldWith(duty, { rest: USED }))).toEqual([
      'step 1 names Dana Reyes more than once, who is called once all the same',
      'the last resort names Kim Park more than once, who is called once all the same',
    ]);
  });

  it('looks at those who are called instead as well', () => {
    const duty = `steps:
  - { notify: { to: dana, if_nobody: { instead: [alex, alex] } } }
  - hand_off
  - { wait: 10m }
last_resort: dana`;

    expect(warningsOf(worldWith(duty, { rest: USED }))).toEqual([
      'hand_off: Alex Kim is called, and may not take conversations over',
      'if_nobody of step 1 names Alex Kim more than once, who is called once all the same',
    ]);
  });

  it('warns of a branch that always holds, and of a repetition that never comes', () => {
    const duty = (condition: string, repeat: number) => `steps:
  - { branch: { if: ${condition}, go_to: late } }
  - { notify: dana }
  - { wait: 10m }
  - { notify: kim, id: late }
  - { wait: 10m }
  - stop
repeat: ${repeat}
last_resort: kim`;

    expect(warningsOf(worldWith(duty('{ severity: info, count: 1 }', 3), { rest: USED }))).toEqual([
      'step 1 always goes on at late: what it looks at holds for whatever is reported',
      'its last step ends it: it is never gone through again, though repeat says 3 times',
    ]);
    for (const condition of ['{ severity: info, count: 2 }', '{ severity: error }', '{ within: office }']) {
      expect(warningsOf(worldWith(duty(condition, 1), { rest: USED }))).toEqual([]);
    }
  });

  it('warns of a swap with somebody who is not on call then', () => {
    const schedules = (replaces: string, until: string) => `  night:
    time_zone: Europe/Berlin
    rotations:
      - { start: 2026-03-02T00:00, shift: 1w, people: [kim] }
    overrides:
      - { from: 2026-11-20T00:00, until: ${until}, person: alex, replaces: ${replaces} }
`;
    const duty = 'steps: [{ notify: dana }, { wait: 10m }]\nlast_resort: { on_call: night }';
    const warned = (replaces: string, until: string) =>
      warningsOf(worldWith(duty, { rest: USED, schedules: schedules(replaces, until) }));

    expect(warned('dana', '2026-12-20T00:00')).toEqual([
      'override 1 of the schedule night changes nothing: Dana Reyes, whom Alex Kim replaces, is not on call in that time, or another override goes before it',
    ]);
    expect(warned('kim', '2026-12-20T00:00')).toEqual([]);
    expect(warned('dana', '2026-11-21T00:00')).toEqual([]);
  });

  it('warns of a rotation that starts while clocks are put forward, and says who has several turns', () => {
    const schedules = `  night:
    time_zone: Europe/Berlin
    rotations:
      - { name: nights, start: 2026-03-29T02:30, shift: 1w, people: [kim, dana, kim] }
      - { start: 2026-10-25T02:30, shift: 1w, people: [kim] }
`;
    const duty = 'steps: [{ notify: dana }, { wait: 10m }]\nlast_resort: { on_call: night }';
    const world = worldWith(duty, { rest: USED, schedules });

    expect(warningsOf(world)).toEqual([
      'the rotation nights of the schedule night starts at 2026-03-29T02:30, which clocks in Europe/Berlin never show; it starts at 2026-03-29T03:00, and hands over at the hour that was written',
    ]);
    expect(findingsOf(world)).toContain(
      'fact: in the rotation nights of the schedule night, Kim Park has 2 of 3 turns',
    );
  });

  it('warns of a last step that leaves nobody time to come', () => {
    expect(warningsOf(worldWith('steps: [{ notify: dana }]\nlast_resort: kim', { rest: USED }))).toEqual([
      'its last step calls somebody and does not wait: the last resort is called at the same moment',
    ]);
  });
});

function findingsOf(world: EscalationWorld): string[] {
  return lint(world, MONDAY).map(({ level, text }: Finding) => `${level}: ${text}`);
}

function warningsOf(world: EscalationWorld): string[] {
  return lint(world, MONDAY).flatMap(({ level, text }) => (level === 'warning' ? [text] : []));
}
