import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { visible } from '../../../src/approvals/sentences.ts';
import { holdsName } from '../../../src/domain/phrase.ts';
import { runs } from '../../support/property-runs.ts';

/** Every sign of ASCII that is no letter and no digit, and some that people have in their names. */
const SIGNS = [...'!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~', '’', '·', '‐', '–', '\u200C', '\u00A0', ' '];
/** Latin, with and without marks, Cyrillic, Arabic, Devanagari, Hangul, and scripts that put nothing between words. */
const WORDS = [
  'Anna',
  'Zoë',
  'Zoe\u0308',
  'Łukasz',
  'Иван',
  'مریم',
  'अनीता',
  '철수',
  '王小明',
  'さくら',
  'สมชาย',
  '7',
];

const name = fc
  .array(fc.tuple(fc.constantFrom(...WORDS), fc.constantFrom(...SIGNS, '')), { minLength: 1, maxLength: 4 })
  .map((parts) => parts.flat().join(''));

describe('a name in what the gateway has written', () => {
  it('OM-193 is found whatever signs and scripts it is made of, as it is, with marks, and in JSON', () => {
    fc.assert(
      fc.property(name, (who) => {
        expect(holdsName(`Denied by ${who}: no.`, who)).toBe(true);
        expect(holdsName(`Denied by ${visible(who)}: no.`, who)).toBe(true);
        const inJson = JSON.stringify(who);
        expect(holdsName(`${inJson}, a person, took it over.`, inJson.slice(1, -1))).toBe(true);
        expect(holdsName('Denied by Dana Reyes: no.', who)).toBe(false);
      }),
      { numRuns: runs(200) },
    );
  });

  it('is looked for without an error, whatever the name and the text', () => {
    const anything = fc.string({ unit: 'binary' });
    fc.assert(
      fc.property(anything, anything, (who, text) => {
        expect(holdsName(text, who)).toBeTypeOf('boolean');
      }),
      { numRuns: runs(100) },
    );
    expect(holdsName('⟨U+FFFFFF⟩ ⟨U+D83D⟩', 'Anna')).toBe(false);
  });

  it.each([
    ['Anna', 'Annabel was here', false],
    ['Anna', 'anna was here', false],
    ['Anna-Lee', 'Anna-Lee was here', true],
    ['Anna-Lee', 'Anna was here', false],
    ['小明', '王小明取消了', true],
    ['🦊', 'Denied by 🦊.', true],
    ['🦊', 'Denied by Dana.', false],
    ['', 'Denied by Dana.', false],
    ['\u200B', 'Denied by Dana.', false],
  ])('%j in %j: %s', (who, text, found) => {
    expect(holdsName(text, who)).toBe(found);
  });
});
