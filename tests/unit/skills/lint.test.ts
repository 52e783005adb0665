import { describe, expect, it } from 'vitest';
import type { SkillSettings } from '../../../src/config/skills.ts';
import { lintSkill } from '../../../src/skills/lint.ts';
import { toShelf } from '../../../src/skills/shelf.ts';
import { aFile, aHost, skillSettings } from '../../support/skills.ts';

const GOOD = 'description: Does it.\nkeywords: [hello]';

const lint = (head: string, body = 'Do it.', written: Partial<SkillSettings> = {}) => {
  const settings = skillSettings(written);
  const [standing] = toShelf([aFile('greeting', head)], aHost(), settings).standings;
  return lintSkill(standing!, `---\nname: greeting\n${head}\n---\n${body}`, settings).map(
    ({ level, text }) => `${level} ${text}`,
  );
};

describe('the lint of a skill', () => {
  it('finds nothing in a good one', () => {
    expect(lint(GOOD)).toEqual([]);
  });

  it.each([
    ['no description', 'keywords: [hello]', 'x', 'error INVALID: It cannot be used: it has no description.'],
    ['a missing skill', `${GOOD}\nrequires: { skills: [other] }`, 'x', 'error MISSING_SKILL'],
    ['another system', `${GOOD}\nrequires: { os: [darwin] }`, 'x', 'warning OS_INCOMPATIBLE'],
    ['a key nobody knows', `${GOOD}\ncolor: blue`, 'x', 'warning `color` means nothing here.'],
    ['no body', GOOD, '', 'warning It has no instructions behind its head.'],
    ['a long body', GOOD, 'x\n'.repeat(600), 'warning It has 600 lines'],
    ['no keywords', 'description: x', 'x', 'warning It has no keywords'],
    ['a short keyword', 'description: x\nkeywords: [hi]', 'x', 'warning Its keyword "hi" is so short'],
    [
      'a keyword without a word',
      'description: x\nkeywords: ["!?"]',
      'x',
      'warning Its keyword "!?" has no word in it.',
    ],
    [
      'an unknown system',
      `${GOOD}\nrequires: { os: [linux, temple] }`,
      'x',
      'warning It names the operating system temple',
    ],
    [
      'a tool of somebody else',
      `${GOOD}\nallowed-tools: Bash(git:*) recall`,
      'x',
      'warning It allows Bash(git:*)',
    ],
    ['no tool at all', `${GOOD}\nallowed-tools: []`, 'x', 'warning It allows no tool at all.'],
    ['what nobody sees', GOOD, 'Do it.\u202e', 'warning It has characters that a reader does not see'],
    ['tags', GOOD, 'Do it.\u{e0041}', 'warning It has characters that a reader does not see'],
  ])('says what is wrong: %s', (_, head, body, finding) => {
    const found = lint(head, body);

    expect(found).toHaveLength(1);
    expect(found[0]).toContain(finding);
  });

  it('OB-076 says that one is too long ever to be shown', () => {
    expect(lint(GOOD, 'x'.repeat(1_001), { max_chars: 1_000 })).toEqual([
      'warning It has 1001 characters, so it is never shown: skills.max_chars is 1000.',
    ]);
  });

  it('takes no offence at joined emoji, and at other scripts', () => {
    expect(lint(GOOD, 'Say 👩‍💻, می‌خواهم.')).toEqual([]);
  });

  it('says whose place one cannot take', () => {
    const settings = skillSettings();
    const files = [aFile('greeting', GOOD), aFile('greeting', GOOD, { source: 'bundled' })];
    const { standings } = toShelf(files, aHost(), settings);

    expect(lintSkill(standings[1]!, '---\n---\nx', settings)[0]?.text).toBe(
      'It is not used: that of /workspace/greeting/SKILL.md counts more.',
    );
  });
});
