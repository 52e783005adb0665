import { describe, expect, it } from 'vitest';
import { acknowledge, cancel } from '../../../src/domain/escalation/answers.ts';
import { type Report, raise } from '../../../src/domain/escalation/course.ts';
import { EscalationPlan } from '../../../src/domain/escalation/plan.ts';
import { EscalationId, PersonId, Platform } from '../../../src/domain/ids.ts';
import { consequencesOf } from '../../../src/escalation/consequences.ts';

const PLAN = EscalationPlan.parse({
  name: 'duty',
  steps: [{ kind: 'wait', id: 's0', forMs: 1 }],
  rounds: 1,
  lastResort: { who: [{ kind: 'person', person: 'kim' }], importance: 'urgent' },
  nagMs: 1,
  settleMs: 0,
  acknowledge: { withinMs: 1, goesOnAt: 'same' },
  maxAgeMs: 1,
  onWorse: { kind: 'keep' },
});

describe('what follows from a change of an escalation', () => {
  it('tells whoever has it, and was never called, of its end where they took it', () => {
    const report: Report = {
      id: EscalationId.parse('esc_p0_000000000000'),
      key: 'it',
      subject: { kind: 'trouble' },
      severity: 'error',
      title: 'It does not work',
      correlation: 'it',
      except: [],
    };
    const raised = raise(undefined, report, PLAN, 0).moved!.next;
    const alex = { person: PersonId.parse('alex'), name: 'Alex' };
    const via = Platform.parse('discord');
    const taken = acknowledge(raised, { by: alex, permitted: true, via }, 1).moved!.next;

    const dana = { person: PersonId.parse('dana'), name: 'Dana' };
    const effects = consequencesOf(taken, cancel(taken, { by: dana, permitted: true }).moved!, 2);

    const told = effects.flatMap((effect) => (effect.kind === 'out' ? [effect.item] : []));
    expect(told).toMatchObject([
      { kind: 'page', person: 'alex', page: { why: 'news', platform: 'discord' } },
    ]);
  });
});
