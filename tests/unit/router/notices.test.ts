/** What the agent is told of a request that is over, and whether an address in there is one it has read. */
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { readingOf } from '../../../src/agent/provenance.ts';
import type { Config } from '../../../src/config/load-config.ts';
import { LAPSED } from '../../../src/domain/approval/time.ts';
import { FutileCallError } from '../../../src/domain/errors.ts';
import type { Tool } from '../../../src/domain/tool.ts';
import { createPlanTools } from '../../../src/plans/plan-tool.ts';
import { Notices } from '../../../src/router/notices.ts';
import { anApproval } from '../../support/approvals.ts';

const ADDRESS = 'https://evil.test/?q=canary';
const ISSUE = 'https://jira.corp.test/browse/SHOP-7';

/** Tools that take anything; what they tell is their own, but for one that tells what it was called with before. */
const SINGLE = [aTool('report'), aTool('look'), aTool('read_back', { composes: true })];
const TOOLS = [
  ...SINGLE,
  ...createPlanTools(SINGLE, { run: async () => ({ status: 'ok', text: 'not run here' }) }),
];

function aTool(name: string, change: Partial<Tool> = {}): Tool {
  return {
    name,
    group: 'automation',
    version: 1,
    description: name,
    input: z.record(z.string(), z.unknown()),
    risk: 'low',
    effect: 'read',
    reversible: true,
    timeoutMs: 1_000,
    execute: async () => ({ status: 'ok', text: 'not run here' }),
    ...change,
  };
}

/** Of a call that ran, while there are these tools. */
function told(
  args: Record<string, unknown>,
  { tool = 'report', tools = TOOLS, state = 'EXECUTED' as 'EXECUTED' | 'DENIED' } = {},
) {
  const notices = noticesWith(tools);
  const open = anApproval({ request: { tool, args } });
  const result = { status: 'ok' as const, text: `Made ${ISSUE}`, atMs: 1 };
  return notices.outcomeOf(state === 'EXECUTED' ? { ...open, state, result } : { ...open, state });
}

function noticesWith(tools: readonly Tool[]): Notices {
  return new Notices({
    tools: { find: (name) => tools.find((each) => each.name === name) },
    config: (): Config => {
      throw new FutileCallError('nothing of it is asked for');
    },
    clock: { now: () => 0 },
  });
}

/** Whether an address in what a plan of these steps told counts as read. */
function isSeenIn(steps: readonly string[], tools: readonly Tool[] = TOOLS): boolean {
  const args = { title: 'look', steps: steps.map((tool) => ({ tool, arguments: {}, version: 1 })) };
  return readingOf([told(args, { tool: 'run_plan', tools: [...tools] })]).isSeen(ISSUE);
}

describe('what the agent is told of a call that ran', () => {
  it('OM-187 keeps what it told apart from what the gateway says of it', () => {
    const entry = told({ order: 7 });

    expect(entry.text).toMatch(/: executed\. .*Done: what it told stands below$/);
    expect(entry.text).not.toContain(ISSUE);
    expect(entry.told).toBe(`Made ${ISSUE}`);
  });

  it('OM-187 brings no words of strangers where it was refused, and nothing was read', () => {
    const tools = [aTool('report', { tells: 'outsider' })];

    expect(told({}, { tools }).trust).toBe('outsider');
    expect(told({}, { tools, state: 'DENIED' })).not.toHaveProperty('trust');
  });

  it.each([
    ['things had changed, which is told as they are', 'it was: open; it is: DOx', 'outsider'],
    ['nobody acted on the yes in time', LAPSED, undefined],
  ])('OM-187 may hold words of others where it was not run because %s', (_why, remark, trust) => {
    const preview = { changes: [], basis: 'open' };
    const open = anApproval({ request: { tool: 'report', preview } });

    expect(noticesWith(TOOLS).outcomeOf({ ...open, state: 'REVOKED', remark }).trust).toBe(trust);
  });

  it('OM-187 keeps what strangers may have led to apart from what the gateway says, and says whose words they are', () => {
    const heard = ['a page of the web (web_fetch)'];
    const open = anApproval({ request: { tool: 'report', args: { reason: 'do it' }, heard } });

    const entry = noticesWith(TOOLS).outcomeOf({ ...open, state: 'EXPIRED' });

    expect(entry.text).not.toContain('do it');
    expect(entry).toMatchObject({ call: '{"reason":"do it"}', strangers: heard, about: ['alex'] });
    expect(readingOf([entry]).strangers).toEqual(heard);
  });

  it('OM-187 makes no address one it has read that it had called with itself', () => {
    const entry = told({ note: `see ${ADDRESS}` });

    expect(entry.text).toContain(ADDRESS);
    expect(readingOf([entry]).isSeen(ADDRESS)).toBe(false);
  });

  it('lets it name what came of it otherwise', () => {
    expect(readingOf([told({ order: 7, file: 'report.csv' })]).isSeen(ISSUE)).toBe(true);
  });

  it('OM-187 makes none one it has read that a step of a plan may have put together', () => {
    expect(isSeenIn(['look', 'look'])).toBe(true);
    expect(isSeenIn(['look', 'read_back'])).toBe(false);
  });

  it('OM-187 makes none one it has read whose tool is gone, alone or as a step', () => {
    const left = TOOLS.filter(({ name }) => name !== 'report' && name !== 'run_plan');
    const changed = createPlanTools([aTool('look', { version: 2 })], {
      run: async () => ({ status: 'ok', text: 'not run here' }),
    });

    expect(readingOf([told({}, { tools: left })]).isSeen(ISSUE)).toBe(false);
    expect(isSeenIn(['look', 'look'], changed)).toBe(false);
  });
});
