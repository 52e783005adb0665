import { describe, expect, it } from 'vitest';
import type { Target } from '../../../src/domain/escalation/plan.ts';
import { PersonId } from '../../../src/domain/ids.ts';
import type { Importance } from '../../../src/domain/person.ts';
import { LiveSurroundings, quietOf } from '../../../src/escalation/surroundings.ts';
import { MONDAY, worldWith } from '../../support/escalations.ts';

const DUTY = 'steps: [{ notify: dana }, { wait: 10m }]\nlast_resort: kim';
const [ALEX, DANA, KIM] = ['alex', 'dana', 'kim'].map((id) => PersonId.parse(id)) as [
  PersonId,
  PersonId,
  PersonId,
];
const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

describe('the ways to a person', () => {
  const waysOf = (person: PersonId, importance: Importance, change = {}) =>
    new LiveSurroundings(worldWith(DUTY, change), MONDAY)
      .linksOf(person, importance)
      .map(({ platform, afterMs }) => `${platform} ${afterMs / MINUTE}`);

  it('are those they want for what matters so much, five minutes after each other, two if urgent', () => {
    const urgent = (text: string) => text.replace('urgent: [slack]', 'urgent: [slack, email]');

    expect(waysOf(DANA, 'normal')).toEqual(['slack 0', 'email 5']);
    expect(waysOf(DANA, 'low')).toEqual(['email 0']);
    expect(waysOf(DANA, 'urgent', { edit: urgent })).toEqual(['slack 0', 'email 2']);
  });

  it('have as long as is written between them', () => {
    const edit = (text: string) => text.replace('urgent: [slack]', 'urgent: [slack, { wait: 1m }, email]');

    expect(waysOf(DANA, 'urgent', { edit })).toEqual(['slack 0', 'email 1']);
  });

  it('are others where none of those runs, and none where nobody can be written to', () => {
    expect(waysOf(DANA, 'urgent', { off: ['slack'] })).toEqual(['email 0']);
    expect(waysOf(KIM, 'urgent', { off: ['slack'] })).toEqual([]);
    expect(waysOf(PersonId.parse('nobody'), 'urgent')).toEqual([]);
  });
});

describe('who a target is', () => {
  const support: Target = { kind: 'on-call', schedule: 'support' };
  const manager: Target = { kind: 'role', role: 'manager' };
  const away = (text: string) =>
    text.replace(
      '  dana:\n',
      '  dana:\n    time_zone: Europe/Berlin\n    absences: [{ from: 2026-11-24, to: 2026-11-24, stand_in: alex }]\n',
    );

  it('is whoever that is then, with stand-ins in the place of those who are away', () => {
    const world = new LiveSurroundings(worldWith(DUTY, { edit: away }), MONDAY);

    expect(world.peopleOf(support, MONDAY)).toEqual([DANA]);
    expect(world.peopleOf(manager, MONDAY)).toEqual([DANA, KIM]);
    expect(world.peopleOf(manager, MONDAY + DAY)).toEqual([ALEX, KIM]);
    expect(world.peopleOf({ kind: 'last-owner' }, MONDAY)).toEqual([]);
    expect(world.peopleOf({ kind: 'person', person: PersonId.parse('gone') }, MONDAY)).toEqual([]);
  });

  it('changes with a shift, and when somebody goes or comes back, always later than now', () => {
    const world = new LiveSurroundings(worldWith(DUTY, { edit: away }), MONDAY);
    const iso = (target: Target, atMs: number) => new Date(world.changesAt(target, atMs) ?? 0).toISOString();

    expect(iso(support, MONDAY)).toBe('2026-11-23T23:00:00.000Z');
    expect(iso(manager, Date.parse('2026-11-23T23:00:00Z'))).toBe('2026-11-24T23:00:00.000Z');
    expect(iso(support, Date.parse('2026-11-24T23:00:00Z'))).toBe('2026-11-30T08:00:00.000Z');
    expect(world.changesAt(manager, MONDAY + 3 * DAY)).toBeUndefined();
  });
});

describe('what is not configured any more', () => {
  it('keeps nobody waiting', () => {
    const world = new LiveSurroundings(worldWith(DUTY), MONDAY);

    expect(world.isOpen('gone', MONDAY)).toBe(true);
    expect(world.opensAt('gone', MONDAY)).toBe(MONDAY);
    expect(world.after('gone', MONDAY, MINUTE)).toBe(MONDAY + MINUTE);
    expect(world.peopleOf({ kind: 'on-call', schedule: 'gone' }, MONDAY)).toEqual([]);
  });
});

describe('quiet hours', () => {
  it('put off all that is not urgent until they are over', () => {
    const edit = (text: string) =>
      text.replace(
        '  kim:\n',
        '  kim:\n    time_zone: Europe/Berlin\n    quiet_hours: { every_day: 09:00-12:00 }\n',
      );
    const { directory } = worldWith(DUTY, { edit });

    expect(quietOf(directory, KIM)('high', MONDAY)).toBe(MONDAY + 120 * MINUTE);
    expect(quietOf(directory, KIM)('urgent', MONDAY)).toBe(MONDAY);
    expect(quietOf(directory, DANA)('low', MONDAY)).toBe(MONDAY);
  });
});
