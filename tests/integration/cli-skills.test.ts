/** `signalbox skills …`, as it is typed; the example is that of docs/skills.md. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { keepVersion } from '../../src/skills/skill-versions.ts';
import { type CliHome, createCliHome } from '../support/cli.ts';
import { skillText } from '../support/skills.ts';

vi.setConfig({ testTimeout: 120_000 });

/** What the page tells people to write. */
const [, EXAMPLE = ''] = /```markdown\n([\s\S]*?)```/.exec(readFileSync('docs/skills.md', 'utf8')) ?? [];

let home: CliHome;

beforeAll(() => {
  home = createCliHome();
  put('workspace/skills', 'order-status', EXAMPLE.replaceAll(/^ {3}/gm, ''));
  put(
    'workspace/skills',
    'jira-hygiene',
    skillText('jira-hygiene', { head: 'requires: { binaries: [no-such-program] }' }),
  );
  put('data/skills', 'foreign', skillText('foreign', { body: '\u001b[2JGone.' }));
});
afterAll(() => home.remove());

function put(folder: string, name: string, text: string): void {
  mkdirSync(join(home.directory, folder, name), { recursive: true });
  writeFileSync(join(home.directory, folder, name, 'SKILL.md'), text);
}

const lines = (out: string) => out.trim().split('\n');

describe('signalbox skills list', () => {
  it('OB-050 shows every skill with its source and number, and which is used', async () => {
    const { code, out } = await home.run('skills', 'list');

    expect(code).toBe(0);
    const rows = lines(out).map((line) => line.replaceAll(/ {2,}/g, '|').split('|').slice(0, 4).join('|'));
    expect(rows).toEqual([
      'SKILL|VERSION|SOURCE|STATE',
      'foreign|1.0.0|managed (2)|NOT_PINNED',
      'incident-triage|1.0.0|bundled (1)|active',
      'jira-hygiene|1.0.0|workspace (3)|MISSING_BINARY',
      'jira-hygiene|1.0.0|bundled (1)|shadowed by workspace',
      'order-status|1.0.0|workspace (3)|active',
      'refund-policy|1.0.0|bundled (1)|active',
      'standup-digest|1.0.0|bundled (1)|active',
      'writing-for-approval|1.0.0|bundled (1)|active',
    ]);
  });

  it('OB-067 shows what keeps the others from it: code, what is missing, and a sentence', async () => {
    const { out } = await home.run('skills', 'list', '--ineligible');
    const json = JSON.parse((await home.run('skills', 'list', '--ineligible', '--json')).out);

    expect(out).toContain('MISSING_BINARY  no-such-program');
    expect(out).toContain('The program no-such-program is not on the PATH of this gateway.');
    expect(out).toMatch(
      /NOT_PINNED .* signalbox config set settings\.skills\.entries\.foreign\.hash [0-9a-f]{64}/,
    );
    expect(json).toMatchObject([
      {
        skill: 'foreign',
        source: 'managed',
        priority: 2,
        state: 'ineligible',
        lacks: [{ code: 'NOT_PINNED' }],
      },
      { skill: 'jira-hygiene', lacks: [{ code: 'MISSING_BINARY', missing: 'no-such-program' }] },
    ]);
  });
});

describe('signalbox skills, where something cannot be read', () => {
  it('shows one broken entry with its reason, and all the others', async () => {
    const pipe = join(home.directory, 'workspace/skills/pipe');
    const loop = join(home.directory, 'workspace/skills/loop');
    for (const folder of [pipe, loop]) mkdirSync(folder, { recursive: true });
    symlinkSync('SKILL.md', join(loop, 'SKILL.md'));
    execFileSync('/usr/bin/mkfifo', [join(pipe, 'SKILL.md')]);
    const list = await home.run('skills', 'list');
    const ineligible = await home.run('skills', 'list', '--ineligible');
    const lint = await home.run('skills', 'lint', pipe);
    const restore = await home.run('skills', 'restore', 'pipe');
    for (const folder of [pipe, loop]) rmSync(folder, { recursive: true });

    expect(list.code).toBe(0);
    expect(list.out).toMatch(/loop +\? +workspace \(3\) +INVALID/);
    expect(list.out).toMatch(/refund-policy +1\.0\.0 +bundled \(1\) +active/);
    expect(ineligible.out).toContain('It cannot be used: it is a link that leads round in a circle.');
    expect([lint.code, lint.out]).toEqual([
      1,
      expect.stringContaining('INVALID: It cannot be used: it is no plain file.'),
    ]);
    expect([restore.code, restore.err]).toEqual([1, expect.stringContaining('it is no plain file')]);
  });

  it('says so and ends with exit code 1 when that is a whole folder', async () => {
    const round = join(home.directory, 'round');
    symlinkSync('round', round);
    home.edit('settings.yaml', 'matcher: keyword', `matcher: keyword\n  extra: [${round}]`);
    const all = await Promise.all(
      [
        ['skills', 'list'],
        ['skills', 'list', '--json'],
        ['skills', 'why', 'refund'],
        ['prompt', '--message', 'refund'],
      ].map((words) => home.run(...words)),
    );
    home.edit('settings.yaml', `\n  extra: [${round}]`, '');

    const err = `The skills in ${round} (extra) cannot be read: it is a link that leads round in a circle.`;
    expect(all.map((result) => ({ ...result, err: result.err.trim() }))).toEqual(
      all.map(() => ({ code: 1, out: '', err })),
    );
  });
});

describe('signalbox skills, switched off', () => {
  it('says that none is used', async () => {
    home.edit('settings.yaml', 'matcher: keyword', 'matcher: keyword\n  enabled: false');
    const [list, why] = [await home.run('skills', 'list'), await home.run('skills', 'why', 'refund')];
    home.edit('settings.yaml', '\n  enabled: false', '');

    expect(list.out).toContain('No skill is used: skills.enabled of settings.yaml is false.');
    expect(why.out.trim()).toBe('No skill is used: skills.enabled of settings.yaml is false.');
  });
});

describe('signalbox skills show', () => {
  it('prints one skill with the whole of its text', async () => {
    const { code, out } = await home.run('skills', 'show', 'order-status');

    expect(code).toBe(0);
    expect(out).toContain('workspace (3)');
    expect(out).toContain('where is my order, order status, delivery, parcel, tracking');
    expect(out).toContain('# Where is my order?');
  });

  it('lets no skill steer the terminal', async () => {
    const { out } = await home.run('skills', 'show', 'foreign');

    expect(out).toContain('Gone.');
    expect(out).not.toContain('\u001b');
  });

  it('says which was probably meant', async () => {
    const { code, err } = await home.run('skills', 'show', 'order-stats');

    expect(code).toBe(1);
    expect(err.trim()).toBe('There is no skill "order-stats". Did you mean order-status?');
  });
});

describe('signalbox skills lint', () => {
  it('OM-076 finds nothing in the example of the page, nor in what comes with the package', async () => {
    const example = await home.run('skills', 'lint', join(home.directory, 'workspace/skills/order-status'));
    const bundled = await home.run('skills', 'lint', join(process.cwd(), 'skills'));

    expect({ code: example.code, out: example.out.trim() }).toEqual({
      code: 0,
      out: '1 skill: nothing is wrong.',
    });
    expect({ code: bundled.code, out: bundled.out.trim() }).toEqual({
      code: 0,
      out: '5 skills: nothing is wrong.',
    });
  });

  it('looks at one of the workspace where it stands, beside what it requires', async () => {
    put(
      'workspace/skills',
      'needs-another',
      skillText('needs-another', { head: 'requires: { skills: [order-status] }' }),
    );
    const folder = join(home.directory, 'workspace/skills/needs-another');
    const { code, out } = await home.run('skills', 'lint', folder);
    rmSync(folder, { recursive: true });

    expect(out.trim()).toContain('1 skill');
    expect(out).not.toContain('MISSING_SKILL');
    expect(code).toBe(0);
  });

  it('ends with exit code 1 for what its author has to mend', async () => {
    put('elsewhere', 'broken', '---\nname: broken\n---\nNo description.\n');
    const { code, out } = await home.run('skills', 'lint', join(home.directory, 'elsewhere/broken/SKILL.md'));
    const json = await home.run('skills', 'lint', join(home.directory, 'elsewhere'), '--json');

    expect(code).toBe(1);
    expect(out).toContain('ERROR  INVALID: It cannot be used: it has no description.');
    expect(JSON.parse(json.out)).toMatchObject({
      ok: false,
      findings: [{ level: 'error', skill: 'broken' }],
    });
  });

  it('OM-076 says which tools a skill names that are none, and that its scripts can never be run', async () => {
    const head = 'allowed-tools: jira_serach recall mcp__notes__search refund';
    put('typed', 'typed', skillText('typed', { head }));
    put('typed', 'sum', skillText('sum', { head: 'allowed-tools: recall' }));
    mkdirSync(join(home.directory, 'typed/sum/scripts'), { recursive: true });
    writeFileSync(join(home.directory, 'typed/sum/scripts/add.py'), 'print(1)');
    const { code, out } = await home.run('skills', 'lint', join(home.directory, 'typed'));

    expect(code).toBe(0);
    expect(lines(out).filter((line) => line.includes('warning') && !line.includes('keywords'))).toEqual([
      '  warning  It brings scripts along and does not allow run_skill_script, so none of them can be run: scripts/add.py.',
      '  warning  It allows jira_serach, and no tool here is called so (perhaps jira_search is meant).',
    ]);
  });

  it('says that there is nothing to look at', async () => {
    const { code, err } = await home.run('skills', 'lint', join(home.directory, 'nowhere'));

    expect(code).toBe(1);
    expect(err).toContain('There is no SKILL.md in');
  });
});

describe('signalbox skills why', () => {
  it('OB-070 says what a message would be answered with, and why', async () => {
    const { code, out } = await home.run('skills', 'why', 'where is my order', '7?');

    expect(code).toBe(0);
    expect(out).toMatch(/1 +order-status 1\.0\.0 +4 +shown +keyword "where is my order"/);
  });

  it('OM-081 answers as the matcher in the configuration does', async () => {
    const why = () => home.run('skills', 'why', 'a refnd for somebody');
    const keyword = await why();
    home.edit('settings.yaml', 'matcher: keyword', 'matcher: scored');
    const scored = await why();
    home.edit('settings.yaml', 'matcher: scored', 'matcher: keyword');

    expect(keyword.out.trim()).toBe('No skill fits, as the matcher keyword reads it.');
    expect(scored.out).toMatch(/1 +refund-policy 1\.0\.0 .* shown .*"refund" in its keywords/);
    expect(scored.out).toContain('writing-for-approval 1.0.0 is shown as well, because another requires it.');
  });

  it('says so when there is no such platform', async () => {
    const { code, err } = await home.run('skills', 'why', 'refund', '--on', 'slakc');

    expect([code, err.trim()]).toEqual([1, 'There is no platform slakc. Did you mean slack?']);
  });

  it('OB-014 reads words in front of the message as a turn does: one that leaves skills out shows none', async () => {
    const quiet = await home.run('skills', 'why', '/quiet the standup digest, please');
    const json = JSON.parse((await home.run('skills', 'why', '/quiet the standup digest', '--json')).out);
    const think = await home.run('skills', 'why', '/think the standup digest, please');

    expect(quiet.out).toMatch(/1 +standup-digest 1\.0\.0 +\d+ +not in mode minimal +keyword/);
    expect(quiet.out).toContain(
      'No skill is shown with this message: the section SKILLS is not in mode minimal.',
    );
    expect(quiet.out).not.toContain('Of its tools');
    expect(json).toMatchObject({ keptOut: 'not in mode minimal', given: [], tools: null });
    expect(think.out).toMatch(/standup-digest 1\.0\.0 +\d+ +shown/);
  });

  it('says what would fit and cannot be used, and which tools are left', async () => {
    const foreign = await home.run('skills', 'why', 'foreign');
    const digest = await home.run('skills', 'why', 'the standup digest, please', '--json');
    put('workspace/skills', 'typed', skillText('typed', { head: 'allowed-tools: jira_serach recall' }));
    const typed = await home.run('skills', 'why', 'typed');
    rmSync(join(home.directory, 'workspace/skills/typed'), { recursive: true });

    expect(typed.out).toContain('Of its tools the agent has only: recall.');
    expect(typed.out).toContain('Allowed as well, and no tool here is called so: jira_serach.');
    expect(foreign.out).toContain('foreign would fit, and cannot be used');
    expect(JSON.parse(digest.out)).toMatchObject({
      matcher: 'keyword',
      given: [{ skill: 'standup-digest 1.0.0' }],
      tools: ['jira_search', 'jira_get_issue', 'recall', 'attach_file'],
    });
  });
});

describe('a skill somebody else wrote', () => {
  it('OB-054 is used after the very command that the list shows, and not when it changes', async () => {
    const list = async () =>
      lines((await home.run('skills', 'list')).out).find((line) => line.startsWith('foreign'));
    const [, command = ''] =
      /signalbox (config set settings\.skills\S+ \S+)/.exec(
        (await home.run('skills', 'list', '--ineligible')).out,
      ) ?? [];

    const pinned = await home.run(...command.split(' '));
    const after = await list();
    put('data/skills', 'foreign', skillText('foreign', { body: 'Something else.' }));
    const changed = await list();

    expect({ code: pinned.code, err: pinned.err }).toEqual({ code: 0, err: '' });
    expect(after).toContain('active');
    expect(changed).toContain('CONTENT_CHANGED');
  });
});

describe('signalbox skills restore', () => {
  const file = () => join(home.directory, 'workspace/skills/greeting/SKILL.md');
  const write = (version: string, body: string) =>
    put('workspace/skills', 'greeting', skillText('greeting', { head: `version: ${version}`, body }));
  const replaceBy = async (version: string, body: string) => {
    const text = readFileSync(file(), 'utf8');
    const sha256 = createHash('sha256').update(text).digest('hex');
    await keepVersion(file(), { version: /version: (.*)/.exec(text)?.[1] ?? '', text, sha256 });
    write(version, body);
  };

  it('OM-043 puts the version before back, and that again, without losing any', async () => {
    write('1.0.0', 'One.');
    await replaceBy('1.1.0', 'Two.');
    await replaceBy('1.2.0', 'Three.');

    const back = await home.run('skills', 'restore', 'greeting');
    const first = await home.run('skills', 'restore', 'greeting', '1.0.0', '--json');

    expect(back.out).toContain('greeting 1.1.0 is used again');
    expect(JSON.parse(first.out)).toMatchObject({ skill: 'greeting', version: '1.0.0', before: '1.1.0' });
    expect(readFileSync(file(), 'utf8')).toContain('One.');
    expect((await home.run('skills', 'show', 'greeting')).out).toContain('1.0.0');
    await home.run('skills', 'restore', 'greeting', '1.2.0');
    expect(readFileSync(file(), 'utf8')).toContain('Three.');
  });

  it('says what there is when it has nothing to go back to', async () => {
    const none = await home.run('skills', 'restore', 'order-status');
    const other = await home.run('skills', 'restore', 'greeting', '9.9.9');
    const wrong = await home.run('skills', 'restore', '../../config');

    expect([none.code, other.code, wrong.code]).toEqual([1, 1, 1]);
    expect(none.err).toContain('No earlier version of order-status is kept.');
    expect(other.err).toMatch(/No other text of greeting 9\.9\.9 is kept\. There is: .*1\.0\.0/);
    expect(wrong.err).toContain('is no name of a skill');
  });
});
