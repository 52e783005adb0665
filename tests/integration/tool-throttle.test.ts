/** How often tools may be called in a minute, counted in a real store. */
import { beforeEach, describe, expect, it } from 'vitest';
import { ToolThrottle } from '../../src/budget/tool-throttle.ts';
import type { Tool } from '../../src/domain/tool.ts';
import { createRedis } from '../../src/redis/client.ts';
import { openStore, type Store } from '../support/core.ts';
import { createTestTools } from '../support/tools.ts';

let store: Store;

beforeEach(async () => {
  store = await openStore();
});

const tools = new Map(createTestTools().map((tool) => [tool.name, tool]));
const toolNamed = (name: string) => tools.get(name) as Tool;
const throttleOf = (perMinute: number) =>
  new ToolThrottle(store.redis, store.keys, () => ({ lookup: { per_minute: perMinute } }));

describe('calls of a tool', () => {
  it('OM-163 beyond so many in a minute are refused with the time to wait, in all processes together', async () => {
    const [here, there] = [throttleOf(3), throttleOf(3)];
    const lookup = toolNamed('lookup');

    const answers = [
      await here.refusal(lookup, {}),
      await there.refusal(lookup, {}),
      await here.refusal(lookup, {}),
      await there.refusal(lookup, {}),
    ];

    expect(answers.slice(0, 3)).toEqual([undefined, undefined, undefined]);
    expect(answers[3]).toMatch(/lookup may be called 3 times in a minute, and it was\. Try again in \d+ s\./);
  });

  it('are counted for each tool, and not at all where nothing is limited', async () => {
    const throttle = throttleOf(1);
    await throttle.refusal(toolNamed('lookup'), {});

    for (let n = 0; n < 9; n++) expect(await throttle.refusal(toolNamed('refund'), {})).toBeUndefined();
    expect(await throttle.refusal(toolNamed('lookup'), {})).toBeDefined();
  });

  it('OM-163 count also as steps of a plan', async () => {
    const throttle = throttleOf(1);
    const plan: Tool = { ...toolNamed('deploy'), calls: () => [{ tool: toolNamed('lookup'), args: {} }] };

    expect(await throttle.refusal(plan, {})).toBeUndefined();
    expect(await throttle.refusal(plan, {})).toMatch(/lookup may be called once in a minute/);
  });

  it('OM-160 are held against the limit that is configured now', async () => {
    let perMinute = 5;
    const throttle = new ToolThrottle(store.redis, store.keys, () => ({ lookup: { per_minute: perMinute } }));
    for (let n = 0; n < 3; n++) await throttle.refusal(toolNamed('lookup'), {});

    perMinute = 3;

    expect(await throttle.refusal(toolNamed('lookup'), {})).toMatch(/3 times in a minute/);
  });

  it('go on reading while the store cannot say, and change nothing then', async () => {
    const away = createRedis('redis://127.0.0.1:1', 'test');
    away.on('error', () => undefined);
    const throttle = new ToolThrottle(
      away,
      store.keys,
      () => ({
        lookup: { per_minute: 1 },
        refund: { per_minute: 1 },
      }),
      20,
    );

    expect(await throttle.refusal(toolNamed('lookup'), {})).toBeUndefined();
    expect(await throttle.refusal(toolNamed('refund'), {})).toMatch(/cannot be found out just now/);
    away.disconnect();
  });
});
