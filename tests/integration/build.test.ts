import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const run = promisify(execFile);

let project: string;

beforeEach(async () => {
  project = await mkdtemp(join(tmpdir(), 'signalbox-build-'));
  await cp(join(ROOT, 'bin'), join(project, 'bin'), { recursive: true });
  await symlink(join(ROOT, 'node_modules'), join(project, 'node_modules'));
  await mkdir(join(project, 'src', 'store'), { recursive: true });
  await mkdir(join(project, 'gateways'));
  await writeFile(join(project, 'package-lock.json'), '{}');
});

afterEach(async () => {
  await rm(project, { recursive: true, force: true });
});

it('finds the files that lie beside a source file', async () => {
  await source('src/store/post.lua', 'return 1');
  await source(
    'src/store/store.ts',
    "import { readFileSync } from 'node:fs'; export const script = readFileSync(new URL('./post.lua', import.meta.url), 'utf8');",
  );
  await source('src/main.ts', "import { script } from './store/store.ts'; console.log(script);");

  expect(await signalbox()).toBe('return 1\n');
});

it('builds anew when a source changed, and only then', async () => {
  await source('src/main.ts', "console.log('one');");
  await signalbox();
  await signalbox();
  expect(await builds()).toHaveLength(1);

  await source('src/main.ts', "console.log('two');");

  expect(await signalbox()).toBe('two\n');
  expect(await builds()).toHaveLength(2);
});

it('passes arguments on and names source lines in stack traces', async () => {
  await source('src/main.ts', '// first line\nthrow new Error(process.argv[2]);');

  const failure = await signalbox('because').catch((error: { stderr: string }) => error.stderr);

  expect(failure).toContain('Error: because');
  expect(failure).toMatch(/src\/main\.ts:2/);
});

it('loads what is imported dynamically only when it is asked for', async () => {
  await source('src/rare.ts', "console.log('rare');");
  await source('src/main.ts', "if (process.argv[2]) await import('./rare.ts'); else console.log('plain');");

  expect(await signalbox()).toBe('plain\n');
  expect(await signalbox('rarely')).toBe('rare\n');
});

it('says what to do where the dependencies are not installed', async () => {
  await source('src/main.ts', "console.log('one');");
  await rm(join(project, 'node_modules'));

  const failure = await signalbox().catch((error: { stderr: string }) => error.stderr);

  expect(failure).toMatch(/^signalbox: its dependencies are not installed, .*`npm ci`.*\.\n$/);
});

it('lets two processes build at the same moment', async () => {
  await source('src/main.ts', "console.log('one');");

  expect(await Promise.all([signalbox(), signalbox()])).toEqual(['one\n', 'one\n']);
  expect(await builds()).toHaveLength(1);
});

async function source(name: string, text: string): Promise<void> {
  await writeFile(join(project, name), text);
}

async function signalbox(...args: string[]): Promise<string> {
  const { stdout } = await run(process.execPath, [join(project, 'bin', 'signalbox.mjs'), ...args]);
  return stdout;
}

function builds(): Promise<string[]> {
  return readdir(join(project, '.cache', 'build'));
}
