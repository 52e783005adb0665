/**
 * What a file with mistakes still says, so that the rest of it can be held against the other files and everything
 * that is wrong is reported at once. Pure.
 *
 * A mistake costs the entry it is in: one rule, one person, one policy, one key at the top.
 */
import type { z } from 'zod';
import { type Path, valueAt } from './config-file.ts';

/** Taking away one entry can show another mistake once: a key at the top that is now missing. */
const MAX_ROUNDS = 3;

/**
 * The value without its entries that have `issues`. Lists have holes where an entry was, so that the places of the
 * others are right. Undefined when too little is left to satisfy the schema.
 */
export function salvage<Schema extends z.ZodType>(
  value: unknown,
  schema: Schema,
  issues: readonly z.core.$ZodIssue[],
): z.output<Schema> | undefined {
  const cut = new Set<string>();
  let left = issues;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const entries = left.flatMap(entriesOf);
    if (entries.some((path) => path.length === 0 || valueAt(value, path) === undefined)) return undefined;
    for (const path of entries) cut.add(JSON.stringify(path));
    const result = schema.safeParse(without(value, cut));
    if (result.success) return withHoles(result.data, value, cut);
    left = result.error.issues.map((issue) => ({ ...issue, path: issue.path.slice(0, 1) }));
  }
  return undefined;
}

/** What was saved, with its lists closed up where an entry was. */
export function closeUp<Value extends object>(saved: Value): Value {
  const entries = Object.entries(saved).map(([key, list]) => [
    key,
    Array.isArray(list) ? list.filter(() => true) : list, // holes are not asked
  ]);
  return Object.fromEntries(entries) as Value; // The same keys, and lists of the same entries.
}

function entriesOf(issue: z.core.$ZodIssue): Path[] {
  const paths =
    issue.code === 'unrecognized_keys' ? issue.keys.map((key) => [...issue.path, key]) : [issue.path];
  return paths.map((path) => path.slice(0, 2));
}

function without(value: unknown, cut: ReadonlySet<string>, path: Path = []): unknown {
  if (path.length > 1 || typeof value !== 'object' || value === null) return value;
  const isKept = (key: PropertyKey) => !cut.has(JSON.stringify([...path, key]));
  if (Array.isArray(value)) return value.filter((_entry, index) => isKept(index));
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => isKept(key))
      .map(([key, entry]) => [key, without(entry, cut, [...path, key])]),
  );
}

function withHoles<Value>(parsed: Value, written: unknown, cut: ReadonlySet<string>): Value {
  if (typeof parsed !== 'object' || parsed === null) return parsed;
  const entries = Object.entries(parsed).map(([key, list]) => {
    const before = valueAt(written, [key]);
    if (!Array.isArray(list) || !Array.isArray(before)) return [key, list];
    const holed = new Array<unknown>(before.length);
    const rest = list.values();
    for (const index of before.keys()) {
      if (!cut.has(JSON.stringify([key, index]))) holed[index] = rest.next().value;
    }
    return [key, holed];
  });
  return Object.fromEntries(entries) as Value; // The same keys, and lists of the same entries.
}
