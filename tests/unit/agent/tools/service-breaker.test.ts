import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { withBreaker } from '../../../../src/agent/tools/service-breaker.ts';
import { systemClock } from '../../../../src/domain/clock.ts';
import { FutileCallError } from '../../../../src/domain/errors.ts';
import { ConversationId, PersonId } from '../../../../src/domain/ids.ts';
import type { Tool, ToolContext, ToolOutput } from '../../../../src/domain/tool.ts';
import { Breakers } from '../../../../src/health/breakers.ts';
import { silent } from '../../../support/core.ts';
import { createTestTools } from '../../../support/tools.ts';

const context = (signal = new AbortController().signal): ToolContext => ({
  idempotencyKey: 'k',
  conversationId: ConversationId.parse('slack:T0:C0:1'),
  requester: PersonId.parse('alex'),
  signal,
});

function toolThat(execute: () => Promise<ToolOutput>, over: Partial<Tool> = {}) {
  const breakers = new Breakers(() => ({ failures: 3, coolDownMs: 30_000 }), systemClock, silent);
  const calls: string[] = [];
  const [lookup] = createTestTools();
  const make = (name: string) =>
    withBreaker(
      {
        ...(lookup as Tool),
        ...over,
        name,
        execute: async () => {
          calls.push(name);
          return execute();
        },
      },
      breakers,
    );
  return { make, tool: make('lookup'), calls, breakers };
}

const down = () => Promise.reject(new Error('the shop answered 503'));
const fine = async (): Promise<ToolOutput> => ({ status: 'ok', text: 'fine' });

async function failThrice(tool: Tool): Promise<void> {
  for (let n = 0; n < 3; n++) await expect(tool.execute({}, context())).rejects.toThrow('503');
}

describe('a tool whose service keeps failing', () => {
  it('OM-141 is not called any more, and says that nothing was done, why, and when it can be tried', async () => {
    const { tool, calls } = toolThat(down);
    await failThrice(tool);

    const output = await tool.execute({}, context());

    expect(output.status).toBe('error');
    expect(output.text).toMatch(
      /^Not tried, so nothing was done: test has failed.*503.*tried again in 30 s\.$/,
    );
    expect(calls).toHaveLength(3);
  });

  it('takes the other tools of the service with it', async () => {
    const { make, calls } = toolThat(down);
    await failThrice(make('lookup'));

    expect(await make('refund').execute({}, context())).toMatchObject({ status: 'error' });
    expect(calls).not.toContain('refund');
  });

  it('counts an answer that says that the service is away', async () => {
    const { tool, calls } = toolThat(async () => ({ status: 'error', text: 'no connection', isAway: true }));

    for (let n = 0; n < 3; n++) expect((await tool.execute({}, context())).text).toBe('no connection');

    expect((await tool.execute({}, context())).text).toContain('Not tried');
    expect(calls).toHaveLength(3);
  });
});

describe('what is no failure of the service', () => {
  it('is an answer that says no, and a call that cannot work', async () => {
    const refusing = toolThat(async () => ({ status: 'error', text: 'there is no order 7' }));
    const futile = toolThat(() => Promise.reject(new FutileCallError('the order is closed')));

    for (let n = 0; n < 9; n++) {
      await refusing.tool.execute({}, context());
      await futile.tool.execute({}, context()).catch(() => undefined);
    }

    expect(refusing.calls).toHaveLength(9);
    expect(futile.calls).toHaveLength(9);
  });

  it('is somebody who breaks a call off; time that ran out is one', async () => {
    const broken = toolThat(down);
    const late = toolThat(down);

    for (let n = 0; n < 4; n++) {
      await broken.tool.execute({}, context(AbortSignal.abort(new Error('enough')))).catch(() => undefined);
      const timedOut = AbortSignal.abort(new DOMException('too late', 'TimeoutError'));
      await late.tool.execute({}, context(timedOut)).catch(() => undefined);
    }

    expect(broken.calls).toHaveLength(4);
    expect(late.calls).toHaveLength(3);
  });

  it.each<[string, () => Promise<ToolOutput>]>([
    ['fails', () => Promise.reject(new Error('enough'))],
    ['says so in words', async () => ({ status: 'error', text: 'it was broken off' })],
  ])(
    'OM-141 is somebody who breaks the probe off, when it %s: the next call tries it',
    async (_how, ended) => {
      vi.useFakeTimers({ toFake: ['Date'] });
      onTestFinished(() => void vi.useRealTimers());
      let answer: () => Promise<ToolOutput> = down;
      const { tool, calls, breakers } = toolThat(() => answer());
      await failThrice(tool);
      vi.setSystemTime(Date.now() + 30_000);

      answer = ended;
      await tool.execute({}, context(AbortSignal.abort(new Error('enough')))).catch(() => undefined);
      answer = down;

      expect(breakers.health()).toMatchObject([{ state: 'OPEN' }]);
      await expect(tool.execute({}, context())).rejects.toThrow('503');
      expect(calls).toHaveLength(5);
      expect(await tool.execute({}, context())).toMatchObject({ status: 'error' });
      expect(calls).toHaveLength(5);
    },
  );

  it('is anything a tool does that talks to no service', async () => {
    const { tool, breakers } = toolThat(fine, { group: 'memory' });

    await tool.execute({}, context());

    expect(breakers.health()).toEqual([]);
  });
});
