import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Author, type OutgoingMail, toMail } from '../../../../gateways/email/outbound.ts';
import { parseReply } from '../../../../src/approvals/reply-parser.ts';
import { Card } from '../../../../src/domain/card.ts';
import { UndeliverableError } from '../../../../src/domain/errors.ts';
import { AccountId, ConversationId, Platform } from '../../../../src/domain/ids.ts';
import type { OutboundBody, OutboundMessage } from '../../../../src/domain/message.ts';

const author: Author = { address: 'signalbox@gateway.test', name: 'Signalbox', plus_addressing: true };
const email = Platform.parse('email');
const reply = { token: 'a'.repeat(50), approveCode: 'K7QMX', denyCode: 'D4WRP' };

function message(body: OutboundBody, route: Record<string, string> = {}): OutboundMessage {
  return {
    id: 'k1',
    conversationId: ConversationId.parse('slack:T1:C1:1'),
    to: { platform: email, route: { to: 'dana@corp.test', ...route } },
    body,
    attempt: 1,
  };
}

function mailOf(body: OutboundBody, route: Record<string, string> = {}, by: Author = author): OutgoingMail {
  const mail = toMail(message(body, route), by);
  if (!mail) throw new Error('nothing to send');
  return mail;
}

const text = (markdown: string): OutboundBody => ({ kind: 'text', markdown });

function card(overrides: Partial<Card> = {}, replaces?: string): OutboundBody {
  const built = Card.parse({
    approvalId: 'apr_p7_0123456789ab',
    gen: 0,
    digest: 'd',
    title: 'refund: order 7, 120 EUR',
    facts: [
      { label: 'order', value: '7' },
      { label: 'note', value: 'line one\napprove K7QMX' },
    ],
    modelSays: 'approve K7QMX\nThe customer is angry.',
    requestedBy: 'Alex Kim',
    askedOf: 'role manager',
    risk: 'high',
    reversible: false,
    deadline: '2026-01-05T17:00:00.000Z',
    deadlineText: '5 Jan 2026, 17:00 UTC',
    choices: ['approve', 'deny', 'deny-with-reason', 'answer'],
    status: { state: 'open', sentence: 'Waiting for role manager.' },
    reply,
    ...overrides,
  });
  return { kind: 'card', card: built, ...(replaces !== undefined && { replaces }) };
}

describe('a text', () => {
  it('answers in the thread it came from', () => {
    const route = { subject: 'Order 7', inReplyTo: '<2@a.test>', references: '<1@a.test> <2@a.test>' };

    expect(mailOf(text('Hello'), route)).toMatchObject({
      to: 'dana@corp.test',
      subject: 'Re: Order 7',
      inReplyTo: '<2@a.test>',
      references: ['<1@a.test>', '<2@a.test>'],
      headers: {
        'Auto-Submitted': 'auto-replied',
        'X-Auto-Response-Suppress': 'All',
        'X-Loop': author.address,
      },
    });
    expect(mailOf(text('Hello'), { ...route, subject: 'RE: Order 7' }).subject).toBe('RE: Order 7');
  });

  it('carries files as attachments, never as a part of the text', () => {
    const base64 = Buffer.from('a,b').toString('base64');
    const body = { ...text('See the file.'), files: [{ name: 'a\r\nb.csv', mediaType: 'text/csv', base64 }] };

    expect(mailOf(body).attachments).toEqual([
      {
        filename: 'a b.csv',
        contentType: 'text/csv',
        content: Buffer.from('a,b'),
        contentDisposition: 'attachment',
      },
    ]);
  });

  it('begins a thread with its own first words', () => {
    const mail = mailOf(text('\n## Your **build** is done\nmore'));

    expect(mail.subject).toBe('Signalbox: Your build is done');
    expect(mail.headers['Auto-Submitted']).toBe('auto-generated');
    expect(mailOf(text('***')).subject).toBe('Message from Signalbox');
  });

  it.each([
    ['approve `apr_p7_w1ytk0wcsded.1` by __tonight__', 'approve apr_p7_w1ytk0wcsded.1 by tonight'],
    ['**Refund&#42;** is _done_, see [the order](https://shop.test/7)', 'Refund* is done, see the order'],
    ['- my_first_item\n- the next', 'my_first_item'],
    ['```js\nconst a_b = 1;\n```', 'const a_b = 1;'],
    ['**Dana asks\nfor more**', 'Dana asks'],
    [
      'You answered request apr_p7_0123456789ab.1 in Jira, and it counted.',
      'You answered request apr_p7_0123456789ab.1 in Jira, and it…',
    ],
    ['x'.repeat(80), `${'x'.repeat(59)}…`],
    [`${'x'.repeat(58)}😀😀😀`, `${'x'.repeat(58)}…`],
  ])('names a ticket as it is, and ends between words: %s', (markdown, words) => {
    expect(mailOf(text(markdown)).subject).toBe(`Signalbox: ${words}`);
  });

  it('OM-187 has no subject with a piece of an address', () => {
    const address = `https://evil.test/${'a'.repeat(200)}`;

    expect(mailOf(text(`see ${address}`)).subject).toBe('Signalbox: see…');
    expect(mailOf(text(`---${address}`)).subject).toBe('Signalbox: …');
  });

  it('has a subject of any length cut between words', () => {
    const { subject } = mailOf(text('Hello'), { subject: 'important '.repeat(30) });

    expect(subject).toMatch(/^Re: (?:important )+important…$/);
    expect(subject.length).toBeLessThanOrEqual(150);
  });

  it('goes to one account when it is a notice', () => {
    const notice = (onlyFor: string): OutboundBody => ({
      kind: 'notice',
      markdown: 'Too late.',
      onlyFor: AccountId.parse(onlyFor),
    });

    expect(mailOf(notice('email:erin@corp.test')).to).toBe('erin@corp.test');
    expect(mailOf(notice('slack:T1/U1')).to).toBe('dana@corp.test');
  });

  it('is plain in the text part, where marks would be read as part of a command', () => {
    const mail = mailOf(
      text(
        '**Dana &#42;Reyes** looks after it.\n\n> `quoted` *words*\n> and &#91;more &#8238;\n\n`/ack esc_p1` says so, <https://a.test/b_c_d> is where.\n\n```\n`code`\n```',
      ),
    );

    expect(mail.text.trimEnd()).toBe(
      'Dana *Reyes looks after it.\n\n> quoted words\n> and [more &#8238;\n\n/ack esc_p1 says so, <https://a.test/b_c_d> is where.\n\n```\n`code`\n```',
    );
  });

  it('leaves names of hosts in their marks, out of which they would be links', () => {
    const mail = mailOf(text('`evil.test` and `a@b.test` and `/ack esc_p1`'));

    expect(mail.text.trimEnd()).toBe('`evil.test` and `a@b.test` and /ack esc_p1');
  });

  it('keeps the order of the text in the one part, and is HTML in the other', () => {
    const mail = mailOf(
      text('# Title\n\n- one\n- **two**\n\n```\ncode < 1\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |'),
    );

    expect(mail.text).toContain('- two');
    for (const part of [
      '<h1>Title</h1>',
      '<li>one</li>',
      '<strong>two</strong>',
      'code &#x3C; 1',
      '<td>1</td>',
    ]) {
      expect(mail.html).toContain(part);
    }
  });

  it('cannot be sent to what is not one mail address', () => {
    for (const to of [
      '',
      'dana',
      'dana@corp.test, eve@evil.test',
      'dana@corp.test\r\nBcc: eve@evil.test',
      '<dana@corp.test>',
    ]) {
      expect(() => mailOf(text('x'), { to })).toThrow(UndeliverableError);
    }
  });
});

describe('what a text cannot do', () => {
  it.each([
    ['![x](https://evil.test/p.png?d=secret)', '<img'],
    ['![x][1]\n\n[1]: https://evil.test/p.png', '<img'],
    ['<img src=https://evil.test/p.png>', '<img'],
    ['<script>alert(1)</script>', '<script'],
    ['<style>*{background:url(https://evil.test)}</style>', '<style'],
    ['[x](javascript:alert(1))', 'href="javascript'],
    ['[x](data:text/html,hi)', 'href="data'],
    ['<https://ok.test> <iframe src=x>', '<iframe'],
    ['[a](https://a.test"onmouseover="x)', ' onmouseover="'],
  ])('OM-186 %s leaves no %s in the HTML', (markdown, forbidden) => {
    expect(mailOf(text(markdown)).html).not.toContain(forbidden);
  });

  it('OM-186 hide where a link leads', () => {
    const { html } = mailOf(
      text(
        '[https://bank.test](https://evil.test/login) and [https://bank.test][r]\n\n[r]: https://evil.test/ref',
      ),
    );

    expect(html).toContain('<a href="https://evil.test/login">https://evil.test/login</a>');
    expect(html).toContain('<a href="https://evil.test/ref">https://evil.test/ref</a>');
  });

  it('OM-186 add a header, a recipient or a hidden character, whatever it says', { timeout: 90_000 }, () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }),
        fc.string({ unit: 'binary' }),
        fc.string({ unit: 'binary' }),
        (a, b, c) => {
          const mail = mailOf(text(a), { subject: b, inReplyTo: c, references: c });

          expect(mail.to).toBe('dana@corp.test');
          for (const value of [
            mail.subject,
            mail.messageId,
            mail.inReplyTo ?? '',
            ...mail.references,
            mail.from.name,
          ]) {
            expect(value).not.toMatch(/[\r\n\0]/);
          }
          expect(mail.html).not.toMatch(/<(?:img|script|style|iframe|link|object)\b/i);
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('an approval', () => {
  it('shows the facts, who asked, the deadline, and the lines to answer with', () => {
    const mail = mailOf(card());

    expect(mail).toMatchObject({
      subject: 'Approval needed: refund: order 7, 120 EUR',
      replyTo: `signalbox+${reply.token}@gateway.test`,
    });
    for (const part of [
      'refund: order 7, 120 EUR',
      'order: 7',
      'Requested by: Alex Kim',
      'Asked of: role manager',
      'high, cannot be undone',
      '5 Jan 2026, 17:00 UTC',
    ]) {
      expect(mail.text).toContain(part);
      expect(mail.html).toContain(part.replace(/^(.*?): /, '$1: ').split(': ')[0]!);
    }
    expect(mail.text).toContain('\napprove K7QMX\ndeny D4WRP\nanswer K7QMX\n');
    expect(mail.html).toContain('mailto:signalbox%2B');
  });

  it('offers only what may be chosen', () => {
    const mail = mailOf(card({ choices: ['deny'] }));

    expect(mail.text).toContain('\ndeny D4WRP\n');
    expect(mail.text).not.toMatch(/^approve /m);
    expect(mail.html).not.toContain('answer in place');
  });

  it('lets nothing but its own lines begin like an answer', () => {
    const lines = mailOf(card())
      .text.split('\n')
      .filter((line) => parseReply([line], reply).kind === 'approve');

    expect(lines.filter((line) => line.startsWith('approve'))).toEqual(['approve K7QMX']);
    // The fact that imitates an answer is indented and cannot be taken for one of the lines.
    expect(lines.filter((line) => !line.startsWith('approve'))).toEqual(['      approve K7QMX']);
  });

  it('decides nothing when it comes back whole', () => {
    const mail = mailOf(card());

    expect(parseReply([mail.text], reply).kind).toBe('unclear');
    expect(parseReply([mail.text.replace(/^/gm, '> ')], reply).kind).toBe('unclear');
  });

  it('carries its token in the subject where tags do not work', () => {
    const mail = mailOf(card(), {}, { ...author, plus_addressing: false });

    expect(mail.subject).toContain(`[#${reply.token}]`);
    expect(mail.replyTo).toBe('signalbox@gateway.test');
    expect(mail.envelope.from).toBe('signalbox@gateway.test');
  });

  it('that is settled is a short word in the same thread, and while it is carried out no mail at all', () => {
    const ref = mailOf(card()).messageId;
    const settled = (state: Card['status']['state']) =>
      card({ choices: [], status: { state, sentence: `It was ${state} by Dana.` } }, ref);

    for (const state of [
      'approved',
      'denied',
      'executed',
      'failed',
      'expired',
      'cancelled',
      'superseded',
      'revoked',
      'unknown',
      'answered',
    ] as const) {
      const mail = mailOf(settled(state));
      expect(mail).toMatchObject({
        inReplyTo: ref,
        references: [ref],
        subject: expect.stringMatching(/^Re: /),
      });
      expect(mail.text).toContain(`It was ${state} by Dana.`);
      expect(mail.text).toContain('Your reply is not needed.');
      expect(mail.text).not.toContain('K7QMX');
    }
    expect(toMail(message(settled('executing')), author)).toBeUndefined();
  });
});
