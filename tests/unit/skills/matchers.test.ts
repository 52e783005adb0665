import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MatcherName } from '../../../src/config/skills.ts';
import { createMatcher } from '../../../src/skills/matchers.ts';
import type { Skill } from '../../../src/skills/skill.ts';
import { wordsOf } from '../../../src/skills/words.ts';
import { runs } from '../../support/property-runs.ts';
import { aSkill } from '../../support/skills.ts';

const called = (id: string, ...keywords: string[]) =>
  aSkill(id, `description: Something else entirely.\nkeywords: ${JSON.stringify(keywords)}`);
const REFUND = called('refund-policy', 'refund', 'money back');
const GREETING = called('greeting', 'hi');
const INCIDENT = aSkill(
  'incident-triage',
  'description: Helps when checkout answers slowly or customers report outages.\nkeywords: [incident]',
);

const found = (name: MatcherName, text: string, skills: readonly Skill[] = [REFUND, GREETING, INCIDENT]) =>
  createMatcher(name, skills)(text).map(({ skill }) => skill.id);

describe('the matcher keyword', () => {
  it.each([
    ['Refund, please', ['refund-policy']],
    ['I want my MONEY  back!', ['refund-policy']],
    ['this is nothing', []],
    ['hi', ['greeting']],
    ['refunding', []],
    ['money, and then back', []],
    ['back money', []],
    ['use the refund policy', ['refund-policy']],
    ['see refund-policy', ['refund-policy']],
    ['ＲＥＦＵＮＤ', ['refund-policy']],
    ['', []],
  ])('OB-071 finds whole words and phrases, in any case: %j', (text, ids) => {
    expect(found('keyword', text)).toEqual(ids);
  });

  it('OB-071 finds words of scripts that put no spaces between them', () => {
    const skills = [called('henkin', '返金'), called('khuen-ngoen', 'คืนเงิน')];

    expect(found('keyword', '注文の返金をお願いします', skills)).toEqual(['henkin']);
    expect(found('keyword', 'ขอคืนเงินหน่อย', skills)).toEqual(['khuen-ngoen']);
  });

  it('ranks by how much of the text calls for a skill, then by name', () => {
    const skills = [
      called('c', 'order'),
      called('b', 'order'),
      called('a', 'order refund', 'please'),
      called('d', 'please'),
    ];

    expect(found('keyword', 'order refund please', skills)).toEqual(['a', 'b', 'c', 'd']);
    expect(found('keyword', 'order order order', skills.toReversed())).toEqual(['b', 'c']);
  });

  it('OM-041 says what led to each', () => {
    const [match] = createMatcher('keyword', [REFUND])('a refund: money back');

    expect(match).toMatchObject({ score: 3, reasons: ['keyword "refund"', 'keyword "money back"'] });
  });

  it('finds a skill exactly if a keyword of it stands in the text, word for word', () => {
    const word = fc.constantFrom('order', 'refund', 'back', 'hi', 'this', 'money');
    const phrase = fc.array(word, { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(fc.array(word, { maxLength: 12 }), phrase, (text, keyword) => {
        const isIn = ` ${text.join(' ')} `.includes(` ${keyword.join(' ')} `);
        expect(found('keyword', text.join(' '), [called('x', keyword.join('-'))]).length > 0).toBe(isIn);
      }),
      { numRuns: runs(500) },
    );
  });
});

describe('the matcher scored', () => {
  it.each([
    ['please refund order 7', ['refund-policy']],
    ['I was refunded twice', ['refund-policy']],
    ['a refnd, please', ['refund-policy']],
    ['customers say that the checkout is slow', ['incident-triage']],
    ['hello, how are you?', []],
    ['what is this?', []],
    ['customers', []],
    ['I come back later', []],
    ['money back', ['refund-policy']],
    ['', []],
  ])('finds by endings, typing errors and descriptions, and not by one chance word: %j', (text, ids) => {
    expect(found('scored', text)).toEqual(ids);
  });

  it('ranks a keyword above words of a description', () => {
    const skills = [
      aSkill('a', 'description: Talks about a refund of an order.'),
      aSkill('b', 'description: x\nkeywords: [refund, order]'),
    ];

    expect(found('scored', 'refund of an order', skills)[0]).toBe('b');
  });

  it('OM-041 says what led to each', () => {
    const [match] = createMatcher('scored', [REFUND, INCIDENT])('refund');

    expect(match?.score).toBeGreaterThan(0);
    expect(match?.reasons.join()).toContain('"refund" in its keywords');
  });
});

describe.each(MatcherName.options)('the matcher %s', (name) => {
  const skills = [REFUND, GREETING, INCIDENT];

  it('gives the same for the same, in whatever order the skills are', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        const once = createMatcher(name, skills)(`${text} refund hi`);
        const again = createMatcher(name, skills.toReversed())(`${text} refund hi`);

        expect(again.map(({ skill }) => skill.id)).toEqual(once.map(({ skill }) => skill.id));
      }),
      { numRuns: runs(100) },
    );
  });

  it('has nothing to find where there is no skill', () => {
    expect(found(name, 'refund', [])).toEqual([]);
  });

  it('finds no skill by a long text that says nothing about it', () => {
    expect(found(name, 'lorem ipsum '.repeat(5_000))).toEqual([]);
  });
});

describe('words', () => {
  it('are what is between everything else, as a reader takes them', () => {
    expect(wordsOf('Don’t “refund” ORDER-7: ﬁne, é')).toEqual([
      'don',
      't',
      'refund',
      'order',
      '7',
      'fine',
      'é',
    ]);
  });
});
