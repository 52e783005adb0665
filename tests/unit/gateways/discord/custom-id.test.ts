import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseCustomId, toCustomId } from '../../../../gateways/discord/custom-id.ts';
import { ApprovalId } from '../../../../src/domain/ids.ts';

const stamp = {
  approvalId: ApprovalId.parse('apr_p12_0123456789ab'),
  gen: 99_999,
  digest: 'a'.repeat(43),
} as const;

describe('a custom id', () => {
  it.each(['approve', 'deny', 'deny-with-reason', 'answer', 'happened', 'did-not-happen', 'retry'] as const)(
    'carries %s there and back',
    (pressed) => {
      expect(parseCustomId(toCustomId({ ...stamp, pressed }))).toEqual({ ...stamp, pressed });
    },
  );

  it('is as short as Discord wants it, with the longest of everything', () => {
    expect(toCustomId({ ...stamp, pressed: 'deny-with-reason' }).length).toBeLessThanOrEqual(100);
  });

  it('carries an option there and back, as short as Discord wants it, and nothing else does', () => {
    const option = 'o'.repeat(16);
    const id = toCustomId({ ...stamp, pressed: 'option', option });

    expect(id.length).toBeLessThanOrEqual(100);
    expect(parseCustomId(id)).toEqual({ ...stamp, pressed: 'option', option });
    expect(parseCustomId(id.replace('|o|', '|a|'))).toBeUndefined();
  });

  it('is nothing when somebody else made it', () => {
    const prefix = fc.constantFrom('', 'signalbox|', 'signalbox|a|', 'signalbox|a|apr_p1_0123456789ab|');
    fc.assert(
      fc.property(prefix, fc.string({ maxLength: 40 }), (start, rest) => {
        const read = parseCustomId(start + rest);
        if (read) expect(toCustomId(read).length).toBeLessThanOrEqual(100);
      }),
    );
    expect(parseCustomId('signalbox|x|apr_p1_0123456789ab|1|d')).toBeUndefined();
    expect(parseCustomId('signalbox|a|apr_p1_0123456789ab|1|')).toBeUndefined();
  });
});
