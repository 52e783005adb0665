/** What does not fit of the arguments that a person wrote, in words they can act on. Pure. */
import { z } from 'zod';

/** Of what does not fit, so much is said; the rest shows once that is mended. */
const MOST_TOLD = 3;

/** `amount has to be a number; colour is not one of the arguments, which are order, amount`. */
export function misfitText({ issues }: z.ZodError, input: z.ZodType): string {
  const told = issues.slice(0, MOST_TOLD).map((issue) => sentenceOf(issue, input));
  return [...told, ...(issues.length > MOST_TOLD ? ['and more besides'] : [])].join('; ');
}

/** Arguments that were written in, and that the tool would pass over without a word; undefined where there are none. */
export function passedOver(written: object, before: unknown, input: z.ZodType): string | undefined {
  if (!(input instanceof z.ZodObject)) return undefined;
  const known = new Set([...Object.keys(input.shape), ...Object.keys(Object(before))]);
  const strangers = Object.keys(written).filter((name) => !known.has(name));
  return strangers.length === 0 ? undefined : strangersText(strangers, input);
}

type Issue = z.core.$ZodIssue;

function sentenceOf(issue: Issue, input: z.ZodType): string {
  const place = placeOf(issue.path);
  if (issue.code === 'unrecognized_keys') {
    const strangers = issue.keys.map((key) => placeOf([...issue.path, key]));
    return strangersText(strangers, issue.path.length === 0 ? input : undefined);
  }
  const wish = wishOf(issue);
  return wish === undefined
    ? `${place || 'the whole'} does not fit: ${issue.message}`
    : `${place || 'the whole'} has to ${wish}`;
}

function strangersText(strangers: readonly string[], input: z.ZodType | undefined): string {
  const known = input instanceof z.ZodObject ? Object.keys(input.shape) : [];
  const those = known.length === 0 ? '' : `, which are ${known.join(', ')}`;
  return `${strangers.join(' and ')} ${strangers.length === 1 ? 'is not one' : 'are not'} of the arguments${those}`;
}

function wishOf(issue: Issue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return `be ${TYPES[issue.expected] ?? 'something else'}`;
    case 'invalid_value':
      return `be ${issue.values.length === 1 ? '' : 'one of '}${issue.values.map(String).join(', ')}`;
    case 'too_small': {
      const { origin, minimum, inclusive } = issue;
      return amount(origin, inclusive === false ? 'more than' : 'at least', minimum);
    }
    case 'too_big': {
      const { origin, maximum, inclusive } = issue;
      return amount(origin, inclusive === false ? 'less than' : 'at most', maximum);
    }
    case 'not_multiple_of':
      return `be a multiple of ${issue.divisor}`;
    case 'invalid_union':
      return 'be written in another way';
    default:
      return undefined;
  }
}

function amount(origin: string, side: string, bound: number | bigint): string {
  const isOne = Number(bound) === 1;
  if (origin === 'string') return `have ${side} ${bound} ${isOne ? 'character' : 'characters'}`;
  if (origin === 'array' || origin === 'set') return `have ${side} ${bound} ${isOne ? 'entry' : 'entries'}`;
  return `be ${side} ${bound}`;
}

const TYPES: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a group of arguments',
  record: 'a group of arguments',
  null: 'empty',
};

/** `steps.0.to` is `to of entry 1 of steps`. */
function placeOf(path: readonly PropertyKey[]): string {
  return path
    .map((key) => (typeof key === 'number' ? `entry ${key + 1}` : String(key)))
    .toReversed()
    .join(' of ');
}
