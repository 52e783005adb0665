/**
 * The forms by which a request is asked about, changed, or agreed to for good, and what was filled into them. Pure.
 *
 * Invariants
 *   1. What was left as it stood is not changed, whatever type it has: reading back an untouched form changes nothing.
 *   2. What does not fit a platform's form is left out of it and said to be; it stays as it is.
 */
import type { Approval } from '../domain/approval/record.ts';
import type { Form, FormBounds, FormChoice, FormField } from '../domain/form.ts';
import { titleOf, visible } from './sentences.ts';

/** The one field of a question. */
const TEXT = 'text';
/** Before the name of an argument; `LINES` holds all of them where they are too many. */
const ARGUMENT = 'argument:';
const LINES = 'arguments';
const RULE = { kind: 'kind', forMs: 'for', times: 'times' } as const;

/** Longest name of an argument that has a field of its own, in characters; `FormField.name` takes 100. */
const MAX_NAME_CHARS = 80;
/** A longer value gets room for several lines. */
const ONE_LINE_CHARS = 60;

const DAY_MS = 24 * 60 * 60_000;
/** Proposed, as far as the policy goes so far. */
const PROPOSED = { forMs: 7 * DAY_MS, times: 5 };

export function formFor(approval: Approval, choice: FormChoice, bounds: FormBounds): Form {
  switch (choice) {
    case 'ask':
      return questionForm(approval);
    case 'edit':
      return editForm(approval, bounds);
    case 'always':
      return alwaysForm(approval);
    default:
      return choice satisfies never;
  }
}

function questionForm(approval: Approval): Form {
  return {
    title: 'Ask something first',
    words: `About ${titleOf(approval)}. ${visible(approval.request.requesterName)} reads the question and replies; until then nobody else can say yes.`,
    fields: [{ name: TEXT, label: 'What do you want to know?', required: true, multiline: true }],
    submit: 'Ask',
  };
}

/** @returns the text of a question; empty when nothing was filled in */
export function questionIn(fields: Readonly<Record<string, string>>): string {
  return fields[TEXT] ?? '';
}

// ── Other arguments ──────────────────────────────────────────────────────────────────────────────────────────

function editForm(approval: Approval, bounds: FormBounds): Form {
  const shown = Object.entries(argumentsOf(approval.request.args)).map(([name, value]) => ({
    name,
    value: textOf(value),
  }));
  const each = fieldsOf(shown, bounds);
  return {
    title: 'Change and approve',
    words: 'What you send is held to the rules like a new request, and counts as your yes to it.',
    fields: each ?? [linesField(shown, bounds)],
    submit: 'Approve as changed',
  };
}

interface Shown {
  readonly name: string;
  readonly value: string;
}

/** A field for each; undefined when they do not all fit. */
function fieldsOf(shown: readonly Shown[], { fields, chars }: FormBounds): FormField[] | undefined {
  const fits = ({ name, value }: Shown) => name.length <= MAX_NAME_CHARS && value.length <= chars;
  if (shown.length > fields || !shown.every(fits)) return undefined;
  return shown.map(({ name, value }) => ({
    name: `${ARGUMENT}${name}`,
    label: visible(name) || '(unnamed)',
    value,
    required: false,
    multiline: value.includes('\n') || value.length > ONE_LINE_CHARS,
  }));
}

/** One line for each, as many as have room; the shortest first, so that few are left out. */
function linesField(shown: readonly Shown[], { chars }: FormBounds): FormField {
  const kept = new Set<Shown>();
  let used = 0;
  for (const one of shown.toSorted((a, b) => lineOf(a).length - lineOf(b).length)) {
    used += lineOf(one).length + 1;
    if (used > chars || !isName(one.name)) break;
    kept.add(one);
  }
  const missing = shown.length - kept.size;
  return {
    name: LINES,
    label: 'The arguments, one line each: name=value',
    value: shown
      .filter((one) => kept.has(one))
      .map(lineOf)
      .join('\n'),
    hint:
      missing === 0
        ? 'A line you take away leaves its argument as it is.'
        : `${missing} more have no room here and stay as they are.`,
    required: true,
    multiline: true,
  };
}

function lineOf({ name, value }: Shown): string {
  const isPlain = value === value.trim() && !/[\r\n]/.test(value) && !value.startsWith('"');
  return `${name}=${isPlain ? value : JSON.stringify(value)}`;
}

function isName(name: string): boolean {
  return name !== '' && name === name.trim() && !/[=\r\n]/.test(name);
}

/** What was changed, by argument, as it was written; in words when it cannot be read. */
export function changesIn(
  fields: Readonly<Record<string, string>>,
  args: unknown,
): Readonly<Record<string, string>> | string {
  const lines = fields[LINES];
  const written = lines === undefined ? ownFields(fields) : readLines(lines);
  if (typeof written === 'string') return written;
  const before = argumentsOf(args);
  const isUntouched = ([name, text]: readonly [string, string]) =>
    Object.hasOwn(before, name) && unbroken(textOf(before[name])) === unbroken(text);
  return Object.fromEntries(written.filter((each) => !isUntouched(each)));
}

function ownFields(fields: Readonly<Record<string, string>>): [string, string][] {
  return Object.entries(fields).flatMap(([name, text]): [string, string][] =>
    name.startsWith(ARGUMENT) ? [[name.slice(ARGUMENT.length), text]] : [],
  );
}

function readLines(text: string): [string, string][] | string {
  const read = new Map<string, string>();
  for (const line of text.split(/\r\n|[\r\n]/).filter((each) => each.trim() !== '')) {
    const sign = line.indexOf('=');
    const name = line.slice(0, Math.max(0, sign)).trim();
    if (name === '') return `“${visible(line)}” is no line of the form name=value`;
    if (read.has(name)) return `${visible(name)} stands there twice`;
    read.set(name, unquoted(line.slice(sign + 1).trim()));
  }
  return [...read];
}

function unquoted(value: string): string {
  if (!value.startsWith('"')) return value;
  try {
    const text: unknown = JSON.parse(value);
    return typeof text === 'string' ? text : value;
  } catch {
    return value;
  }
}

/** Platforms have their own ideas of where a line ends. */
function unbroken(text: string): string {
  return text.replaceAll(/\r\n?/g, '\n');
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function argumentsOf(args: unknown): Readonly<Record<string, unknown>> {
  return typeof args === 'object' && args !== null && !Array.isArray(args) ? { ...args } : {};
}

// ── A standing yes ───────────────────────────────────────────────────────────────────────────────────────────

function alwaysForm(approval: Approval): Form {
  const { rules, longestMs, mostTimes } = approval.policy.standingYes ?? {
    rules: [],
    longestMs: 0,
    mostTimes: 0,
  };
  const names = Object.keys(argumentsOf(approval.request.args));
  const kinds = {
    exact: '“exact”: the very same arguments',
    like: `“like ${names.slice(0, 2).join(',') || 'name'}”: those may differ`,
    tool: `“tool”: every call of ${approval.request.tool}`,
  };
  const [first = 'exact'] = rules;
  return {
    title: 'Yes, and to others',
    words: 'You will read back what exactly it lets run, and agree to that; until then nothing is decided.',
    fields: [
      {
        name: RULE.kind,
        label: 'Which further calls?',
        value: first === 'like' ? `like ${names.join(',')}` : first,
        hint: rules.map((rule) => kinds[rule]).join('; '),
        required: true,
        multiline: false,
      },
      {
        name: RULE.forMs,
        label: 'For how long?',
        value: durationText(Math.min(PROPOSED.forMs, longestMs)),
        hint: `7d, 12h, 30m; ${durationText(longestMs)} at most`,
        required: true,
        multiline: false,
      },
      {
        name: RULE.times,
        label: 'How many times?',
        value: String(Math.min(PROPOSED.times, mostTimes)),
        hint: `${mostTimes} at most`,
        required: true,
        multiline: false,
      },
    ],
    submit: 'Read it back',
  };
}

/** Exact, in the largest unit that it is a whole number of: `7d`, `90m`. */
function durationText(ms: number): string {
  const [unitMs, unit] = UNITS.find(([each]) => ms % each === 0) ?? [1_000, 's'];
  return `${Math.floor(ms / unitMs)}${unit}`;
}

const UNITS: readonly (readonly [number, string])[] = [
  [DAY_MS, 'd'],
  [60 * 60_000, 'h'],
  [60_000, 'm'],
];

/** The rule as it would be written behind `always TICKET`. */
export function wishIn(fields: Readonly<Record<string, string>>): string {
  const { kind, forMs, times } = RULE;
  const often = (fields[times] ?? '').trim().replace(/x$/i, '');
  return [fields[kind], fields[forMs], often === '' ? '' : `${often}x`]
    .map((part) => part?.trim().replaceAll(/,\s+/g, ',') ?? '')
    .filter((part) => part !== '')
    .join(' ');
}
