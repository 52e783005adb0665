import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Mail } from '../../../src/sandbox/mail/mail.ts';
import { toReplySubject, toReplyText } from '../../../src/sandbox/mail/reply-text.ts';

const STYLES = ['gmail', 'outlook', 'apple'] as const;

function aMail(fields: Partial<Mail> = {}): Mail {
  return {
    envelope: { from: 'signalbox@gateway.test', to: ['dana@corp.test'] },
    from: 'signalbox@gateway.test',
    fromName: 'Signalbox',
    to: ['dana@corp.test'],
    replyTo: 'signalbox+token@gateway.test',
    subject: 'Approval needed',
    date: '2026-01-02T15:04:00.000Z',
    text: 'Refund order 7?\n\nApprove: 4F7K\nDeny: 9QXM\n',
    html: undefined,
    messageId: '<1@gateway.test>',
    inReplyTo: undefined,
    references: [],
    headers: {},
    attachments: [],
    raw: '',
    ...fields,
  };
}

const aLine = fc.string({ unit: 'grapheme', minLength: 1 }).filter((line) => !/[\r\n]/.test(line));

describe('a reply', () => {
  it('written above the quote begins with the line, whatever the line and the style', () => {
    fc.assert(
      fc.property(aLine, fc.constantFrom(...STYLES), (line, style) => {
        expect(toReplyText(aMail(), line, style, 'top').text.split('\n')[0]).toBe(line);
      }),
    );
  });

  it('written below the quote ends with the line, whatever the line and the style', () => {
    fc.assert(
      fc.property(aLine, fc.constantFrom(...STYLES), (line, style) => {
        expect(toReplyText(aMail(), line, style, 'bottom').text.endsWith(`\n\n${line}\n`)).toBe(true);
      }),
    );
  });

  it('without a quote is the line and nothing else', () => {
    expect(toReplyText(aMail(), 'approve 4F7K', 'gmail', 'none')).toEqual({
      text: 'approve 4F7K\n',
      html: '<div dir="ltr">approve 4F7K</div>',
    });
  });

  it.each(['gmail', 'apple'] as const)('in the style of %s marks every quoted line', (style) => {
    fc.assert(
      fc.property(fc.array(aLine, { minLength: 1 }), (lines) => {
        const text = lines.join('\n').trimEnd();
        const marked = text
          .split('\n')
          .map((line) => (line === '' ? '>' : `> ${line}`))
          .join('\n');

        expect(toReplyText(aMail({ text }), 'ok', style, 'top').text).toContain(`wrote:\n\n${marked}\n`);
      }),
    );
  });

  it('says when the quoted mail was written and by whom, each style in its own way', () => {
    const [gmail, outlook, apple] = STYLES.map((style) => toReplyText(aMail(), 'ok', style, 'top').text);

    expect(gmail).toMatch(/On Fri, Jan 2, 2026.*3:04.*PM Signalbox <signalbox@gateway\.test>\s+wrote:/s);
    expect(outlook).toMatch(
      /_{32}\nFrom: Signalbox <signalbox@gateway\.test>\nSent: Friday, January 2, 2026/,
    );
    expect(outlook).toContain('\nTo: dana@corp.test\nSubject: Approval needed\n\nRefund order 7?');
    expect(apple).toContain('On 2 Jan 2026, at 15:04, Signalbox <signalbox@gateway.test> wrote:\n\n> Refund');
  });

  it('in the style of Gmail breaks a long attribution in two, as Gmail does', () => {
    const fromName = 'A Gateway With A Rather Long Display Name';

    const { text } = toReplyText(aMail({ fromName }), 'ok', 'gmail', 'top');

    expect(text.split('\n').every((line) => line.length <= 78)).toBe(true);
    expect(text).toMatch(/^On .*\n.*wrote:$/m);
  });

  it('carries no markup of the typed line or of a quoted plain text into its HTML', () => {
    const { html } = toReplyText(aMail({ text: '<script>x</script>' }), '<b>approve</b>', 'outlook', 'top');

    expect(html).not.toContain('<script>');
    expect(html).not.toContain('<b>approve');
  });

  it('has one Re: in its subject, however often people answer', () => {
    expect(toReplySubject('Approval needed')).toBe('Re: Approval needed');
    expect(toReplySubject('RE: Approval needed')).toBe('RE: Approval needed');
  });
});
