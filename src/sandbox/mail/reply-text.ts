/** What a mail program makes of an answer: the line a person types, and the mail they answer to quoted around it. */
import type { Mail } from './mail.ts';

export type ReplyStyle = 'gmail' | 'outlook' | 'apple';
export type Quoting = 'top' | 'bottom' | 'none';

export interface ReplyText {
  readonly text: string;
  readonly html: string;
}

/** Gmail breaks the lines of its text part here, the attribution line included. */
const GMAIL_WRAP_CHARS = 78;

/** `quoting: 'top'` puts the line above the quoted mail, as most programs do; `bottom` below it. Pure. */
export function toReplyText(mail: Mail, line: string, style: ReplyStyle, quoting: Quoting): ReplyText {
  const quote = STYLES[style](mail);
  const typed = typedHtml(line, style);
  switch (quoting) {
    case 'none':
      return { text: `${line}\n`, html: typed };
    case 'top':
      return { text: `${line}\n\n${quote.text}\n`, html: `${typed}${quote.html}` };
    case 'bottom':
      return { text: `${quote.text}\n\n${line}\n`, html: `${quote.html}${typed}` };
    default:
      return quoting satisfies never;
  }
}

/** `Re: ` in front, once. Pure. */
export function toReplySubject(subject: string): string {
  return /^re:/i.test(subject) ? subject : `Re: ${subject}`;
}

const STYLES: Record<ReplyStyle, (mail: Mail) => ReplyText> = {
  gmail(mail) {
    const date = new Intl.DateTimeFormat('en-US', {
      weekday: 'short',
      month: 'short',
      day: 'numeric',
      year: 'numeric',
      hour: 'numeric',
      minute: '2-digit',
      timeZone: 'UTC',
    }).format(new Date(mail.date));
    const attribution = `On ${date} ${author(mail)} wrote:`;
    return {
      text: `${wrapped(attribution)}\n\n${quoted(mail.text)}`,
      html:
        '<br><div class="gmail_quote gmail_quote_container"><div dir="ltr" class="gmail_attr">' +
        `${escaped(attribution)}<br></div><blockquote class="gmail_quote" style="margin:0px 0px 0px 0.8ex;` +
        `border-left:1px solid rgb(204,204,204);padding-left:1ex">${originalHtml(mail)}</blockquote></div>`,
    };
  },

  outlook(mail) {
    const sent = new Intl.DateTimeFormat('en-US', {
      dateStyle: 'full',
      timeStyle: 'short',
      timeZone: 'UTC',
    }).format(new Date(mail.date));
    const facts = [
      ['From', author(mail)],
      ['Sent', sent],
      ['To', mail.to.join('; ')],
      ['Subject', mail.subject],
    ] as const;
    const lines = facts.map(([label, value]) => `<b>${label}:</b> ${escaped(value)}<br>`);
    return {
      // Outlook does not mark the quoted lines at all.
      text: `${'_'.repeat(32)}\n${facts.map(([label, value]) => `${label}: ${value}`).join('\n')}\n\n${mail.text}`,
      html:
        '<div id="appendonsend"></div><hr style="display:inline-block;width:98%" tabindex="-1">' +
        `<div id="divRplyFwdMsg" dir="ltr"><font face="Calibri, sans-serif">${lines.join('')}</font>` +
        `<div>&nbsp;</div></div>${originalHtml(mail)}`,
    };
  },

  apple(mail) {
    const day = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeZone: 'UTC' });
    const time = new Intl.DateTimeFormat('en-GB', { timeStyle: 'short', timeZone: 'UTC' });
    const date = new Date(mail.date);
    const attribution = `On ${day.format(date)}, at ${time.format(date)}, ${author(mail)} wrote:`;
    return {
      text: `${attribution}\n\n${quoted(mail.text)}`,
      html:
        `<br id="lineBreakAtBeginningOfMessage"><div><br><blockquote type="cite"><div>${escaped(attribution)}` +
        `</div><br class="Apple-interchange-newline"><div>${originalHtml(mail)}</div></blockquote></div>`,
    };
  },
};

function typedHtml(line: string, style: ReplyStyle): string {
  const lines = escaped(line).replaceAll('\n', '<br>');
  return style === 'outlook' ? `<div class="elementToProof">${lines}</div>` : `<div dir="ltr">${lines}</div>`;
}

function author(mail: Mail): string {
  return mail.fromName === '' ? mail.from : `${mail.fromName} <${mail.from}>`;
}

function quoted(text: string): string {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => (line === '' ? '>' : `> ${line}`))
    .join('\n');
}

function wrapped(line: string): string {
  if (line.length <= GMAIL_WRAP_CHARS) return line;
  const space = line.lastIndexOf(' ', GMAIL_WRAP_CHARS);
  return space <= 0 ? line : `${line.slice(0, space)}\n${wrapped(line.slice(space + 1))}`;
}

function originalHtml(mail: Mail): string {
  return mail.html ?? `<div>${escaped(mail.text.trimEnd()).replaceAll('\n', '<br>')}</div>`;
}

function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
