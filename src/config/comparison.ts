/**
 * How a rule looks at one argument of a call: `50` (equals), `[EUR, USD]` (one of), `"> 50"` (an operator).
 *
 * Order operators compare numbers, also numbers written as text, so that `"100"` does not slip under `> 50`.
 * An argument that is missing matches nothing, except `!=`: it is indeed not that value.
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
 * Reads a comparison as it stands in a rule. Text that begins with an operator is that operator; `= > 50` means
 * the text `> 50` itself.
 *
 * @throws {SyntaxError} with a sentence for the author of the rule
 */
export function parseComparison(written: Scalar | readonly Scalar[]): Comparison {
  if (isList(written)) return { kind: 'one-of', values: written };
  if (typeof written !== 'string') return { kind: 'equals', value: written };

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

const OPERATOR = /^\s*(>=|<=|!=|>|<|=)\s*(.*?)\s*$/s;
const NUMBER = /^[+-]?\d+(\.\d+)?$/;

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
  return typeof value === 'number' && toNumber(argument) === value;
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
