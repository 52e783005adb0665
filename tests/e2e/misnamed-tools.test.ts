import { PassThrough } from 'node:stream';
import { afterEach, expect, it, vi } from 'vitest';
import { Rule } from '../../src/config/authorizations.ts';
import { realSandbox, skippedBecause } from '../support/scripts.ts';
import { Story, type StoryConfig } from '../support/story.ts';

const { folders, problem } = await realSandbox();

let story: Story;

afterEach(async () => {
  vi.unstubAllEnvs();
  await story.end();
});

it('OM-022 a rule whose tool is mistyped is told in the log when the file is read anew', async () => {
  const log = new PassThrough();
  story = await Story.begin({ logLevel: 'warn', logTo: log });
  const before = misnamedIn(log);

  story.config = withRule(story.config, { name: 'typo', tool: ['refnd', 'mcp__away__x'], decision: 'deny' });
  await story.app.configChanged();

  expect(before).toEqual([]);
  expect(misnamedIn(log)).toEqual([
    { at: 'rule "typo"', kind: 'tool', name: 'refnd', meant: 'refund' },
    { at: 'rule "typo"', kind: 'tool', name: 'mcp__away__x', server: 'away' },
  ]);
});

it.skipIf(problem !== undefined)(
  `OM-022 a rule for scripts of skills that are switched on with it names nothing that is not there${skippedBecause(problem)}`,
  async () => {
    const log = new PassThrough();
    vi.stubEnv('PATH', [...folders, process.env.PATH ?? ''].join(':'));
    story = await Story.begin({ logLevel: 'warn', logTo: log });
    const rule = { name: 'scripts', tool: ['run_skill_script'], decision: 'deny' };
    const { settings } = story.config;
    const skills = { ...settings.skills, scripts: { ...settings.skills.scripts, enabled: true } };
    story.config = { ...withRule(story.config, rule), settings: { ...settings, skills } };

    await story.app.configChanged();

    expect(misnamedIn(log)).toEqual([]);
  },
);

it('OM-022 a condition on an argument that a tool does not have is told in the log when the file is read anew', async () => {
  const log = new PassThrough();
  story = await Story.begin({ logLevel: 'warn', logTo: log });

  story.config = withRule(story.config, {
    name: 'typo',
    tool: ['refund'],
    when: { amonut: '> 10' },
    decision: 'deny',
  });
  await story.app.configChanged();

  expect(saidIn(log, 'condition')).toMatchObject([
    { at: 'rule "typo"', tool: 'refund', path: 'amonut', remedy: 'Did you mean amount?' },
  ]);
});

function withRule(config: StoryConfig, rule: object): StoryConfig {
  const { authorizations } = config;
  return {
    ...config,
    authorizations: { ...authorizations, rules: [...authorizations.rules, Rule.parse(rule)] },
  };
}

/** What the log has told since it was last asked. */
function misnamedIn(log: PassThrough): unknown[] {
  return saidIn(log, 'misnamed');
}

function saidIn(log: PassThrough, fact: 'misnamed' | 'condition'): unknown[] {
  const lines = String(log.read() ?? '').split('\n');
  return lines.filter(Boolean).flatMap((line) => JSON.parse(line)[fact] ?? []);
}
