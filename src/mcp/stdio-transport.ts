/**
 * A server that runs as a program of ours: messages go over its standard input and output, one on a line.
 *
 * The SDK has such a transport, too; it gives a program part of our environment, and ends the program alone, not what
 * that has started.
 *
 * Invariants
 *   1. The program has exactly the environment it is given, and no file of ours but its three streams.
 *   2. Once `close` resolves, neither it nor anything it started and did not detach runs any more.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { ReadBuffer, serializeMessage } from '@modelcontextprotocol/sdk/shared/stdio.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';
import { timeLimit } from '../domain/time-limit.ts';

/** Largest message of a server, in bytes. */
export const MAX_MESSAGE_BYTES = 4 * 1_024 * 1_024;
/** Time a program has to end by itself, and again once it is told to, in ms. */
const GRACE_MS = 1_000;

export interface Program {
  /** Its whole path. */
  readonly path: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

export class StdioTransport implements Transport {
  onmessage?: (message: JSONRPCMessage) => void;
  onerror?: (error: Error) => void;
  onclose?: () => void;
  #child: Child | undefined;
  #closing: Promise<void> | undefined;

  /** @param onRemark hears every line of its standard error */
  constructor(
    private readonly program: Program,
    private readonly onRemark: (line: string) => void,
    private readonly graceMs = GRACE_MS,
  ) {}

  /** @throws when it cannot be started */
  async start(): Promise<void> {
    const { path, args, env } = this.program;
    // A group of its own, so that what it starts can be ended together with it.
    const child: Child = spawn(path, [...args], {
      env: { ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
    });
    this.#child = child;
    const received = new ReadBuffer({ maxBufferSize: MAX_MESSAGE_BYTES });
    child.stdout.on('data', (chunk: Buffer) => this.#take(received, chunk));
    createInterface({ input: child.stderr }).on('line', this.onRemark);
    for (const stream of [child.stdin, child.stdout, child.stderr]) {
      stream.on('error', (error) => this.onerror?.(error));
    }
    await once(child, 'spawn');
    child.on('error', (error) => this.onerror?.(error));
    child.once('exit', () => void this.close());
  }

  async send(message: JSONRPCMessage): Promise<void> {
    const child = this.#child;
    if (!child || this.#closing) throw new Error('the program does not run');
    if (!child.stdin.write(serializeMessage(message)))
      await Promise.race([once(child.stdin, 'drain'), ended(child)]);
  }

  async close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const child = this.#child;
    if (child?.pid !== undefined) {
      child.stdin.end();
      for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
        if (await isOver(child, this.graceMs)) break;
        killGroup(child.pid, signal);
      }
      await ended(child);
      killGroup(child.pid, 'SIGKILL'); // what it left behind
      // Its last words may still be on their way.
      await finished(child.stdout, { signal: timeLimit(this.graceMs) }).catch(() => undefined);
      child.stdout.destroy();
      child.stderr.destroy();
    }
    this.onclose?.();
  }

  #take(received: ReadBuffer, chunk: Buffer): void {
    try {
      received.append(chunk);
    } catch (error) {
      this.onerror?.(error instanceof Error ? error : new Error(String(error)));
      void this.close();
      return;
    }
    for (;;) {
      try {
        const message = received.readMessage();
        if (message === null) return;
        this.onmessage?.(message);
      } catch (error) {
        // A line that is no message; the next one may be.
        this.onerror?.(error instanceof Error ? error : new Error(String(error)));
      }
    }
  }
}

function hasEnded({ exitCode, signalCode }: Child): boolean {
  return exitCode !== null || signalCode !== null;
}

async function ended(child: Child): Promise<void> {
  if (!hasEnded(child)) await once(child, 'exit');
}

/** Whether it ends within this time. */
async function isOver(child: Child, graceMs: number): Promise<boolean> {
  const waiting = new AbortController();
  const late = sleep(graceMs, false, { signal: waiting.signal }).catch(() => false);
  const isEnded = await Promise.race([ended(child).then(() => true), late]);
  waiting.abort();
  return isEnded;
}

function killGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // nobody is left in it
  }
}
