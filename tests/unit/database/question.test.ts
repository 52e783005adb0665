/** What is read out of a question before it is asked; what a server makes of it is elsewhere. */
import { expect, it } from 'vitest';
import { type Call, readQuestion } from '../../../src/database/question.ts';

async function callsOf(sql: string): Promise<readonly Call[]> {
  const question = await readQuestion(sql);
  return question.kind === 'readable' ? question.calls : expect.fail(question.why);
}

async function whyNot(sql: string): Promise<string | undefined> {
  const question = await readQuestion(sql);
  return question.kind === 'refused' ? question.why : undefined;
}

it.each([
  ['pg_notify(1)', null],
  ['PG_Notify (1)', null],
  ['"pg_notify"(1)', null],
  ['U&"pg\\005fnotify"(1)', null],
  ['U&"pg!005fnotify" UESCAPE \'!\' (1)', null],
  ['pg_notify/* ( */(1)', null],
  ['pg_notify -- (\n (1)', null],
  ['pg_catalog.pg_notify(1)', 'pg_catalog'],
  ['shop . "pg_catalog" . pg_notify(1)', 'pg_catalog'],
  ['pg_notify(1) OVER ()', null],
  ['pg_notify(1) FILTER (WHERE true)', null],
])('OM-187 finds a call however it is spelled: %s', async (call, schema) => {
  const expected = { schema, name: 'pg_notify', isAttribute: false };

  expect(await callsOf(`SELECT ${call}`)).toEqual([expected]);
  expect(await callsOf(`SELECT 1 FROM orders ORDER BY ${call}`)).toEqual([expected]);
});

it.each([
  'SELECT 1 FROM pg_notify(1) AS n',
  'SELECT 1 FROM ROWS FROM (pg_notify(1)) AS n',
  'SELECT 1 FROM orders JOIN LATERAL (SELECT pg_notify(1)) AS n ON true',
  'SELECT 1 FROM orders WHERE id IN (SELECT pg_notify(1))',
  'WITH n AS (SELECT pg_notify(1)) SELECT 1 FROM n',
  'SELECT 1 UNION SELECT pg_notify(1)',
  'VALUES (1), (pg_notify(1))',
  'SELECT 1 LIMIT pg_notify(1)',
  'SELECT CASE WHEN true THEN ARRAY[ROW(pg_notify(1)::text)] END',
  'SELECT count(*) FILTER (WHERE pg_notify(1)) FROM orders GROUP BY ROLLUP (1)',
  'SELECT 1 FROM orders WINDOW w AS (ORDER BY pg_notify(1))',
  "SELECT x FROM XMLTABLE('/a' PASSING pg_notify(1) COLUMNS x text)",
  'SELECT 1 FROM orders TABLESAMPLE system (pg_notify(1))',
])('OM-187 finds a call wherever it stands: %s', async (sql) => {
  expect(await callsOf(sql)).toContainEqual({ schema: null, name: 'pg_notify', isAttribute: false });
});

it.each([
  'SELECT (1).pg_notify',
  'SELECT n.pg_notify FROM generate_series(1, 2) AS n',
  'SELECT $1.pg_notify',
])('OM-187 takes an attribute for the call it may be: %s', async (sql) => {
  expect(await callsOf(sql)).toContainEqual({ schema: null, name: 'pg_notify', isAttribute: true });
});

it('takes no column, no text and no remark for a call', async () => {
  const sql = `SELECT version, "user", 'pg_notify(1)', $$pg_notify(1)$$ FROM orders /* pg_notify(1) */ -- pg_notify(1)`;

  expect(await callsOf(sql)).toEqual([]);
});

it('reads a question that nests as deep as its length lets it', async () => {
  expect(await callsOf(`SELECT ${'abs('.repeat(1_900)}1${')'.repeat(1_900)}`)).toHaveLength(1_900);
  expect(await callsOf(`SELECT 1${'+1'.repeat(4_900)}`)).toEqual([]);
});

it.each([
  'SELECT * FROM pg_stat_activity',
  'TABLE "pg_stat_activity"',
  'SELECT * FROM U&"pg\\005fstat_activity"',
  'SELECT * FROM statements.pg_stat_statements',
  'SELECT * FROM information_schema.role_table_grants',
  'SELECT * FROM shop.information_schema.columns',
  'SELECT 1 WHERE EXISTS (SELECT 1 FROM pg_roles)',
])("OM-187 refuses the server's own tables: %s", async (sql) => {
  expect(await whyNot(sql)).toContain("which is the server's own; db_schema tells which tables there are");
});

it.each([
  ...['CURRENT_USER', 'current_user', 'SESSION_USER', 'USER', 'CURRENT_ROLE', 'CURRENT_CATALOG'],
  ...['10::regrole', 'CAST(10 AS pg_catalog.regrole)', 'regrole(10)', '(10).regrole', "'{10}'::regrole[]"],
  ...["acldefault('r', 10)", 'makeaclitem(10, 10, $1, true)', '$1::aclitem', '$1::_aclitem'],
])('OM-187 refuses what tells who asks: %s', async (expression) => {
  expect(await whyNot(`SELECT ${expression}`)).toContain('how a database is reached is not told');
});

it.each(['CURRENT_DATE', 'CURRENT_TIMESTAMP(3)', 'LOCALTIME', 'LOCALTIMESTAMP', 'CURRENT_SCHEMA'])(
  'lets be asked for %s',
  async (word) => {
    expect(await whyNot(`SELECT ${word}`)).toBeUndefined();
  },
);

it.each([
  ['', 'cannot be empty'],
  [';', 'cannot be empty'],
  ['SELECT 1; SELECT 2', 'it is not one SELECT'],
  ['DELETE FROM orders', 'it is not one SELECT'],
  ['SELECT 1) AS q(c0); COMMIT; --', 'syntax error at or near ")"'],
  ["SELECT 'open", 'unterminated quoted string'],
  ['SELECT /* open', 'unterminated /* comment'],
  ['SELECT 1\0', 'a character that no text may hold'],
])('refuses what it cannot read: %j', async (sql, why) => {
  expect(await whyNot(sql)).toContain(why);
});
