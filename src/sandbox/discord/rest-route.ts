/** One call of the REST API as the routes see it, and how they answer. */
import type { RequestBody } from './request-body.ts';
import type { Payload } from './wire.ts';

export interface RestRequest extends RequestBody {
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
}

export interface RestAnswer {
  readonly status: number;
  /** Absent for 204. */
  readonly body?: unknown;
}

export interface RestRoute {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** As in the documentation, with `:name` for what differs. */
  readonly path: string;
  /** Interactions and their webhooks need no token, and are outside the global rate limit. */
  readonly open?: true;
  /** @throws {Refusal} what Discord answers instead */
  run(request: RestRequest): RestAnswer | Promise<RestAnswer>;
}

export const NO_CONTENT: RestAnswer = { status: 204 };

export function ok(body: Payload | readonly Payload[]): RestAnswer {
  return { status: 200, body };
}

export function created(body: Payload): RestAnswer {
  return { status: 201, body };
}

/** @throws {Error} when the route has no such parameter */
export function param({ params }: RestRequest, name: string): string {
  const value = params[name];
  if (value === undefined) throw new Error(`the route has no parameter ${name}`);
  return value;
}
