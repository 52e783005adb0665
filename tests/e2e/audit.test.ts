/** What is on record afterwards, of everything that was said and decided. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { replay } from '../../src/approvals/consequences.ts';
import type { AuditEntry } from '../../src/audit/audit-log.ts';
import { Approval } from '../../src/domain/approval/record.ts';
import { ApprovalId } from '../../src/domain/ids.ts';
import { ALEX, button, codesIn, DANA, EVE, GENERAL, Story } from '../support/story.ts';

const HOUR = 60 * 60 * 1_000;

let story: Story;

beforeEach(async () => {
  story = await Story.begin();
});
afterEach(async () => {
  await story.end();
});

describe('OM-054 the record of a day', () => {
  it('OM-054 holds each message that came in and went out once, refused and undeliverable ones, too, with sender, channel, time and correlation id', async () => {
    const started = Date.now();
    // In by Slack and by mail, from people and strangers, from machines; edited; delivered again.
    const question = await story.mention('what can you do?');
    await story.answer(question, /Here is what I can do/);
    const stranger = await story.mention('hello', EVE.slack);
    await story.told(EVE.slack, /do not know you/);
    const edit = await story.sandbox.slack.edit({
      channel: GENERAL,
      ts: stranger,
      text: '@signalbox hello?',
    });
    await edit.acknowledged;
    const asked = await story.write(ALEX.mail, 'A question', 'what can you do?');
    const answer = await story.mail(ALEX.mail, /Here is what I can do/);
    const again = await story.sandbox.mail.resend(asked);
    await story.sandbox.mail.settled(again);
    const away = await story.sandbox.mail.outOfOffice(answer);
    await story.sandbox.mail.settled(away);
    // An approval: asked for in Slack, clicked by the wrong one, misunderstood by mail, then decided.
    const wanted = await story.mention('refund order 7');
    const card = await story.answer(wanted, /Waiting for role manager/);
    const request = await story.mail(DANA.mail, /refund/);
    const click = await story.sandbox.slack.press({
      user: EVE.slack,
      channel: GENERAL,
      ts: card.ts,
      actionId: button(card, /Approve/),
    });
    const unclear = await story.sandbox.mail.reply(request, { line: 'hm', quoting: 'none' });
    await story.mail(DANA.mail, /decided nothing/);
    const yes = await story.sandbox.mail.reply(request, {
      line: `approve ${codesIn(request).approve}`,
      quoting: 'none',
    });
    await story.answer(wanted, /Approved by Dana Reyes.*Done/);
    await story.answer(wanted, /It was allowed, and it is done/);
    await story.quiet();
    // A reply that Slack will never take.
    story.sandbox.slack.fail('chat.postMessage', { kind: 'error', error: 'is_archived' });
    const lost = await story.mention('what can you do?');
    await story.quiet();

    const entries = await story.app.audit.tail(1_000);
    const of = (id: string) =>
      entries.filter(({ event }) => event.correlation.includes(id)).map(({ event }) => event);
    const count = (id: string, name: string) => of(id).filter(({ event }) => event === name).length;

    expect(click).toBeDefined();
    expect(count(question, 'message.received')).toBe(1);
    expect(of(`${stranger}:edited`).map(({ event }) => event)).toEqual(['message.revised']);
    expect(entriesOf(entries, stranger, 'message.refused')).toHaveLength(1);
    expect(count(bare(asked.messageId), 'message.received')).toBe(1);
    expect(count(bare(away.messageId), 'message.ignored')).toBe(1);
    expect(count(wanted, 'message.received')).toBe(1);
    expect(of(bare(unclear.messageId)).filter(({ event }) => event === 'answer.received')).toMatchObject([
      { actor: 'dana', channel: 'email', detail: { choice: 'unclear', result: 'NOT_UNDERSTOOD' } },
    ]);
    expect(of(bare(yes.messageId)).filter(({ event }) => event === 'answer.received')).toMatchObject([
      {
        actor: 'dana',
        channel: 'email',
        detail: { choice: 'approve', result: 'DECIDED', rule: 'refunds above 50' },
      },
    ]);
    expect(
      entries.filter(({ event }) => event.event === 'answer.received' && event.channel === 'slack'),
    ).toMatchObject([{ event: { actor: 'slack:T0SANDBOX/U0EVE', detail: { result: 'UNKNOWN_PERSON' } } }]);
    expect(count(lost, 'message.received')).toBe(1);
    expect(of(lost).filter(({ event }) => event === 'message.undeliverable')).toMatchObject([
      { actor: 'agent', channel: 'slack', detail: { reason: expect.stringContaining('is_archived') } },
    ]);

    // Everything people see was sent, and everything that was sent is on record, once.
    const sent = entries
      .filter(({ event }) => event.event === 'message.sent')
      .map(({ event }) => event.detail);
    const posts = story.sandbox.slack.messages(GENERAL).filter(({ user }) => user === 'U0SIGNALBOX');
    const mails = [ALEX.mail, DANA.mail, EVE.mail].flatMap((address) => story.sandbox.mail.mailbox(address));
    expect(new Set(sent.map((detail) => detail?.message)).size).toBe(sent.length);
    const refs = new Set(sent.map((detail) => String(detail?.ref)));
    for (const { ts, channel } of posts)
      expect([...refs].some((ref) => ref === `${channel}/${ts}`)).toBe(true);
    for (const { messageId } of mails)
      expect([...refs].some((ref) => ref.includes(bare(messageId)))).toBe(true);

    for (const { event, atMs } of entries) {
      expect(event.correlation).not.toBe('');
      expect(event.actor).not.toBe('');
      expect(atMs).toBeGreaterThanOrEqual(started - HOUR);
      if (/^(message|answer)\./.test(event.event)) expect(event.channel).toMatch(/^(slack|email)$/);
    }
    expect(JSON.stringify(entries)).not.toContain('what can you do');
    expect(await story.app.audit.verify()).toMatchObject({ ok: true, entries: entries.length });
  });
});

describe('OM-153 the record as the source of what is', () => {
  it('OM-153 gives each approval as it is stored when its entries are replayed from the first', async () => {
    const refund = await story.mention('refund order 7');
    const deploy = await story.mention('deploy api to production');
    const staging = await story.mention('deploy web to staging');
    await story.answer(refund, /Waiting/);
    const question = await story.mail(DANA.mail, /refund: order 7/);
    const other = await story.mail(DANA.mail, /deploy/);
    await story.sandbox.mail.reply(question, {
      line: `approve ${codesIn(question).approve}`,
      quoting: 'none',
    });
    await story.sandbox.mail.reply(other, { line: `deny ${codesIn(other).deny} not today`, quoting: 'none' });
    await story.answer(refund, /Done/);
    await story.answer(deploy, /not today/);
    await story.answer(staging, /web is deployed/);
    await story.mention('refund order 5 for 51 EUR');
    await story.mail(DANA.mail, /refund: order 5/);
    await story.advance(7 * HOUR);
    await story.quiet();

    const rebuilt = replayed(await story.app.audit.tail(10_000));

    const stored = await storedApprovals();
    expect(stored.size).toBe(4);
    expect([...stored.values()].map(({ state }) => state).sort()).toEqual([
      'DENIED',
      'EXECUTED',
      'EXECUTED',
      'OPEN',
    ]);
    expect(Object.fromEntries(rebuilt)).toEqual(Object.fromEntries(stored));
  });
});

async function storedApprovals(): Promise<Map<string, Approval>> {
  const found = new Map<string, Approval>();
  for (const key of await story.redis.keys(`${story.keys.prefix}*:apr:*`)) {
    const approval = await story.app.approvals.find(ApprovalId.parse(key.slice(key.lastIndexOf(':') + 1)));
    if (approval) found.set(approval.id, approval);
  }
  return found;
}

function replayed(entries: readonly AuditEntry[]): Map<string, Approval> {
  const events = entries.map(({ event }) => event).filter(({ event }) => event.startsWith('approval.'));
  const ids = new Set(events.map(({ subject }) => subject));
  return new Map(
    [...ids].map((id) => [id, Approval.parse(replay(events.filter(({ subject }) => subject === id)))]),
  );
}

function entriesOf(entries: readonly AuditEntry[], id: string, event: string): AuditEntry[] {
  return entries.filter((entry) => entry.event.event === event && entry.event.correlation.endsWith(id));
}

function bare(messageId: string): string {
  return messageId.replace(/^<|>$/g, '');
}
