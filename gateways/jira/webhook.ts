/** Jira's webhooks: checked, understood, taken in, and only then acknowledged. */
import type { Logger } from '../../src/observability/logger.ts';
import type { WebhookHandler, WebhookRequest } from '../webhook-listener.ts';
import { within } from '../within.ts';
import { WebhookEvent } from './schema.ts';
import { isSigned } from './signature.ts';

/** Jira waits 20 s for an answer (Atlassian support, "webhook timeouts"); what takes longer has to come again. */
const TAKE_WITHIN_MS = 15_000;

export interface WebhookDeps {
  readonly secret: string;
  readonly take: (event: WebhookEvent) => Promise<void>;
  readonly log: Logger;
}

/** 401: not from Jira. 400: not readable. 503: not stored, so that Jira sends it again. */
export function createWebhookHandler({ secret, take, log }: WebhookDeps): WebhookHandler {
  return async ({ headers, body }) => {
    const signature = headers['x-hub-signature'];
    if (!isSigned(body, typeof signature === 'string' ? signature : undefined, secret)) {
      log.warn({ signed: signature !== undefined }, 'a webhook without a valid signature was refused');
      return { status: 401 };
    }
    const event = eventIn(body);
    if (!event) {
      log.warn(
        { delivery: headers['x-atlassian-webhook-identifier'] },
        'a webhook could not be read; it is dropped',
      );
      return { status: 400 };
    }
    try {
      await within(TAKE_WITHIN_MS, take(event));
      return { status: 200 };
    } catch (error) {
      log.error(
        { err: error, event: event.webhookEvent },
        'a webhook was not stored; Jira is asked to send it again',
      );
      return { status: 503 };
    }
  };
}

function eventIn(body: WebhookRequest['body']): WebhookEvent | undefined {
  try {
    return WebhookEvent.parse(JSON.parse(body.toString('utf8')));
  } catch {
    return undefined;
  }
}
