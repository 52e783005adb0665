/** One gateway as people run it: `signalbox start` as a process of its own, until it is killed. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

const PROGRAM = fileURLToPath(new URL('../../bin/signalbox.mjs', import.meta.url));

/** A busy machine takes seconds for what a quiet one does in one. */
const READY_WITHIN_MS = 60_000;

/** Lines kept to explain an end that nobody ordered. */
const KEPT_LINES = 40;

const LogLine = z.object({ level: z.string(), msg: z.string().optional() });

const TROUBLE = new Set(['warn', 'error', 'fatal']);

export interface GatewayOptions {
  readonly name: string;
  readonly configDir: string;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** Hears every warning and error of the log. */
  readonly onTrouble: (sentence: string) => void;
}

export interface Ended {
  /** Nobody ordered it. */
  readonly byItself: boolean;
  readonly lastLines: readonly string[];
}

export class GatewayProcess {
  readonly name: string;
  readonly startedAt = performance.now();
  /** Resolves when it says that it is ready; rejects when it ends first. */
  readonly ready: Promise<void>;
  readonly ended: Promise<Ended>;
  readonly #process: ChildProcess;
  readonly #lines: string[] = [];
  #isReady = false;
  #isEnded = false;
  #ordered = false;

  constructor(options: GatewayOptions) {
    this.name = options.name;
    this.#process = spawn(
      process.execPath,
      [PROGRAM, '--config', options.configDir, 'start', '--no-sandbox'],
      { cwd: options.cwd, env: options.env, stdio: ['ignore', 'pipe', 'pipe'] },
    );
    this.ended = new Promise((resolve) => {
      this.#process.once('close', () => {
        this.#isEnded = true;
        resolve({ byItself: !this.#ordered, lastLines: this.#lines });
      });
    });
    this.ready = new Promise((resolve, reject) => {
      const late = setTimeout(() => {
        reject(new Error(`${this.name} was not ready in ${READY_WITHIN_MS} ms\n${this.#lines.join('\n')}`));
      }, READY_WITHIN_MS);
      const becomeReady = () => {
        clearTimeout(late);
        this.#isReady = true;
        resolve();
      };
      void this.ended.then(() => {
        clearTimeout(late);
        reject(new Error(`${this.name} ended before it was ready`));
      });
      for (const stream of [this.#process.stdout, this.#process.stderr]) {
        if (stream)
          createInterface({ input: stream }).on('line', (line) => this.#take(line, options, becomeReady));
      }
    });
    this.ready.catch(() => {}); // whoever waits for it hears of it
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  get isReady(): boolean {
    return this.#isReady && !this.#isEnded && !this.#ordered;
  }

  /** SIGKILL, now. */
  kill(): void {
    this.#ordered = true;
    this.#process.kill('SIGKILL');
  }

  #take(line: string, { onTrouble }: GatewayOptions, becomeReady: () => void): void {
    this.#lines.push(line);
    if (this.#lines.length > KEPT_LINES) this.#lines.shift();
    const { level = '', msg = '' } = LogLine.safeParse(parseJson(line)).data ?? {};
    if (TROUBLE.has(level)) onTrouble(msg);
    if (msg === 'ready') becomeReady();
  }
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
