import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hideReplySecrets, type ParsedReply, parseReply } from '../../../src/approvals/reply-parser.ts';

const codes = { approveCode: 'K7QMX', denyCode: 'D4WRP' };
const approve: ParsedReply = { kind: 'approve' };
const deny = (reason = ''): ParsedReply => ({ kind: 'deny', reason });
const answer = (text: string): ParsedReply => ({ kind: 'answer', text });
const unclear = (why: string) => ({ kind: 'unclear', why });
const read = (...readings: string[]) => parseReply(readings, codes);

const QUESTION = `Signalbox asks: refund: order 7, 120 EUR

Reply with one line:
approve K7QMX
deny D4WRP reason`;

describe('the words that a mail can say', () => {
  it.each([
    'approve',
    'deny',
    'answer',
    'edit',
    'question',
    'undo',
    'reopen',
    'happened',
    'did-not-happen',
    'retry',
  ])('OM-123 %s among them, which docs/security.md names', (word) => {
    const { approveCode, denyCode } = codes;
    const lines = [approveCode, denyCode].flatMap((code) =>
      ['', ' a=1'].map((rest) => `${word} ${code}${rest}`),
    );
    const mail = readFileSync('docs/security.md', 'utf8')
      .split('\n')
      .find((line) => line.includes('blank is read'));

    expect(lines.map((line) => read(line).kind)).toContain(word);
    expect(mail).toContain(`\`${word}`);
  });

  it.each(['reply', 'delegate', 'always', 'reassign', 'withdraw', 'cancel'])('not %s', (word) => {
    expect(read(`${word} ${codes.approveCode} kim`)).toEqual(unclear('no-verdict'));
  });
});

describe('a line that decides', () => {
  it.each([
    ['approve K7QMX', approve],
    ['Approve K7QMX', approve],
    ['APPROVED k7qmx', approve],
    ['  approve   K7QMX  ', approve],
    ['approve K7QMX.', approve],
    ['approve K7QMX!', approve],
    ['approve K7QMX !', approve],
    ['approve\u00a0K7QMX', approve],
    ['approve\tK7QMX', approve],
    ['\r\n\r\napprove K7QMX\r\n', approve],
    ['ａｐｐｒｏｖｅ K7QMX', approve],
    ['genehmigt K7QMX', approve],
    ['J’approuve K7QMX', approve],
    ['одобряю K7QMX', approve],
    ['承認　K7QMX', approve],
    ['同意 K7QMX。', approve],
    ['موافق K7QMX', approve],
    ['deny D4WRP', deny()],
    ['deny D4WRP.', deny()],
    ['Reject d4wrp too expensive', deny('too expensive')],
    ['deny D4WRP: not in the budget', deny('not in the budget')],
    ['deny D4WRP - no ticket.', deny('no ticket.')],
    ['ablehnen D4WRP zu teuer', deny('zu teuer')],
    ['zamítám D4WRP', deny()],
    ['zami\u0301ta\u0301m D4WRP', deny()],
    ['拒绝 D4WRP', deny()],
    ['answer K7QMX the order number is 8, is it not?', answer('the order number is 8, is it not?')],
  ])('OM-050 e-mail: %j', (line, parsed) => {
    expect(read(line)).toEqual(parsed);
  });
});

describe('a line that decides nothing', () => {
  it.each([
    ['', 'empty'],
    [' \n\t\n', 'empty'],
    // No verdict: other words, words inside words, politeness, negation before the word.
    ['yes', 'no-verdict'],
    ['ok K7QMX', 'no-verdict'],
    ['no D4WRP', 'no-verdict'],
    ['ναι K7QMX', 'no-verdict'],
    ['はい K7QMX', 'no-verdict'],
    ['K7QMX', 'no-verdict'],
    ['disapprove K7QMX', 'no-verdict'],
    ['not approved K7QMX', 'no-verdict'],
    ['do not approve K7QMX', 'no-verdict'],
    ["don't approve K7QMX", 'no-verdict'],
    ['Please approve K7QMX', 'no-verdict'],
    ['approve: K7QMX', 'no-verdict'],
    ['approveK7QMX', 'no-verdict'],
    ['inacceptable D4WRP', 'no-verdict'],
    ['I will approve K7QMX tomorrow', 'no-verdict'],
    ['approve/deny K7QMX', 'no-verdict'],
    // Look-alike letters: a Cyrillic а, a dotless ı.
    ['аpprove K7QMX', 'no-verdict'],
    ['den\u0443 D4WRP', 'no-verdict'],
    // Codes.
    ['approve', 'no-code'],
    ['Approve!', 'no-verdict'],
    ['approve .', 'no-code'],
    ['approve D4WRP', 'wrong-code'],
    ['deny K7QMX', 'wrong-code'],
    ['approve K7QMXX', 'wrong-code'],
    ['approve K7 QMX', 'wrong-code'],
    ['approve not K7QMX', 'wrong-code'],
    ['approve "K7QMX"', 'wrong-code'],
    ['answer D4WRP forty-two', 'wrong-code'],
    ['approve \u041a7QMX', 'wrong-code'],
    ['approve K7QMX D4WRP', 'both-codes'],
    ['approve K7QMX deny D4WRP', 'both-codes'],
    ['deny D4WRP, not K7QMX', 'both-codes'],
    ['answer K7QMX D4WRP', 'both-codes'],
    // After an approval.
    ['approve K7QMX please', 'extra-words'],
    ['approve K7QMX not', 'extra-words'],
    ['approve K7QMX but only 100 EUR', 'extra-words'],
    ['approve K7QMX, thanks', 'extra-words'],
    ['approve K7QMX K7QMX', 'extra-words'],
    ['approve K7QMX deny', 'extra-words'],
    // Questions.
    ['approve K7QMX?', 'question'],
    ['approve K7QMX ?', 'question'],
    ['approve K7QMX؟', 'question'],
    ['approve K7QMX？', 'question'],
    ['deny D4WRP?', 'question'],
    ['deny D4WRP who asked for this?', 'question'],
    // Two verdicts.
    ['deny D4WRP approve', 'two-verdicts'],
    ['deny D4WRP or approve it', 'two-verdicts'],
    // What cannot be seen.
    ['approve\u200b K7QMX', 'hidden-characters'],
    ['approve K7\u00adQMX', 'hidden-characters'],
    ['\ufeffapprove K7QMX', 'hidden-characters'],
    ['\u202eapprove K7QMX', 'hidden-characters'],
    ['approve K7QMX\u0000', 'hidden-characters'],
    ['approve K7QMX\u{e0041}', 'hidden-characters'],
    ['\u200b\napprove K7QMX', 'hidden-characters'],
    // Not their words, or not words.
    ['> approve K7QMX', 'quoted'],
    [`> ${QUESTION}`, 'quoted'],
    ['answer K7QMX', 'no-text'],
    ['answer K7QMX -', 'no-text'],
    [`deny D4WRP ${'x'.repeat(4_000)}`, 'too-long'],
  ])('OM-191 e-mail: %j', (line, why) => {
    expect(read(line)).toEqual(unclear(why));
  });
});

describe('where the line stands', () => {
  it('reads the first line only, whatever the client quotes below it', () => {
    const shapes = [
      `approve K7QMX\n\nOn Mon, 5 Jan 2026 at 09:00, Signalbox <signalbox@gateway.test> wrote:\n> ${QUESTION}`,
      `approve K7QMX\r\n\r\nSent from my iPhone\r\n\r\n> On 5 Jan 2026, at 09:00, Signalbox wrote:\r\n> ${QUESTION}`,
      `approve K7QMX\n\n________________________________\nFrom: Signalbox\nSent: Monday\n\n${QUESTION}`,
      `\n\napprove K7QMX\n-- \nDana\nHead of refunds\n\n-----Original Message-----\n${QUESTION}`,
      `approve K7QMX\n\nAm Mo., 5. Jan. 2026 schrieb Signalbox:\n> ${QUESTION}`,
    ];

    for (const shape of shapes) expect(read(shape)).toEqual(approve);
  });

  it('decides nothing when the only verdict is in what is quoted', () => {
    const shapes = [
      `On Mon, Signalbox wrote:\n> ${QUESTION}`,
      `Thanks, looking into it\n\n${QUESTION}`,
      `I am out of office until Monday.\n\napprove K7QMX`,
      `-----Original Message-----\n${QUESTION}`,
      `> approve K7QMX\n\nWhat is this about?`,
      QUESTION,
    ];

    for (const shape of shapes) expect(read(shape).kind).toBe('unclear');
  });
});

describe('several readings of one mail', () => {
  it('decides when text and HTML agree, and takes the reason that was not wrapped', () => {
    expect(read('approve K7QMX', 'Approve K7QMX')).toEqual(approve);
    expect(read('deny D4WRP this is more than we\npaid', 'deny D4WRP this is more than we paid')).toEqual(
      deny('this is more than we paid'),
    );
  });

  it.each([
    ['approve K7QMX', 'deny D4WRP'],
    ['deny D4WRP too much', 'deny D4WRP too little'],
    ['deny D4WRP too', 'deny D4WRP tooth'],
    ['answer K7QMX one', 'answer K7QMX two'],
    ['answer K7QMX one', 'approve K7QMX'],
  ])('OM-192 decides nothing when one says %j and the other %j', (text, html) => {
    expect(read(text, html)).toEqual(unclear('readings-differ'));
    expect(read(html, text)).toEqual(unclear('readings-differ'));
  });

  it('decides nothing when one of them is unclear, or there is none', () => {
    expect(read('approve K7QMX', 'approve K7QMX please').kind).toBe('unclear');
    expect(read('hello', 'approve K7QMX').kind).toBe('unclear');
    expect(read('approve K7QMX', '').kind).toBe('unclear');
    expect(read()).toEqual(unclear('empty'));
  });
});

describe('any text at all', () => {
  it('approves only a first line that is the word, the code and punctuation', () => {
    const word = fc.constantFrom(
      'approve',
      'Approved',
      'deny',
      'not',
      '?',
      '>',
      'K7QMX',
      'k7qmx',
      'D4WRP',
      '\n',
      '.',
      '\u200b',
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(word, fc.string({ maxLength: 6 })), { maxLength: 8 }), (words) => {
        const text = words.join(' ');
        const first = text.split(/\r\n|[\n\r\u0085\u2028\u2029]/).find((line) => line.trim() !== '') ?? '';

        const approved = read(text).kind === 'approve';

        expect(approved).toBe(/^\s*approved?\s+K7QMX[\s.!,;:]*$/i.test(first));
      }),
      { numRuns: 2_000 },
    );
  });

  it('never throws', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' })), (readings) => {
        expect(parseReply(readings, codes).kind).toBeTypeOf('string');
      }),
    );
  });
});

describe('a text that is kept', () => {
  it('holds no code behind a word that decides, in any language, however it is set off', () => {
    for (const line of [
      'approve K7QMX',
      '> *Deny* `d4wrp` too late',
      'genehmigt: K7QMX',
      '承認 K7QMX',
      'approve\nK7QMX',
      'happened K7QMX',
      'did-not-happen D4WRP',
      'retry K7QMX',
    ]) {
      expect(hideReplySecrets(line)).not.toMatch(/K7QMX|D4WRP/i);
    }
  });

  it('holds no reply address, as text, in a link or in a subject', () => {
    const token = 'abcde23456'.repeat(5);
    for (const place of [
      `signalbox+${token}@gateway.test`,
      `mailto:signalbox%2B${token.toUpperCase()}@gateway.test`,
      `Re: [#${token}] x`,
    ]) {
      expect(hideReplySecrets(place).toLowerCase()).not.toContain(token);
    }
  });

  it('is otherwise what it was', () => {
    const text = 'please approve order 12345, or deny; +49 30 1234567, apply CRYPT, approve K7QMXY';
    expect(hideReplySecrets(text)).toBe(text);
  });

  it('takes no longer for a text made to slow it down', () => {
    const startedAt = performance.now();
    for (const piece of ['a', 'approve ', 'a ', '+a', '> ']) hideReplySecrets(piece.repeat(50_000));
    expect(performance.now() - startedAt).toBeLessThan(2_000);
  });
});
