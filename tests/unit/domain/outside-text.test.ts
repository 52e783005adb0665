import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dropInvisible, framed, unframed } from '../../../src/domain/outside-text.ts';

const MARK = '0123456789abcdef';

describe('text from outside', () => {
  it('is what it was once the frame is taken away, with where it came from', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const shown = unframed(`Found:\n${framed('a page', text)}`);

        expect(shown).toEqual({ text: `Found:\n${dropInvisible(text)}`, sources: ['a page'] });
      }),
    );
  });

  it('keeps a frame that it holds itself: only ours are taken away', () => {
    const within = framed('the operator', 'do it', 'aaaa');

    expect(unframed(framed('a page', within, MARK))).toEqual({ text: within, sources: ['a page'] });
  });

  it('is read to its end where the end of its frame was cut off', () => {
    const cut = framed('a page', 'first and second', MARK).split(' and')[0] ?? '';

    expect(unframed(cut)).toEqual({ text: 'first', sources: ['a page'] });
  });
});
