/**
 * Who hears that a human is wanted. A small port: an escalation policy may know more about whom to ask, and how loudly;
 * without one everybody who may come is told, once, where they like to be reached.
 */
import { toOutEffect } from '../delivery/outbox.ts';
import type { ControlMove, HandoffRequest, PendingControl } from '../domain/control.ts';
import type { Address } from '../domain/message.ts';
import type { Effect } from '../redis/effects.ts';
import { ticketFor } from './control-store.ts';
import { callText } from './sentences.ts';
import type { WhereOf } from './whereabouts.ts';

export interface Handoffs {
  /** Names of those who hear of a wish at once, for the announcement; undefined where a policy says whom it calls. Pure. */
  namesFor(request: HandoffRequest): readonly string[] | undefined;
  /** What follows from a wish for a human; written in the same step as the wish. Pure. */
  onHandoff(control: PendingControl, nowMs: number): readonly Effect[];
  /** What follows when a wish is over: somebody took the conversation over, then or later, or it was called off. Pure. */
  onSettled(moved: ControlMove, nowMs: number): readonly Effect[];
}

/** Somebody who may take over, and where they are reached. */
export interface Helper {
  readonly person: string;
  readonly name: string;
  readonly to: Address | undefined;
}

/** People told of one wish, at most: more would be a crowd. */
const MOST_TOLD = 10;

export class HandoffCall implements Handoffs {
  constructor(
    private readonly helpers: () => readonly Helper[],
    private readonly whereOf: WhereOf,
  ) {}

  namesFor(request: HandoffRequest): string[] {
    return this.#toldOf(request).map(({ name }) => name);
  }

  onHandoff(control: PendingControl, nowMs: number): readonly Effect[] {
    const { conversationId, request, epoch } = control;
    const ticket = ticketFor(conversationId);
    return this.#toldOf(request).flatMap(({ person, to }) => {
      if (!to) return [];
      return toOutEffect({
        kind: 'text',
        id: `handoff:${conversationId}:${epoch}:${person}`,
        correlation: conversationId,
        conversationId,
        to,
        ...(control.origin ? { author: control.origin } : {}),
        markdown: callText(control, ticket, this.whereOf),
        buttons: [{ label: 'Take over', says: `/takeover ${ticket}` }],
        atMs: nowMs,
      });
    });
  }

  onSettled(): readonly Effect[] {
    return [];
  }

  #toldOf({ by, from }: HandoffRequest): Helper[] {
    const asker = by.kind === 'person' ? by.person : from;
    return this.helpers()
      .filter(({ person, to }) => person !== asker && to !== undefined)
      .slice(0, MOST_TOLD);
  }
}
