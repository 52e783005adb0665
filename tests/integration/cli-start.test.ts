import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type CliHome, createCliHome } from '../support/cli.ts';

vi.setConfig({ testTimeout: 60_000 });

let home: CliHome;
afterEach(() => home.remove());

describe('signalbox start', () => {
  it('leaves no Redis of its own behind when it is told twice to end', async () => {
    home = createCliHome('embedded');
    const gateway = home.spawn('start', '--sandbox-port', '0');
    const lines: string[] = [];
    for await (const line of createInterface(gateway.stdout)) {
      lines.push(line);
      if (line.includes('Signalbox is ready')) break;
    }
    const [, pid] = /"pid":(\d+).*embedded Redis started/.exec(lines.join('\n')) ?? [];

    gateway.kill('SIGTERM');
    gateway.kill('SIGINT');

    expect((await once(gateway, 'exit'))[0]).toBe(1);
    expect(() => process.kill(Number(pid), 0)).toThrow('ESRCH');
  });
});
