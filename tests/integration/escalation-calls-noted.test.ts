/** What people are called to in a conversation is found by whoever takes that over, for as long as they are called. */
import { describe, expect, it } from 'vitest';
import { ControlStore } from '../../src/control/control-store.ts';
import { type EscalationItem, escalationIdOf } from '../../src/delivery/escalation-item.ts';
import { resolve } from '../../src/domain/escalation/answers.ts';
import { type Report, raise } from '../../src/domain/escalation/course.ts';
import { API_PLATFORM, ApprovalId, ConversationId, PersonId, Platform } from '../../src/domain/ids.ts';
import { EscalationStore } from '../../src/escalation/escalation-store.ts';
import { EscalationWorker, type EscalationWorkerDeps } from '../../src/escalation/escalation-worker.ts';
import { callsTo } from '../../src/escalation/triggers.ts';
import type { Claim } from '../../src/mailbox/keyed-queue.ts';
import { EffectWriter } from '../../src/redis/effect-writer.ts';
import { openStore, silent } from '../support/core.ts';
import { planOf } from '../support/escalation-plan.ts';

const CONVERSATION = ConversationId.parse('slack:T0:C0:1');
const SLACK = Platform.parse('slack');
const DANA = { person: PersonId.parse('dana'), name: 'Dana' };
const HOUR = 3_600_000;

describe('an escalation about a request', () => {
  it('is known to its conversation while people are called, and not any more once the request has its answer', async () => {
    const { handle, known } = await open();

    await handle(reported());
    const meanwhile = await known();
    await handle(closed());

    expect(meanwhile).toEqual([ID]);
    expect(await known()).toEqual([]);
  });

  it('is not known any more once the request has its answer, also where somebody had closed it before', async () => {
    const { handle, known, escalations } = await open();
    await handle(reported());
    await escalations.apply(ID, (before) => before && resolve(before, { by: DANA, permitted: true }));

    await handle(closed());

    expect(await known()).toEqual([]);
  });

  it('is not noted where a program asked, whose conversation nobody takes over', async () => {
    const { handle, known } = await open();

    await handle(reported({ origin: { platform: API_PLATFORM, route: {} } }));

    expect(await known()).toEqual([]);
  });

  it.each([
    ['calls somebody', page],
    ['has the agent fall silent', handOff],
  ])('is known as well where a version began it that did not note it, as soon as it %s', async (_, item) => {
    const { handle, known, escalations } = await open();
    await escalations.apply(ID, (before, nowMs) => raise(before, REPORT, PLAN, nowMs));

    await handle(item());

    expect(await known()).toEqual([ID]);
  });

  it('is not noted by a call that is made after its end', async () => {
    const { handle, known } = await open();
    await handle(reported());
    await handle(closed());

    await handle(page());

    expect(await known()).toEqual([]);
  });
});

async function open() {
  const { redis, keys } = await openStore();
  const writer = new EffectWriter(redis, keys);
  const escalations = new EscalationStore(redis, keys, writer, () => HOUR);
  const controls = new ControlStore(redis, keys, writer, () => HOUR);
  const deps = {
    queue: { commit: async () => ({ next: undefined, handed: [] }) },
    escalations,
    controls,
    pagers: { admit: async () => {} },
    approvals: { find: async () => undefined },
    config: () => ({
      authorizations: { takeover: { wait: HOUR } },
      escalation: { escalations: {} },
    }),
    directory: { operators: () => [], find: () => undefined, mayHold: () => true },
    tellsEverybody: () => false,
    rememberMs: () => HOUR,
    log: silent,
  } as unknown as EscalationWorkerDeps; // all that these items need
  return {
    escalations,
    known: () => redis.smembers(keys.begunBy(callsTo(CONVERSATION))),
    handle: async (item: EscalationItem) => {
      const claim = {
        item: JSON.stringify(item),
        failures: 0,
        attempt: 1,
        signal: new AbortController().signal,
      } as Claim; // all that is read of it
      await new EscalationWorker(deps).handle(claim, 'yield');
    },
  };
}

const SUBJECT = {
  kind: 'approval',
  approvalId: ApprovalId.parse('apr_p0_0123456789ab'),
  conversationId: CONVERSATION,
} as const;
const ID = escalationIdOf('approval:it', SUBJECT);
const REPORT: Report = {
  id: ID,
  key: 'approval:it',
  subject: SUBJECT,
  severity: 'error',
  title: 'Refund order 7',
  origin: { platform: SLACK, route: { channel: 'C0', thread: '1' } },
  correlation: 'it',
  except: [],
};
const PLAN = planOf([{ kind: 'wait', id: '1', forMs: HOUR }], HOUR);

function reported(change: Partial<Report> = {}): EscalationItem {
  return { kind: 'report', id: 'report:it', atMs: 1, policy: 'duty', report: { ...REPORT, ...change } };
}

function closed(): EscalationItem {
  return { kind: 'close', id: 'close:it', atMs: 2, escalation: ID, remark: 'the request is approved' };
}

function page(): EscalationItem {
  return {
    kind: 'page',
    id: 'page:it',
    atMs: 3,
    person: DANA.person,
    page: {
      id: 'page:it',
      escalation: ID,
      epoch: 1,
      platform: SLACK,
      importance: 'high',
      why: 'call',
      markdown: 'Somebody has to look after this.',
      atMs: 3,
    },
  };
}

function handOff(): EscalationItem {
  return {
    kind: 'hand-off',
    id: 'hand-off:it',
    atMs: 3,
    escalation: ID,
    epoch: 1,
    conversationId: CONVERSATION,
    policy: 'duty',
  };
}
