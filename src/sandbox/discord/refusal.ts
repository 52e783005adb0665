/**
 * How Discord says no: an HTTP status, its own error code, and for a bad form what is wrong with which field.
 *
 * Thrown by whoever finds the reason, and turned into the answer in one place (`api-server.ts`).
 */
import type { z } from 'zod';

export interface FormError {
  readonly path: readonly PropertyKey[];
  readonly code: string;
  readonly message: string;
}

export class Refusal extends Error {
  constructor(
    readonly status: number,
    /** Discord's JSON error code (Opcodes and Status Codes). */
    readonly code: number,
    message: string,
    readonly formErrors: readonly FormError[] = [],
  ) {
    super(message);
    this.name = 'Refusal';
  }

  toWire(): Record<string, unknown> {
    const { message, code, formErrors } = this;
    return { message, code, ...(formErrors.length === 0 ? {} : { errors: nested(formErrors) }) };
  }
}

export const INVALID_FORM_BODY = 50_035;

export function invalidForm(errors: readonly FormError[]): Refusal {
  return new Refusal(400, INVALID_FORM_BODY, 'Invalid Form Body', errors);
}

/**
 * What `schema` makes of a request's body.
 *
 * @throws {Refusal} 50035, with every field that does not fit
 */
export function parseForm<Schema extends z.ZodType>(schema: Schema, body: unknown): z.output<Schema> {
  const parsed = schema.safeParse(body, { reportInput: true });
  if (parsed.success) return parsed.data;
  throw invalidForm(parsed.error.issues.flatMap(toFormErrors));
}

/** The refusals that more than one route has. */
export const unknown = {
  channel: () => new Refusal(404, 10_003, 'Unknown Channel'),
  guild: () => new Refusal(404, 10_004, 'Unknown Guild'),
  member: () => new Refusal(404, 10_007, 'Unknown Member'),
  message: () => new Refusal(404, 10_008, 'Unknown Message'),
  user: () => new Refusal(404, 10_013, 'Unknown User'),
  emoji: () => new Refusal(404, 10_014, 'Unknown Emoji'),
  webhook: () => new Refusal(404, 10_015, 'Unknown Webhook'),
  application: () => new Refusal(404, 10_002, 'Unknown Application'),
  interaction: () => new Refusal(404, 10_062, 'Unknown interaction'),
  command: () => new Refusal(404, 10_063, 'Unknown application command'),
} as const;

/** `{ a: { 0: { _errors: [...] } } }`: the shape in which Discord names fields. */
function nested(errors: readonly FormError[]): Record<string, unknown> {
  const root = emptyTree();
  for (const { path, code, message } of errors) {
    const leaf = path.reduce<ErrorTree>((tree, key) => {
      const name = String(key);
      tree[name] ??= emptyTree();
      return tree[name];
    }, root);
    leaf._errors = [...(leaf._errors ?? []), { code, message }];
  }
  return root;
}

/** Fields have any name, `__proto__` too. */
function emptyTree(): ErrorTree {
  return Object.create(null);
}

type ErrorTree = { [key: string]: ErrorTree } & { _errors?: { code: string; message: string }[] };

function toFormErrors(issue: z.core.$ZodIssue): FormError[] {
  const { path } = issue;
  switch (issue.code) {
    case 'invalid_type':
      return [issue.input === undefined ? required(path) : { path, ...wrongType(issue.expected) }];
    case 'too_big':
      return [{ path, ...tooBig(issue.origin, Number(issue.maximum)) }];
    case 'too_small':
      return [{ path, ...tooSmall(issue.origin, Number(issue.minimum), issue.input) }];
    case 'invalid_value':
      return [
        issue.input === undefined
          ? required(path)
          : {
              path,
              code: 'BASE_TYPE_CHOICES',
              message: `Value must be one of (${issue.values.join(', ')}).`,
            },
      ];
    case 'invalid_format':
      return [{ path, code: 'STRING_TYPE_REGEX', message: 'String value did not match validation regex.' }];
    case 'invalid_union':
      return [unionError(issue)];
    case 'custom':
      return [{ path, code: String(issue.params?.code ?? 'BASE_TYPE_INVALID'), message: issue.message }];
    default:
      return [{ path, code: 'BASE_TYPE_INVALID', message: issue.message }];
  }
}

function unionError({ path, input, ...issue }: z.core.$ZodIssueInvalidUnion): FormError {
  if (issue.discriminator === undefined)
    return { path, code: 'UNION_TYPE_CHOICES', message: 'Value does not fit any of the allowed types.' };
  const given = typeof input === 'object' && input !== null && issue.discriminator in input;
  return given
    ? {
        path,
        code: 'BASE_TYPE_CHOICES',
        message: `Value of field "${issue.discriminator}" is not allowed here.`,
      }
    : required(path);
}

function required(path: readonly PropertyKey[]): FormError {
  return { path, code: 'BASE_TYPE_REQUIRED', message: 'This field is required' };
}

function wrongType(expected: string): { code: string; message: string } {
  switch (expected) {
    case 'string':
      return { code: 'STRING_TYPE_CONVERT', message: 'Could not interpret value as string.' };
    case 'array':
      return { code: 'LIST_TYPE_CONVERT', message: 'Only iterables may be used in a ListType' };
    case 'object':
      return { code: 'MODEL_TYPE_CONVERT', message: 'Only dictionaries may be used in a ModelType' };
    default:
      return { code: 'BASE_TYPE_INVALID', message: `Could not interpret value as ${expected}.` };
  }
}

function tooBig(origin: string, maximum: number): { code: string; message: string } {
  return origin === 'string' || origin === 'array'
    ? { code: 'BASE_TYPE_MAX_LENGTH', message: `Must be ${maximum} or fewer in length.` }
    : { code: 'NUMBER_TYPE_MAX', message: `int value should be less than or equal to ${maximum}.` };
}

function tooSmall(origin: string, minimum: number, input: unknown): { code: string; message: string } {
  if (input === '') return { code: 'BASE_TYPE_REQUIRED', message: 'This field is required' };
  return origin === 'string' || origin === 'array'
    ? { code: 'BASE_TYPE_MIN_LENGTH', message: `Must be ${minimum} or more in length.` }
    : { code: 'NUMBER_TYPE_MIN', message: `int value should be greater than or equal to ${minimum}.` };
}
