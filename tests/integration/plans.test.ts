/** Plans on a real Redis, with the shop as the outside world. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fastify from 'fastify';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AuditLog } from '../../src/audit/audit-log.ts';
import type { Authorizations } from '../../src/config/authorizations.ts';
import { EscalationTriggers } from '../../src/config/escalation-triggers.ts';
import type { Approval } from '../../src/domain/approval/record.ts';
import { systemClock } from '../../src/domain/clock.ts';
import { ABANDONED_AFTER_MS, MOST_UNDOS, RETRY_PAUSES_MS } from '../../src/domain/saga.ts';
import type { Tool, ToolContext, ToolOutput } from '../../src/domain/tool.ts';
import { createPlanTools, RUN_PLAN } from '../../src/plans/plan-tool.ts';
import { SagaRunner } from '../../src/plans/saga-runner.ts';
import { SagaStore, sagaIdOf } from '../../src/plans/saga-store.ts';
import { SagaTimers } from '../../src/plans/saga-timers.ts';
import { EffectWriter } from '../../src/redis/effect-writer.ts';
import { partitionOf } from '../../src/redis/keys.ts';
import { Journal } from '../../src/sandbox/journal.ts';
import { ShopSandbox } from '../../src/sandbox/shop/shop-sandbox.ts';
import { createShopTools } from '../../src/sandbox/shop/shop-tools.ts';
import { anApproval } from '../support/approvals.ts';
import { defer, openStore, type Store, silent } from '../support/core.ts';
import { ASK_MANAGER, rules } from '../support/tools.ts';

const KEY = 'the-key-of-the-approved-call';
const LONG_MS = 3_600_000;
const ALLOW = rules({ name: 'all', tool: '*', decision: 'allow' });
const TRIGGERS = EscalationTriggers.parse([{ when: 'plan_raised', raise: 'duty', severity: 'error' }]);

const refund = (order: number, amount = 10) => ({
  tool: 'refund',
  arguments: { order, amount, currency: 'EUR', reason: 'arrived broken' },
});
const deploy = (version: string) => ({
  tool: 'deploy',
  arguments: { service: 'api', environment: 'production', version },
});

/** As often as an undoing is tried. */
const BROKEN = Array.from({ length: MOST_UNDOS }, () => 'error-before' as const);

let directory: string;
let shop: ShopSandbox;
let store: Store;
let sagas: SagaStore;
let approval: Approval;
let end: () => Promise<void>;
let origin: string;
let pauses: number[];

beforeEach(async () => {
  directory = mkdtempSync(path.join(tmpdir(), 'signalbox-plans-'));
  const journal = new Journal(directory);
  shop = new ShopSandbox(journal, systemClock);
  const app = fastify({ forceCloseConnections: true });
  shop.register(app);
  await journal.start();
  await shop.start();
  origin = await app.listen({ host: '127.0.0.1', port: 0 });
  end = async () => {
    await shop.stop();
    await app.close();
    await journal.stop();
    rmSync(directory, { recursive: true });
  };
  pauses = [];
  approval = underPermit(anApproval());
});
afterEach(() => end());

async function open(writerOf: typeof EffectWriter = EffectWriter): Promise<void> {
  store = await openStore();
  const writer = new writerOf(store.redis, store.keys);
  sagas = new SagaStore(store.redis, store.keys, writer, {
    keepMs: () => LONG_MS,
    triggers: () => TRIGGERS,
    whereOf: () => ({ text: 'on Slack', link: 'https://slack.test/C0GENERAL', isPrivate: false }),
  });
}

/** One process: the tool as the agent has it, over the store that all of them share. */
function planTool(
  authorizations: () => Authorizations = () => ALLOW,
  tools: readonly Tool[] = createShopTools(`${origin}/shop`),
): Tool {
  const runner = new SagaRunner({
    sagas,
    approvals: { find: async () => approval },
    authorizations,
    rolesOf: () => ['member'],
    log: silent,
    pause: async (ms) => {
      pauses.push(ms);
    },
  });
  return createPlanTools(tools, runner).find(({ name }) => name === RUN_PLAN)!;
}

/** As it is while the plan runs. */
function underPermit(begun: Approval, epoch = 1): Approval {
  const execution = { epoch, owner: `w${epoch}`, leaseUntilMs: begun.openedMs + LONG_MS, attempt: epoch };
  return { ...begun, state: 'EXECUTING', execution };
}

interface RunWish {
  readonly tool?: Tool;
  readonly key?: string;
  readonly permitEpoch?: number;
  readonly signal?: AbortSignal;
}

async function run(
  steps: readonly unknown[],
  { tool = planTool(), key = KEY, permitEpoch = 1, signal = new AbortController().signal }: RunWish = {},
): Promise<ToolOutput> {
  const context: ToolContext = {
    idempotencyKey: key,
    conversationId: approval.conversationId,
    requester: approval.request.requester,
    approvalId: approval.id,
    permitEpoch,
    signal,
  };
  return tool.execute(tool.input.parse({ title: 'Move order 7', steps }), context);
}

/** A process that begins a plan and is never heard of again; resolves when the shop has its request. */
async function killedIn(steps: readonly unknown[], made: () => number, times: number): Promise<void> {
  const reached = new Promise<void>((resolve) => {
    const stop = shop.onChange(() => {
      if (made() < times) return;
      stop();
      resolve();
    });
  });
  void run(steps).catch(() => undefined);
  await reached;
}

const saga = () => sagas.find(sagaIdOf(approval.conversationId, KEY));
const states = async () => (await saga())?.steps.map(({ state }) => state);

/** What is to be sent or done, as it is stored. */
async function queued(queue: string): Promise<string> {
  const lanes = await store.redis.keys(
    `${store.keys.partition(partitionOf(approval.conversationId))}${queue}:q:*`,
  );
  const items = await Promise.all(lanes.map((lane) => store.redis.lrange(lane, 0, -1)));
  return items.flat().join('\n');
}

describe('a plan', () => {
  beforeEach(() => open());

  it('does its steps in order, each under a key of its own', async () => {
    const output = await run([refund(7), refund(8), deploy('2.0')]);

    expect(output).toMatchObject({
      status: 'ok',
      text: expect.stringMatching(/^All 3 steps are done\. 1\. refund/),
    });
    expect(shop.refunds.map(({ order }) => order)).toEqual([7, 8]);
    expect(shop.deploys).toHaveLength(1);
    expect(new Set([...shop.refunds, ...shop.deploys].map(({ key }) => key)).size).toBe(3);
  });

  it('keeps the beginning of what a step tells, however long that is', async () => {
    const tools = createShopTools(`${origin}/shop`).map((tool) =>
      tool.name === 'deploy'
        ? {
            ...tool,
            execute: async () => ({ status: 'ok' as const, text: `deployed ${'x'.repeat(1_000_000)}` }),
          }
        : tool,
    );

    const output = await run([refund(7), deploy('2.0')], { tool: planTool(() => ALLOW, tools) });

    expect(output.text).toContain('deployed xxx');
    expect((await saga())?.steps[1]?.outcome?.text).toHaveLength(2_000);
  });

  it('OM-187 marks what a step told as the words of whoever wrote it, and no other step’s', async () => {
    const output = await run([refund(7), deploy('2.0')], {
      tool: planTool(
        () => ALLOW,
        shopWhere({ text: 'deployed, says Dana Reyes', source: 'the database shop' }),
      ),
    });

    expect(output.text).toMatch(/1\. refund [^:]*: done: /);
    expect(output.text).toContain('done (words of the database shop): deployed, says Dana Reyes');
  });

  it('OM-187 tells what its tool says of a step in front of the words of others, and keeps the beginning of both', async () => {
    const told = {
      text: 'OK.',
      source: 'the script run.py',
      heading: `run.py has run. ${'x'.repeat(9_000)}`,
    };
    const output = await run([refund(7), deploy('2.0')], { tool: planTool(() => ALLOW, shopWhere(told)) });

    expect(output.text).toMatch(/: done: run\.py has run\. x+… \(words of the script run\.py\): OK\./);
    expect((await saga())?.steps[1]?.outcome).toMatchObject({
      text: 'OK.',
      heading: expect.stringMatching(/^.{2000}$/),
    });
  });

  it.each([
    ['the gateway’s, where all has worked, though its tools tell of strangers', 'tool', undefined],
    ['those of its tool, where nothing else is known', undefined, 'outsider'],
    ['a page’s, of which one step told', 'web', 'web'],
  ] as const)('OM-187 tells words as its steps told them: %s', async (_what, trust, told) => {
    const text = { text: 'deployed', ...(trust === undefined ? {} : { trust }) };
    const tool = planTool(() => ALLOW, shopWhere(text, 'outsider'));

    const output = await run([deploy('2.0'), deploy('2.1')], { tool });

    expect(output.trust).toBe(told);
    expect((await saga())?.steps[1]?.outcome?.trust).toBe(trust);
  });

  /** The tools of the shop, with a deploy that tells this. */
  function shopWhere(told: Omit<ToolOutput, 'status'>, tells?: 'outsider'): Tool[] {
    return createShopTools(`${origin}/shop`).map((tool) =>
      tool.name === 'deploy'
        ? { ...tool, ...(tells ? { tells } : {}), execute: async () => ({ status: 'ok', ...told }) }
        : tool,
    );
  }

  it('OM-150 OM-151 undoes B and then A when C fails, and leaves nothing', async () => {
    shop.fault('none', 'none', 'refuse');

    const output = await run([refund(7), deploy('2.0'), refund(8)]);

    expect(output.status).toBe('error');
    expect(output.text).toMatch(
      /Step 3 failed, so everything done before it was undone\. Nothing of the plan stands/,
    );
    expect(shop.charges).toMatchObject([{ refund: 'r1', order: 7, amount: 10 }]);
    expect(shop.rollbacks).toMatchObject([{ deploy: 'd1' }]);
    expect(Date.parse(shop.rollbacks[0]!.at)).toBeLessThanOrEqual(Date.parse(shop.charges[0]!.at));
    const events = await eventsOf();
    expect(events.filter((event) => /undoing|undone/.test(event))).toEqual([
      'plan.undoing',
      'plan.step-undoing 2',
      'plan.step-undone 2',
      'plan.step-undoing 1',
      'plan.step-undone 1',
      'plan.undone',
    ]);
  });

  it('OM-152 tries an undoing again with growing pauses under the same key, then raises it with the whole state', async () => {
    shop.fault('none', 'none', 'refuse', ...BROKEN);

    const output = await run([refund(7), refund(8), deploy('2.0')]);

    expect(pauses).toEqual(RETRY_PAUSES_MS);
    expect(await states()).toEqual(['done', 'stuck', 'failed']);
    expect(shop.charges).toEqual([]);
    expect(output.text).toMatch(/done only in part: 2 of 3 steps stand/);
    expect(output.text).toMatch(
      /2\. refund .*NOT UNDONE: to undo it \(charge order 8 10\.00 EUR\) was tried 4 times/,
    );
    expect(output.text).toMatch(/Step 1 \(refund\): it was done; undo it: charge order 7 10\.00 EUR/);
    expect(await queued('o.slack')).toMatch(/A human has to look at this plan: Move order 7/);
    const report = await queued('e');
    expect(report).toMatch(/"policy":"duty".*A plan needs a human: Move order 7/);
    expect(report).toMatch(/charge order 8 10\.00 EUR/);
  });

  it('goes on undoing when a further try works, and charges once', async () => {
    shop.fault('none', 'refuse', 'error-after', 'cut-after');

    const output = await run([refund(7), deploy('2.0')]);

    expect(output.text).toMatch(/Nothing of the plan stands/);
    expect(pauses).toEqual(RETRY_PAUSES_MS.slice(0, 2));
    expect(shop.charges).toHaveLength(1);
  });

  it('finds out about a step whose answer was lost, where its tool can tell', async () => {
    shop.fault('cut-after');

    const output = await run([refund(7), deploy('2.0')]);

    expect(output.status).toBe('ok');
    expect(shop.refunds).toHaveLength(1);
  });

  it('OM-143 raises a step whose outcome nobody knows, undoes nothing, and names what stands', async () => {
    shop.fault('none', 'error-before');

    const output = await run([deploy('2.0'), refund(7), refund(8)]);

    expect(await states()).toEqual(['done', 'unknown', 'waiting']);
    expect(shop.rollbacks).toEqual([]);
    expect(output.text).toMatch(/done only in part: 1 of 3 steps stands, and of one nobody knows/);
    expect(output.text).toMatch(/Step 2 \(refund\): find out whether it was done\. One step was not begun/);
  });

  it('does nothing more when it is asked for again, and says the same', async () => {
    shop.fault('none', 'refuse');
    const first = await run([refund(7), deploy('2.0')]);

    const second = await run([refund(7), deploy('2.0')]);

    expect(second).toEqual(first);
    expect(shop.refunds).toHaveLength(1);
    expect(shop.charges).toHaveLength(1);
  });

  it('does not run a step that the rules deny by then, and undoes what was done', async () => {
    const frozen = rules(
      { name: 'freeze', tool: 'deploy', decision: 'deny' },
      { name: 'all', tool: '*', decision: 'allow' },
    );

    const output = await run([refund(7), deploy('2.0')], {
      tool: planTool(() => (shop.refunds.length === 0 ? ALLOW : frozen)),
    });

    expect(shop.deploys).toEqual([]);
    expect(shop.charges).toHaveLength(1);
    expect(output.text).toContain('the rule “freeze” does not allow it');
  });

  it.each([
    ['its tool was', 'deploy'],
    ['plans were', RUN_PLAN],
    ['the group of plans was', 'plans'],
  ])('does not run a step after %s put on the list tools.deny, and undoes what was done', async (_, name) => {
    const listed = { ...ALLOW, tools: { ...ALLOW.tools, deny: [name] } };

    const output = await run([refund(7), deploy('2.0')], {
      tool: planTool(() => (shop.refunds.length === 0 ? ALLOW : listed)),
    });

    expect(shop.deploys).toEqual([]);
    expect(shop.charges).toHaveLength(1);
    expect(output.text).toMatch(/it was not run: \w+ is on the list tools\.deny/);
  });

  it('goes no further, and is taken back, when the agent may make no plans any more', async () => {
    const none = rules(
      { name: 'no plans', tool: RUN_PLAN, decision: 'deny' },
      { name: 'all', tool: '*', decision: 'allow' },
    );

    const output = await run([refund(7), deploy('2.0')], {
      tool: planTool(() => (shop.refunds.length === 0 ? ALLOW : none)),
    });

    expect(shop.deploys).toEqual([]);
    expect(output.text).toMatch(/Nothing of the plan stands.*“no plans” does not allow it/);
    expect(shop.charges).toHaveLength(1);
  });

  it('that nobody was asked about does not run a step that somebody has to be asked about by then', async () => {
    approval = underPermit(anApproval({ verdict: 'allowed' }));
    const asked = rules(
      { name: 'ask', tool: 'deploy', ...ASK_MANAGER },
      { name: 'all', tool: '*', decision: 'allow' },
    );
    const tool = planTool(() => (shop.refunds.length === 0 ? ALLOW : asked));

    const output = await run([refund(7), deploy('2.0')], { tool });

    expect(shop.deploys).toEqual([]);
    expect(output.text).toContain('somebody has to be asked now');
  });

  it('that nobody was asked about goes no further once every plan is asked about', async () => {
    approval = underPermit(anApproval({ verdict: 'allowed' }));
    const asked = rules(
      { name: 'plans', tool: RUN_PLAN, ...ASK_MANAGER },
      { name: 'all', tool: '*', decision: 'allow' },
    );

    const output = await run([refund(7), deploy('2.0')], {
      tool: planTool(() => (shop.refunds.length === 0 ? ALLOW : asked)),
    });

    expect(shop.deploys).toEqual([]);
    expect(output.text).toContain('by the rule “plans” somebody has to be asked now');
  });

  it.each([
    ['a step', 'deploy'],
    ['plans', RUN_PLAN],
  ])(
    'does not run a step by a yes that makes no exception, once a rule denies %s but for one',
    async (_, named) => {
      const frozen = rules(
        { name: 'freeze', tool: named, decision: 'deny', escalate: { approvers: { role: 'manager' } } },
        { name: 'all', tool: '*', decision: 'allow' },
      );
      const tool = planTool(() => (shop.refunds.length === 0 ? ALLOW : frozen));

      const output = await run([refund(7), deploy('2.0')], { tool });

      expect(shop.deploys).toEqual([]);
      expect(output.text).toContain(
        'the rule “freeze” does not allow it, and nobody was asked for an exception',
      );
    },
  );

  /** Every entry of the audit about the plan. */
  async function eventsOf(): Promise<string[]> {
    const log = new AuditLog(store.redis, store.keys);
    const entries = await log.about(
      sagaIdOf(approval.conversationId, KEY),
      partitionOf(approval.conversationId),
    );
    return entries.map(({ event: { event, detail } }) =>
      detail?.step === undefined ? event : `${event} ${detail.step}`,
    );
  }
});

describe('a plan whose every write is sent twice, because its reply was lost', () => {
  class Resending extends EffectWriter {
    override async writeIn(...write: Parameters<EffectWriter['writeIn']>): Promise<boolean> {
      await super.writeIn(...write);
      return super.writeIn(...write);
    }
  }
  beforeEach(() => open(Resending));

  it('does everything once all the same', async () => {
    expect(await run([refund(7), deploy('2.0')])).toMatchObject({ status: 'ok' });

    expect(shop.refunds).toHaveLength(1);
    expect(shop.deploys).toHaveLength(1);
  });

  it('is taken back once, and raised once', async () => {
    shop.fault('none', 'none', 'refuse', 'none', ...BROKEN);

    const output = await run([refund(7), refund(8), deploy('2.0')]);

    expect(output.text).toMatch(/done only in part: 1 of 3 steps stands/);
    expect(shop.charges.map(({ order }) => order)).toEqual([8]);
    expect((await queued('o.slack')).split('\n').filter((item) => item.includes('plan-raised'))).toHaveLength(
      1,
    );
  });
});

describe('a plan whose permit is gone', () => {
  beforeEach(() => open());

  const gone: readonly [string, (approval: Approval) => Approval][] = [
    ['is taken back', (held) => ({ ...held, state: 'REVOKED' })],
    ['waits to be claimed again', (held) => ({ ...held, state: 'APPROVED' })],
    ['was claimed again by another', (held) => underPermit(held, 2)],
  ];

  it.each(gone)('begins no further step when its approval %s', async (_how, change) => {
    const stop = shop.onChange(() => {
      if (shop.refunds.length === 1) approval = change(approval);
    });

    await expect(run([refund(7), deploy('2.0')])).rejects.toThrow(/the permit .* is gone/);
    stop();

    expect(shop.refunds).toHaveLength(1);
    expect(shop.deploys).toEqual([]);
    expect(await states()).toEqual(['done', 'waiting']);
  });

  it.each(gone)('undoes nothing when its approval %s', async (_how, change) => {
    const steps = [refund(7), deploy('2.0')];
    const tools = createShopTools(`${origin}/shop`).map((tool) =>
      tool.name === 'deploy'
        ? {
            ...tool,
            execute: async (): Promise<ToolOutput> => {
              approval = change(approval);
              return { status: 'error', text: 'refused' };
            },
          }
        : tool,
    );

    await expect(run(steps, { tool: planTool(undefined, tools) })).rejects.toThrow(/the permit .* is gone/);

    expect(shop.charges).toEqual([]);
    expect(await states()).toEqual(['done', 'failed']);
  });

  it('leaves it to the next to find out about a step that was broken off', async () => {
    shop.fault('hang-after');
    const steps = [refund(7), deploy('2.0')];
    const lost = new AbortController();
    const stop = shop.onChange(() => {
      approval = underPermit(approval, 2);
      lost.abort();
    });

    await expect(run(steps, { signal: lost.signal })).rejects.toThrow(/the permit .* is gone/);
    stop();
    expect(await states()).toEqual(['running', 'waiting']);
    const output = await run(steps, { permitEpoch: 2 });

    expect(output.status).toBe('ok');
    expect(shop.refunds).toHaveLength(1);
    expect(shop.deploys).toHaveLength(1);
  });
});

describe('a plan whose process was killed', () => {
  beforeEach(() => open());

  it('is gone on with by another: what was done is not done again, what was under way is looked up', async () => {
    shop.fault('none', 'hang-after');
    const steps = [deploy('2.0'), refund(7), refund(8)];
    await killedIn(steps, () => shop.refunds.length, 1);

    const output = await run(steps);

    expect(output.status).toBe('ok');
    expect(shop.deploys).toHaveLength(1);
    expect(shop.refunds.map(({ order }) => order)).toEqual([7, 8]);
  });

  it('is raised where nobody can tell what came of the step that was under way', async () => {
    const asked = defer();
    const silenced = createShopTools(`${origin}/shop`).map((tool) => ({
      ...tool,
      execute: () => {
        asked.resolve();
        return new Promise<ToolOutput>(() => {});
      },
    }));
    const steps = [refund(7), refund(8)];
    void run(steps, { tool: planTool(undefined, silenced) });
    await asked.promise;

    const output = await run(steps);

    expect(await states()).toEqual(['unknown', 'waiting']);
    expect(output.text).toMatch(
      /1\. refund .*UNKNOWN, it may have been done or not: the process that ran it stopped/,
    );
    expect(shop.refunds).toEqual([]);
  });

  it('goes on undoing with the same key, so that it happens once', async () => {
    shop.fault('none', 'refuse', 'hang-after');
    const steps = [refund(7), deploy('2.0')];
    await killedIn(steps, () => shop.charges.length, 1);

    const output = await run(steps);

    expect(output.text).toMatch(/Nothing of the plan stands/);
    expect(shop.charges).toHaveLength(1);
  });

  it('is raised when nobody goes on with it in time', async () => {
    shop.fault('none', 'hang-after');
    await killedIn([deploy('2.0'), refund(7)], () => shop.refunds.length, 1);
    const partition = partitionOf(approval.conversationId);
    const timers = new SagaTimers(sagas, silent);
    expect(await timers.sweep(partition, 10)).toMatchObject({ moved: 0 });

    const dueMs = (await saga())!.dueMs;
    await store.redis.set(`${store.keys.partition(partition)}clock`, dueMs);
    await timers.sweep(partition, 10);

    expect(await states()).toEqual(['done', 'unknown']);
    expect(await queued('o.slack')).toMatch(/Nobody could go on with it in time/);
    expect(dueMs).toBeGreaterThan(ABANDONED_AFTER_MS);
    expect(await run([deploy('2.0'), refund(7)])).toMatchObject({ status: 'error' });
    expect(shop.refunds).toHaveLength(1);
  });
});
