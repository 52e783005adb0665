/**
 * Discord calling us: signed interactions on the webhook listener, for those who run without a WebSocket.
 *
 * Invariants
 *   1. Nothing is parsed, let alone answered, before its signature over the raw bytes was found genuine. Discord tries
 *      with a wrong one now and then, and leaves those who accept it.
 *   2. The answer to the request is the first answer to the interaction; a request that got none is a failure.
 */
import type { Clock } from '../../src/domain/clock.ts';
import type { Logger } from '../../src/observability/logger.ts';
import type { WebhookListener, WebhookRequest, WebhookResponse } from '../webhook-listener.ts';
import type { Line } from './interaction-desk.ts';
import { Interaction, Ping, ResponseType } from './schema.ts';
import { judgeSignature } from './signature.ts';

interface ReceiverDeps {
  readonly listener: WebhookListener;
  readonly clock: Clock;
  readonly log: Logger;
  /** Resolves when the interaction has had its first answer. */
  readonly take: (interaction: Interaction, line: Line) => Promise<void>;
}

export class HttpReceiver {
  #unroute: (() => void) | undefined;

  constructor(
    private readonly settings: { readonly path: string; readonly publicKey: string },
    private readonly deps: ReceiverDeps,
  ) {}

  start(): void {
    this.#unroute = this.deps.listener.route(this.settings.path, (request) => this.#answer(request));
  }

  stop(): void {
    this.#unroute?.();
    this.#unroute = undefined;
  }

  async #answer(request: WebhookRequest): Promise<WebhookResponse> {
    const { log, clock } = this.deps;
    const verdict = judgeSignature(
      {
        timestamp: headerOf(request, 'x-signature-timestamp'),
        signature: headerOf(request, 'x-signature-ed25519'),
        body: request.body,
      },
      this.settings.publicKey,
      clock.now(),
    );
    if (verdict.kind === 'forged') {
      log.warn({ reason: verdict.reason }, 'a request that claims to be from Discord was refused');
      return { status: 401 };
    }
    const body = parseJson(request.body.toString('utf8'));
    if (Ping.safeParse(body).success) return json({ type: ResponseType.pong });

    const { data: interaction, error } = Interaction.safeParse(body);
    if (!interaction) {
      log.warn({ problems: error.issues.length }, 'an interaction of Discord could not be read');
      return { status: 400 };
    }
    return this.#handle(interaction);
  }

  async #handle(interaction: Interaction): Promise<WebhookResponse> {
    let answer: object | undefined;
    const respond = async (response: object) => {
      answer = response;
    };
    // A request comes to one of us alone, so whoever has it answers it.
    await this.deps.take(interaction, { respond, shared: false });
    return answer === undefined ? { status: 503 } : json(answer);
  }
}

function json(body: object): WebhookResponse {
  return { status: 200, contentType: 'application/json', body: JSON.stringify(body) };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function headerOf({ headers }: WebhookRequest, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' ? value : undefined;
}
