/**
 * What a question to a database calls and reads, as PostgreSQL's own parser tells it, before it is asked.
 *
 * Owns      the names in it, however they are spelled, and which of them no question may hold.
 * Not here  what a function does that it calls: the server knows (`callable.ts`).
 *
 * Invariants
 *   1. What cannot be read is refused.
 *   2. A name counts wherever PostgreSQL takes it for a function: `f(x)`, `(x).f` and `x.f` are one call
 *      (PostgreSQL docs, "Using Composite Types in Queries").
 *   3. The server's own tables are not read, and nothing is asked that names the user or the database: they tell how the
 *      database is reached, and what others ask it.
 */

/** A name that is, or may be, called. */
export interface Call {
  /** Null where none is written: then the first one of the search path that has it. */
  readonly schema: string | null;
  readonly name: string;
  /** Written as `x.f` or `(x).f`: a column most times, and a function of one value where there is no such column. */
  readonly isAttribute: boolean;
}

export type Question =
  | { readonly kind: 'readable'; readonly sql: string; readonly calls: readonly Call[] }
  | { readonly kind: 'refused'; readonly why: string };

export async function readQuestion(text: string): Promise<Question> {
  const sql = text.trim().replace(/;\s*$/, '');
  // To the parser, and to the server, the text would end there.
  if (sql.includes('\0')) return refused('it holds a character that no text may hold');
  const tree = await parsed(sql);
  if (tree instanceof Error) return refused(tree.message);
  if (!isOneSelect(tree)) return refused('it is not one SELECT');
  const nodes = nodesOf(tree);
  const calls = nodes.flatMap(callsIn);
  const why =
    nodes.map(whatItMayNotRead).find(Boolean) ??
    whatItMayNotName([...calls.map(({ name }) => name), ...nodes.flatMap(typesIn)]);
  return why === undefined ? { kind: 'readable', sql, calls } : refused(why);
}

function refused(why: string): Question {
  return { kind: 'refused', why };
}

/** Loaded with the first question: most gateways have no database. */
async function parsed(sql: string): Promise<unknown> {
  const { parse } = await import('libpg-query');
  try {
    return await parse(sql);
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

type Node = Readonly<Record<string, unknown>>;

function isOneSelect(tree: unknown): boolean {
  const [first, ...others] = isNode(tree) && Array.isArray(tree.stmts) ? tree.stmts : [];
  return others.length === 0 && isNode(first) && isNode(first.stmt) && 'SelectStmt' in first.stmt;
}

/** Every node of the tree, in no order. Not by recursion: a question may nest deeper than the stack is. */
function nodesOf(tree: unknown): Node[] {
  const found: Node[] = [];
  const left: unknown[] = [tree];
  while (left.length > 0) {
    const next = left.pop();
    if (Array.isArray(next)) left.push(...next);
    else if (isNode(next)) {
      found.push(next);
      left.push(...Object.values(next));
    }
  }
  return found;
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** By the fields that hold names, not by the kind of node: no kind is forgotten. */
function callsIn({ funcname, fields, indirection }: Node): Call[] {
  const called = namesIn(funcname);
  // Of a column, the first name alone is no call; of what follows an expression, every one.
  const attributes = [...namesIn(fields).slice(1), ...namesIn(indirection)];
  const name = called.at(-1);
  return [
    ...(name === undefined ? [] : [{ schema: called.at(-2) ?? null, name, isAttribute: false }]),
    ...attributes.map((attribute) => ({ schema: null, name: attribute, isAttribute: true })),
  ];
}

function typesIn({ names }: Node): string[] {
  return namesIn(names).slice(-1);
}

/** As the parser has them: out of their quotes, and in lower case where they had none. */
function namesIn(list: unknown): string[] {
  if (!Array.isArray(list)) return [];
  return list.flatMap((part) => {
    const text = isNode(part) ? part.String : undefined;
    return isNode(text) && typeof text.sval === 'string' ? [text.sval] : [];
  });
}

function whatItMayNotRead({ relname, schemaname, SQLValueFunction: word }: Node): string | undefined {
  if (typeof relname === 'string' && (/^pg_/.test(relname) || isOfServer(schemaname))) {
    return `it reads ${relname}, which is the server's own; db_schema tells which tables there are`;
  }
  if (
    isNode(word) &&
    !/^SVFOP_(CURRENT_(DATE|TIME|TIMESTAMP|SCHEMA)|LOCALTIME|LOCALTIMESTAMP)(_N)?$/.test(String(word.op))
  ) {
    return `it asks for ${String(word.op).replace('SVFOP_', '')}, and how a database is reached is not told`;
  }
  return undefined;
}

function isOfServer(schema: unknown): boolean {
  return typeof schema === 'string' && /^(pg_.*|information_schema)$/.test(schema);
}

/** Types, and what makes values of them: they tell names of users for numbers. A type is called like a function, too. */
const USER_NAMES = ['regrole', '_regrole', 'aclitem', '_aclitem', 'acldefault', 'makeaclitem'];

function whatItMayNotName(names: readonly string[]): string | undefined {
  const name = names.find((each) => USER_NAMES.includes(each));
  return name && `it uses ${name}, which tells names of users, and how a database is reached is not told`;
}
