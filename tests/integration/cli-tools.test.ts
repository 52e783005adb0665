/** `signalbox tools`, as it is typed. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type CliHome, createCliHome } from '../support/cli.ts';

vi.setConfig({ testTimeout: 120_000 });

let home: CliHome;

beforeAll(() => {
  home = createCliHome();
});
afterAll(() => home.remove());

const cells = (out: string) =>
  out
    .trim()
    .split('\n')
    .map((line) => line.replaceAll(/ {2,}/g, '|'));

describe('signalbox tools', () => {
  it('OB-003 prints a profile with its groups and the exact tools, and how risky each is', async () => {
    const { code, out } = await home.run('tools', 'minimal');

    expect(code).toBe(0);
    expect(cells(out).slice(0, 2)).toEqual(['minimal', 'GROUP|TOOL|RISK|EFFECT']);
    expect(cells(out)).toContain('system|hand_off|low|changes, can be undone');
    expect(out).not.toMatch(/^(fs|database|automation)/m);
    expect(out).not.toContain('elevate');
  });

  it('OB-001 OB-002 OB-003 prints the four profiles, full with all eleven groups', async () => {
    const { out } = await home.run('tools', '--json');

    const { profiles } = JSON.parse(out);
    expect(profiles.map(({ profile }: { profile: string }) => profile)).toEqual([
      'minimal',
      'coding',
      'messaging',
      'full',
    ]);
    expect(profiles[3].groups.map(({ group }: { group: string }) => group).toSorted()).toEqual(
      'automation database fs memory messaging scheduler sessions storage system ui web'.split(' '),
    );
    const refund = profiles[3].groups
      .flatMap(({ tools }: { tools: { name: string }[] }) => tools)
      .find(({ name }: { name: string }) => name === 'refund');
    expect(refund).toMatchObject({ group: 'automation', groups: ['automation', 'shop'] });
  });

  it('has the tools of the platforms the sandbox plays, as the gateway has them', async () => {
    const { out } = await home.run('tools', 'full');

    expect(out).toContain('jira_search');
    expect(out).toContain('refund');
  });

  it('OB-006 prints what one person has somewhere, and what keeps the others from them', async () => {
    const { code, out } = await home.run('tools', 'minimal', '--as', 'alex', '--on', 'slack');

    expect(code).toBe(0);
    expect(out).toContain('alex has the profile minimal: asked for by the message.');
    expect(cells(out)).toContain('refund|it is not in the profile minimal (asked for by the message)');
    expect(cells(out).some((line) => line.startsWith('system|hand_off'))).toBe(true);
  });

  it.each([
    [['tools', 'huge'], /no profile huge.*minimal, coding, messaging, full/],
    [['tools', '--as', 'alex', '--on', 'slakc'], /There is no platform slakc\. Did you mean slack\?/],
    [['tools', '--on', 'zzz:C1'], /There is no platform zzz\./],
    [['tools', '--as', 'alx'], /no alx in contacts\.yaml\. Did you mean alex\?/],
  ])('says what there is instead of %j', async (args, said) => {
    const { code, err } = await home.run(...args);

    expect(code).toBe(1);
    expect(err).toMatch(said);
  });
});
