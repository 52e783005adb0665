/** The signed HTTP side: requests to the URL that the app gave Slack. */

import { timeLimit } from '../../domain/time-limit.ts';
import { signatureOf } from './signature.ts';

export interface SignedRequest {
  readonly url: string;
  readonly body: string | Uint8Array;
  readonly contentType: string;
  readonly signingSecret: string;
  readonly nowMs: number;
  readonly timeoutMs: number;
  readonly headers?: Record<string, string>;
  /** Instead of the right signature; `undefined` as the value sends none. */
  readonly forged?: { readonly signature: string | undefined };
  readonly signal?: AbortSignal;
}

export type RequestOutcome =
  | { readonly kind: 'answered'; readonly status: number; readonly body: string; readonly mayRetry: boolean }
  | { readonly kind: 'timeout' }
  | { readonly kind: 'failed' };

/** Never throws: what went wrong is the outcome. Follows no redirect. */
export async function postSigned(request: SignedRequest): Promise<RequestOutcome> {
  const timestamp = Math.floor(request.nowMs / 1_000);
  const signature = request.forged
    ? request.forged.signature
    : signatureOf(request.signingSecret, timestamp, request.body);
  const timeout = timeLimit(request.timeoutMs);

  try {
    const response = await fetch(request.url, {
      method: 'POST',
      redirect: 'manual',
      signal: request.signal === undefined ? timeout : AbortSignal.any([timeout, request.signal]),
      body: request.body,
      headers: {
        'content-type': request.contentType,
        'user-agent': 'Slackbot 1.0 (+https://api.slack.com/robots)',
        'x-slack-request-timestamp': String(timestamp),
        ...(signature === undefined ? {} : { 'x-slack-signature': signature }),
        ...request.headers,
      },
    });
    const body = await response.text();
    return {
      kind: 'answered',
      status: response.status,
      body,
      mayRetry: response.headers.get('x-slack-no-retry') !== '1',
    };
  } catch {
    return timeout.aborted ? { kind: 'timeout' } : { kind: 'failed' };
  }
}
