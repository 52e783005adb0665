/** What the audit is told of a message that was let in, and of a turn that is over. Pure. */
import type { Screened } from '../agent/tools/toolbox.ts';
import type { TurnOutcome } from '../agent/turn.ts';
import type { Ceiling } from '../budget/limits.ts';
import type { AuditEvent } from '../domain/audit-event.ts';
import { platformOf } from '../domain/ids.ts';
import type { Effect } from '../redis/effects.ts';
import type { MessageItem, Work } from './handling.ts';

/** Its one entry on a message: none where it was handled before. */
export function receivedAudit({ message, requester, receivedAt, recorded }: MessageItem): Effect[] {
  if (recorded) return [];
  const { id, conversationId, sender } = message;
  return [
    {
      kind: 'audit',
      event: {
        event: 'message.received',
        actor: sender.account,
        subject: conversationId,
        correlation: id,
        channel: platformOf(sender.account),
        detail: {
          receivedAt,
          person: requester.person,
          authorization: 'allow',
          rule: `permission ask of ${requester.roles.join(', ')}`,
        },
      },
    },
  ];
}

/** Something about the conversation, by whoever it is handled for. */
export function handledAudit(
  {
    item,
    conversationId,
    requester,
    replyTo,
  }: Pick<Work, 'item' | 'conversationId' | 'replyTo'> & {
    readonly requester: Pick<Work['requester'], 'person'>;
  },
  event: string,
  detail: AuditEvent['detail'],
): Effect {
  return {
    kind: 'audit',
    event: {
      event,
      actor: requester.person,
      subject: conversationId,
      correlation: item.correlation,
      channel: replyTo.platform,
      detail,
    },
  };
}

/** What was checked, in the turn and beside it, call by call, and how it ended. `skills`: name and version of each it was given. */
export function turnAudit(
  { item, conversationId, requester, replyTo }: Work,
  outcome: TurnOutcome,
  skills: readonly string[],
): Effect[] {
  const about = { correlation: item.correlation, actor: requester.person, channel: replyTo.platform };
  const toCheck = (screened: Screened, where: AuditEvent['detail'] = {}): AuditEvent => {
    const verdict =
      screened.kind === 'run' ? 'allow' : screened.kind === 'held' ? screened.decision.kind : 'deny';
    const rule = screened.kind === 'held' ? screened.decision.rule : screened.rule;
    return {
      ...about,
      event: `authorization.${verdict}`,
      subject: `tool:${screened.call.tool}`,
      detail: {
        action: 'call',
        rule: rule ?? 'not a call that could be made',
        ...('agentRule' in screened ? { agent: screened.agentRule } : {}),
        call: screened.call.id,
        ...where,
      },
    };
  };
  const checks = [
    ...outcome.screened.map((screened) => toCheck(screened)),
    ...outcome.beside.map(({ screened, within, question }) => toCheck(screened, { within, question })),
  ];
  const done: AuditEvent = {
    ...about,
    event: 'turn.done',
    actor: 'agent',
    subject: conversationId,
    detail: {
      outcome: outcome.kind,
      usage: outcome.usage,
      models: modelsIn(outcome),
      ...(outcome.kind === 'exhausted' ? limitOf(outcome) : {}),
      ...(skills.length > 0 ? { skills } : {}),
    },
  };
  return [...checks, done].map((event) => ({ kind: 'audit', event }));
}

/** What ended it; nothing where that were its steps. */
function limitOf({ by }: Extract<TurnOutcome, { kind: 'exhausted' }>): Record<string, unknown> {
  if (by === undefined) return {};
  return by === 'room' ? { by } : { budget: nameOf(by) };
}

/** Those that answered, each once. */
function modelsIn({ entries }: TurnOutcome): string[] {
  return [...new Set(entries.flatMap((entry) => (entry.kind === 'assistant' ? [entry.model] : [])))];
}

/** Whose budget it is. */
function nameOf({ by }: Ceiling): string {
  return by === 'turn' ? by : `${by.subject} ${by.period}`;
}
