// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references look like this
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { expandReferences } from '../../../src/config/references.ts';

const env = { HOST: 'mail.example', EMPTY: '', PORT: '25' };

describe('references to the environment', () => {
  it.each([
    ['plain', 'plain'],
    ['${HOST}', 'mail.example'],
    ['smtp://${HOST}:${PORT}/', 'smtp://mail.example:25/'],
    ['${NOBODY:-somebody}', 'somebody'],
    ['${EMPTY:-somebody}', 'somebody'],
    ['${NOBODY:-}', ''],
    ['$${HOST}', '${HOST}'],
    ['$$${HOST}', '$${HOST}'],
    ['$HOST costs 5$', '$HOST costs 5$'],
  ])('reads %s as %s', (text, expected) => {
    expect(expandReferences(text, env).text).toBe(expected);
  });

  it('OM-023 names every variable that is missing', () => {
    expect(expandReferences('${A}-${EMPTY}-${B:-b}-${HOST}', env).missing).toEqual(['A', 'EMPTY']);
  });

  it.each(['${', '${}', '${9}', '${A-b}', '${A', '${A B}'])('sees that %s is no reference', (text) => {
    expect(expandReferences(text, env).malformed).toBe(true);
  });

  it('leaves a value alone that looks like a reference itself', () => {
    expect(expandReferences('${A}', { A: '${B}', B: 'no' }).text).toBe('${B}');
  });

  it('gives back any text that was escaped', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('$', '{', '}', 'A', ':', '-') }), (text) => {
        const escaped = text.replaceAll('${', () => '$${');

        expect(expandReferences(escaped, {})).toMatchObject({ text, missing: [], referenced: false });
      }),
    );
  });
});
