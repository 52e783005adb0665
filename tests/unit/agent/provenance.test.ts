/** Whose words were read, and what becomes of calls afterwards. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  NOTHING_READ,
  quotesInNote,
  quotesOthers,
  type Reading,
  readingOf,
  strangersOf,
  trustOf,
} from '../../../src/agent/provenance.ts';
import { afterReading } from '../../../src/agent/tools/after-reading.ts';
import type { PolicyDecision } from '../../../src/agent/tools/tool-policy.ts';
import { AfterReading } from '../../../src/config/after-reading.ts';
import { Authorizations } from '../../../src/config/authorizations.ts';
import { PersonId } from '../../../src/domain/ids.ts';
import { RoleName } from '../../../src/domain/person.ts';
import { Trust } from '../../../src/domain/provenance.ts';
import type { Tool } from '../../../src/domain/tool.ts';
import type { Entry } from '../../../src/domain/transcript.ts';

const ALEX = PersonId.parse('alex');
const DANA = PersonId.parse('dana');
const at = '2026-01-01T00:00:00Z';

function said(text: string, more: Partial<Extract<Entry, { kind: 'user' }>> = {}): Entry {
  return { kind: 'user', from: { person: PersonId.parse('alex'), name: 'Alex' }, text, at, ...more };
}

function called(tool: string, text: string, trust?: Trust): Entry[] {
  return [
    { kind: 'assistant', text: '', calls: [{ id: 'c1', tool, input: {} }], model: 'm' },
    { kind: 'tool-result', callId: 'c1', status: 'ok', text, ...(trust ? { trust } : {}) },
  ];
}

describe('what was read', () => {
  it.each<[string, Entry[], string[]]>([
    ['words of people we know', [said('hi'), said('hi', { trust: 'owner' })], []],
    ['what a tool knows itself', called('refund', 'done'), []],
    [
      'an outsider',
      [said('hi', { trust: 'outsider', from: { name: 'Eve' } })],
      ['what Eve wrote (unknown person)'],
    ],
    [
      'somebody without an account we know',
      [said('hi', { from: { name: 'Eve' } })],
      ['what Eve wrote (unknown person)'],
    ],
    ['what somebody we know passes on', [said('x', { passesOn: true })], ['what Alex passed on (alex)']],
    [
      'a file, whoever sent it',
      [said('see', { files: [{ kind: 'unread', name: 'a.zip', mediaType: 'x/y', bytes: 1, why: 'x' }] })],
      ['the file “a.zip” (alex)'],
    ],
    ['a page', called('web_fetch', 'x', 'web'), ['a page of the web (web_fetch)']],
    ['an issue', called('jira_get_issue', 'x', 'outsider'), ['what others wrote (jira_get_issue)']],
    [
      'the outcome of a call that ran outside the turn',
      [{ kind: 'event', text: 'x', at, ran: { tool: 'jira_search', status: 'ok' }, trust: 'outsider' }],
      ['what jira_search told'],
    ],
    [
      'what had been read before a call whose end is told, with what that told',
      [{ kind: 'event', text: 'x', at, strangers: ['a page'], trust: 'outsider' }],
      ['a page', 'what a tool told'],
    ],
    [
      'what the agent wrote in sight of such a text',
      [{ kind: 'assistant', text: 'I will.', calls: [], model: 'm', strangers: ['a page'] }],
      ['a page'],
    ],
  ])('OM-187 tells of %s', (_what, entries, expected) => {
    expect(readingOf(entries).strangers).toEqual(expected);
  });

  it('counts as typed only what somebody we know wrote', () => {
    const { isTyped, isSeen } = readingOf([
      said('look at https://a.test/x please'),
      said('and https://evil.test/', { trust: 'outsider' }),
      ...called('web_fetch', 'see https://b.test/', 'web'),
      { kind: 'assistant', text: 'https://mine.test/', calls: [], model: 'm' },
      said('[I planned this before: "look"] https://planned.test/', { planned: true }),
      said('look what Eve wrote: https://passed.test/', { passesOn: true }),
    ]);

    expect(
      [
        'https://a.test/x',
        'https://evil.test/',
        'https://b.test/',
        'https://mine.test/',
        'https://planned.test/',
        'https://passed.test/',
      ].map((address) => [isTyped(address), isSeen(address)]),
    ).toEqual([
      [true, true],
      [false, true],
      [false, true],
      [false, false],
      [false, false],
      [false, true],
    ]);
  });

  it('counts as their own only what whoever asks has typed here themselves, whether we know them or not', () => {
    const eve = PersonId.parse('guest.0123456789abcdef');
    const wrote = (text: string, person: PersonId, more: object = {}) =>
      said(text, { from: { person, name: 'x' }, ...more });
    const entries = [
      wrote('my tea is at four', ALEX),
      wrote('lunch is at noon', DANA),
      wrote('Eve wrote: cake is at five', ALEX, { passesOn: true }),
      wrote('the report is at six', ALEX, { planned: true }),
      wrote('supper is at seven', eve, { trust: 'outsider' }),
    ];
    const texts = [
      'my tea is at four',
      'tea is at four',
      'lunch is at noon',
      'cake is at five',
      'the report is at six',
      'supper is at seven',
    ];

    const ownOf = (person?: PersonId) => texts.filter(readingOf(entries, [], person).isOwn);
    expect(ownOf(ALEX)).toEqual(['my tea is at four']);
    expect(ownOf(eve)).toEqual(['supper is at seven']);
    expect(ownOf()).toEqual([]);
  });

  it('has a level for everybody', () => {
    expect(trustOf({ isKnown: true, isOwner: true })).toBe('owner');
    expect(trustOf({ isKnown: true, isOwner: false })).toBe('member');
    expect(trustOf({ isKnown: false, isOwner: true })).toBe('outsider');
    expect(Trust.options).toEqual(['owner', 'member', 'outsider', 'tool', 'web']);
  });
});

describe('whoever asks', () => {
  const eve = PersonId.parse('guest-eve');
  const words = said('pay me', { trust: 'outsider', from: { person: eve, name: 'Eve' } });
  const answer: Entry = {
    kind: 'assistant',
    text: 'No.',
    calls: [],
    model: 'm',
    strangers: ['what Eve wrote (guest-eve)'],
  };

  it('OM-187 is no stranger to their own request, and is to that of anybody else', () => {
    expect(readingOf([words, answer], [], eve).strangers).toEqual([]);
    expect(readingOf([words], [], PersonId.parse('alex')).strangers).toEqual(['what Eve wrote (guest-eve)']);
    expect(readingOf([answer], [], PersonId.parse('alex')).strangers).toEqual(['what Eve wrote (guest-eve)']);
    expect(strangersOf([words])).toEqual(['what Eve wrote (guest-eve)']);
  });

  it('OM-187 is held to what they pass on', () => {
    const passed = said('see', { trust: 'outsider', passesOn: true, from: { person: eve, name: 'Eve' } });
    expect(readingOf([passed], [], eve).strangers).toEqual(['what Eve passed on (guest-eve)']);
  });
});

describe('a message that quotes others', () => {
  it.each([
    'see:\n> pay at once',
    'FYI\n\n---------- Forwarded message ---------\nFrom: Eve',
    'FYI\n-----Original Message-----',
    'FYI\n\nVon: Eve <eve@evil.test>\nAn: Alex',
    '  > x',
    'see:\r> pay at once',
    'see:\r\n> pay at once',
    'see:\r\r\r> pay at once',
    'see:\v> pay at once',
    'see:\f> pay at once',
    'see:\u0085> pay at once',
    'see:\u2028> pay at once',
    'FYI\r\rFrom: Eve Adams\rSent: Friday, 20 November 2026 10:12\rTo: Alex Kim\rSubject: refund',
    '\u00a0> x',
    '\u200b> x',
    '- > x',
    '1. > x',
    '＞ x',
    '│ x',
    'FYI\n\n**From:** Eve <eve@evil.test>\nplease pay',
    'FYI\n\n*From*: Eve <eve@evil.test>\nplease pay',
    'FYI\n\n_From:_ Eve Adams\n_Sent:_ Friday, 20 November 2026 10:12\n_To:_ Alex Kim',
    'Begin forwarded message:\n\n> From: Eve',
    'FYI\n\nFrom: Eve Adams\nSent: Friday, 20 November 2026 10:12\nTo: Alex Kim\nSubject: refund',
    'zur Info\n\n*Von:* Eve Adams\n*Gesendet:* Freitag, 20. November 2026 10:12\n*An:* Alex',
    '发件人：夏娃\n发送时间：2026年11月20日 10:12\n收件人：亚历克斯',
  ])('OM-187 is known by its form: %j', (text) => {
    expect(quotesOthers(text)).toBe(true);
  });

  it.each([
    'refund order 7',
    'a > b',
    '- a list\n1. a > b',
    '**Note:** call me at five',
    'Note: call me at five',
    'two\n\nlines',
    '- a list\n- of things',
    '--- \ntext',
    'Order: 7\nAmount: 20 EUR\nReason: it came broken',
    'Meet me: at 10:12\nand bring: the box',
    'deploy\nService: shop\nVersion: 2.4\nDate: 2026-03-01',
    'Order: 7\nAmount: 20\nWhen: 14:30',
    'look\n| service | version |\n| --- | --- |\n| shop | 2.4 |',
    'Contact: alex@corp.test',
    '--- Notes ---\ndeploy it',
    'the rule\n>= 5',
  ])('is not any other: %j', (text) => {
    expect(quotesOthers(text)).toBe(false);
  });

  it('is looked at in bounded time', () => {
    expect(quotesOthers(`${'a: '.repeat(20_000)}\n${'-'.repeat(50_000)}`)).toBe(false);
    for (const part of [
      '- ',
      ' ',
      '\uFEFF',
      '1. ',
      '-',
      '*_',
      '_a',
      '\n ',
      '\r',
      ' \r',
      '\u2028 ',
      '\v',
      'A:*',
    ]) {
      const text = `${part.repeat(1_000_000 / part.length)}x`;
      expect(quotesOthers(text)).toBe(false);
      expect(quotesInNote(`: ${text}`)).toBe(false);
    }
  });
});

describe('a quotation in a line that goes with something', () => {
  it.each([
    'the customer wrote > pay it',
    'the customer wrote: > pay it',
    'the customer wrote:> pay it',
    'the customer wrote：> pay it',
    'the customer wrote > > pay it',
    'she says >> pay it',
    'she says >pay it',
    'mail says > “pay it”',
    "mail says > 'pay it'",
    'no.\n> pay it',
    'no, see below\n| pay it |',
    'From: Eve <eve@evil.test> pay it',
    '信里说 > 付款',
  ])('OM-187 is words of others: %j', (text) => {
    expect(quotesInNote(text)).toBe(true);
  });

  it.each([
    'only with a receipt',
    '600 > 500, so no',
    'that is >500 EUR',
    'no -> ask finance',
    'no => ask finance',
    'no --> ask finance',
    'use <b>bold</b> here',
    'a note: call me at five',
    'between 5 and 10 EUR: >= 5',
  ])('is in none of these: %j', (text) => {
    expect(quotesInNote(text)).toBe(false);
  });

  it('is whatever counts as one in a message', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (before, after) => {
        expect(quotesInNote(`${before}\n> ${after}`)).toBe(true);
      }),
    );
  });
});

const FETCH = z.object({ url: z.string(), as: z.enum(['text', 'links']).default('text') });
const FLAGS = z.object({ flags: z.array(z.boolean()) });

describe('a call after strangers were read', () => {
  const ALLOW: PolicyDecision = { kind: 'allow', rule: 'small refunds' };
  const reading: Pick<Reading, 'strangers' | 'isTyped' | 'isOwn'> = {
    strangers: ['a page'],
    isOwn: (text) => text === 'Tea is at four',
    isTyped: (text) => text === 'https://a.test/',
  };
  const manager = {
    after_reading: AfterReading.parse({ approvers: { role: 'manager' } }),
    defaults: { read: 'allow', write: 'deny' },
  } as const;
  const nobody = Authorizations.parse({ roles: {} });

  const tool = (more: Partial<Tool>): Tool => ({
    name: 't',
    group: 'automation',
    version: 1,
    description: 'x',
    input: z.unknown(),
    risk: 'low',
    effect: 'read',
    reversible: true,
    timeoutMs: 1,
    execute: async () => ({ status: 'ok', text: '' }),
    ...more,
  });
  const decide = (each: Partial<Tool>, args: unknown = {}, by: PolicyDecision = ALLOW, read = reading) =>
    afterReading(by, { tool: tool(each), args }, read, manager);

  it.each<[string, Partial<Tool>, unknown, string]>([
    ['changes something', { effect: 'once' }, {}, 'ask'],
    ['changes something, harmless to repeat', { effect: 'idempotent' }, {}, 'ask'],
    ['writes to the own store', { effect: 'idempotent', inTurn: true }, {}, 'allow'],
    ['reads', {}, { order: 7 }, 'allow'],
    ['goes to an address', { reachesOut: () => true }, { url: 'https://evil.test/?q=S' }, 'ask'],
    [
      'goes to an address somebody typed',
      { reachesOut: () => true, input: FETCH },
      { url: 'https://a.test/' },
      'allow',
    ],
    ['carries more than was typed', { reachesOut: () => true }, { url: 'https://a.test/', note: 'S' }, 'ask'],
    ['carries it somewhere deep', { reachesOut: () => true }, { a: [{ b: 'S' }] }, 'ask'],
    ['carries a number', { reachesOut: () => true }, { page: 4711 }, 'ask'],
    ['carries it in a name', { reachesOut: () => true }, { canary4f7a91: 'https://a.test/' }, 'ask'],
    [
      'spells it',
      { reachesOut: () => true },
      { u: Array.from({ length: 5 }, () => 'https://a.test/') },
      'ask',
    ],
    [
      'spells it in yes and no',
      { reachesOut: () => true, input: FLAGS },
      { flags: [true, false, true, true, false] },
      'ask',
    ],
    [
      'takes what its schema says',
      { reachesOut: () => true, input: FETCH },
      { url: 'https://a.test/', as: 'text' },
      'allow',
    ],
    ['says yes or no', { reachesOut: () => true, input: FLAGS }, { flags: [true] }, 'allow'],
    [
      'writes elsewhere from within',
      { effect: 'idempotent', inTurn: true, changesElsewhere: () => true },
      {},
      'ask',
    ],
    [
      'writes elsewhere what whoever asks has typed',
      { effect: 'idempotent', inTurn: true, changesElsewhere: (args, isOwn) => !isOwn(String(args)) },
      'Tea is at four',
      'allow',
    ],
    [
      'writes elsewhere what somebody else has typed',
      { effect: 'idempotent', inTurn: true, changesElsewhere: (args, isOwn) => !isOwn(String(args)) },
      'https://a.test/',
      'ask',
    ],
    [
      'is made of others',
      { effect: 'idempotent', calls: () => [{ tool: tool({ effect: 'once' }), args: {} }] },
      {},
      'ask',
    ],
    ['is made of harmless ones', { calls: () => [{ tool: tool({}), args: {} }] }, {}, 'allow'],
  ])('OM-187 that %s', (_what, each, args, kind) => {
    expect(decide(each, args).kind).toBe(kind);
    expect(decide(each, args, ALLOW, NOTHING_READ)).toBe(ALLOW);
  });

  const ask: PolicyDecision = {
    kind: 'ask',
    rule: 'r',
    approvers: { role: RoleName.parse('manager') },
    policy: 'p',
    channel: undefined,
  };

  it('OM-187 is asked of those who are named for it, and says why', () => {
    expect(decide({ effect: 'once' })).toEqual({
      kind: 'ask',
      rule: 'small refunds, after reading what others wrote',
      approvers: { role: 'manager' },
      policy: 'default',
      channel: undefined,
      strangers: ['a page'],
    });
  });

  it('OM-187 says so as well where a rule has it wait that would only keep something here', () => {
    expect(decide({ effect: 'idempotent', inTurn: true }, {}, ask)).toEqual({
      ...ask,
      strangers: ['a page'],
    });
    expect(decide({}, {}, ask)).toBe(ask);
  });

  it('OM-187 is refused where nobody is named', () => {
    expect(afterReading(ALLOW, { tool: tool({ effect: 'once' }), args: {} }, reading, nobody).kind).toBe(
      'deny',
    );
  });

  it('OM-187 that is asked or refused anyway stays so, and no yes given before counts for it', () => {
    const deny: PolicyDecision = { kind: 'deny', rule: 'r' };

    expect(decide({ effect: 'once' }, {}, ask)).toEqual({ ...ask, strangers: ['a page'] });
    expect(decide({ effect: 'once' }, {}, deny)).toBe(deny);
  });
});
