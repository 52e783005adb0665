import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readEnvironment } from '../../../src/config/environment.ts';

describe('the environment', () => {
  it('OM-023 is that of the process, over what .env says', () => {
    const directory = mkdtempSync(join(tmpdir(), 'signalbox-env-'));
    writeFileSync(
      join(directory, '.env'),
      '# comment\nPATH=nowhere\nSIGNALBOX_TEST_TOKEN="a b"\nSIGNALBOX_TEST_EMPTY=\n',
    );

    const env = readEnvironment(directory);

    expect(env.SIGNALBOX_TEST_TOKEN).toBe('a b');
    expect(env.SIGNALBOX_TEST_EMPTY).toBe('');
    expect(env.PATH).toBe(process.env.PATH);
  });

  it('needs no .env', () => {
    expect(readEnvironment(mkdtempSync(join(tmpdir(), 'signalbox-env-'))).PATH).toBe(process.env.PATH);
  });
});
