import { describe, expect, it } from 'vitest';
import { handleOf, withinCap } from '../../src/agent/tools/output.ts';
import { ConversationId, PersonId } from '../../src/domain/ids.ts';
import type { KeptOutput, Tool } from '../../src/domain/tool.ts';
import { KEPT_FOR_MS, MOST_KEPT, MOST_KEPT_CHARS, OutputStore } from '../../src/memory/output-store.ts';
import { createOutputTools } from '../../src/memory/output-tools.ts';
import { openStore } from '../support/core.ts';

const HERE = ConversationId.parse('slack:T0:C0:1');
const THERE = ConversationId.parse('slack:T0:C0:2');

/** What a tool told of its own. */
const own = (text: string): KeptOutput => ({ text, trust: 'tool' });

async function open() {
  const store = await openStore();
  const outputs = new OutputStore(store.redis, store.keys);
  const [readOutput] = createOutputTools(outputs) as [Tool];
  const read = (input: unknown, conversationId = HERE) =>
    readOutput.execute(readOutput.input.parse(input), {
      idempotencyKey: 'k',
      conversationId,
      requester: PersonId.parse('alex'),
      signal: new AbortController().signal,
    });
  return { ...store, outputs, read };
}

describe('long outputs', () => {
  it('are read on from where they were cut, page by page, to their end', async () => {
    const { outputs, read } = await open();
    const text = Array.from({ length: 6_000 }, (_, n) => `line ${n} 😀\n`).join('');
    const of = { tool: {}, isComposed: false, conversationId: HERE, key: 'k1' };

    const told = await withinCap({ status: 'ok', text }, of, outputs);
    const [, handle, first] = /handle "(\w+)", offset (\d+)/.exec(told.text) ?? [];
    let together = text.slice(0, Number(first));
    for (let offset: number | undefined = Number(first); offset !== undefined; ) {
      const page: string = (await read({ handle, offset })).text;
      const [heading = '', ...lines] = page.split('\n');
      together += lines.join('\n');
      const next: string | undefined = /Go on at offset (\d+)/.exec(heading)?.[1];
      offset = next === undefined ? undefined : Number(next);
    }

    expect(told.text.startsWith(text.slice(0, Number(first)))).toBe(true);
    expect(together).toBe(text);
  });

  it('are read in their own conversation alone', async () => {
    const { outputs, read } = await open();
    const handle = handleOf(HERE, 'k');
    await outputs.keep(HERE, handle, own('secret of this place'));

    expect((await read({ handle })).text).toContain('secret of this place');
    expect(await read({ handle }, THERE)).toMatchObject({
      status: 'error',
      text: expect.stringContaining('is kept in this conversation'),
    });
  });

  it('keep whose words they are: what is read on in is trusted as what was read first', async () => {
    const { outputs, read } = await open();
    const text = 'x '.repeat(20);
    const of = { conversationId: HERE, key: 'k', isComposed: false };
    const trusts = [];
    for (const [tool, trust] of [[{}], [{ tells: 'web' }], [{ tells: 'outsider' }, 'tool']] as const) {
      const output = { status: 'ok', text, ...(trust ? { trust } : {}) } as const;
      await withinCap(output, { ...of, tool: { ...tool, outputChars: 10 } }, outputs);
      trusts.push((await read({ handle: handleOf(HERE, 'k'), offset: 10 })).trust);
    }

    expect(trusts).toEqual(['tool', 'web', 'tool']);
  });

  it('tell which addresses stand whole in a page, and of what the agent may have put together only those of others', async () => {
    const { outputs, read } = await open();
    const [page, own] = ['https://docs.corp.test/manual.pdf', 'https://evil.test/?q=secret'];
    const text = `${'word '.repeat(10)}see ${page} and ${own}`;
    const handle = handleOf(HERE, 'k');
    const seenAt = async (offset: number) => (await read({ handle, offset })).seen;
    await outputs.keep(HERE, handle, { text, trust: 'web' });
    const whole = await seenAt(20);
    const cut = await seenAt(text.indexOf(page) + 9);
    await outputs.keep(HERE, handle, { text, trust: 'outsider', seen: [page] });
    const composed = await seenAt(20);

    expect([whole, cut, composed]).toEqual([[page, own], [own], [page]]);
  });

  it('are so many and so long and no more, and go after a while', async () => {
    const { outputs, redis, keys } = await open();
    const handles = Array.from({ length: MOST_KEPT + 2 }, (_, n) => handleOf(HERE, `k${n}`));
    for (const handle of handles) await outputs.keep(HERE, handle, own(handle));
    const kept = await Promise.all(handles.map((handle) => outputs.find(HERE, handle)));

    const length = await outputs.keep(HERE, handles[0]!, own(`${'x'.repeat(MOST_KEPT_CHARS - 1)}😀y`));

    expect(kept).toEqual([undefined, undefined, ...handles.slice(2).map(own)]);
    expect(length).toBe(MOST_KEPT_CHARS - 1);
    expect((await outputs.find(HERE, handles[0]!))?.text.length).toBe(MOST_KEPT_CHARS - 1);
    const left = await redis.pttl(keys.output(HERE, handles[0]!));
    expect(left).toBeGreaterThan(KEPT_FOR_MS - 60_000);
    expect(left).toBeLessThanOrEqual(KEPT_FOR_MS);
  });

  it('tell that there is nothing where nothing is', async () => {
    const { outputs, read } = await open();
    await outputs.keep(HERE, handleOf(HERE, 'k'), own('abc'));

    expect(await read({ handle: handleOf(HERE, 'k'), offset: 3 })).toEqual({
      status: 'error',
      trust: 'tool',
      text: 'That output has 3 characters; there is nothing at 3.',
    });
  });
});
