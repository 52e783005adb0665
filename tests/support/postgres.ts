/**
 * A real PostgreSQL on loopback, with all its state in one temporary directory. It does not run as root; started by
 * root, it runs as nobody.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { Client } from 'pg';
import { closedPort } from './closed-port.ts';

export const PASSWORD = 'a secret of the database';

export class Postgres {
  readonly #root = mkdtempSync(join(tmpdir(), 'postgres-'));
  #process: ChildProcess | undefined;
  #port = 0;

  /** @param program the absolute path of `postgres`; `initdb` is beside it */
  constructor(private readonly program: string) {}

  urlOf(user: string, database = 'postgres'): string {
    return `postgres://${user}@127.0.0.1:${this.#port}/${database}`;
  }

  /** Resolves once it takes connections. A second start, after a stop, uses the same port and data. */
  async start(): Promise<void> {
    const data = join(this.#root, 'data');
    const drop = process.getuid?.() === 0 ? nobody() : undefined;
    if (this.#port === 0) {
      const secret = join(this.#root, 'password');
      writeFileSync(secret, PASSWORD);
      if (drop) for (const path of [this.#root, secret]) chownSync(path, drop.uid, drop.gid);
      const args = [
        '-D',
        data,
        '-U',
        'owner',
        '-A',
        'scram-sha-256',
        '--pwfile',
        secret,
        '-E',
        'UTF8',
        '--no-sync',
      ];
      execFileSync(join(dirname(this.program), 'initdb'), [...args, '--locale=C'], {
        ...drop,
        cwd: this.#root,
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      this.#port = await closedPort();
    }
    const options = ['-D', data, '-p', String(this.#port), '-k', this.#root, '-h', '127.0.0.1', '-F'];
    const child = spawn(this.program, options, {
      ...drop,
      cwd: this.#root,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.#process = child;
    const lines = createInterface({ input: child.stderr });
    const complaints: string[] = [];
    await new Promise<void>((resolve, reject) => {
      lines.on('line', (line) => {
        complaints.push(line);
        if (line.includes('ready to accept connections')) resolve();
      });
      child.once('exit', () => reject(new Error(`PostgreSQL ended at once:\n${complaints.join('\n')}`)));
    });
  }

  /** Ends it at once, with every connection. Data stays. */
  async stop(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (!child || child.exitCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGINT'); // "fast": breaks connections off
    await ended;
  }

  async dispose(): Promise<void> {
    await this.stop();
    rmSync(this.#root, { recursive: true, force: true });
  }

  /** Runs statements as its owner. Resolves with the rows of the last one. */
  async run(sql: string): Promise<unknown[]> {
    const client = new Client({
      host: '127.0.0.1',
      port: this.#port,
      user: 'owner',
      database: 'postgres',
      password: PASSWORD,
    });
    await client.connect();
    try {
      const result: unknown = await client.query(sql);
      const last = Array.isArray(result) ? result.at(-1) : result;
      return (last as { rows: unknown[] }).rows; // of several statements, a list of results
    } finally {
      await client.end();
    }
  }
}

function nobody(): { uid: number; gid: number } {
  const of = (what: string) => Number(execFileSync('id', [what, 'nobody'], { encoding: 'utf8' }));
  return { uid: of('-u'), gid: of('-g') };
}
