/**
 * What a process and its descendants have used, from `/proc` (Linux only).
 *
 * A gateway may run under a launcher or keep helper processes; all of them are its cost, so figures are sums over
 * the process tree.
 */
import { readdir, readFile } from 'node:fs/promises';

/** Linux reports CPU time in clock ticks of 1/100 s (USER_HZ, fixed at 100 in the kernel's user interface). */
const TICK_MS = 10;

export interface ProcessStat {
  readonly pid: number;
  readonly parent: number;
  /** User and system time of all its threads, in ms. */
  readonly cpuMs: number;
  /** Of children that ended and were waited for, in ms. */
  readonly endedChildrenCpuMs: number;
}

export interface TreeUsage {
  readonly cpuMs: number;
  readonly rssMb: number;
}

/** @throws {Error} when there is no `/proc`, or the process has ended */
export async function readTreeUsage(pid: number): Promise<TreeUsage> {
  const tree = await readTree(pid);
  if (tree.length === 0) throw new Error(`process ${pid} is not running`);

  const rss = await Promise.all(tree.map((stat) => readRssMb(stat.pid)));
  return {
    cpuMs: sum(tree.map((stat) => stat.cpuMs + stat.endedChildrenCpuMs)),
    rssMb: sum(rss),
  };
}

/** Kills everything below a process, but not the process itself. */
export async function endDescendants(pid: number): Promise<void> {
  for (const { pid: each } of await readTree(pid)) {
    if (each === pid) continue;
    try {
      process.kill(each, 'SIGKILL');
    } catch {
      // ended meanwhile
    }
  }
}

/** CPU time all processes of the machine have used together since it started, in ms. */
async function readMachineCpuMs(): Promise<number> {
  return parseMachineStat(await readFile('/proc/stat', 'utf8'));
}

/** CPU time everything but this process and its descendants has used, in ms since the machine started. */
export async function readOthersCpuMs(): Promise<number> {
  const [machine, ours] = await Promise.all([readMachineCpuMs(), readTreeUsage(process.pid)]);
  return machine - ours.cpuMs;
}

/** Busy time of the first line of `/proc/stat`: user, nice, system, irq, softirq; not idle, iowait or stolen. */
export function parseMachineStat(text: string): number {
  const [user, nice, system, , , irq, softirq] = text
    .slice('cpu'.length, text.indexOf('\n'))
    .trim()
    .split(/\s+/)
    .map(Number);
  return sum([user, nice, system, irq, softirq].map((ticks) => ticks ?? Number.NaN)) * TICK_MS;
}

/** Parses `/proc/<pid>/stat`. The command name in it may hold spaces and brackets, so fields count from its end. */
export function parseStat(line: string): ProcessStat {
  const [state, parent, ...rest] = line.slice(line.lastIndexOf(')') + 2).split(' ');
  // proc(5): after `state` and `ppid`, utime is the 10th field that follows, then stime, cutime, cstime.
  const [utime, stime, cutime, cstime] = rest.slice(9, 13).map(Number);
  if (state === undefined || cstime === undefined) throw new Error(`not a /proc stat line: ${line}`);
  return {
    pid: Number.parseInt(line, 10),
    parent: Number(parent),
    cpuMs: ((utime ?? 0) + (stime ?? 0)) * TICK_MS,
    endedChildrenCpuMs: ((cutime ?? 0) + cstime) * TICK_MS,
  };
}

/** The process itself and everything below it. */
export function descendants(stats: readonly ProcessStat[], pid: number): ProcessStat[] {
  const own = stats.filter((stat) => stat.pid === pid);
  const children = stats.filter((stat) => stat.parent === pid);
  return [...own, ...children.flatMap((child) => descendants(stats, child.pid))];
}

async function readTree(pid: number): Promise<ProcessStat[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const stats = (await Promise.all(pids.map(readStat))).filter((stat) => stat !== undefined);
  return descendants(stats, pid);
}

async function readStat(pid: string): Promise<ProcessStat | undefined> {
  try {
    return parseStat(await readFile(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return undefined; // ended between the listing and the reading
  }
}

async function readRssMb(pid: number): Promise<number> {
  try {
    const status = await readFile(`/proc/${pid}/status`, 'utf8');
    return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) / 1024;
  } catch {
    return 0; // ended between the listing and the reading
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
