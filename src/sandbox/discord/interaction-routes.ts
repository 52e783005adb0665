/** Routes that answer interactions: the callback, and the webhook that its token opens. */
import type { AppMessages } from './app-messages.ts';
import type { CallbackResult, Interactions } from './interactions.ts';
import type { Messages } from './messages.ts';
import { NO_CONTENT, ok, param, type RestAnswer, type RestRequest, type RestRoute } from './rest-route.ts';
import { type Payload, type SharedView, toMessage } from './wire.ts';
import type { DiscordMessage, InteractionRecord } from './world.ts';

interface Deps {
  readonly interactions: Interactions;
  readonly appMessages: AppMessages;
  readonly messages: Messages;
  readonly view: () => SharedView;
}

export class InteractionRoutes {
  readonly routes: readonly RestRoute[];

  constructor(private readonly deps: Deps) {
    const webhook = '/webhooks/:app/:token';
    const message = `${webhook}/messages/:message`;
    const open = true as const;
    this.routes = [
      {
        method: 'POST',
        path: '/interactions/:id/:token/callback',
        open,
        run: (request) => this.#callback(request),
      },
      { method: 'POST', path: webhook, open, run: (request) => this.#followUp(request) },
      { method: 'GET', path: message, open, run: (request) => ok(this.#show(this.#message(request))) },
      { method: 'PATCH', path: message, open, run: (request) => this.#edit(request) },
      { method: 'DELETE', path: message, open, run: (request) => this.#delete(request) },
    ];
  }

  #callback(request: RestRequest): RestAnswer {
    const result = this.deps.interactions.respond(param(request, 'id'), param(request, 'token'), request);
    return request.query.with_response === 'true' ? ok(this.#toWire(result)) : NO_CONTENT;
  }

  #followUp(request: RestRequest): RestAnswer {
    const message = this.deps.interactions.followUp(this.#live(request), request);
    return ok(this.#show(message));
  }

  #edit(request: RestRequest): RestAnswer {
    const before = this.#message(request);
    return ok(this.#show(this.deps.appMessages.edit(before, request, { defaults: 'users' })));
  }

  #delete(request: RestRequest): RestAnswer {
    this.deps.messages.remove(this.#message(request));
    return NO_CONTENT;
  }

  #live(request: RestRequest): InteractionRecord {
    return this.deps.interactions.live(param(request, 'app'), param(request, 'token'));
  }

  #message(request: RestRequest): DiscordMessage {
    return this.deps.interactions.message(this.#live(request), param(request, 'message'));
  }

  #show(message: DiscordMessage): Payload {
    return toMessage(message, { ...this.deps.view(), content: true });
  }

  #toWire({ interaction, type, message }: CallbackResult): Payload {
    return {
      interaction: {
        id: interaction.id,
        type: interaction.type,
        ...(message === undefined
          ? {}
          : {
              response_message_id: message.id,
              response_message_loading: message.loading === true,
              response_message_ephemeral: message.onlyFor !== undefined,
            }),
      },
      resource: { type, ...(message === undefined ? {} : { message: this.#show(message) }) },
    };
  }
}
