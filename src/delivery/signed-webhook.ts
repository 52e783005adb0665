/**
 * Posts something to a program, signed as Standard Webhooks says (HMAC-SHA256 over id, time and body).
 *
 * Only addresses of the configuration are called, and no redirect is followed.
 */
import { Webhook } from 'standardwebhooks';
import type { Clock } from '../domain/clock.ts';
import { timeLimit } from '../domain/time-limit.ts';

/** Standard Webhooks suggests 15 to 30 s. */
const ANSWER_WITHIN_MS = 15_000;
/** The endpoint is there, and wants no more of it (Standard Webhooks). */
const GONE = 410;

/** Where it goes, and the secrets it is signed with: the one in force, and one that was, while it is replaced. */
export interface Endpoint {
  readonly url?: string | undefined;
  readonly secret?: string | undefined;
  readonly former_secret?: string | undefined;
}

/** How it went. */
export type Posted =
  | { readonly kind: 'taken'; readonly status: number }
  | {
      readonly kind: 'refused';
      readonly reason: string;
      /** Trying again cannot help. */
      readonly isFinal: boolean;
      /** When it asked to be tried again. */
      readonly afterMs?: number;
    };

/**
 * @param letter `id` is the same on every attempt
 * @returns never throws
 */
export async function postSigned(
  { id, body }: { readonly id: string; readonly body: unknown },
  { url, secret, former_secret: former }: Endpoint,
  clock: Clock,
  signal: AbortSignal,
): Promise<Posted> {
  if (url === undefined) return { kind: 'refused', reason: 'there is no address', isFinal: true };
  const payload = JSON.stringify(body);
  const sentAt = new Date(clock.now());
  const signatures = [secret, former].flatMap((each) =>
    each === undefined ? [] : [new Webhook(each).sign(id, sentAt, payload)],
  );
  try {
    const response = await fetch(url, {
      method: 'POST',
      body: payload,
      // Where it leads is not in the configuration.
      redirect: 'manual',
      headers: {
        'content-type': 'application/json',
        'user-agent': 'Signalbox',
        'webhook-id': id,
        'webhook-timestamp': String(Math.floor(sentAt.getTime() / 1_000)),
        'webhook-signature': signatures.join(' '),
      },
      signal: AbortSignal.any([signal, timeLimit(ANSWER_WITHIN_MS)]),
    });
    await response.body?.cancel().catch(() => undefined);
    return judge(response, clock);
  } catch (error) {
    const reason = error instanceof Error ? (causeOf(error) ?? error.message) : String(error);
    return { kind: 'refused', reason, isFinal: false };
  }
}

function judge({ ok, status, headers }: Response, clock: Clock): Posted {
  if (ok) return { kind: 'taken', status };
  const afterMs = retryAfterMs(headers.get('retry-after'), clock);
  return {
    kind: 'refused',
    reason: `it was answered with ${status}`,
    isFinal: status === GONE,
    ...(afterMs === undefined ? {} : { afterMs }),
  };
}

/** In seconds, or a date (RFC 9110). */
function retryAfterMs(header: string | null, clock: Clock): number | undefined {
  if (header === null) return undefined;
  const ms = /^\d+$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - clock.now();
  return Number.isFinite(ms) && ms > 0 ? ms : undefined;
}

/** `fetch failed` says nothing; why it did stands in the cause. */
function causeOf({ cause }: Error): string | undefined {
  return cause instanceof Error ? cause.message || cause.name : undefined;
}
