/** Whatever is typed as JQL is either understood or refused. */
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { JqlError, parseJql } from '../../../../src/sandbox/jira/jql.ts';
import { USERS, World } from '../../../../src/sandbox/jira/world.ts';
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
  const journal = new Journal();
  await journal.start();
  // Of the clock, only `now` is looked at.
  const world = new World(journal, { now: () => 0 } as never);
  world.start();
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
