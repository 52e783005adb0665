import { describe, expect, it } from 'vitest';
import {
  DEFAULT_OUTPUT_CHARS,
  handleOf,
  type OutputShelf,
  withinCap,
} from '../../../../src/agent/tools/output.ts';
import { ConversationId } from '../../../../src/domain/ids.ts';
import type { Tool } from '../../../../src/domain/tool.ts';
import { aToolbox, createTestTools, NO_SHELF, rules } from '../../../support/tools.ts';

const HERE = ConversationId.parse('slack:T0:C0:1');
const of = (outputChars?: number) => ({
  tool: outputChars === undefined ? {} : { outputChars },
  isComposed: false,
  conversationId: HERE,
  key: 'item:0:call',
});
const HANDLE = handleOf(HERE, 'item:0:call');

describe('what a call told', () => {
  it('is told as it is when it is short enough', async () => {
    const output = { status: 'ok', text: 'x'.repeat(DEFAULT_OUTPUT_CHARS) } as const;

    expect(await withinCap(output, of(), NO_SHELF)).toBe(output);
  });

  it('is cut where it is longer than the tool allows, with its length and how to read on', async () => {
    const output = { status: 'error', text: 'abcdefghij', receipt: { id: 7 } } as const;

    const told = await withinCap(output, of(4), NO_SHELF);

    expect(told).toEqual({
      status: 'error',
      receipt: { id: 7 },
      text: `abcd\n\n[Cut here: these are the first 4 of 10 characters. Read on with read_output, handle "${HANDLE}", offset 4.]`,
    });
    expect(await withinCap(output, of(4), NO_SHELF)).toEqual(told);
  });

  it('is cut between characters, not within one', async () => {
    const { text } = await withinCap({ status: 'ok', text: 'ab👨‍👩‍👧‍👦cd' }, of(5), NO_SHELF);

    expect(text).toMatch(/^ab\n\n\[Cut here: these are the first 2 of 15 characters/);
  });

  it('is cut before an address, not within one: its beginning would be another address', async () => {
    const text = `${'x '.repeat(20)}see https://docs.corp.test/manual.pdf for more`;

    expect((await withinCap({ status: 'ok', text }, of(60), NO_SHELF)).text).toMatch(
      /x see \n\n\[Cut here: these are the first 44 of/,
    );
  });

  it('is kept whole, once more under the same handle when the call is made again', async () => {
    const kept: [string, string][] = [];
    const shelf: OutputShelf = {
      async keep(_conversation, handle, { text }) {
        kept.push([handle, text]);
        return text.length;
      },
    };

    await withinCap({ status: 'ok', text: 'one two' }, of(3), shelf);
    await withinCap({ status: 'ok', text: 'one two' }, of(3), shelf);

    expect(kept).toEqual([
      [HANDLE, 'one two'],
      [HANDLE, 'one two'],
    ]);
    expect(handleOf(ConversationId.parse('slack:T0:C0:2'), 'item:0:call')).not.toBe(HANDLE);
  });

  it('says what of it is not kept', async () => {
    const some: OutputShelf = { keep: async () => 6 };
    const none: OutputShelf = { keep: async () => Promise.reject(new Error('the store is away')) };
    const output = { status: 'ok', text: 'abcdefghij' } as const;

    expect((await withinCap(output, of(4), some)).text).toContain('Only the first 6 are kept');
    expect((await withinCap(output, of(4), none)).text).toBe(
      'abcd\n\n[Cut here: these are the first 4 of 10 characters. The rest could not be kept; ask for less at a time.]',
    );
  });

  it('is held to that inside a turn, whatever came of it', async () => {
    const [lookup] = createTestTools();
    const wordy: Tool = {
      ...lookup!,
      outputChars: 5,
      execute: async () => ({ status: 'ok', text: '123456789' }),
    };
    const failing: Tool = { ...wordy, execute: async () => Promise.reject(new Error('a long story')) };
    const box = aToolbox(rules(), { tools: [wordy] });
    const { signal } = new AbortController();

    expect((await box.run(wordy, {}, { key: 'k', hasReadStrangers: false }, signal)).text).toMatch(
      /^12345\n\n\[Cut here/,
    );
    expect(await box.run(failing, {}, { key: 'k', hasReadStrangers: false }, signal)).toMatchObject({
      status: 'error',
      text: expect.stringMatching(/^looku\n\n\[Cut here/),
    });
  });
});
