/** Reminders and the quiet hours of those who are asked: who is reminded when, over the whole course of a request. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { consequencesOf } from '../../../src/approvals/consequences.ts';
import type { Approval, CardCopy } from '../../../src/domain/approval/record.ts';
import { dueOf, NO_CIRCUMSTANCES, tick } from '../../../src/domain/approval/time.ts';
import { vote } from '../../../src/domain/approval/voting.ts';
import { PersonId } from '../../../src/domain/ids.ts';
import { RoleName } from '../../../src/domain/person.ts';
import { anAddress, anApproval, aVote, DEADLINE_MS, OPENED_MS } from '../../support/approvals.ts';
import { runs } from '../../support/property-runs.ts';

const [DANA, LEE] = ['dana', 'lee'].map((id) => PersonId.parse(id)) as [PersonId, PersonId];
const [FIRST, SECOND] = [OPENED_MS + 10_000, OPENED_MS + 40_000];

/** From when until when somebody wants to be left alone, after the opening. */
type Quiet = Partial<Record<'dana' | 'lee', readonly [number, number]>>;

function asked(): Approval {
  const copies: CardCopy[] = [
    { id: 'conversation', to: anAddress('slack') },
    ...[DANA, LEE].map((person) => ({ id: person, to: anAddress('slack'), person })),
  ];
  return anApproval({ copies });
}

/** Time passes until the deadline. Resolves with when who was reminded, after the opening. */
function remindedIn(quiet: Quiet, approval = asked()): [number, string[]][] {
  const quietUntil = (person: PersonId, nowMs: number): number | undefined => {
    const [fromMs = Infinity, untilMs = 0] = quiet[person as 'dana' | 'lee'] ?? [];
    const atMs = nowMs - OPENED_MS;
    return fromMs <= atMs && atMs < untilMs ? OPENED_MS + untilMs : undefined;
  };
  const reminders: [number, string[]][] = [];
  let current = approval;
  for (let steps = 0; steps < 20; steps++) {
    const nowMs = dueOf(current)!;
    if (nowMs >= current.deadlineMs) return reminders;
    const { moved } = tick(current, nowMs, { ...NO_CIRCUMSTANCES, quietUntil });
    const told = consequencesOf(current, moved!, nowMs).flatMap((effect) => {
      const id = effect.kind === 'out' ? String((effect.item as { id?: unknown }).id) : '';
      return id.startsWith('remind:') ? [id.split(':').at(-2)!] : [];
    });
    if (told.length > 0) reminders.push([nowMs - OPENED_MS, told]);
    current = moved!.next;
  }
  throw new Error('time does not move it on');
}

describe('a reminder', () => {
  it('goes to everybody at once where it is not quiet', () => {
    expect(remindedIn({})).toEqual([
      [10_000, ['dana', 'lee']],
      [40_000, ['dana', 'lee']],
    ]);
  });

  it('waits until it is quiet no more, for whoever wants to be left alone, and for nobody else', () => {
    expect(remindedIn({ dana: [5_000, 25_000] })).toEqual([
      [10_000, ['lee']],
      [25_000, ['dana']],
      [40_000, ['dana', 'lee']],
    ]);
  });

  it('that waited is one with the next, where it is quiet as long', () => {
    expect(remindedIn({ dana: [5_000, 45_000] })).toEqual([
      [10_000, ['lee']],
      [40_000, ['lee']],
      [45_000, ['dana']],
    ]);
  });

  it('waits longer for whoever wants to be left alone longer by then', () => {
    const quiet = { ...NO_CIRCUMSTANCES, quietUntil: () => FIRST + 5_000 };
    const waiting = tick(asked(), FIRST, quiet).moved!.next;

    const longer = tick(waiting, FIRST + 5_000, { ...quiet, quietUntil: () => FIRST + 9_000 }).moved!;

    expect(longer.next.leftAlone).toEqual([DANA, LEE].map((person) => ({ person, untilMs: FIRST + 9_000 })));
    expect(consequencesOf(waiting, longer, FIRST + 5_000).filter(({ kind }) => kind === 'out')).toEqual([]);
    expect(tick(longer.next, FIRST + 9_000).moved?.next.leftAlone).toBeUndefined();
  });

  it('waits for nobody beyond the deadline', () => {
    expect(remindedIn({ dana: [5_000, DEADLINE_MS], lee: [0, 10 * DEADLINE_MS] })).toEqual([
      [10_000, ['dana', 'lee']],
      [40_000, ['dana', 'lee']],
    ]);
  });

  it('that waited is not for whoever has answered meanwhile', () => {
    const approvers = { role: RoleName.parse('manager'), count: 2 };
    const open = { ...asked(), policy: { ...asked().policy, approvers } };
    const { moved } = tick(open, FIRST, { ...NO_CIRCUMSTANCES, quietUntil: () => FIRST + 5_000 });
    expect(moved!.next.leftAlone).toHaveLength(2);
    const answered = vote(moved!.next, aVote(moved!.next, { person: 'dana' }), FIRST + 1).moved!.next;

    expect(remindedIn({}, answered)).toEqual([
      [15_000, ['lee']],
      [SECOND - OPENED_MS, ['lee']],
    ]);
  });

  it('reaches everybody before the deadline, and nobody while they are left alone unless that lasts as long', () => {
    const quiet = fc
      .tuple(fc.integer({ min: 0, max: DEADLINE_MS }), fc.integer({ min: 1, max: 2 * DEADLINE_MS }))
      .map(([from, length]): [number, number] => [from, from + length]);
    fc.assert(
      fc.property(fc.record({ dana: quiet, lee: quiet }), (when) => {
        const reminders = remindedIn(when);
        for (const person of ['dana', 'lee'] as const) {
          const [from, until] = when[person];
          const at = reminders.flatMap(([atMs, people]) => (people.includes(person) ? [atMs] : []));
          expect(at.length).toBeGreaterThan(0);
          if (until < DEADLINE_MS) expect(at.filter((ms) => from <= ms && ms < until)).toEqual([]);
        }
      }),
      { numRuns: runs(200) },
    );
  });
});
