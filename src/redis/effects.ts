/**
 * What a script writes beside its own business: transcript entries, items for mailboxes and outboxes, new
 * approvals, dead letters, audit entries. All of one list become visible together, or none.
 *
 * Everything an effect touches must live in the partition of the script that applies it.
 */
import type { AuditEvent } from '../domain/audit-event.ts';
import type { ApprovalId, ConversationId } from '../domain/ids.ts';
import type { MailboxItem } from '../domain/mailbox-item.ts';
import type { Entry } from '../domain/transcript.ts';
import type { QueueName } from './keys.ts';
import type { ScriptArgument } from './script.ts';

/** A second post under the same key within `forMs` is skipped. */
export interface Once {
  readonly key: string;
  readonly forMs: number;
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
    }
  | {
      readonly kind: 'dead';
      readonly queue: QueueName;
      readonly lane: string;
      readonly attempts: number;
      readonly reason: string;
      readonly item: string;
    }
  /** A conversation handled what its approval came to; see `markOf` of approval-audit.ts. */
  | { readonly kind: 'heard'; readonly approvalId: ApprovalId; readonly mark: string }
  | { readonly kind: 'audit'; readonly event: AuditEvent };

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
      return ['open', effect.approvalId, effect.document, effect.dueMs ?? '', effect.keepMs ?? ''];
    case 'dead':
      return ['dead', effect.queue, effect.lane, effect.attempts, effect.reason, effect.item];
    case 'heard':
      return ['heard', effect.approvalId, effect.mark];
    case 'audit':
      return ['audit', JSON.stringify(effect.event)];
    default:
      return effect satisfies never;
  }
}
