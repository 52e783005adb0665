import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MOST_IN_BATCH, parseBatchReply, parseTicketReply } from '../../../src/approvals/reply-parser.ts';
import { readConfirmation, signOf } from '../../../src/router/confirmations.ts';

const [ONE, TWO] = ['apr_p7_0123456789ab.2', 'apr_p8_0123456789ab'];
const both = [
  { approvalId: 'apr_p7_0123456789ab', gen: 2 },
  { approvalId: 'apr_p8_0123456789ab', gen: 1 },
];

describe('an answer to several requests', () => {
  it.each([
    [`approve ${ONE} ${TWO}`, { kind: 'approve' }, undefined],
    [`/approve ${ONE}, ${TWO}.`, { kind: 'approve' }, undefined],
    [`approve ${ONE} ${TWO} KXQ4`, { kind: 'approve' }, 'KXQ4'],
    [`deny ${ONE} ${TWO}`, { kind: 'deny', reason: '' }, undefined],
    [`deny ${ONE} ${TWO} not today`, { kind: 'deny', reason: 'not today' }, undefined],
    [`!deny ${ONE} ${TWO} KXQ4 not today`, { kind: 'deny', reason: 'not today' }, 'KXQ4'],
    [`approve ${ONE} ${TWO} but not that one`, { kind: 'unclear', why: 'extra-words' }, undefined],
    [`approve ${ONE} ${TWO}?`, { kind: 'unclear', why: 'question' }, undefined],
    [`approve ${ONE} ${TWO}\u202e`, { kind: 'unclear', why: 'hidden-characters' }, undefined],
  ])('is read from %j', (line, said, sign) => {
    expect(parseBatchReply(line)).toMatchObject({ tickets: both, said, sign });
  });

  it.each([
    `approve ${ONE}`,
    `deny ${ONE} because`,
    `answer ${ONE} ${TWO}`,
    'approve all',
    '',
    `> approve ${ONE} ${TWO}`,
  ])('is not %j', (line) => {
    expect(parseBatchReply(line)).toBeUndefined();
  });

  it('leaves a reason as it was written, also where it begins as a sign could', () => {
    expect(parseBatchReply(`deny ${ONE}, ${TWO} more than 1,500 EUR, ask`)?.said).toEqual({
      kind: 'deny',
      reason: 'more than 1,500 EUR, ask',
    });
    expect(parseBatchReply(`deny ${ONE} ${TWO} HTTP 500, look`)).toMatchObject({
      said: { kind: 'deny', reason: '500, look' },
      sign: 'HTTP',
      unsigned: 'HTTP 500, look',
    });
  });

  it('names each request once, and no more than one list shows', () => {
    const many = Array.from({ length: MOST_IN_BATCH + 1 }, (_, n) => `apr_p1_${String(n).padStart(12, '0')}`);

    expect(parseBatchReply(`approve ${ONE} ${ONE} ${TWO}`)?.tickets).toEqual(both);
    expect(parseBatchReply(`approve ${many.slice(1).join(' ')}`)?.said).toEqual({ kind: 'approve' });
    expect(parseBatchReply(`approve ${many.join(' ')}`)?.said).toMatchObject({ kind: 'unclear' });
  });

  it('never takes a line for an answer to one and to several that both decide', () => {
    const word = fc.constantFrom('approve', 'deny', '/approve', 'answer');
    const rest = fc.array(fc.constantFrom(ONE, TWO, 'KXQ4', 'because', ',', '?'), { maxLength: 6 });
    fc.assert(
      fc.property(word, rest, (verdict, words) => {
        const line = [verdict, ...words].join(' ');
        const batch = parseBatchReply(line);
        const single = parseTicketReply(line);
        if (batch?.said.kind === 'approve') expect(single?.said.kind).not.toBe('approve');
      }),
    );
  });
});

describe('a word that agrees to what was read', () => {
  it('differs with what was read, and has no letter that is taken for another', () => {
    fc.assert(
      fc.property(fc.string(), (read) => {
        expect(signOf(read)).toMatch(/^[3479CDFHJKMNPQRTVWXY]{4}$/);
      }),
    );
    expect(new Set(Array.from({ length: 100 }, (_, n) => signOf(`rule ${n}`))).size).toBeGreaterThan(95);
  });

  it.each([
    ['/confirm k7qmx4rt', 'k7qmx4rt'],
    ['!confirm K7QMX4RT.', 'K7QMX4RT'],
    ['confirm k7qmx4rt please', undefined],
    ['/link confirm k7qmx4rt', undefined],
    ['/confirm', undefined],
  ])('is read from %j as %j', (text, code) => {
    expect(readConfirmation(text)).toBe(code);
  });
});
