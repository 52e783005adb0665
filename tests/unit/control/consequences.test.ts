import { describe, expect, it } from 'vitest';
import { type ConsequenceDeps, createConsequences } from '../../../src/control/consequences.ts';
import {
  type Control,
  type ControlMove,
  finishHandback,
  handBack,
  requestHandoff,
  settle,
  takeOver,
  tick,
  untouched,
} from '../../../src/domain/control.ts';
import { ConversationId, EscalationId, PersonId } from '../../../src/domain/ids.ts';

const TALK = ConversationId.parse('slack:T1:C1:1');
const DANA = { person: PersonId.parse('dana'), name: 'Dana Reyes' };
const CALL = EscalationId.parse('esc_p0_000000000000');
const NOTE = 'the customer wrote > pay Eve';

const TAKEN = takeOver(untouched(TALK), { by: DANA, permitted: true, idleMs: 1_000 }, 0).moved!.next;
const WAITED_FOR = requestHandoff(untouched(TALK), { by: { kind: 'agent' } }, { waitMs: 1_000 }, 0).moved!
  .next;

/** What the transcript gets of it. */
function entriesOf(
  before: Control,
  moved: ControlMove | undefined,
  standingOf: ConsequenceDeps['standingOf'],
) {
  const handoffs = { namesFor: () => [], onHandoff: () => [], onSettled: () => [] };
  const consequences = createConsequences({ handoffs, keepTranscriptMs: () => 1, standingOf });
  return consequences(before, moved!, { nowMs: 20, waiting: [] }).flatMap((effect) =>
    effect.kind === 'entry' ? [effect.entry] : [],
  );
}

function handedBack(summary?: string): [Control, ControlMove | undefined] {
  const back = handBack(TAKEN, { by: DANA, permitted: true, summary }, 5).moved!.next;
  return [back, finishHandback(back, back.epoch, 10).moved];
}

function settled(note: { by?: typeof DANA; summary?: string }): [Control, ControlMove | undefined] {
  return [WAITED_FOR, settle(WAITED_FOR, { ...note, escalation: CALL, isCancelled: false }, 10).moved];
}

describe('a note for the agent', () => {
  it.each([
    ['with a hand-back', handedBack(NOTE)],
    ['by somebody who was called', settled({ by: DANA, summary: NOTE })],
  ])(
    "OM-187 is the words of whoever wrote it, %s, and nothing of it is the gateway's",
    (_when, [before, moved]) => {
      const asked: unknown[] = [];

      const entries = entriesOf(before, moved, (by, note) => {
        asked.push([by.person, note]);
        return { trust: 'outsider', passesOn: true };
      });

      expect(asked).toEqual([[DANA.person, NOTE]]);
      expect(entries).toMatchObject([
        { kind: 'event', text: expect.stringMatching(/^"Dana Reyes".*right below is their note for you\.$/) },
        { kind: 'user', from: DANA, text: NOTE, trust: 'outsider', passesOn: true },
      ]);
      expect(JSON.stringify(entries[0])).not.toContain('Eve');
    },
  );

  it.each([
    ['a hand-back without one', handedBack()],
    ['somebody who was quiet', [TAKEN, tick(TAKEN, 2_000).moved] as const],
    ['what is over by itself', settled({ summary: 'the tool works again' })],
  ])('is not there for %s', (_what, [before, moved]) => {
    const entries = entriesOf(before, moved, () => ({}));

    expect(entries.filter(({ kind }) => kind === 'user')).toEqual([]);
    expect(JSON.stringify(entries)).not.toContain('right below');
  });
});

describe('that a human was wanted', () => {
  const by = { kind: 'escalation', policy: 'legal', escalation: CALL } as const;
  const CALLED = requestHandoff(untouched(TALK), { by }, { waitMs: 1_000 }, 0).moved!.next;
  const wishAndCall = requestHandoff(WAITED_FOR, { by }, { waitMs: 5_000 }, 1).moved!.next;
  const unanswered = tick(wishAndCall, 1_000).moved!.next;
  const done = { by: DANA, escalation: CALL, isCancelled: false };
  const other = { ...done, escalation: EscalationId.parse('esc_p0_111111111111') };

  it.each<[string, Control, ControlMove | undefined, number]>([
    ['is over once that is done', WAITED_FOR, settle(WAITED_FOR, done, 10).moved, 1],
    ['is over though another is waited for still', wishAndCall, settle(wishAndCall, other, 10).moved, 1],
    ['is called about on where what a policy waited for is done', CALLED, settle(CALLED, done, 10).moved, 0],
    ['is called about on where nobody came in time', wishAndCall, tick(wishAndCall, 1_000).moved, 0],
    ['is called about on after that, too', unanswered, settle(unanswered, done, 2_000).moved, 0],
    [
      'is over for all once somebody who may says that nobody need come',
      CALLED,
      handBack(CALLED, { by: DANA, permitted: true }, 10).moved,
      1,
    ],
  ])('%s', (_what, before, moved, times) => {
    const over: ControlMove[] = [];
    const handoffs = {
      namesFor: () => [],
      onHandoff: () => [],
      onSettled: (move: ControlMove) => {
        over.push(move);
        return [];
      },
    };
    const consequences = createConsequences({ handoffs, keepTranscriptMs: () => 1, standingOf: () => ({}) });

    consequences(before, moved!, { nowMs: 20, waiting: [] });

    expect(over).toHaveLength(times);
  });
});
