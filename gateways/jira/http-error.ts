/** What Jira answers when it does not do what it was asked. */
import { z } from 'zod';

/** The credentials are wrong or may not do this at all. */
export class JiraCredentialError extends Error {}

/** The token is right, and its scopes do not reach so far. */
export class JiraScopeError extends JiraCredentialError {}

/** Jira answered with a status that is no success. */
export class JiraHttpError extends Error {
  constructor(
    readonly status: number,
    readonly sentences: string,
    /** What it asked to wait, in ms. */
    readonly retryAfterMs: number | undefined,
    /** `RateLimit-Reason`: which limit a 429 is about. */
    readonly reason: string | undefined,
  ) {
    super(`Jira answered ${status}${sentences ? `: ${sentences}` : ''}`);
  }
}

/** As Jira itself answers, and the gateway before Jira Cloud. */
const Said = z.object({
  errorMessages: z.array(z.string()).default([]),
  errors: z.record(z.string(), z.string()).default({}),
  /** Of the gateway before Jira Cloud. */
  message: z.string().optional(),
});

export async function toHttpError(response: Response, nowMs: number): Promise<JiraHttpError> {
  const body: unknown = await response.json().catch(() => undefined);
  const said = Said.safeParse(body);
  const sentences = said.success
    ? [
        ...said.data.errorMessages,
        ...(said.data.message === undefined ? [] : [said.data.message]),
        ...Object.entries(said.data.errors).map(([field, text]) => `${field}: ${text}`),
      ]
    : [];
  return new JiraHttpError(
    response.status,
    sentences.join(' ').slice(0, 500),
    waitAskedBy(response.headers, nowMs),
    response.headers.get('ratelimit-reason') ?? undefined,
  );
}

/** `Retry-After` in seconds; a gateway that leaves it out may still say when the limit is reset. */
function waitAskedBy(headers: Headers, nowMs: number): number | undefined {
  const seconds = Number(headers.get('retry-after') ?? Number.NaN);
  if (Number.isFinite(seconds)) return seconds * 1_000;
  const untilReset = Date.parse(headers.get('x-ratelimit-reset') ?? '') - nowMs;
  return untilReset > 0 ? untilReset : undefined;
}
