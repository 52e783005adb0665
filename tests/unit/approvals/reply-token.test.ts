import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createReplyTokens, REPLY_TOKEN_CHARS } from '../../../src/approvals/reply-token.ts';
import { ApprovalId, PersonId } from '../../../src/domain/ids.ts';

const tokens = createReplyTokens('a secret of more than sixteen bytes');
const question = {
  approvalId: ApprovalId.parse('apr_p7_0123456789ab'),
  person: PersonId.parse('dana'),
  gen: 0,
  expiresAt: Date.UTC(2026, 0, 2, 3, 4, 5),
};

const anApprovalId = fc
  .tuple(
    fc.stringMatching(/^\d{1,2}$/),
    fc.string({
      unit: fc.constantFrom(...'0123456789abcdefghijklmnopqrstuvwxyz'),
      minLength: 12,
      maxLength: 12,
    }),
  )
  .map(([partition, serial]) => ApprovalId.parse(`apr_p${partition}_${serial}`));
const aQuestion = fc.record({
  approvalId: anApprovalId,
  person: fc.stringMatching(/^[a-z][a-z0-9._-]{0,20}$/).map((id) => PersonId.parse(id)),
  gen: fc.integer({ min: 0, max: 65_535 }),
  expiresAt: fc.integer({ min: 0, max: 4_294_967_295 }).map((seconds) => seconds * 1000),
});

describe('reply tokens', () => {
  it('reads back what was put in, and verifies it, whatever the case of the letters', () => {
    fc.assert(
      fc.property(aQuestion, fc.func(fc.boolean()), (asked, upper) => {
        const { token } = tokens.issue(asked);
        const rewritten = [...token]
          .map((letter, at) => (upper(at) ? letter.toUpperCase() : letter))
          .join('');

        const { approvalId, gen, expiresAt } = asked;
        expect(tokens.read(rewritten)).toEqual({ approvalId, gen, expiresAt });
        expect(tokens.verify(rewritten, asked)).toBe(true);
      }),
    );
  });

  it('OM-192 refuses a token with any one character changed', () => {
    const alphabet = 'abcdefghijklmnopqrstuvwxyz234567';
    fc.assert(
      fc.property(aQuestion, fc.nat(REPLY_TOKEN_CHARS - 1), fc.nat(31), (asked, at, letter) => {
        const { token } = tokens.issue(asked);
        fc.pre(token[at] !== alphabet[letter]);
        const changed = token.slice(0, at) + alphabet.charAt(letter) + token.slice(at + 1);

        expect(tokens.verify(changed, asked)).toBe(false);
        const claim = tokens.read(changed);
        if (claim) expect(tokens.verify(changed, { ...claim, person: asked.person })).toBe(false);
      }),
      { numRuns: 500 },
    );
  });

  it('OM-191 verifies for no other person, approval, generation or secret', () => {
    const { token } = tokens.issue(question);

    expect(tokens.verify(token, question)).toBe(true);
    expect(tokens.verify(token, { ...question, person: PersonId.parse('mallory') })).toBe(false);
    expect(tokens.verify(token, { ...question, approvalId: ApprovalId.parse('apr_p07_0123456789ab') })).toBe(
      false,
    );
    expect(tokens.verify(token, { ...question, gen: 1 })).toBe(false);
    expect(createReplyTokens('another secret, also long enough').verify(token, question)).toBe(false);
  });

  it('refuses what is not a token without throwing', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 80 }), (text) => {
        expect(tokens.verify(text, question)).toBe(false);
      }),
    );
    const { token } = tokens.issue(question);
    for (const text of ['', token.slice(1), `${token}a`, token.replace(/./, 'K'), token.replace(/./, '1')]) {
      expect(tokens.verify(text, question)).toBe(false);
    }
  });

  it('fits the local part of an address', () => {
    const { token } = tokens.issue(question);

    expect(token).toMatch(/^[a-z2-7]+$/);
    expect(`signalbox+${token}`.length).toBeLessThanOrEqual(64);
  });

  it('rounds an expiry up to a whole second and refuses what does not fit', () => {
    const { token } = tokens.issue({ ...question, expiresAt: 1_500 });

    expect(tokens.read(token)?.expiresAt).toBe(2_000);
    expect(() => tokens.issue({ ...question, gen: 65_536 })).toThrow(/generation/);
    expect(() => tokens.issue({ ...question, expiresAt: Number.NaN })).toThrow(/expiry/);
    expect(() => createReplyTokens('short')).toThrow(/16 bytes/);
  });
});

describe('reply codes', () => {
  it('are the same every time, of clear characters, and differ from each other in every one', () => {
    fc.assert(
      fc.property(aQuestion, (asked) => {
        const { approveCode, denyCode } = tokens.issue(asked);

        expect(tokens.codes(asked)).toEqual({ approveCode, denyCode });
        expect(`${approveCode}${denyCode}`).toMatch(/^[2-9A-HJ-NP-Z]{10}$/);
        for (const [at, letter] of [...approveCode].entries()) expect(denyCode[at]).not.toBe(letter);
      }),
    );
  });

  it('belong to one person and one generation', () => {
    const codes = tokens.codes(question);

    expect(tokens.codes({ ...question, person: PersonId.parse('erin') })).not.toEqual(codes);
    expect(tokens.codes({ ...question, gen: 1 })).not.toEqual(codes);
  });
});
