import { describe, expect, it } from 'vitest';
import { aConfig, parse, problemsOf } from './config-texts.ts';

/** What is said about this under `authorizations.yaml`. */
function mistakes(written: string): string[] {
  const authorizations = `${aConfig().authorizations}${written}`;
  return problemsOf({ authorizations }).map(
    ({ keyPath, expected, hint }) => `${keyPath}: ${expected}${hint === undefined ? '' : ` (${hint})`}`,
  );
}

describe('tools and elevation in authorizations.yaml', () => {
  it('OB-001 OB-006 are full and unlimited, and elevate nobody, where nothing is said', () => {
    const { tools, elevation } = parse({}).authorizations;

    expect(tools).toEqual({
      default_profile: 'full',
      group_overrides: {},
      allow: [],
      deny: [],
      elevated_only: [],
      channels: {},
      people: {},
      roles: {},
    });
    expect(elevation).toEqual({ lasts: 15 * 60_000 });
  });

  it('are taken as people write them', () => {
    const written = `tools:
  default_profile: coding
  group_overrides: { memory: true, database: false }
  deny: [jira, refund]
  channels: { slack: { profile: messaging }, "slack:C0123ABC": { ceiling: minimal } }
  people: { alex: { ceiling: coding } }
  roles: { manager: { profile: full } }
elevation: { approvers: { role: manager }, policy: default, channel: email, lasts: 30m }
`;
    const { tools, elevation } = parse({
      authorizations: `${aConfig().authorizations}${written}`,
    }).authorizations;

    expect(tools.channels['slack:C0123ABC']).toEqual({ ceiling: 'minimal' });
    expect(elevation).toMatchObject({ approvers: { role: 'manager' }, lasts: 30 * 60_000 });
  });

  it.each([
    [
      'tools: { roles: { mananger: { ceiling: full } } }',
      /tools\.roles\.mananger: a known role.*did you mean manager/,
    ],
    [
      'tools: { people: { alx: { ceiling: full } } }',
      /tools\.people\.alx: a known person.*did you mean alex/,
    ],
    [
      'tools: { channels: { slak: { ceiling: full } } }',
      /tools\.channels\.slak: a known platform.*did you mean slack/,
    ],
    [
      'tools: { channels: { "slack:#general": { ceiling: minimal } } }',
      /tools\.channels\.slack:#general: .*by id, not by name/,
    ],
    ['tools: { roles: { member: {} } }', /say `profile`, `ceiling` or both/],
    ['tools: { default_profile: huge }', /tools\.default_profile: .*minimal/],
    ['tools: { group_overrides: { files: true } }', /tools\.group_overrides/],
    ['elevation: { policy: defalt }', /elevation\.policy: a known policy.*did you mean default/],
    ['elevation: { channel: slak }', /elevation\.channel: a known platform/],
    ['elevation: { approvers: { role: member } }', /elevation\.approvers/],
    ['elevation: { lasts: 2d }', /elevation\.lasts/],
    ['after_reading: { policy: defalt }', /after_reading\.policy: a known policy.*did you mean default/],
    ['after_reading: { channel: slak }', /after_reading\.channel: a known platform.*did you mean slack/],
    ['after_reading: { approvers: { role: member } }', /after_reading\.approvers.*may approve/],
    ['after_reading: { approvers: { role: mananger } }', /after_reading\.approvers.*did you mean manager/],
  ])('say what is wrong with %s', (written, problem) => {
    const said = mistakes(`${written}\n`);

    expect(said).toHaveLength(1);
    expect(said[0]).toMatch(problem);
  });
});
