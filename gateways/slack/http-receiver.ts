/**
 * Bolt's receiver for Slack calling us: signed requests on the webhook listener.
 *
 * Invariants
 *   1. Nothing is parsed, let alone answered, before its signature over the raw bytes was found genuine.
 *   2. 200 means stored or of no interest; 503 asks Slack to deliver again; 4xx is for what can never be read.
 */
import type { App, Receiver } from '@slack/bolt';
import type { Clock } from '../../src/domain/clock.ts';
import type { Logger } from '../../src/observability/logger.ts';
import type { LastRequest } from '../last-request.ts';
import type { WebhookListener, WebhookRequest, WebhookResponse } from '../webhook-listener.ts';
import { Intake, type Retry, type Taken } from './intake.ts';
import { judgeSignature } from './signature.ts';

export interface HttpReceiverSettings {
  readonly path: string;
  readonly signingSecret: string;
}

export class HttpReceiver implements Receiver {
  readonly #intake: Intake;
  #unroute: (() => void) | undefined;

  constructor(
    private readonly settings: HttpReceiverSettings,
    private readonly deps: {
      readonly listener: WebhookListener;
      readonly clock: Clock;
      readonly log: Logger;
      readonly lastRequest: LastRequest | undefined;
    },
  ) {
    this.#intake = new Intake(deps.log);
  }

  init(app: App): void {
    this.#intake.init(app);
  }

  async start(): Promise<void> {
    this.#unroute = this.deps.listener.route(this.settings.path, (request) => this.#answer(request));
  }

  /** Takes no more requests, resolves when those taken are stored. */
  async stop(): Promise<void> {
    this.#unroute?.();
    this.#unroute = undefined;
    await this.#intake.drain();
    await this.deps.lastRequest?.settled();
  }

  async #answer(request: WebhookRequest): Promise<WebhookResponse> {
    const verdict = judgeSignature(
      {
        timestamp: headerOf(request, 'x-slack-request-timestamp'),
        signature: headerOf(request, 'x-slack-signature'),
        body: request.body,
      },
      this.settings.signingSecret,
      this.deps.clock.now(),
    );
    if (verdict.kind === 'forged') {
      this.deps.log.warn({ reason: verdict.reason }, 'a request that claims to be from Slack was refused');
      return { status: 401 };
    }

    this.deps.lastRequest?.note();
    const body = parseBody(request);
    if (body === undefined) {
      this.deps.log.warn({ bytes: request.body.length }, 'a request of Slack could not be read');
      return { status: 400 };
    }
    if (isHandshake(body)) return { status: 200, contentType: 'text/plain', body: body.challenge };
    return toResponse(await this.#intake.take(body, retryOf(request)));
  }
}

function toResponse(taken: Taken): WebhookResponse {
  switch (taken.kind) {
    case 'taken':
      return taken.answer === undefined || taken.answer === ''
        ? { status: 200 }
        : { status: 200, contentType: 'application/json', body: JSON.stringify(taken.answer) };
    case 'malformed':
      return { status: 400 };
    case 'not-taken':
      return { status: 503 };
    default:
      return taken satisfies never;
  }
}

/** Events come as JSON, interactions as JSON in a form field. Undefined when neither can be read. */
function parseBody({ headers, body }: WebhookRequest): unknown {
  const text = body.toString('utf8');
  if (!headers['content-type']?.startsWith('application/x-www-form-urlencoded')) return parseJson(text);
  const form = new URLSearchParams(text);
  const payload = form.get('payload');
  return payload === null ? Object.fromEntries(form) : parseJson(payload);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Slack asks once whether we are there, when the address is entered in the app's settings. */
function isHandshake(body: unknown): body is { challenge: string } {
  if (typeof body !== 'object' || body === null || !('type' in body) || !('challenge' in body)) return false;
  return body.type === 'url_verification' && typeof body.challenge === 'string';
}

function retryOf(request: WebhookRequest): Retry {
  const num = Number(headerOf(request, 'x-slack-retry-num'));
  const reason = headerOf(request, 'x-slack-retry-reason');
  return {
    ...(Number.isInteger(num) && num > 0 ? { num } : {}),
    ...(reason === undefined ? {} : { reason }),
  };
}

function headerOf({ headers }: WebhookRequest, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' ? value : undefined;
}
