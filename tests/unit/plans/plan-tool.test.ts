import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { isReversible, riskOf } from '../../../src/agent/tools/compound-call.ts';
import { ToolCatalog } from '../../../src/agent/tools/tool-catalog.ts';
import type { Authorizations } from '../../../src/config/authorizations.ts';
import { digestOf } from '../../../src/domain/approval/digest.ts';
import { FutileCallError } from '../../../src/domain/errors.ts';
import { ConversationId } from '../../../src/domain/ids.ts';
import type { Trust } from '../../../src/domain/provenance.ts';
import { isQuorum } from '../../../src/domain/quorum.ts';
import type { Tool, ToolOutput } from '../../../src/domain/tool.ts';
import { createPlanTools, type Plan, RUN_PLAN } from '../../../src/plans/plan-tool.ts';
import { ALEX } from '../../support/approvals.ts';
import { runs } from '../../support/property-runs.ts';
import { aCall } from '../../support/scripted-model.ts';
import { ASK_MANAGER, aToolbox, createTestTools, rules, type WrittenRule } from '../../support/tools.ts';

const REFUND = { tool: 'refund', arguments: { order: 7, amount: 120 } };
const DEPLOY = { tool: 'deploy', arguments: { service: 'web' } };
const BIG: WrittenRule = { name: 'big', tool: 'refund', when: { amount: '> 50' }, ...ASK_MANAGER };
const SMALL: WrittenRule = { name: 'small', tool: 'refund', decision: 'allow' };
const DEPLOYS: WrittenRule = { name: 'deploys', tool: 'deploy', decision: 'allow' };
const CONTEXT = {
  conversationId: ConversationId.parse('slack:T0:C0:1'),
  requester: ALEX,
  signal: new AbortController().signal,
};

/** The tools of the tests, the refund undone by a charge, and the one that makes plans of them. */
function tools(change: Partial<Tool> = {}, asked: Plan[] = []): Tool[] {
  const single = createTestTools().map((tool) =>
    tool.name === 'refund' ? { ...tool, compensation: CHARGE, ...change } : tool,
  );
  const run = async (plan: Plan) => {
    asked.push(plan);
    return DONE;
  };
  return [...single, ...createPlanTools(single, { run })];
}

const DONE: ToolOutput = { status: 'ok', text: 'done' };
const CHARGE: NonNullable<Tool['compensation']> = {
  describe: () => 'charge it again',
  execute: async () => DONE,
};

function planTool(change: Partial<Tool> = {}): Tool {
  return tools(change).find(({ name }) => name === RUN_PLAN)!;
}

function screen(authorizations: Authorizations, ...steps: unknown[]) {
  const box = aToolbox(authorizations, { tools: tools() });
  return box.screen(aCall(RUN_PLAN, { title: 'Move order 7', steps }));
}

describe('a plan the model asks for', () => {
  it('has no step that is asked alone, because whoever decides has to see just that', () => {
    const plan = { title: 'Refund order 7', steps: [REFUND, DEPLOY] };
    expect(planTool().input.safeParse(plan).success).toBe(true);
    expect(planTool({ isAskedAlone: true }).input.safeParse(plan).success).toBe(false);
  });

  it('is told to be wrong at once when a step does not fit its tool', () => {
    const bad = { tool: 'refund', arguments: { order: 'seven', amount: -1 } };

    const screened = screen(rules(SMALL, DEPLOYS), DEPLOY, bad);

    expect(screened).toMatchObject({ kind: 'refused', reason: expect.stringContaining('arguments do not') });
    expect(screened).toMatchObject({ reason: expect.stringMatching(/steps\[1\]\.arguments\.order/) });
  });

  it.each([
    ['a plan in it', [REFUND, { tool: RUN_PLAN, arguments: {} }], 'cannot be a step of a plan'],
    ['a tool that there is not', [REFUND, { tool: 'fly', arguments: {} }], 'deploy, lookup, refund'],
    ['a tool that belongs to a turn', [REFUND, { tool: 'note', arguments: { text: 'x' } }], 'note cannot be'],
    ['one step', [REFUND], '>=2'],
    ['eleven steps', Array.from({ length: 11 }, () => DEPLOY), '<=10'],
    ['a tool that changed since', [REFUND, { ...DEPLOY, version: 7 }], 'not the tool any more'],
  ])('is refused with %s', (_what, steps, words) => {
    expect(screen(rules(SMALL, DEPLOYS), ...steps)).toMatchObject({
      kind: 'refused',
      reason: expect.stringContaining(words),
    });
  });

  it('is refused where a skill leaves out the tool of a step', () => {
    const narrowed = tools().filter(({ name }) => name !== 'refund');
    const box = aToolbox(rules(SMALL, DEPLOYS), { tools: narrowed });

    const input = { title: 'x', steps: [DEPLOY, REFUND] };
    expect(box.screen(aCall(RUN_PLAN, input))).toMatchObject({
      kind: 'refused',
      reason: expect.stringContaining('"refund"'),
    });
  });

  it('just runs when no step needs anybody', () => {
    const screened = screen(rules(SMALL, DEPLOYS), REFUND, DEPLOY);

    expect(screened).toMatchObject({ kind: 'held', decision: { kind: 'allow' } });
  });

  it('waits for those whom one of its steps waits for', () => {
    expect(screen(rules(BIG, SMALL, DEPLOYS), DEPLOY, REFUND)).toMatchObject({
      kind: 'held',
      decision: { kind: 'ask', approvers: { role: 'manager' }, rule: 'big' },
    });
  });

  it('waits for all of them where its steps wait for different people', () => {
    const release: WrittenRule = {
      name: 'release',
      tool: 'deploy',
      decision: 'ask',
      approvers: { role: 'qa' },
    };

    const screened = screen(rules(BIG, release), REFUND, DEPLOY, REFUND);

    expect(screened).toMatchObject({
      decision: { approvers: { atLeast: 2, of: [{ role: 'manager' }, { role: 'qa' }] } },
    });
  });

  it('is refused when one step is', () => {
    const no: WrittenRule = { name: 'freeze', tool: 'deploy', decision: 'deny' };

    expect(screen(rules(SMALL, no), REFUND, DEPLOY)).toMatchObject({ kind: 'refused', rule: 'freeze' });
  });

  it('is decided by all the policies of its steps, and is an exception if one of them is', () => {
    const fast: WrittenRule = { name: 'fast', tool: 'deploy', ...ASK_MANAGER, policy: 'urgent' };
    const never: WrittenRule = {
      name: 'never',
      tool: 'deploy',
      decision: 'deny',
      escalate: { approvers: { role: 'manager' } },
    };

    expect(screen(rules(BIG, fast), REFUND, DEPLOY)).toMatchObject({
      decision: { policy: 'default + urgent', approvers: { role: 'manager' } },
    });
    expect(screen(rules(BIG, never), REFUND, DEPLOY)).toMatchObject({ decision: { exception: true } });
  });

  it('lets nothing through that would not get through alone', () => {
    const written = fc.subarray([
      BIG,
      SMALL,
      DEPLOYS,
      { name: 'no', tool: 'deploy', when: { service: 'db' }, decision: 'deny' },
      { name: 'qa', tool: 'deploy', when: { service: 'web' }, decision: 'ask', approvers: { role: 'qa' } },
      { name: 'two', tool: 'refund', decision: 'ask', approvers: { role: 'manager', count: 2 } },
      { name: 'all', tool: '*', ...ASK_MANAGER },
    ] as WrittenRule[]);
    const step = fc.oneof(
      fc.integer({ min: 1, max: 100 }).map((amount) => ({ tool: 'refund', arguments: { order: 7, amount } })),
      fc.constantFrom('web', 'db').map((service) => ({ tool: 'deploy', arguments: { service } })),
    );
    const people = fc.array(fc.subarray(['manager', 'qa']), { maxLength: 4 });

    fc.assert(
      fc.property(written, fc.array(step, { minLength: 2, maxLength: 5 }), people, (all, steps, roles) => {
        const authorizations = rules(...all);
        const box = aToolbox(authorizations, { tools: tools() });
        const whole = screen(authorizations, ...steps);
        const alone = steps.map((each) => box.screen(aCall(each.tool, each.arguments)));
        const voters = roles.map((each, index) => ({ person: `p${index}` as typeof ALEX, roles: each }));
        const passes = (one: typeof whole) =>
          one.kind === 'held' && (one.decision.kind === 'allow' || isQuorum(one.decision.approvers, voters));

        if (passes(whole)) expect(alone.every(passes)).toBe(true);
      }),
      { numRuns: runs(500) },
    );
  });
});

describe('what is agreed to', () => {
  const args = (...steps: unknown[]) => planTool().input.parse({ title: 'Move order 7', steps });
  const digest = (value: unknown) => digestOf({ tool: RUN_PLAN, version: 1, args: value, requester: ALEX });

  it('is exactly these steps: another argument, order or version is another digest', () => {
    const agreed = digest(args(REFUND, DEPLOY));
    const other = { tool: 'refund', arguments: { order: 7, amount: 121 } };

    expect(digest(args(REFUND, DEPLOY))).toBe(agreed);
    expect(digest(args(other, DEPLOY))).not.toBe(agreed);
    expect(digest(args(DEPLOY, REFUND))).not.toBe(agreed);
    expect(digest(args(REFUND, DEPLOY, DEPLOY))).not.toBe(agreed);
    expect(args(REFUND, DEPLOY)).toMatchObject({ steps: [{ version: 1 }, { version: 1 }] });
  });

  it('reads the same after it was stored', () => {
    const stored = JSON.parse(JSON.stringify(args(REFUND, DEPLOY)));

    expect(planTool().input.parse(stored)).toEqual(stored);
  });

  it('is as risky as its riskiest step, and reversible only if each step is once it is done', () => {
    const plan = planTool({ reversible: false });
    const lookup = { tool: 'lookup', arguments: { order: 7 } };

    expect(riskOf(plan, args(DEPLOY, REFUND))).toBe('high');
    expect(riskOf(plan, args(DEPLOY, DEPLOY))).toBe('low');
    expect(isReversible(plan, args(DEPLOY, lookup))).toBe(true);
    expect(isReversible(plan, args(DEPLOY, REFUND))).toBe(false);
  });

  it('is shown step by step, with its arguments, its risk and what undoes it', async () => {
    const preview = await planTool().preview?.(args(REFUND, DEPLOY), CONTEXT);

    expect(preview?.told?.title).toBe('2 steps: refund, deploy');
    expect(preview?.told?.facts).toEqual([
      { label: 'called, by the agent', value: 'Move order 7' },
      { label: 'how it runs', value: expect.stringContaining('undone, the last first') },
      {
        label: '1. refund',
        value: 'order 7, amount 120 — risk: high — if a later step fails, undone by: charge it again',
      },
      { label: '2. deploy', value: 'service web — risk: low — NOT UNDONE if a later step fails' },
    ]);
  });

  it('says of a step that nothing undoes that it cannot be undone', async () => {
    const single = createTestTools().map((tool) => ({ ...tool, reversible: false }));
    const [plan] = createPlanTools(single, { run: async () => DONE });

    const preview = await plan?.preview?.(args(REFUND, DEPLOY), CONTEXT);

    expect(preview?.told?.facts).toContainEqual({
      label: '1. refund',
      value: 'order 7, amount 120 — risk: high — CANNOT BE UNDONE',
    });
  });

  it('shows what each step would change, and says which one cannot be told', async () => {
    const changes = [{ label: 'refunded', before: '0', after: '120' }];
    const told = planTool({ preview: async () => ({ changes, basis: 'nothing yet' }) });
    const mute = planTool({ preview: async () => Promise.reject(new Error('the shop is away')) });

    expect(await told.preview?.(args(REFUND, DEPLOY), CONTEXT)).toMatchObject({
      changes: [{ label: '1. refunded', before: '0', after: '120' }],
      basis: '1. nothing yet',
    });
    expect(await mute.preview?.(args(REFUND, DEPLOY), CONTEXT)).toMatchObject({
      problem: 'step 1 (refund): the shop is away',
    });
  });

  it('asks nobody about a plan of which one step cannot work', async () => {
    const futile = planTool({ preview: () => Promise.reject(new FutileCallError('there is no order 7')) });

    await expect(futile.preview?.(args(DEPLOY, REFUND), CONTEXT)).rejects.toThrow(
      'step 2 (refund): there is no order 7',
    );
  });

  it('OM-187 repeats why in words that may be anybody’s, unless its tool knows whose they are', async () => {
    const why = async (tells?: Tool['tells'], trust?: Trust) => {
      const preview = () => Promise.reject(new FutileCallError('there is no order 7', { trust }));
      const refused = planTool({ preview, ...(tells ? { tells } : {}) }).preview?.(
        args(DEPLOY, REFUND),
        CONTEXT,
      );
      return refused?.catch((error: unknown) => (error instanceof FutileCallError ? error.trust : undefined));
    };

    expect(await why()).toBe('outsider');
    expect(await why('web')).toBe('web');
    expect(await why(undefined, 'tool')).toBe('tool');
  });
});

describe('the tool', () => {
  it('is described to a model with the tools a step can be of', () => {
    const spec = new ToolCatalog(tools()).specs.find(({ name }) => name === RUN_PLAN);

    expect(spec?.description).toContain('Steps can be: deploy, lookup, refund.');
    expect(spec?.inputSchema).toMatchObject({ properties: { steps: { minItems: 2, maxItems: 10 } } });
  });

  it('is not there where there is nothing to make a plan of', () => {
    expect(createPlanTools([], { run: async () => DONE })).toEqual([]);
  });

  it('hands its steps on as they were agreed to', async () => {
    const asked: Plan[] = [];
    const tool = tools({}, asked).find(({ name }) => name === RUN_PLAN)!;

    const input = z.unknown().parse(tool.input.parse({ title: 'x', steps: [REFUND, DEPLOY] }));
    await tool.execute(input, { ...CONTEXT, idempotencyKey: 'key' });

    expect(asked[0]?.calls.map(({ tool: { name }, args }) => [name, args])).toEqual([
      ['refund', REFUND.arguments],
      ['deploy', DEPLOY.arguments],
    ]);
  });
});
