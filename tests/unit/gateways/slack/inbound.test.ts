import { describe, expect, it } from 'vitest';
import { isOfInterest, toInbound, toPress, toReasonedAnswer } from '../../../../gateways/slack/inbound.ts';
import { BlockActions, EventEnvelope, ViewSubmission } from '../../../../gateways/slack/schema.ts';

const us = { teamId: 'T0US', userId: 'U0BOT', botId: 'B0BOT' };

function anEvent(over: Record<string, unknown> = {}, envelope: Record<string, unknown> = {}): EventEnvelope {
  return EventEnvelope.parse({
    team_id: 'T0US',
    ...envelope,
    event: {
      type: 'message',
      channel: 'C0GEN',
      user: 'U0DANA',
      ts: '1712345678.000100',
      text: '<@U0BOT> hello',
      ...over,
    },
  });
}

function aMessage(over: Record<string, unknown> = {}, envelope: Record<string, unknown> = {}) {
  const inbound = toInbound(anEvent(over, envelope), us);
  return inbound?.kind === 'message' ? inbound : undefined;
}

describe('what was said', () => {
  it('is told by when it was said, where, and by whom', () => {
    expect(aMessage()).toEqual({
      kind: 'message',
      id: 'slack:T0US:C0GEN:1712345678.000100',
      conversationId: 'slack:T0US:C0GEN:1712345678.000100',
      sender: { account: 'slack:T0US/U0DANA', displayName: 'U0DANA', authenticated: true, automatic: false },
      text: 'hello',
      addressedToBot: true,
      sentAt: '2024-04-05T19:34:38.000Z',
      replyTo: { platform: 'slack', route: { channel: 'C0GEN', thread: '1712345678.000100' } },
    });
  });

  it('belongs to the conversation of its thread', () => {
    const reply = aMessage({ thread_ts: '1712345000.000100', text: 'go on' });

    expect(reply).toMatchObject({
      conversationId: 'slack:T0US:C0GEN:1712345000.000100',
      replyTo: { route: { thread: '1712345000.000100' } },
      addressedToBot: false,
    });
  });

  it('is in the room of its author in a direct message, in a thread or not, and in none anywhere else', () => {
    const [begun, reply, open] = [
      aMessage({ channel: 'D0DANA', text: 'hey' }),
      aMessage({ channel: 'D0DANA', thread_ts: '1712345000.000100', text: 'go on' }),
      aMessage({ channel: 'G0GROUP' }),
    ];

    expect([begun?.room, reply?.room, open?.room]).toEqual([
      'slack:T0US:D0DANA:',
      'slack:T0US:D0DANA:',
      undefined,
    ]);
    expect(begun?.conversationId.startsWith(begun.room!)).toBe(true);
  });

  it.each([
    ['a mention in the text', { text: 'hey <@U0BOT>' }],
    ['a mention with a name', { text: 'hey <@U0BOT|bot>' }],
    ['an app_mention, whatever its text', { type: 'app_mention', text: 'hey' }],
    ['a direct message', { channel: 'D0DANA', text: 'hey' }],
    [
      'a reply in a thread the bot began',
      { thread_ts: '1712345000.000100', parent_user_id: 'U0BOT', text: 'hey' },
    ],
    [
      'a mention in the blocks alone',
      {
        text: 'hey',
        blocks: [
          {
            type: 'rich_text',
            elements: [{ type: 'rich_text_section', elements: [{ type: 'user', user_id: 'U0BOT' }] }],
          },
        ],
      },
    ],
  ])('is addressed to the bot by %s', (_, over) => {
    expect(aMessage(over)?.addressedToBot).toBe(true);
  });

  it('is the same message as `message` and as `app_mention`', () => {
    const { sentAt, ...rest } = aMessage()!;

    expect(aMessage({ type: 'app_mention' })).toEqual({ sentAt, ...rest });
  });

  it('names the message of ours it answers', () => {
    expect(aMessage({ thread_ts: '1712345000.000100', parent_user_id: 'U0BOT' })?.inReplyTo).toBe(
      'slack:T0US:C0GEN:1712345000.000100',
    );
  });

  it.each([
    ['talk of others', { text: 'lunch?' }],
    ['our own words', { user: 'U0BOT' }],
    ['our own words as a bot', { user: undefined, bot_id: 'B0BOT' }],
    ['a join', { subtype: 'channel_join' }],
    ['a topic', { subtype: 'channel_topic' }],
    ['words of nobody', { user: undefined }],
  ])('is nothing when it is %s', (_, over) => {
    expect(toInbound(anEvent(over), us)).toBeUndefined();
  });

  it('comes in when a ticket of an escalation says that it is for us', () => {
    const acted = aMessage({ text: '!ack esc_p7_0123456789ab' });

    expect(acted).toMatchObject({ text: '!ack esc_p7_0123456789ab', addressedToBot: false });
  });

  it('is automatic when a bot said it', () => {
    expect(aMessage({ bot_id: 'B0OTHER', user: 'U0OTHER' })?.sender.automatic).toBe(true);
    expect(aMessage({ bot_id: 'B0OTHER', user: undefined, subtype: 'bot_message' })?.sender).toMatchObject({
      account: 'slack:T0US/B0OTHER',
      automatic: true,
    });
  });

  it.each([
    ['user_team', { user_team: 'T0THEM', source_team: 'T0THEM', team: 'T0US' }],
    ['source_team', { source_team: 'T0THEM', team: 'T0US' }],
    ['team', { team: 'T0THEM' }],
  ])('is said by a person of their own team, by %s', (_, over) => {
    expect(aMessage(over)?.sender.account).toBe('slack:T0THEM/U0DANA');
  });

  it('is said by a stranger when a shared channel does not tell their team', () => {
    expect(aMessage({}, { is_ext_shared_channel: true })?.sender.account).toBe('slack:unknown/U0DANA');
  });

  it('names the files that came with it, and how to get them', () => {
    const files = [
      { id: 'F0A', name: 'a.pdf', mimetype: 'application/pdf', size: 9 },
      { id: 'F0B', title: 'b', size: -1, mimetype: 7 },
      { id: '../x', name: '' },
    ];
    expect(aMessage({ subtype: 'file_share', files })?.attachments).toEqual([
      { name: 'a.pdf', mediaType: 'application/pdf', bytes: 9, ref: 'F0A' },
      { name: 'b', mediaType: 'application/octet-stream', bytes: 0, ref: 'F0B' },
      { name: 'unnamed', mediaType: 'application/octet-stream', bytes: 0 },
    ]);
    expect(aMessage({})).not.toHaveProperty('attachments');
  });

  it('is of interest unless it is bookkeeping', () => {
    expect(isOfInterest({ event: { type: 'message' } })).toBe(true);
    expect(isOfInterest({ event: { type: 'message', subtype: 'message_changed' } })).toBe(true);
    expect(isOfInterest({ event: { type: 'message', subtype: 'channel_join', ts: 7 } })).toBe(false);
    expect(isOfInterest({ event: { type: 'message', subtype: 7 } })).toBe(true);
  });
});

describe('what was changed', () => {
  const before = {
    user: 'U0DANA',
    ts: '1712345678.000100',
    thread_ts: '1712345000.000100',
    text: 'refund 7',
  };
  const changed = (over: Record<string, unknown>) =>
    toInbound(
      anEvent({
        subtype: 'message_changed',
        user: undefined,
        ts: '1712349999.000100',
        message: { ...before, text: 'refund 8', edited: { user: 'U0DANA', ts: '1712349999.000000' } },
        previous_message: before,
        ...over,
      }),
      us,
    );

  it('is a revision of the message, in its conversation', () => {
    expect(changed({})).toMatchObject({
      kind: 'revision',
      of: 'slack:T0US:C0GEN:1712345678.000100',
      id: 'slack:T0US:C0GEN:1712345678.000100:edited:1712349999.000000',
      conversationId: 'slack:T0US:C0GEN:1712345000.000100',
      sender: { account: 'slack:T0US/U0DANA' },
      change: 'edited',
    });
  });

  it('is nothing when only a preview was added, or when it is ours', () => {
    expect(changed({ message: before })).toBeUndefined();
    expect(changed({ message: { ...before, user: 'U0BOT', text: 'x' } })).toBeUndefined();
  });

  it('is told when a message is gone', () => {
    const gone = toInbound(
      anEvent({
        subtype: 'message_deleted',
        user: undefined,
        deleted_ts: before.ts,
        previous_message: before,
      }),
      us,
    );

    expect(gone).toMatchObject({
      kind: 'revision',
      change: 'deleted',
      of: 'slack:T0US:C0GEN:1712345678.000100',
    });
  });
});

describe('a press', () => {
  const stamp = { approval: 'apr_p7_0123456789ab', gen: 2, digest: 'd' };
  const press = (action: Record<string, unknown> = {}, over: Record<string, unknown> = {}) =>
    toPress(
      BlockActions.parse({
        user: { id: 'U0DANA', team_id: 'T0US', name: 'dana' },
        container: { type: 'message' },
        channel: { id: 'C0GEN' },
        message: { ts: '1712345678.000100', thread_ts: '1712345000.000100' },
        actions: [
          {
            action_id: 'signalbox.approve',
            action_ts: '1712349999.000100',
            value: JSON.stringify(stamp),
            ...action,
          },
        ],
        ...over,
      }),
      us,
    );

  it('is an answer under an id of its own, the same whenever it is delivered', () => {
    expect(press()).toEqual(press());
    expect(press()).toEqual({
      kind: 'answer',
      answer: {
        kind: 'answer',
        id: 'slack:T0US:C0GEN:1712345678.000100:1712349999.000100:U0DANA:signalbox.approve',
        sender: { account: 'slack:T0US/U0DANA', displayName: 'dana', authenticated: true, automatic: false },
        approvalId: stamp.approval,
        choice: 'approve',
        gen: 2,
        digest: 'd',
        card: {
          to: { platform: 'slack', route: { channel: 'C0GEN', thread: '1712345000.000100' } },
          ref: 'C0GEN/1712345678.000100',
        },
      },
    });
  });

  it('asks for words where they belong to the answer', () => {
    expect(press({ action_id: 'signalbox.deny_with_reason' })).toMatchObject({
      kind: 'ask-words',
      context: { choice: 'deny', ...stamp },
    });
    expect(press({ action_id: 'signalbox.answer' })).toMatchObject({
      kind: 'ask-words',
      context: { choice: 'answer', ...stamp },
    });
  });

  it.each([
    ['an unknown button', press({ action_id: 'signalbox.approve_all' })],
    ['a button without a value', press({ value: undefined })],
    ['a value that is not JSON', press({ value: 'approve' })],
    ['a value of another shape', press({ value: '{"approval":"7"}' })],
    ['a forwarded card', press({}, { container: { type: 'message_attachment' } })],
    ['a press outside of any message', press({}, { message: null })],
  ])('decides nothing on %s', (_, pressed) => {
    expect(pressed.kind).toBe('unknown');
  });

  it('is never taken for one of our team when its team is not named', () => {
    const pressed = press({}, { user: { id: 'U0DANA' }, team: { id: 'T0US' } });

    expect(pressed).toMatchObject({ answer: { sender: { account: 'slack:unknown/U0DANA' } } });
  });
});

describe('a form', () => {
  const form = (over: Record<string, unknown> = {}, words: string | null = ' no ') =>
    toReasonedAnswer(
      ViewSubmission.parse({
        user: { id: 'U0DANA', team_id: 'T0US' },
        view: {
          id: 'V1',
          callback_id: 'signalbox.reason',
          private_metadata: JSON.stringify({
            approval: 'apr_p7_0123456789ab',
            gen: 0,
            digest: 'd',
            choice: 'deny',
            channel: 'C0GEN',
            ts: '1712345678.000100',
          }),
          state: { values: { reason: { words: { value: words } } } },
          ...over,
        },
      }),
      us,
    );

  it('is an answer with its words, for the card it was opened from', () => {
    expect(form()).toMatchObject({
      id: 'slack:T0US:view:V1:U0DANA',
      choice: 'deny',
      text: 'no',
      card: { ref: 'C0GEN/1712345678.000100' },
    });
    expect(form({}, null)).not.toHaveProperty('text');
  });

  it('is nothing when it is not ours', () => {
    expect(form({ callback_id: 'other' })).toBeUndefined();
    expect(form({ private_metadata: '' })).toBeUndefined();
    expect(form({ private_metadata: '{}' })).toBeUndefined();
  });
});
