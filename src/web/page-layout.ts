/**
 * Lays a page out as Markdown in a process of its own, within a time and a memory of its own.
 *
 * Invariant: whatever a page is built like, nobody else waits for it, and nothing of ours ends with it.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Root } from 'hast';

export const PAGE_PROCESS = fileURLToPath(new URL('./page-process.mjs', import.meta.url));

/** A page of `MAX_NODES` that people read takes a tenth of it. */
const LAYOUT_MS = 4_000;
/** After that the process ends by itself: whoever has begun it may be gone. */
const PROCESS_MS = 2 * LAYOUT_MS;
const MOST_MEMORY_MB = 256;
/** Most characters of the result: cells a page leaves out are written down as well. */
const MOST_CHARS = 1_000_000;

/** Undefined where it takes too much, or comes to too much. Never rejects but for `signal`. */
export async function layOut(tree: Root, signal: AbortSignal): Promise<string | undefined> {
  signal.throwIfAborted();
  const child = fork(PAGE_PROCESS, [String(PROCESS_MS)], {
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    execArgv: [`--max-old-space-size=${MOST_MEMORY_MB}`],
    env: {},
  });
  const kill = () => child.kill('SIGKILL');
  const timer = setTimeout(kill, LAYOUT_MS);
  signal.addEventListener('abort', kill, { once: true });
  try {
    const text = await answerOf(child, tree);
    signal.throwIfAborted();
    return text !== undefined && text.length <= MOST_CHARS ? text : undefined;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', kill);
    kill();
  }
}

/** Undefined when it ends, or cannot be started, without one. */
function answerOf(child: ChildProcess, tree: Root): Promise<string | undefined> {
  return new Promise((resolve) => {
    child.once('message', (text) => resolve(typeof text === 'string' ? text : undefined));
    child.once('exit', () => resolve(undefined));
    child.on('error', () => resolve(undefined));
    // An end before it was taken is told by `exit`.
    child.send(tree, () => undefined);
  });
}
