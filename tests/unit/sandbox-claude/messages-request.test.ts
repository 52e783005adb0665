import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Checked,
  CountRequest,
  checkRequest,
  MessagesRequest,
} from '../../../src/sandbox/claude/messages-request.ts';
import { countInput, PromptCache } from '../../../src/sandbox/claude/prompt-cache.ts';
import { GIF, PDF, PNG } from '../../support/files.ts';

const aText = fc.string({ minLength: 1 }).filter((text) => text.trim() !== '');

/** Turns in which every call is answered at once, as the service wants them. */
const aConversation = fc
  .array(fc.record({ said: aText, calls: fc.nat(3) }), { minLength: 1, maxLength: 6 })
  .map((turns) =>
    turns.flatMap(({ said, calls }, turn) => {
      const ids = Array.from(
        { length: turn === turns.length - 1 ? 0 : calls },
        (_, index) => `t${turn}_${index}`,
      );
      const last = turn === turns.length - 1;
      const uses = ids.map((id) => ({ type: 'tool_use', id, name: 'refund', input: {} }));
      const results = ids.map((id) => ({ type: 'tool_result', tool_use_id: id, content: 'ok' }));
      return [
        { role: 'user', content: said },
        ...(last ? [] : [{ role: 'assistant', content: [{ type: 'text', text: said }, ...uses] }]),
        ...(results.length > 0 ? [{ role: 'user', content: results }] : []),
      ];
    }),
  );

function check(messages: unknown): Checked<MessagesRequest> {
  return checkRequest(MessagesRequest, { model: 'claude-sonnet-5-5', max_tokens: 100, messages });
}

describe('a request to the Messages API', () => {
  it('is read or refused with a sentence, whatever it is, and never breaks the service', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (body, messages) => {
        for (const checked of [checkRequest(MessagesRequest, body), check(messages)]) {
          if (checked.kind === 'refused') expect(checked.refusal.message).not.toBe('');
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it('is good when every call has its result in the next turn', () => {
    fc.assert(
      fc.property(aConversation, (messages) => {
        expect(check(messages).kind).toBe('good');
      }),
    );
  });

  it('is refused when any one result is taken away', () => {
    fc.assert(
      fc.property(aConversation, (messages) => {
        const results = messages.findIndex(
          ({ content }) => Array.isArray(content) && content[0]?.type === 'tool_result',
        );
        fc.pre(results !== -1);
        const torn = messages.map((message, index) =>
          index === results && Array.isArray(message.content)
            ? { ...message, content: [...message.content.slice(1), { type: 'text', text: 'so?' }] }
            : message,
        );

        expect(check(torn)).toMatchObject({ kind: 'refused', refusal: { status: 400 } });
      }),
    );
  });
});

describe('the prompt cache', () => {
  it('splits every request into read, written and fresh tokens without losing one', () => {
    const cache = new PromptCache();
    const marked = fc.record({ text: fc.string({ minLength: 1, maxLength: 6_000 }), marked: fc.boolean() });
    fc.assert(
      fc.property(fc.array(marked, { minLength: 1, maxLength: 4 }), (blocks) => {
        const request = CountRequest.parse({
          model: 'claude-sonnet-5-5',
          messages: [
            {
              role: 'user',
              content: blocks.map((block) => ({
                type: 'text',
                text: block.text,
                ...(block.marked && { cache_control: { type: 'ephemeral' } }),
              })),
            },
          ],
        });

        const usage = cache.use(request, 'owner', 0);

        const parts = [usage.input_tokens, usage.cache_creation_input_tokens, usage.cache_read_input_tokens];
        expect(Math.min(...parts)).toBeGreaterThanOrEqual(0);
        expect(parts.reduce((sum, part) => sum + part)).toBe(countInput(request));
      }),
    );
  });

  it('does not look further back than twenty segments', () => {
    const cache = new PromptCache();
    const request = (later: number) =>
      CountRequest.parse({
        model: 'claude-sonnet-5-5',
        messages: [
          {
            role: 'user',
            content: Array.from({ length: 1 + later }, (_, index) => ({
              type: 'text',
              text: index === 0 ? 'x'.repeat(8_000) : `later ${index}`,
              ...(index === later && { cache_control: { type: 'ephemeral' } }),
            })),
          },
        ],
      });

    cache.use(request(0), 'owner', 0);

    expect(cache.use(request(20), 'owner', 0).cache_read_input_tokens).toBe(0);
    expect(cache.use(request(19), 'owner', 0).cache_read_input_tokens).toBeGreaterThan(0);
  });

  it('is not shared between keys', () => {
    const cache = new PromptCache();
    const request = CountRequest.parse({
      model: 'claude-sonnet-5-5',
      cache_control: { type: 'ephemeral' },
      messages: [{ role: 'user', content: 'x'.repeat(8_000) }],
    });

    cache.use(request, 'one', 0);

    expect(cache.use(request, 'other', 0).cache_read_input_tokens).toBe(0);
    expect(cache.use(request, 'one', 0).cache_read_input_tokens).toBeGreaterThan(0);
  });
});

describe('a file in a request', () => {
  const image = (media_type: string, data: string) => ({
    type: 'image',
    source: { type: 'base64', media_type, data },
  });
  const pdf = (data: string) => ({
    type: 'document',
    source: { type: 'base64', media_type: 'application/pdf', data },
  });
  const said = (block: object) => check([{ role: 'user', content: [{ type: 'text', text: 'look' }, block] }]);

  it('is good when it is what it says', () => {
    expect(said(image('image/png', PNG.toString('base64'))).kind).toBe('good');
    expect(said(image('image/gif', GIF.toString('base64'))).kind).toBe('good');
    expect(said(pdf(PDF.toString('base64'))).kind).toBe('good');
  });

  it.each([
    ['another kind of picture than it says', image('image/jpeg', PNG.toString('base64')), /does not match/],
    [
      'a picture of a kind that is not read',
      image('image/bmp', PNG.toString('base64')),
      /messages\.0\.content/,
    ],
    ['not base64', image('image/png', 'not base64!'), /Invalid base64/],
    ['base64 with its end in the middle', image('image/png', 'ab==cdef'), /Invalid base64/],
    ['base64 with too much of an end', image('image/png', 'abcd===='), /Invalid base64/],
    ['empty', image('image/png', ''), /cannot be empty/],
    [
      'a picture that is too large',
      image('image/png', Buffer.concat([PNG, Buffer.alloc(5 * 1024 * 1024)]).toString('base64')),
      /exceeds 5 MB/,
    ],
    ['a broken PDF', pdf(Buffer.from('%PDF-1.4').toString('base64')), /not valid/],
    ['without a source', { type: 'image' }, /messages\.0\.content/],
  ])('is refused when it is %s', (_, block, message) => {
    expect(said(block)).toMatchObject({
      kind: 'refused',
      refusal: { status: 400, message: expect.stringMatching(message) },
    });
  });
});
