/**
 * The gateway as people start it: `signalbox start` as a process of its own, in a folder of its own with a copy of the
 * shipped configuration, next to a sandbox that lives on when it ends.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { testRedis } from './redis.ts';

const PROGRAM = path.resolve('bin/signalbox.mjs');
const LINE_TIMEOUT_MS = 40_000;

/** One line of the log. */
export interface LogLine {
  readonly msg: string;
  readonly [fact: string]: unknown;
}

export class GatewayProcess {
  readonly lines: LogLine[] = [];
  /** What it said beside its log. */
  readonly said: string[] = [];
  readonly #listeners = new Set<() => void>();
  readonly #ended: Promise<number | null>;

  private constructor(
    readonly child: ChildProcess,
    /** Its working directory, with `config` in it. */
    readonly folder: string,
  ) {
    for (const output of [child.stdout, child.stderr]) {
      if (output) createInterface({ input: output }).on('line', (line) => this.#heard(line));
    }
    // `close`: after its last line was read.
    this.#ended = once(child, 'close').then(([code]) => code);
  }

  static start(
    folder: string,
    env: Readonly<Record<string, string>>,
    args: readonly string[] = ['--no-sandbox'],
  ): GatewayProcess {
    const child = spawn(process.execPath, [PROGRAM, 'start', ...args], {
      cwd: folder,
      env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return new GatewayProcess(child, folder);
  }

  /** Resolves with the exit code. */
  ended(): Promise<number | null> {
    return this.#ended;
  }

  /** The first (or `nth`) line of the log with these words. Rejects when it ends before, or takes too long. */
  async line(words: RegExp, nth = 1): Promise<LogLine> {
    const found = () => this.lines.filter(({ msg }) => words.test(msg))[nth - 1];
    return new Promise((resolve, reject) => {
      const settle = (act: () => void) => {
        clearTimeout(timer);
        this.#listeners.delete(look);
        act();
      };
      const look = () => {
        const line = found();
        if (line) settle(() => resolve(line));
      };
      const fail = (why: string) =>
        settle(() => reject(new Error(`${why} before it logged ${words}:\n${this.#heardSoFar()}`)));
      const timer = setTimeout(() => fail('too long'), LINE_TIMEOUT_MS);
      this.#listeners.add(look);
      void this.#ended.then((code) => (found() ? look() : fail(`it ended with ${code}`)));
      look();
    });
  }

  /** The steps of its start, as logged. */
  steps(): { step: unknown; stage: unknown }[] {
    return this.lines.filter(({ step }) => step !== undefined).map(({ step, stage }) => ({ step, stage }));
  }

  signal(name: 'SIGTERM' | 'SIGKILL'): void {
    this.child.kill(name);
  }

  async stop(): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill('SIGKILL');
    await this.#ended;
  }

  #heard(line: string): void {
    const parsed = toLogLine(line);
    if (parsed) this.lines.push(parsed);
    else this.said.push(line);
    for (const listener of [...this.#listeners]) listener();
  }

  #heardSoFar(): string {
    return [...this.lines.map((line) => JSON.stringify(line)), ...this.said].join('\n');
  }
}

/** A folder for a gateway of its own, and how to point it at a sandbox. */
export class GatewayHome {
  private constructor(
    readonly folder: string,
    private readonly env: Readonly<Record<string, string>>,
    /** Where the gateway takes mail. */
    readonly mailPort: number,
  ) {}

  static async create(sandbox: Sandbox): Promise<GatewayHome> {
    const { url } = testRedis();
    const prefix = `t:${crypto.randomUUID()}`;
    const folder = await mkdtemp(path.join(tmpdir(), 'signalbox-home-'));
    await cp('config', path.join(folder, 'config'), { recursive: true });
    const port = await freePort();
    const env = {
      ...sandbox.env,
      REDIS_URL: url,
      MAIL_LISTEN_PROTOCOL: 'smtp',
      MAIL_LISTEN_PORT: String(port),
    };
    const home = new GatewayHome(folder, env, port);
    await home.edit('settings.yaml', (text) =>
      text
        .replace('data_directory: data', `data_directory: data\n  key_prefix: ${prefix}`)
        .replace('port: 4000', 'port: 0')
        .replace('mode: $', 'pace: { posts: 10000, seconds: 1 }\n    mode: $'),
    );
    sandbox.mail.connectGateway({ host: '127.0.0.1', port });
    return home;
  }

  start(env: Readonly<Record<string, string>> = {}): GatewayProcess {
    return GatewayProcess.start(this.folder, { ...this.env, ...env });
  }

  /** Changes one of the six files. */
  async edit(file: string, change: (text: string) => string): Promise<void> {
    const where = path.join(this.folder, 'config', file);
    const before = await readFile(where, 'utf8');
    const after = change(before);
    if (after === before) throw new Error(`${file} was not changed`);
    await writeFile(where, after);
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}

function toLogLine(line: string): LogLine | undefined {
  try {
    const parsed: unknown = JSON.parse(line);
    // `as`: the logger writes objects with a `msg`.
    return typeof parsed === 'object' && parsed !== null && 'msg' in parsed ? (parsed as LogLine) : undefined;
  } catch {
    return undefined;
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address ? address.port : 0;
}
