import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { idleConditionsIn } from '../../../../src/agent/tools/idle-conditions.ts';
import { decideCall } from '../../../../src/agent/tools/tool-policy.ts';
import { Authorizations } from '../../../../src/config/authorizations.ts';

const refund = {
  name: 'refund',
  group: 'automation',
  family: 'shop',
  input: z.object({
    order: z.int(),
    amount: z.number(),
    currency: z.enum(['EUR', 'USD']).default('EUR'),
    note: z.string().optional(),
    urgent: z.boolean().nullable(),
    lines: z.array(z.object({ sku: z.string() })),
    to: z.object({ country: z.string(), bank: z.looseObject({}) }),
  }),
} as const;
const restart = { name: 'restart', group: 'system', input: z.object({ service: z.string() }) } as const;

interface Written {
  readonly decision?: string;
  readonly tool?: string;
  readonly group?: string;
  readonly areAll?: boolean;
  readonly tools?: Parameters<typeof idleConditionsIn>[1];
}

function told(when: object, { areAll = true, tools = [refund, restart], ...more }: Written = {}) {
  const rule = { name: 'r', tool: 'refund', decision: 'deny', when, ...more };
  return idleConditionsIn(Authorizations.parse({ roles: {}, rules: [rule] }), tools, areAll);
}

describe('conditions that tell nothing of any call', () => {
  it('OM-022 are told where the tool has no such argument, with the one that was probably meant', () => {
    expect(told({ amonut: '> 10' })).toEqual([
      {
        at: 'rule "r"',
        tool: 'refund',
        path: 'amonut',
        problem: 'refund takes no argument amonut, so the condition is never met',
        remedy: 'Did you mean amount?',
      },
    ]);
    expect(told({ 'to.contry': 'DE' })).toMatchObject([{ remedy: 'Did you mean to.country?' }]);
    expect(told({ 'to.street.number': 5 })).toHaveLength(1);
    expect(told({ amonut: '!= 10' })).toMatchObject([{ problem: expect.stringMatching(/always met$/) }]);
  });

  it('OM-022 are told where the argument is never of that kind, with what comes of it', () => {
    const kinds = { order: 'seven', amount: true, urgent: 'true', lines: 'x', to: 'DE' };
    const problems = (decision: string) => told(kinds, { decision }).map(({ problem }) => problem);

    expect(problems('deny')).toEqual([
      'order of refund is a number, and "seven" can tell nothing of that: the condition is met whatever it is, unless it is not there or null',
      'amount of refund is a number, and true can tell nothing of that: the condition is met whatever it is, unless it is not there or null',
      'urgent of refund is true or false, and "true" can tell nothing of that: the condition is met whatever it is, unless it is not there or null',
      'lines of refund is a list, and "x" can tell nothing of that: the condition is met whatever it is, unless it is not there or null',
      'to of refund is a group of keys, and "DE" can tell nothing of that: the condition is met whatever it is, unless it is not there or null',
    ]);
    expect(problems('allow')).toEqual(
      expect.arrayContaining([expect.stringMatching(/: the rule never fits$/)]),
    );
    expect(told({ urgent: 'true' })).toMatchObject([{ remedy: 'Write true or false, without quotes.' }]);
  });

  it('OM-022 are told where a path leads into a list or a single value, with what comes of it', () => {
    const paths = { 'amount.value': 5, 'lines.sku': '!= x' };

    expect(told(paths)).toMatchObject([
      {
        problem:
          'amount of refund is a number, and nothing can be told of amount.value in it: the condition is met whatever it is, unless it is not there or null',
        remedy: 'Compare amount itself.',
      },
      {
        problem:
          'lines of refund is a list, and nothing can be told of lines.sku in it: the condition is always met',
        remedy: 'Compare one place of it, as `lines.0`, or how many there are: `lines.length`.',
      },
    ]);
    expect(told(paths, { decision: 'allow' })).toMatchObject([
      { problem: expect.stringMatching(/: the rule never fits$/) },
      { problem: expect.stringMatching(/: the rule fits only where it is not there or null$/) },
    ]);
  });

  it('OM-022 are told where the argument never has that value', () => {
    expect(told({ currency: 'ERU' })).toMatchObject([
      { problem: 'currency of refund is never "ERU", so that is never met', remedy: 'Did you mean EUR?' },
    ]);
    expect(told({ currency: ['EUR', 'CHF'] })).toMatchObject([{ remedy: 'It is EUR, USD.' }]);
    expect(told({ currency: '!= CHF' })).toMatchObject([{ problem: expect.stringMatching(/always met$/) }]);
    expect(told({ amount: [10, 'lots'] })).toHaveLength(1);
  });

  it('are not told where they can be met', () => {
    const fine = {
      order: '5',
      amount: '> 10',
      currency: ['EUR', 'USD'],
      note: '> 10',
      urgent: true,
      'to.country': 'DE',
      'to.bank.name': 'x',
      'lines.0.sku': 'x',
      'lines.length': '> 5',
    };
    expect(told(fine)).toEqual([]);
    expect(told({ note: 5 })).toEqual([]);
  });

  it('are left to another moment where the tool is not known', () => {
    expect(told({ amonut: 1 }, { tool: 'mcp__away__pay' })).toEqual([]);
  });

  it('are told of a rule for all tools only where none has the argument, there are no others, and one is near', () => {
    expect(told({ service: 'web' }, { tool: '*' })).toEqual([]);
    expect(told({ servcie: 'web' }, { tool: '*', areAll: false })).toEqual([]);
    expect(told({ servcie: 'web' }, { tool: '*' })).toMatchObject([{ remedy: 'Did you mean service?' }]);
    expect(told({ issue: 'OPS-1' }, { tool: '*' })).toEqual([]);
    expect(told({ amount: 5 }, { tool: '*', group: 'shop' })).toEqual([]);
    expect(told({ serivce: 'web' }, { tool: '*', group: 'system' })).toHaveLength(1);
    expect(told({ serivce: 'web' }, { tool: '*', group: 'jira' })).toEqual([]);
  });

  it.each([
    ['nothing is said of its arguments', { type: 'object' }],
    ['it takes more than it names', { type: 'object', properties: {}, additionalProperties: true }],
    ['it may be anything', { type: 'object', properties: { amonut: {} } }],
    [
      'several things have to hold',
      { type: 'object', properties: { amonut: { allOf: [{ type: 'object' }] } } },
    ],
    ['it points to itself', { type: 'object', properties: { amonut: { $ref: '#/properties/amonut' } } }],
    ['it points elsewhere', { type: 'object', properties: { amonut: { $ref: 'https://example.com/x' } } }],
    [
      'one of the ways fits',
      { type: 'object', properties: { amonut: { anyOf: [{ type: 'array' }, { type: 'string' }] } } },
    ],
  ])('are not told of a tool that was described elsewhere where %s', (_name, inputSchema) => {
    const tools = [{ ...restart, input: z.unknown(), inputSchema }];

    expect(told({ amonut: 'x' }, { tool: 'restart', tools })).toEqual([]);
  });

  it('are told of a tool that was described elsewhere, by the names it does have', () => {
    const $defs = { sum: { type: 'object', properties: { value: { type: 'number' } } } };
    const inputSchema = { type: 'object', $defs, properties: { sum: { $ref: '#/$defs/sum' } } };
    const tools = [{ ...restart, input: z.unknown(), inputSchema }];
    const ofSum = (path: string, value: unknown) => told({ [path]: value }, { tool: 'restart', tools });

    expect(ofSum('sum.value', 5)).toEqual([]);
    expect(ofSum('sum.valeu', 5)).toMatchObject([{ remedy: 'Did you mean sum.value?' }]);
    expect(ofSum('sum.value', 'lots')).toHaveLength(1);
    expect(ofSum('sum', 5)).toHaveLength(1);
  });
});

describe('what is said to come of a condition', () => {
  const ship = {
    name: 'ship',
    group: 'automation' as const,
    input: z.object({
      lines: z.array(z.object({ sku: z.string() })).nullish(),
      amount: z.number().nullish(),
      to: z.object({ country: z.string().nullish() }).nullish(),
      size: z.union([z.enum(['s', 'm']), z.boolean()]).nullish(),
      level: z.union([z.literal(1), z.literal(2)]).nullish(),
      order: z
        .union([
          z.object({ kind: z.enum(['new', 'old']), on: z.array(z.string()).nullish() }),
          z.array(z.string()),
        ])
        .nullish(),
    }),
  };
  /** What the argument is: gone where it is not there, odd where the condition can tell nothing of it. */
  type State = 'gone' | 'null' | 'plain' | 'odd';
  const cases: readonly [when: object, calls: readonly [args: object, state: State][]][] = [
    ...['x', ['x', 'y'], '!= x', '> 5', true].map((comparison): (typeof cases)[number] => [
      { 'lines.sku': comparison },
      [
        [{}, 'gone'],
        [{ lines: null }, 'null'],
        [{ lines: [] }, 'odd'],
        [{ lines: [{ sku: 'x' }] }, 'odd'],
      ],
    ]),
    ...['x', ['x', 'y'], '!= x', true].map((comparison): (typeof cases)[number] => [
      { amount: comparison },
      [
        [{}, 'gone'],
        [{ amount: null }, 'null'],
        [{ amount: 5 }, 'odd'],
      ],
    ]),
    ...['DE', '!= DE', '<= 5'].map((comparison): (typeof cases)[number] => [
      { 'to.country.code': comparison },
      [
        [{}, 'gone'],
        [{ to: null }, 'gone'],
        [{ to: { country: null } }, 'null'],
        [{ to: { country: 'DE' } }, 'odd'],
      ],
    ]),
    [
      { 'lines.length.sum': '> 5' },
      [
        [{}, 'gone'],
        [{ lines: null }, 'gone'],
        [{ lines: [] }, 'odd'],
      ],
    ],
    [
      { lines: '> 5' },
      [
        [{}, 'gone'],
        [{ lines: null }, 'odd'],
        [{ lines: [] }, 'odd'],
      ],
    ],
    ...['l', ['l', 'xl'], '!= l'].map((comparison): (typeof cases)[number] => [
      { size: comparison },
      [
        [{}, 'gone'],
        [{ size: null }, 'null'],
        [{ size: 's' }, 'plain'],
        [{ size: true }, 'odd'],
      ],
    ]),
    [
      { level: '> 5' },
      [
        [{}, 'gone'],
        [{ level: null }, 'odd'],
        [{ level: 2 }, 'plain'],
      ],
    ],
    ...['no', '!= no'].map((comparison): (typeof cases)[number] => [
      { 'order.kind': comparison },
      [
        [{}, 'gone'],
        [{ order: null }, 'gone'],
        [{ order: { kind: 'new' } }, 'plain'],
        [{ order: ['new'] }, 'odd'],
      ],
    ]),
    ...['x', '!= x'].map((comparison): (typeof cases)[number] => [
      { 'order.kind.code': comparison },
      [
        [{}, 'gone'],
        [{ order: null }, 'gone'],
        [{ order: { kind: 'new' } }, 'odd'],
        [{ order: ['new'] }, 'odd'],
      ],
    ]),
    ...[true, '> 5', '!= 5'].map((comparison): (typeof cases)[number] => [
      { 'order.on': comparison },
      [
        [{}, 'gone'],
        [{ order: null }, 'gone'],
        [{ order: { kind: 'new' } }, 'gone'],
        [{ order: { kind: 'new', on: null } }, comparison === '> 5' ? 'odd' : 'null'],
        [{ order: { kind: 'new', on: ['x'] } }, 'odd'],
        [{ order: ['new'] }, 'odd'],
      ],
    ]),
    ...['x', '!= x'].map((comparison): (typeof cases)[number] => [
      { 'to.contry': comparison },
      [
        [{}, 'gone'],
        [{ to: null }, 'gone'],
        [{ to: { country: 'DE' } }, 'gone'],
      ],
    ]),
  ];
  const SAID: readonly [RegExp, (state: State) => boolean][] = [
    [/ never (met|fits)$/, () => false],
    [/ always met$/, () => true],
    [/ met whatever it is, unless it is not there or null$/, (state) => state !== 'gone' && state !== 'null'],
    [/ met whatever it is, unless it is not there$/, (state) => state !== 'gone'],
    [/ or null, and wherever nothing can be told of it$/, (state) => state !== 'gone' && state !== 'null'],
    [/ not there, and wherever nothing can be told of it$/, (state) => state !== 'gone'],
    [/ fits only where it is not there or null$/, (state) => state === 'gone' || state === 'null'],
    [/ met only where nothing can be told of it$/, (state) => state === 'odd'],
    [/ met wherever anything can be told of it$/, (state) => state !== 'odd'],
  ];
  const approvers = { role: 'manager' };
  const decisions = [
    { decision: 'allow' },
    { decision: 'deny' },
    { decision: 'ask', approvers },
    { decision: 'deny', escalate: { approvers } },
  ];
  const all = cases.flatMap(([when, calls]) => decisions.map((decision) => ({ when, calls, decision })));

  it.each(all)('OM-022 is what becomes of the call: $when, $decision', ({ when, calls, decision }) => {
    const rule = { name: 'r', tool: 'ship', when, ...decision };
    const behind = decision.decision === 'allow' ? [] : [{ name: 'all', tool: '*', decision: 'allow' }];
    const authorizations = Authorizations.parse({
      roles: { manager: { permissions: ['approve'] } },
      rules: [rule, ...behind],
    });
    const told = idleConditionsIn(authorizations, [ship], true);

    expect(told.length).toBeGreaterThan(0);
    for (const [args, state] of calls) {
      const facts = { tool: 'ship', groups: [], effect: 'once', roles: [], platform: 'slack' } as const;
      const decided = decideCall(authorizations, { ...facts, args: ship.input.parse(args) });
      for (const { problem } of told) {
        const [, isMet] = SAID.find(([words]) => words.test(problem)) ?? [];
        expect([problem, args, decided.rule === 'r']).toEqual([problem, args, isMet?.(state)]);
      }
    }
  });

  it('is said in each of these ways of one of them', () => {
    const told = all.flatMap(({ when, decision }) =>
      idleConditionsIn(
        Authorizations.parse({
          roles: { manager: { permissions: ['approve'] } },
          rules: [{ name: 'r', tool: 'ship', when, ...decision }],
        }),
        [ship],
        true,
      ),
    );

    for (const [words] of SAID)
      expect(told.map(({ problem }) => problem)).toContainEqual(expect.stringMatching(words));
  });
});
