import { describe, expect, it } from 'vitest';
import { EscalationTriggers } from '../../../src/config/escalation-triggers.ts';
import { createConsequences } from '../../../src/control/consequences.ts';
import { createWhereOf } from '../../../src/control/whereabouts.ts';
import { EscalationItem } from '../../../src/delivery/escalation-item.ts';
import {
  handBack,
  type PendingControl,
  requestHandoff,
  settle,
  takeOver,
  tick,
  untouched,
} from '../../../src/domain/control.ts';
import { ConversationId, EscalationId, PersonId, Platform } from '../../../src/domain/ids.ts';
import type { Address } from '../../../src/domain/message.ts';
import { HandoffEscalation } from '../../../src/escalation/handoff-escalation.ts';
import { type Happening, reportsOf, type Scene } from '../../../src/escalation/triggers.ts';
import type { Effect } from '../../../src/redis/effects.ts';

const DANA = PersonId.parse('dana');
const CALL = EscalationId.parse('esc_p0_000000000000');
const SCENE: Scene = {
  id: 'it',
  conversationId: ConversationId.parse('slack:T:C:1'),
  correlation: 'it',
  nowMs: 0,
};
const REPLY_TO = { platform: Platform.parse('slack'), route: { channel: 'C1' } };

function says(text: string): Happening {
  return { kind: 'message', message: { text, replyTo: REPLY_TO }, roles: [] };
}

function reportsIn(effects: readonly Effect[]) {
  return effects.flatMap((effect) => {
    const item = effect.kind === 'out' ? EscalationItem.parse(effect.item) : undefined;
    return item?.kind === 'report' ? [item.report] : [];
  });
}

function closesIn(effects: readonly Effect[]): number {
  const items = effects.flatMap((effect) =>
    effect.kind === 'out' ? (EscalationItem.safeParse(effect.item).data ?? []) : [],
  );
  return items.filter(({ kind }) => kind === 'close').length;
}

describe('what is said', () => {
  it.each([
    ['by their names', [{ name: 'money' }, { name: 'danger' }]],
    ['by what they watch for', [{}, {}]],
  ])('E9 is told apart by the rules that watch for it: %s', (_, [mild, bad]) => {
    const triggers = EscalationTriggers.parse([
      { ...mild, when: { message: { words: ['money'] } }, raise: 'duty', severity: 'info' },
      { ...bad, when: { message: { words: ['danger'] } }, raise: 'duty', severity: 'critical' },
    ]);

    const [first, second, both] = ['a question of money', 'somebody is in danger', 'money, and danger'].map(
      (text) => reportsIn(reportsOf(triggers, says(text), SCENE)).map(({ id }) => id),
    );

    expect(first).toHaveLength(1);
    expect(second).toHaveLength(1);
    expect(first).not.toEqual(second);
    expect(both).toEqual([...first!, ...second!]);
  });
});

describe('a human who is wanted', () => {
  it.each([
    ['somebody asks for', { by: { kind: 'person', person: DANA, name: 'Dana Reyes' } }],
    ['a rule wants', { by: { kind: 'rule', rule: 'lawyers' }, from: DANA }],
    ['the agent wants', { by: { kind: 'agent' }, from: DANA }],
  ] as const)('is not whom it comes from, where %s one', (_, request) => {
    const triggers = EscalationTriggers.parse([{ when: 'handoff', raise: 'duty' }]);
    const handoffs = handoffsBy(triggers);
    const control = {
      conversationId: SCENE.conversationId,
      rev: 1,
      epoch: 1,
      sinceMs: 0,
      state: 'HANDOFF_PENDING' as const,
      request,
      untilMs: 1,
      helpers: [],
      further: [],
    };

    expect(reportsIn(handoffs.onHandoff(control, 0))).toMatchObject([{ except: [DANA] }]);
  });

  it.each([
    [{ by: { kind: 'person', person: DANA, name: 'Dana Reyes' } }, 'by Dana Reyes'],
    [{ by: { kind: 'rule', rule: 'lawyers' }, from: DANA }, 'by the rule “lawyers” (Dana Reyes wrote last)'],
    [{ by: { kind: 'agent' }, from: DANA }, 'by the agent (Dana Reyes wrote last)'],
  ] as const)('is wanted by somebody, somewhere, and whoever is called reads both', (request, who) => {
    const triggers = EscalationTriggers.parse([{ when: 'handoff', raise: 'duty' }]);
    const origin = { platform: Platform.parse('slack'), route: { channel: 'C0GENERAL' } };
    const asked = requestHandoff(untouched(SCENE.conversationId), request, { waitMs: 10, origin }, 0);
    const control = asked.moved!.next as PendingControl; // it waits now

    const reports = reportsIn(handoffsBy(triggers).onHandoff(control, 0));

    expect(reports).toMatchObject([
      {
        title: `A human is wanted on Slack, in “general”, ${who}`,
        link: 'https://slack.test/C0GENERAL',
      },
    ]);
  });

  it('is over for all who were called by it once it is settled, while another escalation waits for a human there', () => {
    const triggers = EscalationTriggers.parse([{ when: 'handoff', raise: 'duty' }]);
    const handoffs = handoffsBy(triggers);
    const consequences = createConsequences({ handoffs, keepTranscriptMs: () => 1, standingOf: () => ({}) });
    const by = { person: DANA, name: 'Dana Reyes' };
    const wish = { by: { kind: 'person', ...by } } as const;
    const policy = { by: { kind: 'escalation', policy: 'legal', escalation: CALL } } as const;
    const start = untouched(SCENE.conversationId);
    const origin = REPLY_TO;
    const waiting = requestHandoff(start, wish, { waitMs: 10, origin }, 0).moved!.next;
    const both = requestHandoff(waiting, policy, { waitMs: 60_000 }, 1).moved!.next;
    const escalation = EscalationId.parse('esc_p0_111111111111');

    const moved = settle(both, { by, escalation, summary: 'it is found', isCancelled: false }, 5).moved!;
    const effects = consequences(both, moved, { nowMs: 5, waiting: [] });

    expect(moved.next).toMatchObject({ state: 'HANDOFF_PENDING', request: policy, untilMs: 60_001 });
    expect(closesIn(effects)).toBe(1);
    const said = JSON.stringify(effects.filter(({ kind }) => kind === 'out'));
    expect(said).toContain(
      'Dana Reyes has looked after it, and says that it is done. A human is still waited',
    );
    expect(said).not.toContain('the agent answers again');
    const told = JSON.stringify(effects.filter(({ kind }) => kind === 'entry'));
    expect(told).toContain('you stay silent until you are told otherwise');
    expect(told).toContain('it is found');
  });

  it('is called on when nobody came in time, and not once somebody has come or it was called off', () => {
    const triggers = EscalationTriggers.parse([{ when: 'handoff', raise: 'duty' }]);
    const handoffs = handoffsBy(triggers);
    const consequences = createConsequences({ handoffs, keepTranscriptMs: () => 1, standingOf: () => ({}) });
    const by = { person: DANA, name: 'Dana Reyes' };
    const start = untouched(SCENE.conversationId);
    const waiting = requestHandoff(start, { by: { kind: 'agent' } }, { waitMs: 10 }, 0).moved!.next;
    const unanswered = tick(waiting, 10).moved!;
    const taking = { by, permitted: true, idleMs: 1 };

    const closings = [
      [waiting, unanswered],
      [waiting, takeOver(waiting, taking, 5).moved!],
      [unanswered.next, takeOver(unanswered.next, taking, 20).moved!],
      [waiting, handBack(waiting, { by, permitted: true }, 5).moved!],
      [waiting, settle(waiting, { by, escalation: CALL, isCancelled: false }, 5).moved!],
    ] as const;

    expect(
      closings.map(([before, moved]) => closesIn(consequences(before, moved, { nowMs: 20, waiting: [] }))),
    ).toEqual([0, 1, 1, 1, 1]);
  });
});

/** Where nobody is called but by a trigger. */
function handoffsBy(triggers: EscalationTriggers): HandoffEscalation {
  const nobody = { namesFor: () => [], onHandoff: () => [], onSettled: () => [] };
  const gateway = { linkTo: ({ route }: Address) => `https://slack.test/${route.channel}` };
  const whereOf = createWhereOf(() => ({ general: 'slack:C0GENERAL' }), new Map([['slack', gateway]]));
  return new HandoffEscalation(
    () => triggers,
    nobody,
    whereOf,
    () => 'Dana Reyes',
  );
}
