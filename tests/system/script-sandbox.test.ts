/**
 * Scripts that try to get out, and to take more than they may, in a real sandbox; skipped where none can be built: no
 * bubblewrap, no Linux, a kernel that lets nobody make namespaces.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text as textOf } from 'node:stream/consumers';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { interpreterOf } from '../../src/skills/interpreter.ts';
import type { ScriptRun } from '../../src/skills/script-process.ts';
import { type Script, type ScriptLimits, ScriptSandbox } from '../../src/skills/script-sandbox.ts';
import { aScript, realSandbox, scriptLimits, skippedBecause } from '../support/scripts.ts';

vi.setConfig({ testTimeout: 60_000 });

const { folders, problem } = await realSandbox();
const sandbox = new ScriptSandbox({ folders, hidden: [] });
const CHILD = join(import.meta.dirname, '../support/script-child.ts');
const EXITED_WELL = { kind: 'exited', code: 0 };

function run(script: Script, changed: Partial<ScriptLimits> = {}, signal?: AbortSignal): Promise<ScriptRun> {
  return sandbox.run(script, scriptLimits(changed), signal);
}

/** What a script of the shell writes. */
async function shell(text: string, more: Partial<Script> = {}): Promise<string> {
  return (await run(aScript('sh', text, more))).stdout;
}

async function python(text: string, changed?: Partial<ScriptLimits>): Promise<string> {
  const { stdout, stderr } = await run(aScript('py', text), changed);
  return `${stdout}${stderr}`;
}

function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-outside-'));
  chmodSync(folder, 0o755);
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Processes of this machine whose command holds this. */
function processesWith(mark: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(mark);
      } catch {
        return false; // it has just ended
      }
    });
}

/** A folder of the test's own in the place of the machine's for temporary files. */
function temporary(): string {
  const folder = scratch();
  chmodSync(folder, 0o777);
  vi.stubEnv('TMPDIR', folder);
  onTestFinished(() => void vi.unstubAllEnvs());
  return folder;
}

/** Nobody in particular. */
const ANOTHER = { uid: 12_345, gid: 12_345 };

/** Only root can be; and what is to be run then has to be readable by others. */
function canBeAnother(): boolean {
  if (process.getuid?.() !== 0) return false;
  return spawnSync('test', ['-r', CHILD], ANOTHER).status === 0;
}

async function listening(server: Server, where: { port: number; host: string } | { path: string }) {
  server.listen(where);
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return server.address();
}

describe.skipIf(problem !== undefined)(`a script in the sandbox${skippedBecause(problem)}`, () => {
  describe('sees', () => {
    it('OM-096 no file of this machine but its programs and libraries', async () => {
      const outside = join(scratch(), 'secret.txt');
      writeFileSync(outside, 'what lies outside', { mode: 0o644 });

      const said = await shell(
        `for each in /etc/passwd /etc/shadow /etc/hosts /root /home /var /run /sys /mnt /opt ${outside} ${process.cwd()} /skill/../etc/passwd /proc/1/root${outside}; do
           if [ -e "$each" ]; then echo "there is $each"; fi
         done; ls /`,
      );

      expect(said.match(/there is .*/g)).toBeNull();
      expect(said.split('\n').filter((name) => name !== '' && !/^(s?bin|lib(32|64)?)$/.test(name))).toEqual([
        'dev',
        'etc',
        'proc',
        'skill',
        'tmp',
        'usr',
        'work',
      ]);
    });

    it('no folder of the gateway, not even one that lies among the programs', async () => {
      const folder = join('/usr/share', readdirSync('/usr/share')[0]!);
      const look = aScript('sh', 'ls -A "$1"; touch "$1/x" 2>/dev/null && echo written', { args: [folder] });
      const hiding = new ScriptSandbox({ folders, hidden: [folder, join(folder, 'not-there')] });

      const shown = await run(look);
      const hidden = await hiding.run(look, scriptLimits());

      expect(shown.stdout).not.toBe('');
      expect(hidden).toMatchObject({ end: { kind: 'exited' }, stdout: '' });
    });

    it('no variable of the gateway', async () => {
      vi.stubEnv('SLACK_BOT_TOKEN', 'xoxb-secret');
      onTestFinished(() => void vi.unstubAllEnvs());

      const said = await shell('env; cat /proc/1/environ');

      const names = said
        .trim()
        .split('\n')
        .map((line) => line.split('=')[0]);
      expect(names.toSorted()).toEqual(['HOME', 'LANG', 'PATH', 'PWD', 'PYTHONDONTWRITEBYTECODE', 'TMPDIR']);
    });

    it('no process but its own', async () => {
      const said = await shell('ls /proc | grep "^[0-9]"; cat /proc/*/cmdline | tr "\\0" " "');

      expect(said).not.toContain('vitest');
      expect(said).not.toContain(`\n${process.pid}\n`);
    });

    it('no file that whoever started the gateway has left open', async () => {
      const secret = join(scratch(), 'secret.txt');
      writeFileSync(secret, 'what lies outside');
      const left = openSync(secret, 'r');
      const far = 200; // further on than Node looks itself
      const stdio = [...Array.from({ length: far }, (_, n) => (n < 3 ? 'pipe' : 'ignore')), left] as 'pipe'[];
      const look = `ls /proc/self/fd; cat <&0; cat /proc/self/fd/${far}`;
      const child = spawn(process.execPath, ['--import', 'tsx', CHILD, folders[0]!, look], { stdio });
      child.stdin!.end();

      const said = await textOf(child.stdout!);

      expect(JSON.parse(said).stdout).toContain(`${far}\n`);
      expect(said).not.toContain('what lies outside');
    });

    it('its arguments and its input as they were given, never as words of a shell', async () => {
      const args = ['a b', '$(id)', '; ls', '--bind', "it's", '"', '-', '', '\n', 'ü'];
      const script = aScript(
        'mjs',
        'let s = ""; for await (const p of process.stdin) s += p; console.log(JSON.stringify([process.argv.slice(2), s]))',
      );

      const { stdout } = await run({ ...script, args, stdin: '{"order": 7}\n' });

      expect(JSON.parse(stdout)).toEqual([args, '{"order": 7}\n']);
    });
  });

  describe('reaches', () => {
    it('OM-096 no server of this machine, by whatever kind of socket', async () => {
      let reached = 0;
      const count = () =>
        createServer((socket) => {
          reached++;
          socket.destroy();
        });
      const address = await listening(count(), { port: 0, host: '127.0.0.1' });
      const { port } = address as { port: number };
      const inFolder = join(scratch(), 'socket');
      await listening(count(), { path: inFolder });
      chmodSync(inFolder, 0o777);
      const abstract = `\0signalbox-${process.pid}`;
      await listening(count(), { path: abstract });

      const said = await python(
        [
          'import socket',
          `for family, where in ((2, ("127.0.0.1", ${port})), (10, ("::1", ${port})), (1, ${JSON.stringify(inFolder)}), (1, ${JSON.stringify(abstract)})):`,
          '  try: socket.socket(family).connect(where); print("reached", where)',
          '  except OSError as e: print("not reached", type(e).__name__)',
        ].join('\n'),
      );

      expect(said.match(/not reached/g)).toHaveLength(4);
      expect(said.match(/^reached/gm)).toBeNull();
      expect(reached).toBe(0);
    });

    it('no other kind of network: sockets of the host of a virtual machine, of the kernel, raw ones', async () => {
      const said = await python(
        [
          'import socket',
          'for family, kind in ((40, 1), (38, 5), (16, 3), (17, 3), (2, 3)):', // vsock, alg, netlink, packet, raw
          '  try: socket.socket(family, kind); print("made", family)',
          '  except OSError as e: print("refused")',
        ].join('\n'),
      );

      expect(said.trim().split('\n')).toEqual(Array(5).fill('refused'));
    });

    it('no right over the machine: no capability, no namespace, no mount, no other process', async () => {
      const said = await shell(
        'grep -E "^(CapEff|CapPrm|CapBnd|NoNewPrivs|Seccomp):" /proc/self/status; id -u; unshare -U true && echo unshared; mount -t tmpfs x /work && echo mounted; kill -9 1; echo alive',
      );

      expect(
        said
          .trim()
          .split('\n')
          .map((line) => line.replace(/\s+/g, ' ')),
      ).toEqual([
        ...['CapPrm: 0000000000000000', 'CapEff: 0000000000000000', 'CapBnd: 0000000000000000'],
        ...['NoNewPrivs: 1', 'Seccomp: 2', '65534', 'alive'],
      ]);
    });

    it('no call of the kernel that keeps memory nobody counts, or looks into others', async () => {
      const said = await python(
        [
          'import ctypes, os',
          'libc = ctypes.CDLL(None, use_errno=True)',
          'for name, args in (("shmget", (0, 4096, 0o1600)), ("memfd_create", (b"x", 0)), ("ptrace", (0, 0, 0, 0)), ("unshare", (0,)), ("semget", (0, 1, 0o1600))):',
          '  print(name, getattr(libc, name)(*args), ctypes.get_errno())',
        ].join('\n'),
      );

      expect(said.trim().split('\n')).toEqual(
        ['shmget', 'memfd_create', 'ptrace', 'unshare', 'semget'].map((name) => `${name} -1 1`),
      );
    });
  });

  describe('writes', () => {
    it('nowhere but into a folder of its own, of which nothing is left', async () => {
      const script =
        'for each in / /skill /skill/scripts /usr /usr/bin /dev /dev/shm /etc /proc /tmp /work; do touch $each/mark 2>/dev/null && echo $each; done; echo changed > /skill/scripts/it.sh; ls /work';

      const [first, second] = [await shell(script), await shell('ls -A /work /tmp/')];

      expect(first.trim().split('\n')).toEqual(['/tmp', '/work', 'mark']);
      expect(second).not.toContain('mark');
    });

    it('OM-096 no more than it may, neither into one file nor into many', async () => {
      const { stdout } = await run(
        aScript(
          'sh',
          'head -c 9000000 /dev/zero > one; for n in 1 2 3 4 5 6 7 8; do head -c 1000000 /dev/zero > more-$n; done; cat * | wc -c',
        ),
        { max_disk_bytes: 4_000_000 },
      );

      expect(Number(stdout)).toBeGreaterThan(3_000_000);
      expect(Number(stdout)).toBeLessThanOrEqual(4_200_000);
    });
  });

  describe('takes no more than it may:', () => {
    it('OM-096 of memory, and the gateway goes on', async () => {
      const own = await python(
        'x = []\ntry:\n  while True: x.append(b"x" * 10**7)\nexcept MemoryError: print(len(x))',
        { max_memory_bytes: 64_000_000 },
      );
      const shared = await python(
        'import mmap\nfor size in (10**9, 10**10):\n  try: mmap.mmap(-1, size); print("mapped")\n  except OSError: print("refused")',
      );

      expect(Number(own)).toBeGreaterThan(2);
      expect(Number(own)).toBeLessThan(7);
      expect(shared).toBe('mapped\nrefused\n');
    });

    it('OM-096 of processes, however it multiplies', async () => {
      const said = await python(
        [
          'import os, time',
          'n = 0',
          'try:',
          '  while n < 500:',
          '    if os.fork() == 0: time.sleep(60); os._exit(0)',
          '    n += 1',
          'except OSError: print("refused")',
          'print(n)',
        ].join('\n'),
        { max_processes: 10 },
      );

      const [refused, count] = said.trim().split('\n');
      expect(refused).toBe('refused');
      expect(Number(count)).toBeLessThan(10);
    });

    it('OM-096 of the processor', async () => {
      const { end, durationMs } = await run(aScript('sh', 'trap "" XCPU; while :; do :; done'), {
        cpu_time: 1_000,
        timeout: 30_000,
      });

      expect(end.kind).not.toBe('out-of-time');
      expect(end).not.toEqual(EXITED_WELL);
      expect(durationMs).toBeLessThan(30_000);
      expect((await run(aScript('sh', 'while :; do :; done'), { cpu_time: 1_000 })).end).toEqual({
        kind: 'out-of-cpu-time',
      });
    });

    it('OM-096 of the disk: a file that grows too large ends the script, or what it has started', async () => {
      const fill = 'exec head -c 3000000 /dev/zero > /work/large';
      const limits = { max_disk_bytes: 1_000_000 };
      const alone = await run(aScript('sh', fill), limits);
      const within = await run(aScript('sh', `(${fill}); echo "rc $?"`), limits);

      expect(alone.end).toEqual({ kind: 'out-of-disk' });
      expect(within).toMatchObject({ end: EXITED_WELL, stdout: 'rc 153\n' });
    });

    it('OM-042 of time: it is stopped whatever it does against it, with all it has started', async () => {
      const mark = `6${process.pid}1`;
      const { end } = await run(
        aScript(
          'sh',
          `trap "" TERM INT HUP QUIT; setsid sleep ${mark} & nohup sleep ${mark} & while :; do sleep ${mark}; done`,
        ),
        { timeout: 1_000 },
      );

      expect(end).toEqual({ kind: 'out-of-time' });
      expect(processesWith(mark)).toEqual([]);
    });

    it('of words: the first of them are kept, and it is stopped', async () => {
      const flood = await run(aScript('sh', 'yes 123456789'), { max_output_bytes: 5_000 });
      const both = await run(aScript('sh', 'yes a & yes b >&2'), { max_output_bytes: 5_000 });

      expect(flood).toMatchObject({ end: { kind: 'too-much-output' }, stdout: '123456789\n'.repeat(500) });
      expect(both.stdout.length + both.stderr.length).toBe(5_000);
    });
  });

  describe('ends', () => {
    it('with everything it has started, also what has taken leave of it', async () => {
      const mark = `7${process.pid}2`;
      const { end } = await run(
        aScript('sh', `(setsid sh -c "exec sleep ${mark}" </dev/null >/dev/null 2>&1 &); echo done`),
      );

      expect(end).toEqual(EXITED_WELL);
      expect(processesWith(mark)).toEqual([]);
    });

    it('when it is broken off, before it begins or in the middle', async () => {
      const mark = `8${process.pid}3`;
      const stop = new AbortController();
      const running = run(aScript('sh', `echo begun; sleep ${mark}`), {}, stop.signal);
      while (processesWith(mark).length === 0) await new Promise((resolve) => setImmediate(resolve));
      stop.abort();

      expect((await running).end).toEqual({ kind: 'broken-off' });
      expect((await run(aScript('sh', 'echo begun'), {}, AbortSignal.abort())).end).toEqual({
        kind: 'broken-off',
      });
      expect(processesWith(mark)).toEqual([]);
    });

    it('with the gateway, should that be killed', async () => {
      temporary();
      const mark = `9${process.pid}4`;
      const script = `sleep ${mark}`;
      const child = spawn(process.execPath, ['--import', 'tsx', CHILD, folders[0]!, script], {
        stdio: 'ignore',
      });
      const inside = () => processesWith(`sleep\0${mark}`);
      while (inside().length === 0) await new Promise((resolve) => setImmediate(resolve));

      child.kill('SIGKILL');
      await once(child, 'exit');

      while (inside().length > 0) await new Promise((resolve) => setImmediate(resolve));
    });

    it('OM-095 and its copy is removed, once it has run, failed or run out of time', async () => {
      const folder = temporary();

      const ends = [
        await run(aScript('sh', 'true')),
        await run(aScript('sh', 'exit 3')),
        await run(aScript('sh', 'sleep 60'), { timeout: 1_000 }),
        await run(aScript('sh', 'true', { interpreter: ['/usr/bin/no-such-program'] })),
      ].map(({ end }) => end);

      expect(ends).toMatchObject([EXITED_WELL, { code: 3 }, { kind: 'out-of-time' }, { kind: 'exited' }]);
      expect(readdirSync(folder)).toEqual([]);
    });
  });

  it.each([
    ['scripts/a.sh', 'echo $((6 * 7))', false],
    ['scripts/a.py', 'print(6 * 7)', false],
    ['scripts/a.mjs', 'console.log(6 * 7)', false],
    ['scripts/a', '#!/usr/bin/env python3\nprint(6 * 7)', true],
    ['scripts/a.py', '#!/bin/sh -e\nfalse | echo 42', true],
  ])('runs %s by what belongs to it', async (path, text, isExecutable) => {
    const file = { path, bytes: Buffer.from(text), isExecutable };
    const interpreter = interpreterOf(file)!;

    const { stdout } = await run({
      ...aScript('sh', ''),
      content: { sha256: '', files: [file] },
      path,
      interpreter,
    });

    expect(stdout).toBe('42\n');
  });

  it.skipIf(!canBeAnother())('runs in the same way for a gateway that is not root', async () => {
    const folder = temporary();
    const child = spawn(
      process.execPath,
      ['--import', 'tsx', CHILD, folders[0]!, 'id -u; cat /skill/scripts/it.sh; touch /skill/x'],
      { ...ANOTHER, stdio: ['ignore', 'pipe', 'inherit'] },
    );

    const { end, stdout } = JSON.parse(await textOf(child.stdout!)) as ScriptRun;

    expect(end).toEqual({ kind: 'exited', code: 1 });
    expect(stdout).toMatch(/^65534\nid -u/);
    expect(readdirSync(folder).filter((name) => name.startsWith('signalbox-'))).toEqual([]);
  });

  it('finds what lies beside it in the folder of its skill', async () => {
    const files = [
      {
        path: 'scripts/it.py',
        bytes: Buffer.from('import helper; print(helper.text())'),
        isExecutable: false,
      },
      {
        path: 'scripts/helper.py',
        bytes: Buffer.from('def text(): return open("/skill/data/words.txt").read()'),
        isExecutable: false,
      },
      { path: 'data/words.txt', bytes: Buffer.from('from the data'), isExecutable: false },
    ];

    const { stdout, stderr } = await run({ ...aScript('py', ''), content: { sha256: '', files } });

    expect([stdout, stderr]).toEqual(['from the data\n', '']);
  });
});

describe('whether there is a sandbox', () => {
  it('is said to be not so where bubblewrap is missing, with what to do', async () => {
    const found = await new ScriptSandbox({ folders: [], hidden: [] }).probe(scriptLimits());

    expect(found).toMatchObject({ kind: 'unable', remedy: expect.stringMatching(/bubblewrap|Linux/) });
  });

  it.skipIf(process.platform !== 'linux')(
    'is said to be not so where it does not work, in its own words',
    async () => {
      const folder = scratch();
      mkdirSync(folder, { recursive: true });
      writeFileSync(
        join(folder, 'bwrap'),
        '#!/bin/sh\necho "bwrap: No permissions to create a new namespace" >&2\nexit 1\n',
        { mode: 0o755 },
      );

      const found = await new ScriptSandbox({ folders: [folder], hidden: [] }).probe(scriptLimits());

      expect(found).toMatchObject({
        kind: 'unable',
        why: expect.stringContaining('No permissions to create a new namespace'),
      });
    },
  );

  it.skipIf(process.platform !== 'linux')('is said to be not so where the walls do not stand', async () => {
    const folder = scratch();
    // Runs the script as it is, with the folder where it lies.
    writeFileSync(join(folder, 'bwrap'), '#!/bin/sh\necho ready\necho "{\\"exit-code\\": 1}" >&4\nexit 1\n', {
      mode: 0o755,
    });

    const found = await new ScriptSandbox({ folders: [folder], hidden: [] }).probe(scriptLimits());

    expect(found.kind).toBe('unable');
  });
});
