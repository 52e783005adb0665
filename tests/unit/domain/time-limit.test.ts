import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { timeLimit } from '../../../src/domain/time-limit.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void; // Node's own, once it is exposed

/** Whether it has come although nobody but its listener knows of it, and the garbage is collected all the time. */
async function comes(limit: (ms: number) => AbortSignal): Promise<boolean> {
  const outer = new AbortController();
  let reason: unknown;
  (() => {
    const signal = AbortSignal.any([outer.signal, limit(100)]);
    signal.addEventListener('abort', () => {
      reason = signal.reason;
    });
  })();
  // Not awaited for its own sake: garbage is made and collected until well after the limit.
  for (let round = 0; round < 60 && reason === undefined; round++) {
    collectGarbage();
    await new Promise((resolve) => {
      setTimeout(resolve, 10);
    });
  }
  return reason instanceof DOMException && reason.name === 'TimeoutError';
}

describe('a time limit', () => {
  it('comes, whatever the garbage collector takes in the meantime', async () => {
    expect(await comes(timeLimit)).toBe(true);
  });

  it('is the one that is used: no other is made in the product', () => {
    const files = ['src', 'gateways'].flatMap((folder) =>
      readdirSync(folder, { recursive: true, encoding: 'utf8' })
        .filter((file) => file.endsWith('.ts'))
        .map((file) => join(folder, file)),
    );
    const others = files.filter(
      (file) => !file.endsWith('time-limit.ts') && readFileSync(file, 'utf8').includes('AbortSignal.timeout'),
    );

    expect(files.length).toBeGreaterThan(300);
    expect(others).toEqual([]);
  });
});
