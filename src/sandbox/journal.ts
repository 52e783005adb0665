/**
 * The sandbox's memory: every change of every emulator, one JSON line each, oldest first.
 *
 * Owns      the file, the order of its lines, and what is read back from it at start.
 * Not here  what a record means: each emulator appends records of its own kind and applies them again at start.
 *
 * Invariants
 *   1. `append` returns after the line was handed to the operating system, so that a killed process has lost
 *      nothing it told anybody about. (Not synced to the disk: a stand-in need not survive a power cut.)
 *   2. A line that a kill cut in half is dropped at the next start, and the file is cut back to the last whole one.
 */
import { closeSync, ftruncateSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';

const FILE_NAME = 'sandbox.jsonl';

const Line = z.object({ kind: z.string(), record: z.unknown() });
type Line = z.infer<typeof Line>;

export class Journal {
  #lines: Line[] = [];
  #file: number | undefined;

  /** Without a directory nothing is kept: the state lives and dies with the process. */
  constructor(private readonly directory?: string) {}

  /** Reads what was kept and opens the file for more. */
  async start(): Promise<void> {
    if (this.directory === undefined) return;
    mkdirSync(this.directory, { recursive: true });

    const file = openSync(path.join(this.directory, FILE_NAME), 'a+');
    const { lines, wholeBytes } = readLines(readFileSync(file));
    ftruncateSync(file, wholeBytes);
    this.#lines = lines;
    this.#file = file;
  }

  /** Closes the file; what is appended afterwards is not kept. Safe to call twice. */
  async stop(): Promise<void> {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }

  /** Keeps one record; `kind` is the name of the emulator it belongs to. */
  append(kind: string, record: unknown): void {
    if (this.#file === undefined) return;
    writeSync(this.#file, `${JSON.stringify({ kind, record } satisfies Line)}\n`);
  }

  /** What was kept under `kind` when the journal started, oldest first. Each emulator reads it once, at its start. */
  replay(kind: string): unknown[] {
    return this.#lines.filter((line) => line.kind === kind).map((line) => line.record);
  }
}

function readLines(bytes: Buffer): { lines: Line[]; wholeBytes: number } {
  const lines: Line[] = [];
  let start = 0;
  for (let end = bytes.indexOf(10); end !== -1; end = bytes.indexOf(10, start)) {
    lines.push(Line.parse(JSON.parse(bytes.toString('utf8', start, end))));
    start = end + 1;
  }
  return { lines, wholeBytes: start };
}
