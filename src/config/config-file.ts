/**
 * One configuration file: its text, the values in it with references resolved, and where each of them stands.
 *
 * Invariants
 *   1. Positions survive: every value, missing key and unknown key can be traced to a line.
 *   2. What a reference yielded is never shown; the reference is.
 */
import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  parse as parseYaml,
  type YAMLError,
} from 'yaml';
import { isSecretKey, redactText, secretParts } from '../observability/redaction.ts';
import type { ConfigProblem } from './config-error.ts';
import { type Environment, expandReferences } from './references.ts';

export type Path = readonly PropertyKey[];

/** A file that could be read, and what it says: without the entries that have mistakes if it is not `whole`. */
export interface Parsed<Value> {
  readonly file: ConfigFile;
  /** Undefined when the mistakes leave too little. */
  readonly value: Value | undefined;
  readonly whole: boolean;
}

/** Longest piece of a value shown in a report. */
const MAX_SHOWN_CHARS = 60;

/** YAML's own protection: more expansions of aliases than this and the file is refused. */
const MAX_ALIASES = 100;

export class ConfigFile {
  readonly name: string;
  /** What stands in the file: references resolved; keys without a value, and groups of nothing but those, left out. */
  readonly value: unknown;
  /** Syntax errors, duplicate keys, missing variables. */
  readonly problems: readonly ConfigProblem[];
  /** False when the text is no YAML: its `value` says nothing. */
  readonly readable: boolean;
  /** Values of variables that nobody is to read; see `isPlain`. */
  readonly secrets: readonly string[];
  readonly #document: Document.Parsed;
  readonly #lines = new LineCounter();
  /** Key path of every value that came from a reference, with the text as written. */
  readonly #references = new Map<string, string>();
  readonly #secrets = new Set<string>();

  constructor(name: string, text: string, env: Environment) {
    this.name = name;
    this.#document = parseDocument(text, { lineCounter: this.#lines, prettyErrors: false });
    const problems = this.#document.errors.map((error) => this.#syntaxProblem(error));
    const plain = this.#document.errors.every(isDuplicateKey) ? this.#plainValue(problems) : undefined;
    this.readable = plain !== undefined;
    this.value = this.readable ? this.#resolve(plain, [], env, problems) : undefined;
    this.problems = problems;
    this.secrets = [...this.#secrets];
  }

  /** A problem at `path`; `found` defaults to what stands there. */
  problemAt(
    path: Path,
    problem: { expected: string; found?: string; hint?: string | undefined },
  ): ConfigProblem {
    return {
      file: this.name,
      line: this.lineOf(path),
      keyPath: toKeyPath(path),
      expected: problem.expected,
      found: problem.found ?? this.show(path),
      hint: problem.hint,
    };
  }

  /** The line of the value at `path`, or of the nearest thing around it that exists. */
  lineOf(path: Path): number {
    return this.#lines.linePos(this.#offsetOf(path)).line;
  }

  /** What stands at `path`, short, with references as written and without secrets. */
  show(path: Path): string {
    const reference = this.#references.get(toKeyPath(path));
    if (reference !== undefined)
      return `${hideDefaults(reference)} ${describeHidden(valueAt(this.value, path))}`;
    return showValue(valueAt(this.value, path), path);
  }

  isReference(path: Path): boolean {
    return this.#references.has(toKeyPath(path));
  }

  /** The keys of the group at `path`, as written; also those whose entries have mistakes. */
  keysAt(path: Path): readonly string[] {
    const group = valueAt(this.value, path);
    return typeof group === 'object' && group !== null ? Object.keys(group) : [];
  }

  /** True if a list stands at `path`, as opposed to a single value. */
  isList(path: Path): boolean {
    return Array.isArray(valueAt(this.value, path));
  }

  /** Undefined when aliases lead nowhere, or multiply without end. */
  #plainValue(problems: ConfigProblem[]): unknown {
    try {
      return this.#document.toJS({ maxAliasCount: MAX_ALIASES }) ?? {};
    } catch (error) {
      const found = shorten(redactText(error instanceof Error ? error.message : String(error)));
      problems.push({
        file: this.name,
        line: undefined,
        keyPath: '',
        expected: 'readable YAML',
        found,
        hint: undefined,
      });
      return undefined;
    }
  }

  #resolve(value: unknown, path: Path, env: Environment, problems: ConfigProblem[]): unknown {
    if (typeof value === 'string') return this.#resolveText(value, path, env, problems);
    if (Array.isArray(value)) {
      return value.map((entry, index) => this.#resolve(entry, [...path, index], env, problems));
    }
    if (typeof value !== 'object' || value === null) return value;
    const written = Object.entries(value);
    const entries = written
      .map(([key, entry]) => [key, this.#resolve(entry, [...path, key], env, problems)] as const)
      .filter(([, entry]) => entry !== undefined && entry !== null);
    // A server none of whose variables is set is no server, rather than one without a host.
    const vanished = entries.length === 0 && written.length > 0 && path.length > 0;
    return vanished ? undefined : Object.fromEntries(entries);
  }

  /** Undefined, like a key left out, when the text is references only and they yield nothing. */
  #resolveText(text: string, path: Path, env: Environment, problems: ConfigProblem[]): string | undefined {
    if (!text.includes('${')) return text;
    const expansion = expandReferences(text, env);
    if (expansion.referenced) this.#references.set(toKeyPath(path), text);
    for (const value of expansion.values) {
      if (!isPlain(path, value)) for (const secret of secretParts(value)) this.#secrets.add(secret);
    }
    if (expansion.malformed) {
      problems.push(
        this.problemAt(path, {
          expected: `a reference like \${NAME} or \${NAME:-default}`,
          found: redactText(text),
          hint: `write $\${ for the characters \${ themselves`,
        }),
      );
    }
    for (const name of expansion.missing) {
      problems.push(
        this.problemAt(path, {
          expected: `the environment variable ${name}`,
          found: `${name} is not set`,
          hint: `set ${name} in .env or in the environment, or write \${${name}:-default}`,
        }),
      );
    }
    return expansion.referenced && expansion.text === '' ? undefined : expansion.text;
  }

  #syntaxProblem(error: YAMLError): ConfigProblem {
    const line = this.#lines.linePos(error.pos[0]).line;
    const place = { file: this.name, line, keyPath: '' };
    if (isDuplicateKey(error)) {
      const { path, first } = this.#keyAt(error.pos[0]);
      return {
        ...place,
        keyPath: toKeyPath(path),
        expected: 'each key once',
        found: `"${String(path.at(-1) ?? '')}" a second time`,
        hint: first === undefined ? undefined : `the first stands in line ${this.#lines.linePos(first).line}`,
      };
    }
    return {
      ...place,
      expected: 'readable YAML',
      found: shorten(redactText(error.message)),
      hint: error.code === 'TAB_AS_INDENT' ? 'indent with spaces, not with tabs' : YAML_HINT,
    };
  }

  /** The key that begins there, and where the first of its name in the same group begins. */
  #keyAt(start: number): { readonly path: Path; readonly first: number | undefined } {
    const find = (node: unknown, path: Path): { path: Path; first: number | undefined } | undefined => {
      if (isSeq(node)) return firstOf(node.items, (item, index) => find(item, [...path, index]));
      if (!isMap(node)) return undefined;
      return firstOf(node.items, ({ key, value }) => {
        if (!isScalar(key)) return find(value, path);
        const own = [...path, String(key.value)];
        if (key.range?.[0] !== start) return find(value, own);
        const first = node.items.find((item) => isScalar(item.key) && item.key.value === key.value);
        return { path: own, first: startOf(first?.key) };
      });
    };
    return find(this.#document.contents, []) ?? { path: [], first: undefined };
  }

  #offsetOf(path: Path): number {
    let node: unknown = this.#document.contents;
    let offset = startOf(node) ?? 0;
    for (const segment of path) {
      if (isAlias(node)) node = node.resolve(this.#document);
      if (isMap(node)) {
        const pair = node.items.find(
          (item) => isPair(item) && isScalar(item.key) && String(item.key.value) === segment,
        );
        if (pair === undefined) return offset;
        offset = startOf(pair.key) ?? offset;
        node = pair.value;
      } else if (isSeq(node)) {
        node = node.items[Number(segment)];
        if (node === undefined) return offset;
        offset = startOf(node) ?? offset;
      } else {
        return offset;
      }
    }
    return offset;
  }
}

/**
 * Whether what a variable yielded may be read by anybody: an address, a mode, a name. Whatever else comes from the
 * environment is kept there because it is a secret, most of all where whoever writes the file gives things names.
 */
function isPlain(path: Path, value: string): boolean {
  if (PLAIN_VALUE.test(value)) return true;
  const keys = path.filter((segment) => typeof segment === 'string');
  return !keys.some((key) => FREE_GROUPS.has(key)) && PLAIN_KEY.test(keys.at(-1) ?? '');
}

/** Of what variables of other programs, and headers of requests, are called we know nothing. */
const FREE_GROUPS: ReadonlySet<string> = new Set(['env', 'headers']);

const PLAIN_KEY =
  /(?:^|_)(?:hosts?|port|secure|mode|user|e?mail|address|aliases|protocol|server|level|name|model|id|issue|public_key|path|directory|zone|time_zone|domain|channels?)$/;

/** A number, a switch, a path, a mail address, a web address with neither a user nor a query. */
const PLAIN_VALUE =
  /^(?:[\d.]+|true|false|yes|no|on|off|[/~][^\s]*|[^\s@/:]+@[^\s@/:]+\.[^\s@/:]+|[a-z]+:\/\/[^\s@?#]*)$/i;

/** The one error that leaves the rest of the file readable. */
function isDuplicateKey(error: YAMLError): boolean {
  return error.code === 'DUPLICATE_KEY';
}

function firstOf<Item, Found>(
  items: readonly Item[],
  find: (item: Item, index: number) => Found | undefined,
): Found | undefined {
  for (const [index, item] of items.entries()) {
    const found = find(item, index);
    if (found !== undefined) return found;
  }
  return undefined;
}

const YAML_HINT =
  'look at this line and the one above: indentation, a missing colon, a quote that is not closed';

/** `rules[2].approvers.role`; a key with a dot in it is written `people["a.b"]`. */
export function toKeyPath(path: Path): string {
  return path.reduce<string>((text, segment) => {
    if (typeof segment === 'number') return `${text}[${segment}]`;
    const key = String(segment);
    if (/[.[\]"]/.test(key)) return `${text}["${key}"]`;
    return text === '' ? key : `${text}.${key}`;
  }, '');
}

/** The other way; undefined when the text is no key path. */
export function parseKeyPath(text: string): Path | undefined {
  if (!KEY_PATH.test(text)) return undefined;
  return [...text.matchAll(KEY_SEGMENT)].map(([, index, quoted, plain]) =>
    index === undefined ? (quoted ?? plain ?? '') : Number(index),
  );
}

const KEY_SEGMENT = /\[(\d+)\]|\["([^"]*)"\]|([^.[\]"]+)/g;
const KEY_PATH = /^[^.[\]"]+(\[\d+\]|\["[^"]*"\]|\.[^.[\]"]+)*$/;

export function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>((inner, segment) => {
    if (typeof inner !== 'object' || inner === null || !Object.hasOwn(inner, segment)) return undefined;
    // Own property, just checked.
    return (inner as Record<PropertyKey, unknown>)[segment];
  }, value);
}

/** A copy of `value` with `replacement` at `path`. */
export function replaceAt(value: unknown, path: Path, replacement: unknown): unknown {
  const [segment, ...rest] = path;
  if (segment === undefined) return replacement;
  if (Array.isArray(value)) {
    return value.map((entry, index) => (index === segment ? replaceAt(entry, rest, replacement) : entry));
  }
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value);
  return Object.fromEntries(
    entries.map(([key, entry]) => [key, key === segment ? replaceAt(entry, rest, replacement) : entry]),
  );
}

/** The text as YAML would type it: `25` a number, `true` a boolean, everything else itself. */
export function typedScalar(text: string): unknown {
  try {
    const typed: unknown = parseYaml(text, { maxAliasCount: 0 });
    return typeof typed === 'number' || typeof typed === 'boolean' ? typed : text;
  } catch {
    return text;
  }
}

/** `${NAME:-…}`: a default may be a secret as well. */
function hideDefaults(reference: string): string {
  return redactText(reference.replace(/:-[^}]+\}/g, ':-…}'));
}

function describeHidden(value: unknown): string {
  return typeof value === 'string' ? `(${value.length} characters, not shown)` : '(empty)';
}

function showValue(value: unknown, path: Path): string {
  if (value === undefined || value === null) return 'nothing';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'object') return Object.keys(value).length === 0 ? 'nothing in it' : 'a group of keys';
  if (path.some((segment) => typeof segment === 'string' && isSecretKey(segment)))
    return 'a value (not shown)';
  return shorten(typeof value === 'string' ? `"${redactText(value)}"` : String(value));
}

function shorten(text: string): string {
  return text.length <= MAX_SHOWN_CHARS ? text : `${text.slice(0, MAX_SHOWN_CHARS)}…`;
}

function startOf(node: unknown): number | undefined {
  return isNode(node) ? node.range?.[0] : undefined;
}
