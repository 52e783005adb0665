/** A policy has the agent fall silent, and how what it is about stands when that is taken up. */
import { describe, expect, it } from 'vitest';
import { ControlStore } from '../../src/control/control-store.ts';
import { escalationIdOf } from '../../src/delivery/escalation-item.ts';
import { takeOver } from '../../src/domain/control.ts';
import { acknowledge, close } from '../../src/domain/escalation/answers.ts';
import { type Report, raise, tick } from '../../src/domain/escalation/course.ts';
import type { PlanStep } from '../../src/domain/escalation/plan.ts';
import type { Escalation, EscalationStep } from '../../src/domain/escalation/record.ts';
import { ApprovalId, ConversationId, PersonId, Platform } from '../../src/domain/ids.ts';
import { EscalationStore } from '../../src/escalation/escalation-store.ts';
import { EscalationWorker, type EscalationWorkerDeps } from '../../src/escalation/escalation-worker.ts';
import { followTakeover } from '../../src/escalation/human-wait.ts';
import type { Claim } from '../../src/mailbox/keyed-queue.ts';
import { EffectWriter } from '../../src/redis/effect-writer.ts';
import { openStore, silent } from '../support/core.ts';
import { planOf } from '../support/escalation-plan.ts';
import { surroundings } from '../support/escalation-world.ts';

const CONVERSATION = ConversationId.parse('slack:T0:C0:1');
const ORIGIN = { platform: Platform.parse('slack'), route: { channel: 'C0', thread: '1' } };
const DANA = { person: PersonId.parse('dana'), name: 'Dana' };
const KIM = { person: PersonId.parse('kim'), name: 'Kim' };
const HAND_OFF: PlanStep = { kind: 'hand-off', id: 's0' };

describe('an agent that is to fall silent', () => {
  it('does, and it is known where that is to be said', async () => {
    const { takeUp, control } = await open([HAND_OFF, wait()]);

    await takeUp();

    expect(await control()).toMatchObject({ state: 'HANDOFF_PENDING', origin: ORIGIN });
  });

  it('does where its policy ends with that', async () => {
    const { takeUp, control } = await open([HAND_OFF, { kind: 'stop', id: 's1' }]);

    await takeUp();

    expect(await control()).toMatchObject({ state: 'HANDOFF_PENDING' });
  });

  it.each<[string, (before: Escalation, nowMs: number) => EscalationStep<unknown>]>([
    ['it is over', (before) => close(before, 'it works again')],
    ['somebody looks after it', (before, nowMs) => acknowledge(before, { by: DANA, permitted: true }, nowMs)],
  ])('E1 goes on answering when %s by then', async (_, meanwhile) => {
    const { takeUp, change, control } = await open([HAND_OFF, wait()]);

    await change(meanwhile);
    await takeUp();

    expect(await control()).toMatchObject({ state: 'BOT', epoch: 0 });
  });

  it.each(['conversation', 'approval'] as const)(
    'E1 leaves what it is about to whoever has taken the %s from somebody else at that moment',
    async (kind) => {
      const { takeUp, takeOver, change, escalation } = await open([HAND_OFF, wait()], subjectOf(kind));
      await takeOver(KIM);

      await takeUp(async () => {
        await takeOver(DANA);
        const taking = { by: DANA, became: 'taken', ids: [DANA.person], operates: false } as const;
        await change((before, nowMs) => followTakeover(before, taking, nowMs));
      });

      expect((await escalation())?.standing).toMatchObject({ state: 'ACKED', owner: { person: 'dana' } });
    },
  );
});

/** An escalation whose first step was just taken; `takeUp` does what that asked for. */
async function open(steps: readonly PlanStep[], subject: Report['subject'] = subjectOf('conversation')) {
  const { redis, keys } = await openStore();
  const writer = new EffectWriter(redis, keys);
  const escalations = new EscalationStore(redis, keys, writer, () => 3_600_000);
  const controls = new ControlStore(redis, keys, writer, () => 3_600_000);
  const report = reportOf(subject);
  await escalations.apply(report.id, (before, nowMs) => raise(before, report, planOf(steps, 60_000), nowMs));
  await change((before, nowMs) => tick(before, surroundings(NOBODY, nowMs)));
  const partition = Number(/p(\d+)/.exec(report.id)?.[1]);
  const [item] = await redis.lrange(keys.items(partition, 'e', report.id), 0, -1);
  const deps = {
    queue: { commit: async () => ({ next: undefined, handed: [] }) },
    escalations,
    controls: {
      find: (id) => controls.find(id),
      apply: async (...wish) => {
        const result = await controls.apply(...wish);
        await meanwhile();
        return result;
      },
    } as Pick<ControlStore, 'find' | 'apply'>,
    directory: { find: () => undefined, idsOf: (person: PersonId) => [person], may: () => false },
    config: () => ({ authorizations: { takeover: { wait: 600_000 } } }),
    rememberMs: () => 3_600_000,
    log: silent,
  } as unknown as EscalationWorkerDeps; // all that a hand-off needs

  async function change(decide: (before: Escalation, nowMs: number) => EscalationStep<unknown>) {
    await escalations.apply(report.id, (before, nowMs) => before && decide(before, nowMs));
  }
  let meanwhile = async () => {};
  return {
    change,
    escalation: () => escalations.find(report.id),
    takeOver: async (by: typeof DANA) => {
      await controls.apply(CONVERSATION, (control, nowMs) =>
        takeOver(control, { by, permitted: true, idleMs: 600_000 }, nowMs),
      );
    },
    /** @param first what somebody else does as soon as it is known who has the conversation */
    takeUp: async (first = async () => {}) => {
      meanwhile = async () => {
        meanwhile = async () => {};
        await first();
      };
      const claim = { item, failures: 0, attempt: 1, signal: new AbortController().signal } as Claim; // all that is read of it
      await new EscalationWorker(deps).handle(claim, 'yield');
    },
    control: () => controls.find(CONVERSATION),
  };
}

const NOBODY = { hours: {}, schedules: {}, roles: {}, links: {}, posts: [] };

function wait(): PlanStep {
  return { kind: 'wait', id: 's1', forMs: 600_000 };
}

function subjectOf(kind: 'conversation' | 'approval'): Report['subject'] {
  if (kind === 'conversation') return { kind, conversationId: CONVERSATION };
  return { kind, approvalId: ApprovalId.parse('apr_p0_0123456789ab'), conversationId: CONVERSATION };
}

function reportOf(subject: Report['subject']): Report {
  return {
    id: escalationIdOf('it', subject),
    key: 'it',
    subject,
    severity: 'error',
    title: 'It does not work',
    origin: ORIGIN,
    correlation: 'it',
    except: [],
  };
}
