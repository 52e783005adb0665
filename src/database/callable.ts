/**
 * Which functions a question may call: those that compute, or read what it may read.
 *
 * A transaction that only reads is no wall against functions: some end the questions of others, write messages that no
 * ROLLBACK takes back, take locks, or tell who asks from where. PostgreSQL says of each function what it may do, and
 * whoever makes one has to say so (PostgreSQL docs, "Function Volatility Categories"): VOLATILE is anything at all.
 *
 * Invariants
 *   1. No function that is VOLATILE is called, but those named here.
 *   2. Of the server's own, none is called that looks at anything but its values, but those named here: a later
 *      version of PostgreSQL brings none that nobody has looked at.
 *   3. No function is called that is known to run what it is given as SQL, whatever it says of itself.
 */

/** VOLATILE, and harmless: chance, clocks, waiting within the time of the question, sizes of tables. */
const VOLATILE = [
  ...['random', 'random_normal', 'array_sample', 'array_shuffle', 'clock_timestamp', 'timeofday'],
  ...['gen_random_uuid', 'uuidv4', 'uuidv7', 'gen_random_bytes', 'uuid_generate_v1', 'uuid_generate_v4'],
  ...['pg_sleep', 'pg_sleep_for', 'pg_sleep_until'],
  ...['pg_relation_size', 'pg_table_size', 'pg_total_relation_size', 'pg_indexes_size'],
];

/** Of the server's own, those that look at the clock, the time zone, the language, or types, and at nothing else. */
const STABLE = [
  ...['age', 'date', 'date_add', 'date_part', 'date_subtract', 'date_trunc', 'extract', 'generate_series'],
  ...['make_timestamptz', 'now', 'overlaps', 'statement_timestamp', 'time', 'timestamp', 'timestamptz'],
  ...['timetz', 'timezone', 'to_date', 'to_timestamp', 'transaction_timestamp'],
  ...['array_to_string', 'concat', 'concat_ws', 'convert', 'convert_from', 'convert_to', 'format', 'length'],
  ...['quote_literal', 'quote_nullable', 'to_char', 'to_number', 'money', 'numeric'],
  ...['array_to_json', 'json_agg', 'json_agg_strict', 'json_build_array', 'json_build_object'],
  ...['json_object_agg', 'json_object_agg_strict', 'json_object_agg_unique', 'json_object_agg_unique_strict'],
  ...['json_populate_record', 'json_populate_recordset', 'json_to_record', 'json_to_recordset'],
  ...['json_to_tsvector', 'row_to_json', 'to_json', 'to_jsonb'],
  ...['jsonb_agg', 'jsonb_agg_strict', 'jsonb_build_array', 'jsonb_build_object', 'jsonb_object_agg'],
  ...['jsonb_object_agg_strict', 'jsonb_object_agg_unique', 'jsonb_object_agg_unique_strict'],
  ...[
    'jsonb_path_exists_tz',
    'jsonb_path_match_tz',
    'jsonb_path_query_array_tz',
    'jsonb_path_query_first_tz',
  ],
  ...['jsonb_path_query_tz', 'jsonb_populate_record', 'jsonb_populate_recordset', 'jsonb_to_record'],
  ...['jsonb_to_recordset', 'jsonb_to_tsvector', 'xml', 'xml_is_well_formed'],
  ...['phraseto_tsquery', 'plainto_tsquery', 'to_tsquery', 'to_tsvector', 'ts_headline', 'ts_match_tq'],
  ...['ts_match_tt', 'websearch_to_tsquery', 'get_current_ts_config'],
  ...['current_schema', 'enum_first', 'enum_last', 'enum_range', 'format_type', 'pg_collation_for'],
  ...['pg_column_size', 'pg_typeof'],
];

/** STABLE as they have it, and they run SQL they are given: of tablefunc and xml2, by their names in C. */
const RUNS_SQL = ['crosstab', 'crosstab_hash', 'connectby_text', 'connectby_text_serial', 'xpath_table'];

/** Values for `REFUSED_CALLS` after the first, which is the list of calls as JSON. */
export const CALLABLE = [VOLATILE, STABLE, RUNS_SQL].map((names) => names.join(' '));

/**
 * Those of the calls that a question may not make: name, whether it is the server's own. A call that may be meant for
 * several functions of one name is refused for any of them.
 */
export const REFUSED_CALLS = `
  SELECT DISTINCT p.proname, p.pronamespace = 'pg_catalog'::regnamespace
  FROM json_to_recordset($1::json) AS asked(schema text, name text, "isAttribute" boolean)
    JOIN pg_proc p ON p.proname = asked.name
    JOIN pg_namespace n ON n.oid = p.pronamespace
  WHERE (n.nspname = asked.schema OR asked.schema IS NULL AND n.nspname = ANY (current_schemas(true)))
    AND (NOT asked."isAttribute" OR p.pronargs > 0 AND p.pronargs - p.pronargdefaults <= 1)
    AND CASE
      WHEN p.prosrc = ANY (string_to_array($4, ' ')) THEN true
      WHEN p.provolatile = 'i' THEN false
      WHEN p.pronamespace = 'pg_catalog'::regnamespace THEN p.proname <> ALL (string_to_array($2 || ' ' || $3, ' '))
      WHEN p.provolatile = 's' THEN false
      ELSE p.proname <> ALL (string_to_array($2, ' ')) OR NOT EXISTS (SELECT 1 FROM pg_depend d
        WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
    END
  ORDER BY 1`;

/** @param calls rows of `REFUSED_CALLS` */
export function whyRefused(calls: readonly (readonly (string | null)[])[]): string | undefined {
  const namesOf = (isOwn: boolean) =>
    calls.filter((call) => (call[1] === 't') === isOwn).map(([name]) => name);
  const own = namesOf(true).join(', ');
  if (own !== '')
    return `it calls ${own}, which may do more than compute; a question calls nothing of the kind`;
  const others = namesOf(false).join(', ');
  if (others === '') return undefined;
  return (
    `it calls ${others}, which may do anything, as PostgreSQL has it (VOLATILE); ` +
    `where it only reads, whoever runs the database can say so: ALTER FUNCTION … STABLE`
  );
}
