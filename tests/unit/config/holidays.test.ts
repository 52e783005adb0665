import { describe, expect, it } from 'vitest';
import { HolidaySources } from '../../../src/config/holidays.ts';
import { problemsOf, readConfig } from '../../support/config-problems.ts';

describe('holiday calendars', () => {
  it('come from a file, from a list of dates, or both', () => {
    const sources = readConfig(
      HolidaySources,
      `
      bavaria: { file: bavaria.ics }
      company: { dates: [2026-12-24, 12-31, 02-29] }
      both: { file: x.ics, dates: [2026-12-24] }
      `,
    );

    expect(sources).toEqual({
      bavaria: { file: 'bavaria.ics' },
      company: {
        dates: [
          { year: 2026, month: 12, day: 24 },
          { month: 12, day: 31 },
          { month: 2, day: 29 },
        ],
      },
      both: { file: 'x.ics', dates: [{ year: 2026, month: 12, day: 24 }] },
    });
  });

  it('say for each mistake what was expected', () => {
    const problems = problemsOf(
      HolidaySources,
      `
      Bank: { dates: [12-25] }
      empty: {}
      wrong: { dates: [2026-02-30, 25.12., 2025-02-29] }
      other: { file: x.ics, url: x }
      `,
    );

    const date = 'a date such as 2026-12-24, or 12-25 for every year';
    expect(problems).toEqual([
      'Bank: a holiday calendar: lower-case letters, digits, dots, hyphens and underscores',
      'empty: a file (an .ics), a list of dates, or both',
      `wrong.dates[0]: ${date}`,
      `wrong.dates[1]: ${date}`,
      `wrong.dates[2]: ${date}`,
      'other.url: only the keys file, dates',
    ]);
  });
});
