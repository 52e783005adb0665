import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ToolCatalog } from '../../../../src/agent/tools/tool-catalog.ts';
import { decideCall } from '../../../../src/agent/tools/tool-policy.ts';
import { Toolbox } from '../../../../src/agent/tools/toolbox.ts';
import { createHandOffTool } from '../../../../src/control/hand-off-tool.ts';
import { ConversationId } from '../../../../src/domain/ids.ts';
import type { Tool } from '../../../../src/domain/tool.ts';
import { createConfidenceTool } from '../../../../src/escalation/confidence-tool.ts';
import { ALEX, SLACK } from '../../../support/approvals.ts';
import { runs } from '../../../support/property-runs.ts';
import { aCall } from '../../../support/scripted-model.ts';
import {
  ASK_MANAGER,
  aToolbox,
  createTestTools,
  NO_SHELF,
  rules,
  type WrittenRule,
} from '../../../support/tools.ts';

const FREE: WrittenRule = {
  name: 'small refunds',
  tool: 'refund',
  when: { amount: '<= 50' },
  decision: 'allow',
};
const BIG: WrittenRule = {
  name: 'refunds above 50',
  tool: 'refund',
  when: { amount: '> 50' },
  ...ASK_MANAGER,
};
const ANY: WrittenRule = { name: 'any refund', tool: 'refund', decision: 'allow' };

const refund = (input: unknown) => aCall('refund', input);

describe('a call the model asks for', () => {
  it('OM-120 waits for a human before it runs, when a rule says so', () => {
    const box = aToolbox(rules(BIG, ANY));

    expect(box.screen(refund({ order: 7, amount: 120 }))).toMatchObject({
      kind: 'held',
      args: { order: 7, amount: 120 },
      decision: { kind: 'ask', rule: 'refunds above 50', approvers: { role: 'manager' }, policy: 'default' },
    });
  });

  it('OM-120 never runs inside the turn when it changes something outside, also where a rule allows it', () => {
    const box = aToolbox(rules(ANY, { name: 'deploys', tool: 'deploy', decision: 'allow' }));

    for (const call of [refund({ order: 7, amount: 1 }), aCall('deploy', { service: 'web' })]) {
      expect(box.screen(call)).toMatchObject({ kind: 'held', decision: { kind: 'allow' } });
    }
  });

  it('is never held where it only tells the gateway something, for a yes would come when its turn is over', () => {
    const tools = [createHandOffTool(() => true), createConfidenceTool()] as unknown as Tool[];
    const screened = (...written: WrittenRule[]) =>
      [
        aCall('hand_off', { reason: 'a human is wanted' }),
        aCall('state_confidence', { confidence: 0.2, about: 'the date' }),
      ].map((call) => aToolbox(rules(...written), { tools }).screen(call));

    expect(screened({ name: 'all', tool: '*', ...ASK_MANAGER })).toMatchObject([
      { kind: 'run', rule: 'all' },
      { kind: 'run', rule: 'all' },
    ]);
    const { approvers } = ASK_MANAGER;
    for (const denied of [
      screened({ name: 'none', tool: '*', decision: 'deny' }),
      screened({ name: 'none', tool: '*', decision: 'deny', escalate: { approvers } }),
    ]) {
      expect(denied).toMatchObject([
        { kind: 'refused', rule: 'none' },
        { kind: 'refused', rule: 'none' },
      ]);
    }
  });

  it('runs in the turn when it reads, or writes only what is ours', () => {
    const box = aToolbox(rules({ name: 'notes', tool: 'note', decision: 'allow' }));

    expect(box.screen(aCall('lookup', { order: 7 }))).toMatchObject({
      kind: 'run',
      rule: 'default for tools that read',
    });
    expect(box.screen(aCall('note', { text: 'x' }))).toMatchObject({ kind: 'run', rule: 'notes' });
  });

  it.each([
    ['half of a character', '"\\ud800"', 'service holds half of a character'],
    [
      'what is too deep to be walked',
      `${'['.repeat(5_000)}${']'.repeat(5_000)}`,
      'nested deeper than 32 levels',
    ],
  ])('is refused with its place, and can be made again, where its arguments hold %s', (_, json, reason) => {
    const box = aToolbox(rules({ name: 'deploys', tool: 'deploy', ...ASK_MANAGER }));

    const screened = box.screen(aCall('deploy', JSON.parse(`{"service":${json}}`)));

    expect(screened).toMatchObject({ kind: 'refused', reason: expect.stringContaining(reason) });
  });

  it('OM-183 that is refused names the rule', () => {
    const box = aToolbox(rules({ name: 'no refunds', tool: '*', decision: 'deny' }));

    expect(box.screen(refund({ order: 7, amount: 1 }))).toMatchObject({
      kind: 'refused',
      rule: 'no refunds',
      reason: 'Not allowed by the rule "no refunds".',
    });
  });

  it('is refused when there is no such tool, and told which there are', () => {
    expect(aToolbox(rules()).screen(aCall('format_disk'))).toMatchObject({
      kind: 'refused',
      rule: undefined,
      reason: 'There is no tool "format_disk". Tools: lookup, note, refund, deploy.',
    });
  });

  it.each([
    ['a number written as text', { order: 7, amount: '120' }],
    ['a list', { order: 7, amount: [120] }],
    ['an object', { order: 7, amount: { valueOf: 120 } }],
    ['an operator', { order: 7, amount: { $gt: 0 } }],
    ['nothing', { order: 7 }],
    ['null', { order: 7, amount: null }],
    ['a negative number', { order: 7, amount: -1 }],
    ['no object at all', 'amount=120'],
    ['half an order', { order: 7.5, amount: 1 }],
  ])('OM-120 is refused when its arguments do not fit: %s', (_name, input) => {
    const screened = aToolbox(rules(FREE, ANY)).screen(refund(input));

    expect(screened).toMatchObject({ kind: 'refused', rule: undefined });
    expect(screened.kind === 'refused' && screened.reason).toMatch(/^The arguments do not fit: /);
  });

  it('OM-120 cannot slip under a limit, whatever the model sends', () => {
    const box = aToolbox(rules(BIG, ANY));
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), fc.double(), fc.integer()), (amount) => {
        const screened = box.screen(refund({ order: 7, amount }));
        if (screened.kind === 'refused') return;
        const asked = screened.kind === 'held' && screened.decision.kind === 'ask';
        expect(asked).toBe(Number(amount) > 50);
      }),
      { numRuns: runs(500) },
    );
  });

  it('OM-120 cannot slip under a limit on an argument that may be anything', () => {
    const loose: Tool = {
      ...createTestTools().find(({ name }) => name === 'refund')!,
      input: z.looseObject({ amount: z.unknown() }),
    };
    const box = aToolbox(rules(BIG, ANY), { tools: [loose] });

    for (const amount of [
      [120],
      { value: 120 },
      '1e3',
      '0x100',
      '１２０',
      '120 EUR',
      Number.NaN,
      true,
      null,
    ]) {
      expect(box.screen(refund({ amount }))).toMatchObject({ kind: 'held', decision: { kind: 'ask' } });
    }
    expect(box.screen(refund({ amount: 20 }))).toMatchObject({ kind: 'held', decision: { kind: 'allow' } });
  });
});

describe('the rules', () => {
  const decide = (written: WrittenRule[], facts: Partial<Parameters<typeof decideCall>[1]> = {}) =>
    decideCall(rules(...written), {
      tool: 'refund',
      groups: ['automation', 'shop'],
      effect: 'once',
      args: { amount: 120, currency: 'EUR', to: { country: 'DE' } },
      roles: ['member'],
      platform: 'slack',
      ...facts,
    });

  it('OM-180 hold a whole group of tools, and no tool of another', () => {
    const hold: WrittenRule = { name: 'no shop', tool: '*', group: 'shop', decision: 'deny' };
    const allow: WrittenRule = { name: 'all', tool: '*', decision: 'allow' };

    expect(decide([hold, allow])).toEqual({ kind: 'deny', rule: 'no shop' });
    expect(decide([hold, allow], { tool: 'jira_link', groups: ['automation', 'jira'] })).toEqual({
      kind: 'allow',
      rule: 'all',
    });
  });

  it('OM-120 deny, and do not allow, what a comparison can tell nothing of', () => {
    const denied: WrittenRule = {
      name: 'no EUR',
      tool: 'refund',
      when: { currency: 'EUR' },
      decision: 'deny',
    };
    const allowed: WrittenRule = {
      name: 'no euro',
      tool: 'refund',
      when: { currency: '!= EUR' },
      decision: 'allow',
    };
    const kinds = (currency: unknown) =>
      [[denied, ANY], [allowed]].map((written) => decide(written, { args: { currency } }).kind);

    for (const odd of [['EUR'], { code: 'EUR' }, 978, true]) expect(kinds(odd)).toEqual(['deny', 'deny']);
    expect(kinds('EUR')).toEqual(['deny', 'deny']);
    for (const other of ['USD', null, undefined]) expect(kinds(other)).toEqual(['allow', 'allow']);
  });

  it.each([
    ['items.amount', { items: [{ amount: 100 }] }],
    ['items.amount', { items: 'amount: 100' }],
    ['order.total', { order: '{"total": 100}' }],
    ['order.total', { order: 100 }],
    ['order.sum.total', { order: { sum: [100] } }],
  ])('OM-120 deny, and do not allow, what lies behind a list or a text: %s in %j', (path, args) => {
    const kindOf = (rule: WrittenRule, ...more: WrittenRule[]) => decide([rule, ...more], { args }).kind;

    expect(kindOf({ name: 'no', tool: 'refund', when: { [path]: '> 50' }, decision: 'deny' }, ANY)).toBe(
      'deny',
    );
    expect(kindOf({ name: 'ask', tool: 'refund', when: { [path]: '> 50' }, ...ASK_MANAGER }, ANY)).toBe(
      'ask',
    );
    for (const comparison of ['!= 100', '< 50']) {
      expect(kindOf({ name: 'yes', tool: 'refund', when: { [path]: comparison }, decision: 'allow' })).toBe(
        'deny',
      );
    }
  });

  it.each([
    ['items.1.amount', { items: [{ amount: 100 }] }],
    ['order.total', {}],
    ['order.total', { order: null }],
    ['order.sum.total', { order: { sum: null } }],
  ])('take for missing what is not there: %s in %j', (path, args) => {
    const denied: WrittenRule = { name: 'no', tool: 'refund', when: { [path]: '> 50' }, decision: 'deny' };

    expect(decide([denied, ANY], { args })).toEqual({ kind: 'allow', rule: 'any refund' });
  });

  describe('that may fit, where nobody can tell,', () => {
    const deploys = { tool: 'deploy', decision: 'ask' } as const;
    const staging: WrittenRule = {
      ...deploys,
      name: 'staging',
      when: { env: 'staging' },
      approvers: { role: 'member' },
    };
    const production: WrittenRule = {
      ...deploys,
      name: 'production',
      when: { env: 'prod' },
      approvers: { role: 'manager', count: 2 },
    };
    const others: WrittenRule = { ...deploys, name: 'others', approvers: { role: 'manager', count: 2 } };
    const all: WrittenRule = { name: 'all', tool: '*', decision: 'allow' };
    const toDeploy = (written: WrittenRule[], env: unknown) =>
      decide(written, { tool: 'deploy', args: { env } });

    it('OM-120 do not shield a call from a stricter rule behind them', () => {
      const both = {
        kind: 'ask',
        approvers: {
          atLeast: 2,
          of: [{ role: 'member' }, { role: 'manager', count: 2 }],
        },
      };

      expect(toDeploy([staging, others], ['prod'])).toMatchObject({ ...both, rule: 'staging · others' });
      expect(toDeploy([staging, production, all], ['prod'])).toMatchObject({
        ...both,
        rule: 'staging · production',
      });
      expect(toDeploy([staging, others], 'prod')).toMatchObject({ rule: 'others' });
      expect(toDeploy([staging, others], 'staging')).toMatchObject({ rule: 'staging' });
    });

    it('OM-120 are not passed by for a lighter rule behind them', () => {
      const anybody: WrittenRule = { ...deploys, name: 'anybody', approvers: { role: 'member' } };

      expect(toDeploy([production, anybody], ['prod'])).toMatchObject({ rule: 'production · anybody' });
    });

    it('OM-120 decide alone where what holds otherwise lets it run, and leave rules that allow aside', () => {
      const allowed: WrittenRule = { ...all, name: 'staging', when: { env: '!= prod' } };

      expect(toDeploy([staging, all, others], ['prod'])).toMatchObject({ kind: 'ask', rule: 'staging' });
      expect(toDeploy([allowed, staging, all], ['prod'])).toMatchObject({ kind: 'ask', rule: 'staging' });
      expect(toDeploy([all, staging], ['prod'])).toMatchObject({ kind: 'allow', rule: 'all' });
    });

    it.each([
      ['a rule that asks', staging],
      [
        'a rule that denies and names people for an exception',
        {
          name: 'freeze',
          tool: 'deploy',
          when: { env: 'staging' },
          decision: 'deny',
          escalate: { approvers: { role: 'member' } },
        },
      ],
    ] satisfies [string, WrittenRule][])(
      'OM-120 turn no refusal of a default into a request: %s',
      (_what, rule) => {
        expect(toDeploy([rule], 'staging')).toMatchObject({ kind: 'ask' });
        for (const env of ['prod', ['prod'], ['staging'], { name: 'staging' }]) {
          expect(toDeploy([rule], env)).toEqual({ kind: 'deny', rule: 'default for tools that write' });
        }
      },
    );

    it('OM-120 ask with a default that asks', () => {
      const { rules: written, ...more } = rules(staging);
      const defaults = { read: 'allow', write: 'ask', approvers: { role: 'manager' } } as const;
      const facts = { tool: 'deploy', groups: [], effect: 'once', roles: [], platform: 'slack' } as const;

      expect(
        decideCall({ ...more, rules: written, defaults }, { ...facts, args: { env: ['prod'] } }),
      ).toMatchObject({ rule: 'staging · default for tools that write' });
    });

    it('OM-120 let nothing through more lightly than the value itself, however the rules are arranged', () => {
      const envs = ['staging', 'prod', 'test'];
      const comparison = fc.constantFrom('staging', '!= staging', ['prod', 'test'], 'test', '= prod');
      const when = fc.option(comparison, { nil: undefined });
      const decision = fc.constantFrom('allow', 'ask', 'deny', 'exception');
      const rule = fc.tuple(when, decision);
      fc.assert(
        fc.property(fc.array(rule, { maxLength: 5 }), fc.constantFrom(...envs), (drawn, env) => {
          const written = drawn.map(([compared, kind], n) => toRule(`r${n}`, compared, kind));
          const plain = toDeploy(written, env);

          const wrapped = toDeploy(written, [env]);

          if (wrapped.kind === 'allow') expect(plain.kind).toBe('allow');
          if (plain.kind === 'deny') expect(wrapped.kind).toBe('deny');
          if (plain.kind === 'ask') {
            expect(wrapped.kind).not.toBe('allow');
            if (wrapped.kind === 'ask') expect(wrapped.rule.split(' · ')).toContain(plain.rule);
          }
        }),
        { numRuns: runs(1_000) },
      );
    });

    function toRule(
      name: string,
      compared: string | string[] | undefined,
      kind: 'allow' | 'ask' | 'deny' | 'exception',
    ): WrittenRule {
      const approvers = { role: name === 'r0' ? 'member' : 'manager' };
      const head = { name, tool: 'deploy', ...(compared === undefined ? {} : { when: { env: compared } }) };
      if (kind === 'ask') return { ...head, decision: 'ask', approvers };
      if (kind === 'exception') return { ...head, decision: 'deny', escalate: { approvers } };
      return { ...head, decision: kind };
    }
  });

  it('deny wherever a rule that denies stands', () => {
    const deny: WrittenRule = {
      name: 'never from mail',
      tool: '*',
      requester: { platforms: ['email'] },
      decision: 'deny',
    };

    expect(decide([ANY, BIG, deny], { platform: 'email' })).toEqual({
      kind: 'deny',
      rule: 'never from mail',
    });
    expect(decide([ANY, BIG, deny])).toEqual({ kind: 'allow', rule: 'any refund' });
  });

  it('are taken from the top otherwise', () => {
    expect(decide([BIG, ANY])).toMatchObject({ kind: 'ask', rule: 'refunds above 50' });
    expect(decide([ANY, BIG])).toMatchObject({ kind: 'allow', rule: 'any refund' });
  });

  it.each([
    [{ amount: '>= 120' }, true],
    [{ amount: '> 120' }, false],
    [{ amount: '< 121', currency: 'EUR' }, true],
    [{ currency: ['USD', 'EUR'] }, true],
    [{ currency: '!= EUR' }, false],
    [{ 'to.country': 'DE' }, true],
    [{ 'to.zip': '10115' }, false],
    [{ missing: 'x' }, false],
    [{ missing: '!= x' }, true],
    [{ missing: '> 1' }, false],
    [{ constructor: '!= x' }, true],
    [{ 'to.constructor': 'x' }, false],
  ])('look at the arguments: %o', (when, fits) => {
    expect(decide([{ name: 'fits', tool: 'refund', when, decision: 'allow' }]).kind).toBe(
      fits ? 'allow' : 'deny',
    );
  });

  it('look at who asked, and where', () => {
    const rule: WrittenRule = {
      name: 'managers in Slack',
      tool: ['deploy', 'refund'],
      requester: { roles: ['manager'], platforms: ['slack'] },
      decision: 'allow',
    };

    expect(decide([rule], { roles: ['member', 'manager'] }).kind).toBe('allow');
    expect(decide([rule], { roles: ['member'] }).kind).toBe('deny');
    expect(decide([rule], { roles: ['manager'], platform: 'email' }).kind).toBe('deny');
    expect(decide([rule], { roles: ['manager'], tool: 'lookup' }).kind).toBe('deny');
  });

  it('let nothing run that changes something when none fits', () => {
    expect(decide([])).toEqual({ kind: 'deny', rule: 'default for tools that write' });
    expect(decide([], { effect: 'idempotent' }).kind).toBe('deny');
    expect(decide([], { effect: 'read' })).toEqual({ kind: 'allow', rule: 'default for tools that read' });
  });
});

describe('running a call', () => {
  const box = aToolbox(rules());
  const tool = (execute: Tool['execute'], timeoutMs = 1_000): Tool => ({
    ...createTestTools()[0]!,
    execute,
    timeoutMs,
  });
  const { signal } = new AbortController();

  it('tells what went wrong instead of failing', async () => {
    const broken = tool(async () => {
      throw new Error('no such order');
    });

    expect(await box.run(broken, {}, { key: 'key', hasReadStrangers: false }, signal)).toEqual({
      status: 'error',
      text: 'lookup failed: no such order',
    });
  });

  it('gives up on a tool that does not answer', async () => {
    const stuck = tool(
      (_args, context) =>
        new Promise((_resolve, reject) => {
          context.signal.addEventListener('abort', () => reject(context.signal.reason));
        }),
      10,
    );

    expect(await box.run(stuck, {}, { key: 'key', hasReadStrangers: false }, signal)).toEqual({
      status: 'error',
      text: 'lookup did not answer within 0.01 s',
    });
  });

  it('stops with the turn, when the lease is lost', async () => {
    const controller = new AbortController();
    const stuck = tool((_args, context) => {
      controller.abort(new Error('lease lost'));
      return Promise.reject(context.signal.reason);
    });

    await expect(
      box.run(stuck, {}, { key: 'key', hasReadStrangers: false }, controller.signal),
    ).rejects.toThrow('lease lost');
  });

  it('offers the model the same tools in the same order every time', () => {
    const tools = createTestTools();

    const specs = aToolbox(rules(), { tools: tools.toReversed() }).specs;

    expect(JSON.stringify(specs)).toBe(JSON.stringify(box.specs));
    expect(specs.map(({ name }) => name)).toEqual(['deploy', 'lookup', 'note', 'refund']);
    expect(specs[3]?.inputSchema).toMatchObject({ type: 'object', required: ['order', 'amount'] });
  });
});

describe('the roles of the agent', () => {
  const withAgent = (own: readonly string[], ...written: WrittenRule[]) => ({
    ...rules(...written),
    roles: {
      ...rules().roles,
      clerk: { permissions: [], calls: [{ tools: ['lookup', 'refund'] }] },
      helper: { permissions: [], calls: [{ groups: ['jira'], platforms: [SLACK] }] },
      idle: { permissions: [], calls: [] },
    },
    agents: { signalbox: { roles: [...own] } },
  });

  it('OM-180 let it call no tool outside of them, whatever the rules say', () => {
    const box = aToolbox(withAgent(['clerk'], ANY, { name: 'all', tool: '*', decision: 'allow' }));

    expect(box.screen(aCall('deploy', { service: 'web' }))).toMatchObject({
      kind: 'refused',
      rule: 'no role of signalbox (clerk) covers deploy',
    });
    expect(box.screen(refund({ order: 7, amount: 1 }))).toMatchObject({
      kind: 'held',
      decision: { kind: 'allow', rule: 'any refund' },
      agentRule: 'role clerk of signalbox',
    });
    expect(box.screen(aCall('lookup', { order: 7 }))).toMatchObject({ kind: 'run' });
  });

  it('OM-180 give it nothing that the rules refuse, or hold', () => {
    const box = aToolbox(withAgent(['clerk'], BIG));

    expect(box.screen(refund({ order: 7, amount: 1 }))).toMatchObject({ kind: 'refused' });
    expect(box.screen(refund({ order: 7, amount: 120 }))).toMatchObject({ decision: { kind: 'ask' } });
  });

  it('OM-180 cover a group, and where somebody asked', () => {
    const all: WrittenRule = { name: 'all', tool: '*', decision: 'allow' };
    const facts = {
      tool: 'jira_link',
      groups: ['automation', 'jira'],
      effect: 'once' as const,
      args: {},
      roles: [],
    };
    const decide = (platform: string, own = ['helper']) =>
      decideCall(withAgent(own, all), { ...facts, platform });

    expect(decide('slack')).toEqual({ kind: 'allow', rule: 'all' });
    expect(decide('email')).toMatchObject({ kind: 'deny' });
    expect(decide('email', ['helper', 'clerk'])).toMatchObject({ kind: 'deny' });
    expect(decide('slack', ['idle'])).toMatchObject({ kind: 'deny' });
    expect(decide('slack', [])).toMatchObject({
      kind: 'deny',
      rule: 'no role of signalbox (none) covers jira_link',
    });
  });

  it('OM-182 and those of the requester count as they are at the moment of each call', () => {
    const asMember: WrittenRule = { ...ANY, name: 'members', requester: { roles: ['member'] } };
    let authorizations = withAgent(['clerk'], asMember);
    let roles = ['member'];
    const box = new Toolbox(
      new ToolCatalog(createTestTools()),
      { authorizations: () => authorizations, roles: () => roles },
      { person: ALEX, platform: 'slack' },
      ConversationId.parse('slack:T0:C0:1'),
      NO_SHELF,
    );
    const kind = () => box.screen(refund({ order: 7, amount: 1 })).kind;

    expect(kind()).toBe('held');
    roles = [];
    expect(kind()).toBe('refused');
    roles = ['member'];
    expect(kind()).toBe('held');
    authorizations = withAgent(['idle'], asMember);
    expect(kind()).toBe('refused');
  });
});

describe('a rule that denies and names people for an exception', () => {
  const frozen: WrittenRule = {
    name: 'nothing goes out',
    tool: 'deploy',
    decision: 'deny',
    escalate: { approvers: { role: 'manager' }, policy: 'urgent' },
  };
  const deploy = aCall('deploy', { service: 'web' });

  it('OM-184 asks them instead of refusing', () => {
    expect(
      aToolbox(rules({ name: 'all', tool: '*', decision: 'allow' }, frozen)).screen(deploy),
    ).toMatchObject({
      kind: 'held',
      decision: {
        kind: 'ask',
        exception: true,
        rule: 'nothing goes out',
        approvers: { role: 'manager' },
        policy: 'urgent',
      },
    });
  });

  it('OM-184 gives way to one that denies without, wherever that stands', () => {
    const never: WrittenRule = { name: 'never', tool: 'deploy', decision: 'deny' };

    for (const written of [
      [frozen, never],
      [never, frozen],
    ]) {
      expect(aToolbox(rules(...written)).screen(deploy)).toMatchObject({ kind: 'refused', rule: 'never' });
    }
  });

  it('OM-184 asks for nothing the agent itself may not call', () => {
    const closed = { ...rules(frozen), agents: { signalbox: { roles: [] } } };

    expect(aToolbox(closed).screen(deploy)).toMatchObject({ kind: 'refused' });
  });
});

describe('a catalog of tools that is narrowed', () => {
  const all = new ToolCatalog([
    ...createTestTools(),
    { ...createTestTools()[0]!, name: 'ask_somebody', group: 'system' as const, family: 'control' },
  ]);

  it('has only those that are named, and asking for a human', () => {
    const few = all.narrowedTo(new Set(['note', 'format_disk']));

    expect(few.specs.map(({ name }) => name)).toEqual(['ask_somebody', 'note']);
    expect(few.names()).toEqual(['note', 'ask_somebody']);
    expect(few.find('refund')).toBeUndefined();
    expect(few.find('format_disk')).toBeUndefined();
    expect(all.narrowedTo(new Set()).names()).toEqual(['ask_somebody']);
  });

  it('is all of them where nobody narrows', () => {
    expect(all.narrowedTo(undefined)).toBe(all);
  });

  it('OM-180 refuses what it has not, whatever the rules say', () => {
    const box = new Toolbox(
      all.narrowedTo(new Set(['lookup'])),
      {
        authorizations: () => rules({ name: 'all', tool: '*', decision: 'allow' }),
        roles: () => ['member'],
      },
      { person: ALEX, platform: 'slack' },
      ConversationId.parse('slack:T0:C0:1'),
      NO_SHELF,
    );

    expect(box.screen(refund({ order: 7, amount: 1 }))).toMatchObject({
      kind: 'refused',
      reason: 'There is no tool "refund". Tools: lookup, ask_somebody.',
    });
    expect(box.screen(aCall('lookup', { order: 7 }))).toMatchObject({ kind: 'run' });
  });
});
