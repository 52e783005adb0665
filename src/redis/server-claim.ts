/**
 * Who serves a data directory: at most one server at any instant, whoever is killed when.
 *
 * The claims are files `server.<n>.json`; the highest number counts. To claim is to create the next number, which
 * the file system lets one caller do.
 *
 *   1. A claim appears complete or not at all (written aside, then hard-linked).
 *   2. The highest claim is never deleted. A claimant so slow that its number was used and tidied away meanwhile
 *      can create it again, but then finds a higher one and has lost.
 *   3. A server gets its address only after its claim stands (`embedded.ts`).
 */
import { link, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

const Claim = z.object({ pid: z.int().positive() });

/** `pid` is undefined when the file cannot be read as a claim, which means nobody serves under it. */
export interface ServerClaim {
  readonly number: number;
  readonly pid: number | undefined;
}

/** The claim that counts; number 0 when there has never been one. */
export async function currentClaim(dir: string): Promise<ServerClaim> {
  const number = Math.max(0, ...(await claimNumbers(dir)));
  if (number === 0) return { number, pid: undefined };
  const text = await readFile(claimFile(dir, number), 'utf8').catch(absent);
  // Gone between listing and reading: somebody claimed the next number and tidied up.
  return text === undefined ? currentClaim(dir) : { number, pid: toPid(text) };
}

/** Puts `pid` in the place of `previous`. False when somebody else was first. */
export async function claimServer(dir: string, previous: ServerClaim, pid: number): Promise<boolean> {
  const number = previous.number + 1;
  const draft = join(dir, `draft.${process.pid}.${pid}.json`);
  await writeFile(draft, JSON.stringify({ pid }), { mode: 0o600 });
  const created = await link(draft, claimFile(dir, number)).then(() => true, taken);
  await rm(draft, { force: true });
  if (!created || Math.max(...(await claimNumbers(dir))) > number) return false;
  await tidy(dir, number);
  return true;
}

/** Claims that stay for claimants slower than others: they find their number taken. */
const KEPT = 16;

async function tidy(dir: string, current: number): Promise<void> {
  for (const number of await claimNumbers(dir)) {
    if (number <= current - KEPT) await rm(claimFile(dir, number), { force: true });
  }
}

async function claimNumbers(dir: string): Promise<number[]> {
  const names = await readdir(dir);
  return names
    .map((name) => Number(/^server\.(\d+)\.json$/.exec(name)?.[1] ?? 0))
    .filter((number) => number > 0);
}

function claimFile(dir: string, number: number): string {
  return join(dir, `server.${number}.json`);
}

function toPid(text: string): number | undefined {
  try {
    return Claim.parse(JSON.parse(text)).pid;
  } catch {
    return undefined;
  }
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}

function taken(error: NodeJS.ErrnoException): false {
  if (error.code !== 'EEXIST') throw error;
  return false;
}
