/** What is left of the tools of a turn where a question is looked into. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ReadingTools } from '../../../../src/agent/research/reading-tools.ts';
import { createResearchTool } from '../../../../src/agent/research/research-tool.ts';
import { TOOL_GROUPS, type Tool } from '../../../../src/domain/tool.ts';
import { aCall } from '../../../support/scripted-model.ts';
import { aToolbox, createTestTools, rules } from '../../../support/tools.ts';

const NEVER = new AbortController().signal;

/** Everything is allowed, so that nothing but what a tool is keeps it back. */
const LAX = rules({ name: 'all', tool: '*', decision: 'allow' });

const aTool = (over: Partial<Tool>): Tool => ({
  name: 'look',
  group: 'automation',
  version: 1,
  description: 'Looks.',
  input: z.object({}),
  risk: 'low',
  effect: 'read',
  reversible: true,
  timeoutMs: 1_000,
  execute: async () => ({ status: 'ok', text: '' }),
  ...over,
});

const leftOf = (tools: Tool[], authorizations = LAX) =>
  new ReadingTools(aToolbox(authorizations, { tools }), NEVER);

describe('the tools of a question', () => {
  it('are those of the turn that only read, offered and run alike', () => {
    fc.assert(
      fc.property(
        fc.record({
          effect: fc.constantFrom('read' as const, 'idempotent' as const, 'once' as const),
          risk: fc.constantFrom('low' as const, 'medium' as const, 'high' as const),
          group: fc.constantFrom(...TOOL_GROUPS),
          inTurn: fc.boolean(),
        }),
        (kind) => {
          const tools = leftOf([aTool(kind)]);

          const isLeft =
            kind.effect === 'read' && kind.risk !== 'high' && !kind.inTurn && kind.group !== 'scheduler';
          expect(tools.specs).toHaveLength(isLeft ? 1 : 0);
          expect(tools.screen(aCall('look')).kind).toBe(isLeft ? 'run' : 'refused');
        },
      ),
    );
  });

  it('hold no tool of plans for later, that is made of calls to others, that hands over to a human, or that asks further questions', () => {
    const tools = leftOf([
      aTool({ name: 'schedule_list', group: 'scheduler' }),
      aTool({ name: 'bundle', calls: () => [] }),
      aTool({ name: 'hand_off', family: 'control', effect: 'idempotent', inTurn: true }),
      createResearchTool({ questions: 5 }) as unknown as Tool,
    ]);

    expect(tools.specs).toEqual([]);
    expect(tools.screen(aCall('research', { questions: ['why?'] }))).toMatchObject({ kind: 'refused' });
  });

  it('are held by the lists and rules of the turn, at the moment of the call', () => {
    const denied = { ...LAX, tools: { ...LAX.tools, deny: ['lookup'] } };
    const forbidden = rules({ name: 'nobody looks', tool: 'lookup', decision: 'deny' });
    const call = aCall('lookup', { order: 7 });

    expect(leftOf(createTestTools(), denied).specs).toEqual([]);
    expect(leftOf(createTestTools(), denied).screen(call)).toMatchObject({ kind: 'refused' });
    expect(leftOf(createTestTools(), forbidden).screen(call)).toMatchObject({ rule: 'nobody looks' });
    expect(leftOf(createTestTools()).screen(aCall('lookup', { order: 'seven' }))).toMatchObject({
      reason: expect.stringContaining('do not fit'),
    });
  });

  it('name those there are when another one is called', () => {
    expect(leftOf(createTestTools()).screen(aCall('refund'))).toMatchObject({
      reason: expect.stringMatching(/no tool "refund" here.* Tools: lookup\.$/),
    });
  });

  it('fail as they would in the turn, and are broken off with it', async () => {
    const broken = aTool({ execute: async () => Promise.reject(new Error('no such order')) });
    const waiting = aTool({
      execute: (_args, { signal }) =>
        new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    });
    const run = (tool: Tool, end: AbortSignal, signal: AbortSignal) =>
      new ReadingTools(aToolbox(LAX, { tools: [tool] }), end).run(
        tool,
        {},
        { key: 'k', hasReadStrangers: false },
        signal,
      );
    const [end, lease] = [new AbortController(), new AbortController()];

    expect(await run(broken, NEVER, NEVER)).toEqual({ status: 'error', text: 'look failed: no such order' });
    const ended = run(waiting, end.signal, NEVER);
    end.abort();
    expect(await ended).toMatchObject({ status: 'error', text: expect.stringContaining('broken off') });
    const lost = run(waiting, NEVER, lease.signal);
    lease.abort(new Error('the lease was lost'));
    await expect(lost).rejects.toThrow('the lease was lost');
  });
});
