/**
 * Runs what is planned when its time has come: whichever process looks first.
 *
 * A run is an item in the mailbox of its conversation, written together with the record of its next time, so that it is
 * there once. It is a message of whoever planned it: what they may do is looked up now, and again when it is handled.
 *
 * What falls due while the agent may not speak there waits until it may: one run for all its times, as after an outage.
 * So does what falls due when a budget it would be paid from is used up; people are told so once, until that begins anew.
 * What is said of it belongs to the epoch in which it is said, and is written under it, or not at all.
 */
import type { BudgetDesk } from '../budget/budget-desk.ts';
import type { Standing } from '../budget/limits.ts';
import { toOutEffect } from '../delivery/outbox.ts';
import type { Control } from '../domain/control.ts';
import { ControlMovedError } from '../domain/errors.ts';
import type { ConversationId } from '../domain/ids.ts';
import type { Address } from '../domain/message.ts';
import { InboundMessage } from '../domain/message.ts';
import type { Directory, Speaker } from '../identity/directory.ts';
import type { Logger } from '../observability/logger.ts';
import type { Effect } from '../redis/effects.ts';
import { ended, putOff, type Run, runDue, type Schedule } from './schedule.ts';
import { type ScheduleChange, type ScheduleStore, toAudit } from './schedule-store.ts';
import { beginningText, messageText, stoppedText, waitingText } from './sentences.ts';

/** One that cannot be run, or may not yet, is looked at again after this long, in ms. */
const POSTPONE_MS = 60_000;

/** What waits for a budget is looked at again after this long at the latest, in ms: somebody may have given it more. */
const LOOK_FOR_BUDGET_MS = 5 * 60_000;

/** Who speaks in a conversation, and an effect that refuses what was decided when it was somebody else. */
interface Controls {
  find(conversationId: ConversationId): Promise<Control>;
  guardOf(control: Control): Effect;
}

export interface ScheduleTimersDeps {
  readonly schedules: ScheduleStore;
  readonly controls: Controls;
  readonly directory: Pick<Directory, 'speakerNow' | 'may'>;
  readonly budgets: Pick<BudgetDesk, 'open'>;
  /** Where those who run the gateway are told. */
  readonly operators: () => readonly Address[];
  readonly log: Logger;
}

export class ScheduleTimers {
  constructor(private readonly deps: ScheduleTimersDeps) {}

  /** One look at a partition. Resolves with how much moved, and when there is more to do, in ms. */
  async sweep(partition: number, limit: number): Promise<{ moved: number; nextInMs: number }> {
    const { ids, nextMs, nowMs } = await this.deps.schedules.due(partition, limit);
    await Promise.all(ids.map((id) => this.#look(id, nowMs)));
    return { moved: ids.length, nextInMs: (nextMs ?? Number.POSITIVE_INFINITY) - nowMs };
  }

  async #look(id: string, nowMs: number): Promise<void> {
    const { schedules, controls, directory, budgets, log } = this.deps;
    try {
      const schedule = await schedules.find(id);
      if (!schedule) return await schedules.dropTimer(id);
      const control = await controls.find(schedule.conversationId);
      if (control.state !== 'BOT') return await this.#putOff(id);
      const speaker = await speakerOf(schedule, directory, nowMs);
      const { conversationId, by } = schedule;
      const { usedUp } = await budgets.open({ person: by.person, conversationId });
      const isChanged = await schedules.apply(id, (stored, now) =>
        this.#decide(stored, { speaker, control, usedUp, nowMs: now }),
      );
      const paid = usedUp === undefined;
      if (isChanged)
        log.info({ schedule: id, allowed: speaker !== undefined, paid }, 'what was planned is due');
    } catch (error) {
      if (error instanceof ControlMovedError) return; // nothing was written; the next look finds who speaks now
      log.error({ err: error, schedule: id }, 'what was planned could not be run; trying again in a minute');
      await schedules.postpone(id, nowMs + POSTPONE_MS);
    }
  }

  async #putOff(id: string): Promise<void> {
    await this.deps.schedules.apply(id, (stored, nowMs) => {
      const next = putOff(stored, nowMs, POSTPONE_MS);
      return next && { next, effects: [] };
    });
  }

  #decide(
    schedule: Schedule,
    { speaker, control, usedUp, nowMs }: Circumstances,
  ): ScheduleChange | undefined {
    const due = runDue(schedule, nowMs);
    if (!due) return undefined;
    if (speaker && usedUp) {
      const next = putOff(schedule, nowMs, untilLookedFor(usedUp, nowMs));
      const effects = [this.deps.controls.guardOf(control), notPaid(schedule, usedUp, control, nowMs)];
      return next && { next, effects };
    }
    if (speaker) {
      const effects = runOf(schedule, due.run, { speaker, epoch: control.epoch, nowMs });
      return { next: due.next, effects: [this.deps.controls.guardOf(control), ...effects] };
    }
    const next = ended(schedule, 'stopped');
    return next && { next, effects: this.#stopOf(schedule, nowMs) };
  }

  #stopOf(schedule: Schedule, nowMs: number): Effect[] {
    const { id, conversationId } = schedule;
    const operators = this.deps.operators();
    if (operators.length === 0)
      this.deps.log.warn({ schedule: id }, 'what was planned was stopped, and nobody can be told');
    return [
      toAudit(schedule, 'schedule.stopped', 'system', { rule: 'no role has the permission ask any more' }),
      ...operators.map((to, index) =>
        toOutEffect({
          kind: 'text',
          id: `schedule-stopped:${id}:${index}`,
          correlation: id,
          conversationId,
          to,
          markdown: stoppedText(schedule),
          atMs: nowMs,
        }),
      ),
    ];
  }
}

/** What a run depends on. */
interface Circumstances {
  /** Whoever planned it, if they may ask. */
  readonly speaker: Speaker | undefined;
  readonly control: Control;
  /** A budget it would be paid from, of which nothing is left. */
  readonly usedUp: Standing | undefined;
  readonly nowMs: number;
}

/** Whoever planned it, with the roles they have now; undefined for whoever may not ask any more. */
export async function speakerOf(
  { by }: Pick<Schedule, 'by'>,
  directory: ScheduleTimersDeps['directory'],
  nowMs: number,
): Promise<Speaker | undefined> {
  const sender = { account: by.account, displayName: by.name, authenticated: true, automatic: false };
  const speaker = await directory.speakerNow(sender, nowMs);
  const isSame = speaker?.id === by.person; // the account may be somebody else's by now
  return speaker && isSame && directory.may(speaker.roles, 'ask') ? speaker : undefined;
}

/** In ms. Clocks of two machines may differ, so it is never nothing. */
function untilLookedFor({ resetMs }: Standing, nowMs: number): number {
  return Math.max(1_000, Math.min(resetMs - nowMs, LOOK_FOR_BUDGET_MS));
}

/** Said once until the budget begins anew. */
function notPaid(schedule: Schedule, usedUp: Standing, { epoch }: Control, nowMs: number): Effect {
  const { id, conversationId, to, by } = schedule;
  const key = `schedule-waits:${id}:${usedUp.resetMs}`;
  return toOutEffect(
    {
      kind: 'text',
      id: key,
      correlation: id,
      conversationId,
      to,
      requester: by.person,
      markdown: waitingText(schedule, usedUp),
      epoch,
      atMs: nowMs,
    },
    { once: { key, forMs: Math.max(usedUp.resetMs - nowMs, 1) } },
  );
}

/** It is said where it was planned, then the agent takes it up. */
function runOf(
  schedule: Schedule,
  run: Run,
  { speaker, epoch, nowMs }: { speaker: Speaker; epoch: number; nowMs: number },
): Effect[] {
  const { id, conversationId, to, by } = schedule;
  const key = `${id}:${run.number}`;
  const at = new Date(nowMs).toISOString();
  const message = InboundMessage.parse({
    kind: 'message',
    id: `scheduled:${key}`,
    conversationId,
    sender: { account: by.account, displayName: by.name, authenticated: true, automatic: false },
    text: messageText(schedule, run),
    ...(schedule.isStrangers ? { passesOn: true } : {}),
    addressedToBot: true,
    sentAt: at,
    replyTo: to,
  });
  return [
    toOutEffect({
      kind: 'text',
      id: `schedule-begins:${key}`,
      correlation: message.id,
      conversationId,
      to,
      requester: by.person,
      markdown: beginningText(schedule, run),
      epoch,
      atMs: nowMs,
    }),
    {
      kind: 'mail',
      conversationId,
      item: {
        kind: 'message',
        id: message.id,
        correlation: message.id,
        message,
        receivedAt: at,
        planned: true,
        requester: { person: speaker.id, name: speaker.name, roles: speaker.roles },
      },
    },
    toAudit(schedule, 'schedule.run', by.person, { run: run.number, lateMs: run.lateMs }),
  ];
}
