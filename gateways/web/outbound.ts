/** What goes out, as clients read it. Pure. */
import { z } from 'zod';
import { Card } from '../../src/domain/card.ts';
import { UndeliverableError } from '../../src/domain/errors.ts';
import type { ProgressUpdate } from '../../src/domain/gateway.ts';
import { AccountId, Platform } from '../../src/domain/ids.ts';
import { type Address, Button, type OutboundMessage, OutFile, Picker } from '../../src/domain/message.ts';

export const WEB = Platform.parse('web');

/** Where a client finds what is for it and belongs to no talk it began. */
const DIRECT = 'direct';

const common = {
  /** The same on every attempt to send it. */
  id: z.string(),
  at: z.iso.datetime(),
  conversation: z.string(),
};
/** Position of the event that first showed what this one replaces. */
const replaces = z.int().positive().optional();

/** One thing for a client to show; its position is added when it is read. */
export const WebEvent = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('text'),
    ...common,
    markdown: z.string(),
    files: z.array(OutFile).optional(),
    /** To be offered below it; pressing one sends its `says` as a message of this conversation. */
    buttons: z.array(Button).optional(),
    replaces,
  }),
  z.object({ kind: z.literal('card'), ...common, card: Card, replaces }),
  z.object({
    kind: z.literal('notice'),
    ...common,
    markdown: z.string(),
    buttons: z.array(Button).optional(),
    /** Several of these can be picked; to do so is to say `says` and the values picked. */
    pick: Picker.optional(),
  }),
  z.object({ kind: z.literal('progress'), ...common, markdown: z.string(), replaces }),
]);
export type WebEvent = z.infer<typeof WebEvent>;

/** @throws {UndeliverableError} when it is for somebody else than this client */
export function toEvent({ id, to, body }: OutboundMessage, at: string): WebEvent {
  const { client, conversation } = placeOf(to);
  const about = { id, at, conversation };
  switch (body.kind) {
    case 'text': {
      const { markdown, files, buttons } = body;
      const shown = { markdown, ...(files ? { files } : {}), ...(buttons ? { buttons } : {}) };
      return { kind: 'text', ...about, ...shown, ...replacing(body.replaces) };
    }
    case 'card':
      return { kind: 'card', ...about, card: body.card, ...replacing(body.replaces) };
    case 'notice':
      if (body.onlyFor !== accountOf(client)) {
        throw new UndeliverableError(WEB, `what is only for ${body.onlyFor} is not for the client ${client}`);
      }
      return {
        kind: 'notice',
        ...about,
        markdown: body.markdown,
        ...(body.buttons ? { buttons: body.buttons } : {}),
        ...(body.pick ? { pick: body.pick } : {}),
      };
    default:
      return body satisfies never;
  }
}

export function toProgress({ to, key, markdown, ref }: ProgressUpdate, at: string): WebEvent {
  const { conversation } = placeOf(to);
  return { kind: 'progress', id: key, at, conversation, markdown, ...replacing(ref) };
}

export function toAddress(client: string, conversation: string): Address {
  return { platform: WEB, route: { client, conversation } };
}

export function toDirectAddress(account: AccountId): Address {
  return toAddress(account.slice('web:'.length), DIRECT);
}

/** @throws {UndeliverableError} when it is no address of ours */
export function placeOf({ route }: Address): { client: string; conversation: string } {
  const { client, conversation } = route;
  if (client === undefined || conversation === undefined) {
    throw new UndeliverableError(WEB, 'the address names no client and conversation');
  }
  return { client, conversation };
}

export function accountOf(client: string): AccountId {
  return AccountId.parse(`web:${client}`);
}

function replacing(ref: string | undefined): { replaces?: number } {
  return ref === undefined ? {} : { replaces: Number(ref) };
}
