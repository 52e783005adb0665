import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readHead, splitSkill } from '../../../src/skills/front-matter.ts';
import {
  callsFor,
  MAX_BODY_CHARS,
  misreadOf,
  Proposal,
  toSkillText,
  versionAfter,
  whyNotOver,
} from '../../../src/skills/proposal.ts';
import { aSkill } from '../../support/skills.ts';

const WISH = {
  name: 'late-parcels',
  description: 'What to do about parcels that are late.',
  keywords: ['late parcel', 'where is my order'],
  body: '# Late parcels\n\nAsk for the order number.',
  pattern: 'People ask for parcels, and the number is looked for in three places.',
  measure: 'calls_per_turn',
};
const aProposal = (change: object = {}) => Proposal.parse({ ...WISH, ...change });
const headOf = (head: string) => aSkill('late-parcels', head).reading.head;

describe('a proposal', () => {
  it.each([
    ['a name that is a path', { name: '../late' }],
    ['no keyword', { keywords: [] }],
    ['a keyword without a word', { keywords: ['--'] }],
    ['a body that is too long', { body: 'x'.repeat(MAX_BODY_CHARS + 1) }],
    ['an empty body', { body: ' \n ' }],
    ['a character nobody sees', { body: 'Ask\u200B nobody.' }],
    ['a direction mark', { description: 'Does \u202Eit.' }],
    ['a description of two lines', { description: 'Does it.\nname: other' }],
    ['a measure nobody knows', { measure: 'joy_per_turn' }],
    ['a list of no tools', { allowed_tools: [] }],
    ['something else beside', { scripts: ['x.sh'] }],
  ])('with %s is none', (_what, change) => {
    expect(Proposal.safeParse({ ...WISH, ...change }).success).toBe(false);
  });

  it('becomes a file that is read as what was proposed, whatever is written in it', () => {
    const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(text, text, text, fc.boolean(), (description, keyword, body, narrow) => {
        const wish = { ...WISH, description, keywords: [keyword], body };
        const parsed = Proposal.safeParse({ ...wish, ...(narrow ? { allowed_tools: ['recall'] } : {}) });
        fc.pre(parsed.success);
        const proposal = parsed.data!;

        const file = toSkillText(proposal, '1.2.0');

        const split = splitSkill(file)!;
        expect(misreadOf(proposal, file)).toBeUndefined();
        expect(split.body).toBe(proposal.body);
        expect(readHead(split.yaml, proposal.name)).toMatchObject({
          head: {
            id: 'late-parcels',
            version: '1.2.0',
            description: proposal.description,
            keywords: proposal.keywords,
            allowedTools: narrow ? ['recall'] : undefined,
          },
        });
      }),
    );
  });

  it('begins at the first version, and is a further one of what it replaces', () => {
    expect([versionAfter(undefined), versionAfter('1.4.2')]).toEqual(['1.0.0', '1.5.0']);
  });
});

describe('in the place of a skill', () => {
  it.each([
    ['requires a program', 'requires: { binaries: [ffmpeg] }'],
    ['requires a version of Signalbox', "requires: { signalbox: '>=0.1.0' }"],
    ['is kept from a platform', 'security: { denied_channels: [email] }'],
  ])('that %s, a proposal would lose that', (_what, head) => {
    expect(whyNotOver(aProposal(), headOf(`description: x\n${head}`))).toMatch(/a person has to change it/);
  });

  it('a proposal has no tool that was not there', () => {
    const head = headOf('description: x\nallowed-tools: recall refund');

    expect(whyNotOver(aProposal({ allowed_tools: ['recall'] }), head)).toBeUndefined();
    expect(whyNotOver(aProposal({ allowed_tools: ['recall', 'deploy'] }), head)).toMatch(/have more: deploy/);
    expect(whyNotOver(aProposal(), head)).toMatch(/have more: all/);
    expect(whyNotOver(aProposal(), headOf('description: x'))).toBeUndefined();
  });
});

describe('what calls for a skill', () => {
  it.each(['keyword', 'scored'] as const)('is what the matcher %s finds', (matcher) => {
    const calls = callsFor(aProposal(), matcher);

    expect(calls('what about a late parcel?')).toBe(true);
    expect(calls('good morning')).toBe(false);
  });
});
