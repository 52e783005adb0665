/**
 * A real Redis server of our own, for whoever has none: a child process on a Unix socket with an append-only file.
 *
 * Owns      the server process: starting, sharing, replacing and stopping it.
 * Not here  finding the program (`server-binary.mjs`), who may serve a directory (`server-claim.ts`).
 *
 *   1. One server per data directory. A server starts without an address, which makes it exit untouched, and is
 *      told its address on standard input once its claim stands; killed in between, we leave nothing behind.
 *   2. The server is in a process group of its own and outlives us, so a SIGKILL of the gateway costs no data; the
 *      next start adopts it.
 *   3. Everybody who uses the server holds a connection named `signalbox-holder`. Who leaves renames theirs to
 *      `signalbox-leaving` and counts the holders in one transaction, who joins looks for a leaver in one
 *      transaction; so the last one stops the server, and nobody joins a server that is about to stop. Names vanish
 *      with their connection: a killed gateway holds nothing.
 *   4. While held, a server that dies is replaced under the same address.
 *
 *      join ──► claimed? ──no──► spawn ──► claim ──► give address ──► join
 *                  │ yes                     │ lost: kill the child, look again
 *                  ├─ answers: hold it (unless somebody is leaving: look again)
 *                  ├─ lives, but silent: starting or stopping, look again
 *                  └─ dead: spawn
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { constants } from 'node:fs';
import { access, lstat, mkdir, open, readFile, realpath } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis, ReplyError } from 'ioredis';
import { StartupError } from '../domain/errors.ts';
import type { Logger } from '../observability/logger.ts';
import { findServerBinary, serverRemedy } from './server-binary.mjs';
import { claimServer, currentClaim } from './server-claim.ts';

export interface EmbeddedRedisOptions {
  /** Created if missing; the server's files go into its folder `redis`. */
  readonly dataDir: string;
  readonly log: Logger;
  /** When the append-only file reaches the disk. Default `always`: before a write is acknowledged. */
  readonly fsync?: 'always' | 'everysec' | 'no';
}

export interface EmbeddedRedis {
  /** `unix://…`, understood by ioredis; the same for every start on this data directory. */
  readonly url: string;
  /** True when a server that was already running is shared. */
  readonly adopted: boolean;
  /** Process id of the server; changes when a dead server is replaced. */
  pid(): number;
  /** Lets go, and stops the server if nobody else holds it. Resolves when it has ended. Safe to call twice. */
  stop(): Promise<void>;
}

/** Longest path of a Unix socket: 104 bytes with the final zero on macOS, 108 on Linux (`sun_path`). */
const MAX_SOCKET_PATH_BYTES = 103;
/** What a URL leaves as it is. */
const PLAIN_PATH = /^[\w./@+,-]*$/;
/** A server that lives but answers nothing for this long is reported instead of waited for. */
const SILENT_MS = 15_000;
/** Longest wait for a server that was told to end. */
const SHUTDOWN_MS = 10_000;
/** Between two looks at a server that is starting or stopping. */
const LOOK_AGAIN_MS = 10;
/** How often a process that has another name is looked at before it is taken for a stranger. */
const LOOKS_AT_NAME = 10;
/** Between two attempts to replace a server that died and could not be started again. */
const REPLACE_AGAIN_MS = 1_000;

const HOLDER = 'signalbox-holder';
const LEAVING = 'signalbox-leaving';

/**
 * Resolves when the server answers commands, its data loaded.
 *
 * @throws {StartupError} no server program, a data directory that cannot be used, or a server that does not start
 */
export async function startEmbeddedRedis(options: EmbeddedRedisOptions): Promise<EmbeddedRedis> {
  const home = await openHome(options.dataDir);
  const server = new HeldServer(home, options.fsync ?? 'always', options.log);
  const adopted = await server.start();
  return { url: `unix://${home.socket}`, adopted, pid: () => server.pid, stop: () => server.stop() };
}

/** Where one server keeps its things. */
interface Home {
  readonly dir: string;
  readonly socket: string;
  readonly logFile: string;
}

/** A server in use by this process. */
interface Held {
  readonly connection: Redis;
  readonly pid: number;
  readonly adopted: boolean;
}

class HeldServer {
  #held: Held | undefined;
  #replacing: Promise<void> = Promise.resolve();
  #stopped: Promise<void> | undefined;

  constructor(
    private readonly home: Home,
    private readonly fsync: string,
    private readonly log: Logger,
  ) {}

  get pid(): number {
    if (!this.#held) throw new Error('the embedded Redis is not running');
    return this.#held.pid;
  }

  async start(): Promise<boolean> {
    const held = await this.#hold();
    const facts = { pid: held.pid, socket: this.home.socket };
    this.log.info(facts, held.adopted ? 'sharing a running Redis' : 'embedded Redis started');
    return held.adopted;
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#letGo();
    return this.#stopped;
  }

  async #hold(): Promise<Held> {
    const held = await holdServer(this.home, this.fsync, this.log);
    held.connection.once('close', () => {
      if (!this.#stopped) this.#replacing = this.#replace(held.pid);
    });
    this.#held = held;
    return held;
  }

  /** Never rejects: it goes on until there is a server again or we are stopped. */
  async #replace(pid: number): Promise<void> {
    this.log.warn({ pid }, 'lost the embedded Redis; taking it up again');
    this.#held = undefined;
    while (!this.#stopped && !this.#held) {
      await this.start().catch(async (error: unknown) => {
        this.log.error({ error }, 'the embedded Redis is still away; trying again');
        await sleep(REPLACE_AGAIN_MS);
      });
    }
  }

  async #letGo(): Promise<void> {
    await this.#replacing;
    if (!this.#held) return;
    const { connection, pid } = this.#held;
    if (await isLast(connection)) {
      if (await shutDown(connection, pid)) this.log.info({ pid }, 'embedded Redis stopped');
      else this.log.error({ pid, logFile: this.home.logFile }, 'embedded Redis did not stop');
    }
    connection.disconnect();
  }
}

/** The loop in the header's picture. */
async function holdServer(home: Home, fsync: string, log: Logger): Promise<Held> {
  let ours: ChildProcess | undefined;
  let silentUntil = Date.now() + SILENT_MS;
  for (;;) {
    const claim = await currentClaim(home.dir);
    if (claim.pid !== undefined) {
      const connection = await joinServer(home, log);
      if (connection) return { connection, pid: claim.pid, adopted: claim.pid !== ours?.pid };
      const own = claim.pid === ours?.pid ? ours : undefined;
      if (own ? !hasEnded(own) : await isServing(claim.pid, home)) {
        if (Date.now() > silentUntil) throw silentServer(claim.pid, home);
        await sleep(LOOK_AGAIN_MS);
        continue;
      }
      // A clean end means that somebody else joined our server before us, and has left.
      if (own && own.exitCode !== 0) throw await endedServer(home);
    }
    ours = await spawnServer(home, fsync);
    if (ours.pid !== undefined && (await claimServer(home.dir, claim, ours.pid))) {
      ours.stdin?.end(`unixsocket "${home.socket}"\nunixsocketperm 700\n`);
      silentUntil = Date.now() + SILENT_MS;
    } else {
      ours.kill('SIGKILL');
    }
  }
}

/**
 * A server that waits for its address on standard input. Without one it exits before it looks at its data, because
 * it has nothing to listen on.
 */
async function spawnServer(home: Home, fsync: string): Promise<ChildProcess> {
  const binary = await findServerBinary();
  if (binary.kind !== 'found')
    throw new StartupError('there is no Redis server to start', serverRemedy(binary));
  const logFile = await open(home.logFile, 'a', 0o600);
  try {
    const child = spawn(binary.command, ['-', ...serverOptions(home, fsync)], {
      detached: true,
      stdio: ['pipe', logFile.fd, logFile.fd],
    });
    child.stdin?.on('error', () => {}); // it exited before it read its address; the loop sees that
    await once(child, 'spawn');
    child.unref();
    return child;
  } finally {
    await logFile.close();
  }
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}

function serverOptions(home: Home, fsync: string): string[] {
  const options = {
    port: '0',
    dir: home.dir,
    appendonly: 'yes',
    appendfsync: fsync,
    // The append-only file is the only copy; snapshots beside it would cost a fork each.
    save: '',
    // Refuse writes when memory is full; never evict what was accepted.
    'maxmemory-policy': 'noeviction',
  };
  return Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]);
}

/** A connection that holds the server, its data loaded; undefined when nothing answers or it is about to stop. */
async function joinServer(home: Home, log: Logger): Promise<Redis | undefined> {
  const connection = new Redis({
    path: home.socket,
    lazyConnect: true,
    retryStrategy: null,
    enableReadyCheck: false,
    connectTimeout: 2_000,
    commandTimeout: 5_000,
  });
  connection.on('error', () => {}); // reported by the call that fails
  try {
    await connection.connect();
    const clients = await rename(connection, HOLDER);
    if (clients.includes(LEAVING)) throw new Error('somebody is about to stop it');
    await loaded(connection, log);
    return connection;
  } catch {
    connection.disconnect();
    return undefined;
  }
}

/** A large append-only file takes a second per some hundred megabytes. */
async function loaded(connection: Redis, log: Logger): Promise<void> {
  for (let looks = 1; ; looks++) {
    const answer = await connection.ping().catch((error: Error) => error.message);
    if (answer === 'PONG') return;
    if (!answer.startsWith('LOADING')) throw new Error(answer);
    if (looks % 200 === 0) log.info({}, 'embedded Redis is loading its data');
    await sleep(LOOK_AGAIN_MS);
  }
}

async function isLast(connection: Redis): Promise<boolean> {
  const clients = await rename(connection, LEAVING).catch(() => undefined); // it died meanwhile: nothing to stop
  return clients !== undefined && !clients.includes(HOLDER);
}

/** Renames our connection and lists everybody's names, in one transaction. */
async function rename(connection: Redis, name: string): Promise<string[]> {
  const results = await connection.multi().client('SETNAME', name).client('LIST').exec();
  const list = results?.[1]?.[1];
  if (typeof list !== 'string') throw new Error('the server does not list its clients');
  return list.split('\n').map((line) => / name=(\S*)/.exec(line)?.[1] ?? '');
}

/** False when the server refuses (it could not write its file) or does not end in time; it then goes on. */
async function shutDown(connection: Redis, pid: number): Promise<boolean> {
  // On success there is no answer, only the end of the connection.
  const refusal = await connection.shutdown().catch((error: unknown) => error);
  if (refusal instanceof ReplyError) return false;
  const until = Date.now() + SHUTDOWN_MS;
  while (await isAlive(pid)) {
    if (Date.now() > until) return false;
    await sleep(LOOK_AGAIN_MS);
  }
  return true;
}

async function isAlive(pid: number): Promise<boolean> {
  return (await commandLine(pid)) !== '';
}

/** Is the process a server for this directory, and not a stranger that got the process id later? */
async function isServing(pid: number, home: Home): Promise<boolean> {
  for (let looks = 1; ; looks++) {
    const line = await commandLine(pid);
    // Before it has its address the folder is on the command line, afterwards the socket.
    if (line.includes(home.dir) || line.includes(home.socket)) return true;
    // Between the two there is neither for a moment: a server blanks its command line before it writes it anew.
    if (looks === LOOKS_AT_NAME) return false;
    await sleep(LOOK_AGAIN_MS);
  }
}

/** Empty when there is no such process, or only its remains. */
async function commandLine(pid: number): Promise<string> {
  if (process.platform === 'linux') return readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  return new Promise((resolve) => {
    execFile('ps', ['-o', 'command=', '-p', String(pid)], (error, stdout) =>
      resolve(error ? '' : stdout.trim()),
    );
  });
}

/** @throws {StartupError} when the folder cannot be made or written */
async function openHome(dataDir: string): Promise<Home> {
  const wanted = join(dataDir, 'redis');
  try {
    await mkdir(wanted, { recursive: true, mode: 0o700 });
    await access(wanted, constants.W_OK);
  } catch (cause) {
    const remedy = 'Make it writable for this user, or choose another data directory.';
    throw new StartupError(`the data directory ${dataDir} cannot be written: ${reason(cause)}`, remedy, {
      cause,
    });
  }
  const dir = await realpath(wanted);
  return { dir, socket: await socketPath(dir), logFile: join(dir, 'redis.log') };
}

/** Beside the data if its path can be a socket's and stand in a URL, else in a private temporary folder named after it. */
async function socketPath(dir: string): Promise<string> {
  const beside = join(dir, 'redis.sock');
  if (Buffer.byteLength(beside) <= MAX_SOCKET_PATH_BYTES && PLAIN_PATH.test(beside)) return beside;
  const { uid } = userInfo();
  const folder = join(
    tmpdir(),
    `signalbox-${uid}-${createHash('sha256').update(dir).digest('hex').slice(0, 12)}`,
  );
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const made = await lstat(folder);
  if (made.uid !== uid || !made.isDirectory() || (made.mode & 0o077) !== 0) {
    throw new StartupError(
      `${folder} belongs to somebody else`,
      'Remove it, or choose a data directory with a shorter path.',
    );
  }
  return join(folder, 'redis.sock');
}

function silentServer(pid: number, home: Home): StartupError {
  return new StartupError(
    `the Redis server ${pid} serves ${home.dir} but has not answered for ${SILENT_MS / 1000} s`,
    `See ${home.logFile}; if it hangs, end it with \`kill ${pid}\` and start again.`,
  );
}

async function endedServer(home: Home): Promise<StartupError> {
  const text = await readFile(home.logFile, 'utf8').catch(() => '');
  const lastLines = text.trimEnd().split('\n').slice(-3).join(' | ');
  return new StartupError(
    `the Redis server ended while starting: ${lastLines}`,
    `The whole story is in ${home.logFile}.`,
  );
}

function reason(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
