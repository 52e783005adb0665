import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bareMissIn, nearMissIn } from '../../../src/approvals/near-miss.ts';
import { parseTicketReply } from '../../../src/approvals/reply-parser.ts';

const TICKET = 'apr_p7_0123456789ab.1';
const kindOf = (text: string) => nearMissIn(text)?.kind;

describe('an attempt to answer a request', () => {
  it.each([
    [`aprove ${TICKET}`, 'no-line'],
    [`Aproved ${TICKET}.`, 'no-line'],
    [`please approve ${TICKET}`, 'no-line'],
    [`${TICKET} approved`, 'no-line'],
    [`I approve \`${TICKET}\``, 'no-line'],
    [`approve request ${TICKET}`, 'no-line'],
    [`denyy ${TICKET} too much`, 'no-line'],
    [`Hi Alex,\n\napprove ${TICKET}`, 'not-first'],
    [`> approve ${TICKET}\n\nfine\ndeny ${TICKET} no`, 'not-first'],
    ['approve', 'no-ticket'],
    ['approved', 'no-ticket'],
    ['Approved, thank you!', 'no-ticket'],
    ['aprove', 'no-ticket'],
    ['denied.', 'no-ticket'],
    ['genehmigt', 'no-ticket'],
    ['Hi Alex,\napproved', 'no-ticket'],
  ])('is seen in %j', (text, kind) => {
    expect(kindOf(text)).toBe(kind);
  });

  it.each([
    [`please withdraw ${TICKET}`, 'no-line'],
    [`withdrw ${TICKET}`, 'no-line'],
    [`${TICKET} cancelled`, 'no-line'],
    [`Hi,\nwithdraw ${TICKET}`, 'not-first'],
  ])('to take one back is seen in %j', (text, kind) => {
    expect(nearMissIn(text)).toMatchObject({ kind, request: { withdraws: true } });
  });

  it.each([
    '',
    'ok',
    'cancel',
    'withdraw it',
    'the improvement is done',
    'approve it when the audit is over, not before',
    `what is ${TICKET} about`,
    `should we approve ${TICKET}?`,
    `> approve ${TICKET}`,
    `tell me why ${TICKET} was denied`,
    'dent in the lobby',
    '/approve',
  ])('is not seen in %j', (text) => {
    expect(nearMissIn(text)).toBeUndefined();
  });

  it('is never what decides', () => {
    const word = fc.constantFrom('approve', 'deny', 'aprove', 'Hi', 'please', TICKET, '`', '\n', '>', 'so');
    fc.assert(
      fc.property(fc.array(word, { maxLength: 8 }), (words) => {
        const text = words.join(' ');
        if (parseTicketReply(text)) expect(nearMissIn(text)).toBeUndefined();
      }),
    );
  });
});

describe('where people talk to the agent', () => {
  it.each(['approve', 'Approved!', ' deny. ', 'reject', 'genehmigt'])(
    'an attempt is seen in %j, which says nothing else',
    (text) => {
      expect(bareMissIn(text)).toEqual({ kind: 'no-ticket' });
    },
  );

  it.each([
    'approve the budget draft please',
    'approve please',
    'deny because it is too much',
    'approve?',
    'aprove',
    'yes',
    'no',
    'ok',
    '👍',
    '/approve',
    'Hi Alex,\napprove',
    '> approve',
    '',
  ])('nothing is made of %j', (text) => {
    expect(bareMissIn(text)).toBeUndefined();
  });
});
