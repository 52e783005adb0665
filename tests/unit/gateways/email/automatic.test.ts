import { describe, expect, it } from 'vitest';
import { automaticReason } from '../../../../gateways/email/automatic.ts';

function reasonOf(
  headers: Record<string, string>,
  types = ['text/plain'],
  envelopeFrom: string | undefined = undefined,
) {
  const fields = Object.entries({ from: 'Dana <dana@corp.test>', ...headers });
  return automaticReason({ headers: fields.map(([name, value]) => ({ name, value })), types }, envelopeFrom);
}

describe('a mail no person wrote', () => {
  it.each([
    ['auto-submitted', { 'auto-submitted': 'auto-replied' }],
    ['auto-submitted', { 'auto-submitted': 'auto-generated (rejected)' }],
    ['auto-submitted', { 'auto-submitted': 'auto-notified; owner-email="x@y.test"' }],
    ['auto-submitted', { 'auto-submitted': '' }],
    ['precedence', { precedence: 'Bulk' }],
    ['precedence', { precedence: 'junk' }],
    ['precedence', { precedence: 'list' }],
    ['precedence', { precedence: 'auto_reply' }],
    ['mailing-list', { 'list-id': '<team.corp.test>' }],
    ['mailing-list', { 'feedback-id': 'x' }],
    ['auto-reply-header', { 'x-autoreply': 'yes' }],
    ['auto-reply-header', { 'x-autorespond': '' }],
    ['auto-reply-header', { 'x-auto-response-suppress': 'DR, OOF' }],
    ['loop', { 'x-loop': 'signalbox@gateway.test' }],
    ['empty-sender', { 'return-path': '<>' }],
    ['sender-name', { from: 'Mail Delivery <MAILER-DAEMON@corp.test>' }],
    ['sender-name', { from: 'postmaster@corp.test' }],
    ['sender-name', { from: 'No Reply <no-reply@corp.test>' }],
    ['sender-name', { from: 'noreply+123@corp.test' }],
    ['subject', { subject: 'Automatic reply: Approval needed' }],
    ['subject', { subject: 'Automatische Antwort: Genehmigung' }],
    ['subject', { subject: 'Réponse automatique : accord' }],
    ['subject', { subject: '自動応答: 承認' }],
    ['subject', { subject: 'Out of office' }],
    ['subject', { subject: 'Out of Office: back on Monday' }],
    ['subject', { subject: 'Accepted: Meeting' }],
    ['subject', { subject: 'Absence du bureau : Re: Order' }],
  ])('is told by %s: %j', (reason, headers) => {
    expect(reasonOf(headers)).toBe(reason);
  });

  it('is told by what it is made of, or by an empty envelope', () => {
    expect(reasonOf({}, ['multipart/report', 'text/plain', 'message/delivery-status'])).toBe('report');
    expect(reasonOf({}, ['multipart/report', 'message/disposition-notification'])).toBe('report');
    expect(reasonOf({}, ['multipart/alternative', 'text/plain', 'text/calendar'])).toBe('calendar');
    expect(reasonOf({}, ['text/plain'], '')).toBe('empty-sender');
  });
});

describe('a mail a person wrote', () => {
  it.each([
    {},
    { 'auto-submitted': 'no' },
    { 'auto-submitted': 'No (really)' },
    { precedence: 'normal' },
    { 'return-path': '<dana@corp.test>' },
    { subject: 'Re: Out of office' },
    { subject: 'Out of office hours support is broken' },
    { subject: 'Accepted payments are missing' },
    { subject: 'Read the manual, please' },
    { subject: 'Re: Approval needed: refund' },
    { from: 'Nora Reply <nora@corp.test>' },
    { from: 'bouncer@corp.test' },
  ])('is not taken for a machine: %j', (headers) => {
    expect(reasonOf(headers, ['text/plain'], 'dana@corp.test')).toBeUndefined();
  });
});
