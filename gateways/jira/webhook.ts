/**
 * Jira's webhooks: checked, understood, taken in, and only then acknowledged.
 *
 * Jira sends what was not acknowledged again, so everything that is handed on has the id of what it is about: a comment,
 * an entry of the history, the creation of an issue. Two webhooks about it, and polling, then tell of one thing.
 */
import { createHash } from 'node:crypto';
import type { Logger } from '../../src/observability/logger.ts';
import type { WebhookHandler, WebhookRequest } from '../webhook-listener.ts';
import { within } from '../within.ts';
import { WebhookEvent } from './schema.ts';
import { isSigned } from './signature.ts';

/** Jira waits 20 s for an answer (Atlassian support, "webhook timeouts"); what takes longer has to come again. */
const TAKE_WITHIN_MS = 15_000;

/** As Jira writes them: a UUID, or something alike. */
const IDENTIFIER = /^[\w.:-]{1,100}$/;

export interface WebhookDeps {
  readonly secret: string;
  /** Told of each that is rightly signed. */
  readonly signed: () => void;
  readonly take: (event: WebhookEvent) => Promise<void>;
  readonly log: Logger;
}

/** 401: not from Jira. 400: not readable. 503: not stored, so that Jira sends it again. */
export function createWebhookHandler({ secret, signed, take, log }: WebhookDeps): WebhookHandler {
  return async ({ headers, body }) => {
    const signature = headers['x-hub-signature'];
    if (!isSigned(body, typeof signature === 'string' ? signature : undefined, secret)) {
      log.warn({ signed: signature !== undefined }, 'a webhook without a valid signature was refused');
      return { status: 401 };
    }
    signed();
    const delivery = deliveryOf(headers['x-atlassian-webhook-identifier'], body);
    const event = eventIn(body);
    if (!event) {
      log.warn({ delivery }, 'a webhook could not be read; it is dropped');
      return { status: 400 };
    }
    try {
      await within(TAKE_WITHIN_MS, take(event));
      return { status: 200 };
    } catch (error) {
      log.error(
        { err: error, event: event.webhookEvent, delivery },
        'a webhook was not stored; Jira is asked to send it again',
      );
      return { status: 503 };
    }
  };
}

/** For the log, the same on every attempt: the identifier as Jira gives it; anything unusual, and a body without one, by its digest. */
function deliveryOf(identifier: string | string[] | undefined, body: Buffer): string {
  if (typeof identifier === 'string' && IDENTIFIER.test(identifier)) return identifier;
  return createHash('sha256')
    .update(identifier === undefined ? body : String(identifier))
    .digest('hex');
}

function eventIn(body: WebhookRequest['body']): WebhookEvent | undefined {
  try {
    return WebhookEvent.parse(JSON.parse(body.toString('utf8')));
  } catch {
    return undefined;
  }
}
