/** A policy has the agent fall silent, and how what it is about stands when that is taken up. */
import { describe, expect, it } from 'vitest';
import { ControlStore } from '../../src/control/control-store.ts';
import { escalationIdOf } from '../../src/delivery/escalation-item.ts';
import { acknowledge, close } from '../../src/domain/escalation/answers.ts';
import { type Report, raise, tick } from '../../src/domain/escalation/course.ts';
import type { PlanStep } from '../../src/domain/escalation/plan.ts';
import type { Escalation, EscalationStep } from '../../src/domain/escalation/record.ts';
import { ConversationId, PersonId, Platform } from '../../src/domain/ids.ts';
import { EscalationStore } from '../../src/escalation/escalation-store.ts';
import { EscalationWorker, type EscalationWorkerDeps } from '../../src/escalation/escalation-worker.ts';
import type { Claim } from '../../src/mailbox/keyed-queue.ts';
import { EffectWriter } from '../../src/redis/effect-writer.ts';
import { openStore, silent } from '../support/core.ts';
import { planOf } from '../support/escalation-plan.ts';
import { surroundings } from '../support/escalation-world.ts';

const CONVERSATION = ConversationId.parse('slack:T0:C0:1');
const ORIGIN = { platform: Platform.parse('slack'), route: { channel: 'C0', thread: '1' } };
const DANA = { person: PersonId.parse('dana'), name: 'Dana' };
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
});

/** An escalation whose first step was just taken; `takeUp` does what that asked for. */
async function open(steps: readonly PlanStep[]) {
  const { redis, keys } = await openStore();
  const writer = new EffectWriter(redis, keys);
  const escalations = new EscalationStore(redis, keys, writer, () => 3_600_000);
  const controls = new ControlStore(redis, keys, writer, () => 3_600_000);
  const report = reportOf();
  await escalations.apply(report.id, (before, nowMs) => raise(before, report, planOf(steps, 60_000), nowMs));
  await change((before, nowMs) => tick(before, surroundings(NOBODY, nowMs)));
  const partition = Number(/p(\d+)/.exec(report.id)?.[1]);
  const [item] = await redis.lrange(keys.items(partition, 'e', report.id), 0, -1);
  const deps = {
    queue: { commit: async () => ({ next: undefined, handed: [] }) },
    escalations,
    controls,
    config: () => ({ authorizations: { takeover: { wait: 600_000 } } }),
    rememberMs: () => 3_600_000,
    log: silent,
  } as unknown as EscalationWorkerDeps; // all that a hand-off needs

  async function change(decide: (before: Escalation, nowMs: number) => EscalationStep<unknown>) {
    await escalations.apply(report.id, (before, nowMs) => before && decide(before, nowMs));
  }
  return {
    change,
    takeUp: async () => {
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

function reportOf(): Report {
  const subject = { kind: 'conversation' as const, conversationId: CONVERSATION };
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
