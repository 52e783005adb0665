/**
 * What a script writes beside its own business: transcript entries, items for mailboxes and outboxes, new
 * approvals, dead letters, audit entries. All of one list become visible together, or none.
 *
 * Everything an effect touches must live in the partition of the script that applies it.
 */
import { createHash } from 'node:crypto';
import type { AuditEvent } from '../domain/audit-event.ts';
import { ControlMovedError, RecordMovedError } from '../domain/errors.ts';
import type { ApprovalId, ConversationId, ConversationTicket } from '../domain/ids.ts';
import type { MailboxItem } from '../domain/mailbox-item.ts';
import type { Entry } from '../domain/transcript.ts';
import { toAuditText } from './audit-text.ts';
import type { QueueName, RecordFamily } from './keys.ts';
import type { ScriptArgument } from './script.ts';

/** A second post under the same key within `forMs` is skipped. */
export interface Once {
  readonly key: string;
  readonly forMs: number;
}

/** For what is remembered for longer than a day: of whom and where it is cannot be read in it. */
export function namelessOnce(key: string, forMs: number): Once {
  const [kind = ''] = key.split(':');
  return { key: `${kind}:${createHash('sha256').update(key).digest('base64url')}`, forMs };
}

export type Effect =
  | {
      readonly kind: 'entry';
      readonly conversationId: ConversationId;
      readonly entry: Entry;
      readonly keepMs: number;
    }
  | {
      readonly kind: 'mail';
      readonly conversationId: ConversationId;
      readonly item: MailboxItem;
      readonly once?: Once;
    }
  | {
      readonly kind: 'out';
      readonly queue: QueueName;
      readonly lane: string;
      readonly item: object;
      readonly once?: Once;
      /** The committing session, if this process may send it at once. */
      readonly session?: string;
    }
  | {
      readonly kind: 'open';
      readonly approvalId: ApprovalId;
      readonly document: Buffer;
      readonly dueMs: number | undefined;
      /** Set for one that is over already. */
      readonly keepMs: number | undefined;
      /** As `movesBetween` of inbox.ts says it. */
      readonly inboxes: string;
      readonly deadlineMs: number;
    }
  /** An approval as it is next, decided elsewhere. Nothing of the list is written if it is not as it was read. */
  | {
      readonly kind: 'change';
      readonly approvalId: ApprovalId;
      /** SHA-1 of the record it was decided on. */
      readonly from: string;
      readonly document: Buffer;
      readonly dueMs: number | undefined;
      /** Set when it is over. */
      readonly keepMs: number | undefined;
      readonly inboxes: string;
      readonly deadlineMs: number;
    }
  | {
      readonly kind: 'dead';
      readonly queue: QueueName;
      readonly lane: string;
      readonly attempts: number;
      readonly reason: string;
      readonly item: string;
    }
  /** Nothing of the list is written if the conversation's control is not as it was read. */
  | { readonly kind: 'guard'; readonly conversationId: ConversationId; readonly from: string }
  /** Who speaks for a conversation. Nothing of the list is written if the record is not the one it was decided on. */
  | {
      readonly kind: 'control';
      readonly conversationId: ConversationId;
      readonly ticket: ConversationTicket;
      /** `fingerprintOf` the record it was decided on. */
      readonly from: string;
      readonly document: string;
      readonly dueMs: number | undefined;
      /** Set when the record is only of use for a while. */
      readonly keepMs: number | undefined;
      /** `lane`: a parked mailbox goes back in line. `all`: so does what was held back. */
      readonly release: 'none' | 'lane' | 'all';
    }
  /** Keeps an item of the mailbox aside until a change of control releases it. */
  | { readonly kind: 'hold'; readonly conversationId: ConversationId; readonly item: MailboxItem }
  /** A record and its timer. Nothing of the list is written if it is not the one it was decided on. */
  | {
      readonly kind: 'record';
      readonly family: RecordFamily;
      readonly id: string;
      /** `fingerprintOf` the record it was decided on. */
      readonly from: string;
      readonly rev: number;
      readonly document: string;
      /** Absent: no time moves it on. */
      readonly dueMs: number | undefined;
      /** Set for one that is over: it is in no list any more, and forgotten after that; `as-before`: when it was to be. */
      readonly keepMs: number | 'as-before' | undefined;
    }
  /** A conversation handled what its approval came to; see `markOf` of approval-audit.ts. */
  | { readonly kind: 'heard'; readonly approvalId: ApprovalId; readonly mark: string }
  /** What was used in a period is more by this. */
  | {
      readonly kind: 'usage';
      readonly period: string;
      readonly keepMs: number;
      /** Whole numbers, by the name of the counter. */
      readonly counts: readonly (readonly [counter: string, more: number])[];
    }
  | { readonly kind: 'audit'; readonly event: AuditEvent }
  /** Puts others in the place of the words beside an audit entry. Nothing of the list is written if they are not as read. */
  | {
      readonly kind: 'reword';
      /** Of the entry, in its chain. */
      readonly number: number;
      /** SHA-1 of what stands there now. */
      readonly from: string;
      /** Undefined: none. */
      readonly beside: string | undefined;
    };

/**
 * What a script that applies effects answers.
 *
 * @throws {ControlMovedError} when the control of a conversation is not the one they were decided on
 * @throws {RecordMovedError} when a record is not the one they were decided on
 */
export async function withControl<Reply>(reply: Promise<Reply>): Promise<Reply> {
  try {
    return await reply;
  } catch (error) {
    const [, what, subject] = error instanceof Error ? (MOVED.exec(error.message) ?? []) : [];
    if (subject === undefined) throw error;
    throw what === 'CONTROL' ? new ControlMovedError(subject) : new RecordMovedError(subject);
  }
}

const MOVED = /^(CONTROL|RECORD)_MOVED (\S+)/;

/** The flat form the scripts read; see `effects.lua`. */
export function toArguments(effects: readonly Effect[]): ScriptArgument[] {
  return effects.flatMap(toFields);
}

function toFields(effect: Effect): ScriptArgument[] {
  switch (effect.kind) {
    case 'entry':
      return ['entry', effect.conversationId, JSON.stringify(effect.entry), effect.keepMs];
    case 'mail':
      return [
        'mail',
        effect.conversationId,
        effect.once?.key ?? '',
        effect.once?.forMs ?? 0,
        JSON.stringify(effect.item),
      ];
    case 'out':
      return [
        'out',
        effect.queue,
        effect.lane,
        effect.once?.key ?? '',
        effect.once?.forMs ?? 0,
        JSON.stringify(effect.item),
        effect.session ?? '',
      ];
    case 'open':
      return [
        'open',
        effect.approvalId,
        effect.document,
        effect.dueMs ?? '',
        effect.keepMs ?? '',
        effect.inboxes,
        effect.deadlineMs,
      ];
    case 'change':
      return [
        'change',
        effect.approvalId,
        effect.from,
        effect.document,
        effect.dueMs ?? '',
        effect.keepMs ?? '',
        effect.inboxes,
        effect.deadlineMs,
      ];
    case 'dead':
      return ['dead', effect.queue, effect.lane, effect.attempts, effect.reason, effect.item];
    case 'guard':
      return ['guard', effect.conversationId, effect.from];
    case 'control':
      return [
        'control',
        effect.conversationId,
        effect.ticket,
        effect.from,
        effect.document,
        effect.dueMs ?? '',
        effect.keepMs ?? '',
        effect.release,
      ];
    case 'record':
      return [
        'record',
        effect.family,
        effect.id,
        effect.from,
        `${effect.rev} ${effect.document}`,
        effect.dueMs ?? '',
        effect.keepMs ?? '',
      ];
    case 'hold':
      return ['hold', effect.conversationId, JSON.stringify(effect.item)];
    case 'heard':
      return ['heard', effect.approvalId, effect.mark];
    case 'usage':
      return ['usage', effect.period, effect.keepMs, JSON.stringify(effect.counts)];
    case 'audit': {
      const { text, words } = toAuditText(effect.event);
      return ['audit', text, words];
    }
    case 'reword':
      return ['reword', effect.number, effect.from, effect.beside ?? ''];
    default:
      return effect satisfies never;
  }
}
