/**
 * Hands one payload of Slack to Bolt, whatever it came in through, and says what Slack is to be told.
 *
 * Bolt calls `ack` before its listeners run, so here `ack` only notes the answer. The payload counts as taken when
 * everything that listens has resolved, which is when it is stored.
 *
 * Invariants
 *   1. `taken` means stored, or of no interest. Whatever could not be stored is `not-taken`, so that it comes again.
 *   2. Nothing a payload contains can throw out of here.
 */
import type { App } from '@slack/bolt';
import { z } from 'zod';
import type { Logger } from '../../src/observability/logger.ts';

export type Taken =
  /** `answer`: what a listener gave to `ack`; Slack reads it where it waits for one (modals). */
  | { readonly kind: 'taken'; readonly answer: unknown }
  | { readonly kind: 'malformed' }
  | { readonly kind: 'not-taken' };

export interface Retry {
  readonly num?: number;
  readonly reason?: string;
}

/** A payload that is not what its type promises. */
class MalformedPayloadError extends Error {
  /** Bolt leaves errors with a code as they are. */
  readonly code = 'MALFORMED_PAYLOAD';

  constructor(
    readonly what: string,
    readonly problems: readonly string[],
  ) {
    super(`a ${what} of Slack is malformed: ${problems.join('; ')}`);
    this.name = 'MalformedPayloadError';
  }
}

const NotNull = z.unknown().refine((value) => value !== null, 'null');

/** What Bolt reads of a payload before any listener runs. With other types in these places it would throw. */
const Payload = z.looseObject({
  type: z.string().optional(),
  event: z
    .looseObject({ type: z.string(), item: z.looseObject({}).optional(), channel: NotNull.optional() })
    .optional(),
  authorizations: z.array(z.looseObject({})).nullish(),
  actions: z
    .array(z.looseObject({ action_id: z.string(), block_id: z.string().optional() }))
    .min(1)
    .optional(),
  view: z.looseObject({ callback_id: z.string() }).optional(),
  user: NotNull.optional(),
  team: z.looseObject({}).nullish(),
  channel: z.looseObject({}).optional(),
  response_url: z.string().optional(),
  response_urls: z.array(z.looseObject({ response_url: z.string() })).optional(),
});

export class Intake {
  readonly #beingTaken = new Set<Promise<Taken>>();
  #app: App | undefined;

  constructor(private readonly log: Logger) {}

  init(app: App): void {
    this.#app = app;
  }

  /** Never rejects. */
  take(body: unknown, retry: Retry): Promise<Taken> {
    const taking = this.#take(body, retry);
    this.#beingTaken.add(taking);
    void taking.finally(() => this.#beingTaken.delete(taking));
    return taking;
  }

  /** Resolves when nothing is being taken any more. */
  async drain(): Promise<void> {
    while (this.#beingTaken.size > 0) await Promise.all(this.#beingTaken);
  }

  async #take(body: unknown, retry: Retry): Promise<Taken> {
    const { success, error } = Payload.safeParse(body);
    if (!success) return this.#malformed(new MalformedPayloadError('payload', problemsOf(error)));

    let answer: unknown;
    try {
      await this.#app?.processEvent({
        body: body as Record<string, unknown>, // an object: `Payload` has just said so
        ack: async (response) => {
          answer = response;
        },
        ...(retry.num === undefined ? {} : { retryNum: retry.num }),
        ...(retry.reason === undefined ? {} : { retryReason: retry.reason }),
      });
      return { kind: 'taken', answer };
    } catch (error) {
      if (error instanceof MalformedPayloadError) return this.#malformed(error);
      this.log.error(
        { error },
        'something from Slack could not be taken in; Slack is told, so that it comes again',
      );
      return { kind: 'not-taken' };
    }
  }

  #malformed({ what, problems }: MalformedPayloadError): Taken {
    this.log.warn({ what, problems }, 'something malformed came from Slack and was dropped');
    return { kind: 'malformed' };
  }
}

/** What a listener reads of a payload. Throws `MalformedPayloadError`, which Slack is told and the log keeps. */
export function parsePayload<Value>(what: string, schema: z.ZodType<Value>, body: unknown): Value {
  const { success, data, error } = schema.safeParse(body);
  if (!success) throw new MalformedPayloadError(what, problemsOf(error));
  return data;
}

/** Where and what, never the value: it may be a person's words. */
function problemsOf(error: z.ZodError): string[] {
  return error.issues.slice(0, 5).map((issue) => `${issue.path.join('.')}: ${issue.message}`.slice(0, 200));
}
