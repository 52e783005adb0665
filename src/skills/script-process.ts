/**
 * The process of a script that runs in bubblewrap: it is watched, stopped where it takes too much, and heard.
 *
 * Invariants
 *   1. Once `supervise` resolves, nothing that was started in the sandbox runs any more.
 *   2. It is handed its own streams and no other file, whatever this process has open.
 *   3. What it says is whole, or known to be cut.
 */
import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import type { ScriptSettings } from '../config/skills.ts';

/** Bubblewrap, with all it is told. */
export interface Launch {
  readonly program: string;
  readonly args: readonly string[];
  /** Who runs it, where that is somebody else. */
  readonly owner: { readonly uid: number; readonly gid: number } | undefined;
  /** Of system calls; it reads it from descriptor 3. */
  readonly filter: Uint8Array;
  readonly stdin: string;
}

/** What came of it. `not-started`: the sandbox could not be built, so nothing of the script ran. */
export interface ScriptRun {
  readonly end:
    | { readonly kind: 'exited'; readonly code: number }
    | { readonly kind: 'out-of-cpu-time' }
    | { readonly kind: 'out-of-disk' }
    | { readonly kind: 'out-of-time' }
    | { readonly kind: 'too-much-output' }
    | { readonly kind: 'broken-off' }
    | { readonly kind: 'not-started'; readonly why: string };
  readonly stdout: string;
  readonly stderr: string;
  readonly durationMs: number;
}

/** The shell's way to say that a signal ended a program: 128 and SIGXCPU. */
const OUT_OF_CPU_TIME = 128 + 24;
/** The same of SIGXFSZ: a file would have become larger than it may. */
const OUT_OF_DISK = 128 + 25;

/** Input, output, errors, the filter, and what bubblewrap tells of itself. */
const OWN_STREAMS = 5;
/** O_CLOEXEC of asm-generic/fcntl.h. */
const CLOSED_ON_EXEC = 0o2000000;

/** Resolves once it has ended, with all it started. */
export async function supervise(
  launch: Launch,
  { timeout, max_output_bytes: mostBytes }: Pick<ScriptSettings, 'timeout' | 'max_output_bytes'>,
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
    if (exitCode === OUT_OF_CPU_TIME) return { kind: 'out-of-cpu-time' };
    return exitCode === OUT_OF_DISK ? { kind: 'out-of-disk' } : { kind: 'exited', code: exitCode };
  }
}

function launched({ program, args, owner, filter, stdin }: Launch): ChildProcess {
  const child = spawned(program, args, owner);
  const [input, , , rules] = child.stdio;
  for (const stream of [input, rules]) stream?.on('error', () => undefined); // it need not read what it is given
  (rules as Writable).end(filter); // one of those asked for above
  input?.end(stdin);
  return child;
}

function spawned(program: string, args: readonly string[], owner: Launch['owner']): ChildProcess {
  const nothing = openSync('/dev/null', 'r');
  try {
    const stdio = streamsOver(heirlooms(), nothing);
    // In a group of its own: what is typed at the gateway's terminal is not meant for it.
    return spawn(program, [...args], { cwd: '/', env: {}, stdio, detached: true, ...owner });
  } finally {
    closeSync(nothing);
  }
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
    child.on('error', (error) => {
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
