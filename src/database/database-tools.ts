/** `db_schema` and `db_query`: what is in the configured databases, and questions to them. */
import { z } from 'zod';
import type { Databases } from '../config/databases.ts';
import type { Tool, ToolOutput } from '../domain/tool.ts';
import { type Answer, type Database, QuestionRefused } from './database.ts';

/** Longest question, in characters. */
const MAX_SQL_CHARS = 10_000;
/** Time beyond that of the question, in ms: for a connection and the answer. */
const MARGIN_MS = 15_000;

/** @returns none where no database is configured */
export function createDatabaseTools(databases: ReadonlyMap<string, Database>, settings: Databases): Tool[] {
  const names = [...databases.keys()].toSorted();
  const [first, ...others] = names;
  if (first === undefined) return [];
  const Name = z.enum([first, ...others]).describe('Which database.');
  const Schema = z.object({
    database: Name,
    table: z
      .string()
      .min(1)
      .max(200)
      .optional()
      .describe('With its schema: public.orders. Leave out for a list of all tables.'),
  });
  const Query = z.object({
    database: Name,
    sql: z
      .string()
      .min(1)
      .max(MAX_SQL_CHARS)
      .describe(
        'One SELECT in the SQL of PostgreSQL. Write $1, $2 for values, never the values themselves. ' +
          'It reads no pg_… and information_schema tables, and calls no functions that do more than compute.',
      ),
    values: z
      .array(z.union([z.string().max(10_000), z.number(), z.boolean(), z.null()]))
      .max(50)
      .default([])
      .describe('What $1, $2 stand for.'),
  });
  const common = {
    group: 'database',
    version: 1,
    risk: 'medium',
    effect: 'read',
    reversible: true,
    timeoutMs: Math.max(...names.map((name) => settings[name]?.timeout ?? 0)) + MARGIN_MS,
  } as const;
  const about = names
    .map((name) => ({ name, what: settings[name]?.description ?? '' }))
    .map(({ name, what }) => (what === '' ? name : `${name} (${what})`))
    .join('; ');

  const dbSchema: Tool<typeof Schema> = {
    ...common,
    name: 'db_schema',
    tells: 'outsider',
    description: `Tells which tables a database has, or the columns of one. Databases: ${about}.`,
    input: Schema,
    execute: ({ database, table }, context) =>
      answering(databases, database, (asked) =>
        table === undefined ? asked.tables(context.signal) : asked.columns(table, context.signal),
      ),
  };
  const dbQuery: Tool<typeof Query> = {
    ...common,
    name: 'db_query',
    tells: 'outsider',
    composes: true,
    // Functions of a database may send what they are called with: by dblink, by HTTP.
    reachesOut: ({ database }) => settings[database]?.sends_nothing !== true,
    description:
      'Asks a database a question that changes nothing, and tells the rows: names of the columns first, then a line for each row, all as JSON.',
    input: Query,
    execute: ({ database, sql, values }, context) =>
      answering(databases, database, (asked) => asked.ask(sql, values, context.signal)),
  };
  // A tool takes its own input; the list holds tools of different inputs, each checked by its own schema first.
  return [dbSchema, dbQuery] as unknown as Tool[];
}

async function answering(
  databases: ReadonlyMap<string, Database>,
  name: string,
  ask: (database: Database) => Promise<Answer>,
): Promise<ToolOutput> {
  const database = databases.get(name);
  if (!database) return { status: 'error', text: `There is no database "${name}".` };
  try {
    const { heading, lines } = toText(await ask(database));
    return { status: 'ok', text: lines, source: `the database ${name}`, heading };
  } catch (error) {
    if (!(error instanceof QuestionRefused)) throw error;
    return { status: 'error', text: `Not answered: ${error.why}.` };
  }
}

/** Each row in a line of its own, as JSON, so that no value looks like another row. */
function toText({ columns, rows, more }: Answer): { heading: string; lines: string } {
  const lines = [columns, ...rows].map((row) => JSON.stringify(row));
  const count = rows.length === 1 ? '1 row' : `${rows.length} rows`;
  const rest = more
    ? `The first ${count}; there are more. Ask for fewer, or for a sum.`
    : `${count}, all there are.`;
  return { heading: rest, lines: lines.join('\n') };
}
