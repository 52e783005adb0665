/** A question that is done with, by whichever way: the deadline has waited, and a reply is still heard. */
import { describe, expect, it } from 'vitest';
import { ask, reply } from '../../../src/domain/approval/talk.ts';
import { tick } from '../../../src/domain/approval/time.ts';
import { vote } from '../../../src/domain/approval/voting.ts';
import { PersonId } from '../../../src/domain/ids.ts';
import { ALEX, anApproval, aVote, DEADLINE_MS, OPENED_MS, SLACK } from '../../support/approvals.ts';

const HOUR = 3_600_000;

function aQuestion(approval: Parameters<typeof aVote>[0]) {
  const { choice: _, ...question } = aVote(approval, { text: 'which one?', key: 'question' });
  return question;
}

function aVoter(person: string) {
  const { by, roles } = aVote(anApproval(), { person });
  return { by, roles };
}

describe('a question', () => {
  it('A10 leaves the others what it took of the deadline, when the one who put it says yes without a reply', () => {
    const opened = anApproval({
      policy: {
        approvers: { role: 'manager', count: 2 },
        choices: ['approve', 'deny', 'ask'],
        remindAfterMs: [],
        pauseMs: 4 * HOUR,
      },
    });
    const before = { ...opened, deadlineMs: OPENED_MS + 2 * HOUR };
    const asked = ask(before, aQuestion(before), OPENED_MS + HOUR).moved!.next;

    const theirs = vote(asked, aVote(asked, { key: 'yes' }), OPENED_MS + 3 * HOUR).moved!.next;

    expect([theirs.state, theirs.deadlineMs - OPENED_MS]).toEqual(['OPEN', 4 * HOUR]);
    expect(tick(theirs, OPENED_MS + 3 * HOUR + 1).moved).toBeUndefined();
    const second = vote(theirs, aVote(theirs, { person: 'erin', key: 'second' }), OPENED_MS + 3 * HOUR + 1);
    expect(second.result.code).toBe('DECIDED');
  });

  it('keeps nobody from taking back what they have said, whoever put it, and stays open', () => {
    const opened = anApproval({
      policy: {
        approvers: { role: 'manager', count: 3 },
        choices: ['approve', 'deny', 'ask', 'take-back'],
        remindAfterMs: [],
        pauseMs: 4 * HOUR,
      },
    });
    const one = vote(opened, aVote(opened, { key: 'yes' }), OPENED_MS + 1).moved!.next;
    const asked = ask(one, { ...aQuestion(one), ...aVoter('erin') }, OPENED_MS + 2).moved!.next;
    const own = ask(one, aQuestion(one), OPENED_MS + 2).moved!.next;

    for (const before of [asked, own]) {
      const back = vote(before, aVote(before, { choice: 'take-back', key: 'back' }), OPENED_MS + 3);
      expect([back.result.code, back.moved?.next.state]).toEqual(['RECORDED', 'NEEDS_INFO']);
      expect(back.moved?.next.assents).toEqual([]);
    }
    const more = vote(asked, aVote(asked, { person: 'lee', key: 'more' }), OPENED_MS + 3);
    expect(more.result.code).toBe('INVALID');
  });

  it('is what others have to wait for only with what a reply would make count', () => {
    const opened = anApproval({
      policy: {
        approvers: { role: 'manager', count: 3 },
        choices: ['approve', 'edit', 'answer', 'deny', 'ask', 'take-back'],
        options: [{ id: 'a', label: 'parcel A' }],
      },
    });
    const operator = { person: PersonId.parse('sam'), accounts: [] };
    const one = vote(opened, aVote(opened, { person: 'lee', operator, key: 'one' }), OPENED_MS).moved!.next;
    const asked = ask(one, { ...aQuestion(one), ...aVoter('erin') }, OPENED_MS + 1).moved!.next;
    const said = { key: 'reply', by: { person: ALEX, name: 'Alex' }, via: SLACK, text: '7', operates: false };
    const answered = reply(asked, said, OPENED_MS + 2).moved!.next;
    const { args } = asked.request;

    for (const [wish, later] of [
      [{}, 'RECORDED'],
      [{ choice: 'edit', edit: { args: { order: 8 } } }, 'RECORDED'],
      [{ choice: 'answer', text: 'a' }, 'DECIDED'],
      [{ choice: 'edit', edit: { args } }, 'INVALID'],
      [{ choice: 'edit', edit: 'the arguments do not fit' }, 'INVALID'],
      [{ choice: 'answer', text: 'b' }, 'INVALID'],
      [{ choice: 'answer', text: ' ' }, 'INVALID'],
      [{ person: 'sam' }, 'NOT_ELIGIBLE'],
    ] as const) {
      const before = vote(asked, aVote(asked, { ...wish, key: 'yes' }), OPENED_MS + 3);
      const after = vote(answered, aVote(answered, { ...wish, key: 'yes' }), OPENED_MS + 3);

      const waits = before.result.code === 'INVALID' && before.result.untilReply === true;
      expect([wish, after.result.code, waits]).toEqual([
        wish,
        later,
        ['RECORDED', 'DECIDED'].includes(later),
      ]);
      if (!waits) expect(before.result.code).toBe(later);
      expect(before.moved).toBeUndefined();
    }
  });

  it('keeps nobody waiting whose yes counts already', () => {
    const opened = anApproval({
      policy: { approvers: { role: 'manager', count: 3 }, choices: ['approve', 'ask'] },
    });
    const one = vote(opened, aVote(opened, { person: 'lee', key: 'one' }), OPENED_MS).moved!.next;
    const asked = ask(one, { ...aQuestion(one), ...aVoter('erin') }, OPENED_MS + 1).moved!.next;

    const again = vote(asked, aVote(asked, { person: 'lee', key: 'again' }), OPENED_MS + 2);

    expect(again.result).toMatchObject({ code: 'RECORDED' });
    expect(again.moved).toBeUndefined();
  });

  it('is still answered after time was up and others are asked as well', () => {
    const before = anApproval({
      policy: {
        choices: ['approve', 'ask'],
        remindAfterMs: [],
        ladder: [{ kind: 'escalate', approvers: { person: PersonId.parse('erin') }, forMs: 60_000 }],
      },
    });
    const asked = ask(before, aQuestion(before), OPENED_MS + 1).moved!.next;
    const escalated = tick(asked, OPENED_MS + DEADLINE_MS).moved!.next;
    const said = { key: 'reply', by: { person: ALEX, name: 'Alex' }, via: SLACK, text: '7', operates: false };

    const replied = reply(escalated, said, OPENED_MS + DEADLINE_MS + 1);

    expect(replied.result.code).toBe('RECORDED');
    const again = { ...said, key: 'again' };
    expect(reply(replied.moved!.next, again, OPENED_MS + DEADLINE_MS + 2).result.code).toBe('NOT_ASKED');
  });
});
