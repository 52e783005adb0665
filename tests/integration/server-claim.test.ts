import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { claimServer, currentClaim } from '../../src/redis/server-claim.ts';

let dir: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'signalbox-claim-'));
});

afterEach(async () => {
  await rm(dir, { recursive: true, force: true });
});

it('lets one of many claimants win', async () => {
  const previous = await currentClaim(dir);

  const won = await Promise.all([11, 12, 13, 14, 15].map((pid) => claimServer(dir, previous, pid)));

  expect(won.filter(Boolean)).toHaveLength(1);
  expect((await currentClaim(dir)).pid).toBe(11 + won.indexOf(true));
});

it('refuses a claimant so slow that its number was used and tidied away meanwhile', async () => {
  const slow = await currentClaim(dir);
  await claimTimes(40);

  expect(await readdir(dir)).not.toContain('server.1.json');
  expect(await claimServer(dir, slow, 99)).toBe(false);
  expect(await currentClaim(dir)).toMatchObject({ number: 40, pid: 40 });
});

it('keeps few of the claims that no longer count', async () => {
  await claimTimes(40);

  expect((await readdir(dir)).length).toBeLessThan(20);
});

async function claimTimes(count: number): Promise<void> {
  for (let pid = 1; pid <= count; pid++) await claimServer(dir, await currentClaim(dir), pid);
}
