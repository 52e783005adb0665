/** Who may act on an escalation, at the moment they do. */
import { describe, expect, it } from 'vitest';
import type { Config } from '../../src/config/load-config.ts';
import { escalationIdOf } from '../../src/delivery/escalation-item.ts';
import { acknowledge } from '../../src/domain/escalation/answers.ts';
import { raise } from '../../src/domain/escalation/course.ts';
import { AccountId, ApprovalId, ConversationId, PersonId, Platform } from '../../src/domain/ids.ts';
import { guestIdOf } from '../../src/domain/person.ts';
import { type EscalationAct, EscalationDesk } from '../../src/escalation/escalation-desk.ts';
import { EscalationStore } from '../../src/escalation/escalation-store.ts';
import { Directory } from '../../src/identity/directory.ts';
import { EffectWriter } from '../../src/redis/effect-writer.ts';
import { openStore } from '../support/core.ts';
import { planOf } from '../support/escalation-plan.ts';

const HOUR = 3_600_000;
const DANA = { person: PersonId.parse('dana'), name: 'Dana' };
const ACCOUNT = AccountId.parse('slack:T0/U0DANA');
const OTHER = PersonId.parse('sam');
const CONVERSATION = ConversationId.parse('slack:T0:C0:1');

describe('a request that came from an account which is known to be its owner’s by now', () => {
  it.each<[EscalationAct, string]>([
    [{ kind: 'resolve' }, 'NOT_PERMITTED'],
    [{ kind: 'snooze', forMs: HOUR, instead: false }, 'NOT_PERMITTED'],
    [{ kind: 'let-go' }, 'LET_GO'],
  ])('E8 cannot be ended or put off by them, and let go of: %o is %s', async (act, code) => {
    const { desk, id } = await open(['dana']);

    const answer = await desk.act(gesture(id), act);

    expect(answer).toMatchObject({ code });
  });

  it('E8 is no more theirs to end because somebody else reported it as well', async () => {
    const { desk, id } = await open(['dana', 'somebody']);

    expect(await desk.act(gesture(id), { kind: 'resolve' })).toMatchObject({ code: 'NOT_PERMITTED' });
  });

  it('E8 is not theirs to end though it came from somebody else first', async () => {
    const { desk, id } = await open(['somebody', 'dana'], { takenAfter: 2 });

    expect(await desk.act(gesture(id), { kind: 'resolve' })).toMatchObject({ code: 'NOT_PERMITTED' });
  });

  it('is listed to them, who may let go of it', async () => {
    const { desk, id } = await open(['dana']);

    expect(await desk.listFor({ ...DANA, roles: [] }, 10)).toMatchObject([{ id }]);
  });
});

it('E8 what somebody had before they reported it once more stays theirs', async () => {
  const { desk, id } = await open(['somebody', 'dana']);

  const answer = await desk.act(gesture(id), { kind: 'resolve' });

  expect(answer).toMatchObject({ code: 'RESOLVED' });
});

/** @param by by whose accounts it was reported, one after the other; Dana has it since the one named by `takenAfter` */
async function open(by: readonly ('dana' | 'somebody')[], { takenAfter = 1 } = {}) {
  const { redis, keys } = await openStore();
  const writer = new EffectWriter(redis, keys);
  const escalations = new EscalationStore(redis, keys, writer, () => HOUR);
  const subject = {
    kind: 'approval',
    approvalId: ApprovalId.parse('apr_p0_0123456789ab'),
    conversationId: CONVERSATION,
  } as const;
  const id = escalationIdOf('it', subject);
  const report = { id, key: 'it', subject, severity: 'error', title: 'It', correlation: 'it' } as const;
  const reportBy = (who: 'dana' | 'somebody') => {
    const except = who === 'dana' ? [guestIdOf(ACCOUNT)] : [OTHER];
    return escalations.apply(id, (before, nowMs) => raise(before, { ...report, except }, PLAN, nowMs));
  };
  for (const who of by.slice(0, takenAfter)) await reportBy(who);
  await escalations.apply(
    id,
    (before, nowMs) => before && acknowledge(before, { by: DANA, permitted: true }, nowMs),
  );
  for (const who of by.slice(takenAfter)) await reportBy(who);
  const people = { dana: { name: 'Dana', roles: [], accounts: { slack: ['T0/U0DANA'] } } };
  const config = { contacts: { people, groups: {} }, authorizations: { roles: {} } };
  const directory = new Directory(() => config as unknown as Config); // all that is read of it
  return { id, desk: new EscalationDesk({ escalations, directory, writer, rememberMs: () => HOUR }) };
}

function gesture(escalation: ReturnType<typeof escalationIdOf>) {
  return { id: 'g1', escalation, by: { ...DANA, roles: [] }, channel: Platform.parse('slack') };
}

const PLAN = planOf([{ kind: 'wait', id: '1', forMs: HOUR }], HOUR);
