import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { runQuietly } from '../../bin/door/run.mjs';
import { changedIn } from '../../bin/door/tests.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const COUNTER = fileURLToPath(new URL('../support/signal-counter.mjs', import.meta.url));

describe('the door', () => {
  it('passes one Ctrl-C on once, though it comes from the terminal and from npm', async () => {
    const door = runThroughDoor(COUNTER);
    const lines = createInterface({ input: door.stdout! })[Symbol.asyncIterator]();
    expect((await lines.next()).value).toBe('ready');

    door.kill('SIGINT');
    expect((await lines.next()).value).toBe('SIGINT');
    door.kill('SIGINT');
    door.kill('SIGTERM');

    expect((await lines.next()).done).toBe(true);
    expect(door.exitCode ?? (await once(door, 'exit'))[0]).toBe(7);
  });

  it('lets the program drain when the terminal is closed', async () => {
    const door = runThroughDoor(COUNTER);
    await once(createInterface({ input: door.stdout! }), 'line');

    door.kill('SIGHUP');

    expect((await once(door, 'exit'))[0]).toBe(7);
  });

  it('OM-070 asks for the Node that package.json names, of strict types; CI runs on it and on the newest', async () => {
    const [door, ci, ...documents] = await Promise.all(
      ['bin/door.mjs', 'bin/ci.mjs', 'package.json', 'tsconfig.json'].map((name) =>
        readFile(join(ROOT, name), 'utf8'),
      ),
    );
    const [project, types] = documents.map((document) => JSON.parse(document));
    const [, major, minor] = /OLDEST_NODE = \{ major: (\d+), minor: (\d+) \}/.exec(door!) ?? [];

    expect(project.engines.node).toBe(`>=${major}.${minor}`);
    expect(types.compilerOptions).toMatchObject({ strict: true, noUncheckedIndexedAccess: true });
    expect(ci).toMatch(/LONGEST_MS = \{[^}]*\btest:[^}]*\bnewest:[^}]*\bcheck:/);
  });

  it('says what there is to someone who asks for something else', async () => {
    const door = spawn(process.execPath, ['bin/door.mjs', 'fly'], { cwd: ROOT });

    expect(await text(door.stderr)).toMatch(
      /there is no `fly`; there are start, dev, test, newest, check, model, crash, bench/,
    );
    expect(door.exitCode ?? (await once(door, 'exit'))[0]).toBe(1);
  });
});

describe('tests of the files as they came', () => {
  it('know which of them somebody has made their own', async () => {
    const root = await mkdtemp(join(tmpdir(), 'signalbox-door-'));
    try {
      const git = (...args: string[]) => runQuietly('git', args, { cwd: root });
      await mkdir(join(root, 'config'));
      await writeFile(join(root, 'config', 'contacts.yaml'), 'people: {}\n');
      await writeFile(join(root, 'README.md'), 'one\n');
      expect(await changedIn(root)).toEqual([]);
      await git('init', '--quiet');
      await git('add', '.');
      await git('-c', 'user.name=a', '-c', 'user.email=a@example.org', 'commit', '--quiet', '-m', 'one');
      expect(await changedIn(root)).toEqual([]);

      await writeFile(join(root, 'config', 'contacts.yaml'), 'people: { dana: {} }\n');
      await writeFile(join(root, 'config', 'shifts.ics'), '');
      await writeFile(join(root, 'README.md'), 'two\n');
      await git('config', 'core.autocrlf', 'true'); // git warns of line ends, beside what it tells

      expect(await changedIn(root)).toEqual(['config/contacts.yaml', 'config/shifts.ics']);
    } finally {
      await rm(root, { recursive: true, force: true });
    }
  });
});

/** Runs a program the way the door runs one. */
function runThroughDoor(program: string): ChildProcess {
  const source = `
    import { runInPlace } from './bin/door/run.mjs';
    process.exitCode = await runInPlace(process.execPath, [${JSON.stringify(program)}]);`;
  return spawn(process.execPath, ['--input-type=module', '--eval', source], { cwd: ROOT });
}
