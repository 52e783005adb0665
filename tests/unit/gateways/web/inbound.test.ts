import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toAnswer, toMessage } from '../../../../gateways/web/inbound.ts';
import { AnswerRequest, bytesIn, Frame, MessageRequest } from '../../../../gateways/web/schema.ts';
import { InboundAnswer, InboundMessage } from '../../../../src/domain/message.ts';
import { runs } from '../../../support/property-runs.ts';

const NOW = Date.parse('2026-01-01T12:00:00Z');
const ownId = () => fc.stringMatching(/^[\w.@=+/-]{1,100}$/);
const client = () => fc.stringMatching(/^[a-z][a-z0-9-]{0,31}$/);

describe('a message of a client', () => {
  it('OM-185 is always one the core takes, however long its ids', () => {
    fc.assert(
      fc.property(client(), ownId(), ownId(), fc.string(), (name, id, conversation, text) => {
        const request = { ...MessageRequest.parse({ id, conversation, text }), id };

        const message = toMessage(name, request, NOW);

        expect(InboundMessage.safeParse(message).success).toBe(true);
        expect(message.sender).toMatchObject({ account: `web:${name}`, authenticated: true });
      }),
      { numRuns: runs(200) },
    );
  });

  it('OM-192 has an id unlike that of any other message, and of any answer', () => {
    const place = () => fc.tuple(client(), ownId(), ownId());
    fc.assert(
      fc.property(place(), place(), ([a, b, c], [d, e, f]) => {
        fc.pre(`${a} ${b} ${c}` !== `${d} ${e} ${f}`);
        const one = toMessage(a, { conversation: b, id: c, text: '' }, NOW);
        const other = toMessage(d, { conversation: e, id: f, text: '' }, NOW);
        const answer = toAnswer(d, anAnswer(f));

        expect(InboundAnswer.safeParse(answer).success).toBe(true);
        expect(one.id).not.toBe(other.id);
        expect(one.id).not.toBe(answer.id);
      }),
      { numRuns: runs(200) },
    );
  });

  it.each([
    ['2026-01-01T10:00:00+01:00', '2026-01-01T09:00:00.000Z'],
    ['2026-01-02T00:00:00Z', '2026-01-01T12:00:00.000Z'],
    [undefined, '2026-01-01T12:00:00.000Z'],
  ])('written at %s was written at %s, and never later than now', (sentAt, expected) => {
    const said = sentAt === undefined ? {} : { sentAt };

    const message = toMessage('a', { conversation: 'c', id: 'm', text: '', ...said }, NOW);

    expect(message.sentAt).toBe(expected);
  });
});

describe('base64', () => {
  it('stands for as many bytes as it decodes to', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        expect(bytesIn(Buffer.from(bytes).toString('base64'))).toBe(bytes.length);
      }),
      { numRuns: runs(100) },
    );
  });
});

describe('a frame', () => {
  it('OM-185 is read or refused, whatever it is', () => {
    fc.assert(
      fc.property(fc.anything(), (value) => {
        expect(typeof Frame.safeParse(value).success).toBe('boolean');
      }),
      { numRuns: runs(200) },
    );
  });
});

function anAnswer(id: string): AnswerRequest {
  return AnswerRequest.parse({
    id,
    approvalId: 'apr_p7_0123456789ab',
    choice: 'approve',
    gen: 1,
    digest: 'd',
  });
}
