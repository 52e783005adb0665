/** Where what begins anew may be part of a conversation that is there already. */
import { Mailbox } from '../mailbox/mailbox.ts';
import { Rooms } from '../router/rooms.ts';
import type { Core } from './base.ts';

export function createRooms({ config, redis, keys, session, stores, rememberMs }: Core): Rooms {
  const { limits } = config().settings;
  return new Rooms(redis, keys, {
    controls: stores.controls,
    mailbox: new Mailbox(redis, keys, session, rememberMs, limits.history_entries),
    keepMs: () => config().settings.retention.transcripts,
  });
}
