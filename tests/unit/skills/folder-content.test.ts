/** Everything in a folder, its hash, and what refuses it. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  type FolderContent,
  MOST_BYTES,
  MOST_FILES,
  readFolder,
  scriptsIn,
  writeContent,
} from '../../../src/skills/folder-content.ts';

function aFolder(files: Readonly<Record<string, string>> = {}): string {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-folder-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return folder;
}

async function contentOf(folder: string): Promise<FolderContent> {
  const reading = await readFolder(folder);
  if (reading.kind === 'refused') throw new Error(reading.why);
  return reading.content;
}

const REPORT = {
  'SKILL.md': '---',
  'scripts/report.py': 'print(1)',
  'scripts/lib/dates.py': '',
  'data.csv': 'a,b',
};

describe('the hash of a folder', () => {
  it('is what anybody can work out with the programs of their machine', async () => {
    const folder = aFolder({ ...REPORT, 'a b/ü.txt': 'ü', 'scripts/Z.sh': 'z', 'scripts-old/x': 'x' });

    const { sha256 } = await contentOf(folder);

    const command = 'find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum';
    const said = execFileSync('sh', ['-c', command], { cwd: folder, encoding: 'utf8' });
    expect(said).toContain(sha256);
  });

  it('is another one for every other content, name or place', async () => {
    const path = fc.constantFrom('a', 'b', 'scripts/a', 'scripts/b', 'scripts/a.py');
    const files = fc.dictionary(path, fc.string({ maxLength: 3 }), { minKeys: 1, noNullPrototype: true });
    await fc.assert(
      fc.asyncProperty(files, files, async (one, other) => {
        const [first, second] = await Promise.all([contentOf(aFolder(one)), contentOf(aFolder(other))]);
        const isSame =
          JSON.stringify(Object.entries(one).toSorted()) === JSON.stringify(Object.entries(other).toSorted());

        expect(first.sha256 === second.sha256).toBe(isSame);
      }),
      { numRuns: 50 },
    );
  });
});

describe('a copy', () => {
  it('holds the same files, which nobody writes to', async () => {
    const folder = aFolder(REPORT);
    chmodSync(join(folder, 'scripts/report.py'), 0o700);
    const copy = aFolder();
    const content = await contentOf(folder);

    await writeContent(content, copy);

    expect((await contentOf(copy)).sha256).toBe(content.sha256);
    expect(statSync(join(copy, 'scripts/report.py')).mode & 0o777).toBe(0o555);
    expect(statSync(join(copy, 'data.csv')).mode & 0o777).toBe(0o444);
  });

  it('is as the folder was when it was read, whatever becomes of it', async () => {
    const folder = aFolder(REPORT);
    const copy = aFolder();
    const content = await contentOf(folder);
    writeFileSync(join(folder, 'scripts/report.py'), 'print("another")');

    await writeContent(content, copy);

    expect(readFileSync(join(copy, 'scripts/report.py'), 'utf8')).toBe('print(1)');
  });
});

describe('the scripts of a skill', () => {
  it('are the files in scripts/ that something runs, by names without surprises', async () => {
    const folder = aFolder({
      ...REPORT,
      'top.py': '',
      'scripts/notes.txt': '',
      'scripts/.hidden.py': '',
      'scripts/with space.py': '',
      'scripts/-rf.py': '',
      'other/scripts/a.py': '',
    });

    expect([...scriptsIn(await contentOf(folder)).keys()].toSorted()).toEqual([
      'scripts/lib/dates.py',
      'scripts/report.py',
    ]);
  });
});

describe('a folder', () => {
  it.each([
    ['a file outside', 'scripts/out.py', '/etc/hostname'],
    ['a folder outside', 'scripts/out', '/etc'],
    ['a file beside it', 'scripts/out.py', 'report.py'],
    ['nothing', 'scripts/out.py', 'not-there'],
  ])('is refused as a whole if it holds a link to %s', async (_, path, target) => {
    const folder = aFolder(REPORT);
    symlinkSync(target, join(folder, path));

    expect(await readFolder(folder)).toEqual({
      kind: 'refused',
      why: `${path} is a link, and links are not followed`,
    });
  });

  it('may itself be reached by a link', async () => {
    const folder = aFolder(REPORT);
    const link = join(aFolder(), 'link');
    symlinkSync(folder, link);

    expect((await contentOf(link)).sha256).toBe((await contentOf(folder)).sha256);
  });

  it('is refused if it holds what is no file, and nothing waits for that', async () => {
    const folder = aFolder(REPORT);
    execFileSync('/usr/bin/mkfifo', [join(folder, 'scripts/pipe')]);

    expect(await readFolder(folder)).toMatchObject({ why: 'scripts/pipe is neither a file nor a folder' });
  });

  it('is refused if its hash could be read in two ways', async () => {
    expect(await readFolder(aFolder({ 'scripts/a\nb.py': '' }))).toMatchObject({ kind: 'refused' });
    expect(await readFolder(aFolder({ 'scripts/a\\b.py': '' }))).toMatchObject({ kind: 'refused' });
  });

  it('is refused if a name in it is no UTF-8', async () => {
    const folder = aFolder(REPORT);
    const name = Buffer.concat([Buffer.from(`${folder}/caf`), Buffer.from([0xe9])]);
    writeFileSync(name, '');

    expect(await readFolder(folder)).toMatchObject({ why: expect.stringContaining('cannot be read: .') });
  });

  it.skipIf(!existsSync('/proc/sys/kernel/random'))(
    'is refused if there is more in a file than it says, and no more of it is read',
    async () => {
      expect(await readFolder('/proc/sys/kernel/random')).toMatchObject({
        why: expect.stringContaining('became longer while it was read'),
      });
    },
  );

  it('is refused if it has too many files, or too much in them', async () => {
    const many = Object.fromEntries(Array.from({ length: MOST_FILES + 1 }, (_, n) => [`${n}`, '']));

    expect(await readFolder(aFolder(many))).toMatchObject({ why: `it has more than ${MOST_FILES} files` });
    expect(await readFolder(aFolder({ a: 'x'.repeat(MOST_BYTES), b: 'y' }))).toMatchObject({
      why: `it has more than ${MOST_BYTES} bytes`,
    });
    expect((await readFolder(aFolder({ a: 'x'.repeat(MOST_BYTES) }))).kind).toBe('read');
  });
});
