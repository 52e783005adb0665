/** What the server knows of the tables of a database, for those the user may read. Questions of ours: they are not looked at. */
export const TABLES = `
  SELECT n.nspname || '.' || c.relname AS table,
    CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'f' THEN 'foreign table' ELSE 'table' END AS kind,
    CASE WHEN c.reltuples >= 0 THEN c.reltuples::bigint END AS "rows, about",
    obj_description(c.oid, 'pg_class') AS about
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
    AND n.nspname !~ '^pg_' AND has_schema_privilege(n.oid, 'USAGE') AND has_any_column_privilege(c.oid, 'SELECT')
  ORDER BY 1`;

/** Of the table that the first value names. */
export const COLUMNS = `
  SELECT a.attname AS column, format_type(a.atttypid, a.atttypmod) AS type, NOT a.attnotnull AS "may be null",
    (SELECT string_agg(pg_get_constraintdef(k.oid), '; ') FROM pg_constraint k
      WHERE k.conrelid = a.attrelid AND a.attnum = ANY (k.conkey)) AS rules,
    col_description(a.attrelid, a.attnum) AS about
  FROM pg_attribute a
  WHERE a.attrelid = to_regclass($1::text) AND a.attnum > 0 AND NOT a.attisdropped
    AND has_column_privilege(a.attrelid, a.attnum, 'SELECT')
  ORDER BY a.attnum`;
