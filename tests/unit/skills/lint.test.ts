import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { SkillSettings } from '../../../src/config/skills.ts';
import { lintSkill } from '../../../src/skills/lint.ts';
import { toShelf } from '../../../src/skills/shelf.ts';
import type { SkillProgram } from '../../../src/skills/skill-scripts.ts';
import { aFile, aHost, skillSettings } from '../../support/skills.ts';

const GOOD = 'description: Does it.\nkeywords: [hello]';

const RUNNING = { scripts: { enabled: true } };
const TOOLS = ['recall', 'jira_search'];
const PROGRAM: SkillProgram = {
  skill: 'greeting',
  label: 'greeting 1.0.0',
  content: { files: [], sha256: '0'.repeat(64) },
  scripts: new Map([['scripts/add.py', ['python3']]]),
};

const lint = (
  head: string,
  body = 'Do it.',
  written: z.input<typeof SkillSettings> = {},
  program?: SkillProgram | string,
) => {
  const settings = SkillSettings.parse(written);
  const [standing] = toShelf([aFile('greeting', head)], aHost(), settings).standings;
  const content = `---\nname: greeting\n${head}\n---\n${body}`;
  return lintSkill(standing!, { content, program }, { settings, tools: TOOLS }).map(
    ({ level, text }) => `${level} ${text}`,
  );
};

describe('the lint of a skill', () => {
  it('finds nothing in a good one', () => {
    expect(lint(GOOD)).toEqual([]);
  });

  it('calls a keyword of two letters short, unless its letters are words', () => {
    expect(lint('description: x\nkeywords: [休日, 返金]')).toEqual([]);
    expect(lint('description: x\nkeywords: [日]')).toHaveLength(1);
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

  it.each([
    [
      'recal jira_search',
      ['warning It allows recal, and no tool here is called so (perhaps recall is meant).'],
    ],
    [
      'Recall jira_search',
      ['warning It allows Recall, and no tool here is called so (perhaps recall is meant).'],
    ],
    ['read_minds recall', ['warning It allows read_minds, and no tool here is called so.']],
    [
      'jira_serach recal',
      [
        'warning It allows jira_serach, and no tool here is called so (perhaps jira_search is meant).',
        'warning It allows recal, and no tool here is called so (perhaps recall is meant).',
        'warning So while it is shown the agent has no tool but to ask a human.',
      ],
    ],
    ['mcp__notes__search recall', []],
    ['mcp__notes__Get-It', []],
    ['run_skill_script recall', []],
  ])('OM-076 says which tools it allows are none here: %s', (allowed, found) => {
    expect(lint(`${GOOD}\nallowed-tools: ${allowed}`)).toEqual(found);
  });

  it.each([
    ['allowed-tools: recall', false],
    ['allowed-tools: []', false],
    ['tools: [recall]', false],
    ['allowed-tools: recall run_skill_script', true],
    ['version: 1.0.0', true],
  ])('OM-076 says that scripts can never be run where their tool is not allowed: %s', (allowed, isSilent) => {
    const found = lint(`${GOOD}\n${allowed}`, 'Do it.', {}, PROGRAM).filter((text) =>
      text.includes('scripts'),
    );

    expect(found).toEqual(
      isSilent
        ? []
        : [
            'warning It brings scripts along and does not allow run_skill_script, so none of them can be run: scripts/add.py.',
          ],
    );
  });

  it('says why no script of it is run, where scripts are', () => {
    const why = 'no script of the skill greeting is run: its folder has a link';
    const pin = `no script is run. Read it, then: signalbox config set x ${'0'.repeat(64)}`;

    expect(lint(GOOD, 'Do it.', {}, why)).toEqual([]);
    expect(lint(GOOD, 'Do it.', RUNNING, why)).toEqual([`warning N${why.slice(1)}.`]);
    expect(lint(GOOD, 'Do it.', RUNNING, pin)).toEqual([`warning N${pin.slice(1)}`]);
  });

  it('takes no offence at joined emoji, and at other scripts', () => {
    expect(lint(GOOD, 'Say 👩‍💻, می‌خواهم.')).toEqual([]);
  });

  it('says whose place one cannot take', () => {
    const settings = skillSettings();
    const files = [aFile('greeting', GOOD), aFile('greeting', GOOD, { source: 'bundled' })];
    const { standings } = toShelf(files, aHost(), settings);

    const written = { content: '---\n---\nx', program: undefined };

    expect(lintSkill(standings[1]!, written, { settings, tools: TOOLS })[0]?.text).toBe(
      'It is not used: that of /workspace/greeting/SKILL.md counts more.',
    );
  });
});
