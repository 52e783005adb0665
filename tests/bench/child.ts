/**
 * A process the benchmark started: waits for a line of its output, measures it, ends it.
 *
 * Every child is its own process group and is killed as one, so nothing a launcher started stays behind.
 */
import { type ChildProcess, type Serializable, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { readTreeUsage, type TreeUsage } from './proc-stat.ts';

/** A gateway drains on SIGTERM; after this it is killed. */
const STOP_WITHIN_MS = 10_000;

/** Lines of output kept to explain a child that failed. */
const KEPT_LINES = 20;

export interface Command {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Opens an IPC channel for `send` and `nextMessage`. */
  readonly ipc?: boolean;
}

export class Child {
  readonly #process: ChildProcess;
  readonly #name: string;
  readonly #output: string[] = [];
  readonly #waiting = new Set<(line: string) => void>();
  readonly #ended: Promise<void>;

  private constructor(name: string, child: ChildProcess) {
    this.#name = name;
    this.#process = child;
    this.#ended = new Promise((resolve) => {
      child.once('exit', () => resolve());
      child.once('error', () => resolve());
    });
    for (const stream of [child.stdout, child.stderr]) {
      if (stream) createInterface({ input: stream }).on('line', (line) => this.#take(line));
    }
  }

  static start({ name, command, args, cwd, env, ipc }: Command): Child {
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', ...(ipc ? (['ipc'] as const) : [])],
    });
    return new Child(name, child);
  }

  get pid(): number {
    if (this.#process.pid === undefined) throw new Error(this.#explain('could not be started'));
    return this.#process.pid;
  }

  /**
   * Resolves with the first line that matches, printed from now on or before.
   *
   * @throws {Error} with the child's last output, when it ends or the time passes first
   */
  async line(pattern: RegExp, withinMs: number): Promise<string> {
    const seen = this.#output.find((line) => pattern.test(line));
    if (seen !== undefined) return seen;

    let take = (_line: string): void => {};
    const found = new Promise<string>((resolve) => {
      take = (line) => pattern.test(line) && resolve(line);
    });
    this.#waiting.add(take);
    try {
      return await this.#orFail(found, `did not print ${pattern}`, withinMs);
    } finally {
      this.#waiting.delete(take);
    }
  }

  /** Sends a message to the child and resolves with the next message from it. */
  async ask(message: Serializable, withinMs: number): Promise<unknown> {
    const answer = once(this.#process, 'message');
    this.#process.send(message);
    const [reply] = await this.#orFail(answer, 'did not answer', withinMs);
    return reply;
  }

  /**
   * Resolves when the child has ended well.
   *
   * @throws {Error} with its last output, when it fails or the time passes first
   */
  async success(withinMs: number): Promise<void> {
    const late = setTimeout(() => this.#signal('SIGKILL'), withinMs);
    await this.#ended;
    clearTimeout(late);
    if (this.#process.exitCode !== 0) throw new Error(this.#explain('failed'));
  }

  usage(): Promise<TreeUsage> {
    return readTreeUsage(this.pid);
  }

  /** Ends the process and all it started. Safe to call twice. */
  async stop(): Promise<void> {
    this.#signal('SIGTERM');
    const kill = setTimeout(() => this.#signal('SIGKILL'), STOP_WITHIN_MS);
    await this.#ended;
    clearTimeout(kill);
    this.#signal('SIGKILL'); // whatever of its group outlived it
  }

  async #orFail<T>(wanted: Promise<T>, failure: string, withinMs: number): Promise<T> {
    let timeout: NodeJS.Timeout | undefined;
    const late = new Promise<'late'>((resolve) => {
      timeout = setTimeout(() => resolve('late'), withinMs);
    });
    const outcome = await Promise.race([
      wanted.then((value) => ({ value })),
      late,
      this.#ended.then(() => 'ended' as const),
    ]);
    clearTimeout(timeout);
    if (outcome === 'late') throw new Error(this.#explain(`${failure} in ${withinMs} ms`));
    if (outcome === 'ended') throw new Error(this.#explain('ended too early'));
    return outcome.value;
  }

  #take(line: string): void {
    this.#output.push(line);
    if (this.#output.length > KEPT_LINES) this.#output.shift();
    for (const waiting of this.#waiting) waiting(line);
  }

  #signal(signal: NodeJS.Signals): void {
    if (this.#process.pid === undefined) return;
    try {
      process.kill(-this.#process.pid, signal);
    } catch {
      // already gone
    }
  }

  #explain(what: string): string {
    return [`${this.#name} ${what}`, ...this.#output.map((line) => `  | ${line}`)].join('\n');
  }
}
