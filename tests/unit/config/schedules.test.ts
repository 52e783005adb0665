import { describe, expect, it } from 'vitest';
import { Schedules, toWallTime } from '../../../src/config/schedules.ts';
import { problemsOf, readConfig } from '../../support/config-problems.ts';

const HOUR = 3_600_000;

describe('on-call schedules', () => {
  it('are read from YAML as people write it', () => {
    const schedules = readConfig(
      Schedules,
      `
      primary:
        time_zone: Europe/Paris
        rotations:
          - { name: weekly, start: 2026-03-02 09:00, shift: 1w, people: [alex, dana] }
          - start: 2026-03-02T18:00:30
            shift: 12h
            people: [kim]
            restrict: { days: { sat: 00:00-24:00 }, holidays: france }
        overrides:
          - { from: 2026-04-01T09:00, until: 2026-04-02T09:00, person: kim, replaces: alex }
        fallback: dana
      `,
    );

    expect(schedules).toEqual({
      primary: {
        time_zone: 'Europe/Paris',
        rotations: [
          {
            name: 'weekly',
            start: Date.UTC(2026, 2, 2, 9),
            shift: 7 * 24 * HOUR,
            people: ['alex', 'dana'],
          },
          {
            start: Date.UTC(2026, 2, 2, 18, 0, 30),
            shift: 12 * HOUR,
            people: ['kim'],
            restrict: { days: [[], [], [], [], [], [], [{ from: 0, until: 24 * HOUR }]], holidays: 'france' },
          },
        ],
        overrides: [
          {
            from: Date.UTC(2026, 3, 1, 9),
            until: Date.UTC(2026, 3, 2, 9),
            person: 'kim',
            replaces: 'alex',
          },
        ],
        fallback: 'dana',
      },
    });
  });

  it('say for each mistake what was expected', () => {
    const problems = problemsOf(
      Schedules,
      `
      primary:
        time_zone: UTC
        rotations:
          - { start: 2026-03-02T09:00Z, shift: 1month, people: [] }
          - { start: 2026-02-30 09:00, shift: 1m, people: [Alex], restrict: {} }
          - { start: 2026-03-02 09:00, shift: 15.001m, people: [alex], handover: 09:00 }
        overrides:
          - { from: 2026-03-02 09:00, until: 2026-03-02 09:00, person: dana }
      empty: { time_zone: UTC }
      `,
    );

    const local = 'a local date and time such as 2026-03-02T09:00, without an offset';
    expect(problems).toEqual([
      `primary.rotations[0].start: ${local}`,
      'primary.rotations[0].shift: a duration such as 500ms, 30s, 15m, 24h, 7d or 2w',
      'primary.rotations[0].people: at least one entry',
      `primary.rotations[1].start: ${local}`,
      'primary.rotations[1].shift: a duration of at least 15m',
      'primary.rotations[1].people[0]: a person id: lower-case letters, digits, dots, hyphens and underscores',
      'primary.rotations[1].restrict.days: a group of keys',
      'primary.rotations[2].shift: a whole number of minutes',
      'primary.rotations[2].handover: only the keys name, start, shift, people, restrict',
      'primary.overrides[0].until: later than from',
      'empty: at least one rotation, or a fallback',
    ]);
  });

  it.each([
    '2026-02-29T09:00',
    '2026-13-01T09:00',
    '2026-01-01T24:00',
    '2026-01-01T09:60',
    '1026-01-01T09:00',
    'x',
  ])('know that %s is no date and time', (written) => {
    expect(toWallTime(written)).toBeUndefined();
  });
});
