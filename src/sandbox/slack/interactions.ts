/**
 * What people do other than write: buttons, modals and slash commands; and what the app answers to that.
 *
 * Interactions are brought to the app once. When that fails, Slack shows the person a warning, and it is the person
 * who tries again.
 */
import querystring from 'node:querystring';
import { z } from 'zod';
import type { Clock } from '../../domain/clock.ts';
import { BOT } from '../people.ts';
import { Block, View } from './block-rules.ts';
import type { Delivery } from './event-queue.ts';
import {
  blockActions,
  type Gesture,
  handleOf,
  type MessageSurface,
  type Payload,
  slashCommand,
  toWire,
  toWireView,
  viewClosed,
  viewSubmission,
} from './events.ts';
import { type Messages, withBlockIds } from './messages.ts';
import { postSigned } from './request-url.ts';
import type { SocketMode } from './socket-mode.ts';
import type { ResponseTarget, Triggers } from './triggers.ts';
import type { OpenView, SlackMessage, Workspace } from './workspace.ts';

/** What a gesture came to, as the person's Slack client learns it. */
export type GestureOutcome =
  /** `response`: what the app answered with, parsed where it is JSON. */
  | { readonly kind: 'acknowledged'; readonly response: unknown }
  | {
      readonly kind: 'failed';
      readonly reason: 'no_connection' | 'timeout' | 'http_error' | 'connection_failed';
    };

export type SubmitOutcome =
  | { readonly kind: 'closed' }
  | { readonly kind: 'updated' }
  | { readonly kind: 'refused'; readonly errors: Record<string, string> }
  | Extract<GestureOutcome, { kind: 'failed' }>;

export interface Press {
  readonly user: string;
  readonly channel: string;
  readonly ts: string;
  readonly actionId: string;
  /** Press it on this older copy instead of the message as it is now. */
  readonly copy?: SlackMessage;
  /** What is ticked in the boxes of the message as it is pressed, by value. */
  readonly ticked?: readonly string[];
  /** What is chosen, where it is a list: how the option is called. */
  readonly chosen?: string | undefined;
}

export interface SlashCommand {
  readonly user: string;
  readonly channel: string;
  readonly command: string;
  readonly text: string;
}

interface Deps {
  readonly workspace: Workspace;
  readonly messages: Messages;
  readonly triggers: Triggers;
  readonly sockets: SocketMode;
  readonly clock: Clock;
  readonly signingSecret: string;
  readonly ackTimeoutMs: number;
  /** Undefined: Socket Mode. */
  readonly requestUrl: () => string | undefined;
  readonly origin: () => string;
  readonly note: (delivery: Delivery) => void;
}

type SocketPayload = { readonly type: 'interactive' | 'slash_commands'; readonly payload: Payload };

export class Interactions {
  constructor(private readonly deps: Deps) {}

  /** @throws {Error} when there is no such button */
  async press(pressed: Press): Promise<GestureOutcome> {
    const surface = this.#surface(pressed);
    const gesture = this.#gesture({
      user: pressed.user,
      channel: pressed.channel,
      thread: surface.thread,
      messageTs: pressed.ts,
    });
    const element = actionIn(surface.blocks, pressed.actionId);
    const action = {
      ...(pressed.chosen === undefined ? element : { ...element, ...choiceIn(element, pressed.chosen) }),
      action_ts: this.deps.workspace.nextTs(),
    };
    return this.#interact(
      blockActions(surface, action, gesture, toBoxState(surface.blocks, pressed.ticked ?? [])),
    );
  }

  /** @throws {Error} when they have no modal open */
  async submitView(user: string, values: Record<string, string>): Promise<SubmitOutcome> {
    const open = this.#topView(user);
    const view = toWireView(open.id, open.hash, open.view, toViewState(open.view.blocks, values));
    const gesture = { user, triggerId: this.deps.triggers.issue(user), responseUrl: '' };

    const outcome = await this.#interact(viewSubmission(view, gesture));
    return outcome.kind === 'failed' ? outcome : this.#afterSubmit(open, outcome.response);
  }

  /** @throws {Error} when they have no modal open */
  async closeView(user: string): Promise<void> {
    const { id, hash, view } = this.#topView(user);
    this.deps.workspace.record({ kind: 'view-gone', id });
    if (view.notify_on_close === true) await this.#interact(viewClosed(toWireView(id, hash, view, {}), user));
  }

  async command({ user, channel, command, text }: SlashCommand): Promise<GestureOutcome> {
    const target = { user, channel, thread: undefined, messageTs: undefined };
    const form = slashCommand(command, text, channel, this.#gesture(target));
    const outcome = await this.#bring({ type: 'slash_commands', payload: form }, form);
    if (outcome.kind === 'acknowledged') this.#show(target, outcome.response);
    return outcome;
  }

  /** Takes what the app posts to a response_url; false once that is used up or too old. */
  respond(responseId: string, body: string): boolean {
    const target = this.deps.triggers.useResponse(responseId);
    if (target !== undefined) this.#show(target, parseAnswer(body));
    return target !== undefined;
  }

  #surface({ channel, ts, copy }: Press): MessageSurface {
    const ephemeral = this.deps.workspace.ephemeral(ts);
    if (ephemeral !== undefined) {
      const { blocks = [], thread_ts: thread } = ephemeral;
      return { ts, channel, thread, isEphemeral: true, blocks, wire: undefined };
    }
    const message = copy ?? this.deps.workspace.message(channel, ts);
    if (message === undefined) throw new Error(`there is no message ${ts} in ${channel}`);
    const { blocks = [], thread_ts: thread } = message;
    return { ts, channel, thread, isEphemeral: false, blocks, wire: toWire(message) };
  }

  #topView(user: string): OpenView {
    const open = this.deps.workspace.views(user).at(-1);
    if (open === undefined) throw new Error(`${handleOf(user)} has no modal open`);
    return open;
  }

  #gesture(target: ResponseTarget): Gesture {
    const { triggers, origin } = this.deps;
    return {
      user: target.user,
      triggerId: triggers.issue(target.user),
      responseUrl: `${origin()}/slack/response/${triggers.issueResponse(target)}`,
    };
  }

  #interact(payload: Payload): Promise<GestureOutcome> {
    return this.#bring({ type: 'interactive', payload }, { payload: JSON.stringify(payload) });
  }

  async #bring(socketPayload: SocketPayload, form: Record<string, string>): Promise<GestureOutcome> {
    const url = this.deps.requestUrl();
    const outcome = url === undefined ? await this.#bySocket(socketPayload) : await this.#byHttp(url, form);
    this.deps.note({
      eventId: '',
      what: String(socketPayload.payload.type ?? socketPayload.payload.command),
      via: url === undefined ? 'socket' : 'http',
      attempt: 0,
      outcome: toDeliveryOutcome(outcome),
      at: new Date(this.deps.clock.now()),
    });
    return outcome;
  }

  async #bySocket(payload: SocketPayload): Promise<GestureOutcome> {
    const { sockets, ackTimeoutMs } = this.deps;
    const outcome = await sockets.send({ ...payload, retryAttempt: 0, retryReason: '' }, ackTimeoutMs);
    switch (outcome.kind) {
      case 'acknowledged':
        return { kind: 'acknowledged', response: outcome.payload };
      case 'timeout':
        return { kind: 'failed', reason: 'timeout' };
      case 'lost':
        return { kind: 'failed', reason: 'no_connection' };
      default:
        return outcome satisfies never;
    }
  }

  async #byHttp(url: string, form: Record<string, string>): Promise<GestureOutcome> {
    const { signingSecret, clock, ackTimeoutMs: timeoutMs } = this.deps;
    const outcome = await postSigned({
      url,
      body: querystring.stringify(form),
      contentType: 'application/x-www-form-urlencoded',
      signingSecret,
      nowMs: clock.now(),
      timeoutMs,
    });
    switch (outcome.kind) {
      case 'answered':
        return outcome.status === 200
          ? { kind: 'acknowledged', response: parseAnswer(outcome.body) }
          : { kind: 'failed', reason: 'http_error' };
      case 'timeout':
        return { kind: 'failed', reason: 'timeout' };
      case 'failed':
        return { kind: 'failed', reason: 'connection_failed' };
      default:
        return outcome satisfies never;
    }
  }

  #afterSubmit(open: OpenView, response: unknown): SubmitOutcome {
    const action = ResponseAction.safeParse(response).data;
    switch (action?.response_action) {
      case 'errors':
        return { kind: 'refused', errors: action.errors };
      case 'update':
        this.deps.workspace.record({ kind: 'view-put', open: { ...open, view: action.view } });
        return { kind: 'updated' };
      default:
        this.deps.workspace.record({ kind: 'view-gone', id: open.id });
        return { kind: 'closed' };
    }
  }

  /** An answer to a slash command or a response_url is for the person alone unless it says otherwise. */
  #show(target: ResponseTarget, response: unknown): void {
    const answer = LaterAnswer.safeParse(typeof response === 'string' ? { text: response } : response).data;
    if (answer === undefined) return;
    const { text = '', blocks } = answer;
    const content = { text, ...(blocks === undefined ? {} : { blocks: withBlockIds(blocks) }) };

    const thread = answer.thread_ts === undefined ? {} : { thread_ts: answer.thread_ts };

    if (answer.delete_original === true) this.#removeOriginal(target);
    else if (answer.replace_original === true) this.#replaceOriginal(target, content);
    else if (text === '' && blocks === undefined) return;
    else if (answer.response_type === 'in_channel') this.#postAnswer(target, { ...content, ...thread });
    else this.#whisper(target, { ...content, ...thread });
  }

  #postAnswer(
    { channel }: ResponseTarget,
    content: Pick<SlackMessage, 'text' | 'blocks' | 'thread_ts'>,
  ): void {
    this.deps.messages.post({ user: BOT.user, bot_id: BOT.botId, app_id: BOT.app, channel, ...content });
  }

  #whisper(
    { channel, user }: ResponseTarget,
    content: Pick<SlackMessage, 'text' | 'blocks' | 'thread_ts'>,
  ): void {
    const { workspace } = this.deps;
    workspace.record({
      kind: 'ephemeral-put',
      ephemeral: { ts: workspace.nextTs(), channel, user, ...content },
    });
  }

  #removeOriginal({ channel, messageTs = '' }: ResponseTarget): void {
    const { workspace, messages } = this.deps;
    const message = workspace.message(channel, messageTs);
    if (message !== undefined) messages.remove(message).catch(() => {});
    else workspace.record({ kind: 'ephemeral-gone', ts: messageTs });
  }

  #replaceOriginal(
    { channel, messageTs = '' }: ResponseTarget,
    content: Pick<SlackMessage, 'text' | 'blocks'>,
  ): void {
    const { workspace, messages } = this.deps;
    const message = workspace.message(channel, messageTs);
    const ephemeral = workspace.ephemeral(messageTs);
    if (message !== undefined) messages.edit(message, content);
    else if (ephemeral !== undefined)
      workspace.record({ kind: 'ephemeral-put', ephemeral: { ...ephemeral, ...content } });
  }
}

const ResponseAction = z.discriminatedUnion('response_action', [
  z.object({ response_action: z.literal('errors'), errors: z.record(z.string(), z.string()) }),
  z.object({ response_action: z.literal('update'), view: View }),
  z.object({ response_action: z.literal('clear') }),
]);

const LaterAnswer = z.object({
  text: z.string().optional(),
  blocks: z.array(Block).optional(),
  response_type: z.enum(['ephemeral', 'in_channel']).optional(),
  replace_original: z.boolean().optional(),
  delete_original: z.boolean().optional(),
  thread_ts: z.string().optional(),
});

const WithActions = z.object({
  elements: z.array(z.looseObject({ action_id: z.string().optional() })).optional(),
  accessory: z.looseObject({ action_id: z.string().optional() }).optional(),
});

/** The pressed element as the app gets it. */
function actionIn(blocks: readonly Block[], actionId: string): Payload {
  for (const block of blocks) {
    const { elements = [], accessory } = WithActions.safeParse(block).data ?? {};
    const pressed = [...elements, ...(accessory === undefined ? [] : [accessory])].find(
      (element) => element.action_id === actionId,
    );
    if (pressed !== undefined) return { ...pressed, block_id: block.block_id };
  }
  throw new Error(`the message has no button with action_id ${actionId}`);
}

/** @throws {Error} when the list has no such option */
function choiceIn({ options, action_id: id }: Payload, chosen: string): Payload {
  const named = z.array(z.looseObject({ text: z.looseObject({ text: z.string() }) })).safeParse(options).data;
  const option = named?.find(({ text }) => text.text === chosen);
  if (!option) throw new Error(`the list ${String(id)} has no option ${chosen}`);
  return { options: undefined, selected_option: option };
}

const WithBoxes = z.object({
  block_id: z.string().default(''),
  elements: z.array(
    z.looseObject({ type: z.string(), action_id: z.string().optional(), options: z.unknown() }),
  ),
});
const Options = z.array(z.looseObject({ value: z.string() }));

/**
 * What is ticked, in the shape of `state.values`: every group of boxes, whether something is ticked in it or not.
 *
 * @throws {Error} when something is ticked that no box has
 */
function toBoxState(blocks: readonly Block[], ticked: readonly string[]): Payload {
  const left = new Set(ticked);
  const state = blocks.flatMap((block) => {
    const { data } = WithBoxes.safeParse(block);
    const boxes = data?.elements.find(({ type }) => type === 'checkboxes');
    if (!data || boxes?.action_id === undefined) return [];
    const selected = (Options.safeParse(boxes.options).data ?? []).filter(({ value }) => left.delete(value));
    return [[data.block_id, { [boxes.action_id]: { type: 'checkboxes', selected_options: selected } }]];
  });
  const [strange] = left;
  if (strange !== undefined) throw new Error(`no box of the message has the value ${strange}`);
  return Object.fromEntries(state);
}

const Input = z.object({
  type: z.literal('input'),
  block_id: z.string(),
  element: z.looseObject({
    type: z.string(),
    action_id: z.string().default('input'),
    initial_value: z.string().optional(),
  }),
});

/** What was typed into a modal, in the shape of `view.state.values`. */
function toViewState(blocks: readonly Block[], values: Record<string, string>): Payload {
  const inputs = blocks.map((block) => Input.safeParse(block).data).filter((input) => input !== undefined);
  return Object.fromEntries(
    inputs.map(({ block_id: blockId, element: { type, action_id: actionId, initial_value: initial } }) => {
      const typed = values[blockId] ?? values[actionId] ?? initial ?? '';
      // A field without text has no value, not an empty one.
      const value = typed === '' ? null : typed;
      return [blockId, { [actionId]: { type, value } }];
    }),
  );
}

function parseAnswer(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return body;
  }
}

function toDeliveryOutcome(outcome: GestureOutcome): Delivery['outcome'] {
  if (outcome.kind === 'acknowledged') return 'acknowledged';
  switch (outcome.reason) {
    case 'timeout':
      return 'http_timeout';
    case 'http_error':
      return 'http_error';
    case 'no_connection':
    case 'connection_failed':
      return 'connection_failed';
    default:
      return outcome.reason satisfies never;
  }
}
