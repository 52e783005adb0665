/**
 * `signalbox conversations …`: who speaks in which conversation, and taking over, speaking there and handing back at the
 * terminal.
 *
 * Invariants
 *   1. It goes through the desk every other takeover goes through: the same permission, the same audit.
 *   2. Whoever really sits at the terminal is recorded, in whosever name they act.
 */
import { randomUUID } from 'node:crypto';
import { quotesInNote, trustOf } from '../agent/provenance.ts';
import { visible } from '../approvals/sentences.ts';
import { sayText } from '../control/bridge-sentences.ts';
import type { Gesture } from '../control/control-desk.ts';
import { ticketFor } from '../control/control-store.ts';
import { lastWordsIn } from '../control/last-words.ts';
import { handBackText, helpersOf, takeOverText } from '../control/sentences.ts';
import { createWhereOf } from '../control/whereabouts.ts';
import { type Control, endOf } from '../domain/control.ts';
import { StartupError } from '../domain/errors.ts';
import { ConversationId, ConversationTicket } from '../domain/ids.ts';
import { CLI_PLATFORM } from '../identity/directory.ts';
import { type Actor, actorOf, auditName, demand, shownName } from './actor.ts';
import { relative, table } from './table.ts';
import { type StoreSession, withKnownStores } from './with-stores.ts';

/** Conversations listed, at most. */
const MOST_LISTED = 1_000;

export interface ConversationsOptions {
  readonly config: string;
  readonly json: boolean;
  /** The person to act for. */
  readonly as: string | undefined;
}

/** Those the agent does not speak in now. */
export async function listConversations(options: ConversationsOptions): Promise<number> {
  return withKnownStores(options.config, async (session) => {
    const actor = actorOf(session.config, session.directory, options.as);
    demand(session.directory, actor, 'take-over', 'see who has which conversation');
    const away = await session.controls.away(MOST_LISTED);
    if (options.json) {
      const shown = away.map((control) => ({ ticket: ticketFor(control.conversationId), ...control }));
      return print(JSON.stringify(shown, undefined, 2));
    }
    if (away.length === 0) return print('The agent answers in every conversation.');
    const whereOf = createWhereOf(() => session.config.settings.messaging.channels ?? {}, new Map());
    const rows = away.map((control) => [
      ticketFor(control.conversationId),
      control.state.toLowerCase().replace('_', ' '),
      whoOf(control),
      relative(control.sinceMs, Date.now()),
      relative(endOf(control) ?? 0, Date.now()),
      control.origin ? whereOf(control.origin).text : control.conversationId,
    ]);
    return print(table(['ticket', 'state', 'who', 'since', 'ends', 'conversation'], rows));
  });
}

export async function takeConversation(name: string, options: ConversationsOptions): Promise<number> {
  return withKnownStores(options.config, async (session) => {
    const actor = actorOf(session.config, session.directory, options.as);
    const conversationId = await named(session, name);
    const result = await session.controlDesk.takeOver(gestureOf(actor, conversationId));
    const ok = result.code === 'TAKEN' || result.code === 'ALREADY';
    const back = `signalbox conversations hand-back ${ticketFor(conversationId)}`;
    const taken = takeOverText(result, 'that conversation', back);
    const speak = `signalbox conversations say ${ticketFor(conversationId)}`;
    const words = ok
      ? `${taken} What is written there where you cannot be is brought to you; \`${speak}\` speaks there in your name.`
      : taken;
    if (!ok || options.json) return tell(options, { ok, ...result }, words);
    const last = await lastWordsIn(session.transcripts, conversationId);
    const said = last.map((each) => `  ${visible(each.name)}: ${visible(each.words)}`);
    tell(options, { ok, ...result }, words);
    return said.length === 0 ? 0 : print(`\n${['Written there last:', ...said].join('\n')}`);
  });
}

export async function sayInConversation(
  name: string,
  words: string,
  options: ConversationsOptions,
): Promise<number> {
  return withKnownStores(options.config, async (session) => {
    const { directory, controlDesk } = session;
    const actor = actorOf(session.config, directory, options.as);
    const conversationId = await named(session, name);
    const ticket = ticketFor(conversationId);
    const said = words.trim();
    if (said === '') {
      throw new StartupError(
        'there is nothing to say there',
        `write it behind: signalbox conversations say ${ticket} "your words"`,
      );
    }
    const { id, roles } = actor.person;
    const result = await controlDesk.say(gestureOf(actor, conversationId), {
      words: said,
      trust: trustOf(directory.standingOf(id, roles)),
      passesOn: quotesInNote(said),
    });
    const ok = result.code === 'SAID';
    const waits = ok && !(await session.isGatewayRunning());
    const told = waits
      ? 'Recorded. No gateway is running; it is said when one is started.'
      : sayText(result, ticket, 0);
    return tell(options, { ok, ...result }, told);
  });
}

export async function handBackConversation(
  name: string,
  summary: string,
  options: ConversationsOptions,
): Promise<number> {
  return withKnownStores(options.config, async (session) => {
    const actor = actorOf(session.config, session.directory, options.as);
    const conversationId = await named(session, name);
    const result = await session.controlDesk.handBack(
      gestureOf(actor, conversationId),
      summary.trim() === '' ? undefined : summary.trim(),
    );
    const ok = result.code !== 'NOT_PERMITTED';
    const waits = result.code === 'HANDED_BACK' && !(await session.isGatewayRunning());
    const words = waits
      ? 'Recorded. No gateway is running; the agent answers again when one is started.'
      : handBackText(result, 'that conversation');
    return tell(options, { ok, ...result }, words);
  });
}

function gestureOf(actor: Actor, conversationId: ConversationId): Gesture {
  return {
    id: `cli:${randomUUID()}`,
    conversationId,
    by: { person: actor.person.id, name: shownName(actor), roles: actor.person.roles },
    actor: auditName(actor),
    channel: CLI_PLATFORM,
  };
}

/** @throws {StartupError} when no conversation has that ticket or id */
export async function named(
  { controls }: Pick<StoreSession, 'controls'>,
  name: string,
): Promise<ConversationId> {
  const ticket = ConversationTicket.safeParse(name).data;
  const id = ticket ? await controls.named(ticket) : ConversationId.safeParse(name).data;
  if (id !== undefined && (await controls.isKnown(id))) return id;
  throw new StartupError(
    `there is no conversation ${name}`,
    '`signalbox conversations list` shows those that are not the agent’s now; the audit names every other one as the subject of `message.received`',
  );
}

function whoOf(control: Control): string {
  switch (control.state) {
    case 'BOT':
      return 'the agent';
    case 'HANDOFF_PENDING': {
      const { by } = control.request;
      const helpers = helpersOf(control);
      const asker = {
        person: by.kind === 'person' ? by.name : '',
        agent: 'the agent',
        rule: 'a rule',
        escalation: 'an escalation policy',
      }[by.kind];
      return `${helpers.length > 0 ? `${helpers.map(({ name }) => name).join(' and ')} look${helpers.length === 1 ? 's' : ''} after it` : 'nobody yet'}; asked for by ${asker}`;
    }
    case 'HUMAN':
    case 'HANDBACK_PENDING':
      return control.owner.name;
    default:
      return control satisfies never;
  }
}

function tell(
  { json }: ConversationsOptions,
  result: { readonly ok: boolean; readonly code: string; readonly control: Control },
  words: string,
): number {
  const text = json ? JSON.stringify(result, undefined, 2) : words.replaceAll('`', '');
  if (result.ok || json) print(text);
  else process.stderr.write(`${text}\n`);
  return result.ok ? 0 : 1;
}

function print(text: string): number {
  process.stdout.write(`${text}\n`);
  return 0;
}
