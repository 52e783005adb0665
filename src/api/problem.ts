/**
 * What is said to a program whose request was not done: what went wrong, with which thing, and what to do about it
 * (RFC 9457). Every code has one status and one title.
 */
import type { z } from 'zod';
import type { Approval } from '../domain/approval/record.ts';
import { AppError } from '../domain/errors.ts';
import type { ProblemBody } from './schema.ts';
import { toView } from './view.ts';

interface Kind {
  readonly status: number;
  readonly title: string;
}

/** Those in capitals are result codes of the state machine. */
export const PROBLEMS = {
  // Of the request
  MALFORMED: { status: 400, title: 'The request cannot be read' },
  NO_IDEMPOTENCY_KEY: { status: 400, title: 'An idempotency key is missing' },
  UNAUTHORIZED: { status: 401, title: 'No valid key' },
  WRONG_SCOPE: { status: 403, title: 'The key may not be used for this' },
  NOT_ALLOWED: { status: 403, title: 'The client may not do this' },
  NOT_FOUND: { status: 404, title: 'There is no such thing' },
  METHOD_NOT_ALLOWED: { status: 405, title: 'Not with this method' },
  OTHER_REQUEST: { status: 409, title: 'The idempotency key was used for something else' },
  TOO_LARGE: { status: 413, title: 'The request is too large' },
  WRONG_MEDIA_TYPE: { status: 415, title: 'The body is not JSON' },
  UNKNOWN_PERSON: { status: 422, title: 'There is no such person' },
  UNKNOWN_RULE: { status: 422, title: 'There is no such rule' },
  UNKNOWN_POLICY: { status: 422, title: 'There is no such policy' },
  TOO_MANY_REQUESTS: { status: 429, title: 'Too many requests' },
  TOO_MANY_WAITING: { status: 429, title: 'Too many requests wait' },
  TRY_AGAIN: { status: 503, title: 'Not just now' },
  // Of the approval
  UNSATISFIABLE: { status: 422, title: 'Nobody could ever say yes' },
  ALREADY: { status: 409, title: 'It was settled before' },
  LATE: { status: 409, title: 'The deadline has passed' },
  STALE_CARD: { status: 409, title: 'What was answered is not what is asked now' },
  CONTENT_CHANGED: { status: 409, title: 'What was answered is not what is asked now' },
  NOT_ELIGIBLE: { status: 403, title: 'They may not decide this' },
  NOT_OFFERED: { status: 422, title: 'That answer is not offered' },
  STEP_UP: { status: 403, title: 'A yes is not taken from here' },
  INVALID: { status: 422, title: 'The answer does not count as it is' },
  NOT_ASKED: { status: 409, title: 'No question is open' },
  TOO_LATE: { status: 409, title: 'It is being acted on' },
  NO_PERMIT: { status: 409, title: 'It needs no permit' },
  REFUSED: { status: 409, title: 'It is not approved' },
  MISMATCH: { status: 409, title: 'It was approved for something else' },
  HELD: { status: 409, title: 'Somebody else acts on it' },
  FENCED: { status: 409, title: 'The permit is no longer valid' },
} as const satisfies Record<string, Kind>;
export type ProblemCode = keyof typeof PROBLEMS;

export interface ProblemFacts {
  readonly code: ProblemCode;
  readonly detail: string;
  readonly remedy: string;
  readonly errors?: ProblemBody['errors'];
  readonly approval?: Approval | undefined;
  /** When that runs, where people said yes and something holds it; in a part of a sentence. */
  readonly hold?: string | undefined;
  readonly retryAfterS?: number;
}

/** Thrown by whatever handles a request; its body is what the program gets. */
export class Problem extends AppError {
  override readonly code: ProblemCode;

  constructor(readonly facts: ProblemFacts) {
    super(facts.detail);
    this.code = facts.code;
  }

  get status(): number {
    return PROBLEMS[this.code].status;
  }
}

export function toBody({ code, detail, remedy, errors, approval, hold }: ProblemFacts): ProblemBody {
  const { status, title } = PROBLEMS[code];
  return {
    type: `urn:signalbox:problem:${code.toLowerCase().replaceAll('_', '-')}`,
    title,
    status,
    code,
    detail,
    remedy,
    ...(errors ? { errors } : {}),
    ...(approval ? { approval: toView(approval, hold) } : {}),
  };
}

/** Each field that does not fit, by its place. */
export function malformed(what: Part, error: z.ZodError): Problem {
  return malformedAt(what, error.issues);
}

type Part = 'body' | 'query' | 'path';

export function malformedAt(
  what: Part,
  issues: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[],
): Problem {
  const errors = issues.map(({ path, message }) => ({
    at: `/${path.map((key) => String(key).replaceAll('~', '~0').replaceAll('/', '~1')).join('/')}`,
    problem: message,
  }));
  return new Problem({
    code: 'MALFORMED',
    detail: `The ${what} does not fit: ${errors.map(({ at, problem }) => `${at} ${problem}`).join('; ')}`,
    remedy: 'Send it as /api/v1/openapi.json describes it.',
    errors,
  });
}

export function isProblemCode(code: string): code is ProblemCode {
  return Object.hasOwn(PROBLEMS, code);
}
