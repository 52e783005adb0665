/**
 * How long a process was ready to go on and this machine gave it no turn, as the kernel counts it. On systems that do
 * not count it nothing is known, and nothing is explained by it.
 */
import { readFileSync } from 'node:fs';

const NS_PER_MS = 1_000_000;

/**
 * Of its main thread, since it began, in ms; undefined where that is not counted, or it is gone.
 * The second number of `/proc/<pid>/schedstat` (kernel.org, scheduler statistics), in ns.
 */
export function turnlessMs(pid: number): number | undefined {
  try {
    const [, waited] = readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ');
    return waited === undefined ? undefined : Number(waited) / NS_PER_MS;
  } catch {
    return undefined;
  }
}
