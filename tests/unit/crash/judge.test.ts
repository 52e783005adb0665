import { describe, expect, it } from 'vitest';
import { ApprovalId } from '../../../src/domain/ids.ts';
import { type Evidence, judge } from '../../crash/judge.ts';
import { type Message, type MessageKind, orderOf } from '../../crash/message.ts';
import { disorderIn, toReply } from '../../crash/model.ts';
import { explainDouble } from '../../crash/surfaces/slack-surface.ts';
import { isAboutHands, isBegun, keyOf, type Post, platformOf } from '../../crash/surfaces/surface.ts';
import type { Takeover } from '../../crash/takeovers.ts';

const ROOT = '1.000001';

function said(number: number, kind: MessageKind = 'plain'): Message {
  return { conversation: 1, number, kind, acknowledgedAt: 1 };
}

/** A message of ours in the thread. */
function post(text: string, key: string, more: Partial<Post> = {}): Post {
  return { text, key, isProgress: false, isOpen: false, raw: text, ...more };
}

function answer(number: number, key = `reply:${number}#1`): Post {
  return post(toReply('answer', { conversation: 1, number }, 'all is well.'), key);
}

function refund(number: number, id: string): Evidence['refunds'][number] {
  const order = orderOf({ conversation: 1, number });
  return {
    kind: 'refund',
    id,
    at: '2026-01-01T00:00:00Z',
    key: 'k',
    order,
    amount: 20,
    currency: 'EUR',
    reason: 'r',
  };
}

/** The parts of an approval that are judged. */
function approval(number: number, state: string): Evidence['approvals'][number] {
  return {
    id: ApprovalId.parse(`apr_p1_${String(number).padStart(12, '0')}`),
    state,
    request: { args: { order: orderOf({ conversation: 1, number }) } },
    execution: { epoch: 1 },
  } as unknown as Evidence['approvals'][number];
}

function judged(evidence: Partial<Evidence> & { thread?: readonly Post[] }) {
  return judge({
    messages: [],
    refunds: [],
    approvals: [],
    explainDouble: () => 'because',
    disorder: [],
    takeovers: [],
    shown: new Set(),
    threads: new Map([[1, evidence.thread ?? []]]),
    ...evidence,
  });
}

describe('the judgement of a scenario', () => {
  it('finds nothing wrong where every message has its answer, in order', () => {
    const verdict = judged({ messages: [said(1), said(2)], thread: [answer(1), answer(2)] });

    expect(verdict).toEqual({
      accepted: 2,
      lost: [],
      reordered: [],
      doubledEffects: [],
      falseEffects: [],
      doubledReplies: [],
      doubledDespiteKey: [],
      unknownOutcomes: [],
      staleCards: [],
      strayProgress: [],
      saidOver: [],
      withheld: 0,
    });
  });

  it('misses an answer that is not there, or is only progress', () => {
    const progress = post(toReply('answer', { conversation: 1, number: 2 }, ''), 'reply:2#1', {
      isProgress: true,
    });

    const verdict = judged({ messages: [said(1), said(2), said(3)], thread: [answer(1), progress] });

    expect(verdict.lost).toEqual([expect.stringContaining('c1 m2'), expect.stringContaining('c1 m3')]);
    expect(verdict.strayProgress).toHaveLength(1);
  });

  it('misses what became of a call', () => {
    const call = post(toReply('call', { conversation: 1, number: 1 }, 'asking the shop.'), 'reply:1#1');

    expect(judged({ messages: [said(1, 'allowed')], thread: [call] }).lost).toHaveLength(1);
  });

  it('sees an answer that came after a later one', () => {
    const verdict = judged({ messages: [said(1), said(2)], thread: [answer(2), answer(1)] });

    expect(verdict.reordered).toHaveLength(1);
  });

  it('counts refunds beyond the first, and those nobody asked for', () => {
    const verdict = judged({
      messages: [said(1, 'allowed'), said(2)],
      refunds: [refund(1, 'r1'), refund(1, 'r2'), refund(1, 'r3'), refund(2, 'r4')],
    });

    expect(verdict.doubledEffects).toHaveLength(2);
    expect(verdict.falseEffects).toEqual([expect.stringContaining('nobody asked')]);
  });

  it('does not believe that a refund was made of which the shop knows nothing', () => {
    const verdict = judged({ approvals: [approval(1, 'EXECUTED')] });

    expect(verdict.falseEffects).toEqual([expect.stringContaining('is said to be refunded and is not')]);
  });

  it('says of an unknown outcome what really happened', () => {
    const verdict = judged({
      approvals: [approval(1, 'UNKNOWN'), approval(2, 'UNKNOWN')],
      refunds: [refund(1, 'r1')],
    });

    expect(verdict.unknownOutcomes.map(({ happened }) => happened)).toEqual([true, false]);
  });

  it('explains a doubled reply, and takes no explanation where the platform has a key against it', () => {
    const key = 'reply:1#1';
    const thread = [answer(1, key), answer(1, key)];

    expect(judged({ thread }).doubledReplies).toEqual([
      { thread: 'c1 (discord)', key, times: 2, explanation: 'because' },
    ]);
    const despite = judged({ thread, explainDouble: () => undefined });
    expect(despite.doubledReplies).toEqual([]);
    expect(despite.doubledDespiteKey).toEqual([`${key} is there 2 times in c1 (discord)`]);
  });

  it('sees the same answer under two keys, which no platform drops, on every platform', () => {
    const thread = [
      answer(1, '<a@gateway.test>'),
      answer(1, '<b@gateway.test>'),
      answer(2, '<c@gateway.test>'),
    ];

    expect(judged({ thread }).doubledDespiteKey).toEqual([
      'answer m1, under several keys is there 2 times in c1 (discord)',
    ]);
    expect(judged({ thread: thread.slice(1) }).doubledDespiteKey).toEqual([]);
  });

  it('explains a reply that is twice in Slack by whether the first was looked for', () => {
    const key = 'reply:1#1';
    const take = { method: 'chat.postMessage', args: { metadata: JSON.stringify({ key }) }, result: 'ok' };
    const look = { method: 'conversations.replies', args: { ts: ROOT }, result: 'ok' };

    expect(explainDouble(ROOT, key, [take, take])).toBeUndefined();
    expect(explainDouble(ROOT, key, [take, look, take])).toContain('was searched');
  });

  it('finds a card that still offers a choice though it was made', () => {
    const open = approval(1, 'OPEN');
    const made = approval(2, 'EXECUTED');
    const card = ({ id }: { id: string }) =>
      post('Approval needed', `card:${id}`, { isOpen: true, raw: `Approval needed ${id}` });

    const verdict = judged({ thread: [card(open), card(made)], approvals: [open, made] });

    expect(verdict.staleCards).toEqual([expect.stringContaining(made.id)]);
  });
});

describe('a conversation that Dana took over', () => {
  const shown = (...numbers: number[]) => new Set(numbers.map((number) => `c1 m${number}`));
  /** It was announced behind the answer to m1; m3 was the last message to her. */
  const takeover = (more: Partial<Takeover> = {}): Takeover => ({
    conversation: 1,
    before: [answer(1), post('Dana has taken over', 'control')],
    overheard: [],
    endedAfter: 3,
    ...more,
  });
  const messages = [said(1), said(2), said(3, 'to-dana'), said(4)];

  it('C3 C5 needs no answer to what was said meanwhile, if the agent read it and answers what comes next', () => {
    const thread = [answer(1), answer(4)];

    const verdict = judged({ messages, thread, takeovers: [takeover()], shown: shown(1, 2, 3, 4) });

    expect(verdict).toMatchObject({ lost: [], saidOver: [], withheld: 1 });
  });

  it('C3 has lost what the agent never read', () => {
    const thread = [answer(1), answer(4)];

    const verdict = judged({ messages, thread, takeovers: [takeover()], shown: shown(1, 2, 4) });

    expect(verdict.lost).toEqual([expect.stringContaining('c1 m3: the agent never read')]);
  });

  it('C5 has lost the message after it when that is not answered', () => {
    const verdict = judged({
      messages,
      thread: [answer(1)],
      takeovers: [takeover()],
      shown: shown(1, 2, 3, 4),
    });

    expect(verdict.lost).toEqual([expect.stringContaining('c1 m4')]);
  });

  it('has lost what was passed over before: a later message was answered', () => {
    const before = [answer(2)];

    const verdict = judged({
      messages,
      thread: [answer(2), answer(4)],
      takeovers: [takeover({ before })],
      shown: shown(1, 2, 3, 4),
    });

    expect(verdict.lost).toEqual([expect.stringContaining('c1 m1')]);
  });

  it.each([
    ['answered a message from before', 2],
    ['answered a message to her', 3],
  ])('C1 C2 sees that the agent %s after it was announced', (_, number) => {
    const thread = [answer(1), answer(number), answer(4)];

    const verdict = judged({ messages, thread, takeovers: [takeover()], shown: shown(1, 2, 3, 4) });

    expect(verdict.saidOver).toEqual([`answer c1 m${number} in c1 (discord)`]);
  });

  it('C1 remembers what was said and taken back again', () => {
    const takeovers = [takeover({ overheard: ['answer …'] })];

    const verdict = judged({ messages, thread: [answer(1), answer(4)], takeovers, shown: shown(1, 2, 3, 4) });

    expect(verdict.saidOver).toEqual(['answer … in c1 (discord)']);
  });

  it('counts what was said in whole before the takeover, though it is said there later that it broke off', () => {
    const takeovers = [takeover({ before: [answer(1), answer(2)] })];

    const verdict = judged({ messages, thread: [answer(1), answer(4)], takeovers, shown: shown(1, 2, 3, 4) });

    expect(verdict.lost).toEqual([]);
  });

  it('does not count begun words as an answer', () => {
    const begun = post(toReply('answer', { conversation: 1, number: 2 }, ''), 'k', { isProgress: true });
    const takeovers = [takeover({ before: [answer(1), begun] })];

    const verdict = judged({ messages, thread: [answer(1), answer(4)], takeovers, shown: shown(1, 2, 3, 4) });

    expect(verdict).toMatchObject({ lost: [], saidOver: [], withheld: 1 });
  });
});

describe('platforms', () => {
  it('share the conversations evenly', () => {
    const names = Array.from({ length: 200 }, (_, index) => platformOf(index + 1));
    for (const name of ['slack', 'discord', 'jira', 'email']) {
      expect(names.filter((each) => each === name)).toHaveLength(50);
    }
  });

  it('know a message by what it is about where its own key is not seen', () => {
    expect(keyOf('answer c3 m4: all is well.')).toBe('answer c3 m4');
    expect(keyOf('refund: order 300004, amount 80')).toBe('card of order 300004');
    expect(keyOf('Thinking…')).toBeUndefined();
    expect(isAboutHands('**Dana Reyes has taken over.** You are talking to a person now.')).toBe(true);
    expect(isAboutHands('answer c3 m4: all is well.')).toBe(false);
    expect(isBegun('answer c3 m4: all is well. …')).toBe(true);
    expect(isBegun('answer c3 m4: all is well.')).toBe(false);
  });
});

describe('the order the model is shown', () => {
  const numbers = (...list: number[]) => list.map((number) => ({ conversation: 1, number }));

  it('is right when nothing is missing, doubled or exchanged', () => {
    expect(disorderIn(numbers(1, 2, 3))).toBeUndefined();
    // A long conversation is shown from somewhere in its middle on.
    expect(disorderIn(numbers(7, 8))).toBeUndefined();
  });

  it.each([
    [numbers(1, 3)],
    [numbers(1, 1)],
    [numbers(2, 1)],
    [[...numbers(1), { conversation: 2, number: 2 }]],
  ])('is wrong in %j', (said) => {
    expect(disorderIn(said)).toBeDefined();
  });
});
