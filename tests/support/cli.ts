/** The `signalbox` command as people run it, on a configuration and a store of the test's own. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gatewaySettings } from '../../gateways/gateway-settings.ts';
import { openStores } from '../../src/app/open-stores.ts';
import { loadConfig } from '../../src/config/load-config.ts';
import { systemClock } from '../../src/domain/clock.ts';
import { createLogger } from '../../src/observability/logger.ts';
import { testRedis } from './redis.ts';

const PROGRAM = fileURLToPath(new URL('../../bin/signalbox.mjs', import.meta.url));

export interface CommandResult {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface CliHome {
  readonly directory: string;
  /** The shipped configuration, with the changes of this test. */
  readonly configDirectory: string;
  readonly redisUrl: string;
  /** Ends with a colon, as every key begins. */
  readonly prefix: string;
  /** Runs a command to its end. */
  run(...args: string[]): Promise<CommandResult>;
  /** Runs it with these lines on its standard input. */
  runWith(input: readonly string[], ...args: string[]): Promise<CommandResult>;
  /** Starts it and leaves it running; ended with `remove`. */
  spawn(...args: string[]): ChildProcessWithoutNullStreams;
  /** What the commands work on, for the test to look at; to be closed. */
  openStores(): ReturnType<typeof openStores>;
  /** Replaces `from` with `to` in one of the files. */
  edit(file: string, from: string | RegExp, to: string): void;
  remove(): Promise<void>;
}

/** @param store `embedded`: a server the commands start themselves; `shared`: the one of this test run */
export function createCliHome(
  store: 'embedded' | 'shared' = 'shared',
  env: Readonly<Record<string, string>> = {},
): CliHome {
  const directory = mkdtempSync(join(tmpdir(), 'signalbox-cli-'));
  const configDirectory = join(directory, 'config');
  cpSync('config', configDirectory, { recursive: true });
  const { url } = testRedis();
  // Shorter than the usual one: settings.yaml takes 40 characters.
  const prefix = `test:cli:${crypto.randomUUID().slice(0, 23)}:`;
  const children = new Set<ChildProcessWithoutNullStreams>();

  const edit = (file: string, from: string | RegExp, to: string) => {
    const path = join(configDirectory, file);
    const before = readFileSync(path, 'utf8');
    const after = before.replace(from, to);
    if (after === before) throw new Error(`nothing to replace in ${file}`);
    writeFileSync(path, after);
  };
  edit(
    'settings.yaml',
    'data_directory: data',
    `data_directory: ${join(directory, 'data')}\n  key_prefix: ${prefix.slice(0, -1)}`,
  );
  edit('settings.yaml', 'port: 4000', 'port: 0');

  const start = (args: readonly string[]) => {
    const child = spawn(process.execPath, [PROGRAM, '--config', configDirectory, ...args], {
      // Away from the checkout, so that no `.env` of a developer is read.
      cwd: directory,
      env: {
        PATH: process.env.PATH,
        HOME: process.env.HOME,
        ...(store === 'shared' ? { REDIS_URL: url } : {}),
        ...env,
      },
    });
    children.add(child);
    child.once('exit', () => children.delete(child));
    return child;
  };
  const runWith = async (input: readonly string[], ...args: string[]): Promise<CommandResult> => {
    const child = start(args);
    let [out, err] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      err += text;
    });
    child.stdin.on('error', () => undefined).end(input.map((line) => `${line}\n`).join(''));
    const [code] = await once(child, 'close');
    return { code: typeof code === 'number' ? code : null, out, err };
  };

  return {
    directory,
    configDirectory,
    redisUrl: url,
    prefix,
    run: (...args) => runWith([], ...args),
    runWith,
    spawn: (...args) => start(args),
    openStores: () => {
      const config = loadConfig({ directory: configDirectory, env: {}, gateways: gatewaySettings });
      const log = createLogger({ level: 'silent' });
      return openStores({ config: () => config, redisUrl: url, clock: systemClock, log });
    },
    edit,
    remove: async () => {
      await Promise.all(
        [...children].map(async (child) => {
          child.kill('SIGKILL');
          await once(child, 'exit');
        }),
      );
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Resolves with everything printed so far, once it looks like this. */
export async function printed(child: ChildProcessWithoutNullStreams, pattern: RegExp): Promise<string> {
  let text = '';
  for await (const chunk of child.stdout.iterator({ destroyOnReturn: false })) {
    text += String(chunk);
    if (pattern.test(text)) return text;
  }
  throw new Error(`the command ended without ${pattern}: ${text}`);
}
