/**
 * Who keeps a journal: one process at a time. The claim is a socket somebody listens on, so that it ends with the
 * process, however that ends, and a file left behind by a killed one claims nothing.
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, realpathSync, rmSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StartupError } from '../domain/errors.ts';

export class JournalClaim {
  readonly #directory: string;
  #server: Server | undefined;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** @throws {StartupError} when another process keeps the journal of this directory */
  async start(): Promise<void> {
    mkdirSync(this.#directory, { recursive: true });
    const address = addressOf(this.#directory);
    if (await isAnswered(address)) {
      throw new StartupError(
        `a sandbox runs already on ${this.#directory}`,
        'use that one, or stop it first. A second one beside it needs a folder of its own: redis.data_directory',
      );
    }
    rmSync(address, { force: true });
    const server = createServer((socket) => socket.destroy()).listen(address);
    await once(server, 'listening');
    server.unref();
    this.#server = server;
  }

  /** Safe to call twice. */
  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    await new Promise<void>((resolve) => (server ? server.close(() => resolve()) : resolve()));
  }
}

/** Outside the directory, whose path may be longer than the 103 bytes macOS has for the name of a socket. */
function addressOf(directory: string): string {
  const name = createHash('sha256').update(realpathSync(directory)).digest('hex').slice(0, 16);
  return join(tmpdir(), `signalbox-sandbox-${name}.sock`);
}

function isAnswered(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(address);
    const settle = (answered: boolean) => {
      socket.destroy();
      resolve(answered);
    };
    socket.once('connect', () => settle(true)).once('error', () => settle(false));
  });
}
