/** Holds a file against its schema and puts what is wrong into words. Pure. */
import { closest, distance } from 'fastest-levenshtein';
import { z } from 'zod';
import type { ConfigProblem } from './config-error.ts';
import { type ConfigFile, type Path, replaceAt, typedScalar, valueAt } from './config-file.ts';
import { salvage } from './salvage.ts';

export interface Checked<Value> {
  /** With problems: what could be saved of it; undefined when that is too little. */
  readonly value: Value | undefined;
  readonly problems: readonly ConfigProblem[];
}

export function checkSchema<Schema extends z.ZodType>(
  file: ConfigFile,
  schema: Schema,
): Checked<z.output<Schema>> {
  const { value, result } = parseWithReferences(file, schema);
  if (result.success) return { value: result.data, problems: [] };

  // A missing variable was reported where it stands; that its key is empty as well would be noise.
  const known = new Set(file.problems.map((problem) => problem.keyPath));
  const problems = result.error.issues
    .flatMap((issue) => toProblems(issue, [], file, schema))
    .filter((problem) => !known.has(problem.keyPath));
  return { value: salvage(value, schema, result.error.issues), problems };
}

/** The entry of `known` that was probably meant. */
export function didYouMean(written: string, known: readonly string[]): string | undefined {
  if (known.length === 0) return undefined;
  const nearest = closest(written, known);
  const tolerance = Math.max(2, Math.floor(written.length / 3));
  return nearest !== written && distance(written, nearest) <= tolerance ? nearest : undefined;
}

/**
 * What a reference yields is text. Where the schema wants a number or a boolean it is read as YAML would read it;
 * where it wants text (a password that is all digits) it stays text.
 */
function parseWithReferences<Schema extends z.ZodType>(file: ConfigFile, schema: Schema) {
  const asText = schema.safeParse(file.value);
  if (asText.success) return { value: file.value, result: asText };

  const typed = asText.error.issues.reduce<unknown>((value, { path }) => {
    const text = valueAt(value, path);
    return typeof text === 'string' && file.isReference(path)
      ? replaceAt(value, path, typedScalar(text))
      : value;
  }, file.value);
  return { value: typed, result: schema.safeParse(typed) };
}

type Issue = z.core.$ZodIssue;

function toProblems(issue: Issue, base: Path, file: ConfigFile, schema: z.ZodType): ConfigProblem[] {
  const path = [...base, ...issue.path];
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => unknownKey(key, path, file, schema));
    case 'invalid_union': {
      const branch = likeliestBranch(issue.errors);
      if (branch !== undefined) return branch.flatMap((inner) => toProblems(inner, path, file, schema));
      return [file.problemAt(path, describeUnion(issue, path, file, schema))];
    }
    case 'invalid_key': {
      const expected = describeFormat(issue.issues[0]?.message ?? 'another key');
      return [file.problemAt(path, { expected, found: `the key "${String(path.at(-1))}"` })];
    }
    case 'invalid_value': {
      const expected = oneOf(issue.values.map(String));
      const written = valueAt(file.value, path);
      const meant = typeof written === 'string' ? didYouMean(written, issue.values.map(String)) : undefined;
      return [file.problemAt(path, { expected, hint: meant && `did you mean ${meant}?` })];
    }
    default:
      return [
        file.problemAt(path, { expected: describeExpected(issue), hint: nearMiss(path, file, schema) }),
      ];
  }
}

/** For a key that is missing: one almost like it was written, or its variable is not set. */
function nearMiss(path: Path, file: ConfigFile, schema: z.ZodType): string | undefined {
  if (valueAt(file.value, path) !== undefined) return undefined;
  if (file.isReference(path)) return 'set it in .env or in the environment';

  const key = path.at(-1);
  const siblings = valueAt(file.value, path.slice(0, -1));
  if (typeof key !== 'string' || typeof siblings !== 'object' || siblings === null) return undefined;
  const known = knownKeys(schema, path.slice(0, -1));
  const written = didYouMean(
    key,
    Object.keys(siblings).filter((sibling) => !known.includes(sibling)),
  );
  return written && `there is "${written}"; did you mean ${key}?`;
}

function unknownKey(key: string, path: Path, file: ConfigFile, schema: z.ZodType): ConfigProblem {
  const known = knownKeys(schema, path);
  const expected = known.length === 0 ? 'no keys here' : `only the keys ${known.join(', ')}`;
  if (known.includes(key)) {
    const decision = valueAt(file.value, [...path, 'decision']);
    const hint = typeof decision === 'string' ? `${key} means nothing with decision: ${decision}` : undefined;
    return file.problemAt([...path, key], { expected: `no ${key} here`, found: `the key "${key}"`, hint });
  }
  const meant = didYouMean(key, known);
  return file.problemAt([...path, key], {
    expected,
    found: `the unknown key "${key}"`,
    hint: meant && `did you mean ${meant}?`,
  });
}

/** The branch somebody was probably writing: of those that got started, one that knows what they wrote, with the fewest complaints. */
function likeliestBranch(branches: readonly (readonly Issue[])[]): readonly Issue[] | undefined {
  const started = branches.filter((issues) => !issues.some(isWrongFromTheStart));
  return started.toSorted((a, b) => strangeIn(a) - strangeIn(b) || a.length - b.length)[0];
}

/** How much of what is written there at the top belongs to another one, and is no key of this one with a slip in it. */
function strangeIn(issues: readonly Issue[]): number {
  const wanted = issues.flatMap(({ path: [key, ...below] }) =>
    typeof key === 'string' && below.length === 0 ? [key] : [],
  );
  const counts = issues.map((issue) => {
    if (issue.path.length > 0) return 0;
    if (issue.code === 'invalid_union') return strangeIn(likeliestBranch(issue.errors) ?? []);
    if (issue.code !== 'unrecognized_keys') return 0;
    return issue.keys.filter((key) => didYouMean(key, wanted) === undefined).length;
  });
  return counts.reduce((sum, count) => sum + count, 0);
}

/** Whether it is not even of the kind that is written there; where there are several, of none of them. */
function isWrongFromTheStart(issue: Issue): boolean {
  if (issue.path.length > 0) return false;
  if (issue.code === 'invalid_union') return likeliestBranch(issue.errors) === undefined;
  return issue.code === 'invalid_type' || issue.code === 'invalid_value';
}

/** Each kind that would do there. */
function kindsIn(issue: Issue): readonly Issue[] {
  return issue.code === 'invalid_union'
    ? issue.errors.flatMap((errors) => errors.filter(isWrongFromTheStart).flatMap(kindsIn))
    : [issue];
}

function describeUnion(
  issue: z.core.$ZodIssueInvalidUnion,
  path: Path,
  file: ConfigFile,
  schema: z.ZodType,
): { expected: string; hint?: string | undefined } {
  const discriminator = issue.discriminator;
  if (discriminator !== undefined) {
    const choices = discriminatorValues(schema, path.slice(0, -1), discriminator);
    const written = file.show(path);
    const meant = didYouMean(written.replaceAll('"', ''), choices);
    return { expected: oneOf(choices), hint: meant && `did you mean ${meant}?` };
  }
  const wrong = kindsIn(issue);
  const words = wrong.flatMap((inner) => (inner.code === 'invalid_value' ? inner.values.map(String) : []));
  const written = valueAt(file.value, path);
  const meant = typeof written === 'string' ? didYouMean(written, words) : undefined;
  const expected = [...new Set(wrong.map(describeExpected))].join(', or ');
  return { expected, hint: meant && `did you mean ${meant}?` };
}

function describeExpected(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      // A type that says itself what it takes (a duration) says more than that it is written as text.
      if (!issue.message.startsWith('Invalid input')) return describePredicate(issue.message);
      return TYPE_WORDS[issue.expected] ?? issue.expected;
    case 'invalid_value':
      return oneOf(issue.values.map(String));
    case 'too_small':
      return amountWords(issue.origin, issue.minimum, 'at least');
    case 'too_big':
      return amountWords(issue.origin, issue.maximum, 'at most');
    case 'invalid_format':
      if (issue.format === 'starts_with' && 'prefix' in issue)
        return `text that starts with ${String(issue.prefix)}`;
      return FORMAT_WORDS[issue.format] ?? describeFormat(issue.message);
    default:
      return describePredicate(issue.message);
  }
}

/** A check of a gateway says `must be https` of its value; after "expected" it reads `https`. */
function describePredicate(message: string): string {
  if (/^(?:starts|ends) /.test(message)) return `text that ${message}`;
  if (/^(?:is|has|lacks|needs|would) /.test(message)) return `something else; as it stands it ${message}`;
  return message.replace(/^must (?:be |have )?/, '');
}

/** `a role is lower-case letters` says what is right; after "expected" it reads `a role: lower-case letters`. */
function describeFormat(message: string): string {
  return describePredicate(message.replace(/^(an? [\w -]+?) is /, '$1: '));
}

const TYPE_WORDS: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a group of keys',
  record: 'a group of keys',
};

const FORMAT_WORDS: Readonly<Record<string, string>> = {
  email: 'an e-mail address',
  url: 'a URL, with https:// before it',
  ipv4: 'an IPv4 address',
  ipv6: 'an IPv6 address',
};

function amountWords(origin: string, bound: number | bigint, word: string): string {
  if (origin === 'string')
    return bound === 1 && word === 'at least' ? 'some text' : `${word} ${bound} characters`;
  if (origin === 'array') return `${word} ${bound === 1 ? 'one entry' : `${bound} entries`}`;
  return `${word} ${bound}`;
}

function oneOf(values: readonly string[]): string {
  return values.length === 1 ? `${values[0]}` : `one of ${values.join(', ')}`;
}

/** What we read of a JSON Schema to learn which keys a place admits. */
interface SchemaNode {
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly additionalProperties?: SchemaNode | boolean;
  readonly items?: SchemaNode;
  readonly anyOf?: readonly SchemaNode[];
  readonly oneOf?: readonly SchemaNode[];
  readonly const?: unknown;
}

function knownKeys(schema: z.ZodType, path: Path): string[] {
  return [...new Set(nodesAt(schema, path).flatMap((node) => Object.keys(node.properties ?? {})))];
}

function discriminatorValues(schema: z.ZodType, path: Path, discriminator: string): string[] {
  const constants = nodesAt(schema, path).map((node) => node.properties?.[discriminator]?.const);
  return constants.filter((value) => typeof value === 'string');
}

function nodesAt(schema: z.ZodType, path: Path): SchemaNode[] {
  // The parts of JSON Schema named in SchemaNode; anything else in it is ignored.
  const root = z.toJSONSchema(schema, {
    io: 'input',
    unrepresentable: 'any',
    reused: 'inline',
  }) as SchemaNode;
  return path.reduce<SchemaNode[]>(
    (nodes, segment) => nodes.flatMap((node) => stepInto(node, segment)).flatMap(alternatives),
    alternatives(root),
  );
}

function stepInto(node: SchemaNode, segment: PropertyKey): SchemaNode[] {
  const property = node.properties?.[String(segment)];
  if (property !== undefined) return [property];
  const others = typeof segment === 'number' ? node.items : node.additionalProperties;
  return typeof others === 'object' ? [others] : [];
}

function alternatives(node: SchemaNode): SchemaNode[] {
  const branches = [...(node.anyOf ?? []), ...(node.oneOf ?? [])];
  return branches.length === 0 ? [node] : [node, ...branches.flatMap(alternatives)];
}
