import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { flatten, Modal, textsIn, V2Components } from '../../../../src/sandbox/discord/component-rules.ts';
import { parseNewMessage } from '../../../../src/sandbox/discord/message-rules.ts';
import { Refusal } from '../../../../src/sandbox/discord/refusal.ts';
import { runs } from '../../../support/property-runs.ts';

const RULES = { flags: 0, files: 0 };

describe('a new message', () => {
  it('is taken exactly when it has something in it, and not more than 2000 characters', () => {
    fc.assert(
      fc.property(fc.nat(2_100), fc.constantFrom('x', ' ', '\n'), (length, unit) => {
        const content = unit.repeat(length);

        expect(isTaken({ content })).toBe(content.trim() !== '' && length <= 2_000);
      }),
      { numRuns: runs(200) },
    );
  });

  it('is never a reason to break down, whatever it is', () => {
    fc.assert(
      fc.property(fc.anything(), (body) => {
        expect([true, false]).toContain(isTaken(body));
      }),
      { numRuns: runs(300) },
    );
  });

  it('may be a file alone', () => {
    expect(() => parseNewMessage({}, { ...RULES, files: 1 })).not.toThrow();
  });
});

describe('components', () => {
  const SECTION = {
    type: 9,
    components: [text('two')],
    accessory: { type: 2, style: 1, custom_id: 'b', label: 'x' },
  };

  it('are counted with what they hold', () => {
    const container = { type: 17, components: [text('one'), SECTION] };

    expect(flatten([container]).map(({ type }) => type)).toEqual([17, 10, 9, 10, 2]);
    expect(textsIn([container])).toEqual(['one', 'two']);
    expect(V2Components.safeParse([container]).success).toBe(true);
  });

  it('are too many at 41, however deep they are', () => {
    const container = (texts: number) => ({
      type: 17,
      components: Array.from({ length: texts }, () => text('x')),
    });

    expect(V2Components.safeParse([container(39)]).success).toBe(true);
    expect(V2Components.safeParse([container(40)]).success).toBe(false);
  });
});

describe('a modal', () => {
  const INPUT = { type: 4, custom_id: 'reason', style: 2 };

  it.each<[string, object, boolean]>([
    ['a labelled input', { components: [{ type: 18, label: 'Why?', component: INPUT }] }, true],
    ['an input in a row', { components: [{ type: 1, components: [{ ...INPUT, label: 'Why?' }] }] }, true],
    ['an input in a row without a label', { components: [{ type: 1, components: [INPUT] }] }, false],
    [
      'two labels for one input',
      { components: [{ type: 18, label: 'Why?', component: { ...INPUT, label: 'x' } }] },
      false,
    ],
    ['a title over 45', { title: 'x'.repeat(46) }, false],
    ['a label over 45', { components: [{ type: 18, label: 'x'.repeat(46), component: INPUT }] }, false],
    [
      'a value over 4000',
      { components: [{ type: 18, label: 'x', component: { ...INPUT, value: 'x'.repeat(4_001) } }] },
      false,
    ],
    ['six parts', { components: Array.from({ length: 6 }, () => text('x')) }, false],
    [
      'a button',
      { components: [{ type: 1, components: [{ type: 2, style: 1, custom_id: 'b', label: 'x' }] }] },
      false,
    ],
    ['an id over 100', { custom_id: 'x'.repeat(101) }, false],
  ])('with %s', (_what, change, taken) => {
    const modal = { custom_id: 'deny', title: 'Deny', components: [text('Tell us.')], ...change };

    expect(Modal.safeParse(modal).success).toBe(taken);
  });
});

function isTaken(body: unknown): boolean {
  try {
    parseNewMessage(body, RULES);
    return true;
  } catch (error) {
    if (error instanceof Refusal) return false;
    throw error;
  }
}

function text(content: string) {
  return { type: 10, content };
}
