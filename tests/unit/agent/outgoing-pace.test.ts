/** How long it takes to look through words: whoever can make that long makes everybody wait. */
import { describe, expect, it } from 'vitest';
import { toMrkdwn } from '../../../gateways/slack/mrkdwn.ts';
import { type Outlet, outgoingFile, outgoingText, unfinishedText } from '../../../src/agent/outgoing-text.ts';
import { isReadable } from '../../../src/domain/markdown-bounds.ts';
import { unlinked } from '../../../src/links/plain-address.ts';
import { redactText } from '../../../src/observability/redaction.ts';

const OUTLET: Outlet = { hosts: [], secrets: ['abcdefgh12'] };
const clean = { strangers: [], isSeen: () => false };
const tainted = { strangers: ['a page'], isSeen: () => false };
const LENGTH = 50_000;

/** A beginning, what is written over and over, and an end. */
const NASTY: readonly (readonly [string, string, string])[] = [
  ['https://a.test/', ')', 'x'],
  ['https://a.test/', '*_', 'x'],
  ['https://a.test/', '.', 'x'],
  ['https://a.test/', '"', 'x'],
  ['', '*_', ''],
  ['', ' a*', ''],
  ['', ']', ''],
  ['', '1. ', ''],
  ['', 'a\n=\n', ''],
  ['', '> a\n\n', ''],
  ['[', '- ', '](b)'],
  ['[', 'a ', '](b)'],
  ['[', '[a](', ''],
  ['', '<!-- ', ''],
  ['', '[^a]', ''],
  ['', '~', 'x'],
  ['', '|a', ''],
  ['', 'x@y.zz ', ''],
  ['', '*https://a.test/*', ''],
  ['', 'https://a.test/(', ''],
  ['', 'a.bc ', 'https://a.test/x'],
  ['', 'abcd ', ''],
  ['a', ' ', 'b\nc'],
  ['eyJ', '-eyJ', ''],
  ['', 'x', ''],
  ['', 'a.', ''],
  ['', 'w', ''],
  ['', 'h', '://a'],
  ['', '漢字。', ''],
  ['````\n', '&*_', '\n````'],
];

const WAYS: readonly ((text: string) => unknown)[] = [
  (text) => outgoingText(text, tainted, OUTLET),
  (text) => outgoingText(text, clean, OUTLET),
  (text) => outgoingText(unfinishedText(text, OUTLET), tainted, OUTLET),
  (text) => outgoingFile(text, tainted, OUTLET),
  unlinked,
  redactText,
];

function took(work: () => unknown): number {
  const before = performance.now();
  work();
  return performance.now() - before;
}

/** The least of some tries: the machine may have had something else to do. */
function least(enough: number, work: () => unknown): number {
  let best = Number.POSITIVE_INFINITY;
  for (let tries = 0; tries < 4 && best > enough; tries++) best = Math.min(best, took(work));
  return best;
}

const repeated = ([before, part, after]: (typeof NASTY)[number]) =>
  before + part.repeat(Math.ceil(LENGTH / part.length)) + after;

describe('looking through words before they go out', () => {
  it('OM-187 takes no more than some times as long for marks that nobody writes as for plain words', () => {
    const plain = 'The order was shipped on time. '.repeat(LENGTH / 31);
    const usual = least(0, () => outgoingText(plain, tainted, OUTLET));

    for (const nasty of NASTY) {
      const text = repeated(nasty);
      for (const [n, way] of WAYS.entries()) {
        const most = 20 * usual;
        expect(
          least(most, () => way(text)),
          `${JSON.stringify(nasty)} by way ${n}`,
        ).toBeLessThan(most);
      }
    }
  }, 120_000);

  it('OM-187 writes what nobody could read as markdown as code, which gateways show as it stands', () => {
    const secret = 'abcd**efgh**12';
    const said = outgoingText(`${'*_'.repeat(2_000)}\nit is ${secret} at evil.test/x`, tainted, OUTLET);

    expect(said.startsWith('````\n')).toBe(true);
    expect(said).not.toContain('evil.test/x');
    expect(isReadable(said)).toBe(true);
    expect(toMrkdwn(said).join('')).toContain('abcd**efgh**12');
    expect(toMrkdwn(said).join('')).not.toContain('abcdefgh12');
  });

  it('OM-187 reads a long answer as markdown all the same: a table, a list, code', () => {
    const table = `| a | b |\n|---|---|\n${'| 1 | 2 |\n'.repeat(200)}`;
    const list = '- **one**: see [the page](https://a.test/)\n'.repeat(100);
    const unspaced = `**要点**：${'返金は済んでいます。'.repeat(300)}`;
    const code = `\`\`\`ts\n${'const a = b[i] * c[j] && `d`;\n'.repeat(2_000)}\`\`\`\n`;

    expect(isReadable(`${table}\n${list}\n${unspaced}\n${code}\nDone.`)).toBe(true);
  });

  it.each([
    ['a block that another one holds', '~~~\n```\n~~~\n'],
    ['HTML', '<?\n```\n?>\n'],
    ['a list', '- ```\n'],
    ['code', '` `` ```\n'],
  ])('OM-187 is not fooled by what looks like a block of code in %s', (_where, opening) => {
    expect(isReadable(`${opening}${'*_'.repeat(5_000)}`)).toBe(false);
  });

  it('OM-187 lets no address out that a gateway would have to send in pieces, once it is written in ASCII', () => {
    const url = (letters: number) => `https://a.test/${'漢'.repeat(letters)}`;
    const seen = { strangers: ['a page'], isSeen: () => true };

    expect(outgoingText(`see ${url(200)} there`, seen, OUTLET)).toContain(url(200));
    expect(outgoingText(`see ${url(1_900)} there`, seen, OUTLET)).not.toContain('a.test');
  });

  it('OM-187 lets no address out that is longer than any address', () => {
    const url = `https://a.test/${'x'.repeat(2_000)}`;
    const seen = { strangers: ['a page'], isSeen: () => true };

    expect(outgoingText(`see ${url}`, seen, OUTLET)).not.toContain('a.test');
    expect(unlinked(`see ${url}`)).not.toContain('a.test');
  });
});
