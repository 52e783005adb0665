/** What `/ack`, `/release`, `/snooze`, `/escalate`, `/resolve` and `/escalations` do, and what whoever wrote them is told. */

import { duration } from '../config/duration.ts';
import { EscalationId, platformOf } from '../domain/ids.ts';
import { channelsOf, type InboundMessage } from '../domain/message.ts';
import type { Person } from '../domain/person.ts';
import type { EscalationAct, EscalationDesk, EscalationGesture } from '../escalation/escalation-desk.ts';
import { deedText, lineText } from '../escalation/sentences.ts';

export const ESCALATION_DIRECTIVES = [
  'ack',
  'release',
  'snooze',
  'escalate',
  'resolve',
  'escalations',
] as const;
export type EscalationDirective = (typeof ESCALATION_DIRECTIVES)[number];

/** Escalations that are looked through for one list. */
const MOST_LISTED = 200;
/** Most of a remark that is kept, in characters. */
const MOST_REMARK_CHARS = 500;
const SNOOZED = duration({ min: '1m', max: '7d' });
/** Put off for so long where nothing is said. */
const SNOOZE = '1h';

const NO_SUCH = 'I know no such escalation, or it is long over. `/escalations` lists those that wait.';

export class EscalationDirectives {
  constructor(private readonly desk: Pick<EscalationDesk, 'act' | 'listFor'>) {}

  /** Does it, and resolves with what whoever wrote it is told. */
  async take(
    directive: EscalationDirective,
    message: Pick<InboundMessage, 'id' | 'text' | 'sender' | 'replyTo'>,
    { id: person, name, roles }: Pick<Person, 'id' | 'name' | 'roles'>,
  ): Promise<string> {
    const within = channelIn(message);
    if (directive === 'escalations') return this.#list({ person, roles, ...within });
    const [, ticket = '', rest = ''] = /^\s*\S+\s+(\S+)\s*([\s\S]*)$/.exec(message.text) ?? [];
    const escalation = EscalationId.safeParse(ticket.toLowerCase());
    if (!escalation.success) {
      return `Which one? Write \`/${directive}\` and its ticket; \`/escalations\` lists them.`;
    }
    const act = toAct(directive, rest.trim());
    if (typeof act === 'string') return act;
    const result = await this.desk.act(
      {
        id: message.id,
        escalation: escalation.data,
        by: { person, name, roles, ...within },
        channel: platformOf(message.sender.account),
      },
      act,
    );
    return result ? deedText(result, person) : NO_SUCH;
  }

  async #list(by: Parameters<EscalationDesk['listFor']>[0]): Promise<string> {
    const waiting = await this.desk.listFor(by, MOST_LISTED);
    if (waiting.length === 0) return 'Nothing waits for you to look after it.';
    return `**Somebody has to look after these**\n\n${waiting.map(lineText).join('\n')}`;
  }
}

/** Where it was written, on a platform that has channels. */
function channelIn({ replyTo }: Pick<InboundMessage, 'replyTo'>): Pick<EscalationGesture['by'], 'within'> {
  const channels = channelsOf(replyTo);
  return channels.length === 0 ? {} : { within: { platform: replyTo.platform, channels } };
}

/** What is to be done, or the sentence that says why it is not understood. */
function toAct(directive: Exclude<EscalationDirective, 'escalations'>, rest: string): EscalationAct | string {
  switch (directive) {
    case 'ack':
      return { kind: 'acknowledge', instead: /^instead$/i.test(rest) };
    case 'release':
      return { kind: 'let-go' };
    case 'snooze': {
      const instead = /\binstead$/i.exec(rest);
      const length = rest.slice(0, instead?.index).trim();
      const forMs = SNOOZED.safeParse(length === '' ? SNOOZE : length);
      return forMs.success
        ? { kind: 'snooze', forMs: forMs.data, instead: instead !== null }
        : 'For how long? Write for example `30m`, `2h` or `1d` behind the ticket, between a minute and seven days.';
    }
    case 'escalate':
      return rest === '' ? { kind: 'push' } : { kind: 'push', step: rest };
    case 'resolve':
      return rest === ''
        ? { kind: 'resolve' }
        : { kind: 'resolve', remark: rest.slice(0, MOST_REMARK_CHARS) };
    default:
      return directive satisfies never;
  }
}

/** Whether what follows the command names an escalation. */
export function isEscalationTicket(rest: string): boolean {
  return EscalationId.safeParse(rest.trim().split(/\s+/)[0]?.toLowerCase()).success;
}
