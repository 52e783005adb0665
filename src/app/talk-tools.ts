/** Words to others, words of before, and texts kept for a conversation. */
import { createMessageTools, personWords, type Recipient } from '../delivery/message-tools.ts';
import type { Tool } from '../domain/tool.ts';
import { aloneBy } from '../memory/alone.ts';
import { createDocumentTools } from '../memory/document-tools.ts';
import { createSessionTools } from '../memory/session-tools.ts';
import type { Base } from './base.ts';
import type { Channels } from './channels.ts';
import type { Stores } from './stores.ts';

export function createTalkTools(base: Base, stores: Stores, channels: Channels): Tool[] {
  const { config, clock, rememberMs } = base;
  const { directory, approvals, writer, memory } = stores;
  const named = () => config().settings.messaging.channels ?? {};
  return [
    ...createMessageTools({
      person: (wanted) => personCalled(wanted, stores, channels),
      channel: (name) => channelCalled(name, named(), channels),
      channels: () => Object.keys(named()).toSorted(),
      nameOf: (id) => directory.find(id)?.name ?? id,
      originOf: async (id) => (await approvals.find(id))?.origin,
      writer,
      rememberMs,
      clock,
    }),
    ...createDocumentTools(memory.notes, clock),
    ...(config().settings.sessions.own_history ? createHistoryTools(stores) : []),
  ];
}

function createHistoryTools({ directory, personData, transcripts }: Stores): Tool[] {
  return createSessionTools({
    idsOf: (id) => directory.idsOf(id),
    isAlone: aloneBy(transcripts),
    spokenBy: (ids) => personData.spokenBy(ids),
    entriesOf: async (id) => (await transcripts.read(id)).flatMap(({ entry }) => entry ?? []),
  });
}

/** Or why they cannot be written to. */
function personCalled(wanted: string, { directory }: Stores, { reach }: Channels): Recipient | string {
  const called = directory.people().filter(({ id, name }) => id === wanted || name === wanted);
  const [found, ...others] = called;
  if (!found || others.length > 0)
    return `${found ? 'more than one person is' : 'nobody is'} called "${wanted}"`;
  const place = reach.placesOf(found)[0];
  return place
    ? { words: personWords(found.name, found.id, place.account), to: place.to }
    : `${found.name} cannot be written to`;
}

/** @param named each channel's place, `slack:C0GENERAL`, by its name */
function channelCalled(
  name: string,
  named: Readonly<Record<string, string>>,
  { gateways }: Channels,
): Recipient | string {
  const place = named[name] ?? '';
  const platform = place.slice(0, place.indexOf(':'));
  const id = place.slice(place.indexOf(':') + 1);
  const to = gateways.get(platform)?.channelAddress?.(id);
  return to ? { words: `the channel ${name} (${place})`, to } : `there is no channel "${name}" to write to`;
}
