/**
 * Says loudly that nobody who could decide a request has it in front of them: whoever asked would wait for nothing.
 * It goes on waiting all the same, because somebody may be told of it in another way.
 */
import { unaskedOf } from '../approvals/plan.ts';
import { generationOf } from '../approvals/saying.ts';
import { unaskedText } from '../approvals/sentences.ts';
import { toOutEffect } from '../delivery/outbox.ts';
import { excludedFrom } from '../domain/approval/exclusion.ts';
import { type Approval, approversOf } from '../domain/approval/record.ts';
import type { Directory } from '../identity/directory.ts';
import type { Logger } from '../observability/logger.ts';
import type { Effect } from '../redis/effects.ts';

/** What tells of it, in the log at once, and with what is returned where it was asked; nothing where somebody is asked. */
export function sayUnasked(
  approval: Approval,
  { directory, log, atMs }: { readonly directory: Directory; readonly log: Logger; readonly atMs: number },
): { readonly notice: string; readonly effects: readonly Effect[] } | undefined {
  const approvers = approversOf(approval);
  if (approval.state !== 'OPEN' || directory.isGranted(approvers)) return undefined;
  const asked = directory.approversOf(approvers, excludedFrom(approval), approval.openedMs);
  const unasked = unaskedOf(approval, asked, (person) => directory.voterOf(person, approval.openedMs));
  if (unasked.length === 0) return undefined;
  log.error(
    { approval: approval.id, people: unasked.map(({ id }) => id) },
    'nobody who may decide a request can be asked; `signalbox check` says what is missing',
  );
  const { id, conversationId, origin, request } = approval;
  const { correlation, requester } = request;
  const notice = unaskedText(
    approval,
    unasked.map(({ name }) => name),
  );
  const said = toOutEffect({
    kind: 'text',
    id: `unasked:${id}`,
    correlation,
    conversationId,
    to: origin,
    requester,
    markdown: notice,
    about: { kind: 'unasked', ...generationOf(approval) },
    atMs,
  });
  return { notice, effects: [said] };
}
