/** CPU time of this process, one piece of work after the other. */
import { median } from './statistics.ts';

export interface Cpu {
  readonly p50Ms: number;
  /** With what is done now and then: collected garbage, timers. */
  readonly meanMs: number;
}

/** @param warmUp pieces before it counts, so that code is compiled and connections are open */
export async function cpuOfEach(
  pieces: number,
  warmUp: number,
  work: (n: number) => Promise<unknown>,
): Promise<Cpu> {
  const samples: number[] = [];
  for (let n = 0; n < warmUp + pieces; n++) {
    const before = process.cpuUsage();
    await work(n);
    const { user, system } = process.cpuUsage(before);
    if (n >= warmUp) samples.push((user + system) / 1_000);
  }
  const sum = samples.reduce((total, each) => total + each, 0);
  return { p50Ms: median(samples), meanMs: sum / samples.length };
}
