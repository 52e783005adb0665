/**
 * Errors that callers can act on.
 *
 * Throw one of these when a caller could do something different because of it. A broken assumption inside our
 * own code is a plain `Error`.
 */
import type { Trust } from './provenance.ts';

export abstract class AppError extends Error {
  /** Stable name for logs, audit and tests. */
  abstract readonly code: string;
  /** May the same call succeed if made again later, unchanged? */
  readonly retryable: boolean = false;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** The platform asked us to slow down. */
export class RateLimitedError extends AppError {
  override readonly code = 'RATE_LIMITED';
  override readonly retryable = true;

  constructor(
    readonly platform: string,
    readonly retryAfterMs: number,
    options?: ErrorOptions,
  ) {
    super(`${platform} asked us to wait ${retryAfterMs} ms`, options);
  }
}

/** The platform refused a message for good: no such channel, not a member, address rejected. */
export class UndeliverableError extends AppError {
  override readonly code = 'UNDELIVERABLE';

  constructor(
    readonly platform: string,
    readonly reason: string,
    options?: ErrorOptions,
  ) {
    super(`${platform} will not take this message: ${reason}`, options);
  }
}

/** A message was sent in part, and what is left of it may not be said any more. */
export class BrokenOffError extends AppError {
  override readonly code = 'BROKEN_OFF';

  constructor() {
    super('the rest of this message may not be said any more');
  }
}

/** As things are, a call cannot do what it is for, so nobody is to be asked about it; `why` is the end of a sentence. */
export class FutileCallError extends AppError {
  override readonly code = 'FUTILE_CALL';
  /** Whose words `why` holds, where that is known. Left out: its tool's, or anybody's. */
  readonly trust: Trust | undefined;

  constructor(
    readonly why: string,
    { trust, ...options }: ErrorOptions & { readonly trust?: Trust | undefined } = {},
  ) {
    super(`the call cannot work: ${why}`, options);
    this.trust = trust;
  }
}

/** The model's service did not answer, or asked us to come back later. */
export class ModelUnavailableError extends AppError {
  override readonly code = 'MODEL_UNAVAILABLE';
  override readonly retryable = true;

  constructor(
    readonly reason: string,
    readonly retryAfterMs: number | undefined,
    options?: ErrorOptions,
  ) {
    super(`the model is unavailable: ${reason}`, options);
  }
}

/** A request is more than the model can read; the same one is refused each time. */
export class RequestTooLongError extends AppError {
  override readonly code = 'REQUEST_TOO_LONG';

  constructor(options?: ErrorOptions) {
    super('the request is more than the model can read', options);
  }
}

/** Somebody else changed the record first; `current` is the version to read again. */
export class ConflictError extends AppError {
  override readonly code = 'CONFLICT';
  override readonly retryable = true;

  constructor(
    readonly subject: string,
    readonly current: number,
  ) {
    super(`${subject} was changed meanwhile; its version is now ${current}`);
  }
}

/** The lease on a conversation was lost; whatever was decided under it must be dropped. */
export class LeaseLostError extends AppError {
  override readonly code = 'LEASE_LOST';

  constructor(readonly lane: string) {
    super(`the lease on ${lane} was lost`);
  }
}

/** Somebody else speaks for a conversation now; what was decided while another did must be decided anew. */
export class ControlMovedError extends AppError {
  override readonly code = 'CONTROL_MOVED';
  override readonly retryable = true;

  constructor(readonly conversationId: string) {
    super(`the control of ${conversationId} changed meanwhile`);
  }
}

/** Somebody else changed a record first; what was decided on what it was must be decided anew. */
export class RecordMovedError extends AppError {
  override readonly code = 'RECORD_MOVED';
  override readonly retryable = true;

  constructor(readonly record: string) {
    super(`${record} changed meanwhile`);
  }
}

/** The process is misconfigured or something it needs is missing; `remedy` is the next step. */
export class StartupError extends AppError {
  override readonly code = 'STARTUP';

  constructor(
    message: string,
    readonly remedy: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
