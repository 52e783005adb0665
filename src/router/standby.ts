/**
 * What becomes of a mailbox item when the agent may not be the one who speaks: asked before every turn.
 *
 *   BOT                a message may change hands by a rule; else it is the agent's, unless people say it to each other,
 *                      or it begins a conversation where its author talks to a person by now (`rooms`)
 *   HANDOFF_PENDING    it waits where it is, for whoever speaks next; its author is told so once
 *   HUMAN, HANDBACK_…  what was said is kept for the agent to read later; calls that were agreed to are held, and so is
 *                      what was planned; no new context begins
 *
 * What was planned counts as nobody's words: no rule is for it, nobody is told that it waits, and whoever planned it is
 * no less quiet.
 *
 * Invariants (numbers of the specification)
 *   C2, C3  A verdict is written under the epoch it was made for, or made anew: an item has one controller.
 *   C4      An item that waits here is looked at again, whatever else happens.
 */

import type { Config } from '../config/load-config.ts';
import type { ControlStore } from '../control/control-store.ts';
import { waitingText } from '../control/sentences.ts';
import { notAnewText } from '../control/silence.ts';
import { ruleFor } from '../control/takeover-rules.ts';
import { toOutEffect } from '../delivery/outbox.ts';
import {
  type Control,
  type ControlStep,
  finishHandback,
  learnPlace,
  movePlace,
  noteActivity,
  type PendingControl,
  requestHandoff,
  runsAgreed,
  takeOver,
} from '../domain/control.ts';
import type { MailboxItem } from '../domain/mailbox-item.ts';
import { nameInNews } from '../domain/person.ts';
import { Entry } from '../domain/transcript.ts';
import type { Directory } from '../identity/directory.ts';
import type { Claim } from '../mailbox/keyed-queue.ts';
import type { MemoryStore } from '../memory/memory-store.ts';
import type { Logger } from '../observability/logger.ts';
import { type Effect, namelessOnce } from '../redis/effects.ts';
import type { Bridge } from './bridge.ts';
import type { Rooms } from './rooms.ts';

/** A parked item is looked at again at least this often, should the one who has to wake it be lost. */
const LOOK_AGAIN_MS = 30_000;
/** That a human is waited for is said once in each wait. */
const SAID_MS = 7 * 24 * 60 * 60_000;

type MessageItem = Extract<MailboxItem, { kind: 'message' }>;
type NewContextItem = Extract<MailboxItem, { kind: 'new-context' }>;
/** Whoever has it writes, or has just given it back. */
type HeldControl = Extract<Control, { state: 'HUMAN' | 'HANDBACK_PENDING' }>;

/** Effects of each: to be written with whatever else comes of the item. */
export type Verdict =
  /** The agent's. */
  | { readonly kind: 'turn' }
  /** Kept in the transcript, not answered. */
  | { readonly kind: 'keep'; readonly item: MessageItem; readonly effects: readonly Effect[] }
  /** Kept aside until the agent speaks again. */
  | { readonly kind: 'hold'; readonly effects: readonly Effect[] }
  /** Stays where it is. */
  | { readonly kind: 'later'; readonly pauseMs: number; readonly effects: readonly Effect[] }
  | { readonly kind: 'done'; readonly effects: readonly Effect[] }
  /** It stands in another conversation now. */
  | { readonly kind: 'redirected'; readonly effects: readonly Effect[] };

export interface StandbyDeps {
  readonly controls: ControlStore;
  readonly rooms: Pick<Rooms, 'redirect'>;
  readonly directory: Directory;
  readonly memory: Pick<MemoryStore, 'dropSummary'>;
  readonly config: () => Config;
}

export class Standby {
  constructor(
    private readonly deps: StandbyDeps,
    private readonly bridge: Bridge,
  ) {}

  async judge(item: MailboxItem, control: Control, claim: Claim, log: Logger): Promise<Verdict> {
    if (item.kind === 'handback') return this.#wayBack(item.epoch, control);
    if (item.kind === 'new-context') return this.#newContext(item, control);
    switch (control.state) {
      case 'BOT': {
        if (item.kind !== 'message' || item.planned) return { kind: 'turn' };
        if (isUnbegun(control, claim) && (await this.deps.rooms.redirect(item))) {
          return { kind: 'redirected', effects: [this.#guard(control)] };
        }
        const verdict = await this.#byRule(item, control, claim, log);
        // Not kept, either: whoever is read by the agent speaks for what it then asks for, and does not decide it.
        return verdict.kind === 'turn' && item.message.overheard
          ? overheard(item, this.#guard(control))
          : verdict;
      }
      case 'HANDOFF_PENDING':
        return this.#wait(item, control);
      case 'HUMAN':
      case 'HANDBACK_PENDING':
        if (item.kind === 'message' && !item.planned) return this.#keep(item, control, log);
        return this.#runsNow(item, control)
          ? { kind: 'turn' }
          : { kind: 'hold', effects: [this.#guard(control)] };
      default:
        return control satisfies never;
    }
  }

  async #byRule(item: MessageItem, control: Control, claim: Claim, log: Logger): Promise<Verdict> {
    const { takeover } = this.deps.config().authorizations;
    if (takeover.rules.length === 0 || control.actedOn === item.id) return { kind: 'turn' };
    const { directory, controls } = this.deps;
    const { message, requester } = item;
    const roles = directory.rolesOf(directory.find(requester.person) ?? requester, message.sender.groups);
    const permitted = directory.may(roles, 'take-over');
    const amongOthers = haveOthersSpoken(claim.entries, requester.person);
    const rule = ruleFor(takeover.rules, { message, roles, permitted, amongOthers });
    if (!rule) return { kind: 'turn' };
    if (rule.do === 'call-human' && !directory.isHeld('take-over', requester.person)) {
      log.error(
        { rule: rule.name },
        'a rule calls a human, and there is nobody who may take over; the agent answers. Give somebody the permission take-over',
      );
      return { kind: 'turn' };
    }
    const { nowMs } = await controls.read(control.conversationId);
    // Whoever takes it over by what they write to us alone has said nothing of where the others are.
    const isApart = rule.do === 'take-over' && this.bridge.isPrivate(message.replyTo);
    const cause = { origin: isApart ? undefined : message.replyTo, actedOn: item.id };
    const { moved }: ControlStep<unknown> =
      rule.do === 'take-over'
        ? takeOver(
            control,
            {
              by: { person: requester.person, name: requester.name },
              permitted,
              idleMs: takeover.idle,
              ...cause,
            },
            nowMs,
          )
        : requestHandoff(
            control,
            { by: { kind: 'rule', rule: rule.name }, from: requester.person },
            { waitMs: takeover.wait, ...cause },
            nowMs,
          );
    if (!moved) return { kind: 'turn' };
    const audit: Effect = {
      kind: 'audit',
      event: {
        event: 'authorization.allow',
        actor: requester.person,
        subject: control.conversationId,
        correlation: item.correlation,
        channel: message.replyTo.platform,
        detail: { action: rule.do, rule: `takeover rule ${rule.name}` },
      },
    };
    // What is to become of the message is for whoever speaks then.
    return {
      kind: 'later',
      pauseMs: 0,
      effects: [...(await controls.effectsOf(control, moved, nowMs)), audit],
    };
  }

  async #wait(item: MailboxItem, control: PendingControl): Promise<Verdict> {
    const { controls } = this.deps;
    const { nowMs } = await controls.read(control.conversationId);
    const pauseMs = Math.min(Math.max(control.untilMs - nowMs, 0), LOOK_AGAIN_MS);
    // The one that brought it about was answered by the announcement.
    const isSaid = item.kind === 'message' && !item.message.overheard && !item.planned;
    const isNews = isSaid && control.actedOn !== item.id;
    // So that whoever waits hears where they wrote that nobody came.
    const { moved } =
      item.kind === 'message'
        ? learnPlace(control, item.message.replyTo, item.requester.person, nowMs)
        : { moved: undefined };
    const written = moved ? await controls.effectsOf(control, moved, nowMs) : [this.#guard(control)];
    return {
      kind: 'later',
      pauseMs,
      effects: [...written, ...(isNews ? waitNotice(item, control, nowMs) : [])],
    };
  }

  /** Said to the person who has the conversation, or by them. */
  async #keep(item: MessageItem, control: HeldControl, log: Logger): Promise<Verdict> {
    const { controls } = this.deps;
    const { nowMs } = await controls.read(control.conversationId);
    const { moved } = this.#heard(item, control, nowMs);
    const effects = moved ? await controls.effectsOf(control, moved, nowMs) : [this.#guard(control)];
    const brought = control.state === 'HUMAN' ? this.bridge.bring(item, control, nowMs, log) : [];
    return { kind: 'keep', item, effects: [...effects, ...brought] };
  }

  /** That somebody wrote tells that they are there, and where that is. */
  #heard({ message, requester }: MessageItem, control: HeldControl, nowMs: number): ControlStep<unknown> {
    const { person } = requester;
    const { replyTo } = message;
    const isOwn = person === control.owner.person && this.bridge.isPrivate(replyTo);
    if (control.origin === undefined && !isOwn) return learnPlace(control, replyTo, person, nowMs);
    const origin = control.state === 'HUMAN' ? this.bridge.moved(replyTo, person, control) : undefined;
    return origin ? movePlace(control, origin) : noteActivity(control, person, nowMs);
  }

  /** Everything that was said before the conversation was handed back is stored. */
  async #wayBack(epoch: number, control: Control): Promise<Verdict> {
    const { controls } = this.deps;
    const { nowMs } = await controls.read(control.conversationId);
    const { moved } = finishHandback(control, epoch, nowMs);
    return { kind: 'done', effects: moved ? await controls.effectsOf(control, moved, nowMs) : [] };
  }

  #guard(control: Control): Effect {
    return this.deps.controls.guardOf(control);
  }

  /**
   * What stands before it in line was said before, and what was written down of that goes with it. Asked for just before a person had the conversation, it begins
   * nothing: what that person says does not stand in line, and must not be hidden from the agent.
   */
  async #newContext(item: NewContextItem, control: Control): Promise<Verdict> {
    const { by, at, correlation } = item;
    const { conversationId } = control;
    const refusal = notAnewText(control);
    if (refusal !== undefined) {
      const { nowMs } = await this.deps.controls.read(conversationId);
      return {
        kind: 'done',
        effects: [this.#guard(control), ...notAnewNotice(item, control, refusal, nowMs)],
      };
    }
    await this.deps.memory.dropSummary(conversationId, {
      event: 'memory.erased',
      actor: by.person,
      subject: conversationId,
      correlation,
      detail: { what: 'summary', reason: 'new-context' },
    });
    const keepMs = this.deps.config().settings.retention.transcripts;
    const text = `A new context was asked for by ${nameInNews(by)}: what stands before this is not shown any more.`;
    const entry = { kind: 'event' as const, text, at, about: [by.person], anew: true as const };
    return {
      kind: 'done',
      effects: [this.#guard(control), { kind: 'entry', conversationId, entry, keepMs }],
    };
  }

  #runsNow(item: MailboxItem, control: Control): boolean {
    const { run_while_human } = this.deps.config().authorizations.takeover;
    return item.kind === 'approval' && item.state === 'APPROVED' && runsAgreed(control, run_while_human);
  }
}

/** Nobody has said anything in it, nor has it ever changed hands. */
function isUnbegun({ epoch }: Control, { entries }: Claim): boolean {
  return epoch === 0 && entries.length === 0;
}

/** Nothing comes of it, and nothing of it is kept. */
function overheard({ message, correlation }: MessageItem, guard: Effect): Verdict {
  const { sender, conversationId, replyTo } = message;
  const detail = { reason: 'overheard' };
  const audit: Effect = {
    kind: 'audit',
    event: {
      event: 'message.ignored',
      actor: sender.account,
      subject: conversationId,
      correlation,
      channel: replyTo.platform,
      detail,
    },
  };
  return { kind: 'done', effects: [guard, audit] };
}

function waitNotice({ message, correlation }: MessageItem, control: PendingControl, nowMs: number): Effect[] {
  const { conversationId, epoch } = control;
  return [
    toOutEffect(
      {
        kind: 'text',
        id: `handoff-waits:${conversationId}:${epoch}`,
        correlation,
        conversationId,
        to: message.replyTo,
        markdown: waitingText(control),
        epoch,
        atMs: nowMs,
      },
      { once: namelessOnce(`handoff-waits:${conversationId}:${epoch}`, SAID_MS) },
    ),
  ];
}

/** Where nobody has written yet nobody is told. */
function notAnewNotice(
  { id, correlation }: NewContextItem,
  { conversationId, epoch, origin }: Control,
  markdown: string,
  nowMs: number,
): Effect[] {
  if (origin === undefined) return [];
  const item = {
    id: `not-anew:${id}`,
    correlation,
    conversationId,
    to: origin,
    markdown,
    epoch,
    atMs: nowMs,
  };
  return [toOutEffect({ kind: 'text', ...item })];
}

/** Whether a person other than this one has spoken, as far back as the entries go. */
function haveOthersSpoken(entries: readonly string[], person: string): boolean {
  return entries.some((json) => {
    const entry = Entry.safeParse(JSON.parse(json)).data;
    return entry?.kind === 'user' && !entry.planned && entry.from.person !== person;
  });
}
