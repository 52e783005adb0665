/**
 * How a rule looks at one argument of a call: `50` (equals), `[EUR, USD]` (one of), `"> 50"` (an operator).
 *
 * Numbers are compared as numbers, also where they are written as text, so that `"100"` does not slip under `> 50`.
 * An argument that is missing, or null, matches nothing, except `!=`: it is indeed not that value. What is known of it is
 * another matter (`canTell`).
 *
 * Invariant
 *   What looks like an operator and is none is refused, and never taken for a text: no argument would ever be that
 *   text, and the rule would hold for nothing.
 */
import { z } from 'zod';

export const Scalar = z.union([z.string(), z.number(), z.boolean()]);
export type Scalar = z.infer<typeof Scalar>;

export type Comparison =
  | { readonly kind: 'equals'; readonly value: Scalar }
  | { readonly kind: 'differs'; readonly value: Scalar }
  | { readonly kind: 'one-of'; readonly values: readonly Scalar[] }
  | { readonly kind: 'order'; readonly operator: OrderOperator; readonly than: number };

export type OrderOperator = '>' | '>=' | '<' | '<=';

/**
 * Reads a comparison as it stands in a rule. Text that begins with an operator is that operator; `= > 50`, with a space
 * behind the sign, means the text `> 50` itself.
 *
 * @throws {SyntaxError} with a sentence for the author of the rule
 */
export function parseComparison(written: Scalar | readonly Scalar[]): Comparison {
  if (isList(written)) return { kind: 'one-of', values: written.map(toMember) };
  if (typeof written !== 'string') return { kind: 'equals', value: written };

  const meant = misreadAs(written);
  if (meant !== undefined) throw new SyntaxError(`${meant}, or "= ${written.trim()}" for that text itself`);
  const [, operator, rest] = OPERATOR.exec(written) ?? [];
  if (operator === undefined || rest === undefined) return { kind: 'equals', value: written };
  if (rest === '') throw new SyntaxError(`a value after ${operator}, as in "${operator} 50"`);
  if (operator === '!=') return { kind: 'differs', value: toScalar(rest) };
  if (operator === '=') return { kind: 'equals', value: toScalar(rest) };

  const than = toNumber(rest);
  if (than === undefined) throw new SyntaxError(`a number after ${operator}, as in "${operator} 50"`);
  // The pattern admits nothing else.
  return { kind: 'order', operator: operator as OrderOperator, than };
}

/** @throws {SyntaxError} when an operator stands in a list */
function toMember(written: Scalar): Scalar {
  const comparison = parseComparison(written);
  if (comparison.kind === 'equals') return comparison.value;
  throw new SyntaxError(
    `values alone in a list, and "${written}" in a rule of its own, or "= ${written}" for that text itself`,
  );
}

/** What to write in the place of something that looks like an operator and is none; undefined where nothing does. */
function misreadAs(written: string): string | undefined {
  const [, signs = '', rest = ''] = SIGNS.exec(written) ?? [];
  if (signs !== '' && !OPERATORS.includes(signs)) {
    const operator = MEANT[signs];
    return operator === undefined
      ? `one of the operators ${OPERATORS.join(', ')} alone`
      : `"${operator} ${rest || '50'}"`;
  }
  const [, least, most] = RANGE.exec(written) ?? [];
  if (least !== undefined) {
    return `one comparison (a range takes two rules, as in "< ${least}" and "> ${most}")`;
  }
  const [, other] = NEGATION.exec(written) ?? [];
  return other === undefined ? undefined : `"!= ${other}"`;
}

/** Whether an argument satisfies a comparison. */
export function satisfies(comparison: Comparison, argument: unknown): boolean {
  switch (comparison.kind) {
    case 'equals':
      return equal(argument, comparison.value);
    case 'differs':
      return !equal(argument, comparison.value);
    case 'one-of':
      return comparison.values.some((value) => equal(argument, value));
    case 'order':
      return ordered(toNumber(argument), comparison.operator, comparison.than);
    default:
      return comparison satisfies never;
  }
}

/**
 * Whether a comparison can tell anything of an argument. It cannot of a list or a group of keys, of `true` held against
 * a text, or of a number that is written in a way nobody here reads (`1e9`, `120 EUR`): it would find a difference where
 * there may be none. Of one that is missing, or null, it can: there is nothing. But an order cannot tell of null, which
 * a program may take for no limit.
 */
export function canTell(comparison: Comparison, argument: unknown): boolean {
  if (argument === undefined) return true;
  if (argument === null) return comparison.kind !== 'order';
  switch (comparison.kind) {
    case 'order':
      return toNumber(argument) !== undefined;
    case 'equals':
    case 'differs':
      return isAlike(argument, comparison.value);
    case 'one-of':
      return comparison.values.some((value) => isAlike(argument, value));
    default:
      return comparison satisfies never;
  }
}

function isAlike(argument: unknown, value: Scalar): boolean {
  if (typeof argument === typeof value) return true;
  if (typeof argument === 'string' && typeof value === 'number') {
    return !isOtherNumber(argument) && isExact(argument, value);
  }
  return typeof argument === 'number' && toNumber(value) !== undefined && isExact(argument, value);
}

/** `1e9`, `0x99`, `120 EUR`: a number to many a program. */
function isOtherNumber(text: string): boolean {
  return toNumber(text) === undefined && /\p{N}/u.test(text);
}

/** Not where they are equal only because such large numbers are all rounded. */
function isExact(argument: string | number, value: Scalar): boolean {
  return !equal(argument, value) || Math.abs(Number(argument)) <= Number.MAX_SAFE_INTEGER;
}

const OPERATORS: readonly string[] = ['>', '>=', '<', '<=', '!=', '='];
const OPERATOR = /^\s*(>=|<=|!=|>|<|=)\s*(.*?)\s*$/s;
const NUMBER = /^[+-]?\d+(\.\d+)?$/;

/** Signs at the beginning, with nothing between them. */
const SIGNS = /^\s*([=<>!≥≤≠≧≦⩾⩽]+)\s*(.*?)\s*$/s;
/** `10..20`, `between 10 and 20`. */
const RANGE = /^\s*(?:between\s+)?([+-]?\d+(?:\.\d+)?)\s*(?:\.{2,}|…|\band\b)\s*([+-]?\d+(?:\.\d+)?)\s*$/i;
const NEGATION = /^\s*not\s+(.*?)\s*$/is;
const MEANT: Readonly<Record<string, string>> = {
  '=>': '>=',
  '≥': '>=',
  '≧': '>=',
  '⩾': '>=',
  '=<': '<=',
  '≤': '<=',
  '≦': '<=',
  '⩽': '<=',
  '==': '=',
  '===': '=',
  '!': '!=',
  '!==': '!=',
  '=!': '!=',
  '<>': '!=',
  '≠': '!=',
};

function ordered(value: number | undefined, operator: OrderOperator, than: number): boolean {
  if (value === undefined) return false;
  switch (operator) {
    case '>':
      return value > than;
    case '>=':
      return value >= than;
    case '<':
      return value < than;
    case '<=':
      return value <= than;
    default:
      return operator satisfies never;
  }
}

function equal(argument: unknown, value: Scalar): boolean {
  if (argument === value) return true;
  if (typeof argument !== 'number' && typeof value !== 'number') return false;
  const number = toNumber(argument);
  return number !== undefined && number === toNumber(value);
}

function toScalar(text: string): Scalar {
  if (text === 'true') return true;
  if (text === 'false') return false;
  return toNumber(text) ?? text;
}

function toNumber(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isNaN(value) ? undefined : value;
  return typeof value === 'string' && NUMBER.test(value.trim()) ? Number(value) : undefined;
}

function isList(written: Scalar | readonly Scalar[]): written is readonly Scalar[] {
  return Array.isArray(written);
}
