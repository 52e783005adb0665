/**
 * What people do with `/signalbox`, in our words. Pure: no client, no clock, no logging.
 *
 * Slack's names for commands belong to the whole workspace, so there is one, and its first word says which is meant.
 *
 * Invariants
 *   1. A command says nothing that could not have been written: it becomes the text of a message.
 *   2. What one person asked by a command, and what they were told, is a conversation of their own in that channel:
 *      nobody else sees it there, so nobody else's talk may continue it.
 *   3. The address for answers is sealed: whoever holds it open can write in our name.
 */
import { createHash } from 'node:crypto';
import { parseTicket } from '../../src/domain/card.ts';
import { ConversationId, ConversationTicket, EscalationId, MessageId } from '../../src/domain/ids.ts';
import type { InboundMessage } from '../../src/domain/message.ts';
import { commandIn, isCommandWord } from '../command-words.ts';
import type { Seal } from '../seal.ts';
import { accountOf, type Identity, roomOf, SLACK } from './inbound.ts';
import { fromMrkdwn } from './mrkdwn.ts';
import type { SlashCommand } from './schema.ts';

/** What a response address is sealed for. */
export const RESPONSE_SEAL = 'signalbox response address';

/** The command as a message. */
export function toCommandMessage(
  command: SlashCommand,
  us: Identity,
  { seal, nowMs }: { readonly seal: Seal; readonly nowMs: number },
): InboundMessage {
  const { team_id: team, channel_id: channel, user_id: user, trigger_id: trigger } = command;
  const address = command.response_url;
  return {
    kind: 'message',
    // One command has one trigger, which opens forms for as long as it is young.
    id: MessageId.parse(`slack:${us.teamId}:${channel}:command:${fingerprintOf(trigger)}`),
    conversationId: ConversationId.parse(`slack:${us.teamId}:${channel}:command:${user}`),
    ...roomOf(us, channel),
    sender: {
      account: accountOf(team, user),
      displayName: command.user_name ?? user,
      authenticated: true,
      automatic: false,
    },
    text: toText(fromMrkdwn(command.text ?? '')),
    addressedToBot: true,
    isCommand: true,
    sentAt: new Date(nowMs).toISOString(),
    replyTo: {
      platform: SLACK,
      route: {
        channel,
        user,
        ...(address === undefined ? {} : { sealed: seal.seal(sealedFor({ channel, user }), address) }),
      },
    },
  };
}

/** What the seal of a response address is about: it answers one person in one place. */
export function sealedFor({ channel, user }: { readonly channel: string; readonly user: string }): string {
  return `${channel}/${user}`;
}

/** What is said in one word, and what asks for a ticket when there is none. */
const ALONE: ReadonlySet<string> = new Set(['approvals', 'status', 'help']);
/** The same, where nothing stands behind them: `memory of the server` is a question. */
const BARE: ReadonlySet<string> = new Set([
  'new',
  'escalations',
  'grants',
  'link',
  'unlink',
  'memory',
  'pair',
  'takeover',
  'withdraw',
]);
/** Without the ticket they are about they are none: what could be meant is listed, with its ticket. */
const OF_LISTED = /^(?:ack|release|snooze(?: \d+ ?[mhd])?|escalate|resolve)(?: instead)?$/i;
/** What is a command with this behind it: nobody asks a question so, and a code is not for the agent. */
const COMPLETE =
  /^(?:grants revoke(?: \S+)?|memory (?:on|off)|link (?:refuse|(?:confirm )?\w+(?:-\w+)+)|unlink [a-z]\S*:\S+|pair \w+(?:-\w+)* (?:refuse|guest(?: \w+)?|as \S+)|confirm [3479cdfhjkmnpqrtvwxy]{8})$/i;
const OF_TICKETS: ReadonlySet<string> = new Set(['approve', 'deny']);
/**
 * Whatever stands behind it: whoever has lost their way should reach a person, and what is to end ends. No question
 * begins with `handback`.
 */
const AT_ONCE: ReadonlySet<string> = new Set(['human', 'stop', 'handback']);
/** Said as a sentence, in haste: the marks are no part of it. */
const PUNCTUATED = /^(stop|human|takeover|handback|ack|release|snooze|escalate|resolve)[,:;.!]+$/;

/**
 * As it would be written to us. What begins with no word of ours is a question: people forget the `ask`. Behind a `!` or
 * a slash it is a word of ours, and the core says what it makes of it.
 */
function toText(typed: string): string {
  const [, mark = '', word = '', rest = ''] = /^([/!]?)(\S*)\s*([\s\S]*)$/.exec(typed.trim()) ?? [];
  const name = word.toLowerCase().replace(PUNCTUATED, '$1');
  if (name === '' || (name === 'ask' && rest === '')) return '/help';
  if (ALONE.has(name) || (BARE.has(name) && rest === '')) return `/${name}`;
  const whole = `${name} ${rest.replace(/\s+/g, ' ')}`.trim();
  if (AT_ONCE.has(name) || COMPLETE.test(whole)) return `/${name} ${rest}`.trim();
  if (OF_LISTED.test(whole)) return '/escalations';
  if (OF_TICKETS.has(name) || isTicket(rest)) return `/${name} ${rest}`.trim();
  if (mark !== '' && name !== 'ask' && isCommandWord(name)) return `/${name} ${rest}`.trim();
  return `/ask ${name === 'ask' ? rest : typed.trim()}`;
}

/** With a ticket behind it the core knows the word, or says what it does not understand. */
function isTicket(rest: string): boolean {
  const first = rest.split(/\s/, 1)[0] ?? '';
  return (
    parseTicket(first) !== undefined ||
    [ConversationTicket, EscalationId].some((ticket) => ticket.safeParse(first.toLowerCase()).success)
  );
}

/** The question, when the command is one. */
export function questionOf({ text }: InboundMessage): string | undefined {
  return /^\/ask ([\s\S]+)$/.exec(text)?.[1];
}

/**
 * Commands in code, as they are typed where only what begins with `/signalbox` reaches us. What links an account is
 * typed from another one, perhaps on another platform: that is left to be shown as in any message.
 */
export function inSlackWords(markdown: string): string {
  return markdown.replaceAll(/`(\/[^`\n]+)`/g, (code, said: string) => {
    const words = commandIn(said);
    return words === undefined || words.word === 'link' ? code : `\`/signalbox ${behindName(said)}\``;
  });
}

/** With a `!` where the bare word would be taken for the beginning of a question. */
function behindName(said: string): string {
  const bare = said.slice(1);
  return toText(bare) === said ? bare : `!${bare}`;
}

function fingerprintOf(trigger: string): string {
  return createHash('sha256').update(trigger).digest('hex').slice(0, 24);
}
