/**
 * Runs one script where it reaches nothing: bubblewrap around it, limits on it, and an end that is certain.
 *
 *   copy of the folder ─▶ bwrap ─▶ limits ─▶ interpreter, script ─▶ ended │ killed ─▶ copy removed
 *
 * Owns      the walls (`sandboxCommand`), the process, its time, and the copy it runs from.
 * Not here  which scripts may be run, and with what (`skill-scripts.ts`).
 *
 * Invariants
 *   1. A script sees programs and libraries of this machine, a copy of its own folder, and an empty folder of its own:
 *      no other file, also none that was left open, no network, no variable, no process but its own. It writes nowhere
 *      but into that folder.
 *   2. Once `run` resolves, nothing that the script started runs any more, and the copy is gone; whatever came of it.
 *   3. What it says is whole, or said to be cut.
 *   4. Nothing runs in a sandbox that has not shown that it works here (`probe`).
 */
import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import {
  closeSync,
  existsSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
} from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { programPath } from '../config/program-path.ts';
import type { ScriptSettings } from '../config/skills.ts';
import { type FolderContent, writeContent } from './folder-content.ts';
import type { Interpreter } from './interpreter.ts';
import { syscallFilter } from './syscall-filter.ts';

export interface Script {
  readonly content: FolderContent;
  /** One of its files. */
  readonly path: string;
  readonly interpreter: Interpreter;
  readonly args: readonly string[];
  readonly stdin: string;
}

export type ScriptLimits = Omit<ScriptSettings, 'enabled' | 'at_once'>;

/** What came of it; `started` is false where the sandbox could not be built, so that nothing of the script ran. */
export interface ScriptRun {
  readonly end:
    | { readonly kind: 'exited'; readonly code: number }
    | { readonly kind: 'out-of-cpu-time' }
    | { readonly kind: 'out-of-time' }
    | { readonly kind: 'too-much-output' }
    | { readonly kind: 'broken-off' }
    | { readonly kind: 'not-started'; readonly why: string };
  readonly stdout: string;
  readonly stderr: string;
  readonly durationMs: number;
}

/** Whether scripts can be run here; `why` is a sentence, `remedy` the next step. */
export type Readiness =
  | { readonly kind: 'ready' }
  | { readonly kind: 'unable'; readonly why: string; readonly remedy: string };

export interface SandboxOptions {
  /** Folders in which bubblewrap is looked for. */
  readonly folders: readonly string[];
  /** Folders of the gateway, which are hidden also where they lie among programs and libraries. */
  readonly hidden: readonly string[];
}

/** Somebody who owns nothing. Where the gateway runs as root, the sandbox is built by this user. */
const NOBODY = 65_534;
/** The folder of the skill, and the one the script may write to, as it sees them. */
const SKILL = '/skill';
const WORK = '/work';
/** Where Node is, if not among the programs of the machine. */
const OWN_PROGRAMS = '/programs';

/** Programs and libraries. Not all of /usr: services are at home in /usr/src and /usr/local as well. */
const SYSTEM_FOLDERS = [
  ...['/usr/bin', '/usr/sbin', '/usr/lib', '/usr/lib32', '/usr/lib64', '/usr/libexec', '/usr/share'],
  ...['/usr/local/bin', '/usr/local/lib'],
];
/** Where programs expect some of them; on most machines links into /usr. */
const OLD_FOLDERS = ['/bin', '/sbin', '/lib', '/lib32', '/lib64'];
/** What programs are found by, and nothing that tells of this machine. */
const SYSTEM_FILES = ['/etc/alternatives', '/etc/ld.so.cache'];

/** Addresses a program may have beyond its memory, in bytes: Node reserves far more of them than it uses. */
const SPARE_ADDRESSES = 2 * 1024 ** 3;
/** Files open at the same time, in one process. */
const MOST_OPEN_FILES = 128;
/** Of processes that the kernel ends when memory runs out, the first (proc(5), oom_score_adj). */
const FIRST_TO_GO = 1_000;

/** The shell's way to say that a signal ended a program: 128 and SIGXCPU. */
const OUT_OF_CPU_TIME = 128 + 24;

/** Input, output, errors, the filter, and what bubblewrap tells of itself. */
const OWN_STREAMS = 5;
/** O_CLOEXEC of asm-generic/fcntl.h. */
const CLOSED_ON_EXEC = 0o2000000;

const PROBE_TIMEOUT_MS = 10_000;
const READY = 'ready';

export class ScriptSandbox {
  constructor(private readonly options: SandboxOptions) {}

  /** Builds a sandbox and looks at it from inside. Never rejects. */
  async probe(limits: ScriptLimits, signal?: AbortSignal): Promise<Readiness> {
    const missing = this.#missing();
    if (missing) return missing;
    const bytes = Buffer.from(PROBE);
    const script: Script = {
      content: { sha256: '', files: [{ path: 'scripts/probe.sh', bytes, isExecutable: false }] },
      path: 'scripts/probe.sh',
      interpreter: ['/bin/sh'],
      args: [],
      stdin: '',
    };
    const run = await this.run(script, { ...limits, timeout: PROBE_TIMEOUT_MS }, signal).catch(toNotStarted);
    if (run.end.kind === 'exited' && run.end.code === 0 && run.stdout.trim() === READY)
      return { kind: 'ready' };
    const said = run.end.kind === 'not-started' ? run.end.why : run.stderr.trim() || run.stdout.trim();
    return {
      kind: 'unable',
      why: `bubblewrap does not work here: ${said || run.end.kind}`,
      remedy:
        'It takes bubblewrap 0.8 or later, util-linux, and a kernel that lets a user make namespaces (in a container: one that is allowed to).',
    };
  }

  /** @throws when no copy of the folder can be made */
  async run(script: Script, limits: ScriptLimits, signal?: AbortSignal): Promise<ScriptRun> {
    const bwrap = this.#bwrap();
    const filter = syscallFilter(process.arch);
    if (bwrap === undefined || !filter) return toNotStarted(new Error('there is no sandbox'));
    const copy = await mkdtemp(join(tmpdir(), 'signalbox-script-'));
    try {
      const owner = isRoot() ? { uid: NOBODY, gid: NOBODY } : undefined;
      await writeContent(script.content, copy, owner);
      await chmod(copy, 0o500);
      const args = sandboxCommand(script, this.#surroundings(copy), limits);
      return await supervise({ program: bwrap, args, owner, filter, stdin: script.stdin }, limits, signal);
    } finally {
      await rm(copy, { recursive: true, force: true });
    }
  }

  #surroundings(copy: string): Surroundings {
    const node = realpathSync(process.execPath);
    return { copy, node, hidden: this.options.hidden.flatMap(realPathOf), links: linksOf(OLD_FOLDERS) };
  }

  #bwrap(): string | undefined {
    return programPath('bwrap', this.options.folders);
  }

  #missing(): Extract<Readiness, { kind: 'unable' }> | undefined {
    if (process.platform !== 'linux') {
      const why = `scripts are run with bubblewrap, which there is for Linux alone; this is ${process.platform}`;
      return {
        kind: 'unable',
        why,
        remedy: 'Run the gateway on Linux, or set skills.scripts.enabled to false.',
      };
    }
    if (!syscallFilter(process.arch)) {
      const why = `which calls a script may make is not known for this processor (${process.arch})`;
      return { kind: 'unable', why, remedy: 'Run the gateway on x64 or arm64.' };
    }
    if (this.#bwrap() !== undefined) return undefined;
    const remedy = 'Install it (Debian, Ubuntu: apt-get install bubblewrap) and start again.';
    return { kind: 'unable', why: 'bubblewrap is not installed: there is no program bwrap', remedy };
  }
}

/** None for what is not there. */
function realPathOf(path: string): string[] {
  return existsSync(path) ? [realpathSync(path)] : [];
}

function linksOf(folders: readonly string[]): Map<string, string> {
  const links = folders.filter((each) => lstatSync(each, { throwIfNoEntry: false })?.isSymbolicLink());
  return new Map(links.map((each) => [each, readlinkSync(each)]));
}

/** Says that the walls stand, from inside. */
const PROBE = `set -e
test ! -e /home && test ! -e /root && test ! -e /etc/passwd && test ! -w / && test ! -w ${SKILL} && test -w ${WORK}
test "$(grep -c : /proc/net/dev)" = 1
echo ${READY}
`;

// ── The command ──────────────────────────────────────────────────────────────────────────────────────────────

export interface Surroundings {
  /** Of the skill's folder. */
  readonly copy: string;
  /** The program that runs this gateway. */
  readonly node: string;
  /** Folders that are there. */
  readonly hidden: readonly string[];
  /** Those of the machine's folders that are links, with where they lead. */
  readonly links: ReadonlyMap<string, string>;
}

/** What bubblewrap is given; it takes the filter of system calls from descriptor 3 and tells of itself on 4. Pure. */
export function sandboxCommand(
  { path, interpreter, args }: Script,
  { copy, node, hidden, links }: Surroundings,
  limits: ScriptLimits,
): string[] {
  const isNodeApart = !isAmongPrograms(node);
  const masked = outermost(hidden.filter(isAmongPrograms));
  const folders = isNodeApart ? ['/usr/local/bin', '/usr/bin', '/bin', OWN_PROGRAMS] : PATH_FOLDERS;
  return [
    ...['--unshare-all', '--unshare-user', '--disable-userns', '--cap-drop', 'ALL'],
    ...['--uid', `${NOBODY}`, '--gid', `${NOBODY}`, '--hostname', 'sandbox'],
    ...['--die-with-parent', '--new-session', '--seccomp', '3', '--json-status-fd', '4'],
    ...[...SYSTEM_FOLDERS, ...SYSTEM_FILES].flatMap((each) => ['--ro-bind-try', each, each]),
    // As links, so that what is hidden in one place is not to be seen in another.
    ...OLD_FOLDERS.flatMap((each) => {
      const target = links.get(each);
      return target === undefined ? ['--ro-bind-try', each, each] : ['--symlink', target, each];
    }),
    ...masked.flatMap((each) => ['--tmpfs', each, '--remount-ro', each]),
    ...(isNodeApart ? ['--ro-bind', node, `${OWN_PROGRAMS}/node`] : []),
    ...['--proc', '/proc', '--dev', '/dev'],
    ...['--ro-bind', copy, SKILL],
    ...['--size', `${limits.max_disk_bytes}`, '--tmpfs', WORK, '--symlink', WORK.slice(1), '/tmp'],
    // What bubblewrap has made itself lies in memory, and would have no bounds.
    ...['--remount-ro', '/dev', '--remount-ro', '/', '--chdir', WORK],
    '--clearenv',
    ...Object.entries(variables(folders)).flatMap(([name, value]) => ['--setenv', name, value]),
    '--',
    ...limitsCommand(limits),
    ...interpreter,
    `${SKILL}/${path}`,
    ...args,
  ];
}

const PATH_FOLDERS = ['/usr/local/bin', '/usr/bin', '/bin'];

function variables(folders: readonly string[]): Record<string, string> {
  return {
    PATH: folders.join(':'),
    HOME: WORK,
    TMPDIR: WORK,
    LANG: 'C.UTF-8',
    PYTHONDONTWRITEBYTECODE: '1',
  };
}

/** Set inside: only there does the kernel count the processes of the sandbox alone. */
function limitsCommand(limits: ScriptLimits): string[] {
  const { cpu_time, max_memory_bytes, max_disk_bytes, max_processes } = limits;
  const seconds = Math.ceil(cpu_time / 1_000);
  return [
    ...['/usr/bin/choom', '-n', `${FIRST_TO_GO}`, '--', '/usr/bin/prlimit'],
    // A second later it is killed, should it not end by itself.
    `--cpu=${seconds}:${seconds + 1}`,
    `--data=${max_memory_bytes}`,
    `--as=${max_memory_bytes + SPARE_ADDRESSES}`,
    `--fsize=${max_disk_bytes}`,
    `--nproc=${max_processes}`,
    `--nofile=${MOST_OPEN_FILES}`,
    ...['--core=0', '--memlock=0', '--msgqueue=0', '--'],
  ];
}

function isAmongPrograms(path: string): boolean {
  return [...SYSTEM_FOLDERS, ...OLD_FOLDERS].some((folder) => path.startsWith(`${folder}/`));
}

function outermost(folders: readonly string[]): string[] {
  return folders.filter((each) => !folders.some((other) => each.startsWith(`${other}/`)));
}

// ── The process ──────────────────────────────────────────────────────────────────────────────────────────────

interface Launch {
  readonly program: string;
  readonly args: readonly string[];
  /** Who runs it, where that is somebody else. */
  readonly owner: { readonly uid: number; readonly gid: number } | undefined;
  readonly filter: Uint8Array;
  readonly stdin: string;
}

/** Resolves once it has ended, with all it started. */
async function supervise(
  launch: Launch,
  { timeout, max_output_bytes: mostBytes }: ScriptLimits,
  signal?: AbortSignal,
): Promise<ScriptRun> {
  const startedAt = performance.now();
  const child = launched(launch);
  const status = new Status(child.stdio[4] as Readable); // asked for below, so they are there
  const said = new Said(mostBytes);
  let stopped: 'out-of-time' | 'too-much-output' | 'broken-off' | undefined;
  const stop = (why: NonNullable<typeof stopped>) => {
    stopped ??= why;
    status.kill();
  };
  const breakOff = () => stop('broken-off');
  const timer = setTimeout(() => stop('out-of-time'), timeout);
  signal?.addEventListener('abort', breakOff, { once: true });
  if (signal?.aborted) breakOff();
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.on('data', (chunk: Buffer) => {
      if (!said.add(name, chunk)) stop('too-much-output');
    });
  }
  try {
    const failure = await ended(child);
    return { end: endOf(failure), ...said.texts(), durationMs: Math.round(performance.now() - startedAt) };
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', breakOff);
  }

  function endOf(failure: Error | undefined): ScriptRun['end'] {
    if (stopped !== undefined) return { kind: stopped };
    if (failure) return { kind: 'not-started', why: failure.message };
    const { exitCode } = status;
    if (exitCode === undefined) return { kind: 'not-started', why: said.texts().stderr.trim() };
    return exitCode === OUT_OF_CPU_TIME ? { kind: 'out-of-cpu-time' } : { kind: 'exited', code: exitCode };
  }
}

function launched({ program, args, owner, filter, stdin }: Launch): ChildProcess {
  const nothing = openSync('/dev/null', 'r');
  const child = spawn(program, [...args], {
    cwd: '/',
    env: {},
    stdio: streamsOver(heirlooms(), nothing),
    detached: true,
    ...owner,
  });
  closeSync(nothing);
  const [input, , , rules] = child.stdio;
  for (const stream of [input, rules]) stream?.on('error', () => undefined); // it need not read what it is given
  (rules as Writable).end(filter); // one of those asked for above
  input?.end(stdin);
  return child;
}

/** Five of our own, and `nothing` in the place of every file that would be handed on otherwise. */
function streamsOver(handedOn: readonly number[], nothing: number): StdioOptions {
  const streams: ('pipe' | 'ignore' | number)[] = Array.from({ length: OWN_STREAMS }, () => 'pipe');
  for (const descriptor of handedOn) {
    while (streams.length < descriptor) streams.push('ignore');
    streams[descriptor] = nothing;
  }
  return streams;
}

/**
 * Files that whoever started this process has left open, in order, and that each program it starts would have as well:
 * Node marks only the first few of them as its own.
 */
function heirlooms(): number[] {
  return readdirSync('/proc/self/fdinfo')
    .map(Number)
    .filter((descriptor) => descriptor >= OWN_STREAMS && isHandedOn(descriptor))
    .toSorted((a, b) => a - b);
}

function isHandedOn(descriptor: number): boolean {
  try {
    const [, flags = '0'] =
      /^flags:\s*(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${descriptor}`, 'utf8')) ?? [];
    return (Number.parseInt(flags, 8) & CLOSED_ON_EXEC) === 0;
  } catch {
    return false; // closed meanwhile: the one that lists them
  }
}

/** Resolves with why it could not be begun; undefined: it was. Every stream has ended by then. */
function ended(child: ChildProcess): Promise<Error | undefined> {
  return new Promise((done) => {
    child.once('error', (error) => {
      if (child.pid === undefined) done(error);
    });
    child.once('close', () => done(undefined));
  });
}

/** What bubblewrap tells of itself: one JSON object on a line. */
class Status {
  #text = '';
  #isOver = false;

  constructor(stream: Readable) {
    stream.setEncoding('utf8');
    stream.on('data', (piece: string) => {
      this.#text += piece;
      if (this.#isOver) this.kill();
    });
    stream.on('error', () => undefined);
  }

  /** Of the script; undefined until it has ended, or where it was never begun. */
  get exitCode(): number | undefined {
    return this.#number('exit-code');
  }

  /**
   * Ends the first process of the sandbox, as soon as there is one: with it the kernel ends all others there, and
   * bubblewrap itself ends when that is done. Ending bubblewrap could leave one that it was just about to start.
   */
  kill(): void {
    this.#isOver = true;
    const first = this.#number('child-pid');
    if (first !== undefined && this.exitCode === undefined) killOne(first);
  }

  #number(key: 'child-pid' | 'exit-code'): number | undefined {
    // With what stands behind it, so that all of its digits are there.
    const match = new RegExp(`"${key}":\\s*(\\d+)\\s*[,}]`).exec(this.#text);
    return match ? Number(match[1]) : undefined;
  }
}

function killOne(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // it has just ended
  }
}

/** What a script says, up to so many bytes of both streams together. */
class Said {
  readonly #chunks: Record<'stdout' | 'stderr', Buffer[]> = { stdout: [], stderr: [] };
  #left: number;

  constructor(mostBytes: number) {
    this.#left = mostBytes;
  }

  /** False: it was too much, and the rest is left out. */
  add(stream: 'stdout' | 'stderr', chunk: Buffer): boolean {
    if (this.#left > 0) this.#chunks[stream].push(chunk.subarray(0, this.#left));
    this.#left -= chunk.length;
    return this.#left >= 0;
  }

  texts(): Pick<ScriptRun, 'stdout' | 'stderr'> {
    const textOf = (chunks: readonly Buffer[]) => Buffer.concat(chunks).toString('utf8');
    return { stdout: textOf(this.#chunks.stdout), stderr: textOf(this.#chunks.stderr) };
  }
}

function toNotStarted(error: unknown): ScriptRun {
  const why = error instanceof Error ? error.message : String(error);
  return { end: { kind: 'not-started', why }, stdout: '', stderr: '', durationMs: 0 };
}

function isRoot(): boolean {
  return process.getuid?.() === 0;
}
