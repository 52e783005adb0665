/**
 * The patterns in the schema of a tool's arguments, which a server writes and we run. Pure.
 *
 * An engine that goes back over a text can take hours for thirty characters, and nothing else happens meanwhile. So they
 * run in one whose time grows with the text and no faster (RE2, `re2js`), which knows no lookaround and no reference to
 * what was found before. What it cannot run is left to the server, and whoever reviews the tool is told.
 */
import { RE2JS } from 're2js';

export interface Matcher {
  test(text: string): boolean;
  /** The pattern, which it is known by. */
  toString(): string;
}

/**
 * As `RegExp` would find it, but for `\s`, which here is a plain blank, a tab or an end of line and no other.
 *
 * @throws when it is no pattern, or none that can be run here
 */
export function matcherOf(pattern: string): Matcher {
  new RegExp(pattern, 'u'); // What JavaScript takes for one; it runs nothing yet.
  const matching = RE2JS.compile(RE2JS.translateRegExp(pattern));
  return { test: (text) => matching.matcher(text).find(), toString: () => pattern };
}

/** Every pattern somewhere in it; also what only looks like one, among words that a schema gives as examples. */
export function patternsIn(schema: unknown): string[] {
  if (Array.isArray(schema)) return schema.flatMap(patternsIn);
  if (!isObject(schema)) return [];
  return Object.entries(schema).flatMap(([keyword, value]) => [
    ...(keyword === 'pattern' && typeof value === 'string' ? [value] : []),
    ...(keyword === 'patternProperties' && isObject(value) ? Object.keys(value) : []),
    ...patternsIn(value),
  ]);
}

/** Those of its patterns that cannot be run here. */
export function uncheckedIn(schema: unknown): string[] {
  return [...new Set(patternsIn(schema))].filter((pattern) => isPattern(pattern) && !canRun(pattern));
}

/**
 * What is left of a schema to be checked here. It refuses nothing that the whole would let through: under a `not`, a
 * pattern that was merely left out would. So an argument that has to do with one that cannot be run may be anything.
 */
export function checkable(schema: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const unchecked = new Set(uncheckedIn(schema));
  if (unchecked.size === 0) return { ...schema };
  // Where a reference leads is not followed: it may lead to one.
  const isKept = (part: unknown) => !refers(part) && !patternsIn(part).some((each) => unchecked.has(each));
  const { properties = {}, ...rest } = schema;
  const isNamed = !('patternProperties' in rest) || isKept({ patternProperties: rest.patternProperties });
  const kept = Object.entries(rest).filter(
    ([keyword, part]) =>
      isKept({ [keyword]: part }) &&
      !HANG_ON_OTHERS.has(keyword) &&
      (isNamed || keyword !== 'additionalProperties'),
  );
  const named = Object.entries(isObject(properties) ? properties : {});
  return {
    ...Object.fromEntries(kept),
    properties: Object.fromEntries(named.map(([name, part]) => [name, isKept(part) ? part : true])),
  };
}

/** What they say depends on the parts beside them. */
const HANG_ON_OTHERS: ReadonlySet<string> = new Set(['unevaluatedProperties', 'if', 'then', 'else']);
const REFERENCES: ReadonlySet<string> = new Set(['$ref', '$dynamicRef', '$recursiveRef']);

function refers(part: unknown): boolean {
  if (Array.isArray(part)) return part.some(refers);
  if (!isObject(part)) return false;
  return Object.entries(part).some(([keyword, value]) => REFERENCES.has(keyword) || refers(value));
}

/** One that is none is a mistake in the schema, and told as that. */
function isPattern(pattern: string): boolean {
  return doesNotThrow(() => new RegExp(pattern, 'u'));
}

function canRun(pattern: string): boolean {
  return doesNotThrow(() => matcherOf(pattern));
}

function doesNotThrow(act: () => unknown): boolean {
  try {
    act();
    return true;
  } catch {
    return false;
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
