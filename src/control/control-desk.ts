/**
 * Where people take conversations over and hand them back, wherever they do it: a command, a button, a terminal.
 *
 * Invariants
 *   1. Who may is checked here, at the moment of the act, by the roles they act in; each check is in the audit with
 *      the permission that decided.
 *   2. One gesture changes something once, however often it is delivered.
 */

import type { Config } from '../config/load-config.ts';
import {
  type Control,
  type Controller,
  type ControlStep,
  type HandBackResult,
  type HandoffResult,
  handBack,
  requestHandoff,
  type SayResult,
  say,
  type TakeOverResult,
  takeOver,
} from '../domain/control.ts';
import type { ConversationId, PersonId } from '../domain/ids.ts';
import type { Address } from '../domain/message.ts';
import type { Directory } from '../identity/directory.ts';
import type { EffectWriter } from '../redis/effect-writer.ts';
import type { Effect } from '../redis/effects.ts';
import type { AlsoOf, ControlStore } from './control-store.ts';
import { type Saying, toSaid } from './saying.ts';

export interface ControlDeskDeps {
  readonly controls: ControlStore;
  readonly directory: Directory;
  readonly writer: EffectWriter;
  readonly config: () => Config;
  /** How long a gesture is remembered, in ms. */
  readonly rememberMs: () => number;
}

/** Somebody does something about a conversation. */
export interface Gesture {
  /** The same on every delivery. */
  readonly id: string;
  readonly conversationId: ConversationId;
  readonly by: Controller & { readonly roles: readonly string[] };
  /** As the audit names them, when that is more than the person. */
  readonly actor?: string;
  readonly channel: string;
  /** Where the conversation is, when the gesture was made in it. */
  readonly origin?: Address;
}

/** What is done, and what comes of it. */
interface Act<Result> {
  readonly action: string;
  readonly permitted: boolean;
  /** What a gesture is told that did its work in an earlier delivery. */
  readonly again: (now: Control) => Result;
  /** Written with it. */
  readonly also?: AlsoOf;
}

export class ControlDesk {
  constructor(private readonly deps: ControlDeskDeps) {}

  async takeOver(gesture: Gesture): Promise<TakeOverResult> {
    const permitted = this.mayTakeOver(gesture.by.roles);
    const { by, origin } = gesture;
    const { idle } = this.deps.config().authorizations.takeover;
    return this.#apply(
      gesture,
      (control, nowMs) => takeOver(control, { by, permitted, idleMs: idle, origin }, nowMs),
      { action: 'take-over', permitted, again: (control) => ({ code: 'TAKEN', control, from: undefined }) },
    );
  }

  async handBack(gesture: Gesture, summary?: string): Promise<HandBackResult> {
    const permitted = this.mayTakeOver(gesture.by.roles);
    const { by } = gesture;
    return this.#apply(gesture, (control, nowMs) => handBack(control, { by, permitted, summary }, nowMs), {
      action: 'hand-back',
      permitted,
      again: (control) => ({ code: 'HANDED_BACK', control }),
    });
  }

  /**
   * Whoever may talk to the agent may ask for a human. Undefined when there is nobody who could come.
   *
   * @param asking.item by which what they say beside it stands in line, too: nobody is told of that once more
   */
  async callHuman(
    gesture: Gesture,
    { reason, item }: { readonly reason?: string | undefined; readonly item?: string | undefined },
  ): Promise<HandoffResult | undefined> {
    const { by, origin } = gesture;
    if (!this.isAnybodyThere(by.person)) return undefined;
    const { wait } = this.deps.config().authorizations.takeover;
    const request = {
      by: { kind: 'person' as const, person: by.person, name: by.name },
      ...(reason === undefined ? {} : { reason }),
    };
    return this.#apply<HandoffResult>(
      gesture,
      (control, nowMs) =>
        requestHandoff(
          control,
          request,
          { waitMs: wait, origin, ...(item === undefined ? {} : { actedOn: item }) },
          nowMs,
        ),
      { action: 'call-human', permitted: false, again: (control) => ({ code: 'PENDING', control }) },
    );
  }

  /** Says something there in the name of whoever has it. */
  async say(gesture: Gesture, saying: Saying): Promise<SayResult> {
    const permitted = this.mayTakeOver(gesture.by.roles);
    const { by } = gesture;
    const keepMs = this.deps.config().settings.retention.transcripts;
    return this.#apply(gesture, (control, nowMs) => say(control, { by, permitted }, nowMs), {
      action: 'say',
      permitted,
      again: (control) => ({ code: 'SAID', control }),
      also: (next, nowMs) =>
        next.state === 'HUMAN' ? toSaid(next, gesture.id, saying, { keepMs, nowMs }) : [],
    });
  }

  mayTakeOver(roles: readonly string[]): boolean {
    return this.deps.directory.may(roles, 'take-over');
  }

  /** Whether there may be somebody who could come, besides whoever asks for them. */
  isAnybodyThere(except?: PersonId): boolean {
    return this.deps.directory.isHeld('take-over', except);
  }

  async #apply<Result extends { readonly code: string }>(
    gesture: Gesture,
    decide: (control: Control, nowMs: number) => ControlStep<Result>,
    { action, permitted, again, also = () => [] }: Act<Result>,
  ): Promise<Result> {
    const { controls, writer, rememberMs } = this.deps;
    const { id, conversationId } = gesture;
    const once = { key: `control:${id}`, forMs: rememberMs() };
    // Looked at first: what an earlier delivery did may have been undone since, and is not done again.
    if (!(await writer.wasWritten(conversationId, once.key))) {
      const checked = this.#checked(gesture, action, permitted);
      const all: AlsoOf = (next, nowMs) => [...also(next, nowMs), checked];
      const result = await controls.apply(conversationId, decide, { also: all, once });
      if (result?.code === 'NOT_PERMITTED') await this.#refused(gesture, action);
      if (result?.code === 'NOT_YOURS') await this.#refused(gesture, action, 'it is not theirs');
      const isOther = result !== undefined && !(await writer.wasWritten(conversationId, once.key));
      if (isOther) return result;
    }
    return again(await controls.find(conversationId));
  }

  async #refused(gesture: Gesture, action: string, why?: string): Promise<void> {
    const key = `control-refused:${gesture.id}`;
    const once = { key, forMs: this.deps.rememberMs() };
    await this.deps.writer.write(
      gesture.conversationId,
      [this.#checked(gesture, action, false, 'deny', why)],
      once,
    );
  }

  /** Whoever holds a conversation, or asked for a human, needs no permission to give that up. */
  #checked(
    { id, conversationId, by, actor, channel }: Gesture,
    action: string,
    permitted: boolean,
    verdict: 'allow' | 'deny' = 'allow',
    why?: string,
  ): Effect {
    const permission = action === 'call-human' ? 'ask' : 'take-over';
    const carrying = by.roles.filter((role) => this.deps.directory.may([role], permission));
    const granted = permitted || permission === 'ask';
    const own = verdict === 'deny' ? (why ?? `no role has the permission ${permission}`) : 'it is theirs';
    const rule = granted ? `permission ${permission} of ${carrying.join(', ')}` : own;
    return {
      kind: 'audit',
      event: {
        event: `authorization.${verdict}`,
        actor: actor ?? by.person,
        subject: conversationId,
        correlation: id,
        channel,
        detail: { action, rule },
      },
    };
  }
}
