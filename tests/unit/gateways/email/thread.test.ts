import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  conversationOf,
  hash,
  ownMessageId,
  readMessageIds,
  readOwnMessageId,
  referencesOfAnswer,
} from '../../../../gateways/email/thread.ts';
import { ConversationId } from '../../../../src/domain/ids.ts';

const own = 'signalbox@gateway.test';
const slack = ConversationId.parse('slack:T1:C1:170000.1');
const noThread = { messageId: undefined, inReplyTo: [], references: [] };

describe('the conversation of a mail', () => {
  it('is named by the first mail of the thread, wherever that is mentioned', () => {
    const root = conversationOf({ ...noThread, messageId: '<root@a.test>' }, own, 'x');
    const answer = { ...noThread, messageId: '<2@a.test>', inReplyTo: ['<root@a.test>'] };
    const later = {
      ...noThread,
      messageId: '<3@a.test>',
      inReplyTo: ['<2@a.test>'],
      references: ['<root@a.test>', '<2@a.test>'],
    };

    expect(root).toMatch(/^email:[a-z2-7]{26}$/);
    expect(conversationOf(answer, own, 'x')).toBe(root);
    expect(conversationOf(later, own, 'x')).toBe(root);
  });

  it('is found through any one of our own mails, even if nothing else was kept', () => {
    const conversation = conversationOf({ ...noThread, messageId: '<root@a.test>' }, own, 'x');
    const ours = ownMessageId('reply:1', conversation, own);

    expect(conversationOf({ ...noThread, messageId: '<9@b.test>', inReplyTo: [ours] }, own, 'x')).toBe(
      conversation,
    );
    expect(
      conversationOf({ ...noThread, references: ['<other@b.test>', ours.toUpperCase()] }, own, 'x'),
    ).toBe(conversation);
  });

  it('is one for all mails about a conversation that began elsewhere', () => {
    const one = conversationOf({ ...noThread, inReplyTo: [ownMessageId('a', slack, own)] }, own, 'x');
    const two = conversationOf({ ...noThread, inReplyTo: [ownMessageId('b', slack, own)] }, own, 'x');

    expect(one).toBe(two);
  });

  it('is named by the mail itself when it has no id', () => {
    expect(conversationOf(noThread, own, 'one')).not.toBe(conversationOf(noThread, own, 'two'));
  });
});

describe('a Message-ID of ours', () => {
  it('is the same for the same cause, and another for another', () => {
    expect(ownMessageId('a', slack, own)).toBe(ownMessageId('a', slack, own));
    expect(ownMessageId('b', slack, own)).not.toBe(ownMessageId('a', slack, own));
    expect(ownMessageId('a', slack, own)).toMatch(/^<[a-z2-7]{26}\.[a-z2-7]{26}@gateway\.test>$/);
  });

  it('is told from all others', () => {
    expect(readOwnMessageId('<a.b@gateway.test>', own)).toBeUndefined();
    expect(readOwnMessageId(ownMessageId('a', slack, own), 'bot@other.test')).toBeUndefined();
  });

  it('has a hash that depends on every character', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (a, b) => {
        fc.pre(a !== b);
        expect(hash(a)).not.toBe(hash(b));
      }),
    );
  });
});

describe('references', () => {
  it('are read one by one, and cut in the middle when there are too many', () => {
    expect(readMessageIds('<a@x>\r\n <b@x> junk <c@x>')).toEqual(['<a@x>', '<b@x>', '<c@x>']);
    const many = readMessageIds(Array.from({ length: 5_000 }, (_, at) => `<${at}@x>`).join(' '));
    expect(many).toHaveLength(100);
    expect([many[0], many.at(-1)]).toEqual(['<0@x>', '<4999@x>']);
  });

  it('of an answer end with what is answered and keep the root', () => {
    const references = Array.from({ length: 50 }, (_, at) => `<${at}@x>`);
    const answer = referencesOfAnswer({ messageId: '<last@x>', inReplyTo: [], references });

    expect(answer).toHaveLength(20);
    expect([answer[0], answer.at(-1)]).toEqual(['<0@x>', '<last@x>']);
    expect(referencesOfAnswer({ messageId: '<b@x>', inReplyTo: ['<a@x>'], references: [] })).toEqual([
      '<a@x>',
      '<b@x>',
    ]);
  });
});
