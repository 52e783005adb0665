/**
 * Interactions: what a person does with the app's commands and components, until the app has answered.
 *
 *   waiting ──callback within 3 s──▶ answered      token good for 15 min, for edits and follow-ups
 *      └────────────else───────────▶ failed        the person reads that it failed; the token is dead
 *
 * Invariants
 *   1. The first response is taken once, and not later than the limit; a second one gets 40060, a late one 10062.
 *   2. An interaction goes to the URL when there is one, and over the gateway when not; never both.
 */
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { Clock } from '../../domain/clock.ts';
import { BOT, GUILD } from '../people.ts';
import type { AppMessages } from './app-messages.ts';
import { CommandChoice } from './command-rules.ts';
import { Modal } from './component-rules.ts';
import { type GatewayEvent, guildOf } from './events.ts';
import type { Listener } from './gateway-server.ts';
import type { InteractionUrl } from './interaction-url.ts';
import { INTERACTION_TOKEN_LIFETIME_MS, MAX_COMMAND_CHOICES, MAX_FILE_BYTES } from './limits.ts';
import { EPHEMERAL } from './message-rules.ts';
import type { Messages } from './messages.ts';
import { invalidForm, parseForm, Refusal, unknown } from './refusal.ts';
import type { RequestBody } from './request-body.ts';
import { type Payload, type SharedView, toActor, toChannel, toMessage } from './wire.ts';
import type { DiscordMessage, InteractionRecord, OpenModal, World } from './world.ts';

/** Interaction types. */
export const COMMAND = 2;
export const COMPONENT = 3;
export const AUTOCOMPLETE = 4;
export const MODAL_SUBMIT = 5;

/** Callback types. */
const REPLY = 4;
const DEFERRED_REPLY = 5;
const DEFERRED_UPDATE = 6;
const UPDATE = 7;
const CHOICES = 8;
const MODAL = 9;

/** What may answer what (Interaction Callback Type). */
const ANSWERS: Readonly<Record<number, readonly number[]>> = {
  [COMMAND]: [REPLY, DEFERRED_REPLY, MODAL],
  [COMPONENT]: [REPLY, DEFERRED_REPLY, DEFERRED_UPDATE, UPDATE, MODAL],
  [AUTOCOMPLETE]: [CHOICES],
  [MODAL_SUBMIT]: [REPLY, DEFERRED_REPLY, DEFERRED_UPDATE, UPDATE],
};

/** What a gesture came to, as the person sees it. */
export type GestureOutcome =
  /** A message came, for all or for them alone. */
  | { readonly kind: 'message'; readonly message: DiscordMessage }
  /** "Signalbox is thinking…" */
  | { readonly kind: 'thinking'; readonly message: DiscordMessage }
  /** Nothing to see: the app will change the message later, or not. */
  | { readonly kind: 'acknowledged' }
  /** The message with the component changed. */
  | { readonly kind: 'updated'; readonly message: DiscordMessage }
  | { readonly kind: 'modal'; readonly modal: OpenModal }
  | { readonly kind: 'choices'; readonly choices: readonly CommandChoice[] }
  | {
      readonly kind: 'failed';
      readonly reason: 'no_connection' | 'timeout' | 'http_error' | 'invalid_response';
      /** What Discord shows. */
      readonly text: string;
    };

/** What a person does, before it has an id. */
export interface Gesture {
  readonly type: number;
  readonly user: string;
  readonly channel: string;
  readonly data: Payload;
  readonly command?: string;
  /** The message with the component, or with the button that opened the modal. */
  readonly message?: DiscordMessage;
}

/** An interaction that went over the gateway, and who was told of it. */
export interface Hearing {
  readonly interaction: string;
  readonly at: number;
  readonly listeners: readonly Listener[];
}

/** What a callback did, for `with_response`. */
export interface CallbackResult {
  readonly interaction: InteractionRecord;
  readonly type: number;
  readonly message: DiscordMessage | undefined;
}

interface Deps {
  readonly world: World;
  readonly messages: Messages;
  readonly appMessages: AppMessages;
  readonly clock: Clock;
  readonly view: () => SharedView;
  readonly url: InteractionUrl;
  readonly firstResponseMs: number;
  readonly dispatch: (event: GatewayEvent) => readonly Listener[];
  readonly heard: (hearing: Hearing) => void;
  readonly isConnected: () => boolean;
  /** The app answered a request with what is no callback that Discord takes. */
  readonly violated: (refusal: Refusal) => void;
}

const Callback = z.object({ type: z.int(), data: z.looseObject({}).nullish() });
const AutocompleteResult = z.object({ choices: z.array(CommandChoice).max(MAX_COMMAND_CHOICES) });

export class Interactions {
  /** By token. */
  readonly #waiting = new Map<string, (outcome: GestureOutcome) => void>();

  constructor(private readonly deps: Deps) {}

  /** Brings a gesture to the app; resolves with what the person sees first. */
  async raise(gesture: Gesture): Promise<GestureOutcome> {
    const { world, clock, firstResponseMs, url } = this.deps;
    const interaction: InteractionRecord = {
      id: world.nextId(),
      token: `aW50ZXJhY3Rpb246${randomBytes(48).toString('base64url')}`,
      type: gesture.type,
      user: gesture.user,
      channel: gesture.channel,
      at: clock.now(),
      state: 'waiting',
      ...(gesture.command === undefined ? {} : { command: gesture.command }),
      ...(gesture.message === undefined ? {} : { message: gesture.message.id }),
    };
    world.record({ kind: 'interaction-put', interaction });

    const outcome = new Promise<GestureOutcome>((resolve) => {
      const timer = setTimeout(() => this.#fail(interaction, this.#lateReason()), firstResponseMs);
      this.#waiting.set(interaction.token, (seen) => {
        clearTimeout(timer);
        resolve(seen);
      });
    });
    const payload = this.#toWire(interaction, gesture);
    if (url.address === undefined) this.#bySocket(interaction, payload);
    else await this.#byHttp(interaction, payload);
    return outcome;
  }

  /**
   * Takes the first response.
   *
   * @throws {Refusal} when it is late, a second one, of a wrong type, or against a limit
   */
  respond(id: string, token: string, request: RequestBody): CallbackResult {
    const interaction = this.deps.world.interaction(token);
    if (interaction === undefined || interaction.id !== id) throw unknown.interaction();
    if (interaction.state === 'answered')
      throw new Refusal(400, 40_060, 'Interaction has already been acknowledged.');
    if (this.deps.clock.now() - interaction.at > this.deps.firstResponseMs)
      this.#fail(interaction, 'timeout');
    if (this.deps.world.interaction(token)?.state === 'failed') throw unknown.interaction();

    const { type, data } = parseForm(Callback, request.json);
    this.#refuseType(interaction, type);
    const outcome = belowData(() =>
      this.#answer(interaction, type, { json: data ?? {}, files: request.files }),
    );
    const message = 'message' in outcome ? outcome.message : undefined;
    const original = message?.id ?? interaction.message;
    const answered: InteractionRecord = {
      ...interaction,
      state: 'answered',
      ...(original === undefined ? {} : { original }),
    };
    this.deps.world.record({ kind: 'interaction-put', interaction: answered });
    this.#settle(token, outcome);
    return { interaction: answered, type, message };
  }

  /**
   * The interaction behind a webhook.
   *
   * @throws {Refusal} when there is none, it has no first response, or its 15 minutes are over
   */
  live(application: string, token: string): InteractionRecord {
    const interaction = this.deps.world.interaction(token);
    if (application !== BOT.discordApplication || interaction === undefined) throw unknown.webhook();
    if (this.deps.clock.now() - interaction.at > INTERACTION_TOKEN_LIFETIME_MS)
      throw new Refusal(401, 50_027, 'Invalid Webhook Token');
    if (interaction.state !== 'answered') throw unknown.webhook();
    return interaction;
  }

  /** A further message. The first one after a deferred reply becomes that reply. @throws {Refusal} */
  followUp(interaction: InteractionRecord, request: RequestBody): DiscordMessage {
    const original = this.deps.world.message(interaction.original ?? '');
    if (original?.loading === true)
      return this.deps.appMessages.edit(original, request, { defaults: 'users', extraFlags: EPHEMERAL });
    return this.#post(interaction, request);
  }

  /** The message `@original` or one with this id, if it came from this interaction. @throws {Refusal} */
  message(interaction: InteractionRecord, id: string): DiscordMessage {
    const found = this.deps.world.message(id === '@original' ? (interaction.original ?? '') : id);
    const isOurs = found?.interaction === interaction.token || found?.id === interaction.original;
    if (found === undefined || !isOurs) throw unknown.message();
    return found;
  }

  #answer(interaction: InteractionRecord, type: number, request: RequestBody): GestureOutcome {
    switch (type) {
      case REPLY:
        return { kind: 'message', message: this.#post(interaction, request) };
      case DEFERRED_REPLY:
        return { kind: 'thinking', message: this.#defer(interaction, request.json) };
      case DEFERRED_UPDATE:
        return { kind: 'acknowledged' };
      case UPDATE:
        return { kind: 'updated', message: this.#update(interaction, request) };
      case CHOICES:
        return { kind: 'choices', choices: parseForm(AutocompleteResult, request.json).choices };
      default:
        return { kind: 'modal', modal: this.#open(interaction, request.json) };
    }
  }

  #post(interaction: InteractionRecord, request: RequestBody): DiscordMessage {
    const { user, channel, token } = interaction;
    const isEphemeral = (flagsIn(request.json) & EPHEMERAL) !== 0;
    return this.deps.appMessages.answer({
      request,
      extraFlags: EPHEMERAL,
      draft: {
        channel,
        type: messageTypeOf(interaction),
        interaction: token,
        ...(isEphemeral ? { onlyFor: user } : {}),
      },
    });
  }

  #defer({ user, channel, token, ...interaction }: InteractionRecord, data: unknown): DiscordMessage {
    const flags = flagsIn(data);
    if ((flags & ~EPHEMERAL) !== 0)
      throw invalidForm([
        { path: ['flags'], code: 'MESSAGE_FLAGS_INVALID', message: 'Only EPHEMERAL may be set here' },
      ]);
    return this.deps.messages.post(
      {
        channel,
        author: BOT.discordUser,
        type: messageTypeOf(interaction),
        interaction: token,
        loading: true,
        ...(flags === EPHEMERAL ? { onlyFor: user } : {}),
      },
      { allowed: { parse: [] }, defaults: 'users' },
    );
  }

  #update(interaction: InteractionRecord, request: RequestBody): DiscordMessage {
    const before = this.deps.world.message(interaction.message ?? '');
    if (before === undefined) throw unknown.message();
    return this.deps.appMessages.edit(before, request, { defaults: 'users' });
  }

  #open({ user, channel, message }: InteractionRecord, data: unknown): OpenModal {
    const form = parseForm(Modal, data);
    const modal: OpenModal = {
      user,
      channel,
      customId: form.custom_id,
      title: form.title,
      components: form.components,
      ...(message === undefined ? {} : { message }),
    };
    this.deps.world.record({ kind: 'modal-put', modal });
    return modal;
  }

  #refuseType({ type: asked, message }: InteractionRecord, type: number): void {
    const canUpdate = asked === COMPONENT || message !== undefined;
    const allowed = (ANSWERS[asked] ?? []).filter(
      (answer) => canUpdate || (answer !== UPDATE && answer !== DEFERRED_UPDATE),
    );
    if (allowed.includes(type)) return;
    throw invalidForm([
      {
        path: ['type'],
        code: 'BASE_TYPE_CHOICES',
        message: `Value of field "type" must be one of (${allowed.join(', ')}).`,
      },
    ]);
  }

  #bySocket({ id, channel, at }: InteractionRecord, payload: Payload): void {
    const listeners = this.deps.dispatch({
      name: 'INTERACTION_CREATE',
      intents: 0,
      guild: guildOf(channel, this.deps.world),
      toData: () => payload,
    });
    this.deps.heard({ interaction: id, at, listeners });
  }

  async #byHttp(interaction: InteractionRecord, payload: Payload): Promise<void> {
    const outcome = await this.deps.url.deliver(payload);
    switch (outcome.kind) {
      case 'accepted':
        return; // The callback comes over REST.
      case 'answered':
        return this.#takeHttpAnswer(interaction, outcome.body);
      case 'timeout':
        return this.#fail(interaction, 'timeout');
      case 'failed':
        return this.#fail(interaction, 'http_error');
      default:
        outcome satisfies never;
    }
  }

  #takeHttpAnswer({ id, token, ...interaction }: InteractionRecord, body: unknown): void {
    if (this.deps.world.interaction(token)?.state !== 'waiting') return; // Answered over REST meanwhile.
    try {
      this.respond(id, token, { json: body, files: [] });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.deps.violated(error);
      this.#fail({ id, token, ...interaction }, 'invalid_response');
    }
  }

  #lateReason(): 'timeout' | 'no_connection' {
    return this.deps.url.address !== undefined || this.deps.isConnected() ? 'timeout' : 'no_connection';
  }

  #fail(
    { token, type }: InteractionRecord,
    reason: Extract<GestureOutcome, { kind: 'failed' }>['reason'],
  ): void {
    const interaction = this.deps.world.interaction(token);
    if (interaction?.state !== 'waiting') return;
    this.deps.world.record({ kind: 'interaction-put', interaction: { ...interaction, state: 'failed' } });
    this.#settle(token, { kind: 'failed', reason, text: FAILURE_TEXT[type] ?? 'This interaction failed' });
  }

  #settle(token: string, outcome: GestureOutcome): void {
    const settle = this.#waiting.get(token);
    this.#waiting.delete(token);
    settle?.(outcome);
  }

  #toWire({ id, token, type, user, channel }: InteractionRecord, { data, message }: Gesture): Payload {
    const view = { ...this.deps.view(), content: true };
    const { world } = view;
    const place = world.place(channel);
    if (place === undefined) throw new Error(`there is no channel ${channel}`);
    const isInGuild = place.kind !== 'dm';
    const permissions = String(
      view.permissions.bitsIn(place.kind === 'thread' ? place.thread.parent : place.id),
    );
    return {
      id,
      application_id: BOT.discordApplication,
      type,
      token,
      version: 1,
      data,
      channel_id: channel,
      channel: { ...toChannel(view, place), permissions },
      app_permissions: permissions,
      locale: 'en-US',
      entitlements: [],
      authorizing_integration_owners: { 0: isInGuild ? GUILD.id : '0' },
      context: isInGuild ? 0 : 1,
      attachment_size_limit: MAX_FILE_BYTES,
      ...toActor(user, isInGuild),
      ...(isInGuild
        ? {
            guild_id: GUILD.id,
            guild: { id: GUILD.id, locale: 'en-US', features: [] },
            guild_locale: 'en-US',
          }
        : {}),
      ...(message === undefined ? {} : { message: toMessage(message, view) }),
    };
  }
}

const FAILURE_TEXT: Readonly<Record<number, string>> = {
  [COMMAND]: 'The application did not respond',
  [AUTOCOMPLETE]: 'Loading options failed',
  [MODAL_SUBMIT]: 'Something went wrong. Try again.',
};

/** Message types 20 and 23 answer commands; an answer to a component is a plain message. */
function messageTypeOf({ type }: Pick<InteractionRecord, 'type'>): number {
  return type === COMMAND ? 20 : 0;
}

function flagsIn(data: unknown): number {
  const flags = z.object({ flags: z.int().nullish() }).safeParse(data).data?.flags;
  return flags ?? 0;
}

/** Fields at fault are named below `data`, where the app put them. */
function belowData<Result>(act: () => Result): Result {
  try {
    return act();
  } catch (error) {
    if (!(error instanceof Refusal) || error.formErrors.length === 0) throw error;
    throw invalidForm(error.formErrors.map((one) => ({ ...one, path: ['data', ...one.path] })));
  }
}
