import { describe, expect, it } from 'vitest';
import { takeOver, untouched } from '../../../src/domain/control.ts';
import { AccountId, ConversationId, MessageId, PersonId, Platform } from '../../../src/domain/ids.ts';
import type { Address } from '../../../src/domain/message.ts';
import type { Person } from '../../../src/domain/person.ts';
import { Bridge } from '../../../src/router/bridge.ts';
import type { MessageItem } from '../../../src/router/handling.ts';
import { silent } from '../../support/core.ts';

const CHANNEL = addressOf('slack', { channel: 'C1', thread: '1' });
const ALEX_DM = addressOf('slack', { channel: 'D-alex' });
const ALEX_MAIL = addressOf('email', { to: 'alex@corp.test', subject: 'A wish', inReplyTo: '<1>' });
const DANA_MAIL = addressOf('email', { to: 'dana@corp.test' });
const DANA_REPLY = addressOf('email', { to: 'dana@corp.test', subject: 'A wish' });

function addressOf(platform: string, route: Record<string, string>): Address {
  return { platform: Platform.parse(platform), route };
}

interface Who {
  readonly accounts?: readonly string[];
  /** Where only they read. */
  readonly place?: Address | 'none';
}

function bridgeFor({ accounts = ['slack:T0/dana'], place = DANA_MAIL }: Who = {}): Bridge {
  const person: Person = {
    id: PersonId.parse('dana'),
    name: 'Dana Reyes',
    roles: [],
    prefers: [],
    accounts: accounts.map((each) => AccountId.parse(each)),
  };
  const account = AccountId.parse('email:dana@corp.test');
  return new Bridge({
    directory: { find: () => person },
    reach: {
      isPrivate: ({ route }) => route.subject !== undefined || route.channel?.startsWith('D') === true,
      privatePlaceOf: () => (place === 'none' ? undefined : { account, to: place, cannotEdit: true }),
    },
  });
}

function heldIn(origin: Address | undefined) {
  const by = { person: PersonId.parse('dana'), name: 'Dana Reyes' };
  const { moved } = takeOver(
    untouched(ConversationId.parse('slack:T0:C1:1')),
    { by, permitted: true, idleMs: 1, ...(origin ? { origin } : {}) },
    0,
  );
  if (moved?.next.state !== 'HUMAN') throw new Error('it was not taken over');
  return moved.next;
}

function aMessage(by: string, replyTo: Address): MessageItem {
  return {
    kind: 'message',
    id: 'm1',
    correlation: 'm1',
    receivedAt: '2026-01-01T00:00:00.000Z',
    requester: { person: PersonId.parse(by), name: by, roles: [] },
    message: {
      kind: 'message',
      id: MessageId.parse('m1'),
      conversationId: ConversationId.parse('slack:T0:C1:1'),
      sender: {
        account: AccountId.parse(`slack:T0/${by}`),
        displayName: by,
        authenticated: true,
        automatic: false,
      },
      text: 'my card was stolen',
      addressedToBot: true,
      sentAt: '2026-01-01T00:00:00.000Z',
      replyTo,
    },
  };
}

describe('how whoever has a conversation talks there', () => {
  it.each([
    ['there, in the channel they took it over in', CHANNEL, CHANNEL, {}, 'there'],
    ['there, in a direct message of their own', ALEX_DM, ALEX_DM, {}, 'there'],
    ['by writing in the channel, when they took it over elsewhere', CHANNEL, undefined, {}, 'elsewhere'],
    [
      'by what is brought to them from the direct message of somebody else',
      ALEX_DM,
      undefined,
      {},
      'brought',
    ],
    [
      'by what is brought from the mails of somebody else, also in that thread',
      ALEX_MAIL,
      DANA_REPLY,
      {},
      'brought',
    ],
    [
      'by what is brought from a platform they are not on',
      CHANNEL,
      undefined,
      { accounts: ['email:d@x.test'] },
      'brought',
    ],
    ['not, where nobody can write to them alone', ALEX_DM, undefined, { place: 'none' }, 'unreached'],
    ['somehow, where nobody has written yet', undefined, undefined, {}, 'elsewhere'],
  ] satisfies [string, Address | undefined, Address | undefined, Who, string][])(
    '%s',
    (_name, origin, here, who, course) => {
      expect(bridgeFor(who).courseOf(heldIn(origin), here)).toBe(course);
    },
  );
});

describe('a message of somebody else', () => {
  const brought = (bridge: Bridge, place: Address, by = 'alex') =>
    bridge
      .bring(aMessage(by, place), heldIn(ALEX_DM), 0, silent)
      .map((effect) => effect.kind === 'out' && effect.item);

  it('is brought where only whoever has the conversation reads, and from there alone', () => {
    expect(brought(bridgeFor(), ALEX_DM)).toEqual([
      expect.objectContaining({
        to: DANA_MAIL,
        requester: 'dana',
        markdown: expect.stringContaining('> my card'),
      }),
    ]);
    expect(brought(bridgeFor(), CHANNEL)).toEqual([]);
    expect(brought(bridgeFor({ place: 'none' }), ALEX_DM)).toEqual([]);
  });

  it('is not, when they wrote it themselves: where nobody else reads it they are told so', () => {
    expect(brought(bridgeFor(), CHANNEL, 'dana')).toEqual([]);
    expect(brought(bridgeFor(), DANA_REPLY, 'dana')).toEqual([
      expect.objectContaining({
        to: DANA_REPLY,
        markdown: expect.stringContaining('Nobody but me has read that'),
      }),
    ]);
  });

  it('says where the others are now, when it comes from another private place than is known', () => {
    const alex = PersonId.parse('alex');

    expect(bridgeFor().moved(ALEX_MAIL, alex, heldIn(ALEX_DM))).toEqual(ALEX_MAIL);
    expect(bridgeFor().moved(ALEX_DM, alex, heldIn(ALEX_DM))).toBeUndefined();
    expect(bridgeFor().moved(CHANNEL, alex, heldIn(ALEX_DM))).toBeUndefined();
    expect(bridgeFor().moved(ALEX_DM, alex, heldIn(CHANNEL))).toBeUndefined();
    expect(bridgeFor().moved(DANA_REPLY, PersonId.parse('dana'), heldIn(ALEX_MAIL))).toBeUndefined();
  });
});
