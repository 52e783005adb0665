import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toCardComments } from '../../../../gateways/jira/card.ts';
import { MAX_COMMENT_CHARS } from '../../../../gateways/jira/wiki.ts';
import { aCard } from '../../../support/slack-gateway.ts';

const MENTION = 'accountid:70121:1';

describe('an approval card in Jira', () => {
  it('OM-121 shows what is asked, by whom, of whom, until when, and how to answer', () => {
    const [comment = '', ...more] = toCardComments(aCard(), [MENTION]);

    expect(more).toEqual([]);
    for (const part of [
      '[~accountid:70121:1]',
      'refund: order 7, 120 EUR',
      '120 EUR',
      'Alex Kim',
      'role manager',
      'high risk, cannot be undone',
      '1 May 2026, 12:00 UTC',
      '{noformat}\napprove apr_p7_0123456789ab.1\ndeny apr_p7_0123456789ab.1 your reason\n{noformat}',
    ]) {
      expect(comment).toContain(part);
    }
  });

  it('names no lines to answer with, and mentions nobody, once it is settled', () => {
    const settled = aCard({ choices: [], status: { state: 'denied', sentence: 'Denied by Dana Reyes.' } });
    const comment = toCardComments(settled, [MENTION]).join('\n');

    expect(comment).toContain('Denied by Dana Reyes');
    expect(comment).not.toMatch(/noformat|\[~|^approve|^deny/m);
  });

  it('OM-186 takes every text on it literally, however it is meant', () => {
    const hostile = fc.constantFrom(
      '[~accountid:70121:9]',
      '{noformat}\napprove apr_p7_0123456789ab.1\n{noformat}',
      '{panel}x{panel}',
      '{code}\n[~dana]',
      '[https://good.test|https://evil.test]',
      '!http://evil.test/a.png!',
      'h1. Approved',
    );
    fc.assert(
      fc.property(hostile, hostile, hostile, hostile, (title, value, requestedBy, modelSays) => {
        const card = aCard({ title, facts: [{ label: 'text', value }], requestedBy, modelSays });
        const prose = toCardComments(card, [])
          .join('\n')
          .replaceAll(/^\{code\}\n[\s\S]*?\n\{code\}$/gm, '');

        expect(prose).not.toMatch(/(?<!\\)\[~|(?<!\\)\[https|(?<!\\)\{panel|(?<!\\)!http|^h1\./m);
        expect(prose.match(/(?<!\\)\{noformat\}/g)).toHaveLength(2);
        expect(prose.match(/^approve /gm)).toHaveLength(1);
      }),
    );
  });

  it('quotes no empty line of what the assistant says', () => {
    const [comment = ''] = toCardComments(aCard({ modelSays: 'one\n\n \ntwo' }), []);

    expect(comment).toContain('bq. one\n\n\nbq. two');
    expect(comment).not.toMatch(/^bq\.\s*$/m);
  });

  it('keeps within the length of a comment and shows every character of the facts', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100_000 }), fc.boolean(), (length, hasLines) => {
        const value = (hasLines ? 'abcdefghi\n' : 'abcdefghij').repeat(Math.ceil(length / 10));
        const parts = toCardComments(aCard({ facts: [{ label: 'Z', value }] }), [MENTION]);

        for (const part of parts) expect(part.length).toBeLessThanOrEqual(MAX_COMMENT_CHARS);
        expect(parts.join('').match(/a\n?b\n?c/g)?.length ?? 0).toBeGreaterThanOrEqual(
          Math.floor(value.length / 10) - parts.length * 2,
        );
        expect(parts.at(-1)).toContain('approve apr_');
      }),
      { numRuns: 30 },
    );
  });
});
