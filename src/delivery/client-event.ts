/**
 * What a program that asked over the API is to be told: the approval as it was at that moment, in its outbox.
 *
 * A lane for each approval, so that what becomes of one is told in order, and a client that is away holds up nothing
 * but its own.
 */
import { z } from 'zod';
import { Approval } from '../domain/approval/record.ts';
import { API_PLATFORM } from '../domain/ids.ts';
import type { Address } from '../domain/message.ts';
import type { Effect } from '../redis/effects.ts';
import { OutboxItem, outboxOf } from './outbox.ts';

export const ClientEvent = z.object({
  kind: z.literal('event'),
  /** The same however often it is sent. */
  id: z.string(),
  approval: Approval,
  atMs: z.int(),
});
export type ClientEvent = z.infer<typeof ClientEvent>;

/** All that can lie in a client's outbox: some is said to whoever asked, wherever that was. */
export const ClientItem = z.union([ClientEvent, OutboxItem]);
export type ClientItem = z.infer<typeof ClientItem>;

export function toClientEvent(approval: Approval, atMs: number): Effect {
  const item: ClientEvent = { kind: 'event', id: `${approval.id}.${approval.rev}`, approval, atMs };
  return { kind: 'out', queue: outboxOf(API_PLATFORM), lane: approval.id, item };
}

export function addressOf(client: string): Address {
  return { platform: API_PLATFORM, route: { client } };
}
