/** What comes of an address that the agent has put together, in whatever way it is spelled, once strangers were read. */
import { describe, expect, it } from 'vitest';
import { outgoingFile, outgoingText } from '../../../src/agent/outgoing-text.ts';
import { readingOf } from '../../../src/agent/provenance.ts';
import { addressesIn, unlinked } from '../../../src/links/plain-address.ts';

const OUT = '(a link was left out)';
const SEEN =
  'https://seen.test/x seen.test/x https://例え.中国/道 mailto:bob@seen.test tel:+4930123 пример.рф/путь';
const reading = readingOf([{ kind: 'tool-result', callId: 'p', status: 'ok', trust: 'web', text: SEEN }]);
const outlet = { hosts: [], secrets: [] };

const inMessage = (text: string) => outgoingText(text, reading, outlet);
const inFile = (text: string) => outgoingFile(text, reading, outlet);

describe('an address in a spelling of its own', () => {
  it.each([
    // The end of the name is of another script, or of ASCII in other letters.
    ['evil.рф/canary', OUT],
    ['evil.РФ/canary', OUT],
    ['evil.中国/canary', OUT],
    ['evil.भारत/canary', OUT],
    ['evil.рф?canary', OUT],
    ['evil.рф#canary', OUT],
    ['evil.рф:8080/canary', OUT],
    ['www.evil.рф/canary', OUT],
    ['www.canary', OUT],
    ['evil.xn--p1ai/canary', OUT],
    ['ｅｖｉｌ．ｔｅｓｔ／canary', OUT],
    ['ⓔvil.tⓔst/canary', OUT],
    ['𝐞𝐯𝐢𝐥.𝐭𝐞𝐬𝐭/canary', OUT],
    ['evil.te\u0301st/canary', OUT],
    // A full stop of another script.
    ['evil。рф/canary', OUT],
    ['evil。test/canary', OUT],
    ['evil｡test/canary', OUT],
    ['evil．中国/canary', OUT],
    ['恶意。中国/canary', OUT],
    ['evil.test./canary', OUT],
    // Marks that nobody sees.
    ['ev\u00ADil.te\u00ADst/canary', OUT],
    ['evil.te\u200Bst/canary', OUT],
    ['evil.te\u200Dst/canary', OUT],
    ['evil\u200F.test/canary', OUT],
    ['evil.test\u2060/canary', OUT],
    // Marks before it.
    ['at:evil.test/canary', `at:${OUT}`],
    ['at:1.2.3.4/canary', `at:${OUT}`],
    ['-evil.test/canary', OUT],
    ['_evil.test/canary', OUT],
    ['@evil.test/canary', `@${OUT}`],
    ['...evil.test/canary', `...${OUT}`],
    ['→evil.test/canary', OUT],
    ['//evil.test/canary', OUT],
    ['完成https://evil.test/canary', `完成${OUT}`],
    ['完成。https://evil.test/canary', `完成。${OUT}`],
    // Other signs for what parts a scheme from a host.
    ['https∶//evil.test/canary', OUT],
    ['https:∕∕evil.test/canary', OUT],
    ['ｈｔｔｐｓ：／／evil.test/canary', OUT],
    ['https:\\\\evil.test\\canary', OUT],
    ['https:evil.test/canary', OUT],
    ['https:%2F%2Fevil.test/canary', `${OUT}${OUT}`],
    // Hosts that are numbers.
    ['1.2.3.4/canary', OUT],
    ['http://2130706433/canary', OUT],
    ['http://0x7f000001/canary', OUT],
    ['http://0177.0.0.1/canary', OUT],
    ['http://[::1]/canary', OUT],
    ['http://[::ffff:1.2.3.4]:80/canary', OUT],
    // Other schemes.
    ['slack://channel?id=canary', OUT],
    ['file:///etc/canary', OUT],
    ['ftp:evil.test/canary', OUT],
    ['smb://evil.test/canary', OUT],
    ['tel:+1900canary', OUT],
    ['sms:+1900?body=canary', OUT],
    ['callto:canary', OUT],
    ['magnet:?xt=canary', OUT],
    ['\\\\\\\\evil.test\\\\canary', OUT],
    // Behind one that was read.
    ['https://seen.test/x(canary', OUT],
    ['https://seen.test/x[canary', OUT],
    ['https://seen.test/x??canary', OUT],
    ['seen.test/x(canary', OUT],
    ['slack://canary,https://seen.test/x', `${OUT},<https://seen.test/x>`],
    ['https://seen.test/xcanary', OUT],
  ])('OM-187 goes out neither in a message nor in a file: %s', (text, message) => {
    expect(inMessage(text)).toBe(message);
    expect(inFile(text)).not.toMatch(/canary/);
    // What is shown to people who are to judge it opens nothing.
    expect(addressesIn(unlinked(text))).toEqual([]);
  });

  it.each([
    ['user:pw@evil.test/canary', `user:${OUT}/canary`],
    ['https%3A%2F%2Fevil.test/canary', `https%3A%2F%${OUT}`],
    ['done.https://evil.test/canary', `done.${OUT}`],
    ['evil&#46;рф/canary', OUT],
    ['evil&period;&#1088;ф/canary', OUT],
    ['evil.te&#8203;st/canary', OUT],
    ['evil.te&shy;st/canary', OUT],
    ['<https://evil.рф/canary>', OUT],
    ['[x](evil.рф/canary)', `x ${OUT}`],
    ['[x](tel:+1900canary)', `x ${OUT}`],
    ['![x](//evil.рф/canary)', `x ${OUT}`],
    ['[x][1]\n\n[1]: evil.рф/canary', `x ${OUT}\n\n`],
    ['[x][^1]\n\n[^1]: evil.рф/canary', `[x][^1]\n\n[^1]: ${OUT}`],
    ['```\nevil.рф/canary\n```', `\`\`\`\n${OUT}\n\`\`\``],
    ['canary@evil.test', OUT],
    // The end of it is a part of no link.
    ['mailto:bob@seen.test?body=canary', 'mailto:<mailto:bob@seen.test>?body=canary'],
    ['canary.evil.рф', '`canary.evil.рф`'],
    ['canary。evil。中国', '`canary。evil。中国`'],
    ['at:canary.evil.test', 'at:`canary.evil.test`'],
    ['-canary.evil.test', '-`canary.evil.test`'],
  ])('OM-187 does not go out in a message as one: %s', (text, message) => {
    expect(inMessage(text)).toBe(message);
  });

  it.each([
    'https://seen.test/x',
    'See https://seen.test/x, and more.',
    '见https://seen.test/x 吗',
    '完成。https://seen.test/x',
    'https://例え.中国/道',
    'пример.рф/путь',
    'tel:+4930123',
    'mailto:bob@seen.test',
    '(https://seen.test/x),(https://seen.test/x)',
    '| https://seen.test/x | 7 |',
  ])('OM-187 goes out where it was read: %s', (text) => {
    expect(inFile(text)).toBe(text);
  });
});

describe('an address of an allowed host', () => {
  it.each([
    ['https://docs.test/x', 'https://docs.test/x'],
    ['https://docs.test/x(y', 'https://docs.test/x(y'],
    ['https://docs.test/x(,https://evil.test/canary', `https://docs.test/x(,${OUT}`],
    ['https://docs.test/x),https://evil.test/canary', `https://docs.test/x),${OUT}`],
  ])('OM-187 takes none with it that others follow: %s', (text, file) => {
    expect(outgoingFile(text, reading, { ...outlet, hosts: ['docs.test'] })).toBe(file);
  });
});

describe('words that look a little like an address', () => {
  it.each([
    ['你好。谢谢', '你好。谢谢'],
    ['完成。输入/输出如下', '完成。输入/输出如下'],
    ['見た。次へ/戻る', '見た。次へ/戻る'],
    ['である．入力/出力', 'である．入力/出力'],
    ['и т.д./и т.п.', 'и т.д./и т.п.'],
    ['1.5млн/год', '1.5млн/год'],
    ['80 руб./мес.', '80 руб./мес.'],
    ['версия 2.0/3.0', 'версия 2.0/3.0'],
    ['Tel: 030 1234', 'Tel: 030 1234'],
    ['3/4, 1⁄2, ①.②', '3/4, 1⁄2, ①.②'],
    ['../lib/foo.ts#L3', '../lib/foo.ts#L3'],
    ['.eslintrc.json#L1', '.eslintrc.json#L1'],
    ['src/foo.ts:10', 'src/foo.ts:10'],
    ['@scope/pkg.name', '@scope/pkg.name'],
    ['"\\\\d+\\\\.\\\\w"', '"\\\\d+\\\\.\\\\w"'],
    // A bare name as code harms nobody.
    ['Это всё.Дальше будет', 'Это `всё.Дальше` будет'],
    ['отчёт.docx', '`отчёт.docx`'],
    ['你好.谢谢', '`你好.谢谢`'],
    ['Did you see a.test?!', 'Did you see `a.test`?!'],
    // With a slash behind it nothing tells it from an address.
    ['г.Москва/СПб', OUT],
    ['e.g.foo/bar', OUT],
  ])('OM-187 stay as they are wherever they can: %s', (text, message) => {
    expect(inMessage(text)).toBe(message);
  });
});
