/** What the commands say of scripts of skills: what there is, whether it can be run, how to let it be. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type CliHome, createCliHome } from '../support/cli.ts';
import { realSandbox, skippedBecause } from '../support/scripts.ts';
import { skillText } from '../support/skills.ts';

vi.setConfig({ testTimeout: 120_000 });

const SWITCHED_ON = 'skills:\n  scripts: { enabled: true }';
const { folders, problem } = await realSandbox();

let home: CliHome;

beforeAll(() => {
  home = createCliHome();
  put('workspace/skills/report/SKILL.md', skillText('report'));
  put('workspace/skills/report/scripts/run.py', 'print(42)');
  put('data/skills/foreign/SKILL.md', skillText('foreign'));
  put('data/skills/foreign/scripts/run.py', 'print(42)');
  put('workspace/skills/plain/SKILL.md', skillText('plain'));
});
afterAll(() => home.remove());

function put(path: string, text: string): void {
  mkdirSync(dirname(join(home.directory, path)), { recursive: true });
  writeFileSync(join(home.directory, path), text);
}

/** As anybody can work it out. */
function hashOf(folder: string): string {
  const command = 'find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum';
  const out = execFileSync('sh', ['-c', command], { cwd: join(home.directory, folder), encoding: 'utf8' });
  return out.slice(0, 64);
}

describe('signalbox skills show', () => {
  it('names the scripts of a skill, the hash of all its files, and that they are not run', async () => {
    const { out } = await home.run('skills', 'show', 'report');
    const json = JSON.parse((await home.run('skills', 'show', 'report', '--json')).out);

    expect(out).toContain('scripts/run.py (not run: skills.scripts.enabled of settings.yaml is false)');
    expect(out).toContain(hashOf('workspace/skills/report'));
    expect(json).toMatchObject({
      scripts: ['scripts/run.py'],
      filesSha256: hashOf('workspace/skills/report'),
    });
    expect((await home.run('skills', 'show', 'plain')).out).not.toContain('scripts');
  });

  it('says of scripts that others wrote how somebody who has read them lets them be run', async () => {
    const pin = `settings.skills.entries.foreign.scripts_hash ${hashOf('data/skills/foreign')}`;

    expect((await home.run('skills', 'show', 'foreign')).out).toContain(`signalbox config set ${pin}`);
    await home.run('config', 'set', ...pin.split(' '));
    expect((await home.run('skills', 'show', 'foreign')).out).toContain('scripts/run.py');
  });
});

describe('signalbox check', () => {
  it('says nothing of scripts that nobody wants to be run', async () => {
    const { out } = await home.run('check', '--json');

    expect(JSON.parse(out).findings.filter(({ part }: { part: string }) => part === 'Skills')).toEqual([]);
  });

  it('says why scripts are not offered, and fails, where they are wanted and no sandbox works', async () => {
    const without = createCliHome('shared', { PATH: '/nowhere' });
    without.edit('settings.yaml', 'skills:', SWITCHED_ON);

    const { code, out } = await without.run('check', '--json').finally(() => without.remove());

    expect(code).toBe(1);
    expect(JSON.parse(out).findings).toContainEqual(
      expect.objectContaining({
        part: 'Skills',
        status: 'failed',
        detail: expect.stringMatching(/^not offered to the agent: .*bubblewrap/),
        remedy: expect.stringMatching(/Install it|on Linux/),
      }),
    );
  });

  it.skipIf(problem !== undefined)(
    `tries a sandbox, and the tools are listed with the one that runs scripts${skippedBecause(problem)}`,
    async () => {
      const ready = createCliHome('shared', { PATH: [...folders, process.env.PATH].join(':') });
      ready.edit('settings.yaml', 'skills:', SWITCHED_ON);

      const checked = await ready.run('check', '--json');
      const tools = await ready.run('tools').finally(() => ready.remove());

      expect(JSON.parse(checked.out).findings).toContainEqual(
        expect.objectContaining({ part: 'Skills', status: 'works' }),
      );
      expect(tools.out).toMatch(/run_skill_script +high/);
    },
  );
});
