import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TokenSeal } from '../../../../gateways/discord/token-seal.ts';

describe('an interaction token in an address', () => {
  const seal = new TokenSeal('the bot token');
  const token = 'aW50ZXJhY3Rpb246MTIz';

  it('OM-190 cannot be read there, and is opened by whoever has the token of the bot', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.string(), (secret, id) => {
        const sealed = seal.seal({ id, token: secret });
        if (secret.length > 3) expect(sealed).not.toContain(secret);
        expect(new TokenSeal('the bot token').open({ id, sealed })).toBe(Buffer.from(secret).toString());
      }),
    );
  });

  it('is the same however often it is sealed, and another for another interaction', () => {
    expect(seal.seal({ id: '1', token })).toBe(seal.seal({ id: '1', token }));
    expect(seal.seal({ id: '1', token })).not.toBe(seal.seal({ id: '2', token }));
  });

  it('opens as nothing for another bot, for another interaction, and when it was changed', () => {
    const sealed = seal.seal({ id: '1', token });
    const changed = `${sealed.slice(0, -2)}${sealed.endsWith('A') ? 'B' : 'A'}A`;

    expect(new TokenSeal('another').open({ id: '1', sealed })).toBeUndefined();
    expect(seal.open({ id: '2', sealed })).toBeUndefined();
    expect(seal.open({ id: '1', sealed: changed })).toBeUndefined();
    expect(seal.open({ id: '1', sealed: token })).toBeUndefined();
    expect(seal.open({ id: '1', sealed: '' })).toBeUndefined();
  });
});
