import { describe, expect, it } from 'vitest';
import { type Control, requestHandoff, tick as tickControl, untouched } from '../../../src/domain/control.ts';
import {
  acknowledge,
  cancel,
  close,
  letGo,
  push,
  resolve,
  snooze,
} from '../../../src/domain/escalation/answers.ts';
import { type Report, raise, tick } from '../../../src/domain/escalation/course.ts';
import { EscalationPlan, type PlanStep } from '../../../src/domain/escalation/plan.ts';
import { dueOf, type Escalation, type EscalationMove } from '../../../src/domain/escalation/record.ts';
import { AccountId, ApprovalId, ConversationId, EscalationId, PersonId } from '../../../src/domain/ids.ts';
import { guestIdOf } from '../../../src/domain/person.ts';
import { followTakeover, followWait, type Taking, toWait } from '../../../src/escalation/human-wait.ts';
import { surroundings } from '../../support/escalation-world.ts';

const CONVERSATION = ConversationId.parse('slack:T0:C0:1');
const OTHER = EscalationId.parse('esc_p0_222222222222');
const OSKAR = { person: PersonId.parse('oskar'), name: 'Oskar' };
const NOBODY = { hours: {}, schedules: {}, roles: {}, links: {}, posts: [] };
const DEED = { by: { person: PersonId.parse('dana'), name: 'Dana' }, permitted: true };
const WAIT_MS = 600_000;
const HOUR = 3_600_000;
const HAND_OFF: PlanStep = { kind: 'hand-off', id: 's0' };

describe('a wait for a human', () => {
  it.each<[string, (begun: Escalation) => EscalationMove | undefined, string]>([
    ['somebody looks after it', (begun) => acknowledge(begun, DEED, 1).moved, 'looked-after'],
    ['it was done', (begun) => resolve(begun, DEED, 'all is well').moved, 'settled'],
    ['it was called off', (begun) => cancel(begun, DEED).moved, 'handoff-withdrawn'],
  ])('C4 learns that %s', (_, change, event) => {
    const moved = change(begunBy('handoff:duty:it'))!;

    expect(toWait(begunBy('handoff:duty:it'), moved, 1)).toHaveLength(1);
    expect(followWait(asked(), moved.next, 1, 1).moved).toMatchObject({ event });
  });

  it('C4 ends no earlier than whoever looks after it can have said whether they still do', () => {
    const taken = acknowledge(begunBy('handoff:duty:it'), DEED, 1).moved!.next;

    const { next } = followWait(asked(), taken, 1, 1).moved!;

    const afterItIsKnown = 1 + HOUR + HOUR / 4;
    expect(next).toMatchObject({ state: 'HANDOFF_PENDING', helpers: [{ name: 'Dana' }] });
    expect('untilMs' in next && next.untilMs).toBeGreaterThan(afterItIsKnown);
  });

  it('C4 ends for whoever is asked by nobody when nothing of that age is asked about any more', () => {
    const taken = acknowledge(begunBy('handoff:duty:it', { isTrusted: true }), DEED, 1).moved!.next;

    expect(followWait(asked(), taken, 1, 1).moved?.next).toMatchObject({ untilMs: 1 + 72 * HOUR });
  });

  it('C4 goes on as before when they let go', () => {
    const taken = acknowledge(begunBy('handoff:duty:it'), DEED, 1).moved!.next;
    const helped = followWait(asked(), taken, 1, 1).moved!.next;
    const left = letGo(taken, DEED, HOUR).moved!;

    expect(toWait(taken, left, HOUR)).toHaveLength(1);
    expect(followWait(helped, left.next, HOUR, HOUR).moved).toMatchObject({
      event: 'let-go',
      next: { untilMs: HOUR + WAIT_MS - 1 },
    });
  });

  it('C4 goes on for whoever was called by two policies and lets go of one', () => {
    const first = begunBy('handoff:duty:it');
    const second = { ...begunBy('handoff:second:it'), id: EscalationId.parse('esc_p0_111111111111') };
    const taken = acknowledge(first, DEED, 1).moved!.next;
    const alsoTaken = acknowledge(second, DEED, 1).moved!.next;
    const helped = followWait(asked(), taken, 1, 1).moved!.next;
    const helpedTwice = followWait(helped, alsoTaken, 1, 1).moved!.next;
    const left = letGo(taken, DEED, HOUR).moved!.next;

    const { next, event } = followWait(helpedTwice, left, HOUR, HOUR).moved!;

    expect(event).toBe('active');
    expect(next).toMatchObject({ helpers: [{ name: 'Dana', escalation: second.id }] });
    expect('untilMs' in next && next.untilMs).toBeGreaterThan(HOUR + WAIT_MS);
  });

  describe('where another policy fell silent for a human, too', () => {
    const other = { ...begunBy('message:duty:it', { steps: [HAND_OFF] }), id: OTHER };
    const policy = { by: { kind: 'escalation', policy: 'legal', escalation: OTHER } } as const;
    const both = requestHandoff(asked(), policy, { waitMs: HOUR }, 1).moved!.next;
    const wish = begunBy('handoff:duty:it');
    const done = resolve(wish, DEED, 'all is well').moved!.next;

    it('E1 goes on for that one, and is over once that is, too', () => {
      const { next, event } = followWait(both, done, 2, 2).moved!;

      expect(event).toBe('settled-in-part');
      expect(next).toMatchObject({ state: 'HANDOFF_PENDING', request: policy, untilMs: 1 + HOUR });
      const otherDone = resolve(other, DEED, 'so is this').moved!.next;
      expect(followWait(next, otherDone, 3, 3).moved).toMatchObject({
        event: 'settled',
        next: { state: 'BOT' },
      });
    });

    it('E1 goes on for as long as whoever was called by that looks after it', () => {
      const theirs = acknowledge(other, DEED, 2).moved!.next;
      const helped = followWait(both, theirs, 2, 2).moved!.next;

      const { next } = followWait(helped, done, 3, 3).moved!;

      expect(next).toMatchObject({ request: policy, helpers: [{ name: 'Dana', escalation: OTHER }] });
      expect('untilMs' in next && next.untilMs).toBeGreaterThan(HOUR);
      const left = letGo(theirs, DEED, 4).moved!.next;
      expect(followWait(next, left, 4, 4).moved?.next).toMatchObject({ helpers: [], untilMs: 2 + HOUR });
    });

    it('E1 goes on for that one where nobody came to the first, and ends once nobody has come to either', () => {
      const { next, event } = tickControl(both, WAIT_MS).moved!;

      expect(event).toBe('unanswered-in-part');
      expect(next).toMatchObject({ state: 'HANDOFF_PENDING', epoch: both.epoch, request: policy });
      expect(tickControl(next, HOUR).moved).toBeUndefined();
      expect(tickControl(next, 1 + HOUR).moved).toMatchObject({
        event: 'handoff-unanswered',
        next: { state: 'BOT', calledBy: [OTHER] },
      });
    });

    it('E1 is told as nothing that anybody has done where it was called off', () => {
      const off = cancel(wish, DEED).moved!.next;

      const moved = followWait(both, off, 2, 2).moved!;

      expect(moved).toMatchObject({ event: 'settled-in-part', settled: {} });
      expect(moved.settled).not.toHaveProperty('by');
    });

    it('E1 is waited for again where it had fallen silent for somebody in an earlier wait', () => {
      const done = resolve(other, DEED, 'it works').moved!.next;
      const first = requestHandoff(untouched(CONVERSATION), policy, { waitMs: WAIT_MS }, 0).moved!.next;
      const over = followWait(first, done, 1, 1).moved!.next;
      const wished = requestHandoff(over, { by: { kind: 'agent' } }, { waitMs: WAIT_MS }, 2).moved!.next;

      const again = requestHandoff(wished, policy, { waitMs: HOUR }, 3).moved!.next;

      expect(wished.calledBy).toBeUndefined();
      expect(again).toMatchObject({ further: [{ request: policy, untilMs: 3 + HOUR }], calledBy: [OTHER] });
      const later = requestHandoff(again, policy, { waitMs: HOUR }, 9).moved!.next;
      expect(later).toMatchObject({ further: [{ untilMs: 9 + HOUR }] });
    });

    it('E1 is over where nobody is waited for by that any more', () => {
      const over = resolve(other, DEED, 'never mind').moved!.next;
      const forgotten = followWait(both, over, 2, 2).moved!;

      expect(forgotten.event).toBe('active');
      expect(followWait(forgotten.next, done, 3, 3).moved).toMatchObject({ event: 'settled' });
      expect(followWait(both, done, 2 * HOUR, 2 * HOUR).moved).toMatchObject({ event: 'settled' });
    });
  });

  it.each<[string, Control, Escalation]>([
    ['which is about something else', asked(), taken('tool-failed:duty:it:shop')],
    ['which began another wait', asked('esc_p0_111111111111'), taken('message:duty:it', [HAND_OFF])],
    ['which it began after', { ...asked(), sinceMs: 5 } as Control, taken('handoff:duty:it')],
  ])('is none of an escalation %s', (_, control, escalation) => {
    expect(followWait(control, escalation, 1, 6).moved).toBeUndefined();
  });

  it('is over when what a policy fell silent for is over by itself', () => {
    const begun = begunBy('message:duty:it', { steps: [HAND_OFF] });
    const over = close(begun, 'it was decided').moved!.next;

    expect(followWait(asked(begun.id), over, 1, 1).moved).toMatchObject({
      event: 'settled',
      settled: { summary: 'it was decided' },
    });
  });

  it('is not over because nobody waits for it elsewhere', () => {
    const over = close(begunBy('handoff:duty:it'), 'nobody is waited for').moved!.next;

    expect(followWait(asked(), over, 1, 1).moved).toBeUndefined();
  });
});

describe('an escalation that called people to a conversation', () => {
  const begun = begunBy('message:duty:it', { steps: [HAND_OFF] });
  const { by } = DEED;
  const had = follow(begun, { by, became: 'taken' }, 1).moved!.next;

  it('E1 is had by whoever takes that over, also from somebody else', () => {
    const oskar = { person: PersonId.parse('oskar'), name: 'Oskar' };

    const next = follow(had, { by: oskar, became: 'taken' }, 2).moved?.next;

    expect(had.standing).toMatchObject({ state: 'ACKED', owner: by });
    expect(next?.standing).toMatchObject({ state: 'ACKED', owner: oskar });
    expect(follow(had, { by: oskar, became: 'handed-back' }, 3).moved).toBeUndefined();
  });

  it.each([
    ['is done when they hand it back', 'handed-back', 'RESOLVED'],
    ['goes on when they were quiet there', 'quiet', 'ACTIVE'],
  ] as const)('%s', (_, became, state) => {
    expect(follow(had, { by, became }, 2).moved?.next.standing).toMatchObject({ state });
  });

  it('E6 asks them nothing while they have it, and is done when they hand it back though it went on without them', () => {
    const later = surroundings(NOBODY, 90 * 60_000);
    const late = push(had, { by: OSKAR, permitted: true }, 3).moved!.next;
    const putOff = snooze(had, { by: OSKAR, permitted: true }, HOUR, { instead: true }).moved!.next;

    expect(tick(had, later).result).toBe('nothing');
    expect(dueOf(had)).toBeUndefined();
    for (const left of [late, putOff]) {
      const over = follow(left, { by, became: 'handed-back' }, 4).moved?.next;
      expect(over?.standing).toMatchObject({ state: 'RESOLVED', by });
    }
  });

  it('E6 is no longer asked about once whoever has it takes the conversation over, and is asked about as before once somebody else has that who may not have it', () => {
    const byHand = acknowledge(begun, DEED, 1).moved!.next;
    const there = follow(byHand, { by, became: 'taken' }, 2).moved!.next;
    const theirs = { ...there, except: [OSKAR.person] };

    const left = follow(theirs, { by: OSKAR, became: 'taken' }, 3).moved!.next;

    expect([byHand, there, left].map(dueOf)).toEqual([1 + HOUR, undefined, 3 + HOUR]);
    expect(left.standing).toMatchObject({ state: 'ACKED', owner: by });
  });

  it('is done when somebody who may says that nobody need come, and a wish for a human is over by itself', () => {
    const wish = begunBy('handoff:duty:it');

    expect(follow(begun, { by, became: 'withdrawn' }, 2).moved?.next.standing).toMatchObject({
      state: 'RESOLVED',
      by,
    });
    for (const became of ['taken', 'handed-back', 'quiet', 'withdrawn'] as const) {
      expect(follow(wish, { by, became }, 2).moved).toBeUndefined();
    }
  });

  it('stays with whoever handed the conversation back where it is about what a plan left to be done', () => {
    const plan = begunBy('plan-raised:duty:it');
    const had = follow(plan, { by, became: 'taken' }, 1).moved!.next;

    const left = follow(had, { by, became: 'handed-back' }, 2).moved!.next;

    expect(left.standing).toMatchObject({ state: 'ACKED', owner: by });
    expect(dueOf(left)).toBe(2 + HOUR);
  });

  it('E6 is not closed by handing the conversation back once they let go of it', () => {
    const released = letGo(had, DEED, 2).moved!.next;

    expect(follow(released, { by, became: 'handed-back' }, 3).moved).toBeUndefined();
  });

  it('stays open where it comes from whoever says that nobody need come', () => {
    const theirs = { ...begun, except: [by.person] };

    expect(follow(theirs, { by, became: 'withdrawn' }, 2).moved).toBeUndefined();
  });

  describe('about a request', () => {
    const subject = {
      kind: 'approval',
      approvalId: ApprovalId.parse('apr_p0_0123456789ab'),
      conversationId: CONVERSATION,
    } as const;
    const request = { ...begunBy('approval:duty', { steps: [HAND_OFF] }), subject };
    const theirs = follow(request, { by, became: 'taken' }, 1).moved!.next;

    it('E6 is looked after by whoever takes the conversation over, who is asked about it as anybody is', () => {
      expect(theirs.standing).toMatchObject({ state: 'ACKED', owner: by });
      expect(dueOf(theirs)).toBe(1 + HOUR);
    });

    it('E6 is looked after by whoever has the conversation last, and is nobody’s who has lost it', () => {
      const oskars = follow(theirs, { by: OSKAR, became: 'taken' }, 2).moved!.next;

      const left = follow(oskars, { by: OSKAR, became: 'handed-back' }, 3).moved?.next;

      expect(oskars.standing).toMatchObject({ state: 'ACKED', owner: OSKAR });
      expect(follow(oskars, { by, became: 'handed-back' }, 3).moved).toBeUndefined();
      expect(left?.standing).toMatchObject({ state: 'ACTIVE' });
    });

    it('E6 goes on where somebody else takes the conversation over who may not have it', () => {
      const asking = { ...theirs, except: [OSKAR.person] };

      const left = follow(asking, { by: OSKAR, became: 'taken' }, 2).moved;

      expect(left?.next.standing).toMatchObject({ state: 'ACTIVE' });
      expect(left).toMatchObject({ event: 'let-go', actor: OSKAR.person }); // not of the one who did nothing
    });

    it.each<[string, (theirs: Escalation) => Escalation]>([
      ['put it off and then took it', (it) => acknowledge(woken(it), DEED, 5 * HOUR).moved!.next],
      ['said so while they had it', (it) => acknowledge(it, DEED, 2).moved!.next],
      ['said so when they were asked', (it) => acknowledge(askedAfter(it), DEED, 2 * HOUR).moved!.next],
    ])('E6 stays with whoever %s, by a word of their own', (_, say) => {
      const byWord = say(theirs);

      for (const became of ['taken', 'quiet', 'handed-back'] as const) {
        expect(follow(byWord, { by, became }, 6 * HOUR).moved).toBeUndefined();
      }
      expect(follow(byWord, { by: OSKAR, became: 'taken' }, 6 * HOUR).moved).toBeUndefined();
    });

    it('E6 goes on when the conversation is handed back though they were asked about it meanwhile', () => {
      const still = follow(askedAfter(theirs), { by, became: 'taken' }, 2 * HOUR).moved!.next;

      const left = follow(still, { by, became: 'handed-back' }, 3 * HOUR).moved?.next;

      expect(left?.standing).toMatchObject({ state: 'ACTIVE' });
    });

    describe('whose policy wants nobody in the conversation', () => {
      const calling = { ...begunBy('approval:duty'), subject };
      const told = { ...calling, told: [by.person] };

      it('E6 is had by whoever takes that over and was called, or runs the gateway, and by nobody else', () => {
        const states = [
          follow(calling, { by, became: 'taken' }, 1),
          follow(told, { by, became: 'taken' }, 1),
          follow(calling, { by, became: 'taken', operates: true }, 1),
        ].map(({ moved }) => moved?.next.standing.state);

        expect(states).toEqual([undefined, 'ACKED', 'ACKED']);
      });

      it('E6 goes on when they give it back who may not have it any more', () => {
        const had = follow(calling, { by, became: 'taken', operates: true }, 1).moved!.next;

        const left = follow(had, { by, became: 'handed-back' }, 2).moved?.next;

        expect(left?.standing).toMatchObject({ state: 'ACTIVE' });
      });
    });

    it('E8 is not had by whoever asked for it by another account', () => {
      const guest = guestIdOf(AccountId.parse('slack:U7'));
      const asked = { ...request, except: [guest] };

      expect(follow(asked, { by, became: 'taken', ids: [by.person, guest] }, 1).moved).toBeUndefined();
    });

    it.each(['quiet', 'handed-back'] as const)('E6 goes on when the conversation is %s', (became) => {
      const next = follow(theirs, { by, became }, 2).moved?.next;

      expect(next?.standing).toMatchObject({ state: 'ACTIVE' });
    });

    it('E6 stays with whoever said that they look after it, whatever becomes of the conversation', () => {
      const byHand = acknowledge(request, DEED, 1).moved!.next;

      for (const became of ['taken', 'quiet', 'handed-back', 'withdrawn'] as const) {
        expect(follow(byHand, { by, became }, 2).moved).toBeUndefined();
      }
    });

    it('E6 stays theirs who said so, also where they were just asked whether they still do', () => {
      const byHand = acknowledge(request, DEED, 1).moved!.next;
      const asked = tick(byHand, surroundings(NOBODY, 2 + HOUR)).moved!.next;
      expect(asked.standing).toMatchObject({ state: 'ACKED', asked: true });

      const still = follow(asked, { by, became: 'taken' }, 3 + HOUR).moved!.next;

      expect(follow(still, { by, became: 'handed-back' }, 4 + HOUR).moved).toBeUndefined();
    });

    it('E6 is not over because nobody need come to the conversation', () => {
      expect(follow(request, { by, became: 'withdrawn' }, 2).moved).toBeUndefined();
    });
  });

  describe('when it comes from whoever has it, too', () => {
    const reportedBy = (before: Escalation, ids: readonly PersonId[]) =>
      raise(before, { ...before, except: [...ids] }, before.plan, 2).moved!.next;

    it('E8 is theirs to end by handing the conversation back if they had it before', () => {
      const next = follow(reportedBy(had, [by.person]), { by, became: 'handed-back' }, 3).moved?.next;

      expect(next?.standing).toMatchObject({ state: 'RESOLVED' });
    });

    it('E8 is theirs still when they take the conversation over once more', () => {
      const next = follow(reportedBy(had, [by.person]), { by, became: 'taken' }, 3).moved?.next ?? had;

      expect(next.standing).toMatchObject({ state: 'ACKED', owner: by });
    });

    it('E6 lets others be called when they are quiet', () => {
      const next = follow(reportedBy(had, [by.person]), { by, became: 'quiet' }, 3).moved?.next;

      expect(next?.standing).toMatchObject({ state: 'ACTIVE' });
      expect(dueOf(next!)).toBeGreaterThan(0);
    });

    it('E8 is kept without the conversation if it came from an account of theirs before', () => {
      const guest = guestIdOf(AccountId.parse('slack:U7'));
      const theirs = reportedBy({ ...had, except: [guest] }, [by.person]);

      const next = follow(theirs, { by, became: 'handed-back', ids: [by.person, guest] }, 3).moved?.next;

      expect(next?.standing).toMatchObject({ state: 'ACKED' });
      expect(dueOf(next!)).toBeGreaterThan(0);
    });

    it('E8 is kept without the conversation where it is not known who had it then', () => {
      const theirs = { ...had, except: [by.person], count: 2 };

      const next = follow(theirs, { by, became: 'handed-back' }, 2).moved?.next;

      expect(next?.standing).toMatchObject({ state: 'ACKED' });
      expect(dueOf(next!)).toBeGreaterThan(0);
    });
  });

  it('is not had by whoever it comes from', () => {
    const theirs = { ...begun, except: [by.person] };

    expect(follow(theirs, { by, became: 'taken' }, 1).moved).toBeUndefined();
  });
});

/** As somebody who goes by no other id, and does not run the gateway, where nothing else is said. */
function follow(
  escalation: Escalation,
  { by, became, ...also }: Pick<Taking, 'by' | 'became'> & Partial<Taking>,
  nowMs: number,
) {
  return followTakeover(escalation, { by, became, ids: [by.person], operates: false, ...also }, nowMs);
}

/** Put off, and called about again. */
function woken(escalation: Escalation): Escalation {
  const putOff = snooze(escalation, DEED, HOUR).moved!.next;
  return tick(putOff, surroundings(NOBODY, 2 * HOUR)).moved!.next;
}

/** Whoever has it was asked whether they are still on it. */
function askedAfter(escalation: Escalation): Escalation {
  return tick(escalation, surroundings(NOBODY, 2 + HOUR)).moved!.next;
}

/** Since 0. @param escalation that had the agent fall silent; absent: the agent asked */
function asked(escalation?: string): Control {
  const by =
    escalation === undefined
      ? ({ kind: 'agent' } as const)
      : ({ kind: 'escalation', policy: 'duty', escalation: EscalationId.parse(escalation) } as const);
  return requestHandoff(untouched(CONVERSATION), { by }, { waitMs: WAIT_MS }, 0).moved!.next;
}

function taken(key: string, steps?: readonly PlanStep[]): Escalation {
  return acknowledge(begunBy(key, steps ? { steps } : {}), DEED, 1).moved!.next;
}

function begunBy(
  key: string,
  {
    steps = [{ kind: 'wait', id: 's0', forMs: 1 }],
    isTrusted = false,
  }: { steps?: readonly PlanStep[]; isTrusted?: boolean } = {},
): Escalation {
  const report: Report = {
    id: EscalationId.parse('esc_p0_000000000000'),
    key,
    subject: { kind: 'conversation', conversationId: CONVERSATION },
    severity: 'error',
    title: 'A human is wanted',
    correlation: 'it',
    except: [],
  };
  const plan = EscalationPlan.parse({
    name: 'duty',
    steps,
    rounds: 1,
    lastResort: { who: [{ kind: 'person', person: 'kim' }], importance: 'urgent' },
    nagMs: HOUR,
    settleMs: 0,
    acknowledge: { ...(isTrusted ? {} : { remindMs: HOUR }), withinMs: HOUR / 4, goesOnAt: 'same' },
    maxAgeMs: 72 * HOUR,
    onWorse: { kind: 'restart' },
  });
  return raise(undefined, report, plan, 0).moved!.next;
}
