import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseTicketReply } from '../../../src/approvals/reply-parser.ts';
import { parseTicket, ticketOf } from '../../../src/domain/card.ts';
import { ApprovalId } from '../../../src/domain/ids.ts';

const approvalId = ApprovalId.parse('apr_p7_0123456789ab');
const TICKET = 'apr_p7_0123456789ab.2';
const named = { approvalId, gen: 2 };

describe('an answer by ticket', () => {
  it.each([
    [`approve ${TICKET}`, { kind: 'approve' }],
    [`/approve ${TICKET}`, { kind: 'approve' }],
    [`!approve ${TICKET}.`, { kind: 'approve' }],
    [`\`approve ${TICKET}\``, { kind: 'approve' }],
    [`\n  Approve ${TICKET.toUpperCase()}  \nthank you`, { kind: 'approve' }],
    [`deny ${TICKET}`, { kind: 'deny', reason: '' }],
    [`/deny ${TICKET}: too much`, { kind: 'deny', reason: 'too much' }],
    [`answer ${TICKET} take order 8 instead`, { kind: 'answer', text: 'take order 8 instead' }],
    [`happened ${TICKET}`, { kind: 'happened' }],
    [`/did-not-happen ${TICKET}.`, { kind: 'did-not-happen' }],
    [`retry ${TICKET}`, { kind: 'retry' }],
    [`happened ${TICKET} I think`, { kind: 'unclear', why: 'extra-words' }],
    [`retry ${TICKET}?`, { kind: 'unclear', why: 'question' }],
    [`approve ${TICKET}?`, { kind: 'unclear', why: 'question' }],
    [`approve ${TICKET} if you must`, { kind: 'unclear', why: 'extra-words' }],
    [`deny ${TICKET} I approve of nothing`, { kind: 'unclear', why: 'two-verdicts' }],
    [`approve ${TICKET}\u202e`, { kind: 'unclear', why: 'hidden-characters' }],
  ])('is read from %j', (text, said) => {
    expect(parseTicketReply(text)).toEqual({ ...named, said });
  });

  it.each([
    [`withdraw ${TICKET}`, { kind: 'withdraw', reason: '' }],
    [`/withdraw ${TICKET}: Kim did it by hand`, { kind: 'withdraw', reason: 'Kim did it by hand' }],
    [`!cancel ${TICKET}`, { kind: 'withdraw', reason: '' }],
    [`Cancel \`${TICKET}\``, undefined],
    [`withdraw ${TICKET}?`, { kind: 'unclear', why: 'question' }],
    [`withdraw ${TICKET}\u202e`, { kind: 'unclear', why: 'hidden-characters' }],
  ])('OM-120 takes a request back in %j', (text, said) => {
    expect(parseTicketReply(text)).toEqual(said && { ...named, said, withdraws: true });
  });

  it.each([
    'approve it',
    'approve',
    `please approve ${TICKET}`,
    `> approve ${TICKET}`,
    `what about approve ${TICKET}`,
    'approve apr_p7_0123456789',
    'cancel order 7',
    'withdraw',
    `please withdraw ${TICKET}`,
    `maybe\napprove ${TICKET}`,
    '',
  ])('is not %j', (text) => {
    expect(parseTicketReply(text)).toBeUndefined();
  });

  it('without a generation is about what was asked first', () => {
    expect(parseTicketReply('approve apr_p7_0123456789ab')).toMatchObject({ gen: 1 });
  });

  it('never approves anything but a whole line of word and ticket, whatever stands around it', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (before, after) => {
        const parsed = parseTicketReply(`${before}approve ${TICKET}${after}`);
        const firstLine = `${before}approve ${TICKET}${after}`
          .split(/\r\n|[\n\r\u0085\u2028\u2029]/u)
          .find((line) => line.trim() !== '');
        if (parsed?.said.kind !== 'approve') return;
        expect(firstLine?.toLowerCase()).toContain('approve');
        expect(firstLine?.replaceAll(/[\s.!,;:。、…`/]/gu, '').toLowerCase()).toBe(
          `approve${parsed.approvalId}${parsed.gen === 1 ? '' : parsed.gen}`,
        );
      }),
    );
  });

  it('has a ticket that is read as it was written', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 999_999 }), (gen) => {
        expect(parseTicket(ticketOf({ approvalId, gen }))).toEqual({ approvalId, gen });
      }),
    );
  });
});
