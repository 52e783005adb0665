/**
 * Changes one key of one file, as an editor would: comments and layout stay, and nothing is written that could not
 * be loaded.
 *
 * Invariants
 *   1. Only somebody whose role has `config.change` changes anything.
 *   2. The whole configuration is checked with the change in it before a byte is written.
 *   3. A reader sees the old file or the new one, never half of one.
 *   4. A secret is not written to a file, and not to the audit.
 */
import { join } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import {
  type Document,
  isScalar,
  isSeq,
  parseDocument,
  parse as parseYaml,
  type Scalar,
  stringify,
} from 'yaml';
import type { AuditEvent } from '../domain/audit-event.ts';
import type { Person } from '../domain/person.ts';
import { isSecretKey, redactText } from '../observability/redaction.ts';
import { type Authorizations, mayDo } from './authorizations.ts';
import { ConfigError, type ConfigProblem } from './config-error.ts';
import { type Path, parseKeyPath } from './config-file.ts';
import {
  CONFIG_PARTS,
  type ConfigOptions,
  type ConfigPart,
  type ConfigTexts,
  fileNameOf,
  parseConfig,
  readConfigTexts,
} from './load-config.ts';

export interface SettingChange {
  /** The file's name, then the key: `escalation.policies.default.deadline`, `authorizations.rules[1].decision`. */
  readonly key: string;
  /** As it would stand in the file: `48h`, `32`, `[6h, 18h]`. */
  readonly value: string;
  readonly by: Person;
  /** Where the request came from: `cli`. */
  readonly channel?: string;
}

export type SettingRefusal = 'not-permitted' | 'unknown-key' | 'secret' | 'invalid' | 'changed-meanwhile';

export type SettingOutcome =
  | {
      readonly kind: 'changed';
      readonly file: string;
      readonly audit: AuditEvent;
    }
  | { readonly kind: 'unchanged' }
  | {
      readonly kind: 'refused';
      readonly reason: SettingRefusal;
      /** For the person who asked. */
      readonly sentence: string;
      readonly problems: readonly ConfigProblem[];
      readonly audit: AuditEvent;
    };

/** Resolves once the change is on disk, or refused. `authorizations` are those in force. */
export async function changeSetting(
  change: SettingChange,
  authorizations: Authorizations,
  options: ConfigOptions,
): Promise<SettingOutcome> {
  if (!mayDo(authorizations, change.by.roles, 'config.change')) {
    return refuse(
      change,
      'not-permitted',
      `${change.by.name} may not change the configuration: no role of theirs has config.change`,
    );
  }
  const target = findTarget(change.key);
  if (target === undefined) {
    const sentence = `a key begins with its file: ${CONFIG_PARTS.join(', ')}; for example settings.log.level`;
    return refuse(change, 'unknown-key', sentence);
  }
  if (holdsSecret(target, change.value)) {
    const sentence = `this is a secret: put it in .env, and refer to it as \${NAME}`;
    return refuse(change, 'secret', sentence);
  }

  const texts = readConfigTexts(options.directory);
  const before = texts[target.part] ?? '';
  const after = editText(before, target.path, toValue(change.value));
  if (after === undefined)
    return refuse(change, 'unknown-key', `${change.key} is not a place that can hold a value`);
  if (after === before) return { kind: 'unchanged' };

  const problems = problemsOf({ ...texts, [target.part]: after }, options);
  if (problems.length > 0)
    return refuse(change, 'invalid', 'nothing was changed: the configuration would be invalid', problems);
  if (readConfigTexts(options.directory)[target.part] !== before) {
    return refuse(
      change,
      'changed-meanwhile',
      `${fileNameOf(target.part)} was changed by somebody else; look at it and try again`,
    );
  }

  const file = fileNameOf(target.part);
  await writeFileAtomic(join(options.directory, file), after);
  const audit = auditOf(change, 'config.changed', { from: writtenAt(before, target.path), to: change.value });
  return { kind: 'changed', file, audit };
}

interface Target {
  readonly part: ConfigPart;
  readonly path: Path;
}

function findTarget(key: string): Target | undefined {
  const [first, ...path] = parseKeyPath(key) ?? [];
  const part = CONFIG_PARTS.find((known) => known === first);
  return part === undefined || path.length === 0 ? undefined : { part, path };
}

/** A reference to a secret is welcome; the secret itself is not. */
function holdsSecret({ path }: Target, value: string): boolean {
  if (redactText(value) !== value) return true;
  return path.some((segment) => typeof segment === 'string' && isSecretKey(segment)) && !value.includes('${');
}

function toValue(written: string): unknown {
  try {
    return parseYaml(written) ?? written;
  } catch {
    return written;
  }
}

/** The text with `value` at `path`; undefined where nothing can stand. Pure. */
export function editText(text: string, path: Path, value: unknown): string | undefined {
  const document = parseDocument(text);
  if (document.errors.length > 0) return undefined;
  const node: unknown = document.getIn(path, true);
  if (isInline(node) && isPrimitive(value)) return splice(text, node, value);
  return rewrite(document, path, value);
}

type InlineScalar = Scalar & { range: [number, number, number] };

/** A value within its line: replacing just its characters leaves everything else byte for byte. */
function isInline(node: unknown): node is InlineScalar {
  return (
    isScalar(node) &&
    node.range != null &&
    node.type !== 'BLOCK_LITERAL' &&
    node.type !== 'BLOCK_FOLDED' &&
    node.source !== ''
  );
}

function splice(text: string, node: InlineScalar, value: string | number | boolean): string {
  if (node.value === value) return text;
  const [start, end] = node.range;
  return `${text.slice(0, start)}${inlineText(value)}${text.slice(end)}`;
}

function inlineText(value: string | number | boolean): string {
  if (typeof value !== 'string') return String(value);
  return /^[\w./@-][\w./@:-]*$/.test(value) && stringify(value).trim() === value
    ? value
    : JSON.stringify(value);
}

function rewrite(document: Document, path: Path, value: unknown): string | undefined {
  if (path.some((segment, n) => leavesGap(document.getIn(path.slice(0, n), true), segment))) return undefined;
  try {
    document.setIn(path, document.createNode(value));
  } catch {
    return undefined; // Something on the way holds a plain value, not keys.
  }
  return document.toString({ lineWidth: 0 });
}

/** Whether an entry would stand behind others that are not there. */
function leavesGap(list: unknown, segment: Path[number]): boolean {
  return isSeq(list) && typeof segment === 'number' && segment > list.items.length;
}

function isPrimitive(value: unknown): value is string | number | boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}

function problemsOf(texts: ConfigTexts, options: ConfigOptions): readonly ConfigProblem[] {
  try {
    parseConfig(texts, options);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

/** What the file says, references as written. */
function writtenAt(text: string, path: Path): string {
  const node: unknown = parseDocument(text).getIn(path, false);
  if (node === undefined) return 'nothing';
  return isPrimitive(node) ? String(node) : 'a group of keys or a list';
}

function refuse(
  change: SettingChange,
  reason: SettingRefusal,
  sentence: string,
  problems: readonly ConfigProblem[] = [],
): SettingOutcome {
  return {
    kind: 'refused',
    reason,
    sentence,
    problems,
    audit: auditOf(change, 'config.refused', { reason }),
  };
}

function auditOf(change: SettingChange, event: string, facts: Record<string, string>): AuditEvent {
  const detail = Object.entries(facts).map(([name, fact]) => [name, redactText(fact)]);
  return {
    event,
    correlation: `config:${change.key}`,
    actor: change.by.id,
    subject: change.key,
    ...(change.channel === undefined ? {} : { channel: change.channel }),
    detail: Object.fromEntries(detail),
  };
}
