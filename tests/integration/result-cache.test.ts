/** What tools found lately, told again or not, on a real store that two processes share. */
import { beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ConversationId, PersonId } from '../../src/domain/ids.ts';
import type { Tool, ToolContext, ToolOutput } from '../../src/domain/tool.ts';
import { ResultCache } from '../../src/health/result-cache.ts';
import { ManualClock, openStore, type Store } from '../support/core.ts';

const context = (person = 'alex'): ToolContext => ({
  idempotencyKey: 'k',
  conversationId: ConversationId.parse('slack:T0:C0:1'),
  requester: PersonId.parse(person),
  signal: new AbortController().signal,
});

let store: Store;
let clock: ManualClock;
let calls: unknown[];

beforeEach(async () => {
  store = await openStore();
  clock = new ManualClock();
  calls = [];
});

function aTool(over: Partial<Tool> = {}): Tool {
  return {
    name: 'search',
    group: 'automation',
    family: 'jira',
    version: 1,
    description: 'Searches.',
    input: z.unknown(),
    risk: 'low',
    effect: 'read',
    reversible: true,
    timeoutMs: 1_000,
    cache: { ttlMs: 60_000, tags: ['jira'] },
    async execute(input): Promise<ToolOutput> {
      calls.push(input);
      return { status: 'ok', text: `found ${calls.length}` };
    },
    ...over,
  };
}

const processOf = () => new ResultCache(store.redis, store.keys, clock);

const write = (over: Partial<Tool> = {}): Tool =>
  aTool({ name: 'comment', effect: 'once', execute: async () => ({ status: 'ok', text: 'done' }), ...over });

describe('what a tool found', () => {
  it('OM-174 is told again to the same question within its time, and asked anew after it', async () => {
    const tool = processOf().wrap(aTool());

    const first = await tool.execute({ jql: 'a', max: 5 }, context());
    clock.advance(59_999);
    const again = await tool.execute({ max: 5, jql: 'a' }, context());
    clock.advance(2);
    const later = await tool.execute({ jql: 'a', max: 5 }, context());

    expect(again).toEqual(first);
    expect(later.text).toBe('found 2');
    expect(calls).toHaveLength(2);
  });

  it('is one for each question, each person, and each meaning of the tool', async () => {
    const cache = processOf();
    await cache.wrap(aTool()).execute({ jql: 'a' }, context());

    await cache.wrap(aTool()).execute({ jql: 'b' }, context());
    await cache.wrap(aTool()).execute({ jql: 'a' }, context('dana'));
    await cache.wrap(aTool({ version: 2 })).execute({ jql: 'a' }, context());

    expect(calls).toHaveLength(4);
  });

  it('is shared by everybody where the tool says that it is the same for all', async () => {
    const tool = processOf().wrap(aTool({ cache: { ttlMs: 60_000, tags: [], isSameForAll: true } }));

    await tool.execute({ page: 1 }, context());
    await tool.execute({ page: 1 }, context('dana'));

    expect(calls).toHaveLength(1);
  });

  it('OM-175 is forgotten at once when a tool of its family changed something, in every process', async () => {
    const [here, there] = [processOf(), processOf()];
    const [tool, other] = [here.wrap(aTool()), there.wrap(aTool())];
    await tool.execute('q', context());
    await other.execute('q', context());

    await there.wrap(write()).execute('x', context());

    await tool.execute('q', context());
    await other.execute('q', context());
    expect(calls).toHaveLength(4);
  });

  it('OM-175 is not kept where everything was forgotten while it was being asked for', async () => {
    const cache = processOf();
    let answer: (output: ToolOutput) => void = () => undefined;
    const slow = aTool({
      execute: (input) => {
        calls.push(input);
        return new Promise((resolve) => {
          answer = resolve;
        });
      },
    });
    const tool = cache.wrap(slow);

    const asked = tool.execute('q', context());
    while (calls.length === 0) await new Promise((resolve) => setImmediate(resolve));
    cache.clear();
    answer({ status: 'ok', text: 'as it was' });
    await asked;
    const anew = tool.execute('q', context());
    while (calls.length === 1) await new Promise((resolve) => setImmediate(resolve));
    answer({ status: 'ok', text: 'as it is' });
    expect((await anew).text).toBe('as it is');
  });

  it('OM-175 is forgotten also when nobody knows what came of the change', async () => {
    const cache = processOf();
    const tool = cache.wrap(aTool());
    await tool.execute('q', context());

    const lost = cache.wrap(write({ execute: async () => Promise.reject(new Error('lost')) }));
    await expect(lost.execute('x', context())).rejects.toThrow('lost');

    await tool.execute('q', context());
    expect(calls).toHaveLength(2);
  });

  it('OM-175 is forgotten when what was done is taken back', async () => {
    const cache = processOf();
    const tool = cache.wrap(aTool());
    await tool.execute('q', context());
    const undone = {
      describe: () => 'undo',
      execute: async () => ({ status: 'ok' as const, text: 'undone' }),
    };

    await cache.wrap(write({ compensation: undone })).compensation?.execute('x', {}, context());

    await tool.execute('q', context());
    expect(calls).toHaveLength(2);
  });

  it('OM-175 is forgotten by an event that names its tag, and by a new configuration', async () => {
    const cache = processOf();
    const tool = cache.wrap(aTool());
    await tool.execute('q', context());

    await cache.invalidate(['jira']);
    await tool.execute('q', context());
    cache.clear();
    await tool.execute('q', context());

    expect(calls).toHaveLength(3);
  });

  it('stays when tools of another family change something', async () => {
    const cache = processOf();
    const tool = cache.wrap(aTool());
    await tool.execute('q', context());

    await cache.wrap(write({ family: 'shop' })).execute('x', context());

    await tool.execute('q', context());
    expect(calls).toHaveLength(1);
  });

  it('is not told when it was read before a change and came in after it', async () => {
    const cache = processOf();
    let answer: (output: ToolOutput) => void = () => undefined;
    const slow = cache.wrap(
      aTool({
        execute: async () => {
          calls.push('asked');
          return new Promise((resolve) => {
            answer = resolve;
          });
        },
      }),
    );
    const reading = slow.execute('q', context());
    await expect.poll(() => calls.length).toBe(1);
    await cache.wrap(write()).execute('x', context());
    answer({ status: 'ok', text: 'old' });
    await reading;

    const next = slow.execute('q', context());
    await expect.poll(() => calls.length).toBe(2);
    answer({ status: 'ok', text: 'new' });

    expect((await next).text).toBe('new');
  });

  it('is not kept when it is an error, or when the tool says nothing of it', async () => {
    const failing = processOf().wrap(
      aTool({
        execute: async (input) => {
          calls.push(input);
          return { status: 'error', text: 'no' };
        },
      }),
    );
    await failing.execute('q', context());
    await failing.execute('q', context());
    const { cache: _, ...plain } = aTool();

    expect(calls).toHaveLength(2);
    expect(processOf().wrap(plain)).toBe(plain);
  });

  it('is bounded: what was not asked for the longest goes first', async () => {
    const tool = processOf().wrap(
      aTool({
        execute: async (input) => {
          calls.push(input);
          return { status: 'ok', text: 'x'.repeat(6 * 1024 * 1024) };
        },
      }),
    );

    for (const question of ['a', 'b', 'c']) await tool.execute(question, context());
    await tool.execute('c', context());
    await tool.execute('a', context());

    expect(calls).toEqual(['a', 'b', 'c', 'a']);
  });
});
