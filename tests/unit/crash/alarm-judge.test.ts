import { describe, expect, it } from 'vitest';
import { EscalationId, PersonId, Platform } from '../../../src/domain/ids.ts';
import { type AlarmEvidence, judgeAlarms } from '../../crash/alarm-judge.ts';
import { type Call, callsIn, type Taking } from '../../crash/alarms.ts';
import { labelOf, type Message, textOf } from '../../crash/message.ts';

type Standing = AlarmEvidence['escalations'][number]['standing'];

const DANA = { person: PersonId.parse('dana'), name: 'Dana' };
const HERS: Standing = { state: 'ACKED', owner: DANA, sinceMs: 0, asked: false };

function idOf(conversation: number): EscalationId {
  return EscalationId.parse(`esc_p1_${String(conversation).padStart(12, '0')}`);
}

function alarm(conversation: number): Message {
  return { conversation, number: 3, kind: 'alarm', acknowledgedAt: 1 };
}

function call(conversation: number, to: Call['to'], more: Partial<Call> = {}): Call {
  return {
    escalation: idOf(conversation),
    conversation,
    to,
    key: `${conversation} ${to}`,
    atMs: 1_000,
    ...more,
  };
}

function taking(conversation: number, atMs = 2_000): Taking {
  return { escalation: idOf(conversation), atMs };
}

function escalation(conversation: number, standing: Standing = HERS): AlarmEvidence['escalations'][number] {
  return { id: idOf(conversation), standing, words: textOf(alarm(conversation)), epoch: 1 };
}

/** Conversation 2 is taken at once, conversation 3 once the channel is called. */
function judged(evidence: Partial<AlarmEvidence>) {
  return judgeAlarms({
    messages: [alarm(2), alarm(3)],
    calls: [call(2, 'dana'), call(3, 'dana'), call(3, 'channel')],
    takings: [taking(2), taking(3)],
    escalations: [escalation(2), escalation(3)],
    pagers: [],
    nowMs: 10_000,
    explainDouble: () => undefined,
    ...evidence,
  });
}

const FINE = { raised: 2, taken: 2, forgotten: [], calledTwice: [], calledAgain: [], calledAfter: [] };

describe('who was to be called', () => {
  it('was called, once, and it is known who has it', () => {
    expect(judged({})).toEqual(FINE);
  });

  it.each<[string, Partial<AlarmEvidence>, string]>([
    ['nothing is stored', { escalations: [escalation(2)] }, 'c3 m3: nothing is known of it'],
    ['Dana was not called', { calls: [call(3, 'dana'), call(3, 'channel')] }, 'c2 m3: Dana was not called'],
    [
      'the channel was not',
      { calls: [call(2, 'dana'), call(3, 'dana')] },
      'c3 m3: the channel was not called',
    ],
    ['nobody took it', { takings: [taking(2)] }, 'c3 m3: nobody has taken it yet'],
    [
      'who has it is not known any more',
      { escalations: [escalation(2), escalation(3, { state: 'ACTIVE', nextMs: 1 })] },
      'c3 m3: Dana took it, and it is ACTIVE',
    ],
  ])('is forgotten when %s', (_what, evidence, words) => {
    expect(judged(evidence)).toMatchObject({
      forgotten: [expect.stringMatching(new RegExp(`^${words} \\(`))],
    });
  });

  it('is said with what is known of it, and with what is still to be told', () => {
    const page = { id: 'page', escalation: idOf(2), epoch: 1, platform: Platform.parse('slack'), atMs: 1 };
    const waiting = [{ ...page, importance: 'urgent', why: 'call', markdown: '' } as const];
    const escalations = [escalation(2, { state: 'ACTIVE', nextMs: 1 }), escalation(3)];

    const { forgotten } = judged({
      calls: [call(2, 'channel'), call(3, 'dana'), call(3, 'channel')],
      escalations,
      pagers: [{ person: DANA.person, waiting, nextMs: 12_000 }],
    });

    expect(forgotten).toEqual([
      `c2 m3: Dana was not called (${idOf(2)} is {"state":"ACTIVE","nextMs":1} at epoch 1; called: channel; call of epoch 1 waits for dana, who is told in 2000 ms)`,
    ]);
  });

  it('is not forgotten when it was over before', () => {
    const escalations = [escalation(2), escalation(3, { state: 'RESOLVED' })];

    expect(judged({ calls: [call(2, 'dana'), call(3, 'dana')], takings: [taking(2)], escalations })).toEqual({
      ...FINE,
      taken: 1,
    });
  });

  it('is called twice by two posts; explained where the first was looked for before the second', () => {
    const calls = [call(2, 'dana'), call(2, 'dana'), call(3, 'dana'), call(3, 'channel')];
    const words = `dana was called 2 times about ${idOf(2)}`;

    expect(judged({ calls })).toEqual({ ...FINE, calledTwice: [words] });
    expect(judged({ calls, explainDouble: () => 'looked for' })).toEqual({
      ...FINE,
      calledAgain: [`${words}: looked for`],
    });
    const underTwoKeys = calls.map((each, index) => ({ ...each, key: `${index}` }));
    expect(judged({ calls: underTwoKeys, explainDouble: () => 'looked for' }).calledTwice).toEqual([words]);
  });

  it('is not called after it was taken, but for what was on its way then', () => {
    const late = (atMs: number) => [
      call(2, 'dana'),
      call(2, 'channel', { atMs }),
      call(3, 'dana'),
      call(3, 'channel'),
    ];

    expect(judged({ calls: late(2_500) })).toEqual(FINE);
    expect(judged({ calls: late(9_000) }).calledAfter).toEqual([`${idOf(2)}: channel`]);
  });
});

describe('a message of the bot', () => {
  it('may call somebody about several things', () => {
    const about = (conversation: number) =>
      `**Somebody wrote** “${textOf(alarm(conversation))}”\n\nSomebody has to look after this. \`/ack ${idOf(conversation)}\` says so; \`/snooze ${idOf(conversation)} 1h\``;
    const message = { ts: '5.000000', user: 'U', bot_id: 'B', text: `${about(2)}\n\n---\n\n${about(3)}` };

    expect(callsIn(message as Parameters<typeof callsIn>[0], 'dana')).toMatchObject([
      { escalation: idOf(2), conversation: 2, to: 'dana', atMs: 5_000 },
      { escalation: idOf(3), conversation: 3, to: 'dana', atMs: 5_000 },
    ]);
    const news = `Dana looks after ${idOf(2)} (${labelOf(alarm(2))}) now`;
    expect(callsIn({ ...message, text: news } as Parameters<typeof callsIn>[0], 'dana')).toEqual([]);
  });
});
