import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Seal } from '../../../../gateways/seal.ts';
import {
  inSlackWords,
  questionOf,
  RESPONSE_SEAL,
  sealedFor,
  toCommandMessage,
} from '../../../../gateways/slack/commands.ts';
import { SlashCommand } from '../../../../gateways/slack/schema.ts';

const us = { teamId: 'T0US', userId: 'U0BOT', botId: 'B0BOT' };
const seal = new Seal('xoxb-test', RESPONSE_SEAL);
const ADDRESS = 'https://hooks.slack.com/commands/T0US/1/secret';
const TICKET = 'apr_p7_0123456789ab.1';

function aMessage(over: Record<string, unknown> = {}) {
  const command = SlashCommand.parse({
    command: '/signalbox',
    text: 'ask refund order 7',
    team_id: 'T0US',
    channel_id: 'C0GEN',
    user_id: 'U0DANA',
    user_name: 'dana',
    trigger_id: '1.2.abc',
    response_url: ADDRESS,
    ...over,
  });
  return toCommandMessage(command, us, { seal, nowMs: Date.UTC(2026, 0, 2) });
}

describe('a command as a message', () => {
  it('is of whoever typed it, and for nobody else', () => {
    expect(aMessage()).toEqual({
      kind: 'message',
      id: expect.stringMatching(/^slack:T0US:C0GEN:command:[0-9a-f]{24}$/),
      conversationId: 'slack:T0US:C0GEN:command:U0DANA',
      sender: { account: 'slack:T0US/U0DANA', displayName: 'dana', authenticated: true, automatic: false },
      text: '/ask refund order 7',
      addressedToBot: true,
      isCommand: true,
      sentAt: '2026-01-02T00:00:00.000Z',
      replyTo: {
        platform: 'slack',
        route: { channel: 'C0GEN', user: 'U0DANA', sealed: expect.any(String) },
      },
    });
  });

  it('has one id however often it is delivered, and another each time it is typed', () => {
    expect(aMessage().id).toBe(aMessage().id);
    expect(aMessage({ trigger_id: '1.2.abd' }).id).not.toBe(aMessage().id);
  });

  it('OM-190 shows neither the trigger nor the address for answers to whoever reads it', () => {
    const message = aMessage({ trigger_id: '1.2.trigger' });
    const { sealed = '' } = message.replyTo.route;

    expect(JSON.stringify(message)).not.toMatch(/trigger|hooks\.slack\.com|secret/);
    expect(seal.open(sealedFor({ channel: 'C0GEN', user: 'U0DANA' }), sealed)).toBe(ADDRESS);
    expect(seal.open(sealedFor({ channel: 'C0GEN', user: 'U0EVE' }), sealed)).toBeUndefined();
  });

  it('does not take a person of another team for one of ours', () => {
    expect(aMessage({ team_id: 'T0OTHER' }).sender.account).toBe('slack:T0OTHER/U0DANA');
  });

  it.each([
    ['ask refund order 7', '/ask refund order 7'],
    ['ASK refund order 7', '/ask refund order 7'],
    ['refund order 7', '/ask refund order 7'],
    ['what is <@U0EVE|eve> up to?', '/ask what is @eve up to?'],
    ['', '/help'],
    ['   ', '/help'],
    ['ask', '/help'],
    ['help', '/help'],
    ['/help', '/help'],
    ['status please', '/status'],
    ['Approvals', '/approvals'],
    ['approve', '/approve'],
    [`approve ${TICKET}`, `/approve ${TICKET}`],
    [`/approve ${TICKET}`, `/approve ${TICKET}`],
    [`deny ${TICKET} not before Monday`, `/deny ${TICKET} not before Monday`],
    [`answer ${TICKET} use order 8`, `/answer ${TICKET} use order 8`],
    ['answer the phone', '/ask answer the phone'],
    ['new', '/new'],
    ['/Stop', '/stop'],
    ['stop the server', '/stop the server'],
    ['stop.', '/stop'],
    ['/minimal what is up?', '/ask /minimal what is up?'],
    ['takeover con_p7_0123456789ab', '/takeover con_p7_0123456789ab'],
    ['takeover', '/takeover'],
    ['Takeover!', '/takeover'],
    ['!takeover', '/takeover'],
    ['takeover of Acme, what is the news?', '/ask takeover of Acme, what is the news?'],
    ['handback', '/handback'],
    ['handback.', '/handback'],
    ['handback they were paid, be kind', '/handback they were paid, be kind'],
    ['handback con_p7_0123456789ab', '/handback con_p7_0123456789ab'],
    ['say con_p7_0123456789ab I have found it', '/say con_p7_0123456789ab I have found it'],
    ['say hello', '/ask say hello'],
    ['withdraw', '/withdraw'],
    ['withdraw the offer', '/ask withdraw the offer'],
    [`withdraw ${TICKET}`, `/withdraw ${TICKET}`],
    ['confirm k7xqm3rt', '/confirm k7xqm3rt'],
    ['confirm shipment', '/ask confirm shipment'],
    ['confirm the order', '/ask confirm the order'],
    ['ack', '/escalations'],
    ['Snooze', '/escalations'],
    ['snooze 1h', '/escalations'],
    ['snooze 30 m instead', '/escalations'],
    ['snooze the reminder', '/ask snooze the reminder'],
    ['escalate', '/escalations'],
    ['escalate this to the vendor', '/ask escalate this to the vendor'],
    ['resolve', '/escalations'],
    ['resolve.', '/escalations'],
    ['Ack!', '/escalations'],
    ['!link T2C9-7QKD', '/link T2C9-7QKD'],
    ['/handback it is paid', '/handback it is paid'],
    ['ack esc_p7_0123456789ab', '/ack esc_p7_0123456789ab'],
    ['Snooze ESC_p7_0123456789ab 2h', '/snooze ESC_p7_0123456789ab 2h'],
    ['resolve esc_p7_0123456789ab it is paid', '/resolve esc_p7_0123456789ab it is paid'],
    ['resolve the conflict', '/ask resolve the conflict'],
    ['escalations', '/escalations'],
    ['grants', '/grants'],
    ['grants revoke grt_1', '/grants revoke grt_1'],
    ['grants revoke', '/grants revoke'],
    ['grants for students', '/ask grants for students'],
    ['link', '/link'],
    ['link K7PM-3QXWH-9TRCD', '/link K7PM-3QXWH-9TRCD'],
    ['link confirm K7PM-3QXWH-9TRCD', '/link confirm K7PM-3QXWH-9TRCD'],
    ['link the two tickets', '/ask link the two tickets'],
    ['unlink', '/unlink'],
    ['unlink discord:9000', '/unlink discord:9000'],
    ['memory', '/memory'],
    ['memory off', '/memory off'],
    ['memory of the server', '/ask memory of the server'],
    ['pair', '/pair'],
    ['pair 3E9R guest', '/pair 3E9R guest'],
    ['pair K7PM-3QXWH-9TRCD as dana', '/pair K7PM-3QXWH-9TRCD as dana'],
    ['human I am lost', '/human I am lost'],
    ['human', '/human'],
    ['human, my order is lost', '/human my order is lost'],
    ['Human!', '/human'],
    ['/human: please', '/human please'],
    ['approves nothing', '/ask approves nothing'],
    ['ask one\ntwo', '/ask one\ntwo'],
  ])('OB-010 says “%s” as “%s”', (typed, text) => {
    expect(aMessage({ text: typed }).text).toBe(text);
  });

  it('OB-010 is always a command or a question of the core, whatever is typed', () => {
    fc.assert(
      fc.property(fc.string(), (typed) => {
        expect(aMessage({ text: typed }).text).toMatch(/^\/\S+( \S[\s\S]*)?$/);
      }),
    );
  });

  it('is a question, or is none', () => {
    expect(questionOf(aMessage())).toBe('refund order 7');
    expect(questionOf(aMessage({ text: 'help' }))).toBeUndefined();
  });
});

describe('what the core says of commands', () => {
  it('OB-010 is said as it is typed in Slack', () => {
    expect(inSlackWords(`\`/approvals\` lists them, \`/approve ${TICKET}\` says yes; /path/deny stays`)).toBe(
      `\`/signalbox approvals\` lists them, \`/signalbox approve ${TICKET}\` says yes; /path/deny stays`,
    );
    expect(inSlackWords(`\`/withdraw ${TICKET}\``)).toBe(`\`/signalbox withdraw ${TICKET}\``);
  });

  it('OB-010 is marked where the bare word would begin a question', () => {
    expect(inSlackWords('`/say <ticket> <text>`, `/handback <note>`, `/memory off`')).toBe(
      '`/signalbox !say <ticket> <text>`, `/signalbox handback <note>`, `/signalbox memory off`',
    );
  });

  it('OB-010 is left alone where it is typed from another account, which need not be one of Slack', () => {
    expect(inSlackWords('write `/link T2C9-7QKD` from that one')).toBe(
      'write `/link T2C9-7QKD` from that one',
    );
  });
});
