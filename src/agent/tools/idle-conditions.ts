/**
 * Conditions in the rules of `authorizations.yaml` that no call meets, or every one: an argument the tool does not have, a
 * text held against a number, a word it never takes. Whoever wrote such a rule believes in it until it is needed. Pure.
 *
 * A condition is held against the tool's own description of its arguments. Passed over is what that leaves open, and
 * tools that are not known now, as those of an MCP server that is away.
 */
import { z } from 'zod';
import type { Authorizations, Rule } from '../../config/authorizations.ts';
import { type Comparison, canTell, type Scalar, satisfies } from '../../config/comparison.ts';
import { didYouMean } from '../../config/schema-check.ts';
import { groupsOf, type Tool } from '../../domain/tool.ts';

export interface IdleCondition {
  /** `rule "refunds"`. */
  readonly at: string;
  /** Undefined where it is a rule for all tools. */
  readonly tool?: string;
  /** As it is written: `order.total`. */
  readonly path: string;
  /** `refund takes no argument amonut, so the condition is never met` */
  readonly problem: string;
  /** A sentence: what was probably meant, or may be written instead. */
  readonly remedy: string;
}

type Described = Pick<Tool, 'name' | 'group' | 'family' | 'input' | 'inputSchema'>;

/** @param areAll whether there are no tools but these: where MCP servers bring some along, nobody can tell */
export function idleConditionsIn(
  { rules }: Pick<Authorizations, 'rules'>,
  tools: readonly Described[],
  areAll: boolean,
): IdleCondition[] {
  return rules.flatMap((rule) =>
    Object.entries(rule.when ?? {}).flatMap(([path, comparison]): IdleCondition[] => {
      const condition = { rule, path, comparison };
      if (rule.tool.includes('*')) return areAll ? ofEveryTool(condition, tools) : [];
      return tools.filter(({ name }) => rule.tool.includes(name)).flatMap((tool) => ofTool(condition, tool));
    }),
  );
}

interface Condition {
  readonly rule: Rule;
  readonly path: string;
  readonly comparison: Comparison;
}

function ofTool(condition: Condition, tool: Described): IdleCondition[] {
  const { rule, path } = condition;
  const place = { at: `rule "${rule.name}"`, tool: tool.name, path };
  const found = argumentAt(tool, path);
  switch (found.kind) {
    case 'open':
      return [];
    case 'missing':
      return [
        {
          ...place,
          problem: `${tool.name} takes no argument ${path}, so the condition is ${metBesides(condition, found.mayBeUntold)}`,
          remedy: missingRemedy(found, tool.name),
        },
      ];
    case 'behind':
      return [{ ...place, ...leadsNowhere(condition, tool.name, found) }];
    case 'found':
      return mismatches(condition, tool.name, found).map((mismatch) => ({ ...place, ...mismatch }));
    default:
      return found satisfies never;
  }
}

/**
 * What a rule for all tools names is an argument of some tool, and that the others do not have it is no mistake. Where
 * none has, it may be one of a tool that is not here; it is told of only where a slip of the pen is likely.
 */
function ofEveryTool(condition: Condition, tools: readonly Described[]): IdleCondition[] {
  const { rule, path } = condition;
  const { group } = rule;
  const meant = tools.filter((tool) => group === undefined || groupsOf(tool).includes(group));
  const found = meant.map((tool) => argumentAt(tool, path));
  const missing = found.filter((each) => each.kind === 'missing');
  if (missing.length < found.length) return [];
  const near = didYouMean(path, [...new Set(missing.flatMap((each) => each.known))]);
  if (near === undefined) return [];
  const mayBeUntold = missing.some((each) => each.mayBeUntold);
  return [
    {
      at: `rule "${rule.name}"`,
      path,
      problem: `no tool here takes an argument ${path}, so the condition is ${metBesides(condition, mayBeUntold)}`,
      remedy: `Did you mean ${near}?`,
    },
  ];
}

/**
 * When a condition is met of an argument that is not there, or is never what it is compared with. Where nothing can be
 * told of it, a rule that allows is not, and every other is.
 */
function metBesides({ rule, comparison }: Condition, mayBeUntold: boolean): string {
  const isAllowing = rule.decision === 'allow';
  if (comparison.kind === 'differs') {
    return mayBeUntold && isAllowing ? 'met wherever anything can be told of it' : 'always met';
  }
  return mayBeUntold && !isAllowing ? 'met only where nothing can be told of it' : 'never met';
}

function leadsNowhere(condition: Condition, tool: string, behind: Behind): Mismatch {
  const { before, called, mayBeUntold } = behind;
  // In null nothing is, whatever it is compared with.
  const comesOfIt = ofWhatIsUntold(condition, 'not there or null', mayBeUntold);
  return {
    problem: `${before} of ${tool} is ${called}, and nothing can be told of ${condition.path} in it: ${comesOfIt}`,
    remedy:
      called === SAMPLES.array?.called
        ? `Compare one place of it, as \`${before}.0\`, or how many there are: \`${before}.length\`.`
        : `Compare ${before} itself.`,
  };
}

/** What comes of a condition that can tell nothing of an argument, whatever that is, but only that it is not there. */
function ofWhatIsUntold({ rule, comparison }: Condition, gone: string, mayBeUntold: boolean): string {
  const isAllowing = rule.decision === 'allow';
  if (comparison.kind === 'differs') {
    return isAllowing ? `the rule fits only where it is ${gone}` : 'the condition is always met';
  }
  if (isAllowing) return 'the rule never fits';
  const besides = mayBeUntold ? ', and wherever nothing can be told of it' : '';
  return `the condition is met whatever it is, unless it is ${gone}${besides}`;
}

function missingRemedy({ known, written }: Missing, tool: string): string {
  const near = didYouMean(written, known);
  if (near !== undefined) return `Did you mean ${near}?`;
  return known.length === 0
    ? `There is nothing there that ${tool} takes.`
    : `There are: ${known.join(', ')}.`;
}

// ── What an argument may be ──────────────────────────────────────────────────────────────────────────────────────

/** Nothing is said of it, so it may be anything. */
type Open = { readonly kind: 'open' };
interface Missing {
  readonly kind: 'missing';
  /** The whole path up to what is not there, and those that are there in its place. */
  readonly written: string;
  readonly known: readonly string[];
  /** On the way there may be a list or a single value as well. */
  readonly mayBeUntold: boolean;
}
/** The path goes on where a list or a single value is. */
interface Behind {
  readonly kind: 'behind';
  /** The path up to there. */
  readonly before: string;
  readonly called: string;
  readonly mayBeUntold: boolean;
}
interface Found {
  readonly kind: 'found';
  /** Each way it is described; `anyOf` has several. */
  readonly values: readonly Node[];
  readonly mayBeUntold: boolean;
}

type Node = Readonly<Record<string, unknown>>;

const OPEN: Open = { kind: 'open' };

function argumentAt({ input, inputSchema }: Described, path: string): Open | Missing | Behind | Found {
  // As the rules see them: checked, and with what the schema fills in.
  const root = inputSchema ?? z.toJSONSchema(input, { io: 'output', unrepresentable: 'any' });
  if (!isNode(root)) return OPEN;
  const steps = path.split('.');
  let nodes = waysOf(root, root);
  let mayBeUntold = false;
  for (const [n, step] of steps.entries()) {
    const inside = nodes?.map((node) => stepInto(node, step));
    if (inside === undefined || inside.includes('open')) return OPEN;
    const children = inside.filter(isNode);
    if (children.length === 0) {
      const before = steps.slice(0, n);
      const behind = behindOf(nodes ?? [], before.join('.'));
      if (behind) return behind.kind === 'open' ? behind : { ...behind, mayBeUntold };
      const known = (nodes ?? []).flatMap((node) => Object.keys(nodeAt(node, 'properties')));
      return {
        kind: 'missing',
        written: [...before, step].join('.'),
        known: [...new Set(known)].map((name) => [...before, name].join('.')),
        mayBeUntold,
      };
    }
    mayBeUntold ||= nodes?.some((node) => mayEndAt(node, step)) ?? false;
    const ways = children.map((child) => waysOf(child, root));
    nodes = ways.includes(undefined) ? undefined : ways.flatMap((each) => each ?? []);
  }
  return nodes === undefined ? OPEN : { kind: 'found', values: nodes, mayBeUntold };
}

/** Undefined where only groups of keys are; open where it may be one, or not. */
function behindOf(nodes: readonly Node[], before: string): Omit<Behind, 'mayBeUntold'> | Open | undefined {
  const kinds = nodes.flatMap((node) => typesOf(node) ?? ['object']).filter((type) => type !== 'null');
  const others = kinds.filter((type) => type !== 'object');
  if (others.length === 0) return undefined;
  if (others.length < kinds.length) return OPEN;
  const called = [...new Set(others.map((type) => SAMPLES[type]?.called ?? 'something else'))].join(' or ');
  return { kind: 'behind', before, called };
}

/** What is inside under that name; `none` where nothing can be. */
function stepInto(node: Node, step: string): Node | 'open' | 'none' {
  const types = typesOf(node);
  const properties = nodeAt(node, 'properties');
  const property = Object.hasOwn(properties, step) ? properties[step] : undefined;
  if (property !== undefined) return isNode(property) ? property : 'open';
  const mayBe = (type: string) => types === undefined || types.includes(type);
  if (mayBe('object') && mayHaveMore(node)) return 'open';
  if (!mayBe('array')) return 'none';
  if (step === 'length') return { type: 'integer' };
  return PLACE.test(step) ? 'open' : 'none';
}

/** Whether a list or a single value may be there, in which nothing can be told of that name. */
function mayEndAt(node: Node, step: string): boolean {
  const others = (typesOf(node) ?? []).filter((type) => type !== 'object' && type !== 'null');
  return others.some((type) => type !== 'array' || (step !== 'length' && !PLACE.test(step)));
}

/** One place of a list. */
const PLACE = /^\d+$/;

/** Whether an object may have what its description does not name. One that says nothing of it is taken at its word. */
function mayHaveMore(node: Node): boolean {
  const { additionalProperties, patternProperties, properties } = node;
  if (patternProperties !== undefined) return true;
  if (additionalProperties === undefined) return properties === undefined;
  return additionalProperties !== false;
}

/** The node itself, or each it stands for; undefined where that cannot be told. */
function waysOf(node: Node, root: Node, depth = 0): readonly Node[] | undefined {
  if (depth > DEEPEST || 'allOf' in node || 'not' in node || 'if' in node) return undefined;
  const { $ref: reference, anyOf, oneOf: either = anyOf } = node;
  if (reference !== undefined) {
    const there = typeof reference === 'string' ? pointedAt(reference, root) : undefined;
    return there && waysOf(there, root, depth + 1);
  }
  if (!Array.isArray(either)) return [node];
  if ('properties' in node || 'type' in node) return undefined;
  const ways = either.map((each) => (isNode(each) ? waysOf(each, root, depth + 1) : undefined));
  return ways.includes(undefined) ? undefined : ways.flatMap((each) => each ?? []);
}

const DEEPEST = 20;

function pointedAt(reference: string, root: Node): Node | undefined {
  if (!reference.startsWith('#')) return undefined;
  const names = reference
    .split('/')
    .slice(1)
    .map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~'));
  const there = names.reduce<unknown>((at, name) => (isNode(at) ? at[name] : undefined), root);
  return isNode(there) ? there : undefined;
}

// ── What a condition can tell of it ──────────────────────────────────────────────────────────────────────────────

type Mismatch = Pick<IdleCondition, 'problem' | 'remedy'>;

function mismatches(condition: Condition, tool: string, { values, mayBeUntold }: Found): Mismatch[] {
  const { path, comparison } = condition;
  const what = `${path} of ${tool}`;
  const samples = values.map(samplesOf);
  if (samples.includes(undefined)) return [];
  const all = samples.flatMap((each) => each ?? []);
  if (!all.some(({ value }) => canTell(comparison, value) && value !== null)) {
    const kinds = [...new Set(all.filter(({ value }) => value !== null).map(({ called }) => called))];
    const [kind = 'nothing'] = kinds;
    const gone = canTell(comparison, null) ? 'not there or null' : 'not there';
    return [
      {
        problem: `${what} is ${kinds.join(' or ') || 'nothing'}, and ${shown(comparison)} can tell nothing of that: ${ofWhatIsUntold(condition, gone, mayBeUntold)}`,
        remedy: REMEDIES[kind] ?? 'Name a value inside of it, by a path such as `order.total`.',
      },
    ];
  }
  const fixed = all.filter(({ isFixed }) => isFixed);
  const members = membersOf(comparison);
  const met = metBesides(condition, mayBeUntold || all.some(({ value }) => !canTell(comparison, value)));
  return members.flatMap((member): Mismatch[] => {
    const isPossible = all.some(({ value, isFixed }) =>
      isFixed ? satisfies(member, value) : value !== null && canTell(member, value),
    );
    if (isPossible) return [];
    const known = fixed.map(({ value }) => String(value));
    const near = 'value' in member ? didYouMean(String(member.value), known) : undefined;
    return [
      {
        problem: `${what} is never ${shown(member)}, so that is ${met}`,
        remedy: near === undefined ? `It is ${known.join(', ') || all[0]?.called}.` : `Did you mean ${near}?`,
      },
    ];
  });
}

/** Of each kind of value one, by which it is seen what can be told of that kind; fixed ones are the value itself. */
interface Sample {
  readonly value: unknown;
  readonly called: string;
  readonly isFixed: boolean;
}

/** Undefined: it may be anything. */
function samplesOf(node: Node): readonly Sample[] | undefined {
  const { const: only, enum: fixed = only === undefined ? undefined : [only] } = node;
  if (Array.isArray(fixed)) {
    return fixed.map((value) => ({ value, called: calledOf(value), isFixed: true }));
  }
  const types = typesOf(node);
  const samples = types?.map((type) => SAMPLES[type]);
  if (samples === undefined || samples.includes(undefined)) return undefined;
  return samples.flatMap((sample) => (sample ? [sample] : []));
}

const SAMPLES: Readonly<Record<string, Sample>> = {
  number: { value: 0, called: 'a number', isFixed: false },
  integer: { value: 0, called: 'a number', isFixed: false },
  // A text may be a number that is written as one.
  string: { value: '0', called: 'a text', isFixed: false },
  boolean: { value: true, called: 'true or false', isFixed: false },
  null: { value: null, called: 'nothing', isFixed: false },
  array: { value: [], called: 'a list', isFixed: false },
  object: { value: {}, called: 'a group of keys', isFixed: false },
};

const REMEDIES: Readonly<Record<string, string>> = {
  'a number': 'Compare it with a number.',
  'a text': 'Compare it with a text.',
  'true or false': 'Write true or false, without quotes.',
};

function calledOf(value: unknown): string {
  if (value === null) return 'nothing';
  return SAMPLES[Array.isArray(value) ? 'array' : typeof value]?.called ?? 'something else';
}

/** One by one what it may be equal to; of an order the order. */
function membersOf(comparison: Comparison): readonly Exclude<Comparison, { kind: 'differs' | 'one-of' }>[] {
  switch (comparison.kind) {
    case 'one-of':
      return comparison.values.map((value) => ({ kind: 'equals', value }));
    case 'differs':
      return [{ kind: 'equals', value: comparison.value }];
    case 'equals':
    case 'order':
      return [comparison];
    default:
      return comparison satisfies never;
  }
}

function shown(comparison: Comparison): string {
  const text = (value: Scalar) => JSON.stringify(value);
  switch (comparison.kind) {
    case 'equals':
      return text(comparison.value);
    case 'differs':
      return `"!= ${comparison.value}"`;
    case 'one-of':
      return `[${comparison.values.map(text).join(', ')}]`;
    case 'order':
      return `"${comparison.operator} ${comparison.than}"`;
    default:
      return comparison satisfies never;
  }
}

function typesOf({ type }: Node): readonly string[] | undefined {
  if (typeof type === 'string') return [type];
  return Array.isArray(type) ? type.filter((each) => typeof each === 'string') : undefined;
}

function nodeAt(node: Node, name: string): Node {
  const there = node[name];
  return isNode(there) ? there : {};
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
