import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { holdsHead, readHead, splitSkill, toSkillId } from '../../../src/skills/front-matter.ts';
import { runs } from '../../support/property-runs.ts';

const read = (yaml: string, folder = 'greeting') => {
  const reading = readHead(yaml, folder);
  if (reading.kind === 'broken') throw new Error(reading.why);
  return reading;
};
const head = (yaml: string) => read(yaml).head;
const broken = (yaml: string) => {
  const reading = readHead(yaml, 'greeting');
  return reading.kind === 'broken' ? reading.why : undefined;
};
const NAMED = 'name: greeting\ndescription: Says hello.\n';

describe('a SKILL.md', () => {
  it('is a head between two rules, and everything behind it', () => {
    expect(splitSkill('---\nname: x\n---\n\n# Body\n\n---\nmore\n')).toEqual({
      yaml: 'name: x\n',
      body: '# Body\n\n---\nmore',
    });
  });

  it.each([
    ['a mark of its encoding', '\uFEFF---\nname: x\n---\nBody'],
    ['line ends of Windows', '---\r\nname: x\r\n---\r\nBody'],
    ['spaces behind the rules', '---  \nname: x\n---\t\nBody'],
  ])('may have %s', (_, text) => {
    expect(splitSkill(text)).toMatchObject({ body: 'Body' });
  });

  it.each([
    ['no head at all'],
    [''],
    ['---\nname: x\n'],
    ['\n---\nname: x\n---\n'],
    ['----\nname: x\n----\n'],
  ])('without a head is none: %j', (text) => {
    expect(splitSkill(text)).toBeUndefined();
  });

  it('has its whole head in a piece of it only if the second rule is', () => {
    const text = `---\n${NAMED}---\nBody`;

    expect(holdsHead(text)).toBe(true);
    for (let end = 0; end < text.indexOf('Body') - 1; end++)
      expect(holdsHead(text.slice(0, end))).toBe(false);
  });

  it('gives back whatever stands behind the head', () => {
    fc.assert(
      fc.property(fc.string(), (body) => {
        expect(splitSkill(`---\nname: x\n---\n${body}`)?.body).toBe(body.trim());
      }),
      { numRuns: runs(300) },
    );
  });
});

describe('the head of a skill', () => {
  it('OB-060 has requirements, written as everybody writes them', () => {
    const { requires } = head(`${NAMED}requires:
  os: [darwin, linux]
  binaries:
    - ffmpeg
    - whisper
  providers:
    - transcription
`);

    expect(requires).toMatchObject({
      os: ['darwin', 'linux'],
      binaries: ['ffmpeg', 'whisper'],
      providers: ['transcription'],
    });
  });

  it('OB-060 may call them eligibility, and mean the same', () => {
    const { requires } = head(
      `${NAMED}eligibility: { os: [linux], binaries: [ffmpeg], config_flags: [beta], required_providers: [tts] }`,
    );

    expect(requires).toMatchObject({
      os: ['linux'],
      binaries: ['ffmpeg'],
      config: ['beta'],
      providers: ['tts'],
    });
  });

  it.each([
    ['a requirement nobody knows', 'requires: { binary: [ffmpeg] }', /requires has no binary/],
    ['an alias nobody knows', 'eligibility: { flags: [x] }', /eligibility has no flags/],
    ['a range that is none', 'requires: { skills: [jira-hygiene@newest] }', /a name and a range/],
    ['a path for a name', 'requires: { skills: [../secrets] }', /a name and a range/],
    ['a version of Signalbox that is none', 'requires: { signalbox: soon }', /no range of versions/],
    ['a limit that only a rule can keep', 'security: { admin_only: true }', /authorizations\.yaml/],
    ['the same in other letters', 'security: { admin_only: True }', /authorizations\.yaml/],
    ['the same in another word', 'security: { approval_required: always }', /authorizations\.yaml/],
    [
      'an approval that only a rule can ask for',
      'security: { approval_required: true }',
      /authorizations\.yaml/,
    ],
  ])('OB-060 refuses %s', (_, yaml, why) => {
    expect(broken(`${NAMED}${yaml}\n`)).toMatch(why);
  });

  it.each([
    ['no description', 'name: greeting\n', /no description/],
    ['an empty description', 'name: greeting\ndescription:\n', /no description/],
    ['a name that leads out of its folder', 'name: ../../etc\ndescription: x\n', /lower-case letters/],
    ['no YAML', 'name: [greeting\ndescription: x\n', /no YAML/],
    ['a list in the place of keys', '- name\n', /its head/],
  ])('refuses %s, and says why', (_, yaml, why) => {
    expect(broken(yaml)).toMatch(why);
  });

  it.each([
    [
      'a long description',
      `name: greeting\ndescription: ${'x'.repeat(2_000)}\n`,
      /more than 1024 characters/,
    ],
    ['a long name', `name: ${'x'.repeat(80)}\ndescription: x\n`, /more than 64 characters/],
    ['a name that is not the folder’s', 'name: welcome\ndescription: x\n', /folder is called greeting/],
    ['capitals and spaces in the name', 'name: Greeting\ndescription: x\n', /read as greeting/],
    ['no name', 'description: x\n', /goes by its folder/],
    ['a key nobody knows', `${NAMED}color: blue\n`, /`color` means nothing here/],
    [
      'a colon in a value',
      'name: greeting\ndescription: Use when: somebody says hello\n',
      /put values that have a colon/,
    ],
    ['a version that is none', `${NAMED}version: newest\n`, /is no version/],
    [
      'a channel to be kept from that there is not',
      `${NAMED}security: { denied_channels: [slak, email] }\n`,
      /denied_channels names slak, and there are only slack,/,
    ],
  ])('loads with a remark in spite of %s', (_, yaml, remark) => {
    expect(read(yaml).remarks.join('\n')).toMatch(remark);
  });

  it('is kept to channels and from them however their names are written', () => {
    const { allowedChannels, deniedChannels } = head(
      `${NAMED}security: { allowed_channels: [Slack, EMAIL], denied_channels: [Jira] }\n`,
    );
    expect([allowedChannels, deniedChannels]).toEqual([['slack', 'email'], ['jira']]);
  });

  it('keeps what a colon was in', () => {
    expect(head('name: greeting\ndescription: Use when: somebody says "hello"\n').description).toBe(
      'Use when: somebody says "hello"',
    );
  });

  it.each([
    ['', '1.0.0'],
    ['version: 1.10', '1.10.0'],
    ['version: 2.0.1-beta.1', '2.0.1-beta.1'],
    ['metadata: { version: "3.1" }', '3.1.0'],
  ])('has a version: %j is %s', (yaml, version) => {
    expect(head(`${NAMED}${yaml}\n`).version).toBe(version);
  });

  it.each([
    ['keywords: [hello, good morning]'],
    ['keywords: hello, good morning'],
    ['triggers: [hello, good morning]'],
    ['triggers: { keywords: [hello], patterns: [good morning] }'],
    ['metadata: { keywords: "hello, good morning" }'],
  ])('has keywords, wherever others write them: %s', (yaml) => {
    expect(head(`${NAMED}${yaml}\n`).keywords).toEqual(['hello', 'good morning']);
  });

  it.each([
    ['allowed-tools: jira_search recall', ['jira_search', 'recall']],
    ['allowed-tools: jira_search, recall', ['jira_search', 'recall']],
    ['allowed-tools: [jira_search, recall]', ['jira_search', 'recall']],
    ['allowed-tools: Bash(git:*) Read', ['Bash(git:*)', 'Read']],
    ['allowed-tools:', []],
    ['', undefined],
  ])('names its tools: %s', (yaml, tools) => {
    expect(head(`${NAMED}${yaml}\n`).allowedTools).toEqual(tools);
  });

  it('reads every value as text, so that no word turns into something else', () => {
    expect(head('name: on\ndescription: 404\nkeywords: [yes, 0x10, 1e3]\n')).toMatchObject({
      id: 'on',
      description: '404',
      keywords: ['yes', '0x10', '1e3'],
    });
  });

  it('never throws, whatever stands in it', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string(), (yaml, folder) => {
        const reading = readHead(yaml, folder);
        if (reading.kind === 'read') expect(reading.head.id).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/);
      }),
      { numRuns: runs(500) },
    );
  });
});

describe('the name of a skill', () => {
  it('is never a way to another place', () => {
    fc.assert(
      fc.property(fc.string(), (name) => {
        const id = toSkillId(name);
        if (id !== undefined) expect(id).not.toMatch(/[./\\\0\s]/);
      }),
      { numRuns: runs(500) },
    );
    expect(toSkillId('Refund Policy')).toBe('refund-policy');
    expect(toSkillId('..')).toBeUndefined();
  });
});
