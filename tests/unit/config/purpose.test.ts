import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { goalsOf, Purpose } from '../../../src/config/purpose.ts';
import { createGoalTool } from '../../../src/memory/goal-tool.ts';

const WRITTEN = `
name: Signalbox
purpose: You help with orders.
goals:
  - name: customers
    goal: Customers come back.
    goals:
      - name: refunds
        goal: Whoever has a right to a refund has it within a day.
        goals:
          - name: proof
            goal: Each refund has an order and a reason.
      - name: answers
        goal: Nobody waits for an answer.
`;

describe('the goals in purpose.yaml', () => {
  it('OM-031 are read back on three levels, each with the goal it serves', () => {
    expect(
      goalsOf(Purpose.parse(parse(WRITTEN))).map(({ name, parent, level }) => [name, parent, level]),
    ).toEqual([
      ['customers', undefined, 0],
      ['refunds', 'customers', 1],
      ['proof', 'refunds', 2],
      ['answers', 'customers', 1],
    ]);
  });

  it('OM-031 are told to the agent with the purpose', async () => {
    const tool = createGoalTool(() => Purpose.parse(parse(WRITTEN)));

    const { text } = await tool.execute({}, {} as never);

    expect(text.split('\n')).toEqual([
      'You help with orders.',
      '- customers: Customers come back.',
      '  - refunds: Whoever has a right to a refund has it within a day. (serves customers)',
      '    - proof: Each refund has an order and a reason. (serves refunds)',
      '  - answers: Nobody waits for an answer. (serves customers)',
    ]);
  });

  it('have names of their own, and no fourth level', () => {
    const twice = WRITTEN.replace('name: answers', 'name: proof');
    const deeper = WRITTEN.replace('a reason.', 'a reason.\n            goals: []');

    expect(Purpose.safeParse(parse(twice)).error?.issues[0]?.message).toMatch(/two goals are called proof/);
    expect(Purpose.safeParse(parse(deeper)).success).toBe(false);
    expect(Purpose.parse({ name: 'S', purpose: 'P' }).goals).toEqual([]);
  });
});
