import { beforeEach, describe, expect, it } from 'vitest';
import type { Standing } from '../../src/budget/limits.ts';
import { BudgetSettings } from '../../src/config/budgets.ts';
import { SchedulerSettings } from '../../src/config/scheduler.ts';
import { ControlStore } from '../../src/control/control-store.ts';
import type { Approval } from '../../src/domain/approval/record.ts';
import { finishHandback, handBack, takeOver } from '../../src/domain/control.ts';
import { FutileCallError } from '../../src/domain/errors.ts';
import { AccountId, ApprovalId, ConversationId, PersonId, Platform } from '../../src/domain/ids.ts';
import { MailboxItem } from '../../src/domain/mailbox-item.ts';
import type { Tool, ToolContext } from '../../src/domain/tool.ts';
import { EffectWriter } from '../../src/redis/effect-writer.ts';
import { PARTITIONS, partitionOf } from '../../src/redis/keys.ts';
import type { Plan } from '../../src/scheduler/schedule.ts';
import { ScheduleStore, scheduleIdOf } from '../../src/scheduler/schedule-store.ts';
import { ScheduleTimers } from '../../src/scheduler/schedule-timers.ts';
import { createScheduleTools } from '../../src/scheduler/schedule-tools.ts';
import { anApproval } from '../support/approvals.ts';
import { ManualClock, openStore, type Store, serverTime, silent } from '../support/core.ts';

const HERE = ConversationId.parse('slack:T0:C0:1');
const ALEX = PersonId.parse('alex');
const DANA = PersonId.parse('dana');
const ACCOUNT = AccountId.parse('slack:T0/U0ALEX');
const TO = { platform: Platform.parse('slack'), route: { channel: 'C0', thread: '1' } };
const OPERATORS = { platform: Platform.parse('email'), route: { to: 'ops@corp.test' } };
const MINUTE = 60_000;

let store: Store;
let schedules: ScheduleStore;
let controls: ControlStore;
let writer: EffectWriter;
/** Whether Alex may ask, and as whom their account counts. */
let alex: { roles: string[]; person: PersonId };
/** The budget of which nothing is left. */
let usedUp: Standing | undefined;
const budgets = { open: async () => ({ settings: BudgetSettings.parse({}), standings: [], usedUp }) };

beforeEach(async () => {
  store = await openStore();
  writer = new EffectWriter(store.redis, store.keys);
  schedules = new ScheduleStore(store.redis, store.keys, writer, () => MINUTE);
  controls = new ControlStore(store.redis, store.keys, writer, () => MINUTE);
  alex = { roles: ['member'], person: ALEX };
  usedUp = undefined;
});

function timers(): ScheduleTimers {
  return new ScheduleTimers({
    schedules,
    controls,
    directory: {
      speakerNow: async () =>
        alex.roles.length > 0 ? { id: alex.person, name: 'Alex Kim', roles: alex.roles } : undefined,
      may: (roles) => roles.includes('member'),
    },
    budgets,
    operators: () => [OPERATORS],
    log: silent,
  });
}

async function sweep(each = timers()): Promise<void> {
  for (let partition = 0; partition < PARTITIONS; partition++) await each.sweep(partition, 100);
}

async function aPlan(change: Partial<Plan> = {}): Promise<Plan> {
  const createdMs = (await serverTime(store)) - 60 * MINUTE;
  return {
    id: scheduleIdOf(HERE, 'k'),
    conversationId: HERE,
    to: TO,
    by: { person: ALEX, name: 'Alex Kim', account: ACCOUNT },
    title: 'morning report',
    text: 'Tell me what is open.',
    when: { kind: 'once', atMs: createdMs + 59.5 * MINUTE, zone: 'UTC' },
    createdMs,
    ...change,
  };
}

async function mailbox(): Promise<Extract<MailboxItem, { kind: 'message' }>[]> {
  const items = await store.redis.lrange(store.keys.items(partitionOf(HERE), 'm', HERE), 0, -1);
  return items.map((json) => MailboxItem.parse(JSON.parse(json))).filter((item) => item.kind === 'message');
}

async function outbox(
  platform: 'slack' | 'email',
): Promise<{ to: unknown; markdown: string; epoch?: number }[]> {
  const lanes = await store.redis.keys(store.keys.items(partitionOf(HERE), `o.${platform}`, '*'));
  const items = await Promise.all(lanes.map((lane) => store.redis.lrange(lane, 0, -1)));
  return items.flat().map((json) => JSON.parse(json));
}

describe('what is planned', () => {
  it('OM-111 becomes a message of whoever planned it when its time has come, once across processes', async () => {
    const plan = await aPlan();
    await schedules.add(plan);
    const others = [timers(), timers(), timers()];

    await Promise.all([...others, ...others].map((each) => sweep(each)));

    const [item, ...more] = await mailbox();
    expect(more).toEqual([]);
    expect(item).toMatchObject({
      id: `scheduled:${plan.id}:1`,
      requester: { person: 'alex', roles: ['member'] },
      message: { conversationId: HERE, sender: { account: ACCOUNT, authenticated: true }, replyTo: TO },
    });
    expect(item?.message.text).toMatch(
      /^\[I planned this before: "morning report".*\]\n\nTell me what is open\.$/s,
    );
    expect((await outbox('slack')).map(({ markdown }) => markdown)).toEqual([
      expect.stringMatching(/^_Alex Kim planned this: morning report \(once, .* UTC\)\._$/),
    ]);
    expect(await schedules.find(plan.id)).toMatchObject({ state: 'done', runs: 1 });
    expect(await schedules.active()).toEqual([]);
  });

  it('is planned once under one id, whoever is first', async () => {
    const plan = await aPlan();

    const added = await Promise.all(['a', 'b', 'c'].map((title) => schedules.add({ ...plan, title })));

    expect(new Set(added.map(({ title }) => title)).size).toBe(1);
    expect(await schedules.find(plan.id)).toMatchObject({ rev: 1, title: added[0]?.title });
  });

  it('waits for its time', async () => {
    const plan = await aPlan();
    const atMs = (await serverTime(store)) + MINUTE;
    await schedules.add({ ...plan, when: { kind: 'once', atMs, zone: 'UTC' } });

    await sweep();

    expect(await mailbox()).toEqual([]);
    expect(await schedules.find(plan.id)).toMatchObject({ state: 'active', runs: 0, nextMs: atMs });
  });

  it('runs once after an outage, says that it is late, and goes on at its next time', async () => {
    const plan = await aPlan({ when: { kind: 'cron', expression: '*/5 * * * *', zone: 'Europe/Berlin' } });
    await schedules.add(plan);

    await sweep();
    await sweep();

    const items = await mailbox();
    expect(items).toHaveLength(1);
    expect(items[0]?.message.text).toContain('It is late: it was due');
    expect((await outbox('slack'))[0]?.markdown).toContain('It is late');
    const after = await schedules.find(plan.id);
    expect(after).toMatchObject({ state: 'active', runs: 1 });
    expect(after!.nextMs).toBeGreaterThan(await serverTime(store));
    expect(after!.nextMs).toBeLessThanOrEqual((await serverTime(store)) + 5 * MINUTE);
  });

  it.each([
    ['has no role any more that may ask', () => ({ roles: ['guest'], person: ALEX })],
    ['is nobody here any more', () => ({ roles: [], person: ALEX })],
    ['gave the account to somebody else', () => ({ roles: ['member'], person: DANA })],
  ])('is not run when whoever planned it %s, and the operators hear of it', async (_, now) => {
    const plan = await aPlan();
    await schedules.add(plan);
    alex = now();

    await sweep();

    expect(await mailbox()).toEqual([]);
    expect(await outbox('slack')).toEqual([]);
    expect(await outbox('email')).toEqual([
      expect.objectContaining({
        to: OPERATORS,
        markdown: expect.stringContaining('Alex Kim (alex) had planned'),
      }),
    ]);
    expect(await schedules.find(plan.id)).toMatchObject({ state: 'stopped' });
  });

  it('C1 waits, and nothing is said of it, while a person has the conversation; then it is done once', async () => {
    const plan = await aPlan({ when: { kind: 'cron', expression: '*/5 * * * *', zone: 'UTC' } });
    await schedules.add(plan);
    await taken();

    await sweep();

    expect([await mailbox(), await outbox('slack')]).toEqual([[], []]);
    expect(await schedules.find(plan.id)).toMatchObject({ state: 'active', runs: 0 });
    expect((await schedules.prove().next()).done).toBe(true);
    await back();
    await controls.apply(HERE, (control, nowMs) => finishHandback(control, control.epoch, nowMs));
    await schedules.apply(plan.id, (stored) => ({ next: { ...stored, rev: 3, lookMs: 0 }, effects: [] })); // a minute has passed
    await sweep();
    await sweep();
    expect(await mailbox()).toMatchObject([{ id: `scheduled:${plan.id}:1`, planned: true }]);
    expect(await outbox('slack')).toMatchObject([{ epoch: (await controls.find(HERE)).epoch }]);
  });

  it('OM-162 waits while a budget is used up, which is said once until it begins anew; then it is done once', async () => {
    const plan = await aPlan({ when: { kind: 'cron', expression: '*/5 * * * *', zone: 'UTC' } });
    await schedules.add(plan);
    const nowMs = await serverTime(store);
    usedUp = {
      ...{ subject: 'person', period: 'day', of: 'tokens', most: 10, spent: 12, periodName: '2026-03-27' },
      ...{ sinceMs: nowMs - 60 * MINUTE, resetMs: nowMs + 60 * MINUTE },
    };
    const minutesPass = () =>
      schedules.apply(plan.id, (stored) => ({
        next: { ...stored, rev: stored.rev + 1, lookMs: 0 },
        effects: [],
      }));

    for (let look = 0; look < 3; look++) {
      await sweep();
      await minutesPass();
    }

    expect(await mailbox()).toEqual([]);
    expect((await outbox('slack')).map(({ markdown }) => markdown)).toEqual([
      expect.stringMatching(
        /^_Alex Kim planned this: morning report .* It is not done yet, because the budget of Alex Kim for today is used up\. I do it when that begins anew, on .* UTC\._$/,
      ),
    ]);
    expect(await schedules.find(plan.id)).toMatchObject({ state: 'active', runs: 0 });
    usedUp = undefined;
    await sweep();
    await sweep();
    expect(await mailbox()).toMatchObject([{ id: `scheduled:${plan.id}:1`, planned: true }]);
    expect((await outbox('slack')).at(-1)?.markdown).toMatch(/planned this.* It is late/);
  });

  it('is looked at again when its budget begins anew, and before that, should somebody give it more', async () => {
    const plan = await aPlan();
    await schedules.add(plan);
    const nowMs = await serverTime(store);
    const standing = { subject: 'team', period: 'day', of: 'tokens', most: 10, spent: 12 } as const;
    usedUp = { ...standing, periodName: 'd', sinceMs: 0, resetMs: nowMs + 2 * MINUTE };
    await sweep();
    const soon = await schedules.find(plan.id);

    usedUp = { ...usedUp, resetMs: nowMs + 600 * MINUTE };
    await schedules.apply(plan.id, (stored) => ({
      next: { ...stored, rev: stored.rev + 1, lookMs: 0 },
      effects: [],
    }));
    await sweep();

    expect(Math.abs(soon!.lookMs! - (nowMs + 2 * MINUTE))).toBeLessThan(1_000);
    expect((await schedules.find(plan.id))!.lookMs).toBeLessThan(nowMs + 6 * MINUTE);
  });

  it('C1 is not begun when somebody takes the conversation over while it is', async () => {
    const plan = await aPlan();
    await schedules.add(plan);
    const find = async (id: ConversationId) => {
      const control = await controls.find(id);
      await taken();
      return control;
    };
    const overtaken = new ScheduleTimers({
      schedules,
      controls: { find, guardOf: (control) => controls.guardOf(control) },
      directory: { speakerNow: async () => ({ ...alex, id: ALEX, name: 'Alex Kim' }), may: () => true },
      budgets,
      operators: () => [],
      log: silent,
    });

    await sweep(overtaken);

    expect([await mailbox(), await outbox('slack')]).toEqual([[], []]);
    expect(await schedules.find(plan.id)).toMatchObject({ state: 'active', runs: 0 });
  });

  it('is put off, not lost, when it is not known who may ask', async () => {
    const plan = await aPlan();
    await schedules.add(plan);
    const away = new ScheduleTimers({
      schedules,
      controls,
      directory: { speakerNow: async () => Promise.reject(new Error('away')), may: () => true },
      budgets,
      operators: () => [],
      log: silent,
    });

    await sweep(away);

    expect(await mailbox()).toEqual([]);
    expect(await schedules.find(plan.id)).toMatchObject({ state: 'active' });
    expect(await schedules.active()).toHaveLength(1);
  });
});

/** Dana takes the conversation over, and hands it back. */
async function taken(): Promise<void> {
  const by = { person: DANA, name: 'Dana Reyes' };
  await controls.apply(HERE, (control, nowMs) =>
    takeOver(control, { by, permitted: true, idleMs: MINUTE }, nowMs),
  );
}
async function back(): Promise<void> {
  const by = { person: DANA, name: 'Dana Reyes' };
  await controls.apply(HERE, (control, nowMs) => handBack(control, { by, permitted: true }, nowMs));
}

describe('the tools of the scheduler', () => {
  const clock = new ManualClock(Date.parse('2026-03-27T12:00:00Z'));
  const approvalId = ApprovalId.parse('apr_p0_000000000000');
  const approval = {
    ...anApproval({ request: { requester: ALEX, requesterName: 'Alex Kim', accounts: [ACCOUNT] } }),
    origin: TO,
  };

  function open(origin: Approval = approval, settings: object = {}) {
    const tools = createScheduleTools({
      schedules,
      approvals: { find: async () => origin },
      directory: {
        find: (id) =>
          id === DANA ? { id, name: 'Dana', roles: ['operator'], accounts: [], prefers: [] } : undefined,
        may: (roles, permission) => permission === 'operate' && roles.includes('operator'),
      },
      settings: () => SchedulerSettings.parse(settings),
      clock,
    });
    const tool = (name: string): Tool => tools.find((each) => each.name === name)!;
    const context = (change: Partial<ToolContext> = {}): ToolContext => ({
      idempotencyKey: 'k',
      conversationId: HERE,
      requester: ALEX,
      approvalId,
      signal: new AbortController().signal,
      ...change,
    });
    const run = (name: string, input: object, change: Partial<ToolContext> = {}) =>
      tool(name).execute(tool(name).input.parse(input), context(change));
    return { tool, context, run };
  }

  const ONCE = { title: 'call', text: 'Remind me to call.', kind: 'once', at: '2026-03-28T09:00' };
  const DAILY = {
    title: 'report',
    text: 'Report.',
    kind: 'cron',
    cron: '0 9 * * *',
    time_zone: 'Europe/Berlin',
  };

  it('plan something once under one key, for the place and the person of the request', async () => {
    const { run } = open();

    const first = await run('schedule_create', ONCE);
    const second = await run('schedule_create', ONCE);

    const id = scheduleIdOf(HERE, 'k');
    expect(first).toEqual({
      status: 'ok',
      text: `Planned as ${id}: "call", once, 28 Mar 2026, 09:00 UTC. The first time is 28 Mar 2026, 09:00 UTC.`,
      receipt: { id },
    });
    expect(second).toEqual(first);
    expect(await schedules.active()).toEqual([
      expect.objectContaining({ id, to: TO, by: { person: ALEX, name: 'Alex Kim', account: ACCOUNT } }),
    ]);
  });

  it('list what is planned here, and only count what is planned elsewhere', async () => {
    const { run } = open();
    const there = ConversationId.parse('slack:T0:C0:2');
    await run('schedule_create', DAILY);
    await run('schedule_create', { ...ONCE, title: 'a secret' }, { conversationId: there });

    const { text } = await run('schedule_list', {});
    const others = await run('schedule_list', {}, { requester: DANA });

    expect(text).toContain(
      '"report" by Alex Kim, 0 9 * * * (Europe/Berlin); next 28 Mar 2026, 09:00 (Europe/Berlin)',
    );
    expect(text).toContain('(Whoever asks has 1 more in other conversations.)');
    expect(text).not.toContain('secret');
    expect(others.text).toContain('"report"');
    expect(others.text).not.toContain('elsewhere');
  });

  it('take back what is their own, or anything for those who run this', async () => {
    const { run } = open();
    await run('schedule_create', ONCE);
    const id = scheduleIdOf(HERE, 'k');
    const stranger = await run('schedule_cancel', { id }, { requester: PersonId.parse('eve') });
    const still = await schedules.find(id);

    const own = await run('schedule_cancel', { id });
    const again = await run('schedule_cancel', { id }, { requester: DANA });

    expect(stranger).toMatchObject({
      status: 'error',
      text: `Whoever asks has planned nothing under ${id}.`,
    });
    expect(still?.state).toBe('active');
    expect(own.text).toBe(`"call" (${id}) is taken back.`);
    expect(again.status).toBe('ok');
    expect(await schedules.active()).toEqual([]);
  });

  it('OM-187 keep what was planned after strangers were read apart from what people wished themselves', async () => {
    const { run } = open();
    await run('schedule_create', ONCE);
    const own = await run('schedule_list', {});
    const planned = { idempotencyKey: 'k2', hasReadStrangers: true } as const;
    await run('schedule_create', ONCE, planned);

    const both = await run('schedule_list', {});
    const taken = await run('schedule_cancel', { id: scheduleIdOf(HERE, 'k2') });

    // Without a word to the contrary a list is somebody else's.
    expect([own.trust, both.trust, taken.trust]).toEqual(['tool', undefined, undefined]);
  });

  it('plan so many for one person and no more', async () => {
    const { run, tool, context } = open(approval, { per_person: 2 });
    const add = (key: string) => run('schedule_create', ONCE, { idempotencyKey: key });
    await add('1');
    await add('2');

    const third = await add('3');

    expect(third).toEqual({
      status: 'error',
      text: 'Not planned: one person can have 2 things planned at a time, and this one has 2.',
    });
    await expect(tool('schedule_create').preview!(ONCE, context())).rejects.toThrow(FutileCallError);
    await run('schedule_cancel', { id: scheduleIdOf(HERE, '1') });
    expect((await add('3')).status).toBe('ok');
  });

  it('ask nobody about what cannot be, and show when it would be', async () => {
    const { tool, context } = open();
    const preview = (input: object) => tool('schedule_create').preview!(input, context());

    expect(await preview(DAILY)).toEqual({
      changes: [
        {
          label: 'planned',
          after:
            '0 9 * * * (Europe/Berlin): 28 Mar 2026, 09:00 (Europe/Berlin); 29 Mar 2026, 09:00 (Europe/Berlin); 30 Mar 2026, 09:00 (Europe/Berlin)',
        },
      ],
      basis: '0 9 * * * (Europe/Berlin)',
    });
    await expect(preview({ ...DAILY, cron: '* * * * *' })).rejects.toThrow('the shortest is 5');
    await expect(preview({ ...ONCE, at: '2026-03-01T09:00' })).rejects.toThrow('is over');
  });

  it('plan nothing where nobody could be answered then', async () => {
    const terminal = {
      ...anApproval({ request: { accounts: [ACCOUNT] } }),
      origin: { platform: Platform.parse('cli-abc'), route: {} },
    };

    expect((await open(terminal).run('schedule_create', ONCE)).text).toContain(
      'nobody could be answered at a terminal',
    );
    expect(await schedules.active()).toEqual([]);
  });

  it('take back what a plan of several calls planned', async () => {
    const { run, tool, context } = open();
    const { receipt } = await run('schedule_create', ONCE);

    const { compensation } = tool('schedule_create');
    await compensation!.execute(ONCE, receipt, context());

    expect(await schedules.active()).toEqual([]);
  });
});
