import { describe, expect, it } from 'vitest';
import { ApprovalId } from '../../../src/domain/ids.ts';
import type { SlackMessage } from '../../../src/sandbox/slack/workspace.ts';
import { type Evidence, judge } from '../../crash/judge.ts';
import { type Message, type MessageKind, orderOf } from '../../crash/message.ts';
import { disorderIn, toReply } from '../../crash/model.ts';

const ROOT = '1.000001';

function said(number: number, kind: MessageKind = 'plain'): Message {
  return { conversation: 1, number, kind, acknowledgedAt: 1 };
}

let posted = 1;

/** A message of ours in the thread. */
function post(text: string, key: string, more: { state?: string; blocks?: unknown } = {}): SlackMessage {
  return {
    ts: `1.${String(++posted).padStart(6, '0')}`,
    channel: 'C1',
    user: 'U0SIGNALBOX',
    bot_id: 'B0SIGNALBOX',
    thread_ts: ROOT,
    text,
    metadata: { event_type: 'signalbox_message', event_payload: { key, state: more.state ?? 'final' } },
    // Blocks of the test's own making.
    ...(more.blocks === undefined ? {} : { blocks: more.blocks as SlackMessage['blocks'] }),
  } as SlackMessage;
}

function answer(number: number, key = `reply:${number}#1`): SlackMessage {
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

function judged(evidence: Partial<Evidence> & { thread?: readonly SlackMessage[] }) {
  return judge({
    messages: [],
    refunds: [],
    approvals: [],
    calls: [],
    disorder: [],
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
      unknownOutcomes: [],
      staleCards: [],
      strayProgress: [],
    });
  });

  it('misses an answer that is not there, or is only progress', () => {
    const progress = post(toReply('answer', { conversation: 1, number: 2 }, ''), 'reply:2#1', {
      state: 'progress',
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

  it('explains a doubled reply by whether the first was looked for', () => {
    const key = 'reply:1#1';
    const take = { method: 'chat.postMessage', args: { metadata: JSON.stringify({ key }) }, result: 'ok' };
    const look = { method: 'conversations.replies', args: { ts: ROOT }, result: 'ok' };
    const root = { ...answer(9, 'root'), ts: ROOT };
    const thread = [root, answer(1, key), answer(1, key)];

    const [careless] = judged({ thread, calls: [take, take] }).doubledReplies;
    const [careful] = judged({ thread, calls: [take, look, take] }).doubledReplies;

    expect(careless).toMatchObject({ key, times: 2, explanation: expect.stringContaining('nobody looked') });
    expect(careful?.explanation).toContain('was searched');
  });

  it('finds a card that still offers a choice though it was made', () => {
    const open = approval(1, 'OPEN');
    const made = approval(2, 'EXECUTED');
    const card = ({ id }: { id: string }) =>
      post('Approval needed', `card:${id}`, { blocks: [{ value: id, action_id: 'signalbox.approve' }] });

    const verdict = judged({ thread: [card(open), card(made)], approvals: [open, made] });

    expect(verdict.staleCards).toEqual([expect.stringContaining(made.id)]);
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
