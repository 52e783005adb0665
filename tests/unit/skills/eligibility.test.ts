import { describe, expect, it } from 'vitest';
import type { SkillSettings } from '../../../src/config/skills.ts';
import { type Host, lacksOf, toOsName } from '../../../src/skills/eligibility.ts';
import { aHost, aSkill, skillSettings } from '../../support/skills.ts';

const lacks = (requires: string, host: Host = aHost(), settings: SkillSettings = skillSettings()) =>
  lacksOf(aSkill('greeting', `description: x\nrequires: ${requires}`), host, settings);

describe('what a skill requires', () => {
  it('OB-061 is an operating system it works on', () => {
    expect(lacks('{ os: [darwin] }')).toMatchObject([{ code: 'OS_INCOMPATIBLE', missing: 'darwin' }]);
    expect(lacks('{ os: [darwin, linux] }')).toEqual([]);
    expect(lacks('{}')).toEqual([]);
  });

  it.each([
    ['macos', 'darwin'],
    ['macOS', 'darwin'],
    ['mac', 'darwin'],
    ['osx', 'darwin'],
    ['darwin', 'darwin'],
    ['windows', 'win32'],
    ['Win32', 'win32'],
    ['Linux', 'linux'],
    ['freebsd', 'freebsd'],
  ])('OB-061 may be called %s, which is %s', (written, os) => {
    expect(toOsName(written)).toBe(os);
    expect(lacks(`{ os: [${written}] }`, aHost({ os }))).toEqual([]);
    expect(lacks(`{ os: [${written}] }`, aHost({ os: 'aix' }))).toHaveLength(1);
  });

  it('OB-062 are programs on the PATH, each of them', () => {
    const host = aHost({ binaries: ['whisper'] });

    expect(lacks('{ binaries: [ffmpeg, whisper, sox] }', host)).toMatchObject([
      { code: 'MISSING_BINARY', missing: 'ffmpeg', message: expect.stringContaining('ffmpeg') },
      { code: 'MISSING_BINARY', missing: 'sox' },
    ]);
    expect(lacks('{ binaries: [whisper] }', host)).toEqual([]);
  });

  it('OB-063 is that nobody switched it off, which names the key', () => {
    const off = skillSettings({ entries: { greeting: { enabled: false } } });
    const other = skillSettings({ entries: { farewell: { enabled: false } } });

    expect(lacks('{}', aHost(), off)).toMatchObject([
      { code: 'CONFIG_DISABLED', missing: 'skills.entries.greeting.enabled' },
    ]);
    expect(lacks('{}', aHost(), other)).toEqual([]);
  });

  it('OB-063 are switches of the configuration, which it names', () => {
    expect(lacks('{ config: [beta, fast] }', aHost(), skillSettings({ flags: ['fast'] }))).toMatchObject([
      { code: 'CONFIG_DISABLED', missing: 'beta', message: expect.stringContaining('skills.flags') },
    ]);
  });

  it('OB-064 are providers that are there', () => {
    expect(lacks('{ providers: [transcription, jira] }')).toMatchObject([
      {
        code: 'MISSING_PROVIDER',
        missing: 'transcription',
        message: expect.stringContaining('jira, shop, slack'),
      },
    ]);
    expect(
      lacks('{ providers: ["platform:slack"] }', aHost({ providers: new Set(['platform:slack']) })),
    ).toEqual([]);
  });

  it.each([
    ['">=0.1.0"', true],
    ['^0.1.0', true],
    ['">=0.2.0"', false],
    ['^1.0.0', false],
  ])('OM-043 is a version of Signalbox: %s', (range, isMet) => {
    expect(lacks(`{ signalbox: ${range} }`)).toMatchObject(
      isMet ? [] : [{ code: 'HOST_INCOMPATIBLE', message: expect.stringContaining('this is 0.1.0') }],
    );
  });

  it('OB-065 is looked at in a fixed order: system, programs, configuration, providers', () => {
    const settings = skillSettings({ entries: { greeting: { enabled: false } } });
    const all = '{ providers: [tts], config: [beta], binaries: [ffmpeg], os: [darwin], signalbox: ">=9" }';

    expect(lacks(all, aHost(), settings).map(({ code }) => code)).toEqual([
      'OS_INCOMPATIBLE',
      'MISSING_BINARY',
      'CONFIG_DISABLED',
      'CONFIG_DISABLED',
      'MISSING_PROVIDER',
      'HOST_INCOMPATIBLE',
    ]);
  });
});

describe('a skill somebody else wrote', () => {
  const read = 'a'.repeat(64);
  const changed = 'b'.repeat(64);
  const pinned = (hash: string) => skillSettings({ entries: { greeting: { enabled: true, hash } } });
  const codes = (
    settings: SkillSettings,
    source: 'managed' | 'extra' | 'workspace' | 'bundled' = 'managed',
  ) => {
    const sha256 = source === 'managed' || source === 'extra' ? read : undefined;
    return lacksOf(aSkill('greeting', undefined, { source, sha256 }), aHost(), settings).map(
      ({ code }) => code,
    );
  };

  it('waits until somebody here has read it, and says how that is written down', () => {
    const [lack] = lacksOf(
      aSkill('greeting', undefined, { source: 'extra', sha256: read }),
      aHost(),
      skillSettings(),
    );

    expect(lack).toMatchObject({ code: 'NOT_PINNED', missing: 'settings.skills.entries.greeting.hash' });
    expect(lack?.message).toContain(`signalbox config set settings.skills.entries.greeting.hash ${read}`);
  });

  it('is used when it is what was read, and not when it changed', () => {
    expect(codes(pinned(read))).toEqual([]);
    expect(codes(pinned(changed))).toEqual(['CONTENT_CHANGED']);
    expect(codes(pinned(changed), 'extra')).toEqual(['CONTENT_CHANGED']);
  });

  it('is used as it is where the owner says so, unless it was pinned', () => {
    expect(codes(skillSettings({ third_party: 'any' }))).toEqual([]);
    expect(codes({ ...pinned(changed), third_party: 'any' })).toEqual(['CONTENT_CHANGED']);
  });

  it('is neither ours nor the owner’s, who need no pin', () => {
    expect(codes(skillSettings(), 'workspace')).toEqual([]);
    expect(codes(skillSettings(), 'bundled')).toEqual([]);
  });
});
