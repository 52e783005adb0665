/** What becomes of a request when the one who asked for it writes again. */
import { describe, expect, it } from 'vitest';
import { toView } from '../../../src/api/view.ts';
import { toCard } from '../../../src/approvals/card.ts';
import { consequencesOf } from '../../../src/approvals/consequences.ts';
import { claim } from '../../../src/domain/approval/execution.ts';
import type { Approval, ApprovalPolicy, Step } from '../../../src/domain/approval/record.ts';
import { mayReopen } from '../../../src/domain/approval/reopening.ts';
import { callOff, mayGiveWay, type Newer, supersede } from '../../../src/domain/approval/replacement.ts';
import { ask } from '../../../src/domain/approval/talk.ts';
import { dueOf, tick } from '../../../src/domain/approval/time.ts';
import { vote } from '../../../src/domain/approval/voting.ts';
import { ConversationId } from '../../../src/domain/ids.ts';
import { ALEX, anApproval, aVote, DANA, LEASE_MS, OPENED_MS, SLACK } from '../../support/approvals.ts';

const NOW = OPENED_MS + 1_000;
const writer = { person: ALEX, name: 'Alex Kim', via: SLACK };

const older = waiting({ onNewMessage: 'supersede' });
const newer = waiting({ onNewMessage: 'supersede' }, 'newer0000000');
const approved = moved(vote(older, aVote(older), NOW));
const running = moved(claim(approved, 'w1', approved.digest, NOW + 1));

function waiting(policy: Partial<ApprovalPolicy>, tail = 'older0000000'): Approval {
  return anApproval({
    tail,
    policy: { choices: ['approve', 'deny', 'ask'], pauseMs: 5_000, ...policy },
  });
}

function moved({ moved }: Step<unknown>): Approval {
  if (!moved) throw new Error('nothing has changed');
  return moved.next;
}

function withRequest(change: Partial<Newer['request']>): Newer {
  return { ...newer, request: { ...newer.request, ...change } };
}

describe('a newer request', () => {
  it('takes the place of one that waits, or whose question is open, or whose yes nobody has acted on', () => {
    const { choice: _, ...question } = aVote(older, { text: 'why?' });
    const asked = moved(ask(older, question, NOW));

    for (const before of [older, asked, approved]) {
      const after = moved(supersede(before, newer, NOW + 2));

      expect(after).toMatchObject({
        state: 'SUPERSEDED',
        supersededBy: newer.id,
        rev: before.rev + 1,
        face: before.face + 1,
        settledBy: { person: ALEX, name: 'Alex Kim', via: SLACK, atMs: NOW + 2 },
      });
      expect([dueOf(after), after.pausedMs]).toEqual([undefined, undefined]);
    }
  });

  it('takes the place of nothing that has begun, or may have', () => {
    const lost = moved(tick(running, NOW + 10 * LEASE_MS));
    const released = { ...approved, execution: running.execution! };

    for (const before of [running, lost, released]) {
      expect(supersede(before, newer, NOW)).toEqual({ result: { code: 'KEPT', approval: before } });
    }
    expect(lost.state).toBe('UNKNOWN');
  });

  it('takes no place but that of the same person’s request for the same tool in the same conversation', () => {
    const others: Newer[] = [
      withRequest({ tool: 'deploy' }),
      withRequest({ requester: DANA }),
      { ...newer, conversationId: ConversationId.parse('slack:T0:C0:2') },
      older,
    ];

    for (const other of others) expect(supersede(older, other, NOW).result.code).toBe('KEPT');
    expect(supersede(waiting({}), newer, NOW).result.code).toBe('KEPT');
    expect(supersede(waiting({ onNewMessage: 'cancel' }), newer, NOW).result.code).toBe('KEPT');
    const ofProgram = { ...older, client: { name: 'shop', key: 'k', fingerprint: 'f', permit: true } };
    expect(supersede(ofProgram, newer, NOW).result.code).toBe('KEPT');
  });

  it('takes it once: to do it again changes nothing, and no other takes it then', () => {
    const after = moved(supersede(older, newer, NOW));

    expect(supersede(after, newer, NOW + 1)).toEqual({ result: { code: 'REPLAY', approval: after } });
    expect(supersede(after, { ...newer, id: running.id }, NOW + 1).result.code).toBe('KEPT');
  });

  it('leaves what it replaced without a run, an answer or a second try', () => {
    const after = moved(supersede(approved, newer, NOW));
    const unanswered = moved(supersede(older, newer, NOW));

    expect(claim(after, 'w2', after.digest, NOW + 1).result.code).toBe('REFUSED');
    expect(vote(unanswered, aVote(unanswered), NOW + 1).result.code).toBe('ALREADY');
    expect(tick(unanswered, NOW + 10 * LEASE_MS).moved).toBeUndefined();
    expect(mayReopen(after, { person: ALEX, decides: true, operates: true }, NOW + 1)).toBe('REPLACED');
    expect(mayGiveWay(after)).toBe(false);
  });
});

describe('what follows when a newer request takes the place of one', () => {
  const before = waiting({ onNewMessage: 'supersede', escalation: 'duty' });
  const { moved: change } = supersede(before, newer, NOW);
  const effects = consequencesOf(before, change!, NOW);

  it('its conversation is woken, its cards are brought up to date, and nobody is called for it any more', () => {
    expect(effects).toContainEqual(
      expect.objectContaining({ kind: 'mail', item: expect.objectContaining({ state: 'SUPERSEDED' }) }),
    );
    const cards = effects.filter(
      (each) => each.kind === 'out' && 'kind' in each.item && each.item.kind === 'card',
    );
    expect(cards).toHaveLength(before.copies.length);
    expect(effects).toContainEqual(
      expect.objectContaining({
        queue: 'e',
        item: expect.objectContaining({ kind: 'close', remark: 'the request is superseded' }),
      }),
    );
  });

  it('the audit names who asked for the newer one, and from where', () => {
    expect(effects[0]).toMatchObject({
      kind: 'audit',
      event: {
        event: 'approval.superseded',
        actor: ALEX,
        channel: 'slack',
        detail: { from: 'OPEN', to: 'SUPERSEDED' },
        words: { set: { supersededBy: newer.id } },
      },
    });
  });

  it('programs and cards are shown by which', () => {
    const { next } = change!;

    expect(toView(next)).toMatchObject({ outcome: 'superseded', supersededBy: newer.id, supersedes: [] });
    expect(toView({ ...newer, supersedes: [before.id] })).toMatchObject({ supersedes: [before.id] });
    expect(toCard(next, undefined)).toMatchObject({
      choices: [],
      status: { state: 'superseded', sentence: expect.stringContaining(newer.id) },
    });
  });
});

describe('a newer message', () => {
  const older = waiting({ onNewMessage: 'cancel' });

  it('calls off what waits, where the policy says so, if its requester wrote it', () => {
    const after = moved(callOff(older, writer, NOW));

    expect(after).toMatchObject({
      state: 'CANCELLED',
      remark: 'there is a newer message',
      settledBy: { person: ALEX, via: SLACK, atMs: NOW },
    });
    expect(callOff(after, writer, NOW + 1).moved).toBeUndefined();
    expect(callOff(older, { ...writer, person: DANA }, NOW).moved).toBeUndefined();
  });

  it('calls off nothing that was decided, and nothing whose policy says otherwise', () => {
    const decided = moved(vote(older, aVote(older), NOW));

    expect(callOff(decided, writer, NOW).moved).toBeUndefined();
    for (const policy of [{}, { onNewMessage: 'supersede' as const }]) {
      expect(callOff(waiting(policy), writer, NOW).moved).toBeUndefined();
    }
  });
});
