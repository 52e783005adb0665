import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import {
  type Asker,
  askerOf,
  ceilingsOf,
  groupsIn,
  keptBack,
  profileOf,
  requireGroups,
  unknownNames,
} from '../../../../src/agent/tools/profiles.ts';
import { ToolCatalog } from '../../../../src/agent/tools/tool-catalog.ts';
import { ToolAccess } from '../../../../src/config/tool-access.ts';
import { ToolProfile } from '../../../../src/domain/directive.ts';
import { Platform } from '../../../../src/domain/ids.ts';
import { groupsOf, TOOL_GROUPS, type ToolGroup } from '../../../../src/domain/tool.ts';
import { runs } from '../../../support/property-runs.ts';
import { createTestTools } from '../../../support/tools.ts';

const tools = [
  { name: 'plan', group: 'system' },
  { name: 'read_file', group: 'fs' },
  { name: 'run_sql', group: 'database' },
  { name: 'send', group: 'messaging' },
  { name: 'fetch_page', group: 'web' },
  { name: 'recall', group: 'memory' },
  { name: 'jira_assign', group: 'automation', family: 'jira' },
  { name: 'hand_off', group: 'system', family: 'control' },
] as const;

function names(access: z.input<typeof ToolAccess>, asker: Partial<Asker> = {}): string[] {
  const parsed = ToolAccess.parse(access);
  const whole = {
    person: 'alex',
    roles: ['member'],
    channels: ['slack:C1', 'slack'],
    elevated: false,
    ...asker,
  };
  return tools.filter((tool) => keptBack(parsed, whole, tool) === undefined).map(({ name }) => name);
}

const minimal = ['plan', 'hand_off'];
const coding = ['plan', 'read_file', 'run_sql', 'hand_off'];
const all = tools.map(({ name }) => name);

describe('profiles', () => {
  it('OB-001 are minimal, coding, messaging and full, and no other', () => {
    expect(ToolProfile.options).toEqual(['minimal', 'coding', 'messaging', 'full']);
  });

  it('OB-002 hold groups, of which there are eleven', () => {
    expect(TOOL_GROUPS.toSorted()).toEqual(
      'automation database fs memory messaging scheduler sessions storage system ui web'.split(' '),
    );
  });

  it.each<[ToolProfile, readonly ToolGroup[]]>([
    ['minimal', ['system']],
    ['coding', ['fs', 'database', 'system']],
    ['messaging', ['web', 'messaging', 'system']],
    ['full', TOOL_GROUPS],
  ])('OB-003 %s holds its groups, and they hold their tools', (profile, groups) => {
    expect(groupsIn(ToolAccess.parse({}), profile)).toEqual(groups);
    expect(names({ default_profile: profile })).toEqual(
      tools.filter(({ group }) => groups.includes(group)).map(({ name }) => name),
    );
  });

  it('OB-001 are full where nothing else is said', () => {
    expect(names({})).toEqual(all);
  });

  it('take groups in and leave groups out by group_overrides, in every profile', () => {
    const access = { group_overrides: { memory: true, database: false } };

    expect(names({ ...access, default_profile: 'minimal' })).toEqual(['plan', 'recall', 'hand_off']);
    expect(names({ ...access, default_profile: 'coding' })).toEqual([
      'plan',
      'read_file',
      'recall',
      'hand_off',
    ]);
    expect(names(access)).not.toContain('run_sql');
  });

  it('OB-007 minimal holds neither files nor databases', () => {
    expect(names({}, { profile: 'minimal' })).toEqual(minimal);
  });
});

describe('whose profile it is', () => {
  it('OB-006 is that of the message, else of the channel, the platform, the person, a role, else the default', () => {
    const access = ToolAccess.parse({
      channels: { 'slack:C1': { profile: 'minimal' }, slack: { profile: 'coding' } },
      people: { alex: { profile: 'messaging' } },
      roles: { operator: { profile: 'full' }, member: { profile: 'minimal' } },
    });
    const asker = {
      person: 'alex',
      roles: ['member', 'operator'],
      channels: ['slack:C1', 'slack'],
      elevated: false,
    };
    const of = (change: Partial<Asker>) => profileOf(access, { ...asker, ...change });

    expect(of({ profile: 'full' })).toEqual({ profile: 'full', by: 'asked for by the message' });
    expect(of({})).toEqual({ profile: 'minimal', by: 'the channel slack:C1' });
    expect(of({ channels: ['slack:C2', 'slack'] })).toEqual({ profile: 'coding', by: 'the channel slack' });
    expect(of({ channels: ['email'] })).toEqual({ profile: 'messaging', by: 'the person alex' });
    // Of several roles the first of the file.
    expect(of({ channels: [], person: 'eve' })).toEqual({ profile: 'full', by: 'the role operator' });
    expect(of({ channels: [], person: 'eve', roles: [] })).toEqual({ profile: 'full', by: 'the default' });
  });

  it('OB-006 is named by the channel of the platform, or by the project of an issue', () => {
    const at = (platform: string, route: Record<string, string>) =>
      askerOf({ person: 'alex', roles: [], at: { platform: Platform.parse(platform), route } }).channels;

    expect(at('slack', { channel: 'C1', thread: '1' })).toEqual(['slack:C1', 'slack']);
    expect(at('discord', { channel: '71', parent: '55', guild: '4' })).toEqual([
      'discord:71',
      'discord:55',
      'discord',
    ]);
    expect(at('jira', { issue: 'HELP-12' })).toEqual(['jira:HELP', 'jira']);
    expect(at('cli-ab12', { session: 'x' })).toEqual(['cli']);
  });
});

describe('ceilings', () => {
  it('OB-006 are not passed by a directive, which may narrow what they leave', () => {
    const access = { roles: { member: { ceiling: 'coding' } } } as const;

    expect(names(access, { profile: 'full' })).toEqual(coding);
    expect(names(access, { profile: 'minimal' })).toEqual(minimal);
    expect(names(access, { profile: 'messaging' })).toEqual(minimal);
  });

  it('OB-006 of the roles, the person and the channel hold together', () => {
    const access = ToolAccess.parse({
      roles: { member: { ceiling: 'full' }, guest: { ceiling: 'messaging' } },
      people: { alex: { ceiling: 'coding' } },
      channels: { slack: { ceiling: 'minimal' } },
    });
    const asker = { person: 'alex', roles: ['member', 'guest'], channels: ['slack'], elevated: false };

    expect(ceilingsOf(access, asker).map(({ profile }) => profile)).toEqual([
      'minimal',
      'coding',
      'full',
      'messaging',
    ]);
    expect(names(access, { ...asker, channels: [] })).toEqual(minimal);
  });

  it('C-14 are not passed by the allow list either', () => {
    expect(names({ allow: ['run_sql', 'send'], roles: { member: { ceiling: 'coding' } } })).toEqual(coding);
  });
});

describe('lists', () => {
  it('C-14 deny before everything, also what they allow, also to an elevated message', () => {
    const access = { deny: ['jira', 'read_file'], allow: ['read_file'], elevated_only: ['read_file'] };

    expect(names(access, { elevated: true })).toEqual(
      all.filter((name) => !/^(read_file|jira_assign)$/.test(name)),
    );
  });

  it('allow tools and groups beside a profile, not beside one that the message asks for', () => {
    const access = { default_profile: 'minimal' as const, allow: ['recall', 'jira'] };

    expect(names(access)).toEqual(['plan', 'recall', 'jira_assign', 'hand_off']);
    expect(names(access, { profile: 'minimal' })).toEqual(minimal);
  });

  it('OB-017 keep tools for elevated messages, whoever asks, though they are allowed', () => {
    const access = { elevated_only: ['run_sql', 'messaging'], allow: ['run_sql'] };

    expect(names(access)).toEqual(all.filter((name) => name !== 'run_sql' && name !== 'send'));
    expect(names(access, { elevated: true })).toEqual(all);
  });

  it('say which of their names nothing goes by', () => {
    expect(unknownNames(ToolAccess.parse({ deny: ['jira', 'jria'], allow: ['ui'] }), tools)).toEqual([
      'jria',
    ]);
  });
});

const anAccess = fc
  .record({
    default_profile: fc.constantFrom(...ToolProfile.options),
    group_overrides: fc.dictionary(fc.constantFrom(...TOOL_GROUPS), fc.boolean()),
    allow: fc.subarray([...all, 'jira', 'fs']),
    deny: fc.subarray([...all, 'control', 'system']),
    elevated_only: fc.subarray([...all, 'database']),
    roles: fc.dictionary(
      fc.constantFrom('member', 'guest'),
      fc.record({ ceiling: fc.constantFrom(...ToolProfile.options) }),
    ),
  })
  .map((written) => ToolAccess.parse(written));
const anAsker = fc.record({
  person: fc.constantFrom('alex', 'dana'),
  roles: fc.subarray(['member', 'guest']),
  channels: fc.constant<string[]>([]),
  profile: fc.constantFrom(undefined, ...ToolProfile.options),
  elevated: fc.boolean(),
});

describe('whatever is configured and asked for', () => {
  it('leaves a human to ask, opens nothing that is denied or above a ceiling, and narrows by a profile', () => {
    fc.assert(
      fc.property(anAccess, anAsker, (access, asker) => {
        for (const tool of tools) {
          const left = keptBack(access, asker, tool) === undefined;
          const isControl = 'family' in tool && tool.family === 'control';
          if (isControl) expect(left).toBe(true);
          else if (left) {
            expect([tool.name, ...groupsOf(tool)].filter((name) => access.deny.includes(name))).toEqual([]);
            for (const { profile } of ceilingsOf(access, asker)) {
              expect(groupsIn(access, profile)).toContain(tool.group);
            }
            if (asker.profile) expect(groupsIn(access, asker.profile)).toContain(tool.group);
          }
        }
      }),
      { numRuns: runs(300) },
    );
  });
});

describe('OB-004 a tool', () => {
  it('OB-004 without a group stops the start with a sentence that names it', () => {
    const groupless = { name: 'stray', group: undefined as unknown as ToolGroup };

    expect(() => requireGroups([groupless])).toThrow(/the tool stray belongs to no group .*one of fs, web/);
  });

  it('OB-004 C-11 is refused by the catalog that everything starts with', () => {
    const [lookup] = createTestTools();

    expect(() => new ToolCatalog([{ ...lookup!, group: 'files' as ToolGroup }])).toThrow(
      /the tool lookup belongs to no group that there is \(files\)/,
    );
  });

  it('OB-017 that only the gateway calls is offered to no model, and found by the gateway', () => {
    const [lookup] = createTestTools();
    const catalog = new ToolCatalog([{ ...lookup!, internal: true }]);

    expect(catalog.list()).toEqual([]);
    expect(catalog.specs).toEqual([]);
    expect(catalog.find('lookup')).toBeDefined();
  });

  it('OB-004 of a name that is taken stops it, too', () => {
    expect(() => requireGroups([tools[0], tools[0]])).toThrow('two tools are called plan');
  });
});
