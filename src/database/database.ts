/**
 * One PostgreSQL database, asked questions that change nothing.
 *
 *   question ─▶ what it calls ─▶ a connection that answers ─▶ read-only transaction with its times ─▶ cursor ─▶ rows
 *                                                                                   └─▶ rolled back
 *
 * Invariants
 *   1. Nothing is changed: the transaction only reads; a question is one SELECT, for nothing else can be declared as a
 *      cursor, sent as one statement with its values beside it; it calls nothing that may do more than compute and read
 *      (`question.ts`, `callable.ts`); and a user who could do more than read and write tables is not used at all.
 *   2. No answer is larger than the limits: the server cuts long values, and rows are fetched until there are enough.
 *   3. A connection is only used when it has just answered; one that did not is dropped, and another takes its place.
 *   4. A question has its time for all of its rows together, whatever it sets itself: the server is told what is left of
 *      it before each piece. One that is given up is ended at the server, too.
 *   5. How it is reached is told to nobody: what goes wrong on the way there is logged, and told as one sentence; and no
 *      question asks for it.
 */
import {
  Client,
  type ClientConfig,
  DatabaseError,
  type FieldDef,
  Pool,
  type PoolClient,
  type QueryArrayConfig,
} from 'pg';
import { type DatabaseSettings, isLocal } from '../config/databases.ts';
import { AppError } from '../domain/errors.ts';
import type { Logger } from '../observability/logger.ts';
import { CALLABLE, REFUSED_CALLS, whyRefused } from './callable.ts';
import { COLUMNS, TABLES } from './catalog.ts';
import { type Call, readQuestion } from './question.ts';

/** Longest value that is told, in characters. */
const MAX_VALUE_CHARS = 1_000;
/** Longest answer, in characters: a few times what is shown at once. */
const MAX_ANSWER_CHARS = 100_000;
/** Rows that are fetched at a time. */
const ROWS_AT_A_TIME = 50;
/** A connection that has not answered within this time, in ms, is taken for dead. */
const ANSWERS_WITHIN_MS = 3_000;
/** Longest wait for a connection beyond the time of the question before it, in ms. */
const CONNECT_MARGIN_MS = 5_000;
/** An unused connection is let go of after this long, in ms. */
const IDLE_MS = 60_000;

/** What cannot be answered, in words for whoever asked. */
export class QuestionRefused extends AppError {
  override readonly code = 'QUESTION_REFUSED';

  constructor(
    readonly why: string,
    options?: ErrorOptions,
  ) {
    super(why, options);
  }
}

export type SqlValue = string | number | boolean | null;

export interface Answer {
  readonly columns: readonly string[];
  /** As the server writes values. */
  readonly rows: readonly (readonly (string | null)[])[];
  /** Not all rows are here. */
  readonly more: boolean;
}

export class Database {
  readonly #reach: ClientConfig;
  readonly #pool: Pool;
  /** Connections whose user was looked at, with the server's number for each. */
  readonly #known = new WeakMap<PoolClient, string>();
  /** Questions that are being ended at the server. */
  readonly #ending = new Set<Promise<void>>();

  constructor(
    readonly name: string,
    private readonly settings: DatabaseSettings,
    private readonly log: Logger,
  ) {
    const { hostname, port, username, pathname } = new URL(settings.url);
    this.#reach = {
      host: hostname.replace(/^\[|\]$/g, ''),
      port: port === '' ? 5_432 : Number(port),
      user: decodeURIComponent(username),
      database: decodeURIComponent(pathname.slice(1)),
      // Never left out: the library would look for one in the environment.
      password: settings.password ?? '',
      ssl: isLocal(settings) || settings.allow_insecure ? false : { rejectUnauthorized: true },
      keepAlive: true,
      application_name: 'signalbox',
      // As the server writes them: what a value is in JavaScript is nobody's business here.
      types: { getTypeParser: () => (value: string) => value },
    };
    this.#pool = new Pool({
      ...this.#reach,
      max: settings.connections,
      connectionTimeoutMillis: settings.timeout + CONNECT_MARGIN_MS,
      idleTimeoutMillis: IDLE_MS,
      allowExitOnIdle: true,
    });
    // One in use has ended: whatever was asked on it tells that. Nobody listening would end the process.
    this.#pool.on('connect', (connection) => connection.on('error', () => undefined));
    // An unused connection has ended; the pool has let go of it already.
    this.#pool.on('error', (error) =>
      this.log.warn({ database: name, code: codeOf(error) }, 'a connection to a database ended'),
    );
  }

  /** Lets go of every connection once it is free. */
  async stop(): Promise<void> {
    if (!this.#pool.ended && !this.#pool.ending) await this.#pool.end();
    await Promise.all(this.#ending);
  }

  /**
   * @param sql one SELECT (or VALUES, or WITH … SELECT); `$1` stands for the first of the values
   * @throws {QuestionRefused} when it is none, may do more than read, cannot be answered, or took too long
   */
  async ask(sql: string, values: readonly SqlValue[], signal: AbortSignal): Promise<Answer> {
    const question = await readQuestion(sql);
    if (question.kind === 'refused') throw new QuestionRefused(question.why);
    return this.#reading(signal, async (connection) => {
      await mustOnlyCompute(connection, question.calls);
      return this.#answer(connection, question.sql, values);
    });
  }

  /** The tables that may be read. */
  async tables(signal: AbortSignal): Promise<Answer> {
    return this.#reading(signal, (connection) => this.#answer(connection, TABLES, []));
  }

  /** @param table with its schema, as in SQL */
  async columns(table: string, signal: AbortSignal): Promise<Answer> {
    return this.#reading(signal, (connection) => this.#answer(connection, COLUMNS, [table]));
  }

  /** @param question one SELECT without a semicolon, which was looked at, or is ours */
  async #answer(connection: PoolClient, question: string, values: readonly SqlValue[]): Promise<Answer> {
    const endsMs = performance.now() + this.settings.timeout;
    const columns = await columnsOf(connection, question, values);
    if (columns.length === 0) throw new QuestionRefused('it asks for no columns');
    const names = columns.map((_, index) => `c${index}`);
    // One character more than is told, so that a value that was cut is known from one that was not.
    const cut = names.map((name) => `left(q.${name}::text, ${MAX_VALUE_CHARS + 1})`);
    await send(
      connection,
      `DECLARE told NO SCROLL CURSOR FOR SELECT ${cut.join(', ')} FROM (${question}\n) AS q(${names.join(', ')})`,
      values,
    );
    return { columns: columns.map(({ name }) => name), ...(await this.#fetch(connection, endsMs)) };
  }

  /** @param endsMs when its time is over, as `performance` tells it */
  async #fetch(connection: PoolClient, endsMs: number): Promise<Pick<Answer, 'rows' | 'more'>> {
    const { max_rows: most } = this.settings;
    const rows: (string | null)[][] = [];
    for (let chars = 0; ; ) {
      // What the rows before have set holds from the next statement on, and is overwritten here.
      await this.#allow(connection, endsMs - performance.now());
      // FETCH takes no parameters; this is a number of ours.
      const { rows: next } = await send(connection, `FETCH ${ROWS_AT_A_TIME} FROM told`);
      for (const row of next) {
        const told = row.map(toValue);
        chars += told.reduce((sum, value) => sum + (value?.length ?? 4) + 3, 2);
        if (rows.length >= most || (rows.length > 0 && chars > MAX_ANSWER_CHARS)) return { rows, more: true };
        rows.push(told);
      }
      if (next.length < ROWS_AT_A_TIME) return { rows, more: false };
    }
  }

  /** Asks within a transaction that only reads, on a connection that has just answered. */
  async #reading<Result>(
    signal: AbortSignal,
    ask: (connection: PoolClient) => Promise<Result>,
  ): Promise<Result> {
    const connection = await this.#connection(signal);
    let isWhole = false;
    let mayRun = false;
    try {
      const result = await untilAborted(ask(connection), signal);
      await send(connection, 'ROLLBACK');
      await send(connection, 'SELECT pg_advisory_unlock_all()');
      isWhole = true;
      return result;
    } catch (error) {
      const isOver = error instanceof DatabaseError || error instanceof QuestionRefused;
      if (isOver && !signal.aborted) isWhole = await hasRolledBack(connection);
      mayRun = !isOver;
      throw this.#inWords(error, signal);
    } finally {
      if (mayRun) this.#giveUp(connection);
      else connection.release(!isWhole);
    }
  }

  /** A connection in the transaction. Those that do not answer are dropped on the way to it. */
  async #connection(signal: AbortSignal): Promise<PoolClient> {
    // As many as there may be dead ones, and one that is made anew.
    for (let tries = 0; ; tries++) {
      if (signal.aborted) throw this.#inWords(signal.reason, signal);
      const connection = await this.#pool.connect().catch((error: unknown) => {
        throw this.#inWords(error, signal);
      });
      try {
        await this.#begin(connection);
        return connection;
      } catch (error) {
        connection.release(true);
        if (error instanceof QuestionRefused) throw error;
        if (tries >= this.settings.connections) throw this.#inWords(error, signal);
        this.log.info(
          { database: this.name, code: codeOf(error) },
          'a dead connection to a database was replaced',
        );
      }
    }
  }

  async #begin(connection: PoolClient): Promise<void> {
    await send(connection, 'BEGIN TRANSACTION READ ONLY', [], ANSWERS_WITHIN_MS);
    // As the parser here has it, too. Otherwise what is a text to one would be a call to the other.
    await send(connection, 'SET LOCAL standard_conforming_strings = on');
    await this.#allow(connection, this.settings.timeout);
    if (this.#known.has(connection)) return;
    await this.#mustOnlyRead(connection);
    if (this.settings.sends_nothing) await this.#mustSendNothing(connection);
    const { rows } = await send(connection, 'SELECT pg_backend_pid()');
    this.#known.set(connection, rows[0]?.[0] ?? '');
  }

  /** @throws {QuestionRefused} when no time is left */
  async #allow(connection: PoolClient, leftMs: number): Promise<void> {
    const ms = Math.ceil(leftMs);
    if (ms <= 0) throw this.#tookTooLong(); // to the server, no time is time without end
    await send(
      connection,
      `SELECT set_config('statement_timeout', $1, true), set_config('lock_timeout', $1, true),
        set_config('idle_in_transaction_session_timeout', $2, true)`,
      [String(ms), String(ms + CONNECT_MARGIN_MS)],
    );
  }

  /** Ends what the server still does for a connection, and lets go of it. A closed one alone would not stop it. */
  #giveUp(connection: PoolClient): void {
    const ending = this.#endAtServer(this.#known.get(connection) ?? '')
      .catch((error: unknown) =>
        this.log.warn(
          { database: this.name, code: codeOf(error) },
          'a question that was given up could not be ended at the database; its time ends it',
        ),
      )
      .finally(() => {
        // Only now: a number of the server is another one's once its connection is closed.
        connection.release(true);
        this.#ending.delete(ending);
      });
    this.#ending.add(ending);
  }

  /** By another connection: the one in question listens to nobody. A user may end what is their own. */
  async #endAtServer(pid: string): Promise<void> {
    const client = new Client({
      ...this.#reach,
      connectionTimeoutMillis: ANSWERS_WITHIN_MS,
      query_timeout: ANSWERS_WITHIN_MS,
    });
    client.on('error', () => undefined); // told by what was asked on it
    try {
      await client.connect();
      await client.query('SELECT pg_terminate_backend($1::int)', [pid]);
    } finally {
      await client.end();
    }
  }

  /** A user with powers beyond tables could leave the transaction's walls: by programs or files of the server. */
  async #mustOnlyRead(connection: PoolClient): Promise<void> {
    const { rows } = await send(connection, POWERS);
    const [powers, mayWrite] = rows[0] ?? [];
    if (powers) {
      this.log.error(
        { database: this.name, powers },
        'the user of a database may do too much; it is not used',
      );
      throw new QuestionRefused(
        `the database "${this.name}" is not used, because its user may do too much (${powers}); whoever runs this has to give it one that may only read`,
      );
    }
    if (mayWrite === 't') {
      this.log.warn(
        { database: this.name },
        'the user of a database may write to tables; nothing is written, but one that may only read is safer',
      );
    }
  }

  async #mustSendNothing(connection: PoolClient): Promise<void> {
    const { rows } = await send(connection, SENDERS, [HARMLESS_EXTENSIONS.join(' ')]);
    const senders = rows[0]?.[0];
    if (!senders) return;
    this.log.error(
      { database: this.name, senders },
      'a database that is said to send nothing holds what may; it is not used',
    );
    throw new QuestionRefused(
      `the database "${this.name}" is not used, because databases.${this.name}.sends_nothing says that nothing in it can send anything, and it holds what may (${senders}); whoever runs this has to set that to false, or remove it`,
    );
  }

  #inWords(error: unknown, signal: AbortSignal): Error {
    if (error instanceof QuestionRefused) return error;
    if (signal.aborted) return new QuestionRefused('it was broken off', { cause: error });
    const code = codeOf(error);
    if (error instanceof DatabaseError && !isAboutReaching(code)) {
      if (code === QUERY_CANCELED) {
        return this.#tookTooLong(error);
      }
      const hint = error.hint ? ` (${error.hint})` : '';
      return new QuestionRefused(`${error.message}${hint}`, { cause: error });
    }
    // The server's own words name its address and its user.
    this.log.warn({ database: this.name, code }, 'a database cannot be reached');
    return new QuestionRefused(`the database "${this.name}" cannot be reached now`, { cause: error });
  }

  #tookTooLong(cause?: unknown): QuestionRefused {
    return new QuestionRefused(`it took longer than ${this.settings.timeout / 1_000} s`, { cause });
  }
}

/** Code of PostgreSQL for what was stopped by a timeout (PostgreSQL docs, appendix A, "Error Codes"). */
const QUERY_CANCELED = '57014';

/** Classes of the same list: connections, who may connect, names of databases, resources, the server going down. */
function isAboutReaching(code: string): boolean {
  return code !== QUERY_CANCELED && /^(08|28|3D|53|57|58|XX)/.test(code);
}

/**
 * What the user may do beside reading and writing tables, in words, NULL for nothing; and whether it may write any.
 * Every role counts that it may become: a function can do that for it, also where nothing of the role is inherited.
 * (PostgreSQL docs, "Role Attributes", "Role Membership" and "Predefined Roles".)
 */
const POWERS = `
  WITH becomes AS (
    SELECT * FROM pg_roles
      WHERE pg_has_role(session_user, oid, 'MEMBER') OR pg_has_role(current_user, oid, 'MEMBER'))
  SELECT
    (SELECT string_agg(power || CASE WHEN rolname IN (session_user, current_user, power) THEN '' ELSE ' as ' || rolname END,
        ', ' ORDER BY rolname NOT IN (session_user, current_user), rolname)
      FROM becomes, unnest(ARRAY[
        CASE WHEN rolsuper THEN 'superuser' END,
        CASE WHEN rolcreaterole THEN 'createrole' END,
        CASE WHEN rolreplication THEN 'replication' END,
        CASE WHEN rolbypassrls AND NOT rolsuper THEN 'bypassrls' END,
        CASE WHEN rolname IN ('pg_execute_server_program', 'pg_read_server_files', 'pg_write_server_files', 'pg_signal_backend')
          THEN rolname END]) AS power
      WHERE power IS NOT NULL),
    EXISTS (SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, becomes b
      WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
        AND has_schema_privilege(b.oid, n.oid, 'USAGE')
        AND has_table_privilege(b.oid, c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE'))`;

/** Those that come with PostgreSQL, or are found in many databases, and reach nothing outside of it. */
const HARMLESS_EXTENSIONS = [
  ...[
    'plpgsql',
    'plperl',
    'pltcl',
    'citext',
    'hstore',
    'ltree',
    'cube',
    'earthdistance',
    'seg',
    'isn',
    'intarray',
  ],
  ...['btree_gin', 'btree_gist', 'bloom', 'pg_trgm', 'fuzzystrmatch', 'unaccent', 'dict_int', 'dict_xsyn'],
  ...['pgcrypto', 'uuid-ossp', 'tablefunc', 'intagg', 'tcn', 'lo', 'tsm_system_rows', 'tsm_system_time'],
  ...[
    'pg_stat_statements',
    'pg_buffercache',
    'pgrowlocks',
    'pgstattuple',
    'vector',
    'postgis',
    'postgis_topology',
  ],
];

/**
 * What may send something, whoever may call it, in words, NULL for nothing: extensions but those named by the first
 * value, servers of others, and functions in languages that keep nobody from anything (PostgreSQL docs, "pg_language").
 */
const SENDERS = `
  SELECT nullif(concat_ws(', ',
    (SELECT string_agg(extname, ', ' ORDER BY extname) FROM pg_extension WHERE extname <> ALL (string_to_array($1, ' '))),
    (SELECT string_agg('the server ' || srvname, ', ' ORDER BY srvname) FROM pg_foreign_server),
    (SELECT string_agg(DISTINCT 'functions in ' || l.lanname, ', ')
      FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
      WHERE NOT l.lanpltrusted AND l.lanname <> 'internal' AND p.pronamespace <> 'pg_catalog'::regnamespace
        AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'))), '')`;

/** @throws {QuestionRefused} */
async function mustOnlyCompute(connection: PoolClient, calls: readonly Call[]): Promise<void> {
  if (calls.length === 0) return;
  const { rows } = await send(connection, REFUSED_CALLS, [JSON.stringify(calls), ...CALLABLE]);
  const why = whyRefused(rows);
  if (why !== undefined) throw new QuestionRefused(why);
}

/** By a cursor that is never fetched from: nothing is computed, and nothing but a SELECT can be one. */
async function columnsOf(
  connection: PoolClient,
  question: string,
  values: readonly SqlValue[],
): Promise<FieldDef[]> {
  await send(connection, `DECLARE asked NO SCROLL CURSOR FOR ${question}`, values);
  const { fields } = await send(connection, 'FETCH FORWARD 0 FROM asked');
  await send(connection, 'CLOSE asked');
  return fields;
}

interface Sent {
  readonly fields: FieldDef[];
  readonly rows: (string | null)[][];
}

/** One statement, and never several: the extended protocol takes no more. */
async function send(
  connection: PoolClient,
  text: string,
  values: readonly SqlValue[] = [],
  timeoutMs?: number,
): Promise<Sent> {
  const query: QueryArrayConfig & { queryMode: 'extended'; query_timeout?: number } = {
    text,
    values: [...values],
    rowMode: 'array',
    queryMode: 'extended',
    ...(timeoutMs === undefined ? {} : { query_timeout: timeoutMs }),
  };
  const { fields, rows } = await connection.query<(string | null)[]>(query);
  return { fields, rows };
}

async function hasRolledBack(connection: PoolClient): Promise<boolean> {
  return send(connection, 'ROLLBACK', [], ANSWERS_WITHIN_MS)
    .then(() => send(connection, 'SELECT pg_advisory_unlock_all()', [], ANSWERS_WITHIN_MS))
    .then(
      () => true,
      () => false,
    );
}

async function untilAborted<Result>(running: Promise<Result>, signal: AbortSignal): Promise<Result> {
  running.catch(() => undefined); // whoever asked may have gone
  signal.throwIfAborted();
  const { promise, reject } = withReject<Result>();
  const onAbort = () => reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([running, promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

function withReject<Result>(): { promise: Promise<Result>; reject: (reason: unknown) => void } {
  let reject: (reason: unknown) => void = () => undefined;
  const promise = new Promise<Result>((_, refuse) => {
    reject = refuse;
  });
  promise.catch(() => undefined);
  return { promise, reject };
}

function toValue(value: string | null): string | null {
  if (value === null || value.length <= MAX_VALUE_CHARS) return value;
  return `${value.slice(0, MAX_VALUE_CHARS).replace(/[\uD800-\uDBFF]$/, '')} … (cut here)`;
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'none';
}
