/** Where a reminder goes. */
import { describe, expect, it } from 'vitest';
import { consequencesOf } from '../../../src/approvals/consequences.ts';
import { copyFor } from '../../../src/approvals/plan.ts';
import { OutboxItem } from '../../../src/delivery/outbox.ts';
import type { Approval } from '../../../src/domain/approval/record.ts';
import { tick } from '../../../src/domain/approval/time.ts';
import { anAddress, anApproval, DANA, OPENED_MS } from '../../support/approvals.ts';

const inConversation = { id: 'conversation', to: anAddress('slack') };

/** Platforms of the reminders that follow from the first one. */
function reminded(approval: Approval): string[] {
  const nowMs = OPENED_MS + 10_000;
  const { moved } = tick(approval, nowMs);
  if (!moved) throw new Error('nothing was due');
  return consequencesOf(approval, moved, nowMs).flatMap((effect) => {
    const item = effect.kind === 'out' ? OutboxItem.parse(effect.item) : undefined;
    return item?.kind === 'text' ? [item.to.platform] : [];
  });
}

describe('a reminder', () => {
  it('OM-123 goes into the conversation, where nobody is asked by name', () => {
    expect(reminded(anApproval({ copies: [inConversation] }))).toEqual(['slack']);
  });

  it('goes to whoever is asked by themselves, and not into the conversation as well', () => {
    const own = copyFor(DANA, { to: anAddress('email'), cannotEdit: false }, DANA);

    expect(reminded(anApproval({ copies: [inConversation, own] }))).toEqual(['email']);
  });
});
