import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  Control,
  type ControlStep,
  endOf,
  finishHandback,
  handBack,
  learnPlace,
  letGo,
  lookAfter,
  mayBeSaid,
  movePlace,
  noteActivity,
  type PendingControl,
  requestHandoff,
  say,
  settle,
  takeOver,
  tick,
  untouched,
} from '../../../src/domain/control.ts';
import { ConversationId, EscalationId, PersonId, Platform } from '../../../src/domain/ids.ts';
import { runs } from '../../support/property-runs.ts';

const PLACE = { platform: Platform.parse('slack'), route: { channel: 'C1' } };
const WAIT_MS = 600_000;
const IDLE_MS = 1_800_000;
const DUTY_MS = 4_500_000;
const CALL = EscalationId.parse('esc_p0_000000000000');
const SECOND = EscalationId.parse('esc_p0_111111111111');

function aPerson(name: string): { person: PersonId; name: string } {
  return { person: PersonId.parse(name), name };
}

const KINDS = [
  'ask',
  'take',
  'take-without-right',
  'back',
  'finish',
  'write',
  'place',
  'move',
  'say',
  'say-without-right',
  'look-after',
  'let-go',
  'settle',
  'cancel',
  'tick',
] as const;

/** One thing that can happen, and who does it; `afterMs` later. */
interface Happening {
  readonly kind: (typeof KINDS)[number];
  readonly by: 'dana' | 'oskar';
  readonly afterMs: number;
  readonly staleEpoch: boolean;
  readonly call: EscalationId;
}

const happening = fc.record<Happening>({
  kind: fc.constantFrom(...KINDS),
  by: fc.constantFrom('dana', 'oskar'),
  afterMs: fc.oneof(fc.nat(60_000), fc.nat(4_000_000)),
  staleEpoch: fc.boolean(),
  call: fc.constantFrom(CALL, SECOND),
});

function step(
  control: Control,
  { kind, by, staleEpoch, call }: Happening,
  nowMs: number,
): ControlStep<unknown> {
  const who = aPerson(by);
  switch (kind) {
    case 'ask':
      return requestHandoff(
        control,
        { by: { kind: 'person', ...who } },
        { waitMs: WAIT_MS, origin: PLACE },
        nowMs,
      );
    case 'take':
      return takeOver(control, { by: who, permitted: true, idleMs: IDLE_MS }, nowMs);
    case 'move':
      return movePlace(control, PLACE);
    case 'say':
      return say(control, { by: who, permitted: true }, nowMs);
    case 'say-without-right':
      return say(control, { by: who, permitted: false }, nowMs);
    case 'take-without-right':
      return takeOver(control, { by: who, permitted: false, idleMs: IDLE_MS }, nowMs);
    case 'back':
      return handBack(control, { by: who, permitted: by === 'dana' }, nowMs);
    case 'finish':
      return finishHandback(control, control.epoch - (staleEpoch ? 1 : 0), nowMs);
    case 'write':
      return noteActivity(control, who.person, nowMs);
    case 'place':
      return learnPlace(control, PLACE, who.person, nowMs);
    case 'look-after':
      return lookAfter(control, { ...who, escalation: call }, nowMs + DUTY_MS, nowMs);
    case 'let-go':
      return letGo(control, call, nowMs);
    case 'settle':
    case 'cancel':
      return settle(control, { by: who, escalation: call, isCancelled: kind === 'cancel' }, nowMs);
    case 'tick':
      return tick(control, nowMs);
    default:
      return kind satisfies never;
  }
}

/** Every state a course of happenings comes through, with the time it came to it. */
function courseOf(happenings: readonly Happening[]): { before: Control; after: Control; nowMs: number }[] {
  let control = untouched(ConversationId.parse('slack:T:C:1'));
  let nowMs = 1_000;
  return happenings.map((each) => {
    nowMs += each.afterMs;
    const before = control;
    control = step(control, each, nowMs).moved?.next ?? control;
    return { before, after: control, nowMs };
  });
}

function holds(name: string, check: (course: ReturnType<typeof courseOf>) => void): void {
  it(name, () => {
    fc.assert(
      fc.property(fc.array(happening, { minLength: 1, maxLength: 40 }), (happenings) =>
        check(courseOf(happenings)),
      ),
      { numRuns: runs(1_000) },
    );
  });
}

/** Who speaks: one name for each controller there can be. */
function controllerOf(control: Control): string {
  return control.state === 'HUMAN' || control.state === 'HANDBACK_PENDING'
    ? `${control.state} ${control.owner.person}`
    : control.state;
}

describe('the control of a conversation', () => {
  holds(
    'C1 raises the epoch with every change of control, so that nothing said before may still be said',
    (course) => {
      for (const { before, after } of course) {
        const changed = controllerOf(before) !== controllerOf(after);
        expect(after.epoch).toBe(changed ? before.epoch + 1 : before.epoch);
        expect(mayBeSaid(before.epoch, after.epoch)).toBe(!changed);
        expect(after.rev - before.rev).toBe(after === before ? 0 : 1);
      }
    },
  );

  holds('C2 has one controller at any moment, who is somebody that may', (course) => {
    for (const { before, after } of course) {
      expect(['BOT', 'HANDOFF_PENDING', 'HUMAN', 'HANDBACK_PENDING']).toContain(after.state);
      if (before.state !== 'HUMAN' && after.state === 'HUMAN')
        expect(after.owner.person).toMatch(/dana|oskar/);
    }
  });

  holds('C3 gives each epoch one controller, so that what is handled in it has one', (course) => {
    const byEpoch = new Map<number, string>();
    for (const { after } of course) {
      expect(byEpoch.get(after.epoch) ?? controllerOf(after)).toBe(controllerOf(after));
      byEpoch.set(after.epoch, controllerOf(after));
    }
  });

  it('C2 says something there for whoever has it and may, and for nobody else', () => {
    const dana = aPerson('dana');
    const untaken = untouched(ConversationId.parse('c'));
    const nowhere = takeOver(untaken, { by: dana, permitted: true, idleMs: IDLE_MS }, 0).moved!.next;
    const taken = learnPlace(nowhere, PLACE, PersonId.parse('alex'), 0).moved!.next;
    const back = handBack(taken, { by: dana, permitted: true }, 1).moved!.next;
    const codeOf = (control: Control, by = dana, permitted = true) => {
      const { result, moved } = say(control, { by, permitted }, 600_000);
      return moved ? 'moved' : result.code;
    };

    expect(codeOf(untaken)).toBe('NOT_YOURS');
    expect(codeOf(nowhere)).toBe('NOWHERE');
    expect(codeOf(taken, aPerson('oskar'))).toBe('NOT_YOURS');
    expect(codeOf(taken, dana, false)).toBe('NOT_PERMITTED');
    expect(codeOf(back)).toBe('NOT_YOURS');
    expect(say(taken, { by: dana, permitted: true }, 600_000)).toMatchObject({
      result: { code: 'SAID' },
      moved: { event: 'said', actor: 'dana', next: { epoch: taken.epoch, untilMs: 600_000 + IDLE_MS } },
    });
  });

  holds('C4 never stays without the agent for ever: time alone leads back to it', (course) => {
    let control = course.at(-1)?.after;
    for (let ticks = 0; control && control.state !== 'BOT'; ticks++) {
      expect(ticks).toBeLessThan(3);
      const due = endOf(control);
      expect(due).toBeGreaterThan(0);
      expect(tick(control, due! - 1).moved).toBeUndefined();
      control = tick(control, due!).moved?.next;
    }
    expect(control?.state).toBe('BOT');
  });

  holds('C5 goes from the hand-back to the agent, or to another person, and to nothing else', (course) => {
    for (const { before, after } of course) {
      if (before.state !== 'HANDBACK_PENDING') continue;
      expect(['BOT', 'HUMAN', 'HANDBACK_PENDING']).toContain(after.state);
    }
  });

  it('C5 does not let an older hand-back end a newer takeover', () => {
    const dana = aPerson('dana');
    const taken = takeOver(
      untouched(ConversationId.parse('c')),
      { by: dana, permitted: true, idleMs: IDLE_MS },
      0,
    );
    const back = handBack(taken.moved!.next, { by: dana, permitted: true }, 1);
    const again = takeOver(back.moved!.next, { by: aPerson('oskar'), permitted: true, idleMs: IDLE_MS }, 2);

    const finished = finishHandback(again.moved!.next, back.moved!.next.epoch, 3);

    expect(finished).toEqual({ result: 'OVER' });
    const anew = handBack(again.moved!.next, { by: aPerson('oskar'), permitted: true }, 4).moved!.next;
    expect(finishHandback(anew, back.moved!.next.epoch, 5)).toEqual({ result: 'OVER' });
    expect(finishHandback(anew, anew.epoch, 5).result).toBe('RETURNED');
  });

  it('lets whoever asked for a human call it off, and nobody else without the right', () => {
    const asked = requestHandoff(
      untouched(ConversationId.parse('c')),
      { by: { kind: 'person', ...aPerson('alex') } },
      { waitMs: WAIT_MS },
      0,
    ).moved!.next;

    expect(handBack(asked, { by: aPerson('eve'), permitted: false }, 1).result.code).toBe('NOT_PERMITTED');
    expect(handBack(asked, { by: aPerson('alex'), permitted: false }, 1).result.code).toBe('WITHDRAWN');
  });

  it('C4 waits longer for whoever looks after it, and for what was left once they do not', () => {
    const dana = { ...aPerson('dana'), escalation: CALL };
    const asked = requestHandoff(
      untouched(ConversationId.parse('c')),
      { by: { kind: 'agent' } },
      { waitMs: WAIT_MS },
      0,
    ).moved!.next;

    const helped = lookAfter(asked, dana, 4_000_000, 100_000).moved!.next;
    const longer = lookAfter(helped, dana, 5_000_000, 200_000).moved!;
    const left = letGo(longer.next, CALL, 3_000_000).moved!.next;

    expect(endOf(helped)).toBe(4_000_000);
    expect(longer.event).toBe('active');
    expect(endOf(longer.next)).toBe(5_000_000);
    expect(lookAfter(longer.next, dana, 5_000_000, 300_000).moved).toBeUndefined();
    expect(left).toMatchObject({ untilMs: 3_500_000, epoch: asked.epoch });
    expect(left).toMatchObject({ helpers: [] });
  });

  it('C4 waits for as long as anybody looks after it, by whichever escalation they were called', () => {
    const dana = aPerson('dana');
    const asked = requestHandoff(
      untouched(ConversationId.parse('c')),
      { by: { kind: 'agent' } },
      { waitMs: WAIT_MS },
      0,
    ).moved!.next;
    const first = lookAfter(asked, { ...dana, escalation: CALL }, 4_000_000, 100_000).moved!.next;

    const second = lookAfter(first, { ...dana, escalation: SECOND }, 3_000_000, 100_000).moved!;
    const oneLeft = letGo(second.next, CALL, 200_000).moved!;
    const other = lookAfter(oneLeft.next, { ...aPerson('oskar'), escalation: CALL }, 5_000_000, 200_000)
      .moved!;
    const oskarLeft = letGo(other.next, SECOND, 300_000).moved!;
    const nobody = letGo(oskarLeft.next, CALL, 400_000).moved!;

    expect([second, oneLeft, other, oskarLeft, nobody].map(({ event }) => event)).toEqual([
      'active',
      'active',
      'looked-after',
      'let-go',
      'let-go',
    ]);
    expect([second, oneLeft, other, oskarLeft, nobody].map(({ next }) => endOf(next))).toEqual([
      4_000_000, 3_000_000, 5_000_000, 5_000_000, 900_000,
    ]);
  });

  it('C4 reads who looks after it as a version wrote it that knew of one', () => {
    const { helpers: _, ...stored } = requestHandoff(
      untouched(ConversationId.parse('c')),
      { by: { kind: 'agent' } },
      { waitMs: WAIT_MS },
      0,
    ).moved!.next as PendingControl;
    const helper = { ...aPerson('dana'), escalation: CALL, leftMs: 500_000 };

    const read = Control.parse({ ...stored, untilMs: 4_000_000, helper });

    expect(read).toMatchObject({ helpers: [{ ...helper, untilMs: 4_000_000 }] });
    expect(read).not.toHaveProperty('helper');
    expect(Control.parse(stored)).toMatchObject({ helpers: [] });
    expect(endOf(letGo(read, CALL, 1_000_000).moved!.next)).toBe(1_500_000);
  });

  it('puts the end off while whoever holds it writes, and for nobody else', () => {
    const taken = takeOver(
      untouched(ConversationId.parse('c')),
      { by: aPerson('dana'), permitted: true, idleMs: IDLE_MS },
      0,
    ).moved!.next;

    expect(noteActivity(taken, PersonId.parse('alex'), 600_000).moved).toBeUndefined();
    expect(endOf(noteActivity(taken, PersonId.parse('dana'), 600_000).moved!.next)).toBe(600_000 + IDLE_MS);
  });

  it('puts it off with their first words, too, which say where that is; and not with the words of others', () => {
    const taken = takeOver(
      untouched(ConversationId.parse('c')),
      { by: aPerson('dana'), permitted: true, idleMs: IDLE_MS },
      0,
    ).moved!.next;

    const hers = learnPlace(taken, PLACE, PersonId.parse('dana'), 600_000).moved!.next;
    const others = learnPlace(taken, PLACE, PersonId.parse('alex'), 600_000).moved!.next;

    expect(hers).toMatchObject({ origin: PLACE, rev: taken.rev + 1 });
    expect(endOf(hers)).toBe(600_000 + IDLE_MS);
    expect(others).toEqual({ ...taken, origin: PLACE, rev: taken.rev + 1 });
  });
});

describe('a time in which no process of ours was there', () => {
  const MINUTE = 60_000;
  const taken = takeOver(
    untouched(ConversationId.parse('slack:T:C:1')),
    { by: aPerson('dana'), permitted: true, idleMs: 30 * MINUTE },
    0,
  ).moved!.next;
  const asked = requestHandoff(
    untouched(ConversationId.parse('slack:T:C:1')),
    { by: { kind: 'agent' } },
    { waitMs: 10 * MINUTE, origin: PLACE },
    0,
  ).moved!.next;

  it.each([
    ['whoever has a conversation', taken, 30],
    ['those who are waited for', asked, 10],
  ])('C4 is credited once to %s', (_, control, minutes) => {
    const away = [{ fromMs: 5 * MINUTE, untilMs: 35 * MINUTE }];
    const back = tick(control, 35 * MINUTE, away);
    const later = back.moved!.next;

    expect(back).toMatchObject({ result: 'credited', moved: { event: 'credited' } });
    expect(later).toMatchObject({
      state: control.state,
      untilMs: (minutes + 30) * MINUTE,
      epoch: control.epoch,
    });
    expect(tick(later, (minutes + 30) * MINUTE - 1, away).moved).toBeUndefined();
    expect(tick(later, (minutes + 30) * MINUTE, away).result).not.toBe('credited');
  });

  it('is none of theirs where it was over before', () => {
    const away = [{ fromMs: -20 * MINUTE, untilMs: -5 * MINUTE }];

    expect(tick(taken, 30 * MINUTE, away).result).toBe('gone-quiet');
    expect(tick(asked, 10 * MINUTE, away).result).toBe('unanswered');
  });
});
