import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MessageDirective, type MessageDirectives } from '../../../src/domain/directive.ts';
import {
  conflictText,
  directivesText,
  readMessageDirectives,
} from '../../../src/router/message-directives.ts';
import { runs } from '../../support/property-runs.ts';

function read(text: string): Partial<MessageDirectives> & { text: string } {
  const found = readMessageDirectives(text);
  if (!found) return { text };
  return { ...found.directives, text: found.text };
}

describe('directives of a message', () => {
  it('OB-013 are think, verbose, reasoning and elevated', () => {
    expect(MessageDirective.options).toEqual(['think', 'verbose', 'reasoning', 'elevated']);
    expect(read('/reasoning why')).toEqual({ asked: ['reasoning'], overridden: [], text: 'why' });
  });

  it('OB-014 stack, and /minimal is a mode as well as a profile', () => {
    expect(read('/reasoning /minimal why does this happen?')).toEqual({
      asked: ['reasoning'],
      profile: 'minimal',
      mode: 'minimal',
      overridden: [],
      text: 'why does this happen?',
    });
  });

  it.each([
    ['/minimal x', { profile: 'minimal', mode: 'minimal' }],
    ['/coding x', { profile: 'coding' }],
    ['/messaging x', { profile: 'messaging' }],
    ['/full x', { profile: 'full' }],
    ['/quiet x', { mode: 'minimal' }],
    ['/silent x', { mode: 'none' }],
  ])('XA-01 %s sets what it says and nothing else', (text, sets) => {
    expect(read(text)).toEqual({ asked: [], overridden: [], text: 'x', ...sets });
  });

  it('OB-010 are read in any case, and behind an exclamation mark', () => {
    expect(read('!Think /MINIMAL x')).toMatchObject({ asked: ['think'], profile: 'minimal', text: 'x' });
  });

  it.each([
    ['!minimal, show OPS-2', 'show OPS-2'],
    ['!minimal: show OPS-2', 'show OPS-2'],
    ['/minimal;\n\n    a: b, c;  ', '    a: b, c;  '],
    ['/minimal... really?', 'really?'],
    ['/minimal! show: /full, too', 'show: /full, too'],
    ['/minimal, /full: show OPS-2', '/full: show OPS-2'],
    ['!minimal\u200b show OPS-2', 'show OPS-2'],
    ['\u2060!minimal show OPS-2', 'show OPS-2'],
    ['！minimal show OPS-2', 'show OPS-2'],
    ['／minimal， show OPS-2', 'show OPS-2'],
    ['/minimal… show OPS-2', 'show OPS-2'],
  ])('OB-005 OB-012 are the words of %j, with the mark that ends them', (text, left) => {
    expect(read(text)).toEqual({
      asked: [],
      overridden: [],
      profile: 'minimal',
      mode: 'minimal',
      text: left,
    });
  });

  it.each([
    'look at /full/path/app.py',
    '/minimal.md is empty',
    '/elevated, drop it',
    '！elevated drop it',
    '\u200b/elevated drop it',
    '/full\u200b drop it',
    '/full/path/app.py is broken',
    '/fullest house',
    '/full: what is that?',
    'what does /minimal do?',
    '> /minimal\n\nsaid somebody',
    '/ think',
    '//think x',
    '`/minimal` x',
    'think /minimal',
    '',
  ])('OB-011 C-30 are no more than text in %j', (text) => {
    expect(readMessageDirectives(text)).toBeUndefined();
  });

  it('OB-011 end with the run: what stands behind the first other word stays', () => {
    expect(read('/think look at /full and /minimal')).toMatchObject({
      asked: ['think'],
      text: 'look at /full and /minimal',
    });
    expect(read('/think /fuller /minimal x').text).toBe('/fuller /minimal x');
  });

  it.each([
    [
      'on one line',
      '/think fix  this:\n\n```py\n  a =  1\n\n\treturn a\n```\n',
      'fix  this:\n\n```py\n  a =  1\n\n\treturn a\n```\n',
    ],
    ['on a line of its own', '/think\n    indented code\n  b', '    indented code\n  b'],
    ['in front of an empty line', '/think \r\n\r\n\tx\r\n', '\tx\r\n'],
  ])('OB-012 C-31 leave the text as it is when they stand %s', (_where, text, left) => {
    expect(read(text).text).toBe(left);
  });

  it('C-34 without a text leave none', () => {
    expect(read('  /think /full \n')).toMatchObject({ asked: ['think'], profile: 'full', text: '' });
  });

  it.each([
    ['/coding /full x', { profile: 'full', overridden: ['/coding'] }],
    ['/full /coding x', { profile: 'coding', overridden: ['/full'] }],
    ['/quiet /silent x', { mode: 'none', overridden: ['/quiet'] }],
    ['/silent /minimal x', { profile: 'minimal', mode: 'minimal', overridden: ['/silent'] }],
    ['/minimal /silent x', { profile: 'minimal', mode: 'none', overridden: ['/minimal'] }],
    // What `/minimal` set as a mode goes with it.
    ['/minimal /full x', { profile: 'full', overridden: ['/minimal'] }],
    ['/minimal /quiet /full x', { profile: 'full', mode: 'minimal', overridden: ['/minimal'] }],
    ['/think /think /full /full x', { profile: 'full', asked: ['think'], overridden: [] }],
  ])('OB-015 %s: the last of those that contradict each other counts', (text, left) => {
    expect(read(text)).toEqual({ asked: [], text: 'x', ...left });
  });

  it('OB-015 the reply says which gave way, and what counts', () => {
    const { directives } = readMessageDirectives('/coding /silent /full x')!;

    expect(conflictText(directives)).toBe(
      '`/coding` gave way to what you wrote after it: for this message the tools of the profile full and the instructions none count.',
    );
    expect(conflictText({ asked: ['think'], overridden: [] })).toBeUndefined();
  });

  it('C-34 without a text are told what they would do', () => {
    const { directives } = readMessageDirectives('/elevated /quiet')!;

    expect(directivesText(directives)).toMatch(/I did nothing[\s\S]*`\/elevated`[\s\S]*few instructions/);
  });
});

const aWord = fc.constantFrom(
  ...'/think /verbose /reasoning /elevated /minimal /coding /messaging /full /quiet /silent !think !FULL'.split(
    ' ',
  ),
);
const aGap = fc.constantFrom(' ', '  ', '\n', '\t', ' \r\n');

describe('whatever is written', () => {
  it('OB-011 OB-012 a run in front of a text leaves the text, and the same run says the same', () => {
    const aText = fc.string({ unit: 'binary' }).map((text) => `x${text}`);
    fc.assert(
      fc.property(fc.array(fc.tuple(aWord, aGap), { minLength: 1 }), aText, (run, text) => {
        const found = readMessageDirectives(run.map((pair) => pair.join('')).join('') + text);

        expect(found?.text).toBe(text);
        expect(found?.directives).toEqual(
          readMessageDirectives(run.map(([word]) => word).join(' '))?.directives,
        );
      }),
      { numRuns: runs(300) },
    );
  });

  it('OB-015 words that do not contradict each other say the same in any order', () => {
    const agreeing = fc.tuple(
      fc.constantFrom('', '/minimal', '/coding', '/messaging', '/full'),
      fc.subarray(['/think', '/verbose', '/reasoning', '/elevated', '/quiet']),
    );
    fc.assert(
      fc.property(
        agreeing.map(([profile, others]) => [...(profile ? [profile] : []), ...others]),
        fc.func(fc.nat()),
        (words, rank) => {
          const shuffled = words.toSorted((a, b) => rank(a) - rank(b));

          expect(read(`${shuffled.join(' ')} x`)).toEqual(read(`${words.join(' ')} x`));
        },
      ),
      { numRuns: runs(200) },
    );
  });

  it('never throws, and leaves nothing but the end of what was written', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const found = readMessageDirectives(text);

        expect(text.endsWith(found?.text ?? text)).toBe(true);
      }),
      { numRuns: runs(200) },
    );
  });
});
