/**
 * Who hears that a human is wanted: by the escalation policies that a trigger names, or where there is none, everybody
 * who may come, once.
 */
import type { EscalationTrigger } from '../config/escalation-triggers.ts';
import type { Handoffs } from '../control/handoff-call.ts';
import { wishTitle } from '../control/sentences.ts';
import type { WhereOf } from '../control/whereabouts.ts';
import { escalationIdOf, toCloseOf, toItem } from '../delivery/escalation-item.ts';
import type { Control, ControlMove, HandoffRequest, PendingControl } from '../domain/control.ts';
import type { PersonId } from '../domain/ids.ts';
import type { Effect } from '../redis/effects.ts';
import { keyOf, reportsOf, troubleOf } from './triggers.ts';

export class HandoffEscalation implements Handoffs {
  constructor(
    private readonly triggers: () => readonly EscalationTrigger[],
    /** Where no trigger is about it. */
    private readonly otherwise: Handoffs,
    private readonly whereOf: WhereOf,
    private readonly nameOf: (person: PersonId) => string,
  ) {}

  /** By a policy, whom that calls shows when its time has come. */
  namesFor(request: HandoffRequest): readonly string[] | undefined {
    return request.by.kind === 'escalation' || this.#isTriggered()
      ? undefined
      : this.otherwise.namesFor(request);
  }

  onHandoff(control: PendingControl, nowMs: number): readonly Effect[] {
    const { conversationId, request, epoch, origin } = control;
    if (request.by.kind === 'escalation') return []; // it calls people itself
    const person = request.by.kind === 'person' ? request.by.person : request.from;
    const where = origin && this.whereOf(origin);
    const reports = reportsOf(
      this.triggers(),
      {
        kind: 'handoff',
        title: wishTitle(request, where?.text, this.nameOf),
        ...(request.reason === undefined ? {} : { words: request.reason }),
      },
      {
        id: `handoff:${conversationId}:${epoch}`,
        conversationId,
        ...(origin ? { origin } : {}),
        link: where?.link,
        correlation: conversationId,
        ...(person === undefined ? {} : { person }),
        nowMs,
      },
    );
    return reports.length > 0 ? reports : this.otherwise.onHandoff(control, nowMs);
  }

  /** Somebody came, or looked after it, or it was called off. */
  onSettled({ next, actor }: ControlMove, nowMs: number): readonly Effect[] {
    const { conversationId, epoch } = next;
    const remark = overText(next);
    const closings = this.triggers()
      .filter(({ when }) => when.kind === 'handoff')
      .map((trigger) =>
        toCloseOf(
          escalationIdOf(keyOf({ kind: 'handoff' }, trigger, conversationId), {
            kind: 'conversation',
            conversationId,
          }),
          { remark, cause: String(epoch), actor, atMs: nowMs },
        ),
      );
    const trouble = troubleOf({ kind: 'handoff' }, conversationId);
    // It may have begun by a policy that no trigger names any more.
    const all = {
      kind: 'close-all',
      id: `close-all:${trouble}:${epoch}`,
      atMs: nowMs,
      trouble,
      remark,
      actor,
    } as const;
    return [...closings, toItem(all)];
  }

  #isTriggered(): boolean {
    return this.triggers().some(({ when }) => when.kind === 'handoff');
  }
}

function overText(now: Control): string {
  if (now.state === 'HUMAN') return `${now.owner.name} has taken the conversation over`;
  return now.state === 'HANDOFF_PENDING'
    ? 'that is looked after; a human is waited for there for another reason'
    : 'nobody is waited for there any more, and the agent answers again';
}
