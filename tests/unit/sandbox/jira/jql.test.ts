/** Whatever is typed as JQL is either understood or refused. */
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { USERS } from '../../../../src/sandbox/jira/catalogue.ts';
import { JqlError, parseJql } from '../../../../src/sandbox/jira/jql.ts';
import { World } from '../../../../src/sandbox/jira/world.ts';
import { Journal } from '../../../../src/sandbox/journal.ts';

const PIECES = [
  'project',
  'updated',
  'text',
  'status',
  'assignee',
  '=',
  '!=',
  '~',
  '>=',
  '<',
  'in',
  'not',
  'is',
  'EMPTY',
  '(',
  ')',
  ',',
  'and',
  'or',
  'order by',
  'asc',
  'desc',
  'currentUser()',
  '"2026-01-01 10:00"',
  '-5m',
  '"',
  "'",
  '\\',
  'OPS',
  '1',
  '"x"',
];

it('understands any text, or refuses it with an error of JQL', async () => {
  const { world } = await aWorld();
  expect(world.issues).not.toEqual([]);
  const text = fc.oneof(
    fc.string(),
    fc.array(fc.constantFrom(...PIECES), { maxLength: 12 }).map((pieces) => pieces.join(' ')),
  );
  fc.assert(
    fc.property(text, (jql) => {
      try {
        const query = parseJql(jql, { world, user: USERS[0]!, now: 0 });
        world.issues.filter(query.matches).sort(query.compare);
      } catch (error) {
        expect(error).toBeInstanceOf(JqlError);
      }
    }),
    { numRuns: 500 },
  );
});

/** In Berlin, in New York, and on Lord Howe Island. */
const CLOCKS_CHANGE = [
  '2026-03-29T01:00:00Z',
  '2026-10-25T01:00:00Z',
  '2026-03-08T07:00:00Z',
  '2026-11-01T06:00:00Z',
  '2026-04-04T15:00:00Z',
  '2026-10-03T15:30:00Z',
];

it('takes a date for the minute it was in the time zone of whoever asks, at any time of any year', async () => {
  const { world } = await aWorld();
  const [issue] = world.issues;
  const zones = ['Europe/Berlin', 'America/New_York', 'Asia/Kolkata', 'Australia/Lord_Howe', 'Etc/UTC'];
  const years = { min: new Date('2000-01-01'), max: new Date('2040-01-01'), noInvalidDate: true };
  const dates = fc.oneof(
    fc.date(years),
    fc
      .tuple(fc.constantFrom(...CLOCKS_CHANGE), fc.integer({ min: -720, max: 720 }))
      .map(([change, minutes]) => new Date(Date.parse(change) + minutes * 60_000)),
  );
  fc.assert(
    fc.property(dates, fc.constantFrom(...zones), (date, timeZone) => {
      const minute = minuteIn(timeZone, date.getTime());
      // When the clocks go back, a minute is there twice, and means one of the two.
      const isTwice = [30, 60].some((minutes) =>
        [-1, 1].some((sign) => minuteIn(timeZone, date.getTime() + sign * minutes * 60_000) === minute),
      );
      fc.pre(!isTwice);
      const user = { ...USERS[0]!, timeZone };
      const query = parseJql(`updated = "${minute}"`, { world, user, now: 0 });

      expect(query.matches({ ...issue!, updated: date.getTime() })).toBe(true);
      expect(query.matches({ ...issue!, updated: date.getTime() + 60_000 })).toBe(false);
    }),
    { numRuns: 500 },
  );
});

async function aWorld(): Promise<{ world: World }> {
  const journal = new Journal();
  await journal.start();
  const world = new World(journal, { now: () => 0 });
  world.start();
  return { world };
}

/** As people write it: `2026-01-15 13:30`. */
function minuteIn(timeZone: string, at: number): string {
  return new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'short' }).format(at);
}
