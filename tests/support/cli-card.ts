/** A request for an approval as a terminal gets it. */
import type { Card } from '../../src/domain/card.ts';
import { ApprovalId } from '../../src/domain/ids.ts';

export function aCard(over: Partial<Card> = {}): Card {
  return {
    approvalId: ApprovalId.parse('apr_p7_0123456789ab'),
    gen: 1,
    digest: 'digest-of-the-call',
    title: 'refund: order 7, amount 120',
    facts: [
      { label: 'order', value: '7' },
      { label: 'amount', value: '120' },
    ],
    requestedBy: 'Alex Kim',
    askedOf: 'role manager',
    risk: 'high',
    reversible: false,
    deadline: '2026-05-01T12:00:00.000Z',
    deadlineText: '1 May 2026, 12:00 UTC',
    choices: ['approve', 'deny', 'deny-with-reason', 'answer'],
    status: { state: 'open', sentence: 'Waiting for role manager.' },
    ...over,
  };
}
