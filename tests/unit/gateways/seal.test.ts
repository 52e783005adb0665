import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Seal } from '../../../gateways/seal.ts';

describe('what is sealed into an address', () => {
  const seal = new Seal('the bot token', 'an address');

  it('OM-190 cannot be read there, and is opened by whoever has the token of the bot', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 4 }), fc.string(), (text, about) => {
        const sealed = seal.seal(about, text);
        expect(sealed).not.toContain(text);
        expect(new Seal('the bot token', 'an address').open(about, sealed)).toBe(
          Buffer.from(text).toString(),
        );
      }),
    );
  });

  it('is the same however often it is sealed, and another about something else', () => {
    expect(seal.seal('1', 'text')).toBe(seal.seal('1', 'text'));
    expect(seal.seal('1', 'text')).not.toBe(seal.seal('2', 'text'));
  });

  it('opens as nothing for another bot, for another purpose, about something else, and when it was changed', () => {
    const sealed = seal.seal('1', 'text');
    const changed = `${sealed.slice(0, -2)}${sealed.endsWith('A') ? 'B' : 'A'}A`;

    expect(new Seal('another', 'an address').open('1', sealed)).toBeUndefined();
    expect(new Seal('the bot token', 'a token').open('1', sealed)).toBeUndefined();
    expect(seal.open('2', sealed)).toBeUndefined();
    expect(seal.open('1', changed)).toBeUndefined();
    expect(seal.open('1', 'text')).toBeUndefined();
    expect(seal.open('1', '')).toBeUndefined();
  });
});
