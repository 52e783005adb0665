/**
 * Runs one script where it reaches nothing: bubblewrap around it, limits on it, and an end that is certain.
 *
 *   copy of the folder ─▶ bwrap ─▶ limits ─▶ interpreter, script ─▶ ended │ killed ─▶ copy removed
 *
 * Owns      the walls (`sandboxCommand`), and the copy it runs from.
 * Not here  the process and its end (`script-process.ts`); which scripts may be run, and with what (`skill-scripts.ts`).
 *
 * Invariants
 *   1. A script sees programs and libraries of this machine, a copy of its own folder, and an empty folder of its own:
 *      no other file, also none that was left open, no network, no variable, no process but its own. It writes nowhere
 *      but into that folder.
 *   2. Once `run` resolves, nothing that the script started runs any more, and the copy is gone; whatever came of it.
 */
import { existsSync, lstatSync, readlinkSync, realpathSync } from 'node:fs';
import { chmod, chown, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { programPath } from '../config/program-path.ts';
import type { ScriptSettings } from '../config/skills.ts';
import { type FolderContent, writeContent } from './folder-content.ts';
import type { Interpreter } from './interpreter.ts';
import { type ScriptRun, supervise } from './script-process.ts';
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

/** Also on a machine that has much else to do while the gateway starts. */
const PROBE_TIMEOUT_MS = 20_000;
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
      await writeContent(script.content, copy);
      const owner = isRoot() ? { uid: NOBODY, gid: NOBODY } : undefined;
      if (owner) await letRead(copy, owner.gid);
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

/** Whoever builds the sandbox in the place of root reads the copy, and does not write to it. */
async function letRead(copy: string, gid: number): Promise<void> {
  await chown(copy, 0, gid);
  await chmod(copy, 0o750);
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

function toNotStarted(error: unknown): ScriptRun {
  const why = error instanceof Error ? error.message : String(error);
  return { end: { kind: 'not-started', why }, stdout: '', stderr: '', durationMs: 0 };
}

function isRoot(): boolean {
  return process.getuid?.() === 0;
}
