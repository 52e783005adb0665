/** An answer of several thousand words with everything in it that is hard to split: fences, lists, a table. */

/** So many that the answer stays under 4,000 tokens, and is not cut by the usual limit. */
const SECTIONS = 9;

export const LONG_ANSWER: string = [
  '# A long answer',
  'You asked for a long answer. It goes on for several thousand words, so that it must be split.',
  table(),
  ...Array.from({ length: SECTIONS }, (_, index) => section(index + 1)),
  '## The end\n\nThis is the last line of the long answer.',
].join('\n\n');

function table(): string {
  const rows = Array.from(
    { length: 12 },
    (_, index) => `| step ${index + 1} | ${(index + 1) * 7} ms | **ok** |`,
  );
  return ['| step | time | result |', '|---|---:|---|', ...rows].join('\n');
}

function section(number: number): string {
  return [
    `## Section ${number}`,
    paragraph(number, 5),
    `- the first point of section ${number}\n- the second point, with \`inline code\` in it\n  - a point below it\n  - and another, with a [link](https://corp.test/page/${number})\n- the third point`,
    code(number),
    `1. do this\n2. then that\n3. and look at the result of section ${number}`,
    paragraph(number + 1, 4),
  ].join('\n\n');
}

function paragraph(number: number, sentences: number): string {
  const all = [
    `In section ${number} the work is described in plain words, so that it reads like something a person wrote.`,
    'A paragraph is the best place to cut, because nobody notices that it was cut there.',
    'A sentence that was torn in the middle, on the other hand, is something that every reader trips over.',
    'Some of these sentences have **bold words** and others have _slanted ones_, since both must survive the journey.',
    'Whoever splits the text must not lose a word of it, and must not say a word twice.',
    'At the end of the paragraph there is always a full stop, as there should be.',
  ];
  return all.slice(0, sentences).join(' ');
}

/** Once longer than a Slack block may be, so that a fence itself has to be cut and opened again. */
function code(number: number): string {
  const lines = number === 8 ? 90 : 2;
  const body = Array.from(
    { length: lines },
    (_, index) => `  console.log('section ${number}, line ${index + 1}');`,
  );
  return ['```js', `export function section${number}() {`, ...body, '}', '```'].join('\n');
}
