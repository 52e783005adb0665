/**
 * The sandbox, as a process beside the gateway: it plays the platforms that have no credentials.
 *
 * A process of its own, so that what it emulates does not die with the gateway, as the real ones do not.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { StartupError } from '../domain/errors.ts';
import type { GatewayTargets } from './sandbox-plan.ts';

const Ready = z.object({ url: z.url(), env: z.record(z.string(), z.string()) });

export interface SandboxProcess {
  readonly url: string;
  readonly pid: number | undefined;
  /** What points the gateway at it. */
  readonly env: Readonly<Record<string, string>>;
  /** Tells it where the gateway takes mail, and what platforms call over HTTP. */
  connectGateway(target: GatewayTargets): Promise<void>;
  /** Resolves with what happened if it ends without having been stopped. */
  readonly ended: Promise<string>;
  stop(): Promise<void>;
}

/** @throws {StartupError} when it ends before it is ready */
export async function startSandboxProcess(options: {
  dataDir: string;
  port: number | undefined;
}): Promise<SandboxProcess> {
  const [entry = ''] = process.argv.slice(1);
  const port = options.port === undefined ? [] : ['--port', String(options.port)];
  const child = spawn(
    process.execPath,
    [...process.execArgv, entry, 'sandbox', '--data', options.dataDir, ...port],
    // Output beyond its first line is for people who look for trouble; its errors are ours.
    { stdio: ['ignore', 'pipe', 'inherit', 'ipc'], detached: true },
  );
  const { url, env } = await firstLine(child);
  let stopping = false;
  return {
    url,
    pid: child.pid,
    env,
    ended: new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        if (!stopping) resolve(`the sandbox ended by itself (${signal ?? `code ${code}`})`);
      });
    }),
    connectGateway: async (target) => {
      const response = await fetch(`${url}/gateway`, {
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(target),
      });
      if (!response.ok)
        throw new Error(`the sandbox did not take the gateway's address: ${await response.text()}`);
    },
    stop: async () => {
      stopping = true;
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGTERM');
      await once(child, 'exit');
    },
  };
}

async function firstLine(child: ChildProcess): Promise<z.infer<typeof Ready>> {
  if (!child.stdout) throw new Error('the sandbox has no output');
  const lines = createInterface({ input: child.stdout });
  const ended = once(child, 'exit').then(([code]): never => {
    throw new StartupError(
      `the sandbox ended at once (${String(code)})`,
      'look at the lines above for the reason',
    );
  });
  const [line] = await Promise.race([once(lines, 'line'), ended]);
  ended.catch(() => undefined);
  return Ready.parse(JSON.parse(String(line)));
}
