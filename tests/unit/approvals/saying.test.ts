/** What is said about a request is sent only while it is true. */
import { describe, expect, it } from 'vitest';
import { generationOf, stillTrue } from '../../../src/approvals/saying.ts';
import type { Approval } from '../../../src/domain/approval/record.ts';
import { ask, reply } from '../../../src/domain/approval/talk.ts';
import { tick } from '../../../src/domain/approval/time.ts';
import { vote } from '../../../src/domain/approval/voting.ts';
import { RoleName } from '../../../src/domain/person.ts';
import { ALEX, anApproval, aVote, OPENED_MS, SLACK } from '../../support/approvals.ts';

const WORDS = 'as it was written';
const director = { role: RoleName.parse('director') };
const two = { role: RoleName.parse('manager'), count: 2 };

const opened = anApproval({
  policy: {
    approvers: two,
    choices: ['approve', 'deny', 'edit', 'ask'],
    remindAfterMs: [],
    ladder: [{ kind: 'escalate', approvers: director, forMs: 60_000 }],
  },
});
const { choice: _, ...question } = aVote(opened, { text: 'which?', key: 'q' });
const asked = ask(opened, question, OPENED_MS + 1).moved!.next;
const denied = vote(opened, aVote(opened, { choice: 'deny' }), OPENED_MS + 1).moved!.next;
const withYes = vote(opened, aVote(opened), OPENED_MS + 1).moved!.next;
const other = vote(opened, aVote(opened, { choice: 'edit', edit: { args: { order: 8 } } }), OPENED_MS + 1)
  .moved!.next;

/** A reminder for Dana of what was open, when it comes to be sent. */
const reminder = (now: Approval | undefined) =>
  stillTrue({ markdown: WORDS, about: { kind: 'reminder', ...generationOf(opened), copyId: 'dana' } }, now);

describe('a reminder that is sent late', () => {
  it('is not sent when the request was settled, changed or is nowhere any more', () => {
    for (const now of [denied, other, asked, undefined]) expect(reminder(now)).toBeUndefined();
  });

  it('is not sent to whoever has answered meanwhile', () => {
    expect(reminder(withYes)).toBeUndefined();
  });

  it('is sent in the words that are true now', () => {
    const further = tick(opened, opened.deadlineMs).moved!.next;

    expect(reminder(opened)).toContain('until 1 Jan 2026, 00:01 UTC');
    expect(reminder(further)).toContain('until 1 Jan 2026, 00:02 UTC');
  });

  it('of a call of unknown outcome is not sent once somebody has found out', () => {
    const unknown: Approval = { ...opened, state: 'UNKNOWN' };

    expect(reminder(unknown)).toContain('Still unknown');
    expect(reminder({ ...unknown, state: 'EXECUTED' })).toBeUndefined();
  });
});

describe('a question about a request', () => {
  const about = { kind: 'question', ...generationOf(asked) } as const;
  const put = (now: Approval) => stillTrue({ markdown: WORDS, about }, now);

  it('is put as long as nobody has replied, also when the request went on to others', () => {
    expect(put(asked)).toBe(WORDS);
    expect(put(tick(asked, asked.deadlineMs).moved!.next)).toBe(WORDS);
  });

  it('is not put when there was a reply, or the request is over', () => {
    const word = { key: 'r', by: { person: ALEX, name: 'Alex' }, via: SLACK, text: 'the blue one' };
    const replied = reply(asked, { ...word, operates: false }, OPENED_MS + 2).moved!.next;

    expect(put(replied)).toBeUndefined();
    expect(put({ ...asked, state: 'CANCELLED' })).toBeUndefined();
  });
});

describe('that nobody can be asked', () => {
  const about = { kind: 'unasked', ...generationOf(opened) } as const;

  it('is said as long as the request waits, and not afterwards', () => {
    expect(stillTrue({ markdown: WORDS, about }, asked)).toBe(WORDS);
    expect(stillTrue({ markdown: WORDS, about }, denied)).toBeUndefined();
  });

  it('that somebody cannot be brought it is said while somebody is waited for, whatever it asks by then', () => {
    const about = { kind: 'undelivered' as const, approvalId: opened.id };
    const told = (now: Approval) => stillTrue({ markdown: WORDS, about }, now);

    expect(told({ ...opened, gen: opened.gen + 1 })).toBe(WORDS);
    expect(told({ ...opened, state: 'UNKNOWN' })).toBe(WORDS);
    for (const state of ['APPROVED', 'EXECUTED', 'CANCELLED'] as const) {
      expect(told({ ...opened, state })).toBeUndefined();
    }
  });
});
