/**
 * Where people act on escalations, wherever they do it: a command, a button, a terminal.
 *
 * Invariants
 *   1. Who may is checked here, at the moment of the act: who was called, who has it, whoever may take the conversation
 *      over that it is about, and whoever runs the gateway. A channel that was called calls the people of contacts.yaml
 *      who act from within it, and no stranger. Whom it comes from may not, whatever they may otherwise; but what
 *      somebody had before they reported it once more stays theirs, and they may let go of whatever they have. Each
 *      check is in the audit with what decided.
 *   2. One gesture changes something once, however often it is delivered.
 */

import { partitionOfEscalation } from '../delivery/escalation-item.ts';
import {
  acknowledge,
  cancel,
  type Deed,
  type DeedResult,
  letGo,
  push,
  resolve,
  snooze,
} from '../domain/escalation/answers.ts';
import {
  comesFrom,
  type Escalation,
  type EscalationStep,
  isOwner,
  type Owner,
} from '../domain/escalation/record.ts';
import type { EscalationId, Platform } from '../domain/ids.ts';
import type { Directory } from '../identity/directory.ts';
import type { EffectWriter } from '../redis/effect-writer.ts';
import type { Effect } from '../redis/effects.ts';
import type { EscalationStore } from './escalation-store.ts';

/** What somebody wants to do. */
export type EscalationAct =
  | { readonly kind: 'acknowledge'; readonly instead: boolean }
  | { readonly kind: 'let-go' }
  | { readonly kind: 'snooze'; readonly forMs: number; readonly instead: boolean }
  | { readonly kind: 'push'; readonly step?: string }
  | { readonly kind: 'resolve'; readonly remark?: string }
  | { readonly kind: 'cancel' };

/** Whoever acts, as far as it decides whether they may. */
interface Actor {
  readonly roles: readonly string[];
  /** The channel they act from within, a thread and what it is in, as the platform says; absent: none that could be called. */
  readonly within?: { readonly platform: Platform; readonly channels: readonly string[] };
}

export interface EscalationGesture {
  /** The same on every delivery. */
  readonly id: string;
  readonly escalation: EscalationId;
  readonly by: Owner & Actor;
  /** As the audit names them, when that is more than the person. */
  readonly actor?: string;
  readonly channel: Platform;
}

export interface EscalationDeskDeps {
  readonly escalations: EscalationStore;
  readonly directory: Directory;
  readonly writer: EffectWriter;
  /** How long a gesture is remembered, in ms. */
  readonly rememberMs: () => number;
}

export class EscalationDesk {
  constructor(private readonly deps: EscalationDeskDeps) {}

  /** Undefined when there is no such escalation, or it is forgotten. */
  async act(gesture: EscalationGesture, act: EscalationAct): Promise<DeedResult | undefined> {
    const { escalations, writer, rememberMs } = this.deps;
    const { id: gestureId, escalation: id } = gesture;
    const before = await escalations.find(id);
    if (!before) return undefined;
    const once = { key: `escalation:${gestureId}`, forMs: rememberMs() };
    const partition = partitionOfEscalation(id);
    if (await writer.wasWrittenIn(partition, once.key)) return again(before, act);
    const result = await escalations.apply(
      id,
      (escalation, nowMs) => {
        if (!escalation) return undefined;
        const rule = this.#ruleFor(escalation, gesture.by, act);
        const deed = { by: ownerOf(gesture.by), permitted: rule !== undefined, via: gesture.channel };
        return decide(escalation, deed, act, nowMs);
      },
      { also: [this.#checked(gesture, act, this.#ruleFor(before, gesture.by, act))], once },
    );
    if (result?.code === 'NOT_PERMITTED') await this.#refused(gesture, act, partition);
    return result ?? again((await escalations.find(id)) ?? before, act);
  }

  /** What waits for somebody: what they were called about or have, and everything for whoever runs the gateway. */
  async listFor(by: Pick<Owner, 'person'> & Actor, most: number): Promise<Escalation[]> {
    return this.deps.escalations.live(
      most,
      (escalation) => isOwner(escalation, by.person) || this.#ruleFor(escalation, by) !== undefined,
    );
  }

  /** What lets them act on it, or do just this; undefined when nothing does. */
  #ruleFor(
    escalation: Escalation,
    { person, roles, within }: Pick<Owner, 'person'> & Actor,
    act?: EscalationAct,
  ): string | undefined {
    const { directory } = this.deps;
    const { told, posted = [], subject } = escalation;
    const isFromThem = comesFrom(escalation, person, directory.idsOf(person));
    if (isOwner(escalation, person) && (!isFromThem || act?.kind === 'let-go')) return 'it is theirs';
    if (isFromThem) return undefined;
    if (told.includes(person)) return 'they were called';
    const isKnown = directory.find(person) !== undefined;
    const called = posted.find(
      ({ platform, channel }) => platform === within?.platform && within.channels.includes(channel),
    );
    if (called && isKnown) return `they are in ${called.platform} ${called.channel}, which was called`;
    const carrying = (permission: 'operate' | 'take-over') =>
      roles.filter((role) => directory.may([role], permission));
    const operating = carrying('operate');
    if (operating.length > 0) return `permission operate of ${operating.join(', ')}`;
    const takingOver = subject.kind === 'conversation' ? carrying('take-over') : [];
    return takingOver.length > 0 ? `permission take-over of ${takingOver.join(', ')}` : undefined;
  }

  async #refused(gesture: EscalationGesture, act: EscalationAct, partition: number): Promise<void> {
    const once = { key: `escalation-refused:${gesture.id}`, forMs: this.deps.rememberMs() };
    await this.deps.writer.writeIn(partition, [this.#checked(gesture, act, undefined)], once);
  }

  #checked(
    { id, escalation, by, actor, channel }: EscalationGesture,
    act: EscalationAct,
    rule: string | undefined,
  ): Effect {
    return {
      kind: 'audit',
      event: {
        event: rule === undefined ? 'authorization.deny' : 'authorization.allow',
        actor: actor ?? by.person,
        subject: escalation,
        correlation: id,
        channel,
        detail: {
          action: `escalation.${act.kind}`,
          rule: rule ?? 'they were not called, and do not run the gateway',
        },
      },
    };
  }
}

function decide(
  escalation: Escalation,
  deed: Deed,
  act: EscalationAct,
  nowMs: number,
): EscalationStep<DeedResult> {
  switch (act.kind) {
    case 'acknowledge':
      return acknowledge(escalation, deed, nowMs, { instead: act.instead });
    case 'let-go':
      return letGo(escalation, deed, nowMs);
    case 'snooze':
      return snooze(escalation, deed, nowMs + act.forMs, { instead: act.instead });
    case 'push':
      return push(escalation, deed, nowMs, act.step);
    case 'resolve':
      return resolve(escalation, deed, act.remark);
    case 'cancel':
      return cancel(escalation, deed);
    default:
      return act satisfies never;
  }
}

/** What a gesture is told that did its work in an earlier delivery. */
function again(escalation: Escalation, { kind }: EscalationAct): DeedResult {
  const code = (
    {
      acknowledge: 'ACKNOWLEDGED',
      'let-go': 'LET_GO',
      snooze: 'SNOOZED',
      push: 'PUSHED',
      resolve: 'RESOLVED',
      cancel: 'CANCELLED',
    } as const
  )[kind];
  return { code, escalation };
}

function ownerOf({ person, name }: Owner): Owner {
  return { person, name };
}
