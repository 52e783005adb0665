/** How long an answer and its events are, however the bytes come. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bounded, eventCount } from '../../../src/mcp/bounded-body.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const answerOf = (...pieces: string[]) =>
  new Response(ReadableStream.from(pieces.map(bytes)), { headers: { 'Content-Type': 'text/event-stream' } });

describe('an event', () => {
  it.each(['\n\n', '\r\r', '\r\n\r\n', '\n\r\n', '\r\n\n'])('ends with an empty line, written %j', (end) => {
    const count = eventCount();

    expect(count(bytes(`data: x${end}`))).toBeLessThanOrEqual(7 + end.length);
    expect(count(bytes('data: y'))).toBeLessThanOrEqual(8);
  });

  it('goes on over the ends of its lines', () => {
    const count = eventCount();

    count(bytes('data: x\r\n'));
    count(bytes('data: y\r\n'));

    expect(count(bytes('data: z\r\n'))).toBe(27);
  });

  it('is as long however its bytes are cut into pieces', () => {
    const text = fc
      .array(fc.constantFrom('data: x', '\n', '\r', '\r\n', ':', ''), { maxLength: 30 })
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(text, fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 40 }), (whole, sizes) => {
        const all = bytes(whole);
        const inPieces = eventCount();
        let at = 0;
        let most = 0;
        for (const size of [...sizes, all.length]) {
          most = Math.max(most, inPieces(all.subarray(at, at + size)));
          at += size;
        }
        expect(most).toBe(eventCount()(all));
      }),
    );
  });
});

describe('the body of an answer', () => {
  it('may be as long as it may be as a whole, and no longer', async () => {
    expect(await bounded(answerOf('abc\n\n', 'de\n\n'), 9, 'whole').text()).toBe('abc\n\nde\n\n');
    await expect(bounded(answerOf('abc\n\n', 'def\n\n'), 9, 'whole').text()).rejects.toThrow(
      'the server answered with more than 9 bytes',
    );
  });

  it('may go on for ever when it is events, of which none is too long', async () => {
    const many = Array.from({ length: 100 }, () => 'abc\n\n');

    expect(await bounded(answerOf(...many), 5, 'events').text()).toBe(many.join(''));
    await expect(bounded(answerOf(...many, 'abcdef', '\n\n'), 5, 'events').text()).rejects.toThrow(
      'the server sent an event of more than 5 bytes',
    );
  });
});
